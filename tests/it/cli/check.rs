//! `check`: what deserves a look in the extracts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::run::Outcome;
use super::super::site::{HOUR, MINUTE, NINE, Site, delivery, report, tracked, two_deliveries};
use super::super::snapshots::snapshot;
use super::super::world::{DeliveryRow, Layout, SendingRow, TrackingRow, World};

/// Counts of the findings that are not 0, and whether each needs a look.
fn findings(outcome: &Outcome) -> BTreeMap<String, (i64, bool)> {
    let data = outcome.data();
    let findings = data["findings"].as_array().expect("a list").iter();
    findings
        .map(|finding| {
            let name = finding["name"].as_str().expect("a name").to_owned();
            let count = finding["count"].as_i64().expect("a count");
            (
                name,
                (count, finding["needs_look"].as_bool().expect("a flag")),
            )
        })
        .filter(|(_, (count, needs_look))| *count > 0 || *needs_look)
        .collect()
}

fn examples(outcome: &Outcome, name: &str) -> Vec<String> {
    let data = outcome.data();
    let findings = data["findings"].as_array().expect("a list");
    let finding = findings
        .iter()
        .find(|finding| finding["name"] == name)
        .expect("the finding");
    let examples = finding["examples"].as_array().expect("a list").iter();
    examples
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

/// Two deliveries about which everything is known.
fn clean() -> World {
    let mut world = two_deliveries();
    for delivery in &mut world.deliveries {
        delivery.efs = Some(true);
    }
    world
}

fn assert_found(world: &World, expected: &[(&str, i64, bool)]) -> Outcome {
    let site = Site::new(world);
    let look = expected.iter().any(|(_, _, needs_look)| *needs_look);
    let outcome = site
        .ask(&["check", "--json"])
        .expect_status(if look { 3 } else { 0 });
    let of = |(name, count, look): &(&str, i64, bool)| ((*name).to_owned(), (*count, *look));
    let mut found = findings(&outcome);
    // How old the newest rows are is not what most worlds are about.
    found.retain(|name, _| !name.ends_with("-newest"));
    assert_eq!(found, expected.iter().map(of).collect());
    assert_eq!(outcome.data()["needs_look"], look);
    assert!(!site.output().exists(), "nothing is published");
    outcome
}

#[test]
fn clean_extracts_need_no_look() {
    assert_found(&clean(), &[]);
    let site = Site::new(&clean());
    let text = site.ask(&["check"]).expect_status(0).stdout;
    assert!(text.ends_with("\nnothing needs a look\n"), "{text}");
}

#[test]
fn a_log_with_much_to_look_at() {
    let row = |message: i64, log_id: i64, revision: i64, event: &str, at: i64| SendingRow {
        log_id: Some(log_id),
        revision: Some(revision),
        ..report(1, message, event, at)
    };
    let mut world = clean();
    world.sending.extend([
        // One revision, other instants; one revision, other events; a copy is no conflict.
        row(31, 1, 0, "relayed", NINE),
        row(31, 1, 0, "relayed", NINE + MINUTE),
        row(32, 2, 5, "relayed", NINE),
        row(32, 2, 5, "delivered", NINE),
        row(33, 3, 0, "relayed", NINE),
        row(33, 3, 0, "relayed", NINE),
        // A log_id in two messages.
        row(34, 4, 0, "relayed", NINE),
        row(35, 4, 1, "relayed", NINE),
        // A report that moves to another message keeps its log_id.
        SendingRow {
            deleted: Some(true),
            ..row(38, 5, 1, "relayed", NINE)
        },
        row(39, 5, 0, "relayed", NINE),
        report(1, 36, "gone", NINE),
        report(1, 37, "relayed", 0),
    ]);
    let with_log_id = |row: TrackingRow| TrackingRow {
        log_id: Some(9),
        ..row
    };
    world.tracking.extend([
        tracked(1, 31, "open", NINE + 5 * MINUTE),
        with_log_id(tracked(1, 31, "open", NINE + 5 * MINUTE)),
        tracked(1, 31, "open", NINE + 6 * MINUTE),
        tracked(1, 31, "click", NINE + 6 * MINUTE),
        tracked(1, 31, "78", NINE + 7 * MINUTE),
        tracked(2, 99, "open", NINE + 7 * MINUTE),
    ]);
    let outcome = assert_found(
        &world,
        &[
            ("deleted", 1, false),
            ("duplicates", 1, false),
            ("equal-revisions", 2, true),
            ("orphans", 1, true),
            ("rejected", 2, true),
            ("several-events", 1, true),
            ("shared-log-ids", 1, true),
            ("superseded", 2, false),
            ("twins", 1, true),
            ("unknown-types", 1, true),
        ],
    );
    let named = ["delivery 1, message 31", "delivery 1, message 32"];
    assert_eq!(examples(&outcome, "equal-revisions"), named);
    assert_eq!(examples(&outcome, "several-events"), named[1..]);
    assert_eq!(
        examples(&outcome, "shared-log-ids"),
        ["sending_log, log_id 4"]
    );
    assert_eq!(examples(&outcome, "twins"), named[..1]);
    assert_eq!(examples(&outcome, "orphans"), ["delivery 2"]);
    assert_eq!(examples(&outcome, "unknown-types"), ["type 78: 1 row"]);
    let reasons = examples(&outcome, "rejected");
    assert_eq!(reasons.len(), 3, "two reasons, one file: {reasons:?}");
    assert!(
        reasons[1].contains("instant outside the years 1990 to 2099"),
        "{reasons:?}"
    );
    snapshot(
        "check",
        &Site::new(&world).ask(&["check"]).expect_status(3).stdout,
    );

    // The same whatever identifiers are, and in whatever file a row stands.
    let layout = Layout {
        string_ids: true,
        files: 3,
        row_group_rows: 2,
        shuffle: Some(5),
        ..Layout::default()
    };
    let other = Site::laid_out(&world, &layout)
        .ask(&["check", "--json"])
        .expect_status(3);
    assert_eq!(findings(&other), findings(&outcome));
    let ids = [31, 32].map(|message| layout.message_id(message));
    let mut named = ids.map(|id| format!("delivery {}, message {id}", layout.delivery_id(1)));
    let mut found = examples(&other, "equal-revisions");
    named.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, named);
}

