//! Whom a row that counts names, and whom those name that count once with it.

use std::collections::BTreeSet;

use super::{Report, Tracking};

impl Report {
    /// The recipients that a counted report names, its copies and its equals in all that ranks them among it.
    pub fn recipients(&self, reports: &[Option<Report>]) -> BTreeSet<i64> {
        let rows = || reports.iter().flatten();
        let stands =
            |row: &&Report| !row.is_deleted() && !rows().any(|greater| greater.supersedes(row));
        rows()
            .filter(|row| row.is_identical_to(self))
            .filter(stands)
            .filter_map(|row| row.recipient.0)
            .collect()
    }
}

impl Tracking {
    /// The same of a counted tracking row. With a log id its equals are the rows of that log id alone.
    pub fn recipients(&self, rows: &[Option<Tracking>]) -> BTreeSet<i64> {
        let identity = |row: &Tracking| {
            let has_log_id = row.version.log_id.is_some();
            // Among rows of one log id a mark decides; rows without one are equal with it and without.
            let mark = has_log_id && row.machine == Some(true);
            let what = (row.code.clone(), row.at, row.url, row.is_test, mark);
            (row.delivery, row.message, row.version.clone(), what)
        };
        rows.iter()
            .flatten()
            .filter(|row| identity(row) == identity(self))
            .filter_map(|row| row.recipient)
            .collect()
    }
}
