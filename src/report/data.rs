//! What is on a page, column by column.

use super::hours::Hours;
use super::reasons::Reasons;
use super::restated::Restated;
use super::{ReportError, Request};
use crate::export::{ExportError, delivery_ids, parse_ids};
use crate::model::DeliveryId;
use crate::publish::{AlertRecord, DELIVERY_KPI, Published, RunRecord};
use crate::tables::{NEW_QUARANTINES, told};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The data of a page, as its script reads it. Instants are milliseconds, hours are hours since the epoch.
#[derive(Debug, Serialize)]
pub struct Data {
    format: u32,
    generated_at: i64,
    program_version: &'static str,
    timezone: String,
    run: Json,
    pub(super) deliveries: Columns,
    pub(super) left: Left,
    pub(super) hours: Hours,
    reasons: Option<Reasons>,
    restatements: Option<Restated>,
    alerts: Vec<Json>,
}

/// What is not on a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Deliveries beyond those with the most recent events.
    pub deliveries: usize,
    /// Deliveries that were asked for, and of which there is no row.
    pub unknown: usize,
    /// Deliveries that were not asked for.
    pub others: usize,
    /// Alerts of deliveries that are not on it.
    pub alerts: usize,
}

/// The rows of a table.
#[derive(Debug, Serialize)]
pub struct Columns {
    #[serde(flatten)]
    columns: BTreeMap<String, Vec<Json>>,
    #[serde(skip)]
    pub(super) rows: usize,
    /// The places of the deliveries among them.
    #[serde(skip)]
    pub(super) places: HashMap<DeliveryId, u32>,
}

/// As many skipped files are named.
const MOST_FILES: usize = 100;

impl Data {
    /// Reads the tables.
    pub fn read(request: &Request, published: &Published<'_>) -> Result<Data, ReportError> {
        let (deliveries, mut left) = deliveries(request, published)?;
        let alerts = alerts(&published.last, &deliveries.places, &mut left);
        Ok(Data {
            format: 1,
            generated_at: request.made_at.micros() / 1000,
            program_version: env!("CARGO_PKG_VERSION"),
            timezone: request.timezone.clone(),
            run: run(&published.last, &deliveries.places)?,
            hours: Hours::read(published, &deliveries.places)?,
            reasons: Reasons::read(published, &deliveries.places)?,
            restatements: Restated::read(published, &deliveries.places)?,
            deliveries,
            left,
            alerts,
        })
    }

    /// The instant that the page is as of, in RFC 3339.
    pub fn as_of(&self) -> &str {
        self.run["as_of"].as_str().unwrap_or_default()
    }
}

/// The alerts of a run that are of its logs, or of deliveries that are shown, with what they say.
fn alerts(run: &RunRecord, places: &HashMap<DeliveryId, u32>, left: &mut Left) -> Vec<Json> {
    let shown: HashSet<String> = places.keys().map(ToString::to_string).collect();
    let is_shown = |alert: &&AlertRecord| {
        let id = alert.delivery_id.as_ref();
        id.is_none_or(|id| shown.contains(id))
    };
    let alert = |alert: &AlertRecord| {
        let mut all = json!(alert);
        all["message"] = json!(told(&alert.rule, alert.value, alert.threshold));
        all["is_new"] = json!(alert.since_run == run.run_id);
        all
    };
    let alerts: Vec<Json> = run.alerts.iter().filter(is_shown).map(alert).collect();
    left.alerts = run.alerts.len() - alerts.len();
    alerts
}

