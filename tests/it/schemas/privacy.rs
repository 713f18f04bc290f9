//! No recipient address, name or URL is in any table, log or message. Every text cell of the extracts
//! holds a mark of its own; outside are found those alone that belong there.

mod digests;
mod everywhere;
mod malformed;
mod modes;
mod parts;
mod traces;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use parquet::file::properties::WriterProperties;

use super::super::delta::read_parquet;
use super::super::run::Outcome;
use super::super::site::{Site, content, two_deliveries, write_parquet};
use super::super::world::World;
use super::{FILES, set_in};

const ROWS: usize = 6;
/// The first so many rows of each extract are good.
const GOOD: usize = 4;

/// The mark of a cell, an address. It is short enough to be whole in the statistics of a table.
fn mark(extract: &str, column: &str, row: usize) -> String {
    format!("canary-{extract}-{column}-{row}@X.org")
}

/// Columns of a log or of the deliveries: marks, but for those that have to be understood.
fn columns(
    extract: &str,
    marked: &[&str],
    others: &[(&str, [&str; ROWS])],
) -> Vec<(String, ArrayRef)> {
    let texts = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let of_marks = marked.iter().map(|column| {
        let marks = (0..ROWS).map(|row| mark(extract, column, row)).collect();
        ((*column).to_owned(), texts(marks))
    });
    let of_others = others.iter().map(|(column, values)| {
        let values = values.iter().enumerate().map(|(row, value)| match *value {
            "" => mark(extract, column, row),
            value => value.to_owned(),
        });
        ((*column).to_owned(), texts(values.collect()))
    });
    of_marks.chain(of_others).collect()
}

const NINE: &str = "2026-03-02T09:00:00Z";

/// The columns of each extract that hold marks; those of `l` are the deliveries of all three.
const MARKED: [(&str, &[&str]); 4] = [
    ("l", &["delivery_id"]),
    (
        "s",
        &[
            "message_id",
            "failure_reason",
            "recipient_id",
            "recipient_domain",
            "email",
            "subject",
            "event",
            "status",
            "failure_type",
            "event_at",
        ],
    ),
    (
        "t",
        &[
            "message_id",
            "recipient_id",
            "url_id",
            "url",
            "user_agent",
            "type",
            "event_at",
        ],
    ),
    (
        "d",
        &[
            "label",
            "channel",
            "parent_delivery_id",
            "subject",
            "sender",
            "internal_name",
            "started_at",
        ],
    ),
];

/// Three extracts with a mark in every text; the last two rows of each are rejected.
fn site() -> Site {
    let site = Site::new(&World::default());
    let ids: [String; ROWS] = std::array::from_fn(|row| mark("l", "delivery_id", row));
    let ids: [&str; ROWS] = std::array::from_fn(|row| ids[row].as_str());
    let instants = [NINE, NINE, NINE, NINE, "", NINE];
    let sending = columns(
        "s",
        &MARKED[1].1[..6],
        &[
            ("delivery_id", ids),
            (
                "event",
                [
                    "relayed",
                    "relayed",
                    "hard_bounce",
                    "soft_bounce",
                    "relayed",
                    "",
                ],
            ),
            ("status", ["Sent", "", "", "", "", ""]),
            ("failure_type", ["", "", "", "", "", ""]),
            ("event_at", instants),
        ],
    );
    let tracking = columns(
        "t",
        &MARKED[2].1[..5],
        &[
            ("delivery_id", ids),
            ("type", ["open", "click", "", "opt_out", "open", "open"]),
            (
                "event_at",
                ["2026-03-02T09:30:00Z", NINE, NINE, NINE, "", ""],
            ),
        ],
    );
    let deliveries = columns(
        "d",
        &MARKED[3].1[..6],
        &[
            ("delivery_id", ids),
            ("started_at", [NINE, NINE, NINE, NINE, "", ""]),
            ("modified_at", [NINE, NINE, NINE, NINE, NINE, NINE]),
        ],
    );
    for (file, columns) in FILES.into_iter().zip([sending, tracking, deliveries]) {
        write_parquet(&site.path(file), &columns, WriterProperties::default());
    }
    let log_ids: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![6, 5, 4, 3, 2, 1]));
    for file in &FILES[..2] {
        set_in(&site, file, "log_id", log_ids.clone());
    }
    site
}

