//! The tables as others see them: one commit point, whatever dies or runs at once, and what the files
//! and their logs look like.

mod dead_runs;
mod foreign;
mod read_back;
mod rivals;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub const TABLES: [&str; 3] = ["delivery_kpi_hourly", "delivery_kpi", "kpi_run"];

/// The commits of a table by version, each with its actions.
pub fn commits(output: &Path, table: &str) -> Vec<(PathBuf, Vec<Value>)> {
    let log = output.join(table).join("_delta_log");
    let entries = fs::read_dir(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no commit", log.display());
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a commit");
        let actions = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an action"));
        (path, actions.collect())
    };
    paths.into_iter().map(read).collect()
}

/// The newest commit of a table was never made.
pub fn undo_commit(output: &Path, table: &str) {
    let (newest, _) = commits(output, table).pop().expect("a commit");
    assert!(
        !newest.ends_with("00000000000000000000.json"),
        "there is a run to undo"
    );
    fs::remove_file(newest).expect("a commit to take away");
}
