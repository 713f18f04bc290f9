//! Decoded rows before they are sorted.

use super::packed::{BLOCK, Block, Extra};
use crate::decode::Decoded;
use std::collections::{HashMap, HashSet};

/// Decoded rows that wait to become a run: of one row group, of several small ones, or a part of a
/// large one.
pub struct Sheaf<M> {
    /// The rows, all of them with tails, or none; the same with `log_id`s.
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
    }

    /// Leaves it without rows.
    pub(super) fn clear(&mut self) {
        self.decoded.events.clear();
        self.decoded.tails.clear();
        self.decoded.row_ids.clear();
        self.sources.clear();
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
        let Decoded {
            events,
            tails,
            row_ids,
            ..
        } = &self.decoded;
        let places = self.places();
        let starts = [0]
            .into_iter()
            .chain(self.sources.iter().map(|(_, end)| *end));
        let ranges = starts.zip(&self.sources).zip(places);
        ranges.flat_map(move |((start, (_, end)), source)| {
            (start..*end).step_by(BLOCK).map(move |first| {
                let rows = first..(first + BLOCK).min(*end);
                Block {
                    events: &events[rows.clone()],
                    tails: tails.get(rows.clone()).unwrap_or_default(),
                    row_ids: row_ids.get(rows).unwrap_or_default(),
                    source,
                }
            })
        })
    }
}
