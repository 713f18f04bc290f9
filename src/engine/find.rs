//! The rows of one message, wherever they are.

use super::{Pool, Progress, Stage, share};
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
    /// Row groups that cannot be read.
    pub bad: Vec<FileError>,
}

/// Looks for the rows of `message` of the decoder's one selected delivery; `ids` are the two
/// identifiers, by the column they stand in.
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
    let all: usize = files.iter().map(OpenFile::row_groups).sum();
    let units: Vec<(usize, usize)> = files
        .iter()
        .enumerate()
        .flat_map(|(place, file)| (0..file.row_groups()).map(move |group| (place, group)))
        .filter(|(place, group)| may_hold(&files[*place], *group))
        .collect();
    let rows = |(place, group): &(usize, usize)| files[*place].rows(*group);
    progress.begins(Stage::Reading, units.iter().map(rows).sum());
    let done = share(pool, units.len(), Vec::new, |done, at| {
        let (file, row_group) = units[at];
        done.push(in_row_group(
            &files[file],
            mapping(files[file].extract),
            (file, row_group),
            decoder,
            message,
        ));
        progress.advances(rows(&units[at]));
    });
    progress.ends();
    let mut search = Search {
        rows: Vec::new(),
        read: units.len(),
        row_groups: all,
        bad: Vec::new(),
    };
    for found in done.into_iter().flatten() {
        match found {
            Ok(rows) => search.rows.extend(rows),
            Err(error) => search.bad.push(error),
        }
    }
    search
        .rows
        .sort_unstable_by_key(|found| (found.file, found.row_group, found.row));
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
    let found = share(pool, units.len(), HashMap::new, |found, at| {
        let (file, row_group) = units[at];
        let projection = file.messages(mapping(file.extract));
        // What was read once and cannot be read again is a name less, nothing more.
        let _ = file.read(row_group, &projection, |batch| {
            let texts = decoder.texts(batch, wanted);
            found.extend(texts.map_err(|error| error.to_string())?);
            Ok(())
        });
    });
    found.into_iter().flatten().collect()
}
