//! Parses the command line, runs the command, and turns its outcome into an exit code.

use clap::Parser;
use delivery_kpi::cli::Cli;
use std::process::ExitCode;

/// Buffers of a few megabytes come and go with every row group; the system's allocator gives each
/// back, and takes it anew page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(delivery_kpi::commands::run(&Cli::parse()))
}
