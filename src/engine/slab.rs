//! Memory in which rows wait: large pieces, straight from the operating system.

use super::partition::Partitions;
use super::run::{Order, Piece, Run};
use super::sheaf::Sheaf;
use crate::model::MessageKey;
use memmap2::MmapMut;
use std::alloc::{Layout, handle_alloc_error};

/// Runs in memory of their own. Where the system has large pages, it hands them out in few steps, and
/// takes all of it back as soon as they are gone.
#[derive(Default)]
pub struct Slab {
    /// None takes no memory.
    memory: Option<MmapMut>,
    used: usize,
    runs: Vec<Run>,
    /// Memory for the slab after this one.
    spare: Option<MmapMut>,
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
        let _ = memory.advise(memmap2::Advice::HugePage);
        Slab {
            memory: Some(memory),
            ..Slab::default()
        }
    }

    /// Sorts the rows of a sheaf by partition and leaves it empty. Where there is no room for them, a
    /// new slab of at least `size` bytes takes the place of this one, which is given back.
    pub fn add<M: MessageKey>(
        &mut self,
        sheaf: &mut Sheaf<M>,
        partitions: Partitions,
        size: usize,
    ) -> Option<Slab> {
        sheaf.cut();
        let Some(order) = Order::of(sheaf, partitions) else {
            sheaf.clear();
            return None;
        };
        let bytes = order.bytes();
        let left = self.memory().len() - self.used;
        let full = (left < bytes)
            .then(|| self.replaced(bytes.max(size)))
            .filter(|full| !full.runs.is_empty());
        let memory = self.memory.as_deref_mut().unwrap_or_default();
        let run = order.write(sheaf, memory, self.used);
        self.used += bytes;
        self.runs.push(run);
        full
    }

    /// Gives this slab, and puts another with at least so many bytes in its place.
    fn replaced(&mut self, bytes: usize) -> Slab {
        let spare = self.spare.take().filter(|spare| spare.len() >= bytes);
        let next = match spare {
            None => Slab::with_room(bytes),
            memory => Slab {
                memory,
                ..Slab::default()
            },
        };
        std::mem::replace(self, next)
    }

    /// Takes the memory of a slab whose rows are kept elsewhere, for the one after this: pages that were handed
    /// out once need not be cleared again.
    pub fn reuse(&mut self, emptied: Slab) {
        self.spare = emptied.memory;
    }

    /// A slab of these rows alone.
    pub fn of<M: MessageKey>(sheaf: &mut Sheaf<M>, partitions: Partitions) -> Slab {
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

    /// How much memory they take, in whole pages.
    pub fn size(&self) -> usize {
        const PAGE: usize = 4096;
        self.used.next_multiple_of(PAGE) + self.runs.iter().map(Run::overhead).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::packed::{Extra, Number};
    use crate::model::{Code, DeliveryIndex, Event, Instant, Logged, Report, Stamp, Tail};

    /// A sheaf of these messages, with tails or without.
    fn sheaf(messages: std::ops::Range<u64>, with_tails: bool) -> Sheaf<u64> {
        let report = Some(Logged::Event(Report::Relayed));
        let mut sheaf = Sheaf::default();
        for message in messages {
            sheaf.decoded.events.push(Event {
                message,
                stamp: Stamp::sending(Some(Instant::FIRST), report),
                delivery: DeliveryIndex(0),
                code: Code::NULL,
            });
            if with_tails {
                sheaf.decoded.tails.push(Tail::default());
            }
        }
        sheaf.end(0);
        sheaf
    }

    fn messages(slab: &Slab) -> Vec<u64> {
        let mut all = Vec::new();
        for piece in slab.pieces(0).chain(slab.pieces(1)) {
            let mut of_piece = vec![0; piece.rows()];
            piece.each(Number::Low, &mut of_piece, |message, low| *message = low);
            all.extend(of_piece);
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn runs_share_a_slab_until_it_is_full() {
        // 16 messages in a byte each, and the margin.
        let of_run = 16 + crate::engine::packed::MARGIN;
        for (size, runs_of_a_slab) in [
            (0, 1),
            (2 * of_run - 1, 1),
            (2 * of_run, 2),
            (2 * of_run + 1, 2),
        ] {
            let mut slab = Slab::default();
            let mut full = Vec::new();
            for run in 0..5 {
                let mut sheaf = sheaf(run * 16..run * 16 + 16, run % 2 == 1);
                full.extend(slab.add(&mut sheaf, Partitions::of(2), size));
                assert_eq!((sheaf.rows(), sheaf.extra()), (0, Extra::None));
            }
            assert!(
                slab.add(&mut sheaf(0..0, false), Partitions::of(2), size)
                    .is_none()
            );
            full.push(slab);
            let rows: Vec<u64> = full.iter().map(Slab::rows).collect();
            let expected = match runs_of_a_slab {
                1 => vec![16; 5],
                _ => vec![32, 32, 16],
            };
            assert_eq!(rows, expected, "{size}");
            let all: Vec<u64> = full.iter().flat_map(messages).collect();
            assert_eq!(all, (0..80).collect::<Vec<_>>(), "{size}");
        }
    }
}
