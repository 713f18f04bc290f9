//! What one worker has counted so far.

use super::parts::{BY_MACHINES, CLICKS, HARD, SOFT, SOFT_EVENTS, UNIQUE};
use super::{Change, Counter, Parts};
use crate::history::{Failure, Life, Occurrence, Sink, Status};
use crate::model::{
    Breakdown, Breakdowns, Code, DeliveryIndex, Fate, Hour, Instant, Mark, Tally, spread,
};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Slots of recent keys: the hours of some weeks of some deliveries.
const RECENT: usize = 1 << 14;

/// What is known of a delivery besides its counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The latest deadline of its messages.
    pub final_at: Option<Instant>,
    /// The earliest counted row of both logs.
    pub first_event_at: Option<Instant>,
    /// The latest one.
    pub last_event_at: Option<Instant>,
    /// Whether a row of a log that is not rejected names the delivery.
    pub in_a_log: bool,
}

impl Facts {
    /// The facts of a delivery some of whose messages had the facts `before` and have the facts `after` now;
    /// none where that depends on its other messages.
    pub fn replaced(&self, before: &Facts, after: &Facts) -> Option<Facts> {
        // What was the highest, and is lower now.
        let sinks = |all: Option<Instant>, before: Option<Instant>, after: Option<Instant>| {
            before.is_some() && before == all && after < before
        };
        let down = |at: Option<Instant>| at.map(|at| Instant::from_micros(-at.micros()));
        let first = (
            self.first_event_at,
            before.first_event_at,
            after.first_event_at,
        );
        let depends = sinks(self.final_at, before.final_at, after.final_at)
            || sinks(
                self.last_event_at,
                before.last_event_at,
                after.last_event_at,
            )
            || sinks(down(first.0), down(first.1), down(first.2))
            || before.in_a_log && !after.in_a_log;
        let mut facts = *self;
        facts.add(after);
        (!depends).then_some(facts)
    }

    fn add(&mut self, other: &Facts) {
        self.final_at = self.final_at.max(other.final_at);
        self.last_event_at = self.last_event_at.max(other.last_event_at);
        self.first_event_at = match (self.first_event_at, other.first_event_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.in_a_log |= other.in_a_log;
    }
}

/// Counts of one worker: merge them, in any order, and finish once.
#[derive(Default)]
pub struct Partial {
    place_of: HashMap<u64, u32, BuildHasherDefault<SpreadHasher>>,
    /// The last key of each slot, and its place: the messages of a partition are of few deliveries, so that
    /// most keys are found here, in the processor's cache.
    recent: Vec<(u64, u32)>,
    keys: Vec<(DeliveryIndex, Hour)>,
    changes: Vec<Change>,
    facts: Vec<Facts>,
    fates: Vec<Tally>,
    /// Where they are asked for: what the parts of deliveries have come to.
    reasons: Option<Parts>,
    links: Option<Parts>,
    domains: Option<Parts>,
    /// The links that the message of the last teller was seen to click on.
    clicked: HashSet<Code, BuildHasherDefault<SpreadHasher>>,
}

impl Partial {
    /// An empty one for rows of so many sources.
    pub fn new(sources: usize) -> Partial {
        Partial {
            fates: vec![Tally::default(); sources],
            ..Partial::default()
        }
    }

    /// The same, which counts the parts of deliveries besides.
    pub fn broken_down(mut self, breakdowns: Breakdowns) -> Partial {
        let wanted = |one| breakdowns.has(one).then(|| Parts::new(one));
        self.reasons = wanted(Breakdown::Reason);
        self.links = wanted(Breakdown::Url);
        self.domains = wanted(Breakdown::Domain);
        self
    }

    /// By what its deliveries are broken down.
    pub fn breakdowns(&self) -> Breakdowns {
        let parts = self.parts().map(Parts::of);
        parts.fold(Breakdowns::NONE, |all, one| all.with(one, true))
    }

    /// What the parts of deliveries have come to, by each breakdown that is asked for.
    pub fn parts(&self) -> impl Iterator<Item = &Parts> {
        let first = self.reasons.iter().chain(&self.links);
        first.chain(&self.domains)
    }

