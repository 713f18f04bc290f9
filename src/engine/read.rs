//! Reading: row groups of all files at once, decoded and sorted by partition.

use super::units::{Unit, units};
use super::{Pool, Progress, Run, Stage, share};
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

/// Decodes the files of both logs; the place of a file in `files` is the source of its rows.
pub fn read<'a, M: DecodeKey>(
    pool: &Pool,
    files: &[OpenFile],
    mapping: impl Fn(Extract) -> &'a Mapping + Sync,
    decoder: &Decoder<'_>,
    partitions: usize,
    progress: &dyn Progress,
) -> Reading<M> {
    let mut units = units(files, &mapping);
    loop {
        progress.begins(Stage::Reading, units.iter().map(|unit| unit.rows).sum());
        let read = |decoded: &mut Decoded<M>, unit: &Unit| {
            let file = &files[unit.source];
            let mapping = mapping(file.extract);
            let read = read_unit(file, unit, mapping, decoder, partitions, decoded);
            progress.advances(unit.rows);
            read
        };
        let start = || (Decoded::default(), Vec::new());
        let done = share(pool, units.len(), start, |(decoded, done), at| {
            done.push((at, read(decoded, &units[at])));
        });
        progress.ends();
        let mut done: Vec<_> = done.into_iter().flat_map(|(_, done)| done).collect();
        done.sort_unstable_by_key(|(at, _)| *at);
        let strays = |read: &Result<UnitRead<M>, FileError>| read.as_ref().is_ok_and(|r| r.strays);
        let is_wrong = done.iter().any(|(_, read)| strays(read));
        if !(is_wrong && units.iter().any(|unit| unit.apart)) {
            return reading(files.len(), &units, done.into_iter().map(|(_, read)| read));
        }
        // A footer is wrong about its rows, so none is trusted.
        for unit in &mut units {
            (unit.bounds, unit.apart) = (None, false);
        }
    }
}

/// A file is read as a whole or left out as a whole.
fn reading<M>(
    files: usize,
    units: &[Unit],
    done: impl Iterator<Item = Result<UnitRead<M>, FileError>>,
) -> Reading<M> {
    let mut reading = Reading {
        runs: Vec::with_capacity(units.len()),
        files: vec![Ok(FileRead::default()); files],
        touched: HashSet::new(),
    };
    for (unit, read) in units.iter().zip(done) {
        match (read, &mut reading.files[unit.source]) {
            (Ok(unit), Ok(file)) => {
                file.counts += &unit.read.counts;
                file.newest = file.newest.max(unit.read.newest);
                reading.runs.push(unit.run);
                reading.touched.extend(unit.touched);
            }
            (Err(error), file @ Ok(_)) => *file = Err(error),
            (_, Err(_)) => {}
        }
    }
    let files = &reading.files;
    reading
        .runs
        .retain(|run| files[run.source as usize].is_ok());
    reading
}

struct UnitRead<M> {
    run: Run<M>,
    read: FileRead,
    touched: HashSet<DeliveryIndex>,
    /// Whether a `log_id` is outside the bounds that the footer gives.
    strays: bool,
}

