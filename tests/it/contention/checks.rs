//! What must hold of an output that many have contended for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use super::super::delta::{self, Row};
use super::super::oracle::{self, Mode};
use super::super::publishing::{TABLES, commits};
use super::super::run::{Outcome, first_lines, table_differences};
use super::super::site::number;
use super::super::world::{Layout, World};

/// How runs ended.
#[derive(Default)]
pub struct Ends(Mutex<Vec<Outcome>>);

impl Ends {
    pub fn add(&self, end: Outcome) {
        self.0.lock().expect("no panic").push(end);
    }

    pub fn len(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }

    /// How many ended with this exit code.
    pub fn count(&self, status: i32) -> usize {
        let ends = self.0.lock().expect("no panic");
        ends.iter().filter(|end| end.status == Some(status)).count()
    }

    /// The exit codes, and for each error how often it was.
    pub fn tally(&self) -> String {
        let mut found: BTreeMap<(i32, String), usize> = BTreeMap::new();
        for end in self.0.lock().expect("no panic").iter() {
            let error = end.json()["error"].as_str().map(str::to_owned);
            // Without paths and instants, so that the same comes to the same.
            let without_path = |error: String| {
                let is_kept = |word: &&str| !word.contains('/') && !word.starts_with("2026-");
                let words = error.split(' ').filter(is_kept);
                words.collect::<Vec<_>>().join(" ")
            };
            let key = (
                end.status.unwrap_or(-1),
                error.map_or(String::new(), without_path),
            );
            *found.entry(key).or_default() += 1;
        }
        let mut text = String::new();
        for ((status, error), count) in found {
            let error: String = error.chars().take(90).collect();
            let _ = write!(text, "[{count} x exit code {status} {error}] ");
        }
        text
    }

    /// The runs that say that they are published.
    fn published(&self) -> Vec<String> {
        let ends = self.0.lock().expect("no panic");
        let done = ends.iter().filter(|end| end.status == Some(0));
        done.map(|end| text(&end.json()["run"]["run_id"])).collect()
    }

    /// Every run that says so is in `kpi_run` exactly once, and no other one is.
    pub fn check_against(&self, output: &Path, allowed: &[i32]) {
        let mut published = self.published();
        let mut found = self.check_acknowledged(output, allowed);
        published.sort();
        found.sort();
        assert_eq!(found, published, "{}", self.tally());
    }

    /// Every run that says so is in `kpi_run`, and none is there twice. One whose last commit was not answered may be
    /// there and not know it. Gives all that are.
    pub fn check_acknowledged(&self, output: &Path, allowed: &[i32]) -> Vec<String> {
        for end in self.0.lock().expect("no panic").iter() {
            let status = end.status.unwrap_or(-1);
            assert!(allowed.contains(&status), "{}", end.text());
        }
        let rows = delta::read(&output.join("kpi_run"), None);
        let found: Vec<String> = rows.iter().map(|row| text(&row["run_id"])).collect();
        let once: BTreeSet<&String> = found.iter().collect();
        assert_eq!(once.len(), found.len(), "twice: {found:?}");
        for run in &self.published() {
            assert!(once.contains(run), "{run} is lost: {}", self.tally());
        }
        check_numbers(rows);
        found
    }

    /// How often a run found that another one had committed in between: it gave up, or it has committed to a
    /// table twice.
    pub fn meetings(&self, output: &Path) -> usize {
        let twice = |table: &str| {
            let writers = writers(output, table);
            writers.len() - writers.iter().collect::<BTreeSet<_>>().len()
        };
        self.count(1) + TABLES.into_iter().map(twice).sum::<usize>()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The runs that committed to a table, in the order of versions; the first version is that of nobody.
fn writers(output: &Path, table: &str) -> Vec<String> {
    let commits = commits(output, table).into_iter().skip(1);
    let writer = |(_, actions): (_, Vec<Value>)| {
        let mut infos = actions.iter().filter_map(|action| action.get("commitInfo"));
        text(&infos.next().expect("a commit tells of itself")["runId"])
    };
    commits.map(writer).collect()
}

/// Numbers rise from run to run, no file is lost, and no run goes back to an earlier version of a table.
fn check_numbers(mut rows: Vec<Row>) {
    rows.sort_by_key(|row| number(row, "run_number"));
    for pair in rows.windows(2) {
        let [before, after] = pair else {
            unreachable!()
        };
        assert!(number(before, "run_number") < number(after, "run_number"));
        // No file goes here: what a run has read, all later ones have.
        assert!(
            files_of(before).is_subset(&files_of(after)),
            "a file is lost: {pair:?}"
        );
        for (table, version) in before["table_versions"].as_object().expect("a map") {
            let next = after["table_versions"][table].as_i64();
            assert!(next >= version.as_i64(), "{table}: {pair:?}");
        }
    }
}

/// Every table has all its versions, and in `kpi_run` each is of another run. Gives how many there are.
pub fn check_versions(output: &Path) -> Vec<usize> {
    let check = |table: &str| {
        let found = commits(output, table);
        for (version, (path, _)) in found.iter().enumerate() {
            let expected = format!("{version:020}.json");
            assert!(path.ends_with(&expected), "{table}: {}", path.display());
        }
        found.len()
    };
    let found = TABLES.into_iter().map(check).collect();
    let of_runs = writers(output, "kpi_run");
    let others: BTreeSet<&String> = of_runs.iter().collect();
    assert_eq!(others.len(), of_runs.len(), "a run has committed twice");
    found
}

/// The files of the sending log that a run has read, by the last part of their names.
pub fn files_of(run: &Row) -> BTreeSet<String> {
    let files = run["files"].as_array().expect("a list of files").iter();
    let of_log = files.filter(|file| file["log"] == "sending_log");
    of_log
        .map(|file| {
            let name = text(&file["file"]);
            name.rsplit('/').next().unwrap_or(&name).to_owned()
        })
        .collect()
}

pub fn check_tables(world: &World, as_of: i64, output: &Path) {
    let expected = oracle::expect(world, as_of, Mode::Infer);
    let wrong = table_differences(&expected, output, &Layout::default());
    assert!(wrong.is_empty(), "{}", first_lines(&wrong));
}
