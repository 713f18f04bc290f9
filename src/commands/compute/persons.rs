//! What is counted by recipient, over all messages to one.

use super::Inputs;
use crate::engine::{Asked, DeliverySet, People, Room};
use crate::job::{Scope, Sources};
use crate::model::DeliveryId;
use crate::rollup::Families;
use crate::tables::EarlierDelivery;
use std::collections::{BTreeMap, BTreeSet};

/// What a run counts by recipient.
pub struct Persons {
    /// The deliveries that have a parent in common; none where no parents are asked for.
    pub families: Option<Families>,
    asked: Asked,
}

/// Persons get so much of the memory that rows may take, of as many parts.
const PART: usize = 4;

impl Persons {
    /// Of these sources; `frozen` deliveries are not computed, nor are the parents that the tables give them. None where
    /// nothing is asked for.
    pub fn of(
        sources: &Sources,
        inputs: &Inputs,
        frozen: &DeliverySet,
        untold: BTreeSet<DeliveryId>,
    ) -> Option<Persons> {
        // A run of some deliveries does not know whole families.
        let has_parents = sources.people.parents && matches!(sources.scope, Scope::All);
        let is_computed = |delivery| !frozen.holds(delivery);
        let families = has_parents.then(|| Families::of(&inputs.catalog, is_computed, untold));
        let quarantine = sources.people.quarantine;
        (families.is_some() || quarantine.is_some()).then(|| Persons {
            asked: Asked {
                families: families
                    .as_ref()
                    .map(Families::by_delivery)
                    .unwrap_or_default(),
                count: families.as_ref().map_or(0, Families::count),
                quarantine,
                room: sources.room.as_ref().map(|room| Room {
                    memory: room.memory / PART,
                    ..room.clone()
                }),
            },
            families,
        })
    }

    /// Where their rows wait.
    pub fn people(&self, inputs: &Inputs) -> People<'_> {
        People::new(&self.asked, inputs.rows())
    }

    /// The room that is left for the rows of messages.
    pub fn room_for_messages(room: &Room) -> Room {
        Room {
            memory: room.memory - room.memory / PART,
            ..room.clone()
        }
    }
}

/// The parents that published rows give some deliveries.
pub fn parents_of(
    some: &BTreeSet<DeliveryId>,
    published: &BTreeMap<DeliveryId, EarlierDelivery>,
) -> BTreeSet<DeliveryId> {
    let parent = |id| published.get(id)?.parent.clone();
    some.iter().filter_map(parent).collect()
}

/// The place of each delivery in the order of identifiers.
pub fn ranks(ids: &[DeliveryId]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_unstable_by_key(|place| &ids[*place]);
    let mut ranks = vec![0; ids.len()];
    for (rank, place) in (0..).zip(order) {
        ranks[place] = rank;
    }
    ranks
}
