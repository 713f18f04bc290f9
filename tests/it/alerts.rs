//! Thresholds of the job, and the alerts of the numbers beyond them.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::delta::{Row, newest_run};
use super::incremental::{add_sending, run, typed};
use super::site::{DAY, HOUR, MINUTE, NINE, NOON, Site, report, tracked};
use super::world::{DeliveryRow, Layout, SendingRow, World};

/// The alerts of the newest run: rule, delivery or log, value, threshold.
fn alerts(site: &Site) -> Vec<(String, String, f64, f64)> {
    let run = newest_run(&site.output());
    let of = |alert: &Value| {
        let text = |name: &str| alert[name].as_str().map(str::to_owned);
        let about = text("delivery_id").or_else(|| text("log"));
        // No value is for a log without a row.
        (
            text("rule").expect("a rule"),
            about.expect("a delivery or a log"),
            alert["value"].as_f64().unwrap_or(f64::INFINITY),
            alert["threshold"].as_f64().expect("a number"),
        )
    };
    list(&run).iter().map(of).collect()
}

fn list(run: &Row) -> &[Value] {
    run["alerts"].as_array().expect("a list")
}

fn alert(rule: &str, about: &str, value: f64, threshold: f64) -> (String, String, f64, f64) {
    (rule.to_owned(), about.to_owned(), value, threshold)
}

fn relayed(delivery: i64, messages: std::ops::Range<i64>, at: i64) -> Vec<SendingRow> {
    let row = |message| report(delivery, message, "relayed", at + message);
    messages.map(row).collect()
}

fn delivery(id: i64, efs: bool, to_deliver: Option<i64>) -> DeliveryRow {
    DeliveryRow {
        delivery_id: Some(id),
        efs: Some(efs),
        to_deliver,
        ..DeliveryRow::default()
    }
}

/// 200 messages without the Email Feedback Service: 10 hard and 4 soft bounces, 2 complaints of 186 delivered.
fn bounced() -> World {
    let mut world = World {
        deliveries: vec![delivery(1, false, None)],
        sending: relayed(1, 0..200, NINE),
        ..World::default()
    };
    let later = NINE + MINUTE;
    for message in 0..10 {
        let row = report(1, message, "hard_bounce", later);
        world.sending.push(row);
    }
    for message in 10..14 {
        world.sending.push(report(1, message, "expired", later));
    }
    for message in 14..16 {
        world.sending.push(report(1, message, "complaint", later));
    }
    world
}

#[test]
fn rates_beyond_their_thresholds_raise_alerts() {
    let site = Site::new(&bounced());
    let keys = "[alerts]\nhard_bounce_rate = 0.04\nsoft_bounce_rate = 0.01\ncomplaint_rate = 0.01\nexit_code = true\n";
    let raised = [
        alert("hard_bounce_rate", "1", 10.0 / 200.0, 0.04),
        alert("soft_bounce_rate", "1", 4.0 / 200.0, 0.01),
        alert("complaint_rate", "1", 2.0 / 186.0, 0.01),
    ];
    let first = site.run_job(keys, &[]).expect_status(5).says(&[
        "ALERT         delivery 1: hard_bounce_rate 5.00 %, over 4 %",
        "ALERT         delivery 1: soft_bounce_rate 2.00 %, over 1 %",
        "ALERT         delivery 1: complaint_rate 1.08 %, over 1 %",
    ]);
    assert!(first.stderr.contains("is published"), "{}", first.text());
    assert_eq!(alerts(&site), raised);
    // They are known now: told, but no reason for an exit code.
    let run_id = newest_run(&site.output())["run_id"].clone();
    let second = site
        .run_job(keys, &["--log-format", "json"])
        .expect_status(0);
    assert_eq!(second.json()["new_alerts"], 0);
    assert_eq!(alerts(&site), raised);
    for alert in list(&newest_run(&site.output())) {
        assert_eq!(alert["since_run"], run_id);
    }
    let third = site.run_job(keys, &[]).expect_status(0);
    assert!(!third.stderr.contains("ALERT"), "{}", third.text());
    third.says(&["alerts        3 alerts that earlier runs have told of"]);
    // What earlier runs have reported is forgotten.
    let full = site
        .run_job(keys, &["--full", "--log-format", "json"])
        .expect_status(5);
    assert_eq!(full.json()["new_alerts"], 3);
    assert_eq!(
        full.json()["run"]["alerts"].as_array().map(Vec::len),
        Some(3)
    );
    // Without the wish for an exit code there is none.
    let quiet = keys.replace("exit_code = true", "exit_code = false");
    site.run_job(&quiet, &["--full"])
        .expect_status(0)
        .says(&["ALERT"]);
}

