//! Wrong usage, each with its exit code, and the help.

use std::collections::BTreeSet;

use super::super::site::{Site, outcome};
use super::super::world::World;
use super::{export, names, two_days};

/// A flag without a test is missed here: add it to the list with its test.
#[test]
fn the_help_has_examples_and_no_flag_that_is_not_tested() {
    let site = Site::new(&World::default());
    let help = outcome(site.program().args(["export", "--help"])).expect_status(0);
    for part in [
        "Examples:",
        "delivery-kpi export ",
        "Exit codes:",
        "TABLE",
        "FILE",
        "kpi_run",
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
        "--dense",
        "--format",
        "--from",
        "--help",
        "--job",
        "--output",
        "--to",
    ];
    assert_eq!(
        flags.collect::<BTreeSet<_>>(),
        BTreeSet::from(tested),
        "{}",
        help.stdout
    );
}

#[test]
fn wrong_usage_is_told_and_makes_no_file() {
    let site = Site::new(&two_days());
    site.run_to(0, &[]);
    site.write("taken/file", "");
    let before = names(&site);
    let hourly = "delivery_kpi_hourly";
    let nine = "2026-03-02T09:00:00Z";
    let cases: [(&str, &str, &[&str], &[&str]); 16] = [
        (
            "delivery_kpis",
            "x.csv",
            &[],
            &["delivery_kpis", hourly, "kpi_run"],
        ),
        (
            hourly,
            "x.xlsx",
            &[],
            &[".parquet, .csv or .jsonl", "x.xlsx"],
        ),
        (hourly, "x", &[], &["--format", "\"x\""]),
        (
            hourly,
            "x",
            &["--format", "xml"],
            &["xml", "parquet, csv, jsonl"],
        ),
        (
            hourly,
            "x.csv",
            &["--from", nine, "--to", nine],
            &["--to", "after --from", nine],
        ),
        (
            hourly,
            "x.csv",
            &["--from", "today"],
            &["--from", "RFC 3339", "today"],
        ),
        (
            hourly,
            "x.csv",
            &["--to", "2026"],
            &["--to", "RFC 3339", "2026"],
        ),
        (
            "delivery_kpi",
            "x.csv",
            &["--from", nine],
            &["--from", hourly, "\"delivery_kpi\""],
        ),
        ("delivery_kpi", "x.csv", &["--to", nine], &["--to", hourly]),
        ("delivery_kpi", "x.csv", &["--dense"], &["--dense", hourly]),
        (
            "kpi_run",
            "x.csv",
            &["--dense"],
            &["--dense", hourly, "kpi_run"],
        ),
        (
            "kpi_run",
            "x.csv",
            &["--delivery", "1"],
            &["--delivery", "kpi_run"],
        ),
        (hourly, "none/x.csv", &[], &["FILE", "folder", "none/x.csv"]),
        (hourly, "taken", &["--format", "csv"], &["FILE", "taken"]),
        (
            hourly,
            "/dev/null",
            &["--format", "csv"],
            &["FILE", "/dev/null"],
        ),
        (
            hourly,
            "out/delivery_kpi/x.csv",
            &[],
            &["outside the tables", "x.csv"],
        ),
    ];
    for (table, file, flags, says) in cases {
        let outcome = export(&site, table, file, flags);
        let outcome = outcome.expect_status(2).says(says);
        assert_eq!(outcome.stdout, "", "{table} {file} {flags:?}");
        assert_eq!(names(&site), before, "{table} {file} {flags:?}");
    }
    assert!(!site.path("out/delivery_kpi/x.csv").exists());
}

#[test]
fn an_output_without_a_run_is_told() {
    let site = Site::new(&two_days());
    let export = |output: &[&str]| {
        let mut command = site.program();
        command.args(["export", "delivery_kpi", "x.csv"]);
        outcome(command.args(output))
    };
    export(&[])
        .expect_status(2)
        .says(&["--output", "found none"]);
    export(&["--output", "out"])
        .expect_status(2)
        .says(&["output out"]);
    assert!(!site.output().exists(), "nothing is made");
    export(&["--output", "in"])
        .expect_status(2)
        .says(&["output in", "expected the tables of a run"]);
    export(&["--output", "ftp://kpi"])
        .expect_status(2)
        .says(&["expected a URL"]);
    export(&["--job", "none.toml"])
        .expect_status(2)
        .says(&["none.toml"]);
    // Tables, but no run that was published.
    site.run_to(0, &[]);
    super::super::publishing::undo_commit(&site.output(), "kpi_run");
    export(&["--output", "out"])
        .expect_status(2)
        .says(&["expected the tables of a run"]);
    assert!(!site.path("x.csv").exists());
}
