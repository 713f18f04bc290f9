//! What decides between rows with one `log_id`, of rows that were read without it.

use super::{Pool, map};
use crate::decode::{DecodeKey, Decoded, Decoder};
use crate::extracts::{Extract, FileError, Mapping, OpenFile};
use crate::model::Log;
use std::collections::{HashMap, HashSet};

/// Rows by their source and their `log_id`.
pub type RowKey = (u32, i64);

/// Reads the digests of some rows again; files come with their sources.
pub fn rests<'a, M: DecodeKey>(
    pool: &Pool,
    files: &[(u32, OpenFile)],
    mapping: impl Fn(Extract) -> &'a Mapping + Sync,
    decoder: &Decoder<'_>,
    wanted: &HashSet<RowKey>,
) -> Result<HashMap<RowKey, u64>, FileError> {
    let read = |at: usize| {
        let (source, file) = &files[at];
        of_file::<M>(*source, file, mapping(file.extract), decoder, wanted)
    };
    let mut all = HashMap::new();
    for found in map(pool, files.len(), read) {
        all.extend(found?);
    }
    Ok(all)
}

fn of_file<M: DecodeKey>(
    source: u32,
    file: &OpenFile,
    mapping: &Mapping,
    decoder: &Decoder<'_>,
    wanted: &HashSet<RowKey>,
) -> Result<Vec<(RowKey, u64)>, FileError> {
    let log = match file.extract {
        Extract::TrackingLog => Log::Tracking,
        Extract::SendingLog | Extract::Deliveries => Log::Sending,
    };
    let mut found = Vec::new();
    let mut decoded = Decoded::<M>::default();
    let projection = file.projection(mapping, true);
    for row_group in 0..file.row_groups() {
        file.read(row_group, &projection, |batch| {
            decoded.events.clear();
            decoded.tails.clear();
            let done = decoder.decode(log, true, batch, &mut decoded);
            done.map_err(|error| error.to_string())?;
            let rows = decoded.events.iter().zip(&decoded.tails);
            let rows = rows.filter(|(event, _)| event.stamp.has_log_id());
            let rows = rows.map(|(_, tail)| ((source, tail.log_id), tail.rest));
            found.extend(rows.filter(|(key, _)| wanted.contains(key)));
            Ok(())
        })?;
    }
    Ok(found)
}
