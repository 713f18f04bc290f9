//! The footer of a Parquet file, gone through before it is handed to the decoder.
//!
//! The decoder asks for memory for as many row groups, columns and texts as a footer says it has, before it looks
//! at the first of them: 39 bytes are enough for a request that no machine can meet, and a process that asks so
//! is ended at once, with everything else that it does. So each count is first held against the bytes that are
//! left for what it counts.

use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

/// The length of the footer and the magic number behind it.
const TAIL: usize = 8;

/// Refuses a footer that counts more than it can hold. What else may be wrong with a file is left to the decoder.
pub fn check(file: &impl ChunkReader) -> Result<(), ParquetError> {
    let Some(start) = file.len().checked_sub(TAIL as u64) else {
        return Ok(());
    };
    let tail = file.get_bytes(start, TAIL)?;
    let Some((length, b"PAR1")) = tail.split_first_chunk::<4>() else {
        return Ok(());
    };
    let length = u32::from_le_bytes(*length);
    let Some(start) = start.checked_sub(u64::from(length)) else {
        return Ok(());
    };
    let footer = file.get_bytes(start, length as usize)?;
    let mut walk = Walk { left: &footer };
    walk.value(Kind::Struct, 0)
        .map_err(|wrong| ParquetError::General(format!("a footer with {}", wrong.0)))
}

/// What is wrong with a footer.
#[derive(Debug, PartialEq, Eq)]
struct Wrong(&'static str);

const CUT: Wrong = Wrong("a value that goes on past its end");
const TOO_MANY: Wrong = Wrong("a count of more items than its bytes can hold");
const TOO_DEEP: Wrong = Wrong("values within values beyond any depth that Parquet has");
const UNKNOWN: Wrong = Wrong("a value of an unknown kind");

/// Parquet's own values go some ten deep.
const DEEPEST: usize = 32;

/// The kinds of values in Thrift's compact protocol, in which footers are written.
#[derive(Clone, Copy)]
enum Kind {
    /// Of so many bytes.
    Bytes(usize),
    Varint,
    /// With its length first.
    Text,
    List,
    Map,
    Struct,
}

impl Kind {
    /// By its number, as an item; a truth value takes a byte there, and none as a field of a struct.
    fn of(number: u8) -> Result<Kind, Wrong> {
        match number {
            1..=3 => Ok(Kind::Bytes(1)),
            4..=6 => Ok(Kind::Varint),
            7 => Ok(Kind::Bytes(8)),
            8 => Ok(Kind::Text),
            9 | 10 => Ok(Kind::List),
            11 => Ok(Kind::Map),
            12 => Ok(Kind::Struct),
            13 => Ok(Kind::Bytes(16)),
            _ => Err(UNKNOWN),
        }
    }
}

/// The bytes that were not gone through yet. Every item takes at least one, so that this ends.
struct Walk<'a> {
    left: &'a [u8],
}

impl Walk<'_> {
    fn skip(&mut self, bytes: usize) -> Result<(), Wrong> {
        self.left = self.left.get(bytes..).ok_or(CUT)?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Wrong> {
        let (byte, left) = self.left.split_first().ok_or(CUT)?;
        self.left = left;
        Ok(*byte)
    }

    fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0u64;
        for at in 0..10 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << (7 * at);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CUT)
    }

    /// A count of what follows.
    fn count(&mut self, count: u64) -> Result<usize, Wrong> {
        let count = usize::try_from(count).map_err(|_| TOO_MANY)?;
        (count <= self.left.len()).then_some(count).ok_or(TOO_MANY)
    }

    fn value(&mut self, kind: Kind, depth: usize) -> Result<(), Wrong> {
        if depth > DEEPEST {
            return Err(TOO_DEEP);
        }
        match kind {
            Kind::Bytes(bytes) => self.skip(bytes),
            Kind::Varint => self.varint().map(drop),
            Kind::Text => {
                let length = self.varint()?;
                let length = self.count(length)?;
                self.skip(length)
            }
            Kind::List => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    few => u64::from(few),
                };
                let count = self.count(count)?;
                for _ in 0..count {
                    self.value(Kind::of(head & 15)?, depth + 1)?;
                }
                Ok(())
            }
            Kind::Map => {
                let count = self.varint()?;
                let count = self.count(count)?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    self.value(Kind::of(kinds >> 4)?, depth + 1)?;
                    self.value(Kind::of(kinds & 15)?, depth + 1)?;
                }
                Ok(())
            }
            Kind::Struct => loop {
                let head = self.byte()?;
                if head == 0 {
                    return Ok(());
                }
                if head >> 4 == 0 {
                    // The field's number is written out.
                    self.varint()?;
                }
                match head & 15 {
                    // A truth value is in the head.
                    1 | 2 => {}
                    number => self.value(Kind::of(number)?, depth + 1)?,
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
