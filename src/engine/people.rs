//! The exchange by recipient: rows whose counters depend on all messages of a person are told apart by person, as
//! rows are by message before, and folded once more.

use super::course::FAILURES;
use super::packed::Number;
use super::partition::Partitions;
use super::sheaf::Sheaf;
use super::shelf::{Room, Shelf, SpillError};
use super::slab::Slab;
use super::{Pool, Progress, Stage, share};
use crate::history::{Firsts, Occurrence, Row, Sink, Status};
use crate::model::{
    Code, DeliveryIndex, Errors, Event, Fate, Instant, Log, Mark, MessageKey, Quarantine,
    Recipient, RecipientKey, Report, Stamp,
};
use crate::rollup::Partial;

/// What is asked for of persons.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// By delivery, the families that it is in.
    pub families: Vec<Vec<u32>>,
    /// How many families there are.
    pub count: u32,
    /// When a recipient goes into quarantine, if that is asked for.
    pub quarantine: Option<Quarantine>,
    /// The room for rows that wait; none where memory has no limit.
    pub room: Option<Room>,
}

/// Where the rows of persons wait.
pub struct People<'a> {
    asked: &'a Asked,
    shelf: Shelf<'a>,
    partitions: Partitions,
}

/// What persons come to.
#[derive(Default)]
pub struct PersonCounts {
    /// Of each family, in the place of a delivery: what counts each person once.
    pub firsts: Partial,
    /// Of each delivery: recipients that went into quarantine.
    pub entered: Partial,
}

impl<'a> People<'a> {
    /// For about so many rows.
    pub fn new(asked: &'a Asked, rows: u64) -> People<'a> {
        let partitions = Partitions::of(Partitions::for_rows(rows, 0).count());
        People {
            asked,
            shelf: Shelf::new(asked.room.as_ref(), None, partitions.count()),
            partitions,
        }
    }

    /// Folds the rows of all persons, once all have been told. `rank` is the place of each delivery in the order of
    /// identifiers.
    pub fn fold(
        &self,
        pool: &Pool,
        rank: &[u32],
        progress: &dyn Progress,
    ) -> Result<PersonCounts, SpillError> {
        let shelved = self.shelf.close()?;
        progress.begins(Stage::Matching, shelved.rows);
        let start = || (PersonCounts::default(), Vec::new(), Vec::new(), Ok(()));
        type State = (
            PersonCounts,
            Vec<Told>,
            Vec<Vec<u8>>,
            Result<(), SpillError>,
        );
        let work = |(counts, rows, buffers, done): &mut State, partition: usize| {
            if done.is_err() {
                return;
            }
            *done = shelved.pieces(partition, buffers).map(|pieces| {
                rows.clear();
                for piece in &pieces {
                    let get = |number, row| piece.get(number, row);
                    rows.extend((0..piece.rows()).map(|row| Told {
                        group: get(Number::Delivery, row) as u32,
                        person: [get(Number::High, row), get(Number::Low, row)],
                        stamp: Stamp::from_bits(get(Number::Stamp, row)),
                        delivery: DeliveryIndex(get(Number::Code, row) as u32),
                    }));
                }
                progress.advances(rows.len() as u64);
                self.count(rows, rank, counts);
            });
        };
        let parts = share(pool, self.partitions.count(), start, work, |state| state);
        progress.ends();
        let mut all = PersonCounts::default();
        for (counts, _, _, done) in parts {
            done?;
            all.firsts.merge(&counts.firsts);
            all.entered.merge(&counts.entered);
        }
        Ok(all)
    }

    fn count(&self, rows: &mut [Told], rank: &[u32], counts: &mut PersonCounts) {
        // Of errors at one instant hard ones come first; in what order opens and clicks come then, no hour shows.
        let order = |told: &Told| {
            let of_delivery = rank.get(told.delivery.0 as usize);
            (told.stamp.at(), !told.is_hard(), of_delivery)
        };
        let person = |told: &Told| (told.group, told.person);
        rows.sort_unstable_by_key(|told| (person(told), order(told)));
        for of_one in rows.chunk_by(|a, b| person(a) == person(b)) {
            let group = of_one[0].group;
            match &self.asked.quarantine {
                Some(rule) if group == self.asked.count => {
                    let mut errors = Errors::default();
                    let enters = |told: &&Told| {
                        let at = told.stamp.at();
                        at.is_some_and(|at| errors.meet(at, told.is_hard(), rule))
                    };
                    let entered = of_one.iter().find(enters);
                    if let Some(told) = entered
                        && let Some(at) = told.stamp.at()
                    {
                        counts.entered.quarantines(told.delivery, at.hour(), 1);
                    }
                }
                _ => {
                    let mut firsts = Firsts::default();
                    let mut teller = counts.firsts.teller(DeliveryIndex(group));
                    for told in of_one {
                        if let (Some(at), Some(tracked)) = (told.stamp.at(), told.stamp.tracked()) {
                            firsts.meet(at, tracked, told.stamp.is_machine(), &mut teller);
                        }
                    }
                }
            }
        }
    }
}

/// A row of a person.
struct Told {
    /// The family, or behind all of them what is counted over all deliveries.
    group: u32,
    person: RecipientKey,
    stamp: Stamp,
    delivery: DeliveryIndex,
}

impl Told {
    fn is_hard(&self) -> bool {
        self.stamp.report() == Some(Report::HardBounce)
    }
}

/// One thread that tells whose rows they are.
pub struct Telling<'p> {
    people: &'p People<'p>,
    /// The rows of one message.
    noted: Vec<(Stamp, Recipient)>,
    sheaf: Sheaf<RecipientKey>,
    failed: Option<SpillError>,
}

