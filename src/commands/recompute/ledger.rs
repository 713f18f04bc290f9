//! What became of every row, entered into the run's record and checked.

use super::summary::Report;
use super::{Counted, Inputs, check_fates};
use crate::error::Error;
use crate::extracts::{Extract, FileError};
use crate::job::Sources;
use crate::model::{FateCounts, Instant};
use crate::publish::{FileRecord, LogRecord, RejectionRecord, ReportedRecord, Rows};
use std::collections::BTreeMap;

/// Enters all files and logs into the record of the run.
pub fn enter(
    sources: &Sources,
    inputs: &Inputs,
    counted: &Counted,
    report: &mut Report,
) -> Result<(), Error> {
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
    let mut skip = |error: &FileError, report: &mut Report| {
        if let Some((log, _, _)) = logs.get_mut(&error.extract) {
            log.files_skipped += 1;
        }
        report.record.files.push(FileRecord {
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
        skip(error, report);
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
        report.record.files.push(FileRecord {
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
        report.record.logs.push(log);
        report
            .rejections
            .extend(rejections(&counts).into_iter().map(|r| (extract, r)));
    }
    report.enter_notes(inputs);
    Ok(())
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

/// How many rows and files were left out that no earlier run has reported, and what has been reported
/// by now, also of files that are not in these extracts.
pub fn newly_left_out(
    files: &[FileRecord],
    earlier: &[ReportedRecord],
) -> (u64, Vec<ReportedRecord>) {
    let key = |log: &str, file: &str| (log.to_owned(), file.to_owned());
    let mut reported: BTreeMap<_, _> = earlier
        .iter()
        .map(|report| (key(&report.log, &report.file), report.clone()))
        .collect();
    let mut left_out = 0;
    for file in files {
        let report = reported
            .entry(key(&file.log, &file.file))
            .or_insert_with(|| ReportedRecord {
                log: file.log.clone(),
                file: file.file.clone(),
                ..ReportedRecord::default()
            });
        let rejected = file.rows.rows_rejected;
        left_out += (rejected - report.rows_rejected).max(0) as u64;
        left_out += u64::from(file.skipped.is_some() && !report.skipped);
        report.rows_rejected = report.rows_rejected.max(rejected);
        report.skipped = file.skipped.is_some();
    }
    reported.retain(|_, report| report.rows_rejected > 0 || report.skipped);
    (left_out, reported.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, rejected: i64, skipped: bool) -> FileRecord {
        FileRecord {
            file: name.to_owned(),
            skipped: skipped.then(|| "broken".to_owned()),
            rows: Rows {
                rows_rejected: rejected,
                ..Rows::default()
            },
            ..FileRecord::default()
        }
    }

    #[test]
    fn what_an_earlier_run_has_reported_does_not_count_again() {
        let (found, first) = newly_left_out(&[file("a", 3, false), file("b", 0, true)], &[]);
        assert_eq!(found, 4);
        let (found, same) = newly_left_out(&[file("a", 3, false), file("b", 0, true)], &first);
        assert_eq!((found, &same), (0, &first));
        // Fewer rejected rows, or no such file, forget nothing; a file that was whole again does.
        let (found, partly) = newly_left_out(&[file("a", 1, false)], &same);
        assert_eq!((found, &partly), (0, &first));
        let (found, whole) = newly_left_out(&[file("b", 0, false)], &partly);
        assert_eq!(found, 0);
        let more = [file("a", 5, false), file("b", 0, true), file("c", 1, false)];
        assert_eq!(newly_left_out(&more, &whole).0, 2 + 1 + 1);
    }
}
