//! What becomes of every row that is read.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

/// The one fate of a row; the first that applies, in this order (rejected rows never get here).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Another row with its key has a higher revision.
    Superseded,
    /// The row wins its key, and is a deletion.
    Deleted,
    /// The same row, or the same report, stands elsewhere too.
    Duplicate,
    /// At or after as-of.
    Future,
    /// None of these.
    Counted,
}

/// What is given apart within the counted rows. One row may have several marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// A proof or a seed address: counts in no KPI.
    Test,
    /// A tracking row of a type that counts in no KPI.
    UnknownType,
    /// A tracking row of a message that has not entered the log before as-of.
    Orphan,
}

/// Why a row was rejected: the column and what is wrong with its value, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rejection {
    /// The contract's name of the column.
    pub column: &'static str,
    /// What was found there.
    pub reason: &'static str,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.reason)
    }
}

/// How many rows met which fate. Adds up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FateCounts {
    /// Rows read and asked for: equals the sum of all fates.
    pub read: u64,
    /// [`Fate::Counted`].
    pub counted: u64,
    /// [`Fate::Duplicate`].
    pub duplicate: u64,
    /// [`Fate::Superseded`].
    pub superseded: u64,
    /// [`Fate::Deleted`].
    pub deleted: u64,
    /// [`Fate::Future`].
    pub future: u64,
    /// Rows that break the contract, by reason.
    pub rejections: BTreeMap<Rejection, u64>,
    /// Rows of deliveries that this run was not asked for; not among `read`.
    pub not_selected: u64,
    /// [`Mark::UnknownType`].
    pub unknown_type: u64,
    /// [`Mark::Test`].
    pub test: u64,
    /// [`Mark::Orphan`].
    pub orphan: u64,
}

impl FateCounts {
    /// Adds one row that met `fate`.
    pub fn meet(&mut self, fate: Fate) {
        match fate {
            Fate::Superseded => self.superseded += 1,
            Fate::Deleted => self.deleted += 1,
            Fate::Duplicate => self.duplicate += 1,
            Fate::Future => self.future += 1,
            Fate::Counted => self.counted += 1,
        }
    }

    /// Gives one counted row apart.
    pub fn mark(&mut self, mark: Mark) {
        match mark {
            Mark::Test => self.test += 1,
            Mark::UnknownType => self.unknown_type += 1,
            Mark::Orphan => self.orphan += 1,
        }
    }

    /// Rejected rows, whatever the reason.
    pub fn rejected(&self) -> u64 {
        self.rejections.values().sum()
    }

    /// Whether every row that was read has exactly one fate.
    pub fn adds_up(&self) -> bool {
        let fates = self.counted + self.duplicate + self.superseded + self.deleted + self.future;
        self.read == fates + self.rejected()
    }
}

impl AddAssign<&FateCounts> for FateCounts {
    fn add_assign(&mut self, other: &FateCounts) {
        self.read += other.read;
        self.counted += other.counted;
        self.duplicate += other.duplicate;
        self.superseded += other.superseded;
        self.deleted += other.deleted;
        self.future += other.future;
        self.not_selected += other.not_selected;
        self.unknown_type += other.unknown_type;
        self.test += other.test;
        self.orphan += other.orphan;
        for (rejection, rows) in &other.rejections {
            *self.rejections.entry(*rejection).or_default() += rows;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_fate_is_noticed() {
        let mut counts = FateCounts {
            read: 2,
            ..FateCounts::default()
        };
        counts.meet(Fate::Counted);
        assert!(!counts.adds_up());
        counts.meet(Fate::Future);
        assert!(counts.adds_up());
        counts.meet(Fate::Duplicate);
        assert!(!counts.adds_up());
    }
}
