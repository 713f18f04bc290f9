//! `recompute`.

use super::{Effort, Extracts, Meaning};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi recompute jobs/hourly.toml
      the job of a scheduler: everything the job file names, as of the start of the current hour
  delivery-kpi recompute --sending-log logs/sending --tracking-log logs/tracking \\
      --deliveries deliveries.parquet --output kpi --as-of 2026-03-08T12:00:00Z
      the same without a job file
  delivery-kpi recompute jobs/hourly.toml --delivery 4101 4102 --dry-run
      what recomputing two deliveries would change; nothing is written

Exit codes: 0 done; 1 failed, nothing published, running again is safe; 2 wrong usage, job file or
schema, nothing published; 3 published, but more input was left out than the job allows; 4 another
run holds the output; 130, 143 interrupted, nothing half-published.";

/// Flags override the job file.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Recompute {
    /// Job file; its paths are relative to the folder it is in
    #[arg(value_name = "JOB.toml")]
    pub job: Option<PathBuf>,

    /// Where the extracts are.
    #[command(flatten)]
    pub extracts: Extracts,

    /// Directory or URL of the tables
    #[arg(long, value_name = "PATH", help_heading = "Extracts and tables")]
    pub output: Option<PathBuf>,

    /// What the rows come to.
    #[command(flatten)]
    pub meaning: Meaning,

    /// Allow an as-of earlier than the published one
    #[arg(long, help_heading = "What to compute")]
    pub rewind: bool,

    /// Only these deliveries; the rows of others stay as they are. Name the job file before it
    #[arg(
        long,
        value_name = "ID",
        num_args = 1..,
        allow_negative_numbers = true,
        help_heading = "What to compute"
    )]
    pub delivery: Vec<String>,

    /// Backfill: only deliveries with events in [start, end)
    #[arg(
        long,
        value_name = "INSTANT",
        requires = "event_time_end",
        conflicts_with = "delivery",
        help_heading = "What to compute"
    )]
    pub event_time_start: Option<String>,

    /// The end of that interval
    #[arg(
        long,
        value_name = "INSTANT",
        requires = "event_time_start",
        conflicts_with = "delivery",
        help_heading = "What to compute"
    )]
    pub event_time_end: Option<String>,

    /// Forget what earlier runs knew: everything is read, and rejected rows that they have reported count
    /// again
    #[arg(long, help_heading = "What to compute")]
    pub full: bool,

    /// Compute these deliveries again, from what is left, though files with rows of them are gone
    #[arg(
        long,
        value_name = "ID",
        num_args = 1..,
        allow_negative_numbers = true,
        help_heading = "What to compute"
    )]
    pub thaw: Vec<String>,

    /// Go on though half of the files of a log, or of the deliveries, or more, are gone since the last run
    #[arg(long, help_heading = "What to compute")]
    pub accept_shrinkage: bool,

    /// Look at the content of every file to tell whether it has changed, not at its size, times and
    /// number alone
    #[arg(long, help_heading = "How")]
    pub rehash: bool,

    /// Wait for another run that holds the output, instead of leaving with exit code 4
    #[arg(long, help_heading = "How")]
    pub wait: bool,

    /// Write nothing; print the hourly rows that would be new or different as CSV
    #[arg(long, help_heading = "How")]
    pub dry_run: bool,

    /// How the work is done.
    #[command(flatten)]
    pub effort: Effort,

    /// Memory that the run may take, such as 512MB or 4GiB; rows that find no room wait in files
    #[arg(long, value_name = "SIZE", help_heading = "How")]
    pub memory_limit: Option<String>,

    /// Directory of these files, which have no names there and vanish with the run; default: the
    /// system's
    #[arg(long, value_name = "PATH", help_heading = "How")]
    pub temp_dir: Option<PathBuf>,

    /// Summary and errors on stderr as text or as one JSON object
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "How"
    )]
    pub log_format: LogFormat,
}

/// How summary and errors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// For machines
    Json,
}
