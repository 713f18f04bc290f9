//! One Delta table: opening, reading, and one conditional commit.

use super::PublishError;
use super::commit::APP_ID;
use super::location::Location;
use super::plan::DataFile;
use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::{Add, LogicalFileView, StructField, StructType};
use deltalake::logstore::object_store::ObjectStoreExt;
use deltalake::operations::create::CreateBuilder;
use deltalake::parquet::arrow::ProjectionMask;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, DeltaTableError, Path};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of the tables' columns and their meaning.
const SCHEMA_VERSION: &str = "3";

/// A table of the output at its latest version.
pub struct Table {
    pub(super) name: &'static str,
    pub(super) table: DeltaTable,
}

impl Table {
    /// Opens a table, if it is there.
    pub async fn find(
        location: &Location,
        name: &'static str,
    ) -> Result<Option<Table>, PublishError> {
        let failed = |source| delta(name, source);
        let mut table = location.table(name)?;
        let Err(error) = table.load().await else {
            return Ok(Some(Table { name, table }));
        };
        let log_store = table.log_store();
        match log_store.is_delta_table_location().await.map_err(failed)? {
            // It may have been made in between.
            true => table.load().await.map_err(|_| failed(error))?,
            false => return Ok(None),
        }
        Ok(Some(Table { name, table }))
    }

    /// Makes a table that is not there; if another first run was faster, its table is ours too.
    pub async fn create(
        location: &Location,
        name: &'static str,
        schema: &Schema,
        partition_by: Option<&str>,
    ) -> Result<Table, PublishError> {
        let failed = |source| delta(name, source);
        let created = CreateBuilder::new()
            .with_log_store(location.table(name)?.log_store())
            .with_columns(columns(schema).map_err(failed)?)
            .with_partition_columns(partition_by)
            .with_raise_if_key_not_exists(false)
            .with_configuration([("schema_version", Some(SCHEMA_VERSION))])
            .with_commit_properties(CommitProperties::default().with_max_retries(0))
            .await;
        match created {
            Ok(table) => Ok(Table { name, table }),
            Err(error) => match Table::find(location, name).await? {
                Some(table) => table.checked(schema),
                None => Err(failed(error)),
            },
        }
    }

    /// The latest version.
    pub fn version(&self) -> u64 {
        self.table.version().unwrap_or(0)
    }

    /// The number of the last run that committed to the table.
    pub async fn last_run_number(&self) -> Result<i64, PublishError> {
        let snapshot = self.snapshot()?;
        let log_store = self.table.log_store();
        let number = snapshot
            .transaction_version(log_store.as_ref(), APP_ID)
            .await;
        Ok(number
            .map_err(|source| delta(self.name, source))?
            .unwrap_or(0))
    }

    /// The table at another version.
    pub async fn at(&self, version: u64) -> Result<Table, PublishError> {
        let mut table = self.table.clone();
        if version != self.version() {
            let failed = |source| delta(self.name, source);
            table = DeltaTable::new(table.log_store());
            table.load_version(version).await.map_err(failed)?;
        }
        Ok(Table {
            name: self.name,
            table,
        })
    }

    /// Makes a checkpoint of a version, so that readers need no commit before it.
    pub async fn checkpoint(&self, version: u64) -> Result<(), PublishError> {
        let table = self.at(version).await?;
        let made = create_checkpoint(&table.table, None).await;
        made.map_err(|source| delta(self.name, source))
    }

    /// The state of the table at this version.
    pub(super) fn snapshot(&self) -> Result<&DeltaTableState, PublishError> {
        let snapshot = self.table.snapshot();
        snapshot.map_err(|source| delta(self.name, source))
    }

    /// The table, if its columns and their meaning are those of this version.
    pub fn checked(self, wanted: &Schema) -> Result<Table, PublishError> {
        let snapshot = self.snapshot()?;
        let found = snapshot.metadata().configuration().get("schema_version");
        if found.map(String::as_str) != Some(SCHEMA_VERSION) {
            return Err(PublishError::OtherVersion {
                table: self.name.to_owned(),
                expected: SCHEMA_VERSION,
                found: found.map_or("none".to_owned(), Clone::clone),
            });
        }
        let found = self.schema()?;
        for field in wanted.fields() {
            let there = found.field_with_name(field.name()).ok();
            // Names of inner fields do not matter, the types do.
            let same =
                there.is_some_and(|there| there.data_type().equals_datatype(field.data_type()));
            // Those of nested columns may be called otherwise, and have grown.
            let same = same || there.is_some() && field.data_type().is_nested();
            if !same {
                return Err(PublishError::OtherSchema {
                    table: self.name.to_owned(),
                    column: field.name().clone(),
                    expected: field.data_type().to_string(),
                    found: there.map_or("no such column".to_owned(), |there| {
                        there.data_type().to_string()
                    }),
                });
            }
        }
        Ok(self)
    }

