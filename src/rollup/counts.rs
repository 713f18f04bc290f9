//! The counters of kpi-semantics, section 3.

use std::ops::{AddAssign, SubAssign};

/// A counter that is counted. Those that are sums of others are in [`Shown`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Messages that have entered the log.
    Processed,
    /// Messages whose status is Pending.
    Pending,
    /// Messages whose status is Sent.
    Delivered,
    /// Failed messages, permanently.
    HardBounces,
    /// Failed messages, softly.
    SoftBounces,
    /// Messages that the passing of the deadline turned from Sent to Failed, until a hard bounce.
    FailedByDeadline,
    /// Messages that the MTA still tries.
    Retrying,
    /// Soft-bounce reports, whatever their effect.
    SoftBounceEvents,
    /// Delivered reports without effect because the message had failed for good.
    LateSuccesses,
    /// Messages with a complaint.
    Complaints,
    /// Open rows.
    OpensTracked,
    /// Messages with an open row.
    UniqueOpensTracked,
    /// Messages with an open row or one that implies it.
    UniqueOpens,
    /// Click rows.
    Clicks,
    /// Messages with a click row.
    UniqueClicks,
    /// Views of the mirror page.
    MirrorPageViews,
    /// Opt-out rows.
    Unsubscribes,
    /// Messages with an opt-out row.
    UniqueUnsubscribes,
}

impl Counter {
    /// All of them, with the columns that show them alone.
    pub fn columns() -> impl Iterator<Item = (Counter, &'static str)> {
        Shown::ALL
            .iter()
            .filter_map(|shown| match (shown.plus, shown.minus) {
                ([counter], []) => Some((*counter, shown.name)),
                _ => None,
            })
    }
}

const COUNTED: usize = Counter::UniqueUnsubscribes as usize + 1;

/// Change of every counter in some span of time; also their values, as the change since the
/// beginning. Adds up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change([i64; COUNTED]);

impl Change {
    /// Adds to one counter.
    pub fn add(&mut self, counter: Counter, by: i64) {
        self.0[counter as usize] += by;
    }

    /// The value of one counter.
    pub fn get(&self, counter: Counter) -> i64 {
        self.0[counter as usize]
    }

    /// Whether a message has a first open, click and so on, if these are the changes of one alone.
    pub fn firsts(&self) -> [bool; 4] {
        use Counter::{UniqueClicks, UniqueOpens, UniqueOpensTracked, UniqueUnsubscribes};
        [
            UniqueOpensTracked,
            UniqueOpens,
            UniqueClicks,
            UniqueUnsubscribes,
        ]
        .map(|c| self.get(c) > 0)
    }

    /// Whether some counter is below zero.
    pub fn has_negative(&self) -> bool {
        self.0.iter().any(|value| *value < 0)
    }

    /// Whether no counter changed.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|value| *value == 0)
    }
}

impl AddAssign<&Change> for Change {
    fn add_assign(&mut self, other: &Change) {
        // As many rows as it takes to overflow cannot be; without the check it is a few instructions.
        for (value, by) in self.0.iter_mut().zip(&other.0) {
            *value = value.wrapping_add(*by);
        }
    }
}

impl SubAssign<&Change> for Change {
    fn sub_assign(&mut self, other: &Change) {
        for (value, by) in self.0.iter_mut().zip(&other.0) {
            *value -= by;
        }
    }
}

/// A counter as the tables show it: a sum of counted ones.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Name of its column.
    pub name: &'static str,
    plus: &'static [Counter],
    minus: &'static [Counter],
}

impl Shown {
    /// The counters of the tables, in the order of the specification.
    pub const ALL: [Shown; 21] = {
        use Counter::*;
        [
            Shown::one("processed", &[Processed]),
            Shown::one("pending", &[Pending]),
            Shown::one("delivered", &[Delivered]),
            Shown::one("bounces_errors", &[HardBounces, SoftBounces]),
            Shown::one("sent", &[Delivered, HardBounces, SoftBounces]),
            Shown::one("hard_bounces", &[HardBounces]),
            Shown::one("soft_bounces", &[SoftBounces]),
            Shown::one("failed_by_deadline", &[FailedByDeadline]),
            Shown::one("retrying", &[Retrying]),
            Shown::one("soft_bounce_events", &[SoftBounceEvents]),
            Shown::one("late_successes", &[LateSuccesses]),
            Shown::one("complaints", &[Complaints]),
            Shown::one("opens_tracked", &[OpensTracked]),
            Shown::one("unique_opens_tracked", &[UniqueOpensTracked]),
            Shown::one("unique_opens", &[UniqueOpens]),
            Shown {
                name: "opens",
                plus: &[OpensTracked, UniqueOpens],
                minus: &[UniqueOpensTracked],
            },
            Shown::one("clicks", &[Clicks]),
            Shown::one("unique_clicks", &[UniqueClicks]),
            Shown::one("mirror_page_views", &[MirrorPageViews]),
            Shown::one("unsubscribes", &[Unsubscribes]),
            Shown::one("unique_unsubscribes", &[UniqueUnsubscribes]),
        ]
    };

    const fn one(name: &'static str, plus: &'static [Counter]) -> Shown {
        Shown {
            name,
            plus,
            minus: &[],
        }
    }

    /// Its value in a change.
    pub fn of(&self, change: &Change) -> i64 {
        let sum = |counters: &[Counter]| counters.iter().map(|c| change.get(*c)).sum::<i64>();
        sum(self.plus) - sum(self.minus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_a_column_of_its_own() {
        let columns: Vec<(Counter, &str)> = Counter::columns().collect();
        assert_eq!(columns.len(), COUNTED);
        for (place, (counter, name)) in columns.iter().enumerate() {
            assert!(
                columns[..place]
                    .iter()
                    .all(|(c, n)| c != counter && n != name)
            );
        }
    }
}
