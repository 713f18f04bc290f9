//! Rows in a file, partition by partition: those that find no room in memory, and those that later runs
//! need.

use super::deliveries::DeliverySet;
use super::packed::{MARGIN, Packing};
use super::run::Piece;
use super::slab::Slab;
use crate::disk::{Disk, NewFile};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Runs in a file. For each partition: how many rows of each run, then these rows.
pub struct Volume {
    file: File,
    directory: PathBuf,
    /// None where the file has no name, and vanishes with the process.
    name: Option<String>,
    head: Head,
    /// A digest of the head, and so of all that is in it; 0 where the file has no name.
    digest: u64,
    /// Whether an earlier run wrote it, so that nobody knows what became of it since.
    is_old: bool,
}

/// What has to be known of a volume to read it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Head {
    runs: Vec<Form>,
    /// Where each partition starts, and where the last one ends.
    starts: Vec<u64>,
    /// A digest of the bytes of each partition; none where the file has no name.
    digests: Vec<u64>,
    /// The deliveries of its rows.
    deliveries: DeliverySet,
    rows: u64,
}

/// How the rows of a run are written, and the sources that they name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Form {
    packing: Packing,
    sources: Vec<u32>,
}

/// Where volumes with names are made.
pub struct Volumes {
    disk: Disk,
    directory: PathBuf,
    prefix: String,
    next: AtomicU32,
}

/// The last bytes of a volume with a name: the length of its head, a digest of that, and this.
const MARK: [u8; 8] = *b"dkpirows";
const FOOT: usize = 24;

impl Volumes {
    /// Those of one run, whose names start alike.
    pub fn new(disk: &Disk, directory: &Path, prefix: &str) -> Volumes {
        Volumes {
            disk: disk.clone(),
            directory: directory.to_owned(),
            prefix: prefix.to_owned(),
            next: AtomicU32::new(0),
        }
    }

    /// The directory that they are in.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes all rows of some slabs to a new one, which nobody but the user may read.
    pub fn write(&self, slabs: &[Slab], partitions: usize) -> io::Result<Volume> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}.rows", self.prefix);
        let file = self.disk.create(&self.directory.join(&name))?;
        let head = write(&file, slabs, partitions, true)?;
        let mut json = serde_json::to_vec(&head)?;
        let mut end = &file;
        let length = json.len() as u64;
        let digest = xxh3_64(&json);
        json.extend(length.to_le_bytes());
        json.extend(digest.to_le_bytes());
        json.extend(MARK);
        end.write_all(&json)?;
        Ok(Volume {
            file: file.into_file(),
            directory: self.directory.clone(),
            name: Some(name),
            head,
            digest,
            is_old: false,
        })
    }
}

impl Volume {
    /// Writes all rows of some slabs to a file without a name, which nobody but the user may open, not even
    /// by way of the process.
    pub fn unnamed(
        slabs: &[Slab],
        disk: &Disk,
        directory: &Path,
        partitions: usize,
    ) -> io::Result<Volume> {
        let file = disk.unnamed(directory)?;
        let head = write(&file, slabs, partitions, false)?;
        Ok(Volume {
            file: file.into_file(),
            directory: directory.to_owned(),
            name: None,
            head,
            digest: 0,
            is_old: false,
        })
    }

