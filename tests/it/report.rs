//! `report`: a page for people. What it holds is compared with the tables here; how it looks and what it does, in a
//! browser.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::delta;
use super::incremental::{add_sending, late_rows, retention, run};
use super::python;
use super::site::{
    HOUR, MINUTE, NINE, NOON, Site, number, outcome, report, tracked, two_deliveries,
};
use super::world::{SendingRow, World};

/// The data that a page holds.
pub fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").expect("data");
    let (packed, _) = rest.split_once("</script>").expect("an end");
    let packed = STANDARD.decode(packed.trim()).expect("base64");
    let mut text = String::new();
    GzDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .expect("gzip");
    serde_json::from_str(&text).expect("JSON")
}

fn page(site: &Site, flags: &[&str]) -> String {
    let mut command = site.program();
    command.args(["report", "page.html", "--output", "out"]);
    outcome(command.args(flags)).expect_status(0);
    fs::read_to_string(site.path("page.html")).expect("a page")
}

fn column<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().unwrap_or_else(|| panic!("{name}"))
}

/// No page shows it.
const FREE_TEXT: &str = "550 mailbox of <jane@example.com> is full";

/// Many hours, restatements, alerts, rejected rows, a label that would be a script elsewhere, reasons of all kinds.
fn busy() -> Site {
    let mut world = two_deliveries();
    world.deliveries[0].label = Some("</script><script>alert(1)</script>".to_owned());
    for message in 100..160 {
        world
            .sending
            .push(report(1, message, "relayed", NINE + message * MINUTE));
        let event = if message % 7 == 0 {
            "hard_bounce"
        } else {
            "delivered"
        };
        world
            .sending
            .push(report(1, message, event, NINE + (message + 5) * MINUTE));
        world
            .tracking
            .push(tracked(1, message, "open", NINE + message * 2 * MINUTE));
    }
    world.sending.push(report(2, 5, "no such event", NINE));
    let reasons = [Some("mailbox full"), Some("17"), Some(FREE_TEXT), None];
    for (place, message) in (200..220).enumerate() {
        let delivery = 1 + (message % 3) / 2;
        let at = NINE + (message - 190) * MINUTE;
        let failed = |event: &str, at: i64, reason: Option<&str>| SendingRow {
            failure_reason: reason.map(str::to_owned),
            ..report(delivery, message, event, at)
        };
        let reason = reasons[place % reasons.len()];
        world
            .sending
            .push(failed("soft_bounce", at, Some("unreachable")));
        // There is an alert for hard bounces, and none of delivery 2.
        let last = match delivery {
            1 => ["expired", "hard_bounce", "delivered"][place % 5 / 2],
            _ => "expired",
        };
        world.sending.push(failed(last, at + HOUR, reason));
    }
    let site = Site::new(&world);
    let keys = "restatements = true\nmax_rejected = 5\n[alerts]\nhard_bounce_rate = 0.01\nmin_messages = 1\n\
                [breakdowns]\nby_reason = true\n";
    run(&site, keys, NOON + 3 * HOUR, &[]);
    add_sending(&site, "late", &late_rows());
    run(&site, keys, NOON + 4 * HOUR, &[]);
    site
}

#[test]
fn a_page_has_quarantines_where_they_are_counted() {
    let site = Site::new(&two_deliveries());
    site.run_job("[quarantine]\n", &[]).expect_status(0);
    let data = data(&page(&site, &[]));
    let deliveries = &data["deliveries"];
    let entered: BTreeMap<&str, i64> = column(deliveries, "delivery_id")
        .iter()
        .zip(column(deliveries, "new_quarantines"))
        .filter_map(|(id, entered)| Some((id.as_str()?, entered.as_i64()?)))
        .collect();
    assert_eq!(entered, BTreeMap::from([("1", 1), ("2", 0)]));
    let block = outcome(site.program().args(["stats", "1", "--output", "out"]));
    let block = block.expect_status(0).stdout;
    let line = block
        .lines()
        .find(|line| line.starts_with("new quarantines"));
    assert!(line.is_some_and(|line| line.ends_with(" 1")), "{block}");
}

