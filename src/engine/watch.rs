//! Messages that change without a new row, and when.

use super::deliveries::DeliverySet;
use super::fold::{Account, Behind};
use super::people::{People, Telling};
use super::shelf::SpillError;
use crate::history::{Failure, Meaning, Occurrence, Row, Sink, Status, domain, live};
use crate::model::{
    Breakdown, Breakdowns, Code, DeliveryIndex, Fate, Instant, Mark, MessageKey, Policy,
};
use crate::rollup::{Partial, Teller};
use std::sync::Arc;

/// A message that changes without a new row as soon as as-of is after an instant: a row of it lies there,
/// or its deadline while it is being retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wake {
    /// When.
    pub at: Instant,
    /// The delivery.
    pub delivery: DeliveryIndex,
    /// The wide form of the message.
    pub message: [u64; 2],
}

/// Counts, and takes note of the messages that time will change.
#[derive(Default)]
pub struct Watched<'p> {
    /// The counts.
    pub partial: Partial,
    /// Deliveries whose messages are not counted, as their published numbers stay.
    frozen: Arc<DeliverySet>,
    /// By source, how many rows they have.
    rows_frozen: Vec<u64>,
    /// These messages, in no order.
    pub wakes: Vec<Wake>,
    /// How many rows were superseded or deleted.
    pub corrected: u64,
    /// Tells whose rows they are, where that is asked for.
    people: Option<Telling<'p>>,
}

impl<'p> Watched<'p> {
    /// An empty one for rows of so many sources; the messages of `frozen` deliveries are not counted,
    /// the parts of others are where they are asked for.
    pub fn new(sources: usize, frozen: &Arc<DeliverySet>, breakdowns: Breakdowns) -> Self {
        Watched {
            partial: Partial::new(sources).broken_down(breakdowns),
            frozen: frozen.clone(),
            rows_frozen: vec![0; sources],
            corrected: 0,
            wakes: Vec::new(),
            people: None,
        }
    }

    /// The same, which tells whose rows they are.
    pub fn telling(mut self, people: Option<&'p People<'p>>) -> Self {
        self.people = people.map(Telling::new);
        self
    }

    /// Adds what another thread has.
    pub fn absorb(&mut self, other: Watched<'_>) {
        self.partial.merge(&other.partial);
        self.wakes.extend(other.wakes);
        for (rows, more) in self.rows_frozen.iter_mut().zip(&other.rows_frozen) {
            *rows += more;
        }
    }

    /// How many rows of a source are of frozen deliveries.
    pub fn frozen(&self, source: usize) -> u64 {
        self.rows_frozen.get(source).copied().unwrap_or(0)
    }
}

impl<M: MessageKey> Account<M> for Watched<'_> {
    #[inline(always)]
    fn message(
        &mut self,
        delivery: DeliveryIndex,
        message: M,
        rows: &mut Vec<Row>,
        behind: Behind<'_>,
        policy: &Policy,
        meaning: Meaning<'_>,
    ) {
        if self.frozen.holds(delivery) {
            rows.iter()
                .for_each(|row| self.rows_frozen[row.source as usize] += 1);
            // It counts nothing any more, but its recipient may have been in quarantine since.
            if let Some(people) = &mut self.people {
                live(rows, behind.tails, policy, meaning, people);
                people.tell(delivery, message, behind.recipients);
            }
            return;
        }
        let (as_of, tails) = (meaning.as_of, behind.tails);
        let ahead = rows.iter().filter_map(|row| row.stamp.at());
        let ahead = ahead.filter(|at| *at >= as_of).min();
        let domain = match self.partial.breakdowns().has(Breakdown::Domain) {
            true => domain(rows, tails, policy.efs, meaning),
            false => Code::NULL,
        };
        let mut noting = Noting {
            teller: self.partial.teller(delivery).in_domain(domain),
            corrected: 0,
            people: self.people.as_mut(),
        };
        let life = live(rows, tails, policy, meaning, &mut noting);
        noting.teller.ends(&life);
        self.corrected += noting.corrected;
        if let Some(people) = &mut self.people {
            people.tell(delivery, message, behind.recipients);
        }
        let is_retried = |at: &Instant| {
            let status = life
                .status
                .filter(|status| status.after_deadline().is_some());
            *at >= as_of && status.is_some()
        };
        let deadline = life.deadline.filter(is_retried);
        let first = match (ahead, deadline) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.wakes.extend(first.map(|at| Wake {
            at,
            delivery,
            message: message.wide(),
        }));
    }

    /// Messages that go by steps have neither rows ahead nor corrected ones.
    fn partial_mut(&mut self) -> Option<&mut Partial> {
        Some(&mut self.partial)
    }

    fn counts(&self, delivery: DeliveryIndex) -> bool {
        // The domain of a message is not known before all of its rows are, nor is its recipient.
        let is_told = self.people.as_ref().is_some_and(|p| p.asks_for(delivery));
        let has_domain = self.partial.breakdowns().has(Breakdown::Domain);
        !(self.frozen.holds(delivery) || has_domain || is_told)
    }

    fn asks_for(&self) -> u32 {
        self.people.as_ref().map_or(0, Telling::kinds)
    }

    fn ends(&mut self) -> Result<(), SpillError> {
        self.people.as_mut().map_or(Ok(()), Telling::ends)
    }

    fn waits(&mut self, delivery: DeliveryIndex, message: M, deadline: Instant) {
        self.wakes.push(Wake {
            at: deadline,
            delivery,
            message: message.wide(),
        });
    }

    fn merge(&mut self, other: Self) {
        self.absorb(other);
    }
}

/// Tells a teller, and takes note of corrections.
struct Noting<'a, 'p> {
    teller: Teller<'a>,
    corrected: u64,
    people: Option<&'a mut Telling<'p>>,
}

impl Sink for Noting<'_, '_> {
    #[inline(always)]
    fn meets(&mut self, source: u32, fate: Fate) {
        self.corrected += u64::from(matches!(fate, Fate::Superseded | Fate::Deleted));
        self.teller.meets(source, fate);
    }

    fn mark(&mut self, source: u32, mark: Mark) {
        self.teller.mark(source, mark);
    }

    #[inline(always)]
    fn moves(&mut self, at: Instant, from: Option<Status>, to: Status) {
        self.teller.moves(at, from, to);
    }

    #[inline(always)]
    fn occurs(&mut self, at: Instant, what: Occurrence) {
        self.teller.occurs(at, what);
    }

    #[inline(always)]
    fn counts(&mut self, row: &Row, by_machine: bool) {
        if let Some(people) = &mut self.people {
            people.note(row, by_machine);
        }
    }

    fn fails(&mut self, at: Instant, from: Option<Failure>, to: Option<Failure>) {
        self.teller.fails(at, from, to);
    }

    fn bounces_softly(&mut self, at: Instant, reason: Code) {
        self.teller.bounces_softly(at, reason);
    }

    fn clicks(&mut self, at: Instant, link: Code, by_machine: bool) {
        self.teller.clicks(at, link, by_machine);
    }
}
