//! Rows of the two logs to events.

use super::cell::Unsupported;
use super::domain::Domains;
use super::events::Events;
use super::ids::{DecodeKey, Fingerprint, Recent};
use super::instants::Zone;
use super::keys::{Keys, Plain};
use super::recipient::Recipients;
use super::rising::Rising;
use super::sending::Sending;
use super::tracking::Tracking;
use crate::model::{
    Catalog, Code, Codes, DeliveryId, DeliveryIndex, Event, FateCounts, Instant, Labels, Log,
    RecipientKey, Rejection, Stamp, Tail,
};
use arrow::array::RecordBatch;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

/// Which deliveries a run is asked for.
#[derive(Clone, Debug, Default)]
pub enum Selection {
    /// All.
    #[default]
    All,
    /// These.
    Only(BTreeSet<DeliveryId>),
}

impl Selection {
    /// Whether the run is asked for this delivery.
    pub fn holds(&self, id: &DeliveryId) -> bool {
        match self {
            Selection::All => true,
            Selection::Only(ids) => ids.contains(id),
        }
    }
}

/// What decoding needs to know besides the batch; shared by all threads.
pub struct Decoder<'a> {
    /// The deliveries of the run.
    pub catalog: &'a Catalog,
    /// The codes of the run.
    pub codes: &'a Codes,
    /// What labels mean.
    pub labels: &'a Labels,
    /// Where naive instants are at home.
    pub zone: &'a Zone,
    /// Which deliveries are asked for.
    pub selection: &'a Selection,
    /// The key of the fingerprints.
    pub fingerprint: Fingerprint,
    /// Whether the domains of recipients are asked for.
    pub asks_domains: bool,
    /// The key of what stands for recipients, where they are asked for themselves.
    pub recipients: Option<Fingerprint>,
    /// Deliveries with events in it are told.
    pub interval: Option<Range<Instant>>,
}

/// What some batches of one log held.
pub struct Decoded<M> {
    /// The rows that are neither rejected nor of a delivery that was not asked for.
    pub events: Events<M>,
    /// What belongs to them, in the same order; empty where it was not asked for.
    pub tails: Vec<Tail>,
    /// The `log_id`s of rows without tails, 0 where they have none, in the same order; empty unless they
    /// are kept.
    pub row_ids: Vec<i64>,
    /// Whether they are kept.
    pub keeps_row_ids: bool,
    /// The domains of recipients, in the same order; empty unless they are asked for.
    pub domains: Vec<Code>,
    /// The recipients, likewise.
    pub recipients: Vec<RecipientKey>,
    /// The `log_id`s of these rows.
    pub log_ids: Rising,
    /// Rows read, rejected, not selected.
    pub counts: FateCounts,
    /// The oldest and the newest instant of a row that is not rejected.
    pub span: Option<(Instant, Instant)>,
    /// Deliveries with events in the decoder's interval.
    pub touched: HashSet<DeliveryIndex>,
    /// Of the decoder that it goes through.
    recent: Recent,
    /// Whether some batch had a row that takes the longer way.
    is_odd: bool,
}

impl<M> Default for Decoded<M> {
    fn default() -> Self {
        Decoded {
            events: Events::default(),
            tails: Vec::new(),
            row_ids: Vec::new(),
            keeps_row_ids: false,
            domains: Vec::new(),
            recipients: Vec::new(),
            log_ids: Rising::default(),
            counts: FateCounts::default(),
            span: None,
            touched: HashSet::new(),
            recent: Recent::default(),
            is_odd: false,
        }
    }
}

impl<M> Decoded<M> {
    /// Forgets what is known of the rows before, but not the rows.
    pub fn begin(&mut self) {
        self.log_ids = Rising::default();
        self.counts = FateCounts::default();
        self.span = None;
        self.touched.clear();
        self.is_odd = false;
    }
}

/// Whom the rows of a batch are of, as far as that is asked for.
struct People {
    domains: Option<Domains>,
    recipients: Option<Recipients>,
}

/// A row that is neither rejected nor of another delivery.
pub(super) type Read<M> = Result<Option<(Event<M>, Tail)>, Rejection>;

