//! What the user typed, nothing resolved.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Recomputes the KPIs of e-mail deliveries exactly, from sending-log and tracking-log extracts.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the extracts, recompute the KPIs, publish the tables
    Recompute(Box<Recompute>),
}

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

    /// Sending log: a directory, a glob or a file
    #[arg(long, value_name = "PATH", help_heading = "Extracts and tables")]
    pub sending_log: Option<PathBuf>,

    /// Tracking log: a directory, a glob or a file
    #[arg(long, value_name = "PATH", help_heading = "Extracts and tables")]
    pub tracking_log: Option<PathBuf>,

    /// Deliveries extract: a directory, a glob or a file
    #[arg(long, value_name = "PATH", help_heading = "Extracts and tables")]
    pub deliveries: Option<PathBuf>,

    /// Directory of the tables
    #[arg(long, value_name = "PATH", help_heading = "Extracts and tables")]
    pub output: Option<PathBuf>,

    /// Instant that the KPIs are computed for (RFC 3339, UTC without a zone), or "now"; default:
    /// the start of the current hour in UTC
    #[arg(long, value_name = "INSTANT|now", help_heading = "What to compute")]
    pub as_of: Option<String>,

    /// Allow an as-of earlier than the published one
    #[arg(long, help_heading = "What to compute")]
    pub rewind: bool,

    /// Where the end of retries comes from: the validity period, or reported failures alone
    #[arg(long, value_name = "MODE", help_heading = "What to compute")]
    pub deadline: Option<Deadline>,

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

    /// Forget what earlier runs knew: rejected rows that they have reported count again
    #[arg(long, help_heading = "What to compute")]
    pub full: bool,

    /// Write nothing; print the hourly rows that would be new or different as CSV
    #[arg(long, help_heading = "How")]
    pub dry_run: bool,

    /// Threads; default: all cores
    #[arg(long, value_name = "N", help_heading = "How")]
    pub threads: Option<usize>,

    /// Progress: bars when stderr is a terminal; always, then lines where it is none; or never
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "How"
    )]
    pub progress: ProgressMode,

    /// Summary and errors on stderr as text or as one JSON object
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "How"
    )]
    pub log_format: LogFormat,
}

/// Where the end of retries comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deadline {
    /// The passing of the deadline fails a message that is being retried, also without a row
    Infer,
    /// There is no deadline; only reported failures count
    Reported,
}

/// When progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// Bars when stderr is a terminal and NO_COLOR is not set
    #[default]
    Auto,
    /// Bars on a terminal, else lines
    Always,
    /// Never
    Never,
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
