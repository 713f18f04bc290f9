//! Rows of the two logs to events.

use super::cell::{Bools, Cell, Ints, Unsupported};
use super::digest::Rest;
use super::ids::{DecodeKey, Deliveries, Fingerprint};
use super::instants::{Instants, Zone};
use super::labelled::Labelled;
use crate::model::{
    Catalog, Code, Codes, DeliveryId, DeliveryIndex, Event, FailureType, FateCounts, Instant,
    Labels, Log, Logged, Rejection, Stamp, StatusLabel, Tail, Tracked, Value,
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
    /// Deliveries with events in it are told.
    pub interval: Option<Range<Instant>>,
}

/// What some batches of one log held.
pub struct Decoded<M> {
    /// The rows that are neither rejected nor of a delivery that was not asked for.
    pub events: Vec<Event<M>>,
    /// What belongs to them, in the same order; empty where the log has no `log_id`.
    pub tails: Vec<Tail>,
    /// Rows read, rejected, not selected.
    pub counts: FateCounts,
    /// The newest instant of a row that is not rejected.
    pub newest: Option<Instant>,
    /// Deliveries with events in the decoder's interval.
    pub touched: HashSet<DeliveryIndex>,
}

impl<M> Default for Decoded<M> {
    fn default() -> Self {
        Decoded {
            events: Vec::new(),
            tails: Vec::new(),
            counts: FateCounts::default(),
            newest: None,
            touched: HashSet::new(),
        }
    }
}

impl<M> Decoded<M> {
    /// Empties it, keeping its room.
    pub fn clear(&mut self) {
        self.events.clear();
        self.tails.clear();
        self.counts = FateCounts::default();
        self.newest = None;
        self.touched.clear();
    }
}

const NULL: &str = "null";
const UNKNOWN: &str = "unknown label or code";

/// A row that is neither rejected nor of another delivery.
type Read<M> = Result<Option<(Event<M>, Tail)>, Rejection>;

impl Decoder<'_> {
    /// Decodes a batch of a log, its columns under the contract's names.
    pub fn decode<M: DecodeKey>(
        &self,
        log: Log,
        batch: &RecordBatch,
        out: &mut Decoded<M>,
    ) -> Result<(), Unsupported> {
        let keys = Keys::<M>::new(self, batch)?;
        match log {
            Log::Sending => {
                let columns = Sending::new(self, batch)?;
                self.rows(batch, &keys, out, |row| columns.read(self, &keys, row));
            }
            Log::Tracking => {
                let columns = Tracking::new(self, batch)?;
                self.rows(batch, &keys, out, |row| columns.read(self, &keys, row));
            }
        }
        Ok(())
    }

    fn rows<M: DecodeKey>(
        &self,
        batch: &RecordBatch,
        keys: &Keys<'_, M>,
        out: &mut Decoded<M>,
        read: impl Fn(usize) -> Read<M>,
    ) {
        let has_tails = !keys.log_id.is_absent();
        out.events.reserve(batch.num_rows());
        for row in 0..batch.num_rows() {
            match read(row) {
                Ok(Some((event, tail))) => {
                    out.newest = out.newest.max(event.stamp.at());
                    if let (Some(interval), Some(at)) = (&self.interval, event.stamp.at())
                        && interval.contains(&at)
                    {
                        out.touched.insert(event.delivery);
                    }
                    out.events.push(event);
                    if has_tails {
                        out.tails.push(tail);
                    }
                    out.counts.read += 1;
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

/// What every row of both logs has.
struct Keys<'a, M: DecodeKey> {
    delivery: Deliveries<'a>,
    message: M::Column,
    at: Instants,
    log_id: Ints,
    revision: Ints,
    deleted: Bools,
    is_test: Bools,
    rest: Rest,
    fingerprint: Fingerprint,
}

/// The keys and marks of one row.
struct Head<M> {
    delivery: DeliveryIndex,
    message: M,
    log_id: Option<i64>,
    revision: i64,
    deleted: bool,
    is_test: bool,
}

impl<'a, M: DecodeKey> Keys<'a, M> {
    fn new(decoder: &Decoder<'a>, batch: &RecordBatch) -> Result<Self, Unsupported> {
        let column = |name| batch.column_by_name(name);
        Ok(Keys {
            delivery: Deliveries::new(column("delivery_id"), decoder.catalog, decoder.selection)?,
            message: M::column(column("message_id"))?,
            at: Instants::new("event_at", column("event_at"), decoder.zone)?,
            log_id: Ints::new("log_id", column("log_id"))?,
            revision: Ints::new("revision", column("revision"))?,
            deleted: Bools::new("deleted", column("deleted"))?,
            is_test: Bools::new("is_test", column("is_test"))?,
            rest: Rest::new(batch)?,
            fingerprint: decoder.fingerprint,
        })
    }

    /// None for a row of a delivery that was not asked for.
    #[inline]
    fn head(&self, row: usize) -> Result<Option<Head<M>>, Rejection> {
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
            revision: optional(self.revision.get(row), "revision")?.unwrap_or(0),
            deleted,
            is_test: optional(self.is_test.get(row), "is_test")?.unwrap_or(false),
        }))
    }

    #[inline]
    fn event(
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
            rest: if head.log_id.is_some() {
                self.rest.of(row, raw)
            } else {
                0
            },
        };
        (event, tail)
    }

    #[inline]
    fn at(&self, row: usize, deleted: bool) -> Result<Option<Instant>, Rejection> {
        needed(self.at.get(row), "event_at", deleted)
    }
}

