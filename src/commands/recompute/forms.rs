//! The tables that a run writes to.

use crate::error::Error;
use crate::job::Job;
use crate::publish::{DELIVERY_KPI, Form, KPI_RESTATEMENT, Restatement};
use crate::tables::{Frames, Hourly, ParentFrames, PartFrames};

/// What a run of some deliveries says where the job has a table of parents.
pub const UNTOLD_FAMILIES: &str =
    "parent_kpi_hourly stays as it is: a run of some deliveries does not know whole families";

/// The tables of hours that not every run has.
pub fn others<'a>(
    parts: &'a [PartFrames<'_>],
    parents: Option<&'a ParentFrames<'_>>,
) -> Vec<&'a dyn Hourly> {
    let parts = parts.iter().map(|parts| parts as &dyn Hourly);
    parts
        .chain(parents.map(|parents| parents as &dyn Hourly))
        .collect()
}

/// The data tables that a run writes to.
pub fn forms(
    job: &Job,
    frames: &Frames<'_>,
    parts: &[PartFrames<'_>],
    parents: Option<&ParentFrames<'_>>,
    text_ids: bool,
) -> Result<Vec<Form>, Error> {
    let form = |name, schema, partition_by, is_made| Form {
        name,
        schema,
        partition_by,
        is_made,
    };
    let hours = |table: &dyn Hourly, is_made| -> Result<Form, Error> {
        let schema = table.schema()?;
        Ok(form(table.table(), schema, Some("date"), is_made))
    };
    let deliveries = frames.schema_of_deliveries()?;
    let mut forms = vec![
        hours(frames, true)?,
        form(DELIVERY_KPI, deliveries, None, true),
    ];
    for parts in parts {
        forms.push(hours(parts, true)?);
    }
    if let Some(parents) = parents {
        // A table of which nothing is known yet says nothing.
        forms.push(hours(parents, parents.are_computed())?);
    }
    let restated = Restatement::schema(text_ids);
    forms.push(form(KPI_RESTATEMENT, restated, None, job.restatements));
    Ok(forms)
}
