//! Edges at which a run could say that all is well and be wrong.

use std::fs;

use arrow::array::{DictionaryArray, Int64Array};
use arrow::datatypes::Int32Type;
use parquet::file::properties::WriterProperties;
use std::sync::Arc;

use super::super::delta::committed_versions;
use super::super::site::{
    HOUR, MINUTE, NINE, Site, content, delivery, number, outcome, read_columns, report,
    runs_published, two_deliveries, without_run, write_parquet,
};
use super::super::world::{Layout, World};

/// A label stands for the contract's meaning, whatever else the job says about that word.
#[test]
fn labels_may_change_places() {
    let mut world = World::default();
    world.deliveries.push(delivery(1, "Swapped"));
    world.deliveries[0].efs = Some(true);
    world.sending = vec![
        report(1, 11, "Delivered", NINE),
        report(1, 11, "Received", NINE + MINUTE),
    ];
    let site = Site::new(&world);
    let labels = "[labels.event]\n\"Delivered\" = \"relayed\"\n\"Received\" = \"delivered\"\n";
    site.run_job(labels, &[]).expect_status(0);
    let found = &site.deliveries()["1"];
    assert_eq!(
        (number(found, "delivered"), number(found, "pending")),
        (1, 0)
    );

    let twice = "[labels.event]\n\"Bounced\" = \"hard_bounce\"\n\" bounced\" = \"soft_bounce\"\n";
    site.run_job(twice, &[])
        .expect_status(2)
        .says(&["labels.event", "once"]);
}

/// Attributes that cannot be read are not nulls: without them numbers would change.
#[test]
fn an_extract_of_which_nothing_can_be_read_is_not_skipped() {
    for name in ["in/deliveries.parquet", "in/tracking_log/part-000.parquet"] {
        let mut world = two_deliveries();
        world.deliveries[0].efs = Some(true);
        let site = Site::new(&world);
        site.run_to(0, &[]);
        let before = (site.hourly(), site.deliveries());
        let bytes = fs::read(site.path(name)).expect("a file");
        site.write(name, &bytes[..bytes.len() / 2]);
        site.run_job("on_bad_file = \"skip\"\n", &[])
            .expect_status(1)
            .says(&[name.rsplit('/').next().expect("a name")]);
        assert_eq!((site.hourly(), site.deliveries()), before, "{name}");
    }
}

#[test]
fn a_glob_that_matches_nothing_is_a_mistake() {
    let site = Site::new(&two_deliveries());
    for flag in ["--sending-log", "--tracking-log", "--deliveries"] {
        let mut command = site.program();
        command.args([
            "recompute",
            "--as-of",
            "2026-03-02T12:00:00Z",
            "--output",
            "out",
        ]);
        if flag != "--sending-log" {
            command.args(["--sending-log", "in/sending_log"]);
        }
        let outcome = outcome(command.args([flag, "in/nothing*.parquet"]));
        outcome.expect_status(2).says(&["in/nothing*.parquet"]);
    }
    assert_eq!(runs_published(&site.output()), 0);
}

/// What stands in brackets behind an instant could contradict it.
#[test]
fn instants_with_a_zone_in_brackets_are_no_rfc_3339() {
    let site = Site::laid_out(
        &two_deliveries(),
        &Layout {
            instants: super::super::world::Instants::Text,
            ..Layout::default()
        },
    );
    let path = site.path("in/sending_log/part-000.parquet");
    let mut columns = read_columns(&path);
    let (_, at) = columns
        .iter_mut()
        .find(|(name, _)| name == "event_at")
        .expect("a column");
    let rows = at.len();
    let texts = vec!["2026-03-02T09:00:00[America/New_York]"; rows];
    *at = Arc::new(arrow::array::StringArray::from(texts));
    write_parquet(&path, &columns, WriterProperties::default());
    site.run_to(3, &[])
        .says(&["event_at: no instant: 7 rows", "LEFT OUT      7"]);
    let zoned = ["--as-of", "2026-03-02T12:00:00[America/New_York]"];
    site.run_to(2, &zoned).says(&["as_of"]);
}

/// Writers that know categories leave a note in the file that the integers are a dictionary.
#[test]
fn integers_in_a_dictionary_are_integers() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let before = without_run(&site.hourly());
    let path = site.path("in/sending_log/part-000.parquet");
    let mut columns = read_columns(&path);
    for (name, column) in &mut columns {
        if name == "delivery_id" || name == "message_id" {
            let numbers = column
                .as_any()
                .downcast_ref::<Int64Array>()
                .expect("integers");
            let keys = (0..numbers.len() as i32).collect();
            let values = Arc::new(numbers.clone());
            *column = Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).expect("keys"));
        }
    }
    write_parquet(&path, &columns, WriterProperties::default());
    site.run_to(0, &["--full"]);
    assert_eq!(without_run(&site.hourly()), before);
}

#[test]
fn negative_identifiers_are_identifiers() {
    let mut world = two_deliveries();
    world.deliveries.push(delivery(-5, "Negative"));
    let site = Site::new(&world);
    site.run_to(0, &["--delivery", "-5"]);
    assert_eq!(site.deliveries().len(), 1);
}

/// Delta Lake would read these paths as others.
#[test]
fn outputs_that_look_escaped_are_refused() {
    for name in ["a%20b", "a\\b"] {
        let site = Site::new(&two_deliveries());
        site.run_job("", &["--output", name])
            .expect_status(2)
            .says(&["output: expected a path without"]);
        assert!(!site.path(name).exists(), "{name}");
    }
    let site = Site::new(&two_deliveries());
    for _ in 0..2 {
        site.run_job("", &["--output", "100 % of é#?"])
            .expect_status(0);
    }
    assert_eq!(runs_published(&site.path("100 % of é#?")), 2);
    site.write("file", "");
    site.run_job("", &["--output", "file"])
        .expect_status(2)
        .says(&["a directory"]);
}

