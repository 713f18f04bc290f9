//! Decoded rows before they are sorted.

use super::packed::{BLOCK, Block};
use crate::decode::Decoded;

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

    /// Leaves it without rows.
    pub(super) fn clear(&mut self) {
        self.decoded.events.clear();
        self.decoded.tails.clear();
        self.sources.clear();
    }

    /// The rows, a block at a time.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Block<'_, M>> {
        let Decoded { events, tails, .. } = &self.decoded;
        let starts = [0]
            .into_iter()
            .chain(self.sources.iter().map(|(_, end)| *end));
        let ranges = starts.zip(&self.sources).enumerate();
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
}
