//! Versions that cannot be read any more, and files that need not be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::super::run::Outcome;
use super::super::site::Site;
use super::super::world::Layout;
use super::{DELIVERIES, HOURLY, diff, four_runs};

fn told_of_run_1(outcome: Outcome) {
    let outcome = outcome.expect_status(1).says(&[
        "error: the tables as run 1 (",
        "left them cannot be read, or no longer",
    ]);
    assert!(!outcome.stderr.contains("defect"), "{}", outcome.text());
}

/// The data files below a folder of the output.
fn data(site: &Site, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(site.output().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect()
}

#[test]
fn a_run_whose_files_are_gone_is_told_of() {
    for folder in ["delivery_kpi", "delivery_kpi_hourly/date=2026-03-02"] {
        let site = four_runs(&Layout::default());
        // As a clean-up does: what the newest run does not need goes.
        let newest = |site: &Site| {
            data(site, folder).into_iter().max_by_key(|path| {
                let metadata = fs::metadata(path).expect("a file");
                metadata.modified().expect("a time")
            })
        };
        let kept = newest(&site);
        for path in data(&site, folder) {
            if Some(&path) != kept.as_ref() {
                fs::remove_file(path).expect("a file that goes");
            }
        }
        diff(&site, &["previous", "latest"]).expect_status(0);
        for words in [["run:1", "latest"], ["latest", "run:1"]] {
            told_of_run_1(diff(&site, &words));
        }
        told_of_run_1(diff(&site, &["run:1", "latest", "--json"]));
    }
}

#[test]
fn a_run_whose_log_is_gone_is_told_of() {
    for table in [HOURLY, DELIVERIES] {
        let site = four_runs(&Layout::default());
        let commit = site
            .output()
            .join(table)
            .join("_delta_log/00000000000000000001.json");
        fs::remove_file(&commit).expect("a commit that goes");
        let outcome = diff(&site, &["run:1", "latest"]);
        assert_eq!(outcome.status, Some(1), "{}", outcome.text());
        assert!(!outcome.stderr.contains("defect"), "{}", outcome.text());
        fs::remove_dir_all(site.output().join(table)).expect("a table that goes");
        told_of_run_1(diff(&site, &["run:1", "latest"]));
    }
}

/// As a clean-up of the log does: a checkpoint, and no commit before it.
fn clean_log(table: &Path) {
    let url = deltalake::table::builder::parse_table_uri(table.to_string_lossy());
    let made = tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(async {
            let table = deltalake::open_table(url.expect("a place")).await?;
            deltalake::checkpoints::create_checkpoint(&table, None).await?;
            Ok::<_, deltalake::DeltaTableError>(table.version().expect("a version"))
        });
    for version in 0..made.expect("a checkpoint") {
        let commit = table.join(format!("_delta_log/{version:020}.json"));
        fs::remove_file(commit).expect("a commit that goes");
    }
}

#[test]
fn a_run_before_the_clean_up_of_a_log_is_told_of() {
    for table in [HOURLY, DELIVERIES] {
        let site = four_runs(&Layout::default());
        let before = diff(&site, &["previous", "latest"]).expect_status(0);
        clean_log(&site.output().join(table));
        let after = diff(&site, &["previous", "latest"]).expect_status(0);
        assert_eq!(after.stdout, before.stdout);
        told_of_run_1(diff(&site, &["run:1", "latest"]));
    }
}

/// The hours of a day whose files are the same in both runs need not be read.
#[test]
fn days_with_the_same_files_are_not_read() {
    let site = four_runs(&Layout::default());
    let read = |words: &[&str]| diff(&site, words);
    let whole = read(&["run:2", "run:3", "--json"]).expect_status(0);
    for path in data(&site, "delivery_kpi_hourly/date=2026-03-02") {
        fs::write(path, "no Parquet").expect("a damaged file");
    }
    assert_eq!(
        read(&["run:2", "run:3", "--json"]).expect_status(0).stdout,
        whole.stdout
    );
    told_of_run_1(read(&["run:1", "run:3"]));
}

#[test]
fn standard_output_may_be_closed() {
    let site = four_runs(&Layout::default());
    for format in ["--json", "--limit=0"] {
        let mut command = site.program();
        command.args(["diff", "run:1", "run:3", "--output", "out", format]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a start");
        drop(child.stdout.take());
        let end = child.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&end.stderr);
        assert_eq!((end.status.code(), &*said), (Some(0), ""), "{format}");
    }
}
