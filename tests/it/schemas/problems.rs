//! Schema errors: all problems of all files in one run, exit code 2, nothing published.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::DataType;
use parquet::file::properties::WriterProperties;

use super::super::site::{NINE, spoil_row_group, write_parquet};
use super::super::site::{Site, content, delivery, read_columns, report, runs_published, tracked};
use super::super::world::{DeliveryRow, SendingRow, World};
use super::{FILES, as_type, change, second_file, set, set_in};

fn world() -> World {
    World {
        deliveries: vec![DeliveryRow {
            started_at: Some(NINE),
            ..delivery(1, "First")
        }],
        sending: vec![
            SendingRow {
                recipient_id: Some(5),
                ..report(1, 11, "relayed", NINE)
            },
            report(1, 12, "relayed", NINE),
        ],
        tracking: vec![tracked(1, 11, "open", NINE)],
    }
}

fn remove(columns: &mut Vec<(String, ArrayRef)>, name: &str) {
    let before = columns.len();
    columns.retain(|(column, _)| column != name);
    assert_eq!(columns.len(), before - 1, "there was a column {name}");
}

#[test]
fn all_problems_of_all_files_are_found_in_one_run() {
    let site = Site::new(&world());
    let second = second_file(&site);
    let texts = |text: &str, rows| -> ArrayRef { Arc::new(StringArray::from(vec![text; rows])) };
    change(&site.path(FILES[0]), |columns| {
        remove(columns, "message_id");
        remove(columns, "event");
        set(columns, "is_test", texts("no", 2));
    });
    change(&second, |columns| {
        set(columns, "delivery_id", texts("d-1", 2));
        set(columns, "recipient_id", texts("r-1", 2));
        set(
            columns,
            "event_at",
            Arc::new(Int64Array::from(vec![NINE, NINE])),
        );
    });
    change(&site.path(FILES[1]), |columns| {
        remove(columns, "event_at");
        set(columns, "message_id", texts("m-1", 1));
        set(columns, "type", Arc::new(BooleanArray::from(vec![true])));
    });
    change(&site.path(FILES[2]), |columns| {
        set(columns, "label", Arc::new(Int64Array::from(vec![1])));
        set(columns, "parent_delivery_id", texts("p-1", 1));
        set(columns, "efs", texts("true", 1));
    });
    // Extract, file, column, expected, found.
    let expected = [
        [
            "sending_log",
            "part-000.parquet",
            "message_id",
            "integer or string",
            "no such column",
        ],
        [
            "sending_log",
            "part-000.parquet",
            "event or status",
            "label",
            "neither",
        ],
        [
            "sending_log",
            "part-000.parquet",
            "is_test",
            "boolean",
            "Utf8",
        ],
        [
            "sending_log",
            "part-001.parquet",
            "delivery_id",
            "integer, as in part-000.parquet",
            "Utf8",
        ],
        [
            "sending_log",
            "part-001.parquet",
            "recipient_id",
            "integer, as in part-000.parquet",
            "Utf8",
        ],
        [
            "sending_log",
            "part-001.parquet",
            "event_at",
            "instant",
            "Int64",
        ],
        [
            "tracking_log",
            "part-000.parquet",
            "event_at",
            "instant",
            "no such column",
        ],
        [
            "tracking_log",
            "part-000.parquet",
            "message_id",
            "integer, as in part-001.parquet",
            "Utf8",
        ],
        [
            "tracking_log",
            "part-000.parquet",
            "type",
            "label",
            "Boolean",
        ],
        [
            "deliveries",
            "deliveries.parquet",
            "label",
            "string",
            "Int64",
        ],
        [
            "deliveries",
            "deliveries.parquet",
            "parent_delivery_id",
            "integer, as in",
            "Utf8",
        ],
        ["deliveries", "deliveries.parquet", "efs", "boolean", "Utf8"],
    ];
    let run = site.run_to(2, &[]);
    let problems: Vec<&str> = run.stderr.lines().skip(1).collect();
    for [extract, file, column, wanted, found] in expected {
        let starts = format!("{extract}, file {file}, column {column}: expected {wanted}");
        let is_told = |line: &&str| {
            let told = line.trim().strip_prefix(&starts);
            let after = told.and_then(|told| told.split_once("found "));
            after.is_some_and(|(_, what)| what.contains(found))
        };
        let context = format!("{starts}, found {found}");
        assert!(problems.iter().any(is_told), "{context}: {}", run.text());
    }
    assert_eq!(
        problems.len(),
        expected.len(),
        "and no other: {}",
        run.text()
    );
    assert_eq!(run.stdout, "");
    assert_eq!(runs_published(&site.output()), 0);

    let json = site.run_to(2, &["--log-format", "json"]).json();
    let error = json["error"].as_str().expect("a text");
    assert_eq!(error.lines().count(), 1 + expected.len(), "{error}");
}

