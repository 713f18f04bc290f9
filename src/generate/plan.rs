//! The deliveries: how many messages each has, when it starts, what is known about it.

use super::Settings;
use super::random::{Random, key, mix};
use crate::model::{Attributes, DeadlineMode, DeliveryId, HOUR, Instant, Policy};

/// 2026-01-01T00:00:00Z, before which nothing happens.
pub(super) const START: i64 = 1_767_225_600_000_000;
/// How long the logs go on after the last day on which deliveries start.
const DAYS_AFTER: u32 = 10;
const DAY: i64 = 24 * HOUR;
const FIRST_DELIVERY: i64 = 1_000_000;
const FIRST_MESSAGE: i64 = 50_000_000_000;
/// Numbers beyond the messages, for rows of messages that the sending log does not know, and a proof.
pub(super) const STRANGERS: u32 = 3;
/// Among so many deliveries each special one occurs once.
const BLOCK: u32 = 40;

/// Hours from the start to the end of the validity; those over 84 do not count.
const VALIDITY: [i64; 5] = [24, 48, 72, 84, 120];

const LABELS: [&str; 6] = [
    "Newsletter",
    "Order confirmations",
    "Weekend offer",
    "Weekly tips",
    "Survey",
    "Invitation",
];

/// What is special about a delivery in a set that is not clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Nothing,
    /// Text messages, for which no deadline is known.
    Sms,
    /// Not in the deliveries extract.
    Unlisted,
    /// Its tracking rows have no `log_id`.
    WithoutLogId,
    /// Edited twice; only the newest row of the deliveries extract tells the truth.
    Edited,
    /// A run of the recurring delivery that the block begins with, to the same people.
    Child,
    /// Channel and number of messages are null.
    Sparse,
    /// Exported as statuses, in the log of events.
    Statuses,
    /// Another wave is still to come.
    Unfinished,
}

impl Special {
    fn of(number: u32) -> Special {
        match number % BLOCK {
            1 => Special::Sms,
            2 => Special::Unlisted,
            3 => Special::WithoutLogId,
            4 => Special::Edited,
            5 | 6 => Special::Child,
            7 => Special::Sparse,
            8 => Special::Statuses,
            9 => Special::Unfinished,
            _ => Special::Nothing,
        }
    }
}

/// One send of one template to a target.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub id: i64,
    pub messages: u32,
    pub started_at: i64,
    /// How long the relay takes.
    pub spread: i64,
    /// Of the streams of its messages.
    pub key: u64,
    pub special: Special,
    pub attributes: Attributes,
    /// What the deliveries extract does not say, nobody knows.
    pub policy: Policy,
    /// The number of its first message among those of all deliveries.
    first: i64,
    /// Of the people that it goes to.
    people: u64,
}

impl Delivery {
    /// The identifier of a message.
    pub fn message_id(&self, number: u32) -> i64 {
        FIRST_MESSAGE + 3 * (self.first + i64::from(number))
    }

    /// The recipient of a message, among so many.
    pub fn recipient_id(&self, number: u32, population: u64) -> i64 {
        (mix(self.people ^ u64::from(number)) % population).cast_signed()
    }

    /// The earliest instant at which a message is relayed. It never falls from one number to the next, so
    /// the messages that are relayed in some time are a range of numbers.
    pub fn relayed_from(&self, number: u32) -> i64 {
        let share = i128::from(self.spread) * i128::from(number) / i128::from(self.messages.max(1));
        self.started_at + i64::try_from(share).unwrap_or(self.spread)
    }

    /// How many messages may be relayed before an instant.
    pub fn relayed_before(&self, at: i64) -> u32 {
        if at <= self.started_at {
            return 0;
        }
        let passed = (at - self.started_at).min(self.spread);
        let share = i128::from(passed) * i128::from(self.messages);
        // Rounded up, and one more: a message too many does no harm.
        let number = share / i128::from(self.spread.max(1)) + 2;
        u32::try_from(number).map_or(self.messages, |number| number.min(self.messages))
    }

    /// Whether the sending log holds statuses of it, in a set whose logs hold events.
    pub fn is_exported_as_statuses(&self) -> bool {
        self.special == Special::Statuses
    }
}

/// The deliveries of a set, and the time that its logs are about.
#[derive(Debug)]
pub(super) struct Plan {
    pub deliveries: Vec<Delivery>,
    /// The first instant after the logs.
    pub end: i64,
    /// How many people there are.
    pub population: u64,
}