#[test]
fn deliveries_that_need_a_look() {
    let mut world = two_deliveries();
    let end = |id: i64, span: i64| DeliveryRow {
        started_at: Some(NINE),
        validity_end: Some(NINE + span),
        efs: Some(false),
        ..delivery(id, "x")
    };
    world.deliveries = vec![end(1, 84 * HOUR), end(2, 85 * HOUR), end(3, 0)];
    let other = DeliveryRow {
        label: Some("y".to_owned()),
        ..end(3, 0)
    };
    world.deliveries.push(other);
    world.sending.push(report(4, 41, "relayed", NINE));
    let reported = ["check", "--json", "--deadline", "reported"];
    let outcome = Site::new(&world).ask(&reported).expect_status(3);
    assert_eq!(
        findings(&outcome)["no-delivered"],
        (1, false),
        "it is as advised"
    );
    let outcome = assert_found(
        &world,
        &[
            ("ambiguous-deliveries", 1, true),
            ("efs-unknown", 1, true),
            ("no-delivered", 1, true),
            ("validity", 2, true),
        ],
    );
    assert_eq!(examples(&outcome, "no-delivered"), ["delivery 2"]);
    assert_eq!(examples(&outcome, "validity"), ["delivery 2", "delivery 3"]);
    assert_eq!(examples(&outcome, "ambiguous-deliveries"), ["delivery 3"]);
    assert_eq!(examples(&outcome, "efs-unknown"), ["delivery 4"]);
    // A success of a retry is reported: then the deadline may be inferred.
    world
        .sending
        .push(report(2, 22, "delivered", NINE + 80 * MINUTE));
    let outcome = Site::new(&world).ask(&["check", "--json"]).expect_status(3);
    assert!(!findings(&outcome).contains_key("no-delivered"));
}

