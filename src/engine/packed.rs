//! Rows in as few bytes as they need: what they have in common within one run is not written again.
//! All work goes column by column, a block at a time that stays in the processor's nearest cache.

use crate::model::{Code, DeliveryIndex, MessageKey, Stamp, Tail};
use serde::{Deserialize, Serialize};
use std::array::from_fn;

/// Rows of a block.
pub const BLOCK: usize = 512;

/// A word is written and read as a whole, past the end of its row.
pub const MARGIN: usize = 8;

/// The numbers of a row, in the order in which they are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// The first word of the message's wide form.
    High,
    /// The second one.
    Low,
    /// The delivery.
    Delivery,
    /// The place of the source among those of the run.
    Source,
    /// The code.
    Code,
    /// The stamp.
    Stamp,
    /// Of the tail, in order: the `log_id`.
    LogId,
    /// The revision.
    Revision,
    /// The digest.
    Rest,
}

const NUMBERS: [Number; 9] = [
    Number::High,
    Number::Low,
    Number::Delivery,
    Number::Source,
    Number::Code,
    Number::Stamp,
    Number::LogId,
    Number::Revision,
    Number::Rest,
];

/// What rows have besides their events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extra {
    /// Nothing.
    #[default]
    None,
    /// A `log_id`, 0 where they have none; their revision is 0, and they are the only ones with it so far.
    RowIds,
    /// Tails.
    Tails,
}

/// Which numbers rows have.
fn used<M: MessageKey>(extra: Extra) -> &'static [Number] {
    let first = if M::WIDE { 0 } else { 1 };
    let end = match extra {
        Extra::None => 6,
        Extra::RowIds => 7,
        Extra::Tails => 9,
    };
    &NUMBERS[first..end]
}

/// Signed numbers as unsigned ones, in the same order.
fn in_order(number: i64) -> u64 {
    number as u64 ^ 1 << 63
}

/// The signed number again.
pub fn from_order(number: u64) -> i64 {
    (number ^ 1 << 63) as i64
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
    pub source: usize,
}

impl<M: MessageKey> Block<'_, M> {
    /// Hands out one number of all rows, with their places in the block.
    #[inline(always)]
    fn each(&self, number: Number, take: &mut impl FnMut(usize, u64)) {
        let Block { tails, .. } = self;
        match number {
            Number::High => each(self.messages, take, |message| message.wide()[0]),
            Number::Low => each(self.messages, take, |message| message.wide()[1]),
            Number::Delivery => each(self.deliveries, take, |delivery| u64::from(delivery.0)),
            Number::Source => each(self.stamps, take, |_| self.source as u64),
            Number::Code => each(self.codes, take, |code| u64::from(code.bits())),
            Number::Stamp => each(self.stamps, take, |stamp| stamp.bits()),
            Number::LogId if tails.is_empty() => each(self.row_ids, take, |id| in_order(*id)),
            Number::LogId => each(tails, take, |tail| in_order(tail.log_id)),
            Number::Revision => each(tails, take, |tail| in_order(tail.revision)),
            Number::Rest => each(tails, take, |tail| tail.rest),
        }
    }
}

#[inline(always)]
fn each<T>(items: &[T], take: &mut impl FnMut(usize, u64), of: impl Fn(&T) -> u64) {
    for (place, item) in items.iter().take(BLOCK).enumerate() {
        take(place, of(item));
    }
}

/// Between what bounds a number is, and in which bits it differs.
#[derive(Clone, Copy)]
struct Bounds {
    lowest: u64,
    highest: u64,
    /// Some value, and the bits in which another differs from it.
    some: u64,
    differing: u64,
}

impl Bounds {
    const NONE: Bounds = Bounds {
        lowest: u64::MAX,
        highest: 0,
        some: 0,
        differing: 0,
    };

    #[inline(always)]
    fn meet(&mut self, value: u64) {
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
        self.differing |= value ^ self.some;
    }

    fn is_empty(&self) -> bool {
        self.lowest > self.highest
    }

