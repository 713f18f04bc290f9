//! Which files an extract consists of.

use super::identity::Identity;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// A data file of an extract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages and records: the path below the extract's own.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What tells it from another one of its name.
    pub identity: Identity,
}

/// The files of an extract, by name.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Data files.
    pub files: Vec<SourceFile>,
    /// Names of other files, which are not read.
    pub skipped: Vec<String>,
}

/// An extract whose files cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// There is no such file or directory.
    #[error("{path}: expected a file, a directory or a glob, found nothing")]
    Missing {
        /// As given.
        path: String,
    },
    /// A pattern that is none.
    #[error("{path}: not a valid glob: {reason}")]
    Pattern {
        /// As given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A URL.
    #[error("{url}: this build reads local files only, not object stores")]
    Url {
        /// As given.
        url: String,
    },
    /// A directory or file that cannot be looked at.
    #[error("{path}: cannot be listed: {reason}")]
    Unreadable {
        /// Where.
        path: String,
        /// The system's reason.
        reason: String,
    },
}

/// Lists an extract: a directory (searched recursively), a glob, or a single file.
pub fn list(path: &Path) -> Result<Listing, ListingError> {
    let given = path.to_string_lossy();
    if given.contains("://") {
        return Err(ListingError::Url {
            url: given.into_owned(),
        });
    }
    let mut listing = Listing::default();
    if path.is_dir() {
        walk(path, path, &mut listing)?;
    } else if path.exists() {
        add(path, path.parent().unwrap_or(path), &mut listing)?;
    } else if given.contains(['*', '?', '[']) {
        expand(&given, &mut listing)?;
    } else {
        return Err(ListingError::Missing {
            path: given.into_owned(),
        });
    }
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    listing.skipped.sort();
    Ok(listing)
}

fn expand(pattern: &str, listing: &mut Listing) -> Result<(), ListingError> {
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect();
    let matches = glob::glob(pattern).map_err(|error| ListingError::Pattern {
        path: pattern.to_owned(),
        reason: error.msg.to_owned(),
    })?;
    for found in matches {
        let found = found.map_err(|error| unreadable(error.path(), error.error()))?;
        let hidden = found
            .strip_prefix(&fixed)
            .is_ok_and(|below| below.iter().any(|part| is_hidden(&part.to_string_lossy())));
        if hidden {
            continue;
        }
        if found.is_dir() {
            walk(&found, &fixed, listing)?;
        } else {
            sort_in(&found, &fixed, listing)?;
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.files.dedup();
    match listing.files.is_empty() && listing.skipped.is_empty() {
        true => Err(ListingError::Missing {
            path: pattern.to_owned(),
        }),
        false => Ok(()),
    }
}

fn walk(directory: &Path, root: &Path, listing: &mut Listing) -> Result<(), ListingError> {
    let visible =
        |entry: &DirEntry| entry.depth() == 0 || !is_hidden(&entry.file_name().to_string_lossy());
    for entry in WalkDir::new(directory)
        .follow_links(true)
        .into_iter()
        .filter_entry(visible)
    {
        let entry = entry.map_err(|error| ListingError::Unreadable {
            path: error.path().unwrap_or(directory).display().to_string(),
            reason: error
                .io_error()
                .map_or_else(|| "a loop".to_owned(), ToString::to_string),
        })?;
        if !entry.file_type().is_dir() {
            sort_in(entry.path(), root, listing)?;
        }
    }
    Ok(())
}

fn sort_in(path: &Path, root: &Path, listing: &mut Listing) -> Result<(), ListingError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    if ["parquet", "parq"].contains(&&*extension) {
        return add(path, root, listing);
    }
    listing.skipped.push(name(path, root));
    Ok(())
}

fn add(path: &Path, root: &Path, listing: &mut Listing) -> Result<(), ListingError> {
    let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
    // A pipe or a device would keep the run waiting.
    if !metadata.is_file() {
        listing.skipped.push(name(path, root));
        return Ok(());
    }
    listing.files.push(SourceFile {
        path: path.to_owned(),
        name: name(path, root),
        bytes: metadata.len(),
        identity: Identity::of(&metadata),
    });
    Ok(())
}

fn name(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.to_string_lossy().into_owned()
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

fn unreadable(path: &Path, error: &std::io::Error) -> ListingError {
    ListingError::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_files_are_found_and_others_told() {
        let dir = tempfile::tempdir().expect("a directory");
        for file in [
            "b.parquet",
            "a.parq",
            "notes.txt",
            "_SUCCESS",
            ".hidden.parquet",
            "date=2026-03-02/c.parquet",
            "_temporary/d.parquet",
            ".trash/e.parquet",
        ] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, b"x").expect("a file");
        }
        let names = |path: &Path| -> Vec<String> {
            let listing = list(path).expect("a listing");
            listing.files.into_iter().map(|file| file.name).collect()
        };
        assert_eq!(
            names(dir.path()),
            ["a.parq", "b.parquet", "date=2026-03-02/c.parquet"]
        );
        assert_eq!(list(dir.path()).expect("a listing").skipped, ["notes.txt"]);
        assert_eq!(names(&dir.path().join("b.parquet")), ["b.parquet"]);
        assert_eq!(names(&dir.path().join("*.parquet")), ["b.parquet"]);
        assert_eq!(
            names(&dir.path().join("**/*.parquet")),
            ["b.parquet", "date=2026-03-02/c.parquet"]
        );
        assert_eq!(
            names(&dir.path().join("date=*")),
            ["date=2026-03-02/c.parquet"]
        );
        assert!(matches!(
            list(&dir.path().join("none")),
            Err(ListingError::Missing { .. })
        ));
        assert!(matches!(
            list(&dir.path().join("*.csv")),
            Err(ListingError::Missing { .. })
        ));
        assert!(matches!(
            list(Path::new("s3://bucket/log")),
            Err(ListingError::Url { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn linked_directories_are_searched_and_loops_told() {
        let (dir, archive) = (
            tempfile::tempdir().expect("a directory"),
            tempfile::tempdir().expect("a directory"),
        );
        std::fs::write(archive.path().join("b.parquet"), b"x").expect("a file");
        let link = |to: &Path, name: &str| {
            std::os::unix::fs::symlink(to, dir.path().join(name)).expect("a link");
        };
        link(archive.path(), "march");
        let files = list(dir.path()).expect("a listing").files;
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].name, "march/b.parquet");
        link(dir.path(), "again");
        assert!(matches!(
            list(dir.path()),
            Err(ListingError::Unreadable { .. })
        ));
    }
}
