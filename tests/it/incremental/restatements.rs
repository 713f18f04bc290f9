//! `kpi_restatement`: hours that had ended and changed after all.

use std::collections::BTreeSet;

use super::super::delta::committed_versions;
use super::super::publishing::undo_commit;
use super::super::site::{HOUR, MINUTE, NINE, NOON, number, report, tracked};
use super::*;

const KEYS: &str = "restatements = true\n";

/// The new rows of the table after a step.
fn step(site: &Site, keys: &str, as_of: i64, flags: &[&str]) -> Vec<Row> {
    let before = restatements(site).len();
    run(site, keys, as_of, flags);
    let run_id = super::super::delta::newest_run(&site.output())["run_id"].clone();
    let rows = restatements(site);
    let new: Vec<Row> = rows
        .iter()
        .filter(|row| row["run_id"] == run_id)
        .cloned()
        .collect();
    assert_eq!(rows.len(), before + new.len(), "rows are only added");
    for row in &new {
        assert_eq!(number(row, "as_of"), as_of);
    }
    new
}

fn keys_of(rows: &[Row]) -> BTreeSet<(i64, i64)> {
    let key = |row: &Row| {
        (
            number(row, "delivery_id"),
            (number(row, "hour") - NINE) / HOUR,
        )
    };
    rows.iter().map(key).collect()
}

#[track_caller]
fn assert_cause(rows: &[Row], cause: &str) {
    assert!(!rows.is_empty(), "there are rows");
    for row in rows {
        assert_eq!(row["cause"], cause, "{row:?}");
    }
}

/// Each change with the value that was published and the one that is, and all that differ.
#[track_caller]
fn assert_values(rows: &[Row], before: &Tables, after: &Tables) {
    for row in rows {
        let key = (number(row, "delivery_id").to_string(), number(row, "hour"));
        let (old, new) = (before.0.get(&key), after.0.get(&key));
        let value = |of: Option<&Row>, name: &str| of.and_then(|row| row.get(name)?.as_f64());
        let changes = row["changes"].as_array().expect("a list");
        let mut told = BTreeSet::new();
        for change in changes {
            let name = change["kpi"].as_str().expect("a name");
            told.insert(name.to_owned());
            assert_eq!(change["old"].as_f64(), value(old, name), "{key:?} {name}");
            assert_eq!(change["new"].as_f64(), value(new, name), "{key:?} {name}");
            assert_ne!(change["old"], change["new"], "{key:?} {name}");
        }
        let columns = old.or(new).expect("a row").iter();
        for (name, cell) in
            columns.filter(|(name, _)| !["delivery_id", "hour"].contains(&name.as_str()))
        {
            let differs = value(old, name) != value(new, name);
            assert_eq!(differs, told.contains(name), "{key:?} {name} {cell}");
        }
    }
}

fn first() -> Site {
    let site = Site::new(&two_deliveries());
    run(&site, KEYS, NINE + 100 * MINUTE, &[]);
    assert!(
        restatements(&site).is_empty(),
        "nothing was published before"
    );
    site
}

#[test]
fn a_late_row_restates_the_hours_that_had_ended() {
    let site = first();
    let before = tables(&site);
    // At 10:40, the hour of 10 has not ended, and has changed since; that of 9 is over.
    add_sending(&site, "late", &late_rows());
    let rows = step(&site, KEYS, NOON, &[]);
    assert_eq!(keys_of(&rows), BTreeSet::from([(1, 0)]));
    assert_cause(&rows, "late row");
    assert_values(&rows, &before, &tables(&site));
    // Now all of them are.
    let before = tables(&site);
    add_sending(&site, "later", &[report(2, 77, "relayed", NINE)]);
    let rows = step(&site, KEYS, NOON, &[]);
    assert_eq!(keys_of(&rows), BTreeSet::from([(2, 0), (2, 1)]));
    assert_values(&rows, &before, &tables(&site));
    // An hour that had no row.
    let before = tables(&site);
    add_tracking(
        &site,
        "later",
        &[tracked(2, 77, "open", NINE + 125 * MINUTE)],
    );
    let rows = step(&site, KEYS, NOON, &[]);
    assert_eq!(keys_of(&rows), BTreeSet::from([(2, 2)]));
    assert_cause(&rows, "late row");
    assert_values(&rows, &before, &tables(&site));
    assert!(
        step(&site, KEYS, NOON + HOUR, &[]).is_empty(),
        "nothing new, nothing restated"
    );
}

