//! The rows of one partition, grouped by message.

mod again;

use super::fold::Account;
use super::packed::{Extra, Number, from_order};
use super::partition::home;
use super::run::Piece;
use super::shelf::{Shelved, SpillError};
use crate::history::{Meaning, Row};
use crate::model::{Code, DeliveryIndex, MessageKey, Policy, Stamp, Tail};

/// The messages of one partition; the room is used again for the next one.
pub struct Groups<M> {
    /// Open addressing: the place in `messages` plus one, 0 where empty.
    table: Vec<u32>,
    messages: Vec<Message<M>>,
    /// The messages of the rows of one piece.
    keys: Vec<(M, DeliveryIndex)>,
    /// Their slots in the table, and what is there.
    guesses: Vec<(u32, u32)>,
    /// The rows, in the order in which they came.
    rows: Vec<Linked>,
    /// What the rows point at.
    tails: Vec<Tail>,
    /// The messages in the order of their deliveries, so that the counters of one delivery stay in
    /// the processor's cache.
    order: Vec<u32>,
    /// How many messages the deliveries up to one have; room for sorting.
    starts: Vec<u32>,
    /// The rows of one message, while it is replayed.
    history: Vec<Row>,
    /// Room for rows from files.
    buffer: Vec<u8>,
}

/// Rows of a partition: the slots of their messages are numbers of 32 bits.
const MOST_ROWS: usize = 1 << 30;

/// No row.
const NONE: u32 = u32::MAX;

struct Message<M> {
    message: M,
    delivery: DeliveryIndex,
    /// The place of its last row.
    last: u32,
}

/// A [`Row`], and the one of its message before it.
#[derive(Clone, Copy)]
struct Linked {
    stamp: Stamp,
    code: Code,
    source: u32,
    tail: u32,
    /// The place of that one, or [`NONE`].
    before: u32,
}

impl<M> Default for Groups<M> {
    fn default() -> Self {
        Groups {
            table: Vec::new(),
            messages: Vec::new(),
            keys: Vec::new(),
            guesses: Vec::new(),
            rows: Vec::new(),
            tails: Vec::new(),
            order: Vec::new(),
            starts: Vec::new(),
            history: Vec::new(),
            buffer: Vec::new(),
        }
    }
}