/// The marks in a text, up to the first sign that cannot be in one.
fn marks(text: &str) -> BTreeSet<String> {
    let starts = text
        .match_indices("canary-")
        .map(|(start, _)| &text[start..]);
    let is_other = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    let names = starts.map(|rest| rest.split(is_other).next().unwrap_or(rest).to_owned());
    names.collect()
}

/// The marks in all files of a folder, in their bytes and in the rows of those that are Parquet.
fn marks_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, bytes) in content(folder) {
        found.extend(marks(&path.to_string_lossy()));
        found.extend(marks(&String::from_utf8_lossy(&bytes)));
        let extension = path.extension().unwrap_or_default();
        if extension == "parquet" || extension == "parq" {
            for row in read_parquet(&folder.join(&path)) {
                let text = serde_json::to_string(&row).expect("a row as a text");
                found.extend(marks(&text));
            }
        }
    }
    found
}

/// What may be seen of the deliveries whose rows are good.
fn may_be_seen(columns: &[(&str, &str)]) -> BTreeSet<String> {
    let names = columns
        .iter()
        .flat_map(|(extract, column)| (0..ROWS).map(move |row| mark(extract, column, row)));
    names
        .map(|name| name.split('@').next().expect("a name").to_owned())
        .collect()
}

fn assert_only(found: &BTreeSet<String>, allowed: &BTreeSet<String>, context: &str) {
    // Cells of a terminal are cut.
    let is_allowed = |name: &&String| allowed.iter().any(|whole| whole.starts_with(name.as_str()));
    let leaked: Vec<&String> = found.iter().filter(|name| !is_allowed(name)).collect();
    assert!(leaked.is_empty(), "{context}: {leaked:?}");
}

#[test]
fn tables_and_summaries_hold_identifiers_and_labels_of_deliveries_alone() {
    let site = site();
    let in_extracts = marks_below(&site.path("in"));
    assert!(in_extracts.len() >= 19 * ROWS / 2, "{}", in_extracts.len());
    for column in ["s-email", "s-event", "t-type", "t-event_at"] {
        let start = format!("canary-{column}");
        assert!(
            in_extracts.iter().any(|name| name.starts_with(&start)),
            "{start}"
        );
    }
    let in_tables = may_be_seen(&[
        ("l", "delivery_id"),
        ("d", "label"),
        ("d", "channel"),
        ("d", "parent_delivery_id"),
    ]);
    let on_stdout = may_be_seen(&[("l", "delivery_id"), ("d", "label")]);
    let nothing = BTreeSet::new();
    let check = |outcome: &Outcome, context: &str| {
        assert_only(
            &marks(&outcome.stdout),
            &on_stdout,
            &format!("{context}, stdout"),
        );
        assert_only(
            &marks(&outcome.stderr),
            &nothing,
            &format!("{context}, stderr"),
        );
    };

    let dry = site.run_to(3, &["--dry-run"]);
    check(&dry, "dry run");
    assert!(marks(&dry.stdout).len() >= GOOD, "{}", dry.text());
    let run = site.run_to(3, &[]).says(&["rejected"]);
    check(&run, "text");
    assert!(run.stdout.contains("canary-"), "{}", run.text());
    let json = site.run_to(3, &["--log-format", "json", "--full"]);
    assert!(json.json()["run"]["files"].is_array());
    check(&json, "json");

    let found = marks_below(&site.output());
    assert_only(&found, &in_tables, "tables");
    for column in ["l-delivery_id", "d-label", "d-channel"] {
        let start = format!("canary-{column}-0");
        assert!(found.contains(&start), "{start} belongs there: {found:?}");
    }
    // Who names a delivery on the command line finds it in the record of the run.
    let named = mark("l", "delivery_id", 0);
    let some = site.run_to(
        0,
        &["--delivery", &named, "--delivery", "canary-unknown@X.org"],
    );
    let told = marks(&some.stderr);
    assert_only(
        &told,
        &BTreeSet::from(["canary-unknown".to_owned()]),
        "not in the extracts",
    );
}