/// The columns of the sending log alone.
struct Sending {
    event: Labelled<Logged>,
    status: Labelled<StatusLabel>,
    failure_type: Labelled<FailureType>,
    failure_reason: Labelled<Code>,
}

impl Sending {
    fn new(decoder: &Decoder<'_>, batch: &RecordBatch) -> Result<Sending, Unsupported> {
        let column = |name| batch.column_by_name(name);
        let labels = decoder.labels;
        Ok(Sending {
            event: Labelled::new("event", column("event"), |l| known(labels.event(l)))?,
            status: Labelled::new("status", column("status"), |l| known(labels.status(l)))?,
            failure_type: Labelled::new("failure_type", column("failure_type"), |l| {
                known(labels.failure_type(l))
            })?,
            failure_reason: Labelled::new("failure_reason", column("failure_reason"), |l| {
                Cell::Value(decoder.codes.intern(Some(labels.failure_reason(l))))
            })?,
        })
    }

    #[inline]
    fn read<M: DecodeKey>(&self, decoder: &Decoder<'_>, keys: &Keys<'_, M>, row: usize) -> Read<M> {
        let Some(head) = keys.head(row)? else {
            return Ok(None);
        };
        let (logged, raw) = self.logged(decoder.labels, row, head.deleted)?;
        let at = keys.at(row, head.deleted)?;
        let reason = self.failure_reason.get(row, |number| {
            let number = decoder.labels.failure_reason_code(number);
            Cell::Value(decoder.codes.intern(Some(Value::Number(number))))
        });
        let reason = lenient(reason, "failure_reason", head.deleted)?.unwrap_or(Code::NULL);
        Ok(Some(keys.event(
            row,
            &head,
            Stamp::sending(at, logged),
            reason,
            raw,
        )))
    }

    /// What the row says, and what else has to be told apart in it.
    #[inline]
    fn logged(
        &self,
        labels: &Labels,
        row: usize,
        deleted: bool,
    ) -> Result<(Option<Logged>, u64), Rejection> {
        let event = self.event.get(row, |code| known(labels.event_code(code)));
        let event = lenient(event, "event", deleted)?;
        if self.status.is_absent() {
            let event = match event {
                None if !deleted => return Err(null("event")),
                event => event,
            };
            return Ok((event, raw_form(event, None, None)));
        }
        let status = self.status.get(row, |code| known(labels.status_code(code)));
        let failure_type = self
            .failure_type
            .get(row, |code| known(labels.failure_type_code(code)));
        // Where a row has an event, status and failure type decide nothing, whatever they hold.
        let is_lenient = deleted || event.is_some();
        let status = lenient(status, "status", is_lenient)?;
        let needs_type = status == Some(StatusLabel::Failed) && !is_lenient;
        let failure_type = lenient(failure_type, "failure_type", !needs_type)?;
        let logged = event.or_else(|| Some(Labels::logged(status?, failure_type)));
        if logged.is_none() && !deleted {
            return Err(null(if self.event.is_absent() {
                "status"
            } else {
                "event"
            }));
        }
        Ok((logged, raw_form(event, status, failure_type)))
    }
}

