//! Texts for people, word for word: help, errors, summaries. `snapshots.rs` says how to write them anew.

use super::super::site::{
    MINUTE, NINE, Site, outcome, rename_columns, report, runs_published, tracked, two_deliveries,
};
use super::super::snapshots::snapshot;
use super::super::world::{Layout, World};

const COMMANDS: [&str; 12] = [
    "recompute",
    "stats",
    "explain",
    "check",
    "diff",
    "verify",
    "export",
    "report",
    "maintain",
    "import",
    "generate",
    "completions",
];

#[test]
fn help_of_all_commands() {
    let site = Site::new(&World::default());
    let top = outcome(site.program().arg("--help")).expect_status(0);
    snapshot("help", &top.stdout);
    for command in COMMANDS {
        assert!(top.stdout.contains(&format!("  {command} ")), "{command}");
        let help = outcome(site.program().args([command, "--help"])).expect_status(0);
        assert_eq!(help.stderr, "");
        if command != "completions" {
            assert!(help.stdout.contains("Examples:"), "{}", help.text());
            assert!(help.stdout.contains("Exit codes:"), "{}", help.text());
        }
        snapshot(&format!("help_{command}"), &help.stdout);
    }
    let commands = top.stdout.lines().skip_while(|line| *line != "Commands:");
    let listed = commands.skip(1).take_while(|line| !line.is_empty());
    assert_eq!(
        listed.count(),
        COMMANDS.len() + 1,
        "and help: {}",
        top.text()
    );
}

/// Every flag and command of the help is in the completions: both come from one definition.
#[test]
fn completions_know_every_flag() {
    let site = Site::new(&World::default());
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = outcome(site.program().args(["completions", shell])).expect_status(0);
        assert_eq!(script.stderr, "");
        for command in COMMANDS {
            assert!(script.stdout.contains(command), "{shell}: {command}");
            let help = outcome(site.program().args([command, "--help"])).expect_status(0);
            let words = help
                .stdout
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            let flags = words.filter(|word| word.len() > 3 && word.starts_with("--"));
            for flag in flags.filter(|flag| help.stdout.contains(&format!("      {flag}"))) {
                let name = flag.trim_start_matches('-');
                assert!(script.stdout.contains(name), "{shell}: {command} {flag}");
            }
        }
    }
    outcome(site.program().args(["completions", "tcsh"])).expect_status(2);
    // Bash takes the script as it is.
    let script = outcome(site.program().args(["completions", "bash"])).stdout;
    let path = site.write("completions.bash", script);
    let ask = |words: &str, word: usize| {
        let last = words.split(' ').next_back().unwrap_or_default();
        let before = words.split(' ').nth_back(1).unwrap_or_default();
        format!(
            "source {}; function=$(complete -p delivery-kpi | sed 's/.* -F \\([^ ]*\\) .*/\\1/');
            COMP_WORDS=({words}); COMP_CWORD={word}; $function delivery-kpi '{last}' '{before}'; echo ${{COMPREPLY[@]}}",
            path.display()
        )
    };
    let complete = |words: &str, word: usize| {
        let ask = ask(words, word);
        let completed = outcome(std::process::Command::new("bash").args(["-c", &ask]));
        completed.stdout.trim_end().to_owned()
    };
    assert_eq!(complete("delivery-kpi st", 1), "stats");
    assert_eq!(complete("delivery-kpi stats --fr", 2), "--fresh");
    assert_eq!(complete("delivery-kpi stats --deadline r", 3), "reported");
    assert_eq!(complete("delivery-kpi export k", 2), "kpi_run");
    assert_eq!(complete("delivery-kpi diff --fail", 2), "--fail-if-diff");
    assert_eq!(complete("delivery-kpi recompute --rew", 2), "--rewind");
}

/// Errors by what is wrong, each with its exit code.
#[test]
fn errors() {
    let site = Site::new(&two_deliveries());
    let mut all = String::new();
    let mut tell = |what: &str, status: i32, command: &mut std::process::Command| {
        let outcome = outcome(command).expect_status(status);
        assert_eq!(outcome.stdout, "", "{what}");
        let place = site.path("").display().to_string();
        let text = outcome.stderr.replace(place.trim_end_matches('/'), "SITE");
        all += &format!("# {what}: exit code {status}\n{text}\n");
    };
    tell("no extract", 2, site.program().arg("recompute"));
    tell(
        "no such flag",
        2,
        site.program().args(["recompute", "--every-hour"]),
    );
    tell("no such command", 2, site.program().arg("recalculate"));
    site.write("wrong.toml", "sending_log = \"in\"\nsendinglog = 3\n");
    tell(
        "unknown key",
        2,
        site.program().args(["recompute", "wrong.toml"]),
    );
    tell(
        "not an instant",
        2,
        site.recompute().args(["--as-of", "yesterday"]),
    );
    tell(
        "not a zone",
        2,
        site.program()
            .args(["stats", "--output", "x", "--timezone", "CET+1"]),
    );
    tell(
        "nothing published",
        2,
        site.program().args(["stats", "1", "--output", "nowhere"]),
    );
    tell(
        "no such message",
        2,
        site.command(&["explain", "1", "77"])
            .args(["--as-of", "now"]),
    );
    tell(
        "no such folder",
        2,
        site.program().args(["check", "--sending-log", "nowhere"]),
    );
    tell(
        "no such table",
        2,
        site.program()
            .args(["export", "kpis", "x.csv", "--output", "in"]),
    );
    tell(
        "no such format",
        2,
        site.program()
            .args(["export", "kpi_run", "x.xls", "--output", "in"]),
    );
    tell("not empty", 2, site.program().args(["generate", "in"]));
    site.write("in/sending_log/cut.parquet", "PAR1");
    tell("bad file", 1, &mut site.recompute());
    std::fs::remove_file(site.path("in/sending_log/cut.parquet")).expect("the file goes");
    rename_columns(
        &site.path("in/deliveries.parquet"),
        &[("delivery_id", "id")],
    );
    rename_columns(
        &site.path("in/sending_log/part-000.parquet"),
        &[("event", "what")],
    );
    tell("schema", 2, &mut site.recompute());
    assert_eq!(runs_published(&site.output()), 0);
    snapshot("errors", &all);
}

#[test]
fn summaries() {
    let mut world = two_deliveries();
    world.sending.push(report(1, 13, "gone", NINE));
    world.sending.push(report(1, 11, "relayed", NINE));
    world.tracking.push(tracked(9, 1, "open", NINE + MINUTE));
    world.tracking.push(tracked(1, 11, "77", NINE + MINUTE));
    let site = Site::new(&world);
    let place = site.path("").display().to_string();
    let place = place.trim_end_matches('/');
    let first = site.run(&[]).expect_status(3);
    snapshot("summary_first", &first.stderr.replace(place, "SITE"));
    snapshot("deliveries", &first.stdout);
    world.sending.pop();
    world
        .sending
        .push(report(2, 23, "relayed", NINE + 100 * MINUTE));
    site.rewrite(&world, &Layout::default());
    let dry = site.run(&["--dry-run"]).expect_status(0);
    snapshot("summary_dry_run", &dry.stderr.replace(place, "SITE"));
    let second = site.run(&["--delivery", "2", "5"]).expect_status(0);
    snapshot("summary_selected", &second.stderr.replace(place, "SITE"));
    let words = ["explain", "2", "21"];
    snapshot("explain", &site.ask(&words).expect_status(0).stdout);
}
