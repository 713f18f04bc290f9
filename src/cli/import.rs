//! `import`.

use super::Effort;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi import --source ses --to lake events/
      all events that Amazon SES has published; then: delivery-kpi recompute lake/job.toml
  delivery-kpi import --source campaign-standard --to lake --sending-log broadlogs.csv --tracking-log tracking.csv.gz
      the files of an Adobe Campaign Standard workflow that exports logs
  delivery-kpi import --source our-vendor.toml --to lake export.jsonl
      a mapping of your own; README.md says how one is written

Exit codes: 0 done; 1 failed, nothing was imported; 2 wrong usage, mapping or columns, nothing was imported;
3 imported, but more records were rejected than --max-rejected.";

/// What to import.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    /// What the exports hold: campaign-standard, contract, ses, or a mapping file that ends in .toml
    #[arg(long, value_name = "NAME|FILE")]
    pub source: PathBuf,

    /// The directory that the extracts go to; what was imported of the same files before is replaced
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,

    /// Replace what was imported of other files of the same names, too
    #[arg(long)]
    pub replace: bool,

    /// Exports whose records tell which log they belong to: .jsonl, .ndjson or .json, or a directory
    #[arg(value_name = "INPUT")]
    pub input: Vec<PathBuf>,

    /// Exports of the sending log: .csv, .tsv or as above, also .gz and .zst
    #[arg(long, value_name = "PATH")]
    pub sending_log: Vec<PathBuf>,

    /// Exports of the tracking log
    #[arg(long, value_name = "PATH")]
    pub tracking_log: Vec<PathBuf>,

    /// Exports of the deliveries
    #[arg(long, value_name = "PATH")]
    pub deliveries: Vec<PathBuf>,

    /// A file with the key of the digests that stand for addresses; default: one that is made in DIR
    #[arg(long, value_name = "FILE")]
    pub digest_key: Option<PathBuf>,

    /// Records that may be rejected before the exit code is 3
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_rejected: u64,

    /// What became of the records as JSON on standard output
    #[arg(long)]
    pub json: bool,

    /// How the work is done.
    #[command(flatten)]
    pub effort: Effort,
}
