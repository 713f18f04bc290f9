//! The course of the deliveries on a page, hour by hour.

use super::ReportError;
use crate::export::{ExportError, delivery_ids, instants};
use crate::model::DeliveryId;
use crate::publish::{DELIVERY_KPI_HOURLY, Published};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use serde::Serialize;
use std::collections::HashMap;

/// The columns of `delivery_kpi_hourly` that a course is drawn from.
const SHOWN: [&str; 9] = [
    "processed_delta",
    "pending_delta",
    "delivered_delta",
    "bounces_errors_delta",
    "opens_delta",
    "unique_opens_delta",
    "clicks_delta",
    "unique_clicks_delta",
    "complaints_delta",
];

/// Hourly rows, by delivery and hour.
#[derive(Debug, Default, Serialize)]
pub struct Hours {
    delivery: Vec<u32>,
    hour: Vec<i64>,
    processed_delta: Vec<i64>,
    pending_delta: Vec<i64>,
    delivered_delta: Vec<i64>,
    bounces_errors_delta: Vec<i64>,
    opens_delta: Vec<i64>,
    unique_opens_delta: Vec<i64>,
    clicks_delta: Vec<i64>,
    unique_clicks_delta: Vec<i64>,
    complaints_delta: Vec<i64>,
}

/// One row: the place of its delivery, its hour, and what changed.
type Row = (u32, i64, [i64; SHOWN.len()]);

impl Hours {
    /// Reads the rows of some deliveries, which have these places.
    pub fn read(
        published: &Published<'_>,
        places: &HashMap<DeliveryId, u32>,
    ) -> Result<Hours, ReportError> {
        let mut columns = vec!["delivery_id", "hour"];
        columns.extend(SHOWN);
        let mut rows: Vec<Row> = Vec::new();
        for files in published.files(DELIVERY_KPI_HOURLY)?.values() {
            for batch in published.columns(DELIVERY_KPI_HOURLY, files, &columns)? {
                add(&batch, places, &mut rows)?;
            }
        }
        rows.sort_unstable();
        let mut hours = Hours::default();
        for (delivery, hour, changes) in rows {
            hours.delivery.push(delivery);
            hours.hour.push(hour);
            for (column, change) in hours.shown().into_iter().zip(changes) {
                column.push(change);
            }
        }
        Ok(hours)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.delivery.len()
    }

    /// In the order of [`SHOWN`].
    fn shown(&mut self) -> [&mut Vec<i64>; SHOWN.len()] {
        [
            &mut self.processed_delta,
            &mut self.pending_delta,
            &mut self.delivered_delta,
            &mut self.bounces_errors_delta,
            &mut self.opens_delta,
            &mut self.unique_opens_delta,
            &mut self.clicks_delta,
            &mut self.unique_clicks_delta,
            &mut self.complaints_delta,
        ]
    }
}

fn add(
    batch: &RecordBatch,
    places: &HashMap<DeliveryId, u32>,
    rows: &mut Vec<Row>,
) -> Result<(), ReportError> {
    const MICROS_OF_AN_HOUR: i64 = 3_600_000_000;
    let starts = instants(batch, "hour")?;
    let mut shown = Vec::with_capacity(SHOWN.len());
    for name in SHOWN {
        shown.push(integers(batch, name)?);
    }
    for (row, id) in delivery_ids(batch)?.iter().enumerate() {
        if let Some(place) = places.get(id) {
            let mut changes = [0; SHOWN.len()];
            for (change, column) in changes.iter_mut().zip(&shown) {
                *change = column.value(row);
            }
            let hour = starts[row].micros().div_euclid(MICROS_OF_AN_HOUR);
            rows.push((*place, hour, changes));
        }
    }
    Ok(())
}

/// A column of integers.
pub(super) fn integers<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<&'a Int64Array, ExportError> {
    let column = batch.column_by_name(name);
    let numbers = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
    numbers.ok_or_else(|| wrong(name, column))
}

/// That a column is not what it should be.
pub(super) fn wrong(name: &'static str, column: Option<&ArrayRef>) -> ExportError {
    ExportError::Column {
        column: name,
        found: column.map_or("no such column".to_owned(), |column| {
            column.data_type().to_string()
        }),
    }
}
