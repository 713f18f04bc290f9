//! The rows of a random history.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::super::world::{SendingRow, TrackingRow};
use super::{Form, HOUR, Style, chance, pick};

const EVENTS: [&str; 16] = [
    "relayed",
    "relayed",
    "relayed",
    "delivered",
    "delivered",
    "delivered",
    "soft_bounce",
    "soft_bounce",
    "soft_bounce",
    "soft_bounce",
    "hard_bounce",
    "hard_bounce",
    "expired",
    "expired",
    "complaint",
    "ignored",
];
const REASONS: [Option<&str>; 8] = [
    None,
    None,
    None,
    Some("1"),
    Some("5"),
    Some("20"),
    Some("77"),
    Some("5"),
];
/// Two texts that are neither labels nor digits among them.
const TEXT_REASONS: [Option<&str>; 9] = [
    None,
    Some("mailbox full"),
    Some("5"),
    Some("greylisted"),
    Some("greylisted"),
    Some("Try later"),
    Some("Try later"),
    Some("Refused"),
    Some(" "),
];
/// One of them needs more than 32 bits.
const URLS: [Option<i64>; 7] = [
    None,
    None,
    Some(1),
    Some(1),
    Some(2),
    Some(2),
    Some(5_000_000_000),
];
const TYPES: [&str; 10] = ["1", "1", "2", "2", "2", "3", "6", "10", "11", "5"];
const TEXT_TYPES: [&str; 10] = [
    "click",
    "open",
    "open",
    "2",
    "opt_out",
    "mirror_page",
    "offer_click",
    "offer_click_2",
    "99",
    "forwarded",
];
const DOMAINS: [Option<&str>; 7] = [
    None,
    None,
    Some("a.example"),
    Some("b.example"),
    Some(" B.Example. "),
    Some("someone@c.example"),
    Some("c"),
];

/// The two logs of a history, as they grow.
pub struct Log<'a> {
    style: &'a Style,
    next_log_id: i64,
    pub sending: Vec<SendingRow>,
    pub tracking: Vec<TrackingRow>,
}

impl<'a> Log<'a> {
    pub fn new(style: &'a Style) -> Self {
        Self {
            style,
            next_log_id: 1,
            sending: Vec::new(),
            tracking: Vec::new(),
        }
    }

    /// The reports of a message.
    pub fn reports(&mut self, rng: &mut Rng, delivery: i64, message: i64, pool: &[i64]) {
        if chance(rng, 70) {
            let row = self.report(rng, delivery, message, "relayed", pool[0]);
            self.sending.push(row);
        }
        for _ in 0..rng.usize(0..=10) {
            let event = pick(rng, &EVENTS);
            let at = pick(rng, pool);
            let row = self.report(rng, delivery, message, event, at);
            self.add_report(rng, row, pool);
        }
    }

    /// The tracking rows of a message.
    pub fn tracking(&mut self, rng: &mut Rng, delivery: i64, message: i64, pool: &[i64]) {
        if chance(rng, 40) {
            return;
        }
        for _ in 0..rng.usize(1..=6) {
            let row = self.tracking_row(rng, delivery, message, pool);
            self.add_tracking(rng, row, pool);
        }
    }

    /// Rows of a message that has no reports: complaints, ignored ones, orphans.
    pub fn strangers(&mut self, rng: &mut Rng, delivery: i64, message: i64, pool: &[i64]) {
        for _ in 0..rng.usize(0..3) {
            let event = pick(rng, &["complaint", "complaint", "ignored"]);
            let at = pick(rng, pool);
            let mut row = self.report(rng, delivery, message, event, at);
            row.event = Some(event.to_owned());
            self.sending.push(row);
        }
        self.tracking(rng, delivery, message, pool);
    }

    /// Rejected rows; and makes sure that which of equal corrections wins is not open.
    pub fn finish(&mut self, rng: &mut Rng) {
        if self.style.rejects {
            let rows: Vec<_> = self
                .sending
                .iter()
                .filter(|_| chance(rng, 20))
                .cloned()
                .collect();
            for row in rows {
                let broken = break_report(rng, row);
                self.sending.push(broken);
            }
            let rows: Vec<_> = self
                .tracking
                .iter()
                .filter(|_| chance(rng, 20))
                .cloned()
                .collect();
            for row in rows {
                let broken = break_tracking(rng, row);
                self.tracking.push(broken);
            }
        }
        settle_reports(&mut self.sending);
        settle_tracking(&mut self.tracking);
    }

    fn log_id(&mut self, rng: &mut Rng) -> Option<i64> {
        chance(rng, self.style.log_ids).then(|| {
            self.next_log_id += 1;
            self.next_log_id
        })
    }

    fn label(&self, rng: &mut Rng, label: &str) -> Option<String> {
        Some(if self.style.odd_labels {
            pick(
                rng,
                &[
                    label.to_owned(),
                    label.to_uppercase(),
                    format!(" {label}"),
                    format!("{label} "),
                ],
            )
        } else {
            label.to_owned()
        })
    }

