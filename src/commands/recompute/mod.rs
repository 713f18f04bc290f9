//! `recompute`: read, recompute, publish.

mod inputs;
mod ledger;
mod publishing;
mod summary;

pub use summary::Report;

use crate::decode::{DecodeKey, Decoder, Fingerprint, Selection};
use crate::engine::{self, FileRead, Pool, Progress};
use crate::error::Error;
use crate::extracts::{Extract, FileError, IdKind};
use crate::history::Meaning;
use crate::job::{Job, OnBadFile, Scope, Stopwatch};
use crate::model::{Attributes, Codes, DeliveryId, FateCounts, Policy};
use crate::publish::Lock;
use crate::rollup::{Kpis, finish};
use inputs::Inputs;
use std::collections::{BTreeSet, HashSet};

/// Runs the job. The report says what was done, also where input was left out.
pub fn run(job: &Job, progress: &dyn Progress) -> Result<Report, Error> {
    let started_at = crate::job::now();
    let mut watch = Stopwatch::new();
    let pool = engine::pool(job.threads)?;
    let _lock = match job.dry_run {
        true => None,
        false => Some(Lock::take(&job.output)?),
    };
    let inputs = Inputs::open(job, &pool)?;
    let mut report = Report::new(job, started_at);
    report.lap("opening", watch.lap());
    let counted = match inputs.schemas.message_id {
        IdKind::Integer => count::<u64>(job, &pool, &inputs, progress, &mut report, &mut watch)?,
        IdKind::String => {
            count::<[u64; 2]>(job, &pool, &inputs, progress, &mut report, &mut watch)?
        }
    };
    ledger::enter(job, &inputs, &counted, &mut report)?;
    report.enter_unknown_mode(counted.unknown_mode);
    publishing::publish(job, &inputs, &counted, progress, &mut report, &watch)?;
    report.lap("publishing", watch.lap());
    report.total = watch.total();
    Ok(report)
}

/// What the extracts come to.
struct Counted {
    /// The deliveries that the run computes.
    kpis: Kpis,
    /// Their attributes, the job's defaults in, in the same order.
    attributes: Vec<Attributes>,
    /// For how many of them neither extract nor job say whether they have the Email Feedback Service.
    unknown_mode: usize,
    /// By log file: what became of its rows, or why it was left out.
    files: Vec<Result<FileRead, FileError>>,
}

fn count<M: DecodeKey>(
    job: &Job,
    pool: &Pool,
    inputs: &Inputs,
    progress: &dyn Progress,
    report: &mut Report,
    watch: &mut Stopwatch,
) -> Result<Counted, Error> {
    let codes = Codes::default();
    let decoder = Decoder {
        catalog: &inputs.catalog,
        codes: &codes,
        labels: &job.labels,
        zone: &job.zone,
        selection: &inputs.selection,
        fingerprint: Fingerprint::random(),
        interval: match &job.scope {
            Scope::EventTime(interval) => Some(interval.clone()),
            Scope::All | Scope::Deliveries(_) => None,
        },
    };
    let partitions = engine::partitions_for(inputs.rows(), inputs.row_groups());
    let mapping = |extract| job.mapping(extract);
    let mut reading =
        engine::read::<M>(pool, &inputs.logs, mapping, &decoder, partitions, progress);
    report.lap("reading", watch.lap());
    refuse_bad_files(job, inputs, &reading.files)?;

    let ids = inputs.catalog.ids();
    let of = |id: &DeliveryId| inputs.catalog.attributes(id).cloned().unwrap_or_default();
    let attributes: Vec<Attributes> = ids.iter().map(|id| of(id).or(&job.defaults)).collect();
    let policies: Vec<Policy> = attributes
        .iter()
        .map(|a| Policy::new(a, job.deadline))
        .collect();
    let meaning = Meaning {
        as_of: job.as_of,
        codes: &codes,
    };
    let partial = engine::fold(
        pool,
        &reading.runs,
        partitions,
        &policies,
        meaning,
        inputs.logs.len(),
        progress,
    );
    reading.runs.clear();
    report.lap("folding", watch.lap());

    for (file, fates) in reading.files.iter_mut().zip(partial.fates()) {
        if let Ok(file) = file {
            file.counts += fates;
        }
    }
    let mut kpis = finish(&partial, &ids)?;
    let touched: HashSet<&DeliveryId> =
        reading.touched.iter().map(|d| &ids[d.0 as usize]).collect();
    kpis.deliveries.retain(|delivery| {
        let is_known = delivery.facts.in_a_log || inputs.catalog.attributes(&delivery.id).is_some();
        let is_asked_for = match job.scope {
            Scope::EventTime(_) => touched.contains(&delivery.id),
            Scope::All | Scope::Deliveries(_) => true,
        };
        is_known && is_asked_for
    });
    check_selection(&inputs.selection, &kpis, report)?;
    let is_unknown = |id| of(id).efs.or(job.defaults.efs).is_none();
    let unknown_mode = kpis.deliveries.iter().filter(|d| is_unknown(&d.id)).count();
    let attributes = kpis
        .deliveries
        .iter()
        .map(|d| of(&d.id).or(&job.defaults))
        .collect();
    report.lap("rolling up", watch.lap());
    Ok(Counted {
        kpis,
        attributes,
        unknown_mode,
        files: reading.files,
    })
}

/// Where the job fails on files that cannot be read, all of them are named at once. It also fails
/// where nothing of an extract is left: what rests on it would be taken out of the tables.
fn refuse_bad_files(
    job: &Job,
    inputs: &Inputs,
    files: &[Result<FileRead, FileError>],
) -> Result<(), Error> {
    let read = inputs
        .logs
        .iter()
        .zip(files)
        .filter(|(_, read)| read.is_ok());
    let mut left: BTreeSet<Extract> = read.map(|(file, _)| file.extract).collect();
    if !inputs.delivery_files.is_empty() {
        left.insert(Extract::Deliveries);
    }
    let is_gone = |error: &FileError| !left.contains(&error.extract);
    let while_reading = files.iter().filter_map(|file| file.as_ref().err());
    let bad: Vec<FileError> = inputs
        .bad_files
        .iter()
        .chain(while_reading)
        .cloned()
        .collect();
    let is_allowed = job.on_bad_file == OnBadFile::Skip && !bad.iter().any(is_gone);
    match bad.is_empty() || is_allowed {
        true => Ok(()),
        false => Err(Error::BadFiles(bad)),
    }
}

fn check_selection(selection: &Selection, kpis: &Kpis, report: &mut Report) -> Result<(), Error> {
    let Selection::Only(ids) = selection else {
        return Ok(());
    };
    let known: HashSet<&DeliveryId> = kpis.deliveries.iter().map(|d| &d.id).collect();
    let unknown: Vec<DeliveryId> = ids
        .iter()
        .filter(|id| !known.contains(id))
        .cloned()
        .collect();
    if unknown.len() == ids.len() {
        return Err(Error::NoSuchDelivery(ids.len()));
    }
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        let names = names.join(", ");
        report.notes.push(format!(
            "not in the extracts, their rows stay as they are: deliveries {names}"
        ));
    }
    Ok(())
}

/// Every row that was read has one fate, or nothing is published.
fn check_fates(name: &str, counts: &FateCounts) -> Result<(), Error> {
    match counts.adds_up() {
        true => Ok(()),
        false => Err(Error::Fates(name.to_owned())),
    }
}
