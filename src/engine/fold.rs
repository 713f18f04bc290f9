//! Folding: the rows of a partition are grouped by message, without sorting them, and each message
//! is replayed.

use super::partition::{Run, home};
use super::{Pool, Progress, Stage, share};
use crate::history::{Meaning, Row, live};
use crate::model::{Code, DeliveryIndex, MessageKey, Policy, Stamp, Tail};
use crate::rollup::Partial;

/// Who takes up the messages of a fold, one after another; each thread has one.
pub trait Account<M>: Send {
    /// A message with all of its rows, in any order, and the tails that they point at.
    fn message(
        &mut self,
        delivery: DeliveryIndex,
        message: M,
        rows: &mut Vec<Row>,
        tails: &[Tail],
        policy: &Policy,
        meaning: Meaning<'_>,
    );
    /// Adds what another thread has.
    fn merge(&mut self, other: Self);
}

impl<M> Account<M> for Partial {
    #[inline(always)]
    fn message(
        &mut self,
        delivery: DeliveryIndex,
        _: M,
        rows: &mut Vec<Row>,
        tails: &[Tail],
        policy: &Policy,
        meaning: Meaning<'_>,
    ) {
        let mut teller = self.teller(delivery);
        let life = live(rows, tails, policy, meaning, &mut teller);
        teller.ends(&life);
    }

    fn merge(&mut self, other: Partial) {
        Partial::merge(self, &other);
    }
}

/// Folds all partitions; `policies` are those of the deliveries by their index.
pub fn fold<M: MessageKey, A: Account<M>>(
    pool: &Pool,
    runs: &[Run<M>],
    partitions: usize,
    policies: &[Policy],
    meaning: Meaning<'_>,
    account: impl Fn() -> A + Sync,
    progress: &dyn Progress,
) -> A {
    progress.begins(
        Stage::Folding,
        runs.iter().map(|run| run.len() as u64).sum(),
    );
    let start = || (account(), Groups::default());
    let folded = share(pool, partitions, start, |(account, groups), partition| {
        groups.gather(runs, partition);
        groups.replay(policies, meaning, account);
        progress.advances(groups.rows.len() as u64);
    });
    progress.ends();
    let mut accounts = folded.into_iter().map(|(account, _)| account);
    let mut whole = accounts.next().unwrap_or_else(account);
    for account in accounts {
        whole.merge(account);
    }
    whole
}

/// The messages of one partition; the room is used again for the next one.
struct Groups<M> {
    /// Open addressing: the place in `messages` plus one, 0 where empty.
    table: Vec<u32>,
    messages: Vec<Message<M>>,
    /// For each row, in the order of the runs, its message.
    message_of: Vec<u32>,
    /// The messages in the order of their deliveries, so that the counters of one delivery stay in
    /// the processor's cache.
    order: Vec<u32>,
    /// How many messages the deliveries up to one have; room for sorting.
    starts: Vec<u32>,
    /// The rows, those of one message together, in that order.
    rows: Vec<Row>,
    /// What the rows point at.
    tails: Vec<Tail>,
    /// The rows of one message, while it is replayed.
    history: Vec<Row>,
}

struct Message<M> {
    message: M,
    delivery: DeliveryIndex,
    /// How many rows it has; then, where its next row goes; at last, where its rows end.
    rows: u32,
}

impl<M> Default for Groups<M> {
    fn default() -> Self {
        Groups {
            table: Vec::new(),
            messages: Vec::new(),
            message_of: Vec::new(),
            order: Vec::new(),
            starts: Vec::new(),
            rows: Vec::new(),
            tails: Vec::new(),
            history: Vec::new(),
        }
    }
}

