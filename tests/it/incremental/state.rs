//! A state that is lost or damaged costs time, never correctness: the next run reads everything and says
//! why.

use super::super::publishing::undo_commit;
use super::super::site::{NINE, NOON, content, number, report, tracked};
use super::super::world::write_deliveries;
use super::*;

/// A job after two runs, so that its state has rows of two files; its output is kept beside it.
fn site_with_state() -> Site {
    let site = after_one_run("", NOON);
    add_sending(&site, "second", &late_rows());
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    copy(&site.output(), &site.path("kept"));
    // All messages are looked at again in what comes next.
    let mut rows = two_deliveries().deliveries;
    for row in &mut rows {
        row.efs = Some(true);
    }
    write_deliveries(
        &site.path("in/deliveries.parquet"),
        &rows,
        &Layout::default(),
    );
    // What comes next touches messages of both files, and of both deliveries.
    add_tracking(
        &site,
        "third",
        &[
            tracked(1, 31, "open", NINE + 1),
            tracked(1, 12, "click", NINE + 2),
            tracked(2, 21, "click", NINE + 3),
        ],
    );
    add_sending(
        &site,
        "third",
        &[report(1, 32, "delivered", NINE + 60_000_000)],
    );
    site
}

fn restore(site: &Site) {
    copy(&site.path("kept"), &site.output());
}

/// Runs again; what was damaged must not be missed, and the next run builds on this one.
fn assert_survives(site: &Site, context: &str) {
    let as_of = typed(NOON);
    let outcome = site.run_job("", &["--as-of", &as_of]);
    assert_eq!(outcome.status, Some(0), "{context}: {}", outcome.text());
    assert_eq!(mode(site), "full", "{context}: {}", outcome.text());
    assert!(
        outcome
            .stderr
            .contains("everything is read: the state of the last run cannot be used"),
        "{context}: {}",
        outcome.text()
    );
    assert_as_fresh(site, "", NOON);
    run(site, "", NOON, &[]);
    assert_eq!(mode(site), "incremental", "{context}");
}