impl<'p> Telling<'p> {
    /// How many rows are put away at once.
    const MANY: usize = 1 << 17;

    pub fn new(people: &'p People<'p>) -> Telling<'p> {
        Telling {
            people,
            noted: Vec::new(),
            sheaf: Sheaf::default(),
            failed: None,
        }
    }

    /// Whether all messages of a delivery have to be told.
    pub fn asks_for(&self, delivery: DeliveryIndex) -> bool {
        !self.families(delivery).is_empty()
    }

    /// The kinds of rows whose messages have to be.
    pub fn kinds(&self) -> u32 {
        match self.people.asked.quarantine {
            Some(_) => FAILURES,
            None => 0,
        }
    }

    fn families(&self, delivery: DeliveryIndex) -> &'p [u32] {
        let families = self.people.asked.families.get(delivery.0 as usize);
        families.map_or(&[], Vec::as_slice)
    }

    /// Takes note of a counted row of the message.
    pub fn note(&mut self, row: &Row, by_machine: bool) {
        let stamp = row.stamp.by_anyone();
        let stamp = match by_machine {
            true => stamp.by_machine(),
            false => stamp,
        };
        self.noted.push((stamp, row.recipient));
    }

    /// Tells the rows of the message that have been noted, each of the person that it is of: its recipient, else that of
    /// the message's reports, else the message itself.
    pub fn tell<M: MessageKey>(
        &mut self,
        delivery: DeliveryIndex,
        message: M,
        recipients: &[RecipientKey],
    ) {
        let families = self.families(delivery);
        let reports = self
            .noted
            .iter()
            .filter(|(stamp, _)| stamp.log() == Log::Sending);
        let of_reports = reports.map(|(_, recipient)| *recipient);
        let of_reports = of_reports.fold(Recipient::NONE, Recipient::agreed);
        let key = |recipient: Recipient| recipients.get(recipient.place()?).copied();
        let of_message = key(of_reports).unwrap_or_else(|| stand_in(delivery, message));
        let whole = self.people.asked.count;
        for (stamp, recipient) in self.noted.drain(..) {
            let person = key(recipient).unwrap_or(of_message);
            let is_error = stamp.log() == Log::Sending && FAILURES >> stamp.kind() & 1 == 1;
            let groups = match stamp.log() {
                Log::Tracking => families,
                Log::Sending if is_error && self.people.asked.quarantine.is_some() => {
                    std::slice::from_ref(&whole)
                }
                Log::Sending => &[],
            };
            for group in groups {
                self.sheaf.decoded.events.push(Event {
                    message: person,
                    stamp,
                    delivery: DeliveryIndex(*group),
                    // A row of a person has no reason and no link, but comes from a delivery.
                    code: Code::from_bits(delivery.0),
                });
            }
        }
        if self.sheaf.rows() >= Self::MANY {
            self.put();
        }
        if self.people.shelf.has_failed() {
            // No more of them are needed.
            self.sheaf.clear();
        }
    }

    fn put(&mut self) {
        self.sheaf.end(0);
        let slab = Slab::of(&mut self.sheaf, self.people.partitions);
        let put = self.people.shelf.put(slab);
        self.failed = self.failed.take().or(put.err());
    }

    /// No message follows.
    pub fn ends(&mut self) -> Result<(), SpillError> {
        self.put();
        self.failed.take().map_or(Ok(()), Err)
    }
}

/// Takes note of the rows of messages that count nothing.
impl Sink for Telling<'_> {
    fn meets(&mut self, _: u32, _: Fate) {}
    fn mark(&mut self, _: u32, _: Mark) {}
    fn counts(&mut self, row: &Row, by_machine: bool) {
        self.note(row, by_machine);
    }
    fn moves(&mut self, _: Instant, _: Option<Status>, _: Status) {}
    fn occurs(&mut self, _: Instant, _: Occurrence) {}
}

/// What stands for the recipient of a message of which no row names one.
fn stand_in<M: MessageKey>(delivery: DeliveryIndex, message: M) -> RecipientKey {
    // No recipient has this bit as its highest one.
    const MESSAGE: u64 = 1 << 62;
    let [high, low] = message.wide();
    [
        MESSAGE | (high ^ u64::from(delivery.0)) & (MESSAGE - 1),
        low,
    ]
}
