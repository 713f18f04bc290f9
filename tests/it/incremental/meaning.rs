//! Where rows mean something else than before, everything is read.

use super::super::site::{
    HOUR, MINUTE, NINE, NOON, content, delivery, number, rename_columns, report, tracked,
};
use super::super::world::{Instants, World};
use super::*;

/// A world of which each key of a job changes something.
fn world() -> World {
    let mut world = two_deliveries();
    world.tracking.push(tracked(1, 11, "42", NINE + MINUTE));
    world
        .sending
        .push(report(2, 21, "soft_bounce", NINE + 40 * MINUTE));
    for row in &mut world.deliveries {
        row.started_at = Some(NINE);
    }
    world
}

const OTHER: &str = "everything is read: labels, defaults, columns, time zone, deadline";

#[test]
fn keys_that_change_the_meaning_read_everything_once() {
    let keys = [
        "[labels.type]\n42 = \"click\"\n",
        "[labels.failure_reason]\n\"mailbox full\" = 5\n",
        "[defaults]\nefs = true\n",
        "[defaults]\nvalidity_hours = 2\n",
        "[defaults]\nchannel = \"sms\"\n",
        "deadline = \"reported\"\n",
        "naive_timezone = \"Europe/Paris\"\n",
    ];
    let site = Site::laid_out(
        &world(),
        &Layout {
            instants: Instants::Naive,
            ..Layout::default()
        },
    );
    let mut before = "";
    run(&site, before, NOON, &[]);
    for next in keys {
        run(&site, before, NOON, &[]);
        assert_eq!(mode(&site), "incremental", "{before:?}");
        let outcome = run(&site, next, NOON, &[]);
        assert_eq!(mode(&site), "full", "from {before:?} to {next:?}");
        outcome.says(&[OTHER]);
        assert_as_fresh(&site, next, NOON);
        before = next;
    }
    // The order of keys, the number of threads and the room for rows mean nothing.
    for same in [
        "threads = 1\n",
        "memory_limit = \"256MB\"\n",
        "max_rejected = 5\n",
    ] {
        run(&site, &format!("{same}{before}"), NOON, &[]);
        assert_eq!(mode(&site), "incremental", "{same}");
        assert_as_fresh(&site, before, NOON);
    }
}

#[test]
fn other_columns_read_everything() {
    let site = Site::new(&two_deliveries());
    run(&site, "", NOON, &[]);
    let before = tables(&site);
    let path = site.path("in/tracking_log/part-000.parquet");
    rename_columns(&path, &[("event_at", "happened_at")]);
    let keys = "[columns.tracking_log]\nevent_at = \"happened_at\"\n";
    run(&site, keys, NOON, &[]).says(&[OTHER]);
    assert_eq!(mode(&site), "full");
    assert_eq!(tables(&site), before);
    assert_as_fresh(&site, keys, NOON);
}

/// A mapped column has to be in some file; a new one may be without it.
#[test]
fn a_new_file_may_lack_a_mapped_column() {
    let mut world = world();
    world.sending[6].failure_reason = Some("mailbox full".to_owned());
    let site = Site::new(&world);
    let path = site.path("in/sending_log/part-000.parquet");
    rename_columns(&path, &[("failure_reason", "why")]);
    let keys = "[columns.sending_log]\nfailure_reason = \"why\"\n";
    run(&site, keys, NOON, &[]);
    let mut row = report(2, 22, "soft_bounce", NINE + 50 * MINUTE);
    row.failure_reason = Some("not in the mapped column".to_owned());
    add_sending(&site, "late", &[row]);
    run(&site, keys, NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, keys, NOON);
}

/// The state holds fingerprints of texts, which have no order.
#[test]
fn texts_that_have_to_be_put_in_order_read_everything() {
    let row = |reason: &str| {
        let mut row = report(1, 12, "soft_bounce", NINE + 20 * MINUTE);
        (row.log_id, row.revision) = (Some(700), Some(1));
        row.failure_reason = Some(reason.to_owned());
        row
    };
    let site = Site::new(&two_deliveries());
    add_sending(&site, "first", &[row("reason of ours")]);
    run(&site, "", NOON, &[]);
    let in_order =
        "everything is read: the state of the last run cannot be used: it does not hold the texts";
    for (name, reason, expected) in [
        ("same", "reason of ours", "incremental"),
        ("before", "a reason", "full"),
        ("after", "the reason", "full"),
        // A run that reads everything leaves the order of the texts, and so does one that builds on it.
        ("again", "the reason", "incremental"),
        ("known", "a reason", "incremental"),
    ] {
        add_sending(&site, name, &[row(reason)]);
        let outcome = run(&site, "", NOON, &[]);
        assert_eq!(mode(&site), expected, "{name}");
        assert_eq!(
            outcome.text().contains(in_order),
            expected == "full",
            "{name}"
        );
        assert_as_fresh(&site, "", NOON);
    }
}

#[test]
fn the_flag_reads_everything() {
    let site = after_one_run("", NOON);
    run(&site, "", NOON, &["--full"]).says(&["everything is read: --full"]);
    assert_eq!(mode(&site), "full");
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
}

#[test]
fn an_earlier_as_of_reads_everything_and_needs_its_flag() {
    let site = after_one_run("", NOON);
    let earlier = NOON - 2 * HOUR;
    let refused = site.run_job("", &["--as-of", &typed(earlier)]);
    refused.expect_status(2).says(&["--rewind"]);
    run(&site, "", earlier, &["--rewind"]).says(&["as-of is earlier"]);
    assert_eq!(mode(&site), "full");
    assert_as_fresh(&site, "", earlier);
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
}

#[test]
fn after_a_run_for_some_deliveries_everything_is_read() {
    let site = after_one_run("", NOON);
    for only in [
        &["--delivery", "1"][..],
        &[
            "--event-time-start",
            "2026-03-02T09:00:00Z",
            "--event-time-end",
            "2026-03-02T10:00:00Z",
        ],
    ] {
        let state = content(&site.output().join("_state"));
        add_sending(&site, "late", &late_rows());
        run(&site, "", NOON + HOUR, only);
        let after = content(&site.output().join("_state"));
        assert_eq!(after, state, "it tells which rows were in which files");
        run(&site, "", NOON + HOUR, &[]).says(&["everything is read: the last run was of some"]);
        assert_eq!(mode(&site), "full");
        assert_as_fresh(&site, "", NOON + HOUR);
        run(&site, "", NOON + HOUR, &[]);
        assert_eq!(mode(&site), "incremental");
    }
}

/// A dry run in between changes nothing of the state.
#[test]
fn a_dry_run_of_another_meaning_leaves_the_state() {
    let site = after_one_run("", NOON);
    run(&site, "[defaults]\nefs = true\n", NOON, &["--dry-run"]);
    run(&site, "", NOON, &["--dry-run", "--delivery", "1"]);
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
}

/// Identifiers that become texts cannot be added to those that are integers.
#[test]
fn other_identifiers_read_everything() {
    let site = after_one_run("", NOON);
    let mut world = two_deliveries();
    world.deliveries.push(delivery(3, "Third"));
    site.rewrite(
        &world,
        &Layout {
            string_ids: true,
            ..Layout::default()
        },
    );
    // The tables have integers: that is refused as before.
    let outcome = site.run_job("", &["--as-of", &typed(NOON)]);
    assert_eq!(outcome.status, Some(2), "{}", outcome.text());
    site.rewrite(&world, &Layout::default());
    run(&site, "", NOON, &[]);
    assert_as_fresh(&site, "", NOON);
    assert_eq!(number(&site.deliveries()["3"], "processed"), 0);
}
