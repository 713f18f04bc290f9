//! Small random histories, full of what is easy to get wrong: ties, doubled rows, corrections,
//! instants at deadlines, hour boundaries and as-of.

mod rows;

use std::ops::RangeInclusive;

use fastrand::Rng;

use super::oracle::{HOUR, Machines, Mode};
use super::world::{DeliveryRow, World};

/// 2026-03-02T09:00:00Z.
pub const START: i64 = 1_772_442_000_000_000;
pub const MINUTE: i64 = HOUR / 60;
pub const QUEUE: i64 = 84 * HOUR;

/// What a whole history has in common.
struct Style {
    /// How reports say what happened.
    form: Form,
    /// Share of rows with a log id, in percent.
    log_ids: u32,
    /// Whether some rows are rejected.
    rejects: bool,
    /// Whether labels come in odd case and with blanks, and types as text.
    odd_labels: bool,
    text_types: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Events,
    Statuses,
    Mixed,
}

/// One of `values`.
pub fn pick<T: Clone>(rng: &mut Rng, values: &[T]) -> T {
    values[rng.usize(..values.len())].clone()
}

/// True in `percent` of the cases.
pub fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(..100) < percent
}

/// The history of this seed, its as-of and its deadline mode.
pub fn world(seed: u64) -> (World, i64, Mode) {
    let mut rng = Rng::with_seed(seed);
    let rng = &mut rng;
    let style = style(rng);
    let mode = if chance(rng, 80) {
        Mode::Infer
    } else {
        Mode::Reported
    };
    let (world, instants) = history(rng, &style, 1..=12);
    let as_of = as_of(rng, &instants, &world.deliveries);
    (world, as_of, mode)
}

/// A history of so many messages, and the instants at which things happen in it.
pub fn larger_world(rng: &mut Rng, messages: RangeInclusive<i64>) -> (World, Vec<i64>) {
    let style = style(rng);
    history(rng, &style, messages)
}

fn style(rng: &mut Rng) -> Style {
    let forms = [
        Form::Events,
        Form::Events,
        Form::Events,
        Form::Statuses,
        Form::Mixed,
    ];
    Style {
        form: pick(rng, &forms),
        log_ids: pick(rng, &[0, 50, 90]),
        rejects: chance(rng, 35),
        odd_labels: chance(rng, 30),
        text_types: chance(rng, 30),
    }
}

fn history(rng: &mut Rng, style: &Style, messages: RangeInclusive<i64>) -> (World, Vec<i64>) {
    let mut world = World::default();
    let mut instants = Vec::new();
    let mut log = rows::Log::new(style);
    let deliveries = rng.i64(1..=4);
    let mut messages_left = rng.i64(messages);
    for delivery in 1..=deliveries {
        let attributes = attributes(rng, delivery);
        let first = attributes.first().cloned().unwrap_or_default();
        if chance(rng, 80) {
            world.deliveries.extend(attributes);
        }
        let messages = if delivery == deliveries {
            messages_left
        } else {
            rng.i64(0..=messages_left)
        };
        messages_left -= messages;
        for message in 1..=messages {
            let pool = instant_pool(rng, &first);
            instants.extend(&pool);
            log.reports(rng, delivery, message, &pool);
            log.tracking(rng, delivery, message, &pool);
        }
        // A message that no report knows of.
        if chance(rng, 30) {
            let pool = instant_pool(rng, &first);
            log.strangers(rng, delivery, messages + 1, &pool);
        }
    }
    // A delivery that only the extract knows.
    if chance(rng, 30) {
        world.deliveries.extend(attributes(rng, deliveries + 1));
    }
    log.finish(rng);
    world.sending = log.sending;
    world.tracking = log.tracking;
    rng.shuffle(&mut world.deliveries);
    rng.shuffle(&mut world.sending);
    rng.shuffle(&mut world.tracking);
    (world, instants)
}