/// The deliveries that are asked for, those with the most recent events first.
fn deliveries(
    request: &Request,
    published: &Published<'_>,
) -> Result<(Columns, Left), ReportError> {
    let batches = published.deliveries()?;
    let schema = published.schema(DELIVERY_KPI)?;
    let rows = match batches.first() {
        Some(first) => concat_batches(&first.schema(), &batches)?,
        None => RecordBatch::new_empty(schema.clone()),
    };
    let ids = delivery_ids(&rows)?;
    let mut left = Left::default();
    let mut order: Vec<usize> = (0..ids.len()).collect();
    if !request.deliveries.is_empty() {
        let kind = schema.field_with_name("delivery_id")?.data_type();
        let wanted = parse_ids(&request.deliveries, kind)?;
        order.retain(|row| wanted.contains(&ids[*row]));
        let found: BTreeSet<&DeliveryId> = order.iter().map(|row| &ids[*row]).collect();
        left.unknown = wanted.len() - found.len();
        left.others = ids.len() - found.len();
        if order.is_empty() {
            return Err(ExportError::NoSuchDelivery(wanted.len()).into());
        }
    }
    let newest = rows.column_by_name("last_event_at");
    let newest = newest.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let at = |row: usize| newest.filter(|at| at.is_valid(row)).map(|at| at.value(row));
    order.sort_by(|a, b| at(*b).cmp(&at(*a)).then_with(|| ids[*a].cmp(&ids[*b])));
    left.deliveries = order.len().saturating_sub(request.most);
    order.truncate(request.most);
    let chosen: UInt64Array = order.iter().map(|row| *row as u64).collect();
    let rows = take_record_batch(&rows, &chosen)?;
    let places = delivery_ids(&rows)?.into_iter().zip(0..).collect();
    let columns = rows.schema();
    let columns = columns.fields().iter().zip(rows.columns());
    // A counter that nobody has asked for is none.
    let is_counted = |name: &str, column: &ArrayRef| {
        name != NEW_QUARANTINES || column.null_count() < column.len()
    };
    let columns = columns
        .filter(|(field, column)| field.name() != "run_id" && is_counted(field.name(), column));
    let columns = columns.map(|(field, column)| (field.name().clone(), values(column)));
    let mut columns: BTreeMap<String, Vec<Json>> = columns.collect();
    if let Some(ids) = columns.get_mut("delivery_id") {
        texts(ids);
    }
    if let Some(parents) = columns.get_mut("parent_delivery_id") {
        texts(parents);
    }
    let columns = Columns {
        columns,
        rows: rows.num_rows(),
        places,
    };
    Ok((columns, left))
}

/// Numbers as text: a script has no integers of 64 bits.
fn texts(ids: &mut [Json]) {
    for id in ids {
        if let Json::Number(number) = id {
            *id = Json::String(number.to_string());
        }
    }
}

/// The values of a column; instants in milliseconds.
fn values(column: &ArrayRef) -> Vec<Json> {
    let value = |row: usize| match column.data_type() {
        _ if column.is_null(row) => Json::Null,
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>();
            json!(micros.value(row).div_euclid(1000))
        }
        _ => Json::Null,
    };
    (0..column.len()).map(value).collect()
}

/// The record of the run, without what is long: its files are summed up.
fn run(record: &RunRecord, places: &HashMap<DeliveryId, u32>) -> Result<Json, ReportError> {
    let mut rejections: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
    for file in &record.files {
        for rejection in &file.rejections {
            let key = (&*file.log, &*rejection.column, &*rejection.reason);
            *rejections.entry(key).or_default() += rejection.rows;
        }
    }
    let rejections = rejections.into_iter().map(|((log, column, reason), rows)| {
        json!({"log": log, "column": column, "reason": reason, "rows": rows})
    });
    let rejections: Vec<Json> = rejections.collect();
    let skipped = record.files.iter().filter_map(|file| {
        let reason = file.skipped.as_ref()?;
        Some(json!({"log": file.log, "file": file.file, "reason": reason}))
    });
    let mut skipped: Vec<Json> = skipped.collect();
    let total = skipped.len();
    skipped.truncate(MOST_FILES);
    let Json::Object(mut run) = serde_json::to_value(record)? else {
        return Ok(Json::Object(Map::new()));
    };
    for long in [
        "files",
        "arguments",
        "reported",
        "listing",
        "state",
        "alerts",
    ] {
        run.remove(long);
    }
    let shown: HashSet<String> = places.keys().map(ToString::to_string).collect();
    let frozen: Vec<&String> = record
        .frozen
        .iter()
        .filter(|id| shown.contains(*id))
        .collect();
    run.insert("frozen".to_owned(), json!(frozen));
    run.insert("rejections".to_owned(), Json::Array(rejections));
    run.insert("skipped_files".to_owned(), Json::Array(skipped));
    run.insert("skipped_files_total".to_owned(), json!(total));
    Ok(Json::Object(run))
}
