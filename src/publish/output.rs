//! The tables of an output, and the order in which a run commits to them.

use super::commit::{RunName, Written};
use super::location::{Destination, Location};
use super::opened::Opened;
use super::plan::{DataFile, KPI_RUN};
use super::table::{Table, delta};
use super::{PublishError, RunRecord};
use crate::disk::Disk;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

/// Readers of a table replay the commits since its last checkpoint.
const CHECKPOINT_EVERY: u64 = 10;

/// Where the tables are.
pub struct Output {
    pub(super) disk: Disk,
    pub(super) location: Location,
    pub(super) runtime: Runtime,
    pub(super) opened: Opened,
}

/// The tables as a run finds them.
pub struct Committed<'a> {
    output: &'a Output,
    /// Those that the run writes to.
    tables: Vec<Pair>,
    runs: Table,
    /// The record of the newest run, if there is one.
    pub last: Option<RunRecord>,
    next_number: i64,
}

/// A data table that a run writes to.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub schema: SchemaRef,
    /// The column that it is partitioned by.
    pub partition_by: Option<&'static str>,
    /// Whether it is made where it is not there.
    pub is_made: bool,
}

/// A data table: at its latest version, and at the version that the newest run names.
struct Pair {
    latest: Table,
    /// None where it names no version of it: it is a new one, or was not written to for some time.
    committed: Option<Table>,
}

/// The data files of a partitioned table, by partition.
pub type Days = BTreeMap<Option<String>, Vec<DataFile>>;

impl Output {
    /// The tables at a destination, if they may be there: a local directory has to be. Data files are written by so
    /// many threads, and changes of local files made through this disk.
    pub fn at(
        disk: &Disk,
        destination: &Destination,
        threads: usize,
    ) -> Result<Option<Output>, PublishError> {
        let location = match destination {
            Destination::Directory(path) if !path.is_dir() => return Ok(None),
            Destination::Directory(path) => Location::local(disk, path)?,
            Destination::Url(url, access) => Location::remote(url, access)?,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .map_err(|error| PublishError::Place {
                place: destination.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Some(Output {
            disk: disk.clone(),
            opened: Opened::new(&location),
            location,
            runtime,
        }))
    }

    /// Makes the names of the commits to a table last, and those of the directories that they are in.
    fn settle(&self, name: &str) -> Result<(), PublishError> {
        // An object store has kept what it has acknowledged.
        let Some(table) = self.location.directory(name) else {
            return Ok(());
        };
        let log = table.join("_delta_log");
        let synced = self.disk.sync_directory(&log);
        synced
            .and_then(|()| self.disk.sync_parent(&log))
            .and_then(|()| self.disk.sync_parent(&table))
            .map_err(|error| delta(name, error.into()))
    }

    /// Whatever fails from the next commit on, it may have been made and needs what was written.
    fn keep_written(&self) {
        match self.location.is_local() {
            true => self.disk.keep_all_from_next_link(),
            false => self.disk.keep_all(),
        }
    }

    /// Looks at the tables as others have left them: what is asked for afterwards comes from their latest versions.
    pub fn begin_anew(&self) {
        self.opened.begin_anew();
    }

    /// The record of the newest run, if there is one, without making anything.
    pub fn last_run(&self) -> Result<Option<RunRecord>, PublishError> {
        self.runtime.block_on(async {
            let runs = self.opened.runs().await?;
            Ok(runs.and_then(|(_, newest)| newest))
        })
    }

    /// Opens data tables, with rows of these columns; those that are not there are made, if that is allowed, or
    /// are none of the run's.
    pub fn open(&self, forms: &[Form], may_make: bool) -> Result<Committed<'_>, PublishError> {
        self.runtime.block_on(async {
            let find = async |name, schema: &Schema| match self.opened.find(name).await? {
                Some(table) => table.checked(schema).map(Some),
                None => Ok(None),
            };
            let make = async |name, schema: &Schema, partition_by| {
                Table::create(&self.location, name, schema, partition_by).await
            };
            // None is made before all that are there are known to be ours.
            let mut found = Vec::with_capacity(forms.len());
            for form in forms {
                found.push(find(form.name, &form.schema).await?);
            }
            let records = &*RunRecord::schema();
            let found_runs = find(KPI_RUN, records).await?;
            let mut tables = Vec::with_capacity(forms.len());
            for (form, found) in forms.iter().zip(found) {
                match found {
                    Some(table) => tables.push(table),
                    None if may_make && form.is_made => {
                        tables.push(make(form.name, &form.schema, form.partition_by).await?);
                    }
                    None => {}
                }
            }
            let runs = match found_runs {
                Some(runs) => runs,
                None if may_make => make(KPI_RUN, records, None).await?,
                None => return Err(self.lacks(KPI_RUN)),
            };
            let last = self.opened.newest(&runs).await?;
            let mut next_number = last.as_ref().map_or(0, |last| last.run_number);
            for table in tables.iter().chain([&runs]) {
                next_number = next_number.max(table.last_run_number().await?);
            }
            let mut pairs = Vec::with_capacity(tables.len());
            for latest in tables {
                let versions = last.as_ref().map(|last| &last.table_versions);
                let named = versions.and_then(|versions| versions.get(latest.name));
                let committed = match named {
                    Some(named) => Some(latest.at(*named as u64).await?),
                    None => None,
                };
                pairs.push(Pair { latest, committed });
            }
            Ok(Committed {
                output: self,
                tables: pairs,
                runs,
                last,
                next_number: next_number + 1,
            })
        })
    }

    fn lacks(&self, table: &str) -> PublishError {
        PublishError::Place {
            place: self.location.root.to_string(),
            reason: format!("there is no table {table}"),
        }
    }
}

impl Committed<'_> {
    fn pair(&self, name: &str) -> Result<&Pair, PublishError> {
        let mut pairs = self.tables.iter();
        let found = pairs.find(|pair| pair.latest.name == name);
        found.ok_or_else(|| self.output.lacks(name))
    }

