//! Who a row is of: a person over all messages and deliveries, as far as recipients are named.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Fate, Report};

/// A recipient; where none is known, a message stands for a person of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    Recipient(i64),
    /// Delivery and message.
    Message(i64, i64),
}

/// By message, all recipients that its reports name.
pub struct People(BTreeMap<(i64, i64), BTreeSet<i64>>);

impl People {
    /// Of the counted reports of any event; those of tests say nothing.
    pub fn of(reports: &[Option<Report>], fates: &[Fate]) -> People {
        let mut named: BTreeMap<(i64, i64), BTreeSet<i64>> = BTreeMap::new();
        for (report, fate) in reports.iter().zip(fates) {
            if let (Some(report), Fate::Counted) = (report, fate)
                && !report.is_test
            {
                let of_message = named.entry((report.delivery, report.message));
                of_message.or_default().extend(report.recipients(reports));
            }
        }
        People(named)
    }

    /// The person of a row of a message which names these recipients itself.
    pub fn person(&self, message: (i64, i64), own: &BTreeSet<i64>) -> Person {
        let of_message = self.0.get(&message).and_then(only);
        match only(own).or(of_message) {
            Some(recipient) => Person::Recipient(recipient),
            None => Person::Message(message.0, message.1),
        }
    }
}

/// What all agree on; nothing where they contradict each other.
fn only(recipients: &BTreeSet<i64>) -> Option<i64> {
    match recipients.len() {
        1 => recipients.first().copied(),
        _ => None,
    }
}