/// What comes in time is no restatement, also where rows that were in the future come in.
#[test]
fn the_newest_hours_are_not_restated() {
    let site = first();
    add_sending(
        &site,
        "in_time",
        &[report(1, 81, "relayed", NINE + 70 * MINUTE)],
    );
    assert!(step(&site, KEYS, NOON, &[]).is_empty());
    add_sending(&site, "newest", &[report(1, 82, "relayed", NOON + MINUTE)]);
    assert!(step(&site, KEYS, NOON + HOUR, &[]).is_empty());
    // The hour ends at the as-of of the run before: it is over.
    add_sending(
        &site,
        "late",
        &[report(1, 83, "relayed", NOON + 2 * MINUTE)],
    );
    let rows = step(&site, KEYS, NOON + 2 * HOUR, &[]);
    assert_eq!(keys_of(&rows), BTreeSet::from([(1, 3)]));
}

#[test]
fn a_correction_a_replaced_file_an_attribute_and_another_meaning_are_told_apart() {
    let mut world = two_deliveries();
    for (row, log_id) in world.sending.iter_mut().zip(100..) {
        row.log_id = Some(log_id);
    }
    let site = Site::new(&world);
    run(&site, KEYS, NOON, &[]);
    let before = tables(&site);
    let mut corrected = world.sending[3].clone();
    (corrected.revision, corrected.deleted) = (Some(1), Some(true));
    add_sending(&site, "correction", &[corrected]);
    let rows = step(&site, KEYS, NOON, &[]);
    assert_cause(&rows, "correction");
    assert_values(&rows, &before, &tables(&site));

    let path = add_sending(&site, "other", &[report(2, 90, "relayed", NINE)]);
    step(&site, KEYS, NOON, &[]);
    let before = tables(&site);
    fs::remove_file(&path).expect("the file");
    add_sending(
        &site,
        "other",
        &[
            report(2, 90, "relayed", NINE),
            report(2, 91, "relayed", NINE),
        ],
    );
    let rows = step(&site, KEYS, NOON, &[]);
    assert_cause(&rows, "replaced file");
    assert_eq!(keys_of(&rows), BTreeSet::from([(2, 0), (2, 1)]));
    assert_values(&rows, &before, &tables(&site));

    let before = tables(&site);
    world.deliveries[1].efs = Some(true);
    world.deliveries[1].to_deliver = Some(50);
    super::super::world::write_deliveries(
        &site.path("in/deliveries.parquet"),
        &world.deliveries,
        &Layout::default(),
    );
    let rows = step(&site, KEYS, NOON, &[]);
    assert_cause(&rows, "attribute");
    assert!(keys_of(&rows).iter().all(|(delivery, _)| *delivery == 2));
    assert_values(&rows, &before, &tables(&site));

    let before = tables(&site);
    let rows = step(
        &site,
        "restatements = true\n[defaults]\nefs = true\n",
        NOON,
        &[],
    );
    assert_cause(&rows, "meaning");
    assert_values(&rows, &before, &tables(&site));

    let before = tables(&site);
    add_sending(&site, "more", &[report(1, 93, "relayed", NINE)]);
    let keys = "restatements = true\n[defaults]\nefs = true\n";
    let rows = step(&site, keys, NOON, &["--full"]);
    assert_cause(&rows, "full");
    assert_values(&rows, &before, &tables(&site));
}

#[test]
fn what_is_thawed_or_has_vanished_is_restated() {
    let site = Site::new(&two_deliveries());
    for (name, message) in [("x", 201), ("y", 202), ("z", 203)] {
        add_sending(&site, name, &[report(2, message, "relayed", NINE)]);
    }
    add_sending(&site, "old", &late_rows());
    run(&site, KEYS, NOON, &[]);
    let before = tables(&site);
    fs::remove_file(site.path("in/sending_log/old.parquet")).expect("a file");
    assert!(step(&site, KEYS, NOON, &[]).is_empty(), "frozen");
    let rows = step(&site, KEYS, NOON, &["--thaw", "1"]);
    assert_cause(&rows, "thawed");
    assert_eq!(keys_of(&rows), BTreeSet::from([(1, 0), (1, 1), (1, 2)]));
    assert_values(&rows, &before, &tables(&site));
    let before = tables(&site);
    fs::remove_file(site.path("in/sending_log/z.parquet")).expect("a file");
    let keys = "restatements = true\non_vanished = \"restate\"\n";
    let rows = step(&site, keys, NOON, &[]);
    assert_cause(&rows, "replaced file");
    assert_values(&rows, &before, &tables(&site));
}

