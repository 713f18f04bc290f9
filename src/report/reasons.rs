//! Why messages of the deliveries on a page have failed.

use super::ReportError;
use super::hours::{integers, wrong};
use crate::export::{ExportError, delivery_ids};
use crate::model::{Breakdown, DeliveryId, failure_reason_name};
use crate::publish::Published;
use crate::tables::{NO_REASON, UNMAPPED_REASON};
use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Failed messages at as-of, by delivery and reason.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Reasons {
    /// What the reasons are called, the most frequent first.
    names: Vec<String>,
    delivery: Vec<u32>,
    /// The places of their names.
    reason: Vec<u32>,
    hard_bounces: Vec<i64>,
    soft_bounces: Vec<i64>,
}

/// So many reasons have a name of their own: a log may hold a code of its own for every message.
const MOST: usize = 100;
/// What the others are called.
const OTHERS: &str = "all others";

/// What a failed message has as its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Reason {
    Code(i64),
    NotGiven,
    Unmapped,
}

/// Hard and soft bounces.
type Counts = [i64; 2];

/// Those of each delivery, by its place.
type Sums = HashMap<(u32, Reason), Counts>;

impl Reasons {
    /// Adds up the hours of some deliveries, which have these places; none where the run has left no such table.
    pub fn read(
        published: &Published<'_>,
        places: &HashMap<DeliveryId, u32>,
    ) -> Result<Option<Reasons>, ReportError> {
        const COLUMNS: [&str; 5] = [
            "delivery_id",
            "failure_reason",
            "failure_reason_label",
            "hard_bounces_delta",
            "soft_bounces_delta",
        ];
        let table = Breakdown::Reason.table();
        if !published.has(table) {
            return Ok(None);
        }
        let mut sums = Sums::new();
        for files in published.files(table)?.values() {
            for batch in published.columns(table, files, &COLUMNS)? {
                add(&batch, places, &mut sums)?;
            }
        }
        Ok(Some(Reasons::of(sums)))
    }

    fn of(sums: Sums) -> Reasons {
        let mut totals: BTreeMap<Reason, i64> = BTreeMap::new();
        for ((_, reason), counts) in &sums {
            *totals.entry(*reason).or_default() += counts.iter().sum::<i64>();
        }
        let mut order: Vec<(Reason, i64)> = totals.into_iter().collect();
        order.sort_by_key(|(_, total)| Reverse(*total));
        let mut names: Vec<String> = Vec::new();
        let mut place_of: HashMap<Reason, u32> = HashMap::new();
        for (place, (reason, _)) in order.into_iter().enumerate() {
            place_of.insert(reason, place.min(MOST) as u32);
            if place <= MOST {
                names.push(match place {
                    MOST => OTHERS.to_owned(),
                    _ => reason.name(),
                });
            }
        }
        let mut rows: BTreeMap<(u32, u32), Counts> = BTreeMap::new();
        for ((delivery, reason), counts) in sums {
            let row = rows.entry((delivery, place_of[&reason])).or_default();
            for (sum, count) in row.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        let mut reasons = Reasons {
            names,
            ..Reasons::default()
        };
        for ((delivery, reason), [hard, soft]) in rows {
            // A message that fails for another reason leaves the one before with nothing.
            if (hard, soft) != (0, 0) {
                reasons.delivery.push(delivery);
                reasons.reason.push(reason);
                reasons.hard_bounces.push(hard);
                reasons.soft_bounces.push(soft);
            }
        }
        reasons
    }
}

impl Reason {
    /// By the columns of the table. No text from there is shown, whoever wrote it.
    fn of(code: Option<i64>, label: Option<&str>) -> Reason {
        match (code, label) {
            (Some(code), _) => Reason::Code(code),
            (None, Some(NO_REASON)) => Reason::NotGiven,
            (None, _) => Reason::Unmapped,
        }
    }

    fn name(self) -> String {
        match self {
            Reason::Code(code) => match failure_reason_name(code) {
                Some(name) => name.to_owned(),
                None => format!("code {code}"),
            },
            Reason::NotGiven => NO_REASON.to_owned(),
            Reason::Unmapped => UNMAPPED_REASON.to_owned(),
        }
    }
}

fn add(
    batch: &RecordBatch,
    places: &HashMap<DeliveryId, u32>,
    sums: &mut Sums,
) -> Result<(), ReportError> {
    let codes = integers(batch, "failure_reason")?;
    let labels = texts(batch, "failure_reason_label")?;
    let hard = integers(batch, "hard_bounces_delta")?;
    let soft = integers(batch, "soft_bounces_delta")?;
    for (row, id) in delivery_ids(batch)?.iter().enumerate() {
        let Some(place) = places.get(id) else {
            continue;
        };
        let counts = [hard.value(row), soft.value(row)];
        // Hours with nothing but reports of soft bounces.
        if counts == [0, 0] {
            continue;
        }
        let code = codes.is_valid(row).then(|| codes.value(row));
        let label = labels.is_valid(row).then(|| labels.value(row));
        let sum = sums.entry((*place, Reason::of(code, label))).or_default();
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    Ok(())
}

fn texts<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a StringArray, ExportError> {
    let column = batch.column_by_name(name);
    let texts = column.and_then(|column| column.as_string_opt::<i32>());
    texts.ok_or_else(|| wrong(name, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_but_our_own_is_shown() {
        for (code, label, name) in [
            (Some(5), Some("mailbox full"), "mailbox full"),
            (Some(5), Some("of jane@example.com"), "mailbox full"),
            (Some(17), None, "code 17"),
            (Some(i64::MIN), None, "code -9223372036854775808"),
            (None, Some("none given"), "none given"),
            (None, Some("unmapped"), "unmapped"),
            (None, Some("of jane@example.com"), "unmapped"),
            (None, None, "unmapped"),
        ] {
            assert_eq!(Reason::of(code, label).name(), name, "{code:?} {label:?}");
        }
    }

    #[test]
    fn the_most_frequent_come_first_and_those_without_a_failure_not_at_all() {
        let sums = Sums::from([
            ((1, Reason::NotGiven), [0, 3]),
            ((0, Reason::Code(1)), [2, 0]),
            ((0, Reason::NotGiven), [1, 0]),
            ((1, Reason::Code(5)), [0, 0]),
        ]);
        let reasons = Reasons::of(sums);
        assert_eq!(
            reasons.names,
            ["none given", "user unknown", "mailbox full"]
        );
        assert_eq!(
            (reasons.delivery, reasons.reason),
            (vec![0, 0, 1], vec![0, 1, 0])
        );
        assert_eq!(
            (reasons.hard_bounces, reasons.soft_bounces),
            (vec![1, 2, 0], vec![0, 0, 3])
        );
    }

    #[test]
    fn codes_without_end_become_one() {
        let codes = 1000..1000 + MOST as i64 + 5;
        let mut sums: Sums = codes
            .map(|code| ((7, Reason::Code(code)), [1, 1]))
            .collect();
        sums.insert((7, Reason::Unmapped), [9, 0]);
        let reasons = Reasons::of(sums);
        assert_eq!(reasons.names.len(), MOST + 1);
        assert_eq!(reasons.names[0], "unmapped");
        assert_eq!(reasons.names[MOST], OTHERS);
        assert_eq!(reasons.reason.last(), Some(&(MOST as u32)));
        assert_eq!(reasons.soft_bounces.last(), Some(&6));
        assert_eq!(
            reasons.hard_bounces.iter().sum::<i64>(),
            9 + MOST as i64 + 5
        );
    }
}
