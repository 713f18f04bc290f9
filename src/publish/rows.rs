//! Rows by what became of them.

use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, SubAssign};

/// Rows by what became of them: `rows_read` is the sum of the seven below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rows {
    /// All that were read and asked for.
    pub rows_read: i64,
    /// Those that count.
    pub rows_counted: i64,
    /// Those that stand elsewhere too.
    pub rows_duplicate: i64,
    /// Those with a later revision.
    pub rows_superseded: i64,
    /// Deletions.
    pub rows_deleted: i64,
    /// Those at or after as-of.
    pub rows_future: i64,
    /// Those of deliveries whose published rows stay because files of theirs are gone.
    pub rows_frozen: i64,
    /// Those that break the contract.
    pub rows_rejected: i64,
    /// Rows of deliveries that the run was not asked for; not among `rows_read`.
    pub rows_not_selected: i64,
    /// Counted rows of types that count in no KPI.
    pub rows_unknown_type: i64,
    /// Counted rows that are marked as tests.
    pub rows_test: i64,
    /// Counted tracking rows of messages that have not entered the log.
    pub rows_orphan: i64,
}

impl Rows {
    /// Whether every row that was read has exactly one fate.
    pub fn add_up(&self) -> bool {
        self.rows_read
            == self.rows_counted
                + self.rows_duplicate
                + self.rows_superseded
                + self.rows_deleted
                + self.rows_future
                + self.rows_frozen
                + self.rows_rejected
    }

    fn add(&mut self, times: i64, other: &mut Rows) {
        for (rows, more) in self.numbers().into_iter().zip(other.numbers()) {
            *rows += times * *more;
        }
    }

    fn numbers(&mut self) -> [&mut i64; 12] {
        [
            &mut self.rows_read,
            &mut self.rows_counted,
            &mut self.rows_duplicate,
            &mut self.rows_superseded,
            &mut self.rows_deleted,
            &mut self.rows_future,
            &mut self.rows_frozen,
            &mut self.rows_rejected,
            &mut self.rows_not_selected,
            &mut self.rows_unknown_type,
            &mut self.rows_test,
            &mut self.rows_orphan,
        ]
    }
}

impl AddAssign<&Rows> for Rows {
    fn add_assign(&mut self, other: &Rows) {
        self.add(1, &mut other.clone());
    }
}

impl SubAssign<&Rows> for Rows {
    fn sub_assign(&mut self, other: &Rows) {
        self.add(-1, &mut other.clone());
    }
}
