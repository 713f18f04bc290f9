//! When a recipient goes into quarantine.

use super::{HOUR, Instant};

/// The rule of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// How many soft errors it takes.
    pub soft_errors: u32,
    /// How long after the last one that counted the next one counts, in microseconds.
    pub apart: i64,
    /// After how long the count starts anew, in microseconds.
    pub forgotten_after: i64,
}

impl Default for Quarantine {
    /// The fifth error; a day apart; anew when the last one is more than ten days ago.
    fn default() -> Quarantine {
        Quarantine {
            soft_errors: 5,
            apart: 24 * HOUR,
            forgotten_after: 10 * 24 * HOUR,
        }
    }
}

/// The errors of a recipient so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors {
    is_quarantined: bool,
    /// Soft ones that count, and when the last of them came.
    soft: u32,
    last: Option<Instant>,
}

impl Errors {
    /// Takes the next error in, in the order of time; whether it puts the recipient into quarantine, which no
    /// later one does again.
    pub fn meet(&mut self, at: Instant, is_hard: bool, rule: &Quarantine) -> bool {
        if self.is_quarantined {
            return false;
        }
        if !is_hard {
            let since = self.last.map(|last| at.micros() - last.micros());
            match since {
                Some(since) if since < rule.apart => return false,
                Some(since) if since > rule.forgotten_after => self.soft = 1,
                _ => self.soft += 1,
            }
            self.last = Some(at);
        }
        self.is_quarantined = is_hard || self.soft >= rule.soft_errors;
        self.is_quarantined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;

    /// At which of these errors the recipient goes into quarantine; hard ones are marked.
    fn entered(errors: &[(i64, bool)]) -> Vec<usize> {
        let mut met = Errors::default();
        let rule = Quarantine::default();
        let mut enters =
            |(at, is_hard): (i64, bool)| met.meet(Instant::FIRST.plus(at), is_hard, &rule);
        let places = (0..errors.len()).filter(|place| enters(errors[*place]));
        places.collect()
    }

    fn soft(at: &[i64]) -> Vec<(i64, bool)> {
        at.iter().map(|at| (*at, false)).collect()
    }

    #[test]
    fn a_hard_bounce_at_once_and_once() {
        assert_eq!(entered(&[(0, false), (1, true), (2, true)]), [1]);
        let mut later = soft(&[0, DAY, 2 * DAY, 3 * DAY, 4 * DAY]);
        later.push((5 * DAY, true));
        assert_eq!(entered(&later), [4]);
    }

    #[test]
    fn the_fifth_soft_error_of_those_that_are_a_day_apart() {
        assert!(entered(&soft(&[0, DAY, 2 * DAY, 3 * DAY])).is_empty());
        assert_eq!(entered(&soft(&[0, DAY, 2 * DAY, 3 * DAY, 4 * DAY])), [4]);
        assert!(entered(&soft(&[0, DAY, 2 * DAY, 3 * DAY, 4 * DAY - 1])).is_empty());
        // One that does not count moves nothing.
        let close = [0, DAY - 1, DAY, 2 * DAY, 3 * DAY, 3 * DAY + 5, 4 * DAY];
        assert_eq!(entered(&soft(&close)), [6]);
    }

    #[test]
    fn the_count_starts_anew_after_more_than_ten_days() {
        let at = |last: i64| soft(&[0, DAY, 2 * DAY, 3 * DAY, 3 * DAY + last]);
        assert_eq!(entered(&at(10 * DAY)), [4]);
        assert!(entered(&at(10 * DAY + 1)).is_empty());
        let anew = |first: i64| (0..5).map(move |day| first + day * DAY);
        let all: Vec<i64> = [0].into_iter().chain(anew(11 * DAY)).collect();
        assert_eq!(entered(&soft(&all)), [5]);
    }
}