    fn report(
        &mut self,
        rng: &mut Rng,
        delivery: i64,
        message: i64,
        event: &str,
        at: i64,
    ) -> SendingRow {
        // Most reports of a message agree.
        let domain = match chance(rng, 25) {
            true => pick(rng, &DOMAINS),
            false => DOMAINS[(message as usize + 2) % DOMAINS.len()],
        };
        let mut row = SendingRow {
            delivery_id: Some(delivery),
            message_id: Some(message),
            event_at: Some(at),
            recipient_id: chance(rng, 50).then_some(100 + message),
            recipient_domain: domain.map(str::to_owned),
            log_id: self.log_id(rng),
            is_test: pick(
                rng,
                &[
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    Some(false),
                    Some(false),
                    Some(true),
                ],
            ),
            ..SendingRow::default()
        };
        let reasons: &[Option<&str>] = if self.style.text_types {
            &TEXT_REASONS
        } else {
            &REASONS
        };
        if event.contains("bounce") {
            row.failure_reason = pick(rng, reasons).map(str::to_owned);
        } else if event == "expired" {
            // Of a generator of its own: one more draw would make another history of every seed.
            let mut own = Rng::with_seed(at as u64 ^ self.sending.len() as u64);
            row.failure_reason = pick(&mut own, reasons).map(str::to_owned);
        }
        let as_status = match self.style.form {
            Form::Events => false,
            Form::Statuses => true,
            Form::Mixed => rng.bool(),
        };
        if !as_status {
            row.event = self.label(rng, event);
            // Where a row has an event too, that one counts.
            if self.style.form == Form::Mixed && chance(rng, 20) {
                row.status = Some("Sent".to_owned());
            }
            return row;
        }
        let codes = ["Pending", "Sent", "Sent", "Failed", "Failed", "1", "2"];
        let status = if event == "relayed" && chance(rng, 60) {
            "Pending"
        } else {
            pick(rng, &codes)
        };
        row.status = self.label(rng, status);
        let failure = [
            None,
            Some("Soft"),
            Some("Hard"),
            Some("Ignored"),
            Some("1"),
            Some("2"),
            Some("3"),
        ];
        if status == "Failed" || status == "2" || chance(rng, 10) {
            row.failure_type = pick(rng, &failure).and_then(|failure| self.label(rng, failure));
        }
        row
    }

    /// Adds a report and, at times, copies and corrections of it.
    fn add_report(&mut self, rng: &mut Rng, row: SendingRow, pool: &[i64]) {
        self.sending.push(row.clone());
        if chance(rng, 15) {
            self.sending.push(row.clone());
        }
        if chance(rng, 8) {
            let mut again = row.clone();
            again.log_id = self.log_id(rng);
            self.sending.push(again);
        }
        if row.log_id.is_none() || !chance(rng, 40) {
            return;
        }
        for _ in 0..pick(rng, &[1, 1, 1, 2, 3]) {
            let mut other = row.clone();
            other.revision = pick(rng, &[None, Some(0), Some(1), Some(1), Some(2)]);
            match rng.u8(..8) {
                0 => other.deleted = Some(true),
                1 => {
                    let bare = SendingRow {
                        delivery_id: row.delivery_id,
                        message_id: row.message_id,
                        ..SendingRow::default()
                    };
                    other = SendingRow {
                        log_id: row.log_id,
                        revision: other.revision,
                        deleted: Some(true),
                        ..bare
                    };
                }
                2 => other.event_at = Some(pick(rng, pool)),
                3 => {
                    let event = pick(rng, &EVENTS);
                    let changed = self.report(rng, 0, 0, event, 0);
                    (other.event, other.status, other.failure_type) =
                        (changed.event, changed.status, changed.failure_type);
                }
                4 => other.is_test = Some(!row.is_test.unwrap_or(false)),
                5 => other.failure_reason = pick(rng, &REASONS).map(str::to_owned),
                6 => {
                    other.revision = row.revision;
                    other.recipient_id = Some(999);
                    other.recipient_domain = pick(rng, &DOMAINS).map(str::to_owned);
                }
                // The same log id in another message is another row.
                _ => other.message_id = row.message_id.map(|message| message % 3 + 1),
            }
            self.sending.push(other);
        }
    }

    fn tracking_row(
        &mut self,
        rng: &mut Rng,
        delivery: i64,
        message: i64,
        pool: &[i64],
    ) -> TrackingRow {
        let kind = if self.style.text_types {
            pick(rng, &TEXT_TYPES)
        } else {
            pick(rng, &TYPES)
        };
        TrackingRow {
            delivery_id: Some(delivery),
            message_id: Some(message),
            recipient_id: chance(rng, 50).then_some(100 + message),
            tracking_type: if self.style.text_types {
                self.label(rng, kind)
            } else {
                Some(kind.to_owned())
            },
            event_at: Some(pick(rng, pool) + pick(rng, &[0, 0, HOUR])),
            url_id: pick(rng, &URLS),
            log_id: self.log_id(rng),
            is_test: pick(
                rng,
                &[
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    Some(false),
                    Some(false),
                    Some(true),
                ],
            ),
            machine: pick(rng, &[None, None, Some(false), Some(true)]),
            ..TrackingRow::default()
        }
    }

