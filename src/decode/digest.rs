//! A digest of the columns that no KPI needs, to tell copies of a row from other rows with its key.

use super::cell::{Bools, Cell, Unsupported};
use super::ids::{Fingerprint, Opaque};
use super::labelled::Texts;
use crate::model::{Tail, spread};
use arrow::array::RecordBatch;
use siphasher::sip::SipHasher13;

/// The columns `recipient_id`, `recipient_domain` and `machine`.
pub struct Rest {
    recipient: Opaque,
    domain: Texts,
    machine: Bools,
    hash: SipHasher13,
}

impl Rest {
    /// Reads the columns of a batch. The digests are kept and recipients can be guessed, so that they have
    /// the key of the fingerprints.
    pub fn new(batch: &RecordBatch, fingerprint: Fingerprint) -> Result<Rest, Unsupported> {
        let (first, second) = fingerprint.key();
        Ok(Rest {
            hash: SipHasher13::new_with_keys(first, second),
            recipient: Opaque::new("recipient_id", batch.column_by_name("recipient_id"))?,
            domain: Texts::new("recipient_domain", batch.column_by_name("recipient_domain"))?,
            machine: Bools::new("machine", batch.column_by_name("machine"))?,
        })
    }

    /// The digest of a row, on top of what the caller has to tell apart: equal where the columns are, as long
    /// as the key is the same.
    #[inline]
    pub fn of(&self, row: usize, other: u64) -> u64 {
        let recipient = match &self.recipient {
            Opaque::Ints(ints) => match ints.get(row) {
                Cell::Value(id) => self.hash.hash(&id.to_le_bytes()),
                Cell::Null => 2,
                Cell::Bad(_) => 3,
            },
            Opaque::Texts(texts) => self.text(texts.get(row)),
        };
        let machine = match self.machine.get(row) {
            Cell::Null => 0,
            Cell::Value(false) => 1,
            Cell::Value(true) => 2,
            Cell::Bad(_) => 3,
        };
        let digest = spread(
            spread(spread(other, recipient), self.text(self.domain.get(row))),
            machine,
        );
        digest.min(Tail::UNKNOWN - 1)
    }

    fn text(&self, cell: Cell<&str>) -> u64 {
        match cell {
            Cell::Value(text) => self.hash.hash(text.as_bytes()),
            Cell::Null => 2,
            Cell::Bad(_) => 3,
        }
    }
}
