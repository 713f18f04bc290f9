//! Reading: row groups of all files at once, decoded and sorted by partition.

use super::packed::Extra;
use super::partition::Partitions;
use super::sheaf::Sheaf;
use super::shelf::{Room, Shelf, Shelved, SpillError};
use super::slab::Slab;
use super::units::{Unit, units};
use super::volume::Volumes;
use super::{Pool, Progress, Stage, share};
use crate::decode::{DecodeKey, Decoder, Rising};
use crate::extracts::{Extract, FileError, Mapping, OpenFile, SourceFile, open};
use crate::model::{DeliveryIndex, FateCounts, Instant, Log};
use rayon::prelude::*;
use std::collections::HashSet;
use std::ops::Range;

/// What reading a file gave.
#[derive(Clone, Debug, Default)]
pub struct FileRead {
    /// Rows read, rejected and not selected; the other fates come from folding.
    pub counts: FateCounts,
    /// The oldest and the newest instant in it.
    pub span: Option<(Instant, Instant)>,
    /// The lowest and the highest `log_id` in it.
    pub log_ids: Option<(i64, i64)>,
}

/// How rows wait, and what of them is kept for later runs.
#[derive(Clone, Copy)]
pub struct Waiting<'a> {
    /// Which rows wait together.
    pub partitions: Partitions,
    /// What memory they may take, if it is limited.
    pub room: Option<&'a Room>,
    /// What later runs need, where there may be some.
    pub keeping: Option<&'a Keeping<'a>>,
}

/// What is kept of rows, so that later runs need not read them again.
pub struct Keeping<'a> {
    /// Where they are kept; nowhere in a dry run.
    pub volumes: Option<&'a Volumes>,
    /// The number of the first file among all that are kept.
    pub first_source: u32,
    /// Bounds of the `log_id`s that earlier runs have met.
    pub earlier: &'a [(Extract, (i64, i64))],
}

/// The rows of all files.
pub struct Reading {
    /// The rows; those of files that were left out among them.
    pub shelved: Shelved,
    /// By source: what was read, or why the file was left out as a whole.
    pub files: Vec<Result<FileRead, FileError>>,
    /// Deliveries with events in the decoder's interval.
    pub touched: HashSet<DeliveryIndex>,
}

/// Reads the footers of all files of an extract.
pub fn open_all(
    pool: &Pool,
    extract: Extract,
    files: &[SourceFile],
    mapping: &Mapping,
) -> Vec<Result<OpenFile, FileError>> {
    pool.install(|| {
        files
            .par_iter()
            .map(|file| open(extract, file, mapping))
            .collect()
    })
}

/// Decodes the files of both logs; the place of a file in `files` is the source of its rows. Where
/// there is no `room` in memory for all rows, they wait in files.
pub fn read<'a, M: DecodeKey>(
    pool: &Pool,
    files: &[OpenFile],
    mapping: impl Fn(Extract) -> &'a Mapping + Sync,
    decoder: &Decoder<'_>,
    waiting: Waiting<'_>,
    progress: &dyn Progress,
) -> Result<Reading, SpillError> {
    let Waiting {
        partitions,
        room,
        keeping,
    } = waiting;
    let volumes = keeping.and_then(|keeping| keeping.volumes);
    let room = room.filter(|room| !is_enough(room, volumes.is_some(), pool));
    let first_source = keeping.map_or(0, |keeping| keeping.first_source);
    let mut units = units(pool, files, &mapping, decoder.selection, keeping);
    let chunks = chunks(&units, most_rows(partitions, room.is_some()), pool);
    loop {
        let needed = units.iter().filter(|unit| unit.is_needed);
        progress.begins(Stage::Reading, needed.map(Unit::needed_rows).sum());
        let shelf = Shelf::new(room, volumes, partitions.count());
        let start = || Reader::<M> {
            decoder,
            shelf: &shelf,
            partitions,
            first_source,
            sheaf: Sheaf::keeping(keeping.is_some()),
            slab: Slab::default(),
            done: Vec::new(),
            failed: None,
        };
        let read = |reader: &mut Reader<'_, M>, chunk: usize| {
            for at in chunks[chunk].clone() {
                let unit = &units[at];
                let file = &files[unit.source];
                if unit.is_needed {
                    reader.take_up(at, file, unit, mapping(file.extract));
                    progress.advances(unit.needed_rows());
                } else {
                    reader.pass_by(at, unit);
                }
            }
            reader.shelve();
        };
        let done = share(pool, chunks.len(), start, read, Reader::finish);
        progress.ends();
        let done: Result<Vec<_>, SpillError> = done.into_iter().collect();
        let mut done: Vec<_> = done?.into_iter().flatten().collect();
        done.sort_unstable_by_key(|(at, _)| *at);
        let strays = |read: &Result<UnitRead, FileError>| read.as_ref().is_ok_and(|r| r.strays);
        let is_wrong = done.iter().any(|(_, read)| strays(read));
        if !(is_wrong && units.iter().any(|unit| unit.apart)) {
            let done = done.into_iter().map(|(_, read)| read);
            return Ok(reading(
                files.len(),
                first_source,
                &units,
                done,
                shelf.close()?,
            ));
        }
        // A footer is wrong about its rows, so none is trusted.
        for unit in &mut units {
            (unit.bounds, unit.apart) = (None, false);
        }
    }
}

