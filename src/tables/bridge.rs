//! Frames to record batches and back, copying: polars and arrow share no types, and the unsafe
//! bridge between them is not worth it for tables of this size.

use super::TableError;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Field, Float64Type, Int64Type, Schema,
    TimeUnit as ArrowUnit, TimestampMicrosecondType,
};
use polars::prelude::*;
use std::sync::Arc;

/// The frame as a record batch; all columns but the keys may be null.
pub fn to_batch(frame: &DataFrame) -> Result<RecordBatch, TableError> {
    let mut fields = Vec::with_capacity(frame.width());
    let mut arrays = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        let array = to_array(column)?;
        let field = Field::new(column.name().as_str(), array.data_type().clone(), true);
        fields.push(field);
        arrays.push(array);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn to_array(column: &Column) -> Result<ArrayRef, TableError> {
    Ok(match column.dtype() {
        DataType::Int64 => Arc::new(column.i64()?.iter().collect::<Int64Array>()),
        DataType::Float64 => Arc::new(column.f64()?.iter().collect::<Float64Array>()),
        DataType::Boolean => Arc::new(column.bool()?.iter().collect::<BooleanArray>()),
        DataType::String => Arc::new(column.str()?.iter().collect::<StringArray>()),
        DataType::Date => Arc::new(column.date()?.physical().iter().collect::<Date32Array>()),
        DataType::Datetime(..) => {
            let micros = column.datetime()?.physical().iter();
            Arc::new(
                micros
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            )
        }
        other => {
            let name = column.name();
            return Err(polars_err!(InvalidOperation: "column {name} of type {other}").into());
        }
    })
}

/// Record batches of one table as a frame with the columns of `like`, whatever their order.
pub fn to_frame(
    table: &'static str,
    batches: &[RecordBatch],
    like: &DataFrame,
) -> Result<DataFrame, TableError> {
    let mut columns = Vec::with_capacity(like.width());
    for wanted in like.columns() {
        let mut whole = wanted.clear();
        for batch in batches {
            whole.append(&to_column(table, batch, wanted)?)?;
        }
        columns.push(whole);
    }
    Ok(DataFrame::new_infer_height(columns)?)
}

fn to_column(
    table: &'static str,
    batch: &RecordBatch,
    wanted: &Column,
) -> Result<Column, TableError> {
    let name = wanted.name().clone();
    let mismatch = |found: String| TableError::Published {
        table,
        column: name.to_string(),
        expected: wanted.dtype().to_string(),
        found,
    };
    let array = batch
        .column_by_name(&name)
        .ok_or_else(|| mismatch("no such column".to_owned()))?;
    let column = match (array.data_type(), wanted.dtype()) {
        (ArrowType::Int64, DataType::Int64) => Column::new(
            name,
            array.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(),
        ),
        (ArrowType::Float64, DataType::Float64) => Column::new(
            name,
            array
                .as_primitive::<Float64Type>()
                .iter()
                .collect::<Vec<_>>(),
        ),
        (ArrowType::Boolean, DataType::Boolean) => {
            Column::new(name, array.as_boolean().iter().collect::<Vec<_>>())
        }
        (ArrowType::Utf8, DataType::String) => {
            Column::new(name, array.as_string::<i32>().iter().collect::<Vec<_>>())
        }
        (ArrowType::Date32, DataType::Date) => {
            let days: Vec<_> = array.as_primitive::<Date32Type>().iter().collect();
            Column::new(name, days).cast(&DataType::Date)?
        }
        (ArrowType::Timestamp(ArrowUnit::Microsecond, _), DataType::Datetime(..)) => {
            let micros: Vec<_> = array
                .as_primitive::<TimestampMicrosecondType>()
                .iter()
                .collect();
            Column::new(name, micros).cast(wanted.dtype())?
        }
        (found, _) => return Err(mismatch(found.to_string())),
    };
    Ok(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_bridge() {
        let utc = DataType::Datetime(TimeUnit::Microseconds, None);
        let frame = DataFrame::new_infer_height(vec![
            Column::new("delivery_id".into(), [Some(1i64), None]),
            Column::new("rate".into(), [None, Some(0.5f64)]),
            Column::new("done".into(), [Some(true), None]),
            Column::new("label".into(), [Some("a"), None]),
            Column::new("hour".into(), [Some(7i64), None])
                .cast(&utc)
                .expect("instants"),
            Column::new("date".into(), [Some(3i32), None])
                .cast(&DataType::Date)
                .expect("days"),
        ])
        .expect("a frame");
        let batch = to_batch(&frame).expect("a batch");
        let back = to_frame("t", &[batch.clone(), batch], &frame).expect("a frame");
        assert_eq!(back.height(), 4);
        assert!(back.head(Some(2)).equals_missing(&frame));
        assert!(back.tail(Some(2)).equals_missing(&frame));
        let other =
            DataFrame::new_infer_height(vec![Column::new("rate".into(), [1i64])]).expect("a frame");
        let error = to_frame("t", &[to_batch(&frame).expect("a batch")], &other);
        assert!(error.is_err_and(|error| error.to_string().contains("column rate")));
    }
}
