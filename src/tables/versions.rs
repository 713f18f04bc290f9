//! Two versions of a table side by side: the rows that only one of them has, and those that differ.

use super::{Cell, TableError};
use crate::model::{DeliveryId, Instant};
use crate::rollup::Shown;
use arrow::array::{ArrayRef, RecordBatch};
use std::collections::{BTreeMap, BTreeSet};

/// What differs from run to run, and what the key says already.
const NOT_COMPARED: [&str; 5] = ["run_id", "as_of", "date", DELIVERY, HOUR];
const DELIVERY: &str = "delivery_id";
const HOUR: &str = "hour";

/// Rows of two versions of `delivery_kpi` or of `delivery_kpi_hourly`.
pub struct Versions<'a> {
    /// The columns that are compared, of both versions.
    names: Vec<&'a str>,
    old: Version<'a>,
    new: Version<'a>,
}

/// A delivery, and in the hourly table an hour.
type Key = (DeliveryId, Option<Instant>);

/// Rows of one version.
struct Version<'a> {
    table: &'static str,
    /// Of each batch the columns that are compared, in their common order.
    batches: Vec<Vec<Option<&'a ArrayRef>>>,
    /// Where the row of a key is: its batch, and its place there.
    rows: BTreeMap<Key, (usize, usize)>,
}

/// In which version a row was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Only in the old one.
    Old,
    /// Only in the new one.
    New,
    /// In both, with other values.
    Both,
}

/// A row that is not the same in both versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference<'a> {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The hour, in the hourly table.
    pub hour: Option<Instant>,
    /// Where it was found.
    pub found: Found,
    /// The columns that differ; of a row that one version has alone, all.
    pub columns: Vec<Column<'a>>,
}

/// A column of a row in both versions; null where there is no such row or column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value in the old version.
    pub old: Cell,
    /// Its value in the new version.
    pub new: Cell,
}

/// The sum of a counter over all deliveries, in both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The counter.
    pub counter: &'static str,
    /// In the old version.
    pub old: i64,
    /// In the new version.
    pub new: i64,
}

impl<'a> Versions<'a> {
    /// Rows of two versions of a table; those of some deliveries, if they are limited.
    pub fn new(
        table: &'static str,
        old: &'a [RecordBatch],
        new: &'a [RecordBatch],
        wanted: Option<&BTreeSet<DeliveryId>>,
    ) -> Result<Versions<'a>, TableError> {
        let mut names: Vec<&str> = Vec::new();
        for batch in old.iter().chain(new) {
            for field in batch.schema_ref().fields() {
                let name = field.name().as_str();
                if !NOT_COMPARED.contains(&name) && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(Versions {
            old: Version::new(table, old, &names, wanted)?,
            new: Version::new(table, new, &names, wanted)?,
            names,
        })
    }

    /// Whether a version has a row of the delivery.
    pub fn know(&self, delivery: &DeliveryId) -> bool {
        let mut keys = self.old.rows.keys().chain(self.new.rows.keys());
        keys.any(|(known, _)| known == delivery)
    }

    /// The rows that are not the same, by delivery and hour. Numbers are compared exactly.
    pub fn differences(&self) -> Result<Vec<Difference<'a>>, TableError> {
        let (old, new) = (&self.old, &self.new);
        let keys: BTreeSet<&Key> = old.rows.keys().chain(new.rows.keys()).collect();
        let mut differences = Vec::new();
        for key in keys {
            let (before, after) = (old.rows.get(key), new.rows.get(key));
            let found = match (before, after) {
                (Some(_), None) => Found::Old,
                (None, Some(_)) => Found::New,
                _ => Found::Both,
            };
            let mut columns = Vec::new();
            for (place, name) in self.names.iter().enumerate() {
                let (old, new) = (
                    old.cell(before, place, name)?,
                    new.cell(after, place, name)?,
                );
                if found != Found::Both || old != new {
                    columns.push(Column { name, old, new });
                }
            }
            if found != Found::Both || !columns.is_empty() {
                differences.push(Difference {
                    delivery: key.0.clone(),
                    hour: key.1,
                    found,
                    columns,
                });
            }
        }
        Ok(differences)
    }

    /// The counters whose sums differ.
    pub fn totals(&self) -> Result<Vec<Total>, TableError> {
        let mut totals = Vec::new();
        for Shown { name, .. } in Shown::ALL {
            let Some(place) = self.names.iter().position(|column| *column == name) else {
                continue;
            };
            let (old, new) = (self.old.sum(place, name)?, self.new.sum(place, name)?);
            if old != new {
                totals.push(Total {
                    counter: name,
                    old,
                    new,
                });
            }
        }
        Ok(totals)
    }
}

