//! The rows of the sending log, in event form and in status form.

use super::cell::{Cell, Unsupported};
use super::events::Events;
use super::ids::DecodeKey;
use super::keys::Keys;
use super::labelled::Labelled;
use super::logs::{Decoder, Read, add_stamps};
use super::presence::{known, lenient, null};
use crate::model::{Code, FailureType, Labels, Logged, Rejection, Stamp, StatusLabel, Value};
use arrow::array::RecordBatch;

/// The columns of the sending log alone.
pub(super) struct Sending {
    event: Labelled<Logged>,
    status: Labelled<StatusLabel>,
    failure_type: Labelled<FailureType>,
    failure_reason: Labelled<Code>,
}

impl Sending {
    pub(super) fn new(decoder: &Decoder<'_>, batch: &RecordBatch) -> Result<Sending, Unsupported> {
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

    /// What has to be told apart in rows that have an event alone.
    pub(super) const PLAIN_FORM: u64 = HAS_EVENT;

    /// Adds what the rows say, when, and why; false where something in it is odd. `mark` is what all stamps have
    /// in common.
    pub(super) fn plain<M>(
        &self,
        decoder: &Decoder<'_>,
        mark: Stamp,
        at: &[i64],
        events: &mut Events<M>,
    ) -> bool {
        let stamp = |logged| Stamp::sending(None, Some(logged)).with(mark);
        let Some((labels, stamps)) = self.event.labels(stamp) else {
            return false;
        };
        let mut are_known = self.status.is_absent();
        let said = labels.iter().map(|label| {
            let stamp = stamps[*label as usize];
            are_known &= stamp.is_some();
            stamp.unwrap_or(mark)
        });
        let are_plausible = add_stamps(&mut events.stamps, said, at);
        let number = |number| Cell::Value(decoder.reason(number));
        let reasons = &self.failure_reason;
        are_known && are_plausible && reasons.fill(&mut events.codes, Code::NULL, at.len(), number)
    }

    #[inline(always)]
    pub(super) fn read<M: DecodeKey>(
        &self,
        decoder: &Decoder<'_>,
        keys: &Keys<'_, M>,
        row: usize,
    ) -> Read<M> {
        let Some(head) = keys.head(row)? else {
            return Ok(None);
        };
        let (logged, raw) = self.logged(decoder.labels, row, head.deleted)?;
        let at = keys.at(row, head.deleted)?;
        let number = |number| Cell::Value(decoder.reason(number));
        let reason = self.failure_reason.get(row, number);
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
    #[inline(always)]
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

impl Decoder<'_> {
    #[inline(always)]
    fn reason(&self, number: i64) -> Code {
        let number = self.labels.failure_reason_code(number);
        self.codes.intern(Some(Value::Number(number)))
    }
}

const HAS_EVENT: u64 = 1 << 8;

/// Which of the three columns hold what: rows that mean the same may differ in it.
fn raw_form(
    event: Option<Logged>,
    status: Option<StatusLabel>,
    failure_type: Option<FailureType>,
) -> u64 {
    event.map_or(0, |_| HAS_EVENT)
        | status.map_or(0, |status| status as u64) << 4
        | failure_type.map_or(0, |failure_type| failure_type as u64)
}