#[test]
fn hours_without_rows_and_old_rows() {
    let mut world = clean();
    world
        .sending
        .push(report(1, 11, "ignored", NINE - 30 * HOUR));
    let outcome = assert_found(&world, &[("sending-gaps", 29, true)]);
    let gap = "29 h: [2026-03-01T04:00:00Z, 2026-03-02T09:00:00Z)";
    assert_eq!(examples(&outcome, "sending-gaps"), [gap]);
    let site = Site::new(&world);
    site.ask(&["check", "--max-gap", "30"]).expect_status(0);
    let later = [
        "check",
        "--json",
        "--max-gap",
        "30",
        "--as-of",
        "2026-03-03T12:00:00Z",
    ];
    let outcome = site.ask(&later).expect_status(0);
    let found = findings(&outcome);
    assert_eq!(found["sending-newest"], (25, false), "from 10:20");
    assert_eq!(found["tracking-newest"], (24, false), "from 11:10");
    // Rows at or after as-of say nothing about how old the logs are, nor about gaps.
    let early = ["check", "--json", "--as-of", "2026-03-02T09:00:00Z"];
    let outcome = site.ask(&early).expect_status(0);
    assert_eq!(findings(&outcome)["sending-newest"], (30, false));
    let with_limit = |hours| site.ask(&[&later[..], &["--max-age", hours]].concat());
    with_limit("26").expect_status(0);
    let outcome = with_limit("25").expect_status(3);
    assert_eq!(findings(&outcome)["sending-newest"], (25, true));
}

#[test]
fn files_and_extracts_that_need_a_look() {
    let site = Site::new(&clean());
    site.write("in/sending_log/cut.parquet", "PAR1");
    site.write("in/sending_log/notes.txt", "x");
    std::fs::remove_dir_all(site.path("in/tracking_log")).expect("the tracking log goes");
    std::fs::create_dir(site.path("in/tracking_log")).expect("an empty folder");
    let outcome = site.ask(&["check", "--json"]).expect_status(3);
    let found = findings(&outcome);
    assert_eq!(found["bad-files"], (1, true));
    assert_eq!(found["empty-extracts"], (1, true));
    assert_eq!(found["other-files"], (1, false));
    assert!(examples(&outcome, "bad-files")[0].contains("cut.parquet"));
    // Also where nothing of an extract is left.
    std::fs::write(site.path("in/deliveries.parquet"), "PAR1").expect("a cut file");
    let outcome = site.ask(&["check", "--json"]).expect_status(3);
    assert_eq!(findings(&outcome)["bad-files"], (2, true));
    site.rewrite(&clean(), &Layout::default());
    // Columns that are none of the contract's: all of them at once, and the exit code of schemas.
    super::super::site::rename_columns(
        &site.path("in/deliveries.parquet"),
        &[("delivery_id", "id")],
    );
    site.ask(&["check"])
        .expect_status(2)
        .says(&["delivery_id", "no such column"]);
    site.ask(&["check", "no-such-job.toml"])
        .expect_status(2)
        .says(&["no-such-job.toml"]);
}

