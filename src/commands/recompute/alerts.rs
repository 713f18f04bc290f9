//! The alerts of a run: which there are, and which are new.

use super::summary::Report;
use crate::commands::people::{counted, printable};
use crate::error::Error;
use crate::extracts::Extract;
use crate::job::{Job, Scope, parse_instant};
use crate::model::{HOUR, Thresholds};
use crate::publish::{AlertRecord, Committed, DELIVERY_KPI_HOURLY, LogRecord, RunRecord};
use crate::tables::{Alert, EarlierHour, Frames, date_name, earlier_hours, told};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// Enters the alerts of a run. `committed` are the tables that it finds, if there are any, `last` is the newest run, where
/// what it has reported counts as known.
pub fn enter_alerts(
    job: &Job,
    frames: &Frames<'_>,
    committed: Option<&Committed<'_>>,
    last: Option<&RunRecord>,
    report: &mut Report,
) -> Result<(), Error> {
    let thresholds = &job.thresholds;
    let earlier = match committed {
        Some(committed) => wanted_hours(frames, thresholds, committed)?,
        None => Vec::new(),
    };
    let known = last.map_or(&[][..], |last| &last.alerts);
    let of_deliveries = frames.alerts(thresholds, &earlier).into_iter();
    let mut alerts: Vec<AlertRecord> = of_deliveries.map(record).collect();
    report.new_alerts = 0;
    if matches!(job.sources.scope, Scope::All) {
        alerts.extend(old_input(job, frames, &report.record));
    }
    // What a run does not look at is as the last one found it.
    let computed: HashSet<String> = frames.computed().map(ToString::to_string).collect();
    let frozen: HashSet<&String> = report.record.frozen.iter().collect();
    let is_left = |alert: &&AlertRecord| match (&alert.delivery_id, &job.sources.scope) {
        (Some(id), _) if frozen.contains(id) => true,
        (_, Scope::All) => false,
        (Some(id), _) => !computed.contains(id),
        (None, _) => true,
    };
    alerts.extend(known.iter().filter(is_left).cloned());
    let before: HashMap<_, &AlertRecord> =
        known.iter().map(|alert| (alert.subject(), alert)).collect();
    // A run that ends with another code has not told of them yet.
    let tells = report.left_out <= report.allowed;
    for alert in &mut alerts {
        let known = before.get(&alert.subject());
        let was_told = known.is_some_and(|known| known.is_told);
        let since = known.map_or(&report.record.run_id, |known| &known.since_run);
        alert.since_run.clone_from(since);
        alert.is_told = was_told || tells;
        report.new_alerts += usize::from(!was_told);
    }
    // New ones first.
    let is_known = |alert: &AlertRecord| before.get(&alert.subject()).is_some_and(|of| of.is_told);
    alerts.sort_by_key(is_known);
    report.record.alerts = alerts;
    Ok(())
}

/// The published hours that alerts need and the run does not compute.
fn wanted_hours(
    frames: &Frames<'_>,
    thresholds: &Thresholds,
    committed: &Committed<'_>,
) -> Result<Vec<EarlierHour>, Error> {
    let mut hours = Vec::new();
    let Some(wanted) = frames.wanted_for_alerts(thresholds) else {
        return Ok(hours);
    };
    let first = Some(date_name(wanted.from.day()));
    for (_, files) in committed.files(DELIVERY_KPI_HOURLY)?.range(first..) {
        let rows = committed.rows(DELIVERY_KPI_HOURLY, files)?;
        hours.extend(earlier_hours(&rows, |id| wanted.deliveries.contains(id))?);
    }
    Ok(hours)
}

fn record(alert: Alert) -> AlertRecord {
    AlertRecord {
        rule: alert.rule.to_owned(),
        delivery_id: Some(alert.delivery.to_string()),
        value: Some(alert.value),
        threshold: alert.threshold,
        ..AlertRecord::default()
    }
}

/// The logs whose newest row is too old, or that have none.
fn old_input(job: &Job, frames: &Frames<'_>, run: &RunRecord) -> Vec<AlertRecord> {
    let Some(most) = job.thresholds.input_hours else {
        return Vec::new();
    };
    let as_of = job.sources.as_of;
    let is_log = |log: &&LogRecord| log.log != Extract::Deliveries.name();
    let alert = |log: &LogRecord| {
        let newest = log.newest_event_at.as_deref().and_then(parse_instant);
        // Where rows lie ahead of as-of, the newest one before it may be that of either log.
        let newest = match newest {
            Some(ahead) if ahead >= as_of => frames.last_event_at(),
            newest => newest,
        };
        let age = newest.map(|newest| as_of.micros() - newest.micros());
        let is_old = age.is_none_or(|age| age > most.saturating_mul(HOUR));
        is_old.then(|| AlertRecord {
            rule: "input_hours".to_owned(),
            log: Some(log.log.clone()),
            value: age.map(|age| age as f64 / HOUR as f64),
            threshold: most as f64,
            ..AlertRecord::default()
        })
    };
    run.logs.iter().filter(is_log).filter_map(alert).collect()
}

/// As many alerts are told one by one.
const TOLD: usize = 20;

/// Tells a person of the alerts: those first that no run has told of before.
pub fn write_alerts(out: &mut String, run: &RunRecord, new: usize) -> std::fmt::Result {
    let (new, known) = run.alerts.split_at(new.min(run.alerts.len()));
    for alert in new.iter().take(TOLD) {
        writeln!(out, "ALERT         {}", text(alert))?;
    }
    if let Some(more) = new.len().checked_sub(TOLD).filter(|more| *more > 0) {
        let more = counted(more as i64, "more new alert", "more new alerts");
        writeln!(out, "ALERT         {more}, in kpi_run")?;
    }
    if !known.is_empty() {
        let known = counted(known.len() as i64, "alert", "alerts");
        writeln!(
            out,
            "alerts        {known} that earlier runs have told of, in kpi_run"
        )?;
    }
    Ok(())
}

fn text(alert: &AlertRecord) -> String {
    let of = match (&alert.delivery_id, &alert.log) {
        (Some(delivery), _) => format!("delivery {}", printable(delivery)),
        (None, log) => log.clone().unwrap_or_default(),
    };
    let told = told(&alert.rule, alert.value, alert.threshold);
    format!("{of}: {told}")
}
