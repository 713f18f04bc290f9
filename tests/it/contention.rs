//! Many processes on one output, with `maintain` in between, where the lock holds and where it does not:
//! every run is there exactly once or was refused, versions have no gap, and the tables are the result of
//! the files that the newest run names.
//!
//! `DELIVERY_KPI_PROCESSES` (16) and `DELIVERY_KPI_RUNS` (3) say how many processes run how often, one
//! after the other; the whole form is 16 times 50.

pub mod checks;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use super::incremental::{add_sending, typed};
use super::run::{Outcome, number_from_environment};
use super::site::{HOUR, MINUTE, NINE, NOON, Site, delivery, outcome, report, tracked};
use super::world::{SendingRow, World};
use checks::Ends;

const DELIVERIES: i64 = 8;

/// Whether the lock keeps runs apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Holds,
    /// It is another file for every process, so that all of them get it: only the commits are left.
    IsNone,
}

/// One output that processes contend for.
struct Contest {
    site: Site,
    processes: i64,
    runs: i64,
    lock: Lock,
    /// Minutes after noon: every run has an as-of of its own, so that every one changes the tables.
    clock: AtomicI64,
}

/// Hours of three days, so that runs meet in some partitions and not in others.
fn row(process: i64, message: i64) -> SendingRow {
    let at = NINE - (process * 7 + message) % 72 * HOUR + process;
    report(1 + process % DELIVERIES, message, "relayed", at)
}

pub fn base() -> World {
    let mut world = World::default();
    for id in 1..=DELIVERIES {
        world.deliveries.push(delivery(id, "A label"));
        for message in 0..20 {
            let row = row(id - 1, message);
            let at = row.event_at.expect("an instant") + HOUR / 2;
            world.tracking.push(tracked(id, message, "open", at));
            world.sending.push(row);
        }
    }
    world
}

/// The rows of the file that a process adds before one of its runs.
pub fn rows_of(process: i64, round: i64) -> Vec<SendingRow> {
    let first = 1_000 + process * 10_000 + round * 10;
    (first..first + 3).map(|id| row(process, id)).collect()
}

pub fn name_of(process: i64, round: i64) -> String {
    format!("of-{process}-{round}")
}

impl Contest {
    fn new(processes: i64, runs: i64, lock: Lock) -> Contest {
        let contest = Contest {
            site: Site::new(&base()),
            processes,
            runs,
            lock,
            clock: AtomicI64::new(0),
        };
        contest.make_output("out");
        contest
    }

    /// An output that no run has seen.
    fn make_output(&self, name: &str) -> PathBuf {
        let output = self.site.path(name);
        if self.lock == Lock::IsNone {
            fs::create_dir_all(&output).expect("a folder");
            symlink("/proc/self/comm", output.join("_delivery-kpi.lock")).expect("a link");
        }
        output
    }

    /// A run into an output; its summary is JSON.
    fn recompute(&self, output: &str, as_of: i64, flags: &[&str]) -> Command {
        let mut command = self.site.command(&["recompute", "--output", output]);
        command.args(["--threads", "1", "--log-format", "json"]);
        command.args(["--as-of", &typed(as_of)]).args(flags);
        command
    }

    /// Every so many runs of a process find a new file of its own in the sending log.
    fn new_file_every(&self) -> i64 {
        (self.runs / 5).max(1)
    }

    /// The runs of one process, one after the other. With a lock every second process waits for it.
    fn process(&self, process: i64, ends: &Ends) {
        for round in 0..self.runs {
            if round % self.new_file_every() == 0 {
                add_sending(
                    &self.site,
                    &name_of(process, round),
                    &rows_of(process, round),
                );
            }
            let as_of = NOON + self.clock.fetch_add(1, Ordering::Relaxed) * MINUTE;
            // Without leave to go back a run may be too late; with it, it reads everything.
            let may_go_back = (process / 2 + round) % 2 == 0;
            let waits = self.lock == Lock::Holds && process % 2 == 0;
            let mut flags = Vec::new();
            flags.extend(may_go_back.then_some("--rewind"));
            flags.extend(waits.then_some("--wait"));
            let end = outcome(&mut self.recompute("out", as_of, &flags));
            let must_be_done = waits && may_go_back;
            assert!(
                !must_be_done || end.status == Some(0),
                "process {process}, run {round}: {}",
                end.text()
            );
            ends.add(end);
        }
    }

    fn maintain(&self) -> Outcome {
        let mut command = self.site.program();
        command.args(["maintain", "--output", "out", "--keep-days", "7"]);
        if self.lock == Lock::Holds {
            command.arg("--wait");
        }
        outcome(&mut command)
    }