    pub(super) fn files(&self) -> Result<BTreeMap<DataFile, Add>, PublishError> {
        let snapshot = self.snapshot()?;
        let files = snapshot.log_data();
        let file = |view: LogicalFileView| {
            let partition_values = view.partition_values_map();
            let file = DataFile {
                path: view.path().into_owned(),
                partition: partition_values.values().next().cloned().flatten(),
            };
            let add = Add {
                path: file.path.clone(),
                partition_values,
                size: view.size(),
                modification_time: view.modification_time(),
                data_change: true,
                stats: view.stats(),
                ..Add::default()
            };
            (file, add)
        };
        Ok(files.iter().map(file).collect())
    }

    /// The data files of each partition; a table without partitions has one, named `None`.
    pub fn partitions(&self) -> Result<BTreeMap<Option<String>, Vec<DataFile>>, PublishError> {
        let mut partitions: BTreeMap<_, Vec<DataFile>> = BTreeMap::new();
        for file in self.files()?.into_keys() {
            let of_partition = partitions.entry(file.partition.clone()).or_default();
            of_partition.push(file);
        }
        Ok(partitions)
    }

    /// The rows of some data files, with all columns or some.
    pub async fn read_files(
        &self,
        files: impl IntoIterator<Item = &DataFile>,
        columns: Option<&[&str]>,
    ) -> Result<Vec<RecordBatch>, PublishError> {
        let failed = |source| delta(self.name, source);
        let store = self.table.object_store();
        let mut batches = Vec::new();
        let partition = self.partition_field()?;
        for file in files {
            let path = Path::parse(&file.path)
                .map_err(|error| failed(DeltaTableError::generic(error.to_string())))?;
            let bytes = store
                .get(&path)
                .await
                .map_err(|error| failed(error.into()))?;
            let bytes = bytes.bytes().await.map_err(|error| failed(error.into()))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
                .and_then(|builder| {
                    let mask = columns.map_or_else(ProjectionMask::all, |columns| {
                        let columns = columns.iter().copied();
                        ProjectionMask::columns(builder.parquet_schema(), columns)
                    });
                    // Columns get room for a whole batch at once.
                    let rows = builder.metadata().file_metadata().num_rows();
                    let builder = builder.with_batch_size(rows.clamp(1, 1 << 20) as usize);
                    builder.with_projection(mask).build()
                })
                .map_err(|error| failed(error.into()))?;
            for batch in reader {
                let batch = batch.map_err(|error| failed(error.into()))?;
                let whole = match &partition {
                    Some(field) => with_partition(batch, field, file.partition.as_deref()),
                    None => Ok(batch),
                };
                batches.push(whole.map_err(|error| failed(error.into()))?);
            }
        }
        Ok(batches)
    }

    fn partition_field(&self) -> Result<Option<Field>, PublishError> {
        let snapshot = self.snapshot()?;
        let Some(column) = snapshot.metadata().partition_columns().first() else {
            return Ok(None);
        };
        Ok(self.schema()?.field_with_name(column).ok().cloned())
    }

    /// The columns.
    pub(super) fn schema(&self) -> Result<Schema, PublishError> {
        let failed = |source| delta(self.name, source);
        let snapshot = self.snapshot()?;
        let schema = snapshot.schema();
        let schema: Result<Schema, _> = schema.as_ref().try_into_arrow();
        schema.map_err(|source| failed(source.into()))
    }

    /// The rows of the file that holds the highest value of `column`, by the statistics.
    pub async fn newest(&self, column: &str) -> Result<Vec<RecordBatch>, PublishError> {
        let highest = |add: &Add| {
            let stats: serde_json::Value = serde_json::from_str(add.stats.as_deref()?).ok()?;
            stats.get("maxValues")?.get(column)?.as_i64()
        };
        let files = self.files()?;
        let newest = files
            .iter()
            .max_by_key(|(_, add)| highest(add))
            .map(|(file, _)| file);
        match newest {
            Some(file) => self.read_files(std::iter::once(file), None).await,
            None => Ok(Vec::new()),
        }
    }
}

fn with_partition(
    batch: RecordBatch,
    field: &Field,
    value: Option<&str>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let values = StringArray::from(vec![value; batch.num_rows()]);
    let values = arrow::compute::cast(&values, field.data_type())?;
    let fields = batch
        .schema()
        .fields()
        .iter()
        .cloned()
        .chain([Arc::new(field.clone())])
        .collect::<Vec<_>>();
    let arrays = batch.columns().iter().cloned().chain([values]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn columns(schema: &Schema) -> Result<Vec<StructField>, DeltaTableError> {
    let schema: StructType = schema.try_into_kernel()?;
    Ok(schema.fields().cloned().collect())
}

pub(super) fn delta(table: &str, source: DeltaTableError) -> PublishError {
    PublishError::Delta {
        table: table.to_owned(),
        source: Box::new(source),
    }
}
