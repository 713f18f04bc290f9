//! Identifiers: deliveries to their places in the catalog, messages to what stands for them.

use super::cell::{Cell, Ints, Unsupported};
use super::labelled::{Labelled, Texts};
use super::logs::Selection;
use crate::extracts::is_text;
use crate::model::{Catalog, DeliveryId, DeliveryIndex, MessageKey};
use arrow::array::ArrayRef;
use siphasher::sip128::SipHasher13;
use std::cell::RefCell;

/// The key of the fingerprints of one run: chosen at random, so that nobody can make texts collide.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint {
    key: (u64, u64),
}

impl Fingerprint {
    /// A new random key.
    pub fn random() -> Fingerprint {
        use std::hash::{BuildHasher, RandomState};
        let word = || RandomState::new().hash_one(0);
        Fingerprint {
            key: (word(), word()),
        }
    }

    /// The key, to be written.
    pub fn key(self) -> (u64, u64) {
        self.key
    }

    /// One that was written.
    pub fn of_key(key: (u64, u64)) -> Fingerprint {
        Fingerprint { key }
    }

    /// A known key, for numbers that must come out the same and decide nothing.
    pub const fn fixed() -> Fingerprint {
        Fingerprint { key: (0, 0) }
    }

    /// The fingerprint of a text.
    pub fn of(&self, text: &str) -> [u64; 2] {
        let hash = SipHasher13::new_with_keys(self.key.0, self.key.1);
        let hash = hash.hash(text.as_bytes());
        [hash.h1, hash.h2]
    }
}

/// A message key that can be read from a column.
pub trait DecodeKey: MessageKey {
    /// The column, ready to be read.
    type Column;
    /// Reads the column `message_id`.
    fn column(array: Option<&ArrayRef>) -> Result<Self::Column, Unsupported>;
    /// The key of an identifier as it is typed; none if it cannot be one.
    fn typed(text: &str, fingerprint: &Fingerprint) -> Option<Self>;
    /// The key of a row.
    fn get(column: &Self::Column, row: usize, fingerprint: &Fingerprint) -> Cell<Self>;
    /// Adds the keys of so many rows; false where one has none.
    fn add_all(
        column: &Self::Column,
        rows: usize,
        fingerprint: &Fingerprint,
        keys: &mut Vec<Self>,
    ) -> bool {
        let mut are_good = true;
        keys.extend(
            (0..rows).map(|row| match Self::get(column, row, fingerprint) {
                Cell::Value(key) => key,
                Cell::Null | Cell::Bad(_) => {
                    are_good = false;
                    Self::NONE
                }
            }),
        );
        are_good
    }
}

impl DecodeKey for u64 {
    type Column = Ints;

    fn column(array: Option<&ArrayRef>) -> Result<Ints, Unsupported> {
        Ints::new("message_id", array)
    }

    fn typed(text: &str, _: &Fingerprint) -> Option<u64> {
        text.parse().ok().map(|id: i64| id as u64)
    }

    #[inline(always)]
    fn get(column: &Ints, row: usize, _: &Fingerprint) -> Cell<u64> {
        match column.get(row) {
            Cell::Value(id) => Cell::Value(id as u64),
            Cell::Null => Cell::Null,
            Cell::Bad(why) => Cell::Bad(why),
        }
    }

    fn add_all(column: &Ints, _: usize, _: &Fingerprint, keys: &mut Vec<u64>) -> bool {
        let plain = column.plain();
        keys.extend(plain.unwrap_or_default().iter().map(|id| *id as u64));
        plain.is_some()
    }
}

impl DecodeKey for [u64; 2] {
    type Column = Texts;

    fn column(array: Option<&ArrayRef>) -> Result<Texts, Unsupported> {
        Texts::new("message_id", array)
    }

    fn typed(text: &str, fingerprint: &Fingerprint) -> Option<[u64; 2]> {
        Some(fingerprint.of(text))
    }

    #[inline(always)]
    fn get(column: &Texts, row: usize, fingerprint: &Fingerprint) -> Cell<[u64; 2]> {
        match column.get(row) {
            Cell::Value(id) => Cell::Value(fingerprint.of(id)),
            Cell::Null => Cell::Null,
            Cell::Bad(why) => Cell::Bad(why),
        }
    }
}

/// A delivery of a row: one that the run was asked for, or not.
pub type Place = Option<DeliveryIndex>;

/// The column `delivery_id`, resolved to places in the catalog.
pub struct Deliveries<'a> {
    column: Labelled<Place>,
    catalog: &'a Catalog,
    selection: &'a Selection,
    recent: RefCell<Recent>,
}

