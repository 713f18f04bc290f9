//! What a run says at its end: is it right, what changed, what is not final yet.

use super::alerts::write_alerts;
use super::{Inputs, Ledger, log_line};
use crate::commands::people::{counted, number};
use crate::error::exit;
use crate::extracts::Extract;
use crate::job::{Job, Scope};
use crate::model::{DeadlineMode, Instant};
use crate::publish::{RejectionRecord, RunRecord};
use std::fmt::Write;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// The record of the run, as it stands in `kpi_run`.
    pub record: RunRecord,
    /// Rejected rows by extract and reason.
    pub rejections: Vec<(Extract, RejectionRecord)>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// Rows and files left out that no earlier run has reported.
    pub left_out: u64,
    /// How many the job allows.
    pub allowed: u64,
    /// Alerts that no run has told of before, the first ones of the record.
    pub new_alerts: usize,
    /// Deliveries computed.
    pub deliveries: u64,
    /// Those that can still change before their validity ends, and the latest such end.
    pub not_final: (u64, Option<Instant>),
    /// The deliveries with the most recent events.
    pub shown: String,
    /// What a dry run would write, as CSV.
    pub difference: Option<String>,
    /// The whole time.
    pub total: Duration,
    /// What has changed since the last run, where the run builds on it.
    pub(super) changes: Option<String>,
    /// Hours that had ended and changed after all, where that is recorded.
    pub(super) restated: usize,
    /// How many deliveries no extract names any more.
    pub(super) gone: usize,
    /// The deliveries that follow from it, and why.
    pub(super) followed: Vec<(String, String)>,
    output: String,
    dry_run: bool,
    alerts_end_it: bool,
}

impl Report {
    /// How many deliveries are shown.
    pub const SHOWN: usize = 10;

    /// The report of a run that begins.
    pub fn new(job: &Job, started_at: Instant) -> Report {
        Report {
            record: RunRecord {
                run_id: crate::job::new_run_id(),
                started_at: started_at.to_string(),
                as_of: job.sources.as_of.to_string(),
                program_version: env!("CARGO_PKG_VERSION").to_owned(),
                arguments: job.arguments.clone(),
                deadline: match job.sources.deadline {
                    DeadlineMode::Infer => "infer",
                    DeadlineMode::Reported => "reported",
                }
                .to_owned(),
                ..RunRecord::default()
            },
            notes: match &job.sources.scope {
                Scope::EventTime(interval) => vec![format!(
                    "only deliveries with events in [{}, {})",
                    interval.start, interval.end
                )],
                Scope::All | Scope::Deliveries(_) => Vec::new(),
            },
            allowed: job.max_rejected,
            output: match job.output.directory().map(Path::canonicalize) {
                Some(Ok(whole)) => whole.display().to_string(),
                _ => job.output.to_string(),
            },
            dry_run: job.dry_run,
            alerts_end_it: job.thresholds.exit_code,
            ..Report::default()
        }
    }

    /// Enters the time of a stage.
    pub fn lap(&mut self, stage: &str, time: Duration) {
        self.record
            .stage_seconds
            .insert(stage.to_owned(), time.as_secs_f64());
    }

