//! Runs for some deliveries, and deliveries that have lost a file.

use super::super::site::{HOUR, MINUTE, NINE, NOON, report};
use super::retention::{FREEZE, lose, more, rows_of, site};
use super::*;

/// A run for one delivery leaves frozen ones as they are, also where it is asked for one of them.
#[test]
fn a_run_for_some_deliveries_does_not_end_it() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let kept = rows_of(&site, "1");
    lose(&site);
    run(&site, FREEZE, NOON, &[]);
    more(&site, "late", 301);
    for only in ["1", "2"] {
        run(&site, FREEZE, NOON, &["--delivery", only]);
        assert_eq!(rows_of(&site, "1"), kept, "{only}");
        assert_eq!(frozen(&site), ["1"], "{only}");
    }
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(rows_of(&site, "1"), kept);
    assert_eq!(frozen(&site), ["1"]);
    run(
        &site,
        FREEZE,
        NOON + HOUR,
        &["--delivery", "1", "--thaw", "1"],
    );
    assert!(frozen(&site).is_empty());
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_as_fresh(&site, "", NOON + HOUR);
}

/// The file goes after a run for another delivery, which knows nothing of its rows.
#[test]
fn a_file_that_goes_after_a_run_for_another_delivery_freezes_all_the_same() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let kept = rows_of(&site, "1");
    run(&site, FREEZE, NOON, &["--delivery", "2"]);
    lose(&site);
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(frozen(&site), ["1"]);
    assert_eq!(rows_of(&site, "1"), kept);
}

/// The file goes, and the next run is for another delivery.
#[test]
fn a_file_that_goes_before_a_run_for_another_delivery_freezes_all_the_same() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let kept = rows_of(&site, "1");
    lose(&site);
    run(&site, FREEZE, NOON, &["--delivery", "2"]);
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(frozen(&site), ["1"]);
    assert_eq!(rows_of(&site, "1"), kept);
}

/// A run for delivery 1 reads a file of the sending log with these rows, among them one of its own, and then
/// the file goes: the next run keeps what was published.
#[track_caller]
fn assert_freezes_what_a_run_for_one_has_read(name: &str, rows: &[SendingRow]) {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let file = add_sending(&site, name, rows);
    run(&site, FREEZE, NOON, &["--delivery", "1"]);
    let kept = rows_of(&site, "1");
    fs::remove_file(file).expect("the file");
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(frozen(&site), ["1", "2"]);
    assert_eq!(rows_of(&site, "1"), kept);
}

/// The file comes and goes between two runs of all deliveries: only a run for one has seen it.
#[test]
fn a_file_that_only_a_run_for_one_delivery_has_read_freezes_too() {
    let only_1 = [report(1, 301, "relayed", NINE + 3 * MINUTE)];
    assert_freezes_what_a_run_for_one_has_read("brief", &only_1);
}

/// The state of the last run of all does not know what is in a file that only a run for one delivery has read
/// since it was written anew.
#[test]
fn a_rewritten_file_that_goes_after_a_run_for_one_delivery_freezes_too() {
    let both = [
        report(2, 201, "relayed", NINE + MINUTE),
        report(1, 301, "relayed", NINE + 3 * MINUTE),
    ];
    assert_freezes_what_a_run_for_one_has_read("x", &both);
}

/// A file that corrects a row of another one goes, and the state is lost: the row would be back.
#[track_caller]
fn assert_freezes_without_a_correction(correct: impl Fn(&mut SendingRow)) {
    let site = site();
    let mut row = report(1, 301, "relayed", NINE + 3 * MINUTE);
    row.log_id = Some(9001);
    add_sending(&site, "rows", std::slice::from_ref(&row));
    row.revision = Some(1);
    correct(&mut row);
    add_sending(&site, "old", &[row]);
    run(&site, FREEZE, NOON, &[]);
    let kept = rows_of(&site, "1");
    lose(&site);
    fs::remove_dir_all(site.output().join("_state")).expect("the state");
    run(&site, FREEZE, NOON + HOUR, &[]);
    assert_eq!(frozen(&site), ["1", "2"]);
    assert_eq!(rows_of(&site, "1"), kept);
}

#[test]
fn a_deletion_that_goes_while_the_state_is_lost_freezes() {
    assert_freezes_without_a_correction(|row| {
        (row.deleted, row.event, row.event_at) = (Some(true), None, None);
    });
}

#[test]
fn a_correction_into_the_future_that_goes_while_the_state_is_lost_freezes() {
    assert_freezes_without_a_correction(|row| row.event_at = Some(NOON + 9 * HOUR));
}

/// What is thawed has to be computed, and who names a delivery that is not frozen is told.
#[test]
fn only_deliveries_of_the_run_can_be_thawed() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    lose(&site);
    run(&site, FREEZE, NOON, &[]);
    assert_eq!(frozen(&site), ["1"]);
    let as_of = typed(NOON);
    let flags = ["--as-of", &as_of, "--delivery", "2", "--thaw", "1"];
    let refused = site.run_job(FREEZE, &flags).expect_status(2);
    refused.says(&["--thaw", "one of those of --delivery"]);
    let time = ["2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"];
    let interval = ["--event-time-start", time[0], "--event-time-end", time[1]];
    let flags = [&["--as-of", &as_of, "--thaw", "1"], &interval[..]].concat();
    site.run_job(FREEZE, &flags)
        .expect_status(2)
        .says(&["--thaw"]);
    assert_eq!(frozen(&site), ["1"]);
    let told = run(&site, FREEZE, NOON, &["--thaw", "1", "2", "77"]);
    told.says(&["--thaw: the last run had computed 2 of these deliveries like any other"]);
    assert!(frozen(&site).is_empty());
}
