//! Runs that are interrupted: whatever the moment, readers see a whole run, and the next one completes.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::super::delta::Row;
use super::super::site::{
    HOUR, MINUTE, NINE, Site, content, deliveries, delivery, hourly, outcome, report,
    runs_published, tracked, without_run,
};
use super::super::world::World;

const EARLIER: &str = "2026-03-04T00:00:00Z";
const LATER: &str = "2026-03-09T00:00:00Z";

/// Large enough that a run lasts some time, and has many hours to publish.
fn world() -> World {
    let mut world = World::default();
    for id in 1..=40 {
        world.deliveries.push(delivery(id, "A label"));
        for message in 0..900 {
            let at = NINE + (id * 7 + message) % 150 * HOUR + message * 1_000;
            world.sending.push(report(id, message, "relayed", at));
            world
                .sending
                .push(report(id, message, "delivered", at + MINUTE));
            world
                .tracking
                .push(tracked(id, message, "open", at + 3 * HOUR));
        }
    }
    world
}

type Tables = (BTreeMap<(String, i64), Row>, BTreeMap<String, Row>);

fn tables(output: &Path) -> Tables {
    (
        without_run(&hourly(output)),
        without_run(&deliveries(output)),
    )
}

fn command(site: &Site, output: &str, as_of: &str) -> Command {
    let mut command = site.program();
    command.args([
        "recompute",
        "--sending-log",
        "in/sending_log",
        "--tracking-log",
    ]);
    command.args(["in/tracking_log", "--deliveries", "in/deliveries.parquet"]);
    command.args(["--output", output, "--as-of", as_of]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// When a run is interrupted.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After a part of the time that a whole run takes, in percent.
    Percent(u32),
    /// As soon as this many files with this in their name are in the output.
    Files(&'static str, usize),
}

impl Moment {
    fn wait(self, child: &mut Child, output: &Path, whole: Duration) {
        let started = Instant::now();
        loop {
            let has_come = match self {
                Moment::Percent(part) => started.elapsed() >= whole * part / 100,
                Moment::Files(name, count) => files(output, name) >= count,
            };
            let is_over = child.try_wait().expect("a child").is_some();
            if has_come || is_over {
                return;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn files(output: &Path, name: &str) -> usize {
    let entries = walkdir::WalkDir::new(output).into_iter().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(name))
        .count()
}

/// All files but the lock.
fn all_files(output: &Path) -> BTreeSet<PathBuf> {
    let entries = walkdir::WalkDir::new(output).into_iter().flatten();
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| entry.into_path())
        .filter(|path| !path.ends_with("_delivery-kpi.lock"))
        .collect()
}

/// Panics if a run that a signal has ended has left something: before its first commit all goes that it has
/// made, and files that are not complete always do.
fn assert_clean(before: &BTreeSet<PathBuf>, output: &Path, context: &str) {
    let after = all_files(output);
    let staged = |path: &&PathBuf| path.to_string_lossy().contains('#');
    assert_eq!(after.iter().find(staged), None, "{context}");
    let new: Vec<&PathBuf> = after.difference(before).collect();
    let commits = |path: &&&PathBuf| {
        let path = path.to_string_lossy();
        path.contains("_delta_log") && !path.ends_with("00000000000000000000.json")
    };
    if new.iter().filter(commits).count() == 0 {
        let made = |path: &&&PathBuf| !path.to_string_lossy().contains("_delta_log");
        assert_eq!(new.iter().find(made), None, "{context}");
    }
}

fn interrupt(mut child: Child, signal: &str) -> ExitStatus {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", child.id())])
        .stderr(Stdio::null())
        .status();
    sent.expect("a shell");
    child.wait().expect("an end")
}

#[test]
fn an_interrupted_run_leaves_nothing_half_published() {
    let site = Site::new(&world());
    let started = Instant::now();
    outcome(&mut command(&site, "first", EARLIER)).expect_status(0);
    let whole = started.elapsed();
    let first = tables(&site.path("first"));
    outcome(&mut command(&site, "second", LATER)).expect_status(0);
    let second = tables(&site.path("second"));
    assert!(
        first.0.len() > 1_000 && second.0.len() > 3_000,
        "{}",
        second.0.len()
    );

    // The last of the commits are those to `kpi_run`; 00000000000000000002 is a run on published tables.
    let moments = [
        Moment::Files("_delivery-kpi.lock", 1),
        Moment::Files(".rows", 1),
        Moment::Percent(15),
        Moment::Percent(40),
        Moment::Percent(60),
        Moment::Percent(75),
        Moment::Percent(90),
        Moment::Files("00000000000000000000.json", 1),
        Moment::Files("00000000000000000000.json", 3),
        Moment::Files(".parquet", 3),
        Moment::Files(".parquet", 30),
        Moment::Files("00000000000000000001.json", 1),
        Moment::Files("00000000000000000002.json", 3),
        Moment::Files("00000000000000000001.json", 2),
        Moment::Files("00000000000000000002.json", 1),
        Moment::Files("00000000000000000002.json", 2),
    ];
    let cases: Vec<(usize, Moment)> = moments.into_iter().enumerate().collect();
    let ends: Vec<Option<i32>> = cases
        .into_par_iter()
        .map(|(number, moment)| {
            let name = format!("out-{number}");
            let output = site.path(&name);
            let context = format!("{moment:?}");
            let goes_on = matches!(moment, Moment::Files("00000000000000000002.json", _))
                || matches!(moment, Moment::Percent(part) if part > 50);
            if goes_on {
                outcome(&mut command(&site, &name, EARLIER)).expect_status(0);
            }
            let (before, files) = (runs_published(&output), all_files(&output));
            let signal = ["INT", "TERM"][number % 2];
            let mut child = command(&site, &name, LATER).spawn().expect("a run");
            moment.wait(&mut child, &output, whole);
            let sent = Instant::now();
            let end = interrupt(child, signal);
            let took = sent.elapsed();
            assert!(took < Duration::from_secs(1), "{context}: {took:?}");
            if end.signal().is_some() {
                assert_clean(&files, &output, &context);
            }
            let by_signal = match signal {
                "INT" => 2,
                _ => 15,
            };
            assert!(
                end.signal() == Some(by_signal) || end.code() == Some(0),
                "{context}, {signal}: {end}"
            );
            match runs_published(&output) {
                0 => assert!(!goes_on && end.signal().is_some(), "{context}"),
                runs => {
                    let expected = if runs > before { &second } else { &first };
                    assert!(
                        tables(&output) == *expected,
                        "{context}: not the rows of one run"
                    );
                    assert!(runs > before || end.signal().is_some(), "{context}");
                }
            }
            outcome(&mut command(&site, &name, LATER)).expect_status(0);
            assert!(tables(&output) == second, "{context}: the next run");
            end.signal()
        })
        .collect();
    // A shell sees 128 more: 130 and 143.
    let ended_by = |signal| ends.iter().filter(|end| **end == Some(signal)).count();
    assert!(
        ended_by(2) >= 3 && ended_by(15) >= 3,
        "most runs are interrupted: {ends:?}"
    );
}

/// Also a dry run, which has nothing to leave.
#[test]
fn an_interrupted_dry_run_leaves_nothing() {
    let site = Site::new(&world());
    let dry = || {
        let mut command = command(&site, "out", LATER);
        command.arg("--dry-run");
        command
    };
    let started = Instant::now();
    outcome(&mut dry()).expect_status(0);
    let whole = started.elapsed();
    // Sooner and sooner, should this machine be done before the signal comes.
    let is_interrupted = [40, 20, 10, 5, 2, 0].into_iter().any(|part| {
        let mut child = dry().spawn().expect("a run");
        Moment::Percent(part).wait(&mut child, &site.output(), whole);
        let end = interrupt(child, "TERM");
        assert!(end.signal() == Some(15) || end.code() == Some(0), "{end}");
        assert!(!site.output().exists());
        end.signal().is_some()
    });
    assert!(is_interrupted, "every run was done before its signal");
    assert!(content(&site.path("in")).len() >= 3);
}
