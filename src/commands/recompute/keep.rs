//! What a run leaves for the next one.

use super::again::{Again, Recount};
use super::plan::meaning;
use super::{Counted, Error, Inputs, Ledger};
use crate::commands::compute::{Entry, Remains, of_deliveries, rows};
use crate::decode::Fingerprint;
use crate::engine::{FileRead, Pool, Volume, Volumes, Wake, Watched, map, merge};
use crate::extracts::{FileError, IdKind, OpenFile};
use crate::job::{Job, Sources};
use crate::model::{Breakdown, FateCounts, Tally};
use crate::publish::{FileRecord, Rows};
use crate::rollup::{Partial, Totals};
use crate::state::{Kept, KeptDelivery, KeptFile};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A run that has read everything.
#[derive(Clone, Copy)]
pub struct All<'a> {
    pub job: &'a Job,
    pub pool: &'a Pool,
    pub run_id: &'a str,
    pub inputs: &'a Inputs,
    pub counted: &'a Counted,
    pub ledger: &'a Ledger,
}

/// What such a run leaves.
pub fn all(
    run: All<'_>,
    mut watched: Watched,
    remains: Remains,
    fingerprint: Fingerprint,
) -> Result<Kept, Error> {
    let inputs = run.inputs;
    let ids = inputs.catalog.ids();
    let deliveries = (0..).zip(ids).map(|(index, id)| KeptDelivery {
        attributes: inputs.catalog.attributes(&id).cloned(),
        facts: watched.partial.facts(crate::model::DeliveryIndex(index)),
        id,
    });
    Ok(Kept {
        run_id: run.run_id.to_owned(),
        as_of: run.job.sources.as_of,
        meaning: meaning(run.job),
        schemas: inputs.schemas.clone(),
        partitions: remains.partitions,
        fingerprint,
        deliveries: deliveries.collect(),
        codes: remains.codes.hidden(|text| fingerprint.of(text)),
        files: files(
            run.pool,
            &run.job.sources,
            &inputs.logs,
            &run.counted.files,
            0,
            run.ledger,
        )?,
        next_source: inputs.logs.len() as u32,
        wakes: sorted(std::mem::take(&mut watched.wakes)),
        rests: HashMap::new(),
        totals: totals(BTreeMap::new(), [(&watched.partial, 1)]),
        volumes: remains.volumes,
    })
}

/// What a run leaves that has built on another one, but for the volumes.
pub fn changed(
    again: &Again<'_>,
    recount: &Recount,
    ledger: &Ledger,
    run_id: &str,
) -> Result<Kept, Error> {
    let (kept, inputs) = (again.kept, again.inputs);
    let deliveries = recount.ids.iter().zip(&recount.facts);
    let deliveries = deliveries.map(|(id, facts)| KeptDelivery {
        id: id.clone(),
        attributes: inputs.catalog.attributes(id).cloned(),
        facts: *facts,
    });
    let records = by_name(ledger);
    let mut same: Vec<KeptFile> = again.changes.same.clone();
    for file in &mut same {
        if let Some(record) = records.get(&name(&file.record)) {
            file.record = (*record).clone();
        }
    }
    let first = kept.next_source;
    let new = files(
        again.pool,
        &again.job.sources,
        &inputs.logs,
        &recount.files,
        first,
        ledger,
    )?;
    let as_of = again.job.sources.as_of;
    let later = kept.wakes.iter().filter(|wake| wake.at >= as_of).copied();
    let wakes = later.chain(recount.refolded.after.wakes.iter().copied());
    let counting: HashSet<u32> = same.iter().map(|file| file.source).collect();
    let rests = recount
        .rests
        .iter()
        .filter(|((source, _), _)| counting.contains(source));
    let rests = rests.map(|(key, rest)| (*key, *rest));
    Ok(Kept {
        run_id: run_id.to_owned(),
        as_of,
        meaning: kept.meaning.clone(),
        schemas: inputs.schemas.clone(),
        partitions: kept.partitions,
        fingerprint: kept.fingerprint,
        deliveries: deliveries.collect(),
        codes: recount.codes.hidden(|text| kept.fingerprint.of(text)),
        files: same.into_iter().chain(new).collect(),
        next_source: first + inputs.logs.len() as u32,
        wakes: sorted(wakes.collect()),
        rests: rests.collect(),
        totals: totals(
            kept.totals.clone(),
            [
                (&recount.refolded.after.partial, 1),
                (&recount.refolded.before.partial, -1),
            ],
        ),
        volumes: Vec::new(),
    })
}

/// The values of parts, and so many times what others have come to.
fn totals<'a>(
    mut totals: BTreeMap<Breakdown, Totals>,
    more: impl IntoIterator<Item = (&'a Partial, i64)>,
) -> BTreeMap<Breakdown, Totals> {
    for (partial, times) in more {
        for parts in partial.parts() {
            parts.add_to(totals.entry(parts.of()).or_default(), times);
        }
    }
    totals
}

