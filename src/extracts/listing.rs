//! Which files an extract consists of.

use super::identity::Identity;
use super::manifest::Digest;
use super::objects;
use super::place::Place;
use crate::stores::{self, Access};
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use walkdir::WalkDir;

/// A data file of an extract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub place: Place,
    /// Its name in messages and records: the path below the extract's own.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What tells it from another one of its name.
    pub identity: Identity,
    /// The digest that a manifest gives for it.
    pub expected: Option<Digest>,
    /// Whether it is a symbolic link, to a file or a directory, that leads out of the extract. It is not read.
    pub leads_out: bool,
}

/// Where symbolic links below the path of an extract may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// To what is below it, too.
    Inside,
    /// Anywhere.
    Anywhere,
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
    /// A URL that names no place in an object store.
    #[error("{url}: {reason}")]
    Url {
        /// As given, without what must not be in it.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A manifest that is one of other files.
    #[error("the manifest names none of the files of the extracts")]
    OtherManifest,
    /// A directory or file that cannot be looked at.
    #[error("{path}: cannot be listed: {reason}")]
    Unreadable {
        /// Where.
        path: String,
        /// The system's reason.
        reason: String,
    },
}

/// Lists an extract: a directory (searched recursively), a glob, a single file, or the same in an object store.
pub fn list(path: &Path, links: Links, access: &Access) -> Result<Listing, ListingError> {
    let given = path.to_string_lossy();
    if stores::is_url(path) {
        return objects::list(&given, access);
    }
    let mut search = Search {
        root: path.to_owned(),
        links,
        known: HashMap::new(),
        listing: Listing::default(),
    };
    if path.is_dir() {
        search.walk(path)?;
    } else if path.exists() {
        search.root = path.parent().unwrap_or(path).to_owned();
        search.add(path)?;
    } else if given.contains(['*', '?', '[']) {
        search.root = fixed_part(path);
        search.expand(&given)?;
    } else {
        return Err(ListingError::Missing {
            path: given.into_owned(),
        });
    }
    let mut listing = search.listing;
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    listing.skipped.sort();
    Ok(listing)
}

/// The directories of a glob in front of the first one with a pattern.
fn fixed_part(pattern: &Path) -> PathBuf {
    let is_fixed = |part: &Component| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    pattern.components().take_while(is_fixed).collect()
}

/// A listing that is being made.
struct Search {
    root: PathBuf,
    links: Links,
    /// Whether what matches in a directory leads out of the root.
    known: HashMap<PathBuf, bool>,
    listing: Listing,
}

impl Search {
    fn expand(&mut self, pattern: &str) -> Result<(), ListingError> {
        let matches = glob::glob(pattern).map_err(|error| ListingError::Pattern {
            path: pattern.to_owned(),
            reason: error.msg.to_owned(),
        })?;
        for found in matches {
            let found = found.map_err(|error| unreadable(error.path(), error.error()))?;
            let below = found.strip_prefix(&self.root);
            let is_hidden =
                |below: &Path| below.iter().any(|part| is_hidden(&part.to_string_lossy()));
            if below.is_ok_and(is_hidden) {
                continue;
            }
            let directory = found.parent().unwrap_or(&found);
            let leads_out = match self.known.get(directory) {
                Some(leads_out) => *leads_out,
                None => {
                    let leads_out = self.leads_out(directory);
                    self.known.insert(directory.to_owned(), leads_out);
                    leads_out
                }
            };
            if leads_out || found.is_symlink() && self.leads_out(&found) {
                self.leave_out(&found);
            } else if found.is_dir() {
                self.walk(&found)?;
            } else {
                self.sort_in(&found)?;
            }
        }
        let files = &mut self.listing.files;
        files.sort_by_cached_key(|file| file.place.path());
        files.dedup();
        match files.is_empty() && self.listing.skipped.is_empty() {
            true => Err(ListingError::Missing {
                path: pattern.to_owned(),
            }),
            false => Ok(()),
        }
    }

