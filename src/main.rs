//! Parses the command line, runs the command, and turns its outcome into an exit code.

use clap::Parser;
use delivery_kpi::cli::Cli;
use std::process::ExitCode;

/// Buffers of a few megabytes come and go with every row group; the system's allocator gives each
/// back, and takes it anew page by page. So do those of C code, as the contexts of zstd, of which each
/// column of each row group has one; they come from here, too (feature `override`). Version 2 hands
/// memory back within a tenth of a second, and without large pages of its own (`no_thp`), so that
/// `--memory-limit` can be kept.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(delivery_kpi::commands::run(&Cli::parse()))
}
