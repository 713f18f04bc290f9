//! Logs expire, KPIs must not: what becomes of deliveries that have lost a file.

use super::super::delta::newest_run;
use super::super::site::{HOUR, MINUTE, NINE, NOON, number, report, tracked};
use super::*;

pub const FREEZE: &str = "";
pub const RESTATE: &str = "on_vanished = \"restate\"\n";

/// Delivery 1 has rows in `old` besides others, delivery 2 has none there. Several more files, so that one
/// of them is not half.
pub fn site() -> Site {
    let site = Site::new(&two_deliveries());
    add_sending(&site, "old", &late_rows());
    for (name, message) in [("x", 201), ("y", 202)] {
        add_sending(&site, name, &[report(2, message, "relayed", NINE + MINUTE)]);
    }
    site
}

pub fn lose(site: &Site) {
    fs::remove_file(site.path("in/sending_log/old.parquet")).expect("the old file");
}

fn of_delivery(tables: &Tables, id: &str) -> Tables {
    let (mut hours, mut rows) = tables.clone();
    hours.retain(|(delivery, _), _| delivery == id);
    rows.retain(|delivery, _| delivery == id);
    (hours, rows)
}

/// The rows of a delivery with `run_id`, and all else.
pub fn rows_of(site: &Site, id: &str) -> (Vec<Row>, Row) {
    let hours = site.hourly().into_iter().filter(|((of, _), _)| of == id);
    (
        hours.map(|(_, row)| row).collect(),
        site.deliveries()[id].clone(),
    )
}

fn rows(site: &Site, fate: &str) -> i64 {
    let run = newest_run(&site.output());
    let logs = run["logs"].as_array().expect("logs").clone();
    let number = |log: &Value, name: &str| log[name].as_i64().expect("a number");
    for of in [&logs, run["files"].as_array().expect("files")] {
        for one in of {
            let parts = [
                "counted",
                "duplicate",
                "superseded",
                "deleted",
                "future",
                "frozen",
                "rejected",
            ];
            let sum: i64 = parts
                .iter()
                .map(|part| number(one, &format!("rows_{part}")))
                .sum();
            assert_eq!(number(one, "rows_read"), sum, "{one}");
            assert!(
                parts
                    .iter()
                    .all(|part| number(one, &format!("rows_{part}")) >= 0),
                "{one}"
            );
        }
    }
    logs.iter().map(|log| number(log, fate)).sum()
}

/// Late rows of both deliveries.
pub fn more(site: &Site, name: &str, message: i64) {
    add_sending(
        site,
        name,
        &[
            report(1, message, "relayed", NINE + 3 * MINUTE),
            report(2, message, "relayed", NINE + 3 * MINUTE),
        ],
    );
}

#[test]
fn published_rows_stay_in_all_later_runs() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let kept = rows_of(&site, "1");
    lose(&site);
    let outcome = run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(mode(&site), "incremental");
    outcome.says(&[
        "1 file vanished",
        "1 delivery (1 of them since this run) keep",
    ]);
    assert_eq!(frozen(&site), ["1"]);
    assert_eq!(
        rows_of(&site, "1"),
        kept,
        "byte for byte, as-of and run_id too"
    );
    // What is left of delivery 1: 7 rows of the first files.
    assert_eq!(rows(&site, "rows_frozen"), 6);
    more(&site, "late", 301);
    run(&site, FREEZE, NOON + 2 * HOUR, &[]);
    assert_eq!(frozen(&site), ["1"]);
    assert_eq!(rows_of(&site, "1"), kept);
    assert_eq!(rows(&site, "rows_frozen"), 7);
    let now = of_delivery(&tables(&site), "2");
    assert_eq!(now, of_delivery(&fresh(&site, "", NOON + 2 * HOUR).0, "2"));
    // The state is lost, some time later.
    for lost in [false, true, false] {
        if lost {
            fs::remove_dir_all(site.output().join("_state")).expect("the state");
        }
        run(&site, FREEZE, NOON + 3 * HOUR, &[]);
        assert_eq!(mode(&site), if lost { "full" } else { "incremental" });
        assert_eq!(frozen(&site), ["1"]);
        assert_eq!(rows_of(&site, "1"), kept);
        assert_eq!(rows(&site, "rows_frozen"), 7);
        let now = of_delivery(&tables(&site), "2");
        assert_eq!(now, of_delivery(&fresh(&site, "", NOON + 3 * HOUR).0, "2"));
    }
    // Other attributes, another meaning.
    let mut world = two_deliveries();
    world.deliveries[0].label = Some("Other".to_owned());
    world.deliveries[0].efs = Some(true);
    super::super::world::write_deliveries(
        &site.path("in/deliveries.parquet"),
        &world.deliveries,
        &Layout::default(),
    );
    run(&site, FREEZE, NOON + 3 * HOUR, &[]);
    assert_eq!(rows_of(&site, "1"), kept);
    run(
        &site,
        "[defaults]\nvalidity_hours = 2\n",
        NOON + 4 * HOUR,
        &[],
    );
    assert_eq!(rows_of(&site, "1"), kept);
    assert_eq!(frozen(&site), ["1"]);
}

