//! Random schedules: files come in order, late, twice, corrected and replaced, and run after run
//! publishes into one output. After each of them the tables must be the job's result on all of the input:
//! what the oracle says, and what the same job publishes into an output that no run has seen.
//!
//! `DELIVERY_KPI_SEED` plays one schedule, with `DELIVERY_KPI_WORLDS` so many from there;
//! `DELIVERY_KPI_SOAK` plays new ones for so many minutes.
//!
//! A run takes 0.1 s of a core, nearly all of it in the logs of the three tables. The oracle is asked after
//! every run; a fresh output, which is one more run, is made once in a schedule.

mod checks;
mod control;
mod events;
mod files;
mod rows;
mod settings;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use delivery_kpi::cli::Recompute;
use delivery_kpi::commands::recompute;
use delivery_kpi::engine::{Room, Silent};
use delivery_kpi::error::exit;
use delivery_kpi::job::Job;
use tempfile::TempDir;

use super::oracle::Expected;
use super::run::{Outcome, first_lines, number_from_environment, side_by_side};
use super::site;
use checks::Tables;
use events::{RUNS, Schedule};

/// Runs the job file of a folder into an output of it; the seed may decide how.
type Program<'a> = &'a (dyn Fn(u64, &Path, &Path) -> Outcome + Sync);

/// How schedules are played.
struct Player<'a> {
    program: Program<'a>,
    /// Every so many runs a fresh output is made to compare with; the first of them depends on the seed.
    fresh_every: u64,
    /// Is told the number of the run and the output before the tables are checked.
    after_run: &'a (dyn Fn(usize, &Path) + Sync),
    /// Whether some runs are killed before others.
    kills: bool,
    /// How many runs have built on another one.
    incremental: AtomicU64,
}

impl Player<'_> {
    /// What is wrong first in the schedule of this seed, if anything is.
    fn play(&self, seed: u64) -> Option<String> {
        let directory = TempDir::new().expect("a temporary directory");
        let (folder, output) = (directory.path(), directory.path().join("out"));
        let mut schedule = Schedule::new(seed, MAY_VANISH);
        for run in 0..RUNS {
            for event in schedule.events() {
                schedule.play(event);
            }
            let job = schedule.write(folder);
            let expected = schedule.expected();
            let outcome = (self.program)(seed, folder, &output);
            (self.after_run)(run, &output);
            let is_incremental = outcome.stderr.contains(" to look at again");
            self.incremental
                .fetch_add(u64::from(is_incremental), Ordering::Relaxed);
            // A run that was killed may have published, and told what it left out.
            let told = run > 0 || self.kills;
            let mut wrong = status_differences(&outcome, &expected, told);
            if wrong.is_empty() {
                let tables = Tables::read(&output);
                wrong.extend(tables.against_oracle(&expected, &schedule.layout));
                if (seed + run as u64).is_multiple_of(self.fresh_every) {
                    let fresh = folder.join(format!("fresh-{run}"));
                    let outcome = (self.program)(seed, folder, &fresh);
                    wrong.extend(status_differences(&outcome, &expected, self.kills));
                    wrong.extend(tables.against_fresh(&Tables::read(&fresh)));
                }
            }
            if !wrong.is_empty() {
                return Some(format!(
                    "seed {seed} (DELIVERY_KPI_SEED={seed}), run {run} of 0 to {}: {} differences\n{}\
                     before each run: {:?}\nthe job of run {run}:\n{job}",
                    RUNS - 1,
                    wrong.len(),
                    first_lines(&wrong),
                    schedule.past,
                ));
            }
        }
        None
    }

    /// Plays many, and panics with the first that goes wrong.
    fn play_all(&self, seeds: impl Iterator<Item = u64> + Send) {
        let found = AtomicBool::new(false);
        let failures = side_by_side(seeds, |seed| {
            if found.load(Ordering::Relaxed) {
                return None;
            }
            let played = catch_unwind(AssertUnwindSafe(|| self.play(seed)));
            let failure = played.unwrap_or_else(|_| Some(format!("seed {seed}: the panic above")));
            found.fetch_or(failure.is_some(), Ordering::Relaxed);
            failure
        });
        if let Some(failure) = failures.first() {
            panic!("{failure}");
        }
    }
}

/// A fresh output for one run of a schedule, which one depends on the seed.
const ONCE: u64 = RUNS as u64;

/// Files may go without coming again: the job computes its deliveries from what is left.
const MAY_VANISH: bool = true;

