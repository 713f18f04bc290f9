//! Where the bytes of an export go.

use super::ExportError;
use super::writer::Out;
use std::fs::Permissions;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// What a new file allows; the umask of the process takes from it.
const FILE_MODE: u32 = 0o666;

/// Standard output, or a file.
pub enum Target {
    /// Standard output.
    Pipe(Pipe),
    /// A file.
    File(Part),
}

/// A file that is written under another name beside its own; it is gone where it does not get that.
pub struct Part {
    out: BufWriter<NamedTempFile>,
    file: PathBuf,
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
            Target::File(Part { out, file }) => {
                let part = out.into_inner();
                let part = part.map_err(|error| failed(&file, error.into_error()))?;
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
        let part = Builder::new()
            .prefix(&format!(".{}.", name.to_string_lossy()))
            .permissions(Permissions::from_mode(FILE_MODE))
            .tempfile_in(folder);
        let out = BufWriter::new(part.map_err(|source| failed(&file, source))?);
        Ok(Part { out, file })
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
