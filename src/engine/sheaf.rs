//! Decoded rows before they are sorted.

use super::block::{BLOCK, Block};
use super::deliveries::DeliverySet;
use super::packed::{Extra, Survey};
use super::partition::Partitions;
use crate::decode::Decoded;
use crate::model::{DeliveryIndex, MessageKey};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Decoded rows that wait to become a run: of one row group, of several small ones, or a part of a
/// large one.
pub struct Sheaf<M> {
    /// The rows, all of them with tails, or none; the same with `log_id`s.
    pub decoded: Decoded<M>,
    /// The sources of the rows, and where the rows of each end; [`Sheaf::end`] adds them.
    pub sources: Vec<(u32, usize)>,
    seen: Seen,
}

/// What is known of the first rows of a sheaf, as many as have their partitions.
#[derive(Default)]
pub(super) struct Seen {
    /// Their partitions.
    pub partition_of: Vec<u16>,
    /// The bounds of their numbers.
    pub survey: Survey,
    /// By delivery, whether one of them is of it.
    of_delivery: Vec<bool>,
}

impl Seen {
    /// The deliveries of the rows.
    pub fn deliveries(&self) -> DeliverySet {
        let all = (0u32..).zip(&self.of_delivery);
        all.filter_map(|(index, is_met)| is_met.then_some(DeliveryIndex(index)))
            .collect()
    }
}

impl<M> Default for Sheaf<M> {
    fn default() -> Self {
        Sheaf {
            decoded: Decoded::default(),
            sources: Vec::new(),
            seen: Seen::default(),
        }
    }
}

impl<M> Sheaf<M> {
    /// An empty one that keeps the `log_id`s of rows without tails, or does not.
    pub fn keeping(row_ids: bool) -> Sheaf<M> {
        let mut sheaf = Sheaf::default();
        sheaf.decoded.keeps_row_ids = row_ids;
        sheaf
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.decoded.events.len()
    }

    /// What the rows have besides their events; those of an empty one may have anything.
    pub fn extra(&self) -> Extra {
        let Decoded { tails, row_ids, .. } = &self.decoded;
        match (tails.is_empty(), row_ids.is_empty()) {
            (false, _) => Extra::Tails,
            (true, false) => Extra::RowIds,
            (true, true) => Extra::None,
        }
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
        self.decoded.row_ids.truncate(end);
        self.decoded.domains.truncate(end);
        self.decoded.recipients.truncate(end);
        self.seen.partition_of.truncate(end);
    }

    /// Leaves it without rows.
    pub(super) fn clear(&mut self) {
        self.decoded.events.clear();
        self.decoded.tails.clear();
        self.decoded.row_ids.clear();
        self.decoded.domains.clear();
        self.decoded.recipients.clear();
        self.sources.clear();
        self.seen.partition_of.clear();
        self.seen.survey = Survey::default();
        self.seen.of_delivery.clear();
    }

    /// The sources, each once.
    pub(super) fn distinct(&self) -> Vec<u32> {
        let mut met = HashSet::new();
        let sources = self.sources.iter().map(|(source, _)| *source);
        sources.filter(|source| met.insert(*source)).collect()
    }

    /// The place of each source among the distinct ones.
    fn places(&self) -> Vec<usize> {
        let place_of: HashMap<u32, usize> = self.distinct().into_iter().zip(0..).collect();
        let sources = self.sources.iter();
        sources.map(|(source, _)| place_of[source]).collect()
    }

    /// The rows, a block at a time.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Block<'_, M>> {
        let places = self.places();
        let starts = [0]
            .into_iter()
            .chain(self.sources.iter().map(|(_, end)| *end));
        let ranges = starts.zip(&self.sources).zip(places);
        ranges.flat_map(|((start, (_, end)), source)| self.blocks_of(start..*end, source))
    }

    /// Some rows of one source, a block at a time.
    fn blocks_of(&self, rows: Range<usize>, source: usize) -> impl Iterator<Item = Block<'_, M>> {
        let Decoded {
            events,
            tails,
            row_ids,
            domains,
            recipients,
            ..
        } = &self.decoded;
        let end = rows.end;
        rows.step_by(BLOCK).map(move |first| {
            let rows = first..(first + BLOCK).min(end);
            Block {
                messages: &events.messages[rows.clone()],
                stamps: &events.stamps[rows.clone()],
                deliveries: &events.deliveries[rows.clone()],
                codes: &events.codes[rows.clone()],
                tails: tails.get(rows.clone()).unwrap_or_default(),
                row_ids: row_ids.get(rows.clone()).unwrap_or_default(),
                domains: domains.get(rows.clone()).unwrap_or_default(),
                recipients: recipients.get(rows).unwrap_or_default(),
                source,
            }
        })
    }
}

impl<M: MessageKey> Sheaf<M> {
    /// Has a look at the rows that came since the last time, while they are in the processor's cache.
    pub(super) fn look(&mut self, partitions: Partitions) {
        let mut seen = std::mem::take(&mut self.seen);
        let rows = seen.partition_of.len()..self.rows();
        let deliveries = &self.decoded.events.deliveries[rows.clone()];
        let messages = &self.decoded.events.messages[rows.clone()];
        let keys = messages.iter().zip(deliveries);
        let of = |(message, delivery): (&M, &DeliveryIndex)| partitions.place(*message, *delivery);
        seen.partition_of.extend(keys.map(of));
        for block in self.blocks_of(rows, 0) {
            seen.survey.meet(block);
        }
        let highest = seen.survey.highest_delivery();
        let known = deliveries
            .first()
            .and(highest)
            .map_or(0, |highest| highest + 1);
        if known > seen.of_delivery.len() {
            seen.of_delivery.resize(known, false);
        }
        for delivery in deliveries {
            seen.of_delivery[delivery.0 as usize] = true;
        }
        self.seen = seen;
    }

    /// What is known of the rows that were looked at.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }
}