#[test]
fn each_file_of_the_state_may_be_gone_or_cut_short() {
    let site = site_with_state();
    let names: Vec<PathBuf> = content(&site.output().join("_state")).into_keys().collect();
    // A volume for each thread that read something, and what is known of them.
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let path = site.output().join("_state").join(&name);
        for keep in [None, Some(0.0), Some(0.3), Some(0.99)] {
            restore(&site);
            let bytes = fs::read(&path).expect("a file of the state");
            match keep {
                None => fs::remove_file(&path).expect("gone"),
                Some(_) if bytes.is_empty() => continue,
                Some(part) => {
                    let length = (bytes.len() as f64 * part) as usize;
                    fs::write(&path, &bytes[..length]).expect("cut short");
                }
            }
            assert_survives(&site, &format!("{}: {keep:?}", name.display()));
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_is_noticed() {
    let site = site_with_state();
    let names: Vec<PathBuf> = content(&site.output().join("_state")).into_keys().collect();
    for name in names {
        let path = site.output().join("_state").join(&name);
        let length = fs::read(site.path("kept/_state").join(&name))
            .expect("it")
            .len();
        if length == 0 {
            continue;
        }
        let steps = 6.min(length);
        for step in 0..steps {
            restore(&site);
            let mut bytes = fs::read(&path).expect("a file of the state");
            let at = step * (length - 1) / steps.max(1);
            bytes[at] ^= 0x20;
            fs::write(&path, bytes).expect("a flipped byte");
            assert_survives(&site, &format!("{}: byte {at} of {length}", name.display()));
        }
    }
}

#[test]
fn garbage_and_what_is_no_file_is_noticed() {
    let site = site_with_state();
    let names: Vec<PathBuf> = content(&site.output().join("_state")).into_keys().collect();
    for name in names {
        let path = site.output().join("_state").join(&name);
        for is_directory in [false, true] {
            restore(&site);
            fs::remove_file(&path).expect("a file of the state");
            match is_directory {
                true => fs::create_dir(&path).expect("a directory"),
                false => fs::write(&path, b"{\"format\": 1}").expect("garbage"),
            }
            assert_survives(&site, &format!("{}, {is_directory}", name.display()));
        }
    }
}

#[test]
fn the_whole_directory_may_go() {
    let site = site_with_state();
    fs::remove_dir_all(site.output().join("_state")).expect("gone");
    assert_survives(&site, "no directory");
    let mode = fs::metadata(site.output().join("_state")).expect("made again");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(mode.permissions().mode() & 0o777, 0o700);
    for (path, _) in content(&site.output().join("_state")) {
        let path = site.output().join("_state").join(path);
        let mode = path.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

/// A directory that cannot be made is an error of the run, and nothing is published.
#[test]
fn where_no_state_can_be_written_the_run_fails_and_publishes_nothing() {
    let site = site_with_state();
    let directory = site.output().join("_state");
    fs::remove_dir_all(&directory).expect("gone");
    fs::write(&directory, b"").expect("a file in its place");
    let before = newest_run(&site.output());
    let outcome = site.run_job("", &["--as-of", &typed(NOON)]);
    outcome.expect_status(1).says(&["_state"]);
    assert_eq!(newest_run(&site.output()), before);
    fs::remove_file(&directory).expect("the file");
    assert_survives(&site, "after the failure");
}

/// A run that fails late leaves nothing in the state, and the next one goes on.
#[test]
fn a_run_that_fails_leaves_no_state() {
    let site = site_with_state();
    let before = content(&site.output().join("_state"));
    fs::write(site.path("in/sending_log/broken.parquet"), b"no Parquet").expect("a file");
    site.run_job("", &["--as-of", &typed(NOON)])
        .expect_status(1);
    assert_eq!(content(&site.output().join("_state")), before);
    fs::remove_file(site.path("in/sending_log/broken.parquet")).expect("a file");
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
    assert_eq!(number(&site.deliveries()["1"], "opens_tracked"), 2);
}

/// What a run that was killed has left in the state goes with the next run.
#[test]
fn leftovers_of_a_dead_run_go() {
    let site = site_with_state();
    let directory = site.output().join("_state");
    for name in ["dead.json", "dead.wakes", "dead-0.rows"] {
        fs::write(directory.join(name), b"half").expect("a leftover");
    }
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    let left = content(&directory);
    assert!(
        left.keys()
            .all(|name| !name.to_string_lossy().starts_with("dead")),
        "{left:?}"
    );
    assert_as_fresh(&site, "", NOON);
}

/// A run that was killed between its commits leaves the state of the one before it: the next run builds on
/// that, whatever the tables hold by then.
#[test]
fn the_state_before_a_dead_run_is_built_on() {
    let keys = "restatements = true\n";
    let deaths: [&[&str]; 4] = [
        &["kpi_run"],
        &["kpi_run", "kpi_restatement"],
        &["kpi_run", "kpi_restatement", "delivery_kpi"],
        &[
            "kpi_run",
            "kpi_restatement",
            "delivery_kpi",
            "delivery_kpi_hourly",
        ],
    ];
    for lost in deaths {
        for with_more in [false, true] {
            let site = after_one_run(keys, NOON);
            add_sending(&site, "first", &[report(1, 41, "relayed", NINE)]);
            run(&site, keys, NOON, &[]);
            let (state, restated) = (site.output().join("_state"), restatements(&site));
            copy(&state, &site.path("before"));
            add_sending(&site, "second", &late_rows());
            add_tracking(&site, "second", &[tracked(2, 21, "click", NINE + 3)]);
            run(&site, keys, NOON, &[]);
            for table in lost {
                undo_commit(&site.output(), table);
            }
            // What it wrote of its state is beside that of the run before.
            for (name, bytes) in content(&site.path("before")) {
                fs::write(state.join(name), bytes).expect("a file");
            }
            if with_more {
                add_sending(&site, "third", &[report(2, 42, "relayed", NINE)]);
            } else {
                for log in ["sending_log", "tracking_log"] {
                    let second = site.path(&format!("in/{log}/second.parquet"));
                    fs::remove_file(second).expect("a file");
                }
            }
            run(&site, keys, NOON, &[]);
            assert_eq!(mode(&site), "incremental", "{lost:?} {with_more}");
            assert_as_fresh(&site, keys, NOON);
            let is_more = restatements(&site).len() > restated.len();
            assert_eq!(is_more, with_more, "{lost:?} {with_more}");
        }
    }
}
