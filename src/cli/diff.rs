//! `diff`.

use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
OLD and NEW each name a run, and the tables are read as it left them:
  latest, previous      the newest run, and the one before it
  run:12                by its run_number
  01a20ed6-a7a8         by its run_id, or by the start of it, at least 8 characters
  2026-03-08T12:00:00Z  the newest run that had finished by then
  version:12            the newest run to which this version of delivery_kpi_hourly belongs

Examples:
  delivery-kpi diff previous latest --output kpi
      what the newest run changed
  delivery-kpi diff 2026-03-08T00:00:00Z latest --job jobs/hourly.toml --delivery 4101 --limit 0
      everything that changed in one delivery since midnight
  delivery-kpi diff run:12 run:13 --output kpi --json --fail-if-diff
      for a machine; the exit code tells whether anything differs

Exit codes: 0 done; 1 failed, or with --fail-if-diff something differs; 2 wrong usage, or no such run.";

/// What to compare.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    /// The run to compare with: latest, previous, run:N, a run_id, an instant or version:N
    #[arg(value_name = "OLD")]
    pub old: String,

    /// The run that is compared, named in the same ways
    #[arg(value_name = "NEW")]
    pub new: String,

    /// Job file; its paths are relative to the folder it is in
    #[arg(long, value_name = "JOB.toml")]
    pub job: Option<PathBuf>,

    /// Directory or URL of the tables
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// Only these deliveries
    #[arg(long, value_name = "ID", num_args = 1.., allow_negative_numbers = true)]
    pub delivery: Vec<String>,

    /// How many rows of each table to show; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "json")]
    pub limit: usize,

    /// One JSON object instead of text, with all rows
    #[arg(long)]
    pub json: bool,

    /// End with exit code 1 if anything differs
    #[arg(long)]
    pub fail_if_diff: bool,

    /// IANA time zone that instants are shown in; default: UTC
    #[arg(long, value_name = "ZONE", conflicts_with = "json")]
    pub timezone: Option<String>,
}