/// A status-form log: what it says itself beside what we count, and the messages behind a difference.
#[test]
fn the_log_s_own_statuses_beside_ours() {
    let row =
        |delivery: i64, message: i64, status: &str, failure: Option<&str>, at: i64| SendingRow {
            event: None,
            status: Some(status.to_owned()),
            failure_type: failure.map(str::to_owned),
            ..report(delivery, message, "", at)
        };
    let efs = |id: i64, efs: bool| DeliveryRow {
        efs: Some(efs),
        ..delivery(id, "x")
    };
    let proof = SendingRow {
        is_test: Some(true),
        ..report(2, 21, "delivered", NINE)
    };
    let world = World {
        deliveries: vec![efs(1, true), efs(2, false)],
        sending: vec![
            row(1, 11, "Pending", None, NINE),
            row(1, 11, "Sent", None, NINE + MINUTE),
            row(1, 12, "Pending", None, NINE),
            row(1, 13, "Failed", Some("Soft"), NINE),
            row(1, 14, "Failed", Some("Hard"), NINE),
            // It was too late: for the log a success, for us not.
            row(1, 15, "Failed", Some("Hard"), NINE),
            row(1, 15, "Sent", None, NINE + MINUTE),
            row(2, 21, "Pending", None, NINE),
            // Of two statuses of one instant the Pending one is not the current one.
            row(2, 24, "Pending", None, NINE),
            row(2, 24, "Sent", None, NINE),
            // A proof as an event does not matter, a report does.
            proof,
            row(2, 25, "Sent", None, NINE),
            report(2, 25, "delivered", NINE),
            row(2, 22, "Sent", None, NINE),
            row(2, 23, "Sent", None, NINE),
            row(2, 23, "Failed", Some("Soft"), NINE + MINUTE),
        ],
        ..World::default()
    };
    let found = [("status-differences", 1, true)];
    let outcome = assert_found(&world, &found);
    let data = outcome.data();
    let expected = json!([
        {
            "delivery_id": 1,
            "log": {"pending": 1, "sent": 2, "failed": 2},
            "ours": {"pending": 1, "sent": 1, "failed": 3},
            "different": 1,
        },
        {
            "delivery_id": 2,
            "log": {"pending": 1, "sent": 2, "failed": 1},
            "ours": {"pending": 1, "sent": 2, "failed": 1},
            "different": 0,
        },
    ]);
    assert_eq!(data["statuses"], expected);
    assert_eq!(data["mixed_messages"], 1);
    let different = json!([{"delivery_id": 1, "message_id": 15}]);
    assert_eq!(data["different_messages"], different);
    let text = Site::new(&world).ask(&["check"]).expect_status(3).stdout;
    for part in [
        "Sent in the log, Failed here: 1",
        "why: delivery-kpi explain 1 15",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let explained = Site::new(&world)
        .ask(&["explain", "1", "15", "--json"])
        .expect_status(0)
        .data();
    let last = explained["history"]
        .as_array()
        .and_then(|lines| lines.last());
    assert_eq!(
        last.map(|line| &line["rule"]),
        Some(&Value::from("late-success"))
    );
}

#[test]
fn findings_that_are_known_need_no_look() {
    let mut world = clean();
    world.tracking.push(tracked(1, 500, "open", NINE));
    world.tracking.push(tracked(1, 11, "78", NINE));
    let site = Site::new(&world);
    site.ask(&["check", "--accept", "orphans"]).expect_status(3);
    let both = ["check", "--json", "--accept", "orphans", "unknown-types"];
    let outcome = site.ask(&both).expect_status(0);
    assert_eq!(findings(&outcome)["orphans"], (1, false));
    site.ask(&["check", "--accept", "orphan"])
        .expect_status(2)
        .says(&["found orphan", "unknown-types"]);
}

#[test]
fn as_many_examples_as_are_asked_for() {
    let mut world = clean();
    for message in 0..30 {
        world.tracking.push(tracked(1, 500 + message, "open", NINE));
    }
    for id in 5..20 {
        world.tracking.push(tracked(id, 1, "open", NINE));
    }
    let site = Site::new(&world);
    let most = |flags: &[&str]| {
        let outcome = site
            .ask(&[&["check", "--json"], flags].concat())
            .expect_status(3);
        examples(&outcome, "orphans").len()
    };
    assert_eq!(
        (most(&[]), most(&["--most", "3"]), most(&["--most", "99"])),
        (10, 3, 16)
    );
}
