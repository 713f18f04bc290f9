//! Looks at every message while it is folded, for what the KPIs alone do not show.

use super::statuses::Statuses;
use crate::commands::compute::Counting;
use crate::engine::{Account, Behind};
use crate::history::{Meaning, Row, live};
use crate::model::{
    Codes, DeliveryIndex, Hour, Instant, Log, Logged, MessageKey, Policy, Report, Tail, Tracked,
    Value,
};
use crate::rollup::Partial;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many messages something concerns, and some of them, the same in every run.
#[derive(Default)]
pub struct Cases {
    /// By delivery: how many, and the lowest keys.
    pub of: HashMap<DeliveryIndex, (u64, BTreeSet<[u64; 2]>)>,
}

impl Cases {
    /// Messages that are kept for each delivery.
    const KEPT: usize = 100;

    pub(super) fn add(&mut self, delivery: DeliveryIndex, message: [u64; 2]) {
        let (count, some) = self.of.entry(delivery).or_default();
        *count += 1;
        some.insert(message);
        if some.len() > Self::KEPT {
            some.pop_last();
        }
    }

    pub(super) fn merge(&mut self, other: Cases) {
        for (delivery, (count, some)) in other.of {
            let (mine, kept) = self.of.entry(delivery).or_default();
            *mine += count;
            kept.extend(some);
            while kept.len() > Self::KEPT {
                kept.pop_last();
            }
        }
    }

    /// How many in all.
    pub fn count(&self) -> u64 {
        self.of.values().map(|(count, _)| count).sum()
    }
}

/// What is known of a delivery besides its KPIs.
#[derive(Clone, Copy, Default)]
pub struct Reports {
    /// Soft bounces of a delivery without EFS.
    pub soft_bounces: u64,
    /// Successes of it.
    pub delivered: u64,
    /// Tracking rows of messages that have not entered the log.
    pub orphans: u64,
}

/// The account of one thread.
pub struct Inspector {
    partial: Partial,
    /// Messages with different rows of one `log_id` and revision.
    pub equal_revisions: Cases,
    /// Those of them whose events or types differ.
    pub several_events: Cases,
    /// Messages with a tracking row that stands there both with a `log_id` and without one.
    pub twins: Cases,
    /// The `log_id`s of both logs, once for each message; only of rows that share row groups with
    /// others of their `log_id`, as far as footers tell.
    log_ids: [Vec<i64>; 2],
    /// By [`DeliveryIndex`].
    pub reports: Vec<Reports>,
    /// Rows by log, and by hour since the first that a row may lie in.
    hours: [Vec<u64>; 2],
    /// By log, the newest row before as-of.
    pub newest: [Option<Instant>; 2],
    /// Counted rows of types that are none of the contract's, by what stands there.
    pub unknown_types: BTreeMap<Value, u64>,
    /// Where the sending log holds statuses: what they say, and what we say.
    pub statuses: Statuses,
    /// The rows of one message with a `log_id`, while it is looked at.
    keyed: Vec<Row>,
}

impl Inspector {
    /// An empty one for rows of so many sources.
    pub fn new(sources: usize) -> Inspector {
        Inspector {
            partial: Partial::new(sources),
            equal_revisions: Cases::default(),
            several_events: Cases::default(),
            twins: Cases::default(),
            log_ids: [Vec::new(), Vec::new()],
            reports: Vec::new(),
            hours: [Vec::new(), Vec::new()],
            newest: [None; 2],
            unknown_types: BTreeMap::new(),
            statuses: Statuses::default(),
            keyed: Vec::new(),
        }
    }

    /// The hours in which a log has rows.
    pub fn hours(&self, log: Log) -> impl Iterator<Item = Hour> {
        let rows = self.hours[log as usize].iter().enumerate();
        let first = Instant::FIRST.hour().get();
        rows.filter(|(_, rows)| **rows > 0)
            .map(move |(hour, _)| Hour::new(first + hour as i64))
    }

    /// The `log_id`s of a log that stand in several messages.
    pub fn shared_log_ids(&mut self, log: Log) -> Vec<i64> {
        let ids = &mut self.log_ids[log as usize];
        ids.sort_unstable();
        let groups = ids.chunk_by(|a, b| a == b);
        groups
            .filter(|ids| ids.len() > 1)
            .map(|ids| ids[0])
            .collect()
    }

    fn look_at_log_ids(
        &mut self,
        key: (DeliveryIndex, [u64; 2]),
        rows: &[Row],
        tails: &[Tail],
        codes: &Codes,
    ) {
        let tail = |row: &Row| tails.get(row.tail as usize).copied().unwrap_or_default();
        self.keyed.clear();
        let has_key = |row: &&Row| row.stamp.has_log_id() && row.tail != Row::SOLE;
        self.keyed.extend(rows.iter().filter(has_key));
        let of = |row: &Row| (row.stamp.log(), tail(row).log_id, tail(row).revision);
        self.keyed.sort_unstable_by_key(of);
        let (mut differ, mut several) = (false, false);
        for same in self.keyed.chunk_by(|a, b| of(a) == of(b)) {
            let content = |row: &Row| (row.stamp, row.code, tail(row).rest);
            differ |= same.iter().any(|row| content(row) != content(&same[0]));
            let what = |row: &Row| (row.stamp.logged(), codes.unknown_type(row.code));
            let mut live = same.iter().filter(|row| !row.stamp.is_deleted());
            let first = live.next();
            several |= live.any(|row| first.is_some_and(|first| what(row) != what(first)));
        }
        let id = |row: &Row| (row.stamp.log(), tail(row).log_id);
        for same in self.keyed.chunk_by(|a, b| id(a) == id(b)) {
            let (log, log_id) = id(&same[0]);
            // A report moves to another message by a deletion here and a row there.
            let winner = same
                .iter()
                .max_by_key(|row| (tail(row).revision, row.stamp.is_deleted()));
            if winner.is_some_and(|winner| !winner.stamp.is_deleted()) {
                self.log_ids[log as usize].push(log_id);
            }
        }
        if differ {
            self.equal_revisions.add(key.0, key.1);
        }
        if several {
            self.several_events.add(key.0, key.1);
        }
    }

