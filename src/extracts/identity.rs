//! What tells a file from another one of its name: cheap signs first, its content where they differ.

use super::listing::SourceFile;
use super::place::Place;
use crate::stores::Object;
use std::fmt::Write;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// Signs of a file that are there without reading it. Where they are the same, it is the same file with the
/// same content, unless somebody set the clock back to hide it; where they differ, the content decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its size in bytes.
    pub bytes: u64,
    /// When its content was last changed, in nanoseconds since the epoch.
    pub modified: i64,
    /// When anything of it was last changed, in nanoseconds since the epoch.
    pub changed: i64,
    /// Its number in the file system.
    pub inode: u64,
    /// A digest of what an object store tells its content by; 0 of a file.
    pub tag: u64,
}

impl Identity {
    /// That of a file.
    pub fn of(metadata: &Metadata) -> Identity {
        let nanos =
            |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Identity {
            bytes: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            tag: 0,
        }
    }

    /// That of an object.
    pub fn of_object(object: &Object) -> Identity {
        Identity {
            bytes: object.bytes(),
            modified: object.modified(),
            tag: xxh3_64(object.signs().as_bytes()),
            ..Identity::default()
        }
    }
}

impl SourceFile {
    /// A digest of the content, in hexadecimal digits; of an object one of what its store tells the content by, so
    /// that it need not be read twice.
    pub fn digest(&self) -> io::Result<String> {
        if let Place::Object(object) = &self.place {
            return Ok(hexadecimal(xxh3_128(object.signs().as_bytes())));
        }
        let mut hasher = Xxh3::new();
        self.each_part(|part| hasher.update(part))?;
        Ok(hexadecimal(hasher.digest128()))
    }

    /// Reads the content from its start to its end.
    pub(super) fn each_part(&self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        const PART: usize = 1 << 18;
        let path = match &self.place {
            Place::File(path) => path,
            Place::Object(object) => {
                // One request after the other: none of it is kept.
                const PART: u64 = 8 << 20;
                for start in (0..object.bytes()).step_by(PART as usize) {
                    take(&object.read(start, PART.min(object.bytes() - start))?);
                }
                return Ok(());
            }
        };
        let mut file = File::open(path)?;
        let mut buffer = vec![0; PART];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(bytes) => take(&buffer[..bytes]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the file still has the signs that it was listed with. What is read of an object is of the content
    /// that was listed, or an error.
    pub fn is_as_listed(&self) -> bool {
        match &self.place {
            Place::File(path) => {
                let now = path.metadata();
                now.is_ok_and(|metadata| Identity::of(&metadata) == self.identity)
            }
            Place::Object(_) => true,
        }
    }
}

/// A number of 128 bits in hexadecimal digits.
fn hexadecimal(number: u128) -> String {
    let mut text = String::with_capacity(32);
    let _ = write!(text, "{number:032x}");
    text
}

#[cfg(test)]
mod tests {
    use crate::extracts::{Links, list};
    use crate::stores::Access;

    #[test]
    fn content_decides_and_signs_tell_that_something_may_have_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.parquet");
        let listed = |content: &[u8]| {
            std::fs::write(&path, content).expect("a file");
            let listing =
                list(directory.path(), Links::Inside, &Access::default()).expect("a listing");
            listing.files.into_iter().next().expect("the file")
        };
        let first = listed(b"one");
        assert!(first.is_as_listed());
        let digest = first.digest().expect("a file that can be read");
        let same = listed(b"one");
        assert_eq!(same.digest().expect("a file"), digest);
        let other = listed(b"two");
        assert_ne!(other.digest().expect("a file"), digest);
        assert_ne!(other.identity, first.identity);
        assert!(!first.is_as_listed() && other.is_as_listed());
    }
}
