//! What is said where: data on stdout, everything else on stderr; bars and colours on terminals alone.

use std::process::Command;

use super::super::python;
use super::super::run::Outcome;
use super::super::site::{AS_OF, NINE, Site, outcome, report, two_deliveries};

const ESCAPE: char = '\u{1b}';

#[test]
fn data_goes_to_stdout_and_the_rest_to_stderr() {
    let site = Site::new(&two_deliveries());
    let run = site.run_to(0, &[]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines.len(),
        3,
        "a header and two deliveries: {}",
        run.text()
    );
    assert!(
        lines[0].starts_with("delivery ") && lines[1].contains("First"),
        "{}",
        run.text()
    );
    assert!(lines[2].contains("Second"), "{}", run.text());
    let says = [
        "as of 2026-03-02T12:00:00Z",
        "sending_log   1 file, 7 rows read = 7 counted",
        "tracking_log  1 file, 3 rows read = 3 counted",
        "deliveries    1 file, 2 rows read = 2 counted",
        "newest 2026-03-02T11:10:00Z",
        "5 rows new",
        "(number 1) is published in",
    ];
    let run = run.says(&says);
    for part in says {
        assert!(
            !run.stdout.contains(part),
            "{part:?} is no data: {}",
            run.text()
        );
    }
    // The same where another run may follow in a pipe.
    let json = site.run_to(0, &["--log-format", "json"]);
    assert_eq!(json.stdout, run.stdout);
}

/// One delivery is shown as many are: its label as it is, without quotes around it.
#[test]
fn one_delivery_is_shown_like_many() {
    let site = Site::new(&two_deliveries());
    let line = |run: Outcome| {
        let line = run.stdout.lines().find(|line| line.starts_with("1 "));
        let line = line.unwrap_or_else(|| panic!("{}", run.text()));
        // Columns are as wide as their widest cell.
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let many = line(site.run_to(0, &[]));
    assert!(many.contains("First"), "{many}");
    assert_eq!(line(site.run_to(0, &["--delivery", "1"])), many);
}

#[test]
fn a_machine_reads_one_object_of_json() {
    let mut world = two_deliveries();
    world.sending.push(report(1, 13, "teleported", NINE));
    let site = Site::new(&world);
    site.write("in/sending_log/notes.txt", "no data file");
    let json = site.run_to(3, &["--log-format", "json"]).json();
    assert_eq!(
        (&json["exit_code"], &json["published"]),
        (&3.into(), &true.into())
    );
    assert_eq!(
        (&json["deliveries"], &json["left_out"]),
        (&2.into(), &1.into())
    );
    assert!(
        json["notes"][0]
            .as_str()
            .is_some_and(|note| note.contains("notes.txt")),
        "{json}"
    );
    let run = &json["run"];
    assert_eq!(run["run_number"], 1);
    assert_eq!(run["as_of"], AS_OF);
    assert_eq!(run["logs"][0]["rows_read"], 8);
    assert_eq!(run["logs"][0]["rows_rejected"], 1);
    assert!(run["table_versions"]["delivery_kpi"].is_i64(), "{json}");

    // Errors too, each with its exit code.
    for (flags, code, part) in [
        (&["--as-of", "soon"][..], 2, "RFC 3339"),
        (&["--as-of", "2026-03-02T11:00:00Z"], 2, "--rewind"),
        (&["--delivery", "77"], 2, "--delivery"),
        (&["nowhere.toml"], 2, "nowhere.toml"),
    ] {
        let outcome = site.run_to(code, &[flags, &["--log-format", "json"]].concat());
        let json = outcome.json();
        assert_eq!(json["exit_code"], code);
        assert!(
            json["error"]
                .as_str()
                .is_some_and(|text| text.contains(part)),
            "{json}"
        );
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn there_are_no_bars_and_no_colours_where_stderr_is_no_terminal() {
    let site = Site::new(&two_deliveries());
    let plain = |flags: &[&str], status| {
        let outcome = site.run(flags).expect_status(status);
        let text = outcome.text();
        assert!(!text.contains(ESCAPE), "{text:?}");
        assert!(!text.contains('\r') && !text.contains("rows, "), "{text:?}");
    };
    plain(&[], 0);
    plain(&["--progress", "auto"], 0);
    plain(&["--progress", "never"], 0);
    plain(&["--as-of", "soon"], 2);
    let wrong = site.run_to(2, &["--frobnicate"]);
    assert!(!wrong.text().contains(ESCAPE), "{:?}", wrong.text());
    let help = outcome(site.program().args(["recompute", "--help"]));
    assert!(!help.text().contains(ESCAPE), "{:?}", help.text());
}

/// Somebody who asks for progress always wants it in the log of a scheduler too.
#[test]
fn progress_is_always_shown_where_it_is_asked_for() {
    let site = Site::new(&two_deliveries());
    let never = site.run_to(0, &["--progress", "never"]);
    assert!(!never.stderr.contains("reading  "), "{:?}", never.stderr);
    let always = site.run_to(0, &["--progress", "always"]);
    let stages = ["reading", "folding", "publishing"];
    let summary = never.stderr.lines().count();
    assert!(
        always.stderr.lines().count() > summary || always.stderr.contains('\r'),
        "no progress of {stages:?}: {:?}",
        always.stderr
    );
    assert_eq!(always.stdout, never.stdout);
}

/// Runs the program with stderr on a terminal; what it shows there.
fn on_terminal(site: &Site, flags: &[&str], no_color: Option<&str>) -> Outcome {
    const SPAWN: &str = "import os, pty, sys\n\
        sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let recompute = site.recompute();
    let mut command = Command::new(python::interpreter());
    command.args(["-c", SPAWN, "sh", "-c", "exec \"$0\" \"$@\" > stdout.txt"]);
    command
        .arg(recompute.get_program())
        .args(recompute.get_args());
    command.args(["--as-of", AS_OF]).args(flags);
    command.current_dir(site.path("")).env("TERM", "xterm");
    match no_color {
        Some(value) => command.env("NO_COLOR", value),
        None => command.env_remove("NO_COLOR"),
    };
    outcome(command.stdin(std::process::Stdio::null()))
}

/// Here stdout is what the terminal showed.
#[test]
fn bars_are_shown_on_a_terminal_unless_somebody_wants_none() {
    let site = Site::new(&two_deliveries());
    let shown = |flags: &[&str], no_color| {
        let outcome = on_terminal(&site, flags, no_color).expect_status(0);
        assert!(
            outcome.stdout.contains("is published in"),
            "{}",
            outcome.text()
        );
        let data = std::fs::read_to_string(site.path("stdout.txt")).expect("the data");
        assert!(data.contains("First") && !data.contains(ESCAPE), "{data:?}");
        outcome.stdout
    };
    assert!(
        shown(&[], None).contains("reading"),
        "{:?}",
        shown(&[], None)
    );
    assert!(
        shown(&[], None).contains(ESCAPE),
        "a bar is drawn over itself"
    );
    assert!(shown(&["--progress", "always"], None).contains(ESCAPE));
    // An empty NO_COLOR is none.
    assert!(shown(&[], Some("")).contains(ESCAPE));
    for (flags, no_color) in [
        (&["--progress", "never"][..], None),
        (&[], Some("1")),
        (&["--progress", "auto"], Some("1")),
    ] {
        let text = shown(flags, no_color);
        assert!(
            !text.contains(ESCAPE),
            "{flags:?}, NO_COLOR {no_color:?}: {text:?}"
        );
    }
}
