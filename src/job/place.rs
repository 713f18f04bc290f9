//! Where the tables may be.

use super::{JobError, Sources, value};
use crate::extracts::{Extract, finds};
use crate::publish::{DATA_TABLES, DELIVERY_KPI, Destination, KPI_RUN};
use crate::state::home_of;
use crate::stores::{Access, StoreError, check_url, is_cut_url, is_url, shown, shown_path};
use std::path::{Path, PathBuf};

pub(super) fn output(output: PathBuf, access: &Access) -> Result<Destination, JobError> {
    let text = output.to_string_lossy();
    let expected = if text.is_empty() {
        "a path"
    } else if is_cut_url(&output) {
        TWO_SLASHES
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

/// Where the lock and the state of an output are: in it, or in a directory of its own below that of the key
/// `state`, which may serve several outputs.
pub(super) fn home(
    output: &Destination,
    state: Option<PathBuf>,
) -> Result<Option<PathBuf>, JobError> {
    match (output, state) {
        (Destination::Directory(output), None) => Ok(Some(output.clone())),
        (Destination::Directory(_), Some(_)) => {
            let expected =
                "an output in an object store beside it; a local one holds its own state";
            Err(value("state", expected, "a local output"))
        }
        (Destination::Url(..), Some(state)) if is_url(&state) => {
            Err(value("state", "a local directory", &shown_path(&state)))
        }
        (Destination::Url(url, access), state) => {
            let name = format!("{} {}", spelled(url.as_str()), access.place());
            Ok(state.map(|state| home_of(&state, &name)))
        }
    }
}

const TWO_SLASHES: &str = "a URL with two slashes, as s3://bucket/path";

fn wrong_url(what: &str, url: &str, error: &StoreError) -> JobError {
    match error {
        StoreError::Url(expected) => value(what, expected, &shown(url)),
        StoreError::Settings(_) | StoreError::Failed(_) => {
            value(what, "a URL that can be used", &shown(url))
        }
    }
}

/// Refuses a path that is a URL, and not one of an object store.
pub(super) fn readable(what: &str, path: &Path) -> Result<(), JobError> {
    let text = path.to_string_lossy();
    if is_cut_url(path) {
        return Err(value(what, TWO_SLASHES, &text));
    }
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
        Destination::Url(..) => {
            // As a data file of a table would be found.
            let extract = extract.to_string_lossy();
            let (extract, output) = (spelled(&extract), spelled(&output.to_string()));
            finds(&extract, &format!("{output}/{DELIVERY_KPI}/part.parquet"))
        }
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

/// A URL as it is spelled in one way: that of a bucket, with what it stands for in the place of escapes.
fn spelled(url: &str) -> String {
    let url = url.trim_end_matches('/').replace(' ', "%20");
    match url.strip_prefix("s3a://") {
        Some(rest) => format!("s3://{rest}"),
        None => url,
    }
}

/// The local file that a command writes, outside of the tables; none for standard output.
pub(super) fn written(file: &Path, output: &Destination) -> Result<Option<PathBuf>, JobError> {
    if file == Path::new("-") {
        return Ok(None);
    }
    if is_url(file) {
        return Err(value("FILE", "a local file", &shown_path(file)));
    }
    outside_tables(file, output)?;
    Ok(Some(file.to_owned()))
}

/// A file must not be in the tables, nor replace a file of theirs.
fn outside_tables(file: &Path, output: &Destination) -> Result<(), JobError> {
    let Some(output) = output.directory() else {
        return Ok(());
    };
    let folder = whole(file.parent().unwrap_or(Path::new("")));
    let mut tables = DATA_TABLES.into_iter().chain([KPI_RUN]);
    match tables.any(|table| folder.starts_with(whole(output).join(table))) {
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
