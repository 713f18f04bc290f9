//! What became of every row, entered into the run's record and checked.

use super::inputs::Inputs;
use super::summary::Report;
use super::{Counted, check_fates};
use crate::error::Error;
use crate::extracts::{Extract, FileError};
use crate::job::Job;
use crate::model::{FateCounts, Instant};
use crate::publish::{FileRecord, LogRecord, RejectionRecord, Rows};
use std::collections::BTreeMap;

/// Enters all files and logs into the record of the run.
pub fn enter(
    job: &Job,
    inputs: &Inputs,
    counted: &Counted,
    report: &mut Report,
) -> Result<(), Error> {
    let mut logs: BTreeMap<Extract, (LogRecord, FateCounts, Option<Instant>)> = BTreeMap::new();
    for extract in Extract::ALL {
        if job.path(extract).is_some() {
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
            rejected_reported: 0,
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

/// How many rows and files were left out that no earlier run has reported; each file's report is
/// carried on in the record.
pub fn newly_left_out(files: &mut [FileRecord], earlier: &[FileRecord]) -> u64 {
    let known: BTreeMap<(&str, &str), &FileRecord> = earlier
        .iter()
        .map(|file| ((file.log.as_str(), file.file.as_str()), file))
        .collect();
    let mut left_out = 0;
    for file in files {
        let before = known.get(&(file.log.as_str(), file.file.as_str()));
        let reported = before.map_or(0, |before| before.rejected_reported);
        left_out += (file.rows.rows_rejected - reported).max(0) as u64;
        file.rejected_reported = reported.max(file.rows.rows_rejected);
        let was_skipped = before.is_some_and(|before| before.skipped.is_some());
        left_out += u64::from(file.skipped.is_some() && !was_skipped);
    }
    left_out
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
        let mut first = [file("a", 3, false), file("b", 0, true)];
        assert_eq!(newly_left_out(&mut first, &[]), 4);
        let mut same = [file("a", 3, false), file("b", 0, true)];
        assert_eq!(newly_left_out(&mut same, &first), 0);
        let mut partly = [file("a", 1, false), file("b", 0, false)];
        assert_eq!(newly_left_out(&mut partly, &same), 0);
        let mut more = [file("a", 5, false), file("b", 0, true), file("c", 1, false)];
        assert_eq!(newly_left_out(&mut more, &partly), 2 + 1 + 1);
    }
}
