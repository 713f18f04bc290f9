//! `generate`: the same bytes for the same flags, what each flag does, and that `recompute` takes it all.

mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use serde_json::Value;
use tempfile::TempDir;

use super::delta::{Row, newest_run};
use super::run::Outcome;
use super::site::{HOUR, content, deliveries, number, outcome, read_columns};

/// Extracts that `generate` has written.
struct Made {
    folder: TempDir,
    said: Outcome,
}

/// Enough for every kind of row.
const SMALL: [(&str, &str); 3] = [
    ("--messages", "6000"),
    ("--deliveries", "12"),
    ("--days", "3"),
];

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delivery-kpi"));
    command.args(arguments);
    command
}

impl Made {
    fn with(flags: &[&str]) -> Made {
        let folder = TempDir::new().expect("a temporary directory");
        let dir = folder.path().join("made");
        let mut command = command(&["generate"]);
        command.arg(&dir).args(flags);
        for (flag, value) in SMALL {
            if !flags.contains(&flag) {
                command.args([flag, value]);
            }
        }
        let said = outcome(&mut command).expect_status(0);
        assert_eq!(said.stdout, "", "{}", said.text());
        Made { folder, said }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("made")
    }

    fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        content(&self.dir())
    }

    /// Runs the command that `generate` has named.
    fn recompute(&self) -> Outcome {
        let line = self.said.stderr.lines().last().expect("a last line");
        let command_line = line
            .strip_prefix("go on with: delivery-kpi ")
            .unwrap_or_else(|| panic!("{}", self.said.text()));
        let words: Vec<&str> = command_line.split(' ').collect();
        outcome(&mut command(&words)).expect_status(0)
    }

    /// What became of the rows of both logs, after [`Made::recompute`].
    fn fates(&self) -> [Row; 2] {
        fates(&self.dir().join("kpi"))
    }

    /// The rows of `delivery_kpi` by label.
    fn kpis(&self) -> BTreeMap<String, Row> {
        let rows = deliveries(&self.dir().join("kpi")).into_values();
        rows.map(|mut row| {
            for column in ["run_id", "delivery_id", "parent_delivery_id"] {
                row.remove(column).expect("a column");
            }
            (row["label"].to_string(), row)
        })
        .collect()
    }
}

