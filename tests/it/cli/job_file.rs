//! Job files: paths, columns, defaults, time zones.

use std::fs;

use super::super::delta::newest_run;
use super::super::site::rename_columns;
use super::super::site::{
    HOUR, MINUTE, NINE, NOON, Site, assert_five_hours, content, delivery, number, outcome, report,
    runs_published, two_deliveries, without_run,
};
use super::super::world::{Instants, Layout, SendingRow, World};

#[test]
fn paths_of_a_job_are_relative_to_its_folder_and_those_of_flags_are_not() {
    let site = Site::new(&two_deliveries());
    site.write(
        "jobs/nightly/job.toml",
        "sending_log = \"../../in/sending_log/*.parquet\"\n\
         tracking_log = \"../../in/tracking_log\"\n\
         deliveries = \"../../in/deliveries.parquet\"\n\
         output = \"../tables\"\n\
         as_of = \"2026-03-02T12:00:00Z\"\n",
    );
    let job = ["recompute", "jobs/nightly/job.toml"];
    outcome(site.program().args(job)).expect_status(0);
    let from_job = super::super::site::hourly(&site.path("jobs/tables"));
    assert_five_hours(&from_job);
    outcome(site.program().args(job).args(["--output", "out"])).expect_status(0);
    assert_eq!(without_run(&site.hourly()), without_run(&from_job));

    // The folder of the job is that of its path, wherever the program starts.
    let mut command = site.program();
    command
        .current_dir(site.path("jobs/nightly"))
        .args(["recompute", "job.toml"]);
    outcome(&mut command).expect_status(0);
    let mut command = site.program();
    command
        .current_dir("/")
        .arg("recompute")
        .arg(site.path("jobs/nightly/job.toml"));
    outcome(&mut command).expect_status(0);
    assert_eq!(runs_published(&site.path("jobs/tables")), 3);
    // Absolute paths are what they are.
    let text = format!(
        "sending_log = {:?}\noutput = {:?}\nas_of = \"2026-03-02T12:00:00Z\"\n",
        site.path("in/sending_log"),
        site.path("absolute")
    );
    site.write("jobs/absolute.toml", text);
    outcome(site.program().args(["recompute", "jobs/absolute.toml"])).expect_status(0);
    assert_eq!(runs_published(&site.path("absolute")), 1);
}

#[test]
fn as_of_may_be_a_text_or_a_date_and_time() {
    for as_of in [
        "\"2026-03-02T12:00:00Z\"",
        "2026-03-02T12:00:00Z",
        "2026-03-02T13:00:00+01:00",
        "2026-03-02T12:00:00",
        "2026-03-02 12:00:00",
        "\"2026-03-02 12:00:00\"",
    ] {
        let site = Site::new(&two_deliveries());
        site.run_job(&format!("as_of = {as_of}\n"), &[])
            .expect_status(0);
        assert_eq!(
            number(&newest_run(&site.output()), "as_of"),
            NOON,
            "{as_of}"
        );
    }
}

/// The columns of all three extracts under other names, with blanks and dots in them.
#[test]
fn columns_may_have_other_names() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let (hours, deliveries) = (without_run(&site.hourly()), without_run(&site.deliveries()));
    fs::remove_dir_all(site.output()).expect("the output goes");
    let names = |columns: &[(&str, &str)]| -> String {
        columns
            .iter()
            .map(|(ours, theirs)| format!("{ours} = \"{theirs}\"\n"))
            .collect()
    };
    let sending = [
        ("delivery_id", "iDeliveryId"),
        ("message_id", "broadlog id"),
        ("event", "What"),
        ("event_at", "lastModified"),
    ];
    let tracking = [
        ("delivery_id", "d"),
        ("message_id", "m"),
        ("type", "t"),
        ("event_at", "logDate"),
    ];
    let of_deliveries = [("delivery_id", "id"), ("label", "delivery.label")];
    rename_columns(&site.path("in/sending_log/part-000.parquet"), &sending);
    rename_columns(&site.path("in/tracking_log/part-000.parquet"), &tracking);
    rename_columns(&site.path("in/deliveries.parquet"), &of_deliveries);
    site.run_job("", &[])
        .expect_status(2)
        .says(&["event_at", "no such column"]);
    let keys = format!(
        "[columns.sending_log]\n{}[columns.tracking_log]\n{}[columns.deliveries]\n{}",
        names(&sending),
        names(&tracking),
        names(&of_deliveries)
    );
    site.run_job(&keys, &[]).expect_status(0);
    assert_eq!(without_run(&site.hourly()), hours);
    assert_eq!(without_run(&site.deliveries()), deliveries);
    // What is wrong is told by the name in the file.
    let wrong = keys.replace("lastModified", "Last Modified");
    site.run_job(&wrong, &[])
        .expect_status(2)
        .says(&["column Last Modified", "part-000.parquet"]);
}

