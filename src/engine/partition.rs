//! Rows sorted by partition: the form in which they wait to be folded.

use super::packed::{Layout, Packed};
use crate::decode::Decoded;
use crate::model::{DeliveryIndex, Event, MessageKey, Tail, spread};
use std::ops::Range;

/// The rows of one row group, in the order of their partitions.
pub struct Run<M> {
    /// The file they came from, by its place in the listing.
    pub source: u32,
    rows: Rows<M>,
    /// Empty where the file has no `log_id`.
    tails: Vec<Tail>,
    starts: Vec<u32>,
}

enum Rows<M> {
    /// Where the layout has room for what the rows hold.
    Packed(Layout<M>, Vec<Packed>),
    Wide(Vec<Event<M>>),
}

/// A power of two of partitions, so that the rows of one fit a processor's cache; fewer where there
/// are so many row groups that each would have next to no rows in a partition.
pub fn partitions_for(rows: u64, row_groups: usize) -> usize {
    const ROWS: u64 = 1 << 15;
    const MOST: u64 = 1 << 12;
    const MOST_PIECES: u64 = 1 << 24;
    let most = (MOST_PIECES / (row_groups as u64).max(1)).clamp(1, MOST);
    let wanted = rows.div_ceil(ROWS).next_power_of_two();
    wanted.min(1 << most.ilog2()) as usize
}

/// How many bits of a home the delivery decides: a partition has messages of an eighth of the
/// deliveries, whose counters then stay in the processor's cache.
const BY_DELIVERY: u32 = 3;

/// Bits that spread messages evenly: the high ones choose the partition, the low ones the place in
/// the partition's table.
#[inline]
pub fn home<M: MessageKey>(message: M, delivery: DeliveryIndex) -> u64 {
    let of_delivery = spread(0, u64::from(delivery.0));
    let high = !(u64::MAX >> BY_DELIVERY);
    of_delivery & high | spread(message.bits(), of_delivery) & !high
}

impl<M: MessageKey> Run<M> {
    /// Sorts decoded rows by partition; `partitions` is a power of two.
    pub fn new(source: u32, decoded: &Decoded<M>, partitions: usize) -> Run<M> {
        let shift = 64 - partitions.trailing_zeros();
        let partition = |event: &Event<M>| {
            home(event.message, event.delivery)
                .checked_shr(shift)
                .unwrap_or(0) as usize
        };
        let mut starts = vec![0u32; partitions + 1];
        let places: Vec<u16> = decoded
            .events
            .iter()
            .map(|event| partition(event) as u16)
            .collect();
        for place in &places {
            starts[usize::from(*place) + 1] += 1;
        }
        for partition in 0..partitions {
            starts[partition + 1] += starts[partition];
        }
        let (events, tails) = (&decoded.events, &decoded.tails);
        let rows = match Layout::of(events) {
            Some(layout) => {
                let pack = |event: &Event<M>| layout.pack(event);
                Rows::Packed(layout, scatter(events, &places, &starts, pack))
            }
            None => Rows::Wide(scatter(events, &places, &starts, |event| *event)),
        };
        Run {
            source,
            rows,
            tails: scatter(tails, &places, &starts, |tail| *tail),
            starts,
        }
    }

    /// Hands out the rows of one partition, in an order that is always the same.
    #[inline(always)]
    pub fn each(&self, partition: usize, mut take: impl FnMut(Event<M>)) {
        let range = self.range(partition);
        match &self.rows {
            Rows::Packed(layout, rows) => {
                for row in &rows[range] {
                    take(layout.unpack(*row));
                }
            }
            Rows::Wide(rows) => rows[range].iter().for_each(|row| take(*row)),
        }
    }

    /// The tails of these rows, in that order; none where the file has none.
    pub fn tails(&self, partition: usize) -> &[Tail] {
        if self.tails.is_empty() {
            return &[];
        }
        &self.tails[self.range(partition)]
    }

    /// Where the rows of one partition are.
    fn range(&self, partition: usize) -> Range<usize> {
        self.starts[partition] as usize..self.starts[partition + 1] as usize
    }

