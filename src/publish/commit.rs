//! One conditional commit to a Delta table.

use super::PublishError;
use super::durable::is_unsettled;
use super::plan::{DataFile, FilePlan, plan};
use super::table::{Table, delta};
use arrow::array::RecordBatch;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, Transaction};
use deltalake::logstore::object_store::Error as ObjectStoreError;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::WriterProperties;
use deltalake::parquet::schema::types::ColumnPath;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One appId per output, so that overlapping runs conflict.
pub(super) const APP_ID: &str = "delivery-kpi";
/// Where a commit names the run that made it.
const RUN_ID: &str = "runId";

/// What a run is called in the commits it makes.
#[derive(Clone, Copy, Debug)]
pub struct RunName<'a> {
    /// Unique.
    pub id: &'a str,
    /// Higher than that of every run that committed before.
    pub number: i64,
}

/// Who made a commit; nobody we know where it was another program.
#[derive(Default)]
struct Writer {
    id: Option<String>,
    number: Option<i64>,
}

impl Writer {
    fn of(commit: &[u8]) -> Writer {
        let mut writer = Writer::default();
        for line in commit.split(|byte| *byte == b'\n') {
            let action: Value = serde_json::from_slice(line).unwrap_or_default();
            if let Some(id) = action["commitInfo"][RUN_ID].as_str() {
                writer.id = Some(id.to_owned());
            }
            if action["txn"]["appId"] == APP_ID {
                writer.number = action["txn"]["version"].as_i64();
            }
        }
        writer
    }

    /// Whether it is this attempt of this run: an earlier one may have made a commit, too.
    fn is(&self, run: RunName<'_>) -> bool {
        self.id.as_deref() == Some(run.id) && self.number == Some(run.number)
    }
}

/// Whether nobody knows what became of a request.
fn is_unanswered(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::ObjectStore {
            source: ObjectStoreError::Generic { .. }
        }
    )
}

/// Whether a version was said to be there already.
fn is_refused(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::MaxCommitAttempts(_)
            }
    )
}

/// Partitions that were written and wait for their commit.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Those that get new content, or none.
    replaced: BTreeSet<Option<String>>,
    /// The paths of data files whose rows are in new ones.
    gathered: BTreeSet<String>,
    adds: Vec<Add>,
}

impl Written {
    /// Adds other partitions of the same table.
    pub fn merge(&mut self, other: Written) {
        self.replaced.extend(other.replaced);
        self.gathered.extend(other.gathered);
        self.adds.extend(other.adds);
    }

    /// What is written are the rows of these files, and nothing new.
    pub(super) fn gathers(&mut self, files: &[DataFile]) {
        self.replaced.clear();
        self.gathered = files.iter().map(|file| file.path.clone()).collect();
        for add in &mut self.adds {
            add.data_change = false;
        }
    }
}

impl Table {
    /// Replaces partitions in one commit on top of the latest version, if nobody committed since it
    /// was opened. `committed` is the version that the other files are taken from; without one there are none.
    pub async fn replace(
        &self,
        committed: Option<&Table>,
        written: Written,
        run: RunName<'_>,
    ) -> Result<u64, PublishError> {
        let Written {
            replaced,
            gathered,
            adds,
        } = written;
        let old = committed.map(Table::files).transpose()?.unwrap_or_default();
        let latest = self.files()?;
        let names = |files: &BTreeMap<DataFile, Add>| files.keys().cloned().collect::<Vec<_>>();
        let FilePlan { remove, restore } = plan(&names(&old), &names(&latest), |file| {
            replaced.contains(&file.partition) || gathered.contains(&file.path)
        });
        let snapshot = self.snapshot()?;
        let views = snapshot.log_data();
        let mut actions: Vec<Action> = views
            .iter()
            .filter(|view| remove.iter().any(|file| *file.path == *view.path()))
            .map(|view| {
                let is_gathered = gathered.contains(&*view.path());
                Action::Remove(view.remove_action(!is_gathered))
            })
            .collect();
        actions.extend(
            restore
                .iter()
                .filter_map(|file| old.get(file))
                .cloned()
                .map(Action::Add),
        );
        actions.extend(adds.into_iter().map(Action::Add));
        if actions.is_empty() {
            return Ok(self.version());
        }
        let mode = match replaced.is_empty() {
            true => SaveMode::Append,
            false => SaveMode::Overwrite,
        };
        self.commit(actions, mode, run).await
    }

