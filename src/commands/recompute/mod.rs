//! `recompute`: read, recompute, publish.

mod left_out;
mod publishing;
mod summary;

pub use summary::Report;

use super::compute::{Counted, Inputs, Ledger, count, ledger, log_line};
use crate::engine::{self, Progress};
use crate::error::Error;
use crate::job::{Job, Scope, Stopwatch};
use crate::publish::Lock;

/// Runs the job. The report says what was done, also where input was left out.
pub fn run(job: &Job, progress: &dyn Progress) -> Result<Report, Error> {
    let started_at = crate::job::now();
    let mut watch = Stopwatch::new();
    let sources = &job.sources;
    let pool = engine::pool(sources.threads)?;
    let _lock = match job.dry_run {
        true => None,
        false => Some(Lock::take(&job.output)?),
    };
    let inputs = Inputs::open(sources, &pool)?;
    let mut report = Report::new(job, started_at);
    report.lap("opening", watch.lap());
    if sources.as_of > started_at {
        let note = "as-of lies ahead of the clock: until then, runs as of an earlier instant are refused without --rewind";
        report.notes.push(note.to_owned());
    }
    let counted = count(sources, &pool, &inputs, progress, &mut watch)?;
    for (stage, time) in &counted.laps {
        report.lap(stage, *time);
    }
    report.notes.extend(counted.notes.iter().cloned());
    report.enter(ledger(sources, &inputs, &counted)?, &inputs);
    report.enter_unknown_mode(counted.unknown_mode);
    if counted.kpis.deliveries.is_empty() && matches!(sources.scope, Scope::EventTime(_)) {
        let note = "no delivery has events in that time: nothing is recomputed";
        report.notes.push(note.to_owned());
    }
    publishing::publish(job, &pool, &inputs, &counted, progress, &mut report, &watch)?;
    report.lap("publishing", watch.lap());
    report.total = watch.total();
    Ok(report)
}
