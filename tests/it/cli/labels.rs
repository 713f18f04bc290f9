//! Labels of a job: what the texts and codes of an extract are called otherwise.

use super::super::delta::newest_run;
use super::super::site::{HOUR, NINE, Site, number, report, tracked};
use super::super::world::{SendingRow, World};

/// The counters of delivery 1, by name.
fn counters<const N: usize>(site: &Site, names: [&str; N]) -> [i64; N] {
    let row = &site.deliveries()["1"];
    names.map(|name| number(row, name))
}

#[test]
fn events_may_be_called_otherwise() {
    let world = World {
        sending: vec![
            report(1, 1, "An die MTA übergeben", NINE),
            report(1, 2, " AN DIE mta Übergeben ", NINE),
            report(1, 3, "Relayed", NINE),
            report(1, 1, "17", NINE + HOUR),
        ],
        ..World::default()
    };
    let site = Site::new(&world);
    site.run_to(3, &[])
        .says(&["event: unknown label or code: 3 rows"]);
    assert_eq!(counters(&site, ["processed"]), [1]);
    let keys =
        "[labels.event]\n\"an die MTA übergeben \" = \"relayed\"\n\"17\" = \"hard_bounce\"\n";
    site.run_job(keys, &[]).expect_status(0);
    let names = ["processed", "delivered", "hard_bounces"];
    assert_eq!(counters(&site, names), [3, 2, 1]);
}

#[test]
fn statuses_and_failure_types_may_be_called_otherwise() {
    let row = |message: i64, status: &str, failure_type: &str| SendingRow {
        event: None,
        status: Some(status.to_owned()),
        failure_type: Some(failure_type.to_owned()),
        ..report(1, message, "", NINE)
    };
    let world = World {
        sending: vec![
            row(1, "Taken into account", ""),
            row(2, "Gone", "For good"),
            row(3, "Gone", "77"),
            row(4, "Failed", "Hard"),
        ],
        ..World::default()
    };
    let site = Site::new(&world);
    site.run_to(3, &[])
        .says(&["status: unknown label or code: 3 rows"]);
    let keys = "[labels.status]\n\"taken into account\" = \"sent\"\n\"gone\" = \"failed\"\n\
                [labels.failure_type]\n\"for good\" = \"hard\"\n\"77\" = \"soft\"\n";
    site.run_job(keys, &["--full"]).expect_status(0);
    let names = ["processed", "delivered", "hard_bounces", "soft_bounces"];
    assert_eq!(counters(&site, names), [4, 1, 2, 1]);
}

#[test]
fn tracking_types_may_be_called_otherwise_and_unknown_ones_are_given_apart() {
    let at = NINE + HOUR;
    let world = World {
        sending: vec![report(1, 1, "relayed", NINE)],
        tracking: vec![
            tracked(1, 1, "Email click", at),
            tracked(1, 1, "99", at),
            tracked(1, 1, "6", at),
            tracked(1, 1, "Forwarded", at),
        ],
        ..World::default()
    };
    let site = Site::new(&world);
    let unknown = |site: &Site| {
        let logs = newest_run(&site.output())["logs"].clone();
        let tracking = logs.as_array().and_then(|logs| logs.get(1)).cloned();
        tracking.expect("the tracking log")["rows_unknown_type"].clone()
    };
    site.run_to(0, &[]).says(&["3 of unknown types"]);
    assert_eq!(unknown(&site), 3);
    let names = ["clicks", "unsubscribes", "mirror_page_views"];
    assert_eq!(counters(&site, names), [0, 0, 1]);
    let keys = "[labels.type]\n\"email CLICK\" = \"click\"\n\"99\" = \"opt_out\"\n";
    site.run_job(keys, &[]).expect_status(0);
    assert_eq!(unknown(&site), 1);
    assert_eq!(counters(&site, names), [1, 1, 1]);
}

/// Reasons are in no counter. They decide which of two rows with one key and revision counts: the one
/// with the greater number, so a label that stands for a number changes the winner.
#[test]
fn failure_reasons_may_be_called_otherwise() {
    let row = |reason: &str, at: i64| SendingRow {
        failure_reason: Some(reason.to_owned()),
        log_id: Some(500),
        recipient_domain: Some(reason.to_owned()),
        ..report(1, 1, "hard_bounce", at)
    };
    let world = World {
        sending: vec![row("Mailbox is full", NINE), row("4", NINE)],
        ..World::default()
    };
    let site = Site::new(&world);
    let keys = "[labels.failure_reason]\n\"mailbox is FULL\" = 4\n";
    site.run_job(keys, &[]).expect_status(0);
    assert_eq!(counters(&site, ["hard_bounces"]), [1]);
    let fates = |site: &Site| {
        let logs = newest_run(&site.output())["logs"].clone();
        ["rows_counted", "rows_superseded", "rows_duplicate"].map(|name| logs[0][name].clone())
    };
    // The domains differ, so one is no copy of the other.
    assert_eq!(fates(&site), [1, 1, 0]);

    // With equal domains the two are copies where both labels mean 4, and not otherwise.
    let mut copies = world;
    for row in &mut copies.sending {
        row.recipient_domain = None;
    }
    let site = Site::new(&copies);
    site.run_job(keys, &[]).expect_status(0);
    assert_eq!(fates(&site), [1, 0, 1]);
    site.run_job("", &[]).expect_status(0);
    assert_eq!(fates(&site), [1, 1, 0]);
}
