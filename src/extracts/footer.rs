//! The footer of a Parquet file, gone through before it is handed to the decoder.
//!
//! The decoder asks for memory for as many row groups, columns and texts as a footer says it has, before it looks
//! at the first of them: 39 bytes are enough for a request that no machine can meet, and a process that asks so
//! is ended at once, with everything else that it does. So each count is first held against the bytes that are
//! left for what it counts.

use super::thrift::{DEEPEST, Kind, MANY, STRUCT, TOO_DEEP, TOO_MANY, Walk, Wrong};
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

/// The length of the footer and the magic number behind it.
const TAIL: usize = 8;
/// The bytes that a footer may take; in memory it takes some ten times as many.
const LONGEST: u32 = 32 << 20;

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
    if length > LONGEST {
        return Err(refusal("a footer", MANY));
    }
    let footer = file.get_bytes(start, length as usize)?;
    whole(&footer, "a footer")?;
    schema(&footer).map_err(|wrong| refusal("a footer", wrong))
}

fn refusal(what: &str, wrong: Wrong) -> ParquetError {
    ParquetError::General(format!("{what} with {}", wrong.0))
}

/// Goes through the schema, which is a list: an element says how many of the next ones are in it. The decoder
/// makes room for these, and goes into them as deep as they are.
fn schema(footer: &[u8]) -> Result<(), Wrong> {
    const SCHEMA: i64 = 2;
    const CHILDREN: i64 = 5;
    let mut walk = Walk::new(footer);
    let mut last = 0;
    while let Some(field) = walk.field(&mut last)? {
        if field.number != SCHEMA || !field.is_list() {
            walk.pass(field, 1)?;
            continue;
        }
        let (count, item) = walk.list()?;
        if item != STRUCT {
            return Ok(());
        }
        // How many elements are still to come in each that has begun.
        let mut open: Vec<u64> = Vec::new();
        for place in 0..count {
            let (mut children, mut last) = (0, 0);
            while let Some(field) = walk.field(&mut last)? {
                match field.number == CHILDREN && field.is_int() {
                    true => children = walk.int()?,
                    false => walk.pass(field, 3)?,
                }
            }
            if let Some(left) = open.last_mut() {
                *left = left.saturating_sub(1);
            }
            let children = u64::try_from(children).map_err(|_| TOO_MANY)?;
            if children > (count - place - 1) as u64 {
                return Err(TOO_MANY);
            }
            open.push(children);
            while open.last() == Some(&0) {
                open.pop();
            }
            if open.len() > DEEPEST {
                return Err(TOO_DEEP);
            }
        }
    }
    Ok(())
}

/// Refuses a struct in Thrift's compact protocol that counts more than it can hold.
pub(super) fn whole(bytes: &[u8], what: &str) -> Result<(), ParquetError> {
    Walk::new(bytes)
        .value(Kind::Struct, 0)
        .map_err(|wrong| refusal(what, wrong))
}

#[cfg(test)]
mod tests;
