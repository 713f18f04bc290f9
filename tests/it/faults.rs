//! Runs that are stopped, or that the system refuses something, at each of their changes to the disk in turn; and
//! power that goes off. What is injected where, and how to replay it: `tests/README.md`.

mod each;
mod faulty;
mod forgetful;
mod power;
mod strace;

use std::collections::BTreeMap;
use std::iter;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clap::Parser;
use delivery_kpi::cli::{Cli, Command};
use delivery_kpi::commands::{progress, recompute};
use delivery_kpi::disk::Disk;
use delivery_kpi::error::Error;
use delivery_kpi::job::{Job, Shown};
use serde_json::Value;

use super::delta::{self, Row};
use super::incremental::{add_sending, add_tracking, copy, late_rows, typed};
use super::site::{
    DAY, HOUR, MINUTE, NINE, Site, content, delivery, number, report, tracked, two_deliveries,
};
use super::world::World;

/// What a reader sees who goes through `kpi_run`: the rows of each table but for `run_id`, in an order of their own;
/// nothing before the first run.
type Seen = Option<BTreeMap<String, Vec<String>>>;

/// Reads the tables at the versions that the newest run names.
fn seen(output: &Path) -> Seen {
    // A table that died before its first commit is none yet.
    let first = output.join("kpi_run/_delta_log/00000000000000000000.json");
    if !first.exists() {
        return None;
    }
    let runs = delta::read(&output.join("kpi_run"), None);
    let newest = runs
        .into_iter()
        .max_by_key(|run| number(run, "run_number"))?;
    let versions = newest["table_versions"].as_object().expect("versions");
    let rows_of = |(table, version): (&String, &Value)| {
        let rows = delta::read(&output.join(table), version.as_i64());
        let text = |mut row: Row| {
            row.remove("run_id").expect("a run_id");
            format!("{row:?}")
        };
        let mut rows: Vec<String> = rows.into_iter().map(text).collect();
        rows.sort_unstable();
        (table.clone(), rows)
    };
    Some(versions.iter().map(rows_of).collect())
}

/// What the whole form asks for: each fault at each operation.
fn is_whole() -> bool {
    std::env::var("DELIVERY_KPI_FAULTS").is_ok_and(|form| form == "all")
}

/// The seed of what the short form leaves to chance: that of `DELIVERY_KPI_FAULTS`, else a new one, which is
/// told when a test fails.
fn seed() -> u64 {
    let given = std::env::var("DELIVERY_KPI_FAULTS").ok();
    let seed = given.and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("DELIVERY_KPI_FAULTS={seed} replays this");
    seed
}

/// Extracts, an output before the run that is tried, and what readers see before and after it.
struct Scene {
    site: Site,
    name: &'static str,
    /// How many runs the output has seen before.
    runs: i64,
    /// More flags of the run that is tried.
    flags: &'static [&'static str],
    /// Whether rows wait in files without a name.
    spills: bool,
    old: Seen,
    new: Seen,
}

const KEYS: &str = "restatements = true\nthreads = 1\n";

impl Scene {
    /// The first run of an output.
    fn first() -> Scene {
        Scene::new("first", 0, &[], false)
    }

    /// A run on top of nine others, with late rows: it is incremental, restates hours, and makes a checkpoint of
    /// every table.
    fn hourly() -> Scene {
        Scene::new("hourly", 9, &[], false)
    }

    /// A run of one delivery whose rows wait in files without a name.
    fn spilling() -> Scene {
        Scene::new("spilling", 1, &["--delivery", "1"], true)
    }

    /// A first run whose `delivery_kpi` is larger than what is written at once.
    fn large() -> Scene {
        let mut world = two_deliveries();
        let mut random = fastrand::Rng::with_seed(1);
        for id in 3..60_000 {
            let label: String = (0..120).map(|_| random.alphanumeric()).collect();
            world.deliveries.push(delivery(id, &label));
        }
        Scene::of(&world, "large", 0, &[], false)
    }

    fn new(name: &'static str, runs: i64, flags: &'static [&'static str], spills: bool) -> Scene {
        Scene::of(&two_deliveries(), name, runs, flags, spills)
    }

    fn of(
        world: &World,
        name: &'static str,
        runs: i64,
        flags: &'static [&'static str],
        spills: bool,
    ) -> Scene {
        let site = Site::new(world);
        let paths = ["sending_log", "tracking_log"].map(|log| format!("{log} = \"in/{log}\"\n"));
        let deliveries = "deliveries = \"in/deliveries.parquet\"\n";
        site.write("job.toml", paths.concat() + deliveries + KEYS);
        let mut scene = Scene {
            site,
            name,
            runs,
            flags,
            spills,
            old: None,
            new: None,
        };
        let before = scene.site.path("before");
        for run in 1..=runs {
            scene.add(run);
            let job = scene.job_as_of(&before, run, &[]);
            assert_eq!(code(&go(&job, Disk::default())), 0);
        }
        scene.old = seen(&before);
        scene.add(runs + 1);
        let late = late_rows();
        add_sending(&scene.site, "late", &late);
        let after = scene.output("after");
        assert_eq!(code(&scene.run(&after, Disk::default())), 0);
        scene.new = seen(&after);
        assert!(scene.new.is_some() && scene.old != scene.new);
        assert_eq!(scene.old.is_some(), runs > 0);
        scene
    }

