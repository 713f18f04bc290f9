//! What was left out, and what of it no earlier run has reported.

use super::retention::Frozen;
use crate::commands::people::counted;
use crate::publish::{FileRecord, ReportedRecord, RunRecord};
use crate::tables::{PARENT_KPI_HOURLY, PART_TABLES};
use std::collections::BTreeMap;

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

/// What becomes of tables of parts, or of parents, that a run starts, or that it does not go on with; frozen deliveries
/// have rows in neither, as nobody can compute them any more.
pub fn notes_on_parts(tables: &[&str], last: Option<&RunRecord>, frozen: &Frozen) -> Vec<String> {
    let Some(last) = last else {
        return Vec::new();
    };
    let is_there = |table: &str| last.table_versions.contains_key(table);
    let count = frozen.after.len() as i64;
    let deliveries = counted(count, "frozen delivery", "frozen deliveries");
    let started = tables.iter().filter(|table| !is_there(table) && count > 0);
    let started = started.map(|table| format!("{table} has no rows of {deliveries}"));
    let left = PART_TABLES
        .into_iter()
        .chain([PARENT_KPI_HOURLY])
        .filter(|table| is_there(table) && !tables.contains(table));
    let left = left.map(|table| {
        let without = match count {
            0 => String::new(),
            _ => format!(", without the rows of {deliveries}"),
        };
        let key = match table {
            PARENT_KPI_HOURLY => "parents = true",
            _ => "[breakdowns]",
        };
        format!("{table} is no part of this run, as the job does not ask for it by {key}: it starts anew when that does{without}")
    });
    started.chain(left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::Rows;

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
