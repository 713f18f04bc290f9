//! Folding: the rows of a partition are told apart by message, without sorting them, and the messages are
//! counted: most of them step by step, the others replayed.

use super::messages::Messages;
use super::shelf::{Shelved, SpillError};
use super::{Pool, Progress, Stage, share};
use crate::history::{Meaning, Row, live};
use crate::model::{DeliveryIndex, Instant, MessageKey, Policy, RecipientKey, Tail};
use crate::rollup::{Partial, Steps};

/// Who takes up the messages of a fold, one after another; each thread has one.
pub trait Account<M>: Send {
    /// A message with all of its rows, in any order, and the tails and recipients that they point at.
    fn message(
        &mut self,
        delivery: DeliveryIndex,
        message: M,
        rows: &mut Vec<Row>,
        behind: Behind<'_>,
        policy: &Policy,
        meaning: Meaning<'_>,
    );
    /// Where messages may be counted by [`Steps`] instead, if nothing else of them matters.
    fn partial_mut(&mut self) -> Option<&mut Partial> {
        None
    }
    /// Whether messages of a delivery may be.
    fn counts(&self, _delivery: DeliveryIndex) -> bool {
        true
    }
    /// The kinds of rows whose messages it has to be given, whatever their counters need.
    fn asks_for(&self) -> u32 {
        0
    }
    /// A message that was counted so changes when its deadline passes, at or after as-of.
    fn waits(&mut self, _delivery: DeliveryIndex, _message: M, _deadline: Instant) {}
    /// No message follows.
    fn ends(&mut self) -> Result<(), SpillError> {
        Ok(())
    }
    /// Adds what another thread has.
    fn merge(&mut self, other: Self);
}

/// What rows point at.
#[derive(Clone, Copy)]
pub struct Behind<'a> {
    /// Their tails.
    pub tails: &'a [Tail],
    /// Their recipients, by their places; none where they are not asked for.
    pub recipients: &'a [RecipientKey],
}

impl<M> Account<M> for Partial {
    #[inline(always)]
    fn message(
        &mut self,
        delivery: DeliveryIndex,
        _: M,
        rows: &mut Vec<Row>,
        behind: Behind<'_>,
        policy: &Policy,
        meaning: Meaning<'_>,
    ) {
        let mut teller = self.teller(delivery);
        let life = live(rows, behind.tails, policy, meaning, &mut teller);
        teller.ends(&life);
    }

    fn partial_mut(&mut self) -> Option<&mut Partial> {
        Some(self)
    }

    fn merge(&mut self, other: Partial) {
        Partial::merge(self, &other);
    }
}

/// What the messages of a fold are judged by.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// By delivery.
    pub policies: &'a [Policy],
    /// For all.
    pub meaning: Meaning<'a>,
    /// The short way.
    pub steps: &'a Steps,
}