#[test]
fn what_is_not_beyond_its_threshold_raises_none() {
    for (keys, why) in [
        ("hard_bounce_rate = 0.05\n", "equal"),
        (
            "hard_bounce_rate = 0.0\nmin_messages = 201\n",
            "few messages",
        ),
        (
            "complaint_rate = 0.0\nmin_messages = 187\n",
            "few delivered",
        ),
        ("", "nothing asked for"),
    ] {
        let site = Site::new(&bounced());
        site.run_job(&format!("[alerts]\n{keys}exit_code = true\n"), &[])
            .expect_status(0);
        assert_eq!(alerts(&site), [], "{why}");
    }
    // One step further they are.
    for keys in [
        "hard_bounce_rate = 0.0499\n",
        "hard_bounce_rate = 0.0\nmin_messages = 200\n",
        "complaint_rate = 0.0\nmin_messages = 186\n",
    ] {
        let site = Site::new(&bounced());
        site.run_job(&format!("[alerts]\n{keys}"), &[])
            .expect_status(0);
        assert_eq!(alerts(&site).len(), 1, "{keys}");
    }
}

/// Opens come for years: they do not make a delivery recent, nor its alerts new.
#[test]
fn what_is_long_over_raises_none_whoever_opens_it() {
    let mut world = bounced();
    let site = Site::new(&world);
    let keys = "[alerts]\nhard_bounce_rate = 0.04\nrecent_hours = 24\nexit_code = true\n";
    // The last message's deadline is 84 h after its relay.
    let last = NINE + 199 + 84 * HOUR + 24 * HOUR;
    let at = |instant: i64| ["--as-of".to_owned(), typed(instant)];
    let run_at = |instant, status, alerts_then: usize| {
        let flags = at(instant);
        let flags = flags.each_ref().map(String::as_str);
        site.run_job(keys, &flags).expect_status(status);
        assert_eq!(alerts(&site).len(), alerts_then, "{}", typed(instant));
    };
    run_at(NOON, 5, 1);
    run_at(last, 0, 1);
    run_at(last + 1, 0, 0);
    world.tracking = vec![tracked(1, 20, "open", last + HOUR)];
    site.rewrite(&world, &Layout::default());
    run_at(last + 2 * HOUR, 0, 0);
}

/// A proof that went out hours before does not begin a delivery; its start does, whether or not a message comes.
#[test]
fn a_delivery_that_does_not_begin_is_noticed_once_it_should_have() {
    let proof = SendingRow {
        is_test: Some(true),
        ..report(1, 1, "relayed", NINE - 3 * HOUR)
    };
    let of = |started_at| World {
        deliveries: vec![DeliveryRow {
            started_at,
            ..delivery(1, false, Some(1000))
        }],
        sending: vec![proof.clone()],
        ..World::default()
    };
    let keys = "[alerts]\nprocessed_per_hour = 100\n";
    for (started_at, expected) in [
        (None, 0),
        (Some(NOON - HOUR / 2), 0),
        (Some(NOON - HOUR), 1),
    ] {
        let site = Site::new(&of(started_at));
        site.run_job(keys, &[]).expect_status(0);
        assert_eq!(alerts(&site).len(), expected, "{started_at:?}");
    }
    // 20 a minute from 10:20 on, as of 11:29: no less than 1,100 an hour.
    let mut steady = of(None);
    let start = NINE + 80 * MINUTE;
    steady.sending = (0..1380)
        .map(|m| report(1, m, "relayed", start + m * MINUTE / 20))
        .collect();
    steady.deliveries[0].to_deliver = Some(9000);
    let site = Site::new(&steady);
    let flags = ["--as-of", &typed(start + 69 * MINUTE)];
    site.run_job("[alerts]\nprocessed_per_hour = 1100\n", &flags)
        .expect_status(0);
    assert_eq!(alerts(&site), []);
    let keys = "[alerts]\nprocessed_per_hour = 1300\n";
    site.run_job(keys, &flags).expect_status(0);
    assert_eq!(alerts(&site).len(), 1);
}

