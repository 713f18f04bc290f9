//! The rows of a run beside the published ones, and into the tables.

use super::alerts::enter_alerts;
use super::forms::{self, forms, others};
use super::left_out::{newly_left_out, notes_on_parts};
use super::retention::Frozen;
use super::summary::Report;
use crate::engine::{Pool, Progress, Stage, map};
use crate::error::Error;
use crate::job::{Job, Scope, Stopwatch, parse_instant};
use crate::model::{Attributes, DeliveryId, Instant};
use crate::publish::{
    Committed, DELIVERY_KPI, DELIVERY_KPI_HOURLY, KPI_RESTATEMENT, Output, PublishError,
    ReportedRecord, RestatedKpi, Restatement, TableRecord, Written,
};
use crate::rollup::Kpis;
use crate::state::Kept;
use crate::tables::{
    Comparison, EarlierDelivery, Frames, Hourly, ParentFrames, PartFrames, Restated, RowCounts,
    RunMarks, build, earlier_deliveries, restated,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// What is published where, and how.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The job.
    pub job: &'a Job,
    /// The threads.
    pub pool: &'a Pool,
    /// The output; a dry run may have none.
    pub output: Option<&'a Output>,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
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
    /// The deliveries whose published rows stay as they are.
    pub frozen: &'a Frozen,
    /// The newest run when it was planned, if there was one: what it has read and what it freezes go by that, so it
    /// commits on top of that run or not at all.
    pub planned_on: Option<&'a str>,
    /// Whether it builds on the state of that run; then nothing at all may have been committed since.
    pub is_incremental: bool,
}

