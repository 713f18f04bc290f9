//! Rows sorted by partition: the form in which they wait to be folded.

use super::packed::{BLOCK, Block, MARGIN, Number, Packing, Survey, Words};
use crate::decode::Decoded;
use crate::model::{DeliveryIndex, Event, MessageKey, spread};
use std::ops::Range;

/// A power of two of partitions, so that the rows of one fit a processor's cache; fewer where there
/// are so few rows in a run that each would have next to none in a partition.
pub fn partitions_for(rows: u64) -> usize {
    const ROWS: u64 = 1 << 15;
    const MOST: u64 = 1 << 13;
    rows.div_ceil(ROWS).next_power_of_two().min(MOST) as usize
}

/// How many bits of a home the delivery decides: a partition has messages of an eighth of the
/// deliveries, whose counters then stay in the processor's cache.
const BY_DELIVERY: u32 = 3;

/// Bits that spread messages evenly: the high ones choose the partition, the low ones the place in
/// the partition's table.
#[inline(always)]
pub fn home<M: MessageKey>(message: M, delivery: DeliveryIndex) -> u64 {
    let of_delivery = spread(0, u64::from(delivery.0));
    let high = !(u64::MAX >> BY_DELIVERY);
    of_delivery & high | spread(message.bits(), of_delivery) & !high
}

/// Decoded rows that wait to become a run: of one row group, of several small ones, or a part of a
/// large one.
pub struct Sheaf<M> {
    /// The rows, all of them with tails, or none.
    pub decoded: Decoded<M>,
    /// The sources of the rows, and where the rows of each end; [`Sheaf::end`] adds them.
    pub sources: Vec<(u32, usize)>,
}

impl<M> Default for Sheaf<M> {
    fn default() -> Self {
        Sheaf {
            decoded: Decoded::default(),
            sources: Vec::new(),
        }
    }
}

impl<M> Sheaf<M> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.decoded.events.len()
    }

    /// Whether the rows have tails; an empty one may have either.
    pub fn has_tails(&self) -> bool {
        !self.decoded.tails.is_empty()
    }

    /// All rows up to here that no other source has are of this one.
    pub fn end(&mut self, source: u32) {
        let end = self.decoded.events.len();
        match self.sources.last_mut() {
            Some((last, rows)) if *last == source => *rows = end,
            _ => self.sources.push((source, end)),
        }
    }

    /// Leaves out the rows behind the last end.
    pub fn cut(&mut self) {
        let end = self.sources.last().map_or(0, |(_, end)| *end);
        self.decoded.events.truncate(end);
        self.decoded.tails.truncate(end);
    }

    fn clear(&mut self) {
        self.decoded.events.clear();
        self.decoded.tails.clear();
        self.sources.clear();
    }
}

/// Rows in the order of their partitions.
pub struct Run {
    pub(super) packing: Packing,
    pub(super) sources: Vec<u32>,
    /// The rows, and the margin of the last one.
    bytes: Vec<u8>,
    /// Where the rows of each partition start.
    starts: Vec<u32>,
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
    /// Sorts the rows by partition, leaving the sheaf empty; `partitions` is a power of two. None
    /// where there is no row.
    pub fn new<M: MessageKey>(sheaf: &mut Sheaf<M>, partitions: usize) -> Option<Run> {
        sheaf.cut();
        let run = sorted(sheaf, partitions);
        sheaf.clear();
        run
    }

    /// The rows of one partition.
    pub(super) fn piece(&self, partition: usize) -> Piece<'_> {
        let range = self.range(partition);
        let bytes = self.packing.bytes();
        Piece {
            packing: &self.packing,
            sources: &self.sources,
            bytes: &self.bytes[range.start * bytes..range.end * bytes + MARGIN],
            rows: range.len(),
        }
    }

    /// Where the rows of one partition are.
    fn range(&self, partition: usize) -> Range<usize> {
        self.starts[partition] as usize..self.starts[partition + 1] as usize
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.starts.last().map_or(0, |rows| *rows as usize)
    }

    /// How much memory it takes.
    pub fn memory(&self) -> usize {
        self.bytes.len() + 4 * (self.starts.len() + self.sources.len()) + size_of::<Run>()
    }
}

