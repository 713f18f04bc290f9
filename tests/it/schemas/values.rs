//! Values that are none of the contract's: the row is rejected, counted by reason and file, and every
//! other row counts as before.

mod instants;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Decimal128Array, Decimal256Array, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::i256;

use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{MINUTE, NINE, NOON, Site, delivery, number, report, tracked};
use super::super::world::{Layout, SendingRow, World};
use super::{FILES, as_type, fates, rejections, second_file, set_in};

/// Four messages in four rows, each with a `log_id`; four tracking rows; four deliveries.
fn world() -> World {
    let mut world = World {
        deliveries: (1..=4).map(|id| delivery(id, "A label")).collect(),
        sending: (1..=4)
            .map(|id| SendingRow {
                log_id: Some(100 - id),
                ..report(id, 10 + id, "relayed", NINE + id * MINUTE)
            })
            .collect(),
        tracking: (1..=4)
            .map(|id| tracked(id, 10 + id, "open", NINE + id * MINUTE))
            .collect(),
    };
    for row in &mut world.tracking {
        row.url_id = Some(7);
    }
    world
}

/// The place of the row that is spoilt.
const BAD: usize = 2;

/// Spoils one value of a column of one extract. The other rows count, this one is rejected.
fn rejected(extract: usize, column: &str, array: ArrayRef, reason: &str) {
    let names = ["sending_log", "tracking_log", "deliveries"];
    let files = ["part-000.parquet", "part-000.parquet", "deliveries.parquet"];
    let layout = Layout::default();
    let site = Site::laid_out(&world(), &layout);
    set_in(&site, FILES[extract], column, array);
    let context = format!("{}, {column}: {reason}", names[extract]);
    let run = site.run(&[]);
    assert_eq!(run.status, Some(3), "{context}: {}", run.text());
    run.says(&[&format!("{context}: 1 row"), files[extract]]);
    let expected = vec![(column.to_owned(), reason.to_owned(), 1)];
    assert_eq!(
        rejections(&site, names[extract], files[extract]),
        expected,
        "{context}"
    );
    for (place, name) in names.into_iter().enumerate() {
        let rejected = i64::from(place == extract);
        assert_eq!(fates(&site, name), [4, 4, rejected], "{context}: {name}");
    }
    let mut rest = world();
    match extract {
        0 => drop(rest.sending.remove(BAD)),
        1 => drop(rest.tracking.remove(BAD)),
        _ => drop(rest.deliveries.remove(BAD)),
    }
    let expected = oracle::expect(&rest, NOON, Mode::Infer);
    assert_eq!(
        table_differences(&expected, &site.output(), &layout),
        [""; 0],
        "{context}"
    );
}

const RANGE: &str = "outside the signed 64-bit range";
const WHOLE: &str = "not a whole number of 64 bits";
const UTF8: &str = "not UTF-8";
const YEARS: &str = "instant outside the years 1990 to 2099";
const BOOLEAN: &str = "neither true, false, 0 nor 1";

#[test]
fn integers_outside_the_signed_64_bits() {
    let above = i64::MAX as u64 + 1;
    rejected(
        0,
        "delivery_id",
        Arc::new(UInt64Array::from(vec![1, 2, above, 4])),
        RANGE,
    );
    rejected(
        0,
        "message_id",
        Arc::new(UInt64Array::from(vec![11, 12, u64::MAX, 14])),
        RANGE,
    );
    rejected(
        0,
        "log_id",
        Arc::new(UInt64Array::from(vec![9, 8, above, 6])),
        RANGE,
    );
    let decimals = vec![11, 12, i128::from(i64::MIN) - 1, 14];
    let decimals = Decimal128Array::from(decimals).with_precision_and_scale(38, 0);
    rejected(
        1,
        "message_id",
        Arc::new(decimals.expect("decimals")),
        RANGE,
    );
    let large = i256::from_i128(i128::MAX);
    let decimals = [i256::ONE, i256::ONE, large, i256::ONE].to_vec();
    let decimals = Decimal256Array::from(decimals).with_precision_and_scale(76, 0);
    rejected(1, "url_id", Arc::new(decimals.expect("decimals")), RANGE);
    rejected(
        2,
        "delivery_id",
        Arc::new(UInt64Array::from(vec![1, 2, above, 4])),
        RANGE,
    );
    rejected(2, "to_deliver", Arc::new(to_deliver(above)), RANGE);
}