#[test]
fn thawing_computes_from_what_is_left_and_ends_it() {
    for lost in [false, true] {
        let site = site();
        run(&site, FREEZE, NOON, &[]);
        lose(&site);
        run(&site, FREEZE, NOON, &[]);
        more(&site, "late", 301);
        run(&site, FREEZE, NOON, &[]);
        if lost {
            fs::remove_dir_all(site.output().join("_state")).expect("the state");
        }
        let outcome = run(&site, FREEZE, NOON + HOUR, &["--thaw", "1"]);
        assert_eq!(mode(&site), if lost { "full" } else { "incremental" });
        assert!(
            !outcome.stderr.contains("keep their published rows"),
            "{}",
            outcome.text()
        );
        assert!(frozen(&site).is_empty());
        assert_eq!(rows(&site, "rows_frozen"), 0);
        assert_as_fresh(&site, "", NOON + HOUR);
        more(&site, "later", 302);
        run(&site, FREEZE, NOON + 2 * HOUR, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_as_fresh(&site, "", NOON + 2 * HOUR);
    }
}

/// In the run in which the file is gone, it can be thawed as well.
#[test]
fn thawing_at_once_is_restating_one_delivery() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    lose(&site);
    run(&site, FREEZE, NOON, &["--thaw", "1"]);
    assert!(frozen(&site).is_empty());
    assert_as_fresh(&site, "", NOON);
}

/// A file that comes back does not end it alone.
#[test]
fn a_file_that_comes_back_counts_when_it_is_thawed() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let kept = rows_of(&site, "1");
    lose(&site);
    run(&site, FREEZE, NOON, &[]);
    add_sending(&site, "old", &late_rows());
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(rows_of(&site, "1"), kept);
    assert_eq!(rows(&site, "rows_frozen"), 9);
    run(&site, FREEZE, NOON + HOUR, &["--thaw", "1"]);
    assert_as_fresh(&site, "", NOON + HOUR);
}

#[test]
fn restating_takes_the_rows_away() {
    let site = site();
    run(&site, RESTATE, NOON, &[]);
    lose(&site);
    run(&site, RESTATE, NOON, &[]).says(&["1 file vanished"]);
    assert_eq!(mode(&site), "incremental");
    assert!(frozen(&site).is_empty());
    assert_eq!(number(&site.deliveries()["1"], "processed"), 2);
    assert_as_fresh(&site, "", NOON);
}

#[test]
fn failing_names_the_file_and_publishes_nothing() {
    let keys = "on_vanished = \"fail\"\n";
    let site = site();
    run(&site, keys, NOON, &[]);
    lose(&site);
    for lost in [false, true] {
        if lost {
            fs::remove_dir_all(site.output().join("_state")).expect("the state");
        }
        let before = newest_run(&site.output());
        let outcome = site.run_job(keys, &["--as-of", &typed(NOON)]);
        outcome
            .expect_status(1)
            .says(&["old.parquet", "on_vanished"]);
        assert_eq!(newest_run(&site.output()), before);
    }
    // A file under another name is not gone.
    add_sending(&site, "old", &late_rows());
    run(&site, keys, NOON, &[]);
    fs::rename(
        site.path("in/sending_log/old.parquet"),
        site.path("in/sending_log/renamed.parquet"),
    )
    .expect("another name");
    run(&site, keys, NOON, &[]);
}

