//! How much memory a run may take.

use std::fs;

use super::super::site::{Site, assert_five_hours, two_deliveries};

#[test]
fn a_limit_that_cannot_work_is_an_error_that_says_what_would() {
    let site = Site::new(&two_deliveries());
    for (limit, threads, needed) in [("1MB", "2", "200MiB"), ("255MiB", "5", "272MiB")] {
        site.run_to(2, &["--memory-limit", limit, "--threads", threads])
            .says(&["memory_limit", "at least", needed, limit, "fewer threads"]);
    }
    site.run_to(2, &["--memory-limit", "much"])
        .says(&["memory_limit", "512MB", "much"]);
    let gone = site.arg("gone");
    site.run_to(2, &["--memory-limit", "1GB", "--temp-dir", &gone])
        .says(&["temp_dir", "a directory", "gone"]);
    assert!(!site.output().exists(), "nothing is made");
}

#[test]
fn a_run_within_its_limit_leaves_nothing_behind() {
    let site = Site::new(&two_deliveries());
    let waiting = site.path("waiting");
    fs::create_dir(&waiting).expect("a folder");
    let flags = ["--memory-limit", "200MiB", "--threads", "2", "--temp-dir"];
    site.run_to(0, &[&flags[..], &[&site.arg("waiting")]].concat());
    assert_five_hours(&site.hourly());
    assert_eq!(fs::read_dir(&waiting).expect("the folder").count(), 0);
}

#[test]
fn keys_are_as_good_as_flags_and_flags_come_first() {
    let site = Site::new(&two_deliveries());
    fs::create_dir(site.path("waiting")).expect("a folder");
    let keys = "memory_limit = \"1GiB\"\ntemp_dir = \"waiting\"\n";
    assert_eq!(site.run_job(keys, &[]).status, Some(0));
    let wrong = "memory_limit = \"1MB\"\ntemp_dir = \"gone\"\n";
    assert_eq!(site.run_job(wrong, &[]).status, Some(2));
    let better = ["--memory-limit", "1GB", "--temp-dir", &site.arg("waiting")];
    assert_eq!(site.run_job(wrong, &better).status, Some(0));
}
