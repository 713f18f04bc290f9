//! Rows sorted by partition: the form in which they wait to be folded.

use super::block::Words;
use super::deliveries::DeliverySet;
use super::packed::{Extra, MARGIN, Number, Packing};
use super::partition::Partitions;
use super::sheaf::Sheaf;
use crate::model::MessageKey;
use std::hint::black_box;
use std::ops::Range;

/// Rows in the order of their partitions, in the memory of a [`Slab`](super::slab::Slab).
pub struct Run {
    packing: Packing,
    sources: Vec<u32>,
    /// Where the rows of each partition start.
    starts: Vec<u32>,
    /// Where its bytes are: the rows, and the margin of the last one.
    bytes: Range<usize>,
    deliveries: DeliverySet,
}

/// The rows of a run in one partition.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    pub(super) packing: &'a Packing,
    pub(super) sources: &'a [u32],
    /// The rows, and the margin of the last one.
    pub(super) bytes: &'a [u8],
    pub(super) rows: usize,
}

impl Run {
    /// The rows of one partition; `memory` is that of its slab.
    pub(super) fn piece<'a>(&'a self, memory: &'a [u8], partition: usize) -> Piece<'a> {
        let rows = self.starts[partition] as usize..self.starts[partition + 1] as usize;
        let width = self.packing.bytes();
        let bytes = &memory[self.bytes.clone()];
        Piece {
            packing: &self.packing,
            sources: &self.sources,
            bytes: &bytes[rows.start * width..rows.end * width + MARGIN],
            rows: rows.len(),
        }
    }

    /// How its rows are written, and the sources that they name.
    pub(super) fn form(&self) -> (&Packing, &[u32]) {
        (&self.packing, &self.sources)
    }

    /// The deliveries of its rows.
    pub(super) fn deliveries(&self) -> &DeliverySet {
        &self.deliveries
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.starts.last().map_or(0, |rows| *rows as usize)
    }

    /// How much memory it takes besides its bytes.
    pub(super) fn overhead(&self) -> usize {
        4 * (self.starts.len() + self.sources.len()) + size_of::<Run>()
    }
}

impl Piece<'_> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What the rows have besides their events.
    pub fn extra(&self) -> Extra {
        self.packing.extra()
    }

    /// One number of one row.
    #[inline(always)]
    pub fn get(&self, number: Number, row: usize) -> u64 {
        self.packing.get(number, self.bytes, row)
    }

    /// The sources of the rows, by the places that the rows have as [`Number::Source`].
    pub fn sources(&self) -> &[u32] {
        self.sources
    }

    /// Has the processor fetch all rows, many at a time.
    #[inline]
    pub fn fetch(&self) {
        const LINE: usize = 64;
        let lines = self.bytes.iter().step_by(LINE);
        black_box(lines.fold(0, |all, byte| all ^ byte));
    }

    /// Hands one number of each row to the item in its place; the order of the rows is always the same
    /// for one run.
    #[inline(always)]
    pub fn each<T>(&self, number: Number, items: &mut [T], set: impl Fn(&mut T, u64)) {
        self.packing.each(number, self.bytes, items, set);
    }
}

/// Where the rows of a sheaf belong, and in how many bytes.
pub(super) struct Order {
    starts: Vec<u32>,
    packing: Packing,
    sources: Vec<u32>,
}

impl Order {
    /// Of a sheaf that is cut. None where there is no row.
    pub fn of<M: MessageKey>(sheaf: &mut Sheaf<M>, partitions: Partitions) -> Option<Order> {
        sheaf.look(partitions);
        let seen = sheaf.seen();
        seen.partition_of.first()?;
        let count = partitions.count();
        let mut starts = vec![0u32; count + 1];
        for partition in &seen.partition_of {
            starts[usize::from(*partition) + 1] += 1;
        }
        for partition in 0..count {
            starts[partition + 1] += starts[partition];
        }
        let sources = sheaf.distinct();
        Some(Order {
            starts,
            packing: seen.survey.packing(sheaf.extra(), sources.len()),
            sources,
        })
    }

    /// How many bytes the rows take, and the margin of the last one.
    pub fn bytes(&self) -> usize {
        let rows = self.starts.last().map_or(0, |rows| *rows as usize);
        rows * self.packing.bytes() + MARGIN
    }

