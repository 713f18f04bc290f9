//! `maintain`: what no reader needs any more goes, and nothing else.

use std::fs::File;
use std::time::{Duration, SystemTime};

use super::super::delta::{committed_versions, newest_run};
use super::super::site::{HOUR, NINE, NOON, content, outcome, report};
use super::*;

fn maintain(site: &Site, flags: &[&str]) -> Outcome {
    let mut command = site.program();
    command.args(["maintain", "--output"]).arg(site.output());
    outcome(command.args(flags))
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn age(path: &Path, days: u32) {
    let file = File::options().write(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() - days * DAY)
        .expect("an age");
}

/// Makes everything so many days older: files, and when the log says that one was removed.
fn age_all(root: &Path, days: u32) {
    let millis = u64::try_from((days * DAY).as_millis()).expect("a number");
    for (name, bytes) in content(root) {
        let path = root.join(&name);
        if path.extension().is_some_and(|end| end == "json")
            && name.to_string_lossy().contains("_delta_log")
        {
            let text = String::from_utf8(bytes).expect("a text");
            let older = |line: &str| {
                let mut action: Value = serde_json::from_str(line).expect("an action");
                for (of, key) in [("remove", "deletionTimestamp"), ("commitInfo", "timestamp")] {
                    if let Some(at) = action.get(of).and_then(|of| of[key].as_u64()) {
                        action[of][key] = (at - millis).into();
                    }
                }
                action.to_string() + "\n"
            };
            fs::write(&path, text.lines().map(older).collect::<String>()).expect("a commit");
        }
        age(&path, days);
    }
}

fn parquet(site: &Site, table: &str) -> Vec<PathBuf> {
    let files = content(&site.output().join(table));
    let names = files
        .into_keys()
        .filter(|name| name.extension().is_some_and(|end| end == "parquet"));
    names
        .filter(|name| !name.to_string_lossy().contains("_delta_log"))
        .collect()
}

/// Some runs, of which each replaces the file of the hours.
fn site() -> Site {
    let site = after_one_run("restatements = true\n", NOON);
    for round in 1..5 {
        add_sending(
            &site,
            &format!("late{round}"),
            &[report(1, 100 + round, "relayed", NINE)],
        );
        run(&site, "restatements = true\n", NOON + round * HOUR, &[]);
    }
    assert_eq!(parquet(&site, "delivery_kpi_hourly").len(), 5);
    site
}

#[test]
fn fewer_than_seven_days_are_refused() {
    let site = site();
    let before = content(&site.output());
    for days in ["0", "6"] {
        maintain(&site, &["--keep-days", days])
            .expect_status(2)
            .says(&["--keep-days", "at least 7"]);
    }
    assert_eq!(content(&site.output()), before);
}

#[test]
fn what_is_young_stays() {
    let site = site();
    let tables = [
        "delivery_kpi_hourly",
        "delivery_kpi",
        "kpi_restatement",
        "kpi_run",
    ];
    let before = tables.map(|table| content(&site.output().join(table)));
    maintain(&site, &["--keep-days", "7"]).expect_status(0);
    assert_eq!(
        tables.map(|table| content(&site.output().join(table))),
        before
    );
    age_all(&site.output(), 6);
    let before = tables.map(|table| content(&site.output().join(table)));
    maintain(&site, &["--keep-days", "7"]).expect_status(0);
    assert_eq!(
        tables.map(|table| content(&site.output().join(table))),
        before
    );
}

#[test]
fn what_is_old_goes_and_the_newest_run_stays() {
    let site = site();
    age_all(&site.output(), 12);
    let orphan = site
        .output()
        .join("delivery_kpi_hourly/date=2026-03-02/part-of-a-dead-run.parquet");
    fs::write(&orphan, b"never committed").expect("a file");
    let young = orphan.with_file_name("part-of-a-young-run.parquet");
    fs::write(&young, b"not committed yet").expect("a file");
    age(&orphan, 12);
    let foreign = site.output().join("delivery_kpi_hourly/_notes.txt");
    fs::write(&foreign, b"of somebody").expect("a file");
    age(&foreign, 12);
    let (published, rows) = (tables(&site), restatements(&site));
    // Nothing goes where so much is asked for, or nothing is to go.
    let before = content(&site.output());
    for flags in [
        &["--keep-days", "30"][..],
        &["--keep-days", "7", "--dry-run"],
    ] {
        let found = maintain(&site, flags).expect_status(0);
        let mut after = content(&site.output());
        after.retain(|path, _| before.contains_key(path));
        assert_eq!(after.len(), before.len(), "{}", found.text());
    }
    let dry = maintain(&site, &["--keep-days", "7", "--dry-run"]).expect_status(0);
    assert!(
        dry.stdout.contains("would go: 5 data files"),
        "{}",
        dry.text()
    );
    let found = maintain(&site, &["--keep-days", "7"]).expect_status(0);
    assert!(
        found.stdout.contains("removed: 5 data files"),
        "{}",
        found.text()
    );
    assert!(!orphan.exists() && young.exists() && foreign.exists());
    assert_eq!(
        parquet(&site, "delivery_kpi_hourly").len(),
        2,
        "the newest, and the young one"
    );
    assert_eq!(parquet(&site, "delivery_kpi").len(), 1);
    assert_eq!(parquet(&site, "kpi_run").len(), 5, "records stay");
    assert_eq!(tables(&site), published);
    assert_eq!(restatements(&site), rows);
    // Once is enough.
    let again = maintain(&site, &["--keep-days", "7"]).expect_status(0);
    assert!(
        again.stdout.contains("removed: 0 data files"),
        "{}",
        again.text()
    );
    // The next run builds on the state and comes to what a full one does.
    add_sending(&site, "later", &[report(2, 300, "relayed", NINE)]);
    run(&site, "restatements = true\n", NOON + 6 * HOUR, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON + 6 * HOUR);
    let dead: Vec<PathBuf> = state_files(&site, ".json");
    assert_eq!(dead.len(), 1);
}

/// What the newest run names stays, also where a run that died has replaced it.
#[test]
fn a_dead_run_does_not_take_what_readers_see() {
    let site = site();
    let published = tables(&site);
    add_sending(&site, "dead", &[report(1, 900, "relayed", NINE)]);
    run(&site, "restatements = true\n", NOON + 5 * HOUR, &[]);
    super::super::publishing::undo_commit(&site.output(), "kpi_run");
    age_all(&site.output(), 40);
    maintain(&site, &["--keep-days", "7"]).expect_status(0);
    assert_eq!(tables(&site), published, "readers see the same");
    let versions = committed_versions(&site.output());
    assert!(versions.contains_key("kpi_restatement"));
    run(&site, "restatements = true\n", NOON + 5 * HOUR, &[]);
    assert_as_fresh(&site, "", NOON + 5 * HOUR);
}

/// After a first run so many, each as of an hour later, with nothing new.
fn with_more_runs(count: i64) -> Site {
    let site = after_one_run("", NOON);
    for round in 1..=count {
        run(&site, "", NOON + round * HOUR, &[]);
    }
    site
}

/// Commits older than thirty days go as well; the tables are read from checkpoints then.
#[test]
fn a_table_with_a_long_history_stays_readable() {
    let site = with_more_runs(55);
    age_all(&site.output(), 60);
    let published = tables(&site);
    let number = newest_run(&site.output())["run_number"].clone();
    maintain(&site, &["--keep-days", "7"]).expect_status(0);
    assert_eq!(newest_run(&site.output())["run_number"], number);
    assert_eq!(tables(&site), published);
    add_sending(&site, "late", &late_rows());
    run(&site, "", NOON + 60 * HOUR, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON + 60 * HOUR);
}

#[test]
fn leftovers_of_dead_runs_in_the_state_go() {
    let site = site();
    let directory = site.output().join("_state");
    let before = content(&directory);
    for name in ["dead.json", "dead.wakes", "dead-0.rows"] {
        fs::write(directory.join(name), b"half").expect("a leftover");
    }
    maintain(&site, &["--dry-run"]).expect_status(0);
    assert_eq!(content(&directory).len(), before.len() + 3);
    maintain(&site, &[]).expect_status(0);
    assert_eq!(content(&directory), before);
    // Where the state of the newest run cannot be used, its files stay for a look at them.
    let state = state_files(&site, ".json").pop().expect("the state");
    fs::write(&state, b"damaged").expect("a file");
    let found = maintain(&site, &[]).expect_status(0);
    assert!(found.stdout.contains("cannot be used"), "{}", found.text());
    run(&site, "restatements = true\n", NOON + 6 * HOUR, &[]);
    assert_eq!(mode(&site), "full");
}

#[test]
fn an_output_without_tables_and_one_that_is_held_are_refused() {
    let site = Site::new(&two_deliveries());
    maintain(&site, &[]).expect_status(2).says(&["found none"]);
    assert!(!site.output().exists());
    run(&site, "", NOON, &[]);
    let lock = File::create(site.output().join("_delivery-kpi.lock")).expect("the lock file");
    lock.lock().expect("the lock");
    maintain(&site, &[]).expect_status(4);
    drop(lock);
    maintain(&site, &[]).expect_status(0);
}

/// What is asked for longer than the tables keep their commits keeps them as well.
#[test]
fn commits_stay_as_long_as_versions_are_to_be_readable() {
    let site = with_more_runs(25);
    age_all(&site.output(), 40);
    let commits = |site: &Site| content(&site.output().join("kpi_run/_delta_log")).len();
    let before = commits(&site);
    maintain(&site, &["--keep-days", "50"]).expect_status(0);
    assert_eq!(commits(&site), before);
    maintain(&site, &["--keep-days", "7"]).expect_status(0);
    assert!(commits(&site) < before, "{before} commits and checkpoints");
}
