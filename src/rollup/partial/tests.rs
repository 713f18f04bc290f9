use super::super::finish;
use super::*;
use crate::model::{DeliveryId, HOUR};

const DELIVERIES: i64 = 2;

/// Tells what one of many messages did; they share deliveries, hours and files.
fn tell(partial: &mut Partial, message: i64) {
    let t = Instant::FIRST;
    let mut teller = partial.teller(DeliveryIndex((message % DELIVERIES) as u32));
    let source = (message % 3) as u32;
    teller.meets(source, Fate::Counted);
    teller.mark(source, Mark::Test);
    let at = t.plus(message % 5 * HOUR);
    teller.moves(at, None, Status::Sent);
    teller.occurs(at, Occurrence::FirstComplaint);
    let turn = (message * 7) % 20;
    teller.ends(&Life {
        deadline: Some(t.plus(turn)),
        first_event_at: Some(t.plus(turn + 100)),
        last_event_at: Some(t.plus(turn + 200)),
        ..Life::default()
    });
}

fn told(messages: std::ops::Range<i64>) -> Partial {
    let mut partial = Partial::new(3);
    messages.for_each(|message| tell(&mut partial, message));
    partial
}

#[test]
fn parts_of_one_delivery_hour_and_file_merge_to_the_whole() {
    let ids: Vec<DeliveryId> = (0..DELIVERIES).map(DeliveryId::Number).collect();
    let whole = told(0..20);
    for cuts in [[0, 7, 13, 20], [0, 0, 20, 20], [0, 1, 2, 20]] {
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut merged = Partial::new(3);
            for part in order {
                merged.merge(&told(cuts[part]..cuts[part + 1]));
            }
            assert_eq!(finish(&merged, &ids), finish(&whole, &ids));
            assert_eq!(merged.fates(), whole.fates());
        }
    }
    let facts = whole.facts(DeliveryIndex(0));
    assert_eq!(facts.final_at, Some(Instant::FIRST.plus(18)));
    assert_eq!(facts.first_event_at, Some(Instant::FIRST.plus(100)));
    assert_eq!(facts.last_event_at, Some(Instant::FIRST.plus(218)));
}
