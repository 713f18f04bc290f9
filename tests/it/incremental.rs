//! Runs that build on what the last one has left: the same tables as a run that reads everything, and
//! what is said of how they came about.

mod attributes;
mod columns;
mod files;
mod frozen_and_selected;
mod gone;
mod identity;
mod maintain;
mod meaning;
mod random;
mod restatements;
pub mod retention;
mod series;
mod state;
mod state_of_others;
mod time;
mod verify;
mod waiting;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::delta::{self, Row, newest_run};
use super::run::Outcome;
use super::site::{NINE, Site, deliveries, hourly, report, two_deliveries, without_run};
use super::world::{Layout, SendingRow, TrackingRow, write_sending, write_tracking};

/// Both tables without `run_id`.
pub type Tables = (BTreeMap<(String, i64), Row>, BTreeMap<String, Row>);

/// An instant as it is typed.
pub fn typed(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).expect("an instant");
    at.to_string()
}

/// One more file of the sending log.
pub fn add_sending(site: &Site, name: &str, rows: &[SendingRow]) -> PathBuf {
    add(site, &format!("sending_log/{name}"), |path| {
        write_sending(path, rows, &Layout::default());
    })
}

/// One more file of the tracking log.
pub fn add_tracking(site: &Site, name: &str, rows: &[TrackingRow]) -> PathBuf {
    add(site, &format!("tracking_log/{name}"), |path| {
        write_tracking(path, rows, &Layout::default());
    })
}

/// A file that is there as a whole or not at all: a run may be reading the log.
fn add(site: &Site, name: &str, write: impl Fn(&Path)) -> PathBuf {
    let path = site.path(&format!("in/{name}.parquet"));
    let aside = path.with_extension("new");
    write(&aside);
    fs::rename(&aside, &path).expect("a new name");
    path
}

/// Three more messages of delivery 1 in the hour of 9.
pub fn late_rows() -> [SendingRow; 3] {
    [31, 32, 33].map(|message| report(1, message, "relayed", NINE + message * 1_000_000))
}

/// A job that ends with exit code 0.
pub fn run(site: &Site, keys: &str, as_of: i64, flags: &[&str]) -> Outcome {
    let as_of = typed(as_of);
    let flags = [&["--as-of", &as_of], flags].concat();
    site.run_job(keys, &flags).expect_status(0)
}

pub fn tables_in(output: &Path) -> Tables {
    (
        without_run(&hourly(output)),
        without_run(&deliveries(output)),
    )
}

pub fn tables(site: &Site) -> Tables {
    tables_in(&site.output())
}

/// What a run of the same extracts into an output of its own comes to, and its record.
pub fn fresh(site: &Site, keys: &str, as_of: i64) -> (Tables, Row) {
    let folder = TempDir::new().expect("a temporary directory");
    let output = folder.path().join("fresh");
    run(site, keys, as_of, &["--output", &output.to_string_lossy()]);
    (tables_in(&output), newest_run(&output))
}

/// Panics unless the output is what a run that reads everything comes to, the fates of all rows too.
#[track_caller]
pub fn assert_as_fresh(site: &Site, keys: &str, as_of: i64) {
    let (tables_of_fresh, record) = fresh(site, keys, as_of);
    let (hours, rows) = tables(site);
    assert_eq!(hours, tables_of_fresh.0, "delivery_kpi_hourly");
    assert_eq!(rows, tables_of_fresh.1, "delivery_kpi");
    let found = newest_run(&site.output());
    assert_eq!(found["logs"], record["logs"], "logs");
    assert_eq!(by_name(&found["files"]), by_name(&record["files"]), "files");
    assert_eq!(found["listing"], record["listing"]);
}

/// By file what does not depend on which of several copies of a row is taken for the first one.
fn by_name(files: &Value) -> BTreeMap<String, Value> {
    let name = |file: &Value| format!("{}/{}", file["log"], file["file"]);
    let files = files.as_array().expect("a list").iter();
    let told = |file: &Value| {
        let mut told = file.clone();
        let row = told.as_object_mut().expect("a file");
        let open = [
            "counted",
            "duplicate",
            "superseded",
            "deleted",
            "future",
            "test",
            "orphan",
            "unknown_type",
        ];
        let mut first = 0;
        for (place, fate) in open.iter().enumerate() {
            let rows = row
                .remove(&format!("rows_{fate}"))
                .and_then(|rows| rows.as_i64());
            first += rows.filter(|_| place < 5).unwrap_or(0);
        }
        row.insert("rows_first".to_owned(), first.into());
        (name(file), told)
    };
    files.map(told).collect()
}

/// How the newest run came to its numbers.
pub fn mode(site: &Site) -> String {
    let run = newest_run(&site.output());
    run["mode"].as_str().expect("a text").to_owned()
}

/// The deliveries of which the newest run says that their rows stay.
pub fn frozen(site: &Site) -> Vec<String> {
    let run = newest_run(&site.output());
    let list = run["frozen"].as_array().cloned().unwrap_or_default();
    let text = |id: &Value| id.as_str().expect("a text").to_owned();
    list.iter().map(text).collect()
}

/// The rows of `kpi_restatement` at the version of the newest run.
pub fn restatements(site: &Site) -> Vec<Row> {
    delta::committed(&site.output(), "kpi_restatement")
}

/// The files of the state with this ending, the newest last.
pub fn state_files(site: &Site, ending: &str) -> Vec<PathBuf> {
    let directory = site.output().join("_state");
    let Ok(entries) = fs::read_dir(&directory) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    paths
}

/// A copy of a folder.
pub fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).expect("what was there goes");
    }
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false => {
                fs::copy(&path, &target).expect("a copy");
            }
        }
    }
}

/// [`two_deliveries`] after a first run.
pub fn after_one_run(keys: &str, as_of: i64) -> Site {
    let site = Site::new(&two_deliveries());
    run(&site, keys, as_of, &[]);
    assert_eq!(mode(&site), "full");
    site
}
