//! Logs expire, KPIs must not: which deliveries keep their published rows because files of theirs are gone.

use super::Error;
use crate::engine::{DeliverySet, Pool, deliveries_of};
use crate::extracts::{Extract, IdKind, SourceFile};
use crate::job::{Job, OnVanished};
use crate::model::{Catalog, DeliveryId, Instant};
use crate::publish::{FileRecord, Output, RunRecord};
use crate::state::{Changes, Kept, Store, changes};
use crate::tables::{EarlierDelivery, earlier_deliveries};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The deliveries whose published rows stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Frozen {
    /// Those of the last run.
    pub before: BTreeSet<DeliveryId>,
    /// Those of this one.
    pub after: BTreeSet<DeliveryId>,
}

/// Files of the last run that are no longer there; they have to be few enough, and the job has to allow it.
fn allowed<'a>(
    job: &Job,
    known: impl Iterator<Item = &'a FileRecord>,
    vanished: &[(Extract, String)],
) -> Result<(), Error> {
    if vanished.is_empty() {
        return Ok(());
    }
    let names = || vanished.iter().map(|(_, name)| name.clone()).collect();
    if job.on_vanished == OnVanished::Fail {
        return Err(Error::Vanished(names()));
    }
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    known.for_each(|file| *files.entry(&file.log).or_default() += 1);
    for (log, files) in files {
        let gone = vanished.iter().filter(|(of, _)| of.name() == log).count();
        if 2 * gone >= files && !job.accept_shrinkage {
            return Err(Error::Shrunk {
                log: log.to_owned(),
                gone,
                files,
            });
        }
    }
    Ok(())
}

/// The deliveries that are frozen where all files are read. What the last run has left tells which had rows in
/// the files that are gone; where it is of no use, the times of these files have to do.
pub fn frozen_anew(
    job: &Job,
    pool: &Pool,
    output: &Output,
    last: &RunRecord,
    kind: IdKind,
    listed: &[(Extract, SourceFile)],
) -> Result<Frozen, Error> {
    let state = last.state.as_deref();
    let kept = state.and_then(|state| Store::of(&job.output).read(state).ok());
    if let Some(kept) = kept.filter(|kept| kept.schemas.delivery_id == kind) {
        let changes = changes(&kept, listed.iter().cloned(), job.rehash);
        match Frozen::by_rows(job, pool, last, &kept, &changes) {
            Err(Error::Spill(error)) if error.is_damage() => {}
            frozen => return frozen,
        }
    }
    let names = listed.iter().map(|(log, file)| (*log, file.name.clone()));
    let vanished = vanished(last, names);
    let known = last.files.iter().filter(|file| file.skipped.is_none());
    allowed(job, known, &vanished)?;
    let published = match vanished.is_empty() {
        true => None,
        false => output.published()?,
    };
    let published = match published {
        Some(published) => earlier_deliveries(&published.deliveries()?)?,
        None => BTreeMap::new(),
    };
    Ok(Frozen::by_time(job, last, kind, &vanished, &published))
}

/// The files of the last run's record that are not among the listed ones.
fn vanished(
    last: &RunRecord,
    listed: impl Iterator<Item = (Extract, String)>,
) -> Vec<(Extract, String)> {
    let listed: HashSet<(Extract, String)> = listed.collect();
    let read = last.files.iter().filter(|file| file.skipped.is_none());
    let name = |file: &FileRecord| {
        let logs = [Extract::SendingLog, Extract::TrackingLog];
        let log = logs.into_iter().find(|log| log.name() == file.log)?;
        Some((log, file.file.clone()))
    };
    read.filter_map(name)
        .filter(|file| !listed.contains(file))
        .collect()
}

/// Identifiers as they are typed, or recorded.
fn parsed(texts: &[String], kind: IdKind) -> BTreeSet<DeliveryId> {
    let id = |text: &String| match kind {
        IdKind::Integer => text.parse().ok().map(DeliveryId::Number),
        IdKind::String => Some(DeliveryId::Text(text.as_str().into())),
    };
    texts.iter().filter_map(id).collect()
}

