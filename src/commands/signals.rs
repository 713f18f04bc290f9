//! What an interrupted run does.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, exit};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A file that is not complete.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Names the one file that goes with the process when a signal ends it.
pub fn unfinished(file: Option<&Path>) {
    *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = file.map(Path::to_owned);
}

/// Ends the process at SIGINT and SIGTERM, also where it is the first one of a container, for which
/// the system does nothing by itself. Whatever the moment, nothing is half-published: the commit to
/// `kpi_run` is the one that counts.
pub fn obey_signals() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                let unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(file) = &*unfinished {
                    // Nobody is left to be told when it fails.
                    let _ = std::fs::remove_file(file);
                }
                // Returns only in the first process of a container.
                let _ = emulate_default_handler(signal);
                exit(128 + signal);
            }
        })?;
    Ok(())
}