    /// The lowest value, the bits below those in which values differ, and how many bits the distances
    /// take without them.
    fn frame(&self) -> (u64, u32, u32) {
        if self.lowest >= self.highest {
            return (self.lowest.min(self.highest), 0, 0);
        }
        let scale = self.differing.trailing_zeros();
        let most = (self.highest - self.lowest) >> scale;
        (self.lowest, scale, u64::BITS - most.leading_zeros())
    }
}

/// The bounds of all numbers of the rows of a run.
pub struct Survey {
    bounds: [Bounds; 9],
}

impl Default for Survey {
    /// Of no rows yet.
    fn default() -> Survey {
        Survey {
            bounds: [Bounds::NONE; 9],
        }
    }
}

impl Survey {
    /// Takes rows in, whatever their source.
    pub fn meet<M: MessageKey>(&mut self, block: Block<'_, M>) {
        let extra = match (block.tails, block.row_ids) {
            ([], []) => Extra::None,
            ([], _) => Extra::RowIds,
            _ => Extra::Tails,
        };
        let numbers = used::<M>(extra).iter();
        for number in numbers.filter(|number| **number != Number::Source) {
            let mut bounds = self.bounds[*number as usize];
            block.each(*number, &mut |place, value| {
                if place == 0 && bounds.is_empty() {
                    bounds.some = value;
                }
                bounds.meet(value);
            });
            self.bounds[*number as usize] = bounds;
        }
    }

    /// The highest delivery.
    pub fn highest_delivery(&self) -> Option<usize> {
        let bounds = &self.bounds[Number::Delivery as usize];
        (!bounds.is_empty()).then_some(bounds.highest as usize)
    }

    /// The packing of these rows, which have so many sources.
    pub fn packing(&self, extra: Extra, sources: usize) -> Packing {
        let mut all = self.bounds;
        all[Number::Source as usize] = Bounds {
            lowest: 0,
            highest: (sources as u64).saturating_sub(1),
            some: 0,
            differing: 1,
        };
        let mut packing = Packing {
            slots: [Slot::default(); 9],
            words: Vec::new(),
            bytes: 0,
            extra,
        };
        let mut bits = 0;
        for (slot, bounds) in packing.slots.iter_mut().zip(&all) {
            let (lowest, scale, width) = bounds.frame();
            if bits + width > u64::BITS {
                packing.words.push(bits.div_ceil(8) as usize);
                bits = 0;
            }
            *slot = Slot {
                lowest,
                scale,
                mask: u64::MAX.checked_shr(u64::BITS - width).unwrap_or(0),
                word: packing.words.len(),
                start: packing.words.iter().sum(),
                shift: bits % u64::BITS,
            };
            bits += width;
        }
        packing.words.push(bits.div_ceil(8) as usize);
        packing.bytes = packing.words.iter().sum();
        packing
    }
}

/// Where a number is in the bytes of a row.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Slot {
    /// What is added to it.
    lowest: u64,
    /// The bits below its own, in which no row differs.
    scale: u32,
    /// Its bits, once they are shifted down.
    mask: u64,
    /// Its word.
    word: usize,
    /// The first byte of that.
    start: usize,
    /// Its first bit in the word.
    shift: u32,
}

/// How the rows of a run are written: as words of up to eight bytes, each of as few as it needs, and each
/// with as many numbers as it has room for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Packing {
    slots: [Slot; 9],
    /// The bytes of each word.
    words: Vec<usize>,
    bytes: usize,
    extra: Extra,
}

impl Packing {
    /// The bytes of a row.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What the rows have besides their events.
    pub fn extra(&self) -> Extra {
        self.extra
    }

    /// The words of rows that were surveyed.
    pub fn pack<M: MessageKey>(&self, block: Block<'_, M>, words: &mut Words) {
        words.of[..self.words.len()].fill([0; BLOCK]);
        for number in used::<M>(self.extra) {
            let slot = &self.slots[*number as usize];
            if slot.mask == 0 {
                continue;
            }
            let slot = *slot;
            let word = &mut words.of[slot.word];
            block.each(*number, &mut |row, value| {
                let distance = value.wrapping_sub(slot.lowest).wrapping_shr(slot.scale);
                word[row] |= distance.wrapping_shl(slot.shift);
            });
        }
    }

