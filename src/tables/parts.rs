//! The tables of parts of deliveries: hours by failure reason, by link, or by domain.

use super::TableError;
use super::bridge;
use super::compare::{self, Comparison};
use super::days::{Days, Hourly, NO_DAY, counter_columns, first_day, is_given};
use super::frames::{RunMarks, ids, instants};
use super::rates::with_rates;
use crate::model::{Breakdown, DeliveryId, Hour, failure_reason_name};
use crate::rollup::{Part, PartKpis, Series, counters};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use polars::prelude::*;

/// The names of the tables.
pub const PART_TABLES: [&str; 3] = [
    Breakdown::Reason.table(),
    Breakdown::Url.table(),
    Breakdown::Domain.table(),
];

/// The rows of a run in such a table.
pub struct PartFrames<'a> {
    kpis: &'a PartKpis,
    text_ids: bool,
    marks: RunMarks,
    gone: Vec<DeliveryId>,
    days: Days,
}

impl<'a> PartFrames<'a> {
    /// Those of these parts; `text_ids` says whether identifiers of deliveries are strings.
    pub fn new(kpis: &'a PartKpis, text_ids: bool, marks: &RunMarks) -> PartFrames<'a> {
        PartFrames {
            kpis,
            text_ids,
            marks: marks.clone(),
            gone: Vec::new(),
            days: Days::of(
                kpis.series
                    .iter()
                    .map(|series| series.hours.iter().map(|(hour, _)| *hour)),
            ),
        }
    }

    /// Deliveries of which no row is to be left.
    pub fn remove(&mut self, gone: &[DeliveryId]) {
        self.gone = gone.to_vec();
    }

    /// The rows of one day.
    fn hourly(&self, day: &str) -> Result<DataFrame, TableError> {
        let row = |(place, at): (usize, usize)| (&self.kpis.series[place], at);
        let rows: Vec<(&Series, usize)> = self.days.hours(day).map(row).collect();
        let hour = |(series, at): &(&'a Series, usize)| series.hours[*at].0;
        let hours: Vec<Hour> = rows.iter().map(hour).collect();
        let of = rows.iter().map(|(series, _)| Some(&series.delivery));
        let starts = hours.iter().map(|hour| Some(hour.start()));
        let mut columns = vec![
            ids("delivery_id", of, self.text_ids),
            instants("hour", starts)?,
        ];
        let parts: Vec<&Part> = rows.iter().map(|(series, _)| &series.part).collect();
        columns.extend(Keys::of(self.kpis.of).columns(self.kpis.of, &parts));
        for shown in self.kpis.shown() {
            let counters = counters(self.kpis.of).iter();
            let weights: Vec<i64> = counters.map(|counter| shown.weight(*counter)).collect();
            let sum = |values: &[i64]| -> i64 {
                let weighted = values.iter().zip(&weights);
                weighted.map(|(value, weight)| value * weight).sum()
            };
            let values = |(series, at): &(&'a Series, usize)| {
                (sum(series.before(*at)), sum(&series.hours[*at].1))
            };
            columns.extend(counter_columns(shown, rows.iter().map(values), true));
        }
        if self.kpis.of == Breakdown::Domain {
            columns = rates_of(columns)?;
        }
        let complete: Vec<bool> = hours
            .iter()
            .map(|hour| hour.end() <= self.marks.as_of)
            .collect();
        columns.push(Column::new("hour_complete".into(), complete));
        let run = vec![self.marks.run_id.as_str(); rows.len()];
        columns.push(Column::new("run_id".into(), run));
        let days: Vec<i32> = hours.iter().map(|hour| hour.day() as i32).collect();
        columns.push(Column::new("date".into(), days).cast(&DataType::Date)?);
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

/// The columns of counters with those of the rates behind them, but for that of progress: how many messages a domain
/// is to get nobody knows.
fn rates_of(mut columns: Vec<Column>) -> Result<Vec<Column>, TableError> {
    let rows = columns.first().map_or(0, Column::len);
    columns.push(Column::new("to_deliver".into(), vec![None::<i64>; rows]));
    let frame = with_rates(DataFrame::new_infer_height(columns)?)?;
    let frame = frame.drop("to_deliver")?.drop("progress")?;
    Ok(frame.columns().to_vec())
}

/// What a failed message without a reason says in the place of its name.
pub const NO_REASON: &str = "none given";
/// The same of a reason that is a text and stands for no number.
pub const UNMAPPED_REASON: &str = "unmapped";
/// What stands in the place of a domain that is no name of one.
pub const NO_DOMAIN: &str = "(no domain name)";

/// The columns that tell parts apart: a number, and a text.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    pub number: Option<&'static str>,
    pub text: &'static str,
}

impl Keys {
    pub fn of(breakdown: Breakdown) -> Keys {
        let (number, text) = match breakdown {
            Breakdown::Reason => (Some("failure_reason"), "failure_reason_label"),
            Breakdown::Url => (Some("url_id"), "url_digest"),
            Breakdown::Domain => (None, "recipient_domain"),
        };
        Keys { number, text }
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        self.number.into_iter().chain([self.text])
    }

    fn columns(self, of: Breakdown, parts: &[&Part]) -> Vec<Column> {
        let number = |part: &&Part| match part {
            Part::Number(number) => Some(*number),
            Part::None | Part::Text(_) | Part::Unmapped => None,
        };
        let numbers = self.number.map(|name| {
            let numbers: Vec<Option<i64>> = parts.iter().map(number).collect();
            Column::new(name.into(), numbers)
        });
        let texts: Vec<Option<&str>> = parts.iter().map(|part| text_of(of, part)).collect();
        let texts = Column::new(self.text.into(), texts);
        numbers.into_iter().chain([texts]).collect()
    }
}

/// The text that stands for a part.
fn text_of(of: Breakdown, part: &Part) -> Option<&str> {
    match (of, part) {
        (Breakdown::Reason, Part::None) => Some(NO_REASON),
        (Breakdown::Reason, Part::Number(number)) => failure_reason_name(*number),
        (Breakdown::Reason, Part::Text(_) | Part::Unmapped) => Some(UNMAPPED_REASON),
        (Breakdown::Domain, Part::Unmapped) => Some(NO_DOMAIN),
        (Breakdown::Url | Breakdown::Domain, Part::Text(text)) => Some(text),
        (Breakdown::Url | Breakdown::Domain, _) => None,
    }
}

/// The part that these cells name.
pub(super) fn part(of: Breakdown, number: Option<i64>, text: Option<&str>) -> Part {
    match (of, number, text) {
        (_, Some(number), _) => Part::Number(number),
        (Breakdown::Reason, None, Some(UNMAPPED_REASON)) => Part::Unmapped,
        (Breakdown::Domain, None, Some(NO_DOMAIN)) => Part::Unmapped,
        (Breakdown::Url | Breakdown::Domain, None, Some(text)) => Part::Text(text.into()),
        (_, None, _) => Part::None,
    }
}

impl Hourly for PartFrames<'_> {
    fn table(&self) -> &'static str {
        self.kpis.of.table()
    }

    fn schema(&self) -> Result<SchemaRef, TableError> {
        Ok(bridge::to_batch(&self.hourly(NO_DAY)?)?.schema())
    }

    fn rows(&self) -> u64 {
        let hours = self.kpis.series.iter();
        hours.map(|series| series.hours.len() as u64).sum()
    }

    fn first_day(&self) -> Option<String> {
        let given = self.kpis.given.iter().map(|(_, given)| *given);
        first_day(!self.gone.is_empty(), given)
    }

    fn days(&self) -> Vec<&str> {
        self.days.names()
    }

    fn compare_day(&self, day: &str, published: &[RecordBatch]) -> Result<Comparison, TableError> {
        let mut is_given = is_given(day);
        let given = self.kpis.given.iter().filter(|(_, given)| is_given(*given));
        let replaced = given.map(|(delivery, _)| delivery).chain(&self.gone);
        let keys = ["delivery_id", "hour"].into_iter();
        let keys: Vec<&str> = keys.chain(Keys::of(self.kpis.of).names()).collect();
        compare::compare(
            self.table(),
            &keys,
            published,
            &self.hourly(day)?,
            &ids("delivery_id", replaced.map(Some), self.text_ids).into_frame(),
        )
    }
}