impl Decoder<'_> {
    /// The columns that are asked for besides those that every run needs.
    pub fn others(&self) -> Vec<&'static str> {
        let domain = self.asks_domains.then_some("recipient_domain");
        let recipient = self.recipients.map(|_| "recipient_id");
        domain.into_iter().chain(recipient).collect()
    }

    /// Decodes a batch of a log, its columns under the contract's names; with or without what
    /// decides between rows with one `log_id`.
    pub fn decode<M: DecodeKey>(
        &self,
        log: Log,
        with_tails: bool,
        batch: &RecordBatch,
        out: &mut Decoded<M>,
    ) -> Result<(), Unsupported> {
        let recent = std::mem::take(&mut out.recent);
        let keys = Keys::<M>::new(self, with_tails, batch, recent)?;
        let people = People {
            domains: match log {
                Log::Sending if self.asks_domains => Some(Domains::new(self.codes, batch)?),
                Log::Sending | Log::Tracking => None,
            },
            recipients: match self.recipients {
                Some(key) => Some(Recipients::new(batch, key)?),
                None => None,
            },
        };
        match log {
            Log::Sending => {
                let columns = Sending::new(self, batch)?;
                let says = |at: &[i64], mark, events: &mut Events<M>| {
                    columns.plain(self, mark, at, events)
                };
                if self.plain_rows(batch, &keys, out, Sending::PLAIN_FORM, says) {
                    out.recent = keys.recent();
                    self.add_people(&people, 0..batch.num_rows(), out);
                    return Ok(());
                }
                self.rows(batch, &keys, out, &people, |row| {
                    columns.read(self, &keys, row)
                });
            }
            Log::Tracking => {
                let columns = Tracking::new(self, batch)?;
                let says = |at: &[i64], mark, events: &mut Events<M>| {
                    columns.plain(self, mark, at, events)
                };
                if self.plain_rows(batch, &keys, out, Tracking::FORM, says) {
                    out.recent = keys.recent();
                    self.add_people(&people, 0..batch.num_rows(), out);
                    return Ok(());
                }
                self.rows(batch, &keys, out, &people, |row| {
                    columns.read(self, &keys, row)
                });
            }
        }
        out.recent = keys.recent();
        Ok(())
    }

    /// Adds whom some rows are of that have become events, as far as that is asked for.
    fn add_people<M>(&self, people: &People, rows: Range<usize>, out: &mut Decoded<M>) {
        if self.asks_domains {
            let domains = people.domains.as_ref();
            let of = |row| domains.map_or(Code::NULL, |domains| domains.get(self.codes, row));
            out.domains.extend(rows.clone().map(of));
        }
        if let Some(recipients) = &people.recipients {
            out.recipients.extend(rows.map(|row| recipients.get(row)));
        }
    }

    /// Takes the rows of a batch in which nothing is odd, a shorter way to the same events. If something
    /// is, it takes none, and no batch of the row group is tried again. `says` sets what the rows say.
    fn plain_rows<M: DecodeKey>(
        &self,
        batch: &RecordBatch,
        keys: &Keys<'_, M>,
        out: &mut Decoded<M>,
        raw: u64,
        says: impl FnOnce(&[i64], Stamp, &mut Events<M>) -> bool,
    ) -> bool {
        let plain = keys
            .plain()
            .filter(|_| self.interval.is_none() && !out.is_odd);
        let Some(Plain { at, log_ids }) = plain else {
            return false;
        };
        // Column by column: each loop is short, and what one does not find odd the next ones may.
        let start = out.events.len();
        let has_tails = keys.rest.is_some();
        let mark = Stamp::default().marked(false, log_ids.is_some(), false);
        let Decoded { events, tails, .. } = &mut *out;
        // Rows that are not asked for first: what they say need not be known.
        let is_plain = keys.plain_keys(events)
            && says(at, mark, events)
            && (!has_tails || {
                tails.resize(start + at.len(), Tail::default());
                let (stamps, tails) = (&mut events.stamps[start..], &mut tails[start..]);
                keys.plain_tails(log_ids.unwrap_or_default(), raw, stamps, tails)
            });
        if !is_plain {
            out.events.truncate(start);
            out.tails.truncate(start);
            out.is_odd = true;
            return false;
        }
        if let (Some(oldest), Some(newest)) = (at.iter().min(), at.iter().max()) {
            out.span = widened(out.span, Instant::from_micros(*oldest));
            out.span = widened(out.span, Instant::from_micros(*newest));
        }
        out.log_ids.push_slice(log_ids.unwrap_or_default());
        if out.keeps_row_ids && !has_tails {
            out.row_ids.extend_from_slice(log_ids.unwrap_or_default());
            out.row_ids.resize(out.events.len(), 0);
        }
        out.counts.read += batch.num_rows() as u64;
        true
    }

    fn rows<M: DecodeKey>(
        &self,
        batch: &RecordBatch,
        keys: &Keys<'_, M>,
        out: &mut Decoded<M>,
        people: &People,
        read: impl Fn(usize) -> Read<M>,
    ) {
        let has_tails = keys.rest.is_some();
        out.events.reserve(batch.num_rows());
        for row in 0..batch.num_rows() {
            match read(row) {
                Ok(Some((event, tail))) => {
                    if let Some(at) = event.stamp.at() {
                        out.span = widened(out.span, at);
                    }
                    if let (Some(interval), Some(at)) = (&self.interval, event.stamp.at())
                        && interval.contains(&at)
                    {
                        out.touched.insert(event.delivery);
                    }
                    if event.stamp.has_log_id() {
                        out.log_ids.push(tail.log_id);
                    }
                    out.events.push(event);
                    if has_tails {
                        out.tails.push(tail);
                    } else if out.keeps_row_ids {
                        out.row_ids.push(tail.log_id);
                    }
                    out.counts.read += 1;
                    self.add_people(people, row..row + 1, out);
                }
                Ok(None) => out.counts.not_selected += 1,
                Err(rejection) => {
                    out.counts.read += 1;
                    *out.counts.rejections.entry(rejection).or_default() += 1;
                }
            }
        }
    }
}

/// The span with an instant in it.
fn widened(span: Option<(Instant, Instant)>, at: Instant) -> Option<(Instant, Instant)> {
    match span {
        None => Some((at, at)),
        Some((oldest, newest)) => Some((oldest.min(at), newest.max(at))),
    }
}

/// Adds a stamp for each row, what it says moved to its instant; false where one is not plausible.
#[inline(always)]
pub(super) fn add_stamps(
    stamps: &mut Vec<Stamp>,
    said: impl Iterator<Item = Stamp>,
    at: &[i64],
) -> bool {
    let mut are_plausible = true;
    stamps.extend(said.zip(at).map(|(stamp, at)| {
        let instant = Instant::plausible(*at);
        are_plausible &= instant.is_some();
        stamp.moved_to(instant.unwrap_or(Instant::FIRST))
    }));
    are_plausible
}

#[cfg(test)]
mod tests;
