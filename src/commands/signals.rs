//! What an interrupted run does.

use crate::disk::Disk;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, exit};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a change that goes on may take to end: a directory that is being synced, say.
const PATIENCE: Duration = Duration::from_millis(500);

/// The disk of which all goes with the process that is not published.
static CHANGES: Mutex<Option<Disk>> = Mutex::new(None);

fn with_them() -> MutexGuard<'static, Option<Disk>> {
    CHANGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names the disk of which all goes that is not published.
pub fn changes(disk: &Disk) {
    *with_them() = Some(disk.clone());
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
                if let Some(disk) = &*with_them() {
                    disk.end(PATIENCE);
                }
                // Returns only in the first process of a container.
                let _ = emulate_default_handler(signal);
                exit(128 + signal);
            }
        })?;
    Ok(())
}
