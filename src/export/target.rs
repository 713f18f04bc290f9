//! Where the bytes of an export go.

use super::ExportError;
use super::writer::Out;
use crate::disk::{Disk, NewFile, umask};
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::path::{Path, PathBuf};

/// What a new file allows once it has its name; the umask of the process takes from it.
const FILE_MODE: u32 = 0o666;

/// Standard output, or a file.
pub enum Target {
    /// Standard output.
    Pipe(Pipe),
    /// A file.
    File(Part),
}

/// A file that is written under another name beside its own, for the user alone; it is gone where it does
/// not get that, also when a signal ends the process.
pub struct Part {
    disk: Disk,
    out: BufWriter<Shared>,
    part: PathBuf,
    file: PathBuf,
    is_named: bool,
}

/// A file that is written from its start.
struct Shared(NewFile);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output; remembers whether it was closed.
pub struct Pipe {
    out: BufWriter<Stdout>,
    is_closed: bool,
}

impl Target {
    /// Opens a file, or standard output where there is none.
    pub fn open(disk: &Disk, file: Option<&Path>) -> Result<Target, ExportError> {
        Ok(match file {
            Some(file) => Target::File(Part::new(disk, file)?),
            None => Target::Pipe(Pipe {
                out: BufWriter::new(io::stdout()),
                is_closed: false,
            }),
        })
    }

    /// What to write to.
    pub fn out(&mut self) -> Out<'_> {
        match self {
            Target::Pipe(pipe) => pipe,
            Target::File(part) => &mut part.out,
        }
    }

    /// Whether standard output was closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Target::Pipe(pipe) if pipe.is_closed)
    }

    /// Ends the bytes, and gives a file its name.
    pub fn finish(self) -> Result<(), ExportError> {
        match self {
            Target::Pipe(mut pipe) => match pipe.flush() {
                Err(source) if !pipe.is_closed => Err(failed(Path::new("standard output"), source)),
                _ => Ok(()),
            },
            Target::File(mut part) => {
                let named = part.name();
                named.map_err(|source| failed(&part.file, source))
            }
        }
    }
}

impl Part {
    fn new(disk: &Disk, file: &Path) -> Result<Part, ExportError> {
        // The file that a link leads to is replaced, not the link.
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let wrong = |expected| ExportError::Place {
            expected,
            found: file.display().to_string(),
        };
        // A device or a pipe that is replaced is gone.
        let is_taken = file.exists() && !file.is_file();
        let name = file.file_name().filter(|_| !is_taken);
        let name = name.ok_or_else(|| wrong("the name of a file"))?;
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(wrong("a file in a folder that is there"));
        }
        // Where the umask is not known, the file has to be made as it stays.
        let mode = umask().map_or(FILE_MODE, |_| 0o600);
        let mut number = std::process::id();
        loop {
            let part = folder.join(format!(".{}.{number}", name.to_string_lossy()));
            match disk.create_with(&part, mode) {
                Ok(made) => {
                    return Ok(Part {
                        disk: disk.clone(),
                        out: BufWriter::new(Shared(made)),
                        part,
                        file,
                        is_named: false,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    number = number.wrapping_add(1);
                }
                Err(source) => return Err(failed(&file, source)),
            }
        }
    }

    fn name(&mut self) -> io::Result<()> {
        self.out.flush()?;
        if let Some(umask) = umask() {
            self.out.get_ref().0.set_mode(FILE_MODE & !umask)?;
        }
        self.disk.rename(&self.part, &self.file)?;
        self.is_named = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_named {
            // Nobody is left to be told when it fails.
            let _ = self.disk.remove(&self.part);
        }
    }
}

impl Pipe {
    fn noted<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done {
            self.is_closed |= error.kind() == ErrorKind::BrokenPipe;
        }
        done
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.noted(flushed)
    }
}

fn failed(file: &Path, source: io::Error) -> ExportError {
    ExportError::Io {
        file: file.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        let metadata = path.metadata().expect("a file");
        metadata.permissions().mode() & 0o777
    }

    #[test]
    fn a_part_is_the_users_alone_and_the_file_as_the_umask_says() {
        let folder = tempfile::tempdir().expect("a directory");
        let (file, like) = (folder.path().join("file"), folder.path().join("like"));
        std::fs::write(&like, b"").expect("a file");
        let disk = Disk::default();
        let mut target = Target::open(&disk, Some(&file)).expect("a target");
        target.out().write_all(b"half").expect("written");
        let Target::File(Part { part, .. }) = &target else {
            panic!("no file");
        };
        let part = part.clone();
        assert_eq!(mode(&part), 0o600);
        let entries = std::fs::read_dir(folder.path()).expect("a directory");
        assert_eq!(entries.count(), 2, "the part and the file beside it");
        target.finish().expect("a file");
        assert_eq!(mode(&file), mode(&like));
        assert!(!part.exists());
        let target = Target::open(&disk, Some(&file)).expect("a target");
        drop(target);
        let entries = std::fs::read_dir(folder.path()).expect("a directory");
        assert_eq!(entries.count(), 2, "what is not finished goes");
    }
}
