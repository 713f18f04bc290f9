//! What became of every row, checked.

use super::{Counted, Inputs};
use crate::commands::people::{counted as several, number};
use crate::error::Error;
use crate::extracts::{Extract, FileError, OpenFile};
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

/// What became of one file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The extract.
    pub extract: Extract,
    /// Its rows.
    pub record: FileRecord,
    /// The newest instant in it.
    pub newest: Option<Instant>,
}

impl Entry {
    /// That of a file that was read.
    pub fn read(file: &OpenFile, counts: &FateCounts, span: Option<(Instant, Instant)>) -> Entry {
        Entry {
            extract: file.extract,
            record: FileRecord {
                log: file.extract.name().to_owned(),
                file: file.file.name.clone(),
                bytes: file.file.bytes as i64,
                is_verified: file.is_verified(),
                oldest_event_at: span.map(|(oldest, _)| oldest.to_string()),
                newest_event_at: span.map(|(_, newest)| newest.to_string()),
                skipped: None,
                rows: rows(counts),
                rejections: rejections(counts),
            },
            newest: span.map(|(_, newest)| newest),
        }
    }

    /// That of a file that was left out.
    pub fn left_out(error: &FileError) -> Entry {
        Entry {
            extract: error.extract,
            record: FileRecord {
                log: error.extract.name().to_owned(),
                file: error.file.clone(),
                skipped: Some(match error.row_group {
                    Some(group) => format!("row group {group}: {}", error.reason),
                    None => error.reason.clone(),
                }),
                ..FileRecord::default()
            },
            newest: None,
        }
    }
}

/// Draws up what became of every row; an error if some row has no fate, or two.
pub fn ledger(sources: &Sources, inputs: &Inputs, counted: &Counted) -> Result<Ledger, Error> {
    let while_reading = counted.files.iter().filter_map(|file| file.as_ref().err());
    let bad = inputs.bad_files.iter().chain(while_reading);
    let of_logs = inputs.logs.iter().zip(&counted.files);
    let of_logs = of_logs.filter_map(|(file, read)| {
        let read = read.as_ref().ok()?;
        Some(Entry::read(file, &read.counts, read.span))
    });
    let entries = bad.map(Entry::left_out).chain(of_logs);
    draw_up(sources, entries.chain(of_deliveries(inputs)))
}

/// What became of the rows of the deliveries extract.
pub fn of_deliveries(inputs: &Inputs) -> impl Iterator<Item = Entry> {
    let files = inputs.delivery_files.iter();
    files.map(|(file, counts)| Entry::read(file, counts, None))
}

/// Sums up what became of files; an error if some row has no fate, or two.
pub fn draw_up(sources: &Sources, entries: impl Iterator<Item = Entry>) -> Result<Ledger, Error> {
    let mut ledger = Ledger::default();
    let mut logs: BTreeMap<Extract, (LogRecord, Option<Instant>)> = BTreeMap::new();
    for extract in Extract::ALL {
        if sources.path(extract).is_some() {
            let record = LogRecord {
                log: extract.name().to_owned(),
                ..LogRecord::default()
            };
            logs.insert(extract, (record, None));
        }
    }
    let mut rejected: BTreeMap<(Extract, String, String), i64> = BTreeMap::new();
    for entry in entries {
        let Entry {
            extract,
            record,
            newest,
        } = entry;
        check_fates(&format!("{extract}, file {}", record.file), &record.rows)?;
        if let Some((log, newest_of_log)) = logs.get_mut(&extract) {
            log.files_read += i64::from(record.skipped.is_none());
            log.files_skipped += i64::from(record.skipped.is_some());
            log.files_unverified += i64::from(record.skipped.is_none() && !record.is_verified);
            log.rows += &record.rows;
            *newest_of_log = (*newest_of_log).max(newest);
        }
        for rejection in &record.rejections {
            let reason = (extract, rejection.column.clone(), rejection.reason.clone());
            *rejected.entry(reason).or_default() += rejection.rows;
        }
        ledger.files.push(record);
    }
    for (extract, (mut log, newest)) in logs {
        check_fates(extract.name(), &log.rows)?;
        log.newest_event_at = newest.map(|newest| newest.to_string());
        ledger.logs.push(log);
    }
    let rejection = |((extract, column, reason), rows)| {
        let record = RejectionRecord {
            column,
            reason,
            rows,
        };
        (extract, record)
    };
    ledger.rejections = rejected.into_iter().map(rejection).collect();
    Ok(ledger)
}

/// Every row that was read has one fate, or nothing is published.
fn check_fates(name: &str, rows: &Rows) -> Result<(), Error> {
    match rows.add_up() {
        true => Ok(()),
        false => Err(Error::Fates(name.to_owned())),
    }
}

/// The rows of a file by what became of them.
pub fn rows(counts: &FateCounts) -> Rows {
    Rows {
        rows_read: counts.read as i64,
        rows_counted: counts.counted as i64,
        rows_duplicate: counts.duplicate as i64,
        rows_superseded: counts.superseded as i64,
        rows_deleted: counts.deleted as i64,
        rows_future: counts.future as i64,
        rows_frozen: counts.frozen as i64,
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
        ("frozen", rows.rows_frozen),
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
