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
    /// Open rows that machines have made.
    MachineOpensTracked,
    /// Messages with open rows of machines alone.
    MachineUniqueOpensTracked,
    /// Messages with rows that imply an open, all of machines.
    MachineUniqueOpens,
    /// Click rows that machines have made.
    MachineClicks,
    /// Messages with click rows of machines alone.
    MachineUniqueClicks,
    /// Opt-out rows that machines have made.
    MachineUnsubscribes,
    /// Rows that count as a machine's because their log says so.
    MachineMarked,
    /// Because of a honeypot.
    MachineHoneypot,
    /// Because of clicks on many links at once.
    MachineManyLinks,
    /// Because the open came right after the relay.
    MachineEarlyOpen,
    /// Recipients that went into quarantine, where that is asked for.
    NewQuarantines,
}

impl Counter {
    /// All of them.
    pub const ALL: [Counter; COUNTED] = {
        use Counter::*;
        [
            Processed,
            Pending,
            Delivered,
            HardBounces,
            SoftBounces,
            FailedByDeadline,
            Retrying,
            SoftBounceEvents,
            LateSuccesses,
            Complaints,
            OpensTracked,
            UniqueOpensTracked,
            UniqueOpens,
            Clicks,
            UniqueClicks,
            MirrorPageViews,
            Unsubscribes,
            UniqueUnsubscribes,
            MachineOpensTracked,
            MachineUniqueOpensTracked,
            MachineUniqueOpens,
            MachineClicks,
            MachineUniqueClicks,
            MachineUnsubscribes,
            MachineMarked,
            MachineHoneypot,
            MachineManyLinks,
            MachineEarlyOpen,
            NewQuarantines,
        ]
    };

    /// Those that the rows of one message decide: all but the last one.
    pub const OF_MESSAGES: &[Counter] = {
        const ALL: &[Counter] = &Counter::ALL;
        ALL.split_at(Counter::NewQuarantines as usize).0
    };

    /// Those that count a message once, whatever its rows: of several deliveries they do not add up.
    pub const UNIQUE: [Counter; 7] = {
        use Counter::*;
        [
            UniqueOpensTracked,
            UniqueOpens,
            UniqueClicks,
            UniqueUnsubscribes,
            MachineUniqueOpensTracked,
            MachineUniqueOpens,
            MachineUniqueClicks,
        ]
    };

    /// All of them, each with the columns whose difference it is: the first one, less the second one if there is
    /// one.
    pub fn columns() -> impl Iterator<Item = (Counter, &'static str, Option<&'static str>)> {
        let alone = |counter: Counter| {
            let alone = |shown: &&Shown| shown.minus.is_empty() && shown.plus == [counter];
            Shown::ALL.iter().find(alone).map(|shown| shown.name)
        };
        let less = move |shown: &Shown| match (shown.plus, shown.minus) {
            ([counter], []) => Some((*counter, shown.name, None)),
            ([all], [counter]) => Some((*counter, alone(*all)?, Some(shown.name))),
            _ => None,
        };
        Shown::ALL.iter().filter_map(less)
    }
}

const COUNTED: usize = Counter::NewQuarantines as usize + 1;

/// As many can change where no machine is at work.
const USUAL: usize = Counter::UniqueUnsubscribes as usize + 1;

/// Change of every counter in some span of time; also their values, as the change since the
/// beginning. Adds up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change([i64; COUNTED]);

impl Change {
    /// Adds to one counter.
    pub fn add(&mut self, counter: Counter, by: i64) {
        self.0[counter as usize] += by;
    }

