//! The messages of one partition: told apart, counted by steps where they can be, and replayed where not.

use super::fold::{Account, Judging};
use super::index::{Index, Key, read_keys};
use super::packed::{Extra, Number, from_order};
use super::run::Piece;
use super::shelf::Shelved;
use crate::history::{Life, Row};
use crate::model::{Code, DeliveryIndex, Instant, MessageKey, Policy, Stamp, Tail};
use crate::rollup::{Place, Steps};

/// One thread's room for the messages of a partition, used again for the next one.
pub struct Messages<M> {
    /// By delivery: where its messages start on the short way, if they go it.
    starts: Vec<Place>,
    index: Index<M, Course>,
    /// Of one piece: the messages, the stamps, the deliveries and the sources of its rows.
    keys: Vec<Key<M>>,
    stamps: Vec<Stamp>,
    deliveries: Vec<DeliveryIndex>,
    sources: Vec<u32>,
    /// The messages of all rows, by their places in the index; [`LEFT_OUT`] for rows that are left out.
    places: Vec<u32>,
    /// By message: where it is on the short way.
    on_way: Vec<Place>,
    /// The messages that are replayed, delivery by delivery, so that the counters of one stay in the
    /// processor's cache.
    order: Vec<u32>,
    /// By message: where its next row goes.
    next: Vec<u32>,
    /// The rows of these messages, one message after the other.
    rows: Vec<Row>,
    /// What the rows point at.
    tails: Vec<Tail>,
    /// The rows of one message, while it is replayed.
    history: Vec<Row>,
}

const LEFT_OUT: u32 = u32::MAX;

/// The rows of a message so far.
#[derive(Default)]
struct Course {
    /// What the first one is known by.
    first: u64,
    /// The same of the last one, or [`Course::ODD`] where some row kept the message from the short way.
    last: u64,
}

impl Course {
    const ODD: u64 = u64::MAX;

    /// Takes a row in, which is simple if its kind and its marks allow the short way. Each has to follow the one
    /// before, in the order of events and in time, and the first one has to be a report: then the message
    /// enters the log with the first row, and the first and last rows are the earliest and the latest.
    #[inline(always)]
    fn meet(&mut self, stamp: Stamp, is_simple: bool) {
        let row = stamp.identity();
        let is_first = self.last == 0;
        let follows = (self.last < row) & (Stamp::of(self.last).when() <= stamp.when());
        let enters = !(is_first & stamp.is_tracking());
        self.first = if is_first { row } else { self.first };
        self.last = if follows & enters & is_simple {
            row
        } else {
            Self::ODD
        };
    }
}

impl<M: MessageKey> Messages<M> {
    /// Without any message yet; the account says which deliveries' messages it counts.
    pub fn new<A: Account<M>>(account: &mut A, policies: &[Policy]) -> Messages<M> {
        let start = |(index, policy): (u32, &Policy)| match account.counts(DeliveryIndex(index)) {
            Some(_) => Steps::start(policy.efs),
            None => Steps::NOWHERE,
        };
        Messages {
            starts: (0..).zip(policies).map(start).collect(),
            index: Index::default(),
            keys: Vec::new(),
            stamps: Vec::new(),
            deliveries: Vec::new(),
            sources: Vec::new(),
            places: Vec::new(),
            on_way: Vec::new(),
            order: Vec::new(),
            next: Vec::new(),
            rows: Vec::new(),
            tails: Vec::new(),
            history: Vec::new(),
        }
    }