    /// Writes rows beside those that are there, of a table without partitions; `committed` is the version
    /// that these are taken from.
    pub async fn write_more(
        &self,
        committed: Option<&Table>,
        rows: Option<&RecordBatch>,
    ) -> Result<Written, PublishError> {
        let Some(rows) = rows else {
            return Ok(Written::default());
        };
        let mut written = self.write(None, std::slice::from_ref(rows)).await?;
        written.replaced.clear();
        // Where an old file cannot be read, all stay as they are: the run does not need them.
        if let Some(committed) = committed
            && let Ok(gathered) = committed.gather().await
        {
            written.merge(gathered);
        }
        Ok(written)
    }

    /// Writes the whole new content of a partition, of which nobody knows before the commit; a table
    /// without partitions has one, named `None`.
    pub async fn write(
        &self,
        partition: Option<String>,
        rows: &[RecordBatch],
    ) -> Result<Written, PublishError> {
        let failed = |source| delta(self.name, source);
        let level = ZstdLevel::try_new(3).map_err(|error| failed(error.into()))?;
        let mut properties = WriterProperties::builder().set_compression(Compression::ZSTD(level));
        // Hardly two rates are the same, nor two values of a counter that grows; changes are mostly 0, which
        // zstd sees as well. Measured: smaller by a sixth, and written faster.
        for field in self.schema()?.fields() {
            if field.data_type().is_numeric() {
                let column = ColumnPath::from(field.name().as_str());
                properties = properties.set_column_dictionary_enabled(column, false);
            }
        }
        let properties = properties.build();
        let mut written = Written {
            replaced: [partition].into(),
            ..Written::default()
        };
        if !rows.is_empty() {
            let writer = RecordBatchWriter::for_table(&self.table).map_err(failed)?;
            let mut writer = writer.with_writer_properties(properties);
            for rows in rows {
                writer.write(rows.clone()).await.map_err(failed)?;
            }
            written.adds = writer.flush().await.map_err(failed)?;
        }
        Ok(written)
    }

    async fn commit(
        &self,
        actions: Vec<Action>,
        mode: SaveMode,
        run: RunName<'_>,
    ) -> Result<u64, PublishError> {
        let snapshot = self.snapshot()?;
        let partition_by = snapshot.metadata().partition_columns().to_vec();
        let operation = DeltaOperation::Write {
            mode,
            partition_by: (!partition_by.is_empty()).then_some(partition_by),
            predicate: None,
        };
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
            .with_metadata([(RUN_ID.to_owned(), run.id.into())])
            .with_application_transaction(Transaction::new(APP_ID, run.number));
        let outcome = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot.snapshot()), self.table.log_store(), operation)
            .await;
        match outcome {
            Ok(commit) => Ok(commit.version()),
            Err(error) => self.after_failure(error, run).await,
        }
    }

    /// An error of a commit does not mean that it was not made: only the log knows.
    async fn after_failure(
        &self,
        error: DeltaTableError,
        run: RunName<'_>,
    ) -> Result<u64, PublishError> {
        let table = || self.name.to_owned();
        let next = self.version() + 1;
        match self.writer_of(next).await {
            // A store may refuse all of several writers at once.
            Ok(None) if is_refused(&error) => Err(PublishError::Conflict { table: table() }),
            // It may still come: a request that was not answered may be on its way.
            Ok(None) if self.is_remote() && is_unanswered(&error) => Err(PublishError::Unknown {
                table: table(),
                source: Box::new(error),
            }),
            Ok(None) => Err(delta(self.name, error)),
            // It is there, but is not to be relied upon.
            Ok(Some(writer)) if writer.is(run) && is_unsettled(&error) => {
                Err(PublishError::Unknown {
                    table: table(),
                    source: Box::new(error),
                })
            }
            Ok(Some(writer)) if writer.is(run) => Ok(next),
            Ok(Some(_)) => Err(PublishError::Conflict { table: table() }),
            Err(source) => Err(PublishError::Unknown {
                table: table(),
                source: Box::new(source),
            }),
        }
    }

    /// Which run made the next version, if there is one. The commit itself is asked for: a listing may be older.
    async fn writer_of(&self, next: u64) -> Result<Option<Writer>, DeltaTableError> {
        let commit = self.table.log_store().read_commit_entry(next).await?;
        Ok(commit.as_deref().map(Writer::of))
    }

    /// Whether the table is in an object store.
    fn is_remote(&self) -> bool {
        self.table.log_store().root_url().scheme() != "file"
    }
}