    /// How many rows a partition has.
    pub fn rows(&self, partition: usize) -> usize {
        self.range(partition).len()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Packed(_, rows) => rows.len(),
            Rows::Wide(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn scatter<T, U: Copy>(
    items: &[T],
    places: &[u16],
    starts: &[u32],
    form: impl Fn(&T) -> U,
) -> Vec<U> {
    let Some(first) = items.first() else {
        return Vec::new();
    };
    let mut next = starts.to_vec();
    let mut sorted = vec![form(first); items.len()];
    for (item, place) in items.iter().zip(places) {
        let next = &mut next[usize::from(*place)];
        sorted[*next as usize] = form(item);
        *next += 1;
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code, Codes, Instant, Logged, Report, Stamp, Value};
    use std::collections::{BTreeSet, HashMap};

    fn event<M>(message: M, delivery: u32, code: Code) -> Event<M> {
        Event {
            message,
            stamp: Stamp::sending(Some(Instant::FIRST), Some(Logged::Event(Report::Relayed))),
            delivery: DeliveryIndex(delivery),
            code,
        }
    }

    #[test]
    fn all_rows_of_a_message_meet_and_none_is_lost() {
        let mut decoded = Decoded::default();
        for row in 0..5000u64 {
            let code = Code::small(row as i64).expect("small");
            decoded
                .events
                .push(event(row % 700, (row % 3) as u32, code));
            decoded.tails.push(Tail {
                log_id: row as i64,
                revision: 0,
                rest: 0,
            });
        }
        for partitions in [1, 2, 64] {
            let run = Run::new(0, &decoded, partitions);
            let mut home = HashMap::new();
            let mut rows = 0;
            for partition in 0..partitions {
                let mut tails = run.tails(partition).iter();
                let before = rows;
                run.each(partition, |event| {
                    let tail = tails.next().expect("a tail for each row");
                    let code = Code::small(tail.log_id);
                    assert_eq!(code, Some(event.code), "tails stay with rows");
                    let key = (event.delivery, event.message);
                    assert_eq!(*home.entry(key).or_insert(partition), partition);
                    rows += 1;
                });
                assert_eq!(rows - before, run.rows(partition));
            }
            assert_eq!(rows, decoded.events.len());
        }
    }

    /// Whether these rows are packed; they come out as they went in.
    fn is_packed<M: MessageKey + std::fmt::Debug>(events: Vec<Event<M>>) -> bool {
        let key = |event: &Event<M>| (event.message, event.delivery, event.code, event.stamp);
        let went_in: BTreeSet<_> = events.iter().map(key).collect();
        let decoded = Decoded {
            events,
            ..Decoded::default()
        };
        let run = Run::new(0, &decoded, 1);
        let mut came_out = BTreeSet::new();
        run.each(0, |event| assert!(came_out.insert(key(&event))));
        assert_eq!(came_out, went_in);
        matches!(run.rows, Rows::Packed(..))
    }

    #[test]
    fn rows_are_packed_where_there_is_room() {
        let codes = Codes::default();
        let text = codes.intern(Some(Value::Text("mailbox on fire".into())));
        let large = Code::small((1 << 31) - 2).expect("small");
        let far = |distance: u64| vec![event(7, 3, text), event(7 + distance, 0, Code::NULL)];
        assert!(is_packed(far(0)));
        assert!(is_packed(far((1 << 60) - 1)), "60 + 2 + 1 bits");
        assert!(!is_packed(far(1 << 60)), "61 + 2 + 1 bits");
        assert!(!is_packed(far(u64::MAX - 7)));
        let wide = |delivery| vec![event(1u64, delivery, large), event(0, 0, Code::NULL)];
        assert!(is_packed(wide((1 << 30) - 1)), "1 + 30 + 32 bits");
        assert!(!is_packed(wide(1 << 30)), "1 + 31 + 32 bits");
        // Identifiers below zero stand at the end of the unsigned ones.
        assert!(is_packed(vec![
            event(-5i64 as u64, 1, large),
            event(-9i64 as u64, 2, text)
        ]));
        assert!(!is_packed(vec![
            event(-5i64 as u64, 1, large),
            event(5, 2, text)
        ]));
        let texts = |high| vec![event([1, 9], 1, text), event([high, 4], 2, Code::NULL)];
        assert!(is_packed(texts(1)));
        assert!(!is_packed(texts(0)));
        assert!(!is_packed(Vec::<Event<u64>>::new()));
    }

    #[test]
    fn partitions_are_a_power_of_two() {
        for rows in [0, 1, 65_536, 65_537, 54_000_000, u64::MAX / 2] {
            for row_groups in [0, 1, 700, 100_000, usize::MAX] {
                let partitions = partitions_for(rows, row_groups);
                assert!(partitions.is_power_of_two() && (1..=4096).contains(&partitions));
            }
        }
        assert_eq!(partitions_for(54_000_000, 700), 2048);
        assert_eq!(partitions_for(100_000_000, 100_000), 128);
    }
}
