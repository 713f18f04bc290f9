//! The published counters of parts of deliveries, and on top of them what has changed.

use super::Error;
use super::again::{Again, Recount};
use super::renewed::{cut_hour, name};
use crate::model::{Breakdown, Code, DeliveryId, DeliveryIndex, Hour};
use crate::publish::Published;
use crate::rollup::{
    ByPart, Change, DeliveryKpis, Given, Hours, Part, PartKpis, Partial, Series, Totals, Values,
    add, check_parts, gather, part_of, values,
};
use crate::tables::{date_name, earlier_parts};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a run that builds on another one goes by.
#[derive(Clone, Copy)]
pub struct Renewal<'a> {
    pub again: &'a Again<'a>,
    pub recount: &'a Recount,
    pub published: &'a Published<'a>,
    /// The deliveries that the run computes.
    pub computed: &'a [DeliveryKpis],
    /// Those whose published rows are not what their rows had come to.
    pub stale: &'a BTreeSet<DeliveryIndex>,
}

/// What changed in the published hours of a part, and its values before the first of them.
struct PublishedPart {
    first: Hour,
    base: Values,
    changes: Hours,
}

type Earlier = HashMap<DeliveryIndex, BTreeMap<Part, PublishedPart>>;

impl Renewal<'_> {
    /// The counters of all parts, with the hours of the deliveries of which some have changed.
    pub fn parts(self) -> Result<Vec<PartKpis>, Error> {
        let refolded = &self.recount.refolded;
        for partial in [&refolded.before.partial, &refolded.after.partial] {
            check_parts(partial, &self.recount.ids)?;
        }
        let breakdowns = self.again.job.sources.parts.by;
        breakdowns.each().map(|of| self.parts_by(of)).collect()
    }

    fn parts_by(self, of: Breakdown) -> Result<PartKpis, Error> {
        let place_of: HashMap<&DeliveryId, DeliveryIndex> = self
            .recount
            .ids
            .iter()
            .zip((0..).map(DeliveryIndex))
            .collect();
        let place_of = |delivery: &DeliveryKpis| place_of[&delivery.id];
        let computed: BTreeMap<&DeliveryId, DeliveryIndex> = self
            .computed
            .iter()
            .map(|delivery| (&delivery.id, place_of(delivery)))
            .collect();
        let mut difference = self.difference(of);
        let first_days = self.first_days(of, &difference, &computed)?;
        let mut earlier = self.earlier(of, &first_days, &computed)?;
        let mut kpis = PartKpis {
            of,
            given: Vec::with_capacity(computed.len()),
            series: Vec::new(),
        };
        for (id, index) in computed {
            let given = match first_days.get(&index) {
                None => Given::Nothing,
                Some(&i64::MIN) => Given::All,
                Some(day) => Given::From(*day),
            };
            kpis.given.push((id.clone(), given));
            if given == Given::Nothing {
                continue;
            }
            let is_stale = self.stale.contains(&index);
            let mut earlier = earlier
                .remove(&index)
                .filter(|_| !is_stale)
                .unwrap_or_default();
            let totals = match is_stale {
                true => BTreeMap::new(),
                false => self.totals(of, index),
            };
            let mut changes = difference.remove(&index).unwrap_or_default();
            for part in earlier.keys() {
                changes.entry(part.clone()).or_default();
            }
            for (part, mut hours) in changes {
                let base = match earlier.remove(&part) {
                    Some(published) => {
                        hours.extend(published.changes);
                        published.base
                    }
                    None => match totals.get(&part) {
                        Some(total) => total.clone(),
                        None => values(of, &Change::default()),
                    },
                };
                kpis.series.push(Series::of(of, id, part, base, hours)?);
            }
        }
        Ok(kpis)
    }

    /// What is different from what the changed messages came to before.
    fn difference(self, of: Breakdown) -> HashMap<DeliveryIndex, ByPart> {
        let mut difference = HashMap::new();
        let refolded = &self.recount.refolded;
        let codes = &self.recount.codes;
        let mut add = |partial: &Partial, times| {
            let parts = partial.parts().filter(|parts| parts.of() == of);
            parts.for_each(|parts| gather(&mut difference, parts, codes, times));
        };
        add(&refolded.after.partial, 1);
        add(&refolded.before.partial, -1);
        difference
    }

    /// The first day that changes, for each delivery of which one does; that of all of its days is the lowest
    /// number.
    fn first_days(
        self,
        of: Breakdown,
        difference: &HashMap<DeliveryIndex, ByPart>,
        computed: &BTreeMap<&DeliveryId, DeliveryIndex>,
    ) -> Result<BTreeMap<DeliveryIndex, i64>, Error> {
        let mut first_days = BTreeMap::new();
        for index in computed.values() {
            let parts = difference.get(index).into_iter().flat_map(BTreeMap::values);
            let first = parts.filter_map(first_change).min();
            let first = first.map(Hour::day);
            let first = match self.stale.contains(index) {
                true => Some(i64::MIN),
                false => first,
            };
            first_days.extend(first.map(|day| (*index, day)));
        }
        let Some(cut) = cut_hour(self.again) else {
            return Ok(first_days);
        };
        let files = self.published.files(of.table())?;
        let files = files.get(&Some(date_name(cut.day())));
        let rows = self
            .published
            .rows(of.table(), files.into_iter().flatten())?;
        let is_computed = |id: &DeliveryId| computed.contains_key(id);
        earlier_parts(&rows, of, is_computed, |_, row| {
            if !row.is_complete {
                let first = first_days.entry(computed[&row.delivery]);
                let first = first.or_insert(cut.day());
                *first = (*first).min(cut.day());
            }
        })?;
        Ok(first_days)
    }

    /// The published rows of these days and of later ones.
    fn earlier(
        self,
        of: Breakdown,
        first_days: &BTreeMap<DeliveryIndex, i64>,
        computed: &BTreeMap<&DeliveryId, DeliveryIndex>,
    ) -> Result<Earlier, Error> {
        let mut earlier = Earlier::new();
        let Some(first) = first_days.values().min() else {
            return Ok(earlier);
        };
        let names: HashMap<DeliveryIndex, String> = first_days
            .iter()
            .map(|(index, first)| (*index, name(*first)))
            .collect();
        let from = |id: &DeliveryId| names.get(computed.get(id)?);
        for (day, files) in self.published.files(of.table())? {
            let day = day.unwrap_or_default();
            if day < name(*first) {
                continue;
            }
            let rows = self.published.rows(of.table(), &files)?;
            let is_wanted = |id: &DeliveryId| from(id).is_some_and(|first| *first <= day);
            earlier_parts(&rows, of, is_wanted, |part, row| {
                let parts = earlier.entry(computed[&row.delivery]).or_default();
                let before = || {
                    let mut before = row.total;
                    before -= &row.change;
                    values(of, &before)
                };
                let published = parts.entry(part).or_insert_with(|| PublishedPart {
                    first: row.hour,
                    base: before(),
                    changes: Hours::with_capacity(1),
                });
                if row.hour < published.first {
                    (published.first, published.base) = (row.hour, before());
                }
                published.changes.push((row.hour, values(of, &row.change)));
            })?;
        }
        Ok(earlier)
    }

    /// The published values of the parts of a delivery.
    fn totals(self, of: Breakdown, delivery: DeliveryIndex) -> BTreeMap<Part, Values> {
        let next = DeliveryIndex(delivery.0 + 1);
        let range = (delivery, Code::NULL)..(next, Code::NULL);
        let kept = self.again.kept.totals.get(&of);
        let mut totals: BTreeMap<Part, Values> = BTreeMap::new();
        for ((_, code), total) in kept
            .into_iter()
            .flat_map(|all: &Totals| all.range(range.clone()))
        {
            let part = part_of(of, &self.recount.codes, *code);
            let sum = totals.entry(part);
            let sum = sum.or_insert_with(|| values(of, &Change::default()));
            add(sum, total, 1);
        }
        totals
    }
}

/// The first hour in which something changes in sum.
fn first_change(hours: &Hours) -> Option<Hour> {
    let mut sums: BTreeMap<Hour, Values> = BTreeMap::new();
    for (hour, by) in hours {
        match sums.get_mut(hour) {
            Some(sum) => add(sum, by, 1),
            None => {
                sums.insert(*hour, by.clone());
            }
        }
    }
    let changes = |(_, sum): &(&Hour, &Values)| sum.iter().any(|value| *value != 0);
    sums.iter().find(changes).map(|(hour, _)| *hour)
}