    /// All processes, and upkeep for as long as they run. Gives how the runs ended, and how often upkeep was
    /// done.
    fn play(&self) -> (Ends, usize) {
        let ends = Ends::default();
        let is_over = AtomicBool::new(false);
        let upkeeps = std::thread::scope(|scope| {
            let upkeep = scope.spawn(|| {
                let mut done = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let end = self.maintain();
                    let nothing_yet = end.stderr.contains("found none");
                    let wanted = if nothing_yet { 2 } else { 0 };
                    assert_eq!(end.status, Some(wanted), "maintain: {}", end.text());
                    done += usize::from(!nothing_yet);
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
                done
            });
            let (all, list) = (self, &ends);
            let processes: Vec<_> = (0..self.processes)
                .map(|process| scope.spawn(move || all.process(process, list)))
                .collect();
            let joined: Vec<_> = processes.into_iter().map(|one| one.join()).collect();
            is_over.store(true, Ordering::Relaxed);
            let upkeeps = upkeep.join();
            for end in joined {
                end.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            upkeeps.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        (ends, upkeeps)
    }

    /// The history that an output with these files of the sending log is the result of.
    fn world(&self, is_read: impl Fn(&str) -> bool) -> World {
        let mut world = base();
        for process in 0..self.processes {
            for round in (0..self.runs).step_by(self.new_file_every() as usize) {
                if is_read(&name_of(process, round)) {
                    world.sending.extend(rows_of(process, round));
                }
            }
        }
        world
    }

    /// Plays it, and checks what came of it.
    fn settle(&self) {
        let started = Instant::now();
        let (ends, upkeeps) = self.play();
        let seconds = started.elapsed().as_secs_f64();
        let output = self.site.output();
        ends.check_against(&output, &[0, 1, 2, 4]);
        let newest = super::delta::newest_run(&output);
        let as_of = newest["as_of"].as_i64().expect("an instant");
        let files = checks::files_of(&newest);
        let read = self.world(|name| files.contains(&format!("{name}.parquet")));
        checks::check_tables(&read, as_of, &output);
        let commits = checks::check_versions(&output);
        println!(
            "{:?}, {} processes x {} runs in {seconds:.1} s: {}; {upkeeps} times upkeep; commits {commits:?}",
            self.lock,
            self.processes,
            self.runs,
            ends.tally()
        );
        assert!(upkeeps > 0, "upkeep came in between");
        let all = self.processes * self.runs;
        assert_eq!(ends.len() as i64, all);
        match self.lock {
            Lock::Holds => {
                assert!(ends.count(4) > 0, "none met another: {}", ends.tally());
                assert_eq!(ends.count(1), 0, "{}", ends.tally());
            }
            Lock::IsNone => {
                assert_eq!(ends.count(4), 0, "no lock holds: {}", ends.tally());
                assert!(ends.meetings(&output) > 0, "no run met another");
            }
        }
        // Nothing is left that a run in peace does not come to terms with.
        let as_of = NOON + all * MINUTE;
        outcome(&mut self.recompute("out", as_of, &["--rewind"])).expect_status(0);
        checks::check_tables(&self.world(|_| true), as_of, &output);
        let mut verify = self.site.command(&["verify", "--output", "out"]);
        outcome(&mut verify).expect_status(0);
    }

    /// So many runs at once into an output that is not there yet.
    fn first_runs(&self, name: &str) -> Ends {
        let output = self.make_output(name);
        let runs: Vec<_> = (0..self.processes)
            .map(|_| {
                let mut command = self.recompute(name, NOON, &[]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().expect("a run")
            })
            .collect();
        let ends = Ends::default();
        for run in runs {
            let end = run.wait_with_output().expect("an end");
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            ends.add(Outcome {
                status: end.status.code(),
                stdout: text(&end.stdout),
                stderr: text(&end.stderr),
            });
        }
        let allowed: &[i32] = match self.lock {
            Lock::Holds => &[0, 4],
            Lock::IsNone => &[0, 1],
        };
        ends.check_against(&output, allowed);
        assert!(ends.count(0) > 0, "{}", ends.tally());
        checks::check_tables(&base(), NOON, &output);
        checks::check_versions(&output);
        ends
    }
}

fn processes() -> i64 {
    number_from_environment("DELIVERY_KPI_PROCESSES").unwrap_or(16) as i64
}

fn runs() -> i64 {
    number_from_environment("DELIVERY_KPI_RUNS").unwrap_or(3) as i64
}

#[test]
fn many_runs_and_upkeep_with_the_lock() {
    Contest::new(processes(), runs(), Lock::Holds).settle();
}

#[test]
fn many_runs_and_upkeep_without_the_lock() {
    Contest::new(processes(), runs(), Lock::IsNone).settle();
}

#[test]
fn many_first_runs_at_once() {
    for lock in [Lock::Holds, Lock::IsNone] {
        let contest = Contest::new(processes(), runs(), lock);
        let started = Instant::now();
        let mut refused = 0;
        let rounds = contest.runs / 10 + 1;
        for round in 0..rounds {
            let ends = contest.first_runs(&format!("first-{round}"));
            println!(
                "{lock:?}, {} first runs: {}",
                contest.processes,
                ends.tally()
            );
            refused += ends.len() - ends.count(0);
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("{rounds} rounds in {seconds:.1} s, {refused} refused");
        assert!(lock == Lock::IsNone || refused > 0, "in no round two met");
    }
}
