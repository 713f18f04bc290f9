//! The invariants of the house, kept by reading the sources: which room names which, and what no room
//! may use.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::{Source, sources};

/// Data moves to the right only.
const ROOMS: [&str; 16] = [
    "disk", "stores", "model", "extracts", "decode", "history", "rollup", "tables", "publish",
    "export", "report", "engine", "state", "generate", "import", "commands",
];

/// Outside the rooms: what the user typed, the resolved job, errors with their exit codes. The rooms up
/// to the engine know none of them.
const AROUND: [&str; 3] = ["cli", "job", "error"];

/// A use that breaks a rule for a good reason. One that no longer occurs must go from the list.
struct Exception {
    file: &'static str,
    names: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: [Exception; 1] = [Exception {
    file: "main.rs",
    names: "clap",
    reason: "calls Cli::parse, a function of clap's trait",
}];

/// The broken rules that have no exception, and the exceptions that broke none.
#[derive(Default)]
struct Verdict {
    wrong: Vec<String>,
    used: BTreeSet<(&'static str, &'static str)>,
}

impl Verdict {
    fn breaks(&mut self, source: &Source, names: &str, rule: &str) {
        let known = EXCEPTIONS
            .iter()
            .find(|exception| exception.file == source.name && exception.names == names);
        match known {
            Some(known) => drop(self.used.insert((known.file, known.names))),
            None => self
                .wrong
                .push(format!("src/{} names {names}: {rule}", source.name)),
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn rooms_name_earlier_rooms_alone() {
    let sources = sources(&src());
    let mut seen = 0;
    for (place, room) in ROOMS.into_iter().enumerate() {
        let of_room: Vec<&Source> = sources
            .iter()
            .filter(|source| source.room == room)
            .collect();
        assert!(!of_room.is_empty(), "there is no room {room}");
        for source in of_room {
            let named = source.rooms_named();
            seen += named.len();
            for name in named {
                let Some(other) = ROOMS.iter().position(|room| **room == *name) else {
                    // Only the commands know what was typed and what it comes to.
                    assert!(
                        room == "commands" && AROUND.contains(&name.as_str()),
                        "src/{} names crate::{name}",
                        source.name
                    );
                    continue;
                };
                assert!(
                    other <= place,
                    "src/{} names the later room {name}",
                    source.name
                );
            }
        }
    }
    assert!(seen > 40, "paths between rooms are found at all: {seen}");
    let rooms: BTreeSet<&str> = sources.iter().map(|source| source.room.as_str()).collect();
    let known: BTreeSet<&str> = ROOMS
        .into_iter()
        .chain(AROUND)
        .chain(["main", "lib"])
        .collect();
    assert_eq!(rooms, known, "a new room needs its place in the order");
    // The engine runs the stages up to the counts; rates and commits are not its business.
    for source in sources.iter().filter(|source| source.room == "engine") {
        let named = source.rooms_named();
        assert!(
            ["tables", "publish", "export", "report"]
                .iter()
                .all(|room| !named.contains(*room)),
            "{}",
            source.name
        );
    }
    // A file is made of the published tables alone.
    for source in sources.iter().filter(|source| source.room == "export") {
        let named = source.rooms_named();
        let allowed = BTreeSet::from(["disk", "model", "publish"].map(str::to_owned));
        assert!(named.is_subset(&allowed), "src/{}: {named:?}", source.name);
    }
    // So is a page.
    for source in sources.iter().filter(|source| source.room == "report") {
        let named = source.rooms_named();
        let allowed =
            BTreeSet::from(["export", "model", "publish", "report", "tables"].map(str::to_owned));
        assert!(named.is_subset(&allowed), "src/{}: {named:?}", source.name);
    }
    // Publishing does not know what an open is.
    for source in sources.iter().filter(|source| source.room == "publish") {
        let named = source.rooms_named();
        let allowed = BTreeSet::from(["disk", "publish", "stores", "tables"].map(str::to_owned));
        assert!(named.is_subset(&allowed), "src/{}: {named:?}", source.name);
    }
}

#[test]
fn crates_stay_in_their_rooms() {
    /// A crate and the rooms that may name it.
    const HOMES: [(&str, &[&str]); 20] = [
        (
            "arrow",
            &[
                "extracts", "decode", "tables", "publish", "export", "report", "generate", "import",
            ],
        ),
        ("parquet", &["extracts", "export", "generate", "import"]),
        ("polars", &["tables"]),
        ("rayon", &["engine", "rollup", "generate", "import"]),
        ("clap", &["cli"]),
        ("deltalake", &["publish"]),
        ("object_store", &["stores"]),
        ("tempfile", &["disk"]),
        ("memmap2", &["engine"]),
        ("bytes", &["extracts", "publish", "stores"]),
        ("snap", &["extracts"]),
        ("sha2", &["extracts", "import"]),
        ("xxhash_rust", &["extracts", "engine", "state"]),
        ("tokio", &["publish", "stores"]),
        ("async_trait", &["publish", "stores"]),
        ("toml", &["job"]),
        ("csv_core", &["import"]),
        ("indicatif", &["commands"]),
        ("minijinja", &["report"]),
        ("base64", &["report"]),
    ];
    let sources = sources(&src());
    let mut verdict = Verdict::default();
    for (name, homes) in HOMES {
        let naming: Vec<&Source> = sources
            .iter()
            .filter(|source| source.names_crate(name))
            .collect();
        assert!(!naming.is_empty(), "no file names {name}");
        for source in naming {
            if !homes.contains(&source.room.as_str()) {
                verdict.breaks(source, name, &format!("it belongs in {homes:?}"));
            }
        }
    }
    // The pure rooms: events in, counts out.
    for source in sources.iter() {
        if ["model", "history", "rollup"].contains(&source.room.as_str()) {
            for name in ["arrow", "parquet", "polars", "deltalake", "tokio", "serde"] {
                assert!(
                    !source.names_crate(name),
                    "src/{} names {name}",
                    source.name
                );
            }
        }
    }
    assert_eq!(verdict.wrong, [""; 0]);
}

#[test]
fn the_clock_the_environment_and_the_working_directory_are_read_in_one_room() {
    /// Paths, as their last two segments or the one that tells.
    const READS: [&[&str]; 9] = [
        &["Instant", "now"],
        &["Moment", "now"],
        &["SystemTime"],
        &["Timestamp", "now"],
        &["Zoned", "now"],
        &["Utc", "now"],
        &["std", "env"],
        &["current_dir"],
        &["now_v7"],
    ];
    let sources = sources(&src());
    let mut verdict = Verdict::default();
    let mut in_job = BTreeSet::new();
    for source in &sources {
        for path in READS {
            if !source.has_path(path) {
                continue;
            }
            if source.room == "job" {
                in_job.insert(path);
            } else {
                verdict.breaks(source, path[path.len() - 1], "the clock only in job");
            }
        }
    }
    assert!(
        in_job.len() >= 3,
        "the job reads the clock and the environment: {in_job:?}"
    );
    assert_eq!(verdict.wrong, [""; 0]);
}

/// An exception that no file needs any more is a hole.
#[test]
fn every_exception_is_needed() {
    let sources = sources(&src());
    for Exception {
        file,
        names,
        reason,
    } in EXCEPTIONS
    {
        let source = sources.iter().find(|source| source.name == file);
        let source = source.unwrap_or_else(|| panic!("there is no src/{file}"));
        assert!(
            source.names_crate(names) || source.has_path(&[names]),
            "src/{file} no longer names {names}"
        );
        assert!(!reason.is_empty());
    }
}

#[test]
fn nothing_gives_up_but_tests() {
    const CALLS: [&str; 2] = ["unwrap", "expect"];
    const MACROS: [&str; 4] = ["panic", "todo", "unimplemented", "dbg"];
    let mut wrong = Vec::new();
    let mut calls = 0;
    for source in sources(&src()) {
        calls += source.count_calls("map") + source.count_calls("collect");
        for name in CALLS
            .into_iter()
            .filter(|name| source.count_calls(name) > 0)
        {
            wrong.push(format!("src/{}: .{name}()", source.name));
        }
        for name in MACROS.into_iter().filter(|name| source.has_macro(name)) {
            wrong.push(format!("src/{}: {name}!", source.name));
        }
    }
    assert!(calls > 100, "calls are found at all: {calls}");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn unsafe_code_is_forbidden() {
    let lib = fs::read_to_string(src().join("lib.rs")).expect("lib.rs");
    assert!(lib.contains("#![forbid(unsafe_code)]"));
    for source in sources(&src()) {
        assert!(!source.has_word("unsafe"), "src/{}", source.name);
    }
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    let files = sources(&src());
    assert!(files.len() > 40, "{}", files.len());
    for source in files {
        let most = if source.name == "main.rs" { 59 } else { 400 };
        if source.lines > most {
            long.push(format!(
                "src/{}: {} lines, at most {most}",
                source.name, source.lines
            ));
        }
    }
    assert_eq!(long, [""; 0]);
}

/// A test that is not run is none.
#[test]
fn no_test_is_left_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = 0;
    for folder in ["src", "tests"] {
        for (path, text) in source::texts(&root.join(folder)) {
            tests += text.matches("#[test]").count();
            assert!(!text.contains(concat!("#[", "ignore")), "{folder}/{path}");
        }
    }
    assert!(tests > 100, "{tests}");
}

/// A file that no module names is not even compiled.
#[test]
fn every_file_of_tests_is_named_by_a_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let texts = source::texts(&root);
    assert!(texts.len() > 40, "{}", texts.len());
    for (path, _) in texts.iter().filter(|(path, _)| path != "main.rs") {
        let whole = path.trim_end_matches(".rs");
        let (parent, name) = match whole.rsplit_once('/') {
            Some((parent, name)) => (format!("{parent}.rs"), name),
            None => ("main.rs".to_owned(), whole),
        };
        let parent = texts.iter().find(|(path, _)| *path == parent);
        let (_, text) = parent.unwrap_or_else(|| panic!("{path} has no parent"));
        assert!(text.contains(&format!("mod {name};")), "{path}");
    }
}