    fn walk(&mut self, directory: &Path) -> Result<(), ListingError> {
        let mut entries = WalkDir::new(directory).follow_links(true).into_iter();
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| ListingError::Unreadable {
                path: error.path().unwrap_or(directory).display().to_string(),
                reason: error
                    .io_error()
                    .map_or_else(|| "a loop".to_owned(), ToString::to_string),
            })?;
            let is_directory = entry.file_type().is_dir();
            if entry.depth() == 0 {
                continue;
            }
            let is_hidden = is_hidden(&entry.file_name().to_string_lossy());
            let leads_out = !is_hidden && entry.path_is_symlink() && self.leads_out(entry.path());
            if leads_out {
                self.leave_out(entry.path());
            }
            match is_directory {
                true if is_hidden || leads_out => entries.skip_current_dir(),
                false if !is_hidden && !leads_out => self.sort_in(entry.path())?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether something is not below the root, where it has to be.
    fn leads_out(&self, path: &Path) -> bool {
        let is_below = || {
            let (path, root) = (real(path).ok()?, real(&self.root).ok()?);
            Some(path.starts_with(root))
        };
        self.links == Links::Inside && is_below() == Some(false)
    }

    /// Keeps a link that leads out, unless it leads to what would not be read anyway.
    fn leave_out(&mut self, path: &Path) {
        if !path.is_dir() && !is_data(path) {
            self.listing.skipped.push(name(path, &self.root));
            return;
        }
        self.push(path, None);
    }

    fn sort_in(&mut self, path: &Path) -> Result<(), ListingError> {
        if is_data(path) {
            return self.add(path);
        }
        self.listing.skipped.push(name(path, &self.root));
        Ok(())
    }

    fn add(&mut self, path: &Path) -> Result<(), ListingError> {
        let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
        // A pipe or a device would keep the run waiting.
        match metadata.is_file() {
            true => self.push(path, Some(&metadata)),
            false => self.listing.skipped.push(name(path, &self.root)),
        }
        Ok(())
    }

    /// A data file, or a link that leads out, of which no more has to be known.
    fn push(&mut self, path: &Path, metadata: Option<&Metadata>) {
        self.listing.files.push(SourceFile {
            place: Place::File(path.to_owned()),
            name: name(path, &self.root),
            bytes: metadata.map_or(0, Metadata::len),
            identity: metadata.map(Identity::of).unwrap_or_default(),
            expected: None,
            leads_out: metadata.is_none(),
        });
    }
}

/// A path without links; the empty one is the working directory.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    match path.as_os_str().is_empty() {
        true => Path::new(".").canonicalize(),
        false => path.canonicalize(),
    }
}

pub(super) fn is_data(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    ["parquet", "parq"].contains(&&*extension)
}

fn name(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.to_string_lossy().into_owned()
}

pub(super) fn is_hidden(name: &str) -> bool {
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
            let listing = list(path, Links::Inside, &Access::default()).expect("a listing");
            listing.files.into_iter().map(|file| file.name).collect()
        };
        assert_eq!(
            names(dir.path()),
            ["a.parq", "b.parquet", "date=2026-03-02/c.parquet"]
        );
        assert_eq!(
            list(dir.path(), Links::Inside, &Access::default())
                .expect("a listing")
                .skipped,
            ["notes.txt"]
        );
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
            list(&dir.path().join("none"), Links::Inside, &Access::default()),
            Err(ListingError::Missing { .. })
        ));
        assert!(matches!(
            list(&dir.path().join("*.csv"), Links::Inside, &Access::default()),
            Err(ListingError::Missing { .. })
        ));
        assert!(matches!(
            list(
                Path::new("ftp://host/log"),
                Links::Inside,
                &Access::default()
            ),
            Err(ListingError::Url { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_where_they_may_lead_and_loops_told() {
        let (dir, archive) = (
            tempfile::tempdir().expect("a directory"),
            tempfile::tempdir().expect("a directory"),
        );
        std::fs::write(archive.path().join("b.parquet"), b"x").expect("a file");
        let link = |to: &Path, name: &str| {
            std::os::unix::fs::symlink(to, dir.path().join(name)).expect("a link");
        };
        link(archive.path(), "march");
        let files = |path: &Path, links| {
            let listing = list(path, links, &Access::default()).expect("a listing");
            let file = |file: SourceFile| (file.name, file.leads_out);
            listing.files.into_iter().map(file).collect::<Vec<_>>()
        };
        let out = |name: &str| (name.to_owned(), true);
        let within = |name: &str| (name.to_owned(), false);
        let place = |name: &str| dir.path().join(name);
        let root = dir.path();
        assert_eq!(files(root, Links::Anywhere), [within("march/b.parquet")]);
        assert_eq!(files(root, Links::Inside), [out("march")]);
        let glob = place("m*/*.parquet");
        assert_eq!(files(&glob, Links::Anywhere), [within("march/b.parquet")]);
        assert_eq!(files(&glob, Links::Inside), [out("march/b.parquet")]);
        assert_eq!(files(&place("*"), Links::Inside), [out("march")]);
        // The path of an extract may be a link.
        let march = files(&place("march"), Links::Inside);
        assert_eq!(march, [within("b.parquet")]);
        std::fs::create_dir(place("april")).expect("a directory");
        std::fs::write(place("april/a.parquet"), b"x").expect("a file");
        link(&place("april"), "may");
        link(&archive.path().join("b.parquet"), "c.parquet");
        link(Path::new("/etc/hosts"), "notes.txt");
        assert_eq!(
            files(root, Links::Inside),
            [
                within("april/a.parquet"),
                out("c.parquet"),
                out("march"),
                within("may/a.parquet")
            ]
        );
        link(dir.path(), "again");
        assert!(matches!(
            list(dir.path(), Links::Inside, &Access::default()),
            Err(ListingError::Unreadable { .. })
        ));
    }
}