    /// Writes a row of a block, and nothing else, to the start of `out`.
    #[inline(always)]
    pub fn write(&self, words: &Words, row: usize, out: &mut [u8]) {
        if let [first, second] = self.words[..] {
            let first_word = u128::from(words.of[0][row]);
            let second_word = u128::from(words.of[1][row]).wrapping_shl(8 * first as u32);
            put_two(&mut out[..first + second], first_word | second_word);
            return;
        }
        let mut start = 0;
        for (bytes, word) in self.words.iter().zip(&words.of) {
            put(&mut out[start..start + bytes], word[row]);
            start += bytes;
        }
    }

    /// One number of one of the rows that follow one another in `bytes`, the [`MARGIN`] behind them.
    #[inline(always)]
    pub fn get(&self, number: Number, bytes: &[u8], row: usize) -> u64 {
        let slot = self.slots[number as usize];
        if slot.mask == 0 {
            return slot.lowest;
        }
        let at = slot.start + row * self.bytes;
        let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
        let word = word.map_or(0, |word| u64::from_le_bytes(*word));
        let distance = word.wrapping_shr(slot.shift) & slot.mask;
        distance.wrapping_shl(slot.scale).wrapping_add(slot.lowest)
    }

    /// Hands out one number of rows that follow one another in `bytes`, the [`MARGIN`] behind them.
    #[inline(always)]
    pub fn each<T>(
        &self,
        number: Number,
        bytes: &[u8],
        items: &mut [T],
        set: impl Fn(&mut T, u64),
    ) {
        let slot = self.slots[number as usize];
        if slot.mask == 0 {
            items.iter_mut().for_each(|item| set(item, slot.lowest));
            return;
        }
        let distances = (slot.start..).step_by(self.bytes).map(|at| {
            let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
            let word = word.map_or(0, |word| u64::from_le_bytes(*word));
            word.wrapping_shr(slot.shift) & slot.mask
        });
        // Most numbers have no bits in common below their own, and need one step less.
        let items = items.iter_mut().zip(distances);
        match slot.scale {
            0 => items.for_each(|(item, distance)| set(item, distance.wrapping_add(slot.lowest))),
            scale => items.for_each(|(item, distance)| {
                set(item, distance.wrapping_shl(scale).wrapping_add(slot.lowest));
            }),
        }
    }
}

/// Writes the lowest bytes of a word, as many as there is room for: those of more than four in two parts
/// that overlap.
#[inline(always)]
fn put(out: &mut [u8], word: u64) {
    let bytes = out.len();
    if let Some(low) = out.first_chunk_mut::<4>() {
        *low = (word as u32).to_le_bytes();
        let high = word.wrapping_shr(8 * (bytes as u32 - 4)) as u32;
        if let Some(part) = out.last_chunk_mut::<4>() {
            *part = high.to_le_bytes();
        }
    } else {
        for (byte, value) in out.iter_mut().zip(word.to_le_bytes()) {
            *byte = value;
        }
    }
}

/// Writes the lowest bytes of two words, as many as there is room for, in two parts that overlap: more than
/// eight, as fewer would be one word.
#[inline(always)]
fn put_two(out: &mut [u8], words: u128) {
    let bytes = out.len();
    if let Some(low) = out.first_chunk_mut::<8>() {
        *low = (words as u64).to_le_bytes();
        let high = words.wrapping_shr(8 * (bytes as u32 - 8)) as u64;
        if let Some(part) = out.last_chunk_mut::<8>() {
            *part = high.to_le_bytes();
        }
    }
}

/// The words of a block of rows.
pub struct Words {
    of: [[u64; BLOCK]; 9],
}

impl Default for Words {
    fn default() -> Self {
        Words {
            of: from_fn(|_| [0; BLOCK]),
        }
    }
}
