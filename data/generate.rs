//! Writes the sample extracts of this folder: `cargo run --release --example sample_data [DIR]`.
//!
//! Eleven deliveries, six days, and everything that makes such logs difficult: retries, asynchronous
//! bounces, corrections, overlapping extracts, late rows, proofs, orphans. No row is rejected. The
//! same program writes the same bytes on every machine: integers only, and a seed of its own.

mod hourly_log;

use std::error::Error;
use std::path::PathBuf;

use hourly_log::{
    Columns, END, HOUR, Log, MARCH, Random, Row, STATUS_FORM, WITHOUT_LOG_ID, booleans, instants,
    integers, labels, sending_columns, tracking_columns, write,
};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// The longest time that the MTA keeps a message in its queue.
const QUEUE: i64 = 84 * HOUR;

/// One send of one template to a target.
#[derive(Clone)]
struct Delivery {
    id: i64,
    label: &'static str,
    channel: Option<&'static str>,
    parent: Option<i64>,
    efs: bool,
    /// Hours since `MARCH`.
    start: i64,
    validity_hours: Option<i64>,
    messages: i64,
    to_deliver: Option<i64>,
    modified: Option<i64>,
}

/// The deliveries; the one named `unlisted` is left out of the deliveries extract.
#[rustfmt::skip]
fn deliveries() -> Vec<Delivery> {
    let plain = |id, label, efs, start, validity_hours, messages| Delivery {
        id, label, channel: Some("email"), parent: None, efs, start, validity_hours: Some(validity_hours),
        messages, to_deliver: Some(messages), modified: None,
    };
    vec![
        Delivery { messages: 0, to_deliver: None, ..plain(4100, "Weekly tips", true, 33, 24, 0) },
        plain(4101, "Spring newsletter", true, 33, 48, 500),
        plain(4102, "Order confirmations", false, 34, 72, 500),
        Delivery { channel: Some("sms"), ..plain(4103, "Parcel on its way", false, 56, 24, 150) },
        Delivery { validity_hours: None, ..plain(WITHOUT_LOG_ID, "unlisted", false, 62, 0, 200) },
        Delivery { parent: Some(4100), ..plain(4105, "Weekly tips, week 10", true, 79, 24, 250) },
        Delivery { channel: None, to_deliver: None, ..plain(4106, "Survey of members", false, 57, 120, 250) },
        plain(4107, "Winter sale", true, 102, 60, 300),
        plain(STATUS_FORM, "Invitation to the fair", true, 150, 72, 200),
        Delivery { to_deliver: Some(400), ..plain(4109, "Weekend offer", false, 168, 48, 250) },
        Delivery { parent: Some(4100), ..plain(4110, "Weekly tips, week 10, second wave", false, 103, 72, 150) },
    ]
}

impl Delivery {
    fn started_at(&self) -> i64 {
        MARCH + self.start * HOUR
    }

    /// When the MTA gives up a message; text messages know no such instant.
    fn deadline(&self, entered_at: i64) -> i64 {
        let queue = entered_at + QUEUE;
        match self.validity_hours.map(|hours| hours * HOUR) {
            _ if self.channel == Some("sms") => i64::MAX,
            Some(span) if span <= QUEUE => queue.min(self.started_at() + span),
            _ => queue,
        }
    }
}

/// Both logs while they are made up.
struct Story {
    rng: Random,
    sending: Log,
    tracking: Log,
}

impl Story {
    fn report(&mut self, who: &Row, event: &'static str, at: i64) {
        let reasons: &[i64] = match event {
            "hard_bounce" => &[1, 1, 1, 2, 4, 8, 20],
            "soft_bounce" | "expired" => &[3, 5, 5, 6, 99],
            _ => &[],
        };
        let detail = Some(self.rng.one_of(reasons)).filter(|reason| *reason > 0);
        let row = Row {
            what: Some(event),
            at: Some(at),
            detail,
            ..who.clone()
        };
        if self.rng.chance(4) {
            self.sending.add(&mut self.rng, row.clone());
        }
        self.sending.add(&mut self.rng, row);
    }

    fn track(&mut self, who: &Row, kind: &'static str, at: i64) {
        let detail = (kind != "open").then(|| 1 + self.rng.below(12));
        let recipient = who.recipient.filter(|_| self.rng.chance(700));
        let row = Row {
            what: Some(kind),
            at: Some(at / SECOND * SECOND),
            detail,
            recipient,
            ..who.clone()
        };
        self.tracking.add(&mut self.rng, row);
    }

    /// One message from its relay to its end.
    fn message(&mut self, delivery: &Delivery, number: i64) {
        let relayed = delivery.started_at() + self.rng.below(150 * MINUTE);
        let deadline = delivery.deadline(relayed);
        let seconds = relayed + self.rng.wait(10 * SECOND);
        let later = seconds + self.rng.wait(9 * HOUR);
        let much_later = later + self.rng.wait(30 * HOUR);
        let statuses_only = delivery.id == STATUS_FORM;
        let who = Row {
            delivery: delivery.id,
            message: delivery.id * 100_000 + number * 3,
            recipient: Some(700_000 + number * 7),
            ..Row::default()
        };
        let fate = self.rng.below(1000);
        if !(20..25).contains(&fate) {
            self.report(&who, "relayed", relayed);
        }
        match fate {
            0..25 => return self.report(&who, "hard_bounce", seconds + MINUTE),
            25..105 => return self.retries(&who, seconds, deadline, statuses_only),
            105..112 => return, // no news: pending with EFS
            _ => self.report(&who, "delivered", seconds),
        }
        match fate {
            112..122 => {
                self.report(&who, "soft_bounce", later);
                self.report(&who, "delivered", much_later);
            }
            122..130 => self.report(&who, "hard_bounce", much_later),
            130..136 if deadline < END => self.report(&who, "soft_bounce", deadline + MINUTE),
            136..146 if !statuses_only => self.report(&who, "complaint", later),
            146..156 if !statuses_only => self.report(&who, "ignored", seconds + MINUTE),
            156..159 if !statuses_only => self.report(&who, "expired", later),
            _ => self.reader(&who, seconds),
        }
    }