#[test]
fn a_dry_run_makes_no_table_that_is_missing() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    fs::remove_dir_all(site.path("out/delivery_kpi")).expect("a table to take away");
    let before = content(&site.output());
    site.run_to(2, &["--dry-run"]).says(&["delivery_kpi"]);
    assert_eq!(content(&site.output()), before);
}

#[cfg(unix)]
#[test]
fn pipes_are_not_read_and_linked_folders_are() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let before = without_run(&site.hourly());
    fs::rename(site.path("in/sending_log"), site.path("archive")).expect("a moved log");
    fs::create_dir(site.path("in/sending_log")).expect("a folder");
    std::os::unix::fs::symlink(site.path("archive"), site.path("in/sending_log/march"))
        .expect("a link");
    let made = std::process::Command::new("mkfifo")
        .arg(site.path("in/sending_log/pipe.parquet"))
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let out = "sending_log, file march: expected a file within its extract, found a symbolic link";
    site.run_to(1, &[]).says(&[out]);
    assert_eq!(runs_published(&site.output()), 1);
    let anywhere = site.run_job("links = \"anywhere\"\n", &[]);
    anywhere
        .expect_status(0)
        .says(&["no data files: pipe.parquet"]);
    assert_eq!(without_run(&site.hourly()), before);
    site.run_job("links = \"out\"\n", &[])
        .expect_status(2)
        .says(&["links", "anywhere"]);
}

/// Readers need not replay all commits since the first.
#[test]
fn every_tenth_version_has_a_checkpoint() {
    let site = Site::new(&two_deliveries());
    for run in 0..21i64 {
        let as_of = 1_772_442_000 + run * HOUR / 1_000_000;
        let as_of = jiff::Timestamp::from_second(as_of)
            .expect("an instant")
            .to_string();
        site.run_to(0, &["--as-of", &as_of]);
    }
    for table in ["kpi_run", "delivery_kpi"] {
        let log = content(&site.output().join(table).join("_delta_log"));
        let checkpoints =
            |name: &&std::path::PathBuf| name.to_string_lossy().contains("checkpoint.parquet");
        assert_eq!(log.keys().filter(checkpoints).count(), 2, "{table}");
    }
    assert_eq!(committed_versions(&site.output())["delivery_kpi"], 21);
    assert_eq!(runs_published(&site.output()), 21);
}

/// The tables would be read as extracts by the next run.
#[test]
fn an_output_among_the_extracts_is_refused() {
    let site = Site::new(&two_deliveries());
    for output in [
        "in/sending_log/kpi",
        "in/sending_log",
        "in/tracking_log/../sending_log",
    ] {
        site.run_job("", &["--output", output])
            .expect_status(2)
            .says(&["outside the extracts"]);
    }
    assert!(!site.path("in/sending_log/kpi").exists());
    site.write(
        "empty.toml",
        "sending_log = \"in/sending_log\"\noutput = \"\"\n",
    );
    outcome(site.program().args(["recompute", "empty.toml"]))
        .expect_status(2)
        .says(&["output: expected a path"]);
}

/// What is easily taken for right is said.
#[test]
fn notes_say_what_nobody_has_mapped() {
    let mut world = two_deliveries();
    world.sending.push(report(1, 13, "Taken over", NINE));
    world
        .tracking
        .push(super::super::site::tracked(1, 11, "Email click", NINE));
    let site = Site::new(&world);
    let run = site.run_to(3, &[]).says(&[
        "2 deliveries: efs is not known, taken as false (defaults.efs)",
        "1 row of an unknown type counts in no KPI",
        "labels.event of a job file",
    ]);
    assert!(!run.stderr.contains("Taken over") && !run.stderr.contains("Email click"));
    site.run_to(0, &[])
        .says(&["nothing new; 1 rejected row was reported by earlier runs"]);
    fs::remove_dir_all(site.path("in/tracking_log")).expect("a log to take away");
    let job = "[defaults]\nefs = true\n";
    let run = site.run_job(job, &["--accept-shrinkage"]);
    let run = run.expect_status(0);
    let run = run.says(&["no tracking_log: opens, clicks and opt-outs are 0"]);
    assert!(!run.stderr.contains("efs is not known"), "{}", run.text());
    let json = site.run(&["--log-format", "json", "--progress", "always"]);
    json.json();
}

/// One typo would stop the job of every hour until somebody rewinds.
#[test]
fn an_as_of_ahead_of_the_clock_is_told() {
    let site = Site::new(&two_deliveries());
    let ahead = "as-of lies ahead of the clock";
    site.run_to(0, &["--as-of", "2099-01-01T00:00:00Z"])
        .says(&[ahead]);
    let other = Site::new(&two_deliveries()).run_to(0, &[]);
    assert!(!other.stderr.contains(ahead), "{}", other.text());
    site.run_to(2, &["--as-of", "now"]).says(&["--rewind"]);
}

#[test]
fn a_backfill_of_nothing_is_told() {
    let site = Site::new(&two_deliveries());
    let interval = [
        "--event-time-start",
        "2027-01-01",
        "--event-time-end",
        "2027-01-02",
    ];
    site.run_to(0, &interval)
        .says(&["no delivery has events in that time"]);
}
