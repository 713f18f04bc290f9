//! What one worker has counted so far of the parts of deliveries: by reason, or by link.

use super::partial::SpreadHasher;
use super::{Change, Counter, Shown};
use crate::model::{Breakdown, Code, DeliveryIndex, Hour};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

/// The values of all parts of deliveries at as-of.
pub type Totals = BTreeMap<(DeliveryIndex, Code), Change>;

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
        Breakdown::Domain => &Counter::ALL,
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
            let mine = self.values(*delivery, *hour, *code).iter_mut();
            mine.zip(values).for_each(|(value, by)| *value += by);
        }
    }

    /// What changed of every delivery, hour and code, in no order.
    pub fn changes(&self) -> impl Iterator<Item = ((DeliveryIndex, Hour, Code), Change)> {
        let values = self.values.chunks_exact(self.counters.len());
        let change = |values: &[i64]| {
            let mut change = Change::default();
            for (counter, value) in self.counters.iter().zip(values) {
                change.add(*counter, *value);
            }
            change
        };
        self.keys.iter().copied().zip(values.map(change))
    }

    /// Adds all hours to totals, or takes them away.
    pub fn add_to(&self, totals: &mut Totals, is_subtracted: bool) {
        for ((delivery, _, code), change) in self.changes() {
            let total = totals.entry((delivery, code)).or_default();
            match is_subtracted {
                true => *total -= &change,
                false => *total += &change,
            }
        }
        totals.retain(|_, total| !total.is_zero());
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
        for ((delivery, hour, _), change) in self.changes() {
            *left.entry((delivery, hour)).or_default() -= &change;
        }
        let is_lacking = |(_, left): &(_, Change)| {
            let mut each = self.counters.iter();
            each.any(|counter| adds_up(self.of, *counter) && left.get(*counter) != 0)
        };
        left.into_iter().find(is_lacking).map(|(key, _)| key)
    }
}