/// One row of attributes, or several of which the latest counts.
pub fn attributes(rng: &mut Rng, delivery: i64) -> Vec<DeliveryRow> {
    let rows = pick(rng, &[1, 1, 1, 2, 3]);
    (0..rows)
        .map(|_| {
            let started_at = START + rng.i64(0..4) * 30 * MINUTE;
            let spans = [
                -HOUR,
                0,
                1,
                2 * HOUR,
                2 * HOUR,
                10 * HOUR,
                10 * HOUR,
                48 * HOUR,
                QUEUE - 1,
                QUEUE,
                QUEUE + 1,
                100 * HOUR,
            ];
            let channels = [
                None,
                None,
                None,
                Some("email"),
                Some("Email "),
                Some("E-MAIL"),
                Some(" "),
                Some("sms"),
                Some("Push"),
            ];
            DeliveryRow {
                delivery_id: Some(delivery),
                label: pick(
                    rng,
                    &[
                        None,
                        Some("Spring offer"),
                        Some("Autumn \u{fc}ber alles"),
                        Some("  "),
                    ],
                )
                .map(str::to_owned),
                channel: pick(rng, &channels).map(str::to_owned),
                parent_delivery_id: pick(rng, &[None, None, Some(8), Some(9)]),
                started_at: chance(rng, 85).then_some(started_at),
                validity_end: chance(rng, 80).then(|| started_at + pick(rng, &spans)),
                modified_at: pick(
                    rng,
                    &[
                        None,
                        Some(START),
                        Some(START),
                        Some(START + HOUR + 1),
                        Some(START + 2 * HOUR),
                    ],
                ),
                to_deliver: pick(rng, &[None, Some(0), Some(1), Some(2), Some(5), Some(12)]),
                efs: pick(rng, &[None, Some(false), Some(true), Some(true)]),
            }
        })
        .collect()
}

/// The few instants at which things happen to one message, so that ties are common.
fn instant_pool(rng: &mut Rng, delivery: &DeliveryRow) -> Vec<i64> {
    let entered = START + rng.i64(0..6) * 30 * MINUTE + pick(rng, &[0, 0, 0, 1, -1, MINUTE]);
    let mut pool = vec![entered];
    let validity_end = delivery.validity_end.unwrap_or(entered + 5 * HOUR);
    for _ in 0..rng.usize(2..6) {
        pool.push(match rng.u8(..8) {
            0..=2 => START + rng.i64(0..10) * 30 * MINUTE,
            3 => START + rng.i64(0..8) * HOUR + pick(rng, &[-1, 0, 1]),
            4 => entered + QUEUE + pick(rng, &[-1, 0, 1]),
            5 => validity_end + pick(rng, &[-1, 0, 1]),
            6 => START + rng.i64(0..15) * 12 * HOUR,
            _ => START - rng.i64(0..4) * HOUR,
        });
    }
    pool
}

/// An as-of, often exactly at, just before or just after something.
fn as_of(rng: &mut Rng, instants: &[i64], deliveries: &[DeliveryRow]) -> i64 {
    let nudge = pick(rng, &[-1, 0, 1]);
    let ends: Vec<i64> = deliveries
        .iter()
        .filter_map(|row| row.validity_end)
        .collect();
    match rng.u8(..8) {
        0 if !instants.is_empty() => pick(rng, instants) + nudge,
        1 if !instants.is_empty() => pick(rng, instants) + QUEUE + nudge,
        2 if !ends.is_empty() => pick(rng, &ends) + nudge,
        3 => START + rng.i64(1..8) * HOUR,
        4 => START + rng.i64(1..8) * HOUR + pick(rng, &[-1, 1, 20 * MINUTE]),
        5 => START + QUEUE + nudge,
        _ => START + 10 * 24 * HOUR,
    }
}

/// The rules for machines of a history with this seed; the usual ones for half of them.
pub fn machines(seed: u64) -> Machines {
    let mut rng = Rng::with_seed(seed ^ 0x6d61);
    let rng = &mut rng;
    if chance(rng, 50) {
        return Machines::default();
    }
    let span = [0, 1_000_000, MINUTE, HOUR, 20 * HOUR];
    Machines {
        marked: chance(rng, 70),
        open_within: chance(rng, 60).then(|| pick(rng, &span)),
        many_links: chance(rng, 70).then(|| (pick(rng, &[2, 2, 3]), pick(rng, &span))),
        honeypots: pick(rng, &[vec![], vec![], vec![2], vec![1, 3]]),
        honeypot_within: pick(rng, &span),
    }
}