    /// Adds a tracking row and, at times, copies and corrections of it.
    fn add_tracking(&mut self, rng: &mut Rng, row: TrackingRow, pool: &[i64]) {
        self.tracking.push(row.clone());
        if chance(rng, 20) {
            self.tracking.push(row.clone());
        }
        if chance(rng, 8) {
            let mut again = row.clone();
            again.log_id = self.log_id(rng);
            self.tracking.push(again);
        }
        if row.log_id.is_none() || !chance(rng, 40) {
            return;
        }
        for _ in 0..pick(rng, &[1, 1, 2]) {
            let mut other = row.clone();
            other.revision = pick(rng, &[None, Some(0), Some(1), Some(1), Some(2)]);
            match rng.u8(..8) {
                0 => other.deleted = Some(true),
                1 => {
                    let bare = TrackingRow {
                        delivery_id: row.delivery_id,
                        message_id: row.message_id,
                        ..TrackingRow::default()
                    };
                    other = TrackingRow {
                        log_id: row.log_id,
                        revision: other.revision,
                        deleted: Some(true),
                        ..bare
                    };
                }
                2 => other.event_at = Some(pick(rng, pool)),
                3 => other.tracking_type = Some(pick(rng, &TYPES).to_owned()),
                4 => other.is_test = Some(!row.is_test.unwrap_or(false)),
                5 => other.url_id = Some(3),
                6 => (other.revision, other.machine) = (row.revision, Some(true)),
                _ => other.message_id = row.message_id.map(|message| message % 3 + 1),
            }
            self.tracking.push(other);
        }
    }
}

/// Makes a rejected row, or a deleted one that is unreadable apart from its keys and log id.
fn break_report(rng: &mut Rng, mut row: SendingRow) -> SendingRow {
    let deleted = row.deleted == Some(true);
    match rng.u8(..9) {
        0 => row.delivery_id = None,
        1 => row.message_id = None,
        2 => (row.event, row.status) = (None, None),
        3 => row.event = Some("bounced".to_owned()),
        4 => (row.event, row.status) = (None, Some("cancelled".to_owned())),
        5 => {
            (row.event, row.status) = (None, Some("Failed".to_owned()));
            row.failure_type = Some("unknown".to_owned());
        }
        6 => row.event_at = None,
        7 => (row.deleted, row.log_id) = (Some(true), None),
        _ => row.event_at = Some(pick(rng, &OUT_OF_RANGE)),
    }
    if !deleted && row.log_id.is_some() && chance(rng, 15) {
        row.deleted = Some(true);
    }
    row
}

/// Microseconds before 1990 and after 2099, and just outside.
const OUT_OF_RANGE: [i64; 4] = [
    0,
    631_151_999_999_999,
    4_102_444_800_000_000,
    5_000_000_000_000_000,
];

fn break_tracking(rng: &mut Rng, mut row: TrackingRow) -> TrackingRow {
    match rng.u8(..6) {
        0 => row.delivery_id = None,
        1 => row.message_id = None,
        2 => row.tracking_type = None,
        3 => row.event_at = None,
        4 => (row.deleted, row.log_id) = (Some(true), None),
        _ => row.event_at = Some(pick(rng, &OUT_OF_RANGE)),
    }
    row
}

/// Which of more than two rows wins that differ in nothing but columns outside the order of section 6
/// is open, and with it how many of the others are its copies: such rows get the same values here.
fn settle_reports(rows: &mut [SendingRow]) {
    let mut keys: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (number, row) in rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.log_id.is_some())
    {
        keys.entry((row.delivery_id, row.message_id, row.log_id))
            .or_default()
            .push(number);
    }
    for numbers in keys.into_values().filter(|numbers| numbers.len() > 2) {
        let first = rows[numbers[0]].clone();
        for number in numbers {
            rows[number].recipient_id = first.recipient_id;
            rows[number]
                .recipient_domain
                .clone_from(&first.recipient_domain);
        }
    }
}

fn settle_tracking(rows: &mut [TrackingRow]) {
    let mut keys: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (number, row) in rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.log_id.is_some())
    {
        keys.entry((row.delivery_id, row.message_id, row.log_id))
            .or_default()
            .push(number);
    }
    for numbers in keys.into_values().filter(|numbers| numbers.len() > 2) {
        let first = rows[numbers[0]].clone();
        for number in numbers {
            rows[number].recipient_id = first.recipient_id;
            rows[number].machine = first.machine;
        }
    }
}
