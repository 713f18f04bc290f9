//! Tables of the hours by the domain of recipients, by failure reason and by link, as a user sees them.

mod random;

use std::collections::BTreeMap;

use serde_json::Value;

use super::delta::{Row, committed, committed_versions, newest_run};
use super::run::Outcome;
use super::site::{
    AS_OF, HOUR, MINUTE, NINE, Site, changes, content, outcome, report, tracked, two_deliveries,
};
use super::world::{Layout, SendingRow, TrackingRow, World, url_text, write_sending};

const REASONS: &str = "delivery_kpi_hourly_by_reason";
const LINKS: &str = "delivery_kpi_hourly_by_url";
const DOMAINS: &str = "delivery_kpi_hourly_by_domain";
const ALL: &str = "[breakdowns]\nby_domain = true\nby_reason = true\nby_url = true\n";

fn failed(message: i64, event: &str, reason: Option<&str>, at: i64) -> SendingRow {
    SendingRow {
        failure_reason: reason.map(str::to_owned),
        ..report(1, message, event, at)
    }
}

fn click(message: i64, url_id: Option<i64>, at: i64) -> TrackingRow {
    TrackingRow {
        url_id,
        ..tracked(1, message, "click", at)
    }
}

/// Four messages that fail, one that does not; clicks of three on two links and on none that is known.
fn history() -> World {
    let mut world = two_deliveries();
    world.sending = (1..6)
        .map(|m| report(1, m, "relayed", NINE + m * MINUTE))
        .collect();
    let (ten, eleven) = (NINE + HOUR, NINE + 2 * HOUR);
    world.sending.extend([
        // The mailbox is full, and then there is nobody.
        failed(1, "soft_bounce", Some("5"), ten),
        failed(1, "hard_bounce", Some("user unknown"), eleven),
        // Two texts that are no labels, one of them an address.
        failed(2, "hard_bounce", Some("550 no ann@example.com"), ten),
        failed(3, "hard_bounce", Some("4711"), ten),
        failed(4, "hard_bounce", None, ten),
        report(1, 5, "delivered", ten),
    ]);
    for (message, domain) in [
        (1, Some("Example.COM")),
        (2, Some("example.com")),
        (3, Some("ann@example.org")),
        (4, None),
        (5, Some("b\u{fc}cher.example")),
    ] {
        let of_message = |row: &&mut SendingRow| row.message_id == Some(message);
        for row in world.sending.iter_mut().filter(of_message) {
            row.recipient_domain = domain.map(str::to_owned);
        }
    }
    world.tracking = vec![
        click(5, Some(1), eleven),
        click(5, Some(1), eleven + 1),
        click(5, Some(2), eleven + MINUTE),
        TrackingRow {
            machine: Some(true),
            ..click(4, Some(1), eleven)
        },
        click(3, None, eleven),
    ];
    world
}

/// The cells of the rows of delivery 1 in a table, in order; hours after nine o'clock.
fn cells(site: &Site, table: &str, columns: &[&str]) -> Vec<(i64, Vec<Value>)> {
    let rows = committed(&site.output(), table).into_iter();
    let rows = rows.filter(|row| row["delivery_id"] == 1);
    let hour = |row: &Row| (row["hour"].as_i64().expect("an hour") - NINE) / HOUR;
    let cells = |row: &Row| columns.iter().map(|column| row[*column].clone()).collect();
    let mut found: Vec<(i64, Vec<Value>)> = rows.map(|row| (hour(&row), cells(&row))).collect();
    found.sort_by_key(|(hour, cells)| (*hour, format!("{cells:?}")));
    found
}

fn row<const N: usize>(hour: i64, cells: [Value; N]) -> (i64, Vec<Value>) {
    (hour, cells.to_vec())
}

fn v(value: impl Into<Value>) -> Value {
    value.into()
}

