//! The counters of recurring deliveries (kpi-semantics, section 8).

use super::{Change, DeliveryKpis, Facts, Given, HourKpis, Partial, Violation, add_up};
use crate::model::{Attributes, Catalog, DeliveryId, DeliveryIndex, Hour};
use std::collections::{BTreeMap, BTreeSet};

/// Deliveries that others name as their parent, with all that belong to them.
#[derive(Clone, Debug, Default)]
pub struct Families {
    /// The parents, with their children and themselves.
    all: Vec<(DeliveryId, BTreeSet<DeliveryIndex>)>,
    /// Parents of which a member is not computed, so that nobody can tell what they come to.
    untold: BTreeSet<DeliveryId>,
}

/// The counters of all parents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParentKpis {
    /// The parents, in the order of their identifiers.
    pub parents: Vec<DeliveryKpis>,
    /// How many messages each of them is to get, where that is known of all of its deliveries, in the same order.
    pub attributes: Vec<Attributes>,
    /// Parents whose published rows stay as they are.
    pub stay: BTreeSet<DeliveryId>,
}

impl Families {
    /// Those of a catalog, in which parents without a row get a place; some deliveries are not computed, and of some
    /// parents that is known before.
    pub fn of(
        catalog: &Catalog,
        is_computed: impl Fn(DeliveryIndex) -> bool,
        untold: BTreeSet<DeliveryId>,
    ) -> Families {
        let mut members: BTreeMap<DeliveryId, BTreeSet<DeliveryIndex>> = BTreeMap::new();
        for id in catalog.ids() {
            let parent = catalog
                .attributes(&id)
                .and_then(|a| a.parent_delivery_id.clone());
            if let Some(parent) = parent {
                let own = catalog.index(&parent);
                let of_parent = members.entry(parent).or_default();
                of_parent.extend([own, catalog.index(&id)]);
            }
        }
        let is_told = |(parent, members): &(DeliveryId, BTreeSet<_>)| {
            !untold.contains(parent) && members.iter().all(|member| is_computed(*member))
        };
        let (all, others): (Vec<_>, Vec<_>) = members.into_iter().partition(is_told);
        let others = others.into_iter().map(|(parent, _)| parent);
        Families {
            all,
            untold: untold.iter().cloned().chain(others).collect(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.all.len() as u32
    }

    /// By delivery, the places of the families that it is in.
    pub fn by_delivery(&self) -> Vec<Vec<u32>> {
        let mut families = Vec::new();
        for (place, (_, members)) in (0..).zip(&self.all) {
            for member in members {
                let member = member.0 as usize;
                if families.len() <= member {
                    families.resize(member + 1, Vec::new());
                }
                families[member].push(place);
            }
        }
        families
    }

    /// What the parents come to: the sums of what their deliveries do, and `firsts`, by the places of families, in
    /// place of what counts messages once. `attributes` are those of the deliveries that are known.
    pub fn finish(
        &self,
        partial: &Partial,
        firsts: &Partial,
        attributes: impl Fn(DeliveryIndex) -> Option<Attributes>,
    ) -> Result<ParentKpis, Violation> {
        let families = self.by_delivery();
        let mut changes: Vec<BTreeMap<Hour, Change>> = vec![BTreeMap::new(); self.all.len()];
        for ((delivery, hour), change) in partial.changes() {
            for family in families.get(delivery.0 as usize).into_iter().flatten() {
                *changes[*family as usize].entry(hour).or_default() += &change.without_unique();
            }
        }
        for ((family, hour), change) in firsts.changes() {
            *changes[family.0 as usize].entry(hour).or_default() += change;
        }
        let mut kpis = ParentKpis {
            stay: self.untold.clone(),
            ..ParentKpis::default()
        };
        for ((parent, members), changes) in self.all.iter().zip(changes) {
            let changes = changes.into_iter().filter(|(_, change)| !change.is_zero());
            let mut hours: Vec<HourKpis> = changes
                .map(|(hour, total)| HourKpis { hour, total })
                .collect();
            let base = Change::default();
            add_up(parent, base, &mut hours)?;
            kpis.parents.push(DeliveryKpis {
                id: parent.clone(),
                base,
                hours,
                given: Given::All,
                facts: Facts::default(),
            });
            let known = members.iter().filter_map(|member| attributes(*member));
            kpis.attributes.push(Attributes {
                to_deliver: known.map(|of| of.to_deliver).sum(),
                ..Attributes::default()
            });
        }
        Ok(kpis)
    }
}