/// One message relayed and not confirmed, of a delivery of which nothing is known.
fn unknown_delivery() -> World {
    World {
        sending: vec![
            report(1, 11, "relayed", NINE),
            report(1, 11, "soft_bounce", NINE + HOUR),
        ],
        ..World::default()
    }
}

#[test]
fn defaults_stand_in_for_what_is_not_known() {
    let run = |world: &World, keys: &str| {
        let site = Site::new(world);
        let late = ["--as-of", "2026-03-12T00:00:00Z"];
        site.run_job(keys, &late).expect_status(0);
        site.deliveries()["1"].clone()
    };
    // EFS: the soft bounce fails the message at once, not at the deadline.
    let row = run(&unknown_delivery(), "[defaults]\nefs = true\n");
    assert_eq!(
        (&row["efs"], number(&row, "failed_by_deadline")),
        (&true.into(), 0)
    );
    let row = run(&unknown_delivery(), "[defaults]\nefs = false\n");
    assert_eq!(
        (&row["efs"], number(&row, "failed_by_deadline")),
        (&false.into(), 1)
    );
    assert_eq!(number(&row, "final_at"), NINE + 84 * HOUR);
    // No deadline but for e-mail.
    let row = run(&unknown_delivery(), "[defaults]\nchannel = \"sms\"\n");
    assert_eq!(
        (&row["channel"], number(&row, "retrying")),
        (&"sms".into(), 1)
    );
    assert!(row["final_at"].is_null());

    // The end of the validity is counted from the start, where that is known.
    let mut known = unknown_delivery();
    known.deliveries = vec![delivery(1, "A label")];
    let hours = "[defaults]\nvalidity_hours = 48\n";
    assert_eq!(number(&run(&known, hours), "final_at"), NINE + 84 * HOUR);
    known.deliveries[0].started_at = Some(NINE);
    assert_eq!(number(&run(&known, hours), "final_at"), NINE + 48 * HOUR);
    // What the extract says comes before what the job says.
    known.deliveries[0].validity_end = Some(NINE + 6 * HOUR);
    known.deliveries[0].efs = Some(false);
    known.deliveries[0].channel = Some("email".to_owned());
    let all = "[defaults]\nefs = true\nchannel = \"sms\"\nvalidity_hours = 48\n";
    let row = run(&known, all);
    assert_eq!(number(&row, "final_at"), NINE + 6 * HOUR);
    assert_eq!(
        (&row["efs"], &row["channel"]),
        (&false.into(), &"email".into())
    );
}