    /// Adds what another worker has counted.
    pub fn merge(&mut self, other: &Partial) {
        for (key, change) in other.keys.iter().zip(&other.changes) {
            *self.change(key.0, key.1) += change;
        }
        for (index, facts) in other.facts.iter().enumerate() {
            self.facts_mut(DeliveryIndex(index as u32)).add(facts);
        }
        for (mine, theirs) in self.fates.iter_mut().zip(&other.fates) {
            *mine += theirs;
        }
        for (mine, theirs) in [
            (&mut self.reasons, &other.reasons),
            (&mut self.links, &other.links),
            (&mut self.domains, &other.domains),
        ] {
            if let (Some(mine), Some(theirs)) = (mine, theirs) {
                mine.merge(theirs);
            }
        }
    }

    /// The change of every delivery and hour in which something happened, in no order.
    pub fn changes(&self) -> impl Iterator<Item = ((DeliveryIndex, Hour), &Change)> {
        self.keys.iter().copied().zip(&self.changes)
    }

    /// The facts of a delivery.
    pub fn facts(&self, delivery: DeliveryIndex) -> Facts {
        self.facts
            .get(delivery.0 as usize)
            .copied()
            .unwrap_or_default()
    }

    /// The fates of the rows, by source.
    pub fn fates(&self) -> &[Tally] {
        &self.fates
    }

    /// Where a message of a delivery tells what it did.
    pub fn teller(&mut self, delivery: DeliveryIndex) -> Teller<'_> {
        // To clear a set takes as long as it has room.
        const USUAL: usize = 1 << 8;
        match self.clicked.capacity() {
            ..=USUAL => self.clicked.clear(),
            _ => self.clicked = HashSet::default(),
        }
        Teller {
            partial: self,
            delivery,
            last: None,
            domain: Code::NULL,
        }
    }

    /// Adds what a row changed that no machine has made.
    #[inline(always)]
    pub fn add(&mut self, delivery: DeliveryIndex, hour: Hour, change: &Change) {
        self.change(delivery, hour).add_usual(change);
    }

    /// So many recipients went into quarantine.
    pub fn quarantines(&mut self, delivery: DeliveryIndex, hour: Hour, recipients: i64) {
        let change = self.change(delivery, hour);
        change.add(Counter::NewQuarantines, recipients);
    }

    /// Takes away what a row was said to have changed.
    pub fn take(&mut self, delivery: DeliveryIndex, hour: Hour, change: &Change) {
        *self.change(delivery, hour) -= change;
    }

    /// A row of a source was said to count.
    pub fn discount(&mut self, source: u32) {
        self.fates[source as usize].discount();
    }

    /// Adds what is known of a message at its end.
    pub fn ends(&mut self, delivery: DeliveryIndex, life: &Life) {
        let facts = Facts {
            final_at: life.deadline,
            first_event_at: life.first_event_at,
            last_event_at: life.last_event_at,
            in_a_log: true,
        };
        self.facts_mut(delivery).add(&facts);
    }

    /// Rows of a source count.
    #[inline]
    pub fn count(&mut self, source: u32, rows: u64) {
        if rows > 0 {
            self.fates[source as usize].count(rows);
        }
    }

    fn facts_mut(&mut self, delivery: DeliveryIndex) -> &mut Facts {
        let index = delivery.0 as usize;
        if index >= self.facts.len() {
            self.facts.resize(index + 1, Facts::default());
        }
        &mut self.facts[index]
    }

    fn change(&mut self, delivery: DeliveryIndex, hour: Hour) -> &mut Change {
        let place = self.place(delivery, hour);
        &mut self.changes[place as usize]
    }

    #[inline]
    fn place(&mut self, delivery: DeliveryIndex, hour: Hour) -> u32 {
        let key = u64::from(delivery.0) << 32 | u64::from(hour.get() as u32);
        const APART: usize = 1021;
        let slot = (hour.get() as usize).wrapping_add((delivery.0 as usize).wrapping_mul(APART));
        let slot = slot % RECENT;
        match self.recent.get(slot) {
            Some((known, place)) if *known == key => *place,
            _ => self.find(key, slot, delivery, hour),
        }
    }