#[test]
fn every_part_is_counted_as_by_hand() {
    let site = Site::new(&history());
    site.run_job(ALL, &[]).expect_status(0);
    let columns = [
        "failure_reason",
        "failure_reason_label",
        "hard_bounces",
        "hard_bounces_delta",
        "soft_bounces",
        "soft_bounces_delta",
        "bounces_errors",
        "soft_bounce_events",
        "soft_bounce_events_delta",
    ];
    let numbers = |cells: [i64; 7]| cells.map(v);
    let of = |reason: Value, label: Value, cells: [i64; 7]| -> Vec<Value> {
        [reason, label].into_iter().chain(numbers(cells)).collect()
    };
    let full = || [v(5), v("mailbox full")];
    let [five, label] = full();
    let mut expected = vec![
        (1, of(five, label, [0, 0, 0, 0, 0, 1, 1])),
        (1, of(v(4711), Value::Null, [1, 1, 0, 0, 1, 0, 0])),
        (1, of(Value::Null, v("none given"), [1, 1, 0, 0, 1, 0, 0])),
        (1, of(Value::Null, v("unmapped"), [1, 1, 0, 0, 1, 0, 0])),
        (2, of(v(1), v("user unknown"), [1, 1, 0, 0, 1, 0, 0])),
    ];
    expected.sort_by_key(|(hour, cells)| (*hour, format!("{cells:?}")));
    // Delivery 1 has no Email Feedback Service: a soft bounce leaves the message Sent.
    assert_eq!(cells(&site, REASONS, &columns), expected);

    let columns = [
        "url_id",
        "clicks",
        "unique_clicks",
        "unique_clicks_delta",
        "human_clicks",
    ];
    let expected = [
        row(2, [Value::Null, v(1), v(1), v(1), v(1)]),
        row(2, [v(1), v(3), v(2), v(2), v(2)]),
        row(2, [v(2), v(1), v(1), v(1), v(1)]),
    ];
    let mut found = cells(&site, LINKS, &columns);
    found.sort_by_key(|(_, cells)| cells[0].as_i64());
    assert_eq!(found, expected);

    let columns = [
        "recipient_domain",
        "processed",
        "delivered",
        "hard_bounces",
        "clicks",
        "hard_bounce_rate",
    ];
    let mut found = cells(&site, DOMAINS, &columns);
    found.retain(|(hour, _)| *hour == 2);
    found.sort_by_key(|(_, cells)| cells[0].to_string());
    let expected = [
        row(2, [v("(no domain name)"), v(1), v(0), v(1), v(1), v(1.0)]),
        row(2, [v("example.com"), v(2), v(0), v(2), v(0), v(1.0)]),
        row(
            2,
            [v("xn--bcher-kva.example"), v(1), v(1), v(0), v(3), v(0.0)],
        ),
        row(2, [Value::Null, v(1), v(0), v(1), v(1), v(1.0)]),
    ];
    assert_eq!(found, expected);
    let of_domain = &committed(&site.output(), DOMAINS)[0];
    assert!(!of_domain.contains_key("progress") && of_domain.contains_key("open_rate"));
}

/// All rows of a table without what differs from run to run.
fn rows(site: &Site, output: &str, table: &str) -> Vec<String> {
    let rows = committed(&site.path(output), table).into_iter();
    let text = |mut row: Row| {
        row.remove("run_id");
        Value::Object(row).to_string()
    };
    let mut rows: Vec<String> = rows.map(text).collect();
    rows.sort_unstable();
    rows
}

fn mode(site: &Site) -> Value {
    newest_run(&site.output())["mode"].clone()
}

#[test]
fn a_breakdown_is_switched_on_off_and_on_again() {
    let site = Site::new(&history());
    site.run_job("", &[]).expect_status(0);
    assert!(!site.output().join(REASONS).exists());
    let on = "[breakdowns]\nby_reason = true\n";
    site.run_job(on, &[])
        .expect_status(0)
        .says(&["everything is read", "breakdowns"]);
    assert_eq!(changes(&site.output(), REASONS), [5, 0, 0, 0]);
    assert!(!site.output().join(LINKS).exists());

    // A late row builds on what is there.
    let late = failed(5, "hard_bounce", Some("1"), NINE + 2 * HOUR + MINUTE);
    let more = |rows: &[SendingRow], name: &str| {
        let path = site.path(&format!("in/sending_log/{name}.parquet"));
        write_sending(&path, rows, &Layout::default());
    };
    more(&[late], "late");
    site.run_job(on, &[]).expect_status(0);
    assert_eq!(mode(&site), "incremental");
    assert_eq!(changes(&site.output(), REASONS), [0, 1, 0, 4]);
    let whole = rows(&site, "out", REASONS);

    site.run_job("", &[]).expect_status(0).says(&[
        "delivery_kpi_hourly_by_reason is no part of this run",
        "starts anew",
    ]);
    let versions = committed_versions(&site.output());
    assert!(!versions.contains_key(REASONS), "{versions:?}");
    let export = |site: &Site| {
        let words = ["export", REASONS, "-", "--job", "job.toml"];
        outcome(site.program().args(words))
    };
    export(&site).expect_status(2).says(&["no table", REASONS]);

    // What came meanwhile is there at once.
    more(&[failed(4, "hard_bounce", Some("2"), NINE + HOUR)], "later");
    site.run_job(on, &[]).expect_status(0);
    assert_eq!(mode(&site), "full");
    assert_ne!(rows(&site, "out", REASONS), whole);
    let fresh = site.path("fresh.toml");
    let job = std::fs::read_to_string(site.path("job.toml")).expect("a job");
    std::fs::write(&fresh, job.replace("\"out\"", "\"fresh\"")).expect("another job");
    outcome(site.program().args(["recompute", "fresh.toml"])).expect_status(0);
    assert_eq!(rows(&site, "out", REASONS), rows(&site, "fresh", REASONS));
    let told = export(&site).expect_status(0).stdout;
    assert_eq!(told.lines().count(), 1 + rows(&site, "out", REASONS).len());
    assert!(
        told.starts_with("delivery_id,hour,failure_reason,failure_reason_label,bounces_errors,")
    );
}

