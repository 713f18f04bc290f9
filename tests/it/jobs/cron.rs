//! `crontab`: its lines are parsed as cron does, and their commands are run.

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::super::run::Outcome;
use super::super::site::{Site, runs_published};
use super::{assert_computed, ended, installed, moved_to, read};

struct Line {
    fields: Vec<String>,
    command: String,
}

/// The lines that start something, and the settings of the environment.
fn parsed(text: &str) -> (Vec<Line>, Vec<(String, String)>) {
    let (mut lines, mut environment) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
        match line.split_once('=') {
            Some((key, value)) if key.chars().all(is_name) => {
                environment.push((key.to_owned(), value.to_owned()));
            }
            _ => lines.push(started(line)),
        }
    }
    (lines, environment)
}

fn started(line: &str) -> Line {
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..5 {
        let (field, after) = rest.split_once(' ').expect("five fields and a command");
        fields.push(field.to_owned());
        rest = after.trim_start();
    }
    Line {
        fields,
        command: rest.to_owned(),
    }
}

/// Runs a line as cron does, with the places of this site.
fn run(site: &Site, line: &Line, environment: &[(String, String)]) -> Outcome {
    let mut command = Command::new("/bin/sh");
    command.env_clear().current_dir(site.path(""));
    for (key, value) in environment {
        command.env(key, moved_to(site, value));
    }
    command.env("RETRY_PAUSE", "0");
    ended(command.arg("-c").arg(moved_to(site, &line.command)))
}

/// Panics unless cron would mail nothing.
fn assert_silent(outcome: &Outcome) {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(said, "", "{}", outcome.text());
}

#[test]
fn the_lines_start_every_hour() {
    let (lines, environment) = parsed(&read("crontab"));
    assert_eq!(lines.len(), 2);
    for line in &lines {
        let minute: Result<u8, _> = line.fields[0].parse();
        assert!(minute.is_ok_and(|minute| minute < 60), "{:?}", line.fields);
        assert_eq!(line.fields[1..], ["*", "*", "*", "*"]);
        // Cron makes a new line of it.
        assert!(!line.command.contains('%'), "{}", line.command);
    }
    assert_eq!(lines[0].fields[0], "7");
    assert!(environment.iter().any(|(key, _)| key == "MAILTO"));
}

#[test]
fn the_lines_run_and_say_only_what_somebody_must_look_at() {
    let (lines, environment) = parsed(&read("crontab"));
    let (job, age) = (&lines[0], &lines[1]);
    let site = installed();
    // No table is there yet.
    let outcome = run(&site, age, &environment);
    assert!(outcome.stdout.starts_with("no run was published"));
    assert_silent(&run(&site, job, &environment).expect_status(0));
    assert_computed(&site);
    assert_silent(&run(&site, age, &environment));

    // Another run holds the output: no alert, until the tables are old.
    let lock = File::options()
        .write(true)
        .open(site.path("out/_delivery-kpi.lock"))
        .expect("a lock file");
    lock.try_lock().expect("the lock");
    assert_silent(&run(&site, job, &environment).expect_status(4));
    drop(lock);
    for (minutes, is_fresh) in [(170, true), (190, false)] {
        let then = SystemTime::now() - Duration::from_secs(minutes * 60);
        for entry in fs::read_dir(site.path("out/kpi_run/_delta_log")).expect("a log") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let file = File::options().append(true).open(path).expect("a file");
                file.set_modified(then).expect("another time");
            }
        }
        let outcome = run(&site, age, &environment);
        assert_eq!(outcome.stdout.is_empty(), is_fresh, "{minutes} minutes");
    }

    site.write("etc/hourly.toml", "unknown = 1\n");
    let outcome = run(&site, job, &environment).expect_status(2);
    assert!(outcome.stderr.contains("unknown"), "{}", outcome.text());
    assert_eq!(runs_published(&site.output()), 1);
}

/// The limit bounds the program, not only the commands around it.
#[test]
fn too_little_memory_publishes_nothing_and_alerts() {
    let (lines, environment) = parsed(&read("crontab"));
    let site = installed();
    let limit = "--data=4294967296";
    assert!(lines[0].command.contains(limit));
    let little = Line {
        fields: Vec::new(),
        command: lines[0].command.replace(limit, "--data=16000000"),
    };
    let outcome = run(&site, &little, &environment).expect_status(134);
    assert!(
        outcome.stderr.contains("memory limit"),
        "{}",
        outcome.text()
    );
    assert_eq!(runs_published(&site.output()), 0);
}
