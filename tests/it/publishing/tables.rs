//! Columns and types as the contract has them, and how the files and logs of the tables are made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use serde_json::Value;

use super::super::delta::{newest_run, read_parquet};
use super::super::oracle::{COUNTERS, RATES};
use super::super::run::PARENTS_TABLE;
use super::super::site::{HOUR, NINE, Site, number, report, tracked, two_deliveries};
use super::super::world::{Layout, World};
use super::{TABLES, commits};

/// [`two_deliveries`] over two days, in an order of its own, after two runs.
fn site(layout: &Layout) -> Site {
    let mut world = two_deliveries();
    for id in [9, 4, 7] {
        world
            .sending
            .push(report(id, 1, "relayed", NINE - 10 * HOUR * id));
        world.tracking.push(tracked(id, 1, "open", NINE - HOUR));
    }
    let site = Site::laid_out(&world, layout);
    site.run_to(0, &[]);
    world.tracking.push(tracked(4, 1, "click", NINE - HOUR));
    site.rewrite(&world, layout);
    site.run_to(0, &["--delivery", &layout.delivery_id(4)]);
    assert_eq!(newest_run(&site.output())["run_number"], 2);
    site
}

fn columns_of(path: &Path) -> BTreeMap<String, DataType> {
    let file = File::open(path).expect("a data file");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let fields = builder.schema().fields().clone();
    fields
        .iter()
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect()
}

/// All data files that a commit of the table ever added, with the action that did.
fn added(output: &Path, table: &str) -> Vec<(PathBuf, Value)> {
    let actions = commits(output, table)
        .into_iter()
        .flat_map(|(_, actions)| actions);
    let adds: Vec<Value> = actions
        .filter_map(|mut action| Some(action.get_mut("add")?.take()))
        .collect();
    assert!(!adds.is_empty(), "{table} has data files");
    let path = |add: &Value| {
        let name = add["path"].as_str().expect("a path");
        output.join(table).join(name.replace("%3D", "="))
    };
    adds.into_iter().map(|add| (path(&add), add)).collect()
}

/// Names and types of the columns as the metadata of the table has them.
fn declared(output: &Path, table: &str) -> BTreeMap<String, Value> {
    let metadata = metadata(output, table);
    let schema = metadata["schemaString"].as_str().expect("a schema");
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let fields = schema["fields"].as_array().expect("fields");
    fields
        .iter()
        .map(|field| {
            let name = field["name"].as_str().expect("a name").to_owned();
            (name, field["type"].clone())
        })
        .collect()
}

fn metadata(output: &Path, table: &str) -> Value {
    let actions = commits(output, table)
        .into_iter()
        .flat_map(|(_, actions)| actions);
    let mut found = actions.filter_map(|mut action| Some(action.get_mut("metaData")?.take()));
    found.next_back().expect("metadata")
}

fn counters_and_rates(deltas: bool) -> Vec<(String, &'static str)> {
    let mut columns = Vec::new();
    for (counter, delta) in COUNTERS {
        columns.push((counter.to_owned(), "long"));
        if deltas {
            columns.push((delta.to_owned(), "long"));
        }
    }
    columns.extend(
        RATES
            .iter()
            .map(|(rate, _, _)| ((*rate).to_owned(), "double")),
    );
    columns
}

