//! The output: Delta Lake tables, replaced table by table, `kpi_run` last. Does not know what an
//! open is.
//!
//! `kpi_run` is the one commit point: its newest row names the versions of the other tables that
//! belong together. Whatever a run that died has committed to the others is undone, or completed,
//! by the next run that commits to them.

mod alert;
mod commit;
mod durable;
mod gather;
mod location;
mod lock;
mod opened;
mod output;
mod pieces;
mod plan;
mod published;
mod record;
mod restatement;
mod rows;
mod runs;
mod table;
mod upkeep;

pub use alert::AlertRecord;
pub use commit::Written;
pub use location::Destination;
pub use lock::{Lock, LockError};
pub use output::{Committed, Days, Form, Output};
pub use plan::{
    DATA_TABLES, DELIVERY_KPI, DELIVERY_KPI_HOURLY, DataFile, KPI_RESTATEMENT, KPI_RUN,
    PARENT_KPI_HOURLY,
};
pub use published::Published;
pub use record::{FileRecord, LogRecord, RejectionRecord, ReportedRecord, RunRecord, TableRecord};
pub use restatement::{RestatedKpi, Restatement};
pub use rows::Rows;
pub use runs::Runs;
pub use upkeep::Cleared;

/// Why a run was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Another run committed in between; the plan has to be made again.
    #[error("table {table}: another run committed in between")]
    Conflict {
        /// The table.
        table: String,
    },
    /// The table has other columns than this version of the program writes.
    #[error(
        "table {table}: expected column {column} of type {expected}, found {found}; was the output written with other identifiers or by another version?"
    )]
    OtherSchema {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type in this version.
        expected: String,
        /// What the table has.
        found: String,
    },
    /// The columns of the table have, or may have, another meaning.
    #[error(
        "table {table}: expected schema_version {expected} in its properties, found {found}; was it written by another version, or by another program? a new output gets the tables of this one"
    )]
    OtherVersion {
        /// The table.
        table: String,
        /// The version that this program writes.
        expected: &'static str,
        /// What the table says.
        found: String,
    },
    /// The place cannot be used.
    #[error("output {place}: {reason}")]
    Place {
        /// As given.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store or the Delta log failed.
    #[error("table {table}: {source}")]
    Delta {
        /// The table.
        table: String,
        /// Its reason.
        #[source]
        source: Box<deltalake::DeltaTableError>,
    },
    /// A commit failed, and so did looking up whether it was made all the same. The next run sees which.
    #[error("table {table}: whether the commit was made cannot be told: {source}")]
    Unknown {
        /// The table.
        table: String,
        /// Why it cannot be looked up.
        #[source]
        source: Box<deltalake::DeltaTableError>,
    },
    /// A record of a run could not be written or read.
    #[error("table kpi_run: the record of a run cannot be converted: {0}")]
    Record(#[from] arrow::error::ArrowError),
}
