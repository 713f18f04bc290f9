//! Addresses in every text of the extracts, looked for in all forms: in what each command says, in all files
//! of the output, in exported files, and in the files where rows wait while a run works.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use delivery_kpi::cli::{Extracts, Meaning, Recompute};
use delivery_kpi::commands::recompute;
use delivery_kpi::engine::{Progress, Room, Stage};
use delivery_kpi::job::{Job, People};
use delivery_kpi::model::Quarantine;

use super::super::super::delta::read_parquet;
use super::super::super::report::data;
use super::super::super::site::{AS_OF, Site, content, outcome};
use super::traces::{Trace, Traces};
use super::{FILES, MARKED, ROWS, mark};

/// Marks of all cells.
fn all_marks() -> impl Iterator<Item = String> {
    let columns = MARKED
        .into_iter()
        .flat_map(|(extract, columns)| columns.iter().map(move |column| (extract, *column)));
    columns.flat_map(|(extract, column)| (0..ROWS).map(move |row| mark(extract, column, row)))
}

pub fn traces() -> Traces {
    Traces::of(all_marks())
}

/// What is in the bytes of all files of a folder and in their names, and in the rows of those that are Parquet.
pub fn traces_below(traces: &Traces, folder: &Path) -> BTreeSet<Trace> {
    let mut found = BTreeSet::new();
    for (path, bytes) in content(folder) {
        found.extend(traces.in_bytes(path.to_string_lossy().as_bytes()));
        found.extend(traces.in_bytes(&bytes));
        if path.extension().is_some_and(|end| end == "parquet") {
            for row in read_parquet(&folder.join(&path)) {
                let text = serde_json::to_string(&row).expect("a row as a text");
                found.extend(traces.in_bytes(text.as_bytes()));
            }
        }
    }
    found
}

/// Panics if there is a trace of a cell outside these columns, or one of them in another form than as it is, or
/// as labels are compared.
#[track_caller]
pub fn assert_only(found: BTreeSet<Trace>, columns: &[(&str, &str)], context: &str) {
    let allowed: BTreeSet<String> = columns
        .iter()
        .flat_map(|(extract, column)| (0..ROWS).map(|row| mark(extract, column, row)))
        .collect();
    let leaked: Vec<Trace> = found
        .into_iter()
        .filter(|(address, form)| !PLAIN.contains(&&form[..]) || !allowed.contains(address))
        .collect();
    assert!(leaked.is_empty(), "{context}: {leaked:?}");
}

const PLAIN: [&str; 2] = ["as it is, plain", "in small letters, plain"];

/// Attributes of deliveries, which the tables show.
pub const IN_TABLES: [(&str, &str); 4] = [
    ("l", "delivery_id"),
    ("d", "label"),
    ("d", "channel"),
    ("d", "parent_delivery_id"),
];

fn tables(site: &Site, words: &[&str]) -> Command {
    let mut command = site.program();
    command.args(words).args(["--output", "out"]);
    command
}

#[test]
fn no_command_says_an_address_in_any_form() {
    let site = super::site();
    let traces = traces();
    let there = traces_below(&traces, &site.path("in"));
    assert!(there.len() > 19 * ROWS / 2, "{}", there.len());
    let check = |command: &mut Command, shown: &[(&str, &str)]| {
        let context = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let end = outcome(command);
        let status = end.status.unwrap_or(-1);
        assert!([0, 3].contains(&status), "{context}: {}", end.text());
        assert_only(traces.in_bytes(end.stderr.as_bytes()), &[], &context);
        assert_only(traces.in_bytes(end.stdout.as_bytes()), shown, &context);
        end
    };
    let recompute = |flags: &[&str]| {
        let mut command = site.recompute();
        command.args(["--as-of", AS_OF]).args(flags);
        check(&mut command, &IN_TABLES)
    };
    recompute(&["--dry-run"]);
    recompute(&[]);
    recompute(&["--log-format", "json", "--full"]);
    recompute(&["--full", "--memory-limit", "300MB", "--threads", "1"]);
    recompute(&["--progress", "always"]);
    assert_only(traces_below(&traces, &site.output()), &IN_TABLES, "output");

    let delivery = mark("l", "delivery_id", 0);
    for words in [
        &["check"][..],
        &["check", "--json"],
        &["verify", "--output", "out"],
        &["stats", &delivery, "--fresh", "--output", "out"],
    ] {
        let mut command = site.command(words);
        if words[0] != "verify" {
            command.args(["--as-of", AS_OF]);
        }
        check(&mut command, &IN_TABLES);
    }
    // Who asks for a message sees its rows: of them what the contract knows, not who the recipient is.
    for words in [&["explain"][..], &["explain", "--json"]] {
        let mut command = site.command(words);
        command.args(["--as-of", AS_OF, &delivery, &mark("s", "message_id", 0)]);
        let shown = [
            &IN_TABLES[..],
            &[("s", "message_id"), ("s", "failure_reason")],
        ];
        check(&mut command, &shown.concat());
    }
    for words in [
        &["stats", &delivery][..],
        &["stats", &delivery, "--json"],
        &["stats"],
        &["diff", "previous", "latest"],
        &["diff", "run:1", "latest", "--json"],
        &["maintain"],
    ] {
        check(&mut tables(&site, words), &IN_TABLES);
    }
    for table in ["delivery_kpi", "delivery_kpi_hourly", "kpi_run"] {
        for ending in ["parquet", "csv", "jsonl"] {
            let file = format!("exported/{table}.{ending}");
            fs::create_dir_all(site.path("exported")).expect("a folder");
            check(&mut tables(&site, &["export", table, &file]), &IN_TABLES);
            check(
                &mut tables(&site, &["export", table, "-", "--format", ending]),
                &IN_TABLES,
            );
        }
    }
    check(&mut tables(&site, &["report", "page.html"]), &IN_TABLES);
    let page = fs::read_to_string(site.path("page.html")).expect("a page");
    let mut on_page = traces.in_bytes(page.as_bytes());
    assert!(on_page.is_empty(), "the data of a page is packed");
    on_page.extend(traces.in_bytes(data(&page).to_string().as_bytes()));
    assert!(!on_page.is_empty(), "labels are shown");
    assert_only(on_page, &IN_TABLES, "page");
    let exported = traces_below(&traces, &site.path("exported"));
    let labels = exported.iter().filter(|(mark, _)| mark.contains("label"));
    assert!(labels.count() > 0, "labels are exported");
    assert_only(exported, &IN_TABLES, "exported files");
    assert_only(traces_below(&traces, &site.output()), &IN_TABLES, "output");
}

