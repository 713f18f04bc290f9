//! What time alone changes: deadlines that pass, rows that were in the future, hours that as-of had cut.

use super::super::site::{HOUR, MINUTE, NINE, NOON, number, report};
use super::super::world::World;
use super::*;

/// Message 21 of delivery 2 is being retried until half past eleven.
fn retried() -> World {
    let mut world = two_deliveries();
    for row in &mut world.deliveries {
        row.started_at = Some(NINE);
        row.validity_end = Some(NINE + 150 * MINUTE);
    }
    world
}

#[test]
fn a_deadline_passes_without_a_new_row() {
    let deadline = NINE + 150 * MINUTE;
    let site = Site::new(&retried());
    run(&site, "", deadline - HOUR, &[]);
    let mut failed = Vec::new();
    for as_of in [
        deadline - 1,
        deadline,
        deadline + 1,
        deadline + HOUR,
        deadline + 9 * HOUR,
    ] {
        run(&site, "", as_of, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_as_fresh(&site, "", as_of);
        failed.push(number(&site.deliveries()["2"], "failed_by_deadline"));
    }
    assert_eq!(failed, [0, 0, 1, 1, 1]);
}

/// Each time the validity is moved, the message turns, and turns back.
#[test]
fn a_deadline_that_is_moved_wakes_the_message_when_it_is_due() {
    let site = Site::new(&retried());
    run(&site, "", NINE + 100 * MINUTE, &[]);
    for (end, as_of) in [
        (110, 105),
        (200, 120),
        (130, 135),
        (300, 140),
        (300, 301),
        (400, 310),
    ] {
        let mut world = retried();
        for row in &mut world.deliveries {
            row.validity_end = Some(NINE + end * MINUTE);
        }
        super::super::world::write_deliveries(
            &site.path("in/deliveries.parquet"),
            &world.deliveries,
            &Layout::default(),
        );
        run(&site, "", NINE + as_of * MINUTE, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_as_fresh(&site, "", NINE + as_of * MINUTE);
        let failed = number(&site.deliveries()["2"], "failed_by_deadline");
        assert_eq!(failed, i64::from(as_of > end), "{end} {as_of}");
    }
}

#[test]
fn rows_of_the_future_count_when_their_time_has_come() {
    let mut world = two_deliveries();
    world
        .sending
        .push(report(3, 91, "relayed", NOON + 30 * MINUTE));
    world
        .sending
        .push(report(3, 91, "delivered", NOON + 40 * MINUTE));
    let site = Site::new(&world);
    run(&site, "", NINE + 1, &[]);
    let steps = [
        9 * MINUTE,
        HOUR,
        70 * MINUTE,
        90 * MINUTE,
        3 * HOUR,
        210 * MINUTE,
        5 * HOUR,
    ];
    for step in steps {
        run(&site, "", NINE + step, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_as_fresh(&site, "", NINE + step);
    }
    assert_eq!(number(&site.deliveries()["3"], "delivered"), 1);
}

/// A row may lie in the hour that as-of cuts, and none comes after it.
#[test]
fn an_hour_that_as_of_had_cut_is_completed() {
    let site = Site::new(&two_deliveries());
    run(&site, "", NINE + 75 * MINUTE, &[]);
    let rows = site.hourly();
    let cut = &rows[&("2".to_owned(), NINE + HOUR)];
    assert_eq!(cut["hour_complete"], false);
    // Still cut, then whole; then long after.
    for step in [105, 110, 119, 120, 121, 600] {
        run(&site, "", NINE + step * MINUTE, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_as_fresh(&site, "", NINE + step * MINUTE);
    }
}

/// As-of stands still or goes on over days in which nothing happens.
#[test]
fn long_breaks_between_runs_are_nothing_special() {
    let site = Site::new(&retried());
    for step in [1, 2, 2, 3, 50, 50, 90, 24 * 30] {
        run(&site, "", NINE + step * HOUR, &[]);
        assert_as_fresh(&site, "", NINE + step * HOUR);
    }
    assert_eq!(mode(&site), "incremental");
}
