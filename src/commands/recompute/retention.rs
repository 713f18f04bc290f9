//! Logs expire, KPIs must not: which deliveries keep their published rows because files of theirs are gone.

use super::{Error, Inputs};
use crate::engine::{DeliverySet, Pool, deliveries_of};
use crate::extracts::{Extract, IdKind, SourceFile};
use crate::job::{Job, OnVanished};
use crate::model::{Catalog, DeliveryId, Instant};
use crate::publish::{FileRecord, Output, RunRecord};
use crate::state::{Changes, Kept, KeptFile, Store, changes};
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

/// Files of the last run that are no longer there, or have lost all their rows: they have to be few enough,
/// and the job has to allow it.
fn allowed<'a>(
    job: &Job,
    known: impl Iterator<Item = &'a FileRecord>,
    vanished: &[(Extract, String)],
    inputs: &Inputs,
) -> Result<(), Error> {
    if job.on_vanished == OnVanished::Fail && !vanished.is_empty() {
        let names = vanished.iter().map(|(_, name)| name.clone());
        return Err(Error::Vanished(names.collect()));
    }
    let vanished = vanished.iter().map(|(log, name)| (log.name(), &**name));
    let gone: HashSet<(&str, &str)> = vanished.chain(inputs.without_rows()).collect();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for file in known {
        let (files, lost) = counts.entry(&file.log).or_default();
        *files += 1;
        *lost += usize::from(gone.contains(&name(file)) && file.rows.rows_read > 0);
    }
    for (log, (files, gone)) in counts {
        if gone > 0 && 2 * gone >= files && !job.accept_shrinkage {
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
    inputs: &Inputs,
    listed: &[(Extract, SourceFile)],
) -> Result<Frozen, Error> {
    let kind = inputs.schemas.delivery_id();
    let state = last.state.as_deref();
    let kept = state.and_then(|state| Store::of(&job.output).read(state).ok());
    let kept = kept.filter(|kept| kept.schemas.delivery_id() == kind);
    let names = listed.iter().map(|(log, file)| (*log, file.name.clone()));
    let mut vanished = vanished(last, names);
    let known = last.files.iter().filter(|file| file.skipped.is_none());
    let by_rows = match &kept {
        Some(kept) => {
            let changes = changes(kept, listed.iter().cloned(), job.rehash);
            match Frozen::by_rows(job, pool, last, kept, &changes, inputs) {
                Err(Error::Spill(error)) if error.is_damage() => None,
                frozen => Some((frozen?, kept)),
            }
        }
        None => None,
    };
    let mut frozen = match by_rows {
        Some((frozen, kept)) => {
            // What is left are files that runs of some deliveries alone have read.
            let names = kept
                .files
                .iter()
                .map(|file| (file.extract, &*file.record.file));
            let names: HashSet<(Extract, &str)> = names.collect();
            vanished.retain(|(log, name)| !names.contains(&(*log, name)));
            frozen
        }
        None => Frozen::earlier(job, last, kind),
    };
    allowed(job, known, &vanished, inputs)?;
    if let (false, Some(published)) = (vanished.is_empty(), output.published()?) {
        let published = earlier_deliveries(&published.deliveries()?)?;
        frozen.add_by_time(job, last, &vanished, &published);
    }
    Ok(frozen)
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

fn name(record: &FileRecord) -> (&str, &str) {
    (&record.log, &record.file)
}

fn is_thawed(job: &Job, id: &DeliveryId) -> bool {
    job.thaw.iter().any(|thawed| *thawed == id.to_string())
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
    fn add_by_time(
        &mut self,
        job: &Job,
        last: &RunRecord,
        vanished: &[(Extract, String)],
        published: &BTreeMap<DeliveryId, EarlierDelivery>,
    ) {
        if job.on_vanished != OnVanished::Freeze {
            return;
        }
        let instant = |text: &Option<String>| text.as_deref().and_then(crate::job::parse_instant);
        let is_gone = |file: &&FileRecord| {
            let mut gone = vanished.iter();
            gone.any(|(log, name)| log.name() == file.log && *name == file.file)
        };
        let meets = |file: &FileRecord, first: Instant, last: Instant| {
            // Rows that were not asked for may be of any time, and so may those that a deletion had taken out.
            if file.rows.rows_not_selected > 0 || file.rows.rows_deleted > 0 {
                return true;
            }
            // A file without an instant had no row that counted.
            let span = (
                instant(&file.oldest_event_at),
                instant(&file.newest_event_at),
            );
            matches!(span, (Some(oldest), Some(newest)) if oldest <= last && first <= newest)
        };
        let gone: Vec<&FileRecord> = last.files.iter().filter(is_gone).collect();
        for (id, delivery) in published {
            let span = delivery.first_event_at.zip(delivery.last_event_at);
            let Some((first, last)) = span else {
                continue;
            };
            if gone.iter().any(|file| meets(file, first, last)) && !is_thawed(job, id) {
                self.after.insert(id.clone());
            }
        }
    }

    /// Where what is kept tells which deliveries had rows in the files that are gone.
    pub fn by_rows(
        job: &Job,
        pool: &Pool,
        last: &RunRecord,
        kept: &Kept,
        changes: &Changes,
        inputs: &Inputs,
    ) -> Result<Frozen, Error> {
        // A run of some deliveries may have found out before that a file is gone.
        let of_last: HashSet<(&str, &str)> = last.files.iter().map(name).collect();
        let vanished = changes.vanished.iter();
        let vanished: Vec<&KeptFile> = vanished
            .filter(|file| of_last.contains(&name(&file.record)))
            .collect();
        let names = vanished
            .iter()
            .map(|file| (file.extract, file.record.file.clone()));
        let names: Vec<(Extract, String)> = names.collect();
        let known = kept.files.iter().map(|file| &file.record);
        allowed(job, known, &names, inputs)?;
        let mut frozen = Frozen::earlier(job, last, kept.schemas.delivery_id());
        if job.on_vanished != OnVanished::Freeze || vanished.is_empty() {
            return Ok(frozen);
        }
        let gone: HashSet<u32> = vanished.iter().map(|file| file.source).collect();
        let is_one = |source: u32| gone.contains(&source);
        let (volumes, partitions) = (&kept.volumes, kept.partitions);
        let lost = match kept.schemas.message_id() {
            IdKind::Integer => deliveries_of::<u64>(pool, volumes, partitions, is_one)?,
            IdKind::String => deliveries_of::<[u64; 2]>(pool, volumes, partitions, is_one)?,
        };
        let ids = lost
            .iter()
            .filter_map(|index| kept.deliveries.get(index.0 as usize));
        let ids = ids.map(|delivery| delivery.id.clone());
        frozen.after.extend(ids.filter(|id| !is_thawed(job, id)));
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