fn fates(output: &Path) -> [Row; 2] {
    let run = newest_run(output);
    let logs = run["logs"].as_array().expect("a list of logs");
    ["sending_log", "tracking_log"].map(|log| {
        let of_log = logs.iter().find(|row| row["log"] == log);
        let row = of_log.and_then(Value::as_object);
        row.unwrap_or_else(|| panic!("no {log}: {logs:?}")).clone()
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// The different texts of a column in all files of a log.
fn texts(folder: &Path, column: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files(folder) {
        let columns = read_columns(&path);
        let array = columns.iter().find(|(name, _)| name == column);
        let (_, array) = array.unwrap_or_else(|| panic!("no {column} in {}", path.display()));
        let array = arrow::compute::cast(array, &DataType::Utf8).expect("texts");
        found.extend(array.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    found
}

fn column_names(path: &Path) -> Vec<String> {
    read_columns(path)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    for flags in [&["--dirty", "3"][..], &["--one-file", "--string-ids"]] {
        let threads = ["1", "3"].map(|threads| {
            let made = Made::with(&[flags, &["--threads", threads]].concat());
            made.bytes()
        });
        assert!(threads[0].len() > 2);
        assert!(threads[0] == threads[1], "{flags:?}");
    }
}

#[test]
fn another_seed_makes_another_set() {
    let [one, again, other] =
        [["--seed", "1"], ["--seed", "1"], ["--seed", "2"]].map(|flags| Made::with(&flags).bytes());
    assert!(one == again);
    let name = Path::new("deliveries.parquet");
    assert_ne!(one[name], other[name]);
    let common = one
        .iter()
        .filter(|(name, bytes)| other.get(*name) == Some(bytes));
    assert_eq!(common.count(), 0);
}

#[test]
fn clean_logs_have_hourly_files_and_every_row_counts() {
    let made = Made::with(&[]);
    for log in ["sending_log", "tracking_log"] {
        let paths = files(&made.dir().join(log));
        assert!(paths.len() > 50, "{}", paths.len());
        for path in paths {
            let columns = read_columns(&path);
            let (_, times) = columns
                .iter()
                .find(|(name, _)| name == "event_at")
                .expect("times");
            let times = times.as_primitive::<TimestampMicrosecondType>().values();
            assert!(times.is_sorted(), "{}", path.display());
            let hours: BTreeSet<i64> = times.iter().map(|at| at.div_euclid(HOUR)).collect();
            let hour = hours.first().copied().expect("an hour");
            assert_eq!(hours.len(), 1, "{}", path.display());
            let start = jiff::Timestamp::from_microsecond(hour * HOUR).expect("an instant");
            let named = format!("{log}-{}.parquet", &start.to_string()[..13]);
            assert_eq!(
                path.file_name().and_then(|name| name.to_str()),
                Some(&*named)
            );
        }
    }
    made.recompute();
    for row in made.fates() {
        assert!(number(&row, "rows_read") > 1000, "{row:?}");
        assert_eq!(row["rows_read"], row["rows_counted"], "{row:?}");
        for given_apart in ["rows_test", "rows_unknown_type", "rows_orphan"] {
            assert_eq!(number(&row, given_apart), 0, "{row:?}");
        }
    }
    let kpis = made.kpis();
    let processed = kpis.values().map(|row| number(row, "processed"));
    assert_eq!((kpis.len(), processed.sum::<i64>()), (12, 6000));
    let modes: BTreeSet<String> = kpis.values().map(|row| row["efs"].to_string()).collect();
    assert_eq!(modes.len(), 2);
    for row in kpis.values() {
        assert_eq!(row["is_final"], true, "{row:?}");
    }
}

#[test]
fn the_percentage_of_dirt_is_that_of_the_rows() {
    let made = Made::with(&["--messages", "30000", "--dirty", "4"]);
    made.recompute();
    let [sending, tracking] = made.fates();
    for row in [&sending, &tracking] {
        let read = number(row, "rows_read");
        assert_eq!(number(row, "rows_rejected"), 0);
        let per_mille = |name| number(row, name) * 1000 / read;
        // 4 % twice, and 4 % corrected or deleted each, of the rows without the additional ones.
        assert!((25..60).contains(&per_mille("rows_duplicate")), "{row:?}");
        assert!((50..100).contains(&per_mille("rows_superseded")), "{row:?}");
        assert!((20..45).contains(&per_mille("rows_deleted")), "{row:?}");
        assert!(number(row, "rows_test") > 0, "{row:?}");
    }
    assert!(number(&tracking, "rows_orphan") > 0);
    assert!(number(&tracking, "rows_unknown_type") > 0);
}

#[test]
fn the_form_of_identifiers_and_files_changes_no_number() {
    let plain = Made::with(&["--dirty", "2"]);
    let texts = Made::with(&["--dirty", "2", "--string-ids"]);
    let one_file = Made::with(&["--dirty", "2", "--one-file"]);
    let kpis = [&plain, &texts, &one_file].map(|made| {
        made.recompute();
        made.kpis()
    });
    assert!(kpis[0].len() > 10);
    assert_eq!(kpis[0], kpis[1]);
    assert_eq!(kpis[0], kpis[2]);
    assert_eq!(
        files(&one_file.dir()),
        [
            "deliveries.parquet",
            "kpi",
            "sending_log.parquet",
            "tracking_log.parquet"
        ]
        .map(|name| one_file.dir().join(name))
    );
    for column in ["delivery_id", "message_id", "recipient_id"] {
        let found = super::generate::texts(&texts.dir().join("sending_log"), column);
        assert!(found.iter().all(|id| id.len() == 36), "{found:?}");
        assert!(found.len() >= 12);
    }
}

/// Statuses tell less than events, and come to the same in the end.
#[test]
fn a_log_of_statuses_comes_to_the_same_failures() {
    let [events, statuses] = [&[][..], &["--status-form"]].map(|flags| {
        let made = Made::with(flags);
        made.recompute();
        let names = column_names(&files(&made.dir().join("sending_log"))[0]);
        let is_statuses = names.iter().any(|name| name == "status");
        assert_eq!(is_statuses, !names.iter().any(|name| name == "event"));
        assert_eq!(is_statuses, !flags.is_empty());
        let kpis = made.kpis();
        let of = |row: &Row| {
            [
                "processed",
                "delivered",
                "pending",
                "hard_bounces",
                "soft_bounces",
            ]
            .map(|name| number(row, name))
        };
        let counts = kpis.iter().map(|(label, row)| (label.clone(), of(row)));
        counts.collect::<BTreeMap<_, _>>()
    });
    assert!(events.values().any(|counts| counts[4] > 0));
    assert_eq!(events, statuses);
    let dirty = Made::with(&["--status-form", "--dirty", "5"]);
    dirty.recompute();
    assert!(number(&dirty.fates()[0], "rows_superseded") > 100);
}

#[test]
fn days_and_numbers_are_those_asked_for() {
    let made = Made::with(&["--messages", "500", "--deliveries", "4", "--days", "1"]);
    made.recompute();
    let kpis = made.kpis();
    let processed = kpis.values().map(|row| number(row, "processed"));
    assert_eq!((kpis.len(), processed.sum::<i64>()), (4, 500));
    let started: BTreeSet<i64> = kpis.values().map(|row| number(row, "started_at")).collect();
    let day = started
        .iter()
        .map(|at| at.div_euclid(24 * HOUR))
        .collect::<BTreeSet<_>>();
    assert_eq!(day.len(), 1);
    made.said.says(&[
        "--as-of 2026-01-12T00:00:00Z",
        "deliveries    4 rows in 1 file",
    ]);
}

#[test]
fn progress_is_shown_where_it_is_asked_for() {
    let made = Made::with(&["--progress", "always"]);
    made.said
        .says(&["generating: ", "generating: 100 %", "sending_log   "]);
}

#[test]
fn a_directory_that_is_not_empty_is_left_alone() {
    let folder = TempDir::new().expect("a temporary directory");
    let note = folder.path().join("note.txt");
    fs::write(&note, "mine").expect("a written file");
    for (dir, found) in [(folder.path(), "files in it"), (&note, "a file")] {
        let outcome = outcome(command(&["generate"]).arg(dir)).expect_status(2);
        assert_eq!(outcome.stdout, "");
        outcome.says(&["error: ", "expected an empty directory or none", found]);
    }
    assert_eq!(content(folder.path()).len(), 1);
    assert_eq!(fs::read(&note).expect("a file"), b"mine");
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    for (flags, says) in [
        (&["--messages", "0"][..], "--messages"),
        (
            &["--messages", "5", "--deliveries", "6"],
            "at least as many as deliveries",
        ),
        (&["--messages", "4000000001"], "at most 4000000000"),
        (&["--deliveries", "0"], "--deliveries"),
        (&["--days", "0"], "--days"),
        (&["--dirty", "50.1"], "from 0 to 50"),
        (&["--dirty=-1"], "from 0 to 50"),
        (&["--dirty", "NaN"], "from 0 to 50"),
        (&["--threads", "0"], "threads"),
    ] {
        let folder = TempDir::new().expect("a temporary directory");
        let dir = folder.path().join("made");
        let outcome = outcome(command(&["generate"]).arg(&dir).args(flags)).expect_status(2);
        outcome.says(&[says]);
        assert!(!dir.exists(), "{flags:?}");
    }
}
