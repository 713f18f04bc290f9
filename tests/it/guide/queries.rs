//! The examples that read the tables: all of them give the same rows for every hour.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::super::delta::{self, Row};
use super::super::python::interpreter;
use super::super::site::HOUR;
use super::blocks::blocks;
use super::{Copy, readme};

/// Their markers are `example: NAME`.
pub const EXAMPLES: [&str; 4] = ["python", "duckdb", "spark", "trino"];

fn number(row: &Row, column: &str) -> i64 {
    row[column].as_i64().unwrap_or_else(|| panic!("{column}"))
}

/// Delivery, hour, delivered and its change, for each hour before as-of: looked up hour by hour.
fn expected(copy: &Copy) -> Vec<[i64; 4]> {
    let mut hours: BTreeMap<i64, BTreeMap<i64, [i64; 2]>> = BTreeMap::new();
    for row in delta::committed(&copy.output(), "delivery_kpi_hourly") {
        let counts = ["delivered", "delivered_delta"].map(|column| number(&row, column));
        let of_delivery = hours.entry(number(&row, "delivery_id")).or_default();
        of_delivery.insert(number(&row, "hour"), counts);
    }
    let mut dense = Vec::new();
    for row in delta::committed(&copy.output(), "delivery_kpi") {
        let (delivery, as_of) = (number(&row, "delivery_id"), number(&row, "as_of"));
        let Some(of_delivery) = hours.get(&delivery) else {
            continue;
        };
        let first = *of_delivery.keys().next().expect("an hour");
        for hour in (first..as_of).step_by(HOUR as usize) {
            let (at, [delivered, delta]) = of_delivery.range(..=hour).next_back().expect("a row");
            let delta = if *at == hour { *delta } else { 0 };
            dense.push([delivery, hour, *delivered, delta]);
        }
    }
    dense.sort_unstable();
    dense
}

/// The as-of of the sample's job file.
fn as_of(copy: &Copy) -> jiff::Timestamp {
    let text = fs::read_to_string(copy.folder.path().join("jobs/sample.toml")).expect("a job file");
    let line = text.lines().find_map(|line| line.strip_prefix("as_of = "));
    let instant = line.expect("an as-of").trim_matches('"');
    instant.parse().expect("an instant")
}

#[test]
fn the_examples_read_the_newest_whole_run_and_fill_in_the_hours() {
    let copy = Copy::new();
    let job = "delivery-kpi recompute jobs/sample.toml";
    let newest = as_of(&copy);
    for hours in [96, 3] {
        let earlier = newest - jiff::SignedDuration::from_hours(hours);
        copy.shell(&format!("{job} --as-of {earlier}"))
            .expect_status(0);
    }
    let of_whole_run = expected(&copy);
    // A run that died leaves versions that nobody must read: with another as-of in one table, and
    // other values of hours before in the other.
    copy.shell(&format!("{job} --deadline reported"))
        .expect_status(0);
    let of_dead_run = expected(&copy);
    assert!(of_dead_run.len() > of_whole_run.len());
    let is_in_dead_run = |row: &[i64; 4]| of_dead_run.binary_search(row).is_ok();
    assert!(!of_whole_run.iter().all(is_in_dead_run));
    super::super::publishing::undo_commit(&copy.output(), "kpi_run");
    assert_eq!(expected(&copy), of_whole_run);
    let rows = delta::committed(&copy.output(), "delivery_kpi_hourly").len();
    assert!(
        of_whole_run.len() > rows && rows > 100,
        "there are hours to fill in"
    );

    let text = readme();
    let example = |name: &str| {
        let marker = format!("example: {name}");
        let block = blocks(&text)
            .into_iter()
            .find(|block| block.marker.as_ref() == Some(&marker));
        block
            .expect("an example of this name")
            .content(&text)
            .to_owned()
    };
    let examples: BTreeMap<&str, String> =
        EXAMPLES.iter().map(|name| (*name, example(name))).collect();
    let mut program = Command::new(interpreter())
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/run_examples.py"
        ))
        .arg(copy.output())
        .current_dir(copy.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = program.stdin.take().expect("a pipe");
    let said = serde_json::to_vec(&examples).expect("JSON");
    stdin.write_all(&said).expect("the examples are read");
    drop(stdin);
    let output = program.wait_with_output().expect("Python ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).expect("a text");
    let mut compared = Vec::new();
    for line in lines.lines() {
        let found: Value = serde_json::from_str(line).expect("a line of JSON");
        let rows: Vec<[i64; 4]> =
            serde_json::from_value(found["rows"].clone()).expect("rows of integers");
        assert!(
            rows == of_whole_run,
            "{}: {} rows, expected {}",
            found["example"],
            rows.len(),
            of_whole_run.len()
        );
        compared.push(found["example"].as_str().expect("a name").to_owned());
    }
    assert_eq!(compared, EXAMPLES);
}