/// A deadline that passes in time is news of its own hour; it restates none.
#[test]
fn time_restates_nothing() {
    let mut world = two_deliveries();
    for row in &mut world.deliveries {
        (row.started_at, row.validity_end) = (Some(NINE), Some(NINE + 150 * MINUTE));
    }
    let site = Site::new(&world);
    run(&site, KEYS, NINE + 20 * MINUTE, &[]);
    for step_to in [40, 60, 61, 110, 120, 149, 151, 180, 500] {
        let rows = step(&site, KEYS, NINE + step_to * MINUTE, &[]);
        assert!(rows.is_empty(), "{step_to}: {rows:?}");
        assert_eq!(mode(&site), "incremental");
    }
    assert_eq!(number(&site.deliveries()["2"], "failed_by_deadline"), 1);
}

#[test]
fn without_the_key_nothing_is_recorded() {
    let site = after_one_run("", NOON);
    add_sending(&site, "late", &late_rows());
    run(&site, "", NOON, &[]);
    assert!(!site.output().join("kpi_restatement").exists());
    assert!(!committed_versions(&site.output()).contains_key("kpi_restatement"));
    run(&site, KEYS, NOON, &[]);
    assert_eq!(
        mode(&site),
        "incremental",
        "the key is not part of the meaning"
    );
    assert!(restatements(&site).is_empty());
    add_sending(&site, "later", &[report(2, 77, "relayed", NINE)]);
    let rows = step(&site, KEYS, NOON, &[]);
    assert_eq!(rows.len(), 2);
    // Off again: the table stays as it is, and the run names it.
    add_sending(&site, "latest", &[report(2, 78, "relayed", NINE)]);
    run(&site, "", NOON, &[]);
    assert_eq!(restatements(&site), rows);
    add_sending(&site, "once_more", &[report(2, 79, "relayed", NINE)]);
    assert_eq!(step(&site, KEYS, NOON, &[]).len(), 2);
}

#[test]
fn rows_of_a_dead_run_are_undone() {
    let site = first();
    add_sending(&site, "late", &late_rows());
    let rows = step(&site, KEYS, NOON, &[]);
    copy(&site.output(), &site.path("kept"));
    add_sending(&site, "later", &[report(2, 77, "relayed", NINE)]);
    step(&site, KEYS, NOON, &[]);
    let all = |site: &Site| delta::read(&site.output().join("kpi_restatement"), None).len();
    let complete = all(&site);
    undo_commit(&site.output(), "kpi_run");
    assert_eq!(restatements(&site), rows, "readers see the run before");
    assert_eq!(all(&site), complete);
    // The state of the dead run was cleaned into place; the next run finds its own gone and reads all.
    run(&site, KEYS, NOON, &[]);
    assert_eq!(all(&site), complete, "not twice");
    assert_eq!(restatements(&site).len(), complete);
    assert_as_fresh(&site, "", NOON);
    // A run that has nothing to restate undoes them as well.
    undo_commit(&site.output(), "kpi_run");
    fs::remove_file(site.path("in/sending_log/later.parquet")).expect("the file of the dead run");
    run(&site, KEYS, NOON, &[]);
    assert_eq!(all(&site), rows.len());
    assert_eq!(restatements(&site), rows);
}

/// A label decides no KPI: what has changed beside it has its own cause.
#[test]
fn another_label_is_no_cause() {
    let mut world = two_deliveries();
    let site = Site::new(&world);
    run(&site, KEYS, NOON, &[]);
    let put = |world: &super::super::world::World| {
        let path = site.path("in/deliveries.parquet");
        super::super::world::write_deliveries(&path, &world.deliveries, &Layout::default());
    };
    world.deliveries[0].label = Some("Another".to_owned());
    put(&world);
    add_sending(&site, "late", &late_rows());
    assert_cause(&step(&site, KEYS, NOON, &[]), "late row");
    world.deliveries[0].to_deliver = Some(99);
    put(&world);
    add_sending(&site, "later", &[report(1, 77, "relayed", NINE)]);
    assert_cause(&step(&site, KEYS, NOON, &[]), "attribute");
}