/// Which of the three columns hold what: rows that mean the same may differ in it.
fn raw_form(
    event: Option<Logged>,
    status: Option<StatusLabel>,
    failure_type: Option<FailureType>,
) -> u64 {
    u64::from(event.is_some()) << 8
        | status.map_or(0, |status| status as u64) << 4
        | failure_type.map_or(0, |failure_type| failure_type as u64)
}

/// The columns of the tracking log alone.
struct Tracking {
    tracking_type: Labelled<(Tracked, Code)>,
    url: Labelled<Code>,
}

impl Tracking {
    fn new(decoder: &Decoder<'_>, batch: &RecordBatch) -> Result<Tracking, Unsupported> {
        let codes = decoder.codes;
        Ok(Tracking {
            tracking_type: Labelled::new("type", batch.column_by_name("type"), |label| {
                let (tracked, value) = decoder.labels.tracking_type(label);
                Cell::Value((tracked, codes.intern(Some(value))))
            })?,
            url: Labelled::new("url_id", batch.column_by_name("url_id"), |url| {
                Cell::Value(codes.intern(Some(Value::Text(url.into()))))
            })?,
        })
    }

    #[inline]
    fn read<M: DecodeKey>(&self, decoder: &Decoder<'_>, keys: &Keys<'_, M>, row: usize) -> Read<M> {
        let Some(head) = keys.head(row)? else {
            return Ok(None);
        };
        let codes = decoder.codes;
        let tracking_type = self.tracking_type.get(row, |code| {
            let tracked = decoder.labels.tracking_code(code);
            let code = match tracked {
                Tracked::Unknown => codes.intern(Some(Value::Number(code))),
                _ => Code::NULL,
            };
            Cell::Value((tracked, code))
        });
        let tracking_type = needed(tracking_type, "type", head.deleted)?;
        let at = keys.at(row, head.deleted)?;
        let url = self.url.get(row, |url| {
            Cell::Value(codes.intern(Some(Value::Number(url))))
        });
        let url = lenient(url, "url_id", head.deleted)?.unwrap_or(Code::NULL);
        let code = match tracking_type {
            Some((Tracked::Unknown, value)) => match codes.value(value) {
                Some(value) => codes.intern_unknown_type(value, codes.value(url)),
                None => url,
            },
            _ => url,
        };
        let stamp = Stamp::tracking(at, tracking_type.map(|(tracked, _)| tracked));
        Ok(Some(keys.event(row, &head, stamp, code, 0)))
    }
}

fn known<T>(meaning: Option<T>) -> Cell<T> {
    meaning.map_or(Cell::Bad(UNKNOWN), Cell::Value)
}

fn null(column: &'static str) -> Rejection {
    Rejection {
        column,
        reason: NULL,
    }
}

/// A value that every row must have.
#[inline]
fn required<T>(cell: Cell<T>, column: &'static str) -> Result<T, Rejection> {
    match cell {
        Cell::Value(value) => Ok(value),
        Cell::Null => Err(null(column)),
        Cell::Bad(reason) => Err(Rejection { column, reason }),
    }
}

/// A value that a row may lack.
#[inline]
fn optional<T>(cell: Cell<T>, column: &'static str) -> Result<Option<T>, Rejection> {
    match cell {
        Cell::Value(value) => Ok(Some(value)),
        Cell::Null => Ok(None),
        Cell::Bad(reason) => Err(Rejection { column, reason }),
    }
}

/// A value that only a deletion may lack; what is wrong with it does not matter there.
#[inline]
fn needed<T>(cell: Cell<T>, column: &'static str, deleted: bool) -> Result<Option<T>, Rejection> {
    if deleted {
        return Ok(cell.ok());
    }
    required(cell, column).map(Some)
}

/// A value that a row may lack; where the row is lenient, what is wrong with it does not matter.
#[inline]
fn lenient<T>(
    cell: Cell<T>,
    column: &'static str,
    is_lenient: bool,
) -> Result<Option<T>, Rejection> {
    if is_lenient {
        return Ok(cell.ok());
    }
    optional(cell, column)
}
