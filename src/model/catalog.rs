//! The deliveries of a run: exact identifiers, and a small number for each.

use super::Attributes;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// A `delivery_id`, exact: all extracts of a run have integers, or all have strings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryId {
    /// An integer.
    Number(i64),
    /// A string.
    Text(Box<str>),
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeliveryId::Number(number) => number.fmt(f),
            DeliveryId::Text(text) => f.write_str(text),
        }
    }
}

/// A delivery's place in the [`Catalog`] of one run; means nothing outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryIndex(pub u32);

#[derive(Default)]
struct Places {
    ids: Vec<DeliveryId>,
    index_of: HashMap<DeliveryId, DeliveryIndex>,
}

/// The deliveries that a run knows. Those with attributes are there from the start; the threads
/// that decode add those that only a log knows.
#[derive(Default)]
pub struct Catalog {
    attributes: BTreeMap<DeliveryId, Attributes>,
    places: RwLock<Places>,
}

impl Catalog {
    /// A catalog of the deliveries with these attributes.
    pub fn new(attributes: BTreeMap<DeliveryId, Attributes>) -> Catalog {
        Catalog::starting_with(&[], attributes)
    }

    /// The same, with these deliveries in the first places.
    pub fn starting_with(
        ids: &[DeliveryId],
        attributes: BTreeMap<DeliveryId, Attributes>,
    ) -> Catalog {
        let catalog = Catalog {
            attributes,
            places: RwLock::default(),
        };
        for id in ids.iter().chain(catalog.attributes.keys()) {
            catalog.index(id);
        }
        catalog
    }

    /// The place of a delivery, which becomes known if it was not.
    pub fn index(&self, id: &DeliveryId) -> DeliveryIndex {
        let known = |places: &Places| places.index_of.get(id).copied();
        if let Some(index) = known(&self.places.read().unwrap_or_else(PoisonError::into_inner)) {
            return index;
        }
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = known(&places) {
            return index;
        }
        let index = DeliveryIndex(places.ids.len() as u32);
        assert!(index.0 < u32::MAX, "more than 2^32 deliveries");
        places.ids.push(id.clone());
        places.index_of.insert(id.clone(), index);
        index
    }

    /// All identifiers, by their places.
    pub fn ids(&self) -> Vec<DeliveryId> {
        self.places
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .ids
            .clone()
    }

    /// What the deliveries extract says of a delivery.
    pub fn attributes(&self, id: &DeliveryId) -> Option<&Attributes> {
        self.attributes.get(id)
    }
}
