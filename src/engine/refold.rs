//! Folding again what changed: the messages with new rows, with rows that count no longer, and those that
//! time has changed. What they came to before is taken off what they come to now.

use super::deliveries::DeliverySet;
use super::groups::Groups;
use super::partition::Partitions;
use super::rests::RowKey;
use super::shelf::{Shelved, SpillError, failed};
use super::volume::Volume;
use super::watch::{Wake, Watched};
use super::{Pool, Progress, Stage, share};
use crate::history::Meaning;
use crate::model::{Breakdowns, MessageKey, Policy};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// When the rows of a source count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// They counted in the last run.
    pub before: bool,
    /// They count in this one.
    pub after: bool,
}

/// What the messages are judged by.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The policies of the deliveries, by their index.
    pub policies: &'a [Policy],
    /// As-of and codes.
    pub meaning: Meaning<'a>,
    /// The deliveries whose messages are not counted.
    pub frozen: &'a Arc<DeliverySet>,
}

/// What is there to be folded again.
pub struct Changed<'a> {
    /// The rows that earlier runs have read.
    pub volumes: &'a [Volume],
    /// The rows that this run has read, in the same partitions.
    pub added: &'a Shelved,
    /// By source, when its rows count.
    pub sources: &'a [Standing],
    /// The messages that time has changed.
    pub woken: &'a [Wake],
    /// The deliveries all of whose messages are folded again.
    pub whole: &'a DeliverySet,
    /// Digests of rows that were read without them, as far as they are needed.
    pub rests: &'a HashMap<RowKey, u64>,
    /// By what deliveries are broken down.
    pub breakdowns: Breakdowns,
    /// How the last run judged.
    pub before: Judged<'a>,
    /// How this one does.
    pub after: Judged<'a>,
}

/// What the messages came to before, and what they come to now.
pub struct Refolded {
    /// Before.
    pub before: Watched<'static>,
    /// Now.
    pub after: Watched<'static>,
    /// The deliveries of new rows.
    pub added: DeliverySet,
    /// The deliveries of rows that count no longer.
    pub gone: DeliverySet,
    /// The deliveries with rows that are superseded or deleted now.
    pub corrected: DeliverySet,
    /// Rows that were read without their digests, which decide whether others are copies of them.
    pub doubts: HashSet<RowKey>,
}

/// Folds the changed messages of all partitions.
pub fn refold<M: MessageKey>(
    pool: &Pool,
    partitions: Partitions,
    changed: &Changed<'_>,
    progress: &dyn Progress,
) -> Result<Refolded, SpillError> {
    progress.begins(Stage::Folding, partitions.count() as u64);
    let sources = changed.sources.len();
    let mut woken: Vec<Vec<&Wake>> = vec![Vec::new(); partitions.count()];
    for wake in changed.woken {
        let place = partitions.place(M::from_wide(wake.message), wake.delivery);
        woken[usize::from(place)].push(wake);
    }
    let is_gone = |source: u32| {
        let standing = changed.sources[source as usize];
        standing.before && !standing.after
    };
    let volumes = changed.volumes.iter();
    let with_gone: Vec<&Volume> = volumes.filter(|volume| volume.names(is_gone)).collect();
    let start = || Refolder::<M> {
        before: Watched::new(sources, changed.before.frozen, changed.breakdowns),
        after: Watched::new(sources, changed.after.frozen, changed.breakdowns),
        added: DeliverySet::default(),
        gone: DeliverySet::default(),
        corrected: DeliverySet::default(),
        doubts: HashSet::new(),
        groups: Groups::default(),
        buffer: Vec::new(),
        buffers: Vec::new(),
        done: Ok(()),
    };
    let work = |refolder: &mut Refolder<M>, partition: usize| {
        if refolder.done.is_ok() {
            refolder.done = refolder.fold(changed, &with_gone, &woken[partition], partition);
            progress.advances(1);
        }
    };
    let parts = share(pool, partitions.count(), start, work, |refolder| refolder);
    progress.ends();
    let mut all = Refolded {
        before: Watched::new(sources, changed.before.frozen, changed.breakdowns),
        after: Watched::new(sources, changed.after.frozen, changed.breakdowns),
        added: DeliverySet::default(),
        gone: DeliverySet::default(),
        corrected: DeliverySet::default(),
        doubts: HashSet::new(),
    };
    for part in parts {
        part.done?;
        all.before.absorb(part.before);
        all.after.absorb(part.after);
        all.added.extend(&part.added);
        all.gone.extend(&part.gone);
        all.corrected.extend(&part.corrected);
        all.doubts.extend(part.doubts);
    }
    Ok(all)
}