    /// One more file of each log.
    fn add(&self, run: i64) {
        let at = NINE + run * HOUR;
        let name = format!("more-{run}");
        add_sending(
            &self.site,
            &name,
            &[
                report(1, 100 + run, "relayed", at),
                report(2, 100 + run, "delivered", at + MINUTE),
            ],
        );
        add_tracking(&self.site, &name, &[tracked(1, 11, "open", at + MINUTE)]);
    }

    /// An output of its own, as it is before the run that is tried.
    fn output(&self, name: &str) -> PathBuf {
        let output = self.site.path(&format!("{}-{name}", self.name));
        let before = self.site.path("before");
        if before.exists() {
            copy(&before, &output);
        }
        output
    }

    fn job_as_of(&self, output: &Path, run: i64, flags: &[&str]) -> Job {
        let (file, output) = (self.site.arg("job.toml"), output.to_string_lossy());
        let as_of = self.as_of(run);
        let words = ["delivery-kpi", "recompute", &file, "--output", &output];
        let words = words.into_iter().chain(["--as-of", &as_of]);
        let cli = Cli::parse_from(words.chain(flags.iter().copied()));
        let Command::Recompute(flags) = cli.command else {
            panic!("recompute was typed");
        };
        let mut job = Job::resolve(&flags).expect("a job");
        if self.spills && run > self.runs {
            job.sources.room = Some(delivery_kpi::engine::Room {
                memory: 0,
                directory: self.site.path("in"),
                disk: Disk::default(),
            });
        }
        job
    }

    /// The run that is tried, as the program.
    fn command(&self, output: &Path) -> std::process::Command {
        let mut command = self.site.program();
        command.args(["recompute", &self.site.arg("job.toml"), "--output"]);
        command.arg(output);
        command.args(["--as-of", &self.as_of(self.runs + 1)]);
        command.args(self.flags);
        command
    }

    fn as_of(&self, run: i64) -> String {
        // The last run is a day after the others: their hours have ended, and late rows restate them.
        let after = if run > self.runs { DAY } else { 0 };
        typed(NINE + run * HOUR + HOUR + after)
    }

    /// The run that is tried.
    fn run(&self, output: &Path, disk: Disk) -> Result<recompute::Report, Error> {
        go(&self.job_as_of(output, self.runs + 1, self.flags), disk)
    }

    /// Panics unless one more run comes to what readers are to see.
    fn assert_completes(&self, output: &Path, context: &str) {
        let end = self.run(output, Disk::default());
        assert_eq!(code(&end), 0, "{context}: the next run: {}", text(&end));
        assert!(
            seen(output) == self.new,
            "{context}: the next run comes to something else"
        );
    }
}

fn go(job: &Job, disk: Disk) -> Result<recompute::Report, Error> {
    let job = job.clone().on(disk);
    recompute::run(&job, progress(Shown::Nothing).as_ref())
}

/// What comes of each case, of as many at once as there are processors. A thread of rayon's would begin with other
/// cases while it waits for the threads of a run, one within the other, until its stack has no room.
fn all<T: Sync, R: Send>(cases: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || -> Vec<R> {
        let cases = iter::from_fn(|| cases.get(next.fetch_add(1, Ordering::Relaxed)));
        cases.map(&of).collect()
    };
    thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        let ends = threads.into_iter().map(|thread| thread.join());
        ends.flat_map(|end| end.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// The exit code that this end has.
fn code(end: &Result<recompute::Report, Error>) -> u8 {
    match end {
        Ok(report) => report.exit_code(),
        Err(error) => error.exit_code(),
    }
}

fn text(end: &Result<recompute::Report, Error>) -> String {
    match end {
        Ok(report) => report.text(),
        Err(error) => error.to_string(),
    }
}

/// The scenes are what they say.
#[test]
fn the_scenes_have_what_is_tried() {
    let hourly = Scene::hourly();
    let after = hourly.site.path("hourly-after");
    for table in ["delivery_kpi_hourly", "delivery_kpi", "kpi_run"] {
        let log = after.join(table).join("_delta_log");
        assert!(log.join("_last_checkpoint").exists(), "{table}");
    }
    assert_eq!(delta::newest_run(&after)["mode"], "incremental");
    let restated = |seen: &Seen| {
        seen.as_ref()
            .map_or(0, |seen| seen["kpi_restatement"].len())
    };
    assert!(restated(&hourly.new) > restated(&hourly.old));
    // Others may read tables as before; what is no table is the user's alone; nothing is left incomplete.
    let plain = hourly.site.write("plain", "");
    let mode = |path: &Path| path.metadata().expect("a file").permissions().mode() & 0o777;
    for name in content(&after).into_keys() {
        let is_private = name.starts_with("_state") || name.starts_with("_delivery-kpi.lock");
        let expected = match is_private {
            true => 0o600,
            false => mode(&plain),
        };
        assert_eq!(mode(&after.join(&name)), expected, "{name:?}");
        assert!(!name.to_string_lossy().contains('#'), "{name:?}");
    }
}
