//! `verify`: the published tables beside a fresh full recompute.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use parquet::file::properties::WriterProperties;

use super::super::site::{
    HOUR, MINUTE, NINE, NOON, content, outcome, read_columns, report, write_parquet,
};
use super::*;

/// `verify` of the job that ran last.
fn verify(site: &Site, flags: &[&str]) -> Outcome {
    outcome(site.program().args(["verify", "job.toml"]).args(flags))
}

/// Adds one to an integer of the published row of this delivery and hour.
fn plant(site: &Site, table: &str, column: &str, delivery: i64, hour: Option<i64>) {
    let root = site.output().join(table);
    let mut planted = 0;
    let mut names: Vec<PathBuf> = content(&root).into_keys().collect();
    let age = |name: &PathBuf| root.join(name).metadata().and_then(|m| m.modified()).ok();
    names.sort_by_key(|name| std::cmp::Reverse(age(name)));
    for name in names {
        if planted > 0 {
            break;
        }
        let path = root.join(&name);
        if path.extension().is_none_or(|end| end != "parquet") {
            continue;
        }
        let mut columns = read_columns(&path);
        let numbers = |columns: &[(String, ArrayRef)], name: &str| -> Int64Array {
            let (_, array) = columns.iter().find(|(of, _)| of == name).expect("a column");
            let wide = cast(array, &DataType::Int64).expect("integers");
            wide.as_primitive::<Int64Type>().clone()
        };
        let ids = numbers(&columns, "delivery_id");
        let hours = hour.map(|_| numbers(&columns, "hour"));
        let is_it = |row: usize| {
            ids.value(row) == delivery && hours.as_ref().is_none_or(|h| Some(h.value(row)) == hour)
        };
        let values = numbers(&columns, column);
        if !(0..ids.len()).any(is_it) {
            continue;
        }
        planted += 1;
        let changed: Int64Array = (0..ids.len())
            .map(|row| Some(values.value(row) + i64::from(is_it(row))))
            .collect();
        let place = columns
            .iter()
            .position(|(of, _)| of == column)
            .expect("a column");
        let kind = columns[place].1.data_type().clone();
        columns[place].1 = cast(&changed, &kind).expect("the type of the column");
        let size = fs::metadata(&path).expect("a file").len();
        write_parquet(&path, &columns, WriterProperties::default());
        let now = fs::metadata(&path).expect("a file").len();
        // The log names the size of the file.
        for (log, text) in content(&root.join("_delta_log")) {
            if log.extension().is_some_and(|end| end == "json") {
                let text = String::from_utf8(text).expect("a text");
                let file = name
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned();
                let lines: Vec<String> =
                    text.lines()
                        .map(|line| match line.contains(&file) {
                            true => line
                                .replace(&format!("\"size\":{size}"), &format!("\"size\":{now}")),
                            false => line.to_owned(),
                        })
                        .collect();
                fs::write(root.join("_delta_log").join(log), lines.join("\n") + "\n")
                    .expect("a commit");
            }
        }
    }
    assert_eq!(planted, 1, "one file has the row");
}

fn site() -> Site {
    let site = after_one_run("", NOON);
    add_sending(&site, "late", &late_rows());
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    site
}

#[test]
fn tables_that_are_right_are_equal() {
    let site = site();
    let before = content(&site.output());
    let found = verify(&site, &[]).expect_status(0);
    assert!(
        found.stdout.contains("delivery_kpi_hourly: no row differs"),
        "{}",
        found.text()
    );
    let found = verify(&site, &["--json"]).expect_status(0).data();
    assert_eq!(found["differs"], false, "{found}");
    assert_eq!(content(&site.output()), before, "nothing is written");
    // As of the newest run, whatever the job says.
    run(&site, "", NINE + 10 * HOUR, &[]);
    site.run_job("", &["--as-of", &typed(NOON), "--dry-run"]);
    verify(&site, &[]).expect_status(0);
}

