//! The harness itself: it finds what is wrong, and what it plays matters.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use tempfile::TempDir;

use super::super::delta::{Row, committed, newest_run};
use super::super::run::Outcome;
use super::super::site::{content, read_columns, write_parquet};
use super::checks::Tables;
use super::events::{Event, RUNS, Schedule};
use super::{Player, in_process};

/// Adds one to the first value of a column in some data file of a table.
fn plant(output: &Path, table: &str, column: &str) {
    let table = output.join(table);
    let files = content(&table);
    let mut files = files
        .keys()
        .filter(|path| path.extension().is_some_and(|kind| kind == "parquet"));
    let newest = |path: &&std::path::PathBuf| {
        let file = fs::metadata(table.join(path)).and_then(|file| file.modified());
        file.expect("a time")
    };
    let path = table.join(files.by_ref().max_by_key(newest).expect("a data file"));
    let mut columns = read_columns(&path);
    let planted = columns.iter_mut().find(|(name, _)| name == column);
    let (_, array) = planted.expect("the column");
    let mut values: Vec<Option<i64>> = array.as_primitive::<Int64Type>().iter().collect();
    values[0] = values[0].map(|value| value + 1);
    *array = Arc::new(Int64Array::from(values));
    write_parquet(&path, &columns, WriterProperties::default());
}

#[test]
fn a_wrong_value_in_a_table_is_found() {
    for (table, name) in [
        ("delivery_kpi_hourly", "hourly"),
        ("delivery_kpi", "delivery"),
    ] {
        for fresh_every in [1, u64::MAX] {
            let player = Player {
                program: &in_process,
                fresh_every,
                kills: false,
                incremental: AtomicU64::new(0),
                after_run: &|run, output| {
                    if run == 4 && output.ends_with("out") {
                        plant(output, table, "soft_bounce_events");
                    }
                },
            };
            let failure = player.play(3).expect("a failure");
            let parts = [
                "seed 3 (DELIVERY_KPI_SEED=3), run 4 of 0 to 9".to_owned(),
                format!("  {name}: "),
                "soft_bounce_events is ".to_owned(),
                "deadline = ".to_owned(),
            ];
            for part in parts {
                assert!(failure.contains(&part), "{part:?} is not in {failure}");
            }
            let has_fresh = failure.contains(", in a fresh output ");
            assert_eq!(has_fresh, fresh_every == 1, "{failure}");
        }
    }
}

/// A program that does nothing in one run.
#[test]
fn a_run_that_does_nothing_is_found() {
    let run = AtomicUsize::new(0);
    let lazy = |seed: u64, folder: &Path, output: &Path| match run.fetch_add(1, Ordering::Relaxed) {
        6 => Outcome {
            status: Some(0),
            stdout: String::new(),
            stderr: String::new(),
        },
        _ => in_process(seed, folder, output),
    };
    let player = Player {
        program: &lazy,
        fresh_every: u64::MAX,
        kills: false,
        incremental: AtomicU64::new(0),
        after_run: &|_, _| {},
    };
    let failure = player.play(4).expect("a failure");
    assert!(failure.contains(", run 6 of 0 to 9"), "{failure}");
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => Value::from(1),
        Value::Bool(value) => Value::from(!value),
        Value::Number(number) => Value::from(number.as_f64().expect("a number") + 1.0),
        Value::String(text) => Value::from(format!("{text}?")),
        other => panic!("{other}"),
    }
}

