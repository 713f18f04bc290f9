//! `generate`.

use super::Effort;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi generate demo
      extracts of a hundred thousand messages, to try the program
  delivery-kpi generate big --messages 20000000 --deliveries 1000 --days 14 --dirty 2
      many messages, with corrections, overlapping extracts, late rows and deletions

Exit codes: 0 done; 1 failed; 2 wrong usage.";

/// What to make.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Generate {
    /// The directory, which must be empty or not be there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Messages of all deliveries together
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub messages: u64,

    /// Deliveries
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub deliveries: u32,

    /// Days in which the deliveries start; the logs go on for ten more
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub days: u32,

    /// The same seed gives the same extracts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Percentage of rows that are corrected, of rows that stand in two files, of rows that come
    /// late, and of rows that are deleted
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    pub dirty: f64,

    /// Identifiers as text of 36 characters
    #[arg(long)]
    pub string_ids: bool,

    /// One file for each log instead of hourly ones
    #[arg(long)]
    pub one_file: bool,

    /// A sending log of statuses instead of events
    #[arg(long)]
    pub status_form: bool,

    /// How the work is done.
    #[command(flatten)]
    pub effort: Effort,
}