#[test]
fn a_page_holds_what_the_tables_say() {
    let site = busy();
    let page = page(&site, &["--timezone", "Europe/Paris"]);
    let data = data(&page);
    assert_eq!(data["timezone"], "Europe/Paris");
    let deliveries = &data["deliveries"];
    let ids: Vec<&str> = column(deliveries, "delivery_id")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let rows = site.deliveries();
    assert!(
        deliveries["new_quarantines"].is_null(),
        "nobody asked for it"
    );
    let mut known: Vec<&str> = ids.clone();
    known.sort_unstable();
    assert_eq!(known, rows.keys().map(String::as_str).collect::<Vec<_>>());
    for (place, id) in ids.iter().enumerate() {
        let is_there = |name: &str| !["run_id", "new_quarantines"].contains(&name);
        for (name, value) in rows[*id].iter().filter(|(name, _)| is_there(name)) {
            let shown = &column(deliveries, name)[place];
            let is_instant = name.ends_with("_at") || name == "as_of";
            match value.as_i64() {
                Some(micros) if is_instant => {
                    assert_eq!(shown.as_i64(), Some(micros.div_euclid(1000)), "{name}");
                }
                // Identifiers are texts: a script has no integers of 64 bits.
                Some(id) if name.ends_with("_id") => assert_eq!(*shown, id.to_string()),
                // serde_json may read the last digit of a fraction differently.
                _ if value.is_f64() => {
                    let [shown, value] = [shown, value].map(|rate| rate.as_f64().expect("a rate"));
                    assert!((shown - value).abs() < 1e-12, "{name}");
                }
                _ => assert_eq!(shown, value, "{name}"),
            }
        }
    }
    let hours = &data["hours"];
    let mut found = BTreeMap::new();
    for (place, delivery) in column(hours, "delivery").iter().enumerate() {
        let id = ids[delivery.as_u64().expect("a place") as usize];
        let hour = column(hours, "hour")[place].as_i64().expect("an hour") * HOUR;
        found.insert((id.to_owned(), hour), place);
    }
    let rows = site.hourly();
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        rows.keys().collect::<Vec<_>>()
    );
    for (key, place) in found {
        for name in [
            "processed_delta",
            "pending_delta",
            "delivered_delta",
            "bounces_errors_delta",
            "opens_delta",
            "unique_opens_delta",
            "clicks_delta",
            "unique_clicks_delta",
            "complaints_delta",
        ] {
            let shown = column(hours, name)[place].as_i64();
            assert_eq!(shown, Some(number(&rows[&key], name)), "{key:?} {name}");
        }
    }
    let run = delta::newest_run(&site.output());
    assert_eq!(data["run"]["run_id"], run["run_id"]);
    assert_eq!(data["run"]["rejections"][0]["rows"], 1);
    assert_eq!(data["run"]["rejections"][0]["column"], "event");
    for long in ["files", "arguments"] {
        assert!(data["run"].get(long).is_none(), "{long}");
    }
    assert_eq!(data["alerts"].as_array().map(Vec::len), Some(1));
    let restated = &data["restatements"];
    let changes: usize = delta::committed(&site.output(), "kpi_restatement")
        .iter()
        .flat_map(|row| row["changes"].as_array().expect("a list").clone())
        .filter(|change| {
            let kpi = change["kpi"].as_str().expect("a name");
            !kpi.ends_with("_delta") && !kpi.contains("_rate") && kpi != "progress"
        })
        .count();
    assert!(changes > 0);
    assert_eq!(column(restated, "counter").len(), changes);
}