/// An exit code that another one came before is given by the next run.
#[test]
fn what_another_exit_code_hid_is_told_by_the_next_run() {
    let mut world = bounced();
    world.sending.push(report(1, 1, "no such event", NINE));
    let site = Site::new(&world);
    let keys = "[alerts]\nhard_bounce_rate = 0.04\nexit_code = true\n";
    site.run_job(keys, &[])
        .expect_status(3)
        .says(&["ALERT", "LEFT OUT"]);
    site.run_job(keys, &[]).expect_status(5).says(&["ALERT"]);
    site.run_job(keys, &[]).expect_status(0);
}

/// The published rows of a delivery that has lost a file stay, and so do its alerts.
#[test]
fn alerts_of_frozen_deliveries_stay() {
    let site = Site::new(&bounced());
    let extra = add_sending(
        &site,
        "extra",
        &[report(1, 50, "delivered", NINE + 2 * MINUTE)],
    );
    let keys = "[alerts]\nhard_bounce_rate = 0.04\nexit_code = true\n";
    site.run_job(keys, &["--accept-shrinkage"]).expect_status(5);
    fs::remove_file(extra).expect("a file");
    site.run_job(keys, &["--accept-shrinkage"]).expect_status(0);
    assert_eq!(newest_run(&site.output())["frozen"], json!(["1"]));
    assert_eq!(alerts(&site), [alert("hard_bounce_rate", "1", 0.05, 0.04)]);
}

/// Very many alerts, known and new, take no more time than there are.
#[test]
fn ten_thousand_alerts_are_matched_in_no_time() {
    let mut world = World::default();
    for delivery in 0..10_000 {
        world.sending.push(report(delivery, 1, "relayed", NINE));
        world
            .sending
            .push(report(delivery, 1, "hard_bounce", NINE + 1));
    }
    let site = Site::new(&world);
    let keys = "[alerts]\nhard_bounce_rate = 0.5\nmin_messages = 1\n";
    site.run_job(keys, &[]).expect_status(0);
    let again = site
        .run_job(keys, &["--log-format", "json"])
        .expect_status(0)
        .json();
    assert_eq!(again["new_alerts"], 0);
    assert_eq!(alerts(&site).len(), 10_000);
}

#[test]
fn a_dry_run_tells_of_alerts_too() {
    let site = Site::new(&bounced());
    let keys = "[alerts]\nhard_bounce_rate = 0.04\nexit_code = true\n";
    site.run_job(keys, &["--dry-run"])
        .expect_status(5)
        .says(&["ALERT"]);
    assert!(!site.output().join("kpi_run").exists());
}

#[test]
fn messages_that_are_pending_for_too_long_are_counted() {
    let mut world = World {
        deliveries: vec![delivery(1, true, None), delivery(2, true, None)],
        sending: relayed(1, 0..3, NINE),
        ..World::default()
    };
    world.sending.extend(relayed(1, 3..5, NINE + 150 * MINUTE));
    world.sending.extend(relayed(2, 0..1, NINE));
    world.sending.push(report(2, 0, "delivered", NINE + MINUTE));
    let site = Site::new(&world);
    let keys = "[alerts]\npending_hours = 2\n";
    site.run_job(keys, &[])
        .expect_status(0)
        .says(&["delivery 1: at least 3 messages pending for over 2 h"]);
    assert_eq!(alerts(&site), [alert("pending_hours", "1", 3.0, 2.0)]);
    // Nothing new of the delivery: the run does not compute its hours, and knows them all the same.
    add_sending(&site, "other", &[report(2, 9, "relayed", NOON + MINUTE)]);
    run(&site, keys, NOON + 2 * HOUR, &[]);
    assert_eq!(newest_run(&site.output())["mode"], "incremental");
    assert_eq!(alerts(&site), [alert("pending_hours", "1", 5.0, 2.0)]);
}

