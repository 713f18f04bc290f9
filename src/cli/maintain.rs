//! `maintain`.

use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi maintain jobs/hourly.toml
      once a day or a week, between two runs
  delivery-kpi maintain --output kpi --keep-days 30 --dry-run
      what would go if versions of the last 30 days stayed readable

Exit codes: 0 done; 1 failed, running again is safe; 2 wrong usage; 4 another run holds the output.";

/// What to clear away.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Maintain {
    /// Job file; its paths are relative to the folder it is in
    #[arg(value_name = "JOB.toml")]
    pub job: Option<PathBuf>,

    /// Directory or URL of the tables
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// For how many days what the tables were stays readable, at least 7
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub keep_days: u32,

    /// Wait for another run that holds the output, instead of leaving with exit code 4
    #[arg(long)]
    pub wait: bool,

    /// Remove nothing, tell what would go
    #[arg(long)]
    pub dry_run: bool,
}
