//! Messages that are folded again because something of them changed: with the rows that counted before,
//! and with those that count now.

use super::{Groups, Linked, NONE};
use crate::engine::deliveries::DeliverySet;
use crate::engine::fold::Account;
use crate::engine::fold::Behind;
use crate::engine::index::read_keys;
use crate::engine::packed::{Extra, Number, from_order};
use crate::engine::refold::{Judged, Standing};
use crate::engine::rests::RowKey;
use crate::engine::run::Piece;
use crate::engine::watch::Watched;
use crate::history::Row;
use crate::model::{Code, DeliveryIndex, MessageKey, Recipient, Stamp, Tail};
use std::collections::{HashMap, HashSet};

impl<M: MessageKey> Groups<M> {
    /// Starts with no message.
    pub fn clear(&mut self) {
        self.index.clear();
        self.rows.clear();
        self.tails.clear();
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.messages().is_empty()
    }

    /// The deliveries of the messages.
    pub fn deliveries(&self) -> DeliverySet {
        let messages = self.index.messages().iter();
        messages.map(|message| message.delivery).collect()
    }

    /// Takes a message in, without rows.
    pub fn touch(&mut self, message: M, delivery: DeliveryIndex) {
        self.index.make_room(1);
        self.index.place((message, delivery));
    }

    /// Takes the messages of a piece in that have rows of some sources, without the rows; their deliveries
    /// are told.
    pub fn touch_those(
        &mut self,
        piece: Piece<'_>,
        is_one: impl Fn(u32) -> bool,
        deliveries: &mut DeliverySet,
    ) {
        let sources = piece.sources();
        if !sources.iter().any(|source| is_one(*source)) {
            return;
        }
        read_keys(&piece, &mut self.keys);
        for row in 0..piece.rows() {
            if is_one(sources[piece.get(Number::Source, row) as usize]) {
                let (message, delivery) = self.keys[row];
                self.touch(message, delivery);
                deliveries.add(delivery);
            }
        }
    }

    /// Takes the rows of a piece in that belong to the messages that are here, and to deliveries that are
    /// folded as a whole.
    pub fn add_known(
        &mut self,
        piece: Piece<'_>,
        whole: &DeliverySet,
        rests: &HashMap<RowKey, u64>,
    ) {
        if piece.rows() == 0 {
            return;
        }
        read_keys(&piece, &mut self.keys);
        self.index.make_room(1);
        let has_whole = !whole.is_empty();
        for row in 0..piece.rows() {
            let key = self.keys[row];
            let place = match self.index.find(key) {
                Some(place) => place,
                None if has_whole && whole.holds(key.1) => {
                    self.index.make_room(1);
                    self.index.place(key)
                }
                None => continue,
            };
            self.add_row(&piece, row, place, rests);
        }
    }

    fn add_row(&mut self, piece: &Piece<'_>, row: usize, place: u32, rests: &HashMap<RowKey, u64>) {
        let source = piece.sources()[piece.get(Number::Source, row) as usize];
        let tail = match piece.extra() {
            Extra::None => None,
            Extra::RowIds => {
                let log_id = from_order(piece.get(Number::LogId, row));
                let rest = rests.get(&(source, log_id)).copied();
                Some(Tail {
                    log_id,
                    revision: 0,
                    rest: rest.unwrap_or(Tail::UNKNOWN),
                })
            }
            Extra::Tails => Some(Tail {
                log_id: from_order(piece.get(Number::LogId, row)),
                revision: from_order(piece.get(Number::Revision, row)),
                rest: piece.get(Number::Rest, row),
            }),
        };
        let at = self.rows.len() as u32;
        let last = &mut self.index.known_mut(place).0;
        self.rows.push(Linked {
            stamp: Stamp::from_bits(piece.get(Number::Stamp, row)),
            code: Code::from_bits(piece.get(Number::Code, row) as u32),
            source,
            tail: match tail {
                Some(_) => self.tails.len() as u32,
                None => Row::SOLE,
            },
            domain: Code::from_bits(piece.get(Number::Domain, row) as u32),
            before: std::mem::replace(last, at),
        });
        self.tails.extend(tail);
    }

    /// Adds the rows without a digest that have a rival with one, of the same revision.
    pub fn find_doubts(&self, doubts: &mut HashSet<RowKey>) {
        let is_known = |tail: &Tail| tail.rest != Tail::UNKNOWN;
        if self.tails.iter().all(is_known) || !self.tails.iter().any(is_known) {
            return;
        }
        for message in self.index.messages() {
            for (row, tail) in self
                .tailed(message.known.0)
                .filter(|(_, tail)| !is_known(tail))
            {
                let is_rival = |(other, rival): (&Linked, &Tail)| {
                    is_known(rival)
                        && other.stamp.log() == row.stamp.log()
                        && (rival.log_id, rival.revision) == (tail.log_id, tail.revision)
                };
                if row.stamp.has_log_id() && self.tailed(message.known.0).any(is_rival) {
                    doubts.insert((row.source, tail.log_id));
                }
            }
        }
    }

    /// The rows with tails of a message, from its last one on.
    fn tailed(&self, last: u32) -> impl Iterator<Item = (&Linked, &Tail)> {
        let mut at = last;
        let rows = std::iter::from_fn(move || {
            let row = self.rows.get(at as usize)?;
            at = row.before;
            Some(row)
        });
        rows.filter_map(|row| Some((row, self.tails.get(row.tail as usize)?)))
    }

    /// Replays the messages twice.
    pub fn replay_twice(
        &mut self,
        sources: &[Standing],
        (judged_before, before): (Judged<'_>, &mut Watched<'_>),
        (judged_after, after): (Judged<'_>, &mut Watched<'_>),
        corrected: &mut DeliverySet,
    ) {
        let mut others = Vec::new();
        let behind = Behind {
            tails: &self.tails,
            recipients: &[],
        };
        for message in self.index.messages() {
            self.history.clear();
            others.clear();
            let mut at = message.known.0;
            while at != NONE {
                let linked = self.rows[at as usize];
                let row = Row {
                    stamp: linked.stamp,
                    code: linked.code,
                    source: linked.source,
                    tail: linked.tail,
                    domain: linked.domain,
                    // Runs that tell recipients apart read everything.
                    recipient: Recipient::NONE,
                };
                let standing = sources[linked.source as usize];
                if standing.before {
                    self.history.push(row);
                }
                if standing.after {
                    others.push(row);
                }
                at = linked.before;
            }
            self.history.reverse();
            others.reverse();
            let (delivery, id) = (message.delivery, message.message);
            let policy = |judged: Judged<'_>| judged.policies[delivery.0 as usize];
            let corrections = (before.corrected, after.corrected);
            if !self.history.is_empty() {
                before.message(
                    delivery,
                    id,
                    &mut self.history,
                    behind,
                    &policy(judged_before),
                    judged_before.meaning,
                );
            }
            if !others.is_empty() {
                after.message(
                    delivery,
                    id,
                    &mut others,
                    behind,
                    &policy(judged_after),
                    judged_after.meaning,
                );
            }
            if after.corrected - corrections.1 > before.corrected - corrections.0 {
                corrected.add(delivery);
            }
        }
    }
}