#[test]
fn a_wrong_hour_is_told_with_both_values() {
    let site = site();
    plant(
        &site,
        "delivery_kpi_hourly",
        "opens_tracked",
        1,
        Some(NINE + HOUR),
    );
    let found = verify(&site, &[]).expect_status(1);
    let line = found
        .stdout
        .lines()
        .find(|line| line.starts_with("differs"));
    let line = line.unwrap_or_else(|| panic!("{}", found.text()));
    for part in ["1", "2026-03-02", "10:00", "opens_tracked 2 → 1"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let found = verify(&site, &["--json"]).expect_status(1).data();
    assert_eq!(found["differs"], true);
    let rows = found["delivery_kpi_hourly"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{found}");
    assert_eq!(rows[0]["delivery_id"], 1, "{found}");
    assert!(rows[0].to_string().contains("opens_tracked"), "{found}");
    assert!(
        rows[0]["hour"]
            .as_str()
            .is_some_and(|hour| hour.starts_with("2026-03-02T10:00"))
    );
}

#[test]
fn a_wrong_delivery_is_told() {
    let site = site();
    plant(&site, "delivery_kpi", "processed", 2, None);
    let found = verify(&site, &[]).expect_status(1);
    assert!(found.stdout.contains("processed 3 → 2"), "{}", found.text());
}

/// A run after that builds on the wrong value, unless it is told to read everything.
#[test]
fn a_full_run_repairs_what_differs() {
    let site = site();
    plant(
        &site,
        "delivery_kpi_hourly",
        "opens_tracked",
        1,
        Some(NINE + HOUR),
    );
    verify(&site, &[]).expect_status(1);
    run(&site, "", NOON, &["--full"]);
    verify(&site, &[]).expect_status(0);
}

#[test]
fn rows_that_are_not_published_yet_differ() {
    let site = site();
    add_sending(&site, "later", &[report(9, 1, "relayed", NINE + MINUTE)]);
    let found = verify(&site, &[]).expect_status(1);
    assert!(found.stdout.contains("only in NEW"), "{}", found.text());
    run(&site, "", NOON, &[]);
    verify(&site, &[]).expect_status(0);
}

/// What a run would do is compared: it keeps the rows of a delivery that has lost a file, or removes them.
#[test]
fn a_delivery_that_the_extracts_do_not_know_differs_where_it_would_go() {
    for (keys, status, said) in [
        (
            "",
            0,
            "not compared, as files with rows of them are gone: 1 delivery",
        ),
        ("on_vanished = \"restate\"\n", 1, "only in OLD"),
    ] {
        let site = site();
        add_sending(&site, "only", &[report(9, 1, "relayed", NINE + MINUTE)]);
        run(&site, keys, NOON, &[]);
        fs::remove_file(site.path("in/sending_log/only.parquet")).expect("a file");
        let found = verify(&site, &[]).expect_status(status).text();
        assert!(found.contains(said), "{found}");
        run(&site, keys, NOON, &[]);
        verify(&site, &[]).expect_status(0);
    }
}

#[test]
fn frozen_deliveries_are_not_compared_and_that_is_said() {
    let site = site();
    for (name, message) in [("x", 201), ("y", 202)] {
        add_sending(&site, name, &[report(2, message, "relayed", NINE)]);
    }
    run(&site, "", NOON, &[]);
    fs::remove_file(site.path("in/sending_log/late.parquet")).expect("a file");
    run(&site, "", NOON, &[]);
    assert_eq!(frozen(&site), ["1"]);
    verify(&site, &[])
        .expect_status(0)
        .says(&["not compared", "1 delivery"]);
}

#[test]
fn without_tables_there_is_nothing_to_verify() {
    let site = Site::new(&two_deliveries());
    site.run_job("", &["--dry-run"]).expect_status(0);
    verify(&site, &[]).expect_status(2).says(&["found none"]);
    assert!(!site.output().exists());
    verify(&site, &["--limit", "1", "--json"]).expect_status(2);
}
