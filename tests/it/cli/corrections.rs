//! Extracts that were written again: rows are replaced, hours go, and the rest stays as it was.

use super::super::delta::newest_run;
use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{
    HOUR, MINUTE, NINE, NOON, Site, assert_five_hours, changes, number, two_deliveries,
};
use super::super::world::Layout;

#[test]
fn a_corrected_extract_replaces_rows_and_takes_hours_away() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let (first, hours) = (newest_run(&site.output())["run_id"].clone(), site.hourly());
    assert_five_hours(&hours);

    // Delivery 1: the click never was, and the hard bounce came an hour earlier. Delivery 2 as before.
    let mut corrected = two_deliveries();
    corrected
        .tracking
        .retain(|row| row.tracking_type.as_deref() != Some("click"));
    corrected.sending[3].event_at = Some(NINE + 20 * MINUTE);
    site.rewrite(&corrected, &Layout::default());
    site.run_to(0, &[]);
    let second = newest_run(&site.output())["run_id"].clone();
    let expected = oracle::expect(&corrected, NOON, Mode::Infer);
    assert_eq!(
        table_differences(&expected, &site.output(), &Layout::default()),
        [""; 0]
    );

    let now = site.hourly();
    let key = |delivery: &str, hour: i64| (delivery.to_owned(), NINE + hour * HOUR);
    assert!(
        !now.contains_key(&key("1", 2)),
        "the hour of the click is gone"
    );
    for hour in 0..2 {
        assert_eq!(now[&key("1", hour)]["run_id"], second);
        assert_eq!(now[&key("2", hour)]["run_id"], first);
        assert_eq!(now[&key("2", hour)], hours[&key("2", hour)]);
    }
    assert_eq!(number(&now[&key("1", 0)], "hard_bounces_delta"), 1);
    assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [0, 2, 1, 0]);
    assert_eq!(changes(&site.output(), "delivery_kpi"), [0, 1, 0, 1]);

    // And back again.
    site.rewrite(&two_deliveries(), &Layout::default());
    site.run_to(0, &[]);
    assert_five_hours(&site.hourly());
    assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [1, 2, 0, 0]);
}

/// A delivery that is still known, and has no row left in a log, has no hour left either.
#[test]
fn a_delivery_may_lose_all_its_hours() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    assert_five_hours(&site.hourly());
    let mut corrected = two_deliveries();
    corrected.sending.retain(|row| row.delivery_id != Some(2));
    corrected.tracking.retain(|row| row.delivery_id != Some(2));
    site.rewrite(&corrected, &Layout::default());
    site.run_to(0, &[]);
    assert!(site.hourly().keys().all(|(delivery, _)| delivery == "1"));
    assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [0, 0, 2, 0]);
    let row = &site.deliveries()["2"];
    assert_eq!(
        (number(row, "processed"), &row["label"]),
        (0, &"Second".into())
    );
    assert!(
        row["delivered_rate"].is_null() && row["first_event_at"].is_null(),
        "{row:?}"
    );
}

/// Deletions and revisions correct as well as extracts that were written again do.
#[test]
fn a_deletion_takes_its_row_away() {
    let mut world = two_deliveries();
    for (row, log_id) in world.tracking.iter_mut().zip(500..) {
        row.log_id = Some(log_id);
    }
    let site = Site::new(&world);
    site.run_to(0, &[]);
    assert_five_hours(&site.hourly());
    let mut deletion = world.tracking[1].clone();
    deletion.revision = Some(1);
    deletion.deleted = Some(true);
    world.tracking.push(deletion);
    site.rewrite(&world, &Layout::default());
    site.run_to(0, &[]);
    assert_eq!(site.hourly().len(), 4);
    assert_eq!(number(&site.deliveries()["1"], "clicks"), 0);
    let expected = oracle::expect(&world, NOON, Mode::Infer);
    assert_eq!(
        table_differences(&expected, &site.output(), &Layout::default()),
        [""; 0]
    );
}

/// A table of one run says of an hour whether as-of cut it; the next run completes it.
#[test]
fn an_hour_that_as_of_cut_is_completed_by_a_later_run() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &["--as-of", "2026-03-02T10:15:00Z"]);
    let key = ("1".to_owned(), NINE + HOUR);
    assert!(!site.hourly().contains_key(&key), "nothing happened yet");
    site.run_to(0, &["--as-of", "2026-03-02T10:25:00Z"]);
    let cut = site.hourly()[&key].clone();
    assert_eq!(
        (&cut["hour_complete"], number(&cut, "opens_tracked")),
        (&false.into(), 0)
    );
    site.run_to(0, &["--as-of", "2026-03-02T11:00:00Z"]);
    let whole = site.hourly()[&key].clone();
    assert_eq!(
        (&whole["hour_complete"], number(&whole, "opens_tracked")),
        (&true.into(), 1)
    );
    assert_ne!(cut["run_id"], whole["run_id"]);
}
