//! What an interrupted run does.

use crate::disk::Disk;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, exit};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a change that goes on may take to end: a directory that is being synced, say.
const PATIENCE: Duration = Duration::from_millis(500);

/// What goes with the process when a signal ends it.
struct Unfinished {
    file: Option<PathBuf>,
    disk: Option<Disk>,
}

static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished {
    file: None,
    disk: None,
});

fn with_it() -> MutexGuard<'static, Unfinished> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names the one file that goes with the process.
pub fn unfinished(file: Option<&Path>) {
    with_it().file = file.map(Path::to_owned);
}

/// Names the disk of which all goes that is not published.
pub fn changes(disk: &Disk) {
    with_it().disk = Some(disk.clone());
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
                let unfinished = with_it();
                if let Some(disk) = &unfinished.disk {
                    disk.end(PATIENCE);
                }
                if let Some(file) = &unfinished.file {
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
