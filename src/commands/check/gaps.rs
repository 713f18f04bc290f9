//! Hours without any row.

use crate::model::Hour;
use std::collections::BTreeSet;
use std::fmt;

/// Hours one after another in which a log has no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first.
    pub first: Hour,
    /// The first that has a row again.
    pub end: Hour,
}

impl Gap {
    /// How many hours.
    pub fn hours(&self) -> i64 {
        self.end.get() - self.first.get()
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.first.start(), self.end.start());
        write!(f, "{} h: [{from}, {to})", self.hours())
    }
}

/// The gaps between the hours that have rows, the longest first, of equal ones the earliest.
pub fn gaps(hours: impl Iterator<Item = Hour>) -> Vec<Gap> {
    let hours: Vec<Hour> = hours.collect::<BTreeSet<Hour>>().into_iter().collect();
    let mut gaps: Vec<Gap> = hours
        .windows(2)
        .filter(|pair| pair[1].get() - pair[0].get() > 1)
        .map(|pair| Gap {
            first: Hour::new(pair[0].get() + 1),
            end: pair[1],
        })
        .collect();
    gaps.sort_by_key(|gap| (-gap.hours(), gap.first));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lie_between_hours_with_rows() {
        let of = |hours: &[i64]| -> Vec<(i64, i64)> {
            let found = gaps(hours.iter().map(|hour| Hour::new(*hour)));
            found
                .iter()
                .map(|gap| (gap.first.get(), gap.end.get()))
                .collect()
        };
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[5]), []);
        assert_eq!(of(&[5, 6, 7, 5]), []);
        assert_eq!(of(&[9, 5, 6, 20]), [(10, 20), (7, 9)]);
        assert_eq!(of(&[1, 3, 5]), [(2, 3), (4, 5)], "the earlier one first");
    }
}
