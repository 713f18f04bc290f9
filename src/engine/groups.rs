//! Messages of one partition, each with a chain of rows.

mod again;

use super::index::{Index, Key, read_keys};
use super::packed::{Extra, Number, from_order};
use super::run::Piece;
use crate::history::Row;
use crate::model::{Code, MessageKey, Stamp, Tail};

/// Some messages of one partition, with their rows; the room is used again for the next one.
pub struct Groups<M> {
    index: Index<M, Last>,
    /// The messages of the rows of one piece.
    keys: Vec<Key<M>>,
    /// The rows, in the order in which they came.
    rows: Vec<Linked>,
    /// What the rows point at.
    tails: Vec<Tail>,
    /// The rows of one message, while it is replayed.
    history: Vec<Row>,
}

/// No row.
const NONE: u32 = u32::MAX;

/// The place of the last row of a message, or [`NONE`].
struct Last(u32);

impl Default for Last {
    fn default() -> Self {
        Last(NONE)
    }
}

/// A [`Row`], and the one of its message before it.
#[derive(Clone, Copy)]
struct Linked {
    stamp: Stamp,
    code: Code,
    source: u32,
    tail: u32,
    domain: Code,
    /// The place of that one, or [`NONE`].
    before: u32,
}

impl<M> Default for Groups<M> {
    fn default() -> Self {
        Groups {
            index: Index::default(),
            keys: Vec::new(),
            rows: Vec::new(),
            tails: Vec::new(),
            history: Vec::new(),
        }
    }
}

impl<M: MessageKey> Groups<M> {
    /// Takes the rows of a piece in, each behind the others of its message.
    pub fn add(&mut self, piece: Piece<'_>) {
        if piece.rows() == 0 {
            return;
        }
        piece.fetch();
        let first = self.rows.len();
        self.add_rows(&piece);
        read_keys(&piece, &mut self.keys);
        let rows = &mut self.rows[first..];
        self.index.place_all(&self.keys, |at, _, _, last| {
            rows[at].before = std::mem::replace(&mut last.0, (first + at) as u32);
        });
    }

    /// The rows of a piece, and what they point at.
    fn add_rows(&mut self, piece: &Piece<'_>) {
        const EMPTY: Linked = Linked {
            stamp: Stamp::from_bits(0),
            code: Code::NULL,
            source: 0,
            tail: Row::SOLE,
            domain: Code::NULL,
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
        piece.each(Number::Domain, rows, |row, bits| {
            row.domain = Code::from_bits(bits as u32);
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
}
