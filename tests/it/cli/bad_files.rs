//! Files that cannot be read: exit code 1 and all of them named, or left out with exit code 3.

use std::fs;

use serde_json::Value;

use super::super::delta::newest_run;
use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{HOUR, NINE, NOON, Site, delivery, report, runs_published, tracked};
use super::super::world::{Layout, World};

/// Four files per log, one delivery in each, so that a file takes its delivery with it.
fn world() -> World {
    World {
        deliveries: (1..=4).map(|id| delivery(id, "A label")).collect(),
        sending: (1..=4)
            .map(|id| report(id, 10 + id, "relayed", NINE + id))
            .collect(),
        tracking: (1..=4)
            .map(|id| tracked(id, 10 + id, "open", NINE + HOUR + id))
            .collect(),
    }
}

fn layout() -> Layout {
    Layout {
        files: 4,
        ..Layout::default()
    }
}

/// Overwrites with `change` of what is there.
fn spoil(site: &Site, name: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let path = site.path(name);
    let bytes = fs::read(&path).expect("a file to spoil");
    fs::write(&path, change(bytes)).expect("a spoilt file");
}

fn truncated(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// Counts 2^31 - 1 row groups in fewer than 39 bytes: more memory than any machine has.
fn bomb(_: Vec<u8>) -> Vec<u8> {
    let footer = [
        0x15, 2, 0x19, 0x1C, 0x48, 1, b's', 0x15, 0, 0, 0x16, 0, 0x19, 0xFC, 0xFF, 0xFF, 0xFF,
        0xFF, 7,
    ];
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", &footer[..], &length, b"PAR1"].concat()
}

/// Whole at both ends; the first page is not what it was.
fn pages_lost(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[4..40].fill(0xff);
    bytes
}

#[test]
fn all_bad_files_of_a_run_are_named_and_nothing_is_published() {
    let site = Site::laid_out(&world(), &layout());
    spoil(&site, "in/sending_log/part-000.parquet", |_| Vec::new());
    spoil(&site, "in/sending_log/day=1/part-001.parq", |_| {
        b"PAR1 is how it starts, and no more".to_vec()
    });
    spoil(&site, "in/sending_log/part-002.parquet", truncated);
    spoil(&site, "in/sending_log/day=3/part-003.parq", pages_lost);
    spoil(&site, "in/tracking_log/part-000.parquet", bomb);
    spoil(&site, "in/deliveries.parquet", truncated);
    let names = [
        "6 files cannot be read",
        "a footer with a count of more items than its bytes can hold",
        "sending_log, file part-000.parquet",
        "sending_log, file day=1/part-001.parq",
        "sending_log, file part-002.parquet",
        "sending_log, file day=3/part-003.parq, row group 0",
        "tracking_log, file part-000.parquet",
        "deliveries, file deliveries.parquet",
    ];
    let outcome = site.run_to(1, &[]).says(&names);
    assert_eq!(outcome.stdout, "");
    assert!(!outcome.stderr.contains("day=1/part-001.parq, row group"));
    assert_eq!(runs_published(&site.output()), 0);

    let json = site.run_to(1, &["--log-format", "json"]).json();
    assert_eq!(json["exit_code"], 1);
    let error = json["error"].as_str().expect("a text");
    assert!(names.iter().all(|name| error.contains(name)), "{error}");
}

/// What is published stays as it is, and the next run on whole files goes on from there.
#[test]
fn running_again_on_whole_files_is_safe() {
    let site = Site::laid_out(&world(), &layout());
    site.run_to(0, &["--as-of", "2026-03-02T10:00:00Z"]);
    let before = site.hourly();
    assert_eq!(before.len(), 4);
    spoil(&site, "in/tracking_log/part-002.parquet", |_| Vec::new());
    site.run_to(1, &[]).says(&["part-002.parquet"]);
    assert_eq!(site.hourly(), before);
    assert_eq!(runs_published(&site.output()), 1);
    site.rewrite(&world(), &layout());
    site.run_to(0, &[]);
    let expected = oracle::expect(&world(), NOON, Mode::Infer);
    assert_eq!(
        table_differences(&expected, &site.output(), &layout()),
        [""; 0]
    );
}

#[test]
fn a_job_that_skips_bad_files_publishes_the_rest_and_says_so_once() {
    let site = Site::laid_out(&world(), &layout());
    let skip = "on_bad_file = \"skip\"\n";
    spoil(&site, "in/sending_log/part-000.parquet", |_| Vec::new());
    spoil(&site, "in/tracking_log/part-000.parquet", pages_lost);
    let outcome = site.run_job(skip, &[]).expect_status(3);
    let names = [
        "sending_log, file part-000.parquet",
        "tracking_log, file part-000.parquet: row group 0",
    ];
    let outcome = outcome.says(&names).says(&["LEFT OUT      2"]);
    assert_ne!(outcome.stdout, "");

    let mut rest = world();
    rest.sending.remove(0);
    rest.tracking.remove(0);
    let expected = oracle::expect(&rest, NOON, Mode::Infer);
    assert_eq!(
        table_differences(&expected, &site.output(), &layout()),
        [""; 0]
    );
    let run = newest_run(&site.output());
    let skipped: Vec<&Value> = run["files"]
        .as_array()
        .expect("a list of files")
        .iter()
        .filter(|file| !file["skipped"].is_null())
        .map(|file| &file["file"])
        .collect();
    assert_eq!(skipped, ["part-000.parquet", "part-000.parquet"]);

    site.run_job(skip, &[]).expect_status(0).says(&names);
    spoil(&site, "in/tracking_log/part-002.parquet", truncated);
    site.run_job(skip, &[])
        .expect_status(3)
        .says(&["LEFT OUT      1"]);
    site.run_job(skip, &["--full"])
        .expect_status(3)
        .says(&["LEFT OUT      3"]);
    let allowed = format!("{skip}max_rejected = 3\n");
    site.run_job(&allowed, &["--full"]).expect_status(0);
}

/// Also where no file of the sending log can be read, the published rows stay.
#[test]
fn a_job_that_skips_every_file_takes_nothing_away() {
    for string_ids in [false, true] {
        let layout = Layout {
            string_ids,
            ..layout()
        };
        let site = Site::laid_out(&world(), &layout);
        site.run_to(0, &[]);
        let before = site.hourly();
        assert_eq!(before.len(), 8);
        for name in ["sending_log", "tracking_log"] {
            fs::remove_dir_all(site.path("in").join(name)).expect("files to take away");
        }
        fs::remove_file(site.path("in/deliveries.parquet")).expect("a file to take away");
        site.write("in/sending_log/part.parquet", "");
        let skipped = site.run_job("on_bad_file = \"skip\"\n", &["--accept-shrinkage"]);
        assert_eq!(
            skipped.status,
            Some(1),
            "string_ids {string_ids}: {}",
            skipped.text()
        );
        skipped.says(&["part.parquet"]);
        assert_eq!(site.hourly(), before);
    }
}
