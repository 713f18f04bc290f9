//! Messages that change without a new row, and when.

use super::deliveries::DeliverySet;
use super::fold::Account;
use crate::history::{Failure, Meaning, Occurrence, Row, Sink, Status, domain, live};
use crate::model::{
    Breakdown, Breakdowns, Code, DeliveryIndex, Fate, Instant, Mark, MessageKey, Policy, Tail,
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
pub struct Watched {
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
}

impl Watched {
    /// An empty one for rows of so many sources; the messages of `frozen` deliveries are not counted,
    /// the parts of others are where they are asked for.
    pub fn new(sources: usize, frozen: &Arc<DeliverySet>, breakdowns: Breakdowns) -> Watched {
        Watched {
            partial: Partial::new(sources).broken_down(breakdowns),
            frozen: frozen.clone(),
            rows_frozen: vec![0; sources],
            corrected: 0,
            wakes: Vec::new(),
        }
    }

    /// Adds what another thread has.
    pub fn absorb(&mut self, other: Watched) {
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

impl<M: MessageKey> Account<M> for Watched {
    #[inline(always)]
    fn message(
        &mut self,
        delivery: DeliveryIndex,
        message: M,
        rows: &mut Vec<Row>,
        tails: &[Tail],
        policy: &Policy,
        meaning: Meaning<'_>,
    ) {
        if self.frozen.holds(delivery) {
            rows.iter()
                .for_each(|row| self.rows_frozen[row.source as usize] += 1);
            return;
        }
        let as_of = meaning.as_of;
        let ahead = rows.iter().filter_map(|row| row.stamp.at());
        let ahead = ahead.filter(|at| *at >= as_of).min();
        let domain = match self.partial.breakdowns().has(Breakdown::Domain) {
            true => domain(rows, tails, policy.efs, meaning),
            false => Code::NULL,
        };
        let mut noting = Noting {
            teller: self.partial.teller(delivery).in_domain(domain),
            corrected: 0,
        };
        let life = live(rows, tails, policy, meaning, &mut noting);
        noting.teller.ends(&life);
        self.corrected += noting.corrected;
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
        // The domain of a message is not known before all of its rows are.
        !(self.frozen.holds(delivery) || self.partial.breakdowns().has(Breakdown::Domain))
    }

    fn waits(&mut self, delivery: DeliveryIndex, message: M, deadline: Instant) {
        self.wakes.push(Wake {
            at: deadline,
            delivery,
            message: message.wide(),
        });
    }

    fn merge(&mut self, other: Watched) {
        self.absorb(other);
    }
}

/// Tells a teller, and takes note of corrections.
struct Noting<'a> {
    teller: Teller<'a>,
    corrected: u64,
}

impl Sink for Noting<'_> {
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
