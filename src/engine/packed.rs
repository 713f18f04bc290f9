//! Rows in sixteen bytes: what they differ in within one row group takes few bits.

use crate::model::{Code, DeliveryIndex, Event, MessageKey, Stamp};

/// A row; its [`Layout`] says what the second word holds.
pub type Packed = (Stamp, u64);

/// Where message, delivery and code are in the second word of the rows of one row group.
#[derive(Clone, Copy, Debug)]
pub struct Layout<M> {
    /// The lowest message; that of a row is so far after it.
    lowest: M,
    /// The first bit of the delivery; the message is below it.
    delivery: u32,
    /// The first bit of the code, which is the last of the three.
    code: u32,
}

impl<M: MessageKey> Layout<M> {
    /// The narrowest layout; none if there is no row, or their messages, deliveries and codes need
    /// more bits than there are.
    pub fn of(events: &[Event<M>]) -> Option<Layout<M>> {
        let first = events.first()?;
        let (mut lowest, mut highest) = (first.message, first.message);
        let (mut delivery, mut code) = (0, 0);
        for event in events {
            lowest = lowest.min(event.message);
            highest = highest.max(event.message);
            delivery |= event.delivery.0;
            code |= event.code.bits();
        }
        let width = |bits: u64| u64::BITS - bits.leading_zeros();
        let of_message = width(highest.since(lowest)?);
        let of_delivery = width(u64::from(delivery));
        let layout = Layout {
            lowest,
            delivery: of_message,
            code: of_message + of_delivery,
        };
        (layout.code + width(u64::from(code)) < u64::BITS).then_some(layout)
    }

    /// One of the rows that the layout is of.
    #[inline(always)]
    pub fn pack(&self, event: &Event<M>) -> Packed {
        let message = event.message.since(self.lowest).unwrap_or_default();
        let delivery = u64::from(event.delivery.0) << self.delivery;
        let code = u64::from(event.code.bits()) << self.code;
        (event.stamp, message | delivery | code)
    }

    /// The row as it was.
    #[inline(always)]
    pub fn unpack(&self, (stamp, word): Packed) -> Event<M> {
        let below = |bit: u32| (1u64 << bit) - 1;
        let delivery = (word & below(self.code)) >> self.delivery;
        Event {
            message: self.lowest.plus(word & below(self.delivery)),
            stamp,
            delivery: DeliveryIndex(delivery as u32),
            code: Code::from_bits((word >> self.code) as u32),
        }
    }
}
