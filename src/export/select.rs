//! Which rows are asked for.

use super::ExportError;
use crate::model::{DeliveryId, Instant};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, is_not_null};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use std::collections::BTreeSet;
use std::ops::Range;

/// The rows of some deliveries, which a column names.
pub fn rows_of(
    wanted: &BTreeSet<DeliveryId>,
    rows: &RecordBatch,
    name: &'static str,
) -> Result<RecordBatch, ExportError> {
    let ids = ids_in(rows, name)?;
    let mask: BooleanArray = ids.iter().map(|id| Some(wanted.contains(id))).collect();
    Ok(filter_record_batch(rows, &mask)?)
}

/// The rows that have a value in a column.
pub fn rows_with(rows: &RecordBatch, name: &'static str) -> Result<RecordBatch, ExportError> {
    match rows.column_by_name(name) {
        Some(array) if array.null_count() > 0 => {
            Ok(filter_record_batch(rows, &is_not_null(array)?)?)
        }
        _ => Ok(rows.clone()),
    }
}

/// The rows of hours that start in an interval.
pub fn rows_within(hours: &Range<Instant>, rows: &RecordBatch) -> Result<RecordBatch, ExportError> {
    let starts = instants(rows, "hour")?.into_iter();
    let mask: BooleanArray = starts.map(|start| Some(hours.contains(&start))).collect();
    Ok(filter_record_batch(rows, &mask)?)
}

/// Whether a day, as Delta Lake names it, may hold hours that start in an interval.
pub fn holds_day(hours: &Range<Instant>, day: &str) -> bool {
    let date = |instant: Instant| {
        let text = instant.to_string();
        text.split('T').next().unwrap_or_default().to_owned()
    };
    let last = Instant::from_micros(hours.end.micros() - 1);
    *day >= *date(hours.start) && *day <= *date(last)
}

/// The identifiers of the deliveries, row by row.
pub fn delivery_ids(rows: &RecordBatch) -> Result<Vec<DeliveryId>, ExportError> {
    ids_in(rows, "delivery_id")
}

/// The identifiers in another column, row by row.
pub fn ids_in(rows: &RecordBatch, name: &'static str) -> Result<Vec<DeliveryId>, ExportError> {
    let (column, wrong) = column(rows, name)?;
    if let Some(texts) = column.as_string_opt::<i32>() {
        let texts = texts.iter().flatten();
        return Ok(texts.map(|text| DeliveryId::Text(text.into())).collect());
    }
    let numbers = column.as_primitive_opt::<Int64Type>().ok_or(wrong)?;
    let numbers = numbers.values().iter().copied();
    Ok(numbers.map(DeliveryId::Number).collect())
}

/// The instants of a column, row by row.
pub fn instants(rows: &RecordBatch, name: &'static str) -> Result<Vec<Instant>, ExportError> {
    let (column, wrong) = column(rows, name)?;
    let micros = column.as_primitive_opt::<TimestampMicrosecondType>();
    let micros = micros.ok_or(wrong)?.values().iter().copied();
    Ok(micros.map(Instant::from_micros).collect())
}

/// A column, and the error to give if its type is wrong. Those that are asked for have no nulls.
fn column<'a>(
    rows: &'a RecordBatch,
    name: &'static str,
) -> Result<(&'a ArrayRef, ExportError), ExportError> {
    let wrong = |found: String| ExportError::Column {
        column: name,
        found,
    };
    let Some(array) = rows.column_by_name(name) else {
        return Err(wrong("no such column".to_owned()));
    };
    match array.null_count() {
        0 => Ok((array, wrong(array.data_type().to_string()))),
        nulls => Err(wrong(format!("{nulls} nulls"))),
    }
}

/// Identifiers as they were typed, of the type that the tables have.
pub fn parse_ids(typed: &[String], kind: &DataType) -> Result<BTreeSet<DeliveryId>, ExportError> {
    let id = |(place, text): (usize, &String)| match kind {
        DataType::Int64 => text
            .parse()
            .map(DeliveryId::Number)
            .map_err(|_| ExportError::DeliveryId(place + 1)),
        _ => Ok(DeliveryId::Text(text.as_str().into())),
    };
    typed.iter().enumerate().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HOUR;

    #[test]
    fn days_are_those_that_the_interval_touches() {
        let midnight = Instant::from_micros(1_772_409_600_000_000); // 2026-03-02
        let days = |from: i64, to: i64| {
            let hours = midnight.plus(from)..midnight.plus(to);
            ["2026-03-01", "2026-03-02", "2026-03-03"].map(|day| holds_day(&hours, day))
        };
        assert_eq!(days(0, 24 * HOUR), [false, true, false]);
        assert_eq!(days(-1, 24 * HOUR), [true, true, false]);
        assert_eq!(days(0, 24 * HOUR + 1), [false, true, true]);
        assert_eq!(days(24 * HOUR - 1, 24 * HOUR), [false, true, false]);
    }
}
