//! The deliveries extract says something else than before, and no row of a log is new.

use super::super::site::{HOUR, MINUTE, NINE, NOON, delivery, number};
use super::super::world::{DeliveryRow, World, write_deliveries};
use super::*;

fn world() -> World {
    let mut world = two_deliveries();
    for row in &mut world.deliveries {
        row.started_at = Some(NINE);
        row.validity_end = Some(NINE + 40 * HOUR);
        row.to_deliver = Some(4);
    }
    world
}

fn put(site: &Site, rows: &[DeliveryRow]) {
    let path = site.path("in/deliveries.parquet");
    write_deliveries(&path, rows, &Layout::default());
}

#[test]
fn each_attribute_is_followed_and_taken_back() {
    type Change = fn(&mut DeliveryRow);
    let changes: [(&str, Change); 9] = [
        ("efs", |row| row.efs = Some(true)),
        ("efs, false", |row| row.efs = Some(false)),
        ("validity_end", |row| {
            row.validity_end = Some(NINE + 75 * MINUTE)
        }),
        ("no validity_end", |row| row.validity_end = None),
        ("to_deliver", |row| row.to_deliver = Some(9)),
        ("no to_deliver", |row| row.to_deliver = None),
        ("label", |row| row.label = Some("Another".to_owned())),
        ("channel", |row| row.channel = Some("sms".to_owned())),
        ("started_at", |row| row.started_at = Some(NINE - 50 * HOUR)),
    ];
    let site = Site::new(&world());
    run(&site, "", NOON, &[]);
    let first = tables(&site);
    for (name, change) in changes {
        let mut rows = world().deliveries;
        change(&mut rows[1]);
        put(&site, &rows);
        let outcome = run(&site, "", NOON, &["--log-format", "json"]);
        assert_eq!(mode(&site), "incremental", "{name}");
        let followed = outcome.json()["followed"].clone();
        assert_eq!(followed[0]["delivery_id"], "2", "{name}: {followed}");
        assert_eq!(followed[0]["reasons"], "attributes", "{name}: {followed}");
        assert_eq!(
            followed.as_array().map(Vec::len),
            Some(1),
            "{name}: {followed}"
        );
        assert_as_fresh(&site, "", NOON);
        put(&site, &world().deliveries);
        run(&site, "", NOON, &[]);
        assert_eq!(tables(&site), first, "{name}");
    }
}

#[test]
fn a_delivery_may_appear_in_the_extract_and_go_again() {
    let site = Site::new(&world());
    run(&site, "", NOON, &[]);
    let mut rows = world().deliveries;
    rows.push(delivery(3, "Third"));
    rows.remove(0);
    put(&site, &rows);
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
    assert!(site.deliveries()["1"]["label"].is_null());
    assert_eq!(number(&site.deliveries()["3"], "processed"), 0);
    put(&site, &world().deliveries);
    run(&site, "", NOON, &[]);
    let rows = tables(&site);
    let of_fresh = fresh(&site, "", NOON).0;
    assert_eq!(rows.1["1"], of_fresh.1["1"]);
    assert_eq!(rows.0, of_fresh.0);
    // No row at all, and no file.
    fs::remove_file(site.path("in/deliveries.parquet")).expect("a file");
    run(&site, "", NOON, &[]);
    let rows = tables(&site);
    let of_fresh = fresh(&site, "", NOON).0;
    assert_eq!(rows.0, of_fresh.0);
    assert_eq!(
        (&rows.1["1"], &rows.1["2"]),
        (&of_fresh.1["1"], &of_fresh.1["2"])
    );
}

/// An attribute changes in the run that brings a late row, moves as-of on and takes a file away.
#[test]
fn everything_at_once() {
    let keys = "on_vanished = \"restate\"\n";
    let site = Site::new(&world());
    add_sending(&site, "second", &late_rows());
    add_sending(
        &site,
        "third",
        &[super::super::site::report(2, 88, "relayed", NINE + 2)],
    );
    run(&site, keys, NINE + 75 * MINUTE, &[]);
    let mut rows = world().deliveries;
    (rows[0].efs, rows[1].validity_end) = (Some(true), Some(NINE + 100 * MINUTE));
    put(&site, &rows);
    fs::remove_file(site.path("in/sending_log/third.parquet")).expect("a file");
    add_tracking(
        &site,
        "fourth",
        &[super::super::site::tracked(1, 31, "open", NINE + 9)],
    );
    run(&site, keys, NOON + MINUTE, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, keys, NOON + MINUTE);
}
