//! The recipients of the rows of one partition, each with a number.

use crate::model::{NO_RECIPIENT, Recipient, RecipientKey};
use std::collections::HashMap;

/// Recipients in the order in which they came; the room is used again for the next partition.
#[derive(Default)]
pub struct Recipients {
    number_of: HashMap<RecipientKey, Recipient>,
    all: Vec<RecipientKey>,
}

impl Recipients {
    /// Forgets them.
    pub fn clear(&mut self) {
        self.number_of.clear();
        self.all.clear();
    }

    /// Those that have a number, by their places.
    pub fn all(&self) -> &[RecipientKey] {
        &self.all
    }

    /// The number of one.
    pub fn number(&mut self, key: RecipientKey) -> Recipient {
        if key == NO_RECIPIENT {
            return Recipient::NONE;
        }
        *self.number_of.entry(key).or_insert_with(|| {
            self.all.push(key);
            Recipient::of(self.all.len() - 1)
        })
    }
}
