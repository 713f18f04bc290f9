//! Sets of deliveries.

use crate::model::DeliveryIndex;
use serde::{Deserialize, Serialize};

/// A set of deliveries by their places in the catalog, which are small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverySet(Vec<u64>);

impl DeliverySet {
    /// Adds a delivery.
    #[inline]
    pub fn add(&mut self, delivery: DeliveryIndex) {
        let (word, bit) = place(delivery);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &DeliverySet) {
        if other.0.len() > self.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// Whether a delivery is in it.
    #[inline]
    pub fn holds(&self, delivery: DeliveryIndex) -> bool {
        let (word, bit) = place(delivery);
        self.0.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether some delivery is in both.
    pub fn meets(&self, other: &DeliverySet) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Those that are in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = DeliveryIndex> {
        let words = (0u32..).zip(&self.0);
        words.flat_map(|(word, bits)| {
            let bits = *bits;
            (0..u64::BITS)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| DeliveryIndex(word * u64::BITS + bit))
        })
    }
}

fn place(delivery: DeliveryIndex) -> (usize, u32) {
    ((delivery.0 / u64::BITS) as usize, delivery.0 % u64::BITS)
}

impl FromIterator<DeliveryIndex> for DeliverySet {
    fn from_iter<I: IntoIterator<Item = DeliveryIndex>>(deliveries: I) -> DeliverySet {
        let mut set = DeliverySet::default();
        deliveries.into_iter().for_each(|id| set.add(id));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_in_it_and_nothing_else() {
        let ids = [0, 63, 64, 1000].map(DeliveryIndex);
        let set: DeliverySet = ids.into_iter().rev().collect();
        assert!(set.iter().eq(ids));
        assert!(ids.into_iter().all(|id| set.holds(id)));
        assert!(
            ![1, 62, 65, 999, 1001, u32::MAX]
                .map(DeliveryIndex)
                .into_iter()
                .any(|id| set.holds(id))
        );
        let none = DeliverySet::default();
        assert!(none.is_empty() && !set.is_empty() && !set.meets(&none));
        assert!(set.meets(&[DeliveryIndex(64)].into_iter().collect()));
        assert!(!set.meets(&[DeliveryIndex(65)].into_iter().collect()));
    }
}