/// Folds all partitions; `policies` are those of the deliveries by their index.
pub fn fold<M: MessageKey, A: Account<M>>(
    pool: &Pool,
    shelved: &Shelved,
    partitions: usize,
    policies: &[Policy],
    meaning: Meaning<'_>,
    account: impl Fn() -> A + Sync,
    progress: &dyn Progress,
) -> Result<A, SpillError> {
    progress.begins(Stage::Folding, shelved.rows);
    let steps = Steps::new();
    let judging = Judging {
        policies,
        meaning,
        steps: &steps,
    };
    let start = || {
        let mut account = account();
        let messages = Messages::<M>::new(&mut account, policies);
        (account, messages, Vec::new(), Ok(()))
    };
    type State<M, A> = (A, Messages<M>, Vec<Vec<u8>>, Result<(), SpillError>);
    let fold = |(account, messages, buffers, done): &mut State<M, A>, at| {
        if done.is_ok() {
            *done = shelved.pieces(at, buffers).map(|pieces| {
                let rows = messages.fold(&pieces, shelved, judging, account);
                progress.advances(rows as u64);
            });
        }
    };
    let finish = |(mut account, _, _, done): State<M, A>| {
        done.and_then(|()| account.ends()).map(|()| account)
    };
    let folded = share(pool, partitions, start, fold, finish);
    progress.ends();
    let mut whole = None;
    for part in folded {
        let part = part?;
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.merge(part),
        }
    }
    Ok(whole.unwrap_or_else(account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::partition::Partitions;
    use crate::engine::sheaf::Sheaf;
    use crate::engine::shelf::{Room, Shelf};
    use crate::engine::slab::Slab;
    use crate::engine::{Silent, pool};
    use crate::model::{
        Attributes, Code, Codes, DeadlineMode, DeliveryId, Event, FateCounts, HOUR, Instant,
        Logged, MachineRules, Report, Stamp, Tally, Tracked,
    };
    use crate::rollup::{Change, Counter, Kpis, finish};

    const DELIVERIES: u32 = 5;
    const MESSAGES: u64 = 600;

    /// Every message has a relay in the first file, a hard bounce in the second, a click in the third.
    fn folded(
        partitions: usize,
        threads: usize,
        room: Option<&Room>,
        left_out: &[u32],
    ) -> (Kpis, Vec<Tally>) {
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
        let shelf = Shelf::new(room, None, partitions);
        for source in 0..3 {
            let mut sheaf = Sheaf::default();
            sheaf.decoded.events = (0..MESSAGES).map(|message| row(source, message)).collect();
            sheaf.end(source as u32);
            shelf
                .put(Slab::of(&mut sheaf, Partitions::of(partitions)))
                .expect("room");
        }
        let mut shelved = shelf.close().expect("room");
        shelved.leave_out(left_out.iter().copied());
        assert_eq!(shelved.spilled_bytes > 0, room.is_some());
        let policy = Policy::new(&Attributes::default(), DeadlineMode::Infer);
        let policies = vec![policy; DELIVERIES as usize];
        let meaning = Meaning {
            as_of: Instant::FIRST.plus(100 * HOUR),
            codes: &Codes::default(),
            machines: &MachineRules::default(),
        };
        let pool = pool(threads).expect("threads");
        let partial = fold::<u64, Partial>(
            &pool,
            &shelved,
            partitions,
            &policies,
            meaning,
            || Partial::new(3),
            &Silent,
        );
        let partial = partial.expect("files that can be read");
        let ids: Vec<DeliveryId> = (0..i64::from(DELIVERIES)).map(DeliveryId::Number).collect();
        let kpis = finish(&partial, &ids).expect("sums that can be");
        (kpis, partial.fates().to_vec())
    }

    #[test]
    fn neither_partitions_nor_threads_change_anything() {
        let (kpis, fates) = folded(1, 1, None, &[]);
        let mut total = Change::default();
        for delivery in &kpis.deliveries {
            total += &delivery.total();
        }
        for counter in [Counter::Processed, Counter::HardBounces, Counter::Clicks] {
            assert_eq!(total.get(counter), MESSAGES as i64, "{counter:?}");
        }
        let counted = |tally: &Tally| {
            let mut counts = FateCounts::default();
            counts += tally;
            counts.counted
        };
        assert!(fates.iter().all(|tally| counted(tally) == MESSAGES));
        let directory = tempfile::TempDir::new().expect("a directory");
        let small = |memory| Room {
            memory,
            directory: directory.path().to_owned(),
            disk: crate::disk::Disk::default(),
        };
        // Every run goes to a file of its own; the first two go together, then the third; all at once.
        let rooms = [small(0), small(4000), small(6000)].map(Some);
        for partitions in [1, 2, 8, 64] {
            for threads in [1, 3] {
                for room in rooms.iter().chain([&None]) {
                    let room = room.as_ref().filter(|_| partitions > 2);
                    let found = folded(partitions, threads, room, &[]);
                    assert!(
                        found == (kpis.clone(), fates.clone()),
                        "{partitions}, {threads}, {room:?}"
                    );
                }
            }
        }
        let names = std::fs::read_dir(directory.path()).expect("a listing");
        assert_eq!(names.count(), 0, "files of waiting rows have no names");
    }

    #[test]
    fn the_rows_of_a_file_that_is_left_out_count_nowhere() {
        for partitions in [1, 8] {
            let (kpis, fates) = folded(partitions, 2, None, &[1]);
            let mut total = Change::default();
            for delivery in &kpis.deliveries {
                total += &delivery.total();
            }
            assert_eq!(total.get(Counter::HardBounces), 0);
            assert_eq!(total.get(Counter::Clicks), MESSAGES as i64);
            assert_eq!(fates[1], Tally::default());
            let (_, fates) = folded(partitions, 2, None, &[0, 1, 2]);
            assert_eq!(fates, [Tally::default(); 3]);
        }
    }
}
