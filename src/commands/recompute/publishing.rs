//! The rows of a run beside the published ones, and into the tables.

use super::left_out::newly_left_out;
use super::summary::Report;
use super::{Counted, Inputs};
use crate::engine::{Progress, Stage};
use crate::error::Error;
use crate::extracts::IdKind;
use crate::job::{Job, Scope, Stopwatch};
use crate::model::Instant;
use crate::publish::{
    DELIVERY_KPI, DELIVERY_KPI_HOURLY, Output, PublishError, ReportedRecord, TableRecord,
};
use crate::tables::{Comparison, RowCounts, RunMarks, Tables, build};

/// How often another run may be faster before this one gives up.
const ATTEMPTS: usize = 5;

/// Compares and, unless it is a dry run, commits.
pub fn publish(
    job: &Job,
    inputs: &Inputs,
    counted: &Counted,
    progress: &dyn Progress,
    report: &mut Report,
    watch: &Stopwatch,
) -> Result<(), Error> {
    let marks = RunMarks {
        run_id: report.record.run_id.clone(),
        as_of: job.sources.as_of,
    };
    let text_ids = inputs.schemas.delivery_id == IdKind::String;
    let frames = build(&counted.kpis, &counted.attributes, text_ids, &marks)?;
    report.shown = frames.show(Report::SHOWN)?;
    report.not_final = frames.not_final()?;
    report.deliveries = counted.kpis.deliveries.len() as u64;
    let columns = frames.schemas()?;
    if job.dry_run && !has_published(job)? {
        let tables = frames.compare::<Error>([], |_| Ok(Vec::new()), &[])?;
        enter_left_out(report, &[]);
        report.difference = Some(tables.csv()?);
        enter(job, &tables, report);
        return Ok(());
    }
    let output = Output::new(&job.output, job.sources.threads)?;
    for _ in 0..ATTEMPTS {
        let committed = output.open(&columns.hourly, &columns.deliveries, !job.dry_run)?;
        let days = committed.hourly_days()?;
        let hourly = |day: &str| -> Result<_, Error> {
            let files = days.get(&Some(day.to_owned()));
            Ok(committed.hourly(files.map_or(&[], Vec::as_slice))?)
        };
        let names = days.keys().flatten().cloned();
        let tables = frames.compare(names, hourly, &committed.deliveries()?)?;
        refuse_rewind(job, &tables.deliveries)?;
        let earlier = committed.last.as_ref().filter(|_| !job.full);
        enter_left_out(report, earlier.map_or(&[], |last| &last.reported));
        enter(job, &tables, report);
        if job.dry_run {
            report.difference = Some(tables.csv()?);
            return Ok(());
        }
        let written = report.rows_written();
        progress.begins(Stage::Publishing, written);
        let done = committed.publish(
            &tables.hourly.partitions,
            &tables.deliveries.partitions,
            &mut report.record,
            |record| {
                record.finished_at = crate::job::now().to_string();
                let seconds = watch.since_lap().as_secs_f64();
                record
                    .stage_seconds
                    .insert("publishing".to_owned(), seconds);
                progress.advances(written);
            },
        );
        progress.ends();
        match done {
            Err(PublishError::Conflict { .. }) => {}
            done => {
                let failed = done?
                    .into_iter()
                    .map(|error| format!("no checkpoint: {error}"));
                report.notes.extend(failed);
                return Ok(());
            }
        }
    }
    Err(Error::Crowded(job.output.display().to_string(), ATTEMPTS))
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

fn enter(job: &Job, tables: &Tables, report: &mut Report) {
    let record = |table: &str, counts: RowCounts| TableRecord {
        table: table.to_owned(),
        rows_inserted: counts.inserted as i64,
        rows_changed: counts.changed as i64,
        rows_removed: counts.removed as i64,
        rows_unchanged: counts.unchanged as i64,
    };
    report.record.tables = vec![
        record(DELIVERY_KPI_HOURLY, tables.hourly.counts),
        record(DELIVERY_KPI, tables.deliveries.counts),
    ];
    report.record.mode = match job.sources.scope {
        Scope::All => "full",
        Scope::Deliveries(_) => "selected",
        Scope::EventTime(_) => "event_time",
    }
    .to_owned();
}

/// Whether there is a published run; looks without making anything.
fn has_published(job: &Job) -> Result<bool, Error> {
    Ok(job.output.is_dir()
        && Output::new(&job.output, job.sources.threads)?
            .last_run()?
            .is_some())
}
