//! Rows of `delivery_kpi`, one by one.

use super::{Cell, Frames, RunMarks, TableError, bridge, show};
use crate::model::Instant;
use crate::rollup::Kpis;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType as ArrowType;
use polars::prelude::*;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Rows of `delivery_kpi`: those of the tables, or those of a run.
pub struct Snapshots(DataFrame);

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot(BTreeMap<String, Cell>);

impl Snapshots {
    /// Published rows.
    pub fn published(batches: &[RecordBatch]) -> Result<Snapshots, TableError> {
        let id = batches.iter().find_map(|b| b.column_by_name("delivery_id"));
        let text_ids = id.is_some_and(|ids| *ids.data_type() == ArrowType::Utf8);
        let marks = RunMarks {
            run_id: String::new(),
            as_of: Instant::FIRST,
            counts_quarantines: false,
        };
        let none = Kpis::default();
        let like = super::build(&none, &[], text_ids, &marks)?.deliveries;
        let frame = bridge::to_frame("delivery_kpi", batches, &like)?;
        Ok(Snapshots(frame))
    }

    /// The rows of a run.
    pub fn computed(frames: &Frames<'_>) -> Snapshots {
        Snapshots(frames.deliveries.clone())
    }

    /// The deliveries with the most recent events, a line each.
    pub fn show(&self, most: usize) -> Result<String, TableError> {
        show::show_deliveries(&self.0, most)
    }

    /// The same as rows.
    pub fn recent(&self, most: usize) -> Result<Vec<Snapshot>, TableError> {
        let frame = show::recent(&self.0, most)?;
        (0..frame.height()).map(|row| row_of(&frame, row)).collect()
    }

    /// The row of a delivery, by its identifier as it is typed.
    pub fn of(&self, delivery: &str) -> Result<Option<Snapshot>, TableError> {
        let ids = self.0.column("delivery_id")?;
        let place = match ids.dtype() {
            DataType::String => ids.str()?.iter().position(|id| id == Some(delivery)),
            _ => match delivery.parse() {
                Ok(number) => ids.i64()?.iter().position(|id| id == Some(number)),
                Err(_) => None,
            },
        };
        place.map(|row| row_of(&self.0, row)).transpose()
    }
}

fn row_of(frame: &DataFrame, row: usize) -> Result<Snapshot, TableError> {
    let cell = |column: &Column| -> Result<(String, Cell), TableError> {
        let value = column.get(row)?;
        let cell = match value {
            AnyValue::Null => Cell::Null,
            AnyValue::Int64(count) => Cell::Count(count),
            AnyValue::Float64(rate) => Cell::Rate(rate),
            AnyValue::Boolean(flag) => Cell::Flag(flag),
            AnyValue::Datetime(micros, ..) | AnyValue::DatetimeOwned(micros, ..) => {
                Cell::Instant(Instant::from_micros(micros))
            }
            value => Cell::Text(value.get_str().unwrap_or_default().to_owned()),
        };
        Ok((column.name().to_string(), cell))
    };
    let cells: Result<_, TableError> = frame.columns().iter().map(cell).collect();
    Ok(Snapshot(cells?))
}

impl Snapshot {
    /// A counter, or another integer.
    pub fn count(&self, column: &str) -> Option<i64> {
        match self.0.get(column) {
            Some(Cell::Count(count)) => Some(*count),
            _ => None,
        }
    }

    /// A rate, of 1.
    pub fn rate(&self, column: &str) -> Option<f64> {
        match self.0.get(column) {
            Some(Cell::Rate(rate)) => Some(*rate),
            _ => None,
        }
    }

    /// A boolean.
    pub fn flag(&self, column: &str) -> Option<bool> {
        match self.0.get(column) {
            Some(Cell::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// An instant.
    pub fn instant(&self, column: &str) -> Option<Instant> {
        match self.0.get(column) {
            Some(Cell::Instant(instant)) => Some(*instant),
            _ => None,
        }
    }

    /// A text, or an identifier whatever its type.
    pub fn text(&self, column: &str) -> Option<String> {
        match self.0.get(column) {
            Some(Cell::Text(text)) => Some(text.clone()),
            Some(Cell::Count(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    /// All columns; instants in RFC 3339.
    pub fn json(&self) -> Map<String, Json> {
        let cells = self.0.iter();
        cells
            .map(|(name, cell)| (name.clone(), cell.json()))
            .collect()
    }
}