impl<M: MessageKey> Groups<M> {
    fn gather(&mut self, runs: &[Run<M>], partition: usize) {
        let total: usize = runs.iter().map(|run| run.rows(partition)).sum();
        assert!(
            total < u32::MAX as usize,
            "more than 2^32 rows in a partition"
        );
        self.table.clear();
        self.table
            .resize((total * 3 / 2 + 1).next_power_of_two(), 0);
        self.messages.clear();
        self.message_of.clear();
        for run in runs {
            run.each(partition, |event| {
                let place = self.place(event.message, event.delivery);
                self.messages[place as usize].rows += 1;
                self.message_of.push(place);
            });
        }
        self.sort_by_delivery();
        let mut start = 0;
        for place in &self.order {
            let message = &mut self.messages[*place as usize];
            let rows = message.rows;
            message.rows = start;
            start += rows;
        }
        let empty = Row {
            stamp: Stamp::sending(None, None),
            code: Code::NULL,
            source: 0,
            tail: Row::SOLE,
        };
        self.rows.resize(total, empty);
        self.tails.clear();
        let mut at = 0;
        for run in runs {
            let tails = run.tails(partition);
            let mut tail = self.tails.len() as u32;
            self.tails.extend_from_slice(tails);
            run.each(partition, |event| {
                let next = &mut self.messages[self.message_of[at] as usize].rows;
                self.rows[*next as usize] = Row {
                    stamp: event.stamp,
                    code: event.code,
                    source: run.source,
                    tail: if tails.is_empty() { Row::SOLE } else { tail },
                };
                *next += 1;
                at += 1;
                tail += 1;
            });
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

    /// The place of a message, which gets one if it has none.
    #[inline]
    fn place(&mut self, message: M, delivery: DeliveryIndex) -> u32 {
        let mask = self.table.len() - 1;
        let mut slot = home(message, delivery) as usize & mask;
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
            rows: 0,
        });
        self.table[slot] = place + 1;
        place
    }

    fn replay<A: Account<M>>(
        &mut self,
        policies: &[Policy],
        meaning: Meaning<'_>,
        account: &mut A,
    ) {
        let mut start = 0;
        for place in &self.order {
            let message = &self.messages[*place as usize];
            let end = message.rows as usize;
            self.history.clear();
            self.history.extend_from_slice(&self.rows[start..end]);
            start = end;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Decoded;
    use crate::engine::{Silent, pool};
    use crate::model::{
        Attributes, Codes, DeadlineMode, DeliveryId, Event, FateCounts, HOUR, Instant, Logged,
        Report, Tracked,
    };
    use crate::rollup::{Change, Counter, Kpis, finish};

    const DELIVERIES: u32 = 5;
    const MESSAGES: u64 = 600;

    /// Every message has a relay in the first file, a hard bounce in the second, a click in the third.
    fn folded(partitions: usize, threads: usize) -> (Kpis, Vec<FateCounts>) {
        let row = |source: usize, message: u64| {
            let at = Some(Instant::FIRST.plus((message % 7 + source as u64) as i64 * HOUR));
            let stamp = match source {
                0 => Stamp::sending(at, Some(Logged::Event(Report::Relayed))),
                1 => Stamp::sending(at, Some(Logged::Event(Report::HardBounce))),
                _ => Stamp::tracking(at, Some(Tracked::Click)),
            };
            Event {
                message,
                stamp,
                delivery: DeliveryIndex((message % u64::from(DELIVERIES)) as u32),
                code: Code::NULL,
            }
        };
        let runs: Vec<Run<u64>> = (0..3)
            .map(|source| {
                let decoded = Decoded {
                    events: (0..MESSAGES).map(|message| row(source, message)).collect(),
                    ..Decoded::default()
                };
                Run::new(source as u32, &decoded, partitions)
            })
            .collect();
        let policy = Policy::new(&Attributes::default(), DeadlineMode::Infer);
        let policies = vec![policy; DELIVERIES as usize];
        let meaning = Meaning {
            as_of: Instant::FIRST.plus(100 * HOUR),
            codes: &Codes::default(),
        };
        let pool = pool(threads).expect("threads");
        let partial = fold(
            &pool,
            &runs,
            partitions,
            &policies,
            meaning,
            || Partial::new(3),
            &Silent,
        );
        let ids: Vec<DeliveryId> = (0..i64::from(DELIVERIES)).map(DeliveryId::Number).collect();
        let kpis = finish(&partial, &ids).expect("sums that can be");
        (kpis, partial.fates().to_vec())
    }

    #[test]
    fn neither_partitions_nor_threads_change_anything() {
        let (kpis, fates) = folded(1, 1);
        let mut total = Change::default();
        for delivery in &kpis.deliveries {
            total += &delivery.total();
        }
        for counter in [Counter::Processed, Counter::HardBounces, Counter::Clicks] {
            assert_eq!(total.get(counter), MESSAGES as i64, "{counter:?}");
        }
        assert!(fates.iter().all(|fates| fates.counted == MESSAGES));
        for partitions in [1, 2, 8, 64] {
            for threads in [1, 3] {
                let found = folded(partitions, threads);
                assert!(
                    found == (kpis.clone(), fates.clone()),
                    "{partitions}, {threads}"
                );
            }
        }
    }
}
