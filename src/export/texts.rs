//! Nested columns as JSON texts, for formats that have none.

use super::ExportError;
use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use std::sync::Arc;

/// The columns, texts in the place of nested ones.
pub fn flat_schema(schema: &Schema) -> SchemaRef {
    let flat = |field: &FieldRef| match field.data_type().is_nested() {
        true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        false => field.clone(),
    };
    let fields: Vec<FieldRef> = schema.fields().iter().map(flat).collect();
    Arc::new(Schema::new(fields))
}

/// The rows in these columns.
pub fn flat(rows: &RecordBatch, flat_schema: &SchemaRef) -> Result<RecordBatch, ExportError> {
    let schema = rows.schema();
    let fields = schema.fields().iter().zip(rows.columns());
    let columns = fields.map(|(field, array)| match field.data_type().is_nested() {
        true => texts(field, array),
        false => Ok(array.clone()),
    });
    let columns: Result<Vec<ArrayRef>, ArrowError> = columns.collect();
    Ok(RecordBatch::try_new(flat_schema.clone(), columns?)?)
}

fn texts(field: &FieldRef, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, array, &options)?;
    let mut texts = StringBuilder::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        let mut text = Vec::new();
        encoder.encode(row, &mut text);
        texts.append_value(String::from_utf8_lossy(&text));
    }
    Ok(Arc::new(texts.finish()))
}
