//! Logs expire, KPIs must not: which deliveries keep their published rows because files of theirs are gone.

use super::plan::{meaning, store};
use super::{Error, Inputs};
use crate::commands::compute::parents_of;
use crate::engine::{DeliverySet, Pool, deliveries_of};
use crate::extracts::{Extract, IdKind, OpenFile, SourceFile};
use crate::job::{Job, OnVanished};
use crate::model::{Catalog, DeliveryId, Instant};
use crate::publish::{FileRecord, Output, RunRecord};
use crate::state::{Changes, Kept, KeptFile, changes};
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
    /// The earlier run whose state goes on telling which rows are in which files, where this one leaves none.
    pub told_by: Option<String>,
}

/// Files of the logs: log and name of each.
type Names<'a> = BTreeSet<(&'a str, &'a str)>;

/// Files of the last run that are no longer there, or have lost all their rows: they have to be few enough,
/// and the job has to allow it.
fn allowed(
    job: &Job,
    last: &RunRecord,
    vanished: &Names<'_>,
    inputs: &Inputs,
) -> Result<(), Error> {
    if job.on_vanished == OnVanished::Fail && !vanished.is_empty() {
        let names = vanished.iter().map(|(_, name)| (*name).to_owned());
        return Err(Error::Vanished(names.collect()));
    }
    let emptied: Names<'_> = inputs.without_rows().collect();
    // What was in an emptied file may be in a new one.
    let known: Names<'_> = last.files.iter().map(name).collect();
    let key = |file: &OpenFile| (file.extract.name(), file.file.identity.bytes as i64);
    let is_new = |file: &&OpenFile| !known.contains(&(file.extract.name(), &*file.file.name));
    let new: HashSet<(&str, i64)> = inputs.logs.iter().filter(is_new).map(key).collect();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    // Who had no row cannot be missed.
    let had_rows = |file: &&FileRecord| file.rows.rows_read + file.rows.rows_not_selected > 0;
    for file in last.files.iter().filter(had_rows) {
        let is_emptied = emptied.contains(&name(file)) && !new.contains(&(&file.log, file.bytes));
        let is_lost = is_emptied || vanished.contains(&name(file));
        let (files, lost) = counts.entry(&file.log).or_default();
        *files += 1;
        *lost += usize::from(is_lost);
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
    let kept = state.and_then(|state| store(job)?.read(state).ok());
    let kept = kept.filter(|kept| kept.schemas.delivery_id() == kind);
    let vanished = vanished(last, listed);
    let by_rows = match kept {
        Some(kept) => {
            let changes = changes(&kept, listed.iter().cloned(), job.rehash);
            match Frozen::by_rows(job, pool, last, &kept, &changes) {
                Err(Error::Spill(error)) if error.is_damage() => None,
                frozen => Some((frozen?, kept, changes)),
            }
        }
        None => None,
    };
    let (mut frozen, gone, by_time) = match &by_rows {
        Some((frozen, kept, changes)) => {
            let mut frozen = frozen.clone();
            // As long as no file has another content, and rows mean the same, what was kept goes on telling
            // which rows are in which files.
            if changes.replaced.is_empty() && kept.meaning == meaning(job) {
                frozen.told_by = Some(kept.run_id.clone());
            }
            // What is left are files that runs of some deliveries alone have read.
            let known: Names<'_> = kept.files.iter().map(|file| name(&file.record)).collect();
            let others = &vanished - &known;
            let of_kept = vanished_of(last, changes).map(|file| name(&file.record));
            (
                frozen,
                of_kept.chain(others.iter().copied()).collect(),
                others,
            )
        }
        None => (Frozen::earlier(job, last, kind), vanished.clone(), vanished),
    };
    allowed(job, last, &gone, inputs)?;
    if let (false, Some(published)) = (by_time.is_empty(), output.published()?) {
        let published = earlier_deliveries(&published.deliveries()?)?;
        frozen.add_by_time(job, last, &by_time, &published);
    }
    Ok(frozen)
}

/// The kept files that are gone; a run of some deliveries may have found out before that one is.
fn vanished_of<'a>(
    last: &'a RunRecord,
    changes: &'a Changes,
) -> impl Iterator<Item = &'a KeptFile> {
    let of_last: Names<'_> = last.files.iter().map(name).collect();
    let vanished = changes.vanished.iter();
    vanished.filter(move |file| of_last.contains(&name(&file.record)))
}

/// The files of the last run's record that are not among the listed ones.
fn vanished<'a>(last: &'a RunRecord, listed: &[(Extract, SourceFile)]) -> Names<'a> {
    let listed = listed.iter().map(|(log, file)| (log.name(), &*file.name));
    let listed: Names<'_> = listed.collect();
    let is_read =
        |file: &&FileRecord| file.skipped.is_none() && file.log != Extract::Deliveries.name();
    let read = last.files.iter().filter(is_read).map(name);
    read.filter(|file| !listed.contains(file)).collect()
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
    /// The published parents of the deliveries, which the extracts may no longer name.
    pub fn parents(&self, output: Option<&Output>) -> Result<BTreeSet<DeliveryId>, Error> {
        let output = output.filter(|_| !self.after.is_empty());
        let published = output.map(Output::published).transpose()?.flatten();
        let Some(published) = published else {
            return Ok(BTreeSet::new());
        };
        let rows = earlier_deliveries(&published.deliveries()?)?;
        Ok(parents_of(&self.after, &rows))
    }

    /// Those of a run before this one.
    fn earlier(job: &Job, last: &RunRecord, kind: IdKind) -> Frozen {
        let before = Frozen::recorded_in(last, kind);
        let thawed = parsed(&job.thaw, kind);
        Frozen {
            after: before.difference(&thawed).cloned().collect(),
            before,
            told_by: None,
        }
    }

    /// Where nobody knows any more which deliveries had rows in the files that are gone: every
    /// one that had events in the time of such a file is taken to have lost some.
    fn add_by_time(
        &mut self,
        job: &Job,
        last: &RunRecord,
        vanished: &Names<'_>,
        published: &BTreeMap<DeliveryId, EarlierDelivery>,
    ) {
        if job.on_vanished != OnVanished::Freeze {
            return;
        }
        let instant = |text: &Option<String>| text.as_deref().and_then(crate::job::parse_instant);
        let is_gone = |file: &&FileRecord| vanished.contains(&name(file));
        let meets = |file: &FileRecord, first: Instant, last: Instant| {
            // Rows that were not asked for may be of any time, and so may those that a deletion had taken out, or
            // a correction had moved beyond as-of.
            let rows = &file.rows;
            if rows.rows_not_selected > 0 || rows.rows_deleted > 0 || rows.rows_future > 0 {
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

    /// The deliveries that are frozen where only what is new is read.
    pub fn on_top(
        job: &Job,
        pool: &Pool,
        last: &RunRecord,
        kept: &Kept,
        changes: &Changes,
        inputs: &Inputs,
    ) -> Result<Frozen, Error> {
        let gone = vanished_of(last, changes).map(|file| name(&file.record));
        allowed(job, last, &gone.collect(), inputs)?;
        Frozen::by_rows(job, pool, last, kept, changes)
    }

    /// Where what is kept tells which deliveries had rows in the files that are gone.
    fn by_rows(
        job: &Job,
        pool: &Pool,
        last: &RunRecord,
        kept: &Kept,
        changes: &Changes,
    ) -> Result<Frozen, Error> {
        let mut frozen = Frozen::earlier(job, last, kept.schemas.delivery_id());
        let vanished: Vec<&KeptFile> = vanished_of(last, changes).collect();
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
