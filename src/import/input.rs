//! The files of an import: which there are, and their bytes.

use super::ImportError;
use crate::engine::Progress;
use crate::extracts::Extract;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A file to import.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages and of what is made of it: the path below the directory that was named.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What its records are, where they do not tell it.
    pub of: Option<Extract>,
    /// How it is written.
    pub format: Format,
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A row each, with this byte between fields.
    Csv(u8),
    /// A JSON object in each line.
    JsonLines,
}

/// A name without what says how the file is compressed.
fn plain(name: &str) -> &str {
    let bare = [".gz", ".zst"]
        .iter()
        .find_map(|end| name.strip_suffix(end));
    bare.unwrap_or(name)
}

impl Format {
    /// That of a file of this name.
    pub fn of(name: &str) -> Option<Format> {
        let (_, ending) = plain(name).rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "csv" => Format::Csv(b','),
            "tsv" => Format::Csv(b'\t'),
            "jsonl" | "ndjson" | "json" => Format::JsonLines,
            _ => return None,
        })
    }
}

impl Input {
    /// The file that is made of it, below the directory of an extract.
    pub fn made(&self) -> String {
        format!("{}.parquet", plain(&self.name))
    }

    /// Its whole path, which tells it from others of its name.
    pub fn whole(&self) -> String {
        let whole = self.path.canonicalize();
        let whole = whole.unwrap_or_else(|_| self.path.clone());
        whole.to_string_lossy().into_owned()
    }

    /// A file, or those of a directory whose names say that they are exports; the names of others are told.
    pub fn list(
        path: &Path,
        of: Option<Extract>,
        others: &mut Vec<String>,
    ) -> Result<Vec<Input>, ImportError> {
        let wrong = |expected| ImportError::Input {
            path: path.to_owned(),
            expected,
        };
        const NAMES: &str = "a name that ends in .csv, .tsv, .jsonl, .ndjson or .json, also with .gz or .zst behind it";
        let metadata = match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(wrong("a file or a directory that is there"));
            }
            metadata => metadata.map_err(|source| ImportError::io(path, source))?,
        };
        if !metadata.is_dir() {
            // One that would be waited for is not read, as in a directory.
            if !metadata.is_file() {
                return Err(wrong("a file or a directory"));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let format = Format::of(&name).ok_or_else(|| wrong(NAMES))?;
            if is_hidden(&name) {
                return Err(wrong(
                    "a name that does not start with _ or ., as no extract reads such files",
                ));
            }
            return Ok(vec![Input {
                path: path.to_owned(),
                name: name.into_owned(),
                bytes: metadata.len(),
                of,
                format,
            }]);
        }
        let visible = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !is_hidden(&entry.file_name().to_string_lossy())
        };
        let mut inputs = Vec::new();
        for entry in WalkDir::new(path)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(visible)
        {
            let entry = entry.map_err(|error| ImportError::io(path, error.into()))?;
            let below = entry.path().strip_prefix(path).unwrap_or(entry.path());
            let name = below.to_string_lossy().into_owned();
            if let Some(format) = Format::of(&name).filter(|_| entry.file_type().is_file()) {
                let failed = |error: walkdir::Error| ImportError::io(entry.path(), error.into());
                inputs.push(Input {
                    bytes: entry.metadata().map_err(failed)?.len(),
                    path: entry.path().to_owned(),
                    name,
                    of,
                    format,
                });
            } else if !entry.file_type().is_dir() {
                others.push(below.to_string_lossy().into_owned());
            }
        }
        match inputs.is_empty() {
            true => Err(wrong(
                "a directory with a file of exports (.csv, .tsv, .jsonl, .ndjson, .json)",
            )),
            false => Ok(inputs),
        }
    }

    /// Its content, as it was before it was compressed, and without a mark of its encoding.
    pub fn open<'a>(&self, progress: &'a dyn Progress) -> io::Result<Box<dyn BufRead + 'a>> {
        let file = Counted {
            file: File::open(&self.path)?,
            progress,
        };
        let lower = self.name.to_ascii_lowercase();
        let mut content: Box<dyn BufRead + 'a> = if lower.ends_with(".gz") {
            let file = MultiGzDecoder::new(BufReader::with_capacity(ROOM, file));
            Box::new(BufReader::with_capacity(ROOM, file))
        } else if lower.ends_with(".zst") {
            let file = zstd::stream::read::Decoder::new(file)?;
            Box::new(BufReader::with_capacity(ROOM, file))
        } else {
            Box::new(BufReader::with_capacity(ROOM, file))
        };
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if content.fill_buf()?.starts_with(MARK) {
            content.consume(MARK.len());
        }
        Ok(content)
    }
}

const ROOM: usize = 1 << 18;

fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

/// Tells how many bytes were read.
struct Counted<'a> {
    file: File,
    progress: &'a dyn Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(room)?;
        self.progress.advances(read as u64);
        Ok(read)
    }
}
