//! Synthetic extracts as a real exporter would leave them: hourly files in the order of time, retries over
//! days, opens with a long tail; where asked for, with everything that makes such logs difficult.
//!
//! What happens to a message depends on the seed, its delivery and its number alone. So the logs are
//! made window by window, in parallel, and hardly anything is remembered: for each window the messages that
//! may have rows in it tell their stories anew, and the rows of the window are kept, sorted, numbered and
//! written. Memory does not grow with the number of messages, but for the rows of dirty extracts that wait
//! for a later file, and the files are the same whatever the number of threads.

mod columns;
mod extract;
mod faults;
mod plan;
mod random;
mod row;
mod sheet;
mod shelf;
mod story;
mod windows;

use crate::engine::{Pool, Progress, Stage};
use crate::model::{Instant, Log};
use faults::Faults;
use parquet::errors::ParquetError;
use plan::Plan;
use random::key;
use rayon::prelude::*;
use sheet::Layout;
use shelf::Shelf;
use std::path::{Path, PathBuf};

/// What to make.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages of all deliveries together; at least as many as deliveries.
    pub messages: u32,
    /// Deliveries.
    pub deliveries: u32,
    /// Days in which they start.
    pub days: u32,
    /// The same seed gives the same files.
    pub seed: u64,
    /// Of a hundred thousand rows, how many come late; as many stand in two files, are corrected, are
    /// deleted.
    pub dirty: u32,
    /// Identifiers as text.
    pub string_ids: bool,
    /// One file for each log.
    pub one_file: bool,
    /// A sending log of statuses.
    pub status_form: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            messages: 100_000,
            deliveries: 20,
            days: 7,
            seed: 1,
            dirty: 0,
            string_ids: false,
            one_file: false,
            status_form: false,
        }
    }
}

impl Settings {
    /// The most messages; their numbers have 32 bits.
    pub const MOST_MESSAGES: u32 = 4_000_000_000;

    fn is_dirty(&self) -> bool {
        self.dirty > 0
    }
}

/// What was written of an extract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
}

impl Written {
    fn add(&mut self, other: Written) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// What was made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The sending log.
    pub sending: Written,
    /// The tracking log.
    pub tracking: Written,
    /// The deliveries extract.
    pub deliveries: Written,
    /// The first instant after all rows: as of it, none is in the future.
    pub end: Instant,
}

/// Why extracts cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Files that are there are not mixed with others.
    #[error("{}: expected an empty directory or none, found {found}", .path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The system.
    #[error("{}: {source}; the extracts are not complete", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Its reason.
        source: std::io::Error,
    },
    /// The writer of Parquet.
    #[error("{}: {source}; the extracts are not complete", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: ParquetError,
    },
}

impl GenerateError {
    fn io(path: &Path, source: std::io::Error) -> GenerateError {
        let path = path.to_owned();
        GenerateError::Io { path, source }
    }

    fn parquet(path: &Path, source: ParquetError) -> GenerateError {
        let path = path.to_owned();
        GenerateError::Parquet { path, source }
    }
}

/// Writes the extracts into a directory that is empty or not there.
pub fn generate(
    settings: &Settings,
    dir: &Path,
    pool: &Pool,
    progress: &dyn Progress,
) -> Result<Made, GenerateError> {
    make_room(dir)?;
    pool.install(|| write(settings, dir, windows::ROWS, progress))
}

/// Writes them in windows of so many rows.
fn write(
    settings: &Settings,
    dir: &Path,
    most: u64,
    progress: &dyn Progress,
) -> Result<Made, GenerateError> {
    let plan = &Plan::new(settings);
    let deliveries = extract::write(settings, plan, &dir.join("deliveries.parquet"))?;
    let windows = windows::windows(settings, plan, most);
    let rows = windows.iter().map(|window| window.rows).sum();
    progress.begins(Stage::Generating, rows);
    let faults = Faults {
        key: key(settings.seed, u64::MAX - 1),
        often: i64::from(settings.dirty),
    };
    let shelf = |log| {
        let layout = Layout {
            log,
            settings,
            plan,
        };
        Shelf::new(layout, faults, dir)
    };
    let mut shelves = [shelf(Log::Sending)?, shelf(Log::Tracking)?];
    for window in windows {
        let logs = windows::rows(settings, plan, &window.span);
        let work = shelves.par_iter_mut().zip(logs);
        work.try_for_each(|(shelf, rows)| {
            shelf.take(rows);
            shelf.write(window.span.end)
        })?;
        progress.advances(window.rows);
    }
    progress.ends();
    let [sending, tracking] = shelves;
    Ok(Made {
        sending: sending.close()?,
        tracking: tracking.close()?,
        deliveries,
        end: Instant::from_micros(plan.end),
    })
}

fn make_room(dir: &Path) -> Result<(), GenerateError> {
    let occupied = |found| {
        let path = dir.to_owned();
        Err(GenerateError::Occupied { path, found })
    };
    if dir.exists() && !dir.is_dir() {
        return occupied("a file");
    }
    std::fs::create_dir_all(dir).map_err(|error| GenerateError::io(dir, error))?;
    let mut entries = std::fs::read_dir(dir).map_err(|error| GenerateError::io(dir, error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => occupied("files in it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Silent;
    use arrow::array::RecordBatch;
    use arrow::compute::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use std::collections::BTreeMap;
    use std::fs::{File, read_dir};

    /// The files of a folder with their rows.
    fn content(folder: &Path) -> BTreeMap<PathBuf, RecordBatch> {
        let paths = read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let content = |path: PathBuf| {
            let file = File::open(&path).unwrap();
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            let schema = builder.schema().clone();
            let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
            let name = path.file_name().unwrap().into();
            (name, concat_batches(&schema, &batches).unwrap())
        };
        paths.map(content).collect()
    }

    /// Files whose hour lies in several windows, and rows that wait for later ones.
    #[test]
    fn windows_leave_no_trace_in_the_files() {
        for dirty in [0, 3000] {
            let settings = Settings {
                messages: 5000,
                deliveries: 10,
                days: 2,
                dirty,
                ..Settings::default()
            };
            let [small, large] = [500, u64::MAX].map(|most| {
                let folder = tempfile::tempdir().unwrap();
                let made = write(&settings, folder.path(), most, &Silent).unwrap();
                assert!(made.sending.rows > 10_000 && made.tracking.rows > 2000);
                let logs =
                    ["sending_log", "tracking_log"].map(|log| content(&folder.path().join(log)));
                let counts = [&made.sending, &made.tracking].map(|log| log.files as usize);
                assert_eq!([logs[0].len(), logs[1].len()], counts);
                logs
            });
            assert!(small == large, "dirty = {dirty}");
        }
    }
}
