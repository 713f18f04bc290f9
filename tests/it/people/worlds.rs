//! Histories of few people: each gets messages of many deliveries, which are children of few parents.

#[cfg(test)]
mod tests;

use fastrand::Rng;

use super::super::oracle::{HOUR, Mode, Quarantine};
use super::super::random::{MINUTE, START, chance, pick};
use super::super::world::{BLANK, DeliveryRow, SendingRow, TrackingRow, World};

const DAY: i64 = 24 * HOUR;
/// One digit each: their order is the same as integers and as texts.
const DELIVERIES: i64 = 6;
/// Parents that are no delivery; the first has messages of its own at times.
const STRANGERS: [i64; 2] = [7, 8];
const TYPES: [&str; 10] = ["1", "1", "1", "2", "2", "2", "3", "6", "10", "5"];

/// What a program is asked.
#[derive(Clone, Debug)]
pub struct History {
    pub world: World,
    pub as_of: i64,
    pub mode: Mode,
    pub quarantine: Quarantine,
    /// When something happens in it.
    pub instants: Vec<i64>,
}

/// What a whole history has in common; shares are in percent.
struct Style {
    /// Rows that name their recipient, by log.
    sending: u32,
    tracking: u32,
    /// Rows that name another one, or nobody.
    contradictions: u32,
    log_ids: u32,
    statuses: u32,
    /// The first recipient, and how many there are.
    first: i64,
    recipients: i64,
    quarantine: Quarantine,
}

/// A message and the recipient that it goes to.
#[derive(Clone, Copy)]
struct Message {
    delivery: i64,
    message: i64,
    recipient: i64,
}

/// The history of this seed.
pub fn history(seed: u64) -> History {
    let mut rng = Rng::with_seed(seed ^ 0x70_656f);
    let rng = &mut rng;
    let style = Style {
        sending: pick(rng, &[0, 60, 100, 100]),
        tracking: pick(rng, &[0, 60, 100]),
        contradictions: pick(rng, &[0, 0, 8, 25]),
        log_ids: pick(rng, &[0, 50, 90]),
        statuses: pick(rng, &[0, 0, 30]),
        first: pick(rng, &[101, 101, -1]),
        recipients: rng.i64(1..=4),
        quarantine: rules(rng),
    };
    let deliveries = rng.i64(1..=DELIVERIES);
    let mut log = Log {
        style: &style,
        next_log_id: 1,
        world: World::default(),
        instants: vec![START],
    };
    let mut messages = Vec::new();
    for delivery in (1..=deliveries).chain([STRANGERS[0]]) {
        if delivery > deliveries && chance(rng, 70) {
            continue;
        }
        for message in 1..=rng.i64(0..=4) {
            let recipient = style.first + rng.i64(0..style.recipients);
            messages.push(Message {
                delivery,
                message,
                recipient,
            });
        }
        if delivery <= deliveries && chance(rng, 85) {
            log.world.deliveries.extend(attributes(rng, delivery));
        }
    }
    for message in &messages {
        log.reports(rng, *message);
        log.openings(rng, *message);
    }
    for recipient in style.first..style.first + style.recipients {
        let own = messages.iter().filter(|m| m.recipient == recipient);
        log.errors(rng, &own.copied().collect::<Vec<_>>());
    }
    let Log {
        mut world,
        instants,
        ..
    } = log;
    rng.shuffle(&mut world.deliveries);
    rng.shuffle(&mut world.sending);
    rng.shuffle(&mut world.tracking);
    History {
        world,
        as_of: match chance(rng, 60) {
            true => START + 200 * DAY,
            false => pick(rng, &instants) + pick(rng, &[-1, 0, 1, HOUR, 30 * DAY]),
        },
        mode: pick(rng, &[Mode::Infer, Mode::Infer, Mode::Reported]),
        quarantine: style.quarantine,
        instants,
    }
}

