//! Exit code 2: wrong usage, job file or schema. Nothing is published, and nothing is on stdout.

use std::path::PathBuf;

use super::super::site::{NINE, assert_five_hours};
use super::super::site::{
    Site, content, delivery, outcome, report, runs_published, two_deliveries,
};
use super::super::world::{Layout, World};

/// Runs `recompute` with these flags beside those that make a run complete.
fn refused(flags: &[&str], says: &[&str]) {
    let site = Site::new(&two_deliveries());
    let outcome = site.run(flags);
    let context = format!("{flags:?}: {}", outcome.text());
    assert_eq!(outcome.status, Some(2), "{context}");
    assert_eq!(outcome.stdout, "", "{context}");
    assert_eq!(runs_published(&site.output()), 0, "{context}");
    outcome.says(says);
}

fn job_refused(keys: &str, says: &[&str]) {
    let site = Site::new(&two_deliveries());
    let outcome = site.run_job(keys, &[]);
    let context = format!("{keys}: {}", outcome.text());
    assert_eq!(outcome.status, Some(2), "{context}");
    assert_eq!(outcome.stdout, "", "{context}");
    assert_eq!(runs_published(&site.output()), 0, "{context}");
    outcome.says(&["job.toml"]).says(says);
}

/// What a value of a key is refused with names the key, not the file.
fn value_refused(keys: &str, says: &[&str]) {
    let site = Site::new(&two_deliveries());
    let outcome = site.run_job(keys, &[]).expect_status(2);
    assert_eq!(outcome.stdout, "", "{keys}");
    assert_eq!(runs_published(&site.output()), 0, "{keys}");
    outcome.says(says);
}

#[test]
fn commands_and_flags_that_are_none() {
    let site = Site::new(&two_deliveries());
    for arguments in [&[][..], &["recomputed"], &["--frobnicate"]] {
        let outcome = outcome(site.program().args(arguments)).expect_status(2);
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        assert!(outcome.stderr.contains("Usage"), "{}", outcome.text());
    }
    refused(&["--frobnicate"], &["--frobnicate"]);
    refused(&["--rewind=maybe"], &["--rewind"]);
    refused(&["one.toml", "two.toml"], &["two.toml"]);
}

#[test]
fn values_of_flags_that_are_none() {
    refused(
        &["--deadline", "maybe"],
        &["--deadline", "infer", "reported"],
    );
    refused(&["--threads", "many"], &["--threads", "many"]);
    refused(&["--threads", "0"], &["threads", "at least 1"]);
    refused(&["--threads", "1025"], &["threads", "at most 1024"]);
    refused(&["--progress", "sometimes"], &["--progress", "never"]);
    refused(&["--log-format", "xml"], &["--log-format", "json"]);
    refused(&["--delivery"], &["--delivery"]);
    for as_of in ["soon", "1989-12-31T23:59:59Z", "2100-01-01T00:00:00Z", ""] {
        refused(&["--as-of", as_of], &["as_of", "RFC 3339", as_of]);
    }
}

#[test]
fn event_times_come_in_pairs_and_hold_something() {
    let (start, end) = ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z");
    refused(&["--event-time-start", start], &["--event-time-end"]);
    refused(&["--event-time-end", end], &["--event-time-start"]);
    for (from, to) in [(end, start), (start, start)] {
        refused(
            &["--event-time-start", from, "--event-time-end", to],
            &["--event-time-end", "after --event-time-start"],
        );
    }
    let soon = ["--event-time-start", "soon", "--event-time-end", end];
    refused(&soon, &["--event-time-start", "soon"]);
    let both = [
        "--event-time-start",
        start,
        "--event-time-end",
        end,
        "--delivery",
        "1",
    ];
    refused(&both, &["--delivery"]);
}

#[test]
fn deliveries_that_the_extracts_do_not_know() {
    refused(&["--delivery", "7"], &["none of the 1 deliveries"]);
    refused(&["--delivery", "7", "8"], &["none of the 2 deliveries"]);
    // One that is known is enough.
    Site::new(&two_deliveries()).run_to(0, &["--delivery", "7", "1"]);
    // The extracts have integers; the place is told, not the text.
    refused(&["--delivery", "1", "two"], &["place 2"]);
}

#[test]
fn paths_that_are_missing() {
    let site = Site::new(&two_deliveries());
    let sending = site.arg("in/sending_log");
    let run = |arguments: &[&str]| {
        let outcome = outcome(site.program().arg("recompute").args(arguments));
        assert_eq!(outcome.stdout, "", "{}", outcome.text());
        outcome.expect_status(2)
    };
    run(&["--output", "out"]).says(&["--sending-log", "sending_log"]);
    run(&["--sending-log", &sending]).says(&["--output", "output"]);
    let into = ["--output", "out"];
    run(&[&into[..], &["--sending-log", "nowhere"]].concat()).says(&["nowhere", "found nothing"]);
    run(&[&into[..], &["--sending-log", "no*where/*.parquet"]].concat())
        .says(&["no*where/*.parquet", "found nothing"]);
    let complete = [&into[..], &["--sending-log", &sending]].concat();
    run(&[&complete[..], &["--tracking-log", "not-here"]].concat()).says(&["not-here"]);
    run(&[&complete[..], &["--deliveries", "not-there"]].concat()).says(&["not-there"]);
    run(&["nowhere.toml"]).says(&["nowhere.toml"]);
    // A folder in which nothing is a data file.
    site.write("notes/readme.txt", "none");
    site.write("notes/_temporary/part.parquet", "hidden");
    run(&[&into[..], &["--sending-log", "notes"]].concat()).says(&["notes", "found none"]);
    assert_eq!(runs_published(&site.output()), 0);
}