/// What is told to be found is the type in the file, as other readers of the file show it.
#[test]
fn the_type_that_is_found_is_that_of_the_file() {
    let site = Site::new(&world());
    let second = second_file(&site);
    change(&second, |columns| {
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["d-1"; 2]));
        set(columns, "delivery_id", ids);
    });
    let run = site.run_to(2, &[]).says(&["found "]);
    assert!(run.stderr.contains("found Utf8"), "{}", run.text());
}

/// What is published stays, whatever later extracts look like.
#[test]
fn a_schema_error_leaves_the_tables_as_they_are() {
    let site = Site::new(&world());
    site.run_to(0, &[]);
    let before = content(&site.output());
    change(&site.path(FILES[0]), |columns| remove(columns, "event_at"));
    site.run_to(2, &[]).says(&["event_at"]);
    assert_eq!(content(&site.output()), before);
}

/// A schema error of a file and one that cannot be read: both are told or the file is told next time,
/// and either way nothing is published.
#[test]
fn bad_files_and_bad_schemas_at_once() {
    let site = Site::new(&world());
    let second = second_file(&site);
    std::fs::write(second, "no Parquet").expect("a bad file");
    change(&site.path(FILES[0]), |columns| {
        remove(columns, "message_id")
    });
    site.run_to(2, &[])
        .says(&["part-000.parquet", "message_id"]);
    assert_eq!(runs_published(&site.output()), 0);
}

#[test]
fn types_that_the_contract_does_not_list() {
    let doubles = || -> ArrayRef { Arc::new(Float64Array::from(vec![1.0, 2.0])) };
    let dates = as_type(&as_type(&doubles(), &DataType::Int32), &DataType::Date32);
    let decimal = as_type(&doubles(), &DataType::Decimal128(20, 2));
    let boolean: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let cases = [
        // Doubles stand for integers in optional columns alone.
        ("delivery_id", doubles(), "Float64"),
        ("message_id", doubles(), "Float64"),
        ("event", doubles(), "Float64"),
        ("delivery_id", decimal.clone(), "Decimal128(20, 2)"),
        ("log_id", decimal, "Decimal128(20, 2)"),
        ("delivery_id", boolean.clone(), "Boolean"),
        ("recipient_domain", boolean.clone(), "Boolean"),
        ("event_at", dates.clone(), "Date32"),
        ("event_at", doubles(), "Float64"),
        ("message_id", dates, "Date32"),
        (
            "log_id",
            Arc::new(StringArray::from(vec!["1", "2"])),
            "Utf8",
        ),
        ("revision", boolean, "Boolean"),
        ("deleted", doubles(), "Float64"),
    ];
    for (column, array, found) in cases {
        let site = Site::new(&world());
        set_in(&site, FILES[0], column, array);
        let run = site.run(&[]);
        assert_eq!(run.status, Some(2), "{column} as {found}: {}", run.text());
        run.says(&[
            "part-000.parquet",
            &format!("column {column}: expected"),
            found,
        ]);
        assert_eq!(runs_published(&site.output()), 0);
    }
}

/// Where a row group cannot be decoded, its file and its number are told.
#[test]
fn a_row_group_that_cannot_be_read_is_named() {
    let mut world = world();
    world.sending = (0..40).map(|id| report(1, id, "relayed", NINE)).collect();
    let site = Site::new(&world);
    spoil_row_group(&site.path(FILES[0]), 2);
    let run = site
        .run_to(1, &[])
        .says(&["sending_log, file part-000.parquet, row group 2"]);
    assert!(!run.stderr.contains("row group 1"), "{}", run.text());
    let json = site.run_to(1, &["--log-format", "json"]).json();
    assert!(
        json["error"]
            .as_str()
            .is_some_and(|text| text.contains("row group 2")),
        "{json}"
    );
    assert_eq!(runs_published(&site.output()), 0);
}

/// A text column whose bytes are no text: the file breaks its own schema, which is told of the file.
#[test]
fn a_file_whose_texts_are_none_is_named() {
    let site = Site::new(&world());
    let bytes = BinaryArray::from(vec![&b"relayed"[..], b"\xff\xff\xff\xff\xff\xff\xff"]);
    // The same bytes, with the type of a text: written as a text of equal length and then spoilt.
    let path = site.path(FILES[0]);
    change(&path, |columns| {
        let texts = StringArray::from(vec!["relayed", "qqqqqqq"]);
        set(columns, "event", Arc::new(texts));
    });
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let columns = read_columns(&path);
    write_parquet(&path, &columns, properties);
    let mut file = std::fs::read(&path).expect("the file");
    let place = file.windows(7).position(|window| window == b"qqqqqqq");
    let place = place.expect("a text that is not compressed");
    file[place..place + 7].copy_from_slice(bytes.value(1));
    std::fs::write(&path, file).expect("a spoilt file");
    let run = site.run(&[]);
    assert!(matches!(run.status, Some(1 | 3)), "{}", run.text());
    run.says(&["part-000.parquet"]);
}
