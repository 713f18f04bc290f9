//! The text for people says what the object says.

use serde_json::Value;

use super::super::snapshots::snapshot;
use super::super::world::Layout;
use super::{DELIVERIES, HOURLY, diff, four_runs};

const FOUND: [(&str, bool, bool); 3] = [
    ("only in OLD", true, false),
    ("only in NEW", false, true),
    ("differs", true, true),
];

/// The lines of the rows of a table.
fn section<'a>(text: &'a str, table: &str) -> Vec<&'a str> {
    let head = format!("{table}: ");
    let lines = text.lines().skip_while(|line| !line.starts_with(&head));
    lines.skip(1).take_while(|line| !line.is_empty()).collect()
}

#[test]
fn the_text_has_every_fact_of_the_object() {
    let site = four_runs(&Layout::default());
    for runs in [["run:1", "run:2"], ["run:1", "run:3"], ["run:3", "run:2"]] {
        let answer = diff(&site, &[&runs[..], &["--json"]].concat()).data();
        let text = diff(&site, &[&runs[..], &["--limit", "0"]].concat()).expect_status(0);
        assert_eq!(text.stderr, "");
        let text = text.stdout;
        for (place, side) in [("OLD", "old"), ("NEW", "new")] {
            let run = &answer[side];
            let named = ["as_of", "finished_at", "run_id"].map(|key| run[key].as_str().expect(key));
            let [as_of, finished, id] = named;
            let line = format!(
                "{place}  run {} as of {as_of}, finished {finished}, run_id {id}\n",
                run["run_number"]
            );
            assert!(text.contains(&line), "{line}{text}");
        }
        let totals = answer["totals"].as_array().expect("totals");
        for total in totals {
            let counter = total["counter"].as_str().expect("a name");
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{counter} ")));
            let cells: Vec<&str> = line.expect("a line").split_whitespace().collect();
            let difference = total["difference"].as_i64().expect("a number");
            let expected = [
                counter.to_owned(),
                total["old"].to_string(),
                total["new"].to_string(),
                format!("{difference:+}"),
            ];
            assert_eq!(cells, expected);
        }
        for table in [DELIVERIES, HOURLY] {
            let rows = answer[table].as_array().expect("rows");
            let lines = section(&text, table);
            assert_eq!(lines.len(), rows.len(), "{text}");
            for (row, line) in rows.iter().zip(lines) {
                assert_line(row, line);
            }
            let tally = &answer["rows"][table];
            let head = format!(
                "{table}: {} only in OLD, {} only in NEW, {} in both that differ\n",
                tally["only_old"], tally["only_new"], tally["different"]
            );
            assert!(text.contains(&head) || rows.is_empty(), "{head}{text}");
        }
    }
}

/// A value as people are shown it.
fn shown(value: &Value, digits: usize) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Number(number) if number.is_f64() => {
            format!("{:.digits$} %", number.as_f64().expect("a rate") * 100.0)
        }
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => text.clone(),
        Value::String(text) => format!("\"{}\"", text.replace('\u{1b}', " ")),
        value => value.to_string(),
    }
}

/// A line names its row, and each column that differs with both values.
fn assert_line(row: &Value, line: &str) {
    let sides = [&row["old"], &row["new"]];
    let (found, ..) = FOUND
        .into_iter()
        .find(|(_, old, new)| [*old, *new] == sides.map(Value::is_object))
        .expect("a row of one of them");
    assert!(line.starts_with(found), "{line}");
    let words: Vec<&str> = line[found.len()..].split_whitespace().collect();
    assert_eq!(words[0], row["delivery_id"].to_string());
    if let Some(hour) = row.get("hour") {
        assert_eq!(words[1], hour.as_str().expect("an hour"));
    }
    let [Some(old), Some(new)] = sides.map(Value::as_object) else {
        let side = sides.into_iter().find_map(Value::as_object).expect("a row");
        let is_told = |name: &str| match row.get("hour") {
            Some(_) => name.ends_with("_delta"),
            None => side.contains_key(&format!("{name}_rate")) || name == "processed",
        };
        for (name, value) in side.iter().filter(|(name, _)| is_told(name)) {
            let cell = format!(" {name} {value}");
            let is_there = line.split(',').any(|part| part.ends_with(&cell));
            let says_something = !value.is_null() && value.as_i64() != Some(0);
            assert_eq!(is_there, says_something, "{cell}: {line}");
        }
        return;
    };
    for (name, before) in old {
        let after = &new[name];
        // Rates that differ look different.
        let digits = (1..6).find(|digits| shown(before, *digits) != shown(after, *digits));
        let digits = digits.unwrap_or_else(|| panic!("{name}: {before} and {after}"));
        let shown = [shown(before, digits), shown(after, digits)];
        let cell = format!("{name} {} → {}", shown[0], shown[1]);
        assert!(line.contains(&cell), "{cell}: {line}");
    }
    assert_eq!(
        line.matches(" → ").count(),
        old.len(),
        "no other column: {line}"
    );
}

#[test]
fn so_many_rows_are_shown() {
    let site = four_runs(&Layout::default());
    let shown = |limit: &[&str]| {
        let words = [&["run:1", "run:3"], limit].concat();
        diff(&site, &words).expect_status(0).stdout
    };
    let all = shown(&["--limit", "0"]);
    assert_eq!(shown(&[]), all, "twenty are enough here");
    snapshot("diff", &all);
    let rows = section(&all, HOURLY);
    assert!(rows.len() > 3, "{all}");
    let one = shown(&["--limit", "1"]);
    assert_eq!(section(&one, HOURLY).len(), 2);
    let more = format!("… and {} more; --limit 0 shows all\n", rows.len() - 1);
    assert!(one.ends_with(&more), "{one}");
    assert!(
        shown(&["--limit", &rows.len().to_string()])
            .ends_with(&format!("{}\n", rows[rows.len() - 1]))
    );
    assert!(!all.contains('\u{1b}'), "nothing that steers a terminal");
}

#[test]
fn instants_are_shown_in_the_zone_asked_for() {
    let site = four_runs(&Layout::default());
    let words = ["run:1", "run:2", "--timezone", "Asia/Kolkata"];
    let text = diff(&site, &words).expect_status(0).stdout;
    assert!(
        text.contains("as of 2026-03-02T17:30:00+05:30, finished "),
        "{text}"
    );
    assert!(
        text.contains("differs      2  2026-03-02T14:30:00+05:30  "),
        "{text}"
    );
    assert_eq!(text.matches('Z').count(), 0, "{text}");
}
