//! The rows of one message.

use super::cell::{Cell, Unsupported};
use super::ids::{DecodeKey, Deliveries, Recent};
use super::labelled::Texts;
use super::logs::{Decoded, Decoder};
use crate::model::{Event, Log, Rejection, Tail};
use arrow::array::RecordBatch;
use std::collections::HashSet;

/// A row of the message, or why it is rejected.
pub type FoundRow<M> = Result<(Event<M>, Tail), Rejection>;

impl Decoder<'_> {
    /// The text identifiers of a batch whose fingerprints are wanted.
    pub fn texts(
        &self,
        batch: &RecordBatch,
        wanted: &HashSet<[u64; 2]>,
    ) -> Result<Vec<([u64; 2], String)>, Unsupported> {
        let ids = Texts::new("message_id", batch.column_by_name("message_id"))?;
        let text = |row| {
            let text = ids.get(row).ok()?;
            let key = self.fingerprint.of(text);
            wanted.contains(&key).then(|| (key, text.to_owned()))
        };
        Ok((0..batch.num_rows()).filter_map(text).collect())
    }

    /// Where in a batch the rows of a message of the selected delivery are.
    pub fn places<M: DecodeKey>(
        &self,
        batch: &RecordBatch,
        message: M,
    ) -> Result<Vec<usize>, Unsupported> {
        let column = |name| batch.column_by_name(name);
        let recent = Recent::default();
        let deliveries =
            Deliveries::new(column("delivery_id"), self.catalog, self.selection, recent)?;
        let messages = M::column(column("message_id"))?;
        let is_sought = |row: &usize| {
            matches!(deliveries.get(*row), Cell::Value(Some(_)))
                && M::get(&messages, *row, &self.fingerprint) == Cell::Value(message)
        };
        Ok((0..batch.num_rows()).filter(is_sought).collect())
    }

    /// The rows of a message of the selected delivery, with their places in the batch. Each is decoded
    /// as every row is.
    pub fn find<M: DecodeKey>(
        &self,
        log: Log,
        batch: &RecordBatch,
        message: M,
    ) -> Result<Vec<(usize, FoundRow<M>)>, Unsupported> {
        let mut found = Vec::new();
        for row in self.places(batch, message)? {
            let mut decoded = Decoded::default();
            self.decode(log, true, &batch.slice(row, 1), &mut decoded)?;
            let tail = decoded.tails.pop().unwrap_or_default();
            let event = decoded.events.pop().map(|event| (event, tail));
            let rejection = decoded.counts.rejections.into_keys().next();
            match (event, rejection) {
                (Some(event), _) => found.push((row, Ok(event))),
                (None, Some(rejection)) => found.push((row, Err(rejection))),
                (None, None) => {}
            }
        }
        Ok(found)
    }
}
