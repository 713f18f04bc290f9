//! Files that have other names until all of them are whole.

use super::ImportError;
use crate::disk::{Disk, NewFile, umask};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What a new file allows once it has its name; the umask of the process takes from it.
const FILE_MODE: u32 = 0o666;

/// A file that is being written, beside its place.
pub struct Out {
    out: BufWriter<Shared>,
    part: Part,
}

struct Shared(NewFile);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A whole file that waits for its name.
#[derive(Debug)]
pub struct Part {
    part: PathBuf,
    file: PathBuf,
}

impl Out {
    /// A file for this place, under a name that no extract reads.
    pub fn new(disk: &Disk, file: &Path) -> Result<Out, ImportError> {
        let failed = |source| ImportError::io(file, source);
        let folder = file.parent().unwrap_or(Path::new("."));
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        disk.create_directories(folder, None).map_err(failed)?;
        let mut number = std::process::id();
        loop {
            let part = folder.join(format!(".{name}.{number}"));
            match disk.create_with(&part, 0o600) {
                Ok(made) => {
                    return Ok(Out {
                        out: BufWriter::with_capacity(1 << 16, Shared(made)),
                        part: Part {
                            part,
                            file: file.to_owned(),
                        },
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    number = number.wrapping_add(1);
                }
                Err(source) => return Err(failed(source)),
            }
        }
    }

    /// Makes it last.
    pub fn finish(mut self) -> Result<Part, ImportError> {
        let file = &self.part.file;
        let failed = |source| ImportError::io(file, source);
        self.out.flush().map_err(failed)?;
        let written = &self.out.get_ref().0;
        // Where the umask is not known, it stays the user's alone.
        if let Some(umask) = umask() {
            written.set_mode(FILE_MODE & !umask).map_err(failed)?;
        }
        written.sync().map_err(failed)?;
        Ok(self.part)
    }
}

/// Gives all files their names, takes those away that have no content any more, and makes it last.
pub fn publish(disk: &Disk, parts: &[Part], stale: &[PathBuf]) -> Result<(), ImportError> {
    let mut folders = BTreeSet::new();
    for part in parts {
        let failed = |source| ImportError::io(&part.file, source);
        disk.rename(&part.part, &part.file).map_err(failed)?;
        folders.extend(part.file.parent());
    }
    for path in stale {
        let failed = |source| ImportError::io(path, source);
        disk.remove(path).map_err(failed)?;
        folders.extend(path.parent());
    }
    for folder in folders {
        let failed = |source| ImportError::io(folder, source);
        disk.sync_directory(folder).map_err(failed)?;
    }
    disk.keep_all();
    Ok(())
}

/// Writes a small file, where there is none; whether it did.
pub fn create(
    disk: &Disk,
    file: &Path,
    content: &[u8],
    is_secret: bool,
) -> Result<bool, ImportError> {
    let failed = |source| ImportError::io(file, source);
    if file.exists() {
        return Ok(false);
    }
    let mut out = Out::new(disk, file)?;
    out.write_all(content).map_err(failed)?;
    let part = match is_secret {
        true => {
            out.flush().map_err(failed)?;
            out.out.get_ref().0.sync().map_err(failed)?;
            out.part
        }
        false => out.finish()?,
    };
    // Somebody else may have been faster: then theirs holds.
    let made = disk.link(&part.part, file);
    disk.remove(&part.part).map_err(failed)?;
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        made => made
            .and_then(|()| disk.sync_parent(file))
            .map(|()| true)
            .map_err(failed),
    }
}
