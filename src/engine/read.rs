//! Reading: row groups of all files at once, decoded and sorted by partition.

use super::partition::{Run, Sheaf};
use super::shelf::{Room, Shelf, Shelved, SpillError};
use super::units::{Unit, units};
use super::{Pool, Progress, Stage, share};
use crate::decode::{DecodeKey, Decoder, Rising};
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
    partitions: usize,
    room: Option<&Room>,
    progress: &dyn Progress,
) -> Result<Reading, SpillError> {
    let mut units = units(pool, files, &mapping, decoder.selection);
    loop {
        let needed = units.iter().filter(|unit| unit.is_needed);
        progress.begins(Stage::Reading, needed.map(|unit| unit.rows).sum());
        let shelf = Shelf::new(room, partitions);
        let start = || Reader::<M> {
            decoder,
            shelf: &shelf,
            partitions,
            sheaf: Sheaf::default(),
            done: Vec::new(),
            failed: None,
        };
        let read = |reader: &mut Reader<'_, M>, at: usize| {
            let unit = &units[at];
            let file = &files[unit.source];
            if unit.is_needed {
                reader.take_up(at, file, unit, mapping(file.extract));
                progress.advances(unit.rows);
            } else {
                reader.pass_by(at, unit);
            }
        };
        let done = share(pool, units.len(), start, read, Reader::finish);
        progress.ends();
        let done: Result<Vec<_>, SpillError> = done.into_iter().collect();
        let mut done: Vec<_> = done?.into_iter().flatten().collect();
        done.sort_unstable_by_key(|(at, _)| *at);
        let strays = |read: &Result<UnitRead, FileError>| read.as_ref().is_ok_and(|r| r.strays);
        let is_wrong = done.iter().any(|(_, read)| strays(read));
        if !(is_wrong && units.iter().any(|unit| unit.apart)) {
            let done = done.into_iter().map(|(_, read)| read);
            return Ok(reading(files.len(), &units, done, shelf.close()?));
        }
        // A footer is wrong about its rows, so none is trusted.
        for unit in &mut units {
            (unit.bounds, unit.apart) = (None, false);
        }
    }
}

/// A file is read as a whole or left out as a whole.
fn reading(
    files: usize,
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
                file.newest = file.newest.max(unit.read.newest);
                reading.touched.extend(unit.touched);
            }
            (Err(error), file @ Ok(_)) => *file = Err(error),
            (_, Err(_)) => {}
        }
    }
    let sources = (0u32..).zip(&reading.files);
    let bad = sources.filter(|(_, file)| file.is_err());
    reading.shelved.leave_out(bad.map(|(source, _)| source));
    reading
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
    partitions: usize,
    sheaf: Sheaf<M>,
    /// The row groups, by their places among all.
    done: Vec<Done>,
    failed: Option<SpillError>,
}

impl<M: DecodeKey> Reader<'_, M> {
    /// Rows of a run: so many that a partition has some of them, so few that they stay in the
    /// processor's cache while they are sorted.
    fn most_rows(&self) -> usize {
        let most = if self.shelf.is_limited() {
            1 << 17
        } else {
            1 << 19
        };
        (self.partitions * 64).clamp(1 << 17, most)
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
        if self.sheaf.rows() + unit.rows as usize > self.most_rows() {
            self.shelve();
        }
        let is_large = unit.rows as usize > self.most_rows();
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
        self.sheaf.end(unit.source as u32);
        let decoded = &mut self.sheaf.decoded;
        Ok(UnitRead {
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

    /// Whether the `log_id`s of a row group that takes several runs rise.
    fn rises(&self, file: &OpenFile, unit: &Unit, mapping: &Mapping) -> Result<bool, FileError> {
        let mut log_ids = Rising::default();
        file.read(unit.row_group, &file.log_ids_alone(mapping), |batch| {
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
        if self.sheaf.has_tails() != with_tails {
            self.shelve();
        }
        self.sheaf.decoded.begin();
        let (decoder, most_rows) = (self.decoder, self.most_rows());
        let projection = file.projection(mapping, with_tails);
        file.read(unit.row_group, &projection, |batch| {
            if self.sheaf.rows() + batch.num_rows() > most_rows {
                self.sheaf.end(unit.source as u32);
                self.shelve();
            }
            decoder
                .decode(log, with_tails, batch, &mut self.sheaf.decoded)
                .map_err(|error| error.to_string())
        })
    }

    fn shelve(&mut self) {
        let run = Run::new(&mut self.sheaf, self.partitions);
        let put = run.map_or(Ok(()), |run| self.shelf.put(run));
        if let Err(error) = put {
            self.failed = Some(error);
        }
    }

    fn finish(mut self) -> Result<Vec<Done>, SpillError> {
        self.shelve();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Fingerprint, Selection, Zone};
    use crate::engine::packed::Number;
    use crate::engine::partition::Piece;
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

    /// Writes row groups of rows with these `log_id`s, of one message each. Then some of the rows get another one, of which
    /// the footer knows nothing.
    fn write(path: &Path, groups: &[&[i64]], lies: &[(i64, i64)]) {
        let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Chunk);
        let mut file = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties.build()))
            .expect("a writer");
        for (message, log_ids) in (0..).zip(groups) {
            let mut group = writer.next_row_group().expect("a row group");
            let rows = log_ids.len();
            let at = vec![Instant::FIRST.micros(); rows];
            for values in [
                &vec![7; rows],
                &vec![message; rows],
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
        let room = None;
        let reading = read::<u64>(&pool, &files, |_| &mapping, &decoder, 1, room, &Silent);
        let shelved = reading.expect("room").shelved;
        let mut found = vec![None; groups.len()];
        let each = |piece: Piece<'_>| {
            let mut messages = vec![0; piece.rows()];
            piece.each(Number::Low, &mut messages, |message, low| *message = low);
            for group in messages {
                let told = found[group as usize].get_or_insert(piece.has_tails());
                assert_eq!(*told, piece.has_tails());
            }
        };
        shelved.pieces(0, &mut Vec::new(), each).expect("room");
        let found = found.into_iter();
        found
            .map(|told| told.expect("rows of each group"))
            .collect()
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
