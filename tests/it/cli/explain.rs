//! `explain`: the history of one message.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::oracle::Mode;
use super::super::random;
use super::super::site::{
    HOUR, MINUTE, NINE, Site, delivery, report, spoil_row_group, tracked, two_deliveries,
};
use super::super::world::{Layout, SendingRow, TrackingRow, World};

/// The lines of a message's history.
fn history(site: &Site, delivery: &str, message: &str, flags: &[&str]) -> Vec<Value> {
    let words = [&["explain", delivery, message, "--json"], flags].concat();
    let told = site.ask(&words).expect_status(0).data();
    told["history"].as_array().expect("a list").clone()
}

fn rules(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["rule"].as_str().expect("a rule"))
        .collect()
}

/// What all messages count for, told one by one, is what the tables hold.
#[test]
fn the_histories_of_all_messages_add_up_to_the_tables() {
    let mut met = BTreeSet::new();
    for (seed, string_ids) in [
        (3, false),
        (11, false),
        (29, true),
        (41, false),
        (57, true),
        (73, false),
    ] {
        let (world, as_of, mode) = random::world(seed);
        let layout = Layout {
            string_ids,
            files: 2,
            ..Layout::default()
        };
        let site = Site::laid_out(&world, &layout);
        let as_of = jiff::Timestamp::from_microsecond(as_of)
            .expect("an instant")
            .to_string();
        let mode = if mode == Mode::Infer {
            "infer"
        } else {
            "reported"
        };
        let flags = ["--as-of", as_of.as_str(), "--deadline", mode];
        let run = site.run(&flags);
        assert!(
            matches!(run.status, Some(0 | 3)),
            "seed {seed}: {}",
            run.text()
        );

        let sending = world
            .sending
            .iter()
            .map(|row| (row.delivery_id, row.message_id));
        let tracking = world
            .tracking
            .iter()
            .map(|row| (row.delivery_id, row.message_id));
        let messages: BTreeSet<_> = sending.chain(tracking).collect();
        let mut counted: BTreeMap<(String, String, String), i64> = BTreeMap::new();
        for (delivery, message) in messages {
            let (Some(delivery), Some(message)) = (delivery, message) else {
                continue;
            };
            let (delivery, message) = (layout.delivery_id(delivery), layout.message_id(message));
            for line in history(&site, &delivery, &message, &flags) {
                met.insert(line["rule"].as_str().expect("a rule").to_owned());
                let Some(counts) = line["counts"].as_object() else {
                    continue;
                };
                let hour = counts["hour"].as_str().expect("an hour").to_owned();
                for (counter, by) in counts["counters"].as_object().expect("counters") {
                    let key = (delivery.clone(), hour.clone(), counter.clone());
                    *counted.entry(key).or_default() += by.as_i64().expect("a change");
                }
            }
        }
        counted.retain(|_, by| *by != 0);
        let mut published = BTreeMap::new();
        for ((delivery, hour), row) in site.hourly() {
            let hour = jiff::Timestamp::from_microsecond(hour)
                .expect("an hour")
                .to_string();
            for (column, by) in &row {
                let by = by.as_i64().unwrap_or(0);
                if let (Some(counter), true) = (column.strip_suffix("_delta"), by != 0) {
                    published.insert((delivery.clone(), hour.clone(), counter.to_owned()), by);
                }
            }
        }
        assert_eq!(counted, published, "seed {seed}");
    }
    assert!(met.len() > 12, "most rules are met: {met:?}");
}

