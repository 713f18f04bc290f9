//! Where the bytes of an export go.

use super::ExportError;
use super::writer::Out;
use std::fs::Permissions;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

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
/// not get that.
pub struct Part {
    out: BufWriter<NamedTempFile>,
    file: PathBuf,
    /// What the file allows once it is whole.
    permissions: Permissions,
}

/// Standard output; remembers whether it was closed.
pub struct Pipe {
    out: BufWriter<Stdout>,
    is_closed: bool,
}

impl Target {
    /// Opens a file, or standard output where there is none.
    pub fn open(file: Option<&Path>) -> Result<Target, ExportError> {
        Ok(match file {
            Some(file) => Target::File(Part::new(file)?),
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

    /// The name under which a file is written.
    pub fn part(&self) -> Option<&Path> {
        match self {
            Target::Pipe(_) => None,
            Target::File(part) => Some(part.out.get_ref().path()),
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
            Target::File(Part {
                out,
                file,
                permissions,
            }) => {
                let part = out.into_inner();
                let part = part.map_err(|error| failed(&file, error.into_error()))?;
                let allowed = part.as_file().set_permissions(permissions);
                allowed.map_err(|source| failed(&file, source))?;
                let named = part.persist(&file);
                named.map(drop).map_err(|error| failed(&file, error.error))
            }
        }
    }
}

impl Part {
    fn new(file: &Path) -> Result<Part, ExportError> {
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
        let prefix = format!(".{}.", name.to_string_lossy());
        let permissions = new_files_allow(&prefix, folder);
        let permissions = permissions.map_err(|source| failed(&file, source))?;
        let part = Builder::new().prefix(&prefix).tempfile_in(folder);
        Ok(Part {
            out: BufWriter::new(part.map_err(|source| failed(&file, source))?),
            permissions,
            file,
        })
    }
}

/// What the umask leaves of the permissions of a new file: only a new file tells.
fn new_files_allow(prefix: &str, folder: &Path) -> io::Result<Permissions> {
    let mut builder = Builder::new();
    let builder = builder.prefix(prefix);
    let empty = builder
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(folder)?;
    Ok(empty.as_file().metadata()?.permissions())
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

    fn mode(path: &Path) -> u32 {
        let metadata = path.metadata().expect("a file");
        metadata.permissions().mode() & 0o777
    }

    #[test]
    fn a_part_is_the_users_alone_and_the_file_as_the_umask_says() {
        let folder = tempfile::tempdir().expect("a directory");
        let (file, like) = (folder.path().join("file"), folder.path().join("like"));
        std::fs::write(&like, b"").expect("a file");
        let mut target = Target::open(Some(&file)).expect("a target");
        target.out().write_all(b"half").expect("written");
        let part = target.part().expect("a name").to_owned();
        assert_eq!(mode(&part), 0o600);
        let entries = std::fs::read_dir(folder.path()).expect("a directory");
        assert_eq!(entries.count(), 2, "the part and the file beside it");
        target.finish().expect("a file");
        assert_eq!(mode(&file), mode(&like));
        assert!(!part.exists());
    }
}
