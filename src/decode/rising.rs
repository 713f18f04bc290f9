//! Whether numbers come in rising order.

use super::cell::{Ints, Unsupported};
use arrow::array::RecordBatch;

/// Numbers that came one after the other: their bounds, and whether each was greater than the one
/// before, so that none came twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rising {
    low: i64,
    high: i64,
    rises: bool,
}

impl Default for Rising {
    fn default() -> Self {
        Rising {
            low: i64::MAX,
            high: i64::MIN,
            rises: true,
        }
    }
}

impl Rising {
    #[inline(always)]
    pub(super) fn push(&mut self, next: i64) {
        self.rises &= self.high < next || self.is_empty();
        self.low = self.low.min(next);
        self.high = self.high.max(next);
    }

    /// Takes in numbers that follow one another.
    pub(super) fn push_slice(&mut self, numbers: &[i64]) {
        let [first, .., last] = numbers else {
            numbers.iter().for_each(|number| self.push(*number));
            return;
        };
        let mut rises = true;
        for (number, next) in numbers.iter().zip(&numbers[1..]) {
            rises &= number < next;
        }
        if rises {
            self.push(*first);
            self.push(*last);
        } else {
            numbers.iter().for_each(|number| self.push(*number));
        }
    }

    /// Takes in the `log_id`s of a batch; those that are null or none are left out.
    pub fn push_all(&mut self, batch: &RecordBatch) -> Result<(), Unsupported> {
        let log_ids = Ints::new("log_id", batch.column_by_name("log_id"))?;
        (0..batch.num_rows())
            .filter_map(|row| log_ids.get(row).ok())
            .for_each(|log_id| self.push(log_id));
        Ok(())
    }

    fn is_empty(self) -> bool {
        self.low > self.high
    }

    /// Whether each was greater than the one before.
    pub fn rises(self) -> bool {
        self.rises
    }

    /// The lowest and the highest, if there are any.
    pub fn bounds(self) -> Option<(i64, i64)> {
        (!self.is_empty()).then_some((self.low, self.high))
    }

    /// Whether all are within these bounds.
    pub fn is_within(self, (low, high): (i64, i64)) -> bool {
        self.is_empty() || (low <= self.low && self.high <= high)
    }
}

#[cfg(test)]
mod tests {
    use super::Rising;

    fn of(numbers: &[i64]) -> Rising {
        let mut rising = Rising::default();
        for number in numbers {
            rising.push(*number);
        }
        // In parts or at once, it comes to the same.
        for cut in 0..=numbers.len() {
            let mut in_parts = Rising::default();
            in_parts.push_slice(&numbers[..cut]);
            in_parts.push_slice(&numbers[cut..]);
            assert_eq!(in_parts, rising, "{numbers:?}, {cut}");
        }
        rising
    }

    #[test]
    fn equal_and_falling_numbers_do_not_rise() {
        assert!(of(&[]).rises() && of(&[i64::MIN]).rises() && of(&[-1, 0, 7]).rises());
        assert!(
            !of(&[1, 1]).rises() && !of(&[1, 3, 2]).rises() && !of(&[i64::MIN, i64::MIN]).rises()
        );
    }

    #[test]
    fn bounds_hold_all_numbers() {
        assert!(of(&[]).is_within((5, 5)));
        assert!(of(&[9, 5, 7]).is_within((5, 9)));
        assert!(!of(&[9, 5, 7]).is_within((6, 9)) && !of(&[9, 5, 7]).is_within((5, 8)));
    }
}
