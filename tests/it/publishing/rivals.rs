//! Two runs at once, with the lock and without: never a doubled row, never half a run.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::super::oracle::{self, HOUR, Mode};
use super::super::run::table_differences;
use super::super::site::{AS_OF, NINE, NOON, Site, delivery, report, runs_published, tracked};
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