/// Whether a room limits nothing: where all rows go to files that are kept, they leave memory at once, and holding
/// more of them back would only take more.
fn is_enough(room: &Room, keeps: bool, pool: &Pool) -> bool {
    // Of a thread: its decoded rows, a slab, and the one before that is used again.
    const OF_THREAD: usize = 128 << 20;
    keeps && room.memory / OF_THREAD >= pool.current_num_threads()
}

/// Rows of a run: so many that a partition has some of them, so few that they stay in the processor's cache
/// while they are sorted.
fn most_rows(partitions: Partitions, is_limited: bool) -> usize {
    let most = if is_limited { 1 << 17 } else { 1 << 19 };
    (partitions.count() * 64).clamp(1 << 17, most)
}

/// The units that become a run: those that follow one another, so that the rows of most messages come in the
/// order of time when runs follow their sources. There are several for each thread.
fn chunks(units: &[Unit], most_rows: usize, pool: &Pool) -> Vec<Range<usize>> {
    const OF_A_THREAD: u64 = 8;
    let rows: u64 = units.iter().map(Unit::needed_rows).sum();
    let of_chunk = rows / (OF_A_THREAD * pool.current_num_threads() as u64);
    let most = of_chunk.min(most_rows as u64);
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut rows = 0;
    for (at, unit) in units.iter().enumerate() {
        rows += unit.needed_rows();
        match chunks.last_mut() {
            Some(chunk) if rows <= most => chunk.end = at + 1,
            _ => {
                chunks.push(at..at + 1);
                rows = unit.needed_rows();
            }
        }
    }
    chunks
}

/// A file is read as a whole or left out as a whole.
fn reading(
    files: usize,
    first_source: u32,
    units: &[Unit],
    done: impl Iterator<Item = Result<UnitRead, FileError>>,
    shelved: Shelved,
) -> Reading {
    let mut reading = Reading {
        shelved,
        files: vec![Ok(FileRead::default()); files],
        touched: HashSet::new(),
    };
    for (unit, read) in units.iter().zip(done) {
        match (read, &mut reading.files[unit.source]) {
            (Ok(unit), Ok(file)) => {
                file.counts += &unit.read.counts;
                file.span = both(file.span, unit.read.span);
                file.log_ids = both(file.log_ids, unit.read.log_ids);
                reading.touched.extend(unit.touched);
            }
            (Err(error), file @ Ok(_)) => *file = Err(error),
            (_, Err(_)) => {}
        }
    }
    let sources = (first_source..).zip(&reading.files);
    let bad = sources.filter(|(_, file)| file.is_err());
    reading.shelved.leave_out(bad.map(|(source, _)| source));
    reading
}

/// The bounds of what is within some bounds or others.
fn both<T: Ord>(some: Option<(T, T)>, others: Option<(T, T)>) -> Option<(T, T)> {
    match (some, others) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (some, others) => some.or(others),
    }
}

#[derive(Default)]
struct UnitRead {
    read: FileRead,
    touched: HashSet<DeliveryIndex>,
    /// Whether a `log_id` is outside the bounds that the footer gives.
    strays: bool,
}

/// A row group by its place among all, and what reading it gave.
type Done = (usize, Result<UnitRead, FileError>);

/// One thread that reads.
struct Reader<'a, M: DecodeKey> {
    decoder: &'a Decoder<'a>,
    shelf: &'a Shelf<'a>,
    partitions: Partitions,
    first_source: u32,
    sheaf: Sheaf<M>,
    slab: Slab,
    /// The row groups, by their places among all.
    done: Vec<Done>,
    failed: Option<SpillError>,
}

