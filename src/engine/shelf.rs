//! Where runs wait until all rows are read: in memory, and beyond what it may take in files.

use super::packed::{MARGIN, Packing};
use super::run::Piece;
use super::slab::Slab;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
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
}

/// A file of waiting rows that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("rows that find no room in memory cannot wait in {directory}: {source}")]
pub struct SpillError {
    /// The directory.
    pub directory: String,
    /// Why.
    pub source: io::Error,
}

/// Takes slabs from all threads.
pub struct Shelf<'a> {
    room: Option<&'a Room>,
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
    spilled: Vec<Spilled>,
    /// How many rows there are.
    pub rows: u64,
    /// How many bytes of them are in files.
    pub spilled_bytes: u64,
    /// The sources whose rows are left out, if there are any.
    left_out: HashSet<u32>,
}

/// Runs in a file, partition by partition: how many rows of each run, then these rows.
struct Spilled {
    file: File,
    directory: PathBuf,
    runs: Vec<(Packing, Vec<u32>)>,
    /// Where each partition starts.
    starts: Vec<u64>,
}

impl<'a> Shelf<'a> {
    /// An empty one.
    pub fn new(room: Option<&'a Room>, partitions: usize) -> Shelf<'a> {
        Shelf {
            room,
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

    /// Takes a slab. Where there is no room for it, all that are here go to a file; meanwhile the
    /// other threads wait, as they would only add to them.
    pub fn put(&self, slab: Slab) -> Result<(), SpillError> {
        if slab.rows() == 0 {
            return Ok(());
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.memory += slab.size();
        held.shelved.rows += slab.rows();
        held.shelved.slabs.push(slab);
        match self.room {
            Some(room) if held.memory > room.memory => {
                held.memory = 0;
                let spilled = held.shelved.spill(&room.directory, self.partitions);
                self.has_failed
                    .fetch_or(spilled.is_err(), Ordering::Relaxed);
                spilled
            }
            _ => Ok(()),
        }
    }

    /// All runs. If some had no room, the others give theirs to what follows.
    pub fn close(self) -> Result<Shelved, SpillError> {
        let held = self.held.into_inner();
        let mut shelved = held.unwrap_or_else(PoisonError::into_inner).shelved;
        match self.room {
            Some(room) if !shelved.spilled.is_empty() && !shelved.slabs.is_empty() => {
                shelved.spill(&room.directory, self.partitions)?;
            }
            _ => {}
        }
        Ok(shelved)
    }
}

impl Shelved {
    fn spill(&mut self, directory: &Path, partitions: usize) -> Result<(), SpillError> {
        let slabs = std::mem::take(&mut self.slabs);
        let spilled = Spilled::write(&slabs, directory, partitions).map_err(failed(directory))?;
        self.spilled_bytes += spilled.starts.last().copied().unwrap_or(0);
        self.spilled.push(spilled);
        Ok(())
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

    /// Hands out the pieces of one partition; `buffer` is room for those that are in files.
    pub fn pieces(
        &self,
        partition: usize,
        buffer: &mut Vec<u8>,
        mut take: impl FnMut(Piece<'_>),
    ) -> Result<(), SpillError> {
        for piece in self.slabs.iter().flat_map(|slab| slab.pieces(partition)) {
            take(piece);
        }
        for spilled in &self.spilled {
            let read = spilled.read(partition, buffer);
            read.map_err(failed(&spilled.directory))?;
            spilled.pieces(buffer, &mut take);
        }
        Ok(())
    }
}

fn failed(directory: &Path) -> impl Fn(io::Error) -> SpillError {
    let directory = directory.display().to_string();
    move |source| SpillError {
        directory: directory.clone(),
        source,
    }
}

impl Spilled {
    fn write(slabs: &[Slab], directory: &Path, partitions: usize) -> io::Result<Spilled> {
        let file = tempfile::tempfile_in(directory)?;
        let mut writer = BufWriter::with_capacity(1 << 20, &file);
        let mut starts = Vec::with_capacity(partitions + 1);
        let mut end = 0u64;
        for partition in 0..partitions {
            starts.push(end);
            let pieces = || slabs.iter().flat_map(|slab| slab.pieces(partition));
            for piece in pieces() {
                let rows = piece.rows as u32;
                writer.write_all(&rows.to_le_bytes())?;
                end += 4;
            }
            for piece in pieces() {
                let bytes = &piece.bytes[..piece.bytes.len() - MARGIN];
                writer.write_all(bytes)?;
                end += bytes.len() as u64;
            }
        }
        starts.push(end);
        writer.flush()?;
        drop(writer);
        Ok(Spilled {
            file,
            directory: directory.to_owned(),
            runs: slabs
                .iter()
                .flat_map(Slab::runs)
                .map(|run| {
                    let (packing, sources) = run.form();
                    (packing.clone(), sources.to_vec())
                })
                .collect(),
            starts,
        })
    }

    /// Reads a partition, with the margin of the last row.
    fn read(&self, partition: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        let (start, end) = (self.starts[partition], self.starts[partition + 1]);
        let bytes = (end - start) as usize;
        buffer.resize(bytes + MARGIN, 0);
        self.file.read_exact_at(&mut buffer[..bytes], start)
    }

    fn pieces(&self, buffer: &[u8], take: &mut impl FnMut(Piece<'_>)) {
        let (counts, mut rest) = buffer.split_at(4 * self.runs.len());
        for ((packing, sources), count) in self.runs.iter().zip(counts.as_chunks().0) {
            let rows = u32::from_le_bytes(*count) as usize;
            let bytes = rows * packing.bytes();
            take(Piece {
                packing,
                sources,
                bytes: &rest[..bytes + MARGIN],
                rows,
            });
            rest = &rest[bytes..];
        }
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
        };
        let shelf = Shelf::new(Some(&room), 4);
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
        let error = shelf.put(slab).expect_err("there is no such directory");
        assert!(error.to_string().contains("gone"), "{error}");
        assert!(shelf.has_failed());
    }
}
