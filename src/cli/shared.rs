//! Flags that several commands have.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Where the extracts are.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Extracts and tables")]
pub struct Extracts {
    /// Sending log: a directory, a glob or a file, or a URL of one
    #[arg(long, value_name = "PATH")]
    pub sending_log: Option<PathBuf>,

    /// Tracking log: a directory, a glob or a file, or a URL of one
    #[arg(long, value_name = "PATH")]
    pub tracking_log: Option<PathBuf>,

    /// Deliveries extract: a directory, a glob or a file, or a URL of one
    #[arg(long, value_name = "PATH")]
    pub deliveries: Option<PathBuf>,
}

/// What the rows of the extracts come to.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What to compute")]
pub struct Meaning {
    /// Instant that the KPIs are computed for (RFC 3339, UTC without a zone), or "now"; default:
    /// the start of the current hour in UTC, and for `stats --fresh` now
    #[arg(long, value_name = "INSTANT|now")]
    pub as_of: Option<String>,

    /// Where the end of retries comes from: the validity period, or reported failures alone
    #[arg(long, value_name = "MODE")]
    pub deadline: Option<Deadline>,
}

/// How the work is done.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "How")]
pub struct Effort {
    /// Threads; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,

    /// Progress: bars when stderr is a terminal; always, then lines where it is none; or never
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: ProgressMode,
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
