//! `export`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi export delivery_kpi kpis.csv --output kpi
      the newest KPIs of all deliveries
  delivery-kpi export delivery_kpi_hourly - --job jobs/hourly.toml --delivery 4101 --dense
      every hour of one delivery, also those without a row, as CSV on standard output
  delivery-kpi export delivery_kpi_hourly week.parquet --output kpi \\
      --from 2026-03-02T00:00:00Z --to 2026-03-09T00:00:00Z
      the hours of one week

Exit codes: 0 done; 1 failed, no file was written; 2 wrong usage.";

/// What to export.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Export {
    /// The table
    #[arg(value_name = "TABLE", value_parser = ["delivery_kpi_hourly", "delivery_kpi", "delivery_kpi_hourly_by_reason", "delivery_kpi_hourly_by_url", "delivery_kpi_hourly_by_domain", "parent_kpi_hourly", "kpi_run"])]
    pub table: String,

    /// The file, its format by its extension: .parquet, .csv or .jsonl; "-" is standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Job file; its paths are relative to the folder it is in
    #[arg(long, value_name = "JOB.toml")]
    pub job: Option<PathBuf>,

    /// Directory or URL of the tables
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// Only these deliveries
    #[arg(long, value_name = "ID", num_args = 1.., allow_negative_numbers = true)]
    pub delivery: Vec<String>,

    /// Only hours that start at or after it: RFC 3339, in UTC where it names no zone
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<String>,

    /// Only hours that start before it
    #[arg(long, value_name = "INSTANT")]
    pub to: Option<String>,

    /// Also the hours without a row, from a delivery's first one to its as-of, with what holds then
    #[arg(long)]
    pub dense: bool,

    /// The format, where the extension does not tell; default on standard output: csv
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
}

/// The format of an exported table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Parquet, zstd
    Parquet,
    /// CSV with a header line
    Csv,
    /// One JSON object per line
    Jsonl,
}