/// One thread that folds again.
struct Refolder<M> {
    before: Watched<'static>,
    after: Watched<'static>,
    added: DeliverySet,
    gone: DeliverySet,
    corrected: DeliverySet,
    doubts: HashSet<RowKey>,
    groups: Groups<M>,
    buffer: Vec<u8>,
    buffers: Vec<Vec<u8>>,
    done: Result<(), SpillError>,
}

impl<M: MessageKey> Refolder<M> {
    fn fold(
        &mut self,
        changed: &Changed<'_>,
        with_gone: &[&Volume],
        woken: &[&Wake],
        partition: usize,
    ) -> Result<(), SpillError> {
        let Refolder {
            before,
            after,
            added,
            gone,
            corrected,
            doubts,
            groups,
            buffer,
            buffers,
            ..
        } = self;
        groups.clear();
        let pieces = changed.added.pieces(partition, buffers)?;
        pieces.into_iter().for_each(|piece| groups.add(piece));
        added.extend(&groups.deliveries());
        for wake in woken {
            groups.touch(M::from_wide(wake.message), wake.delivery);
        }
        let of = |source: u32| changed.sources[source as usize];
        let is_gone = |source: u32| of(source).before && !of(source).after;
        for volume in with_gone {
            read(volume, partition, buffer)?;
            volume.pieces(buffer, |piece| groups.touch_those(piece, is_gone, gone));
        }
        if groups.is_empty() && changed.whole.is_empty() {
            return Ok(());
        }
        let touched = groups.deliveries();
        for volume in changed.volumes {
            if volume.has_some(&touched) || volume.has_some(changed.whole) {
                read(volume, partition, buffer)?;
                volume.pieces(buffer, |piece| {
                    groups.add_known(piece, changed.whole, changed.rests)
                });
            }
        }
        groups.find_doubts(doubts);
        groups.replay_twice(
            changed.sources,
            (changed.before, before),
            (changed.after, after),
            corrected,
        );
        Ok(())
    }
}

fn read(volume: &Volume, partition: usize, buffer: &mut Vec<u8>) -> Result<(), SpillError> {
    let read = volume.read(partition, buffer);
    read.map_err(failed(volume.directory()))
}

/// The deliveries of the rows of some sources.
pub fn deliveries_of<M: MessageKey>(
    pool: &Pool,
    volumes: &[Volume],
    partitions: Partitions,
    is_one: impl Fn(u32) -> bool + Sync,
) -> Result<DeliverySet, SpillError> {
    let volumes: Vec<&Volume> = volumes.iter().filter(|v| v.names(&is_one)).collect();
    let start = || {
        (
            DeliverySet::default(),
            Groups::<M>::default(),
            Vec::new(),
            Ok(()),
        )
    };
    let work = |(found, groups, buffer, done): &mut (_, Groups<M>, Vec<u8>, Result<_, _>), at| {
        for volume in &volumes {
            groups.clear();
            match read(volume, at, buffer) {
                Ok(()) => volume.pieces(buffer, |piece| groups.touch_those(piece, &is_one, found)),
                Err(error) => *done = Err(error),
            }
        }
    };
    let mut all = DeliverySet::default();
    for (found, _, _, done) in super::share(pool, partitions.count(), start, work, |all| all) {
        done?;
        all.extend(&found);
    }
    Ok(all)
}
