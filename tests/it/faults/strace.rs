//! The program itself, its system calls refused one after the other.
//!
//! `strace` counts calls by thread: `when=3` meets the third call of each thread that has three. So every run tells
//! how many calls it has made, and how many were refused, and a call is done with once a run has none left.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use rayon::prelude::*;

use super::{Scene, is_whole, seed, seen};

/// The calls that change a disk, those by which files are opened aside. Not all systems have all.
const CALLS: [&str; 13] = [
    "link",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "fsync",
    "fdatasync",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
    "pwrite64",
    "fchmod",
];

const REFUSALS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];

/// How many numbers of a call the short form tries.
const FEW: usize = 3;

/// Why the test cannot be made here.
fn hindrance() -> Option<String> {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    match tried {
        Err(error) => Some(format!("strace cannot be started: {error}")),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Some(format!("strace may not trace here: {said}"))
        }
        Ok(_) => None,
    }
}

/// A run of the program under `strace`.
struct Traced {
    status: ExitStatus,
    stderr: String,
    /// Calls by name and thread.
    calls: BTreeMap<String, BTreeMap<u32, usize>>,
    refused: usize,
    log: String,
}

impl Traced {
    /// How many calls of this name the thread has made that has made most.
    fn most(&self, call: &str) -> usize {
        let of_call = self.calls.get(call);
        of_call.map_or(0, |threads| threads.values().copied().max().unwrap_or(0))
    }

    /// How many threads have made so many.
    fn with(&self, call: &str, number: usize) -> usize {
        let of_call = self.calls.get(call);
        of_call.map_or(0, |threads| {
            threads.values().filter(|made| **made >= number).count()
        })
    }

    fn count(&self, call: &str) -> usize {
        self.calls
            .get(call)
            .map_or(0, |threads| threads.values().sum())
    }
}

fn traced(scene: &Scene, output: &Path, inject: Option<&str>) -> Traced {
    let log = output.with_extension("strace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "-o"]).arg(&log);
    let names: Vec<String> = CALLS.iter().map(|call| format!("?{call}")).collect();
    command.arg(format!("--trace={},openat,write", names.join(",")));
    if let Some(inject) = inject {
        command.arg(format!("--inject={inject}"));
    }
    let program = scene.command(output);
    command.arg(program.get_program()).args(program.get_args());
    let done = command
        .stdin(Stdio::null())
        .output()
        .expect("strace starts");
    let log = fs::read_to_string(&log).expect("a log");
    let mut calls: BTreeMap<String, BTreeMap<u32, usize>> = BTreeMap::new();
    let mut refused = 0;
    for line in log.lines() {
        refused += line.matches("(INJECTED)").count();
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let (Ok(thread), Some((call, _))) = (thread.parse(), rest.trim_start().split_once('('))
        else {
            continue;
        };
        *calls
            .entry(call.to_owned())
            .or_default()
            .entry(thread)
            .or_default() += 1;
    }
    Traced {
        status: done.status,
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        calls,
        refused,
        log,
    }
}

#[test]
fn system_calls_of_the_program_may_fail() {
    if let Some(why) = hindrance() {
        // The same faults are tried in the process, without it.
        eprintln!("skipped: {why}");
        return;
    }
    let scene = Scene::hourly();
    let whole = traced(&scene, &scene.output("traced"), None);
    assert!(whole.status.success(), "{}", whole.stderr);
    assert!(
        whole.count("fsync") > 10 && whole.count("pwrite64") > 10,
        "{}",
        whole.log
    );
    assert!(
        whole.count("link") + whole.count("linkat") >= 4,
        "{}",
        whole.log
    );
    // Files are written by no other call than those that are refused.
    let written = |line: &&str| line.contains(" write(") && line.contains(&scene.site.arg(""));
    assert_eq!(whole.log.lines().find(written), None);

    let mut random = fastrand::Rng::with_seed(seed());
    let mut cases = Vec::new();
    for call in CALLS.into_iter().filter(|call| whole.count(call) > 0) {
        // Each thread has a first one, and none has one more than all.
        let mut numbers = vec![1, whole.count(call) + 1];
        let mut others: Vec<usize> = (2..=whole.most(call)).collect();
        random.shuffle(&mut others);
        others.truncate(if is_whole() { others.len() } else { FEW });
        numbers.extend(others);
        for number in numbers {
            let some = match is_whole() {
                true => REFUSALS.to_vec(),
                false => vec![*random.choice(&REFUSALS).expect("a refusal")],
            };
            cases.extend(some.into_iter().map(|refusal| (call, number, refusal)));
        }
    }
    let tried = cases.len();
    let refused: usize = cases
        .into_par_iter()
        .map(|(call, number, refusal)| {
            let refused = try_one(&scene, call, number, refusal);
            let is_there = number <= whole.count(call);
            assert!(refused > 0 || number != 1, "{call}: nothing was refused");
            assert!(refused == 0 || is_there, "{call}: one more than there are");
            refused
        })
        .sum();
    let called: usize = CALLS.iter().map(|call| whole.count(call)).sum();
    println!("{tried} runs, {called} calls of one run, {refused} refused");
    assert!(refused >= tried / 2, "{refused} of {tried}");
}

/// Gives how many calls were refused.
fn try_one(scene: &Scene, call: &str, number: usize, refusal: &str) -> usize {
    let output = scene.output(&format!(
        "{call}-{number}-{}",
        &refusal[refusal.len() - 3..]
    ));
    let run = traced(
        scene,
        &output,
        Some(&format!("{call}:{refusal}:when={number}")),
    );
    let context = format!("{call}, {number}, {refusal}: {}", run.stderr);
    let is_killed = run.status.signal() == Some(9);
    // The one with this number of each thread that has made so many.
    let made = run.with(call, number);
    let refused = match refusal {
        "signal=KILL" => {
            assert_eq!(is_killed, made > 0, "{context}");
            usize::from(is_killed)
        }
        _ => {
            assert_eq!(run.refused, made, "{context}: calls refused, calls made");
            run.refused
        }
    };
    let after = seen(&output);
    let (is_old, is_new) = (after == scene.old, after == scene.new);
    assert!(is_old || is_new, "{context}: readers see neither run");
    match run.status.code() {
        None => assert!(is_killed && refusal == "signal=KILL", "{context}"),
        Some(0) => assert!(is_new, "{context}"),
        Some(1) => assert!(is_old || run.stderr.contains("cannot be told"), "{context}"),
        Some(other) => panic!("{context}: exit code {other}"),
    }
    assert!(refused > 0 || run.status.success(), "{context}");
    scene.assert_completes(&output, &context);
    fs::remove_dir_all(&output).expect("an output");
    refused
}
