//! Tables as files for other programs: rows in order, also those of hours without a row, as Parquet,
//! CSV or JSON Lines.

mod dense;
mod rows;
mod run;
mod select;
mod target;
mod texts;
mod writer;

pub use run::{Exported, Request, export};
pub use select::{delivery_ids, instants, parse_ids};
pub use target::Target;
pub use writer::Out;

use dense::Dense;
use rows::Rows;
use select::{holds_day, ids_in, rows_of, rows_with, rows_within};
use writer::Writer;

use crate::model::Breakdown;
use crate::publish::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, KPI_RUN, PARENT_KPI_HOURLY, PublishError};
use std::path::Path;

/// A table that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `delivery_kpi_hourly`.
    Hourly,
    /// `delivery_kpi`.
    Deliveries,
    /// `kpi_run`.
    Runs,
    /// A table of parts of deliveries.
    Parts(Breakdown),
    /// `parent_kpi_hourly`.
    Parents,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 7] = [
        Table::Hourly,
        Table::Deliveries,
        Table::Parts(Breakdown::Reason),
        Table::Parts(Breakdown::Url),
        Table::Parts(Breakdown::Domain),
        Table::Parents,
        Table::Runs,
    ];

    /// The table of this name.
    pub fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Table::Hourly => DELIVERY_KPI_HOURLY,
            Table::Deliveries => DELIVERY_KPI,
            Table::Runs => KPI_RUN,
            Table::Parts(of) => of.table(),
            Table::Parents => PARENT_KPI_HOURLY,
        }
    }

    /// The column that names the delivery of a row.
    pub fn id(self) -> &'static str {
        match self {
            Table::Parents => "parent_delivery_id",
            _ => "delivery_id",
        }
    }

    /// The columns that its rows are ordered by.
    pub fn order(self) -> &'static [&'static str] {
        match self {
            Table::Hourly => &["date", "delivery_id", "hour"],
            Table::Deliveries => &["delivery_id"],
            Table::Parents => &["date", "parent_delivery_id", "hour"],
            Table::Runs => &["run_number"],
            Table::Parts(Breakdown::Reason) => &[
                "date",
                "delivery_id",
                "hour",
                "failure_reason",
                "failure_reason_label",
            ],
            Table::Parts(Breakdown::Domain) => &["date", "delivery_id", "hour", "recipient_domain"],
            Table::Parts(Breakdown::Url) => {
                &["date", "delivery_id", "hour", "url_id", "url_digest"]
            }
        }
    }
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet with zstd.
    Parquet,
    /// CSV with a header line.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

impl Format {
    /// The format that the extension of a file stands for, in any case.
    pub fn of(file: &Path) -> Option<Format> {
        let extension = file.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "parquet" => Some(Format::Parquet),
            "csv" => Some(Format::Csv),
            "jsonl" => Some(Format::JsonLines),
            _ => None,
        }
    }
}

/// Why a table could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A `--delivery` that cannot be an identifier of these tables.
    #[error("--delivery: the tables have integer identifiers, found text in place {0} of the list")]
    DeliveryId(usize),
    /// None of the deliveries asked for is in the tables.
    #[error("--delivery: none of the {0} deliveries asked for is in the tables")]
    NoSuchDelivery(usize),
    /// The file cannot be there.
    #[error("FILE: expected {expected}, found {found}")]
    Place {
        /// What can be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The file cannot be written.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A column of the tables is not what it should be.
    #[error("column {column} of the tables cannot be read: found {found}")]
    Column {
        /// The column.
        column: &'static str,
        /// What is there.
        found: String,
    },
    /// The tables cannot be read.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Rows cannot be converted or written.
    #[error("the rows cannot be exported: {0}")]
    Rows(#[from] arrow::error::ArrowError),
    /// Parquet cannot be written.
    #[error("the rows cannot be written as Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}
