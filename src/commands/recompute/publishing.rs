//! The rows of a run beside the published ones, and into the tables.

use super::left_out::newly_left_out;
use super::summary::Report;
use crate::engine::{Pool, Progress, Stage, map};
use crate::error::Error;
use crate::job::{Job, Scope, Stopwatch};
use crate::model::{Attributes, Instant};
use crate::publish::{
    Committed, DELIVERY_KPI, DELIVERY_KPI_HOURLY, Output, PublishError, ReportedRecord,
    TableRecord, Written,
};
use crate::rollup::Kpis;
use crate::state::Kept;
use crate::tables::{Comparison, Frames, RowCounts, RunMarks, build};
use std::collections::BTreeSet;

/// How often another run may be faster before this one gives up.
pub const ATTEMPTS: usize = 5;

/// What is ready to be published.
pub struct Ready<'a> {
    /// The deliveries of the run.
    pub kpis: &'a Kpis,
    /// Their attributes, the job's defaults in, in the same order.
    pub attributes: &'a [Attributes],
    /// Whether identifiers are strings.
    pub text_ids: bool,
    /// What the run leaves for the next one, if it leaves something.
    pub kept: Option<&'a Kept>,
    /// The state of the run that it builds on; then nothing may have been committed since.
    pub builds_on: Option<&'a str>,
}

/// Compares and, unless it is a dry run, commits; false if another run has committed in between and what
/// this one builds on has to be read again.
pub fn publish(
    job: &Job,
    pool: &Pool,
    ready: &Ready<'_>,
    progress: &dyn Progress,
    report: &mut Report,
    watch: &Stopwatch,
) -> Result<bool, Error> {
    let marks = RunMarks {
        run_id: report.record.run_id.clone(),
        as_of: job.sources.as_of,
    };
    let frames = build(ready.kpis, ready.attributes, ready.text_ids, &marks)?;
    report.shown = frames.show(Report::SHOWN)?;
    report.not_final = frames.not_final()?;
    report.deliveries = ready.kpis.deliveries.len() as u64;
    report.record.mode = mode(job, ready).to_owned();
    let columns = frames.schemas()?;
    if job.dry_run && !has_published(job)? {
        let days: Vec<&str> = frames.days().collect();
        let compare = |at: usize| frames.compare_day(days[at], &[]);
        let days: Result<Vec<_>, _> = map(pool, days.len(), compare).into_iter().collect();
        let deliveries = frames.compare_deliveries(&[])?;
        enter_left_out(report, &[]);
        let days = days?;
        report.difference = Some(frames.csv(&days)?);
        enter(total(&days), &deliveries, report);
        return Ok(true);
    }
    let output = Output::new(&job.output, job.sources.threads)?;
    for _ in 0..ATTEMPTS {
        let committed = output.open(&columns.hourly, &columns.deliveries, !job.dry_run)?;
        let last = committed
            .last
            .as_ref()
            .and_then(|last| last.state.as_deref());
        if ready.builds_on.is_some() && ready.builds_on != last {
            return Ok(false);
        }
        let deliveries = frames.compare_deliveries(&committed.deliveries()?)?;
        refuse_rewind(job, &deliveries)?;
        let earlier = committed.last.as_ref().filter(|_| !job.full);
        enter_left_out(report, earlier.map_or(&[], |last| &last.reported));
        progress.begins(Stage::Publishing, frames.hours());
        let done = compare_days(job, pool, &frames, &committed, progress);
        progress.ends();
        let (days, hourly) = done?;
        enter(total(&days), &deliveries, report);
        if job.dry_run {
            report.difference = Some(frames.csv(&days)?);
            return Ok(true);
        }
        let deliveries = match deliveries.differs {
            true => committed.write_deliveries(deliveries.rows.as_ref())?,
            false => Written::default(),
        };
        let done = committed.publish(hourly, deliveries, &mut report.record, |record| {
            record.finished_at = crate::job::now().to_string();
            let seconds = watch.since_lap().as_secs_f64();
            record
                .stage_seconds
                .insert("publishing".to_owned(), seconds);
        });
        match done {
            Err(PublishError::Conflict { .. }) if ready.builds_on.is_some() => return Ok(false),
            Err(PublishError::Conflict { .. }) => {}
            done => {
                let failed = done?
                    .into_iter()
                    .map(|error| format!("no checkpoint: {error}"));
                report.notes.extend(failed);
                return Ok(true);
            }
        }
    }
    Err(Error::Crowded(job.output.display().to_string(), ATTEMPTS))
}

