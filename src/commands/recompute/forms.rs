//! The tables that a run writes to.

use super::publishing::Ready;
use crate::error::Error;
use crate::job::Job;
use crate::publish::{
    DELIVERY_KPI, Form, KPI_RESTATEMENT, PARENT_KPI_HOURLY, Restatement, RunRecord,
};
use crate::tables::{Frames, Hourly, ParentFrames, PartFrames, RunMarks};

/// Whether a run has published a table of parents.
pub fn has_parents(run: &RunRecord) -> bool {
    run.table_versions.contains_key(PARENT_KPI_HOURLY)
}

/// The rows of parents, where the job asks for them. A run that has not computed them carries on what the last one has
/// left, if that is something.
pub fn parents<'a>(
    ready: &Ready<'a>,
    job: &Job,
    last: Option<&RunRecord>,
    marks: &RunMarks,
) -> Option<ParentFrames<'a>> {
    let computed = ready.kpis.parents.as_ref();
    let is_there = computed.is_some() || last.is_some_and(has_parents);
    let frames = || ParentFrames::new(computed, ready.text_ids, marks);
    (job.sources.people.parents && is_there).then(frames)
}

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
    let form = |name, schema, partition_by| Form {
        name,
        schema,
        partition_by,
        is_made: true,
    };
    let hours = |table: &dyn Hourly| -> Result<Form, Error> {
        Ok(form(table.table(), table.schema()?, Some("date")))
    };
    let deliveries = frames.schema_of_deliveries()?;
    let mut forms = vec![hours(frames)?, form(DELIVERY_KPI, deliveries, None)];
    for table in others(parts, parents) {
        forms.push(hours(table)?);
    }
    forms.push(Form {
        is_made: job.restatements,
        ..form(KPI_RESTATEMENT, Restatement::schema(text_ids), None)
    });
    Ok(forms)
}
