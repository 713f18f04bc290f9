//! The two KPI tables as frames.

use super::rates::with_rates;
use super::{EarlierDelivery, TableError};
use crate::model::{Attributes, DeliveryId, Hour, Instant};
use crate::rollup::{Change, Counter, DeliveryKpis, Given, HourKpis, Kpis, Shown};
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// What marks the rows of a run.
#[derive(Clone, Debug)]
pub struct RunMarks {
    /// The run.
    pub run_id: String,
    /// The instant the KPIs are computed for.
    pub as_of: Instant,
}

/// A delivery of the run with its counters and attributes (the job's defaults in).
pub(super) struct Delivery<'a> {
    pub(super) kpis: &'a DeliveryKpis,
    pub(super) attributes: &'a Attributes,
}

/// The rows of a run.
pub struct Frames<'a> {
    pub(super) run: Vec<Delivery<'a>>,
    text_ids: bool,
    pub(super) marks: RunMarks,
    /// Deliveries with published rows that the run does not know.
    gone: Vec<DeliveryId>,
    /// Where the hours of each day are: a delivery by its place, and some of its hours.
    days: BTreeMap<String, Vec<(usize, Range<usize>)>>,
    /// `delivery_kpi`, sorted by delivery.
    pub(super) deliveries: DataFrame,
}

/// Builds `delivery_kpi`; `delivery_kpi_hourly` is built day by day, when it is asked for. `text_ids`
/// says whether identifiers are strings.
pub fn build<'a>(
    kpis: &'a Kpis,
    attributes: &'a [Attributes],
    text_ids: bool,
    marks: &RunMarks,
) -> Result<Frames<'a>, TableError> {
    let run: Vec<Delivery<'_>> = kpis
        .deliveries
        .iter()
        .zip(attributes)
        .map(|(kpis, attributes)| Delivery { kpis, attributes })
        .collect();
    let mut days: BTreeMap<i64, Vec<(usize, Range<usize>)>> = BTreeMap::new();
    for (place, delivery) in run.iter().enumerate() {
        let mut start = 0;
        for hours in delivery
            .kpis
            .hours
            .chunk_by(|a, b| a.hour.day() == b.hour.day())
        {
            let end = start + hours.len();
            let day = days.entry(hours[0].hour.day()).or_default();
            day.push((place, start..end));
            start = end;
        }
    }
    let known = known_deliveries(&run, text_ids, marks.as_of)?;
    Ok(Frames {
        deliveries: snapshot(&run, known, text_ids, marks)?,
        run,
        text_ids,
        marks: marks.clone(),
        gone: Vec::new(),
        days: days
            .into_iter()
            .map(|(day, rows)| (date_name(day), rows))
            .collect(),
    })
}

