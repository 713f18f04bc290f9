//! Where runs wait until all rows are read: in memory, or, beyond what it may take and where later runs need
//! them anyway, in files.

use super::run::Piece;
use super::slab::Slab;
use super::volume::{Volume, Volumes};
use crate::disk::Disk;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How much memory rows may take while they wait, and where those go that find no room.
#[derive(Clone, Debug)]
pub struct Room {
    /// Bytes.
    pub memory: usize,
    /// The directory of the files; they have no name there, and vanish with the process.
    pub directory: PathBuf,
    /// How they are made.
    pub disk: Disk,
}

/// A file of waiting rows that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("rows cannot wait in {directory}: {source}")]
pub struct SpillError {
    /// The directory.
    pub directory: String,
    /// Why.
    pub source: io::Error,
}

impl SpillError {
    /// Whether a file is not what was written, so that what it held has to be read again.
    pub fn is_damage(&self) -> bool {
        self.source.kind() == io::ErrorKind::InvalidData
    }
}

/// Takes slabs from all threads.
pub struct Shelf<'a> {
    room: Option<&'a Room>,
    /// Where all rows are kept, if they are.
    volumes: Option<&'a Volumes>,
    partitions: usize,
    held: Mutex<Held>,
    has_failed: AtomicBool,
}

#[derive(Default)]
struct Held {
    memory: usize,
    shelved: Shelved,
}

/// Runs that wait to be folded.
#[derive(Default)]
pub struct Shelved {
    slabs: Vec<Slab>,
    /// Rows that are in files.
    spilled: Vec<Volume>,
    /// How many rows there are.
    pub rows: u64,
    /// How many bytes of them are in files.
    pub spilled_bytes: u64,
    /// The sources whose rows are left out, if there are any.
    left_out: HashSet<u32>,
}

impl<'a> Shelf<'a> {
    /// An empty one.
    pub fn new(
        room: Option<&'a Room>,
        volumes: Option<&'a Volumes>,
        partitions: usize,
    ) -> Shelf<'a> {
        Shelf {
            room,
            volumes,
            partitions,
            held: Mutex::default(),
            has_failed: AtomicBool::new(false),
        }
    }

    /// Whether there is not room for everything.
    pub fn is_limited(&self) -> bool {
        self.room.is_some()
    }

    /// Whether some run could not be put to a file, so that no more are needed.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Takes a slab. Where all rows are kept, it goes to a file of its own, and is given back to be used
    /// again. Where there is no room for it, all that are here go to a file; meanwhile the other threads
    /// wait, as they would only add to them.
    pub fn put(&self, slab: Slab) -> Result<Option<Slab>, SpillError> {
        if slab.rows() == 0 {
            return Ok(None);
        }
        if let (None, Some(volumes)) = (self.room, self.volumes) {
            let kept = volumes.write(std::slice::from_ref(&slab), self.partitions);
            self.has_failed.fetch_or(kept.is_err(), Ordering::Relaxed);
            let kept = kept.map_err(failed(volumes.directory()))?;
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.shelved.rows += slab.rows();
            held.shelved.spilled_bytes += kept.bytes();
            held.shelved.spilled.push(kept);
            return Ok(Some(slab));
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.memory += slab.size();
        held.shelved.rows += slab.rows();
        held.shelved.slabs.push(slab);
        match self.room {
            Some(room) if held.memory > room.memory => {
                held.memory = 0;
                let spilled = held.shelved.spill(room, self.volumes, self.partitions);
                self.has_failed
                    .fetch_or(spilled.is_err(), Ordering::Relaxed);
                spilled.map(|()| None)
            }
            _ => Ok(None),
        }
    }

    /// All runs. If some had no room, the others give theirs to what follows.
    pub fn close(&self) -> Result<Shelved, SpillError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shelved = std::mem::take(&mut *held).shelved;
        let goes_on = !shelved.spilled.is_empty() || self.volumes.is_some();
        match self.room {
            Some(room) if !shelved.slabs.is_empty() && goes_on => {
                shelved.spill(room, self.volumes, self.partitions)?;
            }
            _ => {}
        }
        Ok(shelved)
    }
}

