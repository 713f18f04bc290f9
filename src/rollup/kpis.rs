//! Changes to cumulative values, with the checks that no run may fail.

use super::{Change, Counter, Facts, ParentKpis, PartKpis, Partial};
use crate::model::{DeliveryId, DeliveryIndex, Hour};

/// The counters of one delivery in one hour in which any of them changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourKpis {
    /// The hour.
    pub hour: Hour,
    /// Values at its end, or at as-of if that comes first.
    pub total: Change,
}

/// Which hours of a delivery a run gives; the published rows of the others stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// All.
    All,
    /// Those of this day and the later ones, in days since the epoch.
    From(i64),
    /// None.
    Nothing,
}

/// The counters of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryKpis {
    /// The delivery.
    pub id: DeliveryId,
    /// The values before the first of its hours.
    pub base: Change,
    /// Its hours, in order, as far as they are given.
    pub hours: Vec<HourKpis>,
    /// From which hours on.
    pub given: Given,
    /// What else is known of it.
    pub facts: Facts,
}

impl DeliveryKpis {
    /// The values at as-of.
    pub fn total(&self) -> Change {
        self.hours.last().map_or(self.base, |last| last.total)
    }
}

/// The counters of all deliveries of a run, by identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kpis {
    /// The deliveries, in the order of their identifiers.
    pub deliveries: Vec<DeliveryKpis>,
    /// Their parts, by each breakdown that is asked for.
    pub parts: Vec<PartKpis>,
    /// The parents, where they are asked for.
    pub parents: Option<ParentKpis>,
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
    let changes = || partial.changes().filter(|(_, change)| !change.is_zero());
    let mut rows = vec![0; ids.len()];
    changes().for_each(|((delivery, _), _)| rows[delivery.0 as usize] += 1);
    let mut hours: Vec<Vec<HourKpis>> = rows.into_iter().map(Vec::with_capacity).collect();
    for ((delivery, hour), change) in changes() {
        hours[delivery.0 as usize].push(HourKpis {
            hour,
            // What changed in it, until the hours are in order.
            total: *change,
        });
    }
    let mut deliveries = Vec::with_capacity(ids.len());
    for (index, (id, mut hours)) in ids.iter().zip(hours).enumerate() {
        hours.sort_unstable_by_key(|row| row.hour);
        let base = Change::default();
        add_up(id, base, &mut hours)?;
        deliveries.push(DeliveryKpis {
            id: id.clone(),
            base,
            hours,
            given: Given::All,
            facts: partial.facts(DeliveryIndex(index as u32)),
        });
    }
    deliveries.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(Kpis {
        deliveries,
        parts: Vec::new(),
        parents: None,
    })
}

/// Turns what changed in each hour, in order, into the values at its end, which are checked.
pub fn add_up(id: &DeliveryId, base: Change, hours: &mut [HourKpis]) -> Result<(), Violation> {
    let mut total = base;
    for row in hours {
        total += &row.total;
        row.total = total;
        check(&total).map_err(|rule| Violation {
            delivery: id.clone(),
            hour: row.hour,
            rule,
        })?;
    }
    Ok(())
}

const NEGATIVE: &str = "no counter is negative";

/// Checks those of messages that fail for one reason, or of clicks on one link.
pub fn check_few(total: &Change) -> Result<(), &'static str> {
    let is_part = |part, whole| total.get(part) <= total.get(whole);
    let clicks = Counter::Clicks;
    match () {
        () if total.has_negative() => Err(NEGATIVE),
        () if !is_part(Counter::UniqueClicks, clicks) => Err("no unique counter exceeds its total"),
        () if !is_part(Counter::MachineClicks, clicks) => {
            Err("machines make no more than there is")
        }
        () => Ok(()),
    }
}

