//! What one worker has counted so far.

use super::Change;
use crate::history::{Life, Occurrence, Sink, Status};
use crate::model::{DeliveryIndex, Fate, Hour, Instant, Mark, Tally, spread};
use std::collections::HashMap;
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
}

impl Partial {
    /// An empty one for rows of so many sources.
    pub fn new(sources: usize) -> Partial {
        Partial {
            fates: vec![Tally::default(); sources],
            ..Partial::default()
        }
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

    /// Where the messages of one delivery tell what they did.
    pub fn teller(&mut self, delivery: DeliveryIndex) -> Teller<'_> {
        Teller {
            partial: self,
            delivery,
            last: None,
        }
    }

    /// Adds what a row changed that no machine has made.
    #[inline(always)]
    pub fn add(&mut self, delivery: DeliveryIndex, hour: Hour, change: &Change) {
        self.change(delivery, hour).add_usual(change);
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

/// Counts for one delivery.
pub struct Teller<'a> {
    partial: &'a mut Partial,
    delivery: DeliveryIndex,
    last: Option<(Hour, u32)>,
}

impl Teller<'_> {
    /// Adds what is known of a message at its end.
    pub fn ends(&mut self, life: &Life) {
        self.partial.ends(self.delivery, life);
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
        self.change(at).moved(from, to);
    }

    fn occurs(&mut self, at: Instant, what: Occurrence) {
        self.change(at).occurred(what);
    }
}

/// Spreads the bits of one packed key; the keys are our own, nobody chooses them to collide.
#[derive(Default)]
struct SpreadHasher(u64);

impl Hasher for SpreadHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = spread(self.0, key);
    }
}

#[cfg(test)]
mod tests {
    use super::super::finish;
    use super::*;
    use crate::model::{DeliveryId, HOUR};

    const DELIVERIES: i64 = 2;

    /// Tells what one of many messages did; they share deliveries, hours and files.
    fn tell(partial: &mut Partial, message: i64) {
        let t = Instant::FIRST;
        let mut teller = partial.teller(DeliveryIndex((message % DELIVERIES) as u32));
        let source = (message % 3) as u32;
        teller.meets(source, Fate::Counted);
        teller.mark(source, Mark::Test);
        let at = t.plus(message % 5 * HOUR);
        teller.moves(at, None, Status::Sent);
        teller.occurs(at, Occurrence::FirstComplaint);
        let turn = (message * 7) % 20;
        teller.ends(&Life {
            deadline: Some(t.plus(turn)),
            first_event_at: Some(t.plus(turn + 100)),
            last_event_at: Some(t.plus(turn + 200)),
            ..Life::default()
        });
    }

    fn told(messages: std::ops::Range<i64>) -> Partial {
        let mut partial = Partial::new(3);
        messages.for_each(|message| tell(&mut partial, message));
        partial
    }

    #[test]
    fn parts_of_one_delivery_hour_and_file_merge_to_the_whole() {
        let ids: Vec<DeliveryId> = (0..DELIVERIES).map(DeliveryId::Number).collect();
        let whole = told(0..20);
        for cuts in [[0, 7, 13, 20], [0, 0, 20, 20], [0, 1, 2, 20]] {
            for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
                let mut merged = Partial::new(3);
                for part in order {
                    merged.merge(&told(cuts[part]..cuts[part + 1]));
                }
                assert_eq!(finish(&merged, &ids), finish(&whole, &ids));
                assert_eq!(merged.fates(), whole.fates());
            }
        }
        let facts = whole.facts(DeliveryIndex(0));
        assert_eq!(facts.final_at, Some(Instant::FIRST.plus(18)));
        assert_eq!(facts.first_event_at, Some(Instant::FIRST.plus(100)));
        assert_eq!(facts.last_event_at, Some(Instant::FIRST.plus(218)));
    }
}