impl Frozen {
    /// Those of a run before this one.
    fn earlier(job: &Job, last: &RunRecord, kind: IdKind) -> Frozen {
        let before = Frozen::recorded_in(last, kind);
        let thawed = parsed(&job.thaw, kind);
        Frozen {
            after: before.difference(&thawed).cloned().collect(),
            before,
        }
    }

    /// Where nobody knows any more which deliveries had rows in the files that are gone: every
    /// one that had events in the time of such a file is taken to have lost some.
    fn by_time(
        job: &Job,
        last: &RunRecord,
        kind: IdKind,
        vanished: &[(Extract, String)],
        published: &BTreeMap<DeliveryId, EarlierDelivery>,
    ) -> Frozen {
        let mut frozen = Frozen::earlier(job, last, kind);
        if job.on_vanished != OnVanished::Freeze {
            return frozen;
        }
        let instant = |text: &Option<String>| text.as_deref().and_then(crate::job::parse_instant);
        // Of files that were read for some deliveries alone, nobody knows.
        type Span = (Option<Instant>, Option<Instant>);
        let gone: Vec<(bool, Span)> = last
            .files
            .iter()
            .filter(|file| {
                vanished
                    .iter()
                    .any(|(log, name)| log.name() == file.log && *name == file.file)
            })
            .map(|file| {
                let span = (
                    instant(&file.oldest_event_at),
                    instant(&file.newest_event_at),
                );
                (file.rows.rows_not_selected == 0, span)
            })
            .collect();
        for (id, delivery) in published {
            let (Some(first), Some(last)) = (delivery.first_event_at, delivery.last_event_at)
            else {
                continue;
            };
            // A file without an instant had no row that counted.
            let meets = |file: &(bool, Span)| match file {
                (false, _) => true,
                (true, (Some(oldest), Some(newest))) => *oldest <= last && first <= *newest,
                (true, _) => false,
            };
            let is_thawed = job.thaw.iter().any(|thawed| *thawed == id.to_string());
            if gone.iter().any(meets) && !is_thawed {
                frozen.after.insert(id.clone());
            }
        }
        frozen
    }

    /// Where what is kept tells which deliveries had rows in the files that are gone.
    pub fn by_rows(
        job: &Job,
        pool: &Pool,
        last: &RunRecord,
        kept: &Kept,
        changes: &Changes,
    ) -> Result<Frozen, Error> {
        let vanished = changes.vanished.iter();
        let vanished: Vec<(Extract, String)> = vanished
            .map(|file| (file.extract, file.record.file.clone()))
            .collect();
        let known = kept.files.iter().map(|file| &file.record);
        allowed(job, known, &vanished)?;
        let mut frozen = Frozen::earlier(job, last, kept.schemas.delivery_id);
        if job.on_vanished != OnVanished::Freeze || changes.vanished.is_empty() {
            return Ok(frozen);
        }
        let gone: HashSet<u32> = changes.vanished.iter().map(|file| file.source).collect();
        let is_one = |source: u32| gone.contains(&source);
        let (volumes, partitions) = (&kept.volumes, kept.partitions);
        let lost = match kept.schemas.message_id {
            IdKind::Integer => deliveries_of::<u64>(pool, volumes, partitions, is_one)?,
            IdKind::String => deliveries_of::<[u64; 2]>(pool, volumes, partitions, is_one)?,
        };
        let ids = lost
            .iter()
            .filter_map(|index| kept.deliveries.get(index.0 as usize));
        let ids = ids.map(|delivery| delivery.id.clone());
        let stays = |id: &DeliveryId| !job.thaw.iter().any(|thawed| *thawed == id.to_string());
        frozen.after.extend(ids.filter(stays));
        Ok(frozen)
    }

    /// Those that a record names.
    pub fn recorded_in(last: &RunRecord, kind: IdKind) -> BTreeSet<DeliveryId> {
        parsed(&last.frozen, kind)
    }

    /// The places of deliveries in a catalog.
    pub fn places(ids: &BTreeSet<DeliveryId>, catalog: &Catalog) -> Arc<DeliverySet> {
        Arc::new(ids.iter().map(|id| catalog.index(id)).collect())
    }

    /// The identifiers for the record of the run.
    pub fn recorded(&self) -> Vec<String> {
        self.after.iter().map(ToString::to_string).collect()
    }
}
