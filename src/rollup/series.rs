//! The counters of parts of deliveries, hour by hour.

use super::kpis::{check, check_few};
use super::parts::{Values, add, change, shown, values};
use super::{Change, Given, Kpis, Partial, Parts, Shown, Violation};
use crate::model::{Breakdown, Code, Codes, DeliveryId, DeliveryIndex, Hour, Value};
use std::collections::{BTreeMap, HashMap};

/// What a part of a delivery has in common: a failure reason, a link, or the domain of recipients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// That none is given.
    None,
    /// A number.
    Number(i64),
    /// A text as it is shown: the name of a domain, the digest of a link.
    Text(Box<str>),
    /// That it is a text which is not shown.
    Unmapped,
}

/// The part that a code is one of.
pub fn part_of(of: Breakdown, codes: &Codes, code: Code) -> Part {
    if of == Breakdown::Domain {
        return match codes.domain(code) {
            None => Part::None,
            Some(name) if name.is_empty() => Part::Unmapped,
            Some(name) => Part::Text(name),
        };
    }
    match codes.value(code) {
        None => Part::None,
        Some(Value::Number(number)) => Part::Number(number),
        // A text may stand for a reason and for a link; reasons that are texts are one part.
        Some(Value::Text(_) | Value::Hidden(_)) => {
            let digest = codes.digest(code).filter(|_| of == Breakdown::Url);
            digest.map_or(Part::Unmapped, Part::Text)
        }
    }
}

/// The counters of a part of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The part.
    pub part: Part,
    /// The values before the first of its hours.
    pub base: Values,
    /// Its hours, in order, as far as they are given, with the values at their ends.
    pub hours: Hours,
}

/// The counters of all parts of the deliveries of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartKpis {
    /// By what they are broken down.
    pub of: Breakdown,
    /// From which hours on the parts of each delivery are given, of all that are there.
    pub given: Vec<(DeliveryId, Given)>,
    /// The parts, by delivery.
    pub series: Vec<Series>,
}

impl PartKpis {
    /// The counters that its table shows.
    pub fn shown(&self) -> impl Iterator<Item = &'static Shown> {
        shown(self.of)
    }
}

/// Values of a part by hour. There may be millions of parts of one hour, so that they are no larger than they need.
pub type Hours = Vec<(Hour, Values)>;

/// What changed in the hours of each part; an hour may come several times.
pub type ByPart = BTreeMap<Part, Hours>;

/// Adds what parts have come to, so many times.
pub fn gather(into: &mut HashMap<DeliveryIndex, ByPart>, parts: &Parts, codes: &Codes, times: i64) {
    let mut known: HashMap<Code, Part> = HashMap::new();
    for ((delivery, hour, code), by) in parts.changes() {
        let part = known.entry(code);
        let part = part.or_insert_with(|| part_of(parts.of(), codes, code));
        let of_delivery = into.entry(delivery).or_default();
        let hours = match of_delivery.get_mut(part) {
            Some(hours) => hours,
            None => of_delivery
                .entry(part.clone())
                .or_insert(Hours::with_capacity(1)),
        };
        hours.push((hour, by.iter().map(|value| times * value).collect()));
    }
}

impl Series {
    /// The hours of a part, by what changed in them.
    pub fn of(
        of: Breakdown,
        delivery: &DeliveryId,
        part: Part,
        base: Values,
        mut changes: Hours,
    ) -> Result<Series, Violation> {
        changes.sort_unstable_by_key(|(hour, _)| *hour);
        let mut hours = Hours::with_capacity(changes.len());
        for (hour, by) in changes {
            match hours.last_mut() {
                Some((last, values)) if *last == hour => add(values, &by, 1),
                _ => hours.push((hour, by)),
            }
        }
        hours.retain(|(_, by)| by.iter().any(|value| *value != 0));
        let check = match of {
            Breakdown::Domain => check,
            Breakdown::Reason | Breakdown::Url => check_few,
        };
        let mut total = base.clone();
        for (hour, values) in &mut hours {
            add(&mut total, values, 1);
            values.copy_from_slice(&total);
            check(&change(of, values)).map_err(|rule| Violation {
                delivery: delivery.clone(),
                hour: *hour,
                rule,
            })?;
        }
        Ok(Series {
            delivery: delivery.clone(),
            part,
            base,
            hours,
        })
    }

    /// The values before one of its hours.
    pub fn before(&self, hour: usize) -> &[i64] {
        let before = hour.checked_sub(1).map(|before| &self.hours[before].1);
        before.unwrap_or(&self.base)
    }
}

/// Whether the parts that were counted come to what the whole deliveries do.
pub fn check_parts(partial: &Partial, ids: &[DeliveryId]) -> Result<(), Violation> {
    for parts in partial.parts() {
        if let Some((delivery, hour)) = parts.lacks(partial.changes()) {
            return Err(Violation {
                delivery: ids[delivery.0 as usize].clone(),
                hour,
                rule: match parts.of() {
                    Breakdown::Reason => "the parts by reason come to the whole",
                    Breakdown::Url => "the parts by link come to the whole",
                    Breakdown::Domain => "the parts by domain come to the whole",
                },
            });
        }
    }
    Ok(())
}

/// The parts of all deliveries that a run has counted, of those that it computes; `ids` are the identifiers by
/// [`DeliveryIndex`].
pub fn finish_parts(
    partial: &Partial,
    ids: &[DeliveryId],
    codes: &Codes,
    computed: &Kpis,
) -> Result<Vec<PartKpis>, Violation> {
    check_parts(partial, ids)?;
    let index_of: HashMap<&DeliveryId, DeliveryIndex> =
        ids.iter().zip((0..).map(DeliveryIndex)).collect();
    let mut all = Vec::new();
    for parts in partial.parts() {
        let base = values(parts.of(), &Change::default());
        let mut counted = HashMap::new();
        gather(&mut counted, parts, codes, 1);
        let mut kpis = PartKpis {
            of: parts.of(),
            given: Vec::with_capacity(computed.deliveries.len()),
            series: Vec::new(),
        };
        for delivery in &computed.deliveries {
            kpis.given.push((delivery.id.clone(), Given::All));
            let of_delivery = index_of.get(&delivery.id);
            let of_delivery = of_delivery.and_then(|index| counted.remove(index));
            for (part, hours) in of_delivery.unwrap_or_default() {
                let series = Series::of(kpis.of, &delivery.id, part, base.clone(), hours)?;
                kpis.series.push(series);
            }
        }
        all.push(kpis);
    }
    Ok(all)
}
