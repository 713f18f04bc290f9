//! The identifiers of deliveries and messages that a finding names.

use super::inspector::Cases;
use crate::model::{DeliveryId, DeliveryIndex};
use std::collections::HashMap;

/// What keys and places stand for.
pub struct Names {
    /// By [`DeliveryIndex`].
    pub ids: Vec<DeliveryId>,
    /// Text identifiers by their fingerprints; none where messages have integers.
    pub texts: Option<HashMap<[u64; 2], String>>,
}

impl Names {
    /// The deliveries of these places, in the order of their identifiers.
    pub fn deliveries(&self, places: impl Iterator<Item = DeliveryIndex>) -> Vec<String> {
        let mut ids: Vec<&DeliveryId> = places.map(|place| self.delivery(place)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|id| format!("delivery {id}")).collect()
    }

    /// The identifier of a delivery.
    pub fn delivery(&self, place: DeliveryIndex) -> &DeliveryId {
        &self.ids[place.0 as usize]
    }

    /// Some messages, by delivery and message, as `explain` takes them.
    pub fn messages(&self, cases: &Cases, most: usize) -> Vec<String> {
        let pairs = self.pairs(cases, most).into_iter();
        pairs
            .map(|(delivery, message)| format!("delivery {delivery}, message {message}"))
            .collect()
    }

    /// The same apart.
    pub fn pairs(&self, cases: &Cases, most: usize) -> Vec<(DeliveryId, String)> {
        let mut deliveries: Vec<_> = cases.of.iter().collect();
        deliveries.sort_unstable_by_key(|(place, _)| self.delivery(**place));
        let each = deliveries.into_iter().flat_map(|(place, (_, messages))| {
            messages.iter().map(move |message| (*place, *message))
        });
        each.take(most)
            .map(|(place, message)| (self.delivery(place).clone(), self.message(message)))
            .collect()
    }

    /// The identifier of a message for machines, as the extracts have it.
    pub fn message_json(&self, message: &str) -> serde_json::Value {
        match (&self.texts, message.parse::<i64>()) {
            (None, Ok(number)) => number.into(),
            _ => message.into(),
        }
    }

    fn message(&self, key: [u64; 2]) -> String {
        match &self.texts {
            None => (key[1] as i64).to_string(),
            Some(texts) => texts.get(&key).cloned().unwrap_or("?".to_owned()),
        }
    }
}
