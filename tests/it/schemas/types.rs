//! Every type that the contract lists gives the same numbers.

mod instants;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, NullArray, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use rayon::prelude::*;

use super::super::delta::Row;
use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{
    HOUR, MINUTE, NINE, NOON, Site, delivery, number, report, tracked, without_run,
};
use super::super::world::{DeliveryRow, Instants, Layout, SendingRow, TrackingRow, World};
use super::{FILES, as_type, change, fates, set, set_in};
use instants::rfc_3339;

/// A value in every column, and corrections in both logs, so that every column decides something.
fn world() -> World {
    let sending = |log_id, row: SendingRow| SendingRow {
        failure_reason: Some("5".to_owned()),
        recipient_id: Some(70 + log_id),
        recipient_domain: Some("example.org".to_owned()),
        log_id: Some(log_id),
        revision: Some(0),
        deleted: Some(false),
        is_test: Some(false),
        ..row
    };
    let tracking = |log_id, row: TrackingRow| TrackingRow {
        recipient_id: Some(70 + log_id),
        url_id: Some(3),
        log_id: Some(log_id),
        revision: Some(0),
        deleted: Some(false),
        is_test: Some(false),
        machine: Some(log_id % 2 == 0),
        ..row
    };
    let attributes = |row: DeliveryRow, efs, end| DeliveryRow {
        channel: Some("email".to_owned()),
        parent_delivery_id: Some(9),
        started_at: Some(NINE),
        validity_end: Some(NINE + end),
        modified_at: Some(NINE + end),
        to_deliver: Some(40),
        efs: Some(efs),
        ..row
    };
    let relayed = |delivery, message| report(delivery, message, "relayed", NINE + MINUTE);
    let later = |delivery, message, event| report(delivery, message, event, NINE + HOUR);
    let mut world = World {
        deliveries: vec![
            attributes(delivery(1, "Old"), true, HOUR),
            attributes(delivery(1, "First"), false, 2 * HOUR),
            attributes(delivery(2, "Second"), true, 48 * HOUR),
        ],
        sending: vec![
            sending(1, relayed(1, 11)),
            sending(2, relayed(1, 12)),
            sending(3, relayed(2, 11)),
            sending(4, relayed(2, 13)),
            sending(5, relayed(2, 14)),
            sending(6, later(1, 11, "soft_bounce")),
            sending(7, later(1, 12, "delivered")),
            sending(8, later(2, 11, "delivered")),
            sending(9, later(2, 13, "hard_bounce")),
            sending(9, later(2, 13, "soft_bounce")),
            sending(10, later(2, 14, "delivered")),
        ],
        tracking: vec![
            tracking(1, tracked(1, 12, "2", NINE + HOUR)),
            tracking(2, tracked(2, 11, "1", NINE + HOUR)),
            tracking(3, tracked(2, 11, "3", NINE + 2 * HOUR)),
            tracking(4, tracked(2, 13, "6", NINE + 2 * HOUR)),
            tracking(4, tracked(2, 13, "6", NINE + 2 * HOUR)),
        ],
    };
    world.sending[8].revision = Some(1);
    world.sending[10].is_test = Some(true);
    world.tracking[4].revision = Some(2);
    world.tracking[4].deleted = Some(true);
    world
}

type Tables = (
    BTreeMap<(String, i64), Row>,
    BTreeMap<String, Row>,
    Vec<[i64; 3]>,
);

/// The tables of a run that rejects no row, and the fates of all rows.
fn tables(site: &Site, keys: &str, name: &str) -> Tables {
    let run = site.run_job(keys, &[]);
    assert_eq!(run.status, Some(0), "{name}: {}", run.text());
    let fates = ["sending_log", "tracking_log", "deliveries"].map(|log| fates(site, log));
    (
        without_run(&site.hourly()),
        without_run(&site.deliveries()),
        fates.to_vec(),
    )
}

/// Changes the columns of a file, which is named.
type Change<'a> = dyn Fn(&str, &mut Vec<(String, ArrayRef)>) + Sync + Send + 'a;

/// The same extracts in other types, which must give the same tables.
struct Variant<'a> {
    name: String,
    keys: &'a str,
    change: Box<Change<'a>>,
}

