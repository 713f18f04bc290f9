//! Which deliveries a run recomputes: named ones, or those with events in a time. Rows of others stay
//! exactly as they were.

use std::collections::{BTreeMap, BTreeSet};

use super::super::delta::{Row, newest_run};
use super::super::site::{
    HOUR, MINUTE, NINE, Site, assert_five_hours, delivery, number, report, tracked, two_deliveries,
    without_run,
};
use super::super::world::{Layout, World};

/// The rows of one delivery.
fn of(rows: &BTreeMap<(String, i64), Row>, delivery: &str) -> BTreeMap<(String, i64), Row> {
    let mut rows = rows.clone();
    rows.retain(|(id, _), _| id == delivery);
    rows
}

/// [`two_deliveries`] and a third; in the second version every one of them has one more open.
fn three(with_more: bool) -> World {
    let mut world = two_deliveries();
    world.sending.push(report(3, 31, "relayed", NINE + MINUTE));
    if with_more {
        for (delivery, message) in [(1, 11), (2, 22), (3, 31)] {
            let at = NINE + 100 * MINUTE + 1;
            world.tracking.push(tracked(delivery, message, "open", at));
        }
    }
    world
}

#[test]
fn named_deliveries_are_recomputed_and_others_kept() {
    let texts = Layout {
        string_ids: true,
        ..Layout::default()
    };
    for (layout, ids) in [
        (Layout::default(), ["1", "2", "3"]),
        (texts, ["d-1", "d-2", "d-3"]),
    ] {
        let site = Site::laid_out(&three(false), &layout);
        site.run_to(0, &[]);
        let first = newest_run(&site.output())["run_id"].clone();
        let (hours, deliveries) = (site.hourly(), site.deliveries());
        assert_eq!(deliveries.len(), 3);
        site.rewrite(&three(true), &layout);
        site.run_to(0, &["--delivery", ids[0], ids[2]]);
        let run = newest_run(&site.output());
        assert_eq!(run["mode"], "selected");
        let logs = run["logs"].as_array().expect("a list").clone();
        let not_selected: Vec<_> = logs
            .iter()
            .map(|log| log["rows_not_selected"].clone())
            .collect();
        assert_eq!(not_selected, [3, 2, 1], "sending, tracking, deliveries");

        let (now, deliveries_now) = (site.hourly(), site.deliveries());
        assert_eq!(of(&now, ids[1]), of(&hours, ids[1]), "run_id too");
        assert_eq!(deliveries_now[ids[1]], deliveries[ids[1]]);
        assert_eq!(of(&now, ids[1]).len(), 2);
        for id in [ids[0], ids[2]] {
            let row = &now[&(id.to_owned(), NINE + HOUR)];
            assert_eq!(row["run_id"], run["run_id"], "{id}");
            assert_eq!(
                number(row, "opens_tracked_delta"),
                if id == ids[0] { 2 } else { 1 }
            );
            // The hour before is recomputed, and is the same.
            assert_eq!(now[&(id.to_owned(), NINE)]["run_id"], first, "{id}");
        }
        // Every flag of its own names more of them.
        site.run_to(0, &["--delivery", ids[1], "--delivery", ids[0]]);
        let opens = number(&site.deliveries()[ids[1]], "opens_tracked");
        assert_eq!(opens, 2);
    }
}

/// A number that is not in the extracts is told, and the others are recomputed.
#[test]
fn an_unknown_delivery_among_known_ones_is_told() {
    let site = Site::new(&two_deliveries());
    let unknown = "-9223372036854775808";
    site.run_to(0, &["--delivery=1", &format!("--delivery={unknown}")])
        .says(&["not in the extracts", unknown]);
    assert_eq!(site.deliveries().keys().collect::<Vec<_>>(), ["1"]);
}

