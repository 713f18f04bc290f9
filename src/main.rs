//! Parses the command line, runs the command, and turns its outcome into an exit code.

use clap::Parser;
use delivery_kpi::cli::{Cli, Command, LogFormat, Recompute};
use delivery_kpi::commands::{Terminal, recompute};
use delivery_kpi::engine::{Progress, Silent};
use delivery_kpi::error::Error;
use delivery_kpi::job::Job;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Recompute(flags) => ExitCode::from(run_recompute(&flags)),
    }
}

fn run_recompute(flags: &Recompute) -> u8 {
    let outcome = Job::resolve(flags).map_err(Error::from).and_then(|job| {
        let terminal = Terminal::default();
        let progress: &dyn Progress = if job.progress { &terminal } else { &Silent };
        let report = recompute::run(&job, progress)?;
        let data = report.difference.as_ref().unwrap_or(&report.shown);
        std::io::stdout().lock().write_all(data.as_bytes())?;
        Ok(report)
    });
    let (code, text, json) = match &outcome {
        Ok(report) => {
            let code = report.exit_code();
            (code, report.text(), report.json(code))
        }
        Err(error) => {
            let code = error.exit_code();
            let json = serde_json::json!({"exit_code": code, "error": error.to_string()});
            (code, format!("error: {error}\n"), json.to_string())
        }
    };
    match flags.log_format {
        LogFormat::Text => eprint!("{text}"),
        LogFormat::Json => eprintln!("{json}"),
    }
    code
}
