//! Wrong usage, each with its exit code, and the help.

use std::collections::BTreeSet;

use super::super::publishing::undo_commit;
use super::super::site::{Site, outcome, two_deliveries};
use super::super::world::{Layout, World};
use super::{diff, four_runs};

/// A flag without a test is missed here: add it to the list with its test.
#[test]
fn the_help_has_examples_and_no_flag_that_is_not_tested() {
    let site = Site::new(&World::default());
    let help = outcome(site.program().args(["diff", "--help"])).expect_status(0);
    for part in [
        "Examples:",
        "delivery-kpi diff ",
        "Exit codes:",
        "OLD",
        "NEW",
        "previous",
        "version:",
    ] {
        assert!(help.stdout.contains(part), "{part:?}: {}", help.text());
    }
    let lines = help.stdout.lines().map(str::trim_start);
    let flags = lines.filter_map(|line| {
        let line = line.strip_prefix("-h, ").unwrap_or(line);
        let flag = line.split([' ', '[', '=']).next()?;
        flag.starts_with("--").then_some(flag)
    });
    let tested = [
        "--delivery",
        "--fail-if-diff",
        "--help",
        "--job",
        "--json",
        "--limit",
        "--output",
        "--timezone",
    ];
    assert_eq!(
        flags.collect::<BTreeSet<_>>(),
        BTreeSet::from(tested),
        "{}",
        help.stdout
    );
}

#[test]
fn wrong_usage_is_told() {
    let site = four_runs(&Layout::default());
    let cases: [(&[&str], &str); 8] = [
        (&[], "<OLD>"),
        (&["latest"], "<NEW>"),
        (&["latest", "latest", "latest"], "unexpected argument"),
        (&["previous", "latest", "--limit", "3", "--json"], "--limit"),
        (
            &["previous", "latest", "--timezone", "UTC", "--json"],
            "--timezone",
        ),
        (&["previous", "latest", "--limit", "some"], "some"),
        (
            &["previous", "latest", "--timezone", "CET+1"],
            "an IANA time zone",
        ),
        (
            &["previous", "latest", "--delivery", "1", "first"],
            "found text in place 2",
        ),
    ];
    for (words, says) in cases {
        let told = diff(&site, words).expect_status(2).says(&[says]);
        assert_eq!(told.stdout, "", "{words:?}");
    }
}

#[test]
fn the_output_may_be_in_a_job_file() {
    let site = four_runs(&Layout::default());
    site.write("jobs/job.toml", "output = \"../out\"\n");
    let by_job = |job: &str| {
        let words = ["diff", "run:1", "run:2", "--job", job];
        outcome(site.program().args(words))
    };
    let words = ["run:1", "run:2"];
    let told = by_job("jobs/job.toml").expect_status(0);
    assert_eq!(told.stdout, diff(&site, &words).stdout);
    by_job("none.toml").expect_status(2).says(&["none.toml"]);
}

#[test]
fn an_output_without_a_run_is_told() {
    let site = Site::new(&two_deliveries());
    let ask = |output: &[&str]| {
        let words = ["diff", "previous", "latest"];
        outcome(site.program().args(words).args(output))
    };
    ask(&[]).expect_status(2).says(&["--output", "found none"]);
    ask(&["--output", "out"])
        .expect_status(2)
        .says(&["output out"]);
    assert!(!site.output().exists(), "nothing is made");
    ask(&["--output", "in"])
        .expect_status(2)
        .says(&["output in", "expected the tables of a run"]);
    ask(&["--output", "ftp://kpi"])
        .expect_status(2)
        .says(&["expected a URL"]);
    site.run_to(0, &[]);
    undo_commit(&site.output(), "kpi_run");
    ask(&["--output", "out"])
        .expect_status(2)
        .says(&["expected the tables of a run"]);
}