/// Compares the hourly rows with the published ones, day by day, and without a memory limit several days at
/// once; unless it is a dry run, those of days that differ are written, so that they need not be kept.
fn compare_days(
    job: &Job,
    pool: &Pool,
    frames: &Frames<'_>,
    committed: &Committed<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<Comparison>, Written), Error> {
    let published = committed.hourly_days()?;
    let first = frames.first_day();
    let names: BTreeSet<&str> = frames
        .days()
        .chain(published.keys().flatten().map(String::as_str))
        .filter(|day| first.as_deref().is_some_and(|first| first <= *day))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let compare = |at: usize| -> Result<(Comparison, Written), Error> {
        let day = names[at];
        let files = published.get(&Some(day.to_owned()));
        let rows = committed.hourly(files.map_or(&[], Vec::as_slice))?;
        let mut comparison = frames.compare_day(day, &rows)?;
        let counts = comparison.counts;
        let mut written = Written::default();
        let rows = comparison.rows.take();
        if !job.dry_run {
            comparison.forget_difference();
            if comparison.differs {
                written = committed.write_day(day, rows.as_ref())?;
            }
        }
        progress.advances(counts.inserted + counts.changed + counts.unchanged);
        Ok((comparison, written))
    };
    let mut comparisons = Vec::with_capacity(names.len());
    let mut hourly = Written::default();
    // Where memory is short, one day at a time takes up as little of it as can be.
    let days: Result<Vec<_>, Error> = match job.sources.room {
        Some(_) => (0..names.len()).map(compare).collect(),
        None => map(pool, names.len(), compare).into_iter().collect(),
    };
    for (comparison, written) in days? {
        comparisons.push(comparison);
        hourly.merge(written);
    }
    Ok((comparisons, hourly))
}

fn total(days: &[Comparison]) -> RowCounts {
    let mut total = RowCounts::default();
    days.iter().for_each(|day| total += day.counts);
    total
}

fn enter_left_out(report: &mut Report, earlier: &[ReportedRecord]) {
    let record = &mut report.record;
    (report.left_out, record.reported) = newly_left_out(&record.files, earlier);
}

fn refuse_rewind(job: &Job, deliveries: &Comparison) -> Result<(), Error> {
    match deliveries.replaced_as_of.map(Instant::from_micros) {
        Some(published) if published > job.sources.as_of && !job.rewind => Err(Error::Rewind {
            as_of: job.sources.as_of,
            published,
        }),
        _ => Ok(()),
    }
}

fn enter(hourly: RowCounts, deliveries: &Comparison, report: &mut Report) {
    let record = |table: &str, counts: RowCounts| TableRecord {
        table: table.to_owned(),
        rows_inserted: counts.inserted as i64,
        rows_changed: counts.changed as i64,
        rows_removed: counts.removed as i64,
        rows_unchanged: counts.unchanged as i64,
    };
    report.record.tables = vec![
        record(DELIVERY_KPI_HOURLY, hourly),
        record(DELIVERY_KPI, deliveries.counts),
    ];
}

fn mode(job: &Job, ready: &Ready<'_>) -> &'static str {
    match job.sources.scope {
        Scope::All if ready.builds_on.is_some() => "incremental",
        Scope::All => "full",
        Scope::Deliveries(_) => "selected",
        Scope::EventTime(_) => "event_time",
    }
}

/// Whether there is a published run; looks without making anything.
fn has_published(job: &Job) -> Result<bool, Error> {
    Ok(job.output.is_dir()
        && Output::new(&job.output, job.sources.threads)?
            .last_run()?
            .is_some())
}
