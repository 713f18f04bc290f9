//! `explain`.

use super::{Effort, Extracts, Meaning};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi explain 4101 410100042 --job jobs/hourly.toml
      why does this message count as it does?
  delivery-kpi explain 4101 410100042 --job jobs/hourly.toml --json
      the same for a machine

Exit codes: 0 done; 1 failed; 2 wrong usage, or no row names the message.";

/// Which message.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// The delivery
    #[arg(value_name = "DELIVERY", allow_negative_numbers = true)]
    pub delivery: String,

    /// The message
    #[arg(value_name = "MESSAGE", allow_negative_numbers = true)]
    pub message: String,

    /// Job file; its paths are relative to the folder it is in
    #[arg(long, value_name = "JOB.toml", help_heading = "Extracts and tables")]
    pub job: Option<PathBuf>,

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
