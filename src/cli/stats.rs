//! `stats`.

use super::{Effort, Extracts, Meaning};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi stats --output kpi
      the deliveries with the most recent activity, a line each
  delivery-kpi stats 4101 --job jobs/hourly.toml
      the KPIs of one delivery, from the tables
  delivery-kpi stats 4101 --job jobs/hourly.toml --fresh
      the same beside what the extracts say now

Exit codes: 0 done; 1 failed; 2 wrong usage, or there is no such delivery.";

/// What to show.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Stats {
    /// The delivery; without it: those with the most recent activity
    #[arg(value_name = "DELIVERY", allow_negative_numbers = true)]
    pub delivery: Option<String>,

    /// Job file; its paths are relative to the folder it is in
    #[arg(long, value_name = "JOB.toml", help_heading = "Extracts and tables")]
    pub job: Option<PathBuf>,

    /// Directory or URL of the tables
    #[arg(long, value_name = "PATH", help_heading = "Extracts and tables")]
    pub output: Option<PathBuf>,

    /// Recompute the delivery from the extracts, as of now unless told otherwise, and show both
    #[arg(long, requires = "delivery", help_heading = "What to compute")]
    pub fresh: bool,

    /// How many deliveries to list
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        conflicts_with = "delivery",
        help_heading = "How"
    )]
    pub most: usize,

    /// One JSON object instead of text
    #[arg(long, help_heading = "How")]
    pub json: bool,

    /// IANA time zone that instants are shown in; default: UTC
    #[arg(long, value_name = "ZONE", help_heading = "How")]
    pub timezone: Option<String>,

    /// Where the extracts are.
    #[command(flatten)]
    pub extracts: Extracts,

    /// What the rows come to.
    #[command(flatten)]
    pub meaning: Meaning,

    /// How the work is done.
    #[command(flatten)]
    pub effort: Effort,
}