/// The usual rules, or such as are met sooner.
fn rules(rng: &mut Rng) -> Quarantine {
    if chance(rng, 35) {
        return Quarantine::default();
    }
    Quarantine {
        soft_errors: pick(rng, &[1, 2, 2, 3]),
        hours_apart: pick(rng, &[1, 6, 24]),
        days_to_forget: pick(rng, &[1, 2, 10]),
    }
}

/// One row of attributes, or two of which the later counts. A parent may be a delivery that has one itself, the
/// delivery itself, or none.
pub fn attributes(rng: &mut Rng, delivery: i64) -> Vec<DeliveryRow> {
    let [stranger, other] = STRANGERS;
    let parents = [
        None,
        Some(1),
        Some(1),
        Some(2),
        Some(delivery),
        Some(stranger),
        Some(stranger),
        Some(other),
    ];
    (0..pick(rng, &[1, 1, 1, 2]))
        .map(|modified| DeliveryRow {
            delivery_id: Some(delivery),
            parent_delivery_id: pick(rng, &parents),
            channel: pick(rng, &[None, None, Some("sms")]).map(str::to_owned),
            started_at: Some(START),
            validity_end: chance(rng, 50).then(|| START + rng.i64(1..=80) * HOUR),
            modified_at: Some(START + modified * HOUR),
            to_deliver: pick(rng, &[None, Some(0), Some(3), Some(3), Some(5)]),
            efs: pick(rng, &[None, Some(false), Some(true)]),
            ..DeliveryRow::default()
        })
        .collect()
}

/// The logs as they grow.
struct Log<'a> {
    style: &'a Style,
    next_log_id: i64,
    world: World,
    instants: Vec<i64>,
}