#[test]
fn a_table_of_parts_does_not_start_with_some_deliveries() {
    let site = Site::new(&history());
    site.run_job("", &[]).expect_status(0);
    let some: &[&str] = &["--delivery", "1"];
    for flags in [&["--delivery", "1"][..], &["--delivery", "1", "--dry-run"]] {
        site.run_job(ALL, flags)
            .expect_status(2)
            .says(&[REASONS, "a run of all deliveries first"]);
    }
    site.run_job(ALL, &[]).expect_status(0);
    let before = rows(&site, "out", DOMAINS);
    site.run_job(ALL, some).expect_status(0);
    assert_eq!(rows(&site, "out", DOMAINS), before);
    assert_eq!(changes(&site.output(), REASONS), [0, 0, 0, 5]);
}

#[test]
fn links_that_are_texts_are_told_apart_by_digests_with_a_key() {
    let layout = Layout {
        string_ids: true,
        ..Layout::default()
    };
    let site = Site::laid_out(&history(), &layout);
    let by_url = "[breakdowns]\nby_url = true\n";
    site.run_job(by_url, &[])
        .expect_status(2)
        .says(&["breakdowns.url_key", "url_id is a column of texts"]);
    site.write("short.key", "0123456789abcde");
    let keyed = |key: &str| format!("{by_url}url_key = \"{key}\"\n");
    site.run_job(&keyed("short.key"), &[])
        .expect_status(2)
        .says(&["breakdowns.url_key", "at least 16 bytes", "15 bytes"]);
    site.write("url.key", "0123456789abcdef");
    // All clicks lie ahead: once they count, their links are known by what the state has of them alone.
    let early = ["--as-of", "2026-03-02T10:30:00Z"];
    site.run_job(&keyed("url.key"), &early).expect_status(0);
    assert_eq!(committed(&site.output(), LINKS).len(), 0);
    site.run_job(&keyed("url.key"), &[]).expect_status(0);
    assert_eq!(mode(&site), "incremental");
    let digests = |site: &Site| -> BTreeMap<String, i64> {
        let rows = committed(&site.output(), LINKS).into_iter();
        rows.map(|row| {
            (
                row["url_digest"].to_string(),
                row["clicks"].as_i64().unwrap_or(0),
            )
        })
        .collect()
    };
    // printf %s TEXT | openssl dgst -sha256 -hmac 0123456789abcdef, the first 32 digits.
    let expected = BTreeMap::from([
        ("null".to_owned(), 1),
        (format!("\"{}\"", digest_of(1)), 3),
        (format!("\"{}\"", digest_of(2)), 1),
    ]);
    assert_eq!(digests(&site), expected);
    // A new row meets a link that the state knows.
    let late = click(1, Some(1), NINE + 2 * HOUR + 2 * MINUTE);
    let path = site.path("in/tracking_log/late.parquet");
    super::world::write_tracking(&path, &[late], &layout);
    site.run_job(&keyed("url.key"), &[]).expect_status(0);
    assert_eq!(mode(&site), "incremental");
    assert_eq!(digests(&site)[&format!("\"{}\"", digest_of(1))], 4);
    for (path, bytes) in content(&site.output()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(&url_text(1)), "{}", path.display());
    }
    site.write("other.key", "fedcba9876543210");
    site.run_job(&keyed("other.key"), &[])
        .expect_status(0)
        .says(&["everything is read"]);
    assert!(!digests(&site).contains_key(&format!("\"{}\"", digest_of(1))));
    assert_eq!(digests(&site).len(), 3);
}

