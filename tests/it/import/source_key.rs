//! The job key `source`: a vendor's names and labels in Parquet extracts.

use super::super::site::{HOUR, MINUTE, NINE, deliveries, number, rename_columns, without_run};
use super::super::world::{Layout, SendingRow, TrackingRow};
use super::*;

fn status(message: i64, status: &str, failure: Option<(&str, &str)>, at: i64) -> SendingRow {
    SendingRow {
        delivery_id: Some(7),
        message_id: Some(message),
        status: Some(status.to_owned()),
        failure_type: failure.map(|(kind, _)| kind.to_owned()),
        failure_reason: failure.map(|(_, reason)| reason.to_owned()),
        event_at: Some(at),
        ..SendingRow::default()
    }
}

fn seen(message: i64, tracking_type: &str) -> TrackingRow {
    TrackingRow {
        delivery_id: Some(7),
        message_id: Some(message),
        tracking_type: Some(tracking_type.to_owned()),
        event_at: Some(NINE + HOUR),
        ..TrackingRow::default()
    }
}

/// Extracts as a lake has them that takes Campaign's columns as they are.
fn lake() -> Site {
    let pending = "Taken into account by the service provider";
    let world = World {
        deliveries: Vec::new(),
        sending: vec![
            status(1, pending, None, NINE),
            status(1, "Sent", None, NINE + MINUTE),
            status(2, pending, None, NINE),
            status(
                2,
                "Failed",
                Some(("Hard", "Denylisted address")),
                NINE + MINUTE,
            ),
            status(3, "Ignored", None, NINE),
        ],
        tracking: vec![seen(1, "Email click"), seen(1, "Social sharing")],
    };
    let site = Site::laid_out(&world, &Layout::default());
    rename(
        &site,
        "sending_log",
        &[
            ("message_id", "broadlog_id"),
            ("event_at", "lastModified"),
            ("failure_type", "failureType"),
            ("failure_reason", "failureReason"),
        ],
    );
    rename(
        &site,
        "tracking_log",
        &[("message_id", "broadlog_id"), ("event_at", "logDate")],
    );
    site
}

fn rename(site: &Site, log: &str, names: &[(&str, &str)]) {
    let folder = site.path("in").join(log);
    for name in content(&folder).into_keys() {
        rename_columns(&folder.join(name), names);
    }
}

#[test]
fn a_job_names_the_source_of_its_extracts() {
    let site = lake();
    site.run_job(
        "source = \"campaign-standard\"\n[defaults]\nefs = true\n",
        &[],
    )
    .expect_status(0);
    let found = deliveries(&site.output());
    let kpis = &found["7"];
    for (counter, value) in [
        ("processed", 2),
        ("delivered", 1),
        ("hard_bounces", 1),
        ("unique_clicks", 1),
        ("unique_opens", 1),
    ] {
        assert_eq!(number(kpis, counter), value, "{counter}");
    }
    // The same, said key by key.
    let other = lake();
    let keys = "[defaults]\nefs = true\n\
        [columns.sending_log]\nmessage_id = \"broadlog_id\"\nevent_at = \"lastModified\"\nfailure_type = \"failureType\"\nfailure_reason = \"failureReason\"\n\
        [columns.tracking_log]\nmessage_id = \"broadlog_id\"\nevent_at = \"logDate\"\n\
        [labels.status]\n\"Taken into account by the service provider\" = \"pending\"\n\
        [labels.type]\n\"Email click\" = \"click\"\n";
    // But for the row that says nothing.
    other.run_job(keys, &[]).expect_status(3);
    assert_eq!(
        without_run(&deliveries(&other.output())),
        without_run(&found)
    );
}

/// A key of the job goes before what the source usually is, also one for a column that is then somewhere else.
#[test]
fn keys_of_the_job_win() {
    let site = lake();
    rename(&site, "sending_log", &[("broadlog_id", "message")]);
    let said = site
        .run_job("source = \"campaign-standard\"\n", &[])
        .expect_status(2);
    assert!(
        said.stderr
            .contains("column broadlog_id: expected integer or string, found no such column"),
        "{}",
        said.text()
    );
    let keys = "source = \"campaign-standard\"\n[columns.sending_log]\nmessage_id = \"message\"\n\
        [labels.type]\n\"Email click\" = \"open\"\n";
    site.run_job(keys, &["--full"]).expect_status(0);
    let kpis = deliveries(&site.output());
    assert_eq!(number(&kpis["7"], "clicks"), 0);
    assert_eq!(number(&kpis["7"], "opens"), 1);
    // Without EFS: the hard bounce, and a relay.
    assert_eq!(number(&kpis["7"], "processed"), 2);
}

#[test]
fn a_mapping_file_beside_the_job_does_too() {
    let site = lake();
    site.write(
        "vendor.toml",
        "base = \"campaign-standard\"\n[defaults]\nefs = true\n[labels.type]\n\"Social sharing\" = \"mirror_page\"\n",
    );
    site.run_job("source = \"vendor.toml\"\n", &[])
        .expect_status(0);
    assert_eq!(
        number(&deliveries(&site.output())["7"], "mirror_page_views"),
        1
    );
    assert_eq!(number(&deliveries(&site.output())["7"], "delivered"), 1);
}

#[test]
fn a_source_that_is_no_table_is_refused() {
    let site = lake();
    let said = site.run_job("source = \"ses\"\n", &[]).expect_status(2);
    drop(said.says(&["source: expected a source whose columns stand in a table; delivery-kpi import makes extracts of others, found \"ses, where sending_log.delivery_id is mail.tags.delivery_id[0]\""]));
    let said = site.run_job("source = \"sess\"\n", &[]).expect_status(2);
    drop(said.says(&[
        "source: expected campaign-standard, contract, ses, or a file that ends in .toml",
    ]));
    site.run_job("source = \"contract\"\n", &[])
        .expect_status(2);
}
