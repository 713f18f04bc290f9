//! The published counters, and on top of them what has changed.

use super::Error;
use super::again::{Again, Recount};
use super::parts::Renewal;
use crate::model::{Attributes, DeliveryId, DeliveryIndex, Hour};
use crate::publish::{DELIVERY_KPI_HOURLY, Published};
use crate::rollup::{Change, DeliveryKpis, Facts, Given, HourKpis, Kpis, add_up};
use crate::tables::{EarlierHour, date_name, earlier_deliveries, earlier_hours};
use std::collections::{BTreeMap, BTreeSet, HashMap};

type Difference = BTreeMap<DeliveryIndex, BTreeMap<Hour, Change>>;

/// What is different from what the changed messages came to before.
fn difference(recount: &Recount) -> Difference {
    let mut all: HashMap<(DeliveryIndex, Hour), Change> = HashMap::new();
    for (key, change) in recount.refolded.after.partial.changes() {
        *all.entry(key).or_default() += change;
    }
    for (key, change) in recount.refolded.before.partial.changes() {
        *all.entry(key).or_default() -= change;
    }
    let mut difference = Difference::new();
    let stays = |delivery| recount.frozen.holds(delivery);
    for ((delivery, hour), change) in all {
        if change.is_zero() || stays(delivery) {
            continue;
        }
        difference.entry(delivery).or_default().insert(hour, change);
    }
    difference
}

/// The counters of all deliveries, with the hours of those that have changed.
pub fn renew(
    again: &Again<'_>,
    recount: &Recount,
    published: &Published<'_>,
) -> Result<Kpis, Error> {
    let mut difference = difference(recount);
    let earlier = earlier_deliveries(&published.deliveries()?)?;
    let mut first_days = first_days(again, recount, &difference, published)?;
    // What stands in the tables is not what its rows had come to.
    let is_stale = |(index, id): &(DeliveryIndex, &DeliveryId)| {
        recount.thawed.holds(*index) || !was_known(again, *index) && earlier.contains_key(*id)
    };
    let deliveries = || (0..).map(DeliveryIndex).zip(&recount.ids);
    let stale: BTreeSet<DeliveryIndex> = deliveries()
        .filter(is_stale)
        .map(|(index, _)| index)
        .collect();
    let thawed = stale.iter().filter(|index| !recount.frozen.holds(**index));
    first_days.extend(thawed.map(|index| (*index, i64::MIN)));
    let place_of: HashMap<&DeliveryId, DeliveryIndex> =
        recount.ids.iter().zip((0..).map(DeliveryIndex)).collect();
    let names: HashMap<DeliveryIndex, String> = first_days
        .iter()
        .map(|(index, first)| (*index, name(*first)))
        .collect();
    let from = |id: &DeliveryId| place_of.get(id).and_then(|index| names.get(index));
    let mut hours: HashMap<DeliveryIndex, Vec<EarlierHour>> = HashMap::new();
    if let Some(first) = first_days.values().min() {
        let files = published.files(DELIVERY_KPI_HOURLY)?;
        for (day, files) in files {
            let day = day.unwrap_or_default();
            if day < name(*first) {
                continue;
            }
            let rows = published.rows(DELIVERY_KPI_HOURLY, &files)?;
            let is_wanted = |id: &DeliveryId| from(id).is_some_and(|first| *first <= day);
            for row in earlier_hours(&rows, is_wanted)? {
                hours.entry(place_of[&row.delivery]).or_default().push(row);
            }
        }
    }
    let mut renewed = Vec::with_capacity(recount.ids.len());
    for (index, id) in deliveries() {
        let facts = recount.facts[index.0 as usize];
        if recount.frozen.holds(index)
            || !facts.in_a_log && again.inputs.catalog.attributes(id).is_none()
        {
            continue;
        }
        let is_new = stale.contains(&index);
        let total = earlier.get(id).filter(|_| !is_new);
        let total = total.map_or_else(Change::default, |earlier| earlier.total);
        renewed.push(match first_days.get(&index) {
            None => DeliveryKpis {
                id: id.clone(),
                base: total,
                hours: Vec::new(),
                given: Given::Nothing,
                facts,
            },
            Some(first) => changed(
                id,
                *first,
                total,
                hours.remove(&index).filter(|_| !is_new).unwrap_or_default(),
                difference.remove(&index).unwrap_or_default(),
                facts,
            )?,
        });
    }
    renewed.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let renewal = Renewal {
        again,
        recount,
        published,
        computed: &renewed,
        stale: &stale,
    };
    Ok(Kpis {
        parts: renewal.parts()?,
        deliveries: renewed,
        // A run that is asked for them reads everything.
        parents: None,
    })
}

