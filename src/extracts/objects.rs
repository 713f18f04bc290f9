//! Which objects of a store an extract consists of.

use super::identity::Identity;
use super::listing::{Listing, ListingError, SourceFile, is_data, is_hidden};
use super::place;
use crate::stores::{Access, Bucket, Object, StoreError, shown};
use glob::{MatchOptions, Pattern};
use std::collections::HashSet;
use std::path::Path;

/// As the shell reads a pattern.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// An extract in an object store.
struct Place<'a> {
    url: &'a str,
    bucket: Bucket,
    /// The path of the extract, up to the first part with a pattern.
    root: String,
    pattern: Pattern,
}

impl Place<'_> {
    fn open<'a>(url: &'a str, access: &Access) -> Result<Place<'a>, ListingError> {
        let (root, pattern) = split(url);
        let pattern = Pattern::new(pattern).map_err(|error| ListingError::Pattern {
            path: shown(url),
            reason: error.msg.to_owned(),
        })?;
        let (bucket, root) = Bucket::open(root, access).map_err(|error| wrong(url, error))?;
        Ok(Place {
            url,
            bucket,
            root,
            pattern,
        })
    }

    fn objects_at(&self, paths: &[String]) -> Result<Vec<Option<Object>>, ListingError> {
        let found = self.bucket.objects_at(paths);
        found.map_err(|error| wrong(self.url, error))
    }

    /// The path in the bucket of a name below the root.
    fn path(&self, name: &str) -> String {
        match self.root.is_empty() {
            true => name.to_owned(),
            false => format!("{}/{name}", self.root),
        }
    }
}

fn wrong(url: &str, error: StoreError) -> ListingError {
    match error {
        error @ (StoreError::Url(_) | StoreError::Settings(_)) => ListingError::Url {
            url: shown(url),
            reason: error.to_string(),
        },
        StoreError::Failed(reason) => ListingError::Unreadable {
            path: shown(url),
            reason,
        },
    }
}

/// Lists what is below a URL, what a glob in it finds, or the one object that it names.
pub(super) fn list(url: &str, access: &Access) -> Result<Listing, ListingError> {
    let place = Place::open(url, access)?;
    let root = &place.root;
    let objects = place.bucket.objects(root);
    let objects = objects.map_err(|error| wrong(url, error))?;
    // Some programs leave an empty object in the place of a directory.
    let parents = |path: &str| -> Vec<String> {
        let slashes = path.match_indices('/');
        slashes.map(|(at, _)| path[..at].to_owned()).collect()
    };
    let directories: HashSet<String> = objects
        .iter()
        .flat_map(|object| parents(object.path()))
        .collect();
    let mut listing = Listing::default();
    for object in objects {
        if object.bytes() == 0 && directories.contains(object.path()) {
            continue;
        }
        let below = object.path().strip_prefix(root).unwrap_or_default();
        let below = below.trim_start_matches('/').to_owned();
        if is_found(&below, &place.pattern) {
            sort_in(&mut listing, object, below);
        }
    }
    if listing.files.is_empty() && listing.skipped.is_empty() {
        let is_one = place.pattern.as_str().is_empty() && !root.is_empty();
        let found = match is_one {
            true => place.objects_at(std::slice::from_ref(root))?,
            false => Vec::new(),
        };
        let object = found.into_iter().flatten().next();
        let object = object.ok_or_else(|| ListingError::Missing { path: shown(url) })?;
        let name = root.rsplit('/').next().unwrap_or_default().to_owned();
        listing.files.push(file(object, name));
    }
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    listing.skipped.sort();
    Ok(listing)
}

/// Adds those of these files, by name, that a listing lacks and the store has all the same: it may have answered with an
/// older one.
pub fn complete<'a>(
    listing: &mut Vec<SourceFile>,
    names: impl Iterator<Item = &'a str>,
    path: &Path,
    access: &Access,
) -> Result<(), ListingError> {
    let listed: HashSet<&str> = listing.iter().map(|file| file.name.as_str()).collect();
    let missing: Vec<&str> = names.filter(|name| !listed.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let url = path.to_string_lossy();
    let place = Place::open(&url, access)?;
    let is_wanted = |name: &&str| is_found(name, &place.pattern) && is_data(Path::new(name));
    let names: Vec<&str> = missing.into_iter().filter(is_wanted).collect();
    let paths: Vec<String> = names.iter().map(|name| place.path(name)).collect();
    let found = names.into_iter().zip(place.objects_at(&paths)?);
    listing.extend(found.filter_map(|(name, object)| Some(file(object?, name.to_owned()))));
    listing.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// Whether an object would be among those of an extract.
pub fn finds(extract: &str, object: &str) -> bool {
    let (root, pattern) = split(extract);
    let Some(below) = object.strip_prefix(root.trim_end_matches('/')) else {
        return false;
    };
    let Some(below) = below.strip_prefix('/') else {
        return false;
    };
    Pattern::new(pattern).is_ok_and(|pattern| is_found(below, &pattern))
}

/// A URL up to the first part with a pattern, and what follows. A question mark would begin a query.
fn split(url: &str) -> (&str, &str) {
    let Some(first) = url.find(['*', '[']) else {
        return (url, "");
    };
    let end = url[..first].rfind('/').map_or(first, |slash| slash + 1);
    url.split_at(end)
}

/// Whether a pattern finds a name, or something that it is in; an empty one finds all.
fn is_found(below: &str, pattern: &Pattern) -> bool {
    let parts: Vec<&str> = below.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || is_hidden(part)) {
        return false;
    }
    let is_match = |count| pattern.matches_with(&parts[..count].join("/"), OPTIONS);
    pattern.as_str().is_empty() || (1..=parts.len()).any(is_match)
}

fn sort_in(listing: &mut Listing, object: Object, name: String) {
    if is_data(Path::new(&name)) {
        listing.files.push(file(object, name));
    } else if object.bytes() > 0 {
        listing.skipped.push(name);
    }
}

fn file(object: Object, name: String) -> SourceFile {
    SourceFile {
        name,
        bytes: object.bytes(),
        identity: Identity::of_object(&object),
        expected: None,
        leads_out: false,
        place: place::Place::Object(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_objects_as_they_find_files() {
        for (url, found, other) in [
            ("s3://b/log", "a.parquet", "_temporary/a.parquet"),
            ("s3://b/log/", "date=1/a.parquet", ".hidden.parquet"),
            ("s3://b/log/*.parquet", "a.parquet", "date=1/a.parquet"),
            ("s3://b/log/**/*.parquet", "date=1/a.parquet", "a.parq"),
            ("s3://b/log/**/*.parquet", "a.parquet", "x/_y/a.parquet"),
            ("s3://b/log/date=*", "date=1/x/a.parquet", "day=1/a.parquet"),
            (
                "s3://b/log/date=[12]/*.parquet",
                "date=2/a.parquet",
                "date=3/a.parquet",
            ),
        ] {
            let (root, pattern) = split(url);
            assert_eq!(root.trim_end_matches('/'), "s3://b/log");
            let pattern = Pattern::new(pattern).expect("a pattern");
            assert!(is_found(found, &pattern), "{url} {found}");
            assert!(!is_found(other, &pattern), "{url} {other}");
        }
    }
}
