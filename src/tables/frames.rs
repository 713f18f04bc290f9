//! The two KPI tables as frames.

use super::bridge::to_batch;
use super::compare::{self, Comparison};
use super::days::{Days, Hourly, NO_DAY, counter_columns, first_day, is_given};
use super::rates::with_rates;
use super::{EarlierDelivery, TableError};
use crate::model::{Attributes, DeliveryId, Hour, Instant};
use crate::rollup::{Change, Counter, DeliveryKpis, HourKpis, Kpis, Shown};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What marks the rows of a run.
#[derive(Clone, Debug)]
pub struct RunMarks {
    /// The run.
    pub run_id: String,
    /// The instant the KPIs are computed for.
    pub as_of: Instant,
    /// Whether recipients that go into quarantine are counted; else nobody knows how many do.
    pub counts_quarantines: bool,
}

impl RunMarks {
    /// Whether the run knows the values of a counter.
    pub(super) fn knows(&self, shown: &Shown) -> bool {
        self.counts_quarantines || shown.name != Shown::NEW_QUARANTINES
    }
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
    /// By the places of deliveries.
    days: Days,
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
    let known = known_deliveries(&run, text_ids, marks.as_of)?;
    Ok(Frames {
        deliveries: snapshot(&run, known, text_ids, marks)?,
        days: Days::of(
            run.iter()
                .map(|delivery| delivery.kpis.hours.iter().map(|row| row.hour)),
        ),
        run,
        text_ids,
        marks: marks.clone(),
        gone: Vec::new(),
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

    /// The deliveries whose rows of a day are given.
    pub(super) fn given(&self, day: &str) -> DataFrame {
        let mut is_given = is_given(day);
        let given = self.run.iter();
        self.replaced(given.filter(|delivery| is_given(delivery.kpis.given)))
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

    /// The deliveries of the run.
    pub fn computed(&self) -> impl Iterator<Item = &DeliveryId> {
        self.run.iter().map(|delivery| &delivery.kpis.id)
    }

    /// The latest counted row of all deliveries.
    pub fn last_event_at(&self) -> Option<Instant> {
        let last = |delivery: &Delivery<'_>| delivery.kpis.facts.last_event_at;
        self.run.iter().filter_map(last).max()
    }

    /// The rows of `delivery_kpi_hourly` of one day, sorted by delivery and hour.
    pub(super) fn hourly(&self, day: &str) -> Result<DataFrame, TableError> {
        let row = |(place, at): (usize, usize)| HourRow::of(&self.run[place], at);
        let rows: Vec<HourRow<'_>> = self.days.hours(day).map(row).collect();
        hourly("delivery_id", &rows, self.text_ids, &self.marks)
    }
}

impl Hourly for Frames<'_> {
    fn table(&self) -> &'static str {
        "delivery_kpi_hourly"
    }

    fn schema(&self) -> Result<SchemaRef, TableError> {
        Ok(to_batch(&self.hourly(NO_DAY)?)?.schema())
    }

    fn rows(&self) -> u64 {
        let hours = self.run.iter();
        hours.map(|delivery| delivery.kpis.hours.len() as u64).sum()
    }

    fn first_day(&self) -> Option<String> {
        let given = self.run.iter().map(|delivery| delivery.kpis.given);
        first_day(!self.gone.is_empty(), given)
    }

    fn days(&self) -> Vec<&str> {
        self.days.names()
    }

    fn compare_day(&self, day: &str, published: &[RecordBatch]) -> Result<Comparison, TableError> {
        compare::compare(
            self.table(),
            &["delivery_id", "hour"],
            published,
            &self.hourly(day)?,
            &self.given(day),
        )
    }
}

/// A row of `delivery_kpi_hourly`, or of `parent_kpi_hourly`.
pub(super) struct HourRow<'a> {
    delivery: &'a Delivery<'a>,
    now: &'a HourKpis,
    /// The values before it.
    before: &'a Change,
}

impl<'a> HourRow<'a> {
    /// That of one of the hours of a delivery.
    pub fn of(delivery: &'a Delivery<'a>, at: usize) -> HourRow<'a> {
        let hours = &delivery.kpis.hours;
        HourRow {
            delivery,
            now: &hours[at],
            before: match at.checked_sub(1) {
                Some(before) => &hours[before].total,
                None => &delivery.kpis.base,
            },
        }
    }
}

pub(super) fn hourly(
    id: &str,
    rows: &[HourRow<'_>],
    text_ids: bool,
    marks: &RunMarks,
) -> Result<DataFrame, TableError> {
    let mut columns = vec![
        ids(
            id,
            rows.iter().map(|row| Some(&row.delivery.kpis.id)),
            text_ids,
        ),
        instants("hour", rows.iter().map(|row| Some(row.now.hour.start())))?,
    ];
    for shown in &Shown::ALL {
        let values = rows
            .iter()
            .map(|row| (shown.of(row.before), shown.of(&row.now.total)));
        columns.extend(counter_columns(shown, values, marks.knows(shown)));
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
        let of_delivery = |total: &Change| marks.knows(&shown).then(|| shown.of(total));
        let values: Vec<Option<i64>> = totals.iter().map(of_delivery).collect();
        columns.push(Column::new(shown.name.into(), values));
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
        // Parts of deliveries are told apart by columns that may be null.
        nulls_equal: true,
        ..JoinArgs::new(JoinType::Left)
    }
}

pub(super) fn ids<'a>(
    name: &str,
    ids: impl Iterator<Item = Option<&'a DeliveryId>>,
    text: bool,
) -> Column {
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

/// Instants are in UTC; the frames leave the zone out, and the tables put it back.
pub(super) fn instants(
    name: &str,
    values: impl Iterator<Item = Option<Instant>>,
) -> Result<Column, TableError> {
    let micros: Vec<Option<i64>> = values.map(|value| value.map(Instant::micros)).collect();
    let utc = DataType::Datetime(TimeUnit::Microseconds, None);
    Ok(Column::new(name.into(), micros).cast(&utc)?)
}
