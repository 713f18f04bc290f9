//! A courtesy between runs: one at a time. Correctness comes from the conditional commits.

use crate::disk::Disk;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Held while a run works on an output; the system lets go of it when the process ends.
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A program that this process is just starting has its open files, too, until its own begin.
        let _ = self.file.unlock();
    }
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run has it.
    #[error("output {0}: another run holds it")]
    Held(String),
    /// The lock file cannot be made.
    #[error("output {output}: the lock file cannot be opened: {source}")]
    Io {
        /// The output.
        output: String,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock of an output, which is in this directory; it is made if it is not there; where another run holds it,
    /// it may wait.
    pub fn take(disk: &Disk, home: &Path, output: &str, may_wait: bool) -> Result<Lock, LockError> {
        let io = |source| LockError::Io {
            output: output.to_owned(),
            source,
        };
        disk.create_directories(home, None).map_err(io)?;
        let file = disk.lock_file(&home.join("_delivery-kpi.lock"));
        let file = file.map_err(io)?;
        if may_wait {
            return file.lock().map(|()| Lock { file }).map_err(io);
        }
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(output.to_owned())),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told() {
        let output = tempfile::tempdir().expect("a directory");
        let disk = Disk::default();
        let first = Lock::take(&disk, output.path(), "out", false).expect("the lock");
        assert!(matches!(
            Lock::take(&disk, output.path(), "out", false),
            Err(LockError::Held(_))
        ));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::take(&disk, output.path(), "out", true).is_ok());
            drop(first);
            assert!(waiting.join().expect("no panic"));
        });
        assert!(Lock::take(&disk, output.path(), "out", false).is_ok());
    }
}
