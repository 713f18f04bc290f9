//! The rows of the tracking log.

use super::cell::{Bools, Cell, Unsupported};
use super::events::Events;
use super::ids::DecodeKey;
use super::keys::Keys;
use super::labelled::Labelled;
use super::logs::{Decoder, Read, add_stamps};
use super::presence::{lenient, needed};
use crate::model::{Code, Stamp, Tracked, Value};
use arrow::array::RecordBatch;

/// The columns of the tracking log alone.
pub(super) struct Tracking {
    tracking_type: Labelled<(Tracked, Code)>,
    url: Labelled<Code>,
    machine: Bools,
}

impl Tracking {
    pub(super) fn new(decoder: &Decoder<'_>, batch: &RecordBatch) -> Result<Tracking, Unsupported> {
        let codes = decoder.codes;
        Ok(Tracking {
            tracking_type: Labelled::new("type", batch.column_by_name("type"), |label| {
                let (tracked, value) = decoder.labels.tracking_type(label);
                Cell::Value((tracked, codes.intern(Some(value))))
            })?,
            url: Labelled::new("url_id", batch.column_by_name("url_id"), |url| {
                Cell::Value(codes.intern_link(url))
            })?,
            machine: Bools::new("machine", batch.column_by_name("machine"))?,
        })
    }

    /// All that has to be told apart is in the event.
    pub(super) const FORM: u64 = 0;

    /// Adds what the rows say, when, and of which link; false where a type is none of the contract's, or something
    /// is odd. `mark` is what all stamps have in common.
    pub(super) fn plain<M>(
        &self,
        decoder: &Decoder<'_>,
        mark: Stamp,
        at: &[i64],
        events: &mut Events<M>,
    ) -> bool {
        let known = |code| Cell::Value((decoder.labels.tracking_code(code), Code::NULL));
        let mut are_known = true;
        let start = events.stamps.len();
        let said = (0..at.len()).map(|row| {
            let tracked = match self.tracking_type.get(row, known) {
                Cell::Value((tracked, _)) => tracked,
                Cell::Null | Cell::Bad(_) => Tracked::Unknown,
            };
            are_known &= tracked != Tracked::Unknown;
            Stamp::tracking(None, Some(tracked)).with(mark)
        });
        let are_plausible = add_stamps(&mut events.stamps, said, at);
        let number = |url| Cell::Value(decoder.codes.intern(Some(Value::Number(url))));
        self.mark(&mut events.stamps[start..]);
        are_known
            && are_plausible
            && self
                .url
                .fill(&mut events.codes, Code::NULL, at.len(), number)
    }

    /// Marks the rows that machines have made.
    fn mark(&self, stamps: &mut [Stamp]) {
        if self.machine.is_never() {
            return;
        }
        for (row, stamp) in stamps.iter_mut().enumerate() {
            if self.is_machine(row) {
                *stamp = stamp.by_machine();
            }
        }
    }

    /// Whether the row says that a machine has made it. What is neither true nor false there is no reason to lose an
    /// open.
    fn is_machine(&self, row: usize) -> bool {
        self.machine.get(row) == Cell::Value(true)
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
        let mut stamp = Stamp::tracking(at, tracking_type.map(|(tracked, _)| tracked));
        if self.is_machine(row) {
            stamp = stamp.by_machine();
        }
        Ok(Some(keys.event(row, &head, stamp, code, Self::FORM)))
    }
}
