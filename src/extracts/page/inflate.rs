//! Decompression that never gives more than was asked for.

use parquet::basic::Compression;
use parquet::errors::ParquetError;
use std::io::{Cursor, Read};

/// What decompresses the pages of a column.
pub(super) enum Inflate {
    /// Nothing has to be done.
    Nothing,
    Snappy(snap::raw::Decoder),
    /// With its working memory.
    Zstd(Box<zstd::bulk::Decompressor<'static>>),
    Gzip,
    Brotli,
    Lz4Raw,
    /// In Hadoop's frames, or in those of older writers.
    Lz4,
}

impl Inflate {
    pub(super) fn of(compression: Compression) -> Result<Inflate, ParquetError> {
        Ok(match compression {
            Compression::UNCOMPRESSED => Inflate::Nothing,
            Compression::SNAPPY => Inflate::Snappy(snap::raw::Decoder::new()),
            Compression::ZSTD(_) => Inflate::Zstd(Box::new(zstd::bulk::Decompressor::new()?)),
            Compression::GZIP(_) => Inflate::Gzip,
            Compression::BROTLI(_) => Inflate::Brotli,
            Compression::LZ4_RAW => Inflate::Lz4Raw,
            Compression::LZ4 => Inflate::Lz4,
            Compression::LZO => {
                let reason = "compression LZO, which is not supported";
                return Err(ParquetError::NYI(reason.to_owned()));
            }
        })
    }

    /// Whether bytes are as they are in memory.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Inflate::Nothing)
    }

    /// Decompresses to the end of `out`, to which exactly so many bytes have to be added.
    pub(super) fn add(
        &mut self,
        stored: &[u8],
        out: &mut Vec<u8>,
        bytes: usize,
    ) -> Result<(), ParquetError> {
        let before = out.len();
        out.reserve_exact(bytes);
        match self {
            Inflate::Nothing => out.extend_from_slice(stored),
            Inflate::Zstd(zstd) => {
                let mut rest = Cursor::new(&mut *out);
                rest.set_position(before as u64);
                zstd.decompress_to_buffer(stored, &mut rest)?;
            }
            Inflate::Snappy(snappy) => {
                let there = snap::raw::decompress_len(stored).map_err(other)?;
                if there == bytes {
                    out.resize(before + bytes, 0);
                    snappy
                        .decompress(stored, &mut out[before..])
                        .map_err(other)?;
                }
            }
            Inflate::Lz4Raw => lz4_block(stored, out, bytes)?,
            Inflate::Lz4 => lz4(stored, out, bytes)?,
            Inflate::Gzip => up_to(flate2::read::MultiGzDecoder::new(stored), out, bytes)?,
            Inflate::Brotli => {
                const BUFFER: usize = 4096;
                /// How a stream begins that asks for more than the 16 MiB of RFC 7932.
                const LARGE_WINDOW: u8 = 0x11;
                if stored
                    .first()
                    .is_some_and(|byte| byte & 0x7F == LARGE_WINDOW)
                {
                    let reason = "a page compressed with a window that Parquet does not have";
                    return Err(ParquetError::General(reason.to_owned()));
                }
                up_to(brotli::Decompressor::new(stored, BUFFER), out, bytes)?;
            }
        }
        let added = out.len() - before;
        match added == bytes {
            true => Ok(()),
            false => Err(ParquetError::General(format!(
                "a page of other than the {bytes} bytes that its header declares"
            ))),
        }
    }
}

/// All that a reader gives, but no more than one byte too many.
fn up_to(reader: impl Read, out: &mut Vec<u8>, bytes: usize) -> Result<(), ParquetError> {
    reader.take(bytes as u64 + 1).read_to_end(out)?;
    Ok(())
}

fn lz4_block(stored: &[u8], out: &mut Vec<u8>, bytes: usize) -> Result<(), ParquetError> {
    let before = out.len();
    out.resize(before + bytes, 0);
    let added = lz4_flex::block::decompress_into(stored, &mut out[before..]).map_err(other)?;
    out.truncate(before + added);
    Ok(())
}

fn lz4(stored: &[u8], out: &mut Vec<u8>, bytes: usize) -> Result<(), ParquetError> {
    let before = out.len();
    if hadoop(stored, out, bytes).is_some() {
        return Ok(());
    }
    out.truncate(before);
    let framed = lz4_flex::frame::FrameDecoder::new(stored);
    if up_to(framed, out, bytes).is_ok() && out.len() - before == bytes {
        return Ok(());
    }
    out.truncate(before);
    lz4_block(stored, out, bytes)
}

/// Blocks with their lengths, whole and stored, in front.
fn hadoop(mut stored: &[u8], out: &mut Vec<u8>, mut bytes: usize) -> Option<()> {
    while !stored.is_empty() {
        let (whole, rest) = stored.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let whole = u32::from_be_bytes(*whole) as usize;
        let (block, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bytes = bytes.checked_sub(whole)?;
        let before = out.len();
        lz4_block(block, out, whole).ok()?;
        if out.len() - before != whole {
            return None;
        }
        stored = rest;
    }
    (bytes == 0).then_some(())
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}
