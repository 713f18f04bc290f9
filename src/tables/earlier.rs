//! Counters as they were published, for runs that add to them.

use super::TableError;
use super::parts::{Keys, part};
use crate::model::{Breakdown, DeliveryId, Hour, Instant};
use crate::rollup::{Change, Counter, Part, counters};
use arrow::array::{
    Array, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
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
#[derive(Clone, Debug, Default)]
pub struct EarlierDelivery {
    /// Its counters.
    pub total: Change,
    /// The earliest counted row of both logs.
    pub first_event_at: Option<Instant>,
    /// The latest one.
    pub last_event_at: Option<Instant>,
    /// Its parent.
    pub parent: Option<DeliveryId>,
}

/// The published rows of `delivery_kpi`.
pub fn earlier_deliveries(
    batches: &[RecordBatch],
) -> Result<BTreeMap<DeliveryId, EarlierDelivery>, TableError> {
    let mut totals = BTreeMap::new();
    for batch in batches {
        let table = Table("delivery_kpi", batch);
        let (ids, counters) = (table.ids()?, table.counters("", &|_| true)?);
        let mut parents = table.ids_in("parent_delivery_id")?;
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
                parent: std::mem::take(&mut parents[row]),
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
        table.hours(&|_| true, &is_wanted, |_, hour| hours.push(hour))?;
    }
    Ok(hours)
}

/// Hands out the published rows of a table of parts, of the deliveries that `is_wanted`, each with its part.
pub fn earlier_parts(
    batches: &[RecordBatch],
    of: Breakdown,
    is_wanted: impl Fn(&DeliveryId) -> bool,
    mut each: impl FnMut(Part, EarlierHour),
) -> Result<(), TableError> {
    for batch in batches {
        let table = Table(of.table(), batch);
        let keys = Keys::of(of);
        let numbers = keys.number.map(|name| table.integers(name)).transpose()?;
        let texts = table.texts(keys.text)?;
        let counters = |counter| counters(of).contains(&counter);
        table.hours(&counters, &is_wanted, |row, hour| {
            let number = numbers.as_ref().filter(|numbers| numbers.is_valid(row));
            let number = number.map(|numbers| numbers.value(row));
            let text = texts.is_valid(row).then(|| texts.value(row));
            each(part(of, number, text), hour);
        })?;
    }
    Ok(())
}

/// The identifiers of deliveries in a column of some rows.
pub(super) fn ids_of(
    table: &'static str,
    rows: &RecordBatch,
    column: &str,
) -> Result<Vec<DeliveryId>, TableError> {
    let ids = Table(table, rows).ids_in(column)?;
    Ok(ids.into_iter().flatten().collect())
}

/// Rows of a published table.
struct Table<'a>(&'static str, &'a RecordBatch);

/// The columns of all counters.
struct Counters(Vec<(Counter, Int64Array, Option<Int64Array>)>);

impl Counters {
    fn of(&self, row: usize) -> Change {
        let mut change = Change::default();
        for (counter, column, less) in &self.0 {
            // Null where the run that wrote the row did not know it.
            let value = |column: &Int64Array| match column.is_valid(row) {
                true => column.value(row),
                false => 0,
            };
            let less = less.as_ref().map_or(0, value);
            change.add(*counter, value(column) - less);
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

    fn integers(&self, name: &str) -> Result<Int64Array, TableError> {
        const EXPECTED: &str = "Int64";
        let column = self.column(name, EXPECTED)?;
        let column = column.as_primitive_opt::<Int64Type>();
        column.cloned().ok_or_else(|| self.wrong(name, EXPECTED))
    }

    fn texts(&self, name: &str) -> Result<StringArray, TableError> {
        const EXPECTED: &str = "Utf8";
        let column = self.column(name, EXPECTED)?.as_string_opt::<i32>();
        column.cloned().ok_or_else(|| self.wrong(name, EXPECTED))
    }

    /// Hands out the hours of the deliveries that are wanted, with the places of their rows.
    fn hours(
        &self,
        counters: &dyn Fn(Counter) -> bool,
        is_wanted: impl Fn(&DeliveryId) -> bool,
        mut each: impl FnMut(usize, EarlierHour),
    ) -> Result<(), TableError> {
        let totals = self.counters("", counters)?;
        let changes = self.counters("_delta", counters)?;
        let starts = self.instants("hour")?;
        let complete = self.column("hour_complete", "a boolean")?;
        let complete = complete.as_boolean_opt();
        let complete = complete.ok_or_else(|| self.wrong("hour_complete", "a boolean"))?;
        let ids = self.ids()?.into_iter().enumerate();
        for (row, delivery) in ids.filter(|(_, id)| is_wanted(id)) {
            each(
                row,
                EarlierHour {
                    delivery,
                    hour: Instant::from_micros(starts.value(row)).hour(),
                    change: changes.of(row),
                    total: totals.of(row),
                    is_complete: complete.value(row),
                },
            );
        }
        Ok(())
    }

    /// Those of these counters.
    fn counters(
        &self,
        ending: &str,
        counters: &dyn Fn(Counter) -> bool,
    ) -> Result<Counters, TableError> {
        let column = |name: &str| self.integers(&format!("{name}{ending}"));
        let counter = |(counter, name, less): (Counter, &str, Option<&str>)| {
            Ok((counter, column(name)?, less.map(column).transpose()?))
        };
        let wanted = Counter::columns().filter(|(counter, ..)| counters(*counter));
        let columns: Result<_, TableError> = wanted.map(counter).collect();
        columns.map(Counters)
    }

    fn ids(&self) -> Result<Vec<DeliveryId>, TableError> {
        Ok(self.ids_in("delivery_id")?.into_iter().flatten().collect())
    }

    /// Those in a column that may have nulls.
    fn ids_in(&self, name: &str) -> Result<Vec<Option<DeliveryId>>, TableError> {
        const EXPECTED: &str = "Int64 or Utf8";
        let column = self.column(name, EXPECTED)?;
        if *column.data_type() == DataType::Int64 {
            let numbers = column.as_primitive::<Int64Type>().iter();
            return Ok(numbers.map(|id| id.map(DeliveryId::Number)).collect());
        }
        let texts = column.as_string_opt::<i32>();
        let texts = texts.ok_or_else(|| self.wrong(name, EXPECTED))?.iter();
        let id = |text: Option<&str>| text.map(|text| DeliveryId::Text(text.into()));
        Ok(texts.map(id).collect())
    }
}