/// Decodes a row group. Where its `log_id`s are apart from all others and rise, each stands for one
/// row, and what would decide between several need not be decoded.
fn read_unit<M: DecodeKey>(
    file: &OpenFile,
    unit: &Unit,
    mapping: &Mapping,
    decoder: &Decoder<'_>,
    partitions: usize,
    decoded: &mut Decoded<M>,
) -> Result<UnitRead<M>, FileError> {
    let log = match file.extract {
        Extract::TrackingLog => Log::Tracking,
        Extract::SendingLog | Extract::Deliveries => Log::Sending,
    };
    let mut decode = |with_tails: bool| {
        decoded.clear();
        let projection = file.projection(mapping, with_tails);
        file.read(unit.row_group, &projection, |batch| {
            decoder
                .decode(log, with_tails, batch, decoded)
                .map_err(|error| error.to_string())
        })?;
        Ok(decoded.log_ids.rises())
    };
    if !(unit.apart && decode(false)?) {
        decode(true)?;
    }
    Ok(UnitRead {
        run: Run::new(unit.source as u32, decoded, partitions),
        read: FileRead {
            counts: std::mem::take(&mut decoded.counts),
            newest: decoded.newest,
        },
        touched: std::mem::take(&mut decoded.touched),
        strays: unit
            .bounds
            .is_some_and(|bounds| !decoded.log_ids.is_within(bounds)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Fingerprint, Selection, Zone};
    use crate::engine::{Silent, pool};
    use crate::extracts::list;
    use crate::model::{Catalog, Codes, Labels};
    use parquet::column::writer::ColumnWriter;
    use parquet::file::properties::{EnabledStatistics, WriterProperties};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::path::Path;
    use std::sync::Arc;

    const SCHEMA: &str = "message row {
        required int64 delivery_id;
        required int64 message_id;
        required int32 status;
        required int64 event_at (TIMESTAMP(MICROS,true));
        required int64 log_id;
    }";

    /// Writes row groups of rows with these `log_id`s. Then some of the rows get another one, of which
    /// the footer knows nothing.
    fn write(path: &Path, groups: &[&[i64]], lies: &[(i64, i64)]) {
        let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Chunk);
        let mut file = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties.build()))
            .expect("a writer");
        for log_ids in groups {
            let mut group = writer.next_row_group().expect("a row group");
            let rows = log_ids.len();
            let at = vec![Instant::FIRST.micros(); rows];
            for values in [
                &vec![7; rows],
                &vec![1; rows],
                &vec![1; rows],
                &at,
                *log_ids,
            ] {
                let mut column = group.next_column().expect("a column").expect("five");
                match column.untyped() {
                    ColumnWriter::Int64ColumnWriter(column) => {
                        column.write_batch(values, None, None)
                    }
                    ColumnWriter::Int32ColumnWriter(column) => {
                        column.write_batch(&vec![1; rows], None, None)
                    }
                    _ => panic!("only integers are written"),
                }
                .expect("values");
                column.close().expect("a column's end");
            }
            group.close().expect("a row group's end");
        }
        writer.close().expect("a footer");
        for (told, real) in lies {
            let place = file
                .windows(8)
                .position(|bytes| bytes == told.to_le_bytes());
            let place = place.expect("the values come before the footer");
            file[place..place + 8].copy_from_slice(&real.to_le_bytes());
        }
        std::fs::write(path, file).expect("a new file");
    }

    /// For each row group, whether what decides between rows of one `log_id` was read.
    fn told_apart(groups: &[&[i64]], lies: &[(i64, i64)]) -> Vec<bool> {
        let directory = tempfile::TempDir::new().expect("a temporary directory");
        write(&directory.path().join("log.parquet"), groups, lies);
        let pool = pool(2).expect("threads");
        let listing = list(directory.path()).expect("a listing");
        let mapping = Mapping::default();
        let files: Vec<OpenFile> = open_all(&pool, Extract::SendingLog, &listing.files, &mapping)
            .into_iter()
            .map(|file| file.expect("a footer"))
            .collect();
        let decoder = Decoder {
            catalog: &Catalog::default(),
            codes: &Codes::default(),
            labels: &Labels::default(),
            zone: &Zone::UTC,
            selection: &Selection::All,
            fingerprint: Fingerprint::random(),
            interval: None,
        };
        let reading = read::<u64>(&pool, &files, |_| &mapping, &decoder, 1, &Silent);
        let of = |run: &Run<u64>| {
            let tails = run.tails(0);
            assert!(tails.is_empty() || tails.len() == run.len());
            !tails.is_empty()
        };
        reading.runs.iter().map(of).collect()
    }

    #[test]
    fn a_footer_is_believed_until_its_rows_say_otherwise() {
        const A: i64 = 1 << 40;
        let groups: [&[i64]; 3] = [&[A + 1, A + 2], &[A + 4, A + 6], &[A + 9]];
        assert_eq!(told_apart(&groups, &[]), [false; 3]);
        let recurs_within: [&[i64]; 2] = [&[A, A], &[A + 9]];
        assert_eq!(told_apart(&recurs_within, &[]), [true, false]);
        let meet: [&[i64]; 3] = [&[A + 1, A + 2], &[A + 2, A + 6], &[A + 9]];
        assert_eq!(told_apart(&meet, &[]), [true, true, false]);
        // A `log_id` outside the bounds of its row group, where another one has it too.
        assert_eq!(told_apart(&groups, &[(A + 4, A + 2)]), [true; 3]);
        assert_eq!(told_apart(&groups, &[(A + 6, A + 9)]), [true; 3]);
    }
}
