//! Rows in as few bytes as they need: what they have in common within one run is not written again.
//! All work goes column by column, a block at a time that stays in the processor's nearest cache.

use super::block::{BLOCK, Block, Look, Words};
use crate::model::MessageKey;
use serde::{Deserialize, Serialize};

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
    /// The domain of the recipient.
    Domain,
    /// The first word of what stands for the recipient.
    RecipientHigh,
    /// The second one.
    RecipientLow,
    /// The stamp.
    Stamp,
    /// Of the tail, in order: the `log_id`.
    LogId,
    /// The revision.
    Revision,
    /// The digest.
    Rest,
}

/// How many they are.
pub const COUNT: usize = 12;

const NUMBERS: [Number; COUNT] = [
    Number::High,
    Number::Low,
    Number::Delivery,
    Number::Source,
    Number::Code,
    Number::Domain,
    Number::RecipientHigh,
    Number::RecipientLow,
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
        Extra::None => 9,
        Extra::RowIds => 10,
        Extra::Tails => COUNT,
    };
    &NUMBERS[first..end]
}

/// The signed number again.
pub fn from_order(number: u64) -> i64 {
    (number ^ 1 << 63) as i64
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

impl Look for Bounds {
    #[inline(always)]
    fn at<T>(&mut self, items: &[T], of: impl Fn(&T) -> u64) {
        if let (true, Some(first)) = (self.is_empty(), items.first()) {
            self.some = of(first);
        }
        // Several at a time, so that none has to wait for the one before.
        const AT_ONCE: usize = 4;
        let mut parts = [*self; AT_ONCE];
        let (chunks, rest) = items.as_chunks::<AT_ONCE>();
        let meet = |part: &mut Bounds, item: &T| {
            let value = of(item);
            part.lowest = part.lowest.min(value);
            part.highest = part.highest.max(value);
            part.differing |= value ^ part.some;
        };
        for chunk in chunks {
            for (part, item) in parts.iter_mut().zip(chunk) {
                meet(part, item);
            }
        }
        for (part, item) in parts.iter_mut().zip(rest) {
            meet(part, item);
        }
        for part in parts {
            self.lowest = self.lowest.min(part.lowest);
            self.highest = self.highest.max(part.highest);
            self.differing |= part.differing;
        }
    }
}

/// The bounds of all numbers of the rows of a run.
pub struct Survey {
    bounds: [Bounds; COUNT],
}

impl Default for Survey {
    /// Of no rows yet.
    fn default() -> Survey {
        Survey {
            bounds: [Bounds::NONE; COUNT],
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
            block.show(*number, &mut self.bounds[*number as usize]);
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
            slots: [Slot::default(); COUNT],
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

/// Puts a number into the words of a block.
struct Put<'a> {
    slot: Slot,
    word: &'a mut [u64; BLOCK],
}

impl Look for Put<'_> {
    #[inline(always)]
    fn at<T>(&mut self, items: &[T], of: impl Fn(&T) -> u64) {
        let slot = self.slot;
        for (word, item) in self.word.iter_mut().zip(items) {
            let distance = of(item).wrapping_sub(slot.lowest).wrapping_shr(slot.scale);
            *word |= distance.wrapping_shl(slot.shift);
        }
    }
}

/// How the rows of a run are written: as words of up to eight bytes, each of as few as it needs, and each
/// with as many numbers as it has room for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Packing {
    slots: [Slot; COUNT],
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
            let slot = self.slots[*number as usize];
            if slot.mask != 0 {
                let word = &mut words.of[slot.word];
                block.show(*number, &mut Put { slot, word });
            }
        }
    }

    /// Writes the rows of a block, and nothing else, each to where the next row of its partition starts.
    pub fn write(
        &self,
        words: &mut Words,
        partitions: &[u16],
        next: &mut [usize],
        bytes: &mut [u8],
    ) {
        let width = self.bytes;
        if let [first, second] = self.words[..] {
            // Two words are more than eight bytes, as fewer would be one: they are written as the first eight
            // and the last eight, which overlap.
            let [low, high, ..] = &mut words.of;
            let is_in_first = u64::MAX
                .checked_shr(8 * first as u32)
                .map_or(0, |_| u64::MAX);
            let is_in_last = u64::MAX
                .checked_shr(8 * (width as u32 - 8))
                .map_or(0, |_| u64::MAX);
            for (low, high) in low.iter_mut().zip(high.iter_mut()) {
                let (of_first, of_second) = (*low, *high);
                *low = of_first | of_second.wrapping_shl(8 * first as u32) & is_in_first;
                *high = of_first.wrapping_shr(8 * (width as u32 - 8)) & is_in_last
                    | of_second.wrapping_shl(8 * (8 - second as u32));
            }
            for ((low, high), partition) in low.iter().zip(high.iter()).zip(partitions) {
                let next = &mut next[usize::from(*partition)];
                let out = &mut bytes[*next..*next + width];
                *next += width;
                if let Some(out) = out.first_chunk_mut::<8>() {
                    *out = low.to_le_bytes();
                }
                if let Some(out) = out.last_chunk_mut::<8>() {
                    *out = high.to_le_bytes();
                }
            }
            return;
        }
        for (row, partition) in partitions.iter().enumerate() {
            let next = &mut next[usize::from(*partition)];
            for (bytes_of, word) in self.words.iter().zip(&words.of) {
                put(&mut bytes[*next..*next + bytes_of], word[row]);
                *next += bytes_of;
            }
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
