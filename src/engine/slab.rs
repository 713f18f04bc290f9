//! Memory in which rows wait: large pieces, straight from the operating system.

use super::partition::{Order, Piece, Run};
use super::sheaf::Sheaf;
use crate::model::MessageKey;
use memmap2::{Advice, MmapMut};
use std::alloc::{Layout, handle_alloc_error};

/// Runs in memory of their own. Where the system has large pages, it hands them out in few steps, and
/// takes all of it back as soon as they are gone.
#[derive(Default)]
pub struct Slab {
    /// None takes no memory.
    memory: Option<MmapMut>,
    used: usize,
    runs: Vec<Run>,
}

impl Slab {
    /// Bytes of a slab that takes several runs.
    pub const USUAL: usize = 32 << 20;

    fn with_room(bytes: usize) -> Slab {
        let memory = MmapMut::map_anon(bytes).unwrap_or_else(|_| {
            // As any other allocation that fails.
            handle_alloc_error(Layout::array::<u8>(bytes).unwrap_or(Layout::new::<u8>()))
        });
        // A system that has none goes on with small pages.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(Advice::HugePage);
        Slab {
            memory: Some(memory),
            ..Slab::default()
        }
    }

    /// Sorts the rows of a sheaf by partition and leaves it empty; `partitions` is a power of two. Where
    /// there is no room for them, a new slab of at least `size` bytes takes the place of this one, which
    /// is given back.
    pub fn add<M: MessageKey>(
        &mut self,
        sheaf: &mut Sheaf<M>,
        partitions: usize,
        size: usize,
    ) -> Option<Slab> {
        sheaf.cut();
        let order = Order::of(sheaf, partitions)?;
        let bytes = order.bytes();
        let left = self.memory().len() - self.used;
        let full = (left < bytes)
            .then(|| std::mem::replace(self, Slab::with_room(bytes.max(size))))
            .filter(|full| !full.runs.is_empty());
        let memory = self.memory.as_deref_mut().unwrap_or_default();
        let run = order.write(sheaf, memory, self.used);
        self.used += bytes;
        self.runs.push(run);
        full
    }

    /// A slab of these rows alone.
    pub fn of<M: MessageKey>(sheaf: &mut Sheaf<M>, partitions: usize) -> Slab {
        let mut slab = Slab::default();
        slab.add(sheaf, partitions, 0);
        slab
    }

    fn memory(&self) -> &[u8] {
        self.memory.as_deref().unwrap_or_default()
    }

    /// The rows of one partition, run by run.
    pub fn pieces(&self, partition: usize) -> impl Iterator<Item = Piece<'_>> {
        let memory = self.memory();
        self.runs
            .iter()
            .map(move |run| run.piece(memory, partition))
    }

    /// Its runs.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.runs.iter().map(|run| run.rows() as u64).sum()
    }

    /// How much memory they take.
    pub fn size(&self) -> usize {
        self.used + self.runs.iter().map(Run::overhead).sum::<usize>()
    }
}
