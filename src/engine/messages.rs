//! The messages of one partition: told apart, counted by steps where they can be, and replayed where not.

use super::course::{Course, is_simple, simple_kinds, take_back};
use super::fold::{Account, Behind, Judging};
use super::index::{Index, Key, read_keys};
use super::packed::{Extra, Number, from_order};
use super::recipients::Recipients;
use super::run::Piece;
use super::shelf::Shelved;
use crate::history::{Life, Row};
use crate::model::{Code, DeliveryIndex, MessageKey, Policy, Stamp, Tail};
use crate::rollup::{Partial, Place, Steps};

/// One thread's room for the messages of a partition, used again for the next one.
pub struct Messages<M> {
    /// By delivery: where its messages start on the short way, if they go it.
    starts: Vec<Place>,
    index: Index<M, Course>,
    /// Of one piece: the messages, the stamps and the sources of its rows.
    keys: Vec<Key<M>>,
    stamps: Vec<Stamp>,
    sources: Vec<u32>,
    /// Of one piece whose rows have tails: their `log_id`s.
    log_ids: Vec<i64>,
    /// By message, the highest `log_id` of its last log in rows with tails, as far as there are such.
    highest: Vec<i64>,
    /// The messages of all rows, by their places in the index; [`LEFT_OUT`] for rows that are left out.
    places: Vec<u32>,
    odd: Odd,
}

/// The messages that are replayed, and their rows.
#[derive(Default)]
struct Odd {
    /// By message, whether it is one.
    is_odd: Vec<bool>,
    /// Delivery by delivery, so that the counters of one stay in the processor's cache.
    order: Vec<u32>,
    /// The rows in the order in which they came, with their messages.
    met: Vec<(u32, Row)>,
    /// By message: where its next row goes.
    next: Vec<u32>,
    /// The rows, one message after the other.
    rows: Vec<Row>,
    /// What the rows point at.
    tails: Vec<Tail>,
    recipients: Recipients,
    /// The rows of one message, while it is replayed.
    history: Vec<Row>,
}

const LEFT_OUT: u32 = u32::MAX;

