//! One value of a row.

use crate::model::{DeliveryId, Instant};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use serde_json::{Value as Json, json};

/// A value of a row, whatever its column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// There is none.
    Null,
    /// A counter, or another integer.
    Count(i64),
    /// A rate, of 1.
    Rate(f64),
    /// A boolean.
    Flag(bool),
    /// A text.
    Text(String),
    /// A point in time.
    Instant(Instant),
}

impl Cell {
    /// The value for a machine; instants in RFC 3339.
    pub fn json(&self) -> Json {
        match self {
            Cell::Null => Json::Null,
            Cell::Count(count) => json!(count),
            Cell::Rate(rate) => json!(rate),
            Cell::Flag(flag) => json!(flag),
            Cell::Text(text) => json!(text),
            Cell::Instant(instant) => json!(instant.to_string()),
        }
    }

    /// The value of a column in a row; none, if no column of the tables is of this type.
    pub(super) fn at(column: &ArrayRef, row: usize) -> Option<Cell> {
        if column.is_null(row) {
            return Some(Cell::Null);
        }
        Some(match column.data_type() {
            DataType::Int64 => Cell::Count(column.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => Cell::Rate(column.as_primitive::<Float64Type>().value(row)),
            DataType::Boolean => Cell::Flag(column.as_boolean().value(row)),
            DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let micros = column.as_primitive::<TimestampMicrosecondType>();
                Cell::Instant(Instant::from_micros(micros.value(row)))
            }
            _ => return None,
        })
    }

    /// The value as the identifier of a delivery, if it may be one.
    pub(super) fn into_id(self) -> Option<DeliveryId> {
        match self {
            Cell::Count(number) => Some(DeliveryId::Number(number)),
            Cell::Text(text) => Some(DeliveryId::Text(text.into())),
            Cell::Null | Cell::Rate(_) | Cell::Flag(_) | Cell::Instant(_) => None,
        }
    }
}