/// Compares and, unless it is a dry run, commits; false if another run has committed in between and what
/// this one builds on has to be read again.
pub fn publish(
    place: Place<'_>,
    ready: &Ready<'_>,
    report: &mut Report,
    watch: &Stopwatch,
) -> Result<bool, Error> {
    let Place { job, pool, .. } = place;
    let marks = RunMarks {
        run_id: report.record.run_id.clone(),
        as_of: job.sources.as_of,
        counts_quarantines: job.sources.people.quarantine.is_some(),
    };
    let text_ids = ready.text_ids;
    let mut frames = build(ready.kpis, ready.attributes, text_ids, &marks)?;
    let parts = ready.kpis.parts.iter();
    let parts = parts.map(|parts| PartFrames::new(parts, text_ids, &marks));
    let mut parts: Vec<PartFrames<'_>> = parts.collect();
    let last = place.output.map(Output::last_run).transpose()?.flatten();
    let parents = forms::parents(ready, job, last.as_ref(), &marks);
    let forms = forms(job, &frames, &parts, parents.as_ref(), text_ids)?;
    report.shown = frames.show(Report::SHOWN)?;
    report.not_final = frames.not_final()?;
    report.deliveries = ready.kpis.deliveries.len() as u64;
    report.record.mode = mode(job, ready).to_owned();
    let (Some(output), false) = (place.output, job.dry_run && last.is_none()) else {
        let days = frames.days();
        let compare = |at: usize| frames.compare_day(days[at], &[]);
        let days: Result<Vec<_>, _> = map(pool, days.len(), compare).into_iter().collect();
        let deliveries = frames.compare_deliveries(&[])?;
        enter_left_out(report, &[]);
        enter_alerts(job, &frames, None, None, report)?;
        let days = days?;
        report.difference = Some(frames.csv(&days)?);
        enter(&[(DELIVERY_KPI_HOURLY, total(&days))], &deliveries, report);
        return Ok(true);
    };
    let names = others(&parts, parents.as_ref());
    let names: Vec<&str> = names.into_iter().map(Hourly::table).collect();
    report
        .notes
        .extend(notes_on_parts(&names, last.as_ref(), ready.frozen));
    let parents_told = parents.as_ref().and_then(ParentFrames::note);
    report.notes.extend(parents_told);
    for _ in 0..ATTEMPTS {
        if !ready.is_incremental {
            output.begin_anew();
        }
        let committed = output.open(&forms, !job.dry_run)?;
        let last = committed.last.as_ref().map(|last| last.run_id.as_str());
        if ready.planned_on != last {
            return Ok(false);
        }
        let files = committed.files(DELIVERY_KPI)?;
        let earlier = committed.rows(DELIVERY_KPI, files.values().flatten())?;
        let published = earlier_deliveries(&earlier)?;
        let gone = gone(job, ready, &frames, &published)?;
        if committed.last.as_ref().is_some_and(forms::has_parents) {
            refuse_lost_parents(job, ready, &published)?;
        }
        report.enter_gone(&gone);
        parts.iter_mut().for_each(|parts| parts.remove(&gone));
        frames.remove(gone);
        let deliveries = frames.compare_deliveries(&earlier)?;
        refuse_rewind(job, &deliveries)?;
        let earlier = committed.last.as_ref().filter(|_| !job.full);
        enter_left_out(report, earlier.map_or(&[], |last| &last.reported));
        enter_alerts(job, &frames, Some(&committed), earlier, report)?;
        let mut parts = others(&parts, parents.as_ref());
        parts.retain(|parts| committed.has(parts.table()));
        let rows = parts.iter().map(|parts| parts.rows()).sum::<u64>();
        let progress = place.progress;
        progress.begins(Stage::Publishing, frames.rows() + rows);
        let done = compare_days(place, &frames, &committed, job.restatements);
        let of_parts: Result<Vec<_>, Error> = parts
            .iter()
            .map(|parts| compare_days(place, *parts, &committed, false))
            .collect();
        progress.ends();
        let (days, hourly, restated) = done?;
        let mut written = BTreeMap::from([(DELIVERY_KPI_HOURLY, hourly)]);
        let mut counts = vec![(DELIVERY_KPI_HOURLY, total(&days))];
        for (parts, (days, of_parts, _)) in parts.iter().zip(of_parts?) {
            counts.push((parts.table(), total(&days)));
            written.insert(parts.table(), of_parts);
        }
        enter(&counts, &deliveries, report);
        if job.dry_run {
            report.difference = Some(frames.csv(&days)?);
            return Ok(true);
        }
        if deliveries.differs {
            let rows = deliveries.rows.as_ref();
            written.insert(DELIVERY_KPI, committed.write(DELIVERY_KPI, None, rows)?);
        }
        let restated = restatements_of(restated, ready, report);
        report.restated = restated.len();
        let rows = Restatement::batch(&restated, text_ids).map_err(PublishError::from)?;
        let restated = committed.write_more(KPI_RESTATEMENT, rows.as_ref())?;
        written.insert(KPI_RESTATEMENT, restated);
        let record = &mut report.record;
        if ready.kept.is_none() {
            // A run of some deliveries leaves what the last run of all has left.
            let last = committed.last.as_ref();
            let state = last.and_then(|last| last.state.clone());
            record.state = state.filter(|state| ready.frozen.told_by.as_ref() == Some(state));
        }
        let done = committed.publish(written, record, |record| {
            record.finished_at = crate::job::now().to_string();
            let seconds = watch.since_lap().as_secs_f64();
            record
                .stage_seconds
                .insert("publishing".to_owned(), seconds);
        });
        match done {
            Err(PublishError::Conflict { .. }) if ready.is_incremental => return Ok(false),
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
    Err(Error::Crowded(job.output.to_string(), ATTEMPTS))
}

/// The deliveries with published rows that neither logs nor deliveries extract name any more; a run of some
/// deliveries knows nothing of the others. That most have gone at once is more likely an error.
fn gone(
    job: &Job,
    ready: &Ready<'_>,
    frames: &Frames<'_>,
    published: &BTreeMap<DeliveryId, EarlierDelivery>,
) -> Result<Vec<DeliveryId>, Error> {
    if !matches!(job.sources.scope, Scope::All) {
        return Ok(Vec::new());
    }
    let gone = frames.gone(published, &ready.frozen.after);
    // One without an event has nothing to lose, and one that is frozen cannot go.
    let had_events = |id: &&DeliveryId| {
        published[*id].first_event_at.is_some() && !ready.frozen.after.contains(*id)
    };
    let before = published.keys().filter(had_events).count();
    let lost = gone.iter().filter(had_events).count();
    if lost > 0 && 2 * lost >= before && !job.accept_shrinkage {
        return Err(Error::DeliveriesGone { lost, before });
    }
    Ok(gone)
}

/// That most parents have gone at once is more likely an error, too.
fn refuse_lost_parents(
    job: &Job,
    ready: &Ready<'_>,
    published: &BTreeMap<DeliveryId, EarlierDelivery>,
) -> Result<(), Error> {
    let Some(now) = &ready.kpis.parents else {
        return Ok(());
    };
    let parents = published.values().filter_map(|of| of.parent.as_ref());
    let before: BTreeSet<&DeliveryId> = parents.collect();
    let mut left: BTreeSet<&DeliveryId> = now.parents.iter().map(|parent| &parent.id).collect();
    left.extend(&now.stay);
    let (lost, before) = (before.difference(&left).count(), before.len());
    match lost > 0 && 2 * lost >= before && !job.accept_shrinkage {
        true => Err(Error::ParentsGone { lost, before }),
        false => Ok(()),
    }
}

/// Compares hourly rows with the published ones, day by day, and without a memory limit several days at
/// once; unless it is a dry run, those of days that differ are written, so that they need not be kept.
fn compare_days(
    place: Place<'_>,
    frames: &dyn Hourly,
    committed: &Committed<'_>,
    tells_changes: bool,
) -> Result<(Vec<Comparison>, Written, Vec<Restated>), Error> {
    let Place {
        job,
        pool,
        progress,
        ..
    } = place;
    let table = frames.table();
    let last = committed.last.as_ref().filter(|_| tells_changes);
    let until = last.and_then(|last| parse_instant(&last.as_of));
    let published = committed.files(table)?;
    let first = frames.first_day();
    let names: BTreeSet<&str> = frames
        .days()
        .into_iter()
        .chain(published.keys().flatten().map(String::as_str))
        .filter(|day| first.as_deref().is_some_and(|first| first <= *day))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    type Day = (Comparison, Written, Vec<Restated>);
    let compare = |at: usize| -> Result<Day, Error> {
        let day = names[at];
        let files = published.get(&Some(day.to_owned()));
        let before = committed.rows(table, files.into_iter().flatten())?;
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
                written = committed.write(table, Some(day), rows.as_ref())?;
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
            cause: ready.causes.of(&restated.delivery).into(),
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

fn enter(hourly: &[(&str, RowCounts)], deliveries: &Comparison, report: &mut Report) {
    let record = |table: &str, counts: RowCounts| TableRecord {
        table: table.to_owned(),
        rows_inserted: counts.inserted as i64,
        rows_changed: counts.changed as i64,
        rows_removed: counts.removed as i64,
        rows_unchanged: counts.unchanged as i64,
    };
    let of_deliveries = record(DELIVERY_KPI, deliveries.counts);
    let hourly = hourly.iter().map(|(table, counts)| record(table, *counts));
    report.record.tables = hourly.collect();
    report.record.tables.insert(1, of_deliveries);
}

fn mode(job: &Job, ready: &Ready<'_>) -> &'static str {
    match job.sources.scope {
        Scope::All if ready.is_incremental => "incremental",
        Scope::All => "full",
        Scope::Deliveries(_) => "selected",
        Scope::EventTime(_) => "event_time",
    }
}