fn to_deliver(third: u64) -> UInt64Array {
    UInt64Array::from(vec![None, None, Some(third), None])
}

/// The greatest and the smallest integer are identifiers like others.
#[test]
fn integers_at_the_ends_of_the_64_bits_are_exact() {
    let ends = [i64::MAX, i64::MAX - 1, i64::MIN, -1];
    let site = Site::new(&world());
    for file in FILES {
        set_in(
            &site,
            file,
            "delivery_id",
            Arc::new(Int64Array::from(ends.to_vec())),
        );
    }
    for file in &FILES[..2] {
        set_in(
            &site,
            file,
            "message_id",
            Arc::new(Int64Array::from(ends.to_vec())),
        );
    }
    site.run_to(0, &[]);
    let rows = site.deliveries();
    assert_eq!(rows.len(), 4);
    for id in ends {
        let row = &rows[&id.to_string()];
        assert_eq!(
            (number(row, "processed"), number(row, "opens")),
            (1, 1),
            "{id}"
        );
        assert_eq!(row["label"], "A label", "{id}");
    }
}

#[test]
fn doubles_that_are_not_whole() {
    for bad in [1.5, -0.25, f64::NAN, f64::INFINITY, 9.3e18, -1e300] {
        let doubles = |first: f64| -> ArrayRef {
            Arc::new(Float64Array::from(vec![
                first,
                first + 1.0,
                bad,
                first + 2.0,
            ]))
        };
        rejected(0, "log_id", doubles(5.0), WHOLE);
        rejected(0, "failure_reason", doubles(1.0), WHOLE);
        rejected(
            1,
            "url_id",
            Arc::new(Float64Array::from(vec![7.0, 7.0, bad, 7.0])),
            WHOLE,
        );
        let alone = vec![None, None, Some(bad), None];
        rejected(2, "to_deliver", Arc::new(Float64Array::from(alone)), WHOLE);
    }
}

#[test]
fn bytes_that_are_not_utf_8() {
    let bytes = |good: [&'static [u8]; 3]| -> ArrayRef {
        Arc::new(BinaryArray::from(vec![
            good[0],
            good[1],
            b"\xff\xfe\xfd",
            good[2],
        ]))
    };
    rejected(0, "event", bytes([b"relayed"; 3]), UTF8);
    rejected(0, "failure_reason", bytes([b"1", b"2", b"full"]), UTF8);
    rejected(1, "type", bytes([b"open"; 3]), UTF8);
    rejected(2, "label", bytes([b"A label"; 3]), UTF8);
    let channels = vec![None, None, Some(&b"\xc3"[..]), None];
    rejected(2, "channel", Arc::new(BinaryArray::from(channels)), UTF8);
}

#[test]
fn numbers_that_are_no_booleans() {
    let numbers = |bad: i32| -> ArrayRef {
        Arc::new(Int32Array::from(vec![Some(0), None, Some(bad), Some(0)]))
    };
    for bad in [2, -1] {
        rejected(0, "deleted", numbers(bad), BOOLEAN);
        rejected(0, "is_test", numbers(bad), BOOLEAN);
        rejected(1, "is_test", numbers(bad), BOOLEAN);
    }
    let alone = vec![None, None, Some(7), None];
    rejected(2, "efs", Arc::new(Int32Array::from(alone)), BOOLEAN);
}

