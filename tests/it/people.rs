//! What is counted by person: recurring deliveries by their parent, and new quarantines.

mod lasting;
mod pieces;
mod random;
pub mod worlds;

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Float64Array};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use tempfile::TempDir;

use super::delta::{Row, committed, committed_versions};
use super::oracle::Mode;
use super::run::{PARENTS_TABLE, run_keys};
use super::site::{
    DAY, HOUR, MINUTE, NINE, Site, delivery, number, outcome, read_columns, report, tracked,
    two_deliveries, write_parquet,
};
use super::world::{DeliveryRow, Layout, SendingRow, TrackingRow, World, write_tracking};

const BOTH: &str = "parents = true\n[quarantine]\n";

/// Both deliveries are children of a third, of which nobody knows more.
fn history() -> World {
    let mut world = two_deliveries();
    for row in &mut world.deliveries {
        row.parent_delivery_id = Some(9);
    }
    world
}

fn opened(delivery: i64, message: i64, recipient: i64, at: i64) -> TrackingRow {
    TrackingRow {
        recipient_id: Some(recipient),
        ..tracked(delivery, message, "open", at)
    }
}

/// The rows of the table of parents, `run_id` and all.
fn parents(site: &Site) -> Vec<String> {
    let rows = committed(&site.output(), PARENTS_TABLE).into_iter();
    let mut rows: Vec<String> = rows.map(|row| Value::Object(row).to_string()).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn a_job_has_what_it_asks_for() {
    let site = Site::new(&history());
    let quarantines = |rows: Vec<Row>| -> Vec<Value> {
        let rows = rows.into_iter();
        rows.map(|row| row["new_quarantines"].clone()).collect()
    };
    site.run_job("", &[]).expect_status(0);
    assert!(!site.output().join(PARENTS_TABLE).exists());
    for rows in [
        site.hourly().into_values().collect(),
        committed(&site.output(), "delivery_kpi"),
    ] {
        assert!(quarantines(rows).iter().all(Value::is_null));
    }
    site.run_job("parents = true\n", &[]).expect_status(0);
    let rows = committed(&site.output(), PARENTS_TABLE);
    assert_eq!(rows.len(), 3, "the hours of 9, 10 and 11");
    assert!(quarantines(rows).iter().all(Value::is_null));
    // Message 12 is the only one that bounces hard.
    site.run_job(BOTH, &[]).expect_status(0);
    let found = site.deliveries();
    assert_eq!(number(&found["1"], "new_quarantines"), 1);
    assert_eq!(number(&found["2"], "new_quarantines"), 0);
    let rows = committed(&site.output(), PARENTS_TABLE);
    let sum: i64 = rows
        .iter()
        .map(|row| number(row, "new_quarantines_delta"))
        .sum();
    assert_eq!(sum, 1);
    site.run_job("parents = false\n", &[]).expect_status(0);
    assert!(!committed_versions(&site.output()).contains_key(PARENTS_TABLE));
}

#[test]
fn a_run_of_some_deliveries_leaves_parents_as_they_are() {
    let site = Site::new(&history());
    site.run_job("parents = true\n", &[]).expect_status(0);
    let before = parents(&site);
    let late = opened(1, 11, 7, NINE + 100 * MINUTE);
    let path = site.path("in/tracking_log/late.parquet");
    write_tracking(&path, &[late], &Layout::default());
    let some = [
        &["--delivery", "1"][..],
        &[
            "--event-time-start",
            "2026-03-02T09:00:00Z",
            "--event-time-end",
            "2026-03-02T11:00:00Z",
        ],
    ];
    for flags in some {
        site.run_job("parents = true\n", flags).expect_status(0);
        assert_eq!(number(&site.deliveries()["1"], "opens_tracked"), 2);
        assert_eq!(parents(&site), before, "{flags:?}");
    }
    site.run_job("parents = true\n", &[]).expect_status(0);
    assert_ne!(parents(&site), before);
    let verify = outcome(site.program().args(["verify", "job.toml"])).expect_status(0);
    assert!(verify.stdout.contains(PARENTS_TABLE), "{}", verify.text());
}

/// At one instant the delivery counts whose identifier comes first: numbers by value, texts as texts.
#[test]
fn a_tie_goes_to_the_first_identifier() {
    let bounced = |delivery: i64, event: &str| SendingRow {
        recipient_id: Some(7),
        ..report(delivery, 1, event, NINE)
    };
    let of_deliveries = |site: &Site, ids: [&str; 2]| {
        let rows = site.deliveries();
        ids.map(|id| number(&rows[id], "new_quarantines"))
    };
    for (events, numbers, texts) in [
        (["soft_bounce", "soft_bounce"], [1, 0], [0, 1]),
        (["hard_bounce", "hard_bounce"], [1, 0], [0, 1]),
        // Hard ones come first.
        (["hard_bounce", "soft_bounce"], [1, 0], [1, 0]),
        (["soft_bounce", "hard_bounce"], [0, 1], [0, 1]),
    ] {
        let world = World {
            deliveries: vec![delivery(2, "Second"), delivery(10, "Tenth")],
            sending: vec![bounced(2, events[0]), bounced(10, events[1])],
            ..World::default()
        };
        let keys = "[quarantine]\nsoft_errors = 1\n";
        let site = Site::new(&world);
        site.run_job(keys, &[]).expect_status(0);
        assert_eq!(of_deliveries(&site, ["2", "10"]), numbers, "{events:?}");
        let layout = Layout {
            string_ids: true,
            ..Layout::default()
        };
        let site = Site::laid_out(&world, &layout);
        site.run_job(keys, &[]).expect_status(0);
        assert_eq!(of_deliveries(&site, ["d-2", "d-10"]), texts, "{events:?}");
    }
}

/// So many that they are matched in parts: each clicks in three children, in one hour after the other, and bounces
/// in two.
#[test]
fn many_people_count_once_each() {
    const PEOPLE: i64 = 40_000;
    let mut world = World::default();
    for child in 1..=3 {
        world.deliveries.push(DeliveryRow {
            parent_delivery_id: Some(9),
            ..delivery(child, "Child")
        });
    }
    for person in 0..PEOPLE {
        let child = |place: i64| 1 + (person + place) % 3;
        let hour = |place: i64| NINE + place * HOUR + person;
        world.tracking.extend((0..3).map(|place| TrackingRow {
            recipient_id: Some(person),
            ..tracked(child(place), person, "click", hour(place))
        }));
        world.sending.extend((0..2).map(|place| SendingRow {
            recipient_id: Some(person),
            ..report(child(place), person, "hard_bounce", hour(place))
        }));
    }
    let directory = TempDir::new().expect("a temporary directory");
    world.write(directory.path(), &Layout::default());
    for effort in [(1, true, false), (3, false, false)] {
        let output = directory.path().join(format!("out-{}", effort.0));
        let (as_of, mode) = (NINE + DAY, Mode::Infer);
        let outcome = run_keys(directory.path(), &output, as_of, mode, effort, BOTH);
        assert_eq!(outcome.status, Some(0), "{}", outcome.text());
        let mut rows = committed(&output, PARENTS_TABLE);
        rows.sort_by_key(|row| number(row, "hour"));
        let column =
            |name: &str| -> Vec<i64> { rows.iter().map(|row| number(row, name)).collect() };
        assert_eq!(column("unique_clicks_delta"), [PEOPLE, 0, 0], "{effort:?}");
        assert_eq!(
            column("new_quarantines_delta"),
            [PEOPLE, 0, 0],
            "{effort:?}"
        );
        assert_eq!(column("clicks_delta"), [PEOPLE; 3], "{effort:?}");
        assert_eq!(
            column("hard_bounces_delta"),
            [PEOPLE, PEOPLE, 0],
            "{effort:?}"
        );
    }
}

/// A recipient that is no whole number or no text rejects no row, and is nobody.
#[test]
fn what_cannot_be_read_names_nobody() {
    let clicked = |delivery, message, minute| TrackingRow {
        recipient_id: Some(7),
        ..tracked(delivery, message, "click", NINE + HOUR + minute * MINUTE)
    };
    let mut world = history();
    world.tracking = vec![
        clicked(1, 11, 0),
        clicked(2, 21, 1),
        clicked(1, 12, 2),
        clicked(2, 22, 3),
    ];
    let numbers = Float64Array::from(vec![7.0, 7.0, 7.5, 7.5]);
    let texts = BinaryArray::from_iter_values([&b"seven"[..], b"seven", b"\xff", b"\xff"]);
    let columns: [(bool, ArrayRef); 2] = [(false, Arc::new(numbers)), (true, Arc::new(texts))];
    for (string_ids, recipients) in columns {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = Site::laid_out(&world, &layout);
        let path = site.path("in/tracking_log/part-000.parquet");
        let mut columns = read_columns(&path);
        let column = columns.iter_mut().find(|(name, _)| name == "recipient_id");
        column.expect("recipients").1 = recipients;
        write_parquet(&path, &columns, WriterProperties::default());
        site.run_job("parents = true\n", &[]).expect_status(0);
        let rows = committed(&site.output(), PARENTS_TABLE);
        let clicks = rows.iter().map(|row| number(row, "unique_clicks_delta"));
        assert_eq!(clicks.sum::<i64>(), 3, "string ids {string_ids}");
    }
}

/// The attributes alone make a family, and take it apart.
#[test]
fn a_family_follows_its_attributes() {
    let mut world = history();
    world.tracking = vec![
        opened(1, 11, 7, NINE + HOUR),
        opened(2, 21, 7, NINE + 2 * HOUR),
        opened(2, 22, 8, NINE + 2 * HOUR),
    ];
    let site = Site::new(&world);
    let uniques = |parent: i64| -> i64 {
        let rows = committed(&site.output(), PARENTS_TABLE);
        let of_parent = rows
            .iter()
            .filter(|row| row["parent_delivery_id"] == parent);
        of_parent.map(|row| number(row, "unique_opens_delta")).sum()
    };
    let keys = "parents = true\n";
    site.run_job(keys, &[]).expect_status(0);
    assert_eq!(uniques(9), 2, "recipient 7 counts once in two children");
    // Now the first delivery is the parent of the second.
    let second = DeliveryRow {
        parent_delivery_id: Some(1),
        ..world.deliveries[1].clone()
    };
    world.deliveries[1] = second;
    site.rewrite(&world, &Layout::default());
    site.run_job(keys, &[]).expect_status(0);
    assert_eq!([uniques(9), uniques(1)], [1, 2]);
    for row in &mut world.deliveries {
        row.parent_delivery_id = None;
    }
    site.rewrite(&world, &Layout::default());
    // That all parents go at once is more likely an error.
    site.run_job(keys, &[])
        .expect_status(1)
        .says(&["2 of the 2 published parents"]);
    assert_eq!([uniques(9), uniques(1)], [1, 2]);
    site.run_job(keys, &["--accept-shrinkage"]).expect_status(0);
    assert_eq!(committed(&site.output(), PARENTS_TABLE).len(), 0);
}
