//! The sample extracts in `data/`: `generate` writes them, and everything occurs in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use tempfile::TempDir;

use super::super::delta::Row;
use super::super::oracle::COUNTERS;
use super::super::site::{content, deliveries, hourly, number, outcome, read_columns};
use super::{command, fates, files, texts};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The flags that `data/README.md` names.
fn flags() -> Vec<String> {
    let text = fs::read_to_string(root().join("data/README.md")).expect("data/README.md");
    let start = "cargo run --release --locked -- generate target/sample ";
    let line = text.lines().find_map(|line| line.strip_prefix(start));
    let flags = line.expect("the command").split_whitespace();
    flags.map(str::to_owned).collect()
}

/// Runs `jobs/sample.toml` into a folder of its own.
fn run(folder: &Path) -> PathBuf {
    let output = folder.join("kpi");
    let mut command = command(&["recompute", "jobs/sample.toml", "--output"]);
    outcome(command.current_dir(root()).arg(&output)).expect_status(0);
    output
}

#[test]
fn the_sample_is_what_the_command_writes() {
    let folder = TempDir::new().expect("a temporary directory");
    let dir = folder.path().join("sample");
    outcome(command(&["generate"]).arg(&dir).args(flags())).expect_status(0);
    let made = content(&dir);
    let mut there = content(&root().join("data"));
    there.remove(Path::new("README.md")).expect("README.md");
    // Exports of vendors are beside it.
    there.retain(|name, _| !(name.starts_with("ses") || name.starts_with("campaign-standard")));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&there));
    for (name, bytes) in &made {
        assert!(there[name] == *bytes, "data/{} differs", name.display());
    }
    let size: usize = made.values().map(Vec::len).sum();
    assert!(size < 2_000_000, "{size} bytes");
}

#[test]
fn every_label_is_in_the_sample() {
    let log = |name: &str| root().join("data").join(name);
    let all = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    let expected: [(&str, &str, BTreeSet<String>); 6] = [
        (
            "sending_log",
            "event",
            all(&[
                "relayed",
                "delivered",
                "soft_bounce",
                "hard_bounce",
                "expired",
                "complaint",
                "ignored",
            ]),
        ),
        ("sending_log", "status", all(&["Pending", "Sent", "Failed"])),
        ("sending_log", "failure_type", all(&["Soft", "Hard"])),
        (
            "sending_log",
            "recipient_domain",
            all(&["example.com", "example.org"]),
        ),
        (
            "sending_log",
            "failure_reason",
            all(&["1", "2", "3", "4", "5", "6", "8", "20", "99"]),
        ),
        (
            "tracking_log",
            "type",
            all(&[
                "click",
                "open",
                "opt_out",
                "mirror_page",
                "offer_click",
                "offer_click_2",
                "42",
            ]),
        ),
    ];
    for (name, column, labels) in expected {
        assert_eq!(texts(&log(name), column), labels, "{name}, {column}");
    }
}

#[test]
fn every_kpi_fate_and_mode_is_in_the_sample() {
    let folder = TempDir::new().expect("a temporary directory");
    let output = run(folder.path());
    let kpis = deliveries(&output);
    let rows: Vec<&Row> = kpis.values().collect();
    let sum = |name: &&str| rows.iter().map(|row| number(row, name)).sum::<i64>();
    // What only rules of a job find is in no extract.
    let of_rules = [
        "new_quarantines",
        "machine_honeypot",
        "machine_many_links",
        "machine_early_open",
    ];
    let names = COUNTERS.iter().map(|(name, _)| *name);
    let names = names.filter(|name| !of_rules.contains(name));
    let missing: Vec<&str> = names.filter(|name| sum(name) == 0).collect();
    assert!(missing.is_empty(), "counters that are 0: {missing:?}");
    for column in [
        "efs",
        "is_final",
        "channel",
        "parent_delivery_id",
        "to_deliver",
        "label",
    ] {
        let values: BTreeSet<String> = rows.iter().map(|row| row[column].to_string()).collect();
        assert!(values.len() > 1, "{column}: {values:?}");
    }
    let falls = hourly(&output)
        .into_values()
        .filter(|row| number(row, "bounces_errors_delta") < 0);
    assert!(falls.count() > 0, "a retry that gets through");
    for row in fates(&output) {
        assert_eq!(number(&row, "rows_rejected"), 0);
        for fate in ["duplicate", "superseded", "deleted", "future", "test"] {
            assert!(number(&row, &format!("rows_{fate}")) > 0, "{fate}: {row:?}");
        }
    }
    let [_, tracking] = fates(&output);
    assert!(number(&tracking, "rows_orphan") > 0, "{tracking:?}");
    assert!(number(&tracking, "rows_unknown_type") > 0, "{tracking:?}");
}

/// What the rows of one `log_id` hold: an integer or none, in the order of revisions.
type Revision = (i64, Option<bool>, Option<i64>, Option<String>);

/// Each kind of correction: moved in time, another event, deleted with and without values, taken back; and
/// rows that stand in two files or in one that is late.
#[test]
fn every_kind_of_correction_is_in_the_sample() {
    let mut found = BTreeSet::new();
    for (log, what) in [("sending_log", "event"), ("tracking_log", "type")] {
        let mut rows: BTreeMap<i64, Vec<Revision>> = BTreeMap::new();
        for path in files(&root().join("data").join(log)) {
            for (log_id, revision) in revisions(&path, what) {
                rows.entry(log_id).or_default().push(revision);
            }
        }
        for revisions in rows.values_mut() {
            revisions.sort();
            if revisions.windows(2).any(|pair| pair[0] == pair[1]) {
                found.insert("twice");
            }
            for pair in revisions.windows(2).filter(|pair| pair[0].0 < pair[1].0) {
                let ((_, was_deleted, at, event), (_, is_deleted, at_now, event_now)) =
                    (&pair[0], &pair[1]);
                found.insert(match is_deleted {
                    Some(true) if at_now.is_none() => "deleted",
                    Some(true) => "deleted with values",
                    _ if *was_deleted == Some(true) => "taken back",
                    _ if event != event_now => "another event",
                    _ if at != at_now => "moved",
                    // A status that is another one: the sample has a delivery in status form too.
                    _ if event.is_none() => continue,
                    _ => "nothing",
                });
            }
        }
    }
    let expected = [
        "another event",
        "deleted",
        "deleted with values",
        "moved",
        "taken back",
        "twice",
    ];
    assert_eq!(found, BTreeSet::from(expected));
}

fn revisions(path: &Path, what: &str) -> Vec<(i64, Revision)> {
    let columns: BTreeMap<String, _> = read_columns(path).into_iter().collect();
    let numbers = |name: &str| {
        let array = arrow::compute::cast(&columns[name], &arrow::datatypes::DataType::Int64);
        array.expect("integers").as_primitive::<Int64Type>().clone()
    };
    let labels = arrow::compute::cast(&columns[what], &arrow::datatypes::DataType::Utf8);
    let labels = labels.expect("texts");
    let (labels, deleted) = (labels.as_string::<i32>(), columns["deleted"].as_boolean());
    let (ids, revisions, times) = (numbers("log_id"), numbers("revision"), numbers("event_at"));
    let row = |row: usize| {
        let given =
            |array: &arrow::array::Int64Array| array.is_valid(row).then(|| array.value(row));
        let revision = (
            given(&revisions).unwrap_or(0),
            deleted.is_valid(row).then(|| deleted.value(row)),
            given(&times),
            labels.is_valid(row).then(|| labels.value(row).to_owned()),
        );
        Some((given(&ids)?, revision))
    };
    (0..ids.len()).filter_map(row).collect()
}