/// The places that identifiers got last, kept from batch to batch.
#[derive(Debug, Default)]
pub struct Recent(Vec<(i64, Place)>);

const RECENT: usize = 4096;

impl<'a> Deliveries<'a> {
    /// Reads the column.
    pub fn new(
        array: Option<&ArrayRef>,
        catalog: &'a Catalog,
        selection: &'a Selection,
        mut recent: Recent,
    ) -> Result<Deliveries<'a>, Unsupported> {
        let resolve =
            |text: &str| Cell::Value(place(&DeliveryId::Text(text.into()), catalog, selection));
        let column = Labelled::new("delivery_id", array, resolve)?;
        // An identifier that no slot can hold marks the empty ones.
        if matches!(column, Labelled::Numbers(_)) {
            recent.0.resize(RECENT, (-1, None));
        }
        Ok(Deliveries {
            column,
            catalog,
            selection,
            recent: RefCell::new(recent),
        })
    }

    /// The delivery of a row.
    #[inline(always)]
    pub fn get(&self, row: usize) -> Cell<Place> {
        self.column.get(row, |id| Cell::Value(self.number(id)))
    }

    /// Adds the deliveries of so many rows; false where one is not good, or not asked for.
    pub fn add_all(&self, rows: usize, deliveries: &mut Vec<DeliveryIndex>) -> bool {
        const NONE: DeliveryIndex = DeliveryIndex(0);
        let mut are_good = true;
        let mut good = |delivery: Place| {
            are_good &= delivery.is_some();
            delivery.unwrap_or(NONE)
        };
        match self.column.plain_numbers() {
            Some(ids) => {
                let mut recent = self.recent.borrow_mut();
                let number = |id: &i64| good(recent.number(*id, self.catalog, self.selection));
                deliveries.extend(ids.iter().map(number));
            }
            None => deliveries.extend((0..rows).map(|row| good(self.get(row).ok().flatten()))),
        }
        are_good
    }

    /// What is kept for the next batch of the same catalog and selection.
    pub fn recent(self) -> Recent {
        self.recent.into_inner()
    }

    #[inline(always)]
    fn number(&self, id: i64) -> Place {
        let mut recent = self.recent.borrow_mut();
        recent.number(id, self.catalog, self.selection)
    }
}

impl Recent {
    #[inline(always)]
    fn number(&mut self, id: i64, catalog: &Catalog, selection: &Selection) -> Place {
        let slot = id as usize % RECENT;
        let (held, known) = self.0[slot];
        // Slot 4095 would hold -1, so an empty slot there cannot be told from that identifier.
        if held == id && id != -1 {
            return known;
        }
        let found = place(&DeliveryId::Number(id), catalog, selection);
        self.0[slot] = (id, found);
        found
    }
}

fn place(id: &DeliveryId, catalog: &Catalog, selection: &Selection) -> Place {
    selection.holds(id).then(|| catalog.index(id))
}

/// A column of identifiers that only have to be told apart: text or integer.
pub enum Opaque {
    /// Integers.
    Ints(Ints),
    /// Texts.
    Texts(Texts),
}

impl Opaque {
    /// Reads a column.
    pub fn new(column: &'static str, array: Option<&ArrayRef>) -> Result<Opaque, Unsupported> {
        match array {
            Some(array) if is_text(array.data_type()) => {
                Ok(Opaque::Texts(Texts::new(column, Some(array))?))
            }
            array => Ok(Opaque::Ints(Ints::new(column, array)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use std::sync::Arc;

    #[test]
    fn deliveries_of_any_number_are_told_apart() {
        // 4095 and -1 go to one slot of the recent ones; no slot may take -1 for an empty one.
        let ids = [-1, 4095, -1, 0, 4096, 0, i64::MIN, i64::MAX, -1];
        let array: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        let catalog = Catalog::default();
        let all = Deliveries::new(Some(&array), &catalog, &Selection::All, Recent::default())
            .expect("integers");
        for (row, id) in ids.into_iter().enumerate() {
            let place = catalog.index(&DeliveryId::Number(id));
            assert_eq!(all.get(row), Cell::Value(Some(place)), "{id}");
        }
        let known = catalog.ids();
        let numbers = [-1, 4095, 0, 4096, i64::MIN, i64::MAX];
        assert_eq!(known, numbers.map(DeliveryId::Number));

        let only = Selection::Only([DeliveryId::Number(4095)].into());
        let some =
            Deliveries::new(Some(&array), &catalog, &only, Recent::default()).expect("integers");
        for (row, id) in ids.into_iter().enumerate() {
            let is_asked_for = matches!(some.get(row), Cell::Value(Some(_)));
            assert_eq!(is_asked_for, id == 4095, "{id}");
        }
    }
}