    fn find(&mut self, key: u64, slot: usize, delivery: DeliveryIndex, hour: Hour) -> u32 {
        let place = *self.place_of.entry(key).or_insert_with(|| {
            self.keys.push((delivery, hour));
            self.changes.push(Change::default());
            self.changes.len() as u32 - 1
        });
        // No delivery and hour have this key: it is before the first plausible hour.
        self.recent.resize(RECENT, (0, 0));
        self.recent[slot] = (key, place);
        place
    }
}

/// Counts for one message.
pub struct Teller<'a> {
    partial: &'a mut Partial,
    delivery: DeliveryIndex,
    last: Option<(Hour, u32)>,
    /// The domain of its recipient.
    domain: Code,
}

impl Teller<'_> {
    /// Adds what is known of a message at its end.
    pub fn ends(&mut self, life: &Life) {
        self.partial.ends(self.delivery, life);
    }

    /// For a message to a recipient in this domain.
    #[must_use]
    pub fn in_domain(mut self, domain: Code) -> Self {
        self.domain = domain;
        self
    }

    /// Changes the counters of the delivery, and of the domain where it is told apart.
    #[inline(always)]
    fn changes(&mut self, at: Instant, change: impl Fn(&mut Change)) {
        change(self.change(at));
        if let Some(domains) = &mut self.partial.domains {
            let mut one = Change::default();
            change(&mut one);
            let values = domains.values(self.delivery, at.hour(), self.domain);
            let by = Counter::OF_MESSAGES.iter().map(|counter| one.get(*counter));
            values
                .iter_mut()
                .zip(by)
                .for_each(|(value, by)| *value += by);
        }
    }

    fn change(&mut self, at: Instant) -> &mut Change {
        let hour = at.hour();
        let place = match self.last {
            Some((last, place)) if last == hour => place,
            _ => self.partial.place(self.delivery, hour),
        };
        self.last = Some((hour, place));
        &mut self.partial.changes[place as usize]
    }
}

impl Sink for Teller<'_> {
    fn meets(&mut self, source: u32, fate: Fate) {
        self.partial.fates[source as usize].meet(fate);
    }

    fn mark(&mut self, source: u32, mark: Mark) {
        self.partial.fates[source as usize].mark(mark);
    }

    fn moves(&mut self, at: Instant, from: Option<Status>, to: Status) {
        self.changes(at, |change| change.moved(from, to));
    }

    fn occurs(&mut self, at: Instant, what: Occurrence) {
        self.changes(at, |change| change.occurred(what));
    }

    fn fails(&mut self, at: Instant, from: Option<Failure>, to: Option<Failure>) {
        let Some(reasons) = &mut self.partial.reasons else {
            return;
        };
        for (failure, by) in [(from, -1), (to, 1)] {
            if let Some(Failure { is_hard, reason }) = failure {
                let values = reasons.values(self.delivery, at.hour(), reason);
                values[if is_hard { HARD } else { SOFT }] += by;
            }
        }
    }

    fn bounces_softly(&mut self, at: Instant, reason: Code) {
        if let Some(reasons) = &mut self.partial.reasons {
            reasons.values(self.delivery, at.hour(), reason)[SOFT_EVENTS] += 1;
        }
    }

    fn clicks(&mut self, at: Instant, link: Code, by_machine: bool) {
        let Partial { links, clicked, .. } = &mut *self.partial;
        if let Some(links) = links {
            let is_first = clicked.insert(link);
            let values = links.values(self.delivery, at.hour(), link);
            values[CLICKS] += 1;
            values[UNIQUE] += i64::from(is_first);
            values[BY_MACHINES] += i64::from(by_machine);
        }
    }
}

/// Spreads the bits of one packed key; the keys are our own, nobody chooses them to collide.
#[derive(Default)]
pub(super) struct SpreadHasher(u64);

impl Hasher for SpreadHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, key: u32) {
        self.write_u64(u64::from(key));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = spread(self.0, key);
    }
}

#[cfg(test)]
mod tests;