    /// Leaves out the counters of which several changes do not add up to that of all.
    pub fn without_unique(mut self) -> Change {
        Counter::UNIQUE.iter().for_each(|c| self.0[*c as usize] = 0);
        self
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

    /// Adds a change of which no machine is a part.
    #[inline(always)]
    pub fn add_usual(&mut self, other: &Change) {
        for (value, by) in self.0[..USUAL].iter_mut().zip(&other.0[..USUAL]) {
            *value = value.wrapping_add(*by);
        }
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
    /// The counter that is null where no job asks for it.
    pub const NEW_QUARANTINES: &str = "new_quarantines";

    /// The counters of the tables, in the order of the specification.
    pub const ALL: [Shown; 33] = {
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
            Shown::one(Self::NEW_QUARANTINES, &[NewQuarantines]),
            Shown::one("opens_tracked", &[OpensTracked]),
            Shown::one("unique_opens_tracked", &[UniqueOpensTracked]),
            Shown::one("unique_opens", &[UniqueOpens]),
            Shown::less("opens", &[OpensTracked, UniqueOpens], &[UniqueOpensTracked]),
            Shown::one("clicks", &[Clicks]),
            Shown::one("unique_clicks", &[UniqueClicks]),
            Shown::one("mirror_page_views", &[MirrorPageViews]),
            Shown::one("unsubscribes", &[Unsubscribes]),
            Shown::one("unique_unsubscribes", &[UniqueUnsubscribes]),
            Shown::less(
                "human_opens_tracked",
                &[OpensTracked],
                &[MachineOpensTracked],
            ),
            Shown::less(
                "human_unique_opens_tracked",
                &[UniqueOpensTracked],
                &[MachineUniqueOpensTracked],
            ),
            Shown::less("human_unique_opens", &[UniqueOpens], &[MachineUniqueOpens]),
            Shown::less(
                "human_opens",
                &[OpensTracked, UniqueOpens, MachineUniqueOpensTracked],
                &[UniqueOpensTracked, MachineOpensTracked, MachineUniqueOpens],
            ),
            Shown::less("human_clicks", &[Clicks], &[MachineClicks]),
            Shown::less(
                "human_unique_clicks",
                &[UniqueClicks],
                &[MachineUniqueClicks],
            ),
            Shown::less(
                "human_unsubscribes",
                &[Unsubscribes],
                &[MachineUnsubscribes],
            ),
            Shown::one("machine_marked", &[MachineMarked]),
            Shown::one("machine_honeypot", &[MachineHoneypot]),
            Shown::one("machine_many_links", &[MachineManyLinks]),
            Shown::one("machine_early_open", &[MachineEarlyOpen]),
        ]
    };

    const fn one(name: &'static str, plus: &'static [Counter]) -> Shown {
        Shown::less(name, plus, &[])
    }

    const fn less(
        name: &'static str,
        plus: &'static [Counter],
        minus: &'static [Counter],
    ) -> Shown {
        Shown { name, plus, minus }
    }

    /// Whether it is a sum of some of these alone.
    pub fn is_of(&self, counters: &[Counter]) -> bool {
        let mut all = self.plus.iter().chain(self.minus);
        all.all(|counter| counters.contains(counter))
    }

    /// How often it counts a counter: once, not at all, or once less.
    pub fn weight(&self, counter: Counter) -> i64 {
        let has = |counters: &[Counter]| i64::from(counters.contains(&counter));
        has(self.plus) - has(self.minus)
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

    /// What is published can be added to.
    #[test]
    fn every_counter_comes_back_from_the_columns() {
        let mut change = Change::default();
        for (place, value) in change.0.iter_mut().enumerate() {
            // Powers of two: no sum of some is the sum of others.
            *value = 1 << place;
        }
        let value = |name: &str| {
            let shown = Shown::ALL.iter().find(|shown| shown.name == name);
            shown.expect("a column").of(&change)
        };
        let mut back = Change::default();
        for (counter, column, less) in Counter::columns() {
            assert_eq!(back.get(counter), 0, "{counter:?} comes once");
            back.add(counter, value(column) - less.map_or(0, value));
        }
        assert_eq!(back, change);
    }

    #[test]
    fn what_machines_do_changes_no_usual_counter() {
        let mut all = Change([1; COUNTED]);
        all.add_usual(&Change([1; COUNTED]));
        let changed = all.0.iter().filter(|value| **value == 2).count();
        assert_eq!((changed, all.get(Counter::UniqueUnsubscribes)), (USUAL, 2));
        assert_eq!(all.get(Counter::MachineOpensTracked), 1);
    }
}
