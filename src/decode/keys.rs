//! What every row of both logs has.

use super::cell::{Bools, Cell, Ints, Unsupported};
use super::digest::Rest;
use super::events::Events;
use super::ids::{DecodeKey, Deliveries, Fingerprint, Recent};
use super::instants::Instants;
use super::logs::Decoder;
use super::presence::{needed, optional, required};
use crate::model::{Code, DeliveryIndex, Event, Instant, Rejection, Stamp, Tail};
use arrow::array::RecordBatch;

/// What every row of both logs has.
pub(super) struct Keys<'a, M: DecodeKey> {
    rows: usize,
    delivery: Deliveries<'a>,
    message: M::Column,
    at: Instants,
    log_id: Ints,
    revision: Ints,
    deleted: Bools,
    is_test: Bools,
    /// None where nothing has to be told apart.
    pub(super) rest: Option<Rest>,
    fingerprint: Fingerprint,
}

/// What all rows of a batch have, where nothing in it is odd.
pub(super) struct Plain<'a> {
    /// In microseconds, plausible or not.
    pub(super) at: &'a [i64],
    /// Where the log has them.
    pub(super) log_ids: Option<&'a [i64]>,
}

/// The keys and marks of one row.
pub(super) struct Head<M> {
    delivery: DeliveryIndex,
    message: M,
    log_id: Option<i64>,
    revision: i64,
    pub(super) deleted: bool,
    is_test: bool,
}

impl<'a, M: DecodeKey> Keys<'a, M> {
    pub(super) fn new(
        decoder: &Decoder<'a>,
        with_tails: bool,
        batch: &RecordBatch,
        recent: Recent,
    ) -> Result<Self, Unsupported> {
        let column = |name| batch.column_by_name(name);
        let delivery = column("delivery_id");
        Ok(Keys {
            rows: batch.num_rows(),
            delivery: Deliveries::new(delivery, decoder.catalog, decoder.selection, recent)?,
            message: M::column(column("message_id"))?,
            at: Instants::new("event_at", column("event_at"), decoder.zone)?,
            log_id: Ints::new("log_id", column("log_id"))?,
            revision: Ints::new("revision", column("revision"))?,
            deleted: Bools::new("deleted", column("deleted"))?,
            is_test: Bools::new("is_test", column("is_test"))?,
            rest: if with_tails {
                Some(Rest::new(batch, decoder.fingerprint)?)
            } else {
                None
            },
            fingerprint: decoder.fingerprint,
        })
    }

    /// What is kept for the next batch.
    pub(super) fn recent(self) -> Recent {
        self.delivery.recent()
    }

    /// The instants and `log_id`s of all rows, where none of the batch is null or a test row, and none is
    /// corrected or deleted unless that is asked for.
    pub(super) fn plain(&self) -> Option<Plain<'_>> {
        let log_ids = match self.log_id.is_absent() {
            true => None,
            false => Some(self.log_id.plain()?),
        };
        let at = self.at.plain()?;
        let is_corrected = match self.rest {
            Some(_) => log_ids.is_none(),
            None => !(self.revision.is_absent() && self.deleted.is_never()),
        };
        (self.is_test.is_never() && !is_corrected).then_some(Plain { at, log_ids })
    }

    /// Sets what decides between rows with one `log_id`, and marks deletions; false where something in it
    /// is odd. `raw` is what else has to be told apart.
    pub(super) fn plain_tails(
        &self,
        log_ids: &[i64],
        raw: u64,
        stamps: &mut [Stamp],
        tails: &mut [Tail],
    ) -> bool {
        for (tail, log_id) in tails.iter_mut().zip(log_ids) {
            tail.log_id = *log_id;
        }
        if let Some(rest) = &self.rest {
            for (row, tail) in tails.iter_mut().enumerate() {
                tail.rest = rest.of(row, raw);
            }
        }
        let mut are_good = true;
        for (row, tail) in tails.iter_mut().enumerate() {
            match self.revision.get(row) {
                Cell::Value(revision) => tail.revision = revision,
                Cell::Null => {}
                Cell::Bad(_) => are_good = false,
            }
        }
        if !self.deleted.is_never() {
            let deletion = Stamp::default().marked(false, false, true);
            for (row, stamp) in stamps.iter_mut().enumerate() {
                match self.deleted.get(row) {
                    Cell::Value(true) => *stamp = stamp.with(deletion),
                    Cell::Value(false) | Cell::Null => {}
                    Cell::Bad(_) => are_good = false,
                }
            }
        }
        are_good
    }

    /// Adds deliveries and messages of all rows; false where one is not good, or not asked for.
    pub(super) fn plain_keys(&self, events: &mut Events<M>) -> bool {
        self.delivery.add_all(self.rows, &mut events.deliveries)
            && M::add_all(
                &self.message,
                self.rows,
                &self.fingerprint,
                &mut events.messages,
            )
    }

    /// None for a row of a delivery that was not asked for.
    #[inline(always)]
    pub(super) fn head(&self, row: usize) -> Result<Option<Head<M>>, Rejection> {
        let Some(delivery) = required(self.delivery.get(row), "delivery_id")? else {
            return Ok(None);
        };
        let message = required(M::get(&self.message, row, &self.fingerprint), "message_id")?;
        let log_id = optional(self.log_id.get(row), "log_id")?;
        let deleted = optional(self.deleted.get(row), "deleted")?.unwrap_or(false);
        if deleted && log_id.is_none() {
            return Err(Rejection {
                column: "deleted",
                reason: "a deletion without log_id",
            });
        }
        Ok(Some(Head {
            delivery,
            message,
            log_id,
            revision: match log_id {
                Some(_) => optional(self.revision.get(row), "revision")?.unwrap_or(0),
                None => 0,
            },
            deleted,
            is_test: optional(self.is_test.get(row), "is_test")?.unwrap_or(false),
        }))
    }

    #[inline(always)]
    pub(super) fn event(
        &self,
        row: usize,
        head: &Head<M>,
        stamp: Stamp,
        code: Code,
        raw: u64,
    ) -> (Event<M>, Tail) {
        let event = Event {
            message: head.message,
            stamp: stamp.marked(head.is_test, head.log_id.is_some(), head.deleted),
            delivery: head.delivery,
            code,
        };
        let tail = Tail {
            log_id: head.log_id.unwrap_or(0),
            revision: head.revision,
            rest: match &self.rest {
                Some(rest) if head.log_id.is_some() => rest.of(row, raw),
                _ => 0,
            },
        };
        (event, tail)
    }

    #[inline(always)]
    pub(super) fn at(&self, row: usize, deleted: bool) -> Result<Option<Instant>, Rejection> {
        needed(self.at.get(row), "event_at", deleted)
    }
}
