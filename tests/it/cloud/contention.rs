//! Many processes on one output in a store, through faults: no run that says it is published is lost, none is there
//! twice, and the tables are the result of the files that the newest run names.
//!
//! `DELIVERY_KPI_RUNS` (60) says how many runs have to be published, `DELIVERY_KPI_PROCESSES` (4) by how many
//! processes; the whole form is 450, which is more than 1,000 commits.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Instant;

use super::super::contention::checks::{self, Ends};
use super::super::contention::{base, name_of, rows_of};
use super::super::delta::newest_run;
use super::super::run::number_from_environment;
use super::super::site::{MINUTE, NOON, outcome};
use super::super::world::World;
use super::proxy::faults::{Fault, seed};
use super::runs::Cloud;
use super::server::Server;

/// Every so many runs of a process find a new file of its own in the sending log.
const NEW_FILE_EVERY: i64 = 5;

struct Contest {
    cloud: Cloud,
    wanted: usize,
    published: AtomicUsize,
    tried: AtomicUsize,
    /// Minutes after noon: every run has an as-of of its own, so that every one changes the tables.
    clock: AtomicI64,
    ends: Ends,
}

impl Contest {
    /// The runs of one process, one after the other, until there are enough. Gives how many they were.
    fn process(&self, process: i64) -> i64 {
        for round in 0.. {
            if self.published.load(Ordering::Relaxed) >= self.wanted {
                return round;
            }
            let tried = self.tried.fetch_add(1, Ordering::Relaxed);
            assert!(tried < 20 * self.wanted, "{}", self.ends.tally());
            if round % NEW_FILE_EVERY == 0 {
                self.cloud
                    .add(&name_of(process, round), &rows_of(process, round));
            }
            let as_of = NOON + self.clock.fetch_add(1, Ordering::Relaxed) * MINUTE;
            // Without leave to go back a run may be too late; with it, it reads everything.
            let flags: &[&str] = match (process + round) % 4 {
                0 => &[],
                _ => &["--rewind"],
            };
            let mut command = self.cloud.recompute(as_of, flags);
            if process % 2 == 0 {
                // It builds on what its last run has left, where no other one came in between.
                let job = format!("state = \"state-{process}\"\n");
                let job = self.cloud.site.write(&format!("{process}.toml"), job);
                command.arg(job);
            }
            let end = outcome(&mut command);
            self.published
                .fetch_add(usize::from(end.status == Some(0)), Ordering::Relaxed);
            self.ends.add(end);
        }
        unreachable!()
    }
}

/// The history that an output with these files of the sending log is the result of.
fn world(rounds: &[i64], is_read: impl Fn(&str) -> bool) -> World {
    let mut world = base();
    for (process, rounds) in rounds.iter().enumerate() {
        for round in (0..*rounds).step_by(NEW_FILE_EVERY as usize) {
            if is_read(&name_of(process as i64, round)) {
                world.sending.extend(rows_of(process as i64, round));
            }
        }
    }
    world
}

#[test]
fn no_run_is_lost_and_none_is_there_twice() {
    let processes = number_from_environment("DELIVERY_KPI_PROCESSES").unwrap_or(4) as i64;
    let server = Server::start();
    let contest = Contest {
        cloud: Cloud::new(&server, &base()),
        wanted: number_from_environment("DELIVERY_KPI_RUNS").unwrap_or(60) as usize,
        published: AtomicUsize::new(0),
        tried: AtomicUsize::new(0),
        clock: AtomicI64::new(0),
        ends: Ends::default(),
    };
    let chances = Fault::ALL.map(|fault| (fault, 0.005));
    contest.cloud.proxy.inject(seed(), &chances);
    let started = Instant::now();
    let rounds: Vec<i64> = std::thread::scope(|scope| {
        let all = &contest;
        let processes = (0..processes).map(|process| scope.spawn(move || all.process(process)));
        let processes: Vec<_> = processes.collect();
        let joined = processes.into_iter().map(|process| process.join());
        joined
            .map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    contest.cloud.proxy.calm();
    let mirror = contest.cloud.mirror();
    let (output, ends) = (mirror.path(), &contest.ends);
    // 2 is for an as-of that came too late.
    ends.check_acknowledged(output, &[0, 1, 2]);
    let commits = checks::check_versions(output);
    println!(
        "{processes} processes, {} runs in {seconds:.1} s: {}; commits {commits:?}; {}",
        ends.len(),
        ends.tally(),
        contest.cloud.proxy.record().tally()
    );
    assert!(ends.count(0) >= contest.wanted);
    assert!(ends.meetings(output) > 0, "no run met another");
    let newest = newest_run(output);
    let files = checks::files_of(&newest);
    let read = world(&rounds, |name| files.contains(&format!("{name}.parquet")));
    let as_of = newest["as_of"].as_i64().expect("an instant");
    checks::check_tables(&read, as_of, output);
    // Nothing is left that a run in peace does not come to terms with.
    let as_of = NOON + contest.clock.load(Ordering::Relaxed) * MINUTE;
    let end = outcome(&mut contest.cloud.recompute(as_of, &["--rewind"])).expect_status(0);
    checks::check_tables(
        &world(&rounds, |_| true),
        as_of,
        contest.cloud.mirror().path(),
    );
    contest.cloud.assert_discreet(&[&end]);
}
