//! The tables of the rules of `explain` and of the findings of `check`.

use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::Path;

use delivery_kpi::history::Rule;
use serde_json::Value;

use super::Copy;
use super::blocks::replaced;

/// What `explain` calls rows that do not count, with what it says of them.
const WITHOUT_EFFECT: [(&str, &str); 5] = [
    (
        "superseded",
        "of the rows with its log_id another one wins: by revision, or by the order of equal revisions",
    ),
    (
        "duplicate",
        "the same row, or the same report, stands elsewhere too, and counts there",
    ),
    (
        "deletion",
        "it wins its log_id, so that no row with this log_id counts",
    ),
    ("future", "it is at or after as-of"),
    ("rejected", ""),
];

/// The text with both tables as they must be.
pub fn renewed(text: &str, copy: &Copy) -> String {
    let tables = [("rules", rules()), ("findings", findings(copy))];
    tables
        .into_iter()
        .fold(text.to_owned(), |text, (name, table)| {
            replaced(&text, &[(place(&text, name), table)])
        })
}

/// Where the table after a marker is: the lines that start with a bar, after an empty one.
fn place(text: &str, name: &str) -> Range<usize> {
    let marker = format!("<!-- table: {name} -->\n");
    let from = text.find(&marker).expect("the marker of a table") + marker.len();
    let lines = text[from..].split_inclusive('\n').enumerate();
    let of_table = |(place, line): &(usize, &str)| match place {
        0 => line.trim().is_empty() || line.starts_with('|'),
        _ => line.starts_with('|'),
    };
    let length: usize = lines.take_while(of_table).map(|(_, line)| line.len()).sum();
    from..from + length
}

fn rules() -> String {
    let mut table = "\n| rule | what it says |\n|---|---|\n".to_owned();
    for rule in Rule::ALL {
        writeln!(table, "| `{}` | {} |", rule.name(), rule.meaning()).expect("a text");
    }
    let source = source_of("explain");
    for (name, meaning) in WITHOUT_EFFECT {
        // The names are private: at least the source has them, each with its sentence.
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
        assert!(source.contains(meaning), "{meaning}");
        let meaning = match name {
            "rejected" => "the row breaks the contract: column and reason stand in its line",
            _ => meaning,
        };
        writeln!(table, "| `{name}` | {meaning} |").expect("a text");
    }
    table
}

fn source_of(command: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/commands")
        .join(command);
    let entries = fs::read_dir(folder).expect("the folder of a command");
    let text = |entry: std::io::Result<fs::DirEntry>| {
        fs::read_to_string(entry.expect("an entry").path()).expect("a source")
    };
    entries.map(text).collect()
}

/// `check` gives every finding, also where there is nothing of it.
fn findings(copy: &Copy) -> String {
    let outcome = copy.shell("delivery-kpi check jobs/sample.toml --json");
    let said: Value = serde_json::from_str(&outcome.stdout).expect("one JSON object");
    let mut table =
        "\n| finding | counts | what it means | needs a look |\n|---|---|---|---|\n".to_owned();
    for finding in said["findings"].as_array().expect("findings") {
        let text = |key: &str| finding[key].as_str().expect("a text");
        let name = text("name");
        writeln!(
            table,
            "| `{name}` | {} | {} | {} |",
            text("unit"),
            text("meaning"),
            needs_look(name)
        )
        .expect("a text");
        let (count, look) = (finding["count"].as_u64(), finding["needs_look"].as_bool());
        match needs_look(name) {
            any if any.starts_with("if there is any") => {
                assert_eq!(look, count.map(|count| count > 0), "{name}")
            }
            _ => assert_eq!(
                look,
                Some(false),
                "{name}: the sample has no such gap or age"
            ),
        }
    }
    table
}

fn needs_look(finding: &str) -> &'static str {
    match finding {
        "other-files" | "duplicates" | "superseded" | "deleted" | "future" | "tracking-newest" => {
            "never"
        }
        "sending-gaps" | "tracking-gaps" => "if one is as long as `--max-gap` says (24 h)",
        "no-delivered" => "if there is any, unless `deadline = \"reported\"`",
        "sending-newest" => "if it is older than `--max-age` says (no limit)",
        _ => "if there is any",
    }
}
