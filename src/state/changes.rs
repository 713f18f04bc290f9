//! What is new, what was replaced and what is gone among the files of the logs.

use super::kept::{Kept, KeptFile};
use crate::extracts::{Extract, SourceFile};
use std::collections::HashMap;
use xxhash_rust::xxh3::xxh3_128;

/// The files of the logs beside those that the last run had read.
#[derive(Default)]
pub struct Changes {
    /// Files that have to be read: their content is new.
    pub read: Vec<(Extract, SourceFile)>,
    /// The kept files that are still there, with the signs that they have now.
    pub same: Vec<KeptFile>,
    /// Where they are, by their sources.
    pub places: HashMap<u32, SourceFile>,
    /// The kept files in whose place is another content.
    pub replaced: Vec<KeptFile>,
    /// The kept files that are no longer there.
    pub vanished: Vec<KeptFile>,
}

impl Changes {
    /// A file that is gone and one that is new may be the same under another name.
    fn find_moved(&mut self) {
        let mut new = Vec::new();
        for (extract, file) in std::mem::take(&mut self.read) {
            let may_be = |gone: &KeptFile| {
                gone.extract == extract && gone.identity.bytes == file.identity.bytes
            };
            let digest = match self.vanished.iter().any(may_be) {
                // Who opens it tells what is wrong with it.
                true => file.digest().ok(),
                false => None,
            };
            let is_it = |gone: &KeptFile| may_be(gone) && Some(&gone.digest) == digest.as_ref();
            let Some(place) = self.vanished.iter().position(is_it) else {
                new.push((extract, file));
                continue;
            };
            let mut moved = self.vanished.swap_remove(place);
            moved.record.file.clone_from(&file.name);
            moved.identity = file.identity;
            self.places.insert(moved.source, file);
            self.same.push(moved);
        }
        self.read = new;
    }
}

/// Compares the listed files of the logs with the kept ones. Signs that are the same spare reading a file,
/// unless all are to be read; where they differ, its content decides.
pub fn changes(
    kept: &Kept,
    listed: impl Iterator<Item = (Extract, SourceFile)>,
    reads_all: bool,
) -> Changes {
    let key = |file: &KeptFile| (file.extract, file.record.file.clone());
    let mut known: HashMap<_, &KeptFile> = kept.files.iter().map(|f| (key(f), f)).collect();
    let mut changes = Changes::default();
    for (extract, file) in listed {
        let Some(before) = known.remove(&(extract, file.name.clone())) else {
            changes.read.push((extract, file));
            continue;
        };
        let is_same = !reads_all && before.identity == file.identity
            || before.identity.bytes == file.identity.bytes
                && file.digest().is_ok_and(|digest| digest == before.digest);
        if is_same {
            changes.same.push(KeptFile {
                identity: file.identity,
                ..before.clone()
            });
            changes.places.insert(before.source, file);
        } else {
            changes.replaced.push(before.clone());
            changes.read.push((extract, file));
        }
    }
    let gone = |file: &&KeptFile| known.contains_key(&key(file));
    changes.vanished = kept.files.iter().filter(gone).cloned().collect();
    changes.find_moved();
    changes
}

/// A digest of the names and contents of files, whatever their order.
pub fn listing_digest<'a>(files: impl Iterator<Item = (Extract, &'a str, &'a str)>) -> String {
    let mut lines: Vec<String> = files
        .map(|(extract, name, digest)| format!("{extract}\0{name}\0{digest}\n"))
        .collect();
    lines.sort_unstable();
    digest(&lines.concat())
}

/// A digest of a text, in hexadecimal digits.
pub fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}