    /// Opens one with a name. Anything wrong with it is an error.
    pub fn open(directory: &Path, name: &str, partitions: usize) -> io::Result<Volume> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "not what was written");
        let mut file = File::open(directory.join(name))?;
        let end = file.seek(SeekFrom::End(0))?;
        let at = end.checked_sub(FOOT as u64).ok_or_else(damaged)?;
        let mut foot = [0; FOOT];
        file.read_exact_at(&mut foot, at)?;
        let word = |at: usize| {
            foot[at..]
                .first_chunk()
                .map_or(0, |w| u64::from_le_bytes(*w))
        };
        let start = at.checked_sub(word(0)).ok_or_else(damaged)?;
        if foot[16..] != MARK {
            return Err(damaged());
        }
        let mut json = Vec::with_capacity(word(0) as usize);
        file.seek(SeekFrom::Start(start))?;
        (&file).take(word(0)).read_to_end(&mut json)?;
        if xxh3_64(&json) != word(8) {
            return Err(damaged());
        }
        let head: Head = serde_json::from_slice(&json)?;
        if head.digests.len() != partitions || head.starts.last() != Some(&start) {
            return Err(damaged());
        }
        Ok(Volume {
            file,
            directory: directory.to_owned(),
            name: Some(name.to_owned()),
            head,
            digest: word(8),
            is_old: true,
        })
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What tells it from others, whatever their names.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The directory that it is in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.head.rows
    }

    /// How many bytes its rows take.
    pub fn bytes(&self) -> u64 {
        self.head.starts.last().copied().unwrap_or(0)
    }

    /// Whether it has rows of some of these deliveries.
    pub fn has_some(&self, deliveries: &DeliverySet) -> bool {
        self.head.deliveries.meets(deliveries)
    }

    /// Whether some of its rows came from one of these sources.
    pub fn names(&self, is_one: impl Fn(u32) -> bool) -> bool {
        let mut sources = self.head.runs.iter().flat_map(|run| &run.sources);
        sources.any(|source| is_one(*source))
    }

    /// Reads a partition, with the margin of the last row.
    pub(super) fn read(&self, partition: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        let (start, end) = (self.head.starts[partition], self.head.starts[partition + 1]);
        let bytes = (end - start) as usize;
        buffer.resize(bytes + MARGIN, 0);
        let read = self.file.read_exact_at(&mut buffer[..bytes], start);
        // What was kept can be read again from the extracts, whatever is wrong with it.
        read.map_err(|error| match self.name {
            Some(_) => io::Error::new(io::ErrorKind::InvalidData, error),
            None => error,
        })?;
        match self.head.digests.get(partition) {
            Some(digest) if self.is_old && *digest != xxh3_64(&buffer[..bytes]) => Err(
                io::Error::new(io::ErrorKind::InvalidData, "not what was written"),
            ),
            _ => Ok(()),
        }
    }

    /// The pieces of a partition that was read.
    pub(super) fn pieces<'a>(&'a self, buffer: &'a [u8], mut take: impl FnMut(Piece<'a>)) {
        let runs = &self.head.runs;
        let (counts, mut rest) = buffer.split_at(4 * runs.len());
        for (run, count) in runs.iter().zip(counts.as_chunks().0) {
            let rows = u32::from_le_bytes(*count) as usize;
            let bytes = rows * run.packing.bytes();
            take(Piece {
                packing: &run.packing,
                sources: &run.sources,
                bytes: &rest[..bytes + MARGIN],
                rows,
            });
            rest = &rest[bytes..];
        }
    }
}

/// Writes the rows of slabs to the start of a file.
fn write(file: &NewFile, slabs: &[Slab], partitions: usize, is_kept: bool) -> io::Result<Head> {
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    let mut head = Head::default();
    let mut end = 0u64;
    for partition in 0..partitions {
        head.starts.push(end);
        let mut digest = Xxh3::new();
        let mut put = |bytes: &[u8]| {
            end += bytes.len() as u64;
            if is_kept {
                digest.update(bytes);
            }
            writer.write_all(bytes)
        };
        let pieces = || slabs.iter().flat_map(|slab| slab.pieces(partition));
        for piece in pieces() {
            put(&(piece.rows as u32).to_le_bytes())?;
        }
        for piece in pieces() {
            put(&piece.bytes[..piece.bytes.len() - MARGIN])?;
        }
        if is_kept {
            head.digests.push(digest.digest());
        }
    }
    head.starts.push(end);
    writer.flush()?;
    let forms = slabs.iter().flat_map(Slab::runs).map(|run| {
        let (packing, sources) = run.form();
        Form {
            packing: packing.clone(),
            sources: sources.to_vec(),
        }
    });
    head.runs = forms.collect();
    let runs = slabs.iter().flat_map(Slab::runs);
    runs.for_each(|run| head.deliveries.extend(run.deliveries()));
    head.rows = slabs.iter().map(Slab::rows).sum();
    Ok(head)
}
