//! Runs the program on worlds and compares its tables with the oracle.

mod compare;
mod keys;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use delivery_kpi::cli::{self, Deadline, Extracts, Meaning, Recompute};
use delivery_kpi::commands::recompute;
use delivery_kpi::engine::{Room, Silent};
use delivery_kpi::import::Digester;
use delivery_kpi::job::Job;
use delivery_kpi::model;
use tempfile::TempDir;

use super::golden;
use super::oracle::{self, Defaults, Expected, Machines, Mode};
use super::random;
use super::world::{Absent, Instants, Layout, World, long_prefix, message_text, one_byte};
pub use compare::{
    PARENTS_TABLE, assert_breakdowns, compare, delivery_differences, differences,
    domain_differences, fate_differences, first_lines, golden_differences, hourly_differences,
    table_differences,
};
pub use keys::{job_text, rules_text};

/// How a run works: on so many threads, with room for rows that wait, with tables of parts.
pub type Effort = (usize, bool, bool);

/// How a run of the program ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` if a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Recomputes the extracts that `World::write` left in `extracts`, by a job file of this text; flags of absent ones
/// are left out.
pub fn run_binary(
    extracts: &Path,
    output: &Path,
    as_of: i64,
    mode: Mode,
    threads: usize,
    job: &str,
) -> Outcome {
    let as_of = jiff::Timestamp::from_microsecond(as_of)
        .expect("an as-of of this age")
        .to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_delivery-kpi"));
    let path = output.with_extension("toml");
    std::fs::write(&path, job).expect("a job file");
    command.arg("recompute").arg(path);
    let inputs = [
        ("--sending-log", "sending_log"),
        ("--tracking-log", "tracking_log"),
        ("--deliveries", "deliveries.parquet"),
    ];
    for (flag, name) in inputs {
        let path = extracts.join(name);
        if path.exists() {
            command.arg(flag).arg(path);
        }
    }
    command.arg("--output").arg(output);
    command.args([
        "--as-of",
        &as_of,
        "--deadline",
        mode.flag(),
        "--threads",
        &threads.to_string(),
    ]);
    let output = command.output().expect("the program starts");
    Outcome {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Outcome {
    /// The exit code and everything the program said.
    pub fn text(&self) -> String {
        format!(
            "exit code {:?}\n{}{}",
            self.status, self.stdout, self.stderr
        )
    }
}

/// The same in this process, by the library's own door: many runs in little time. With room for no
/// row, all wait in files; with parts, there are tables of them.
pub fn run_in_process(
    extracts: &Path,
    output: &Path,
    as_of: i64,
    mode: Mode,
    effort: Effort,
    machines: &Machines,
) -> Outcome {
    let flags = flags(extracts, output, as_of, mode, effort);
    let mut job = Job::resolve(&flags).expect("a job");
    job.sources.machines = keys::rules(machines);
    outcome(job, extracts, effort)
}

/// The same by a job file of this text; any file may be gone.
pub fn run_keys(
    extracts: &Path,
    output: &Path,
    as_of: i64,
    mode: Mode,
    effort: Effort,
    keys: &str,
) -> Outcome {
    let path = output.with_extension("toml");
    std::fs::write(&path, keys).expect("a job file");
    let flags = Recompute {
        job: Some(path),
        accept_shrinkage: true,
        ..flags(extracts, output, as_of, mode, effort)
    };
    match Job::resolve(&flags) {
        Ok(job) => outcome(job, extracts, effort),
        Err(error) => Outcome {
            status: None,
            stdout: String::new(),
            stderr: error.to_string(),
        },
    }
}

fn flags(
    extracts: &Path,
    output: &Path,
    as_of: i64,
    mode: Mode,
    (threads, _, _): Effort,
) -> Recompute {
    let path = |name: &str| Some(extracts.join(name)).filter(|path| path.exists());
    Recompute {
        extracts: Extracts {
            sending_log: path("sending_log"),
            tracking_log: path("tracking_log"),
            deliveries: path("deliveries.parquet"),
        },
        output: Some(output.to_owned()),
        meaning: Meaning {
            as_of: jiff::Timestamp::from_microsecond(as_of)
                .ok()
                .map(|as_of| as_of.to_string()),
            deadline: Some(match mode {
                Mode::Infer => Deadline::Infer,
                Mode::Reported => Deadline::Reported,
            }),
        },
        effort: cli::Effort {
            threads: Some(threads),
            ..cli::Effort::default()
        },
        ..Recompute::default()
    }
}

fn outcome(mut job: Job, extracts: &Path, (_, has_room, has_parts): Effort) -> Outcome {
    for breakdown in model::Breakdown::ALL {
        let parts = &mut job.sources.parts;
        parts.by = parts.by.with(breakdown, has_parts);
        parts.links = Some(Digester::new(b"a key for the tests"));
    }
    job.sources.room = (!has_room).then(|| Room {
        memory: 0,
        directory: extracts.to_owned(),
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

/// The exit code for this world: 3 with a rejected row (`max_rejected` is 0), else 0.
fn expected_status(expected: &Expected) -> i32 {
    let rejected = expected
        .fates
        .values()
        .any(|fates| fates["rows_rejected"] > 0);
    if rejected { 3 } else { 0 }
}

/// What is wrong with a run of `world`, line by line; nothing if all is as expected.
fn check(
    world: &World,
    as_of: i64,
    mode: Mode,
    layout: &Layout,
    effort: Effort,
    machines: &Machines,
) -> Vec<String> {
    let directory = TempDir::new().expect("a temporary directory");
    let output = directory.path().join("out");
    world.write(directory.path(), layout);
    let defaults = Defaults {
        machines: machines.clone(),
        ..Defaults::default()
    };
    let expected = oracle::expect_with(world, as_of, mode, &defaults);
    let outcome = run_in_process(directory.path(), &output, as_of, mode, effort, machines);
    let status = expected_status(&expected);
    if outcome.status != Some(status) {
        return vec![format!(
            "expected exit code {status}, found {}",
            outcome.text()
        )];
    }
    differences(&expected, &output, layout)
}

/// Takes away rows for as long as something stays wrong, to show the smallest world that is.
pub fn shrink(mut world: World, still_wrong: impl Fn(&World) -> bool) -> World {
    loop {
        let before = world.clone();
        shrink_rows(&mut world, |world| &mut world.tracking, &still_wrong);
        shrink_rows(&mut world, |world| &mut world.sending, &still_wrong);
        shrink_rows(&mut world, |world| &mut world.deliveries, &still_wrong);
        if world == before {
            return world;
        }
    }
}

fn shrink_rows<T>(
    world: &mut World,
    rows: fn(&mut World) -> &mut Vec<T>,
    still_wrong: &impl Fn(&World) -> bool,
) {
    for number in (0..rows(world).len()).rev() {
        let mut smaller = world.clone();
        rows(&mut smaller).remove(number);
        if still_wrong(&smaller) {
            *world = smaller;
        }
    }
}

#[test]
fn golden_cases() {
    let layouts = [
        ("plain", Layout::default()),
        (
            "shuffled",
            Layout {
                shuffle: Some(7),
                absent: Absent::TypedNulls,
                ..Layout::default()
            },
        ),
        (
            "split",
            Layout {
                files: 3,
                row_group_rows: 2,
                absent: Absent::NullType,
                ..Layout::default()
            },
        ),
        (
            "string ids",
            Layout {
                string_ids: true,
                text_as_dictionary: true,
                ..Layout::default()
            },
        ),
        (
            "seconds",
            Layout {
                instants: Instants::Second,
                ..Layout::default()
            },
        ),
        (
            "INT96",
            Layout {
                instants: Instants::Int96,
                shuffle: Some(8),
                ..Layout::default()
            },
        ),
        (
            "text",
            Layout {
                instants: Instants::Text,
                absent: Absent::TypedNulls,
                ..Layout::default()
            },
        ),
    ];
    let check_case = |case: &golden::Case| {
        let mut wrong = Vec::new();
        let expected = case.expected();
        let has_parents = case.expect_parents.is_some();
        let job = job_text(has_parents, &case.machines, case.quarantine.as_ref());
        for (name, layout) in &layouts {
            let directory = TempDir::new().expect("a temporary directory");
            let output = directory.path().join("out");
            case.world.write(directory.path(), layout);
            let outcome = run_binary(directory.path(), &output, case.as_of, case.mode, 2, &job);
            let found = if outcome.status == Some(0) {
                let mut found = golden_differences(case, &output, layout);
                found.extend(differences(&expected, &output, layout));
                found
            } else {
                vec![outcome.text()]
            };
            // The same once more, all rows waiting in files meanwhile.
            let again = directory.path().join("again");
            let effort = (3, false, true);
            let (as_of, mode) = (case.as_of, case.mode);
            let outcome = run_keys(directory.path(), &again, as_of, mode, effort, &job);
            let mut found = found;
            match outcome.status {
                Some(0) => found.extend(golden_differences(case, &again, layout)),
                _ => found.push(outcome.text()),
            }
            wrong.extend(
                found
                    .into_iter()
                    .map(|line| format!("{}, {name}: {line}", case.name)),
            );
        }
        wrong
    };
    let cases = golden::cases();
    assert_eq!(cases.len(), 91);
    let wrong = side_by_side(0..cases.len(), |number| check_case(&cases[number]));
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        compare::first_lines(&wrong)
    );
}

/// `DELIVERY_KPI_SEED` is the first seed, `DELIVERY_KPI_WORLDS` the number of worlds.
#[test]
fn random_histories() {
    let base = number_from_environment("DELIVERY_KPI_SEED").unwrap_or(20_260_302);
    let worlds = number_from_environment("DELIVERY_KPI_WORLDS").unwrap_or(500);
    let seeds = base..base.saturating_add(worlds);
    let found = AtomicBool::new(false);
    let failures = side_by_side(seeds, |seed| {
        if found.load(Ordering::Relaxed) {
            return None;
        }
        let (world, as_of, mode) = random::world(seed);
        let layout = random_layout(seed);
        let machines = random::machines(seed);
        for effort in [(1, seed % 2 == 0, false), (4, seed % 2 != 0, true)] {
            let wrong = check(&world, as_of, mode, &layout, effort, &machines);
            if wrong.is_empty() {
                continue;
            }
            found.store(true, Ordering::Relaxed);
            let small = shrink(world, |world| {
                !check(world, as_of, mode, &layout, effort, &machines).is_empty()
            });
            let small_wrong = check(&small, as_of, mode, &layout, effort, &machines);
            return Some(format!(
                "seed {seed} (DELIVERY_KPI_SEED={seed} DELIVERY_KPI_WORLDS=1), threads, room and parts {effort:?}, {layout:?}\n{}\n\
                 the smallest world that is wrong, as of {as_of}, {mode:?}, {machines:?}:\n{small:#?}\n{}",
                compare::first_lines(&wrong),
                compare::first_lines(&small_wrong),
            ));
        }
        None
    });
    if let Some(failure) = failures.first() {
        panic!("{failure}");
    }
}

/// "However many runs it took to get there": a run as of an earlier instant first, into the same output.
#[test]
fn two_runs_reach_the_same_as_one() {
    let wrong = side_by_side(0..40u64, |seed| {
        let (world, as_of, mode) = random::world(seed);
        let layout = random_layout(seed);
        let earlier = as_of - oracle::HOUR * (seed as i64 % 30);
        let directory = TempDir::new().expect("a temporary directory");
        let output = directory.path().join("out");
        world.write(directory.path(), &layout);

        let expected = oracle::expect(&world, earlier, mode);
        let first = run_in_process(
            directory.path(),
            &output,
            earlier,
            mode,
            (2, true, seed % 2 == 0),
            &Machines::default(),
        );
        assert_eq!(
            first.status,
            Some(expected_status(&expected)),
            "seed {seed}: {}",
            first.text()
        );
        compare(
            &expected,
            &output,
            &layout,
            &format!("seed {seed}, first run"),
        );

        // What is rejected was reported by the first run already.
        let machines = &Machines::default();
        let second = run_in_process(
            directory.path(),
            &output,
            as_of,
            mode,
            (2, true, seed % 2 == 0),
            machines,
        );
        assert_eq!(second.status, Some(0), "seed {seed}: {}", second.text());
        let wrong = table_differences(&oracle::expect(&world, as_of, mode), &output, &layout);
        let line = |line| format!("seed {seed}, second run: {line}");
        wrong.into_iter().map(line).collect::<Vec<_>>()
    });
    assert!(wrong.is_empty(), "{}", compare::first_lines(&wrong));
}

/// Does the work for all numbers on some threads, each of its own: a worker of a pool that waits for a
/// run would take up the next number meanwhile, and so on until its stack ends.
pub fn side_by_side<N, T, R>(
    numbers: impl Iterator<Item = N> + Send,
    work: impl Fn(N) -> R + Sync,
) -> Vec<T>
where
    R: IntoIterator<Item = T>,
    T: Send,
{
    let numbers = Mutex::new(numbers);
    let next = || numbers.lock().expect("no work is done here").next();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| std::iter::from_fn(next).flat_map(&work).collect::<Vec<T>>()))
            .collect();
        let done = workers.into_iter().map(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.flatten().collect()
    })
}

pub fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error}")),
    )
}

pub fn random_layout(seed: u64) -> Layout {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let instants = [
        Instants::Second,
        Instants::Millisecond,
        Instants::Microsecond,
        Instants::Nanosecond,
        Instants::Naive,
        Instants::Int96,
        Instants::Text,
    ];
    let absent = [Absent::Omitted, Absent::TypedNulls, Absent::NullType];
    Layout {
        string_ids: rng.u8(..3) == 0,
        message_text: [message_text, one_byte, long_prefix][rng.usize(..3)],
        instants: instants[rng.usize(..instants.len())],
        shuffle: Some(rng.u64(..)),
        files: rng.usize(1..=4),
        row_group_rows: rng.usize(1..=8),
        text_as_dictionary: rng.bool(),
        absent: absent[rng.usize(..absent.len())],
    }
}
