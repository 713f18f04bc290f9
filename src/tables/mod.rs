//! Counts to frames: rates, joins with the deliveries, snapshots, comparison with the rows that
//! are already published, and of two versions of a table. The only room with polars, and the only one with rates.

mod alerts;
mod bridge;
mod cell;
mod compare;
mod csv;
mod days;
mod earlier;
mod frames;
mod parents;
mod parts;
mod rates;
mod restated;
mod show;
mod snapshot;
mod versions;

pub use alerts::{Alert, Wanted, told};
pub use cell::Cell;
pub use compare::{Comparison, RowCounts};
pub use days::Hourly;
pub use earlier::{EarlierDelivery, EarlierHour, earlier_deliveries, earlier_hours, earlier_parts};
pub use frames::{Frames, RunMarks, build, date_name};
pub use parents::{PARENT_KPI_HOURLY, ParentFrames};
pub use parts::{NO_DOMAIN, NO_REASON, PART_TABLES, PartFrames, UNMAPPED_REASON};
pub use restated::{Restated, restated};
pub use snapshot::{Snapshot, Snapshots};
pub use versions::{Column, Difference, Found, Total, Versions};

use crate::model::Instant;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use days::NO_DAY;

/// The counter that is null where nobody has asked for it.
pub const NEW_QUARANTINES: &str = crate::rollup::Shown::NEW_QUARANTINES;

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

impl Frames<'_> {
    /// The columns of `delivery_kpi`.
    pub fn schema_of_deliveries(&self) -> Result<SchemaRef, TableError> {
        Ok(bridge::to_batch(&self.deliveries.clear())?.schema())
    }

    /// Compares the rows of `delivery_kpi` with the published ones: all rows of the deliveries of the run are
    /// replaced, those of other deliveries stay.
    pub fn compare_deliveries(&self, published: &[RecordBatch]) -> Result<Comparison, TableError> {
        let (table, keys) = ("delivery_kpi", ["delivery_id"]);
        compare::compare(table, &keys, published, &self.deliveries, &self.all())
    }

    /// The hourly rows that are new or different, as CSV.
    pub fn csv(&self, days: &[Comparison]) -> Result<String, TableError> {
        let mut difference = self.hourly(NO_DAY)?;
        for day in days {
            difference.vstack_mut(&day.difference)?;
        }
        let order = SortMultipleOptions::default();
        csv::to_csv(&difference.sort(["delivery_id", "hour"], order)?)
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