impl Frames<'_> {
    /// Deliveries of which no row is to be left.
    pub fn remove(&mut self, gone: Vec<DeliveryId>) {
        self.gone = gone;
    }

    /// The deliveries among the published ones that the run does not know, other than those that stay.
    pub fn gone(
        &self,
        published: &BTreeMap<DeliveryId, EarlierDelivery>,
        stays: &BTreeSet<DeliveryId>,
    ) -> Vec<DeliveryId> {
        let known: BTreeSet<&DeliveryId> = self.run.iter().map(|known| &known.kpis.id).collect();
        let is_gone = |id: &&DeliveryId| !known.contains(id) && !stays.contains(*id);
        published.keys().filter(is_gone).cloned().collect()
    }

    /// The first day, by its name, of which the rows of some delivery are given; none if no rows are.
    pub fn first_day(&self) -> Option<String> {
        if !self.gone.is_empty() {
            return Some(String::new());
        }
        let given = self
            .run
            .iter()
            .filter_map(|delivery| match delivery.kpis.given {
                Given::All => Some(i64::MIN),
                Given::From(day) => Some(day),
                Given::Nothing => None,
            });
        given.min().map(|day| match day {
            i64::MIN => String::new(),
            day => date_name(day),
        })
    }

    /// The deliveries whose rows of a day are given.
    pub(super) fn given(&self, day: &str) -> DataFrame {
        let mut names: HashMap<i64, bool> = HashMap::new();
        let is_given = |delivery: &&Delivery<'_>| match delivery.kpis.given {
            Given::All => true,
            Given::From(first) => *names
                .entry(first)
                .or_insert_with(|| *date_name(first) <= *day),
            Given::Nothing => false,
        };
        self.replaced(self.run.iter().filter(is_given))
    }

    /// The deliveries whose row of `delivery_kpi` is given.
    pub(super) fn all(&self) -> DataFrame {
        self.replaced(self.run.iter())
    }

    fn replaced<'d>(&'d self, given: impl Iterator<Item = &'d Delivery<'d>>) -> DataFrame {
        let given = given.map(|delivery| &delivery.kpis.id);
        let all = given.chain(&self.gone).map(Some);
        ids("delivery_id", all, self.text_ids).into_frame()
    }

    /// The days with hourly rows, by their names in order.
    pub fn days(&self) -> impl Iterator<Item = &str> {
        self.days.keys().map(String::as_str)
    }

    /// The deliveries of the run.
    pub fn computed(&self) -> impl Iterator<Item = &DeliveryId> {
        self.run.iter().map(|delivery| &delivery.kpis.id)
    }

    /// The latest counted row of all deliveries.
    pub fn last_event_at(&self) -> Option<Instant> {
        let last = |delivery: &Delivery<'_>| delivery.kpis.facts.last_event_at;
        self.run.iter().filter_map(last).max()
    }

    /// How many hourly rows there are.
    pub fn hours(&self) -> u64 {
        self.run
            .iter()
            .map(|delivery| delivery.kpis.hours.len() as u64)
            .sum()
    }

    /// The rows of `delivery_kpi_hourly` of one day, sorted by delivery and hour.
    pub(super) fn hourly(&self, day: &str) -> Result<DataFrame, TableError> {
        let of_day = self.days.get(day).map_or(&[][..], Vec::as_slice);
        let rows: Vec<HourRow<'_>> = of_day
            .iter()
            .flat_map(|(place, hours)| {
                let delivery = &self.run[*place];
                let all = &delivery.kpis.hours;
                hours.clone().map(move |at| HourRow {
                    delivery,
                    now: &all[at],
                    before: at.checked_sub(1).map(|before| &all[before]),
                })
            })
            .collect();
        hourly(&rows, self.text_ids, &self.marks)
    }
}

/// A row of `delivery_kpi_hourly`.
struct HourRow<'a> {
    delivery: &'a Delivery<'a>,
    now: &'a HourKpis,
    /// The delivery's hour before, if there is one.
    before: Option<&'a HourKpis>,
}

fn hourly(rows: &[HourRow<'_>], text_ids: bool, marks: &RunMarks) -> Result<DataFrame, TableError> {
    let mut columns = vec![
        ids(
            "delivery_id",
            rows.iter().map(|row| Some(&row.delivery.kpis.id)),
            text_ids,
        ),
        instants("hour", rows.iter().map(|row| Some(row.now.hour.start())))?,
    ];
    for shown in Shown::ALL {
        let now = |row: &HourRow<'_>| shown.of(&row.now.total);
        let before = |row: &HourRow<'_>| {
            let base = &row.delivery.kpis.base;
            shown.of(row.before.map_or(base, |hour| &hour.total))
        };
        columns.push(integers(shown.name, rows.iter().map(now)));
        let delta = format!("{}_delta", shown.name);
        columns.push(integers(
            &delta,
            rows.iter().map(|row| now(row) - before(row)),
        ));
    }
    let to_deliver: Vec<Option<i64>> = rows
        .iter()
        .map(|row| row.delivery.attributes.to_deliver)
        .collect();
    columns.push(Column::new("to_deliver".into(), to_deliver));
    let complete: Vec<bool> = rows
        .iter()
        .map(|row| row.now.hour.end() <= marks.as_of)
        .collect();
    let days: Vec<i32> = rows.iter().map(|row| row.now.hour.day() as i32).collect();
    let frame = DataFrame::new_infer_height(columns)?;
    let mut frame = with_rates(frame)?.drop("to_deliver")?;
    frame.with_column(Column::new("hour_complete".into(), complete))?;
    frame.with_column(Column::new(
        "run_id".into(),
        vec![marks.run_id.as_str(); days.len()],
    ))?;
    frame.with_column(Column::new("date".into(), days).cast(&DataType::Date)?)?;
    Ok(frame)
}

/// A day since the epoch as Delta Lake names it.
pub fn date_name(day: i64) -> String {
    let midnight = Hour::new(day * 24).start().to_string();
    midnight.split('T').next().unwrap_or_default().to_owned()
}