/// Looks, whenever a run tells how far it is, at the files that it has open without a name, and at those in
/// its output that are not the tables'.
struct Onlooker<'a> {
    site: &'a Site,
    traces: &'a Traces,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The bytes of the longest file that had no name.
    without_name: usize,
    with_name: BTreeSet<String>,
    traces: BTreeSet<Trace>,
    /// Files that others may read or write.
    open: BTreeSet<String>,
}

impl Onlooker<'_> {
    fn look(&self) {
        let mut seen = self.seen.lock().expect("no panic");
        let folder = fs::canonicalize(self.site.path("")).expect("a folder");
        for entry in fs::read_dir("/proc/self/fd").expect("open files").flatten() {
            let Ok(target) = fs::read_link(entry.path()) else {
                continue;
            };
            if !target.starts_with(&folder) || !target.to_string_lossy().contains("(deleted)") {
                continue;
            }
            let Ok(bytes) = fs::read(entry.path()) else {
                continue;
            };
            let metadata = fs::metadata(entry.path()).expect("an open file");
            if metadata.permissions().mode() & 0o777 != 0o600 {
                seen.open.insert(target.to_string_lossy().into_owned());
            }
            seen.without_name = seen.without_name.max(bytes.len());
            seen.traces.extend(self.traces.in_bytes(&bytes));
        }
        for path in super::modes::not_of_tables(&self.site.output()) {
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            let name = path.file_name().expect("a name").to_string_lossy();
            if metadata.permissions().mode() & 0o777 != 0o600 {
                seen.open.insert(name.clone().into_owned());
            }
            seen.with_name
                .insert(name.rsplit('.').next().unwrap_or(&name).to_owned());
            let bytes = fs::read(&path).unwrap_or_default();
            seen.traces.extend(self.traces.in_bytes(&bytes));
        }
    }
}

impl Progress for Onlooker<'_> {
    fn begins(&self, _: Stage, _: u64) {
        self.look();
    }
    fn advances(&self, _: u64) {
        self.look();
    }
    fn ends(&self) {
        self.look();
    }
}

/// Runs the job in this process, with room for no row: all wait in files.
fn watched(site: &Site, traces: &Traces, flags: Recompute) -> Seen {
    let flags = Recompute {
        extracts: Extracts {
            sending_log: Some(site.path("in/sending_log")),
            tracking_log: Some(site.path("in/tracking_log")),
            deliveries: Some(site.path(FILES[2])),
        },
        output: Some(site.output()),
        meaning: Meaning {
            as_of: Some(AS_OF.to_owned()),
            deadline: None,
        },
        ..flags
    };
    let mut job = Job::resolve(&flags).expect("a job");
    job.sources.room = Some(Room {
        disk: Default::default(),
        memory: 0,
        directory: site.path(""),
    });
    if job.dry_run {
        // Such runs build on no state, and the rows of persons wait as well.
        job.sources.people = People {
            parents: true,
            quarantine: Some(Quarantine::default()),
        };
    }
    let onlooker = Onlooker {
        site,
        traces,
        seen: Mutex::default(),
    };
    recompute::run(&job, &onlooker).expect("a run");
    onlooker.seen.into_inner().expect("no panic")
}

#[test]
fn files_of_waiting_rows_hold_no_address_and_are_the_users_alone() {
    let site = super::site();
    let traces = traces();
    // A run that keeps no state has its rows in files without a name.
    let dry = Recompute {
        dry_run: true,
        ..Recompute::default()
    };
    let seen = watched(&site, &traces, dry);
    assert!(seen.without_name > 0, "rows wait in files");
    assert_only(seen.traces, &[], "files without a name");
    assert_eq!(seen.open, BTreeSet::new());

    let seen = watched(&site, &traces, Recompute::default());
    let rows = BTreeSet::from(["lock".to_owned(), "rows".to_owned()]);
    assert!(seen.with_name.is_superset(&rows), "{:?}", seen.with_name);
    // The state has to know the deliveries, and what was said of them.
    assert_only(seen.traces, &IN_TABLES, "the state while a run works");
    assert_eq!(seen.open, BTreeSet::new());
    let state = traces_below(&traces, &site.output().join("_state"));
    assert_only(state, &IN_TABLES, "state");
}