#[test]
fn retries_that_end_at_the_deadline() {
    let site = Site::new(&World {
        sending: vec![
            report(1, 11, "relayed", NINE),
            SendingRow {
                failure_reason: Some("5".to_owned()),
                ..report(1, 11, "soft_bounce", NINE + 10 * MINUTE)
            },
            report(1, 11, "relayed", NINE + 20 * MINUTE),
            report(1, 11, "complaint", NINE + 84 * HOUR),
            report(1, 11, "ignored", NINE + 85 * HOUR),
            report(1, 11, "delivered", NINE + 90 * HOUR),
        ],
        ..World::default()
    });
    let as_of = ["--as-of", "2026-03-08T12:00:00Z"];
    let lines = history(&site, "1", "11", &as_of);
    let expected = [
        "relayed",
        "soft-bounce",
        "relayed-again",
        "deadline",
        "complaint",
        "ignored",
        "late-success",
    ];
    assert_eq!(rules(&lines), expected);
    let deadline = &lines[3];
    assert_eq!(deadline["at"], "2026-03-05T21:00:00Z");
    assert_eq!(
        (&deadline["row"], &deadline["what"]),
        (&Value::Null, &Value::Null)
    );
    let counts = json!({
        "hour": "2026-03-05T21:00:00Z",
        "counters": {
            "delivered": -1, "bounces_errors": 1, "soft_bounces": 1, "failed_by_deadline": 1, "retrying": -1,
        },
    });
    assert_eq!(deadline["counts"], counts);
    assert_eq!(lines[2]["changed_status"], false);
    for line in &lines[3..] {
        assert_eq!(line["status"], "Failed (soft), by the deadline");
    }
    assert_eq!(lines[1]["failure_reason"]["text"], "5 mailbox full");
    let place = &lines[1]["row"];
    assert_eq!(
        (&place["log"], &place["row"]),
        (&json!("sending_log"), &json!(1))
    );

    let words = [&["explain", "1", "11"], &as_of[..]].concat();
    let text = site.ask(&words).expect_status(0).stdout;
    for part in [
        "FAILED (SOFT), BY THE DEADLINE\n  since 2026-03-05T21:00:00Z (deadline): no row: the deadline passed",
        "failure reason: 5 mailbox full",
        "deadline 2026-03-05T21:00:00Z, 84 h after the first report",
        "late_successes +1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let words = [&words[..], &["--timezone", "Europe/Berlin"]].concat();
    let text = site.ask(&words).expect_status(0).stdout;
    assert!(text.contains("since 2026-03-05T22:00:00+01:00"), "{text}");

    // Without inference there is neither deadline nor failure.
    let reported = [&as_of[..], &["--deadline", "reported"]].concat();
    let lines = history(&site, "1", "11", &reported);
    assert_eq!(
        rules(&lines),
        [
            "relayed",
            "soft-bounce",
            "relayed-again",
            "complaint",
            "ignored",
            "delivered"
        ]
    );
}

#[test]
fn rows_that_do_not_count_are_there_too() {
    let row = |log_id: i64, revision: i64, event: &str, at: i64| SendingRow {
        log_id: Some(log_id),
        revision: Some(revision),
        ..report(1, 11, event, at)
    };
    let deleted = SendingRow {
        deleted: Some(true),
        ..row(3, 1, "expired", NINE + 40 * MINUTE)
    };
    let proof = SendingRow {
        is_test: Some(true),
        ..report(1, 11, "hard_bounce", NINE + 50 * MINUTE)
    };
    let site = Site::new(&World {
        sending: vec![
            row(1, 0, "relayed", NINE),
            row(2, 0, "hard_bounce", NINE + 10 * MINUTE),
            row(2, 4, "delivered", NINE + 20 * MINUTE),
            row(3, 0, "expired", NINE + 40 * MINUTE),
            deleted,
            report(1, 11, "delivered", NINE + 20 * MINUTE),
            report(1, 11, "ignored", NINE + 5 * HOUR),
            report(1, 11, "no such event", NINE + 30 * MINUTE),
            proof,
        ],
        tracking: vec![
            tracked(1, 11, "open", NINE + HOUR),
            tracked(1, 11, "77", NINE + 2 * HOUR),
            tracked(1, 12, "open", NINE + HOUR),
        ],
        ..World::default()
    });
    let lines = history(&site, "1", "11", &[]);
    let mut found = rules(&lines);
    found.sort_unstable();
    let expected = [
        "deletion",
        "delivered",
        "duplicate",
        "future",
        "open",
        "rejected",
        "relayed",
        "superseded",
        "superseded",
        "test",
        "unknown-type",
    ];
    assert_eq!(found, expected);
    let of =
        |rule: &str| -> Vec<&Value> { lines.iter().filter(|line| line["rule"] == rule).collect() };
    let winner = of("delivered")[0];
    let by_log_id = |log_id: i64| {
        of("superseded")
            .into_iter()
            .find(|line| line["log_id"] == log_id)
    };
    let bounce = by_log_id(2).expect("the bounce");
    assert_eq!(bounce["instead"], winner["row"], "the correction");
    assert_eq!(bounce["what"], "hard_bounce");
    let expired = by_log_id(3).expect("the expiry");
    assert_eq!(expired["instead"], of("deletion")[0]["row"]);
    let duplicate = of("duplicate")[0];
    assert_eq!(duplicate["instead"], winner["row"], "the same report");
    assert_eq!(of("rejected")[0]["meaning"], "event: unknown label or code");
    assert_eq!(of("unknown-type")[0]["what"], "type 77");
    for rule in [
        "superseded",
        "deletion",
        "duplicate",
        "future",
        "rejected",
        "test",
        "unknown-type",
    ] {
        for line in of(rule) {
            assert_eq!(
                (&line["counts"], &line["status"]),
                (&Value::Null, &Value::Null),
                "{rule}"
            );
        }
    }
    let orphan = history(&site, "1", "12", &[]);
    assert_eq!(
        (rules(&orphan), &orphan[0]["orphan"]),
        (vec!["open"], &json!(true))
    );
    let text = site.ask(&["explain", "1", "12"]).expect_status(0).stdout;
    assert!(
        text.contains("NOT IN THE LOG") && text.contains("orphan"),
        "{text}"
    );
}

/// With EFS it has failed since the bounce; the deadline only ends the retries.
#[test]
fn since_when_a_message_has_failed() {
    let site = Site::new(&World {
        deliveries: vec![super::super::world::DeliveryRow {
            efs: Some(true),
            ..delivery(1, "x")
        }],
        sending: vec![
            report(1, 11, "relayed", NINE),
            report(1, 11, "soft_bounce", NINE + HOUR),
        ],
        ..World::default()
    });
    let words = ["explain", "1", "11", "--as-of", "2026-03-08T12:00:00Z"];
    let text = site.ask(&words).expect_status(0).stdout;
    let parts = [
        "FAILED (SOFT)\n  since 2026-03-02T10:00:00Z (soft-bounce)",
        "  last  2026-03-05T21:00:00Z (deadline)",
        "channel not known, taken as email",
    ];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

/// Of tracking rows of one instant without `log_id`, a copy stands for the row with its link.
#[test]
fn a_copy_is_named_with_the_row_that_it_is_a_copy_of() {
    let click = |url: i64| TrackingRow {
        url_id: Some(url),
        ..tracked(1, 11, "click", NINE + MINUTE)
    };
    let site = Site::new(&World {
        sending: vec![report(1, 11, "relayed", NINE)],
        tracking: vec![click(2), click(1), click(1)],
        ..World::default()
    });
    let lines = history(&site, "1", "11", &[]);
    let copy = lines.iter().find(|line| line["rule"] == "duplicate");
    let copy = copy.expect("a duplicate");
    assert_eq!(
        (&copy["row"]["row"], &copy["instead"]["row"]),
        (&json!(2), &json!(1))
    );
}

#[test]
fn only_row_groups_that_can_hold_the_message_are_read() {
    let mut world = World::default();
    for message in 0..200 {
        world.sending.push(report(1, message, "relayed", NINE));
        world.tracking.push(TrackingRow {
            log_id: Some(message),
            ..tracked(1, message, "open", NINE + MINUTE)
        });
    }
    for message in 1000..1200 {
        world.sending.push(report(2, message, "relayed", NINE));
    }
    for string_ids in [false, true] {
        let layout = Layout {
            string_ids,
            row_group_rows: 10,
            ..Layout::default()
        };
        let site = Site::laid_out(&world, &layout);
        let (delivery, message) = (layout.delivery_id(1), layout.message_id(150));
        let told = site
            .ask(&["explain", &delivery, &message, "--json"])
            .expect_status(0)
            .data();
        assert_eq!(told["row_groups"], 60);
        let read = told["row_groups_read"].as_i64().expect("a number");
        assert!(
            (2..=12).contains(&read),
            "{read} row groups, string ids: {string_ids}"
        );
        assert_eq!(told["history"].as_array().map(Vec::len), Some(2));
        let unread = history(&site, &delivery, &layout.message_id(7), &[]);
        assert_eq!(unread.len(), 2);
    }
}

#[test]
fn what_cannot_be_explained() {
    let site = Site::new(&two_deliveries());
    for (delivery, message, says) in [
        ("1", "99", "no row of the extracts names this message"),
        ("9", "11", "no row of the extracts names this message"),
        ("2", "11", "no row of the extracts names this message"),
        ("x", "11", "integer identifiers"),
        ("1", "x", "integer identifiers"),
    ] {
        let outcome = site
            .ask(&["explain", delivery, message])
            .expect_status(2)
            .says(&[says]);
        assert_eq!(outcome.stdout, "");
    }
    site.ask(&["explain", "1"]).expect_status(2);
    site.ask(&["explain", "1", "11", "--timezone", "Mars/Olympus"])
        .expect_status(2)
        .says(&["--timezone"]);
    // A file that cannot be read may hold a row of the message.
    site.write("in/sending_log/cut.parquet", "PAR1");
    site.ask(&["explain", "1", "11"])
        .expect_status(1)
        .says(&["cut.parquet"]);
    site.write("job.toml", "on_bad_file = \"skip\"");
    site.ask(&["explain", "1", "11", "--job", "job.toml"])
        .expect_status(0)
        .says(&["left out", "cut.parquet"]);
}

/// As `recompute` does, it leaves out a file with one bad row group as a whole.
#[test]
fn a_file_that_is_bad_in_part_is_left_out_as_a_whole() {
    let minutes = (0..30).map(|minute| report(1, 11, "soft_bounce", NINE + minute * MINUTE));
    let site = Site::new(&World {
        sending: minutes.collect(),
        ..World::default()
    });
    let (bad, whole) = (
        "in/sending_log/part-000.parquet",
        "in/sending_log/whole.parquet",
    );
    std::fs::copy(site.path(bad), site.path(whole)).expect("a copy");
    spoil_row_group(&site.path(bad), 2);
    site.ask(&["explain", "1", "11"])
        .expect_status(1)
        .says(&["part-000.parquet, row group 2"]);
    site.write("job.toml", "on_bad_file = \"skip\"");
    let lines = history(&site, "1", "11", &["--job", "job.toml"]);
    assert_eq!(rules(&lines), ["soft-bounce"; 30]);
    assert!(
        lines
            .iter()
            .all(|line| line["row"]["file"] == "whole.parquet")
    );
}
