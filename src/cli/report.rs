//! `report`.

use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  delivery-kpi report kpi.html --output kpi
      all deliveries (the 5,000 with the most recent events) on one page, for a browser
  delivery-kpi report spring.html --job jobs/hourly.toml --delivery 4101 4102 --timezone Europe/Paris
      two deliveries side by side, with the hours of Paris

The page needs nothing but a browser: no network, no server, no other file.

Exit codes: 0 done; 1 failed, no file was written; 2 wrong usage.";

/// What to show.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Report {
    /// The HTML file; "-" is standard output
    #[arg(value_name = "FILE.html")]
    pub file: PathBuf,

    /// Job file; its paths are relative to the folder it is in
    #[arg(long, value_name = "JOB.toml")]
    pub job: Option<PathBuf>,

    /// Directory or URL of the tables
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// Only these deliveries
    #[arg(long, value_name = "ID", num_args = 1.., allow_negative_numbers = true)]
    pub delivery: Vec<String>,

    /// How many deliveries at most: those with the most recent events
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub most: usize,

    /// IANA time zone that instants are shown in; default: UTC
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
}