fn snapshot(
    deliveries: &[Delivery<'_>],
    known: DataFrame,
    text_ids: bool,
    marks: &RunMarks,
) -> Result<DataFrame, TableError> {
    let totals: Vec<Change> = deliveries.iter().map(|d| d.kpis.total()).collect();
    let mut columns = vec![ids(
        "delivery_id",
        deliveries.iter().map(|d| Some(&d.kpis.id)),
        text_ids,
    )];
    for shown in Shown::ALL {
        columns.push(integers(
            shown.name,
            totals.iter().map(|total| shown.of(total)),
        ));
    }
    let counters = DataFrame::new_infer_height(columns)?;
    let keys = ["delivery_id"];
    let mut frame = with_rates(known.join(&counters, keys, keys, left_join(), None)?)?;
    let rows = frame.height();
    frame.with_column(instants(
        "as_of",
        std::iter::repeat_n(Some(marks.as_of), rows),
    )?)?;
    frame.with_column(Column::new(
        "run_id".into(),
        vec![marks.run_id.as_str(); rows],
    ))?;
    Ok(frame.sort(keys, SortMultipleOptions::default())?)
}

/// The deliveries with their attributes and what is known of their end.
fn known_deliveries(
    deliveries: &[Delivery<'_>],
    text_ids: bool,
    as_of: Instant,
) -> Result<DataFrame, TableError> {
    let all = || deliveries.iter();
    let attribute = |get: fn(&Attributes) -> Option<&str>| -> Vec<Option<&str>> {
        all().map(|d| get(d.attributes)).collect()
    };
    let efs: Vec<Option<bool>> = all().map(|d| d.attributes.efs).collect();
    let to_deliver: Vec<Option<i64>> = all().map(|d| d.attributes.to_deliver).collect();
    let is_final: Vec<Option<bool>> = all().map(|d| is_final(d, as_of)).collect();
    let parents = all().map(|d| d.attributes.parent_delivery_id.as_ref());
    Ok(DataFrame::new_infer_height(vec![
        ids("delivery_id", all().map(|d| Some(&d.kpis.id)), text_ids),
        Column::new("label".into(), attribute(|a| a.label.as_deref())),
        Column::new("channel".into(), attribute(|a| a.channel.as_deref())),
        ids("parent_delivery_id", parents, text_ids),
        Column::new("to_deliver".into(), to_deliver),
        Column::new("efs".into(), efs),
        instants("started_at", all().map(|d| d.attributes.started_at))?,
        instants("first_event_at", all().map(|d| d.kpis.facts.first_event_at))?,
        instants("last_event_at", all().map(|d| d.kpis.facts.last_event_at))?,
        instants("final_at", all().map(|d| d.kpis.facts.final_at))?,
        Column::new("is_final".into(), is_final),
    ])?)
}

/// Whether the deadline of the last message is past, none is pending, and all are there (kpi-semantics 7).
fn is_final(delivery: &Delivery<'_>, as_of: Instant) -> Option<bool> {
    let final_at = delivery.kpis.facts.final_at?;
    let total = delivery.kpis.total();
    let to_deliver = delivery.attributes.to_deliver.unwrap_or(i64::MIN);
    Some(
        final_at < as_of
            && total.get(Counter::Pending) == 0
            && total.get(Counter::Processed) >= to_deliver,
    )
}

/// A left join that keeps the order of the left rows.
pub(super) fn left_join() -> JoinArgs {
    JoinArgs {
        maintain_order: MaintainOrderJoin::Left,
        ..JoinArgs::new(JoinType::Left)
    }
}

fn ids<'a>(name: &str, ids: impl Iterator<Item = Option<&'a DeliveryId>>, text: bool) -> Column {
    if text {
        let texts: Vec<Option<&str>> = ids
            .map(|id| match id {
                Some(DeliveryId::Text(text)) => Some(&**text),
                Some(DeliveryId::Number(_)) | None => None,
            })
            .collect();
        return Column::new(name.into(), texts);
    }
    let numbers: Vec<Option<i64>> = ids
        .map(|id| match id {
            Some(DeliveryId::Number(number)) => Some(*number),
            Some(DeliveryId::Text(_)) | None => None,
        })
        .collect();
    Column::new(name.into(), numbers)
}

fn integers(name: &str, values: impl Iterator<Item = i64>) -> Column {
    Column::new(name.into(), values.collect::<Vec<i64>>())
}

/// Instants are in UTC; the frames leave the zone out, and the tables put it back.
fn instants(
    name: &str,
    values: impl Iterator<Item = Option<Instant>>,
) -> Result<Column, TableError> {
    let micros: Vec<Option<i64>> = values.map(|value| value.map(Instant::micros)).collect();
    let utc = DataType::Datetime(TimeUnit::Microseconds, None);
    Ok(Column::new(name.into(), micros).cast(&utc)?)
}