#[test]
fn a_delivery_that_stalls_is_noticed() {
    let world = World {
        deliveries: vec![delivery(1, false, Some(100)), delivery(2, false, Some(30))],
        sending: [
            relayed(1, 0..60, NINE + 90 * MINUTE),
            relayed(1, 60..70, NINE + 130 * MINUTE),
            relayed(2, 0..30, NINE),
        ]
        .concat(),
        ..World::default()
    };
    let keys = "[alerts]\nprocessed_per_hour = 20\n";
    let site = Site::new(&world);
    // The second one is whole; the first one had 60 in the hour of 10, and has 10 in that of 11.
    let as_of = |at| ["--as-of".to_owned(), typed(at)];
    let flags = as_of(NINE + 2 * HOUR);
    site.run_job(keys, &flags.each_ref().map(String::as_str))
        .expect_status(0);
    assert_eq!(alerts(&site), [], "it has just begun");
    site.run_job(keys, &[]).expect_status(0).says(&[
        "delivery 1: 10 messages processed in the last hour, less than 20, and not all are",
    ]);
    assert_eq!(
        alerts(&site),
        [alert("processed_per_hour", "1", 10.0, 20.0)]
    );
    // In the middle of an hour the one before counts as well.
    let flags = as_of(NOON + 30 * MINUTE);
    site.run_job(keys, &flags.each_ref().map(String::as_str))
        .expect_status(0);
    let pace = 10.0 / 1.5;
    assert_eq!(
        alerts(&site),
        [alert("processed_per_hour", "1", pace, 20.0)]
    );
}

#[test]
fn input_that_stays_away_is_noticed() {
    let mut world = bounced();
    world.tracking = vec![tracked(1, 1, "open", NINE + 170 * MINUTE)];
    let site = Site::new(&world);
    let keys = "[alerts]\ninput_hours = 2\n";
    site.run_job(keys, &[])
        .expect_status(0)
        .says(&["sending_log: the newest row is 3.0 h older than as-of, over 2 h"]);
    let age = (NOON - (NINE + MINUTE)) as f64 / HOUR as f64;
    assert_eq!(
        alerts(&site),
        [alert("input_hours", "sending_log", age, 2.0)]
    );
    // A row ahead of as-of hides nothing, and neither does a log that has none.
    let mut ahead = world.clone();
    ahead.tracking.clear();
    ahead
        .sending
        .push(report(1, 1, "delivered", NOON + 100 * DAY));
    let other = Site::new(&ahead);
    fs::create_dir_all(other.path("in/tracking_log")).expect("a folder");
    other
        .run_job(keys, &[])
        .expect_status(0)
        .says(&["tracking_log: no row at all"]);
    let expected = [
        alert("input_hours", "sending_log", age, 2.0),
        alert("input_hours", "tracking_log", f64::INFINITY, 2.0),
    ];
    assert_eq!(alerts(&other), expected);
    // A run of some deliveries looks at neither log as a whole, and leaves the alert as it is.
    site.run_job(keys, &["--delivery", "1"]).expect_status(0);
    assert_eq!(
        alerts(&site),
        [alert("input_hours", "sending_log", age, 2.0)]
    );
}

#[test]
fn a_run_of_some_deliveries_keeps_the_alerts_of_others() {
    let mut world = bounced();
    world.sending.extend(relayed(2, 0..200, NINE));
    for message in 0..50 {
        world
            .sending
            .push(report(2, message, "hard_bounce", NINE + MINUTE));
    }
    let site = Site::new(&world);
    let keys = "[alerts]\nhard_bounce_rate = 0.04\n";
    site.run_job(keys, &[]).expect_status(0);
    let both = [
        alert("hard_bounce_rate", "1", 0.05, 0.04),
        alert("hard_bounce_rate", "2", 0.25, 0.04),
    ];
    assert_eq!(alerts(&site), both);
    site.run_job(keys, &["--delivery", "2", "--log-format", "json"])
        .expect_status(0);
    let by_delivery: BTreeMap<String, f64> =
        alerts(&site).into_iter().map(|a| (a.1, a.2)).collect();
    let expected = [("1".to_owned(), 0.05), ("2".to_owned(), 0.25)];
    assert_eq!(by_delivery, BTreeMap::from(expected));
}

