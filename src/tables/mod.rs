//! Counts to frames: rates, joins with the deliveries, snapshots, comparison with the rows that
//! are already published. The only room with polars, and the only one with rates.

mod bridge;
mod compare;
mod csv;
mod frames;
mod rates;
mod show;
mod snapshot;

pub use compare::{Comparison, RowCounts};
pub use frames::{Frames, RunMarks, build};
pub use snapshot::{Snapshot, Snapshots};

use crate::model::Instant;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use polars::error::PolarsError;
use polars::prelude::SortMultipleOptions;

/// A frame that could not be built: a defect, or published rows that are not ours.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Polars refused.
    #[error("the tables cannot be computed: {0}")]
    Frame(#[from] PolarsError),
    /// Arrow refused.
    #[error("the tables cannot be converted: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Published rows do not have the columns of this version.
    #[error("published table {table}: expected column {column} of type {expected}, found {found}")]
    Published {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// Its type in this version.
        expected: String,
        /// What the table has.
        found: String,
    },
}

/// The columns of the two tables.
pub struct Schemas {
    /// `delivery_kpi_hourly`.
    pub hourly: SchemaRef,
    /// `delivery_kpi`.
    pub deliveries: SchemaRef,
}

/// The rows of a run beside the published ones.
pub struct Tables {
    /// `delivery_kpi_hourly`.
    pub hourly: Comparison,
    /// `delivery_kpi`.
    pub deliveries: Comparison,
}

impl Frames {
    /// The columns of the two tables.
    pub fn schemas(&self) -> Result<Schemas, TableError> {
        Ok(Schemas {
            hourly: bridge::to_batch(&self.hourly.clear())?.schema(),
            deliveries: bridge::to_batch(&self.deliveries.clear())?.schema(),
        })
    }

    /// Compares with the published rows: all rows of the deliveries of this run are replaced, those
    /// of other deliveries stay. The hourly rows are read and compared day by day, so that not all of
    /// them are in memory: `days` are the published dates, `hourly` gives the rows of one.
    pub fn compare<E: From<TableError>>(
        &self,
        days: impl IntoIterator<Item = String>,
        mut hourly: impl FnMut(&str) -> Result<Vec<RecordBatch>, E>,
        deliveries: &[RecordBatch],
    ) -> Result<Tables, E> {
        let keys = ["delivery_id", "hour"];
        let replaced = self.deliveries.select([keys[0]]);
        let replaced = replaced.map_err(TableError::from)?;
        let mut computed = frames::days(&self.hourly)?;
        for day in days {
            computed.entry(day).or_insert_with(|| self.hourly.clear());
        }
        let mut whole = Comparison::none(&self.hourly);
        for (day, rows) in computed {
            let published = hourly(&day)?;
            let day = Some(day);
            let table = "delivery_kpi_hourly";
            whole.add(compare::compare(
                table, day, &keys, &published, &rows, &replaced,
            )?)?;
        }
        let (table, rows) = ("delivery_kpi", &self.deliveries);
        Ok(Tables {
            hourly: whole,
            deliveries: compare::compare(table, None, &keys[..1], deliveries, rows, &replaced)?,
        })
    }

    /// The deliveries with the most recent events, a line each.
    pub fn show(&self, most: usize) -> Result<String, TableError> {
        show::show_deliveries(&self.deliveries, most)
    }

    /// How many deliveries are not final yet, and their latest deadline.
    pub fn not_final(&self) -> Result<(u64, Option<Instant>), TableError> {
        let open = !self.deliveries.column("is_final")?.bool()?;
        let open = self.deliveries.filter(&open)?;
        let until = open
            .column("final_at")?
            .datetime()?
            .physical()
            .iter()
            .flatten()
            .max();
        Ok((open.height() as u64, until.map(Instant::from_micros)))
    }
}

impl Tables {
    /// The hourly rows that are new or different, as CSV.
    pub fn csv(&self) -> Result<String, TableError> {
        let order = SortMultipleOptions::default();
        csv::to_csv(
            &self
                .hourly
                .difference
                .sort(["delivery_id", "hour"], order)?,
        )
    }
}