#[test]
fn half_of_the_files_are_not_given_up_unasked() {
    for keys in [FREEZE, RESTATE] {
        for lost in [false, true] {
            let site = site();
            run(&site, keys, NOON, &[]);
            let before = newest_run(&site.output());
            let published = tables(&site);
            lose(&site);
            fs::remove_file(site.path("in/sending_log/x.parquet")).expect("another file");
            if lost {
                fs::remove_dir_all(site.output().join("_state")).expect("the state");
            }
            let outcome = site.run_job(keys, &["--as-of", &typed(NOON)]);
            outcome.expect_status(1).says(&[
                "sending_log",
                "2 of the 4 files",
                "--accept-shrinkage",
            ]);
            assert_eq!(newest_run(&site.output()), before);
            run(&site, keys, NOON, &["--accept-shrinkage"]);
            if keys == RESTATE {
                assert_as_fresh(&site, "", NOON);
            } else {
                assert_eq!(frozen(&site), ["1", "2"]);
                assert_eq!(tables(&site), published);
            }
            // It is said once.
            run(&site, keys, NOON, &[]);
        }
    }
}

/// A whole log is not there.
#[test]
fn a_directory_that_is_missing_is_refused() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let before = newest_run(&site.output());
    let (log, away) = (site.path("in/tracking_log"), site.path("away"));
    fs::rename(&log, &away).expect("it goes");
    // The job names it no longer.
    let outcome = site.run_job(FREEZE, &["--as-of", &typed(NOON)]);
    outcome
        .expect_status(1)
        .says(&["tracking_log", "--accept-shrinkage"]);
    // It is empty.
    fs::create_dir(&log).expect("an empty directory");
    let outcome = site.run_job(FREEZE, &["--as-of", &typed(NOON)]);
    outcome
        .expect_status(1)
        .says(&["tracking_log", "--accept-shrinkage"]);
    assert_eq!(newest_run(&site.output()), before);
    fs::remove_dir(&log).expect("the empty directory");
    fs::rename(&away, &log).expect("it comes back");
    run(&site, FREEZE, NOON, &[]);
    assert!(frozen(&site).is_empty());
    assert_as_fresh(&site, "", NOON);
}

/// Nothing is left of the delivery but what was published.
#[test]
fn a_delivery_of_which_all_is_gone_keeps_its_rows() {
    let site = Site::new(&two_deliveries());
    add_sending(&site, "only", &[report(7, 1, "relayed", NINE)]);
    for (name, message) in [("x", 201), ("y", 202)] {
        add_sending(&site, name, &[report(2, message, "relayed", NINE + MINUTE)]);
    }
    run(&site, FREEZE, NOON, &[]);
    let kept = rows_of(&site, "7");
    fs::remove_file(site.path("in/sending_log/only.parquet")).expect("a file");
    for _ in 0..2 {
        run(&site, FREEZE, NOON + HOUR, &[]);
        assert_eq!(rows_of(&site, "7"), kept);
        assert_eq!(frozen(&site), ["7"]);
    }
    add_tracking(&site, "late", &[tracked(7, 1, "open", NINE + MINUTE)]);
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(rows_of(&site, "7"), kept);
    assert_eq!(rows(&site, "rows_frozen"), 1);
    run(&site, FREEZE, NOON + HOUR, &["--thaw", "7"]);
    assert_as_fresh(&site, "", NOON + HOUR);
}

#[test]
fn integers_and_texts_are_thawed_as_they_are_written() {
    let site = Site::laid_out(
        &two_deliveries(),
        &Layout {
            string_ids: true,
            files: 3,
            ..Layout::default()
        },
    );
    run(&site, FREEZE, NOON, &[]);
    let before = site.deliveries();
    fs::remove_file(site.path("in/sending_log/part-000.parquet")).expect("a file");
    run(&site, FREEZE, NOON, &[]);
    assert_eq!(frozen(&site), ["d-1"]);
    assert_eq!(site.deliveries()["d-1"], before["d-1"]);
    run(&site, FREEZE, NOON, &["--thaw", "d-1", "d-2"]);
    assert!(frozen(&site).is_empty());
    assert_as_fresh(&site, "", NOON);
}