#[test]
fn columns_are_those_of_the_contract() {
    for string_ids in [false, true] {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = site(&layout);
        let id = if string_ids { "string" } else { "long" };
        let with = |deltas, others: &[(&str, &'static str)]| -> BTreeMap<String, Value> {
            let mut columns = counters_and_rates(deltas);
            columns.extend(
                others
                    .iter()
                    .map(|(name, kind)| ((*name).to_owned(), *kind)),
            );
            columns
                .into_iter()
                .map(|(name, kind)| (name, kind.into()))
                .collect()
        };
        let hourly = with(
            true,
            &[
                ("delivery_id", id),
                ("hour", "timestamp"),
                ("hour_complete", "boolean"),
                ("run_id", "string"),
                ("date", "date"),
            ],
        );
        assert_eq!(declared(&site.output(), "delivery_kpi_hourly"), hourly);
        let deliveries = with(
            false,
            &[
                ("delivery_id", id),
                ("label", "string"),
                ("channel", "string"),
                ("parent_delivery_id", id),
                ("to_deliver", "long"),
                ("efs", "boolean"),
                ("started_at", "timestamp"),
                ("first_event_at", "timestamp"),
                ("last_event_at", "timestamp"),
                ("final_at", "timestamp"),
                ("is_final", "boolean"),
                ("as_of", "timestamp"),
                ("run_id", "string"),
            ],
        );
        assert_eq!(declared(&site.output(), "delivery_kpi"), deliveries);

        // And in the files: INT64, DOUBLE, TIMESTAMP in microseconds of UTC.
        for (table, declared) in [
            ("delivery_kpi_hourly", hourly),
            ("delivery_kpi", deliveries),
        ] {
            for (path, _) in added(&site.output(), table) {
                let found = columns_of(&path);
                for (name, kind) in &declared {
                    if name == "date" {
                        assert!(!found.contains_key(name), "a partition is in the path");
                        continue;
                    }
                    let expected = match kind.as_str() {
                        Some("long") => DataType::Int64,
                        Some("double") => DataType::Float64,
                        Some("boolean") => DataType::Boolean,
                        Some("string") => DataType::Utf8,
                        _ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                    };
                    assert_eq!(found.get(name), Some(&expected), "{table}.{name}");
                }
            }
        }
    }
}

#[test]
fn columns_of_parents_are_those_of_hours() {
    for string_ids in [false, true] {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let mut world = two_deliveries();
        for row in &mut world.deliveries {
            row.parent_delivery_id = Some(9);
        }
        let site = Site::laid_out(&world, &layout);
        site.run_job("parents = true\n", &[]).expect_status(0);
        let mut expected = declared(&site.output(), "delivery_kpi_hourly");
        let id = expected.remove("delivery_id").expect("an identifier");
        expected.insert("parent_delivery_id".to_owned(), id);
        assert_eq!(declared(&site.output(), PARENTS_TABLE), expected);
        let partitions = &metadata(&site.output(), PARENTS_TABLE)["partitionColumns"];
        assert_eq!(*partitions, serde_json::json!(["date"]));
        for (path, _) in added(&site.output(), "delivery_kpi_hourly") {
            let mut expected = columns_of(&path);
            let id = expected.remove("delivery_id").expect("an identifier");
            expected.insert("parent_delivery_id".to_owned(), id);
            for (path, _) in added(&site.output(), PARENTS_TABLE) {
                assert_eq!(columns_of(&path), expected);
            }
        }
    }
}

#[test]
fn the_record_of_a_run_says_what_the_contract_asks_for() {
    let site = site(&Layout::default());
    let run = newest_run(&site.output());
    for column in [
        "run_id",
        "program_version",
        "mode",
        "started_at",
        "finished_at",
        "as_of",
    ] {
        assert!(!run[column].is_null(), "{column}: {run:?}");
    }
    assert_eq!(run["program_version"], env!("CARGO_PKG_VERSION"));
    let arguments = run["arguments"].as_array().expect("a list");
    assert_eq!(arguments.first(), Some(&"recompute".into()));
    assert!(
        arguments.iter().any(|argument| argument == "--delivery"),
        "{arguments:?}"
    );
    let logs = run["logs"].as_array().expect("a list");
    let names: Vec<&Value> = logs.iter().map(|log| &log["log"]).collect();
    assert_eq!(names, ["sending_log", "tracking_log", "deliveries"]);
    assert_eq!(logs[1]["newest_event_at"], NINE - HOUR);
    let files = run["files"].as_array().expect("a list");
    assert_eq!(files.len(), 3);
    assert!(
        files.iter().all(|file| file["bytes"].as_i64() > Some(0)),
        "{files:?}"
    );
    let stages = run["stage_seconds"].as_object().expect("a map");
    assert!(stages.len() >= 4 && stages.values().all(|time| time.as_f64() >= Some(0.0)));
    let versions = run["table_versions"].as_object().expect("a map");
    let tables: Vec<&String> = versions.keys().collect();
    assert_eq!(tables, ["delivery_kpi", "delivery_kpi_hourly"]);
    assert!(number(&run, "started_at") <= number(&run, "finished_at"));
}

#[test]
fn every_table_names_its_schema_version_and_partitions() {
    let site = site(&Layout::default());
    for (table, partitions) in [
        ("delivery_kpi_hourly", &["date"][..]),
        ("delivery_kpi", &[]),
        ("kpi_run", &[]),
    ] {
        let metadata = metadata(&site.output(), table);
        let version = metadata["configuration"]["schema_version"].as_str();
        assert!(
            version.is_some_and(|version| !version.is_empty()),
            "{table}: {metadata}"
        );
        let found: Vec<&str> = metadata["partitionColumns"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(found, partitions, "{table}");
    }
    for (path, add) in added(&site.output(), "delivery_kpi_hourly") {
        let date = add["partitionValues"]["date"].as_str().expect("a date");
        let hours = read_parquet(&path)
            .into_iter()
            .map(|row| number(&row, "hour"));
        for hour in hours {
            let hour = jiff::Timestamp::from_microsecond(hour)
                .expect("an hour")
                .to_string();
            assert_eq!(&hour[..10], date, "{}", path.display());
        }
    }
}

/// One name for the transactions of all runs, so that two runs conflict and a run is found again.
#[test]
fn every_commit_of_a_run_carries_its_transaction() {
    let site = site(&Layout::default());
    let mut names = BTreeSet::new();
    for table in TABLES {
        let commits = commits(&site.output(), table);
        assert_eq!(commits.len(), 3, "{table}: made, and two runs");
        for ((_, actions), run) in commits.iter().zip(0..) {
            let of_kind = |kind| actions.iter().filter_map(move |action| action.get(kind));
            let has_data = of_kind("add").chain(of_kind("remove")).next().is_some();
            assert_eq!(has_data, run > 0, "{table}: the table is made without rows");
            for transaction in of_kind("txn") {
                assert_eq!(transaction["version"], run, "{table}");
                names.insert(transaction["appId"].as_str().expect("a name").to_owned());
            }
            assert_eq!(
                of_kind("txn").count(),
                usize::from(run > 0),
                "{table}, version {run}"
            );
        }
    }
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn files_are_zstd_with_statistics_and_sorted() {
    let site = site(&Layout::default());
    for table in TABLES {
        for (path, add) in added(&site.output(), table) {
            let file = File::open(&path).expect("a data file");
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
            let metadata = builder.metadata().clone();
            for group in metadata.row_groups() {
                for column in group.columns() {
                    let context = format!("{table}, {}", column.column_path());
                    let codec = column.compression();
                    assert!(
                        matches!(codec, Compression::ZSTD(_)),
                        "{context}: {codec:?}"
                    );
                    assert!(column.statistics().is_some(), "{context} has no statistics");
                }
            }
            let stats: Value =
                serde_json::from_str(add["stats"].as_str().expect("statistics")).expect("JSON");
            let rows = read_parquet(&path);
            assert!(!rows.is_empty());
            assert_eq!(stats["numRecords"], rows.len() as u64, "{table}");
            if table == "kpi_run" {
                let number = &rows[0]["run_number"];
                assert_eq!(&stats["maxValues"]["run_number"], number);
                continue;
            }
            let key = |row: &super::super::delta::Row| {
                let hour = row.get("hour").and_then(Value::as_i64);
                (number(row, "delivery_id"), hour)
            };
            let keys: Vec<_> = rows.iter().map(key).collect();
            assert!(keys.is_sorted_by(|a, b| a < b), "{table}: {keys:?}");
            assert_eq!(stats["minValues"]["delivery_id"], keys[0].0, "{table}");
            assert_eq!(
                stats["maxValues"]["delivery_id"],
                keys[keys.len() - 1].0,
                "{table}"
            );
            assert_eq!(stats["nullCount"]["delivery_id"], 0, "{table}");
            if table == "delivery_kpi_hourly" {
                let hours = keys.iter().filter_map(|(_, hour)| *hour);
                let (first, last) = (hours.clone().min(), hours.max());
                let micros = |bound: &str| {
                    let text = stats[bound]["hour"].as_str().expect("an instant");
                    let instant: jiff::Timestamp = text.parse().expect("RFC 3339");
                    Some(instant.as_microsecond())
                };
                assert_eq!((micros("minValues"), micros("maxValues")), (first, last));
            }
        }
    }
    let files = added(&site.output(), "delivery_kpi_hourly");
    assert!(
        files.iter().any(|(path, _)| read_parquet(path).len() > 3),
        "there is something to sort"
    );
}

/// Null where there is nothing to divide by; the reader of the tests refuses NaN.
#[test]
fn rates_over_nothing_are_null() {
    let world = World {
        tracking: vec![tracked(1, 11, "open", NINE)],
        sending: vec![report(2, 21, "hard_bounce", NINE)],
        ..World::default()
    };
    let site = Site::new(&world);
    site.run_to(0, &[]);
    let (hours, deliveries) = (site.hourly(), site.deliveries());
    let rows = [
        (
            &hours[&("1".to_owned(), NINE)],
            &["click_to_open_rate", "human_click_to_open_rate"][..],
        ),
        (
            &deliveries["1"],
            &["click_to_open_rate", "human_click_to_open_rate"],
        ),
    ];
    for (row, known) in rows {
        for (rate, _, _) in RATES {
            let expected = known.contains(&rate);
            assert_eq!(!row[rate].is_null(), expected, "{rate}: {row:?}");
        }
    }
    let row = &deliveries["2"];
    assert_eq!(
        (&row["delivered_rate"], &row["hard_bounce_rate"]),
        (&0.0.into(), &1.0.into())
    );
    assert!(
        row["open_rate"].is_null() && row["progress"].is_null(),
        "{row:?}"
    );
}