    /// Soft bounces until a retry gets through, or the deadline passes: with a row, without one, or
    /// with a success that comes too late.
    fn retries(&mut self, who: &Row, first: i64, deadline: i64, statuses_only: bool) {
        let mut at = first;
        for attempt in 1..=7 {
            self.report(who, "soft_bounce", at);
            at += 10 * MINUTE + self.rng.wait(3 * HOUR * attempt);
            if at >= deadline {
                break;
            }
            if self.rng.chance(180) {
                self.report(who, "delivered", at);
                return self.reader(who, at);
            }
        }
        let after = deadline.saturating_add(self.rng.wait(HOUR));
        match self.rng.below(3) {
            _ if deadline == i64::MAX => {}
            0 if !statuses_only => self.report(who, "expired", after),
            1 => self.report(who, "delivered", after),
            _ => {}
        }
    }

    /// What a recipient does with a message, or a machine before that.
    fn reader(&mut self, who: &Row, delivered: i64) {
        if self.rng.chance(40) {
            let mut machine = who.clone();
            machine.machine = Some(true);
            self.track(&machine, "open", delivered + 2 * SECOND);
        }
        let mut at = delivered + self.rng.wait(8 * HOUR);
        if self.rng.chance(320) {
            for _ in 0..=self.rng.below(3) {
                self.track(who, "open", at);
                at += self.rng.wait(10 * HOUR);
            }
        }
        if self.rng.chance(90) {
            let kind =
                self.rng
                    .one_of(&["click", "click", "click", "offer_click", "offer_click_2"]);
            self.track(who, kind, at + 20 * SECOND);
        }
        for (kind, per_mille) in [("mirror_page", 15), ("opt_out", 12), ("42", 8)] {
            if self.rng.chance(per_mille) {
                self.track(who, kind, at + MINUTE);
            }
        }
    }

    /// A proof, an open and a complaint of messages that the sending log does not know.
    fn strangers(&mut self, delivery: &Delivery) {
        let at = delivery.started_at();
        let message = delivery.id * 100_000 + 90_001;
        let orphan = Row {
            delivery: delivery.id,
            message,
            ..Row::default()
        };
        let complainer = Row {
            message: message + 1,
            ..orphan.clone()
        };
        let proof = Row {
            message: message + 2,
            is_test: Some(true),
            ..orphan.clone()
        };
        self.track(&orphan, "open", at + 2 * HOUR);
        if delivery.id != STATUS_FORM {
            self.report(&complainer, "complaint", at + 3 * HOUR);
        }
        self.report(&proof, "relayed", at);
        self.report(&proof, "delivered", at + MINUTE);
        self.track(&proof, "open", at + 10 * MINUTE);
        self.track(&proof, "click", at + 11 * MINUTE);
    }
}

/// The deliveries extract. The winter sale was edited twice; its newest row stands first, its oldest
/// has no EFS.
fn delivery_columns(all: &[Delivery]) -> Columns {
    let mut rows: Vec<Delivery> = all
        .iter()
        .filter(|row| row.label != "unlisted")
        .cloned()
        .collect();
    if let Some(sale) = rows.iter_mut().find(|row| row.id == 4107) {
        let draft = Delivery {
            label: "Sale",
            efs: false,
            validity_hours: Some(12),
            ..sale.clone()
        };
        sale.modified = Some(sale.started_at() + 5 * HOUR);
        let second = Delivery {
            modified: Some(draft.started_at() - HOUR),
            ..draft.clone()
        };
        rows.extend([draft, second]);
    }
    let end = |row: &Delivery| {
        row.validity_hours
            .map(|hours| row.started_at() + hours * HOUR)
    };
    vec![
        ("delivery_id", integers(&rows, |row| Some(row.id))),
        ("label", labels(&rows, |row| Some(row.label))),
        ("channel", labels(&rows, |row| row.channel)),
        ("parent_delivery_id", integers(&rows, |row| row.parent)),
        ("started_at", instants(&rows, |row| Some(row.started_at()))),
        ("validity_end", instants(&rows, end)),
        ("modified_at", instants(&rows, |row| row.modified)),
        ("to_deliver", integers(&rows, |row| row.to_deliver)),
        ("efs", booleans(&rows, |row| Some(row.efs))),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data");
    let root = std::env::args_os().nth(1).map_or(here, PathBuf::from);
    let mut story = Story {
        rng: Random(20_260_302),
        sending: Log::new("sending_log", 1),
        tracking: Log::new("tracking_log", 1),
    };
    let all = deliveries();
    for delivery in all.iter().filter(|delivery| delivery.messages > 0) {
        story.strangers(delivery);
        for number in 0..delivery.messages {
            story.message(delivery, number);
        }
    }
    story.sending.write(&root, sending_columns)?;
    story.tracking.write(&root, tracking_columns)?;
    write(&root.join("deliveries.parquet"), delivery_columns(&all))?;
    let (sending, tracking) = (story.sending.rows(), story.tracking.rows());
    eprintln!(
        "{}: {sending} sending rows, {tracking} tracking rows",
        root.display()
    );
    Ok(())
}