/// Each once.
fn sorted(mut wakes: Vec<Wake>) -> Vec<Wake> {
    wakes.sort_unstable();
    wakes.dedup();
    wakes
}

fn name(record: &FileRecord) -> (&str, &str) {
    (&record.log, &record.file)
}

fn by_name(ledger: &Ledger) -> HashMap<(&str, &str), &FileRecord> {
    let read = ledger.files.iter().filter(|file| file.skipped.is_none());
    read.map(|file| (name(file), file)).collect()
}

/// The files that were read, with what tells them from others; an error if one has changed since it was
/// listed.
fn files(
    pool: &Pool,
    sources: &Sources,
    logs: &[OpenFile],
    read: &[Result<FileRead, FileError>],
    first: u32,
    ledger: &Ledger,
) -> Result<Vec<KeptFile>, Error> {
    let records = by_name(ledger);
    let keep = |place: usize| -> Result<Option<KeptFile>, FileError> {
        let open = &logs[place];
        let (file, extract) = (&open.file, open.extract);
        let record = records.get(&(extract.name(), file.name.as_str()));
        let (Ok(read), Some(record)) = (&read[place], record) else {
            return Ok(None);
        };
        let failed = |reason: String| FileError {
            extract,
            file: file.name.clone(),
            row_group: None,
            reason,
        };
        let digest = file.digest().map_err(|error| failed(error.to_string()))?;
        if !file.is_as_listed() {
            return Err(failed("it changed while it was read".to_owned()));
        }
        Ok(Some(KeptFile {
            extract,
            record: (*record).clone(),
            source: first + place as u32,
            identity: file.identity,
            digest,
            newest: read.span.map(|(_, newest)| newest),
            log_ids: read.log_ids,
            renamed: open
                .renamed(sources.mapping(extract))
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }))
    };
    let (mut kept, mut bad) = (Vec::new(), Vec::new());
    for file in map(pool, logs.len(), keep) {
        match file {
            Ok(file) => kept.extend(file),
            Err(error) => bad.push(error),
        }
    }
    match bad.is_empty() {
        true => Ok(kept),
        false => Err(Error::BadFiles(bad)),
    }
}

/// What became of all files, those that were read now and those that were read before.
pub fn entries(again: &Again<'_>, recount: &Recount) -> Vec<Entry> {
    let tally = |watched: &Watched, source: u32| -> Rows {
        let mut counts = FateCounts {
            frozen: watched.frozen(source as usize),
            ..FateCounts::default()
        };
        let tally = watched.partial.fates().get(source as usize);
        counts += tally.unwrap_or(&Tally::default());
        rows(&counts)
    };
    let (before, after) = (&recount.refolded.before, &recount.refolded.after);
    let inputs = again.inputs;
    let while_reading = recount.files.iter().filter_map(|file| file.as_ref().err());
    let bad = inputs.bad_files.iter().chain(while_reading);
    let mut entries: Vec<Entry> = bad.map(Entry::left_out).collect();
    for file in &again.changes.same {
        let mut record = file.record.clone();
        record.rows += &tally(after, file.source);
        record.rows -= &tally(before, file.source);
        entries.push(Entry {
            extract: file.extract,
            record,
            newest: file.newest,
        });
    }
    let new = (again.kept.next_source..).zip(inputs.logs.iter().zip(&recount.files));
    for (source, (file, read)) in new {
        if let Ok(read) = read {
            let mut counts = read.counts.clone();
            counts += &after.partial.fates()[source as usize];
            counts.frozen += after.frozen(source as usize);
            entries.push(Entry::read(file, &counts, read.span));
        }
    }
    entries.extend(of_deliveries(inputs));
    entries
}

/// The same with few volumes: where there are many small ones, one takes their place.
pub fn compacted(mut kept: Kept, volumes: &Volumes) -> Result<Kept, Error> {
    const SMALL: u64 = 8 << 20;
    const MANY: usize = 16;
    let counting: HashSet<u32> = kept.files.iter().map(|file| file.source).collect();
    let counts = |source: u32| counting.contains(&source);
    // Those of expired files alone go as they are.
    kept.volumes.retain(|volume| volume.names(counts));
    let is_small = |volume: &Volume| volume.bytes() < SMALL;
    if kept
        .volumes
        .iter()
        .filter(|volume| is_small(volume))
        .count()
        < MANY
    {
        return Ok(kept);
    }
    let (mut small, mut all): (Vec<Volume>, Vec<Volume>) =
        kept.volumes.into_iter().partition(is_small);
    // No more of them at once than fit the memory of any run.
    small.sort_by_key(Volume::bytes);
    all.extend(small.drain(MANY..));
    let some: Vec<&Volume> = small.iter().collect();
    all.push(match kept.schemas.message_id() {
        IdKind::Integer => merge::<u64>(&some, volumes, kept.partitions, counts)?,
        IdKind::String => merge::<[u64; 2]>(&some, volumes, kept.partitions, counts)?,
    });
    kept.volumes = all;
    Ok(kept)
}
