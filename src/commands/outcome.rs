//! Runs a command, and tells how it ended: an exit code, and what stderr says.

use super::{
    check, diff, explain, export, generate, import, maintain, progress, recompute, report, signals,
    stats, verify,
};
use crate::cli::{Cli, Command, LogFormat, Recompute};
use crate::error::{Error, contain, exit};
use crate::job::Job;
use std::io::{ErrorKind, Write};

/// Runs the command; gives its exit code.
pub fn run(cli: &Cli) -> u8 {
    let outcome = contain(|| {
        signals::obey_signals()?;
        match &cli.command {
            // It has an end of its own: a summary, also as JSON.
            Command::Recompute(flags) => Ok(run_recompute(flags)),
            Command::Stats(flags) => stats::run(flags),
            Command::Explain(flags) => explain::run(flags),
            Command::Check(flags) => check::run(flags),
            Command::Diff(flags) => diff::run(flags),
            Command::Verify(flags) => verify::run(flags),
            Command::Export(flags) => export::run(flags),
            Command::Report(flags) => report::run(flags),
            Command::Maintain(flags) => maintain::run(flags),
            Command::Generate(flags) => generate::run(flags),
            Command::Import(flags) => import::run(flags),
            Command::Completions { shell } => {
                print(Cli::completions(*shell).as_bytes()).map(|()| exit::DONE)
            }
        }
    });
    outcome.unwrap_or_else(|error| {
        say(&format!("error: {error}\n"));
        error.exit_code()
    })
}

fn run_recompute(flags: &Recompute) -> u8 {
    let outcome = contain(|| {
        let job = Job::resolve(flags)?;
        signals::changes(&job.disk);
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
    say(&match flags.log_format {
        LogFormat::Text => text,
        LogFormat::Json => format!("{json}\n"),
    });
    code
}

/// Writes data to standard output. Whoever closed it has seen enough.
pub fn print(data: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Says something on stderr.
pub fn say(text: &str) {
    // Nobody is left to be told when it fails.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
