//! Counters as they were published, for runs that add to them.

use super::TableError;
use crate::model::{DeliveryId, Hour, Instant};
use crate::rollup::{Change, Counter};
use arrow::array::{Array, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use std::collections::BTreeMap;

/// A published row of `delivery_kpi_hourly`.
#[derive(Clone, Debug)]
pub struct EarlierHour {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The hour.
    pub hour: Hour,
    /// What changed in it.
    pub change: Change,
    /// The values at its end.
    pub total: Change,
    /// Whether as-of had not cut it.
    pub is_complete: bool,
}

/// A published row of `delivery_kpi`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EarlierDelivery {
    /// Its counters.
    pub total: Change,
    /// The earliest counted row of both logs.
    pub first_event_at: Option<Instant>,
    /// The latest one.
    pub last_event_at: Option<Instant>,
}

/// The published rows of `delivery_kpi`.
pub fn earlier_deliveries(
    batches: &[RecordBatch],
) -> Result<BTreeMap<DeliveryId, EarlierDelivery>, TableError> {
    let mut totals = BTreeMap::new();
    for batch in batches {
        let table = Table("delivery_kpi", batch);
        let (ids, counters) = (table.ids()?, table.counters("")?);
        let first = table.instants("first_event_at")?;
        let last = table.instants("last_event_at")?;
        let at = |column: &TimestampMicrosecondArray, row: usize| {
            let is_there = column.is_valid(row);
            is_there.then(|| Instant::from_micros(column.value(row)))
        };
        for (row, id) in ids.into_iter().enumerate() {
            let earlier = EarlierDelivery {
                total: counters.of(row),
                first_event_at: at(&first, row),
                last_event_at: at(&last, row),
            };
            totals.insert(id, earlier);
        }
    }
    Ok(totals)
}

/// The published rows of `delivery_kpi_hourly` of the deliveries that `is_wanted`.
pub fn earlier_hours(
    batches: &[RecordBatch],
    is_wanted: impl Fn(&DeliveryId) -> bool,
) -> Result<Vec<EarlierHour>, TableError> {
    let mut hours = Vec::new();
    for batch in batches {
        let table = Table("delivery_kpi_hourly", batch);
        let (totals, changes) = (table.counters("")?, table.counters("_delta")?);
        let starts = table.instants("hour")?;
        let complete = table.column("hour_complete", "a boolean")?;
        let complete = complete.as_boolean_opt();
        let complete = complete.ok_or_else(|| table.wrong("hour_complete", "a boolean"))?;
        for (row, delivery) in table.ids()?.into_iter().enumerate() {
            if is_wanted(&delivery) {
                hours.push(EarlierHour {
                    delivery,
                    hour: Instant::from_micros(starts.value(row)).hour(),
                    change: changes.of(row),
                    total: totals.of(row),
                    is_complete: complete.value(row),
                });
            }
        }
    }
    Ok(hours)
}

/// Rows of a published table.
struct Table<'a>(&'static str, &'a RecordBatch);

/// The columns of all counters.
struct Counters(Vec<(Counter, Int64Array, Option<Int64Array>)>);

impl Counters {
    fn of(&self, row: usize) -> Change {
        let mut change = Change::default();
        for (counter, column, less) in &self.0 {
            let less = less.as_ref().map_or(0, |less| less.value(row));
            change.add(*counter, column.value(row) - less);
        }
        change
    }
}

impl Table<'_> {
    fn wrong(&self, column: &str, expected: &str) -> TableError {
        let found = self.1.column_by_name(column);
        TableError::Published {
            table: self.0,
            column: column.to_owned(),
            expected: expected.to_owned(),
            found: found.map_or("no such column".to_owned(), |c| c.data_type().to_string()),
        }
    }

    fn column(&self, name: &str, expected: &str) -> Result<&dyn Array, TableError> {
        let column = self.1.column_by_name(name).map(AsRef::as_ref);
        column.ok_or_else(|| self.wrong(name, expected))
    }

    fn instants(&self, name: &str) -> Result<TimestampMicrosecondArray, TableError> {
        const EXPECTED: &str = "a timestamp";
        let column = self.column(name, EXPECTED)?;
        let column = column.as_primitive_opt::<TimestampMicrosecondType>();
        column.cloned().ok_or_else(|| self.wrong(name, EXPECTED))
    }

    fn counters(&self, ending: &str) -> Result<Counters, TableError> {
        let column = |name: &str| -> Result<Int64Array, TableError> {
            let name = format!("{name}{ending}");
            let column = self.column(&name, "Int64")?;
            let numbers = column.as_primitive_opt::<Int64Type>();
            let numbers = numbers.ok_or_else(|| self.wrong(&name, "Int64"))?;
            Ok(numbers.clone())
        };
        let counter = |(counter, name, less): (Counter, &str, Option<&str>)| {
            Ok((counter, column(name)?, less.map(column).transpose()?))
        };
        let columns: Result<_, TableError> = Counter::columns().map(counter).collect();
        columns.map(Counters)
    }

    fn ids(&self) -> Result<Vec<DeliveryId>, TableError> {
        const ID: &str = "delivery_id";
        const EXPECTED: &str = "Int64 or Utf8";
        let column = self.column(ID, EXPECTED)?;
        if *column.data_type() == DataType::Int64 {
            let numbers = column.as_primitive::<Int64Type>().values().iter();
            return Ok(numbers.map(|id| DeliveryId::Number(*id)).collect());
        }
        let texts = column.as_string_opt::<i32>();
        let texts = texts.ok_or_else(|| self.wrong(ID, EXPECTED))?.iter();
        let id = |text: Option<&str>| DeliveryId::Text(text.unwrap_or_default().into());
        Ok(texts.map(id).collect())
    }
}
