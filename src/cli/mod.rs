//! What the user typed, nothing resolved.

mod check;
mod diff;
mod explain;
mod export;
mod generate;
mod import;
mod maintain;
mod recompute;
mod report;
mod shared;
mod stats;
mod verify;

pub use check::Check;
pub use diff::Diff;
pub use explain::Explain;
pub use export::{Export, Format};
pub use generate::Generate;
pub use import::Import;
pub use maintain::Maintain;
pub use recompute::{LogFormat, Recompute};
pub use report::Report;
pub use shared::{Deadline, Effort, Extracts, Meaning, ProgressMode};
pub use stats::Stats;
pub use verify::Verify;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

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
    /// Show the KPIs of one delivery, or the deliveries with the most recent activity
    Stats(Box<Stats>),
    /// Tell the history of one message: every row, the rule it met, the status after it
    Explain(Box<Explain>),
    /// Read everything, publish nothing, say what is wrong with the extracts
    Check(Box<Check>),
    /// Tell what changed between two runs, by delivery, hour and counter
    Diff(Diff),
    /// Compare the tables with what the extracts come to, everything read again
    Verify(Box<Verify>),
    /// Write a table as Parquet, CSV or JSON Lines
    Export(Export),
    /// Make a page of charts for people who would rather look than read
    Report(Report),
    /// Clear away what no reader needs any more: old data files, commits, states
    Maintain(Maintain),
    /// Make extracts of a vendor's exports, which are CSV or JSON Lines
    Import(Import),
    /// Make synthetic extracts of any size, to try the program and to measure it
    Generate(Generate),
    /// Print a script with which a shell completes the command line
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Cli {
    /// The script with which a shell completes the command line.
    pub fn completions(shell: Shell) -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "delivery-kpi", &mut script);
        // For bash the generator writes a name with a hyphen in two ways, which never meet.
        let script = String::from_utf8_lossy(&script);
        script.replace("delivery__subcmd__kpi", "delivery__kpi")
    }
}
