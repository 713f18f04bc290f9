//! What a page may ask for. Its decoder allocates what it is told of, whether or not it is there.

use super::header::{Content, Header};
use parquet::basic::{Encoding, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;

/// The bytes that a page may take in memory, unless it takes many in the file. Most writers make pages of a megabyte,
/// some of all of a row group's column.
const PAGE: u64 = 128 << 20;
/// How many times the bytes that it takes in the file a larger page may take in memory.
const RATIO: u64 = 64;
/// Texts that a page may have where they share their beginnings, or their lengths come first: the decoder makes room
/// for each, and a byte is enough for any number of empty ones.
const DELTAS_AT_ONCE: u32 = 1 << 22;
/// The bytes of a text of fixed length.
const FIXED: i32 = 1 << 10;
/// The bytes that a text may take; all identifiers, and what is told of an error, take less. Dictionaries
/// repeat one for each row, and a batch has 16,384 of these.
const TEXT: u64 = 32 << 10;
/// The bytes that a page of texts may take beside its values: a batch may come from as many pages as it has rows.
const BESIDE_TEXTS: u64 = 1 << 10;
/// The same of a page of numbers, which are as large as they are.
const BESIDE_NUMBERS: u64 = 64 << 10;
/// The bytes that a number may take with its levels, in the least sparing encoding.
const NUMBER: u64 = 20;

/// Refuses a page that takes more memory than its values can need, before it is decompressed; `left` is the
/// number of values that its column has not had yet.
pub(super) fn check_header(
    header: &Header,
    column: &ColumnDescriptor,
    left: u64,
) -> Result<(), ParquetError> {
    let values = match header.content {
        Content::Dictionary { values, .. } => u64::from(values),
        Content::Data {
            values, encoding, ..
        }
        | Content::DataV2 {
            values, encoding, ..
        } => {
            if is_delta_text(encoding) && values > DELTAS_AT_ONCE {
                return refused("a page with more texts than fit into one");
            }
            let values = u64::from(values);
            if values > left {
                return refused("a page with more values than its row group has rows left");
            }
            values
        }
        Content::Other => return Ok(()),
    };
    let (each, beside) = match column.physical_type() {
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => (TEXT, BESIDE_TEXTS),
        Physical::BOOLEAN
        | Physical::INT32
        | Physical::INT64
        | Physical::INT96
        | Physical::FLOAT
        | Physical::DOUBLE => (NUMBER, BESIDE_NUMBERS),
    };
    let page = PAGE.max(RATIO * u64::from(header.stored));
    let most = (beside + values * each).min(page);
    // What does not get smaller is a little larger than it was.
    let is_fine = u64::from(header.whole) <= most && u64::from(header.stored) <= most + most / 8;
    match is_fine {
        true => Ok(()),
        false => refused("a page that takes more memory than its values can need"),
    }
}

/// Refuses a column whose decoder makes room for more than any text has, whether or not there is one.
pub(super) fn check_column(column: &ColumnDescriptor) -> Result<(), ParquetError> {
    let is_fixed = column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY;
    match is_fixed && column.type_length() > FIXED {
        true => refused("texts of a fixed length of more than 1 KiB"),
        false => Ok(()),
    }
}

/// Refuses a page whose values take more memory than it does, but for those within the limits.
pub(super) fn check_values(
    content: &Content,
    column: &ColumnDescriptor,
    page: &[u8],
) -> Result<(), ParquetError> {
    match *content {
        Content::Dictionary { values, .. } => check_dictionary(values, column, page),
        Content::Data {
            values,
            encoding,
            definition,
            ..
        } if is_delta_text(encoding) => {
            let page = match column.max_def_level() {
                0 => page,
                _ if definition == Encoding::RLE => after_levels(page)?,
                _ => return refused("levels in an encoding that is no longer used"),
            };
            check_delta(encoding, values, page)
        }
        Content::DataV2 {
            values,
            encoding,
            definition_bytes,
            repetition_bytes,
            ..
        } if is_delta_text(encoding) => {
            let levels = definition_bytes as usize + repetition_bytes as usize;
            check_delta(encoding, values, page.get(levels..).unwrap_or_default())
        }
        Content::Data { .. } | Content::DataV2 { .. } | Content::Other => Ok(()),
    }
}

fn is_delta_text(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY
    )
}

fn after_levels(page: &[u8]) -> Result<&[u8], ParquetError> {
    let values = page
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| rest.get(u32::from_le_bytes(*length) as usize..));
    values.map_or_else(|| refused("a page that ends within its levels"), Ok)
}

fn check_dictionary(
    values: u32,
    column: &ColumnDescriptor,
    mut page: &[u8],
) -> Result<(), ParquetError> {
    const TOO_SHORT: &str = "a dictionary of fewer values than it says";
    let width = match column.physical_type() {
        Physical::BYTE_ARRAY => {
            for _ in 0..values {
                let Some((length, rest)) = page.split_first_chunk::<4>() else {
                    return refused(TOO_SHORT);
                };
                let length = u32::from_le_bytes(*length);
                if u64::from(length) > TEXT {
                    return refused(LONG);
                }
                let Some(rest) = rest.get(length as usize..) else {
                    return refused(TOO_SHORT);
                };
                page = rest;
            }
            return Ok(());
        }
        // A dictionary of truth values is none.
        Physical::BOOLEAN => return refused(TOO_SHORT),
        Physical::INT32 | Physical::FLOAT => 4,
        Physical::INT64 | Physical::DOUBLE => 8,
        Physical::INT96 => 12,
        Physical::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.type_length()).unwrap_or(0),
    };
    let is_there = width > 0 && u64::from(values) * width <= page.len() as u64;
    match is_there {
        true => Ok(()),
        false => refused(TOO_SHORT),
    }
}