impl<'a> Version<'a> {
    fn new(
        table: &'static str,
        batches: &'a [RecordBatch],
        names: &[&str],
        wanted: Option<&BTreeSet<DeliveryId>>,
    ) -> Result<Version<'a>, TableError> {
        let mut rows = BTreeMap::new();
        for (number, batch) in batches.iter().enumerate() {
            let ids = batch.column_by_name(DELIVERY);
            let ids = ids.ok_or_else(|| wrong(table, DELIVERY, "no such column"))?;
            let hours = batch.column_by_name(HOUR);
            for row in 0..batch.num_rows() {
                let id = Cell::at(ids, row).and_then(Cell::into_id);
                let id = id.ok_or_else(|| wrong(table, DELIVERY, "no identifier"))?;
                let hour = match hours.map(|hours| Cell::at(hours, row)) {
                    None => None,
                    Some(Some(Cell::Instant(hour))) => Some(hour),
                    Some(_) => return Err(wrong(table, HOUR, "no instant")),
                };
                if wanted.is_none_or(|wanted| wanted.contains(&id)) {
                    rows.insert((id, hour), (number, row));
                }
            }
        }
        let columns = |batch: &'a RecordBatch| {
            let column = |name: &&str| batch.column_by_name(name);
            names.iter().map(column).collect()
        };
        Ok(Version {
            table,
            batches: batches.iter().map(columns).collect(),
            rows,
        })
    }

    fn cell(
        &self,
        row: Option<&(usize, usize)>,
        place: usize,
        name: &str,
    ) -> Result<Cell, TableError> {
        let column = row.and_then(|(batch, row)| Some((self.batches[*batch][place]?, *row)));
        let Some((column, row)) = column else {
            return Ok(Cell::Null);
        };
        let other = || wrong(self.table, name, &column.data_type().to_string());
        Cell::at(column, row).ok_or_else(other)
    }

    fn sum(&self, place: usize, name: &str) -> Result<i64, TableError> {
        let mut sum = 0i64;
        for row in self.rows.values() {
            if let Cell::Count(count) = self.cell(Some(row), place, name)? {
                sum = sum.saturating_add(count);
            }
        }
        Ok(sum)
    }
}

fn wrong(table: &'static str, column: &str, found: &str) -> TableError {
    TableError::Published {
        table,
        column: column.to_owned(),
        expected: match column {
            DELIVERY => "integer or string, never null",
            HOUR => "timestamp, never null",
            _ => "integer, double, boolean, string or timestamp",
        }
        .to_owned(),
        found: found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use std::sync::Arc;

    fn batch(ids: &[i64], delivered: &[i64], rates: &[Option<f64>], run: &str) -> RecordBatch {
        let columns: [(&str, ArrayRef); 4] = [
            (DELIVERY, Arc::new(Int64Array::from(ids.to_vec()))),
            ("delivered", Arc::new(Int64Array::from(delivered.to_vec()))),
            ("open_rate", Arc::new(Float64Array::from(rates.to_vec()))),
            ("run_id", Arc::new(StringArray::from(vec![run; ids.len()]))),
        ];
        RecordBatch::try_from_iter(columns).expect("a batch")
    }

    fn versions<'a>(old: &'a [RecordBatch], new: &'a [RecordBatch]) -> Versions<'a> {
        Versions::new("t", old, new, None).expect("columns that are compared")
    }

    fn told(versions: &Versions<'_>) -> Vec<String> {
        let differences = versions.differences().expect("differences");
        let told = |difference: &Difference<'_>| {
            let columns = difference.columns.iter();
            let columns = columns.map(|c| format!("{} {} {}", c.name, c.old.json(), c.new.json()));
            let columns = columns.collect::<Vec<_>>().join(", ");
            format!("{} {:?}: {columns}", difference.delivery, difference.found)
        };
        differences.iter().map(told).collect()
    }

    #[test]
    fn rows_are_compared_by_key_whatever_batch_they_are_in() {
        let one = [batch(&[1, 2, 3], &[5, 6, 7], &[None; 3], "a")];
        let two = [
            batch(&[4, 3], &[8, 7], &[None; 2], "b"),
            batch(&[1], &[9], &[None], "b"),
        ];
        let versions = versions(&one, &two);
        assert_eq!(
            told(&versions),
            [
                "1 Both: delivered 5 9",
                "2 Old: delivered 6 null, open_rate null null",
                "4 New: delivered null 8, open_rate null null",
            ]
        );
        let delivered = Total {
            counter: "delivered",
            old: 18,
            new: 24,
        };
        assert_eq!(versions.totals().expect("sums"), [delivered]);
        assert!(versions.know(&DeliveryId::Number(2)) && !versions.know(&DeliveryId::Number(5)));
    }

    #[test]
    fn doubles_are_compared_exactly_and_null_equals_null() {
        let next = f64::from_bits(0.1f64.to_bits() + 1);
        let one = [batch(
            &[1, 2, 3],
            &[0; 3],
            &[None, Some(0.1), Some(0.5)],
            "a",
        )];
        let two = [batch(&[1, 2, 3], &[0; 3], &[None, Some(next), None], "b")];
        assert_eq!(
            told(&versions(&one, &two)),
            [
                "2 Both: open_rate 0.1 0.10000000000000002",
                "3 Both: open_rate 0.5 null"
            ]
        );
        assert_eq!(told(&versions(&one, &one)), [""; 0]);
    }

    #[test]
    fn a_column_that_one_version_lacks_is_null_there() {
        let whole = [batch(&[1], &[5], &[Some(0.5)], "a")];
        let narrow = [whole[0].project(&[0, 2]).expect("two columns")];
        assert_eq!(
            told(&versions(&whole, &narrow)),
            ["1 Both: delivered 5 null"]
        );
        let without_ids = [whole[0].project(&[1]).expect("a column")];
        let error = Versions::new("t", &without_ids, &whole, None).err();
        assert!(error.is_some_and(|error| error.to_string().contains("column delivery_id")));
    }

    #[test]
    fn only_the_deliveries_asked_for_are_compared() {
        let one = [batch(&[1, 2], &[5, 6], &[None; 2], "a")];
        let two = [batch(&[1, 2], &[7, 8], &[None; 2], "b")];
        let wanted = BTreeSet::from([DeliveryId::Number(2)]);
        let versions = Versions::new("t", &one, &two, Some(&wanted)).expect("columns");
        assert_eq!(told(&versions), ["2 Both: delivered 6 8"]);
        assert_eq!(versions.totals().expect("sums").len(), 1);
        assert_eq!(versions.totals().expect("sums")[0].old, 6);
    }
}
