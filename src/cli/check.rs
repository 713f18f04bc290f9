//! `check`.

use super::{Effort, Extracts, Meaning};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi check jobs/hourly.toml
      what is wrong with the extracts of a job? nothing is published
  delivery-kpi check --sending-log logs/sending --tracking-log logs/tracking --max-age 3
      the same without a job file; the newest row must be at most three hours older than as-of

Exit codes: 0 nothing needs a look; 1 failed; 2 wrong usage, job file or schema; 3 something needs a
look.";

/// What to check.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// Job file; its paths are relative to the folder it is in
    #[arg(value_name = "JOB.toml")]
    pub job: Option<PathBuf>,

    /// Where the extracts are.
    #[command(flatten)]
    pub extracts: Extracts,

    /// What the rows come to.
    #[command(flatten)]
    pub meaning: Meaning,

    /// Findings that need no look, by their names
    #[arg(
        long,
        value_name = "FINDING",
        num_args = 1..,
        help_heading = "What needs a look"
    )]
    pub accept: Vec<String>,

    /// Hours without any row of a log that need no look yet
    #[arg(
        long,
        value_name = "HOURS",
        default_value_t = 24,
        help_heading = "What needs a look"
    )]
    pub max_gap: u32,

    /// Hours that the newest row of the sending log may be older than as-of; default: any
    #[arg(long, value_name = "HOURS", help_heading = "What needs a look")]
    pub max_age: Option<u32>,

    /// How many deliveries, messages and files to name for each finding, at most 100
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u8).range(..=100),
        help_heading = "How"
    )]
    pub most: u8,

    /// One JSON object instead of text
    #[arg(long, help_heading = "How")]
    pub json: bool,

    /// How the work is done.
    #[command(flatten)]
    pub effort: Effort,
}