    fn look_at_counted(
        &mut self,
        key: (DeliveryIndex, [u64; 2]),
        rows: &[Row],
        policy: &Policy,
        has_entered: bool,
    ) {
        let mut reports = Reports::default();
        for row in rows.iter().filter(|row| !row.stamp.is_test()) {
            match row.stamp.report() {
                Some(Report::SoftBounce) if !policy.efs => reports.soft_bounces += 1,
                Some(Report::Delivered) if !policy.efs => reports.delivered += 1,
                None if !has_entered => reports.orphans += 1,
                _ => {}
            }
        }
        at(&mut self.reports, key.0.0 as usize).add(reports);
        // Equal rows stand together, those without a log_id first.
        let tracking = rows.partition_point(|row| row.stamp.log() == Log::Sending);
        let mut groups = rows[tracking..].chunk_by(|a, b| a.stamp.identity() == b.stamp.identity());
        let has_twins = groups.any(|same| {
            let with = same.iter().position(|row| row.stamp.has_log_id());
            let (without, with) = same.split_at(with.unwrap_or(same.len()));
            with.iter()
                .any(|row| without.iter().any(|other| other.code == row.code))
        });
        if has_twins {
            self.twins.add(key.0, key.1);
        }
    }
}

impl Reports {
    fn add(&mut self, other: Reports) {
        self.soft_bounces += other.soft_bounces;
        self.delivered += other.delivered;
        self.orphans += other.orphans;
    }
}

impl<M: MessageKey> Account<M> for Inspector {
    fn message(
        &mut self,
        delivery: DeliveryIndex,
        message: M,
        rows: &mut Vec<Row>,
        behind: Behind<'_>,
        policy: &Policy,
        meaning: Meaning<'_>,
    ) {
        let tails = behind.tails;
        let key = (delivery, message.wide());
        for row in rows.iter() {
            if let Some(instant) = row.stamp.at() {
                let hour = instant.hour().get() - Instant::FIRST.hour().get();
                let log = row.stamp.log() as usize;
                *at(&mut self.hours[log], hour as usize) += 1;
                if instant < meaning.as_of {
                    self.newest[log] = self.newest[log].max(Some(instant));
                }
            }
        }
        self.look_at_log_ids(key, rows, tails, meaning.codes);
        let form = Form::of(rows);
        let mut teller = self.partial.teller(delivery);
        let life = live(rows, tails, policy, meaning, &mut teller);
        teller.ends(&life);
        self.look_at_counted(key, rows, policy, life.status.is_some());
        let is_unknown =
            |row: &&Row| row.stamp.tracked() == Some(Tracked::Unknown) && !row.stamp.is_test();
        for row in rows.iter().filter(is_unknown) {
            if let Some(label) = meaning.codes.unknown_type(row.code) {
                *self.unknown_types.entry(label).or_default() += 1;
            }
        }
        match form {
            Form::Statuses => self.statuses.add(key, rows, policy.efs, life.status),
            Form::Mixed => self.statuses.mixed += 1,
            Form::Events => {}
        }
    }

    fn merge(&mut self, other: Inspector) {
        self.partial.merge(&other.partial);
        self.equal_revisions.merge(other.equal_revisions);
        self.several_events.merge(other.several_events);
        self.twins.merge(other.twins);
        for (mine, theirs) in self.log_ids.iter_mut().zip(other.log_ids) {
            mine.extend(theirs);
        }
        for (delivery, reports) in other.reports.into_iter().enumerate() {
            at(&mut self.reports, delivery).add(reports);
        }
        for (mine, theirs) in self.hours.iter_mut().zip(other.hours) {
            for (hour, rows) in theirs.into_iter().enumerate() {
                *at(mine, hour) += rows;
            }
        }
        for (mine, theirs) in self.newest.iter_mut().zip(other.newest) {
            *mine = (*mine).max(theirs);
        }
        for (label, rows) in other.unknown_types {
            *self.unknown_types.entry(label).or_default() += rows;
        }
        self.statuses.merge(other.statuses);
    }
}

/// A place in a list that grows as it has to.
fn at<T: Clone + Default>(list: &mut Vec<T>, place: usize) -> &mut T {
    if place >= list.len() {
        list.resize(place + 1, T::default());
    }
    &mut list[place]
}

/// How the reports of a message are written.
enum Form {
    /// As events, or there are none.
    Events,
    /// As statuses, all of them.
    Statuses,
    /// Some so, some so.
    Mixed,
}

impl Form {
    fn of(rows: &[Row]) -> Form {
        let (mut events, mut statuses) = (false, false);
        for row in rows {
            let stamp = row.stamp;
            if stamp.log() == Log::Sending && !stamp.is_deleted() && !stamp.is_test() {
                match stamp.logged() {
                    Some(Logged::Event(_)) | None => events = true,
                    Some(_) => statuses = true,
                }
            }
        }
        match (events, statuses) {
            (_, false) => Form::Events,
            (false, true) => Form::Statuses,
            (true, true) => Form::Mixed,
        }
    }
}

impl Counting for Inspector {
    fn partial(&self) -> &Partial {
        &self.partial
    }
}
