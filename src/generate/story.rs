//! What happens to one message, from its relay to its last click: a pure function of the plan, so any
//! part of it can be told again whenever it is needed.

use super::plan::Delivery;
use super::random::{Random, key, scale};
use super::row::Row;
use crate::model::{HOUR, Instant, Log, Report, Tracked};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// Nothing happens so long after the relay to a message that is delivered at once and never opened.
const QUIET_AFTER: i64 = 10 * MINUTE;

/// Of ten thousand messages, from the first number to before the next.
mod fate {
    /// Fails for good from 0 on; from here on is tried again.
    pub const RETRIES: i64 = 120;
    /// All that follows happens only in sets that are not clean. First: refused, and no relay in the log.
    pub const NO_RELAY: i64 = RETRIES + 330;
    pub const NO_NEWS: i64 = NO_RELAY + 15;
    pub const BOUNCES_LATER: i64 = NO_NEWS + 20;
    pub const REFUSED_LATER: i64 = BOUNCES_LATER + 30;
    pub const BOUNCES_TOO_LATE: i64 = REFUSED_LATER + 30;
    pub const COMPLAINS: i64 = BOUNCES_TOO_LATE + 20;
    pub const ANSWERS: i64 = COMPLAINS + 40;
    pub const EXPIRES_DELIVERED: i64 = ANSWERS + 50;
    pub const DELIVERED: i64 = EXPIRES_DELIVERED + 15;
}

/// What the first number of a message's stream decides: enough to pass over most messages.
#[derive(Clone, Copy)]
struct Lot {
    fate: i64,
    opens: bool,
    clicks: bool,
}

impl Lot {
    fn draw(random: &mut Random, dirty: bool) -> Lot {
        let bits = random.next();
        let fate = scale(bits << 32, 10_000);
        let is_plain = fate >= fate::DELIVERED || (!dirty && fate >= fate::NO_RELAY);
        Lot {
            fate: if is_plain { fate::DELIVERED } else { fate },
            // 28 % and 4 %.
            opens: bits >> 48 < 18_350,
            clicks: (bits >> 32) & 0xffff < 2_621,
        }
    }
}

/// Tells the rows of messages of one delivery to whoever takes them.
pub(super) struct Teller<'a, F> {
    pub delivery: &'a Delivery,
    /// By its place in the plan.
    pub place: u32,
    /// Whether rare and odd things happen too.
    pub dirty: bool,
    /// Whether the log can say only what the status form can.
    pub statuses: bool,
    pub tell: F,
}

impl<F: FnMut(Log, Row)> Teller<'_, F> {
    /// The whole life of a message; nothing, where all of it lies before `since`.
    pub fn message(&mut self, number: u32, since: i64) {
        let mut random = Random::new(key(self.delivery.key, u64::from(number)));
        let lot = Lot::draw(&mut random, self.dirty);
        let from = self.delivery.relayed_from(number);
        let to = self.delivery.relayed_from(number + 1);
        let is_quiet = lot.fate == fate::DELIVERED && !lot.opens && !lot.clicks;
        if is_quiet && to + QUIET_AFTER < since {
            return;
        }
        let relayed = from + random.below(to - from) / 1000 * 1000;
        let who = Row {
            delivery: self.place,
            message: number,
            ..Row::default()
        };
        Life {
            deadline: self.delivery.policy.deadline(Instant::from_micros(relayed)),
            teller: self,
            random,
            who,
        }
        .live(lot, relayed);
    }

    /// An open and a complaint of messages that the sending log does not know, and a proof.
    pub fn strangers(&mut self) {
        let count = self.delivery.messages;
        let (unknown, complainer, proof) = (count, count + 1, count + 2);
        let (open, click) = (Tracked::Open as u8, Tracked::Click as u8);
        let report = |report: Report| (Log::Sending, report as u8);
        let track = |what| (Log::Tracking, what);
        for (message, (log, what), minutes, marks) in [
            (unknown, track(open), 120, 0),
            (complainer, report(Report::Complaint), 180, 0),
            (proof, report(Report::Relayed), 0, Row::TEST),
            (proof, report(Report::Delivered), 1, Row::TEST),
            (proof, track(open), 10, Row::TEST),
            (proof, track(click), 11, Row::TEST),
        ] {
            let row = Row {
                at: self.delivery.started_at + minutes * MINUTE,
                delivery: self.place,
                message,
                what,
                marks,
                ..Row::default()
            };
            self.tell(log, row);
        }
    }

    fn tell(&mut self, log: Log, row: Row) {
        let is_said = log == Log::Tracking
            || !self.statuses
            || row.status(self.delivery.policy.efs).is_some();
        if is_said {
            (self.tell)(log, row);
        }
    }
}

/// One message while its story is told.
struct Life<'a, 'b, F> {
    teller: &'a mut Teller<'b, F>,
    random: Random,
    who: Row,
    /// When its retries end.
    deadline: Option<Instant>,
}

