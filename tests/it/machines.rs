//! Rules that tell machines from people, as a user sees them: what changes when they do, and what is said of it.

use super::delta::newest_run;
use super::site::{HOUR, MINUTE, NINE, Site, number, report, tracked, two_deliveries};
use super::world::{TrackingRow, World};

const SECOND: i64 = 1_000_000;

/// Message 1 is opened a second after its relay and an hour later; message 2 has four links clicked at once, and is
/// marked besides; message 3 is read by a person.
fn history() -> World {
    let mut world = two_deliveries();
    world.sending = (1..4)
        .map(|m| report(1, m, "relayed", NINE + m * MINUTE))
        .collect();
    let click = |url, at| TrackingRow {
        url_id: Some(url),
        ..tracked(1, 2, "click", at)
    };
    let at = NINE + 2 * HOUR;
    world.tracking = vec![
        tracked(1, 1, "open", NINE + MINUTE + SECOND),
        tracked(1, 1, "open", NINE + HOUR),
        click(1, at),
        click(2, at),
        click(3, at + SECOND),
        click(9, at + SECOND),
        TrackingRow {
            machine: Some(true),
            ..tracked(1, 2, "open", at)
        },
        tracked(1, 3, "open", NINE + HOUR),
    ];
    world
}

fn counters(site: &Site, names: [&str; 6]) -> [i64; 6] {
    let row = &site.deliveries()["1"];
    names.map(|name| number(row, name))
}

const RAW: [&str; 6] = [
    "opens_tracked",
    "unique_opens",
    "opens",
    "clicks",
    "unique_clicks",
    "unsubscribes",
];
const HUMAN: [&str; 6] = [
    "human_opens_tracked",
    "human_unique_opens",
    "human_opens",
    "human_clicks",
    "human_unique_clicks",
    "human_unsubscribes",
];
const SIGNS: [&str; 6] = [
    "machine_marked",
    "machine_honeypot",
    "machine_many_links",
    "machine_early_open",
    "processed",
    "delivered",
];

#[test]
fn another_rule_changes_the_past_and_diff_shows_it() {
    let site = Site::new(&history());
    site.run_job("", &[]).expect_status(0);
    let raw = [4, 3, 4, 4, 1, 0];
    assert_eq!(counters(&site, RAW), raw);
    assert_eq!(counters(&site, HUMAN), [3, 3, 4, 4, 1, 0]);
    assert_eq!(counters(&site, SIGNS), [1, 0, 0, 0, 3, 3]);
    // A run without anything new builds on the last one; one with another rule does not.
    site.run_job("", &[]).expect_status(0);
    assert_eq!(newest_run(&site.output())["mode"], "incremental");
    let keys = "[machines]\nopen_seconds = 1\nmany_links = 4\n";
    let changed = site.run_job(keys, &[]).expect_status(0);
    changed.says(&["everything is read", "rules for machines"]);
    assert_eq!(counters(&site, RAW), raw, "nothing is taken out");
    assert_eq!(counters(&site, HUMAN), [2, 2, 2, 0, 0, 0]);
    assert_eq!(counters(&site, SIGNS), [1, 0, 4, 1, 3, 3]);
    let words = ["diff", "run:2", "run:3", "--output", "out", "--json"];
    let answer = super::site::outcome(site.program().args(words))
        .expect_status(0)
        .data();
    let totals = answer["totals"].as_array().expect("totals");
    let difference = |counter: &str| {
        let of = totals.iter().find(|total| total["counter"] == counter);
        of.map(|total| total["difference"].as_i64().expect("a number"))
    };
    assert_eq!(difference("human_clicks"), Some(-4));
    assert_eq!(difference("human_unique_opens"), Some(-1));
    assert_eq!(difference("machine_early_open"), Some(1));
    assert_eq!(difference("clicks"), None, "the raw counters stay");
    // And back again.
    site.run_job("[machines]\nmarked = false\n", &[])
        .expect_status(0);
    assert_eq!(counters(&site, HUMAN), raw);
    assert_eq!(counters(&site, SIGNS), [0, 0, 0, 0, 3, 3]);
}

