//! The rows of a run beside the published ones, and into the tables.

use super::left_out::newly_left_out;
use super::summary::Report;
use crate::engine::{Pool, Progress, Stage, map};
use crate::error::Error;
use crate::job::{Job, Scope, Stopwatch, parse_instant};
use crate::model::{Attributes, DeliveryId, Instant};
use crate::publish::{
    Committed, DELIVERY_KPI, DELIVERY_KPI_HOURLY, Makes, Output, PublishError, ReportedRecord,
    RestatedKpi, Restatement, TableRecord, Written,
};
use crate::rollup::Kpis;
use crate::state::Kept;
use crate::tables::{Comparison, Frames, Restated, RowCounts, RunMarks, build, restated};
use std::collections::{BTreeSet, HashMap};

/// How often another run may be faster before this one gives up.
pub const ATTEMPTS: usize = 5;

/// Why hours have changed that had ended.
pub enum Causes {
    /// All for one reason.
    One(&'static str),
    /// By delivery.
    Each(HashMap<DeliveryId, &'static str>),
}

impl Causes {
    fn of(&self, delivery: &DeliveryId) -> &'static str {
        match self {
            Causes::One(cause) => cause,
            Causes::Each(causes) => causes.get(delivery).copied().unwrap_or("late row"),
        }
    }
}

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
    /// Why the hours of a delivery have changed that had ended.
    pub causes: Causes,
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
        let makes = match (job.dry_run, job.restatements) {
            (true, _) => Makes::Nothing,
            (false, false) => Makes::UsualTables,
            (false, true) => Makes::AllTables,
        };
        let restatements = Restatement::schema(ready.text_ids);
        let (hourly, deliveries) = (&columns.hourly, &columns.deliveries);
        let committed = output.open(hourly, deliveries, &restatements, makes)?;
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
        let (days, hourly, restated) = done?;
        enter(total(&days), &deliveries, report);
        if job.dry_run {
            report.difference = Some(frames.csv(&days)?);
            return Ok(true);
        }
        let deliveries = match deliveries.differs {
            true => committed.write_deliveries(deliveries.rows.as_ref())?,
            false => Written::default(),
        };
        let restated = restatements_of(restated, ready, report);
        report.restated = restated.len();
        let rows = Restatement::batch(&restated, ready.text_ids).map_err(PublishError::from)?;
        let restated = committed.write_restatements(rows.as_ref())?;
        let record = &mut report.record;
        let done = committed.publish(hourly, deliveries, restated, record, |record| {
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
) -> Result<(Vec<Comparison>, Written, Vec<Restated>), Error> {
    let last = committed.last.as_ref().filter(|_| job.restatements);
    let until = last.and_then(|last| parse_instant(&last.as_of));
    let published = committed.hourly_days()?;
    let first = frames.first_day();
    let names: BTreeSet<&str> = frames
        .days()
        .chain(published.keys().flatten().map(String::as_str))
        .filter(|day| first.as_deref().is_some_and(|first| first <= *day))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    type Day = (Comparison, Written, Vec<Restated>);
    let compare = |at: usize| -> Result<Day, Error> {
        let day = names[at];
        let files = published.get(&Some(day.to_owned()));
        let before = committed.hourly(files.map_or(&[], Vec::as_slice))?;
        let mut comparison = frames.compare_day(day, &before)?;
        let counts = comparison.counts;
        let mut written = Written::default();
        let rows = comparison.rows.take();
        let changes = match until {
            Some(until) if comparison.differs => restated(&before, rows.as_ref(), until)?,
            _ => Vec::new(),
        };
        if !job.dry_run {
            comparison.forget_difference();
            if comparison.differs {
                written = committed.write_day(day, rows.as_ref())?;
            }
        }
        progress.advances(counts.inserted + counts.changed + counts.unchanged);
        Ok((comparison, written, changes))
    };
    let mut changes = Vec::new();
    let mut comparisons = Vec::with_capacity(names.len());
    let mut hourly = Written::default();
    // Where memory is short, one day at a time takes up as little of it as can be.
    let days: Result<Vec<_>, Error> = match job.sources.room {
        Some(_) => (0..names.len()).map(compare).collect(),
        None => map(pool, names.len(), compare).into_iter().collect(),
    };
    for (comparison, written, of_day) in days? {
        comparisons.push(comparison);
        hourly.merge(written);
        changes.extend(of_day);
    }
    Ok((comparisons, hourly, changes))
}

/// The rows of `kpi_restatement`.
fn restatements_of(
    restated: Vec<Restated>,
    ready: &Ready<'_>,
    report: &Report,
) -> Vec<Restatement> {
    let row = |restated: Restated| {
        let change = |(kpi, old, new)| RestatedKpi { kpi, old, new };
        Restatement {
            cause: ready.causes.of(&restated.delivery),
            delivery_id: match restated.delivery {
                DeliveryId::Number(number) => number.into(),
                DeliveryId::Text(text) => (*text).into(),
            },
            hour: restated.hour.to_string(),
            changes: restated.changes.into_iter().map(change).collect(),
            run_id: report.record.run_id.clone(),
            as_of: report.record.as_of.clone(),
        }
    };
    restated.into_iter().map(row).collect()
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