    /// Writes the rows of the sheaf, in this order, from a place in a slab's memory on, and leaves the
    /// sheaf empty.
    pub fn write<M: MessageKey>(self, sheaf: &mut Sheaf<M>, memory: &mut [u8], at: usize) -> Run {
        let place = at..at + self.bytes();
        let bytes = &mut memory[place.clone()];
        let width = self.packing.bytes();
        let starts = self.starts.iter().map(|rows| *rows as usize * width);
        let mut next: Vec<usize> = starts.collect();
        let mut words = Words::default();
        let mut left = sheaf.seen().partition_of.as_slice();
        for block in sheaf.blocks() {
            self.packing.pack(block, &mut words);
            let (partitions, others) = left.split_at(block.stamps.len());
            left = others;
            self.packing.write(&mut words, partitions, &mut next, bytes);
        }
        let deliveries = sheaf.seen().deliveries();
        sheaf.clear();
        Run {
            packing: self.packing,
            sources: self.sources,
            starts: self.starts,
            bytes: place,
            deliveries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::packed::from_order;
    use crate::engine::slab::Slab;
    use crate::model::{
        Code, Codes, DeliveryIndex, Event, Instant, Logged, Report, Stamp, Tail, Value,
    };
    use std::collections::{BTreeSet, HashMap};

    fn event<M>(message: M, delivery: u32, code: Code) -> Event<M> {
        Event {
            message,
            stamp: Stamp::sending(Some(Instant::FIRST), Some(Logged::Event(Report::Relayed))),
            delivery: DeliveryIndex(delivery),
            code,
        }
    }

    /// The rows of a partition, with their sources and the `log_id`s of their tails.
    fn rows<M: MessageKey>(slab: &Slab, partition: usize) -> Vec<(Event<M>, u32, Option<Tail>)> {
        let piece = slab.pieces(partition).next().expect("a run");
        let mut rows = vec![(event(M::from_wide([0, 0]), 0, Code::NULL), 0, None); piece.rows()];
        piece.each(Number::High, &mut rows, |row, high| {
            row.0.message = M::from_wide([high, 0]);
        });
        piece.each(Number::Low, &mut rows, |row, low| {
            row.0.message = M::from_wide([row.0.message.wide()[0], low]);
        });
        piece.each(Number::Delivery, &mut rows, |row, delivery| {
            row.0.delivery = DeliveryIndex(delivery as u32);
        });
        piece.each(Number::Code, &mut rows, |row, code| {
            row.0.code = Code::from_bits(code as u32);
        });
        piece.each(Number::Stamp, &mut rows, |row, bits| {
            row.0.stamp = Stamp::from_bits(bits);
        });
        piece.each(Number::Source, &mut rows, |row, place| {
            row.1 = piece.sources()[place as usize];
        });
        if piece.extra() == Extra::Tails {
            rows.iter_mut()
                .for_each(|row| row.2 = Some(Tail::default()));
            let set = |row: &mut (Event<M>, u32, Option<Tail>), set: &dyn Fn(&mut Tail)| {
                row.2.as_mut().map(set).expect("a tail");
            };
            piece.each(Number::LogId, &mut rows, |row, value| {
                set(row, &|tail| tail.log_id = from_order(value));
            });
            piece.each(Number::Revision, &mut rows, |row, value| {
                set(row, &|tail| tail.revision = from_order(value));
            });
            piece.each(Number::Rest, &mut rows, |row, value| {
                set(row, &|tail| tail.rest = value);
            });
        }
        rows
    }

    fn of_one_source<M: MessageKey>(events: Vec<Event<M>>) -> Sheaf<M> {
        let mut sheaf = Sheaf::default();
        sheaf.decoded.events = events.into_iter().collect();
        sheaf.end(0);
        sheaf
    }

    #[test]
    fn all_rows_of_a_message_meet_and_none_is_lost() {
        let many = Partitions::for_rows(1 << 21, 200);
        for partitions in [1, 2, 64].map(Partitions::of).into_iter().chain([many]) {
            let mut sheaf = Sheaf::default();
            for row in 0..5000u64 {
                let code = Code::small(row as i64).expect("small");
                let event = event(row % 700, (row % 3) as u32, code);
                sheaf.decoded.events.push(event);
                sheaf.decoded.tails.push(Tail {
                    log_id: row as i64 - 2000,
                    revision: -(row as i64 % 5),
                    rest: row.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                });
                // Files of ten rows, of none, and of many.
                if row < 100 && row % 10 == 9 || row == 4000 {
                    sheaf.end(row as u32);
                    sheaf.end(row as u32 + 1);
                }
            }
            sheaf.end(5000);
            let run = Slab::of(&mut sheaf, partitions);
            assert_eq!((sheaf.rows(), sheaf.extra()), (0, Extra::None));
            let mut home = HashMap::new();
            let mut met = BTreeSet::new();
            for partition in 0..partitions.count() {
                for (event, source, tail) in rows::<u64>(&run, partition) {
                    let tail = tail.expect("a tail for each row");
                    let row = (tail.log_id + 2000) as u64;
                    assert!(met.insert(row), "row {row} comes once");
                    let code = Code::small(row as i64).expect("small");
                    assert_eq!((event.code, event.message), (code, row % 700));
                    assert_eq!(tail.revision, -(row as i64 % 5));
                    assert_eq!(tail.rest, row.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                    let of_source = match row {
                        0..100 => row / 10 * 10 + 9,
                        100..=4000 => 4000,
                        _ => 5000,
                    };
                    assert_eq!(u64::from(source), of_source, "row {row}");
                    let key = (event.delivery, event.message);
                    assert_eq!(*home.entry(key).or_insert(partition), partition);
                }
            }
            assert_eq!((met.len(), run.rows()), (5000, 5000));
        }
    }

    /// How many bytes these rows take each; they come out as they went in.
    fn bytes<M: MessageKey + std::fmt::Debug>(events: Vec<Event<M>>) -> usize {
        let key = |event: &Event<M>| (event.message, event.delivery, event.code, event.stamp);
        let went_in: BTreeSet<_> = events.iter().map(key).collect();
        let mut sheaf = of_one_source(events);
        let run = Slab::of(&mut sheaf, Partitions::of(1));
        let came_out = rows::<M>(&run, 0);
        assert_eq!(
            came_out
                .iter()
                .map(|row| key(&row.0))
                .collect::<BTreeSet<_>>(),
            went_in
        );
        assert_eq!(came_out.len(), went_in.len());
        let piece = run.pieces(0).next().expect("a run");
        piece.packing.bytes()
    }

    #[test]
    fn rows_take_as_few_bytes_as_they_need() {
        let codes = Codes::default();
        let text = codes.intern(Some(Value::Text("mailbox on fire".into())));
        let large = Code::small((1 << 31) - 2).expect("small");
        let far = |distance: u64| vec![event(7, 3, text), event(7 + distance, 0, Code::NULL)];
        assert_eq!(bytes(far(0)), 1, "2 + 1 bits");
        assert_eq!(bytes(far(31)), 1, "5 + 2 + 1 bits");
        assert_eq!(
            bytes(far(32)),
            1,
            "1 + 2 + 1 bits, as the lower ones are the same"
        );
        assert_eq!(bytes(far(33)), 2, "6 + 2 + 1 bits");
        assert_eq!(bytes(far((1 << 61) - 1)), 8, "61 + 2 + 1 bits");
        assert_eq!(bytes(far((1 << 62) - 1)), 8 + 1, "62 + 2 bits, and 1");
        assert_eq!(bytes(far(u64::MAX - 8)), 8 + 1, "64 bits, and 2 + 1");
        let wide = |delivery| vec![event(1023u64, delivery, large), event(0, 0, Code::NULL)];
        assert_eq!(bytes(wide((1 << 24) - 1)), 5 + 4, "10 + 24 bits, and 31");
        // Identifiers below zero stand at the end of the unsigned ones.
        let below = |other: i64| vec![event(-5i64 as u64, 1, text), event(other as u64, 1, text)];
        assert_eq!((bytes(below(-9)), bytes(below(5))), (1, 8));
        let texts = |high| {
            vec![
                event([u64::MAX, 9], 1, text),
                event([high, 4], 2, Code::NULL),
            ]
        };
        assert_eq!(bytes(texts(u64::MAX)), 1);
        assert_eq!(bytes(texts(0)), 8 + 1);
        let same = vec![event(5u64, 1, text)];
        assert_eq!(bytes(same), 0, "one row needs none");
        let none = Slab::of(
            &mut of_one_source(Vec::<Event<u64>>::new()),
            Partitions::of(4),
        );
        assert_eq!(none.pieces(0).count(), 0);
    }
}
