//! `stats`: the KPIs of one delivery, or the deliveries with the most recent activity.

use serde_json::Value;

use super::super::delta::newest_run;
use super::super::run::Outcome;
use super::super::site::{AS_OF, MINUTE, NINE, Site, content, outcome, report, two_deliveries};
use super::super::snapshots::snapshot;
use super::super::world::{DeliveryRow, Layout, World};

/// `stats` on the tables alone.
fn stats(site: &Site, words: &[&str]) -> Outcome {
    let mut command = site.program();
    command
        .arg("stats")
        .args(words)
        .arg("--output")
        .arg(site.output());
    outcome(&mut command)
}

/// Deliveries of which one has everything that the block shows.
fn world() -> World {
    let mut world = two_deliveries();
    world.deliveries[1] = DeliveryRow {
        started_at: Some(NINE),
        validity_end: Some(NINE + 100 * MINUTE),
        to_deliver: Some(3),
        channel: Some("email".to_owned()),
        ..world.deliveries[1].clone()
    };
    world
        .sending
        .push(report(2, 21, "delivered", NINE + 101 * MINUTE));
    world
}

#[test]
fn the_block_of_a_delivery() {
    let site = Site::new(&world());
    site.run_to(0, &[]);
    let before = content(&site.output());
    let shown = stats(&site, &["2"])
        .expect_status(0)
        .says(&["newest run: number 1", "ago"]);
    snapshot("stats", &shown.stdout);
    let zoned = stats(&site, &["2", "--timezone", "Asia/Kolkata"]).expect_status(0);
    assert!(
        zoned.stdout.contains("as of 2026-03-02T17:30:00+05:30"),
        "{}",
        zoned.text()
    );
    assert_eq!(content(&site.output()), before, "nothing is written");
}

#[test]
fn the_object_of_a_delivery_has_all_columns_of_its_row() {
    for string_ids in [false, true] {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = Site::laid_out(&world(), &layout);
        site.run_to(0, &[]);
        let id = layout.delivery_id(2);
        let object = stats(&site, &[&id, "--json"]).expect_status(0).data();
        let row = &site.deliveries()[&id];
        let shown = object["delivery"].as_object().expect("a row");
        for (column, value) in row {
            let same = match (&shown[column], value) {
                (Value::String(text), Value::Number(micros)) => {
                    let instant: Result<jiff::Timestamp, _> = text.parse();
                    instant.is_ok_and(|at| Some(at.as_microsecond()) == micros.as_i64())
                }
                (shown, value) => shown == value,
            };
            assert!(
                same,
                "{column}: {:?}, in the table {value:?}",
                shown[column]
            );
        }
        assert_eq!(shown["newest_row_seconds_before_as_of"], 78 * 60 + 60);
        assert_eq!(object["fresh"], Value::Null);
        assert_eq!(
            object["run"]["run_id"],
            newest_run(&site.output())["run_id"]
        );
    }
}

