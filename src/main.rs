//! Parses the command line, runs the command, and turns its outcome into an exit code.

use clap::Parser;
use delivery_kpi::cli::{Cli, Command, LogFormat, Recompute};
use delivery_kpi::commands::{obey_signals, progress, recompute};
use delivery_kpi::error::contain;
use delivery_kpi::job::Job;
use std::io::Write;
use std::process::ExitCode;

/// Buffers of a few megabytes come and go with every row group; the system's allocator gives each
/// back, and takes it anew page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Recompute(flags) => ExitCode::from(run_recompute(&flags)),
    }
}

fn run_recompute(flags: &Recompute) -> u8 {
    let outcome = contain(|| {
        obey_signals()?;
        let job = Job::resolve(flags)?;
        let mut report = recompute::run(&job, progress(job.progress).as_ref())?;
        report.print(&mut std::io::stdout().lock())?;
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
    let text = match flags.log_format {
        LogFormat::Text => text,
        LogFormat::Json => format!("{json}\n"),
    };
    // Nobody is left to be told when it fails.
    let _ = std::io::stderr().write_all(text.as_bytes());
    code
}