/// The same alerts, however many runs it took to get there.
#[test]
fn incremental_runs_raise_the_alerts_of_full_ones() {
    let keys = "[alerts]\npending_hours = 5\nprocessed_per_hour = 3\nhard_bounce_rate = 0.01\nmin_messages = 1\nrecent_hours = 30\ninput_hours = 4\n";
    let world = World {
        deliveries: (1..=4)
            .map(|id| delivery(id, id % 2 == 1, Some(40)))
            .collect(),
        sending: relayed(1, 0..2, NINE),
        ..World::default()
    };
    let site = Site::new(&world);
    let seed = std::env::var("DELIVERY_KPI_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(20_260_302);
    println!("DELIVERY_KPI_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut raised = BTreeMap::<String, usize>::new();
    let mut incremental = 0;
    let steps = 16;
    for step in 0..steps {
        let as_of = NINE + (step + 1) * 5 * HOUR;
        let mut rows = Vec::new();
        for delivery in 1..=4 {
            if random.u8(..3) == 0 {
                let first = 1000 * step;
                let at = as_of - random.i64(1..8 * HOUR);
                rows.extend(relayed(
                    delivery,
                    first..first + random.i64(1..9),
                    at.max(NINE),
                ));
                let event = random.choice(["delivered", "hard_bounce", "soft_bounce"]);
                rows.push(report(delivery, first, event.expect("one"), as_of - 1));
            }
        }
        if !rows.is_empty() {
            add_sending(&site, &format!("step-{step}"), &rows);
        }
        run(&site, keys, as_of, &[]);
        let run_of = newest_run(&site.output());
        incremental += usize::from(run_of["mode"] == "incremental");
        let found = alerts(&site);
        // The same extracts, into an output that is new.
        let fresh = site.path("fresh");
        let job = fs::read_to_string(site.path("job.toml")).expect("the job file");
        let job = job.replace("output = \"out\"", "output = \"fresh\"");
        let job = site.write("fresh.toml", job);
        let mut command = site.program();
        command
            .arg("recompute")
            .arg(job)
            .args(["--as-of", &typed(as_of)]);
        super::site::outcome(&mut command).expect_status(0);
        let other = newest_run(&fresh);
        let without = |run: &Row| -> Vec<Value> {
            let mut alerts = list(run).to_vec();
            alerts
                .iter_mut()
                .for_each(|alert| alert["since_run"] = json!(null));
            // The new ones stand first.
            alerts.sort_by_key(ToString::to_string);
            alerts
        };
        assert_eq!(without(&run_of), without(&other), "step {step}");
        fs::remove_dir_all(&fresh).expect("it goes");
        for alert in found {
            *raised.entry(alert.0).or_default() += 1;
        }
    }
    assert!(incremental > 10, "{incremental} of {steps}");
    assert!(steps * 5 * HOUR > 3 * DAY, "several days");
    println!("{raised:?}");
    for rule in ["pending_hours", "processed_per_hour", "hard_bounce_rate"] {
        assert!(raised.contains_key(rule), "{rule}: {raised:?}");
    }
}

#[test]
fn thresholds_that_mean_nothing_are_refused() {
    let site = Site::new(&bounced());
    for (key, found) in [
        (
            "hard_bounce_rate = 2.0",
            "alerts.hard_bounce_rate: expected a share between 0 and 1",
        ),
        ("soft_bounce_rate = -0.1", "alerts.soft_bounce_rate"),
        ("complaint_rate = nan", "alerts.complaint_rate"),
        (
            "pending_hours = 0",
            "alerts.pending_hours: expected a whole number from 1",
        ),
        ("recent_hours = 9000000000000000000", "alerts.recent_hours"),
        ("bounce_rate = 0.1", "unknown field `bounce_rate`"),
    ] {
        site.run_job(&format!("[alerts]\n{key}\n"), &[])
            .expect_status(2)
            .says(&[found]);
    }
}