/// The tables of stores are not written by this build; nothing is made on the disk instead.
#[test]
fn a_url_of_no_store_is_refused_before_anything_is_made() {
    let site = Site::new(&two_deliveries());
    let names = || -> Vec<PathBuf> { content(&site.path("")).into_keys().collect() };
    let before = names();
    let mut command = site.program();
    command.args(["recompute", "--as-of", "2026-03-02T12:00:00Z"]);
    command.args([
        "--sending-log",
        "in/sending_log",
        "--output",
        "ftp://host/kpi",
    ]);
    outcome(&mut command)
        .expect_status(2)
        .says(&["ftp://host/kpi"]);
    assert_eq!(names(), before);
}

#[test]
fn job_files_that_are_not_understood() {
    job_refused("sendinglog = \"x\"\n", &["sendinglog", "unknown field"]);
    job_refused("[defaults]\nefz = true\n", &["efz"]);
    job_refused("[columns.sending]\n", &["sending"]);
    job_refused("[labels.kind]\n", &["kind"]);
    job_refused("max_rejected = -1\n", &["max_rejected", "-1"]);
    job_refused("max_rejected = \"many\"\n", &["max_rejected"]);
    job_refused("threads = \"two\"\n", &["threads"]);
    job_refused("[labels.failure_reason]\n\"full\" = \"five\"\n", &["five"]);
    job_refused("this is no TOML\n", &["expected"]);
}

#[test]
fn values_of_keys_that_are_none() {
    value_refused("threads = 0\n", &["threads", "at least 1"]);
    value_refused("deadline = \"maybe\"\n", &["deadline", "maybe", "infer"]);
    value_refused("on_bad_file = \"ask\"\n", &["on_bad_file", "ask", "skip"]);
    value_refused(
        "naive_timezone = \"Mars/Olympus\"\n",
        &["naive_timezone", "Mars/Olympus"],
    );
    value_refused("as_of = \"soon\"\n", &["as_of", "soon"]);
    for hours in [0, -3] {
        let keys = format!("[defaults]\nvalidity_hours = {hours}\n");
        value_refused(&keys, &["defaults.validity_hours", &hours.to_string()]);
    }
    for (table, meaning) in [
        ("event", "open"),
        ("status", "delivered"),
        ("failure_type", "temporary"),
        ("type", "relayed"),
    ] {
        let keys = format!("[labels.{table}]\n\"Label\" = \"{meaning}\"\n");
        value_refused(&keys, &[&format!("labels.{table}"), meaning]);
    }
}

#[test]
fn mappings_of_columns_that_are_none() {
    for extract in ["sending_log", "tracking_log", "deliveries"] {
        let keys = format!("[columns.{extract}]\nsubject = \"x\"\n");
        value_refused(&keys, &[&format!("columns.{extract}"), "subject"]);
    }
    // A column of the contract, but of another extract.
    value_refused("[columns.deliveries]\nevent_at = \"x\"\n", &["event_at"]);
    // Columns that no file has, required or not.
    let keys = "[columns.sending_log]\nevent_at = \"when\"\nlog_id = \"number\"\n";
    value_refused(keys, &["column when", "column number"]);
    // One column cannot tell messages apart and rows too.
    let keys = "[columns.sending_log]\nlog_id = \"message_id\"\n";
    value_refused(keys, &["log_id and message_id from different columns"]);
}

#[test]
fn an_as_of_earlier_than_the_published_one() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let before = content(&site.output());
    let earlier = ["--as-of", "2026-03-02T11:00:00Z"];
    site.run_to(2, &earlier)
        .says(&["2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z", "--rewind"]);
    assert_eq!(content(&site.output()), before, "nothing is written");
    site.run_to(2, &["--as-of", "2026-03-02T11:59:59.999999Z"]);
    site.run_to(0, &["--as-of", "2026-03-02T12:00:00Z"]);
    assert_five_hours(&site.hourly());
    site.run_to(0, &[&earlier[..], &["--rewind"]].concat());
    let hours = site.hourly();
    assert_eq!(hours.len(), 4, "the hour of 11 is in the future again");
    assert!(!hours.contains_key(&("1".to_owned(), NINE + 2 * 3_600_000_000)));
    assert!(site.deliveries()["1"]["as_of"] == (NINE + 2 * 3_600_000_000));
}

/// Identifiers cannot turn from integers into texts below the tables that hold them.
#[test]
fn tables_with_other_identifiers() {
    let world = World {
        deliveries: vec![delivery(1, "First")],
        sending: vec![report(1, 11, "relayed", NINE)],
        ..World::default()
    };
    let site = Site::new(&world);
    site.run_to(0, &[]);
    let before = content(&site.output());
    let texts = Layout {
        string_ids: true,
        ..Layout::default()
    };
    site.rewrite(&world, &texts);
    site.run_to(2, &[])
        .says(&["delivery_id", "other identifiers"]);
    assert_eq!(content(&site.output()), before);
}
