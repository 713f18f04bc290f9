//! Section 8: recurring deliveries, by their parent.

use std::collections::{BTreeMap, BTreeSet};

use super::super::world::DeliveryRow;
use super::people::Person;
use super::{Changes, Counters};

/// A counted tracking row of a type that some counter counts.
pub struct Act {
    pub delivery: i64,
    pub person: Person,
    pub at: i64,
    /// The code of its type.
    pub kind: i64,
    pub is_machine: bool,
}

/// The counters of which each person counts once, the types they are of, and whether machines count.
const OF_PERSONS: [(&str, &[i64], bool); 7] = [
    ("unique_opens_tracked", &[2], true),
    ("unique_opens", &[1, 2, 3, 6, 10, 11], true),
    ("unique_clicks", &[1, 10, 11], true),
    ("unique_unsubscribes", &[3], true),
    ("human_unique_opens_tracked", &[2], false),
    ("human_unique_opens", &[1, 2, 3, 6, 10, 11], false),
    ("human_unique_clicks", &[1, 10, 11], false),
];

/// What parents have to say.
#[derive(Clone, Debug)]
pub struct Families {
    /// By (parent, start of the hour): cumulative counters and `_delta`s; only hours with a change.
    pub hourly: BTreeMap<(i64, i64), Counters>,
    /// By parent; unknown if it is unknown of one member.
    pub to_deliver: BTreeMap<i64, Option<i64>>,
}

impl Families {
    pub(super) fn of(
        attributes: &BTreeMap<i64, DeliveryRow>,
        known: &BTreeSet<i64>,
        changes: &Changes,
        acts: &[Act],
    ) -> Families {
        let of_parents = attributes.values().filter_map(|row| row.parent_delivery_id);
        let parents: BTreeSet<i64> = of_parents.collect();
        let mut of_families = Changes::default();
        let mut to_deliver = BTreeMap::new();
        for parent in parents {
            // Its own messages, too, if anybody knows of it; children of children are no members.
            let is_member = |delivery: &i64| {
                let row = attributes.get(delivery);
                *delivery == parent || row.is_some_and(|row| row.parent_delivery_id == Some(parent))
            };
            let members: BTreeSet<i64> = known.iter().copied().filter(is_member).collect();
            let targets = members
                .iter()
                .map(|member| attributes.get(member)?.to_deliver);
            to_deliver.insert(parent, targets.sum());

            for ((delivery, hour), counters) in &changes.0 {
                for (counter, by) in counters {
                    let is_sum = OF_PERSONS.iter().all(|(name, _, _)| name != counter);
                    if is_sum && members.contains(delivery) {
                        of_families.add(parent, *hour, counter, *by);
                    }
                }
            }
            let acts: Vec<&Act> = acts
                .iter()
                .filter(|act| members.contains(&act.delivery))
                .collect();
            let persons: BTreeSet<Person> = acts.iter().map(|act| act.person).collect();
            for (counter, kinds, of_machines) in OF_PERSONS {
                for person in &persons {
                    let own = acts.iter().filter(|act| act.person == *person);
                    let counted = own
                        .filter(|act| kinds.contains(&act.kind))
                        .filter(|act| of_machines || !act.is_machine);
                    if let Some(first) = counted.map(|act| act.at).min() {
                        of_families.add(parent, first, counter, 1);
                    }
                }
            }
        }
        Families {
            hourly: of_families.hours(),
            to_deliver,
        }
    }
}
