//! Where the tables may be.

use super::{JobError, Sources, value};
use crate::extracts::Extract;
use crate::publish::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, KPI_RUN};
use std::path::{Path, PathBuf};

pub(super) fn local(output: PathBuf) -> Result<PathBuf, JobError> {
    let text = output.to_string_lossy();
    let expected = if text.is_empty() {
        "a path"
    } else if text.contains("://") {
        "a local directory; object stores are not supported yet"
    } else if output.exists() && !output.is_dir() {
        "a directory"
    } else if has_escape(&text) {
        "a path without a backslash, and without a percent sign before two hexadecimal digits"
    } else {
        return Ok(output);
    };
    Err(value("output", expected, &text))
}

/// A path of a job file; an empty one stays empty.
pub(super) fn below(folder: &Path, path: &Path) -> PathBuf {
    match path.as_os_str().is_empty() {
        true => PathBuf::new(),
        false => folder.join(path),
    }
}

/// The tables must not be among the extracts: the next run would read them as such.
pub(super) fn outside(output: &Path, sources: &Sources) -> Result<(), JobError> {
    let output_is_in = |extract: &&Path| whole(output).starts_with(whole(extract));
    let extracts = Extract::ALL
        .into_iter()
        .filter_map(|extract| sources.path(extract));
    let mut directories = extracts.filter(|extract| extract.is_dir());
    match directories.find(output_is_in) {
        Some(extract) => {
            let expected = "a directory outside the extracts, whose files would be read as data";
            let found = format!("{} in {}", output.display(), extract.display());
            Err(value("output", expected, &found))
        }
        None => Ok(()),
    }
}

/// A file must not be in the tables, nor replace a file of theirs.
pub(super) fn outside_tables(file: &Path, output: &Path) -> Result<(), JobError> {
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
