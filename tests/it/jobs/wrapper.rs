//! `run-with-retry.sh` around a program that ends as the test says.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::python::job_checkers;
use super::super::run::Outcome;
use super::super::site::Site;
use super::super::world::World;
use super::{AGAIN, NEVER_AGAIN, ended, folder, program};

/// A site with a program that ends with one exit code after the other, the last one for ever.
fn faking(codes: &[i32]) -> Site {
    let site = Site::new(&World::default());
    let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
    site.write("codes", codes.join("\n") + "\n");
    program(
        &site,
        "fake",
        "#!/bin/sh\n\
         echo \"attempt with $*\"\n\
         echo started >> starts\n\
         code=$(head -n 1 codes)\n\
         [ \"$(wc -l < codes)\" -eq 1 ] || sed -i 1d codes\n\
         exit \"$code\"\n",
    );
    site
}

fn wrapped(site: &Site) -> Command {
    let mut command = Command::new("env");
    // Who runs the tests in the background may have it ignored, and then no shell can trap it.
    command
        .arg("--default-signal=INT")
        .arg(folder().join("run-with-retry.sh"));
    command.current_dir(site.path("")).env("RETRY_PAUSE", "0");
    command.args(["./fake", "an argument", "another"]);
    command
}

fn starts(site: &Site) -> usize {
    let text = fs::read_to_string(site.path("starts"));
    text.map_or(0, |text| text.lines().count())
}

/// Panics unless the run alerts, with all that the program said, or says nothing.
fn assert_alert(outcome: &Outcome, alerts: bool) {
    assert_eq!(outcome.stdout, "");
    assert_eq!(!outcome.stderr.is_empty(), alerts, "{}", outcome.text());
    if alerts {
        let code = format!("exit code {}: ", outcome.status.expect("an exit code"));
        assert!(outcome.stderr.starts_with(&code), "{}", outcome.text());
        let said = "attempt with an argument another";
        assert!(outcome.stderr.contains(said), "{}", outcome.text());
    }
}

#[test]
fn exit_code_1_is_tried_again_and_no_other() {
    for code in NEVER_AGAIN.into_iter().chain([0, 5, 125, 130]) {
        let site = faking(&[code]);
        let outcome = ended(&mut wrapped(&site)).expect_status(code);
        assert_eq!(starts(&site), 1, "exit code {code}");
        assert_alert(&outcome, ![0, 4].contains(&code));
    }
    for code in AGAIN {
        let site = faking(&[code]);
        let outcome = ended(&mut wrapped(&site)).expect_status(code);
        assert_eq!(starts(&site), 3, "exit code {code}");
        assert_alert(&outcome, true);
        assert!(outcome.stderr.contains("failed 3 times"));
        assert_eq!(outcome.stderr.matches("attempt with").count(), 3);
    }
}

#[test]
fn the_last_attempt_decides() {
    for (codes, expected, attempts) in [
        (&[1, 0][..], 0, 2),
        (&[1, 1, 0], 0, 3),
        (&[1, 1, 1, 0], 1, 3),
        (&[1, 3], 3, 2),
        (&[1, 2, 0], 2, 2),
        (&[1, 4, 0], 4, 2),
    ] {
        let site = faking(codes);
        let outcome = ended(&mut wrapped(&site)).expect_status(expected);
        assert_eq!(starts(&site), attempts, "{codes:?}");
        assert_alert(&outcome, ![0, 4].contains(&expected));
    }
    let site = faking(&[1]);
    ended(wrapped(&site).env("RETRIES", "0")).expect_status(1);
    assert_eq!(starts(&site), 1);
}

#[test]
fn a_command_that_is_not_there_is_said_so() {
    let script = folder().join("run-with-retry.sh");
    let outcome = ended(Command::new(&script).arg("./not-there")).expect_status(127);
    assert!(
        outcome.stderr.contains("cannot be run"),
        "{}",
        outcome.text()
    );
    let outcome = ended(&mut Command::new(&script)).expect_status(2);
    assert!(outcome.stderr.starts_with("usage: "), "{}", outcome.text());
}

/// While the program runs, and in the pause before the next attempt.
#[test]
fn a_signal_is_handed_on_and_ends_all_attempts() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let site = faking(&[1]);
        program(
            &site,
            "fake",
            "#!/bin/sh\n\
             trap 'echo ended >> ends; exit 143' TERM\n\
             echo started >> starts\n\
             i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done\n",
        );
        let outcome = interrupted(&site, &mut wrapped(&site), signal);
        outcome.expect_status(code).says(&["interrupted"]);
        let ends = fs::read_to_string(site.path("ends")).expect("the program was told");
        assert_eq!((starts(&site), ends.as_str()), (1, "ended\n"), "{signal}");

        let site = faking(&[1]);
        let outcome = interrupted(&site, wrapped(&site).env("RETRY_PAUSE", "60"), signal);
        outcome.expect_status(code);
        assert_eq!(starts(&site), 1, "{signal}");
    }
}

/// Sends a signal when the program has started, and a little later.
fn interrupted(site: &Site, command: &mut Command, signal: &str) -> Outcome {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let child = command.stderr(Stdio::piped()).spawn().expect("a start");
    while starts(site) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "no start");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    let mut kill = Command::new("kill");
    ended(kill.args(["-s", signal, &child.id().to_string()])).expect_status(0);
    let output = child.wait_with_output().expect("an end");
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(30), "ended after {waited:?}");
    Outcome {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn shellcheck_has_nothing_to_say_about_the_scripts() {
    let shellcheck = || Command::new(Path::new(job_checkers()).with_file_name("shellcheck"));
    let root = folder().join("..");
    for script in ["jobs/run-with-retry.sh", "tests/setup-python.sh", ".ci/run"] {
        let outcome = ended(shellcheck().arg(root.join(script)));
        assert_eq!(outcome.status, Some(0), "{}", outcome.text());
    }
    // It would say something.
    let site = Site::new(&World::default());
    let wrong = site.write("wrong.sh", "#!/bin/sh\n[[ $1 == 2 ]]\n");
    ended(shellcheck().arg(wrong)).expect_status(1);
}
