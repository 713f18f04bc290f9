//! Every form of an instant, and identifiers and instants as bytes of one length.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, StringArray};
use arrow::datatypes::{DataType, TimeUnit};

use super::super::super::oracle::{self, Mode};
use super::super::super::run::table_differences;
use super::super::super::site::{NOON, Site};
use super::super::super::world::{Absent, DeliveryRow, Instants, Layout, SendingRow};
use super::super::{FILES, as_type};
use super::{INSTANTS, Variant, casts, check, world};

/// Bytes of one length, as some writers store identifiers and times.
#[test]
fn bytes_of_a_fixed_length() {
    let layout = Layout {
        string_ids: true,
        ..Layout::default()
    };
    let fixed = |texts: &ArrayRef| -> ArrayRef {
        let texts = texts.as_any().downcast_ref::<StringArray>().expect("texts");
        let bytes = texts
            .iter()
            .map(|text| text.expect("a text").as_bytes().to_vec());
        Arc::new(FixedSizeBinaryArray::try_from_iter(bytes).expect("one length"))
    };
    let of = |names: &'static [&'static str]| Variant {
        name: format!("{names:?} as bytes of a fixed length"),
        keys: "",
        change: Box::new(move |file: &str, columns: &mut Vec<(String, ArrayRef)>| {
            for (column, array) in columns.iter_mut() {
                if !names.contains(&column.as_str()) || file == FILES[2] {
                    continue;
                }
                *array = match column.as_str() {
                    "event_at" => fixed(&rfc_3339(array)),
                    _ => fixed(array),
                };
            }
        }),
    };
    check(&layout, vec![of(&["delivery_id", "message_id", "url_id"])]);
    check(&layout, vec![of(&["event_at"])]);
}

/// Whole seconds as texts of 20 characters.
pub fn rfc_3339(instants: &ArrayRef) -> ArrayRef {
    let seconds = as_type(instants, &DataType::Int64);
    let seconds = seconds.as_any().downcast_ref::<arrow::array::Int64Array>();
    let text = |micros: Option<i64>| {
        let instant = jiff::Timestamp::from_microsecond(micros.expect("an instant"));
        instant.expect("an instant of this age").to_string()
    };
    let texts: StringArray = seconds
        .expect("integers")
        .iter()
        .map(|m| Some(text(m)))
        .collect();
    Arc::new(texts)
}

#[test]
fn timestamps_of_every_unit_zoned_and_naive() {
    let units = [
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ];
    let zones = [Some("UTC"), Some("+05:30"), Some("Europe/Paris"), None];
    let mut variants = Vec::new();
    for unit in units {
        for zone in zones {
            let to = DataType::Timestamp(unit, zone.map(Into::into));
            variants.push(Variant {
                // Naive ones are in UTC where the job names no other zone; zoned ones are in theirs.
                keys: match zone {
                    Some(_) => "naive_timezone = \"Asia/Kolkata\"\n",
                    None => "",
                },
                ..casts(&INSTANTS, &to)
            });
        }
    }
    check(&Layout::default(), variants);
}

/// Layouts that a cast of columns does not reach: INT96, texts with and without a zone and with a
/// space for the T.
#[test]
fn other_forms_of_instants_and_columns_without_a_value() {
    let of_oracle = oracle::expect(&world(), NOON, Mode::Infer);
    for instants in [Instants::Int96, Instants::Text] {
        let layout = Layout {
            instants,
            ..Layout::default()
        };
        let site = Site::laid_out(&world(), &layout);
        site.run_to(0, &[]);
        let wrong = table_differences(&of_oracle, &site.output(), &layout);
        assert_eq!(wrong, [""; 0], "{instants:?}");
    }

    // Nothing but what is required: absent, typed nulls, or of type null.
    let mut bare = world();
    bare.deliveries = vec![DeliveryRow {
        delivery_id: Some(1),
        ..DeliveryRow::default()
    }];
    for row in &mut bare.sending {
        let (delivery, message) = (row.delivery_id, row.message_id);
        let (event, event_at) = (row.event.clone(), row.event_at);
        *row = SendingRow {
            delivery_id: delivery,
            message_id: message,
            event,
            event_at,
            ..SendingRow::default()
        };
    }
    let of_oracle = oracle::expect(&bare, NOON, Mode::Infer);
    for absent in [Absent::Omitted, Absent::TypedNulls, Absent::NullType] {
        let layout = Layout {
            absent,
            ..Layout::default()
        };
        let site = Site::laid_out(&bare, &layout);
        site.run_to(0, &[]);
        let wrong = table_differences(&of_oracle, &site.output(), &layout);
        assert_eq!(wrong, [""; 0], "{absent:?}");
    }
}