#[test]
fn nulls_where_a_value_is_needed() {
    let integers = |first: i64| -> ArrayRef {
        Arc::new(Int64Array::from(vec![
            Some(first),
            Some(first + 1),
            None,
            Some(first + 3),
        ]))
    };
    for extract in [0, 1] {
        rejected(extract, "delivery_id", integers(1), "null");
        rejected(extract, "message_id", integers(11), "null");
    }
    rejected(2, "delivery_id", integers(1), "null");
    let labels = |label: &'static str| -> ArrayRef {
        Arc::new(StringArray::from(vec![
            Some(label),
            Some(label),
            None,
            Some(label),
        ]))
    };
    rejected(0, "event", labels("relayed"), "null");
    rejected(1, "type", labels("open"), "null");
    let without_log_id = Int32Array::from(vec![Some(0), None, Some(1), None]);
    rejected(
        1,
        "deleted",
        Arc::new(without_log_id),
        "a deletion without log_id",
    );
}

/// Rejections are told by file, the sums by log.
#[test]
fn rejections_are_counted_by_reason_and_file() {
    let site = Site::new(&world());
    let second = second_file(&site);
    let bad = vec!["relayed", "Relais", "teleported", "relayed"];
    set_in(&site, FILES[0], "event", Arc::new(StringArray::from(bad)));
    super::change(&second, |columns| {
        let stamps = TimestampSecondArray::from(vec![0, NINE / 1_000_000, 1, 2]);
        super::set(columns, "event_at", Arc::new(stamps));
        let events = vec![None, Some("unheard of"), Some("relayed"), Some("relayed")];
        super::set(columns, "event", Arc::new(StringArray::from(events)));
    });
    let label = "unknown label or code";
    site.run_to(3, &[]).says(&[
        &format!("sending_log, event: {label}: 3 rows"),
        "sending_log, file part-000.parquet: 2 rows",
        "sending_log, file part-001.parquet: 4 rows",
        "LEFT OUT      6",
    ]);
    let row = |column: &str, reason: &str, rows| (column.to_owned(), reason.to_owned(), rows);
    assert_eq!(
        rejections(&site, "sending_log", "part-000.parquet"),
        [row("event", label, 2)]
    );
    let mut found = rejections(&site, "sending_log", "part-001.parquet");
    found.sort();
    let expected = [
        row("event", "null", 1),
        row("event", label, 1),
        row("event_at", YEARS, 2),
    ];
    assert_eq!(found, expected);
    assert_eq!(fates(&site, "sending_log"), [8, 8, 6]);
}

/// Whether a row is rejected must not depend on where its rows stand.
#[test]
fn the_order_of_rows_decides_nothing_about_rejections() {
    let run = |order: [usize; 4]| {
        let site = Site::new(&world());
        let of = |values: [f64; 4]| -> ArrayRef {
            Arc::new(Float64Array::from(
                order.map(|place| values[place]).to_vec(),
            ))
        };
        let columns = [
            (
                "delivery_id",
                as_type(
                    &of([1.0, 2.0, 3.0, 4.0]),
                    &arrow::datatypes::DataType::Int64,
                ),
            ),
            (
                "message_id",
                as_type(
                    &of([11.0, 12.0, 13.0, 14.0]),
                    &arrow::datatypes::DataType::Int64,
                ),
            ),
            (
                "log_id",
                as_type(
                    &of([1.0, 2.0, 3.0, 4.0]),
                    &arrow::datatypes::DataType::Int64,
                ),
            ),
            ("revision", of([0.0, 0.0, 1.5, 0.0])),
        ];
        for (name, array) in columns {
            set_in(&site, FILES[0], name, array);
        }
        let run = site.run(&[]);
        let processed: i64 = site
            .deliveries()
            .values()
            .map(|row| number(row, "processed"))
            .sum();
        (run.status, fates(&site, "sending_log"), processed)
    };
    let (rising, falling) = (run([0, 1, 2, 3]), run([3, 2, 1, 0]));
    assert_eq!(
        falling,
        (Some(3), [4, 4, 1], 3),
        "a revision of 1.5 is none"
    );
    assert_eq!(rising, falling, "log_id rising, and falling");
}