    /// Whether there is such a table.
    pub fn has(&self, table: &str) -> bool {
        self.pair(table).is_ok()
    }

    /// The data files of a table that belong to the newest run, by partition.
    pub fn files(&self, table: &str) -> Result<Days, PublishError> {
        let committed = &self.pair(table)?.committed;
        let files = committed.as_ref().map(Table::partitions);
        Ok(files.transpose()?.unwrap_or_default())
    }

    /// The rows of some of these files.
    pub fn rows<'f>(
        &self,
        table: &str,
        files: impl IntoIterator<Item = &'f DataFile>,
    ) -> Result<Vec<RecordBatch>, PublishError> {
        match &self.pair(table)?.committed {
            Some(committed) => {
                let rows = committed.read_files(files, None);
                self.output.runtime.block_on(rows)
            }
            None => Ok(Vec::new()),
        }
    }

    /// Writes the whole new content of a partition of a table, which is none of its if it has none; nothing, if no
    /// row is left. Nobody sees it before it is published.
    pub fn write(
        &self,
        table: &str,
        partition: Option<&str>,
        rows: Option<&RecordBatch>,
    ) -> Result<Written, PublishError> {
        let rows = rows.map_or(&[][..], std::slice::from_ref);
        let latest = &self.pair(table)?.latest;
        let written = latest.write(partition.map(str::to_owned), rows);
        self.output.runtime.block_on(written)
    }

    /// Writes rows beside those of a table without partitions, where there is such a table.
    pub fn write_more(
        &self,
        table: &str,
        rows: Option<&RecordBatch>,
    ) -> Result<Written, PublishError> {
        match self.pair(table) {
            Ok(pair) => {
                let written = pair.latest.write_more(pair.committed.as_ref(), rows);
                self.output.runtime.block_on(written)
            }
            Err(_) => Ok(Written::default()),
        }
    }

    /// Commits the data tables, then the record of the run with their versions and its number; `finish` may
    /// add to the record in between. Gives what failed afterwards and does not matter to the run: a
    /// checkpoint that could not be made. With
    /// [`PublishError::Conflict`] another run was faster: open the tables again, and plan again.
    pub fn publish(
        &self,
        mut written: BTreeMap<&'static str, Written>,
        record: &mut RunRecord,
        finish: impl FnOnce(&mut RunRecord),
    ) -> Result<Vec<PublishError>, PublishError> {
        record.run_number = self.next_number;
        let run_id = record.run_id.clone();
        let run = RunName {
            id: &run_id,
            number: self.next_number,
        };
        self.output.keep_written();
        self.output.runtime.block_on(async {
            let mut made = Vec::new();
            for pair in &self.tables {
                let name = pair.latest.name;
                let change = written.remove(name).unwrap_or_default();
                let version = pair
                    .latest
                    .replace(pair.committed.as_ref(), change, run)
                    .await?;
                if version == pair.latest.version() {
                    // Whoever committed it may have died before its name was synced.
                    self.output.settle(name)?;
                }
                record
                    .table_versions
                    .insert(name.to_owned(), version as i64);
                made.push((&pair.latest, version));
            }
            finish(record);
            let row = record.to_batch()?;
            let written = self.runs.write_more(Some(&self.runs), Some(&row)).await?;
            self.output.keep_written();
            let version = self.runs.replace(Some(&self.runs), written, run).await?;
            self.output.begin_anew();
            made.push((&self.runs, version));
            let mut failed = Vec::new();
            for (table, version) in made {
                // A commit may repeat the version it found; its checkpoint is made once.
                if version % CHECKPOINT_EVERY == 0 && version > table.version() {
                    failed.extend(table.checkpoint(version).await.err());
                }
            }
            Ok(failed)
        })
    }
}
