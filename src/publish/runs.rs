//! The runs of an output, and the tables as each of them left them.

use super::table::Table;
use super::{DataFile, Output, PublishError, Published, RunRecord};

/// What tells runs apart; the rest of a record may be long.
const COLUMNS: [&str; 5] = [
    "run_id",
    "run_number",
    "as_of",
    "finished_at",
    "table_versions",
];

/// The rows of `kpi_run`.
pub struct Runs<'a> {
    output: &'a Output,
    table: Table,
    pieces: Vec<Vec<DataFile>>,
}

impl Output {
    /// The runs that were published, if there is a table of them; nothing is made or changed.
    pub fn runs(&self) -> Result<Option<Runs<'_>>, PublishError> {
        let Some(table) = self.runtime.block_on(self.run_table())? else {
            return Ok(None);
        };
        Ok(Some(Runs {
            output: self,
            pieces: table.pieces("run_number")?,
            table,
        }))
    }
}

impl Runs<'_> {
    /// The records of the runs, the newest first, each with its names, its instants and its versions alone. They
    /// are read as they are asked for.
    pub fn newest_first(&self) -> impl Iterator<Item = Result<RunRecord, PublishError>> + '_ {
        self.pieces.iter().rev().flat_map(|piece| {
            let (failed, records) = match self.records(piece) {
                Ok(records) => (None, records),
                Err(error) => (Some(Err(error)), Vec::new()),
            };
            failed.into_iter().chain(records.into_iter().map(Ok))
        })
    }

    /// The tables as a run left them, with the record that is given.
    pub fn tables_of(&self, run: RunRecord) -> Result<Published<'_>, PublishError> {
        self.output.runtime.block_on(async {
            let runs = self.table.at(self.table.version()).await?;
            self.output.named_by(runs, run).await
        })
    }

    fn records(&self, piece: &[DataFile]) -> Result<Vec<RunRecord>, PublishError> {
        let rows = self.table.read_files(piece, Some(&COLUMNS));
        let mut records = Vec::new();
        for batch in self.output.runtime.block_on(rows)? {
            records.extend(RunRecord::from_batch(&batch)?);
        }
        records.sort_by_key(|record| std::cmp::Reverse(record.run_number));
        Ok(records)
    }
}