/// Local times of Paris around both changes of the clock in 2026.
#[test]
fn instants_without_a_zone_are_read_in_that_of_the_job() {
    let utc = |text: &str| {
        let instant: jiff::Timestamp = text.parse().expect("an instant");
        instant.as_microsecond()
    };
    let cases = [
        ("2026-03-02T10:00:00Z", "2026-03-02T09:00:00Z", "winter"),
        (
            "2026-03-29T01:59:59Z",
            "2026-03-29T00:59:59Z",
            "before the gap",
        ),
        (
            "2026-03-29T02:30:00Z",
            "2026-03-29T01:30:00Z",
            "in the gap: half past three",
        ),
        (
            "2026-03-29T03:00:00Z",
            "2026-03-29T01:00:00Z",
            "after the gap",
        ),
        ("2026-07-01T11:00:00Z", "2026-07-01T09:00:00Z", "summer"),
        (
            "2026-10-25T02:30:00Z",
            "2026-10-25T00:30:00Z",
            "twice: the earlier",
        ),
        (
            "2026-10-25T03:00:00Z",
            "2026-10-25T02:00:00Z",
            "after the fold",
        ),
    ];
    let world = World {
        sending: cases
            .iter()
            .zip(1..)
            .map(|((local, _, _), id)| report(id, id, "relayed", utc(local)))
            .collect(),
        ..World::default()
    };
    let expected: Vec<i64> = cases.iter().map(|(_, instant, _)| utc(instant)).collect();
    let local: Vec<i64> = cases.iter().map(|(local, _, _)| utc(local)).collect();
    let found = |layout: &Layout, keys: &str| -> Vec<i64> {
        let site = Site::laid_out(&world, layout);
        site.run_job(keys, &["--as-of", "2027-01-01T00:00:00Z"])
            .expect_status(0);
        let rows = site.deliveries();
        let first = |id: usize| number(&rows[&id.to_string()], "first_event_at");
        (1..=cases.len()).map(first).collect()
    };
    let naive = Layout {
        instants: Instants::Naive,
        ..Layout::default()
    };
    let paris = "naive_timezone = \"Europe/Paris\"\n";
    assert_eq!(found(&naive, paris), expected, "{cases:?}");
    assert_eq!(found(&naive, ""), local, "UTC where the job names no zone");
    assert_eq!(
        found(&Layout::default(), paris),
        local,
        "zoned ones are what they are"
    );
}

/// Every key that the templates name is a key, and a sample job is whole.
#[test]
fn the_jobs_that_come_along_are_understood() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let site = Site::new(&two_deliveries());
    let mut templates = 0;
    for (path, text) in content(&root.join("jobs")) {
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        templates += 1;
        // Examples are comments there; here they are keys.
        let keys: Vec<&str> = text_of(&text)
            .lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|key| is_key(key))
                    .unwrap_or(line)
            })
            .collect();
        site.write("jobs/job.toml", keys.join("\n"));
        let mut command = site.recompute();
        command.args([
            "--dry-run",
            "--as-of",
            "2026-03-02T12:00:00Z",
            "jobs/job.toml",
        ]);
        let outcome = outcome(&mut command);
        assert!(
            !outcome.stderr.contains("unknown field"),
            "{path:?}: {}",
            outcome.text()
        );
        assert!(
            !outcome.stderr.contains("TOML"),
            "{path:?}: {}",
            outcome.text()
        );
    }
    assert!(templates >= 3, "{templates}");
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a text")
}

fn is_key(line: &str) -> bool {
    let Some((key, _)) = line.split_once(" = ") else {
        return false;
    };
    key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        || key.starts_with('"') && !key.contains(',')
}

/// The status form: an export of statuses, its labels and codes.
#[test]
fn statuses_stand_for_events() {
    let status = |message: i64, status: &str, failure_type: Option<&str>| SendingRow {
        event: None,
        status: Some(status.to_owned()),
        failure_type: failure_type.map(str::to_owned),
        ..report(1, message, "", NINE + MINUTE)
    };
    let world = World {
        sending: vec![
            status(1, "Sent", None),
            status(2, "1", None),
            status(3, "Failed", Some("Hard")),
            status(4, "2", Some("2")),
            status(5, "failed", Some("soft")),
            status(6, " Pending ", None),
        ],
        ..World::default()
    };
    let site = Site::new(&world);
    site.run_to(0, &[]);
    let row = &site.deliveries()["1"];
    let found =
        ["processed", "delivered", "hard_bounces", "soft_bounces"].map(|name| number(row, name));
    assert_eq!(found, [5, 2, 2, 1], "a pending message is not relayed yet");
}