impl<F: FnMut(Log, Row)> Life<'_, '_, F> {
    fn live(mut self, lot: Lot, relayed: i64) {
        if !(fate::NO_RELAY..fate::NO_NEWS).contains(&lot.fate) {
            self.report(Report::Relayed, relayed);
        }
        match lot.fate {
            fate::RETRIES..fate::NO_RELAY => self.retries(lot, relayed),
            ..fate::RETRIES | fate::NO_RELAY..fate::NO_NEWS => {
                let refused = relayed + 1000 + self.random.wait(MINUTE);
                self.report(Report::HardBounce, refused);
            }
            fate::NO_NEWS..fate::BOUNCES_LATER => {}
            fate::BOUNCES_LATER.. => self.delivered(lot, relayed),
        }
    }

    /// It is delivered at once. Something else may come of it all the same.
    fn delivered(&mut self, lot: Lot, relayed: i64) {
        let delivered = relayed + 50_000 + self.random.wait(4 * SECOND);
        self.report(Report::Delivered, delivered);
        if lot.fate < fate::DELIVERED {
            let later = delivered + MINUTE + self.random.wait(9 * HOUR);
            let deadline = self.deadline.map_or(later, Instant::micros);
            match lot.fate {
                fate::BOUNCES_LATER..fate::REFUSED_LATER => {
                    self.report(Report::SoftBounce, later);
                    let again = later + MINUTE + self.random.wait(20 * HOUR);
                    self.report(Report::Delivered, again);
                }
                fate::REFUSED_LATER..fate::BOUNCES_TOO_LATE => {
                    self.report(Report::HardBounce, later)
                }
                fate::BOUNCES_TOO_LATE..fate::COMPLAINS => {
                    self.report(Report::SoftBounce, deadline + MINUTE)
                }
                fate::COMPLAINS..fate::ANSWERS => self.report(Report::Complaint, later),
                fate::ANSWERS..fate::EXPIRES_DELIVERED => {
                    self.report(Report::Ignored, delivered + MINUTE)
                }
                _ => self.report(Report::Expired, later),
            }
        }
        self.reader(lot, delivered);
    }

    /// Soft bounces until a retry gets through, or the deadline passes: with a row, without one, or with a
    /// success that comes too late.
    fn retries(&mut self, lot: Lot, relayed: i64) {
        let end = self.deadline.map_or(i64::MAX, Instant::micros);
        let mut at = relayed + 1000 + self.random.wait(30 * SECOND);
        for attempt in 1..=8 {
            self.report(Report::SoftBounce, at);
            at += 10 * MINUTE + self.random.wait(HOUR * attempt);
            if at >= end {
                break;
            }
            if self.random.chance(250) {
                self.report(Report::Delivered, at);
                return self.reader(lot, at);
            }
        }
        let Some(end) = self.deadline else { return };
        let after = end.micros() + self.random.wait(10 * MINUTE);
        // A log of statuses without feedback says Failed at the end and not before.
        let must_say = self.teller.statuses && !self.teller.delivery.policy.efs;
        match self.random.below(3) {
            0 => self.report(Report::Expired, after),
            _ if must_say => self.report(Report::Expired, after),
            1 if self.teller.dirty => self.report(Report::Delivered, after),
            _ => {}
        }
    }

    /// What the recipient does with it, whose software may open it first.
    fn reader(&mut self, lot: Lot, delivered: i64) {
        let mut more = lot.opens;
        while more {
            let machine = self.random.chance(60);
            let wait = match machine {
                true => 2 * SECOND,
                false => self.random.long_wait(4 * HOUR),
            };
            self.who.marks = if machine { Row::MACHINE } else { 0 };
            self.track(Tracked::Open as u8, delivered + wait);
            more = self.random.chance(450);
        }
        self.who.marks = 0;
        more = lot.clicks;
        while more {
            let what = match self.random.below(100) {
                0..5 => Tracked::OptOut as u8,
                5..9 => Tracked::MirrorPage as u8,
                9..12 => Tracked::OfferClick as u8,
                12..15 => Tracked::OfferClick2 as u8,
                15..18 if self.teller.dirty => Row::UNKNOWN_TYPE,
                _ => Tracked::Click as u8,
            };
            let wait = self.random.long_wait(5 * HOUR);
            self.track(what, delivered + wait);
            more = self.random.chance(400);
        }
    }

    fn report(&mut self, report: Report, at: i64) {
        let reasons: &[u16] = match report {
            Report::HardBounce => &[1, 1, 1, 1, 1, 1, 2, 4, 8, 20, 20],
            Report::SoftBounce | Report::Expired => &[5, 5, 5, 5, 3, 3, 3, 6, 99],
            _ => &[],
        };
        let row = Row {
            at,
            what: report as u8,
            detail: self.random.one_of(reasons).unwrap_or(0),
            ..self.who
        };
        self.teller.tell(Log::Sending, row);
        // The same report under a second log_id.
        if self.teller.dirty && self.random.chance(4) {
            self.teller.tell(Log::Sending, row);
        }
    }

    fn track(&mut self, what: u8, at: i64) {
        let link = match what == Tracked::Open as u8 {
            true => 0,
            false => 1 + self.random.below(17),
        };
        let row = Row {
            at: at / SECOND * SECOND,
            what,
            detail: u16::try_from(link).unwrap_or(0),
            ..self.who
        };
        self.teller.tell(Log::Tracking, row);
    }
}