impl Log<'_> {
    /// What becomes of a message, but for its errors.
    fn reports(&mut self, rng: &mut Rng, message: Message) {
        let events = ["relayed", "relayed", "delivered", "complaint", "ignored"];
        for _ in 0..rng.usize(0..=2) {
            let event = pick(rng, &events);
            let at = START + rng.i64(0..8) * 30 * MINUTE;
            self.report(rng, message, event, at);
        }
    }

    /// The opens and clicks of a message, few enough instants for ties.
    fn openings(&mut self, rng: &mut Rng, message: Message) {
        if chance(rng, 30) {
            return;
        }
        for _ in 0..rng.usize(1..=4) {
            let at = START + rng.i64(0..12) * 30 * MINUTE + pick(rng, &[0, 0, 0, -1, DAY]);
            let row = TrackingRow {
                delivery_id: Some(message.delivery),
                message_id: Some(message.message),
                recipient_id: self.named(rng, self.style.tracking, message),
                tracking_type: Some(pick(rng, &TYPES).to_owned()),
                event_at: Some(at),
                url_id: pick(rng, &[None, Some(1), Some(2), Some(3)]),
                log_id: self.log_id(rng),
                is_test: chance(rng, 8).then_some(true),
                machine: pick(rng, &[None, None, Some(false), Some(true)]),
                ..TrackingRow::default()
            };
            self.instants.push(at);
            self.world.tracking.push(row.clone());
            while chance(rng, 20) {
                let other = self.other_opening(rng, &row, message);
                self.world.tracking.push(other);
            }
        }
    }

    /// A copy or a correction of a tracking row, or one that ties with it.
    fn other_opening(&mut self, rng: &mut Rng, row: &TrackingRow, message: Message) -> TrackingRow {
        let mut other = row.clone();
        other.recipient_id = self.named(rng, self.style.tracking, message);
        match rng.u8(..6) {
            0 | 1 => {}
            2 => other.machine = pick(rng, &[None, Some(true)]),
            3 => other.log_id = self.log_id(rng),
            _ if row.log_id.is_none() => {}
            4 => (other.deleted, other.revision) = (Some(true), pick(rng, &[None, Some(1)])),
            _ => {
                other.revision = Some(1);
                other.event_at = row.event_at.map(|at| at + pick(rng, &[0, HOUR, 3 * HOUR]));
            }
        }
        other
    }

    /// The errors of one person, at both sides of each edge of the rules, in any of the messages.
    fn errors(&mut self, rng: &mut Rng, messages: &[Message]) {
        if messages.is_empty() {
            return;
        }
        let rules = &self.style.quarantine;
        let (apart, forget) = (rules.hours_apart * HOUR, rules.days_to_forget * DAY);
        let steps = [
            0,
            1,
            apart / 2,
            apart - 1,
            apart,
            apart,
            apart,
            apart,
            apart + 1,
            apart + 5 * HOUR,
            forget - 1,
            forget,
            forget + 1,
        ];
        let mut at = START + rng.i64(0..4) * 30 * MINUTE;
        let events = ["soft_bounce", "soft_bounce", "soft_bounce", "expired"];
        for _ in 0..rng.i64(0..=rules.soft_errors + 4) {
            let event = match chance(rng, 8) {
                true => "hard_bounce",
                false => pick(rng, &events),
            };
            let message = pick(rng, messages);
            self.report(rng, message, event, at);
            at += pick(rng, &steps);
        }
    }

    fn report(&mut self, rng: &mut Rng, message: Message, event: &str, at: i64) {
        let mut row = SendingRow {
            delivery_id: Some(message.delivery),
            message_id: Some(message.message),
            event: Some(event.to_owned()),
            event_at: Some(at),
            recipient_id: self.named(rng, self.style.sending, message),
            log_id: self.log_id(rng),
            is_test: chance(rng, 8).then_some(true),
            ..SendingRow::default()
        };
        if chance(rng, self.style.statuses) {
            let (status, failure_type) = match event {
                "hard_bounce" => ("Failed", Some("Hard")),
                "soft_bounce" | "expired" => {
                    ("Failed", pick(rng, &[None, Some("Soft"), Some("Ignored")]))
                }
                "delivered" => ("Sent", None),
                _ => ("Pending", None),
            };
            row.event = None;
            row.status = Some(status.to_owned());
            row.failure_type = failure_type.map(str::to_owned);
        }
        self.instants.push(at);
        self.world.sending.push(row.clone());
        while chance(rng, 15) {
            let other = self.other_report(rng, &row, message);
            self.world.sending.push(other);
        }
    }

    /// A copy or a correction of a report, or one that ties with it.
    fn other_report(&mut self, rng: &mut Rng, row: &SendingRow, message: Message) -> SendingRow {
        let mut other = row.clone();
        other.recipient_id = self.named(rng, self.style.sending, message);
        match rng.u8(..7) {
            0 | 1 => {}
            2 => other.log_id = self.log_id(rng),
            _ if row.log_id.is_none() => {}
            3 => (other.deleted, other.revision) = (Some(true), pick(rng, &[None, Some(1)])),
            4 => other.revision = Some(1),
            5 => {
                other.revision = Some(1);
                other.event_at = row.event_at.map(|at| at + pick(rng, &[-1, 1, 5 * HOUR]));
            }
            _ => other.is_test = Some(row.is_test.is_none()),
        }
        other
    }

    fn log_id(&mut self, rng: &mut Rng) -> Option<i64> {
        chance(rng, self.style.log_ids).then(|| {
            self.next_log_id += 1;
            self.next_log_id
        })
    }

    /// The recipient that stands in a row, if one does in this share of the rows.
    fn named(&self, rng: &mut Rng, share: u32, message: Message) -> Option<i64> {
        if share > 0 && chance(rng, self.style.contradictions) {
            let other = self.style.first + rng.i64(0..=self.style.recipients);
            return pick(rng, &[None, Some(BLANK), Some(other), Some(other)]);
        }
        chance(rng, share).then_some(message.recipient)
    }
}
