//! Changes to cumulative values, with the checks that no run may fail.

use super::{Change, Counter, Facts, Partial};
use crate::model::{DeliveryId, DeliveryIndex, Hour};

/// The counters of one delivery in one hour in which any of them changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourKpis {
    /// The hour.
    pub hour: Hour,
    /// Change in the hour.
    pub change: Change,
    /// Values at its end, or at as-of if that comes first.
    pub total: Change,
}

/// The counters of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryKpis {
    /// The delivery.
    pub id: DeliveryId,
    /// Its hours, in order.
    pub hours: Vec<HourKpis>,
    /// What else is known of it.
    pub facts: Facts,
}

impl DeliveryKpis {
    /// The values at as-of.
    pub fn total(&self) -> Change {
        self.hours
            .last()
            .map_or_else(Change::default, |last| last.total)
    }
}

/// The counters of all deliveries of a run, by identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kpis {
    /// The deliveries, in the order of their identifiers.
    pub deliveries: Vec<DeliveryKpis>,
}

/// A sum that cannot be: the program is wrong, and nothing may be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("delivery {delivery}, hour {}: {rule} does not hold; this is a defect of the program, nothing was published", .hour.start())]
pub struct Violation {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The hour at whose end the rule is broken.
    pub hour: Hour,
    /// The rule.
    pub rule: &'static str,
}

/// Cumulative values of every delivery; `ids` are the identifiers by [`DeliveryIndex`].
pub fn finish(partial: &Partial, ids: &[DeliveryId]) -> Result<Kpis, Violation> {
    let mut hours: Vec<Vec<HourKpis>> = vec![Vec::new(); ids.len()];
    for ((delivery, hour), change) in partial.changes() {
        if !change.is_zero() {
            hours[delivery.0 as usize].push(HourKpis {
                hour,
                change: *change,
                total: Change::default(),
            });
        }
    }
    let mut deliveries = Vec::with_capacity(ids.len());
    for (index, (id, mut hours)) in ids.iter().zip(hours).enumerate() {
        hours.sort_unstable_by_key(|row| row.hour);
        let mut total = Change::default();
        for row in &mut hours {
            total += &row.change;
            row.total = total;
            check(&total).map_err(|rule| Violation {
                delivery: id.clone(),
                hour: row.hour,
                rule,
            })?;
        }
        deliveries.push(DeliveryKpis {
            id: id.clone(),
            hours,
            facts: partial.facts(DeliveryIndex(index as u32)),
        });
    }
    deliveries.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(Kpis { deliveries })
}

fn check(total: &Change) -> Result<(), &'static str> {
    use Counter::*;
    let [processed, pending, delivered, hard, soft] =
        [Processed, Pending, Delivered, HardBounces, SoftBounces].map(|c| total.get(c));
    let rules = [
        (
            processed == pending + delivered + hard + soft,
            "processed = pending + delivered + bounces_errors",
        ),
        (!total.has_negative(), "no counter is negative"),
        (
            total.get(UniqueOpensTracked) <= total.get(OpensTracked)
                && total.get(UniqueClicks) <= total.get(Clicks)
                && total.get(UniqueUnsubscribes) <= total.get(Unsubscribes),
            "no unique counter exceeds its total",
        ),
        (
            total.get(UniqueOpensTracked).max(total.get(UniqueClicks)) <= total.get(UniqueOpens),
            "who opens or clicks has a unique open",
        ),
        (
            total.get(FailedByDeadline) <= soft && total.get(Retrying) <= processed,
            "failed_by_deadline and retrying are parts of their wholes",
        ),
    ];
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, rule)) => Err(rule),
        None => Ok(()),
    }
}
