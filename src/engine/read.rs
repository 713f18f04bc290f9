//! Reading: row groups of all files at once, decoded and sorted by partition.

use super::{Progress, Run, Stage};
use crate::decode::{DecodeKey, Decoded, Decoder};
use crate::extracts::{Extract, FileError, Mapping, OpenFile, SourceFile, open};
use crate::model::{DeliveryIndex, FateCounts, Instant, Log};
use rayon::prelude::*;
use std::collections::HashSet;

/// What reading a file gave.
#[derive(Clone, Debug, Default)]
pub struct FileRead {
    /// Rows read, rejected and not selected; the other fates come from folding.
    pub counts: FateCounts,
    /// The newest instant in it.
    pub newest: Option<Instant>,
}

/// The rows of all files.
pub struct Reading<M> {
    /// The rows, one run for each row group that could be read.
    pub runs: Vec<Run<M>>,
    /// By source: what was read, or why the file was left out as a whole.
    pub files: Vec<Result<FileRead, FileError>>,
    /// Deliveries with events in the decoder's interval.
    pub touched: HashSet<DeliveryIndex>,
}

/// Reads the footers of all files of an extract.
pub fn open_all(
    pool: &rayon::ThreadPool,
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

/// Decodes the files of both logs; the place of a file in `files` is the source of its rows.
pub fn read<M: DecodeKey>(
    pool: &rayon::ThreadPool,
    files: &[OpenFile],
    mapping: impl Fn(Extract) -> Mapping,
    decoder: &Decoder<'_>,
    partitions: usize,
    progress: &dyn Progress,
) -> Reading<M> {
    let projections: Vec<_> = files
        .iter()
        .map(|file| file.projection(&mapping(file.extract)))
        .collect();
    let units: Vec<(usize, usize)> = files
        .iter()
        .enumerate()
        .flat_map(|(source, file)| (0..file.row_groups()).map(move |group| (source, group)))
        .collect();
    let total = units
        .iter()
        .map(|(source, group)| files[*source].rows(*group))
        .sum();
    progress.begins(Stage::Reading, total);
    type Unit<M> = Result<(Run<M>, FileRead, HashSet<DeliveryIndex>), FileError>;
    let read_unit = |decoded: &mut Decoded<M>, (source, group): (usize, usize)| -> Unit<M> {
        let file = &files[source];
        let log = match file.extract {
            Extract::TrackingLog => Log::Tracking,
            Extract::SendingLog | Extract::Deliveries => Log::Sending,
        };
        decoded.clear();
        file.read(group, &projections[source], |batch| {
            progress.advances(batch.num_rows() as u64);
            decoder
                .decode(log, batch, decoded)
                .map_err(|error| error.to_string())
        })?;
        let run = Run::new(source as u32, decoded, partitions);
        let read = FileRead {
            counts: std::mem::take(&mut decoded.counts),
            newest: decoded.newest,
        };
        Ok((run, read, std::mem::take(&mut decoded.touched)))
    };
    let done: Vec<Unit<M>> = pool.install(|| {
        units
            .par_iter()
            .with_max_len(1)
            .map_init(Decoded::default, |decoded, unit| read_unit(decoded, *unit))
            .collect()
    });
    progress.ends();
    let mut reading = Reading {
        runs: Vec::with_capacity(done.len()),
        files: vec![Ok(FileRead::default()); files.len()],
        touched: HashSet::new(),
    };
    for ((source, _), unit) in units.iter().zip(done) {
        match (unit, &mut reading.files[*source]) {
            (Ok((run, read, touched)), Ok(file)) => {
                file.counts += &read.counts;
                file.newest = file.newest.max(read.newest);
                reading.runs.push(run);
                reading.touched.extend(touched);
            }
            (Err(error), file @ Ok(_)) => *file = Err(error),
            (_, Err(_)) => {}
        }
    }
    // A file is read as a whole or left out as a whole.
    let files = &reading.files;
    reading
        .runs
        .retain(|run| files[run.source as usize].is_ok());
    reading
}
