//! Rows column by column, so few that they stay in the processor's nearest cache.

use super::packed::{COUNT, Number};
use crate::model::{Code, DeliveryIndex, MessageKey, RecipientKey, Stamp, Tail};
use std::array::from_fn;

/// Rows of a block.
pub const BLOCK: usize = 512;

/// Signed numbers as unsigned ones, in the same order.
fn in_order(number: i64) -> u64 {
    number as u64 ^ 1 << 63
}

/// Rows of one source, at most a [`BLOCK`]; tails or `log_id`s, where they have some, in the same order.
#[derive(Clone, Copy)]
pub struct Block<'a, M> {
    pub messages: &'a [M],
    pub stamps: &'a [Stamp],
    pub deliveries: &'a [DeliveryIndex],
    pub codes: &'a [Code],
    pub tails: &'a [Tail],
    pub row_ids: &'a [i64],
    /// None where they are not asked for.
    pub domains: &'a [Code],
    /// Likewise.
    pub recipients: &'a [RecipientKey],
    pub source: usize,
}

impl<M: MessageKey> Block<'_, M> {
    /// Hands out the column that holds a number, and how it is read.
    #[inline(always)]
    pub fn show(&self, number: Number, to: &mut impl Look) {
        let Block { tails, .. } = self;
        match number {
            Number::High => to.at(self.messages, |message| message.wide()[0]),
            Number::Low => to.at(self.messages, |message| message.wide()[1]),
            Number::Delivery => to.at(self.deliveries, |delivery| u64::from(delivery.0)),
            Number::Source => to.at(self.stamps, |_| self.source as u64),
            Number::Code => to.at(self.codes, |code| u64::from(code.bits())),
            Number::Domain => to.at(self.domains, |code| u64::from(code.bits())),
            Number::RecipientHigh => to.at(self.recipients, |key| key[0]),
            Number::RecipientLow => to.at(self.recipients, |key| key[1]),
            Number::Stamp => to.at(self.stamps, |stamp| stamp.bits()),
            Number::LogId if tails.is_empty() => to.at(self.row_ids, |id| in_order(*id)),
            Number::LogId => to.at(tails, |tail| in_order(tail.log_id)),
            Number::Revision => to.at(tails, |tail| in_order(tail.revision)),
            Number::Rest => to.at(tails, |tail| tail.rest),
        }
    }
}

/// Who looks at the columns of a block.
pub trait Look {
    fn at<T>(&mut self, items: &[T], of: impl Fn(&T) -> u64);
}

/// The words of a block of rows.
pub struct Words {
    pub of: [[u64; BLOCK]; COUNT],
}

impl Default for Words {
    fn default() -> Self {
        Words {
            of: from_fn(|_| [0; BLOCK]),
        }
    }
}
