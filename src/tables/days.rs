//! Tables of hours, day by day: which rows of a day a run has, and of which deliveries.

use super::TableError;
use super::compare::Comparison;
use super::frames::date_name;
use crate::model::Hour;
use crate::rollup::{Given, Shown};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use polars::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// A table with a row for each hour of a delivery, or of parts of it, in which a counter changed.
pub trait Hourly: Sync {
    /// Its name.
    fn table(&self) -> &'static str;
    /// Its columns.
    fn schema(&self) -> Result<SchemaRef, TableError>;
    /// How many rows the run has.
    fn rows(&self) -> u64;
    /// The first day, by its name, of which the rows of some delivery are given; none if no rows are.
    fn first_day(&self) -> Option<String>;
    /// The days of which the run has rows, by their names in order.
    fn days(&self) -> Vec<&str>;
    /// Compares the rows of one day with the published ones: all rows of the deliveries whose rows of that day
    /// are given are replaced, those of other deliveries stay.
    fn compare_day(&self, day: &str, published: &[RecordBatch]) -> Result<Comparison, TableError>;
}

/// Names no day.
pub(super) const NO_DAY: &str = "";

/// Where the hours of each day are: whose they are, by its place, and some of its hours.
#[derive(Default)]
pub(super) struct Days(BTreeMap<String, Vec<(usize, Range<usize>)>>);

impl Days {
    /// Those of the hours of several, each in order.
    pub fn of<H: Iterator<Item = Hour>>(all: impl Iterator<Item = H>) -> Days {
        let mut days: BTreeMap<i64, Vec<(usize, Range<usize>)>> = BTreeMap::new();
        for (place, hours) in all.enumerate() {
            for (at, hour) in hours.enumerate() {
                let of_day = days.entry(hour.day()).or_default();
                match of_day.last_mut() {
                    Some((last, hours)) if *last == place => hours.end = at + 1,
                    _ => of_day.push((place, at..at + 1)),
                }
            }
        }
        let named = |(day, rows)| (date_name(day), rows);
        Days(days.into_iter().map(named).collect())
    }

    /// Their names in order.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Whose hours are in a day, by its place, and which of its hours.
    pub fn hours(&self, day: &str) -> impl Iterator<Item = (usize, usize)> {
        let of_day = self.0.get(day).map_or(&[][..], Vec::as_slice);
        of_day
            .iter()
            .flat_map(|(place, hours)| hours.clone().map(|hour| (*place, hour)))
    }
}

/// The name of the first day of which some rows are given; where some deliveries are gone, all days are.
pub(super) fn first_day(are_gone: bool, given: impl Iterator<Item = Given>) -> Option<String> {
    if are_gone {
        return Some(NO_DAY.to_owned());
    }
    let first = given.filter_map(|given| match given {
        Given::All => Some(i64::MIN),
        Given::From(day) => Some(day),
        Given::Nothing => None,
    });
    first.min().map(|day| match day {
        i64::MIN => NO_DAY.to_owned(),
        day => date_name(day),
    })
}

/// Tells whether the rows of a day are given.
pub(super) fn is_given(day: &str) -> impl FnMut(Given) -> bool {
    let mut names: BTreeMap<i64, bool> = BTreeMap::new();
    move |given| match given {
        Given::All => true,
        Given::From(first) => *names
            .entry(first)
            .or_insert_with(|| *date_name(first) <= *day),
        Given::Nothing => false,
    }
}

/// The column of a counter, and the one of its changes: values before the hours and at their ends, null where they are
/// not known.
pub(super) fn counter_columns(
    shown: &Shown,
    values: impl Iterator<Item = (i64, i64)>,
    are_known: bool,
) -> [Column; 2] {
    let known = |value| are_known.then_some(value);
    let (totals, changes): (Vec<Option<i64>>, Vec<Option<i64>>) = values
        .map(|(before, now)| (known(now), known(now - before)))
        .unzip();
    let delta = format!("{}_delta", shown.name);
    [
        Column::new(shown.name.into(), totals),
        Column::new(delta.into(), changes),
    ]
}