impl<M: DecodeKey> Reader<'_, M> {
    fn most_rows(&self) -> usize {
        most_rows(self.partitions, self.shelf.is_limited())
    }

    /// The number of the file among all that are kept.
    fn source(&self, unit: &Unit) -> u32 {
        self.first_source + unit.source as u32
    }

    fn take_up(&mut self, at: usize, file: &OpenFile, unit: &Unit, mapping: &Mapping) {
        if !self.shelf.has_failed() {
            let read = self.read_unit(file, unit, mapping);
            self.done.push((at, read));
        }
    }

    /// None of the rows is of a delivery that is asked for.
    fn pass_by(&mut self, at: usize, unit: &Unit) {
        let mut read = UnitRead::default();
        read.read.counts.not_selected = unit.rows;
        self.done.push((at, Ok(read)));
    }

    /// Decodes a row group. Where its `log_id`s are apart from all others and rise, each stands for one
    /// row, and what would decide between several need not be decoded.
    fn read_unit(
        &mut self,
        file: &OpenFile,
        unit: &Unit,
        mapping: &Mapping,
    ) -> Result<UnitRead, FileError> {
        let rows = unit.needed_rows() as usize;
        if self.sheaf.rows() + rows > self.most_rows() {
            self.shelve();
        }
        let is_large = rows > self.most_rows();
        let may_rise = unit.apart && (!is_large || self.rises(file, unit, mapping)?);
        if may_rise {
            self.decode(file, unit, mapping, false)?;
        }
        let rises = may_rise && self.sheaf.decoded.log_ids.rises();
        if may_rise && !rises && is_large {
            // Some of its rows are on the shelf.
            return Err(FileError {
                extract: file.extract,
                file: file.file.name.clone(),
                row_group: Some(unit.row_group),
                reason: "it changed while it was read".to_owned(),
            });
        }
        if !rises {
            self.decode(file, unit, mapping, true)?;
        }
        let source = self.source(unit);
        self.sheaf.end(source);
        let decoded = &mut self.sheaf.decoded;
        decoded.counts.not_selected += unit.rows - unit.needed_rows();
        Ok(UnitRead {
            read: FileRead {
                counts: std::mem::take(&mut decoded.counts),
                span: decoded.span,
                log_ids: decoded.log_ids.bounds(),
            },
            touched: std::mem::take(&mut decoded.touched),
            strays: unit
                .bounds
                .is_some_and(|bounds| !decoded.log_ids.is_within(bounds)),
        })
    }

    /// Whether the `log_id`s of a row group that takes several runs rise.
    fn rises(&self, file: &OpenFile, unit: &Unit, mapping: &Mapping) -> Result<bool, FileError> {
        let mut log_ids = Rising::default();
        let (projection, pages) = (file.log_ids_alone(mapping), unit.pages.as_ref());
        file.read_pages(unit.row_group, pages, &projection, |batch| {
            log_ids.push_all(batch).map_err(|error| error.to_string())
        })?;
        Ok(log_ids.rises())
    }

    fn decode(
        &mut self,
        file: &OpenFile,
        unit: &Unit,
        mapping: &Mapping,
        with_tails: bool,
    ) -> Result<(), FileError> {
        let log = match file.extract {
            Extract::TrackingLog => Log::Tracking,
            Extract::SendingLog | Extract::Deliveries => Log::Sending,
        };
        let with_tails = with_tails && file.has_log_id(mapping);
        // What a failed attempt left goes, and rows with tails do not mix with others.
        self.sheaf.cut();
        if (self.sheaf.extra() == Extra::Tails) != with_tails {
            self.shelve();
        }
        self.sheaf.decoded.begin();
        let (decoder, partitions, most_rows) = (self.decoder, self.partitions, self.most_rows());
        let source = self.source(unit);
        let projection = file.projection_with(mapping, with_tails, &decoder.others());
        file.read_pages(unit.row_group, unit.pages.as_ref(), &projection, |batch| {
            if self.sheaf.rows() + batch.num_rows() > most_rows {
                self.sheaf.end(source);
                self.shelve();
            }
            let done = decoder.decode(log, with_tails, batch, &mut self.sheaf.decoded);
            self.sheaf.look(partitions);
            done.map_err(|error| error.to_string())
        })
    }

    fn shelve(&mut self) {
        // Where memory is short, the shelf has to know of all of it.
        let full = match self.shelf.is_limited() {
            true => Some(Slab::of(&mut self.sheaf, self.partitions)),
            false => {
                let partitions = self.partitions;
                self.slab.add(&mut self.sheaf, partitions, Slab::USUAL)
            }
        };
        full.into_iter().for_each(|full| self.put(full));
    }

    fn put(&mut self, slab: Slab) {
        match self.shelf.put(slab) {
            Ok(None) => {}
            Ok(Some(emptied)) => self.slab.reuse(emptied),
            Err(error) => self.failed = Some(error),
        }
    }

    fn finish(mut self) -> Result<Vec<Done>, SpillError> {
        self.shelve();
        let slab = std::mem::take(&mut self.slab);
        self.put(slab);
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.done),
        }
    }
}

#[cfg(test)]
mod tests;
