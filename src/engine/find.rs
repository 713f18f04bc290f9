//! The rows of one message, wherever they are.

use super::{FileRead, Pool, Progress, Stage, share};
use crate::decode::{DecodeKey, Decoder, FoundRow};
use crate::extracts::{Extract, FileError, Mapping, OpenFile};
use crate::model::{Log, Value};
use std::collections::{HashMap, HashSet};

/// A row, and where it stands.
pub struct Found<M> {
    /// The file, by its place in the list.
    pub file: usize,
    /// The row group in it.
    pub row_group: usize,
    /// The row in the row group.
    pub row: usize,
    /// The row, or why it is rejected.
    pub what: FoundRow<M>,
}

/// What the search gave.
pub struct Search<M> {
    /// The rows, by file, row group and place.
    pub rows: Vec<Found<M>>,
    /// How many row groups were read, the others being ruled out by their footers.
    pub read: usize,
    /// How many there are.
    pub row_groups: usize,
    /// By file, why it cannot be read; then it is left out as a whole.
    pub files: Vec<Result<FileRead, FileError>>,
}

impl<M> Search<M> {
    /// The files that cannot be read.
    pub fn bad(&self) -> impl Iterator<Item = &FileError> {
        self.files.iter().filter_map(|file| file.as_ref().err())
    }
}

/// Looks for the rows of `message` of the decoder's one selected delivery; `ids` are the two
/// identifiers, by the column they stand in. Row groups are searched in parallel; those that hold
/// rows are then decoded one after another, so that codes get their places in the same order each time.
pub fn find<'a, M: DecodeKey>(
    pool: &Pool,
    files: &[OpenFile],
    mapping: impl Fn(Extract) -> &'a Mapping + Sync,
    decoder: &Decoder<'_>,
    message: M,
    ids: &[(&str, Value)],
    progress: &dyn Progress,
) -> Search<M> {
    let may_hold = |file: &OpenFile, group: usize| {
        let mapping = mapping(file.extract);
        ids.iter()
            .all(|(column, id)| file.may_hold(group, mapping, column, id))
    };
    let all = || {
        let files = files.iter().enumerate();
        files.flat_map(|(place, file)| (0..file.row_groups()).map(move |group| (place, group)))
    };
    let units: Vec<(usize, usize)> = all()
        .filter(|(place, group)| may_hold(&files[*place], *group))
        .collect();
    let rows = |(place, group): &(usize, usize)| files[*place].rows(*group);
    progress.begins(Stage::Reading, units.iter().map(rows).sum());
    let look = |done: &mut Vec<_>, at: usize| {
        let (place, row_group) = units[at];
        let file = &files[place];
        let mut holds = false;
        let read = file.read(row_group, &file.keys(mapping(file.extract)), |batch| {
            let found = decoder.places(batch, message);
            holds |= !found.map_err(|error| error.to_string())?.is_empty();
            Ok(())
        });
        done.push((units[at], read.map(|()| holds)));
        progress.advances(rows(&units[at]));
    };
    let done = share(pool, units.len(), Vec::new, look, |done| done);
    progress.ends();
    let mut done: Vec<_> = done.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(unit, _)| *unit);
    let mut search = Search {
        rows: Vec::new(),
        read: units.len(),
        row_groups: all().count(),
        files: vec![Ok(FileRead::default()); files.len()],
    };
    for (unit, holds) in done {
        let file = &files[unit.0];
        let decoded = match holds {
            Ok(false) => Ok(Vec::new()),
            Ok(true) => in_row_group(file, mapping(file.extract), unit, decoder, message),
            Err(error) => Err(error),
        };
        match decoded {
            Ok(rows) => search.rows.extend(rows),
            Err(error) => search.files[unit.0] = Err(error),
        }
    }
    let files = &search.files;
    search.rows.retain(|found| files[found.file].is_ok());
    search
}

fn in_row_group<M: DecodeKey>(
    file: &OpenFile,
    mapping: &Mapping,
    (place, row_group): (usize, usize),
    decoder: &Decoder<'_>,
    message: M,
) -> Result<Vec<Found<M>>, FileError> {
    let log = match file.extract {
        Extract::TrackingLog => Log::Tracking,
        Extract::SendingLog | Extract::Deliveries => Log::Sending,
    };
    let mut rows = Vec::new();
    let mut before = 0;
    file.read(row_group, &file.projection(mapping, true), |batch| {
        let found = decoder.find(log, batch, message);
        let found = found.map_err(|error| error.to_string())?;
        rows.extend(found.into_iter().map(|(row, what)| Found {
            file: place,
            row_group,
            row: before + row,
            what,
        }));
        before += batch.num_rows();
        Ok(())
    })?;
    Ok(rows)
}

/// The texts behind fingerprints of message identifiers; what cannot be read is left out.
pub fn texts<'a>(
    pool: &Pool,
    files: &[OpenFile],
    mapping: impl Fn(Extract) -> &'a Mapping + Sync,
    decoder: &Decoder<'_>,
    wanted: &HashSet<[u64; 2]>,
) -> HashMap<[u64; 2], String> {
    let units: Vec<(&OpenFile, usize)> = files
        .iter()
        .flat_map(|file| (0..file.row_groups()).map(move |group| (file, group)))
        .collect();
    let look = |found: &mut HashMap<_, _>, at: usize| {
        let (file, row_group) = units[at];
        let projection = file.messages(mapping(file.extract));
        // What was read once and cannot be read again is a name less, nothing more.
        let _ = file.read(row_group, &projection, |batch| {
            let texts = decoder.texts(batch, wanted);
            found.extend(texts.map_err(|error| error.to_string())?);
            Ok(())
        });
    };
    let found = share(pool, units.len(), HashMap::new, look, |found| found);
    found.into_iter().flatten().collect()
}
