//! Digests of files, as whoever wrote them gives them.

use super::listing::SourceFile;
use crate::stores::{self, Access, Bucket, StoreError};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// The SHA-256 of a file.
pub type Digest = [u8; 32];

/// The digests of files by their paths, as `sha256sum` writes them: names are those below the manifest's directory.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    digests: HashMap<PathBuf, Digest>,
}

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("manifest {path}: {source}")]
    Io {
        /// As given.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The store that it is in did not give it.
    #[error("manifest {path}: {reason}")]
    Store {
        /// As given.
        path: String,
        /// Why.
        reason: String,
    },
    /// A line that is none.
    #[error(
        "manifest {path}, line {line}: expected 64 hexadecimal digits, two blanks and the name of a file"
    )]
    Line {
        /// As given.
        path: String,
        /// Which line, from 1.
        line: usize,
    },
}

impl Manifest {
    /// Reads a manifest.
    pub fn read(path: &Path, access: &Access) -> Result<Manifest, ManifestError> {
        let shown = || stores::shown_path(path);
        let text = match stores::is_url(path) {
            true => read_object(&path.to_string_lossy(), access).map_err(|reason| {
                ManifestError::Store {
                    path: shown(),
                    reason,
                }
            })?,
            false => Some(std::fs::read(path).map_err(|source| ManifestError::Io {
                path: shown(),
                source,
            })?),
        };
        let text = text.ok_or_else(|| ManifestError::Io {
            path: shown(),
            source: io::ErrorKind::NotFound.into(),
        })?;
        let directory = path.parent().unwrap_or(path);
        let text = String::from_utf8_lossy(&text);
        let mut digests = HashMap::new();
        let lines = text.lines().enumerate();
        for (at, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let (digest, name) = entry(line).ok_or_else(|| ManifestError::Line {
                path: stores::shown_path(path),
                line: at + 1,
            })?;
            let name = name.strip_prefix("./").unwrap_or(name);
            digests.insert(whole(&directory.join(name)), digest);
        }
        Ok(Manifest { digests })
    }

    /// Whether it names no file.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// The digest of a file, if there is one.
    pub fn of(&self, path: &Path) -> Option<Digest> {
        match self.digests.is_empty() {
            true => None,
            false => self.digests.get(&whole(path)).copied(),
        }
    }
}

/// The content of an object, if it is there.
fn read_object(url: &str, access: &Access) -> Result<Option<Vec<u8>>, String> {
    let failed = |error: StoreError| error.to_string();
    let (bucket, path) = Bucket::open(url, access).map_err(failed)?;
    let found = bucket.objects_at(&[path]).map_err(failed)?;
    let Some(object) = found.into_iter().flatten().next() else {
        return Ok(None);
    };
    let bytes = object.read(0, object.bytes());
    bytes
        .map(|bytes| Some(bytes.into()))
        .map_err(|error| error.to_string())
}

/// A path that is the same however a file is named; that of one that is not there does not matter.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn entry(line: &str) -> Option<(Digest, &str)> {
    let (digits, name) = line.split_at_checked(64)?;
    // A star is for files that are read byte by byte, as all are.
    let name = name
        .strip_prefix("  ")
        .or_else(|| name.strip_prefix(" *"))?;
    let mut digest = Digest::default();
    for (byte, digits) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    (!name.is_empty()).then_some((digest, name))
}

impl SourceFile {
    /// Whether the content is what the manifest says; true where it says nothing.
    pub(super) fn is_as_expected(&self) -> io::Result<bool> {
        let Some(expected) = self.expected else {
            return Ok(true);
        };
        let mut hasher = Sha256::new();
        self.each_part(|part| hasher.update(part))?;
        Ok(hasher.finalize()[..] == expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_digests_and_names() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("SHA256SUMS");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            Manifest::read(&path, &Access::default())
        };
        let digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        std::fs::create_dir(directory.path().join("a")).expect("a directory");
        for name in ["a/b.parquet", "c.parquet"] {
            std::fs::write(directory.path().join(name), b"x").expect("a file");
        }
        let text = format!("{digits}  ./a/b.parquet\n{digits} *a/../c.parquet\n");
        let manifest = read(&text).expect("a manifest");
        for name in ["a/b.parquet", "./c.parquet"] {
            let digest = manifest.of(&directory.path().join(name));
            assert_eq!(digest.expect("a digest")[..4], [0xE3, 0xB0, 0xC4, 0x42]);
        }
        assert_eq!(manifest.of(&directory.path().join("b.parquet")), None);
        for wrong in [
            format!("{digits}  "),
            format!("{digits} d.parquet"),
            format!("{}  d.parquet", &digits[1..]),
            format!("{}  d.parquet", digits.replace("e3", "\u{e9}")),
            format!("{}  d.parquet", digits.replace('e', "x")),
            " ".to_owned(),
        ] {
            let error = read(&format!("{text}{wrong}\n")).expect_err("no manifest");
            let is_third = matches!(error, ManifestError::Line { line: 3, .. });
            assert!(is_third, "{wrong}");
        }
        let none = Manifest::read(directory.path(), &Access::default());
        assert!(matches!(none, Err(ManifestError::Io { .. })));
    }
}
