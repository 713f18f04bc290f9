//! `--wait`: a run waits for another one that holds the output.

use std::fs::File;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use super::super::site::{NOON, runs_published};
use super::*;

#[test]
fn a_run_and_upkeep_wait_for_the_one_that_holds_the_output() {
    let site = after_one_run("", NOON);
    add_sending(&site, "late", &late_rows());
    let hold = || {
        let lock = File::create(site.output().join("_delivery-kpi.lock")).expect("the lock file");
        lock.lock().expect("the lock");
        lock
    };
    let lock = hold();
    let at_once = site.run_job("", &["--as-of", &typed(NOON)]);
    at_once.expect_status(4).says(&["another run holds it"]);
    drop(lock);
    let output = site.arg("out");
    let as_of = typed(NOON);
    for words in [
        vec!["recompute", "job.toml", "--as-of", &as_of, "--wait"],
        vec!["maintain", "--output", &output, "--wait"],
    ] {
        let lock = hold();
        let before = runs_published(&site.output());
        let mut command = site.program();
        command
            .args(&words)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        sleep(Duration::from_millis(700));
        assert!(
            child.try_wait().expect("a child").is_none(),
            "{words:?} waits"
        );
        assert_eq!(runs_published(&site.output()), before);
        drop(lock);
        let status = child.wait().expect("a child");
        assert!(status.success(), "{words:?}: {status}");
    }
    assert_eq!(runs_published(&site.output()), 2);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
}

/// Several at once: one after the other, and each builds on the one before it.
#[test]
fn runs_that_wait_come_one_after_the_other() {
    let site = after_one_run("", NOON);
    let mut children = Vec::new();
    for round in 0..4 {
        add_sending(
            &site,
            &format!("late{round}"),
            &[super::super::site::report(
                1,
                700 + round,
                "relayed",
                super::super::site::NINE,
            )],
        );
        let mut command = site.program();
        command.args(["recompute", "job.toml", "--as-of", &typed(NOON), "--wait"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        children.push(command.spawn().expect("the program starts"));
    }
    for mut child in children {
        assert!(child.wait().expect("a child").success());
    }
    assert_eq!(runs_published(&site.output()), 5);
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
}