    /// Has the account count all messages of a partition; tells how many rows there are.
    pub fn fold<A: Account<M>>(
        &mut self,
        pieces: &[Piece<'_>],
        shelved: &Shelved,
        judging: Judging<'_>,
        account: &mut A,
    ) -> usize {
        self.index.clear();
        self.places.clear();
        for piece in pieces {
            self.tell_apart(piece, shelved, judging.meaning.as_of);
        }
        let starts = &self.starts;
        let messages = self.index.messages().iter();
        self.on_way.clear();
        self.on_way
            .extend(messages.map(|message| match message.known.last {
                Course::ODD => Steps::NOWHERE,
                _ => starts[message.delivery.0 as usize],
            }));
        self.count(pieces, judging, account);
        if self.gather(pieces) > 0 {
            self.replay(judging, account);
        }
        self.places.len()
    }

    /// Finds the message of each row, and whether it can go the short way.
    fn tell_apart(&mut self, piece: &Piece<'_>, shelved: &Shelved, as_of: Instant) {
        piece.fetch();
        read_keys(piece, &mut self.keys);
        self.read_stamps(piece);
        if shelved.leaves_out_some() {
            self.read_sources(piece);
            if self
                .sources
                .iter()
                .any(|source| shelved.leaves_out(*source))
            {
                self.leave_out(shelved);
            }
        }
        let is_sole = piece.extra() != Extra::Tails;
        let end = Stamp::when_at(as_of);
        let Messages {
            index,
            keys,
            stamps,
            places,
            ..
        } = self;
        let first = places.len();
        places.resize(first + stamps.len(), LEFT_OUT);
        let places = &mut places[first..];
        if keys.len() == stamps.len() {
            index.place_all(keys, |at, place, course| {
                let stamp = stamps[at];
                places[at] = place;
                course.meet(stamp, is_sole & is_simple(stamp, end));
            });
            return;
        }
        // What is left of the rows, and which they are.
        let mut kept = Vec::new();
        let sources = self.sources.iter().enumerate();
        kept.extend(sources.filter_map(|(at, s)| (!shelved.leaves_out(*s)).then_some(at)));
        index.place_all(keys, |at, place, course| {
            let stamp = stamps[kept[at]];
            places[kept[at]] = place;
            course.meet(stamp, is_sole & is_simple(stamp, end));
        });
    }

    /// Takes the keys of rows of files that were left out away.
    fn leave_out(&mut self, shelved: &Shelved) {
        let mut sources = self.sources.iter();
        self.keys.retain(|_| {
            sources
                .next()
                .is_some_and(|source| !shelved.leaves_out(*source))
        });
    }

    /// Counts what goes the short way.
    fn count<A: Account<M>>(
        &mut self,
        pieces: &[Piece<'_>],
        judging: Judging<'_>,
        account: &mut A,
    ) {
        let messages = self.index.messages().iter();
        let on_way = messages
            .zip(&self.on_way)
            .filter(|(_, at)| **at != Steps::NOWHERE);
        let mut some = None;
        for (message, _) in on_way {
            let delivery = message.delivery;
            let Some(partial) = account.counts(delivery) else {
                continue;
            };
            let entered = Stamp::of(message.known.first).at();
            let life = Life {
                deadline: entered.and_then(|at| judging.policies[delivery.0 as usize].deadline(at)),
                first_event_at: entered,
                last_event_at: Stamp::of(message.known.last).at(),
                ..Life::default()
            };
            partial.ends(delivery, &life);
            some = Some(delivery);
        }
        let Some(partial) = some.and_then(|delivery| account.counts(delivery)) else {
            return;
        };
        let mut first = 0;
        for piece in pieces {
            let places = &self.places[first..first + piece.rows()];
            first += places.len();
            numbers(piece, Number::Stamp, &mut self.stamps, Stamp::from_bits);
            let delivery = |bits| DeliveryIndex(bits as u32);
            numbers(piece, Number::Delivery, &mut self.deliveries, delivery);
            let sources = piece.sources();
            let source = |place| sources[place as usize];
            numbers(piece, Number::Source, &mut self.sources, source);
            let rows = places
                .iter()
                .zip(&self.stamps)
                .zip(&self.deliveries)
                .zip(&self.sources);
            let mut counted = (0, 0);
            for (((&place, &stamp), &delivery), &source) in rows {
                let Some(on_way) = self.on_way.get_mut(place as usize) else {
                    continue;
                };
                let (after, effect) = judging.steps.after(*on_way, stamp.kind());
                *on_way = after;
                if source != counted.0 {
                    partial.count(counted.0, counted.1);
                    counted = (source, 0);
                }
                counted.1 += u64::from(after != Steps::NOWHERE);
                if effect != 0
                    && let Some(at) = stamp.at()
                {
                    partial.add(delivery, at.hour(), judging.steps.effect(effect));
                }
            }
            partial.count(counted.0, counted.1);
        }
    }

    /// Gathers the rows of the messages that are replayed; tells how many there are.
    fn gather(&mut self, pieces: &[Piece<'_>]) -> usize {
        let messages = self.index.messages();
        self.order.clear();
        let odd = (0u32..)
            .zip(&self.on_way)
            .filter(|(_, at)| **at == Steps::NOWHERE);
        self.order.extend(odd.map(|(place, _)| place));
        if self.order.is_empty() {
            return 0;
        }
        self.order
            .sort_unstable_by_key(|place| messages[*place as usize].delivery);
        self.next.clear();
        self.next.resize(messages.len(), 0);
        for place in &self.places {
            if self.on_way.get(*place as usize) == Some(&Steps::NOWHERE) {
                self.next[*place as usize] += 1;
            }
        }
        let mut rows = 0;
        for place in &self.order {
            let next = &mut self.next[*place as usize];
            rows += std::mem::replace(next, rows);
        }
        const EMPTY: Row = Row {
            stamp: Stamp::from_bits(0),
            code: Code::NULL,
            source: 0,
            tail: Row::SOLE,
        };
        self.rows.clear();
        self.rows.resize(rows as usize, EMPTY);
        self.tails.clear();
        let mut first = 0;
        for piece in pieces {
            let places = &self.places[first..first + piece.rows()];
            first += places.len();
            for (row, place) in places.iter().enumerate() {
                if self.on_way.get(*place as usize) == Some(&Steps::NOWHERE) {
                    let next = &mut self.next[*place as usize];
                    self.rows[*next as usize] = row_of(piece, row, &mut self.tails);
                    *next += 1;
                }
            }
        }
        rows as usize
    }

    /// Replays the messages whose rows are gathered.
    fn replay<A: Account<M>>(&mut self, judging: Judging<'_>, account: &mut A) {
        let mut start = 0;
        for place in &self.order {
            let message = &self.index.messages()[*place as usize];
            let end = self.next[*place as usize] as usize;
            self.history.clear();
            self.history.extend_from_slice(&self.rows[start..end]);
            start = end;
            account.message(
                message.delivery,
                message.message,
                &mut self.history,
                &self.tails,
                &judging.policies[message.delivery.0 as usize],
                judging.meaning,
            );
        }
    }

    fn read_stamps(&mut self, piece: &Piece<'_>) {
        numbers(piece, Number::Stamp, &mut self.stamps, Stamp::from_bits);
    }

    fn read_sources(&mut self, piece: &Piece<'_>) {
        let sources = piece.sources();
        numbers(piece, Number::Source, &mut self.sources, |place| {
            sources[place as usize]
        });
    }
}

/// Whether nothing in a row keeps its message from the short way; the instant of the row has to be before `end`.
#[inline(always)]
fn is_simple(stamp: Stamp, end: u64) -> bool {
    (Steps::KINDS >> stamp.kind() & 1 == 1) & stamp.is_unmarked() & (stamp.when() < end)
}

/// One number of all rows of a piece.
#[inline(always)]
fn numbers<T: Clone>(piece: &Piece<'_>, number: Number, items: &mut Vec<T>, of: impl Fn(u64) -> T) {
    items.clear();
    items.resize(piece.rows(), of(0));
    piece.each(number, items.as_mut_slice(), |item, value| {
        *item = of(value)
    });
}

/// One row; its tail, if it has one, is added to the others.
fn row_of(piece: &Piece<'_>, row: usize, tails: &mut Vec<Tail>) -> Row {
    let tail = match piece.extra() {
        Extra::None | Extra::RowIds => Row::SOLE,
        Extra::Tails => {
            tails.push(Tail {
                log_id: from_order(piece.get(Number::LogId, row)),
                revision: from_order(piece.get(Number::Revision, row)),
                rest: piece.get(Number::Rest, row),
            });
            tails.len() as u32 - 1
        }
    };
    Row {
        stamp: Stamp::from_bits(piece.get(Number::Stamp, row)),
        code: Code::from_bits(piece.get(Number::Code, row) as u32),
        source: piece.sources()[piece.get(Number::Source, row) as usize],
        tail,
    }
}
