//! The tables as a reader finds them: of each the version that a run names, the newest one unless another
//! is asked for.

use super::plan::{DATA_TABLES, DELIVERY_KPI, DELIVERY_KPI_HOURLY, DataFile, KPI_RUN};
use super::table::Table;
use super::{Days, Output, PublishError, RunRecord};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use std::sync::Arc;

/// The tables of a run; nothing is made or changed.
pub struct Published<'a> {
    output: &'a Output,
    /// Those that the run has left.
    tables: Vec<Table>,
    runs: Table,
    /// The record of the run.
    pub last: RunRecord,
}

impl Output {
    /// The tables of the newest run, if there is one.
    pub fn published(&self) -> Result<Option<Published<'_>>, PublishError> {
        self.runtime.block_on(async {
            let Some(runs) = self.run_table().await? else {
                return Ok(None);
            };
            let Some(last) = self.opened.newest(&runs).await? else {
                return Ok(None);
            };
            self.named_by(runs, last).await.map(Some)
        })
    }

    /// `kpi_run`, if it is there.
    pub(super) async fn run_table(&self) -> Result<Option<Table>, PublishError> {
        let runs = self.opened.find(KPI_RUN).await?;
        runs.map(|runs| runs.checked(&RunRecord::schema()))
            .transpose()
    }

    /// The data tables at the versions that a run names.
    pub(super) async fn named_by(
        &self,
        runs: Table,
        run: RunRecord,
    ) -> Result<Published<'_>, PublishError> {
        let named = async |name: &'static str| {
            let gone = || PublishError::Place {
                place: self.location.root.to_string(),
                reason: format!("kpi_run names a version of {name}, which is not there"),
            };
            let table = self.opened.find(name).await?.ok_or_else(gone)?;
            let table = table.checked(&Schema::empty())?;
            let version = run.table_versions.get(name).ok_or_else(gone)?;
            table.at(*version as u64).await
        };
        let mut tables = Vec::new();
        for name in DATA_TABLES {
            let is_usual = matches!(name, DELIVERY_KPI_HOURLY | DELIVERY_KPI);
            if is_usual || run.table_versions.contains_key(name) {
                tables.push(named(name).await?);
            }
        }
        Ok(Published {
            output: self,
            tables,
            runs,
            last: run,
        })
    }
}

impl Published<'_> {
    fn table(&self, name: &str) -> Option<&Table> {
        let mut all = self.tables.iter().chain([&self.runs]);
        all.find(|table| table.name == name)
    }

    /// Whether the run has left such a table.
    pub fn has(&self, table: &str) -> bool {
        self.table(table).is_some()
    }

    fn known(&self, name: &str) -> Result<&Table, PublishError> {
        self.table(name).ok_or_else(|| PublishError::Place {
            place: self.output.location.root.to_string(),
            reason: format!("the run has left no table {name}"),
        })
    }

    /// The columns of a table.
    pub fn schema(&self, table: &str) -> Result<SchemaRef, PublishError> {
        Ok(Arc::new(self.known(table)?.schema()?))
    }

    /// The data files of a table by partition, in the order of their names.
    pub fn files(&self, table: &str) -> Result<Days, PublishError> {
        self.known(table)?.partitions()
    }

    /// The data files of a table in pieces: all rows of one come before all rows of the next, in the
    /// order of a column.
    pub fn pieces(&self, table: &str, column: &str) -> Result<Vec<Vec<DataFile>>, PublishError> {
        self.known(table)?.pieces(column)
    }

    /// The rows of some data files of a table.
    pub fn rows<'f>(
        &self,
        table: &str,
        files: impl IntoIterator<Item = &'f DataFile>,
    ) -> Result<Vec<RecordBatch>, PublishError> {
        let rows = self.known(table)?.read_files(files, None);
        self.output.runtime.block_on(rows)
    }

    /// Some columns of the rows of some data files of a table, and the one that it is partitioned by.
    pub fn columns<'f>(
        &self,
        table: &str,
        files: impl IntoIterator<Item = &'f DataFile>,
        columns: &[&str],
    ) -> Result<Vec<RecordBatch>, PublishError> {
        let rows = self.known(table)?.read_files(files, Some(columns));
        self.output.runtime.block_on(rows)
    }

    /// All rows of `delivery_kpi`.
    pub fn deliveries(&self) -> Result<Vec<RecordBatch>, PublishError> {
        let files = self.files(DELIVERY_KPI)?;
        self.rows(DELIVERY_KPI, files.values().flatten())
    }
}