fn check(layout: &Layout, variants: Vec<Variant<'_>>) {
    let plain = Site::laid_out(&world(), layout);
    let expected = tables(&plain, "", "as the contract has it");
    let from_oracle = oracle::expect(&world(), NOON, Mode::Infer);
    assert_eq!(
        table_differences(&from_oracle, &plain.output(), layout),
        [""; 0]
    );
    assert_eq!(expected.2, [[11, 11, 0], [5, 5, 0], [3, 3, 0]]);
    assert_eq!(
        number(&expected.1[&layout.delivery_id(1)], "failed_by_deadline"),
        1
    );
    let wrong: Vec<String> = variants
        .into_par_iter()
        .filter_map(|variant| {
            let site = Site::laid_out(&world(), layout);
            for file in FILES {
                change(&site.path(file), |columns| (variant.change)(file, columns));
            }
            let run = site.run_job(variant.keys, &[]);
            if run.status != Some(0) {
                return Some(format!("{}: {}", variant.name, run.text()));
            }
            let found = tables(&site, variant.keys, &variant.name);
            (found != expected).then(|| format!("{}: {found:#?}", variant.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const INTEGERS: [&str; 7] = [
    "delivery_id",
    "message_id",
    "parent_delivery_id",
    "recipient_id",
    "log_id",
    "revision",
    "to_deliver",
];
const CODES: [&str; 3] = ["failure_reason", "type", "url_id"];
const BOOLEANS: [&str; 4] = ["deleted", "is_test", "machine", "efs"];
const INSTANTS: [&str; 4] = ["event_at", "started_at", "validity_end", "modified_at"];

/// Casts every column of these names.
fn casts<'a>(names: &'a [&'a str], to: &DataType) -> Variant<'a> {
    let (name, to) = (format!("{names:?} as {to}"), to.clone());
    Variant {
        name,
        keys: "",
        change: Box::new(move |_, columns| {
            for (column, array) in columns.iter_mut() {
                if names.contains(&column.as_str()) {
                    *array = as_type(array, &to);
                }
            }
        }),
    }
}

#[test]
fn integers_of_any_width() {
    let types = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Decimal32(9, 0),
        DataType::Decimal64(18, 0),
        DataType::Decimal128(20, 0),
        DataType::Decimal128(38, 0),
        DataType::Decimal256(76, 0),
    ];
    let names = [&INTEGERS[..], &CODES].concat();
    let mut variants: Vec<_> = types.iter().map(|to| casts(&names, to)).collect();
    // Booleans as 0 and 1 of every width but decimals, which arrow does not cast from booleans.
    variants.extend(types[..8].iter().map(|to| casts(&BOOLEANS, to)));
    check(&Layout::default(), variants);
}

#[test]
fn whole_doubles_in_optional_columns() {
    let optional = [
        "parent_delivery_id",
        "recipient_id",
        "log_id",
        "revision",
        "to_deliver",
        "failure_reason",
        "url_id",
    ];
    let types = [DataType::Float16, DataType::Float32, DataType::Float64];
    check(
        &Layout::default(),
        types.iter().map(|to| casts(&optional, to)).collect(),
    );
}

#[test]
fn strings_plain_large_view_dictionary_and_bytes() {
    let dictionary = |key: DataType, value| DataType::Dictionary(Box::new(key), Box::new(value));
    let types = [
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        dictionary(DataType::Int8, DataType::Utf8),
        dictionary(DataType::UInt16, DataType::Utf8),
        dictionary(DataType::Int32, DataType::LargeUtf8),
        dictionary(DataType::Int64, DataType::Utf8),
        dictionary(DataType::Int32, DataType::Binary),
    ];
    let texts = [
        "delivery_id",
        "message_id",
        "parent_delivery_id",
        "recipient_id",
        "recipient_domain",
        "event",
        "failure_reason",
        "type",
        "url_id",
        "label",
        "channel",
    ];
    let layout = Layout {
        string_ids: true,
        ..Layout::default()
    };
    let with_instants = [&texts[..], &INSTANTS].concat();
    let variants = types.iter().map(|to| casts(&texts, to)).collect();
    check(&layout, variants);
    let instants = Layout {
        instants: Instants::Text,
        ..layout
    };
    let variants = types.iter().map(|to| casts(&with_instants, to)).collect();
    check(&instants, variants);
}

/// A required column of type null is there: each of its rows is rejected, and no file.
#[test]
fn a_required_column_of_type_null_is_all_nulls() {
    let site = Site::laid_out(&world(), &Layout::default());
    set_in(&site, FILES[1], "message_id", Arc::new(NullArray::new(5)));
    site.run_to(3, &[])
        .says(&["tracking_log, message_id: null: 5 rows"]);
    assert_eq!(fates(&site, "tracking_log"), [5, 5, 5]);
    assert_eq!(fates(&site, "sending_log"), [11, 11, 0]);
}

/// Each file as another writer wrote it: widths, kinds of strings and units differ.
#[test]
fn types_may_differ_from_file_to_file() {
    let layout = Layout {
        files: 3,
        ..Layout::default()
    };
    let site = Site::laid_out(&world(), &layout);
    let expected = tables(&site, "", "one type");
    let other = Site::laid_out(&world(), &layout);
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
    for log in ["in/sending_log", "in/tracking_log"] {
        for (file, integer, text, instant) in [
            (
                "part-000.parquet",
                DataType::Int8,
                DataType::Utf8View,
                nanos.clone(),
            ),
            (
                "day=1/part-001.parq",
                DataType::UInt64,
                DataType::Binary,
                DataType::Utf8,
            ),
            (
                "part-002.parquet",
                DataType::Decimal128(20, 0),
                DataType::LargeUtf8,
                DataType::Timestamp(TimeUnit::Second, Some("+01:00".into())),
            ),
        ] {
            change(&other.path(log).join(file), |columns| {
                for (name, array) in columns.iter_mut() {
                    *array = match name.as_str() {
                        name if INTEGERS.contains(&name) => as_type(array, &integer),
                        "event" => as_type(array, &text),
                        "event_at" if instant == DataType::Utf8 => rfc_3339(array),
                        "event_at" => as_type(array, &instant),
                        _ => continue,
                    };
                }
            });
        }
    }
    let found = tables(&other, "", "many types");
    assert_eq!(found, expected);
}

/// Columns beyond the contract's are ignored, whatever they hold.
#[test]
fn other_columns_are_ignored() {
    let site = Site::laid_out(&world(), &Layout::default());
    let expected = tables(&site, "", "without");
    for file in FILES {
        change(&site.path(file), |columns| {
            let rows = columns[0].1.len();
            let days = as_type(&columns[0].1, &DataType::Int32);
            let mut others = vec![("zzz".to_owned(), as_type(&days, &DataType::Date32))];
            others.push((
                "Event".to_owned(),
                Arc::new(NullArray::new(rows)) as ArrayRef,
            ));
            others.append(columns);
            *columns = others;
            let texts: StringArray = vec![Some("x"); rows].into_iter().collect();
            set(columns, "email", Arc::new(texts));
        });
    }
    assert_eq!(tables(&site, "", "with"), expected);
}
