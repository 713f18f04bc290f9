//! `verify`.

use super::{Deadline, Effort, Extracts};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi verify jobs/hourly.toml
      reads everything again, as of the newest run, and tells where the tables say something else
  delivery-kpi verify jobs/hourly.toml --json
      the same for a machine

Exit codes: 0 the tables are what the extracts come to; 1 failed, or something differs; 2 wrong usage.";

/// What to verify.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// Job file; its paths are relative to the folder it is in
    #[arg(value_name = "JOB.toml")]
    pub job: Option<PathBuf>,

    /// Where the extracts are.
    #[command(flatten)]
    pub extracts: Extracts,

    /// Directory or URL of the tables
    #[arg(long, value_name = "PATH", help_heading = "Extracts and tables")]
    pub output: Option<PathBuf>,

    /// Where the end of retries comes from: the validity period, or reported failures alone
    #[arg(long, value_name = "MODE", help_heading = "What to compute")]
    pub deadline: Option<Deadline>,

    /// How many rows of each table to show; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "json")]
    pub limit: usize,

    /// One JSON object instead of text, with all rows
    #[arg(long)]
    pub json: bool,

    /// IANA time zone that instants are shown in; default: UTC
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,

    /// How the work is done.
    #[command(flatten)]
    pub effort: Effort,

    /// Memory that it may take, such as 512MB or 4GiB; rows that find no room wait in files
    #[arg(long, value_name = "SIZE", help_heading = "How")]
    pub memory_limit: Option<String>,
}
