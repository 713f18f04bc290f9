//! Hours that had ended and changed after all: rows of `kpi_restatement`.

use super::record::from_rows;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// A delivery and hour whose published values a run has changed, though the hour had ended before the
/// as-of of the run before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restatement {
    /// The delivery.
    pub delivery_id: Value,
    /// The hour, in RFC 3339.
    pub hour: String,
    /// Why: `late row`, `correction`, `replaced file`, `attribute`, `thawed`, `meaning`, or `full` where
    /// everything was read again and the reason is not known.
    pub cause: Cow<'static, str>,
    /// The KPIs that changed, the changes in the hour and the rates among them.
    pub changes: Vec<RestatedKpi>,
    /// The run.
    pub run_id: String,
    /// Its as-of, in RFC 3339.
    pub as_of: String,
}

/// A KPI that changed; none where there was no row, or is none any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestatedKpi {
    /// The column of `delivery_kpi_hourly`.
    pub kpi: String,
    /// Its value before.
    pub old: Option<f64>,
    /// Its value now.
    pub new: Option<f64>,
}

impl Restatement {
    /// The columns of `kpi_restatement`; identifiers are strings or integers.
    pub fn schema(text_ids: bool) -> SchemaRef {
        let field = |name: &str, kind| Field::new(name, kind, true);
        let utc = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let change = DataType::Struct(Fields::from(vec![
            field("kpi", DataType::Utf8),
            field("old", DataType::Float64),
            field("new", DataType::Float64),
        ]));
        let id = match text_ids {
            true => DataType::Utf8,
            false => DataType::Int64,
        };
        Arc::new(Schema::new(vec![
            field("delivery_id", id),
            field("hour", utc()),
            field("cause", DataType::Utf8),
            field(
                "changes",
                DataType::List(Arc::new(field("element", change))),
            ),
            field("run_id", DataType::Utf8),
            field("as_of", utc()),
        ]))
    }

    /// Rows of the table; none if there are none.
    pub fn batch(
        restatements: &[Restatement],
        text_ids: bool,
    ) -> Result<Option<RecordBatch>, ArrowError> {
        let schema = Restatement::schema(text_ids);
        let builder = ReaderBuilder::new(schema).with_batch_size(restatements.len().max(1));
        let mut decoder = builder.build_decoder()?;
        decoder.serialize(restatements)?;
        decoder.flush()
    }

    /// The rows of a batch.
    pub fn from_batch(batch: &RecordBatch) -> Result<Vec<Restatement>, ArrowError> {
        from_rows(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_columns_of_the_table() {
        for (id, text_ids) in [(Value::from(7), false), (Value::from("a"), true)] {
            let one = Restatement {
                delivery_id: id,
                hour: "2026-03-02T10:00:00Z".to_owned(),
                cause: "late row".into(),
                changes: vec![RestatedKpi {
                    kpi: "opens".to_owned(),
                    old: None,
                    new: Some(3.0),
                }],
                run_id: "r".to_owned(),
                as_of: "2026-03-02T12:00:00Z".to_owned(),
            };
            let two = [one.clone(), one];
            let batch = Restatement::batch(&two, text_ids).expect("rows");
            let batch = batch.expect("two rows");
            assert_eq!(batch.num_rows(), 2);
            assert_eq!(batch.schema(), Restatement::schema(text_ids));
            assert_eq!(Restatement::from_batch(&batch).expect("rows"), two);
        }
        assert!(Restatement::batch(&[], false).expect("no rows").is_none());
    }
}