/// The exit code: 0, or 3 where rows are rejected; a later run may have heard of all of them.
fn status_differences(outcome: &Outcome, expected: &Expected, told: bool) -> Vec<String> {
    let mut fates = expected.fates.values();
    let has_rejected = fates.any(|fates| fates["rows_rejected"] > 0);
    let allowed: &[i32] = match (has_rejected, told) {
        (false, _) => &[0],
        (true, false) => &[3],
        (true, true) => &[0, 3],
    };
    match outcome
        .status
        .is_some_and(|status| allowed.contains(&status))
    {
        true => Vec::new(),
        false => vec![format!(
            "exit code of {allowed:?} expected: {}",
            outcome.text()
        )],
    }
}

/// Runs it in this process, again where the output is held: a program that another test is just starting
/// has this process's open files until its own begin, among them the lock of the run before.
fn in_process(seed: u64, folder: &Path, output: &Path) -> Outcome {
    let mut outcome = in_process_once(seed, folder, output);
    for _ in 0..100 {
        if outcome.status != Some(i32::from(exit::HELD)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        outcome = in_process_once(seed, folder, output);
    }
    outcome
}

/// In some schedules all rows wait in files.
fn in_process_once(seed: u64, folder: &Path, output: &Path) -> Outcome {
    let flags = Recompute {
        job: Some(folder.join("job.toml")),
        output: Some(output.to_owned()),
        accept_shrinkage: true,
        ..Recompute::default()
    };
    let mut job = Job::resolve(&flags).expect("a job");
    job.sources.room = seed.is_multiple_of(8).then(|| Room {
        memory: 0,
        directory: folder.to_owned(),
        disk: delivery_kpi::disk::Disk::default(),
    });
    let (status, stdout, stderr) = match recompute::run(&job, &Silent) {
        Ok(report) => (report.exit_code(), report.shown.clone(), report.text()),
        Err(error) => (error.exit_code(), String::new(), error.to_string()),
    };
    Outcome {
        status: Some(i32::from(status)),
        stdout,
        stderr,
    }
}

/// Runs the program itself; in every second schedule after a run that is killed somewhere on its way.
fn by_binary(seed: u64, folder: &Path, output: &Path) -> Outcome {
    if seed.is_multiple_of(2) {
        // How far it gets depends on the machine; the next run has to come to the same from anywhere.
        let mut killed = recompute_in(folder, output)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let round = site::runs_published(output) as u64;
        let mut delays = fastrand::Rng::with_seed(seed << 8 | round);
        std::thread::sleep(Duration::from_millis(delays.u64(20..200)));
        killed.kill().expect("a program that can be killed");
        killed.wait().expect("its end");
    }
    site::outcome(&mut recompute_in(folder, output))
}

fn recompute_in(folder: &Path, output: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delivery-kpi"));
    command.arg("recompute").arg(folder.join("job.toml"));
    command.arg("--accept-shrinkage");
    command.arg("--output").arg(output);
    command
}

/// The seeds of so many schedules, or those that are asked for.
fn seeds(first: u64, count: u64) -> Range<u64> {
    let asked = number_from_environment("DELIVERY_KPI_SEED");
    let count = number_from_environment("DELIVERY_KPI_WORLDS").unwrap_or(match asked {
        Some(_) => 1,
        None => count,
    });
    let first = asked.unwrap_or(first);
    first..first.saturating_add(count)
}

#[test]
fn tables_equal_the_result_on_all_of_the_input() {
    let player = Player {
        program: &in_process,
        kills: false,
        incremental: AtomicU64::new(0),
        fresh_every: ONCE,
        after_run: &|_, _| {},
    };
    let seeds = seeds(0, 270);
    let runs = (seeds.end - seeds.start) * RUNS as u64;
    player.play_all(seeds);
    let incremental = player.incremental.load(Ordering::Relaxed);
    println!("{incremental} of {runs} runs were incremental");
    // A single schedule may be all corrections of the job.
    assert!(
        runs < 1000 || 2 * incremental > runs,
        "{incremental} of {runs}"
    );
    if let Some(minutes) = number_from_environment("DELIVERY_KPI_SOAK") {
        let start = Instant::now();
        let first = fastrand::u64(..u64::MAX / 2);
        let lasts = move |_: &u64| start.elapsed() < Duration::from_secs(60 * minutes);
        player.play_all((first..).take_while(lasts));
    }
}

#[test]
fn the_program_itself_keeps_to_it_too() {
    let player = Player {
        program: &by_binary,
        kills: true,
        incremental: AtomicU64::new(0),
        fresh_every: ONCE,
        after_run: &|_, _| {},
    };
    player.play_all(seeds(1_000, 30));
}