fn digest_of(link: i64) -> &'static str {
    match link {
        1 => "90b2c04a89c81c32854fa6359adc9653",
        _ => "5ff7b92926717aa88a3dcd2aa3cf8fc1",
    }
}

/// A key that nothing uses decides nothing.
#[test]
fn a_key_without_a_table_of_links_changes_nothing() {
    let layout = Layout {
        string_ids: true,
        ..Layout::default()
    };
    let site = Site::laid_out(&history(), &layout);
    let keyed = |key: &str| {
        let name = format!("{key}.key");
        site.write(&name, format!("{key}, sixteen bytes or more"));
        let keys = format!("[breakdowns]\nby_reason = true\nurl_key = \"{name}\"\n");
        site.run_job(&keys, &[]).expect_status(0);
        mode(&site)
    };
    assert_eq!(keyed("one"), "full");
    assert_eq!(keyed("other"), "incremental");
    // Who shows no links needs no key.
    site.run_job("[breakdowns]\nby_url = true\n", &[])
        .expect_status(2);
    let check = outcome(site.program().args(["check", "job.toml"]));
    assert_ne!(check.status, Some(2), "{}", check.text());
}

/// What nobody can compute any more is lost with a run that leaves a table alone, and that is said.
#[test]
fn a_table_that_starts_anew_tells_of_frozen_deliveries() {
    let site = Site::new(&World {
        sending: history()
            .sending
            .into_iter()
            .filter(|row| row.message_id != Some(1))
            .collect(),
        ..history()
    });
    let other = SendingRow {
        delivery_id: Some(2),
        ..failed(7, "hard_bounce", Some("1"), NINE + HOUR)
    };
    for name in ["other-1", "other-2", "other-3"] {
        let path = site.path(&format!("in/sending_log/{name}.parquet"));
        let row = SendingRow {
            event_at: other.event_at.map(|at| at + name.len() as i64),
            ..other.clone()
        };
        write_sending(&path, &[row], &Layout::default());
    }
    let on = "[breakdowns]\nby_reason = true\n";
    site.run_job(on, &[]).expect_status(0);
    let of_second = |site: &Site| {
        let rows = committed(&site.output(), REASONS).into_iter();
        rows.filter(|row| row["delivery_id"] == 2).count()
    };
    assert_eq!(of_second(&site), 1);
    std::fs::remove_file(site.path("in/sending_log/other-2.parquet")).expect("a file");
    let told = site.run_job(on, &[]).expect_status(0);
    assert!(!told.stderr.contains("has no rows of"), "{}", told.text());
    assert_eq!(of_second(&site), 1, "frozen");
    site.run_job("", &[]).expect_status(0).says(&[
        "no part of this run",
        "without the rows of 1 frozen delivery",
    ]);
    site.run_job(on, &[])
        .expect_status(0)
        .says(&["delivery_kpi_hourly_by_reason has no rows of 1 frozen delivery"]);
    assert_eq!(of_second(&site), 0);
    let verify = outcome(site.program().args(["verify", "job.toml"])).expect_status(0);
    assert!(!verify.stderr.contains("does not ask"), "{}", verify.text());
    let job = std::fs::read_to_string(site.path("job.toml")).expect("a job");
    site.write("plain.toml", job.replace(on, ""));
    outcome(site.program().args(["verify", "plain.toml"]))
        .expect_status(0)
        .says(&["not compared, as the job does not ask for it", REASONS]);
}

#[test]
fn verify_looks_at_the_parts_too() {
    let site = Site::new(&history());
    site.run_job(ALL, &["--as-of", AS_OF]).expect_status(0);
    let verify = |flags: &[&str]| -> Outcome {
        outcome(site.program().args(["verify", "job.toml"]).args(flags))
    };
    let same = verify(&[]).expect_status(0).stdout;
    for table in [REASONS, LINKS, DOMAINS] {
        assert!(same.contains(&format!("{table}: no row differs")), "{same}");
    }
    // The same failure for another reason changes no row of a delivery.
    let mut other = history();
    for row in &mut other.sending {
        if row.failure_reason.as_deref() == Some("4711") {
            row.failure_reason = Some("2".to_owned());
        }
    }
    site.rewrite(&other, &Layout::default());
    let differs = verify(&["--json"]).expect_status(1).data();
    assert_eq!(differs["differs"], true);
    let rows = &differs["rows"];
    assert_eq!(rows[REASONS]["only_old"], 1);
    assert_eq!(rows[REASONS]["only_new"], 1);
    assert_eq!(rows["delivery_kpi_hourly"]["different"], 0);
    assert_eq!(rows[LINKS]["different"], 0);
}