impl Shelved {
    fn spill(
        &mut self,
        room: &Room,
        volumes: Option<&Volumes>,
        partitions: usize,
    ) -> Result<(), SpillError> {
        let slabs = std::mem::take(&mut self.slabs);
        let spilled = match volumes {
            Some(volumes) => volumes
                .write(&slabs, partitions)
                .map_err(failed(volumes.directory())),
            None => Volume::unnamed(&slabs, &room.disk, &room.directory, partitions)
                .map_err(failed(&room.directory)),
        }?;
        self.spilled_bytes += spilled.bytes();
        self.spilled.push(spilled);
        Ok(())
    }

    /// What is kept of the rows for later runs, if that was asked for.
    pub fn into_kept(self) -> Vec<Volume> {
        let files = self.spilled.into_iter();
        files.filter(|file| file.name().is_some()).collect()
    }

    /// Leaves out the rows of these sources.
    pub fn leave_out(&mut self, sources: impl IntoIterator<Item = u32>) {
        self.left_out.extend(sources);
    }

    /// Whether the rows of some source are left out.
    pub fn leaves_out_some(&self) -> bool {
        !self.left_out.is_empty()
    }

    /// Whether the rows of a source are left out.
    pub fn leaves_out(&self, source: u32) -> bool {
        self.left_out.contains(&source)
    }

    /// The pieces of one partition in the order of their first sources, so that rows come as far as can be in the
    /// order of time; `buffers` are room for those that are in files.
    pub fn pieces<'a>(
        &'a self,
        partition: usize,
        buffers: &'a mut Vec<Vec<u8>>,
    ) -> Result<Vec<Piece<'a>>, SpillError> {
        buffers.resize_with(self.spilled.len(), Vec::new);
        for (spilled, buffer) in self.spilled.iter().zip(buffers.iter_mut()) {
            let read = spilled.read(partition, buffer);
            read.map_err(failed(spilled.directory()))?;
        }
        let slabs = self.slabs.iter().flat_map(|slab| slab.pieces(partition));
        let mut pieces: Vec<Piece<'a>> = slabs.collect();
        for (spilled, buffer) in self.spilled.iter().zip(buffers.iter()) {
            spilled.pieces(buffer, |piece| pieces.push(piece));
        }
        pieces.retain(|piece| piece.rows() > 0);
        pieces.sort_by_key(|piece| piece.sources().first().copied());
        Ok(pieces)
    }
}

/// Tells where it failed.
pub(super) fn failed(directory: &Path) -> impl Fn(io::Error) -> SpillError {
    let directory = directory.display().to_string();
    move |source| SpillError {
        directory: directory.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::partition::Partitions;
    use crate::engine::sheaf::Sheaf;
    use crate::model::{Code, DeliveryIndex, Event, Instant, Logged, Report, Stamp};

    #[test]
    fn a_directory_that_takes_no_file_is_named_and_ends_the_reading() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let room = Room {
            memory: 0,
            directory: directory.path().join("gone"),
            disk: Disk::default(),
        };
        let shelf = Shelf::new(Some(&room), None, 4);
        let report = Some(Logged::Event(Report::Relayed));
        let mut sheaf = Sheaf::<u64>::default();
        sheaf.decoded.events.push(Event {
            message: 7,
            stamp: Stamp::sending(Some(Instant::FIRST), report),
            delivery: DeliveryIndex(0),
            code: Code::NULL,
        });
        sheaf.end(0);
        let slab = Slab::of(&mut sheaf, Partitions::of(4));
        assert!(!shelf.has_failed());
        let error = shelf.put(slab).err().expect("there is no such directory");
        assert!(error.to_string().contains("gone"), "{error}");
        assert!(shelf.has_failed());
    }
}
