//! Hours without a row: what holds in them, carried forward.

use super::{ExportError, delivery_ids, instants};
use crate::model::{DeliveryId, Hour, Instant};
use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow::compute::{interleave, interleave_record_batch};
use arrow::datatypes::SchemaRef;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Rows that are made at a time.
const BATCH_ROWS: usize = 8192;

const HOURS_OF_DAY: i64 = 24;

/// A batch and a row of it.
type Place = (usize, usize);

/// The batches: the rows that hold from the days before, those of the day, and values that are made.
const CARRIED: usize = 0;
const OF_DAY: usize = 1;
const MADE: usize = 2;

/// Fills `delivery_kpi_hourly`, day by day. Keeps one row of each delivery: the one that holds.
pub struct Dense {
    schema: SchemaRef,
    /// The as-of of each delivery.
    as_of: HashMap<DeliveryId, Instant>,
    /// The hours that are asked for.
    hours: Range<Instant>,
    /// The deliveries that have begun and go on, each with its row in `carried`.
    begun: BTreeMap<DeliveryId, usize>,
    carried: RecordBatch,
    /// The first day that is not filled yet.
    next_day: Option<i64>,
}

/// What takes rows.
type Write<'a> = &'a mut dyn FnMut(&RecordBatch) -> Result<(), ExportError>;

/// An hour of a delivery.
struct Cell {
    hour: Hour,
    /// The row that holds.
    place: Place,
    /// Whether the hour is over; none where it has a row, which says so itself.
    is_complete: Option<bool>,
}

impl Dense {
    /// Fills a table with these columns; hands out the hours that start in an interval.
    pub fn new(
        schema: SchemaRef,
        as_of: HashMap<DeliveryId, Instant>,
        hours: Range<Instant>,
    ) -> Dense {
        Dense {
            carried: RecordBatch::new_empty(schema.clone()),
            schema,
            as_of,
            hours,
            begun: BTreeMap::new(),
            next_day: None,
        }
    }

    /// Takes all rows of one day, after those of earlier days. Hands out the hours of the days before
    /// it that had none, and its own.
    pub fn day(&mut self, rows: &RecordBatch, write: Write<'_>) -> Result<(), ExportError> {
        let Some(first) = instants(rows, "hour")?.first().copied() else {
            return Ok(());
        };
        let day = first.hour().day();
        self.fill_until(day, write)?;
        self.fill(day, rows, write)
    }

    /// Hands out the hours after the day of the last row.
    pub fn finish(mut self, write: Write<'_>) -> Result<(), ExportError> {
        self.fill_until(i64::MAX, write)
    }

    /// Fills days without rows, as long as a delivery goes on and somebody asks for them.
    fn fill_until(&mut self, end: i64, write: Write<'_>) -> Result<(), ExportError> {
        let none = RecordBatch::new_empty(self.schema.clone());
        while let Some(day) = self.next_day.filter(|day| *day < end) {
            let start = Hour::new(day * HOURS_OF_DAY).start();
            if self.begun.is_empty() || start >= self.hours.end {
                break;
            }
            self.fill(day, &none, write)?;
        }
        Ok(())
    }

    fn fill(&mut self, day: i64, rows: &RecordBatch, write: Write<'_>) -> Result<(), ExportError> {
        // All deliveries of the day in their order, with the rows that they have in it.
        let begun = self.begun.keys().map(|id| (id.clone(), Vec::new()));
        let mut deliveries: BTreeMap<DeliveryId, Vec<(Hour, usize)>> = begun.collect();
        let hours = instants(rows, "hour")?;
        for (row, (id, hour)) in delivery_ids(rows)?.into_iter().zip(hours).enumerate() {
            deliveries.entry(id).or_default().push((hour.hour(), row));
        }
        let of_day = day * HOURS_OF_DAY..(day + 1) * HOURS_OF_DAY;
        let mut cells = Vec::with_capacity(BATCH_ROWS);
        let (mut begun, mut holding) = (BTreeMap::new(), Vec::new());
        for (id, own) in deliveries {
            let as_of = self.as_of.get(&id).copied().unwrap_or(Instant::FIRST);
            let mut place = self.begun.get(&id).map(|row| (CARRIED, *row));
            let mut own = own.into_iter().peekable();
            for hour in of_day.clone().map(Hour::new) {
                let row = own.next_if(|(of_row, _)| *of_row == hour);
                place = row.map(|(_, row)| (OF_DAY, row)).or(place);
                let is_over = row.is_none() && hour.start() >= as_of;
                let Some(place) = place.filter(|_| !is_over) else {
                    continue;
                };
                if self.hours.contains(&hour.start()) {
                    cells.push(Cell {
                        hour,
                        place,
                        is_complete: row.is_none().then(|| hour.end() <= as_of),
                    });
                }
                if cells.len() == BATCH_ROWS {
                    write(&self.batch(rows, &cells)?)?;
                    cells.clear();
                }
            }
            if let Some(place) = place.filter(|_| Hour::new(of_day.end).start() < as_of) {
                begun.insert(id, holding.len());
                holding.push(place);
            }
        }
        if !cells.is_empty() {
            write(&self.batch(rows, &cells)?)?;
        }
        self.carried = interleave_record_batch(&[&self.carried, rows], &holding)?;
        self.begun = begun;
        self.next_day = Some(day + 1);
        Ok(())
    }

    /// The rows of these hours.
    fn batch(&self, rows: &RecordBatch, cells: &[Cell]) -> Result<RecordBatch, ExportError> {
        // Where a row of the hour itself holds, all of its values do.
        let places = |made: fn(bool) -> usize| -> Vec<Place> {
            let place = |cell: &Cell| match cell.is_complete {
                Some(is_complete) => (MADE, made(is_complete)),
                None => cell.place,
            };
            cells.iter().map(place).collect()
        };
        let held: Vec<Place> = cells.iter().map(|cell| cell.place).collect();
        let complete = places(usize::from);
        let no_change = Int64Array::from(vec![Some(0), None]);
        let answers = BooleanArray::from(vec![false, true]);
        let starts = cells.iter().map(|cell| cell.hour.start().micros());
        let starts: TimestampMicrosecondArray = starts.map(Some).collect();
        let days = cells.iter().map(|cell| Some(cell.hour.day() as i32));
        let days: Date32Array = days.collect();
        let sources = self.carried.columns().iter().zip(rows.columns());
        let columns = self.schema.fields().iter().zip(sources);
        let columns = columns.map(|(field, (carried, own))| -> Result<ArrayRef, ExportError> {
            let or = |made: &dyn Array, places: &[Place]| interleave(&[carried, own, made], places);
            Ok(match field.name().as_str() {
                "hour" => Arc::new(starts.clone().with_data_type(field.data_type().clone())),
                "date" => Arc::new(days.clone()),
                "hour_complete" => or(&answers, &complete)?,
                name if name.ends_with("_delta") => {
                    // What nobody has counted has not changed by nothing.
                    let is_null = |(array, row): Place| [carried, own][array].is_null(row);
                    let place = |cell: &Cell| match cell.is_complete {
                        Some(_) => (MADE, usize::from(is_null(cell.place))),
                        None => cell.place,
                    };
                    let changes: Vec<Place> = cells.iter().map(place).collect();
                    or(&no_change, &changes)?
                }
                _ => interleave(&[carried, own], &held)?,
            })
        });
        let columns: Result<Vec<ArrayRef>, ExportError> = columns.collect();
        Ok(RecordBatch::try_new(self.schema.clone(), columns?)?)
    }
}
