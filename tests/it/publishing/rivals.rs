//! Two runs at once, with the lock and without: never a doubled row, never half a run.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::super::incremental::{add_sending, assert_as_fresh, frozen};
use super::super::oracle::{self, HOUR, Mode};
use super::super::run::table_differences;
use super::super::site::{
    AS_OF, NINE, NOON, Site, delivery, report, runs_published, tracked, two_deliveries,
};
use super::super::world::{Layout, World};

const ROUNDS: usize = 6;

/// Some hundred rows, so that two runs have time to meet.
fn world() -> World {
    let mut world = World::default();
    for id in 1..=30 {
        world.deliveries.push(delivery(id, "A label"));
        for message in 0..40 {
            let at = NINE - (id + message) % 40 * HOUR + message;
            world.sending.push(report(id, message, "relayed", at));
            world
                .tracking
                .push(tracked(id, message, "open", at + HOUR / 2));
        }
    }
    world
}

fn start(site: &Site, output: &str) -> Child {
    let mut command: Command = site.program();
    command.args([
        "recompute",
        "--sending-log",
        "in/sending_log",
        "--tracking-log",
    ]);
    command.args(["in/tracking_log", "--deliveries", "in/deliveries.parquet"]);
    command.args(["--output", output, "--as-of", AS_OF, "--threads", "1"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("a run")
}

/// The exit code, and what the run said.
fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// As many runs as ended with 0 are in the tables, whose rows are right.
fn check(output: &Path, ends: &[(Option<i32>, String)], allowed: &[i32]) {
    for (code, said) in ends {
        assert!(
            code.is_some_and(|code| allowed.contains(&code)),
            "{code:?}: {said}"
        );
    }
    let done = ends.iter().filter(|(code, _)| *code == Some(0)).count();
    assert!(done >= 1, "one of them is done: {ends:?}");
    assert_eq!(runs_published(output), done, "{ends:?}");
    let expected = oracle::expect(&world(), NOON, Mode::Infer);
    let wrong = table_differences(&expected, output, &Layout::default());
    assert!(wrong.is_empty(), "{ends:?}\n{}", wrong.join("\n"));
}

#[test]
fn two_first_runs_at_once() {
    let site = Site::new(&world());
    let codes: Vec<i32> = (0..ROUNDS)
        .flat_map(|round| {
            let name = format!("out-{round}");
            let children = [start(&site, &name), start(&site, &name)];
            let ends = children.map(end);
            check(&site.path(&name), &ends, &[0, 4]);
            // The one that was told can be run again.
            let again = end(start(&site, &name));
            assert_eq!(again.0, Some(0), "{}", again.1);
            assert!(
                again.1.contains("0 rows new, 0 changed, 0 removed"),
                "{}",
                again.1
            );
            ends.map(|(code, _)| code.unwrap_or(-1))
        })
        .collect();
    assert!(codes.contains(&4), "in no round the two met: {codes:?}");
}

/// The lock is a courtesy; where it does not work (a file system that has none), the commits still do.
#[test]
fn two_runs_at_once_without_the_lock() {
    let site = Site::new(&world());
    (0..ROUNDS).into_par_iter().for_each(|round| {
        let name = format!("out-{round}");
        let output = site.path(&name);
        let lock = output.join("_delivery-kpi.lock");
        if round % 2 == 1 {
            // Tables that a run left which died.
            let dead = end(start(&site, &name));
            assert_eq!(dead.0, Some(0), "{}", dead.1);
            fs::remove_dir_all(output.join("kpi_run")).expect("its last table");
            fs::remove_file(&lock).expect("its lock");
        }
        let mut first = start(&site, &name);
        take_away(&lock, &mut first);
        let ends = [first, start(&site, &name)].map(end);
        check(&output, &ends, &[0, 1]);
        let again = end(start(&site, &name));
        assert_eq!(again.0, Some(0), "{}", again.1);
        assert!(
            again.1.contains("0 rows new, 0 changed, 0 removed"),
            "{}",
            again.1
        );
    });
}

/// A run is held up where it reads the newest record of `kpi_run`, and another one reads a file that has just come: it
/// would be taken for vanished, and its deliveries be frozen, had the first one listed the extracts before.
#[test]
fn a_file_that_only_the_faster_run_has_read_has_not_vanished() {
    let layout = Layout {
        files: 3,
        ..Layout::default()
    };
    let site = Site::laid_out(&two_deliveries(), &layout);
    let whole_run = || {
        let (code, said) = end(start(&site, "out"));
        assert_eq!(code, Some(0), "{said}");
    };
    whole_run();
    let lock = site.path("out/_delivery-kpi.lock");
    fs::remove_file(&lock).expect("its lock");
    // What readers of a table look for first. Whoever opens it waits for the other end, wherever the name goes.
    let hint = site.path("out/kpi_run/_delta_log/_last_checkpoint");
    let made = Command::new("mkfifo").arg(&hint).status();
    assert!(made.is_ok_and(|status| status.success()));
    let mut slow = start(&site, "out");
    await_standstill(&lock, &mut slow);
    let pipe = site.path("pipe");
    fs::rename(hint, &pipe).expect("another name");
    fs::remove_file(&lock).expect("its lock");
    let rows = [1, 3].map(|delivery| report(delivery, 41, "relayed", NINE));
    add_sending(&site, "newer", &rows);
    whole_run();
    let other_end = File::options().read(true).write(true).open(pipe);
    let (code, said) = end(slow);
    assert!(other_end.is_ok(), "{other_end:?}");
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("vanished"), "{said}");
    assert_eq!(runs_published(&site.output()), 3);
    assert_eq!(frozen(&site), [""; 0]);
    assert_as_fresh(&site, "", NOON);
}

/// Waits until a run that has its lock stands still: all of its threads wait for something.
fn await_standstill(lock: &Path, child: &mut Child) {
    let threads = format!("/proc/{}/task", child.id());
    let waits = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat"));
        stat.is_ok_and(|stat| {
            stat.rsplit_once(')')
                .is_some_and(|(_, rest)| rest.starts_with(" S"))
        })
    };
    let started = Instant::now();
    let mut times = 0;
    while times < 5 {
        let is_over = child.try_wait().expect("a child").is_some();
        assert!(!is_over, "the run has not been held up");
        assert!(started.elapsed() < Duration::from_secs(60), "no standstill");
        thread::sleep(Duration::from_millis(20));
        let all_wait = fs::read_dir(&threads).is_ok_and(|entries| entries.flatten().all(waits));
        times = if lock.exists() && all_wait {
            times + 1
        } else {
            0
        };
    }
}

/// Waits for the lock file of a run, and takes it away.
fn take_away(lock: &Path, child: &mut Child) {
    let started = Instant::now();
    while fs::remove_file(lock).is_err() {
        let is_over = child.try_wait().expect("a child").is_some();
        assert!(!is_over, "the run ended before its lock was seen");
        assert!(started.elapsed() < Duration::from_secs(20), "no lock");
        std::thread::sleep(Duration::from_micros(100));
    }
}