const LONG: &str = "a text of more than 32 KiB";
const DELTAS: &str = "lengths of texts that cannot be";

/// The decoder makes room for as many texts as are declared, and for each of them whole.
fn check_delta(encoding: Encoding, values: u32, page: &[u8]) -> Result<(), ParquetError> {
    let mut first = Deltas::read(page, values)?;
    if encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY {
        return Ok(());
    }
    let mut prefixes = Vec::new();
    while let Some(prefix) = first.next()? {
        prefixes.push(prefix);
    }
    let mut suffixes = Deltas::read(first.left, values)?;
    let mut length = 0i64;
    for prefix in prefixes {
        let suffix = suffixes.next()?;
        let is_fine = |part: i32| part >= 0;
        let Some(suffix) = suffix.filter(|suffix| is_fine(*suffix) && is_fine(prefix)) else {
            return refused(DELTAS);
        };
        if i64::from(prefix) > length {
            return refused(DELTAS);
        }
        length = i64::from(prefix) + i64::from(suffix);
        if length > TEXT as i64 {
            return refused(LONG);
        }
    }
    Ok(())
}

/// Integers as differences, packed in blocks.
struct Deltas<'a> {
    left: &'a [u8],
    /// Values that were not given yet.
    values: u64,
    /// The last one, and whether it was not given yet.
    last: i32,
    is_first: bool,
    /// The least difference in this block.
    least: i32,
    each: usize,
    blocks: usize,
    /// The widths of the parts of this block that are still to come.
    widths: &'a [u8],
    /// The part that is being read: its bytes, the width of its values, and how many were given.
    part: (&'a [u8], usize, usize),
}

impl<'a> Deltas<'a> {
    fn read(bytes: &'a [u8], at_most: u32) -> Result<Deltas<'a>, ParquetError> {
        let mut walk = super::super::thrift::Walk::new(bytes);
        let mut head = || -> Result<_, super::super::thrift::Wrong> {
            Ok((walk.varint()?, walk.varint()?, walk.varint()?, walk.int()?))
        };
        let Ok((block, blocks, values, first)) = head() else {
            return refused(DELTAS);
        };
        let is_fine = blocks > 0
            && block % 128 == 0
            && block <= 1 << 20
            && block % blocks == 0
            && (block / blocks).is_multiple_of(32)
            && block >= blocks;
        if !is_fine || values > u64::from(at_most) {
            return refused(DELTAS);
        }
        let left = walk.left();
        Ok(Deltas {
            left: &bytes[bytes.len() - left..],
            values,
            last: first as i32,
            is_first: true,
            least: 0,
            each: (block / blocks) as usize,
            blocks: blocks as usize,
            widths: &[],
            part: (&[], 0, usize::MAX),
        })
    }

    fn next(&mut self) -> Result<Option<i32>, ParquetError> {
        let Some(values) = self.values.checked_sub(1) else {
            return Ok(None);
        };
        self.values = values;
        if self.is_first {
            self.is_first = false;
            return Ok(Some(self.last));
        }
        if self.part.2 >= self.each {
            self.part = self.next_part()?;
        }
        let (bytes, width, given) = &mut self.part;
        let difference = bits(bytes, *given * *width, *width);
        *given += 1;
        self.last = self
            .last
            .wrapping_add(self.least)
            .wrapping_add(difference as i32);
        Ok(Some(self.last))
    }

    fn next_part(&mut self) -> Result<(&'a [u8], usize, usize), ParquetError> {
        let Some((width, widths)) = self.widths.split_first() else {
            let mut walk = super::super::thrift::Walk::new(self.left);
            let Ok(least) = walk.int() else {
                return refused(DELTAS);
            };
            let left = &self.left[self.left.len() - walk.left()..];
            let Some((widths, left)) = left.split_at_checked(self.blocks) else {
                return refused(DELTAS);
            };
            (self.least, self.widths, self.left) = (least as i32, widths, left);
            return self.next_part();
        };
        self.widths = widths;
        let width = usize::from(*width);
        let Some((bytes, left)) = self.left.split_at_checked(width * self.each / 8) else {
            return refused(DELTAS);
        };
        if width > 32 {
            return refused(DELTAS);
        }
        self.left = left;
        Ok((bytes, width, 0))
    }
}

/// So many bits from a place on, the lowest first.
fn bits(bytes: &[u8], at: usize, width: usize) -> u64 {
    let start = at / 8;
    let mut word = [0; 8];
    let end = bytes.len().min(start + 8);
    if let Some(there) = bytes.get(start..end) {
        word[..there.len()].copy_from_slice(there);
    }
    let word = u64::from_le_bytes(word) >> (at % 8);
    word & ((1 << width) - 1)
}

pub(super) fn refused<T>(reason: &str) -> Result<T, ParquetError> {
    Err(ParquetError::General(reason.to_owned()))
}

#[cfg(test)]
mod tests;