/// Every column that a run does not choose freely is compared, in every row.
#[test]
fn every_column_is_compared() {
    let directory = TempDir::new().expect("a temporary directory");
    let mut schedule = Schedule::new(7, false);
    for _ in 0..4 {
        for event in schedule.events() {
            schedule.play(event);
        }
    }
    schedule.write(directory.path());
    let [out, fresh] = ["out", "fresh"].map(|name| {
        let output = directory.path().join(name);
        let outcome = in_process(7, directory.path(), &output);
        assert!(matches!(outcome.status, Some(0 | 3)), "{}", outcome.text());
        let tables = Tables::read(&output);
        assert_eq!(tables.run, newest_run(&output));
        for (name, rows) in [
            ("delivery_kpi_hourly", &tables.hourly),
            ("delivery_kpi", &tables.deliveries),
        ] {
            let mut others = committed(&output, name);
            assert_eq!(rows.len(), others.len(), "{name}");
            others.retain(|row| !rows.contains(row));
            assert_eq!(others, [], "{name}");
        }
        tables
    });
    let mut tables = out;
    let expected = schedule.expected();
    let wrong = |tables: &Tables| {
        let oracle = tables.against_oracle(&expected, &schedule.layout);
        [oracle, tables.against_fresh(&fresh)]
    };
    assert_eq!(wrong(&tables), [vec![], Vec::<String>::new()]);
    let rows: [fn(&mut Tables) -> &mut Vec<Row>; 2] =
        [|tables| &mut tables.hourly, |tables| &mut tables.deliveries];
    for rows in rows {
        let columns: Vec<String> = rows(&mut tables)[0].keys().cloned().collect();
        for column in columns {
            let last = rows(&mut tables).len() - 1;
            let value = rows(&mut tables)[last][&column].clone();
            rows(&mut tables)[last].insert(column.clone(), other(&value));
            let found = wrong(&tables).map(|wrong| !wrong.is_empty());
            assert_eq!(found, [column != "run_id"; 2], "{column}");
            rows(&mut tables)[last].insert(column, value);
        }
        let row = rows(&mut tables).pop().expect("a row");
        assert!(
            wrong(&tables).iter().all(|wrong| wrong.len() == 1),
            "a row is missing"
        );
        rows(&mut tables).extend([row.clone(), row]);
        assert!(
            wrong(&tables).iter().all(|wrong| wrong.len() == 1),
            "a row is there twice"
        );
        rows(&mut tables).pop();
    }
    let logs = tables.run["logs"].as_array().expect("logs").clone();
    assert!(logs.len() >= 2, "{logs:?}");
    for (place, log) in logs.iter().enumerate() {
        let fates = log.as_object().expect("a log").iter();
        for (name, value) in fates.filter(|(name, _)| name.starts_with("rows_")) {
            tables.run["logs"][place][name] = other(value);
            let found = wrong(&tables).map(|wrong| !wrong.is_empty());
            let is_foretold = log["log"] != "deliveries" && name != "rows_not_selected";
            let adds_up = ![
                "rows_not_selected",
                "rows_unknown_type",
                "rows_test",
                "rows_orphan",
            ]
            .contains(&name.as_str());
            assert_eq!(found, [is_foretold || adds_up, true], "{log}: {name}");
            tables.run["logs"][place][name] = value.clone();
        }
    }
}

/// What each kind of event changes, by the oracle and the job alone: in how many schedules it does.
#[test]
fn every_event_matters() {
    let mut matters: BTreeMap<Event, usize> = BTreeMap::new();
    for seed in 0..150 {
        let mut schedule = Schedule::new(seed, true);
        let result = |schedule: &Schedule| {
            let expected = schedule.expected();
            // Which tables there are is a result, too.
            let has_parts = schedule.settings.has_parts;
            let tables = (expected.hourly, expected.deliveries, has_parts);
            format!("{:?}", (tables, expected.fates))
        };
        for _ in 0..RUNS {
            for event in schedule.events() {
                let before = result(&schedule);
                schedule.play(event);
                let is_other = before != result(&schedule);
                *matters.entry(event).or_default() += usize::from(is_other);
            }
        }
    }
    for (event, times) in &matters {
        match event {
            Event::Rewriting => assert_eq!(*times, 0, "the rows are the same"),
            _ => assert!(*times > 100, "{matters:?}"),
        }
    }
    assert_eq!(matters.len(), 9, "{matters:?}");
}
