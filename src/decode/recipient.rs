//! The recipients of rows.

use super::cell::{Cell, Unsupported};
use super::ids::{Fingerprint, Opaque};
use crate::model::{NO_RECIPIENT, RecipientKey};
use arrow::array::RecordBatch;

/// The column `recipient_id`.
pub(super) struct Recipients {
    column: Opaque,
    fingerprint: Fingerprint,
    /// Hides numbers where rows wait or are kept.
    mask: u64,
}

const NUMBER: u64 = 1;
const TEXT: u64 = 1 << 63;

impl Recipients {
    /// Reads the column; `fingerprint` is a key of recipients alone.
    pub fn new(batch: &RecordBatch, fingerprint: Fingerprint) -> Result<Recipients, Unsupported> {
        let column = batch.column_by_name("recipient_id");
        Ok(Recipients {
            column: Opaque::new("recipient_id", column)?,
            fingerprint,
            mask: fingerprint.key().0,
        })
    }

    /// What stands for the recipient of a row. What cannot be read names nobody: it is no reason to lose the row.
    pub fn get(&self, row: usize) -> RecipientKey {
        match &self.column {
            Opaque::Ints(ints) => match ints.get(row) {
                // No two become the same, and as few bits differ as before.
                Cell::Value(id) => [NUMBER, id as u64 ^ self.mask],
                Cell::Null | Cell::Bad(_) => NO_RECIPIENT,
            },
            Opaque::Texts(texts) => match texts.get(row) {
                Cell::Value(text) => {
                    let [high, low] = self.fingerprint.of(text);
                    [high | TEXT, low]
                }
                Cell::Null | Cell::Bad(_) => NO_RECIPIENT,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    fn keys(column: ArrayRef) -> Vec<RecipientKey> {
        let rows = column.len();
        let batch = RecordBatch::try_from_iter([("recipient_id", column)]).expect("a batch");
        let recipients = Recipients::new(&batch, Fingerprint::fixed()).expect("identifiers");
        (0..rows).map(|row| recipients.get(row)).collect()
    }

    #[test]
    fn who_is_named_and_who_is_not() {
        let numbers = keys(Arc::new(Int64Array::from(vec![Some(7), Some(0), None])));
        assert_eq!(numbers, [[NUMBER, 7], [NUMBER, 0], NO_RECIPIENT]);
        let texts = [Some("7"), Some("7"), Some("  "), Some("07"), None];
        let texts = keys(Arc::new(StringArray::from(texts.to_vec())));
        assert_eq!((texts[0], texts[2]), (texts[1], NO_RECIPIENT));
        assert!(
            [texts[0], texts[3]]
                .iter()
                .all(|[high, _]| high & TEXT == TEXT)
        );
        assert!(texts[0] != texts[3] && texts[4] == NO_RECIPIENT);
    }
}