/// Checks the values of a delivery, or of all of its messages in a domain.
pub fn check(total: &Change) -> Result<(), &'static str> {
    use Counter::*;
    let [processed, pending, delivered, hard, soft] =
        [Processed, Pending, Delivered, HardBounces, SoftBounces].map(|c| total.get(c));
    let rules = [
        (
            processed == pending + delivered + hard + soft,
            "processed = pending + delivered + bounces_errors",
        ),
        (!total.has_negative(), NEGATIVE),
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
            [
                (MachineOpensTracked, OpensTracked),
                (MachineUniqueOpensTracked, UniqueOpensTracked),
                (MachineUniqueOpens, UniqueOpens),
                (MachineClicks, Clicks),
                (MachineUniqueClicks, UniqueClicks),
                (MachineUnsubscribes, Unsubscribes),
            ]
            .iter()
            .all(|(machines, all)| total.get(*machines) <= total.get(*all)),
            "machines make no more than there is",
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

#[cfg(test)]
mod tests {
    use super::Counter::*;
    use super::*;
    use crate::history::{Sink, Status};
    use crate::model::Instant;

    fn of(counters: &[(Counter, i64)]) -> Result<(), &'static str> {
        let mut total = Change::default();
        for (counter, value) in counters {
            total.add(*counter, *value);
        }
        check(&total)
    }

    #[test]
    fn every_sum_that_cannot_be_is_noticed() {
        let possible = [
            (Processed, 4),
            (Pending, 1),
            (Delivered, 1),
            (HardBounces, 1),
            (SoftBounces, 1),
            (FailedByDeadline, 1),
            (Retrying, 4),
            (OpensTracked, 2),
            (UniqueOpensTracked, 2),
            (UniqueOpens, 2),
            (Clicks, 2),
            (UniqueClicks, 2),
            (Unsubscribes, 1),
            (UniqueUnsubscribes, 1),
        ];
        assert_eq!(of(&[]), Ok(()));
        assert_eq!(of(&possible), Ok(()));
        let sum = "processed = pending + delivered + bounces_errors";
        for counter in [Processed, Pending, Delivered, HardBounces, SoftBounces] {
            assert_eq!(of(&[(counter, 1)]), Err(sum), "{counter:?}");
        }
        let negative = "no counter is negative";
        assert_eq!(of(&[(Complaints, -1)]), Err(negative));
        assert_eq!(of(&[(Pending, 1), (Delivered, -1)]), Err(negative));
        let uniques = "no unique counter exceeds its total";
        for unique in [UniqueOpensTracked, UniqueClicks, UniqueUnsubscribes] {
            let counters = [(unique, 1), (UniqueOpens, 1)];
            assert_eq!(of(&counters), Err(uniques), "{unique:?}");
        }
        let implied = "who opens or clicks has a unique open";
        for (unique, all) in [(UniqueOpensTracked, OpensTracked), (UniqueClicks, Clicks)] {
            assert_eq!(of(&[(unique, 1), (all, 1)]), Err(implied), "{unique:?}");
        }
        let made = "machines make no more than there is";
        for counter in [
            MachineOpensTracked,
            MachineUniqueClicks,
            MachineUnsubscribes,
        ] {
            assert_eq!(of(&[(counter, 1)]), Err(made), "{counter:?}");
        }
        let parts = "failed_by_deadline and retrying are parts of their wholes";
        for part in [FailedByDeadline, Retrying] {
            assert_eq!(of(&[(part, 1)]), Err(parts), "{part:?}");
        }
    }

    #[test]
    fn the_first_hour_that_cannot_be_is_told() {
        let at = Instant::FIRST;
        let mut partial = Partial::new(0);
        let mut teller = partial.teller(DeliveryIndex(0));
        teller.moves(at, None, Status::Sent);
        teller.moves(
            at.plus(crate::model::HOUR),
            Some(Status::Pending),
            Status::Sent,
        );
        let violation = finish(&partial, &[DeliveryId::Number(7)]).expect_err("pending is -1");
        assert_eq!(violation.delivery, DeliveryId::Number(7));
        assert_eq!(violation.hour, at.plus(crate::model::HOUR).hour());
        assert_eq!(violation.rule, "no counter is negative");
    }
}
