//! Which rows wait together: those of some messages.

use crate::model::{DeliveryIndex, MessageKey, spread};

/// Which rows wait together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// A power of two.
    count: usize,
    /// How many bits of a partition's number the delivery decides.
    by_delivery: u32,
}

impl Partitions {
    /// For so many rows: so many that the rows of one fit a processor's cache; fewer where there are so
    /// few rows in a run that each would have next to none in a partition. Where many `deliveries` are
    /// known, a partition has messages of some of them alone, whose counters then stay in the
    /// processor's cache; a delivery still reaches so many that one does not get too large.
    pub fn for_rows(rows: u64, deliveries: usize) -> Partitions {
        const ROWS: u64 = 1 << 15;
        const MOST: u64 = 1 << 13;
        const OF_A_DELIVERY: u32 = 4;
        const DELIVERIES: u32 = 4;
        const MOST_BY_DELIVERY: u32 = 5;
        let count = rows.div_ceil(ROWS).next_power_of_two().min(MOST) as usize;
        let by_count = count.ilog2().saturating_sub(OF_A_DELIVERY);
        let by_deliveries = deliveries.max(1).ilog2().saturating_sub(DELIVERIES);
        Partitions {
            count,
            by_delivery: by_count.min(by_deliveries).min(MOST_BY_DELIVERY),
        }
    }

    /// So many, a power of two.
    pub fn of(count: usize) -> Partitions {
        Partitions {
            count,
            by_delivery: 0,
        }
    }

    /// What they are made of, to be written.
    pub fn parts(self) -> (usize, u32) {
        (self.count, self.by_delivery)
    }

    /// Those that were written; none where they cannot be.
    pub fn from_parts((count, by_delivery): (usize, u32)) -> Option<Partitions> {
        let can_be = count.is_power_of_two() && count <= 1 << 16 && by_delivery < u64::BITS;
        can_be.then_some(Partitions { count, by_delivery })
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// The partition of a message.
    #[inline(always)]
    pub(super) fn place<M: MessageKey>(self, message: M, delivery: DeliveryIndex) -> u16 {
        let of_delivery = !(u64::MAX >> self.by_delivery);
        let place =
            spread(0, u64::from(delivery.0)) & of_delivery | home(message, delivery) & !of_delivery;
        let shift = u64::BITS - self.count.trailing_zeros();
        place.checked_shr(shift).unwrap_or(0) as u16
    }
}

/// Bits that spread messages evenly: the high ones choose the partition, the low ones the place in
/// the partition's table.
#[inline(always)]
pub fn home<M: MessageKey>(message: M, delivery: DeliveryIndex) -> u64 {
    spread(message.bits(), spread(0, u64::from(delivery.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn partitions_are_a_power_of_two() {
        for rows in [0, 1, 65_536, 65_537, 54_000_000, u64::MAX / 2] {
            let partitions = Partitions::for_rows(rows, 1000).count();
            assert!(partitions.is_power_of_two() && (1..=8192).contains(&partitions));
        }
        assert_eq!(Partitions::for_rows(54_000_000, 0).count(), 2048);
    }

    /// Whether there are many deliveries, few, or one: no partition has many more messages than others.
    #[test]
    fn no_partition_is_much_larger_than_others() {
        for (deliveries, most) in [(0, 2.0), (1, 2.0), (10, 2.0), (100, 3.0), (1000, 3.0)] {
            for rows in [1 << 16, 1 << 20, 1 << 22] {
                let partitions = Partitions::for_rows(rows, deliveries);
                let mut messages = vec![0u32; partitions.count()];
                let each = 400 * partitions.count() as u64;
                for message in 0..each {
                    let delivery = DeliveryIndex((message % deliveries.max(1) as u64) as u32);
                    messages[usize::from(partitions.place(message, delivery))] += 1;
                }
                let largest = f64::from(messages.into_iter().max().expect("one")) / 400.0;
                assert!(largest < most, "{deliveries}, {rows}: {largest}");
            }
        }
        // A giant one among others is spread over some partitions still.
        let partitions = Partitions::for_rows(54_000_000, 1000);
        let places = (0..10_000u64).map(|message| partitions.place(message, DeliveryIndex(7)));
        assert_eq!(places.collect::<BTreeSet<u16>>().len(), 2048 >> 5);
    }
}
