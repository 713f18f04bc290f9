//! Where the tables may be.

use super::{JobError, Sources, value};
use crate::extracts::Extract;
use crate::publish::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, Destination, KPI_RUN};
use crate::stores::{Access, StoreError, check_url, is_url, shown};
use std::path::{Path, PathBuf};

pub(super) fn output(output: PathBuf, access: &Access) -> Result<Destination, JobError> {
    let text = output.to_string_lossy();
    let expected = if text.is_empty() {
        "a path"
    } else if is_url(&output) {
        let destination = Destination::of_url(&text, access);
        return destination.map_err(|error| wrong_url("output", &text, &error));
    } else if output.exists() && !output.is_dir() {
        "a directory"
    } else if has_escape(&text) {
        "a path without a backslash, and without a percent sign before two hexadecimal digits"
    } else {
        return Ok(Destination::Directory(output));
    };
    Err(value("output", expected, &text))
}

fn wrong_url(what: &str, url: &str, error: &StoreError) -> JobError {
    match error {
        StoreError::Url(expected) => value(what, expected, &shown(url)),
        StoreError::Failed(_) => value(what, "a URL that can be used", &shown(url)),
    }
}

/// Refuses a path that is a URL, and not one of an object store.
pub(super) fn readable(what: &str, path: &Path) -> Result<(), JobError> {
    let text = path.to_string_lossy();
    match is_url(path) {
        true => check_url(&text).map_err(|error| wrong_url(what, &text, &error)),
        false => Ok(()),
    }
}

/// A path of a job file; an empty one stays empty, and so does a URL.
pub(super) fn below(folder: &Path, path: &Path) -> PathBuf {
    match path.as_os_str().is_empty() || is_url(path) {
        true => path.to_owned(),
        false => folder.join(path),
    }
}

/// The tables must not be among the extracts: the next run would read them as such.
pub(super) fn outside(output: &Destination, sources: &Sources) -> Result<(), JobError> {
    let output_is_in = |extract: &&Path| match output {
        Destination::Directory(path) => extract.is_dir() && whole(path).starts_with(whole(extract)),
        Destination::Url(..) => Path::new(&output.to_string()).starts_with(extract),
    };
    let mut extracts = Extract::ALL
        .into_iter()
        .filter_map(|extract| sources.path(extract));
    match extracts.find(output_is_in) {
        Some(extract) => {
            let expected = "a place outside the extracts, whose files would be read as data";
            let found = format!("{output} in {}", extract.display());
            Err(value("output", expected, &found))
        }
        None => Ok(()),
    }
}

/// A file must not be in the tables, nor replace a file of theirs.
pub(super) fn outside_tables(file: &Path, output: &Destination) -> Result<(), JobError> {
    let Some(output) = output.directory() else {
        return Ok(());
    };
    let folder = whole(file.parent().unwrap_or(Path::new("")));
    let tables = [DELIVERY_KPI_HOURLY, DELIVERY_KPI, KPI_RUN];
    match tables
        .iter()
        .any(|table| folder.starts_with(whole(output).join(table)))
    {
        true => Err(value(
            "FILE",
            "a file outside the tables",
            &file.to_string_lossy(),
        )),
        false => Ok(()),
    }
}

fn whole(path: &Path) -> PathBuf {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.canonicalize().unwrap_or(path)
}

/// Whether Delta Lake would take some of the path for an escaped character.
fn has_escape(path: &str) -> bool {
    let escape = |pair: &[u8]| matches!(pair, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    path.contains('\\') || path.as_bytes().windows(3).any(escape)
}
