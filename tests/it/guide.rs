//! README.md shows what the program does: its commands are run, its tables and queries compared.
//!
//! After a change of the sample extracts (`data/`) or of what the program prints:
//!
//! 1. In the `console` blocks of README.md change the identifiers that its commands name, so that each still
//!    shows what the sentence before it says (`data/README.md` and `stats` tell which delivery is what;
//!    a command that prints nothing is an error here).
//! 2. `DELIVERY_KPI_BLESS=1 cargo test --release --locked --test it guide` writes what the commands print now, and
//!    the tables of rules and findings, into README.md.
//! 3. Read the difference: a line that no longer shows what its sentence says needs another command.

mod blocks;
mod commands;
mod queries;
mod reference;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::run::Outcome;
use super::site::outcome;
use blocks::blocks;

/// Blocks that show a command or a query which nothing runs: how one is known, and why.
const NOT_RUN: [(&str, &str); 3] = [
    (
        "delivery-kpi recompute jobs/hourly.toml",
        "templates: the extracts that they name are the reader's",
    ),
    (
        "7 * * * *   delivery-kpi recompute",
        "a line for a scheduler, with a job file of the reader",
    ),
    (
        "export AWS_REGION",
        "a bucket of the reader; the tests in cloud/ run the like",
    ),
];

fn path_of_readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn readme() -> String {
    fs::read_to_string(path_of_readme()).expect("README.md")
}

/// A folder with copies of the job files and the sample extracts: the tables of the sample go below
/// it, apart from those of other tests.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Copy {
        let folder = TempDir::new().expect("a temporary directory");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["jobs", "data"] {
            for entry in walkdir::WalkDir::new(root.join(name)) {
                let entry = entry.expect("a readable entry");
                let below = entry.path().strip_prefix(root).expect("a path below");
                let to = folder.path().join(below);
                match entry.file_type().is_dir() {
                    true => fs::create_dir(&to).expect("a new folder"),
                    false => fs::copy(entry.path(), &to).map(drop).expect("a copy"),
                }
            }
        }
        Copy { folder }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("target/sample-kpi")
    }

    /// A line as a person types it into a shell, in this folder. The exit code is that of the first
    /// command of the pipe.
    fn shell(&self, line: &str) -> Outcome {
        let program = Path::new(env!("CARGO_BIN_EXE_delivery-kpi"));
        let folder = program.parent().expect("a program in a folder");
        let others = std::env::var("PATH").expect("a PATH");
        let mut command = Command::new("bash");
        command
            .args(["-c", &format!("{line}\nexit ${{PIPESTATUS[0]}}")])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{others}", folder.display()))
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .stdin(std::process::Stdio::null());
        outcome(&mut command)
    }
}

#[test]
fn readme_shows_what_the_program_prints() {
    let shown = readme();
    let copy = Copy::new();
    let mut renewed = commands::renewed(&shown, &copy);
    renewed = reference::renewed(&renewed, &copy);
    if renewed == shown {
        return;
    }
    if std::env::var_os("DELIVERY_KPI_BLESS").is_some_and(|value| value == "1") {
        fs::write(path_of_readme(), renewed).expect("README.md can be written");
        return;
    }
    let (shown, renewed): (Vec<&str>, Vec<&str>) =
        (shown.lines().collect(), renewed.lines().collect());
    let same = shown.iter().zip(&renewed).take_while(|(a, b)| a == b);
    let first = same.count();
    panic!(
        "README.md, line {}: it shows\n  {}\nthe program prints\n  {}\nDELIVERY_KPI_BLESS=1 writes what it prints",
        first + 1,
        shown.get(first).unwrap_or(&"(nothing)"),
        renewed.get(first).unwrap_or(&"(nothing)"),
    );
}

/// Whatever looks like a command or a query is run by these tests or by `.ci/run`, or named above.
#[test]
fn no_command_of_readme_is_shown_untested() {
    let text = readme();
    let mut seen = [false; NOT_RUN.len()];
    for block in blocks(&text) {
        let content = block.content(&text);
        let signs = ["delivery-kpi ", "cargo ", "SELECT ", "import ", "FROM "];
        let shows_one = signs.iter().any(|sign| content.contains(sign));
        if block.language == "console" || block.marker.is_some() || !shows_one {
            continue;
        }
        let named = NOT_RUN
            .iter()
            .position(|(start, _)| content.contains(start));
        match named {
            Some(place) => seen[place] = true,
            None => panic!("README.md: a block that nothing runs:\n{content}"),
        }
    }
    for ((start, reason), seen) in NOT_RUN.iter().zip(seen) {
        assert!(seen, "README.md no longer shows {start:?} ({reason})");
    }
}

/// The markers that something reads; another one would be a block that nothing runs.
#[test]
fn every_marked_block_is_known() {
    let text = readme();
    let mut markers: Vec<String> = blocks(&text)
        .into_iter()
        .filter_map(|block| block.marker)
        .collect();
    markers.sort_unstable();
    let mut known: Vec<String> = queries::EXAMPLES.map(|e| format!("example: {e}")).into();
    known.extend(["command: run", "command: test", "output: recent"].map(String::from));
    known.sort_unstable();
    assert_eq!(markers, known);
}