impl Plan {
    pub fn new(settings: &Settings) -> Plan {
        let streams: Vec<Random> = (0..settings.deliveries)
            .map(|number| Random::new(key(settings.seed, u64::from(number))))
            .collect();
        let weights: Vec<u64> = streams
            .iter()
            .map(|random| random.clone().weight())
            .collect();
        let all: u128 = weights.iter().copied().map(u128::from).sum();
        // Each has one message; the rest is divided by weight, without a remainder.
        let rest = u128::from(settings.messages.saturating_sub(settings.deliveries));
        let share = |weight: u128| i64::try_from(weight * rest / all.max(1)).unwrap_or(0);
        let mut deliveries: Vec<Delivery> = Vec::with_capacity(streams.len());
        let (mut before, mut first) = (0, 0);
        for ((number, random), weight) in (0..).zip(streams).zip(weights) {
            let after = before + u128::from(weight);
            let messages = u32::try_from(1 + share(after) - share(before)).unwrap_or(1);
            before = after;
            let mut delivery = make(settings, number, messages, random);
            delivery.first = first;
            first += i64::from(messages + STRANGERS);
            if delivery.special == Special::Child {
                let parent = (number - number % BLOCK) as usize;
                if let Some(parent) = deliveries.get(parent) {
                    delivery.people = parent.people;
                    delivery.attributes.parent_delivery_id = Some(DeliveryId::Number(parent.id));
                }
            }
            deliveries.push(delivery);
        }
        Plan {
            deliveries,
            end: START + i64::from(settings.days + DAYS_AFTER) * DAY,
            population: u64::from(settings.messages / 3).max(1000),
        }
    }
}

fn make(settings: &Settings, number: u32, messages: u32, mut random: Random) -> Delivery {
    let special = match settings.is_dirty() {
        true => Special::of(number),
        false => Special::Nothing,
    };
    // The first number of the stream was its weight.
    let key = random.next();
    let seconds = random.below(i64::from(settings.days) * DAY / 1_000_000);
    let started_at = START + seconds * 1_000_000;
    // A small delivery takes some minutes too, and none more than six hours.
    let spread = (10 + random.below(140)) * HOUR / 60 + i64::from(messages) * 20_000;
    let validity = VALIDITY[number as usize / 2 % VALIDITY.len()] * HOUR;
    let label = LABELS[number as usize % LABELS.len()];
    let attributes = Attributes {
        label: Some(format!("{label} {}", number + 1)),
        channel: match special {
            Special::Sms => Some("sms".to_owned()),
            Special::Sparse => None,
            _ => Some("email".to_owned()),
        },
        parent_delivery_id: None,
        started_at: Some(Instant::from_micros(started_at)),
        validity_end: Some(Instant::from_micros(started_at + validity)),
        modified_at: Some(Instant::from_micros(started_at - HOUR)),
        to_deliver: match special {
            Special::Sparse => None,
            Special::Unfinished => Some(i64::from(messages) * 3 / 2 + 1),
            _ => Some(i64::from(messages)),
        },
        efs: Some(number.is_multiple_of(2)),
    };
    let known = match special {
        Special::Unlisted => Attributes::default(),
        _ => attributes.clone(),
    };
    Delivery {
        id: FIRST_DELIVERY + i64::from(number),
        messages,
        started_at,
        spread: spread.min(6 * HOUR),
        key,
        special,
        attributes,
        policy: Policy::new(&known, DeadlineMode::Infer),
        first: 0,
        people: mix(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(messages: u32, deliveries: u32) -> Settings {
        Settings {
            messages,
            deliveries,
            dirty: 1000,
            ..Settings::default()
        }
    }

    #[test]
    fn all_messages_are_divided_among_the_deliveries() {
        for (messages, deliveries) in [(1, 1), (50, 50), (1001, 7), (3_000_000_000, 100)] {
            let plan = Plan::new(&settings(messages, deliveries));
            let sizes = plan.deliveries.iter().map(|d| u64::from(d.messages));
            assert_eq!(sizes.clone().sum::<u64>(), u64::from(messages));
            assert!(sizes.min() >= Some(1));
        }
        let plan = Plan::new(&settings(1_000_000, 100));
        let largest = plan.deliveries.iter().map(|d| d.messages).max();
        assert!(largest > Some(40_000), "a long tail: {largest:?}");
    }

    #[test]
    fn a_range_of_numbers_is_relayed_before_an_instant() {
        let plan = Plan::new(&settings(100_000, 30));
        for delivery in &plan.deliveries {
            for part in 0..=8 {
                let at = delivery.started_at + delivery.spread * part / 8;
                let count = delivery.relayed_before(at);
                assert!(count == delivery.messages || delivery.relayed_from(count) >= at);
            }
            assert_eq!(delivery.relayed_before(delivery.started_at), 0);
            assert_eq!(delivery.relayed_before(plan.end), delivery.messages);
        }
    }

    #[test]
    fn children_go_to_the_same_people() {
        let plan = Plan::new(&settings(1000, 10));
        let (one, other) = (&plan.deliveries[5], &plan.deliveries[6]);
        let parent = Some(DeliveryId::Number(plan.deliveries[0].id));
        assert_eq!(one.attributes.parent_delivery_id, parent);
        assert_eq!(one.recipient_id(3, 1000), other.recipient_id(3, 1000));
        assert_ne!(one.message_id(0), other.message_id(0));
    }
}
