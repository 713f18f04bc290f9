//! The bytes of a file.

use super::listing::SourceFile;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Where the bytes of a file are had from. Its parts share the place in the file, so it is for one thread.
#[derive(Clone)]
pub(super) enum Source {
    /// All of them, read at once: asking for the parts of so few costs more than reading them.
    Small(Bytes),
    /// Where they can be had part by part, and how many there are.
    Large(Arc<File>, u64),
}

impl Source {
    /// All bytes of a small file, or those of a large one as they are asked for.
    pub(super) fn open(file: &SourceFile) -> Result<Source, ParquetError> {
        const SMALL: u64 = 1 << 18;
        let mut handle = File::open(&file.path)?;
        if file.bytes > SMALL {
            return Source::of(handle);
        }
        let mut bytes = Vec::with_capacity(file.bytes as usize + 1);
        handle.by_ref().take(SMALL + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 {
            ..=SMALL => Ok(Source::Small(bytes.into())),
            // It has grown since it was listed.
            _ => Source::of(handle),
        }
    }

    /// Those of a file as they are asked for, whatever its size.
    pub(super) fn in_parts(file: &SourceFile) -> Result<Source, ParquetError> {
        Source::of(File::open(&file.path)?)
    }

    fn of(handle: File) -> Result<Source, ParquetError> {
        let bytes = handle.metadata()?.len();
        Ok(Source::Large(Arc::new(handle), bytes))
    }

    /// Some of the bytes.
    pub(super) fn bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len()) {
            let reason = "a part that goes on past the end of the file";
            return Err(ParquetError::EOF(reason.to_owned()));
        }
        match self {
            Source::Small(bytes) => Ok(bytes.slice(start as usize..start as usize + length)),
            Source::Large(file, _) => {
                let mut file = file.as_ref();
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = Vec::with_capacity(length);
                file.take(length as u64).read_to_end(&mut bytes)?;
                match bytes.len() == length {
                    true => Ok(bytes.into()),
                    false => Err(ParquetError::EOF(
                        "fewer bytes than the file had a moment ago".to_owned(),
                    )),
                }
            }
        }
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Source::Small(bytes) => bytes.len() as u64,
            Source::Large(_, bytes) => *bytes,
        }
    }
}

/// The bytes from one place on.
pub(super) struct From {
    source: Source,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.len().saturating_sub(self.at);
        let length = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = self.source.bytes(self.at, length);
        let bytes = bytes.map_err(io::Error::other)?;
        buffer[..length].copy_from_slice(&bytes);
        self.at += length as u64;
        Ok(length)
    }
}

impl ChunkReader for Source {
    type T = From;

    fn get_read(&self, start: u64) -> Result<From, ParquetError> {
        Ok(From {
            source: self.clone(),
            at: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.bytes(start, length)
    }
}