    /// Prints the data of the run: what a dry run would change, else the deliveries with the most
    /// recent events. What is published stays published when that fails.
    pub fn print(&mut self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        let data = self.difference.as_ref().unwrap_or(&self.shown);
        match out.write_all(data.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if self.dry_run && error.kind() != ErrorKind::BrokenPipe => Err(error),
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                self.notes
                    .push(format!("standard output cannot be written: {error}"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// 0; 3 where more was left out than the job allows; 5 where there are new alerts, and the job wants that.
    pub fn exit_code(&self) -> u8 {
        if self.left_out > self.allowed {
            exit::LEFT_OUT
        } else if self.alerts_end_it && self.new_alerts > 0 {
            exit::ALERTS
        } else {
            exit::DONE
        }
    }

    pub(super) fn enter(&mut self, ledger: Ledger, inputs: &Inputs) {
        self.record.logs = ledger.logs;
        self.record.files = ledger.files;
        self.rejections = ledger.rejections;
        self.enter_notes(inputs);
    }

    fn enter_notes(&mut self, inputs: &Inputs) {
        for extract in &inputs.empty {
            self.notes
                .push(format!("{extract}: no data file, counted as empty"));
        }
        for extract in Extract::ALL {
            let others: Vec<&str> = inputs
                .skipped
                .iter()
                .filter(|(of, _)| *of == extract)
                .map(|(_, name)| name.as_str())
                .collect();
            if !others.is_empty() {
                self.notes.push(format!(
                    "{extract}: not read, no data files: {}",
                    others.join(", ")
                ));
            }
        }
        self.enter_row_notes();
        if !inputs.ambiguous.is_empty() {
            self.notes.push(format!(
                "{}: different rows with one modified_at, of which the greatest counts",
                counted(inputs.ambiguous.len() as i64, "delivery", "deliveries")
            ));
        }
        if inputs.ignored_validity > 0 {
            self.notes.push(format!(
                "{}: a validity period of 0 or less or over 84 h, which does not count",
                counted(inputs.ignored_validity as i64, "delivery", "deliveries")
            ));
        }
    }

    /// What is easily taken for right: labels that nobody has mapped, logs that are not there.
    fn enter_row_notes(&mut self) {
        let logs = &self.record.logs;
        if !logs
            .iter()
            .any(|log| log.log == Extract::TrackingLog.name())
        {
            let note = "no tracking_log: opens, clicks and opt-outs are 0";
            self.notes.push(note.to_owned());
        }
        let unknown: i64 = logs.iter().map(|log| log.rows.rows_unknown_type).sum();
        if unknown > 0 {
            self.notes.push(format!(
                "tracking_log: {} in no KPI; labels.type of a job file says what a type means",
                counted(
                    unknown,
                    "row of an unknown type counts",
                    "rows of unknown types count"
                )
            ));
        }
        let is_unknown = |(_, rejection): &&(Extract, RejectionRecord)| {
            rejection.reason.starts_with("unknown label")
        };
        for (extract, rejection) in self.rejections.iter().filter(is_unknown) {
            let column = &rejection.column;
            self.notes.push(format!(
                "{extract}, {column}: labels.{column} of a job file says what other labels mean"
            ));
        }
    }

    /// Of how many deliveries the mode is not known.
    pub(super) fn enter_unknown_mode(&mut self, deliveries: usize) {
        if deliveries > 0 {
            self.notes.push(format!(
                "{}: efs is not known, taken as false (defaults.efs)",
                counted(deliveries as i64, "delivery", "deliveries")
            ));
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).map(|()| text).unwrap_or_default()
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let record = &self.record;
        writeln!(
            out,
            "as of {}, deadline = {}, {}",
            record.as_of,
            record.deadline,
            counted(self.deliveries as i64, "delivery", "deliveries")
        )?;
        if let Some(changes) = &self.changes {
            writeln!(out, "since before  {changes}")?;
        }
        if self.dry_run {
            for (delivery, reasons) in &self.followed {
                writeln!(out, "follows       delivery {delivery}: {reasons}")?;
            }
        }
        for log in &record.logs {
            writeln!(out, "{}", log_line(log))?;
        }
        for (extract, rejection) in &self.rejections {
            let RejectionRecord {
                column,
                reason,
                rows,
            } = rejection;
            writeln!(
                out,
                "rejected      {extract}, {column}: {reason}: {}",
                counted(*rows, "row", "rows")
            )?;
        }
        for file in record
            .files
            .iter()
            .filter(|file| file.rows.rows_rejected > 0)
            .take(20)
        {
            writeln!(
                out,
                "rejected      {}, file {}: {}",
                file.log,
                file.file,
                counted(file.rows.rows_rejected, "row", "rows")
            )?;
        }
        for file in &record.files {
            if let Some(reason) = &file.skipped {
                writeln!(
                    out,
                    "left out      {}, file {}: {reason}",
                    file.log, file.file
                )?;
            }
        }
        for note in &self.notes {
            writeln!(out, "note          {note}")?;
        }
        let names = record.tables.iter().map(|table| table.table.len());
        let width = names.max().unwrap_or(0).max(20);
        for table in &record.tables {
            writeln!(
                out,
                "{:<width$} {} rows new, {} changed, {} removed, {} as they were",
                table.table,
                number(table.rows_inserted),
                number(table.rows_changed),
                number(table.rows_removed),
                number(table.rows_unchanged)
            )?;
        }
        if self.restated > 0 {
            let hours = counted(self.restated as i64, "hour", "hours");
            writeln!(
                out,
                "restated      {hours} that had ended: kpi_restatement tells old and new values, and why"
            )?;
        }
        if self.gone > 0 {
            let deliveries = counted(self.gone as i64, "delivery", "deliveries");
            writeln!(
                out,
                "gone          {deliveries} that no extract names any more: the rows are removed"
            )?;
        }
        write_alerts(out, record, self.new_alerts)?;
        match self.not_final {
            (0, _) => {}
            (some, None) => writeln!(
                out,
                "not final     {}",
                counted(some as i64, "delivery", "deliveries")
            )?,
            (some, Some(until)) => writeln!(
                out,
                "not final     {}: before the last deadline ({until} at the latest), with pending messages, or not all sent",
                counted(some as i64, "delivery", "deliveries")
            )?,
        }
        let stages = [
            "opening",
            "reading",
            "folding",
            "matching recipients",
            "rolling up",
            "publishing",
        ];
        let times = stages.iter().filter_map(|stage| {
            let seconds = record.stage_seconds.get(*stage)?;
            Some(format!("{stage} {seconds:.2} s"))
        });
        let times: Vec<String> = times.collect();
        writeln!(
            out,
            "time          {:.2} s: {}",
            self.total.as_secs_f64(),
            times.join(", ")
        )?;
        if self.left_out > self.allowed {
            writeln!(
                out,
                "LEFT OUT      {} rows or files that no earlier run has reported; the job allows {} (max_rejected)",
                number(self.left_out as i64),
                self.allowed
            )?;
        }
        let known: i64 = record.reported.iter().map(|file| file.rows_rejected).sum();
        if self.left_out == 0 && known > 0 {
            writeln!(
                out,
                "left out      nothing new; {} reported by earlier runs (--full counts them again)",
                counted(known, "rejected row was", "rejected rows were")
            )?;
        }
        match self.dry_run {
            true => writeln!(
                out,
                "dry run: nothing was written; new and different hourly rows are on standard output"
            ),
            false => {
                writeln!(
                    out,
                    "run {} (number {}) is published in {}",
                    record.run_id, record.run_number, self.output
                )?;
                writeln!(
                    out,
                    "look at it with: duckdb -c \"FROM delta_scan('{}/delivery_kpi')\"",
                    self.output
                )
            }
        }
    }

    /// For machines: one line of JSON.
    pub fn json(&self, exit_code: u8) -> String {
        serde_json::json!({
            "exit_code": exit_code,
            "published": !self.dry_run,
            "output": self.output,
            "deliveries": self.deliveries,
            "not_final": self.not_final.0,
            "left_out": self.left_out,
            "new_alerts": self.new_alerts,
            "seconds": self.total.as_secs_f64(),
            "notes": self.notes,
            "changes": self.changes,
            "gone": self.gone,
            "followed": self.followed.iter().map(|(delivery, reasons)| {
                serde_json::json!({"delivery_id": delivery, "reasons": reasons})
            }).collect::<Vec<_>>(),
            "run": self.record,
        })
        .to_string()
    }
}
