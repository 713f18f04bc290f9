//! The three tables of an output, and the order in which a run commits to them.

use super::commit::{RunName, Written};
use super::location::{Destination, Location};
use super::opened::Opened;
use super::plan::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, DataFile, KPI_RESTATEMENT, KPI_RUN};
use super::table::{Table, delta};
use super::{PublishError, RunRecord};
use crate::disk::Disk;
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
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
    hourly: Pair,
    deliveries: Pair,
    /// Where there is one.
    restatements: Option<Pair>,
    runs: Table,
    /// The record of the newest run, if there is one.
    pub last: Option<RunRecord>,
    next_number: i64,
}

/// Which tables are made where they are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// None: that is an error.
    Nothing,
    /// Those that every run writes.
    UsualTables,
    /// The same, and `kpi_restatement`.
    AllTables,
}

/// A data table: at its latest version, and at the version that the newest run names.
struct Pair {
    latest: Table,
    committed: Table,
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

    /// Opens the tables, with rows of these columns; those that are not there are made, if that is
    /// allowed.
    pub fn open(
        &self,
        hourly: &Schema,
        deliveries: &Schema,
        restatements: &Schema,
        makes: Makes,
    ) -> Result<Committed<'_>, PublishError> {
        let may_make = makes != Makes::Nothing;
        self.runtime.block_on(async {
            let location = &self.location;
            let find = async |name, schema: &Schema| match self.opened.find(name).await? {
                Some(table) => table.checked(schema).map(Some),
                None => Ok(None),
            };
            let make = async |found, name, schema: &Schema, partition_by| match found {
                Some(table) => Ok(table),
                None if !may_make => Err(PublishError::Place {
                    place: location.root.to_string(),
                    reason: format!("there is no table {name}"),
                }),
                None => Table::create(location, name, schema, partition_by).await,
            };
            // None is made before all that are there are known to be ours.
            let records = &*RunRecord::schema();
            let found_hourly = find(DELIVERY_KPI_HOURLY, hourly).await?;
            let found_deliveries = find(DELIVERY_KPI, deliveries).await?;
            let found_restatements = find(KPI_RESTATEMENT, restatements).await?;
            let found_runs = find(KPI_RUN, records).await?;
            let hourly = make(found_hourly, DELIVERY_KPI_HOURLY, hourly, Some("date")).await?;
            let deliveries = make(found_deliveries, DELIVERY_KPI, deliveries, None).await?;
            let is_wanted = found_restatements.is_some() || makes == Makes::AllTables;
            let restatements = match is_wanted {
                true => Some(make(found_restatements, KPI_RESTATEMENT, restatements, None).await?),
                false => None,
            };
            let runs = make(found_runs, KPI_RUN, records, None).await?;
            let last = self.opened.newest(&runs).await?;
            let mut next_number = last.as_ref().map_or(0, |last| last.run_number);
            for table in [&hourly, &deliveries, &runs]
                .into_iter()
                .chain(&restatements)
            {
                next_number = next_number.max(table.last_run_number().await?);
            }
            // Before the first run, version 0 is the empty table.
            let named = |table: &str| {
                let version = last
                    .as_ref()
                    .and_then(|last| last.table_versions.get(table));
                version.map_or(0, |version| *version as u64)
            };
            let (of_hourly, of_deliveries) = (named(DELIVERY_KPI_HOURLY), named(DELIVERY_KPI));
            let restatements = match restatements {
                Some(table) => Some(Pair {
                    committed: table.at(named(KPI_RESTATEMENT)).await?,
                    latest: table,
                }),
                None => None,
            };
            Ok(Committed {
                output: self,
                hourly: Pair {
                    committed: hourly.at(of_hourly).await?,
                    latest: hourly,
                },
                deliveries: Pair {
                    committed: deliveries.at(of_deliveries).await?,
                    latest: deliveries,
                },
                restatements,
                runs,
                last,
                next_number: next_number + 1,
            })
        })
    }
}

impl Committed<'_> {
    /// The data files of `delivery_kpi_hourly` that belong to the newest run, by date.
    pub fn hourly_days(&self) -> Result<Days, PublishError> {
        self.hourly.committed.partitions()
    }

    /// The rows of some of these files.
    pub fn hourly(&self, files: &[DataFile]) -> Result<Vec<RecordBatch>, PublishError> {
        let rows = self.hourly.committed.read_files(files, None);
        self.output.runtime.block_on(rows)
    }

    /// The rows of `delivery_kpi` that belong to the newest run.
    pub fn deliveries(&self) -> Result<Vec<RecordBatch>, PublishError> {
        let table = &self.deliveries.committed;
        let partitions = table.partitions()?;
        let rows = table.read_files(partitions.values().flatten(), None);
        self.output.runtime.block_on(rows)
    }

    /// Writes the whole new content of one day of `delivery_kpi_hourly`; none if no row is left. Nobody
    /// sees it before it is published.
    pub fn write_day(
        &self,
        day: &str,
        rows: Option<&RecordBatch>,
    ) -> Result<Written, PublishError> {
        let written = self
            .hourly
            .latest
            .write(Some(day.to_owned()), rows.map_or(&[], std::slice::from_ref));
        self.output.runtime.block_on(written)
    }

    /// The same for `delivery_kpi`.
    pub fn write_deliveries(&self, rows: Option<&RecordBatch>) -> Result<Written, PublishError> {
        let written = self
            .deliveries
            .latest
            .write(None, rows.map_or(&[], std::slice::from_ref));
        self.output.runtime.block_on(written)
    }

    /// Writes rows of `kpi_restatement`, where there is one.
    pub fn write_restatements(&self, rows: Option<&RecordBatch>) -> Result<Written, PublishError> {
        match &self.restatements {
            Some(pair) => {
                let written = pair.latest.write_more(&pair.committed, rows);
                self.output.runtime.block_on(written)
            }
            None => Ok(Written::default()),
        }
    }

    /// Commits the data tables, then the record of the run with their versions and its number; `finish` may
    /// add to the record in between. Gives what failed afterwards and does not matter to the run: a
    /// checkpoint that could not be made. With
    /// [`PublishError::Conflict`] another run was faster: open the tables again, and plan again.
    pub fn publish(
        &self,
        hourly: Written,
        deliveries: Written,
        restatements: Written,
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
            let restated = self.restatements.iter();
            let restated = restated.map(|pair| (KPI_RESTATEMENT, pair, restatements.clone()));
            let tables = [
                (DELIVERY_KPI_HOURLY, &self.hourly, hourly),
                (DELIVERY_KPI, &self.deliveries, deliveries),
            ];
            for (name, pair, change) in tables.into_iter().chain(restated) {
                let version = pair.latest.replace(&pair.committed, change, run).await?;
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
            let written = self.runs.write_more(&self.runs, Some(&row)).await?;
            self.output.keep_written();
            let version = self.runs.replace(&self.runs, written, run).await?;
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
