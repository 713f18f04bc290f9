//! The writer, read back with the parquet crate: no layout may change a value.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::super::delta::{Row, read_parquet};
use super::super::random;
use super::{Absent, Instants, Layout, SendingRow, World, message_text};

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path))
        } else {
            files.push(path)
        }
    }
    files
}

/// An instant as it was written, in microseconds.
fn instant(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::String(text) => {
            let mut text = text.replace(' ', "T");
            if !text.ends_with('Z') && !text.contains('+') {
                text.push('Z');
            }
            Some(
                text.parse::<jiff::Timestamp>()
                    .expect("RFC 3339")
                    .as_microsecond(),
            )
        }
        other => other.as_i64(),
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// What a sending row must read back as, in one line.
fn line(row: &SendingRow, layout: &Layout) -> String {
    let message = |id| {
        if layout.string_ids {
            message_text(id)
        } else {
            id.to_string()
        }
    };
    let (delivery, message) = (
        row.delivery_id.map(|id| layout.delivery_id(id)),
        row.message_id.map(message),
    );
    let labels = (
        &row.event,
        &row.status,
        &row.failure_type,
        &row.failure_reason,
    );
    format!(
        "{delivery:?} {message:?} {labels:?} {:?} {:?} {:?} {:?}",
        row.event_at, row.log_id, row.deleted, row.is_test
    )
}

fn line_read(row: &Row) -> String {
    let get = |name: &str| text(row.get(name));
    let boolean = |name: &str| row.get(name).and_then(Value::as_bool);
    let (delivery, message) = (get("delivery_id"), get("message_id"));
    let labels = (
        get("event"),
        get("status"),
        get("failure_type"),
        get("failure_reason"),
    );
    let (at, log_id) = (
        instant(row.get("event_at")),
        row.get("log_id").and_then(Value::as_i64),
    );
    format!(
        "{delivery:?} {message:?} {labels:?} {at:?} {log_id:?} {:?} {:?}",
        boolean("deleted"),
        boolean("is_test")
    )
}

#[test]
fn every_layout_reads_back_the_same() {
    let instants = [
        Instants::Second,
        Instants::Millisecond,
        Instants::Microsecond,
        Instants::Nanosecond,
        Instants::Naive,
        Instants::Int96,
        Instants::Text,
    ];
    for seed in 0..60 {
        let (world, _, _) = random::world(seed);
        let layout = Layout {
            string_ids: seed % 3 == 0,
            message_text,
            instants: instants[(seed % 7) as usize],
            shuffle: (seed % 2 == 0).then_some(seed),
            files: 1 + (seed % 4) as usize,
            row_group_rows: 1 + (seed % 5) as usize,
            text_as_dictionary: seed % 4 == 1,
            absent: [Absent::Omitted, Absent::TypedNulls, Absent::NullType][(seed % 3) as usize],
        };
        let directory = TempDir::new().expect("a temporary directory");
        world.write(directory.path(), &layout);
        let paths = files(&directory.path().join("sending_log"));
        assert_eq!(paths.len(), layout.files, "seed {seed}");
        let mut found: Vec<String> = paths
            .iter()
            .flat_map(|path| read_parquet(path))
            .map(|row| line_read(&row))
            .collect();
        let mut expected: Vec<String> =
            world.sending.iter().map(|row| line(row, &layout)).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "seed {seed}, {layout:?}");
        assert_eq!(
            directory.path().join("tracking_log").exists(),
            !world.tracking.is_empty(),
            "seed {seed}"
        );
        assert_eq!(
            directory.path().join("deliveries.parquet").exists(),
            !world.deliveries.is_empty(),
            "seed {seed}"
        );
    }
}

#[test]
fn an_empty_world_still_has_a_sending_log() {
    let directory = TempDir::new().expect("a temporary directory");
    World::default().write(directory.path(), &Layout::default());
    let files = files(directory.path());
    assert_eq!(files.len(), 1);
    assert!(read_parquet(&files[0]).is_empty());
}
