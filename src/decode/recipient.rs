//! The recipients of rows.

use super::cell::{Cell, Unsupported};
use super::ids::{Fingerprint, Opaque};
use crate::model::{NO_RECIPIENT, RecipientKey};
use arrow::array::RecordBatch;

/// The column `recipient_id`.
pub(super) struct Recipients {
    column: Opaque,
    fingerprint: Fingerprint,
}

const NUMBER: u64 = 1;
const TEXT: u64 = 1 << 63;

impl Recipients {
    pub fn new(batch: &RecordBatch, fingerprint: Fingerprint) -> Result<Recipients, Unsupported> {
        let column = batch.column_by_name("recipient_id");
        Ok(Recipients {
            column: Opaque::new("recipient_id", column)?,
            fingerprint,
        })
    }

    /// What stands for the recipient of a row. What cannot be read names nobody: it is no reason to lose the row.
    pub fn get(&self, row: usize) -> RecipientKey {
        match &self.column {
            Opaque::Ints(ints) => match ints.get(row) {
                Cell::Value(id) => [NUMBER, id as u64],
                Cell::Null | Cell::Bad(_) => NO_RECIPIENT,
            },
            Opaque::Texts(texts) => match texts.get(row) {
                Cell::Value(text) => self.of(text),
                Cell::Null | Cell::Bad(_) => NO_RECIPIENT,
            },
        }
    }

    /// A number that one log has as a text is that of the other.
    fn of(&self, text: &str) -> RecipientKey {
        match text.parse::<i64>() {
            Ok(id) if id.to_string() == text => [NUMBER, id as u64],
            _ => {
                let [high, low] = self.fingerprint.of(text);
                [high | TEXT, low]
            }
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
    fn numbers_are_the_same_whatever_the_column_is() {
        let numbers = keys(Arc::new(Int64Array::from(vec![Some(7), Some(-7), None])));
        let texts = [Some("7"), Some("-7"), Some("  "), Some("07"), Some("ann")];
        let texts = keys(Arc::new(StringArray::from(texts.to_vec())));
        assert_eq!(numbers, texts[..3]);
        assert_eq!((numbers[0], numbers[2]), ([NUMBER, 7], NO_RECIPIENT));
        assert!(texts[3..].iter().all(|[high, _]| high & TEXT == TEXT));
        assert_ne!(texts[3], texts[4]);
    }
}
