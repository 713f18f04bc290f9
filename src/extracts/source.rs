//! The bytes of a file.
#![cfg_attr(
    not(feature = "cloud"),
    allow(unreachable_code, reason = "there is no object to read then")
)]

use super::listing::SourceFile;
use super::place::Place;
use crate::stores::Object;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the bytes of a file are had from. Its parts share the place in the file, so it is for one thread.
#[derive(Clone)]
pub(super) enum Source {
    /// All of them, read at once: asking for the parts of so few costs more than reading them.
    Small(Bytes),
    /// Where they can be had part by part, and how many there are.
    Large(Arc<File>, u64),
    /// Those of an object.
    Remote(Window),
}

impl Source {
    /// All bytes of a small file, or those of a large one as they are asked for.
    pub(super) fn open(file: &SourceFile) -> Result<Source, ParquetError> {
        match &file.place {
            Place::File(path) => Source::of_file(path, file.bytes),
            Place::Object(object) if object.bytes() <= SMALL_OBJECT => {
                Ok(Source::Small(object.read(0, object.bytes())?))
            }
            Place::Object(object) => Ok(Source::Remote(Window::of(object))),
        }
    }

    fn of_file(path: &Path, listed: u64) -> Result<Source, ParquetError> {
        const SMALL: u64 = 1 << 18;
        let mut handle = File::open(path)?;
        if listed > SMALL {
            return Source::of(handle);
        }
        let mut bytes = Vec::with_capacity(listed as usize + 1);
        handle.by_ref().take(SMALL + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 {
            ..=SMALL => Ok(Source::Small(bytes.into())),
            // It has grown since it was listed.
            _ => Source::of(handle),
        }
    }

    /// What the footer of a file is read from: of an object the end alone.
    pub(super) fn for_footer(file: &SourceFile) -> Result<Source, ParquetError> {
        match &file.place {
            Place::File(path) => Source::of_file(path, file.bytes),
            Place::Object(_) => Source::in_parts(file),
        }
    }

    /// Those of a file as they are asked for, whatever its size.
    pub(super) fn in_parts(file: &SourceFile) -> Result<Source, ParquetError> {
        match &file.place {
            Place::File(path) => Source::of(File::open(path)?),
            Place::Object(object) => Ok(Source::Remote(Window::of(object))),
        }
    }

    fn of(handle: File) -> Result<Source, ParquetError> {
        let bytes = handle.metadata()?.len();
        Ok(Source::Large(Arc::new(handle), bytes))
    }

    /// Some of the bytes.
    pub(super) fn bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.bytes_of(start, length, length as u64)
    }

    /// The first of some bytes, the rest of which is asked for soon.
    pub(super) fn bytes_of(
        &self,
        start: u64,
        length: usize,
        soon: u64,
    ) -> Result<Bytes, ParquetError> {
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
            Source::Remote(window) => Ok(window.bytes(start, length as u64, soon)?),
        }
    }
}

/// Objects of so few bytes are read in one request.
const SMALL_OBJECT: u64 = 4 << 20;
/// The most that is read ahead.
const AHEAD: u64 = 2 << 20;
/// The bytes at the end of an object that come with the last of them: most footers are in them.
const TAIL: u64 = 1 << 16;

/// Bytes of an object around the last ones that were asked for: every request to a store takes its time.
pub(super) struct Window {
    object: Object,
    held: Mutex<(u64, Bytes)>,
}

impl Clone for Window {
    fn clone(&self) -> Window {
        Window {
            object: self.object.clone(),
            held: Mutex::new(self.held().clone()),
        }
    }
}

impl Window {
    fn of(object: &Object) -> Window {
        Window {
            object: object.clone(),
            held: Mutex::default(),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, (u64, Bytes)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that are there, and those behind them that are asked for soon.
    fn bytes(&self, start: u64, length: u64, soon: u64) -> io::Result<Bytes> {
        let mut held = self.held();
        let (at, bytes) = &*held;
        let is_held = *at <= start && start + length <= *at + bytes.len() as u64;
        if !is_held {
            let all = self.object.bytes();
            let tail = all.saturating_sub(TAIL);
            let end = start.saturating_add(soon.min(AHEAD).max(length)).min(all);
            *held = match start >= tail {
                true => (tail, self.object.read(tail, all - tail)?),
                false => (start, self.object.read(start, end - start)?),
            };
        }
        let (at, bytes) = &*held;
        let first = (start - at) as usize;
        Ok(bytes.slice(first..first + length as usize))
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Source::Small(bytes) => bytes.len() as u64,
            Source::Large(_, bytes) => *bytes,
            Source::Remote(window) => window.object.bytes(),
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
