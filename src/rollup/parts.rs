//! What one worker has counted so far of the parts of deliveries: by reason, by link, or by domain.

use super::partial::SpreadHasher;
use super::{Change, Counter, Shown};
use crate::model::{Breakdown, Code, DeliveryIndex, Hour};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

/// The values of the counters of a part, in the order of [`counters`].
pub type Values = Box<[i64]>;

/// The values of all parts of deliveries at as-of.
pub type Totals = BTreeMap<(DeliveryIndex, Code), Values>;

/// The places of what failures and soft bounces count.
pub(super) const HARD: usize = 0;
pub(super) const SOFT: usize = 1;
pub(super) const SOFT_EVENTS: usize = 2;
/// The places of what clicks count.
pub(super) const CLICKS: usize = 0;
pub(super) const UNIQUE: usize = 1;
pub(super) const BY_MACHINES: usize = 2;

/// What is counted of a part.
pub fn counters(of: Breakdown) -> &'static [Counter] {
    match of {
        Breakdown::Reason => &[
            Counter::HardBounces,
            Counter::SoftBounces,
            Counter::SoftBounceEvents,
        ],
        Breakdown::Url => &[
            Counter::Clicks,
            Counter::UniqueClicks,
            Counter::MachineClicks,
        ],
        Breakdown::Domain => Counter::OF_MESSAGES,
    }
}

/// The same values as those of all counters.
pub fn change(of: Breakdown, values: &[i64]) -> Change {
    let mut change = Change::default();
    for (counter, value) in counters(of).iter().zip(values) {
        change.add(*counter, *value);
    }
    change
}

/// The values that a part has of all counters.
pub fn values(of: Breakdown, change: &Change) -> Values {
    let values = counters(of).iter().map(|counter| change.get(*counter));
    values.collect()
}

/// Adds values to others, so many times.
pub fn add(values: &mut [i64], by: &[i64], times: i64) {
    for (value, by) in values.iter_mut().zip(by) {
        *value += times * by;
    }
}

/// Whether the values of all parts of a delivery add up to its own; a message that has clicked on two links is a
/// unique one of both.
fn adds_up(of: Breakdown, counter: Counter) -> bool {
    (of, counter) != (Breakdown::Url, Counter::UniqueClicks)
}

/// What the table of a breakdown shows, in the order of the specification.
pub fn shown(of: Breakdown) -> impl Iterator<Item = &'static Shown> {
    let known = counters(of);
    Shown::ALL.iter().filter(move |shown| shown.is_of(known))
}

/// Counts by delivery, hour and code.
pub struct Parts {
    of: Breakdown,
    counters: &'static [Counter],
    place_of: HashMap<(u64, u64), u32, BuildHasherDefault<SpreadHasher>>,
    keys: Vec<(DeliveryIndex, Hour, Code)>,
    /// Of each key as many values as there are counters, in their order.
    values: Vec<i64>,
}

impl Parts {
    /// Nothing yet.
    pub fn new(of: Breakdown) -> Parts {
        Parts {
            of,
            counters: counters(of),
            place_of: HashMap::default(),
            keys: Vec::new(),
            values: Vec::new(),
        }
    }

    /// By what they are broken down.
    pub fn of(&self) -> Breakdown {
        self.of
    }

    /// The values of a part in an hour, in the order of [`counters`].
    pub fn values(&mut self, delivery: DeliveryIndex, hour: Hour, code: Code) -> &mut [i64] {
        let key = (
            u64::from(delivery.0) << 32 | u64::from(hour.get() as u32),
            u64::from(code.bits()),
        );
        let count = self.counters.len();
        let place = *self.place_of.entry(key).or_insert_with(|| {
            self.keys.push((delivery, hour, code));
            self.values.resize(self.values.len() + count, 0);
            self.keys.len() as u32 - 1
        });
        &mut self.values[place as usize * count..][..count]
    }

    /// Adds what another worker has counted.
    pub fn merge(&mut self, other: &Parts) {
        let values = other.values.chunks_exact(other.counters.len());
        for ((delivery, hour, code), values) in other.keys.iter().zip(values) {
            add(self.values(*delivery, *hour, *code), values, 1);
        }
    }

    /// What changed of every delivery, hour and code, in no order.
    pub fn changes(&self) -> impl Iterator<Item = ((DeliveryIndex, Hour, Code), &[i64])> {
        let values = self.values.chunks_exact(self.counters.len());
        self.keys.iter().copied().zip(values)
    }

    /// Adds all hours to totals, so many times.
    pub fn add_to(&self, totals: &mut Totals, times: i64) {
        for ((delivery, _, code), by) in self.changes() {
            let total = totals.entry((delivery, code));
            let total = total.or_insert_with(|| vec![0; self.counters.len()].into());
            add(total, by, times);
        }
        totals.retain(|_, total| total.iter().any(|value| *value != 0));
    }

    /// Where the parts of a delivery do not add up to what changed in the whole, a delivery and hour of those.
    pub fn lacks<'a>(
        &self,
        whole: impl Iterator<Item = ((DeliveryIndex, Hour), &'a Change)>,
    ) -> Option<(DeliveryIndex, Hour)> {
        let mut left: HashMap<(DeliveryIndex, Hour), Change> = HashMap::new();
        for (key, change) in whole {
            *left.entry(key).or_default() += change;
        }
        for ((delivery, hour, _), values) in self.changes() {
            *left.entry((delivery, hour)).or_default() -= &change(self.of, values);
        }
        let is_lacking = |(_, left): &(_, Change)| {
            let mut each = self.counters.iter();
            each.any(|counter| adds_up(self.of, *counter) && left.get(*counter) != 0)
        };
        let lacking = left.into_iter().filter(is_lacking);
        lacking.map(|(key, _)| key).min()
    }
}
