//! Each operation of a run meets each fault.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use delivery_kpi::disk::Disk;
use delivery_kpi::error::Error;
use delivery_kpi::publish::PublishError;

use super::super::site::content;
use super::faulty::{FAULTS, Fault, Faulty};
use super::{Scene, all, code, is_whole, seed, seen, text};

/// What has come of the runs of one scene.
#[derive(Debug, Default)]
struct Tally {
    injected: usize,
    published: usize,
    failed: usize,
    unknown: usize,
    stopped_before: usize,
    stopped_after: usize,
}

impl Tally {
    fn add(mut self, other: Tally) -> Tally {
        self.injected += other.injected;
        self.published += other.published;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.stopped_before += other.stopped_before;
        self.stopped_after += other.stopped_after;
        self
    }
}

#[test]
fn the_first_run_may_fail_anywhere() {
    try_all(&Scene::first());
}

#[test]
fn an_hourly_run_may_fail_anywhere() {
    let tally = try_all(&Scene::hourly());
    assert!(tally.published > 0, "{tally:?}");
    assert!(tally.stopped_after > 0, "{tally:?}");
}

#[test]
fn a_run_whose_rows_wait_in_files_may_fail_anywhere() {
    try_all(&Scene::spilling());
}

/// Whoever ends a run that has published takes nothing back, whatever the run still does.
#[test]
fn what_is_published_stays_when_the_run_is_ended() {
    let scene = Scene::hourly();
    let output = scene.output("ended");
    let disk = Disk::default();
    scene.run(&output, disk.clone()).expect("a run");
    assert_eq!(disk.end(Duration::ZERO).removed, 0);
    assert_eq!(seen(&output), scene.new);
}

/// A data file that comes in parts.
#[test]
fn a_large_data_file_may_fail_in_each_part() {
    let scene = Scene::large();
    let counting = Faulty::counting();
    let output = scene.output("counting");
    assert_eq!(code(&scene.run(&output, counting.disk())), 0);
    let names = counting.trace().names;
    let is_of_it = |name: &&String| name.contains("/delivery_kpi/part-");
    let written = names.iter().filter(|name| name.starts_with("Write"));
    assert!(written.filter(is_of_it).count() > 1, "it comes in parts");
    let numbers = (1..).zip(&names).filter(|(_, name)| is_of_it(name));
    let cases: Vec<(usize, Fault)> = numbers
        .flat_map(|(number, _)| [(number, FAULTS[0]), (number, FAULTS[2])])
        .collect();
    let count = cases.len();
    let tally = all(&cases, |(number, fault)| try_one(&scene, *number, *fault));
    let tally = tally.into_iter().fold(Tally::default(), Tally::add);
    assert_eq!(tally.injected, count, "{tally:?}");
    println!("{}: {tally:?}", scene.name);
}

/// Every operation, until a run has fewer; each with all faults, in the short form with one of them.
fn try_all(scene: &Scene) -> Tally {
    let counting = Faulty::counting();
    let output = scene.output("counting");
    assert_eq!(code(&scene.run(&output, counting.disk())), 0);
    let operations = counting.trace().operations;
    assert!(operations > 20, "{operations} operations are seen");

    let mut random = fastrand::Rng::with_seed(seed());
    let mut cases = Vec::new();
    for number in 1..=operations {
        let faults = match is_whole() {
            true => FAULTS.to_vec(),
            false => vec![*random.choice(&FAULTS).expect("a fault")],
        };
        // The short form tries all operations of an hourly run, and some of the others.
        if !is_whole() && scene.name != "hourly" && !random.u8(..).is_multiple_of(3) {
            continue;
        }
        cases.extend(faults.into_iter().map(|fault| (number, fault)));
    }
    let count = cases.len();
    let tally = all(&cases, |(number, fault)| try_one(scene, *number, *fault));
    let tally = tally.into_iter().fold(Tally::default(), Tally::add);
    // No run of a scene has one operation more.
    for fault in FAULTS {
        let beyond = try_one(scene, operations + 1, fault);
        assert_eq!(beyond.injected, 0, "{fault:?} past the last operation");
    }
    assert_eq!(tally.injected, count, "each case has met its fault");
    match (is_whole(), scene.name) {
        (true, _) => assert_eq!(count, operations * FAULTS.len(), "injections, operations"),
        (false, "hourly") => assert_eq!(count, operations, "injections, operations"),
        (false, _) => assert!(count > operations / 6, "{count} of {operations}"),
    }
    println!("{}: {operations} operations, {tally:?}", scene.name);
    tally
}

fn try_one(scene: &Scene, number: usize, fault: Fault) -> Tally {
    let output = scene.output(&format!("{number}-{fault:?}"));
    let before = files(&output);
    let commits = commits(&output);
    let faulty = Faulty::at(number, fault);
    let end = scene.run(&output, faulty.disk());
    let trace = faulty.trace();
    let met = trace.met.clone().unwrap_or_default();
    let context = format!("{}, {fault:?} at {number}: {met}", scene.name);
    let mut tally = Tally {
        injected: usize::from(trace.met.is_some()),
        ..Tally::default()
    };
    let after = seen(&output);
    let (is_old, is_new) = (after == scene.old, after == scene.new);
    assert!(is_old || is_new, "{context}: readers see neither run");
    match (&end, fault) {
        // Nobody is left who could tell.
        (_, Fault::Stop) if trace.met.is_some() => match is_new {
            true => tally.stopped_after = 1,
            false => tally.stopped_before = 1,
        },
        (Ok(_), _) => {
            assert_eq!(code(&end), 0, "{context}");
            assert!(
                is_new,
                "{context}: it ends with 0, and nothing is published"
            );
            tally.published = 1;
        }
        (Err(Error::Publish(PublishError::Unknown { .. })), _) => {
            assert_eq!(code(&end), 1, "{context}: {}", text(&end));
            tally.unknown = 1;
        }
        (Err(_), _) => {
            assert_eq!(code(&end), 1, "{context}: {}", text(&end));
            assert!(is_old, "{context}: it ends with 1, and is published");
            tally.failed = 1;
            // Who may still remove something leaves nothing.
            let is_once = matches!(fault, Fault::Once(_));
            if is_once && commits == self::commits(&output) {
                let mut left = files(&output);
                left.remove(Path::new("_delivery-kpi.lock"));
                let new: Vec<&PathBuf> = left.difference(&before).collect();
                // Data files that were ready for a commit that was tried are for `maintain`.
                let is_data = |path: &&&PathBuf| path.to_string_lossy().ends_with(".parquet");
                let before_it = trace.names.iter().take(number);
                let mut logs = before_it.filter(|name| name.contains("_delta_log"));
                let allowed = if logs.next().is_some() { new.len() } else { 0 };
                assert!(
                    new.iter().filter(is_data).count() <= allowed,
                    "{context}: {new:?}"
                );
                assert!(new.iter().all(|path| is_data(&path)), "{context}: {new:?}");
            }
        }
    }
    scene.assert_completes(&output, &context);
    fs::remove_dir_all(&output).expect("an output");
    tally
}

fn files(output: &Path) -> BTreeSet<PathBuf> {
    content(output).into_keys().collect()
}

/// The commits that are there.
fn commits(output: &Path) -> BTreeSet<PathBuf> {
    let is_commit = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.contains("_delta_log/") && name.ends_with(".json")
    };
    files(output).into_iter().filter(is_commit).collect()
}