#[test]
fn errors_hold_no_value_of_a_row() {
    type Spoil = fn(&Site);
    let cases: [(&str, i32, Spoil); 6] = [
        ("a column is missing", 2, |site| {
            super::change(&site.path(FILES[0]), |columns| {
                columns.retain(|(name, _)| name != "message_id");
            });
        }),
        ("a type is not listed", 2, |site| {
            let booleans = arrow::array::BooleanArray::from(vec![true; ROWS]);
            set_in(site, FILES[1], "event_at", Arc::new(booleans));
        }),
        ("identifiers of two kinds", 2, |site| {
            let ids = arrow::array::Int64Array::from(vec![1; ROWS]);
            set_in(site, FILES[1], "delivery_id", Arc::new(ids));
        }),
        ("a file is cut", 1, |site| {
            let path = site.path(FILES[0]);
            let mut bytes = std::fs::read(&path).expect("a file");
            bytes.truncate(bytes.len() - 9);
            std::fs::write(&path, bytes).expect("a cut file");
        }),
        ("a page is not what it was", 1, |site| {
            let path = site.path(FILES[0]);
            let mut bytes = std::fs::read(&path).expect("a file");
            bytes[4..30].fill(0xff);
            std::fs::write(&path, bytes).expect("a spoilt file");
        }),
        ("a text is no UTF-8", 3, |site| {
            let bytes = vec![&b"canary-bytes@\xff\xfe"[..]; ROWS];
            set_in(site, FILES[0], "event", Arc::new(BinaryArray::from(bytes)));
        }),
    ];
    for (context, status, spoil) in cases {
        for format in ["text", "json"] {
            let site = site();
            spoil(&site);
            let run = site.run(&["--log-format", format]);
            assert_eq!(run.status, Some(status), "{context}: {}", run.text());
            assert!(run.stderr.len() > 20, "{context}: {}", run.text());
            assert_only(&marks(&run.stderr), &BTreeSet::new(), context);
            if status != 3 {
                assert_eq!(run.stdout, "", "{context}");
                assert_only(&marks_below(&site.output()), &BTreeSet::new(), context);
            }
        }
    }
}

/// The identifiers of deliveries are the only integers of the logs that are in a table.
#[test]
fn integer_identifiers_of_recipients_stay_inside_too() {
    let mut world = two_deliveries();
    let secret = |row: usize| 7_340_033_000_000_000 + row as i64;
    for (row, report) in world.sending.iter_mut().enumerate() {
        report.recipient_id = Some(secret(row));
        report.log_id = Some(secret(100 + row));
    }
    for (row, opened) in world.tracking.iter_mut().enumerate() {
        opened.recipient_id = Some(secret(200 + row));
        opened.url_id = Some(secret(300 + row));
    }
    let site = Site::new(&world);
    let run = site.run_to(0, &[]);
    let rows = |folder: &Path| -> String {
        let files = content(folder).into_keys();
        let tables = files.filter(|path| path.extension().is_some_and(|end| end == "parquet"));
        let rows = tables.flat_map(|path| read_parquet(&folder.join(path)));
        rows.map(|row| serde_json::to_string(&row).expect("a row as a text"))
            .collect()
    };
    assert!(
        rows(&site.path("in")).contains("7340033000000300"),
        "the identifiers are there"
    );
    let outside = rows(&site.output()) + &run.text();
    assert!(
        outside.contains("Second") && !outside.contains("7340033000000"),
        "{outside}"
    );
}