#[test]
fn fresh_numbers_stand_beside_those_of_the_tables() {
    let site = Site::new(&world());
    site.run_to(0, &[]);
    let flags = ["--fresh", "--as-of", AS_OF];
    let fresh = |words: &[&str]| {
        let mut command = site.command(&[&["stats"], words].concat());
        outcome(command.arg("--output").arg(site.output()))
    };
    let same = fresh(&[&["2"], &flags[..]].concat()).expect_status(0);
    assert!(
        same.stdout
            .contains("the tables say what the extracts say, in all columns"),
        "{}",
        same.text()
    );

    // A column that the block does not show.
    let mut again = world();
    again
        .sending
        .push(report(2, 21, "soft_bounce", NINE + 75 * MINUTE));
    site.rewrite(&again, &Layout::default());
    let hidden = fresh(&[&["2"], &flags[..]].concat()).expect_status(0);
    let expected = "\ndifferent: soft_bounce_events\n";
    assert!(hidden.stdout.contains(expected), "{}", hidden.text());

    let mut next = world();
    next.sending
        .push(report(2, 23, "hard_bounce", NINE + 50 * MINUTE));
    site.rewrite(&next, &Layout::default());
    let before = content(&site.output());
    let other = fresh(&[&["2"], &flags[..]].concat()).expect_status(0);
    snapshot("stats_fresh", &other.stdout);
    let object = fresh(&[&["2", "--json"], &flags[..]].concat())
        .expect_status(0)
        .data();
    let processed = |which: &str| object[which]["processed"].as_i64();
    assert_eq!(
        (processed("delivery"), processed("fresh")),
        (Some(2), Some(3))
    );
    assert_eq!(content(&site.output()), before, "nothing is written");

    // A delivery that the tables do not know yet, and one that nobody knows.
    next.sending.push(report(3, 31, "relayed", NINE));
    site.rewrite(&next, &Layout::default());
    stats(&site, &["3"])
        .expect_status(2)
        .says(&["no such delivery"]);
    fresh(&[&["3"], &flags[..]].concat())
        .expect_status(0)
        .says(&["do not know the delivery"]);
    fresh(&[&["4"], &flags[..]].concat())
        .expect_status(2)
        .says(&["no such delivery"]);
    // A delivery that the extracts do not name any more.
    next.sending.retain(|row| row.delivery_id != Some(1));
    next.tracking.retain(|row| row.delivery_id != Some(1));
    next.deliveries.retain(|row| row.delivery_id != Some(1));
    site.rewrite(&next, &Layout::default());
    let gone = fresh(&[&["1"], &flags[..]].concat()).expect_status(0);
    assert!(
        gone.stdout.starts_with("delivery 1, First"),
        "{}",
        gone.text()
    );
    gone.says(&["the extracts do not name the delivery"]);
    // Without an as-of it is now, when the retries of delivery 2 are long over.
    let now = fresh(&["2", "--fresh", "--json"]).expect_status(0).data();
    assert_eq!(now["fresh"]["retrying"], 0);
    assert!(
        now["fresh"]["as_of"].as_str() > Some("2026-03-09"),
        "{}",
        now["fresh"]["as_of"]
    );
}

#[test]
fn the_deliveries_with_the_most_recent_activity() {
    let site = Site::new(&world());
    let run = site.run_to(0, &[]);
    let list = stats(&site, &[]).expect_status(0);
    assert_eq!(list.stdout, run.stdout, "as the run has shown them");
    assert_eq!(
        stats(&site, &["--most", "1"])
            .expect_status(0)
            .stdout
            .lines()
            .count(),
        2
    );
    let object = stats(&site, &["--json"]).expect_status(0).data();
    let ids: Vec<&Value> = object["deliveries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| &row["delivery_id"])
        .collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn where_there_is_nothing_to_show() {
    let site = Site::new(&world());
    stats(&site, &["2"])
        .expect_status(2)
        .says(&["expected the tables of a run"]);
    stats(&site, &[])
        .expect_status(2)
        .says(&["expected the tables of a run"]);
    assert!(!site.output().exists(), "nothing is made");
    site.run_to(0, &[]);
    for unknown in ["7", "x"] {
        let outcome = stats(&site, &[unknown])
            .expect_status(2)
            .says(&["no such delivery"]);
        assert_eq!(outcome.stdout, "");
    }
    stats(&site, &["--fresh"]).expect_status(2);
    for (flag, text) in [
        ("--as-of", "now"),
        ("--deadline", "infer"),
        ("--deliveries", "x"),
    ] {
        let outcome = stats(&site, &["2", flag, text]).expect_status(2);
        assert!(outcome.stderr.contains(flag) && outcome.stderr.contains("--fresh"));
    }
    stats(&site, &["2", "--fresh"])
        .expect_status(2)
        .says(&["--sending-log"]);
    outcome(site.program().args(["stats", "2"]))
        .expect_status(2)
        .says(&["--output"]);
    // What a dead run has left is not shown.
    let mut next = world();
    next.sending
        .push(report(2, 23, "hard_bounce", NINE + 50 * MINUTE));
    site.rewrite(&next, &Layout::default());
    site.run_to(0, &[]);
    let object = stats(&site, &["2", "--json"]).expect_status(0).data();
    assert_eq!(object["delivery"]["processed"], 3);
    super::super::publishing::undo_commit(&site.output(), "kpi_run");
    let object = stats(&site, &["2", "--json"]).expect_status(0).data();
    assert_eq!(
        (
            &object["delivery"]["processed"],
            &object["run"]["run_number"]
        ),
        (&2.into(), &1.into())
    );
}