impl Piece<'_> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the rows have tails.
    pub fn has_tails(&self) -> bool {
        self.packing.has_tails()
    }

    /// The sources of the rows, by the places that the rows have as [`Number::Source`].
    pub fn sources(&self) -> &[u32] {
        self.sources
    }

    /// Hands one number of each row to the item in its place; the order of the rows is always the same
    /// for one run.
    #[inline(always)]
    pub fn each<T>(&self, number: Number, items: &mut [T], set: impl Fn(&mut T, u64)) {
        self.packing.each(number, self.bytes, items, set);
    }
}

/// The rows of a sheaf, a block at a time.
fn blocks<M>(sheaf: &Sheaf<M>) -> impl Iterator<Item = Block<'_, M>> {
    let Decoded { events, tails, .. } = &sheaf.decoded;
    let starts = [0]
        .into_iter()
        .chain(sheaf.sources.iter().map(|(_, end)| *end));
    let ranges = starts.zip(&sheaf.sources).enumerate();
    ranges.flat_map(move |(source, (start, (_, end)))| {
        (start..*end).step_by(BLOCK).map(move |first| {
            let rows = first..(first + BLOCK).min(*end);
            Block {
                events: &events[rows.clone()],
                tails: tails.get(rows).unwrap_or_default(),
                source,
            }
        })
    })
}

fn sorted<M: MessageKey>(sheaf: &Sheaf<M>, partitions: usize) -> Option<Run> {
    let events = &sheaf.decoded.events;
    events.first()?;
    let shift = u64::BITS - partitions.trailing_zeros();
    let partition = |event: &Event<M>| {
        let home = home(event.message, event.delivery);
        home.checked_shr(shift).unwrap_or(0) as u16
    };
    let partition_of: Vec<u16> = events.iter().map(partition).collect();
    let mut starts = vec![0u32; partitions + 1];
    for partition in &partition_of {
        starts[usize::from(*partition) + 1] += 1;
    }
    for partition in 0..partitions {
        starts[partition + 1] += starts[partition];
    }
    let mut survey = Survey::new(sheaf.has_tails());
    blocks(sheaf).for_each(|block| survey.meet(block));
    let packing = survey.packing();
    let width = packing.bytes();
    let mut bytes = vec![0; events.len() * width + MARGIN];
    let mut next = starts.clone();
    let mut words = Words::default();
    let mut partition_of = partition_of.into_iter();
    for block in blocks(sheaf) {
        packing.pack(block, &mut words);
        for (row, partition) in partition_of.by_ref().take(block.events.len()).enumerate() {
            let next = &mut next[usize::from(partition)];
            packing.write(&words, row, &mut bytes[*next as usize * width..]);
            *next += 1;
        }
    }
    Some(Run {
        packing,
        sources: sheaf.sources.iter().map(|(source, _)| *source).collect(),
        bytes,
        starts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::packed::from_order;
    use crate::model::{Code, Codes, Instant, Logged, Report, Stamp, Tail, Value};
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
    fn rows<M: MessageKey>(run: &Run, partition: usize) -> Vec<(Event<M>, u32, Option<Tail>)> {
        let piece = run.piece(partition);
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
        if piece.has_tails() {
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
        sheaf.decoded.events = events;
        sheaf.end(0);
        sheaf
    }

    #[test]
    fn all_rows_of_a_message_meet_and_none_is_lost() {
        for partitions in [1, 2, 64] {
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
            let run = Run::new(&mut sheaf, partitions).expect("rows");
            assert_eq!((sheaf.rows(), sheaf.has_tails()), (0, false));
            let mut home = HashMap::new();
            let mut met = BTreeSet::new();
            for partition in 0..partitions {
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
        let run = Run::new(&mut sheaf, 1).expect("rows");
        let came_out = rows::<M>(&run, 0);
        assert_eq!(
            came_out
                .iter()
                .map(|row| key(&row.0))
                .collect::<BTreeSet<_>>(),
            went_in
        );
        assert_eq!(came_out.len(), went_in.len());
        run.packing.bytes()
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
        let wide = |delivery| vec![event(3u64, delivery, large), event(0, 0, Code::NULL)];
        assert_eq!(bytes(wide(u32::MAX)), 5 + 4, "2 + 32 bits, and 31");
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
        let none = Run::new(&mut of_one_source(Vec::<Event<u64>>::new()), 4);
        assert!(none.is_none());
    }

    #[test]
    fn partitions_are_a_power_of_two() {
        for rows in [0, 1, 65_536, 65_537, 54_000_000, u64::MAX / 2] {
            let partitions = partitions_for(rows);
            assert!(partitions.is_power_of_two() && (1..=8192).contains(&partitions));
        }
        assert_eq!(partitions_for(54_000_000), 2048);
    }
}
