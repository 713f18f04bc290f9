//! The exit codes that have no file of their own: 0, 4, and 1 where the output cannot be used.

use std::fs::{self, File};
use std::process::Stdio;

use super::super::site::{Site, assert_five_hours, changes, runs_published, two_deliveries};

#[test]
fn a_run_that_is_done_can_be_done_again_and_changes_nothing() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    assert_five_hours(&site.hourly());
    assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [5, 0, 0, 0]);
    assert_eq!(changes(&site.output(), "delivery_kpi"), [2, 0, 0, 0]);
    let (hours, deliveries) = (site.hourly(), site.deliveries());
    for _ in 0..2 {
        site.run_to(0, &[])
            .says(&["0 rows new, 0 changed, 0 removed, 0 as they were"]);
        assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [0; 4]);
        assert_eq!(changes(&site.output(), "delivery_kpi"), [0, 0, 0, 2]);
        // Rows keep the run that wrote them.
        assert_eq!(
            (site.hourly(), site.deliveries()),
            (hours.clone(), deliveries.clone())
        );
    }
    assert_eq!(runs_published(&site.output()), 3);
}

#[test]
fn another_process_that_holds_the_output_is_told_of() {
    let site = Site::new(&two_deliveries());
    fs::create_dir_all(site.output()).expect("an output");
    let lock = File::create(site.output().join("_delivery-kpi.lock")).expect("a lock file");
    lock.try_lock().expect("the lock");
    let outcome = site.run_to(4, &[]).says(&["another run holds it"]);
    assert_eq!(outcome.stdout, "");
    let json = site.run_to(4, &["--log-format", "json"]).json();
    assert_eq!(json["exit_code"], 4);
    assert_eq!(runs_published(&site.output()), 0);
    // To look is not to hold.
    site.run_to(0, &["--dry-run"]);
    drop(lock);
    site.run_to(0, &[]);
    // The file that is left behind holds nothing.
    assert!(site.output().join("_delivery-kpi.lock").exists());
    site.run_to(0, &[]);
}

#[test]
fn an_output_that_is_a_file_stays_that_file() {
    let site = Site::new(&two_deliveries());
    site.write("out", "not a folder");
    let outcome = site.run(&[]);
    assert!(matches!(outcome.status, Some(1 | 2)), "{}", outcome.text());
    outcome.says(&["output", "out"]);
    assert_eq!(fs::read(site.output()).expect("the file"), b"not a folder");
}

/// Exit code 1 says that nothing was published. A run whose tables stand and whose summary could not
/// be written says something else.
#[test]
#[cfg(target_os = "linux")]
fn a_stdout_that_cannot_be_written_does_not_deny_what_is_published() {
    let site = Site::new(&two_deliveries());
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = site.recompute();
    command.args(["--as-of", "2026-03-02T12:00:00Z"]);
    command.stdout(full.expect("a device that is always full"));
    command.stderr(Stdio::piped());
    let output = command.output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let published = runs_published(&site.output());
    let code = output.status.code();
    assert!(
        code != Some(1) || published == 0,
        "exit code 1 with {published} run published: {stderr}"
    );
    assert!(published == 1 || code != Some(0), "{code:?}: {stderr}");
}