impl<M: MessageKey> Groups<M> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Takes all rows of a partition in.
    pub fn gather(&mut self, shelved: &Shelved, partition: usize) -> Result<(), SpillError> {
        if !self.rows.is_empty() {
            self.table.fill(0);
        }
        self.messages.clear();
        self.rows.clear();
        self.tails.clear();
        let mut buffer = std::mem::take(&mut self.buffer);
        let done = shelved.pieces(partition, &mut buffer, |piece| self.add(piece));
        self.buffer = buffer;
        if shelved.leaves_out_some() {
            self.leave_out(shelved);
        }
        self.sort_by_delivery();
        done
    }

    /// Takes the rows of a piece in, each behind the others of its message.
    pub fn add(&mut self, piece: Piece<'_>) {
        if piece.rows() == 0 {
            return;
        }
        piece.fetch();
        self.make_room(piece.rows());
        let first = self.rows.len();
        self.add_rows(&piece);
        self.read_keys(&piece);
        // What the table holds is fetched for all rows before it is needed for one.
        let mask = self.table.len() - 1;
        self.guesses.clear();
        self.guesses
            .extend(self.keys.iter().map(|(message, delivery)| {
                let slot = home(*message, *delivery) as usize & mask;
                (slot as u32, self.table[slot])
            }));
        for at in 0..self.keys.len() {
            let (message, delivery) = self.keys[at];
            let (slot, guess) = self.guesses[at];
            let place = match self.messages.get((guess as usize).wrapping_sub(1)) {
                Some(known) if known.message == message && known.delivery == delivery => guess - 1,
                _ => self.place(message, delivery, slot as usize),
            };
            let last = &mut self.messages[place as usize].last;
            self.rows[first + at].before = std::mem::replace(last, (first + at) as u32);
        }
    }

    /// The rows of a piece, and what they point at.
    fn add_rows(&mut self, piece: &Piece<'_>) {
        const EMPTY: Linked = Linked {
            stamp: Stamp::from_bits(0),
            code: Code::NULL,
            source: 0,
            tail: Row::SOLE,
            before: NONE,
        };
        let first = self.rows.len();
        self.rows.resize(first + piece.rows(), EMPTY);
        let rows = &mut self.rows[first..];
        piece.each(Number::Stamp, rows, |row, bits| {
            row.stamp = Stamp::from_bits(bits);
        });
        piece.each(Number::Code, rows, |row, bits| {
            row.code = Code::from_bits(bits as u32);
        });
        let sources = piece.sources();
        piece.each(Number::Source, rows, |row, place| {
            row.source = sources[place as usize];
        });
        if piece.extra() == Extra::Tails {
            let tails_before = self.tails.len();
            self.tails
                .resize(tails_before + piece.rows(), Tail::default());
            for (place, row) in (tails_before as u32..).zip(rows) {
                row.tail = place;
            }
            let tails = &mut self.tails[tails_before..];
            piece.each(Number::LogId, tails, |tail, value| {
                tail.log_id = from_order(value);
            });
            piece.each(Number::Revision, tails, |tail, value| {
                tail.revision = from_order(value);
            });
            piece.each(Number::Rest, tails, |tail, value| tail.rest = value);
        }
    }

    fn read_keys(&mut self, piece: &Piece<'_>) {
        let none = (M::NONE, DeliveryIndex(0));
        self.keys.clear();
        self.keys.resize(piece.rows(), none);
        let keys = self.keys.as_mut_slice();
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

    /// Takes the rows of files that were left out out of their messages.
    fn leave_out(&mut self, shelved: &Shelved) {
        for message in &mut self.messages {
            let mut at = std::mem::replace(&mut message.last, NONE);
            let mut kept = Vec::new();
            while at != NONE {
                if !shelved.leaves_out(self.rows[at as usize].source) {
                    kept.push(at);
                }
                at = self.rows[at as usize].before;
            }
            for row in kept.into_iter().rev() {
                self.rows[row as usize].before = std::mem::replace(&mut message.last, row);
            }
        }
        self.messages.retain(|message| message.last != NONE);
    }

    /// Room for so many more rows, and as many more messages: at most every second place is taken.
    fn make_room(&mut self, rows: usize) {
        assert!(
            self.rows.len() + rows < MOST_ROWS,
            "more than 2^30 rows in a partition"
        );
        let messages = self.messages.len() + rows;
        if self.table.len() >= messages * 2 {
            return;
        }
        let places = (messages * 4).next_power_of_two();
        self.table.clear();
        self.table.resize(places, 0);
        for (place, message) in (1..).zip(&self.messages) {
            let mut slot = home(message.message, message.delivery) as usize & (places - 1);
            while self.table[slot] != 0 {
                slot = (slot + 1) & (places - 1);
            }
            self.table[slot] = place;
        }
    }

    /// Sorts by counting, where there are not many more deliveries than messages.
    fn sort_by_delivery(&mut self) {
        let deliveries = self
            .messages
            .iter()
            .map(|m| m.delivery.0 as usize + 1)
            .max()
            .unwrap_or(0);
        self.order.clear();
        if deliveries > 4 * self.messages.len() {
            self.order.extend(0..self.messages.len() as u32);
            self.order
                .sort_unstable_by_key(|place| self.messages[*place as usize].delivery);
            return;
        }
        self.starts.clear();
        self.starts.resize(deliveries + 1, 0);
        for message in &self.messages {
            self.starts[message.delivery.0 as usize + 1] += 1;
        }
        for delivery in 0..deliveries {
            self.starts[delivery + 1] += self.starts[delivery];
        }
        self.order.resize(self.messages.len(), 0);
        for (place, message) in self.messages.iter().enumerate() {
            let next = &mut self.starts[message.delivery.0 as usize];
            self.order[*next as usize] = place as u32;
            *next += 1;
        }
    }

    /// The place of a message, which gets one if it has none, looked for from this slot on.
    #[inline]
    fn place(&mut self, message: M, delivery: DeliveryIndex, mut slot: usize) -> u32 {
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
            last: NONE,
        });
        self.table[slot] = place + 1;
        place
    }

    /// Replays the messages.
    pub fn replay<A: Account<M>>(
        &mut self,
        policies: &[Policy],
        meaning: Meaning<'_>,
        account: &mut A,
    ) {
        for place in &self.order {
            let message = &self.messages[*place as usize];
            self.history.clear();
            let mut at = message.last;
            while at != NONE {
                let linked = self.rows[at as usize];
                self.history.push(Row {
                    stamp: linked.stamp,
                    code: linked.code,
                    source: linked.source,
                    tail: linked.tail,
                });
                at = linked.before;
            }
            // Most rows came in the order of time.
            self.history.reverse();
            account.message(
                message.delivery,
                message.message,
                &mut self.history,
                &self.tails,
                &policies[message.delivery.0 as usize],
                meaning,
            );
        }
    }
}