/// The name of the first day that is looked at; the lowest number stands for all.
pub fn name(first: i64) -> String {
    match first {
        i64::MIN => String::new(),
        day => date_name(day),
    }
}

/// Whether the last run knew a delivery; of others the tables may still have rows of runs before it.
fn was_known(again: &Again<'_>, index: DeliveryIndex) -> bool {
    let delivery = again.kept.deliveries.get(index.0 as usize);
    delivery.is_some_and(|delivery| delivery.facts.in_a_log || delivery.attributes.is_some())
}

/// A delivery whose hours change from a day on.
fn changed(
    id: &DeliveryId,
    first_day: i64,
    total: Change,
    mut earlier: Vec<EarlierHour>,
    difference: BTreeMap<Hour, Change>,
    facts: Facts,
) -> Result<DeliveryKpis, Error> {
    earlier.sort_unstable_by_key(|row| row.hour);
    let base = match earlier.first() {
        Some(first) => {
            let mut base = first.total;
            base -= &first.change;
            base
        }
        None => total,
    };
    let mut changes = difference;
    for row in &earlier {
        *changes.entry(row.hour).or_default() += &row.change;
    }
    changes.retain(|_, change| !change.is_zero());
    let hour = |(hour, total)| HourKpis { hour, total };
    let mut hours: Vec<HourKpis> = changes.into_iter().map(hour).collect();
    add_up(id, base, &mut hours)?;
    Ok(DeliveryKpis {
        id: id.clone(),
        base,
        hours,
        given: match first_day {
            i64::MIN => Given::All,
            day => Given::From(day),
        },
        facts,
    })
}

/// The first day that changes, for each delivery of which one does; that of all of its days is the lowest
/// number.
fn first_days(
    again: &Again<'_>,
    recount: &Recount,
    difference: &Difference,
    published: &Published<'_>,
) -> Result<BTreeMap<DeliveryIndex, i64>, Error> {
    let mut first_days: BTreeMap<DeliveryIndex, i64> = BTreeMap::new();
    for (delivery, hours) in difference {
        if let Some((hour, _)) = hours.first_key_value() {
            first_days.entry(*delivery).or_insert(hour.day());
        }
    }
    let to_deliver = |attributes: Option<&Attributes>| attributes.and_then(|a| a.to_deliver);
    for index in recount.changed.iter() {
        let place = index.0 as usize;
        let before = again.kept.deliveries.get(place);
        let before = to_deliver(before.and_then(|delivery| delivery.attributes.as_ref()));
        let after = to_deliver(again.inputs.catalog.attributes(&recount.ids[place]));
        // A delivery without a counted row has no hour yet.
        let first = again.kept.deliveries.get(place);
        let first = first.and_then(|delivery| delivery.facts.first_event_at);
        if let Some(first) = first
            && before != after
            && !recount.frozen.holds(index)
        {
            let day = first.hour().day();
            let known = first_days.entry(index).or_insert(day);
            *known = (*known).min(day);
        }
    }
    let Some(cut) = cut_hour(again) else {
        return Ok(first_days);
    };
    let files = published.files(DELIVERY_KPI_HOURLY)?;
    let Some(files) = files.get(&Some(date_name(cut.day()))) else {
        return Ok(first_days);
    };
    let rows = published.rows(DELIVERY_KPI_HOURLY, files)?;
    let place_of: HashMap<&DeliveryId, DeliveryIndex> =
        recount.ids.iter().zip((0..).map(DeliveryIndex)).collect();
    for row in earlier_hours(&rows, |id| place_of.contains_key(id))? {
        let index = place_of[&row.delivery];
        if !row.is_complete && !recount.frozen.holds(index) {
            let first = first_days.entry(index).or_insert(cut.day());
            *first = (*first).min(cut.day());
        }
    }
    Ok(first_days)
}

/// The hour that the as-of of the last run had cut, if this one is as of another instant.
pub fn cut_hour(again: &Again<'_>) -> Option<Hour> {
    let (before, after) = (again.kept.as_of, again.job.sources.as_of);
    let cut = before.hour();
    (cut.start() != before && before != after).then_some(cut)
}
