//! The alerts of a run: which there are, and which are new.

use super::summary::Report;
use crate::commands::people::{counted, printable};
use crate::error::Error;
use crate::extracts::Extract;
use crate::job::{Job, Scope, parse_instant};
use crate::model::{HOUR, Thresholds};
use crate::publish::{AlertRecord, Committed, LogRecord, RunRecord};
use crate::tables::{Alert, EarlierHour, Frames, date_name, earlier_hours, told};
use std::collections::BTreeSet;
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
    match job.sources.scope {
        Scope::All => alerts.extend(old_input(job, &report.record)),
        // What a run does not look at is as the last one found it.
        Scope::Deliveries(_) | Scope::EventTime(_) => {
            let computed: BTreeSet<String> = frames.computed().map(ToString::to_string).collect();
            let is_other = |alert: &&AlertRecord| {
                let id = alert.delivery_id.as_ref();
                id.is_none_or(|id| !computed.contains(id))
            };
            alerts.extend(known.iter().filter(is_other).cloned());
        }
    }
    for alert in &mut alerts {
        let before = known.iter().find(|known| known.is_about(alert));
        alert.since_run = match before {
            Some(before) => before.since_run.clone(),
            None => report.record.run_id.clone(),
        };
    }
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
    for (_, files) in committed.hourly_days()?.range(first..) {
        let rows = committed.hourly(files)?;
        hours.extend(earlier_hours(&rows, |id| wanted.deliveries.contains(id))?);
    }
    Ok(hours)
}

fn record(alert: Alert) -> AlertRecord {
    AlertRecord {
        rule: alert.rule.to_owned(),
        delivery_id: Some(alert.delivery.to_string()),
        value: alert.value,
        threshold: alert.threshold,
        ..AlertRecord::default()
    }
}

/// The logs whose newest row is too old; one without any row is not there.
fn old_input(job: &Job, run: &RunRecord) -> Vec<AlertRecord> {
    let Some(most) = job.thresholds.input_hours else {
        return Vec::new();
    };
    let is_log = |log: &str| log != Extract::Deliveries.name();
    let logs = run.logs.iter().filter(|log| is_log(&log.log));
    let alert = |log: &LogRecord| {
        let newest = log.newest_event_at.as_deref().and_then(parse_instant)?;
        let age = job.sources.as_of.micros() - newest.micros();
        (age > most.saturating_mul(HOUR)).then(|| AlertRecord {
            rule: "input_hours".to_owned(),
            log: Some(log.log.clone()),
            value: age as f64 / HOUR as f64,
            threshold: most as f64,
            ..AlertRecord::default()
        })
    };
    logs.filter_map(alert).collect()
}

/// As many alerts are told one by one.
const TOLD: usize = 20;

/// Tells a person of the alerts, the new ones first and louder.
pub fn write_alerts(out: &mut String, run: &RunRecord) -> std::fmt::Result {
    let is_new = |alert: &AlertRecord| alert.since_run == run.run_id;
    let (new, known): (Vec<_>, Vec<_>) = run.alerts.iter().partition(|alert| is_new(alert));
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
            "alerts        {known} that earlier runs have raised, in kpi_run"
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
