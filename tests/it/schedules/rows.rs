//! What can happen to the rows of a log, the same in both logs: corrections, and other values in a file
//! that is written again.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::super::oracle::HOUR;
use super::super::random::{chance, pick};
use super::super::world::{SendingRow, TrackingRow};

/// Delivery, message and log id: one row of its log.
pub type Key = (i64, i64, i64);

/// A row of the sending log or of the tracking log.
pub trait LogRow: Clone {
    fn at(&self) -> Option<i64>;

    fn key(&self) -> Option<Key>;

    /// A later state of the row, or two rows where it moves to another message. Nothing else has this
    /// revision.
    fn correct(&self, rng: &mut Rng, revision: i64, at: i64) -> Vec<Self>;

    /// Other values without another revision; only in columns that decide which of two rows wins.
    fn change(&mut self, rng: &mut Rng, at: i64);

    /// Takes over from `first` what does not decide which of two rows wins.
    fn settle(&mut self, first: &Self);
}

/// Section 6 leaves open which of several rows of one key wins that differ in nothing it compares. Of
/// two rows one is superseded whichever it is; among more the fates would depend on it. The rows of most
/// keys become the same there; the keys of the pairs that stay are returned: no row of theirs may come
/// twice.
pub fn settle<R: LogRow>(rng: &mut Rng, rows: &mut [R]) -> BTreeSet<Key> {
    let mut keys: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        if let Some(key) = row.key() {
            keys.entry(key).or_default().push(number);
        }
    }
    let mut pairs = BTreeSet::new();
    for (key, numbers) in keys.into_iter().filter(|(_, numbers)| numbers.len() > 1) {
        if numbers.len() == 2 && chance(rng, 60) {
            pairs.insert(key);
            continue;
        }
        let first = rows[numbers[0]].clone();
        for number in numbers {
            rows[number].settle(&first);
        }
    }
    pairs
}

const EVENTS: [&str; 7] = [
    "relayed",
    "delivered",
    "soft_bounce",
    "soft_bounce",
    "hard_bounce",
    "expired",
    "complaint",
];
const TYPES: [&str; 7] = ["1", "2", "2", "3", "6", "10", "5"];

/// So far ahead that no run sees it.
const AHEAD: i64 = 60 * 24 * HOUR;

fn flipped(is_test: Option<bool>) -> Option<bool> {
    Some(!is_test.unwrap_or(false))
}

impl SendingRow {
    fn has_happened(&mut self, at: i64) {
        self.deleted = self.deleted.map(|_| false);
        self.event_at = self.event_at.or(Some(at));
        if self.event.is_none() && self.status.is_none() {
            self.event = Some("relayed".to_owned());
        }
    }

    fn bare(&mut self) {
        self.deleted = Some(true);
        (self.event, self.status, self.failure_type) = (None, None, None);
        (self.event_at, self.failure_reason) = (None, None);
    }
}

impl LogRow for SendingRow {
    fn at(&self) -> Option<i64> {
        self.event_at
    }

    fn key(&self) -> Option<Key> {
        Some((self.delivery_id?, self.message_id?, self.log_id?))
    }

    fn correct(&self, rng: &mut Rng, revision: i64, at: i64) -> Vec<Self> {
        let mut row = self.clone();
        row.revision = Some(revision);
        match rng.u8(..7) {
            0 => {
                row.deleted = Some(true);
                return vec![row];
            }
            1 => {
                row.bare();
                return vec![row];
            }
            2 => {
                let mut moved = row.clone();
                moved.message_id = row.message_id.map(|message| message + 1);
                moved.has_happened(at);
                row.bare();
                return vec![row, moved];
            }
            3 => row.event_at = Some(at),
            4 => row.event_at = Some(at + AHEAD),
            5 => row.is_test = flipped(row.is_test),
            _ if row.event.is_some() => row.event = Some(pick(rng, &EVENTS).to_owned()),
            _ => {
                row.status = Some(pick(rng, &["Sent", "Failed", "Pending"]).to_owned());
                row.failure_type =
                    pick(rng, &[None, Some("Soft"), Some("Hard")]).map(str::to_owned);
            }
        }
        row.has_happened(at);
        vec![row]
    }

    fn change(&mut self, rng: &mut Rng, at: i64) {
        if self.event_at.is_none() {
            return;
        }
        match rng.u8(..4) {
            0 => self.is_test = flipped(self.is_test),
            1 | 2 if self.event.is_some() => self.event = Some(pick(rng, &EVENTS).to_owned()),
            _ => self.event_at = Some(at),
        }
    }

    fn settle(&mut self, first: &Self) {
        self.recipient_id = first.recipient_id;
        self.recipient_domain.clone_from(&first.recipient_domain);
        if self.deleted == Some(true) {
            self.bare();
        } else if first.event.is_some() {
            self.event.get_or_insert_with(|| "relayed".to_owned());
            (self.status, self.failure_type) = (None, None);
        } else {
            self.event = None;
            let status = self.status.get_or_insert_with(|| "Sent".to_owned());
            let has_failed =
                ["failed", "2", "cancelled"].contains(&status.trim().to_lowercase().as_str());
            let is_known =
                |text: &String| ["hard", "2"].contains(&text.trim().to_lowercase().as_str());
            if !has_failed || !self.failure_type.as_ref().is_some_and(is_known) {
                self.failure_type = Some("Soft".to_owned());
            }
        }
    }
}

impl TrackingRow {
    fn has_happened(&mut self, at: i64) {
        self.deleted = self.deleted.map(|_| false);
        self.event_at = self.event_at.or(Some(at));
        self.tracking_type.get_or_insert_with(|| "2".to_owned());
    }

    fn bare(&mut self) {
        self.deleted = Some(true);
        (self.tracking_type, self.event_at, self.url_id) = (None, None, None);
    }
}

impl LogRow for TrackingRow {
    fn at(&self) -> Option<i64> {
        self.event_at
    }

    fn key(&self) -> Option<Key> {
        Some((self.delivery_id?, self.message_id?, self.log_id?))
    }

    fn correct(&self, rng: &mut Rng, revision: i64, at: i64) -> Vec<Self> {
        let mut row = self.clone();
        row.revision = Some(revision);
        match rng.u8(..8) {
            0 => {
                row.deleted = Some(true);
                return vec![row];
            }
            1 => {
                row.bare();
                return vec![row];
            }
            2 => {
                let mut moved = row.clone();
                moved.message_id = row.message_id.map(|message| message + 1);
                moved.has_happened(at);
                row.bare();
                return vec![row, moved];
            }
            3 => row.event_at = Some(at),
            4 => row.event_at = Some(at + AHEAD),
            5 => row.is_test = flipped(row.is_test),
            6 => row.url_id = Some(4),
            _ => row.tracking_type = Some(pick(rng, &TYPES).to_owned()),
        }
        row.has_happened(at);
        vec![row]
    }

    fn change(&mut self, rng: &mut Rng, at: i64) {
        if self.event_at.is_none() {
            return;
        }
        match rng.u8(..4) {
            0 => self.is_test = flipped(self.is_test),
            1 => self.tracking_type = Some(pick(rng, &TYPES).to_owned()),
            2 => self.url_id = Some(5),
            _ => self.event_at = Some(at),
        }
    }

    fn settle(&mut self, first: &Self) {
        self.recipient_id = first.recipient_id;
        self.machine = first.machine;
        if self.deleted == Some(true) {
            self.bare();
        }
    }
}
