//! The deliveries extract.

use super::columns::{Columns, Writer, booleans, ids, instants, integers, labels};
use super::plan::{Delivery, Plan, Special};
use super::{GenerateError, Settings, Written};
use crate::model::{Attributes, DeliveryId, HOUR, Instant};
use std::path::Path;

/// A delivery, and what a row says about it.
type Row = (i64, Attributes);

/// Writes it.
pub(super) fn write(
    settings: &Settings,
    plan: &Plan,
    path: &Path,
) -> Result<Written, GenerateError> {
    let text = settings.string_ids;
    let rows: Vec<Row> = plan.deliveries.iter().flat_map(rows_of).collect();
    let parent = |(_, row): &Row| match row.parent_delivery_id {
        Some(DeliveryId::Number(id)) => Some(id),
        _ => None,
    };
    let micros = |of: fn(&Attributes) -> Option<Instant>| {
        instants(&rows, move |(_, row)| of(row).map(Instant::micros))
    };
    let mut columns = Columns::default();
    columns.add("delivery_id", ids(text, &rows, |(id, _)| Some(*id)));
    columns.add("label", labels(&rows, |(_, row)| row.label.as_deref()));
    columns.add("channel", labels(&rows, |(_, row)| row.channel.as_deref()));
    columns.add("parent_delivery_id", ids(text, &rows, parent));
    columns.add("started_at", micros(|row| row.started_at));
    columns.add("validity_end", micros(|row| row.validity_end));
    columns.add("modified_at", micros(|row| row.modified_at));
    columns.add("to_deliver", integers(&rows, |(_, row)| row.to_deliver));
    columns.add("efs", booleans(&rows, |(_, row)| row.efs));
    let batch = columns
        .batch()
        .map_err(|error| GenerateError::parquet(path, error.into()))?;
    let mut file = Writer::create(path, &batch.schema())?;
    file.write(Ok(batch))?;
    file.close()
}

fn rows_of(delivery: &Delivery) -> Vec<Row> {
    let (id, truth) = (delivery.id, &delivery.attributes);
    match delivery.special {
        Special::Unlisted => Vec::new(),
        Special::Edited => {
            let at = |hours| Some(Instant::from_micros(delivery.started_at + hours * HOUR));
            let draft = Attributes {
                label: Some("Draft".to_owned()),
                validity_end: at(12),
                modified_at: None,
                efs: truth.efs.map(|efs| !efs),
                ..truth.clone()
            };
            let mut edited = draft.clone();
            edited.modified_at = at(-1);
            let mut newest = truth.clone();
            newest.modified_at = at(5);
            // The newest row stands first.
            vec![(id, newest), (id, draft), (id, edited)]
        }
        _ => vec![(id, truth.clone())],
    }
}
