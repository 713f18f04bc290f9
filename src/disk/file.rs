//! A file that is being written.

use super::{Disk, Operation};
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A new file, written from its start.
pub struct NewFile {
    disk: Disk,
    file: File,
    path: PathBuf,
    end: AtomicU64,
}

impl NewFile {
    pub(super) fn new(disk: &Disk, file: File, path: &Path) -> NewFile {
        NewFile {
            disk: disk.clone(),
            file,
            path: path.to_owned(),
            end: AtomicU64::new(0),
        }
    }

    /// Writes bytes at a place of their own.
    pub fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let (path, file) = (&*self.path, &self.file);
        let operation = Operation::Write {
            path,
            file,
            bytes,
            at,
        };
        self.disk
            .perform(operation, || file.write_all_at(bytes, at))
    }

    /// Says who may read and write it.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        let mode = Permissions::from_mode(mode);
        self.disk.perform(Operation::SetMode(&self.path), || {
            self.file.set_permissions(mode.clone())
        })
    }

    /// Makes the content survive a power loss.
    pub fn sync(&self) -> io::Result<()> {
        let operation = Operation::Sync(&self.path);
        self.disk.perform(operation, || self.file.sync_all())
    }

    /// To read it.
    pub fn into_file(self) -> File {
        self.file
    }
}

/// Behind what was written this way before.
impl Write for &NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.end.load(Ordering::Relaxed);
        self.write_at(bytes, at)?;
        self.end.store(at + bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