#[test]
fn explain_says_why_a_row_is_a_machines() {
    let site = Site::new(&history());
    let keys = "[machines]\nopen_seconds = 1\nhoneypots = [\"9\"]\nhoneypot_seconds = 0.5\nmany_links = 2\nmany_links_seconds = 0\n";
    site.run_job(keys, &[]).expect_status(0);
    let explain = |message: &str, flags: &[&str]| {
        let words = [&["explain", "1", message, "--job", "job.toml"], flags].concat();
        super::site::outcome(site.program().args(words)).expect_status(0)
    };
    let signs = |message: &str| -> Vec<String> {
        let story = explain(message, &["--json"]).data();
        let lines = story["history"].as_array().expect("lines").iter();
        let signs = lines.filter(|line| line["row"]["log"] == "tracking_log");
        signs
            .map(|line| line["machine"].as_str().unwrap_or("-").to_owned())
            .collect()
    };
    assert_eq!(signs("1"), ["early-open", "-"]);
    // The links 1 and 2 at one instant; the other two a second later, one of them a honeypot, which takes the other along.
    let mut of_two = signs("2");
    of_two.sort_unstable();
    assert_eq!(
        of_two,
        ["honeypot", "honeypot", "many-links", "many-links", "marked"]
    );
    let text = explain("1", &[]).stdout;
    assert!(
        text.contains("made by a machine: an open right after the relay (early-open)"),
        "{text}"
    );
    assert!(text.contains("machine_early_open +1"), "{text}");
    // Counters of people are told where they go ways of their own.
    assert!(text.contains("human_unique_opens +1"), "{text}");
    let person = explain("3", &[]).stdout;
    assert!(
        !person.contains("human_") && !person.contains("machine"),
        "{person}"
    );
}

#[test]
fn the_block_has_lines_of_people_where_there_are_machines() {
    let mut quiet = history();
    quiet.tracking.retain(|row| row.machine.is_none());
    for (world, expected) in [(history(), true), (quiet, false)] {
        let site = Site::new(&world);
        site.run_job("", &[]).expect_status(0);
        let words = ["stats", "1", "--output", "out"];
        let block = super::site::outcome(site.program().args(words))
            .expect_status(0)
            .stdout;
        assert_eq!(block.contains("by people: opened"), expected, "{block}");
    }
}

/// A rule's link stands in no file of the output, nor in what is said.
#[test]
fn a_honeypot_is_written_nowhere() {
    let site = Site::new(&history());
    let keys = "[machines]\nhoneypots = [\"canary-link-42\"]\n";
    let run = site.run_job(keys, &[]).expect_status(0);
    assert!(!run.text().contains("canary"), "{}", run.text());
    for (path, bytes) in super::site::content(&site.output()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("canary-link-42"), "{}", path.display());
    }
}

#[test]
fn rules_that_mean_nothing_are_refused() {
    let site = Site::new(&history());
    for (key, found) in [
        (
            "open_seconds = -1",
            "machines.open_seconds: expected seconds, from 0 to 86400",
        ),
        ("open_seconds = nan", "machines.open_seconds"),
        ("open_seconds = 1e9", "machines.open_seconds"),
        (
            "many_links = 1",
            "machines.many_links: expected a number of links from 2 to 1000",
        ),
        (
            "many_links_seconds = 2",
            "expected machines.many_links beside it",
        ),
        ("honeypot_seconds = -2", "machines.honeypot_seconds"),
        (
            "honeypots = [1.5]",
            "machines.honeypots: expected a list of links",
        ),
        (
            "honeypots = [\" \"]",
            "machines.honeypots: expected a list of links",
        ),
        ("rule = true", "unknown field `rule`"),
    ] {
        site.run_job(&format!("[machines]\n{key}\n"), &[])
            .expect_status(2)
            .says(&[found]);
    }
}

/// A message with very many clicks does not keep a run busy.
#[test]
fn many_clicks_of_one_message_are_looked_at_once() {
    let mut world = history();
    let clicks = 200_000;
    world.tracking = (0..clicks)
        .map(|click| TrackingRow {
            url_id: Some(click % 7),
            log_id: Some(click),
            ..tracked(1, 2, "click", NINE + HOUR + click * 10)
        })
        .collect();
    let site = Site::new(&world);
    let keys = "[machines]\nmany_links = 7\nmany_links_seconds = 1\nhoneypots = [3]\nhoneypot_seconds = 0\nopen_seconds = 1\n";
    site.run_job(keys, &[]).expect_status(0);
    let [_, honeypot, many, ..] = counters(&site, SIGNS);
    assert_eq!(honeypot + many, clicks);
    assert_eq!(
        honeypot,
        (0..clicks).filter(|click| click % 7 == 3).count() as i64
    );
}
