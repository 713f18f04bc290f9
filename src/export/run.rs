//! From a table to the bytes of a file, piece by piece.

use super::writer::Out;
use super::{
    Dense, ExportError, Format, Rows, Table, Writer, holds_day, ids_in, instants, parse_ids,
    rows_of, rows_with, rows_within,
};
use crate::model::{DeliveryId, Instant};
use crate::publish::{DataFile, Published};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The table.
    pub table: Table,
    /// The format of the file.
    pub format: Format,
    /// The deliveries, as typed; all, if there are none.
    pub deliveries: Vec<String>,
    /// Only hours that start in it, if they are limited.
    pub hours: Option<Range<Instant>>,
    /// Whether hours without a row are filled in.
    pub dense: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// How many rows.
    pub rows: usize,
    /// The deliveries that were asked for, and of which the table has no row.
    pub without_rows: BTreeSet<DeliveryId>,
}

/// Writes the rows that are asked for. In memory are those of one piece of the table: a day, a file of
/// deliveries, a run.
pub fn export(
    request: &Request,
    published: &Published<'_>,
    out: Out<'_>,
) -> Result<Exported, ExportError> {
    let name = request.table.name();
    let schema = published.schema(name)?;
    let known = match request.dense || !request.deliveries.is_empty() {
        true => known(published, request.table)?,
        false => HashMap::new(),
    };
    let wanted = wanted(request, &schema, &known)?;
    let mut without_rows = wanted.clone().unwrap_or_default();
    let hours = request.hours.clone();
    let hours = hours.unwrap_or(Instant::FIRST..Instant::END);
    let read = match request.dense {
        // What holds in the first hour may stand long before it.
        true => Instant::FIRST..hours.end,
        false => hours.clone(),
    };
    let order = Rows::new(request.table, schema.clone());
    let dense = || Dense::new(schema.clone(), known, hours);
    let mut dense = request.dense.then(dense);
    let mut writer = Writer::new(request.format, &schema, out)?;
    let mut count = 0;
    let mut write = |rows: &RecordBatch| {
        count += rows.num_rows();
        writer.write(rows)
    };
    for piece in published.pieces(name, request.table.order()[0])? {
        let is_read = |file: &&DataFile| {
            let day = file.partition.as_deref();
            day.is_none_or(|day| holds_day(&read, day))
        };
        let rows = published.rows(name, piece.iter().filter(is_read))?;
        let mut rows = order.in_order(&rows)?;
        if let Some(wanted) = &wanted {
            rows = rows_of(wanted, &rows, request.table.id())?;
            for id in ids_in(&rows, request.table.id())? {
                without_rows.remove(&id);
            }
        }
        match &mut dense {
            Some(dense) => dense.day(&rows, &mut write)?,
            None if request.hours.is_some() => write(&rows_within(&read, &rows)?)?,
            None => write(&rows)?,
        }
    }
    if let Some(dense) = dense {
        dense.finish(&mut write)?;
    }
    writer.finish()?;
    Ok(Exported {
        rows: count,
        without_rows,
    })
}

/// The deliveries that a table may have rows of, and the as-of of each: all that are known, or those that others name
/// as their parent.
fn known(
    published: &Published<'_>,
    of: Table,
) -> Result<HashMap<DeliveryId, Instant>, ExportError> {
    let table = Table::Deliveries;
    let mut known = HashMap::new();
    for piece in published.pieces(table.name(), table.order()[0])? {
        for rows in published.rows(table.name(), &piece)? {
            let rows = rows_with(&rows, of.id())?;
            let ids = ids_in(&rows, of.id())?.into_iter();
            known.extend(ids.zip(instants(&rows, "as_of")?));
        }
    }
    Ok(known)
}

fn wanted(
    request: &Request,
    schema: &SchemaRef,
    known: &HashMap<DeliveryId, Instant>,
) -> Result<Option<BTreeSet<DeliveryId>>, ExportError> {
    if request.deliveries.is_empty() {
        return Ok(None);
    }
    let kind = schema.field_with_name(request.table.id())?.data_type();
    let wanted = parse_ids(&request.deliveries, kind)?;
    match wanted.iter().any(|id| known.contains_key(id)) {
        true => Ok(Some(wanted)),
        false => Err(ExportError::NoSuchDelivery(wanted.len())),
    }
}
