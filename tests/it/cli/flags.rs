//! The flags of `recompute`, one by one. Those about which deliveries are in `scope`.

use std::collections::BTreeSet;

use super::super::delta::newest_run;
use super::super::site::{
    AS_OF, HOUR, MINUTE, NINE, NOON, Site, assert_five_hours, content, number, outcome, report,
    runs_published, two_deliveries, without_run,
};
use super::super::world::World;

/// A flag without a test is missed here: add it to the list with its test.
#[test]
fn the_help_has_examples_and_no_flag_that_is_not_tested() {
    let site = Site::new(&World::default());
    let top = outcome(site.program().arg("--help")).expect_status(0);
    assert!(top.stdout.contains("recompute"), "{}", top.text());
    let help = outcome(site.program().args(["recompute", "--help"])).expect_status(0);
    assert_eq!((top.stderr.as_str(), help.stderr.as_str()), ("", ""));
    for part in [
        "Examples:",
        "delivery-kpi recompute ",
        "Exit codes:",
        "JOB.toml",
    ] {
        assert!(help.stdout.contains(part), "{part:?}: {}", help.text());
    }
    let found: BTreeSet<&str> = help
        .stdout
        .lines()
        .filter(|line| !line.contains("delivery-kpi "))
        .filter_map(|line| {
            let line = line.trim_start();
            let flags = line.strip_prefix("-h, ").unwrap_or(line);
            flags.starts_with("--").then_some(flags)
        })
        .filter_map(|line| line.split([' ', '[', '=']).next())
        .collect();
    let tested = [
        "--accept-shrinkage",
        "--as-of",
        "--deadline",
        "--deliveries",
        "--delivery",
        "--dry-run",
        "--event-time-end",
        "--event-time-start",
        "--full",
        "--help",
        "--log-format",
        "--memory-limit",
        "--output",
        "--progress",
        "--rehash",
        "--rewind",
        "--sending-log",
        "--temp-dir",
        "--thaw",
        "--threads",
        "--tracking-log",
        "--wait",
    ];
    assert_eq!(found, BTreeSet::from(tested), "{}", help.stdout);
    let version = outcome(site.program().arg("--version")).expect_status(0);
    assert_eq!(
        version.stdout,
        concat!("delivery-kpi ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

/// The job alone would read other extracts, as of another instant, into another output.
#[test]
fn flags_come_before_the_keys_of_the_job() {
    let site = Site::new(&two_deliveries());
    let other = World {
        deliveries: vec![super::super::site::delivery(9, "Other")],
        sending: vec![report(9, 91, "relayed", NINE)],
        tracking: vec![super::super::site::tracked(9, 91, "open", NINE)],
    };
    other.write(&site.path("other"), &Default::default());
    site.write(
        "job.toml",
        "sending_log = \"other/sending_log\"\n\
         tracking_log = \"other/tracking_log\"\n\
         deliveries = \"other/deliveries.parquet\"\n\
         output = \"other-out\"\n\
         as_of = \"2026-03-02T10:00:00Z\"\n\
         deadline = \"reported\"\n\
         threads = 0\n",
    );
    let mut command = site.recompute();
    command.args([
        "--as-of",
        AS_OF,
        "--deadline",
        "infer",
        "--threads",
        "2",
        "job.toml",
    ]);
    outcome(&mut command).expect_status(0);
    assert!(!site.path("other-out").exists());
    assert_five_hours(&site.hourly());
    assert_eq!(site.deliveries()["1"]["label"], "First");
    let run = newest_run(&site.output());
    assert_eq!(
        (&run["deadline"], number(&run, "as_of")),
        (&"infer".into(), NOON)
    );
    let arguments = run["arguments"].as_array().expect("a list");
    assert!(
        arguments.iter().any(|argument| argument == "job.toml"),
        "{arguments:?}"
    );

    // And the keys count where there is no flag.
    let mut command = site.program();
    command.args(["recompute", "job.toml", "--threads", "1"]);
    outcome(&mut command).expect_status(0);
    let run = newest_run(&site.path("other-out"));
    assert_eq!(
        (&run["deadline"], number(&run, "as_of")),
        (&"reported".into(), NINE + HOUR)
    );
}

/// The columns `delivery_id`, `hour` and `opens` of the CSV, line by line.
fn csv(text: &str) -> Vec<(String, String, i64)> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let place = |name| {
        header
            .iter()
            .position(|column| *column == name)
            .expect(name)
    };
    let (id, hour, opens) = (place("delivery_id"), place("hour"), place("opens"));
    lines
        .map(|cells| {
            assert_eq!(cells.len(), header.len(), "{cells:?}");
            let opens = cells[opens].parse().expect("an integer");
            (cells[id].to_owned(), cells[hour].to_owned(), opens)
        })
        .collect()
}

#[test]
fn a_dry_run_prints_what_would_change_and_writes_nothing() {
    let site = Site::new(&two_deliveries());
    let line = |delivery: &str, hour: i64, opens| {
        (
            delivery.to_owned(),
            format!("2026-03-02T{hour:02}:00:00Z"),
            opens,
        )
    };
    let everything = [
        line("1", 9, 0),
        line("1", 10, 1),
        line("1", 11, 1),
        line("2", 9, 0),
        line("2", 10, 1),
    ];
    let dry = site
        .run_to(0, &["--dry-run"])
        .says(&["nothing was written"]);
    assert_eq!(csv(&dry.stdout), everything);
    assert!(!site.output().exists(), "not even the folder");

    site.run_to(0, &[]);
    let before = content(&site.output());
    let dry = site.run_to(0, &["--dry-run"]);
    assert_eq!(csv(&dry.stdout), []);
    let mut more = two_deliveries();
    more.tracking.push(super::super::site::tracked(
        2,
        21,
        "open",
        NINE + 70 * MINUTE,
    ));
    site.rewrite(&more, &Default::default());
    let dry = site.run_to(0, &["--dry-run"]);
    assert_eq!(csv(&dry.stdout), [line("2", 10, 2)]);
    let dry = site.run_to(0, &["--dry-run", "--delivery", "1"]);
    assert_eq!(csv(&dry.stdout), []);
    let json = site
        .run_to(0, &["--dry-run", "--log-format", "json"])
        .json();
    assert_eq!(json["published"], false);
    site.run_to(2, &["--dry-run", "--as-of", "2026-03-02T11:00:00Z"])
        .says(&["--rewind"]);
    assert_eq!(content(&site.output()), before, "and nothing is written");
}

/// Without EFS, a message whose retries do not end turns Failed at its deadline, or stays as it is.
#[test]
fn the_deadline_is_inferred_or_reported() {
    let world = World {
        sending: vec![
            report(1, 11, "relayed", NINE),
            report(1, 11, "soft_bounce", NINE + HOUR),
        ],
        ..World::default()
    };
    let late = ["--as-of", "2026-03-07T00:00:00Z"];
    for (mode, failed, retrying) in [("infer", 1, 0), ("reported", 0, 1)] {
        for by_flag in [true, false] {
            let site = Site::new(&world);
            if by_flag {
                site.run_to(0, &[&late[..], &["--deadline", mode]].concat());
            } else {
                let keys = format!("deadline = \"{mode}\"\n");
                site.run_job(&keys, &late).expect_status(0);
            }
            let row = &site.deliveries()["1"];
            let found = (number(row, "failed_by_deadline"), number(row, "retrying"));
            assert_eq!(found, (failed, retrying), "{mode}, by flag: {by_flag}");
            assert_eq!(newest_run(&site.output())["deadline"], mode);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &["--threads", "1"]);
    let (hours, deliveries) = (site.hourly(), site.deliveries());
    for threads in ["2", "7", "32"] {
        let output = format!("out-{threads}");
        let mut command = site.program();
        command.args([
            "recompute",
            "--sending-log",
            "in/sending_log",
            "--threads",
            threads,
        ]);
        command.args(["--tracking-log", "in/tracking_log", "--deliveries"]);
        command.args([
            "in/deliveries.parquet",
            "--as-of",
            AS_OF,
            "--output",
            &output,
        ]);
        outcome(&mut command).expect_status(0);
        let output = site.path(&output);
        let found = super::super::site::hourly(&output);
        assert_eq!(
            without_run(&found),
            without_run(&hours),
            "{threads} threads"
        );
        let found = super::super::site::deliveries(&output);
        assert_eq!(
            without_run(&found),
            without_run(&deliveries),
            "{threads} threads"
        );
    }
}

#[test]
fn as_of_is_now_or_the_start_of_the_current_hour() {
    let micros = || jiff::Timestamp::now().as_microsecond();
    let site = Site::new(&two_deliveries());
    let before = micros();
    outcome(&mut site.recompute()).expect_status(0);
    let after = micros();
    let as_of = number(&newest_run(&site.output()), "as_of");
    let hour = |instant: i64| instant.div_euclid(HOUR) * HOUR;
    assert!((hour(before)..=hour(after)).contains(&as_of), "{as_of}");
    assert_eq!(as_of % HOUR, 0);

    let before = micros();
    site.run_to(0, &["--as-of", "now"]);
    let as_of = number(&newest_run(&site.output()), "as_of");
    assert!((before..=micros()).contains(&as_of), "{as_of}");
    assert_eq!(number(&site.deliveries()["2"], "as_of"), as_of);
}

/// Half-open: what happens at as-of is the future. Without a zone it is in UTC, a space for the T.
#[test]
fn as_of_is_read_to_the_microsecond() {
    let mut world = two_deliveries();
    world
        .tracking
        .push(super::super::site::tracked(1, 11, "open", NOON));
    for (as_of, opens) in [
        ("2026-03-02T12:00:00Z", 1),
        ("2026-03-02 12:00:00", 1),
        ("2026-03-02T14:00:00+02:00", 1),
        ("2026-03-02T12:00:00.000001Z", 2),
    ] {
        let site = Site::new(&world);
        site.run_to(0, &["--as-of", as_of]);
        assert_eq!(
            number(&site.deliveries()["1"], "opens_tracked"),
            opens,
            "{as_of}"
        );
        let complete = site
            .hourly()
            .into_values()
            .all(|row| row["hour_complete"] == true);
        assert_eq!(complete, opens == 1, "{as_of} cuts an hour");
    }
}

#[test]
fn full_is_a_run_like_any_other() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let hours = site.hourly();
    site.run_to(0, &["--full"]);
    assert_eq!(site.hourly(), hours);
    assert_eq!(runs_published(&site.output()), 2);
}
