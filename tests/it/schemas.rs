//! The columns of the extracts: every type that the contract lists, values that are none of them, all
//! problems of a schema at once, and what must never be seen outside.

mod privacy;
mod problems;
mod types;
mod values;

use std::path::{Path, PathBuf};

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use super::delta::newest_run;
use super::site::{Site, read_columns, write_parquet};

/// The files of a site that has one for each extract.
const FILES: [&str; 3] = [
    "in/sending_log/part-000.parquet",
    "in/tracking_log/part-000.parquet",
    "in/deliveries.parquet",
];

/// Writes a file again with other columns.
fn change(path: &Path, change: impl FnOnce(&mut Vec<(String, ArrayRef)>)) {
    let mut columns = read_columns(path);
    change(&mut columns);
    write_parquet(path, &columns, WriterProperties::default());
}

/// Puts an array in the place of a column, or adds it.
fn set(columns: &mut Vec<(String, ArrayRef)>, name: &str, array: ArrayRef) {
    match columns.iter_mut().find(|(column, _)| column == name) {
        Some((_, old)) => *old = array,
        None => columns.push((name.to_owned(), array)),
    }
}

/// One column of a file, in place of the one that is there.
fn set_in(site: &Site, file: &str, name: &str, array: ArrayRef) {
    change(&site.path(file), |columns| set(columns, name, array));
}

/// The same values as another type; a value that does not fit is an error of the test.
fn as_type(array: &ArrayRef, to: &DataType) -> ArrayRef {
    let found = cast(array, to).unwrap_or_else(|error| panic!("{to}: {error}"));
    assert_eq!(
        found.null_count(),
        array.null_count(),
        "{to} does not hold the values"
    );
    found
}

/// A second file of the sending log beside the first one, with the same columns to begin with.
fn second_file(site: &Site) -> PathBuf {
    let second = site.path("in/sending_log/part-001.parquet");
    std::fs::copy(site.path(FILES[0]), &second).expect("a second file");
    second
}

/// What the newest run says of one log: `rows_read`, the sum of all fates, `rows_rejected`.
fn fates(site: &Site, log: &str) -> [i64; 3] {
    let run = newest_run(&site.output());
    let logs = run["logs"].as_array().expect("a list of logs");
    let row = logs.iter().find(|row| row["log"] == log).expect("the log");
    let of = |name: &str| row[name].as_i64().expect("an integer");
    let fates = [
        "rows_counted",
        "rows_duplicate",
        "rows_superseded",
        "rows_deleted",
        "rows_future",
        "rows_frozen",
        "rows_rejected",
    ];
    [
        of("rows_read"),
        fates.map(of).iter().sum(),
        of("rows_rejected"),
    ]
}

/// The rejections that the newest run tells of a file: column, reason, rows.
fn rejections(site: &Site, log: &str, file: &str) -> Vec<(String, String, i64)> {
    let run = newest_run(&site.output());
    let files = run["files"].as_array().expect("a list of files");
    let row = files
        .iter()
        .find(|row| row["log"] == log && row["file"] == file);
    let row = row.unwrap_or_else(|| panic!("{log}, {file}: {files:?}"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let rejections = row["rejections"].as_array().expect("a list of rejections");
    rejections
        .iter()
        .map(|r| {
            (
                text(&r["column"]),
                text(&r["reason"]),
                r["rows"].as_i64().expect("an integer"),
            )
        })
        .collect()
}
