//! The footer of a Parquet file, gone through before it is handed to the decoder.
//!
//! The decoder asks for memory for as many row groups, columns and texts as a footer says it has, before it looks
//! at the first of them: 39 bytes are enough for a request that no machine can meet, and a process that asks so
//! is ended at once, with everything else that it does. So each count is first held against the bytes that are
//! left for what it counts.

use super::thrift::{Kind, Walk};
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
    whole(&footer, "a footer")
}

/// Refuses a struct in Thrift's compact protocol that counts more than it can hold.
pub(super) fn whole(bytes: &[u8], what: &str) -> Result<(), ParquetError> {
    Walk::new(bytes)
        .value(Kind::Struct, 0)
        .map_err(|wrong| ParquetError::General(format!("{what} with {}", wrong.0)))
}

#[cfg(test)]
mod tests;
