//! The two KPI tables as frames.

use super::TableError;
use super::rates::with_rates;
use crate::model::{Attributes, DeliveryId, Hour, Instant};
use crate::rollup::{Change, Counter, DeliveryKpis, Kpis, Shown};
use polars::prelude::*;
use std::collections::BTreeMap;

/// What marks the rows of a run.
#[derive(Clone, Debug)]
pub struct RunMarks {
    /// The run.
    pub run_id: String,
    /// The instant the KPIs are computed for.
    pub as_of: Instant,
}

/// A delivery of the run with its counters and attributes (the job's defaults in).
struct Delivery<'a> {
    kpis: &'a DeliveryKpis,
    attributes: &'a Attributes,
}

/// The rows of a run.
pub struct Frames {
    /// `delivery_kpi_hourly`, sorted by date, delivery and hour.
    pub(super) hourly: DataFrame,
    /// `delivery_kpi`, sorted by delivery.
    pub(super) deliveries: DataFrame,
}

/// Builds both tables; `text_ids` says whether identifiers are strings.
pub fn build(
    kpis: &Kpis,
    attributes: &[Attributes],
    text_ids: bool,
    marks: &RunMarks,
) -> Result<Frames, TableError> {
    let deliveries: Vec<Delivery<'_>> = kpis
        .deliveries
        .iter()
        .zip(attributes)
        .map(|(kpis, attributes)| Delivery { kpis, attributes })
        .collect();
    let known = known_deliveries(&deliveries, text_ids, marks.as_of)?;
    Ok(Frames {
        hourly: hourly(&deliveries, &known, text_ids, marks)?,
        deliveries: snapshot(&deliveries, known, text_ids, marks)?,
    })
}

fn hourly(
    deliveries: &[Delivery<'_>],
    known: &DataFrame,
    text_ids: bool,
    marks: &RunMarks,
) -> Result<DataFrame, TableError> {
    let rows = || {
        deliveries
            .iter()
            .flat_map(|d| d.kpis.hours.iter().map(move |hour| (d, hour)))
    };
    let mut columns = vec![
        ids(
            "delivery_id",
            rows().map(|(d, _)| Some(&d.kpis.id)),
            text_ids,
        ),
        instants("hour", rows().map(|(_, row)| Some(row.hour.start())))?,
    ];
    for shown in Shown::ALL {
        columns.push(integers(
            shown.name,
            rows().map(|(_, row)| shown.of(&row.total)),
        ));
        let delta = format!("{}_delta", shown.name);
        columns.push(integers(
            &delta,
            rows().map(|(_, row)| shown.of(&row.change)),
        ));
    }
    let complete: Vec<bool> = rows()
        .map(|(_, row)| row.hour.end() <= marks.as_of)
        .collect();
    let days: Vec<i32> = rows().map(|(_, row)| row.hour.day() as i32).collect();
    let frame = DataFrame::new_infer_height(columns)?;
    let to_deliver = known.select(["delivery_id", "to_deliver"])?;
    let keys = ["delivery_id"];
    let frame = frame.join(&to_deliver, keys, keys, left_join(), None)?;
    let mut frame = with_rates(frame)?.drop("to_deliver")?;
    frame.with_column(Column::new("hour_complete".into(), complete))?;
    frame.with_column(Column::new(
        "run_id".into(),
        vec![marks.run_id.as_str(); days.len()],
    ))?;
    frame.with_column(Column::new("date".into(), days).cast(&DataType::Date)?)?;
    let order = ["date", "delivery_id", "hour"];
    Ok(frame.sort(order, SortMultipleOptions::default())?)
}

/// The hourly rows of each day, by its name.
pub(super) fn days(hourly: &DataFrame) -> Result<BTreeMap<String, DataFrame>, TableError> {
    let dates: Vec<i32> = hourly
        .column("date")?
        .date()?
        .physical()
        .iter()
        .flatten()
        .collect();
    let mut start = 0;
    let day = |rows: &[i32]| {
        let frame = hourly.slice(start, rows.len());
        start += rows.len() as i64;
        (date_name(rows[0]), frame)
    };
    Ok(dates.chunk_by(|a, b| a == b).map(day).collect())
}

/// A day since the epoch as Delta Lake names it.
fn date_name(day: i32) -> String {
    let midnight = Hour::new(i64::from(day) * 24).start().to_string();
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
