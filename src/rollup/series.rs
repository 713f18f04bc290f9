//! The counters of parts of deliveries, hour by hour.

use super::kpis::{check, check_few};
use super::parts::shown;
use super::{Change, Given, HourKpis, Kpis, Partial, Parts, Shown, Violation, add_up};
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
    pub base: Change,
    /// Its hours, in order, as far as they are given.
    pub hours: Vec<HourKpis>,
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

/// What changed in each hour of a part.
pub type Hours = BTreeMap<Hour, Change>;

/// What changed in the hours of each part.
pub type ByPart = BTreeMap<Part, Hours>;

/// Adds what parts have come to, so many times.
pub fn gather(
    into: &mut HashMap<DeliveryIndex, ByPart>,
    parts: &Parts,
    codes: &Codes,
    is_subtracted: bool,
) {
    let mut known: HashMap<Code, Part> = HashMap::new();
    for ((delivery, hour, code), by) in parts.changes() {
        let part = known
            .entry(code)
            .or_insert_with(|| part_of(parts.of(), codes, code));
        let hours = into.entry(delivery).or_default();
        let hours = match hours.get_mut(part) {
            Some(hours) => hours,
            None => hours.entry(part.clone()).or_default(),
        };
        let total = hours.entry(hour).or_default();
        match is_subtracted {
            true => *total -= &by,
            false => *total += &by,
        }
    }
}

impl Series {
    /// The hours of a part, by what changed in them.
    pub fn of(
        of: Breakdown,
        delivery: &DeliveryId,
        part: Part,
        base: Change,
        hours: Hours,
    ) -> Result<Series, Violation> {
        let changed = hours.into_iter().filter(|(_, change)| !change.is_zero());
        // What changed in it, until they are added up.
        let mut hours: Vec<HourKpis> = changed
            .map(|(hour, total)| HourKpis { hour, total })
            .collect();
        let check = match of {
            Breakdown::Domain => check,
            Breakdown::Reason | Breakdown::Url => check_few,
        };
        add_up(delivery, base, &mut hours, check)?;
        Ok(Series {
            delivery: delivery.clone(),
            part,
            base,
            hours,
        })
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
        let mut counted = HashMap::new();
        gather(&mut counted, parts, codes, false);
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
                let series = Series::of(kpis.of, &delivery.id, part, Change::default(), hours)?;
                kpis.series.push(series);
            }
        }
        all.push(kpis);
    }
    Ok(all)
}
