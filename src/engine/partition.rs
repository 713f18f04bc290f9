//! Rows sorted by partition: the form in which they wait to be folded.

use crate::decode::Decoded;
use crate::model::{DeliveryIndex, Event, MessageKey, Tail, spread};

/// The rows of one row group, in the order of their partitions.
pub struct Run<M> {
    /// The file they came from, by its place in the listing.
    pub source: u32,
    events: Vec<Event<M>>,
    /// Empty where the file has no `log_id`.
    tails: Vec<Tail>,
    starts: Vec<u32>,
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
        Run {
            source,
            events: scatter(&decoded.events, &places, &starts),
            tails: scatter(&decoded.tails, &places, &starts),
            starts,
        }
    }

    /// The rows of one partition, with their tails where there are any.
    pub fn rows(&self, partition: usize) -> (&[Event<M>], &[Tail]) {
        let range = self.starts[partition] as usize..self.starts[partition + 1] as usize;
        let tails = if self.tails.is_empty() {
            &[]
        } else {
            &self.tails[range.clone()]
        };
        (&self.events[range], tails)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

fn scatter<T: Copy>(items: &[T], places: &[u16], starts: &[u32]) -> Vec<T> {
    let Some(first) = items.first() else {
        return Vec::new();
    };
    let mut next = starts.to_vec();
    let mut sorted = vec![*first; items.len()];
    for (item, place) in items.iter().zip(places) {
        let next = &mut next[usize::from(*place)];
        sorted[*next as usize] = *item;
        *next += 1;
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code, Instant, Logged, Report, Stamp};
    use std::collections::HashMap;

    #[test]
    fn all_rows_of_a_message_meet_and_none_is_lost() {
        let mut decoded = Decoded::default();
        for row in 0..5000u64 {
            decoded.events.push(Event {
                message: row % 700,
                stamp: Stamp::sending(Some(Instant::FIRST), Some(Logged::Event(Report::Relayed))),
                delivery: DeliveryIndex((row % 3) as u32),
                code: Code::small(row as i64).expect("small"),
            });
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
                let (events, tails) = run.rows(partition);
                assert_eq!(events.len(), tails.len());
                for (event, tail) in events.iter().zip(tails) {
                    assert_eq!(
                        Code::small(tail.log_id),
                        Some(event.code),
                        "tails stay with rows"
                    );
                    let key = (event.delivery, event.message);
                    assert_eq!(*home.entry(key).or_insert(partition), partition);
                    rows += 1;
                }
            }
            assert_eq!(rows, decoded.events.len());
        }
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
