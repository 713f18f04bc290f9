//! Runs for some deliveries, and deliveries that have lost a file.

use super::super::site::{HOUR, NOON};
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
    assert_eq!(frozen(&site).first().map(String::as_str), Some("1"));
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
    assert!(frozen(&site).contains(&"1".to_owned()));
    assert_eq!(rows_of(&site, "1"), kept);
}
