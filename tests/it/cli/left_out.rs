//! Exit code 3: rows that break the contract are left out, reported once, and the rest is published.

use super::super::delta::newest_run;
use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{NINE, NOON, Site, report, runs_published, tracked, two_deliveries};
use super::super::world::{Layout, World};

/// [`two_deliveries`] and four rows that no run can count.
fn world() -> World {
    let mut world = two_deliveries();
    world.sending.push(report(1, 13, "teleported", NINE));
    world.sending.push(report(2, 23, "relayed", 0));
    let mut without_message = report(2, 23, "relayed", NINE);
    without_message.message_id = None;
    world.sending.push(without_message);
    let mut without_type = tracked(1, 11, "open", NINE);
    without_type.tracking_type = None;
    world.tracking.push(without_type);
    world
}

#[test]
fn rejected_rows_are_published_around_and_reported_once() {
    let site = Site::new(&world());
    let says = [
        "LEFT OUT      4",
        "max_rejected",
        "sending_log, event: unknown label or code: 1 row",
        "sending_log, event_at: instant outside the years 1990 to 2099: 1 row",
        "sending_log, message_id: null: 1 row",
        "tracking_log, type: null: 1 row",
    ];
    let outcome = site.run_to(3, &[]).says(&says);
    assert_ne!(outcome.stdout, "", "what is published is shown");
    assert!(!outcome.stderr.contains("teleported"), "no value of a row");
    let expected = oracle::expect(&two_deliveries(), NOON, Mode::Infer);
    assert_eq!(
        table_differences(&expected, &site.output(), &Layout::default()),
        [""; 0]
    );

    // Still told, no longer counted; until somebody asks for everything.
    let again = site.run_to(0, &[]).says(&says[2..]);
    assert!(!again.stderr.contains("LEFT OUT"), "{}", again.text());
    site.run_to(3, &["--full"]).says(&says);
    site.run_to(0, &[]);
    assert_eq!(runs_published(&site.output()), 4);

    // One more counts alone.
    let mut more = world();
    more.tracking.push(tracked(1, 11, "open", -1));
    site.rewrite(&more, &Layout::default());
    let json = site.run_to(3, &["--log-format", "json"]).json();
    assert_eq!(
        (&json["exit_code"], &json["left_out"]),
        (&3.into(), &1.into())
    );
    assert_eq!(json["published"], true);
}

#[test]
fn a_job_allows_so_many() {
    for (allowed, status) in [(0, 3), (3, 3), (4, 0), (100, 0)] {
        let site = Site::new(&world());
        let outcome = site.run_job(&format!("max_rejected = {allowed}\n"), &[]);
        assert_eq!(
            outcome.status,
            Some(status),
            "{allowed}: {}",
            outcome.text()
        );
        assert_eq!(runs_published(&site.output()), 1);
    }
}

#[test]
fn a_dry_run_says_it_too_and_reports_nothing_for_good() {
    let site = Site::new(&world());
    site.run_to(3, &["--dry-run"]).says(&["LEFT OUT      4"]);
    site.run_to(3, &[]);
    site.run_to(0, &["--dry-run"]);
}

/// What any earlier run has reported does not count again, also if a run in between read less.
#[test]
fn a_run_in_between_without_the_tracking_log_forgets_nothing() {
    let site = Site::new(&world());
    site.run_to(3, &[]);
    let tracking = site.path("in/tracking_log");
    let aside = site.path("aside");
    std::fs::rename(&tracking, &aside).expect("a log put aside");
    site.run_to(0, &["--accept-shrinkage"]);
    let logs = newest_run(&site.output())["logs"].clone();
    assert_eq!(
        logs.as_array().map(Vec::len),
        Some(2),
        "no tracking log: {logs}"
    );
    std::fs::rename(&aside, &tracking).expect("a log put back");
    site.run_to(0, &[]);
}

/// A run for some deliveries leaves out no row of others.
#[test]
fn a_run_for_one_delivery_does_not_report_rows_of_another() {
    let mut world = two_deliveries();
    world.sending.push(report(2, 23, "teleported", NINE));
    world.tracking.push(tracked(2, 23, "open", 0));
    world.deliveries[1].started_at = Some(0);
    let site = Site::new(&world);
    site.run_to(0, &["--delivery", "1"]);
    site.run_to(3, &["--delivery", "2"])
        .says(&["LEFT OUT      3"]);
    site.run_to(0, &["--delivery", "1"]);
    site.run_to(0, &[]);
}
