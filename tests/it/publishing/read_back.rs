//! Another implementation of Delta Lake reads the same rows.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::super::delta::{self, Row};
use super::super::python::interpreter;
use super::super::site::{MINUTE, NINE, Site, tracked, two_deliveries};
use super::super::world::Layout;

/// Whether a value is the same: there, instants are texts, here they are microseconds.
fn is_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(micros), Value::String(text)) => {
            let instant: Result<jiff::Timestamp, _> = text.parse();
            instant.is_ok_and(|instant| Some(instant.as_microsecond()) == micros.as_i64())
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => is_same_row(ours, theirs),
        (ours, theirs) => ours == theirs,
    }
}

fn is_same_row(ours: &Row, theirs: &Row) -> bool {
    let same = |(name, value)| {
        theirs
            .get(name)
            .is_some_and(|theirs| is_same(value, theirs))
    };
    ours.len() == theirs.len() && ours.iter().all(same)
}

fn key(row: &Row) -> String {
    let part = |name: &str| row.get(name).map_or(String::new(), ToString::to_string);
    ["delivery_id", "run_number", "date"].map(part).join(" ")
}

#[test]
fn another_reader_sees_the_same_rows() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_back.py");
    for string_ids in [false, true] {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = Site::laid_out(&two_deliveries(), &layout);
        site.run_to(0, &[]);
        let mut next = two_deliveries();
        next.tracking
            .push(tracked(2, 21, "open", NINE + 15 * MINUTE));
        next.deliveries[0].label = Some("Größe, \"zitiert\"".to_owned());
        next.deliveries[1].started_at = Some(NINE - 1);
        site.rewrite(&next, &layout);
        site.run_to(0, &[]);
        // A run that died leaves versions that nobody must read.
        site.rewrite(&two_deliveries(), &layout);
        site.run_to(0, &[]);
        super::undo_commit(&site.output(), "kpi_run");

        let output = Command::new(interpreter())
            .arg(script)
            .arg(site.output())
            .output()
            .expect("Python starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let lines = String::from_utf8(output.stdout).expect("a text");
        let mut tables = BTreeMap::new();
        for line in lines.lines() {
            let table: Value = serde_json::from_str(line).expect("a line of JSON");
            let name = table["table"].as_str().expect("a name").to_owned();
            tables.insert(name, table["rows"].as_array().expect("rows").clone());
        }
        for (table, rows) in [
            ("delivery_kpi_hourly", 5),
            ("delivery_kpi", 2),
            ("kpi_run", 2),
        ] {
            let mut ours = match table {
                "kpi_run" => delta::read(&site.output().join(table), None),
                _ => delta::committed(&site.output(), table),
            };
            let theirs = tables[table]
                .iter()
                .map(|row| row.as_object().expect("a row").clone());
            let mut theirs: Vec<Row> = theirs.collect();
            assert_eq!(ours.len(), rows, "{table}");
            let hour = |row: &Row| row.get("hour").map(ToString::to_string);
            ours.sort_by_key(|row| (key(row), hour(row)));
            theirs.sort_by_key(|row| (key(row), hour(row)));
            assert_eq!(ours.len(), theirs.len(), "{table}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert!(is_same_row(ours, theirs), "{table}\n{ours:?}\n{theirs:?}");
            }
        }
        let label = &tables["delivery_kpi"][0]["label"];
        assert_eq!(label, "Größe, \"zitiert\"");
    }
}
