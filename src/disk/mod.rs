//! Everything that a run changes on local disks, one operation at a time: tests count the operations, let them
//! fail, end a run at any of them, or forget what was not synced. A run that is ended takes with it what it has
//! not published.

mod file;
mod pending;

pub use file::NewFile;
pub use pending::Ended;

use pending::Pending;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A change to a disk that is about to be made.
#[derive(Clone, Copy, Debug)]
pub enum Operation<'a> {
    /// A new directory, whose parent is there.
    CreateDirectory(&'a Path),
    /// A new file.
    Create(&'a Path),
    /// The lock file, which is made where it is not there, and stays.
    OpenLock(&'a Path),
    /// A file without a name in this directory, which vanishes with the process.
    CreateUnnamed(&'a Path),
    /// Bytes at a place of a file.
    Write {
        /// The file; where it has no name, its directory.
        path: &'a Path,
        /// The open file.
        file: &'a File,
        /// The bytes.
        bytes: &'a [u8],
        /// Where they go.
        at: u64,
    },
    /// Who may read and write a file.
    SetMode(&'a Path),
    /// The content of a file survives a power loss.
    Sync(&'a Path),
    /// A second name, which must not be there.
    Link(&'a Path, &'a Path),
    /// Another name; what had it before is gone.
    Rename(&'a Path, &'a Path),
    /// A file goes.
    Remove(&'a Path),
    /// An empty directory goes.
    RemoveDirectory(&'a Path),
    /// The names in a directory survive a power loss.
    SyncDirectory(&'a Path),
}

/// Makes changes in the place of the system, or leaves that to it.
pub trait Around: Send + Sync {
    /// Makes the change, by `act` or not at all.
    fn perform(
        &self,
        operation: Operation<'_>,
        act: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<()>;
}

/// The disks, as one run changes them.
#[derive(Clone, Default)]
pub struct Disk {
    around: Option<Arc<dyn Around>>,
    pending: Arc<Pending>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Disk")
    }
}

impl Disk {
    /// One whose changes somebody else makes.
    pub fn with(around: Arc<dyn Around>) -> Disk {
        Disk {
            around: Some(around),
            pending: Arc::default(),
        }
    }

    fn perform(
        &self,
        operation: Operation<'_>,
        mut act: impl FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        self.pending.during(operation, || match &self.around {
            Some(around) => around.perform(operation, &mut act),
            None => act(),
        })
    }

    /// Makes a directory and those that it is in, where they are not there; their names are synced.
    pub fn create_directories(&self, path: &Path, mode: Option<u32>) -> io::Result<()> {
        if path.is_dir() || path == Path::new("") {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        self.create_directories(parent, mode)?;
        let mut builder = DirBuilder::new();
        if let Some(mode) = mode {
            builder.mode(mode);
        }
        match self.perform(Operation::CreateDirectory(path), || builder.create(path)) {
            // Another thread or run may be faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            done => done.and_then(|()| self.sync_parent(path)),
        }
    }

    /// Syncs the names in the directory that a path is in, as far as it may be opened.
    pub fn sync_parent(&self, path: &Path) -> io::Result<()> {
        let parent = match path.parent() {
            None => return Ok(()),
            Some(parent) if parent == Path::new("") => Path::new("."),
            Some(parent) => parent,
        };
        match File::open(parent) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            _ => self.sync_directory(parent),
        }
    }

    /// A new file that nobody but the user may read.
    pub fn create(&self, path: &Path) -> io::Result<NewFile> {
        self.create_with(path, 0o600)
    }

    /// A new file with this mode, from which the umask of the process takes.
    pub fn create_with(&self, path: &Path, mode: u32) -> io::Result<NewFile> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(mode);
        let mut file = None;
        self.perform(Operation::Create(path), || {
            file = Some(options.open(path)?);
            Ok(())
        })?;
        self.new_file(file, path)
    }

    /// Opens a file to lock it; where it is not there, it is made, for the user alone, and stays.
    pub fn lock_file(&self, path: &Path) -> io::Result<File> {
        let mut file = None;
        self.perform(Operation::OpenLock(path), || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            file = Some(options.open(path)?);
            Ok(())
        })?;
        file.ok_or_else(not_made)
    }

    /// A file without a name, which vanishes with the process; nobody but the user may open it, not even by way of
    /// the process.
    pub fn unnamed(&self, directory: &Path) -> io::Result<NewFile> {
        let mut file = None;
        self.perform(Operation::CreateUnnamed(directory), || {
            // With its mode from the start.
            let mut options = OpenOptions::new();
            options.read(true).write(true).mode(0o600);
            #[cfg(target_os = "linux")]
            options.custom_flags(libc::O_TMPFILE);
            file = Some(options.open(directory).or_else(|_| {
                // Not every file system knows files without a name.
                let unnamed = tempfile::tempfile_in(directory)?;
                unnamed.set_permissions(Permissions::from_mode(0o600))?;
                Ok::<File, io::Error>(unnamed)
            })?);
            Ok(())
        })?;
        self.new_file(file, directory)
    }

    fn new_file(&self, file: Option<File>, path: &Path) -> io::Result<NewFile> {
        Ok(NewFile::new(self, file.ok_or_else(not_made)?, path))
    }

    /// Gives a file a second name, which must not be there.
    pub fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.perform(Operation::Link(from, to), || std::fs::hard_link(from, to))
    }

    /// Gives a file another name; what had it before is gone.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.perform(Operation::Rename(from, to), || std::fs::rename(from, to))
    }

    /// Removes a file.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        self.perform(Operation::Remove(path), || std::fs::remove_file(path))
    }

    /// Removes a directory that is empty.
    pub fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.perform(Operation::RemoveDirectory(path), || {
            std::fs::remove_dir(path)
        })
    }

    /// Makes the names in a directory survive a power loss, where the file system can do that.
    pub fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let synced = self.perform(Operation::SyncDirectory(path), || {
            File::open(path)?.sync_all()
        });
        match synced {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }

    /// From now on a file is one that the run has not published.
    pub fn is_unpublished(&self, path: &Path) {
        self.pending.add(path);
    }

    /// What is there stays, whatever becomes of the run: it is about to be published.
    pub fn keep_all(&self) {
        self.pending.keep_all();
    }

    /// What is there stays from the next link on, which is that of a commit: before it, it goes with the run.
    pub fn keep_all_from_next_link(&self) {
        self.pending.keep_all_from_next_link();
    }

    /// Removes what the run has made and not published. What cannot be removed stays.
    pub fn discard(&self) {
        for path in self.pending.newest_first() {
            let removed = match path.is_dir() {
                true => self.remove_directory(&path),
                false => self.remove(&path),
            };
            if removed.is_err() {
                self.pending.keep(&path);
            }
        }
    }

    /// Ends all changes: whoever begins one waits for ever. Those that go on get so long to end; then what
    /// the run has made and not published is removed.
    pub fn end(&self, patience: Duration) -> Ended {
        self.pending.end(patience)
    }
}

fn not_made() -> io::Error {
    io::Error::other("it was not made")
}

/// What new files may not allow, where the system tells.
pub fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let umask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(umask.trim(), 8).ok()
}

/// A path with a number behind it, as object stores name files that are not complete: none of them lists it.
pub fn staged(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("#{number}"));
    name.into()
}

/// Whether a path is one of these.
pub fn is_staged(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.rsplit_once('#').map_or("", |(_, number)| number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
