//! What became of every row, checked.

use super::{Counted, Inputs};
use crate::commands::people::{counted as several, number};
use crate::error::Error;
use crate::extracts::{Extract, FileError};
use crate::job::Sources;
use crate::model::{FateCounts, Instant};
use crate::publish::{FileRecord, LogRecord, RejectionRecord, Rows};
use std::collections::BTreeMap;

/// What became of every row and file.
#[derive(Default)]
pub struct Ledger {
    /// By log, the sums over its files.
    pub logs: Vec<LogRecord>,
    /// By file.
    pub files: Vec<FileRecord>,
    /// Rejected rows by extract and reason.
    pub rejections: Vec<(Extract, RejectionRecord)>,
}

/// Draws up what became of every row; an error if some row has no fate, or two.
pub fn ledger(sources: &Sources, inputs: &Inputs, counted: &Counted) -> Result<Ledger, Error> {
    let mut ledger = Ledger::default();
    let mut logs: BTreeMap<Extract, (LogRecord, FateCounts, Option<Instant>)> = BTreeMap::new();
    for extract in Extract::ALL {
        if sources.path(extract).is_some() {
            let record = LogRecord {
                log: extract.name().to_owned(),
                ..LogRecord::default()
            };
            logs.insert(extract, (record, FateCounts::default(), None));
        }
    }
    let mut skip = |error: &FileError, ledger: &mut Ledger| {
        if let Some((log, _, _)) = logs.get_mut(&error.extract) {
            log.files_skipped += 1;
        }
        ledger.files.push(FileRecord {
            log: error.extract.name().to_owned(),
            file: error.file.clone(),
            skipped: Some(match error.row_group {
                Some(group) => format!("row group {group}: {}", error.reason),
                None => error.reason.clone(),
            }),
            ..FileRecord::default()
        });
    };
    let while_reading = counted.files.iter().filter_map(|file| file.as_ref().err());
    for error in inputs.bad_files.iter().chain(while_reading) {
        skip(error, &mut ledger);
    }
    let of_logs = inputs
        .logs
        .iter()
        .zip(&counted.files)
        .filter_map(|(file, read)| {
            let read = read.as_ref().ok()?;
            Some((file.extract, &file.file, &read.counts, read.newest))
        });
    let of_deliveries = inputs
        .delivery_files
        .iter()
        .map(|(file, counts)| (Extract::Deliveries, file, counts, None));
    for (extract, file, counts, newest) in of_logs.chain(of_deliveries) {
        check_fates(&format!("{extract}, file {}", file.name), counts)?;
        if let Some((log, sum, newest_of_log)) = logs.get_mut(&extract) {
            log.files_read += 1;
            *sum += counts;
            *newest_of_log = (*newest_of_log).max(newest);
        }
        ledger.files.push(FileRecord {
            log: extract.name().to_owned(),
            file: file.name.clone(),
            bytes: file.bytes as i64,
            skipped: None,
            rows: rows(counts),
            rejections: rejections(counts),
        });
    }
    for (extract, (mut log, counts, newest)) in logs {
        check_fates(extract.name(), &counts)?;
        log.rows = rows(&counts);
        log.newest_event_at = newest.map(|newest| newest.to_string());
        ledger.logs.push(log);
        ledger
            .rejections
            .extend(rejections(&counts).into_iter().map(|r| (extract, r)));
    }
    Ok(ledger)
}

/// Every row that was read has one fate, or nothing is published.
fn check_fates(name: &str, counts: &FateCounts) -> Result<(), Error> {
    match counts.adds_up() {
        true => Ok(()),
        false => Err(Error::Fates(name.to_owned())),
    }
}

fn rows(counts: &FateCounts) -> Rows {
    Rows {
        rows_read: counts.read as i64,
        rows_counted: counts.counted as i64,
        rows_duplicate: counts.duplicate as i64,
        rows_superseded: counts.superseded as i64,
        rows_deleted: counts.deleted as i64,
        rows_future: counts.future as i64,
        rows_rejected: counts.rejected() as i64,
        rows_not_selected: counts.not_selected as i64,
        rows_unknown_type: counts.unknown_type as i64,
        rows_test: counts.test as i64,
        rows_orphan: counts.orphan as i64,
    }
}

fn rejections(counts: &FateCounts) -> Vec<RejectionRecord> {
    let record = |(rejection, rows): (&crate::model::Rejection, &u64)| RejectionRecord {
        column: rejection.column.to_owned(),
        reason: rejection.reason.to_owned(),
        rows: *rows as i64,
    };
    counts.rejections.iter().map(record).collect()
}

/// A log, and what became of its rows.
pub fn log_line(log: &LogRecord) -> String {
    let rows = &log.rows;
    let mut line = format!(
        "{:<13} {}, {} read = {} counted",
        log.log,
        several(log.files_read, "file", "files"),
        several(rows.rows_read, "row", "rows"),
        number(rows.rows_counted)
    );
    for (name, value) in [
        ("duplicate", rows.rows_duplicate),
        ("superseded", rows.rows_superseded),
        ("deleted", rows.rows_deleted),
        ("future", rows.rows_future),
        ("rejected", rows.rows_rejected),
    ] {
        if value > 0 {
            line += &format!(" + {} {name}", number(value));
        }
    }
    for (name, value) in [
        ("of unknown types", rows.rows_unknown_type),
        ("marked as tests", rows.rows_test),
        ("orphaned", rows.rows_orphan),
        ("of other deliveries", rows.rows_not_selected),
    ] {
        if value > 0 {
            line += &format!("; {} {name}", number(value));
        }
    }
    if let Some(newest) = &log.newest_event_at {
        line += &format!("; newest {newest}");
    }
    line
}