impl<M: MessageKey> Messages<M> {
    /// Without any message yet; the account says which deliveries' messages it counts.
    pub fn new<A: Account<M>>(account: &mut A, policies: &[Policy]) -> Messages<M> {
        let counts = account.partial_mut().is_some();
        let start = |(index, policy): (u32, &Policy)| match counts
            && account.counts(DeliveryIndex(index))
        {
            true => Steps::start(policy.efs),
            false => Steps::NOWHERE,
        };
        Messages {
            starts: (0..).zip(policies).map(start).collect(),
            index: Index::default(),
            keys: Vec::new(),
            stamps: Vec::new(),
            sources: Vec::new(),
            log_ids: Vec::new(),
            highest: Vec::new(),
            places: Vec::new(),
            odd: Odd::default(),
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
        self.highest.clear();
        let mut none = Partial::default();
        let asked_for = account.asks_for();
        let partial = account.partial_mut().unwrap_or(&mut none);
        let kinds = simple_kinds(judging.meaning.machines, partial.breakdowns(), asked_for);
        for piece in pieces {
            self.step(piece, shelved, judging, kinds, partial);
        }
        if self.end(judging, account) {
            self.gather(pieces);
            self.replay(judging, kinds, account);
        }
        self.places.len()
    }

    /// Takes the rows of a piece in, and counts them as long as their messages are on the short way.
    fn step(
        &mut self,
        piece: &Piece<'_>,
        shelved: &Shelved,
        judging: Judging<'_>,
        kinds: u32,
        partial: &mut Partial,
    ) {
        read_keys(piece, &mut self.keys);
        numbers(piece, Number::Stamp, &mut self.stamps, Stamp::from_bits);
        let sources = piece.sources();
        let source = |place| sources[place as usize];
        numbers(piece, Number::Source, &mut self.sources, source);
        if piece.extra() == Extra::Tails {
            numbers(piece, Number::LogId, &mut self.log_ids, from_order);
        }
        let leaves_out = sources.iter().any(|source| shelved.leaves_out(*source));
        let is_left_out: Vec<bool> = match leaves_out {
            true => self.leave_out(shelved),
            false => Vec::new(),
        };
        let Messages {
            starts,
            index,
            keys,
            stamps,
            sources,
            log_ids,
            highest,
            places,
            ..
        } = self;
        let has_tails = piece.extra() == Extra::Tails;
        let end = Stamp::when_at(judging.meaning.as_of);
        let steps = judging.steps;
        let first = places.len();
        let mut counted = (0, 0);
        index.place_all(keys, |at, (_, delivery), place, course| {
            let (stamp, source) = (stamps[at], sources[at]);
            places.push(place);
            let start = starts[delivery.0 as usize];
            let is_sole = !has_tails || {
                let place = place as usize;
                if place >= highest.len() {
                    highest.resize(place + 1, i64::MIN);
                }
                course.rises(stamp, log_ids[at], &mut highest[place])
            };
            let effect = course.meet(steps, start, stamp, is_sole & is_simple(stamp, kinds, end));
            if source != counted.0 {
                partial.count(counted.0, counted.1);
                counted = (source, 0);
            }
            counted.1 += u64::from(course.place() != Steps::NOWHERE);
            if effect != 0
                && let Some(at) = stamp.at()
            {
                partial.add(delivery, at.hour(), steps.effect(effect));
            }
        });
        partial.count(counted.0, counted.1);
        if leaves_out {
            let mut kept = places.split_off(first).into_iter();
            let place = |is_left_out| match is_left_out {
                true => LEFT_OUT,
                false => kept.next().unwrap_or(LEFT_OUT),
            };
            places.extend(is_left_out.into_iter().map(place));
        }
    }

    /// Takes the rows of files that were left out away from those of a piece; tells which they are.
    fn leave_out(&mut self, shelved: &Shelved) -> Vec<bool> {
        let is_left_out = |source: &u32| shelved.leaves_out(*source);
        let left_out: Vec<bool> = self.sources.iter().map(is_left_out).collect();
        retain(&mut self.keys, &left_out);
        retain(&mut self.stamps, &left_out);
        retain(&mut self.sources, &left_out);
        retain(&mut self.log_ids, &left_out);
        left_out
    }

    /// Tells the account what is known of the messages that went the short way to their ends; tells whether
    /// there are others.
    fn end<A: Account<M>>(&mut self, judging: Judging<'_>, account: &mut A) -> bool {
        let odd = &mut self.odd;
        odd.is_odd.clear();
        odd.order.clear();
        for (place, message) in (0u32..).zip(self.index.messages()) {
            let (course, delivery) = (message.known, message.delivery);
            let on_way = course.place();
            let entered = course.entered();
            let policy = &judging.policies[delivery.0 as usize];
            let deadline = entered.and_then(|at| policy.deadline(at));
            let is_odd = on_way == Steps::NOWHERE || {
                let may_be_late = judging.steps.about(on_way).had_soft_bounce;
                may_be_late && deadline.is_some_and(|at| course.last() >= Some(at))
            };
            odd.is_odd.push(is_odd);
            if is_odd {
                odd.order.push(place);
                continue;
            }
            let Some(partial) = account.partial_mut() else {
                continue;
            };
            let life = Life {
                deadline,
                first_event_at: entered,
                last_event_at: course.last(),
                ..Life::default()
            };
            partial.ends(delivery, &life);
            let effect = judging.steps.about(on_way).at_deadline;
            if let (true, Some(at)) = (effect != 0, deadline) {
                if at < judging.meaning.as_of {
                    partial.add(delivery, at.hour(), judging.steps.effect(effect));
                } else {
                    account.waits(delivery, message.message, at);
                }
            }
        }
        !odd.order.is_empty()
    }

    /// Gathers the rows of the messages that are replayed.
    fn gather(&mut self, pieces: &[Piece<'_>]) {
        let messages = self.index.messages();
        let Odd {
            is_odd,
            order,
            met,
            next,
            rows,
            tails,
            recipients,
            ..
        } = &mut self.odd;
        order.sort_unstable_by_key(|place| messages[*place as usize].delivery);
        met.clear();
        tails.clear();
        recipients.clear();
        next.clear();
        next.resize(messages.len(), 0);
        let mut first = 0;
        for piece in pieces {
            let places = &self.places[first..first + piece.rows()];
            first += places.len();
            for (row, place) in places.iter().enumerate() {
                if is_odd.get(*place as usize) == Some(&true) {
                    met.push((*place, row_of(piece, row, tails, recipients)));
                    next[*place as usize] += 1;
                }
            }
        }
        let mut end = 0;
        for place in order.iter() {
            let next = &mut next[*place as usize];
            end += std::mem::replace(next, end);
        }
        rows.clear();
        rows.extend(met.iter().map(|(_, row)| *row));
        for (place, row) in met.iter() {
            let next = &mut next[*place as usize];
            rows[*next as usize] = *row;
            *next += 1;
        }
    }

    /// Replays the messages whose rows are gathered; what was counted of them on the short way goes first.
    fn replay<A: Account<M>>(&mut self, judging: Judging<'_>, kinds: u32, account: &mut A) {
        let Odd {
            order,
            next,
            rows,
            tails,
            recipients,
            history,
            ..
        } = &mut self.odd;
        let behind = Behind {
            tails,
            recipients: recipients.all(),
        };
        let end = Stamp::when_at(judging.meaning.as_of);
        let mut start = 0;
        for place in order.iter() {
            let message = &self.index.messages()[*place as usize];
            let delivery = message.delivery;
            let next = next[*place as usize] as usize;
            history.clear();
            history.extend_from_slice(&rows[start..next]);
            start = next;
            let on_way = self.starts[delivery.0 as usize];
            if let (true, Some(partial)) = (on_way != Steps::NOWHERE, account.partial_mut()) {
                take_back(
                    history,
                    tails,
                    delivery,
                    on_way,
                    (kinds, end),
                    judging.steps,
                    partial,
                );
            }
            account.message(
                delivery,
                message.message,
                history,
                behind,
                &judging.policies[delivery.0 as usize],
                judging.meaning,
            );
        }
    }
}

/// Takes away what is left out.
fn retain<T>(items: &mut Vec<T>, left_out: &[bool]) {
    let mut left_out = left_out.iter();
    items.retain(|_| left_out.next() == Some(&false));
}

/// One number of all rows of a piece.
#[inline(always)]
fn numbers<T: Clone>(piece: &Piece<'_>, number: Number, items: &mut Vec<T>, of: impl Fn(u64) -> T) {
    items.resize(piece.rows(), of(0));
    piece.each(number, items.as_mut_slice(), |item, value| {
        *item = of(value)
    });
}

/// One row; its tail, if it has one, is added to the others.
fn row_of(
    piece: &Piece<'_>,
    row: usize,
    tails: &mut Vec<Tail>,
    recipients: &mut Recipients,
) -> Row {
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
        domain: Code::from_bits(piece.get(Number::Domain, row) as u32),
        recipient: recipients.number(
            [Number::RecipientHigh, Number::RecipientLow].map(|number| piece.get(number, row)),
        ),
    }
}
