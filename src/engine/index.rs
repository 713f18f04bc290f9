//! The messages of one partition, each at its place.

use super::packed::Number;
use super::partition::home;
use super::run::Piece;
use crate::model::{DeliveryIndex, MessageKey};

/// What tells messages apart.
pub type Key<M> = (M, DeliveryIndex);

/// A message, and what is known of it.
pub struct Message<M, T> {
    pub message: M,
    pub delivery: DeliveryIndex,
    pub known: T,
}

/// Messages in the order in which they came; the room is used again for the next partition.
pub struct Index<M, T> {
    /// Open addressing: the place in `messages` plus one, 0 where empty.
    table: Vec<u32>,
    messages: Vec<Message<M, T>>,
    /// The slots of keys in the table, and what is there.
    guesses: Vec<(u32, u32)>,
}

impl<M, T> Default for Index<M, T> {
    fn default() -> Self {
        Index {
            table: Vec::new(),
            messages: Vec::new(),
            guesses: Vec::new(),
        }
    }
}

impl<M: MessageKey, T: Default> Index<M, T> {
    /// Forgets all messages.
    pub fn clear(&mut self) {
        if !self.messages.is_empty() {
            self.table.fill(0);
        }
        self.messages.clear();
    }

    /// The messages, by their places.
    pub fn messages(&self) -> &[Message<M, T>] {
        &self.messages
    }

    /// What is known of the message at a place.
    pub fn known_mut(&mut self, place: u32) -> &mut T {
        &mut self.messages[place as usize].known
    }

    /// Room for so many more messages: at most every second slot is taken.
    pub fn make_room(&mut self, more: usize) {
        let messages = self.messages.len() + more;
        if self.table.len() >= messages * 2 {
            return;
        }
        let slots = (messages * 4).next_power_of_two();
        assert!(
            u32::try_from(slots).is_ok(),
            "more than 2^30 rows in a partition"
        );
        self.table.clear();
        self.table.resize(slots, 0);
        for (place, message) in (1..).zip(&self.messages) {
            let mut slot = home(message.message, message.delivery) as usize & (slots - 1);
            while self.table[slot] != 0 {
                slot = (slot + 1) & (slots - 1);
            }
            self.table[slot] = place;
        }
    }

    /// The place of a message, if it is here. There is room for at least one.
    pub fn find(&self, (message, delivery): Key<M>) -> Option<u32> {
        let mask = self.table.len() - 1;
        let mut slot = home(message, delivery) as usize & mask;
        loop {
            let place = self.table[slot].checked_sub(1)?;
            let known = &self.messages[place as usize];
            if known.message == message && known.delivery == delivery {
                return Some(place);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The place of a message, which gets one if it has none; there is room for it.
    pub fn place(&mut self, (message, delivery): Key<M>) -> u32 {
        let slot = home(message, delivery) as usize & (self.table.len() - 1);
        self.place_from(message, delivery, slot)
    }

    /// The same for many keys, each handed out with its number, its place, and what is known of the message.
    #[inline(always)]
    pub fn place_all(&mut self, keys: &[Key<M>], mut take: impl FnMut(usize, Key<M>, u32, &mut T)) {
        if keys.is_empty() {
            return;
        }
        self.make_room(keys.len());
        // What the table holds is fetched for all keys before it is needed for one.
        let mask = self.table.len() - 1;
        self.guesses.clear();
        self.guesses.extend(keys.iter().map(|(message, delivery)| {
            let slot = home(*message, *delivery) as usize & mask;
            (slot as u32, self.table[slot])
        }));
        for (at, (message, delivery)) in keys.iter().enumerate() {
            let (slot, guess) = self.guesses[at];
            let place = match self.messages.get((guess as usize).wrapping_sub(1)) {
                Some(known) if known.message == *message && known.delivery == *delivery => {
                    guess - 1
                }
                _ => self.place_from(*message, *delivery, slot as usize),
            };
            let key = (*message, *delivery);
            take(at, key, place, &mut self.messages[place as usize].known);
        }
    }

    /// The place of a message, looked for from this slot on.
    #[inline]
    fn place_from(&mut self, message: M, delivery: DeliveryIndex, mut slot: usize) -> u32 {
        let mask = self.table.len() - 1;
        loop {
            match self.table[slot] {
                0 => break,
                held => {
                    let known = &self.messages[held as usize - 1];
                    if known.message == message && known.delivery == delivery {
                        return held - 1;
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
        let place = self.messages.len() as u32;
        self.messages.push(Message {
            message,
            delivery,
            known: T::default(),
        });
        self.table[slot] = place + 1;
        place
    }
}

/// The messages of the rows of a piece.
pub fn read_keys<M: MessageKey>(piece: &Piece<'_>, keys: &mut Vec<Key<M>>) {
    // All of them are set below: what is there need not be cleared.
    keys.resize(piece.rows(), (M::NONE, DeliveryIndex(0)));
    let keys = keys.as_mut_slice();
    piece.each(Number::Low, keys, |key, low| key.0 = M::from_wide([0, low]));
    if M::WIDE {
        piece.each(Number::High, keys, |key, high| {
            key.0 = M::from_wide([high, key.0.wide()[1]]);
        });
    }
    piece.each(Number::Delivery, keys, |key, delivery| {
        key.1 = DeliveryIndex(delivery as u32);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_keeps_its_place() {
        let mut index = Index::<u64, u32>::default();
        for round in 0..3u64 {
            index.clear();
            let key = |at: u64| ((at % 700) << 40, DeliveryIndex((at % 3 + round) as u32));
            let keys: Vec<Key<u64>> = (0..5000).map(key).collect();
            let mut places = Vec::new();
            for some in keys.chunks(900) {
                index.place_all(some, |_, _, place, met| {
                    *met += 1;
                    places.push(place);
                });
            }
            assert_eq!(index.messages().len(), 2100);
            for (key, place) in keys.iter().zip(&places) {
                let message = &index.messages()[*place as usize];
                assert_eq!((message.message, message.delivery), *key);
                assert_eq!(index.find(*key), Some(*place));
                assert_eq!(index.place(*key), *place);
            }
            let met: u32 = index.messages().iter().map(|m| m.known).sum();
            assert_eq!(met, 5000);
            assert_eq!(index.find((1, DeliveryIndex(0))), None);
        }
    }
}