#[test]
fn deliveries_that_the_extracts_no_longer_know_keep_their_rows_but_in_a_run_of_all() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let (hours, deliveries) = (site.hourly(), site.deliveries());
    assert_five_hours(&hours);
    let mut rest = two_deliveries();
    rest.sending.retain(|row| row.delivery_id == Some(2));
    rest.tracking.retain(|row| row.delivery_id == Some(2));
    rest.deliveries.remove(0);
    rest.tracking
        .push(tracked(2, 22, "click", NINE + 150 * MINUTE));
    site.rewrite(&rest, &Layout::default());
    let later = ["--as-of", "2026-03-02T13:00:00Z"];
    site.run_to(0, &[&later[..], &["--delivery", "2"]].concat());
    assert_eq!(of(&site.hourly(), "1"), of(&hours, "1"));
    assert_eq!(site.deliveries()["1"], deliveries["1"]);
    assert_eq!(of(&site.hourly(), "2").len(), 3);
    site.run_to(1, &later).says(&["1 of the 2 deliveries"]);
    site.run_to(0, &[&later[..], &["--accept-shrinkage"]].concat());
    assert!(of(&site.hourly(), "1").is_empty() && !site.deliveries().contains_key("1"));
    assert_eq!(of(&site.hourly(), "2").len(), 3);
}

/// `[start, end)`: which deliveries a run of this interval recomputes.
fn recomputed(site: &Site, start: &str, end: &str) -> BTreeSet<String> {
    site.run_to(0, &["--event-time-start", start, "--event-time-end", end])
        .says(&["[", start, ", ", end, ")"]);
    let run = newest_run(&site.output());
    assert_eq!(run["mode"], "event_time");
    let of_run = |(_, row): &(String, Row)| row["run_id"] == run["run_id"];
    let rows = site.deliveries().into_iter().filter(of_run);
    rows.map(|(id, _)| id).collect()
}

#[test]
fn deliveries_with_events_in_a_time_are_recomputed_and_others_kept() {
    // One event each that is alone on its border.
    let world = World {
        deliveries: vec![
            delivery(1, "a"),
            delivery(2, "b"),
            delivery(3, "c"),
            delivery(4, "d"),
        ],
        sending: vec![
            report(1, 11, "relayed", NINE),
            report(2, 21, "relayed", NINE + HOUR - 1),
            report(3, 31, "relayed", NINE + HOUR),
        ],
        tracking: vec![tracked(2, 21, "open", NINE + 2 * HOUR)],
    };
    let site = Site::new(&world);
    site.run_to(0, &[]);
    let before = (site.hourly(), site.deliveries());
    assert_eq!(before.1.len(), 4);

    // Another label for each tells which of them are recomputed.
    let cases = [
        (
            "2026-03-02T09:00:00Z",
            "2026-03-02T10:00:00Z",
            &["1", "2"][..],
        ),
        (
            "2026-03-02T09:00:00.000001Z",
            "2026-03-02T10:00:00.000001Z",
            &["2", "3"],
        ),
        ("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", &["3"]),
        ("2026-03-02T11:00:00Z", "2026-03-02T11:00:01Z", &["2"]),
        ("2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z", &[]),
        (
            "2026-03-02T08:00:00Z",
            "2026-03-02T09:00:00.000001Z",
            &["1"],
        ),
    ];
    for (number, (start, end, expected)) in cases.into_iter().enumerate() {
        let mut next = world.clone();
        for row in &mut next.deliveries {
            row.label = Some(format!("label {number}"));
        }
        site.rewrite(&next, &Layout::default());
        let kept = site.deliveries();
        let found = recomputed(&site, start, end);
        assert_eq!(
            found,
            expected.iter().map(|id| (*id).to_owned()).collect(),
            "[{start}, {end})"
        );
        for (id, row) in site.deliveries() {
            assert!(
                found.contains(&id) || row == kept[&id],
                "{id} in [{start}, {end})"
            );
        }
    }
    // The label is in the other table alone: not one hour is another.
    assert_eq!(site.hourly(), before.0);
}

/// The whole delivery is recomputed, not the hours of the interval alone.
#[test]
fn a_backfill_recomputes_whole_deliveries() {
    let site = Site::new(&three(false));
    site.run_to(0, &[]);
    let old = site.hourly();
    site.rewrite(&three(true), &Layout::default());
    site.run_to(
        0,
        &[
            "--event-time-start",
            "2026-03-02T09:30:00Z",
            "--event-time-end",
            "2026-03-02T09:31:00Z",
        ],
    );
    assert_eq!(of(&site.hourly(), "1"), of(&old, "1"));
    assert_eq!(of(&site.hourly(), "3"), of(&old, "3"));
    let whole = Site::new(&three(true));
    whole.run_to(0, &[]);
    let expected = without_run(&of(&whole.hourly(), "2"));
    assert_eq!(without_run(&of(&site.hourly(), "2")), expected);
    assert_ne!(expected, without_run(&of(&old, "2")));
}