/// Failed messages by delivery and the name of their reason, as a page has them: hard and soft.
fn by_reason(data: &Value) -> BTreeMap<(String, String), [i64; 2]> {
    let text = |of: &Value| of.as_str().expect("a text").to_owned();
    let ids = column(&data["deliveries"], "delivery_id");
    let reasons = &data["reasons"];
    let names = column(reasons, "names");
    let count = |name: &str, row: usize| column(reasons, name)[row].as_i64().expect("a number");
    let mut found = BTreeMap::new();
    for row in 0..column(reasons, "delivery").len() {
        let id = &ids[count("delivery", row) as usize];
        let name = &names[count("reason", row) as usize];
        let counts = ["hard_bounces", "soft_bounces"].map(|name| count(name, row));
        let twice = found.insert((text(id), text(name)), counts);
        assert!(twice.is_none(), "two rows of {id} {name}");
    }
    found
}

#[test]
fn a_page_says_why_messages_have_failed() {
    let site = busy();
    let page = page(&site, &[]);
    let data = data(&page);
    let found = by_reason(&data);
    // The table by its other columns: the values at the end of the last hour of each reason.
    let mut last: BTreeMap<(String, String), (i64, [i64; 2])> = BTreeMap::new();
    for row in delta::committed(&site.output(), "delivery_kpi_hourly_by_reason") {
        let name = match (&row["failure_reason_label"], &row["failure_reason"]) {
            (Value::String(label), _) => label.clone(),
            (_, code) => format!("code {code}"),
        };
        let key = (row["delivery_id"].to_string(), name);
        let now = ["hard_bounces", "soft_bounces"].map(|column| number(&row, column));
        let known = last.entry(key).or_default();
        *known = (*known).max((number(&row, "hour"), now));
    }
    let failed = last.into_iter().map(|(key, (_, counts))| (key, counts));
    let failed: BTreeMap<_, _> = failed.filter(|(_, counts)| *counts != [0, 0]).collect();
    assert_eq!(found, failed);
    let names: BTreeSet<&str> = found.keys().map(|(_, name)| name.as_str()).collect();
    let known = [
        "code 17",
        "mailbox full",
        "none given",
        "unmapped",
        "unreachable",
    ];
    assert_eq!(names, BTreeSet::from(known));
    for (id, row) in site.deliveries() {
        let of_delivery = found.iter().filter(|((delivery, _), _)| *delivery == id);
        let sums = of_delivery.fold([0; 2], |sums, (_, counts)| {
            [0, 1].map(|of| sums[of] + counts[of])
        });
        let whole = ["hard_bounces", "soft_bounces"].map(|column| number(&row, column));
        assert_eq!(sums, whole, "{id}");
        assert_eq!(
            sums.iter().sum::<i64>(),
            number(&row, "bounces_errors"),
            "{id}"
        );
    }
    assert!(!page.contains("jane") && !data.to_string().contains("jane"));
    // The most frequent come first.
    let names = column(&data["reasons"], "names");
    let total = |name: &Value| -> i64 {
        let of_name = found.iter().filter(|((_, of), _)| name == of.as_str());
        of_name.map(|(_, counts)| counts.iter().sum::<i64>()).sum()
    };
    assert!(names.is_sorted_by_key(|name| -total(name)), "{names:?}");
}

/// The table by reason begins with a run that no longer sees the files of delivery 1.
#[test]
fn a_page_tells_what_a_frozen_delivery_lacks() {
    let site = retention::site();
    run(&site, "", NOON, &[]);
    assert!(data(&page(&site, &[]))["reasons"].is_null());
    in_a_browser(&site.path("page.html"));
    retention::lose(&site);
    run(&site, "[breakdowns]\nby_reason = true\n", NOON + HOUR, &[]);
    assert_eq!(delta::newest_run(&site.output())["frozen"][0], "1");
    let data = data(&page(&site, &[]));
    assert!(by_reason(&data).keys().all(|(id, _)| id != "1"));
    assert!(number(&site.deliveries()["1"], "bounces_errors") > 0);
    in_a_browser(&site.path("page.html"));
}

