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

/// How many rows met which fate in a fold, in the room of one line of the processor's cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; 8]);

impl Tally {
    /// Adds one row that met `fate`.
    #[inline(always)]
    pub fn meet(&mut self, fate: Fate) {
        self.0[fate as usize] += 1;
    }

    /// Adds rows that count.
    #[inline(always)]
    pub fn count(&mut self, rows: u64) {
        self.0[Fate::Counted as usize] += rows;
    }

    /// Takes away a row that was said to count.
    pub fn discount(&mut self) {
        self.0[Fate::Counted as usize] -= 1;
    }

    /// Gives one counted row apart.
    #[inline(always)]
    pub fn mark(&mut self, mark: Mark) {
        self.0[Fate::Counted as usize + 1 + mark as usize] += 1;
    }
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        for (rows, more) in self.0.iter_mut().zip(&other.0) {
            *rows += more;
        }
    }
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
    /// Rows of deliveries whose published numbers stay because files of theirs are gone.
    pub frozen: u64,
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
        let mut tally = Tally::default();
        tally.meet(fate);
        *self += &tally;
    }

    /// Rejected rows, whatever the reason.
    pub fn rejected(&self) -> u64 {
        self.rejections.values().sum()
    }

    /// Whether every row that was read has exactly one fate.
    pub fn adds_up(&self) -> bool {
        let fates = self.counted + self.duplicate + self.superseded + self.deleted + self.future;
        self.read == fates + self.frozen + self.rejected()
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
        self.frozen += other.frozen;
        self.not_selected += other.not_selected;
        self.unknown_type += other.unknown_type;
        self.test += other.test;
        self.orphan += other.orphan;
        for (rejection, rows) in &other.rejections {
            *self.rejections.entry(*rejection).or_default() += rows;
        }
    }
}

impl AddAssign<&Tally> for FateCounts {
    fn add_assign(&mut self, tally: &Tally) {
        let rows = |fate: Fate| tally.0[fate as usize];
        self.superseded += rows(Fate::Superseded);
        self.deleted += rows(Fate::Deleted);
        self.duplicate += rows(Fate::Duplicate);
        self.future += rows(Fate::Future);
        self.counted += rows(Fate::Counted);
        let marked = |mark: Mark| tally.0[Fate::Counted as usize + 1 + mark as usize];
        self.test += marked(Mark::Test);
        self.unknown_type += marked(Mark::UnknownType);
        self.orphan += marked(Mark::Orphan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fates: &[Fate], marks: &[Mark]) -> FateCounts {
        let mut tally = Tally::default();
        fates.iter().for_each(|fate| tally.meet(*fate));
        marks.iter().for_each(|mark| tally.mark(*mark));
        let mut counts = FateCounts::default();
        counts += &tally;
        counts
    }

    #[test]
    fn a_row_without_a_fate_is_noticed() {
        let read = |rows, fates: &[Fate]| FateCounts {
            read: rows,
            ..of(fates, &[])
        };
        assert!(!read(2, &[Fate::Counted]).adds_up());
        assert!(read(2, &[Fate::Counted, Fate::Future]).adds_up());
        assert!(!read(2, &[Fate::Counted, Fate::Future, Fate::Duplicate]).adds_up());
    }

    #[test]
    fn every_fate_and_mark_is_counted_by_itself() {
        use Fate::*;
        let fates = [Superseded, Deleted, Duplicate, Future, Counted];
        for (place, fate) in fates.into_iter().enumerate() {
            let counts = of(&[fate, fate], &[]);
            let rows = [
                counts.superseded,
                counts.deleted,
                counts.duplicate,
                counts.future,
                counts.counted,
            ];
            let expected: Vec<u64> = (0..5).map(|at| if at == place { 2 } else { 0 }).collect();
            assert_eq!(rows.to_vec(), expected, "{fate:?}");
        }
        let marks = of(
            &[],
            &[Mark::Test, Mark::Orphan, Mark::Orphan, Mark::UnknownType],
        );
        assert_eq!((marks.test, marks.unknown_type, marks.orphan), (1, 1, 2));
    }
}