#[test]
fn only_some_deliveries_may_be_on_it() {
    let site = busy();
    let of = |page: &str| {
        let data = data(page);
        let ids = column(&data["deliveries"], "delivery_id").to_vec();
        let places: Vec<u64> = column(&data["hours"], "delivery")
            .iter()
            .filter_map(Value::as_u64)
            .collect();
        assert!(places.iter().all(|place| (*place as usize) < ids.len()));
        (ids, data["left"]["deliveries"].clone())
    };
    // What is said of others is on no page of one.
    let alone = data(&page(&site, &["--delivery", "2"]));
    assert_eq!(column(&alone, "alerts"), &[] as &[Value]);
    assert_eq!(alone["left"]["alerts"], 1);
    assert_eq!(alone["left"]["others"], 1);
    let reasons = by_reason(&alone);
    assert!(!reasons.is_empty() && reasons.keys().all(|(id, _)| id == "2"));
    assert!(alone["run"].get("alerts").is_none());
    let (ids, left) = of(&page(&site, &["--delivery", "2"]));
    assert_eq!((ids, left), (vec![Value::from("2")], Value::from(0)));
    // Those with the most recent events.
    let (ids, left) = of(&page(&site, &["--most", "1"]));
    assert_eq!((ids, left), (vec![Value::from("1")], Value::from(1)));
    let mut command = site.program();
    command.args([
        "report",
        "x.html",
        "--output",
        "out",
        "--most",
        "1",
        "--delivery",
        "1",
        "77",
    ]);
    outcome(&mut command)
        .expect_status(0)
        .says(&["note: 1 delivery that you asked for"]);
}

#[test]
fn wrong_words_are_refused_and_leave_no_file() {
    let site = busy();
    for (words, found) in [
        (
            &["report", "p.html", "--output", "nowhere"][..],
            "expected the tables of a run",
        ),
        (
            &["report", "out/delivery_kpi/p.html", "--output", "out"],
            "outside the tables",
        ),
        (
            &["report", "p.html", "--output", "out", "--timezone", "Mars"],
            "an IANA time zone",
        ),
        (
            &["report", "p.html", "--output", "out", "--delivery", "x"],
            "integer identifiers",
        ),
        (
            &["report", "p.html", "--output", "out", "--delivery", "77"],
            "none of the 1 deliveries",
        ),
        (
            &["report", "no/p.html", "--output", "out"],
            "a file in a folder that is there",
        ),
        (
            &["report", "s3://bucket/p.html", "--output", "out"],
            "a local file",
        ),
    ] {
        outcome(site.program().args(words))
            .expect_status(2)
            .says(&[found]);
    }
    assert!(!site.path("p.html").exists());
    let piped = outcome(site.program().args(["report", "-", "--output", "out"])).expect_status(0);
    assert!(piped.stdout.starts_with("<!DOCTYPE html>"));
}

/// What a browser makes of it: the checks are in `tests/report_page.py`.
fn in_a_browser(page: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report_page.py");
    let mut command = Command::new(python::browser());
    let outcome = outcome(command.arg(script).arg(page));
    println!("{}", outcome.text());
    outcome.expect_status(0);
}

#[test]
fn people_can_use_it() {
    let site = busy();
    page(&site, &["--timezone", "Europe/Paris"]);
    in_a_browser(&site.path("page.html"));
}

#[test]
fn a_page_of_a_run_without_deliveries_says_so() {
    let mut world = World::default();
    world.sending.push(report(1, 1, "no such event", NINE));
    let site = Site::new(&world);
    site.run_job("max_rejected = 5\n", &[]).expect_status(0);
    let data = data(&page(&site, &[]));
    assert!(column(&data["deliveries"], "delivery_id").is_empty());
    assert!(data["reasons"].is_null());
    in_a_browser(&site.path("page.html"));
}
