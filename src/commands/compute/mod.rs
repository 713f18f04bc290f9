//! What the extracts of a job come to, for every command that computes KPIs.

mod inputs;
mod ledger;
mod persons;

pub use inputs::{Earlier, Inputs, Listed};
pub use ledger::{Entry, Ledger, draw_up, ledger, log_line, of_deliveries, rows};
pub use persons::{Persons, parents_of};

use crate::decode::{DecodeKey, Decoder, Fingerprint, Selection};
use crate::engine::{
    self, Account, DeliverySet, FileRead, Keeping, Partitions, People, Pool, Progress, Volume,
    Volumes, Waiting, Watched,
};
use crate::error::Error;
use crate::extracts::{Extract, FileError, IdKind};
use crate::history::Meaning;
use crate::job::{OnBadFile, Scope, Sources, Stopwatch};
use crate::model::{Attributes, Breakdown, Codes, DeliveryId, DeliveryIndex, Policy};
use crate::rollup::{Counter, DeliveryKpis, Kpis, Partial, finish, finish_parts};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// What the extracts come to.
pub struct Counted {
    /// The deliveries that the run computes.
    pub kpis: Kpis,
    /// Their attributes, the job's defaults in, in the same order.
    pub attributes: Vec<Attributes>,
    /// For how many of them neither extract nor job say whether they have the Email Feedback Service.
    pub unknown_mode: usize,
    /// By log file: what became of its rows, or why it was left out.
    pub files: Vec<Result<FileRead, FileError>>,
    /// How long each stage took.
    pub laps: Vec<(&'static str, Duration)>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// What takes up the messages, whatever their identifiers are, and counts them among other things.
pub trait Counting: Account<u64> + Account<[u64; 2]> {
    /// The counts.
    fn partial(&self) -> &Partial;
    /// How many rows of a source are of deliveries that are not counted.
    fn frozen(&self, _source: usize) -> u64 {
        0
    }
}

impl Counting for Partial {
    fn partial(&self) -> &Partial {
        self
    }
}

impl Counting for Watched<'_> {
    fn partial(&self) -> &Partial {
        &self.partial
    }

    fn frozen(&self, source: usize) -> u64 {
        Watched::frozen(self, source)
    }
}

/// What is to be counted.
#[derive(Clone, Copy)]
pub struct Count<'a> {
    /// The extracts, and what their rows mean.
    pub sources: &'a Sources,
    /// The threads.
    pub pool: &'a Pool,
    /// The extracts, opened.
    pub inputs: &'a Inputs,
    /// The key of text identifiers' fingerprints.
    pub fingerprint: Fingerprint,
    /// Where rows are kept for later runs, if they are.
    pub volumes: Option<&'a Volumes>,
    /// Deliveries whose published rows stay as they are.
    pub frozen: &'a DeliverySet,
    /// Deliveries with published rows in the time that is asked for, if one is.
    pub published: &'a BTreeSet<DeliveryId>,
    /// What is counted by recipient, if something is, and where their rows wait.
    pub persons: Option<(&'a Persons, &'a People<'a>)>,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
}

/// What is left of a count for later runs, where rows are kept.
pub struct Remains {
    /// Which rows wait together in the volumes.
    pub partitions: Partitions,
    /// The values behind the codes in the volumes.
    pub codes: Codes,
    /// All rows.
    pub volumes: Vec<Volume>,
}

impl Count<'_> {
    /// Reads and counts what the sources hold.
    pub fn plainly(&self, watch: &mut Stopwatch) -> Result<Counted, Error> {
        let account = || Partial::new(self.inputs.logs.len());
        self.with(account, watch).map(|(counted, _, _)| counted)
    }

    /// The same with another account of the messages.
    pub fn with<A: Counting>(
        &self,
        account: impl Fn() -> A + Sync,
        watch: &mut Stopwatch,
    ) -> Result<(Counted, A, Remains), Error> {
        match self.inputs.schemas.message_id() {
            IdKind::Integer => count_keyed::<u64, A>(*self, account, watch),
            IdKind::String => count_keyed::<[u64; 2], A>(*self, account, watch),
        }
    }
}

fn count_keyed<M: DecodeKey, A: Counting + Account<M>>(
    count: Count<'_>,
    account: impl Fn() -> A + Sync,
    watch: &mut Stopwatch,
) -> Result<(Counted, A, Remains), Error> {
    let Count {
        sources,
        pool,
        inputs,
        fingerprint,
        volumes,
        frozen,
        published,
        persons,
        progress,
    } = count;
    let mut laps = Vec::new();
    let codes = Codes::default().digesting(sources.parts.digest());
    let decoder = Decoder {
        // What stands for them is of no use to a later run, so that nobody needs the key.
        recipients: persons.map(|_| Fingerprint::random()),
        ..decoder(sources, inputs, &codes, fingerprint)
    };
    let room = match persons {
        None => sources.room.clone(),
        Some(_) => sources.room.as_ref().map(Persons::room_for_messages),
    };
    // What is kept grows from run to run.
    const LEAST_KEPT: u64 = 1 << 23;
    let rows = inputs.rows().max(volumes.map_or(0, |_| LEAST_KEPT));
    let partitions = Partitions::for_rows(rows, inputs.catalog.ids().len());
    let mapping = |extract| sources.mapping(extract);
    let keeping = volumes.map(|volumes| Keeping {
        volumes: Some(volumes),
        first_source: 0,
        earlier: &[],
    });
    let mut reading = engine::read::<M>(
        pool,
        &inputs.logs,
        mapping,
        &decoder,
        Waiting {
            partitions,
            room: room.as_ref(),
            keeping: keeping.as_ref(),
        },
        progress,
    )?;
    laps.push(("reading", watch.lap()));
    refuse_bad_files(sources, inputs, &reading.files, &[])?;

    let ids = inputs.catalog.ids();
    let of = |id: &DeliveryId| inputs.catalog.attributes(id).cloned().unwrap_or_default();
    let attributes: Vec<Attributes> = ids.iter().map(|id| of(id).or(&sources.defaults)).collect();
    let policies: Vec<Policy> = attributes
        .iter()
        .map(|a| Policy::new(a, sources.deadline))
        .collect();
    let machines = sources.machines.rules(&codes);
    let meaning = Meaning {
        as_of: sources.as_of,
        codes: &codes,
        machines: &machines,
    };
    let mut account = engine::fold::<M, A>(
        pool,
        &reading.shelved,
        partitions.count(),
        &policies,
        meaning,
        account,
        progress,
    )?;
    let volumes = std::mem::take(&mut reading.shelved).into_kept();
    laps.push(("folding", watch.lap()));
    let firsts = match persons {
        None => None,
        Some((persons, people)) => {
            let counts = people.fold(pool, &persons::ranks(&ids), progress)?;
            laps.push(("matching recipients", watch.lap()));
            if let Some(partial) = Account::<M>::partial_mut(&mut account) {
                let computed = |delivery| !frozen.holds(delivery);
                let entered = counts.entered.changes();
                for ((delivery, hour), change) in entered.filter(|((of, _), _)| computed(*of)) {
                    let recipients = change.get(Counter::NewQuarantines);
                    partial.quarantines(delivery, hour, recipients);
                }
            }
            persons.families.as_ref().zip(Some(counts.firsts))
        }
    };

    let partial = account.partial();
    let fates = partial.fates().iter().enumerate();
    for (file, (source, fates)) in reading.files.iter_mut().zip(fates) {
        if let Ok(file) = file {
            file.counts += fates;
            file.counts.frozen += account.frozen(source);
        }
    }
    let mut kpis = finish(partial, &ids)?;
    let touched: HashSet<&DeliveryId> =
        reading.touched.iter().map(|d| &ids[d.0 as usize]).collect();
    kpis.deliveries.retain(|delivery| {
        let is_known = delivery.facts.in_a_log || inputs.catalog.attributes(&delivery.id).is_some();
        let is_asked_for = match sources.scope {
            Scope::EventTime(_) => {
                touched.contains(&delivery.id) || published.contains(&delivery.id)
            }
            Scope::All | Scope::Deliveries(_) => inputs.selection.holds(&delivery.id),
        };
        is_known && is_asked_for
    });
    let notes = check_selection(&inputs.selection, &kpis)?;
    let is_frozen = |delivery: &DeliveryKpis| frozen.holds(inputs.catalog.index(&delivery.id));
    kpis.deliveries.retain(|delivery| !is_frozen(delivery));
    let is_unknown = |id| of(id).efs.or(sources.defaults.efs).is_none();
    let unknown_mode = kpis.deliveries.iter().filter(|d| is_unknown(&d.id)).count();
    kpis.parts = finish_parts(partial, &ids, &codes, &kpis)?;
    if let Some((families, firsts)) = &firsts {
        let known = |delivery: DeliveryIndex| {
            let id = &ids[delivery.0 as usize];
            let is_known =
                inputs.catalog.attributes(id).is_some() || partial.facts(delivery).in_a_log;
            is_known.then(|| of(id).or(&sources.defaults))
        };
        kpis.parents = Some(families.finish(partial, firsts, known)?);
    }
    let attributes = kpis
        .deliveries
        .iter()
        .map(|d| of(&d.id).or(&sources.defaults))
        .collect();
    laps.push(("rolling up", watch.lap()));
    let counted = Counted {
        kpis,
        attributes,
        unknown_mode,
        files: reading.files,
        laps,
        notes,
    };
    let remains = Remains {
        partitions,
        codes,
        volumes,
    };
    Ok((counted, account, remains))
}

/// Decodes the rows of the inputs.
pub fn decoder<'a>(
    sources: &'a Sources,
    inputs: &'a Inputs,
    codes: &'a Codes,
    fingerprint: Fingerprint,
) -> Decoder<'a> {
    Decoder {
        catalog: &inputs.catalog,
        codes,
        labels: &sources.labels,
        zone: &sources.zone,
        selection: inputs.reads(),
        fingerprint,
        recipients: None,
        asks_domains: sources.parts.by.has(Breakdown::Domain),
        interval: match &sources.scope {
            Scope::EventTime(interval) => Some(interval.clone()),
            Scope::All | Scope::Deliveries(_) => None,
        },
    }
}

/// Where the job fails on files that cannot be read, all of them are named at once. It also fails
/// where nothing of an extract is left, among the `kept` ones neither: what rests on it would be taken out
/// of the tables.
pub fn refuse_bad_files(
    sources: &Sources,
    inputs: &Inputs,
    files: &[Result<FileRead, FileError>],
    kept: &[Extract],
) -> Result<(), Error> {
    let read = inputs
        .logs
        .iter()
        .zip(files)
        .filter(|(_, read)| read.is_ok());
    let mut left: BTreeSet<Extract> = read.map(|(file, _)| file.extract).collect();
    left.extend(kept);
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
    inputs::refuse_failure(sources)?;
    let is_allowed = match sources.on_bad_file {
        OnBadFile::Fail => false,
        OnBadFile::Skip => !bad.iter().any(is_gone),
        OnBadFile::Tell => true,
    };
    match bad.is_empty() || is_allowed {
        true => Ok(()),
        false => Err(Error::BadFiles(bad)),
    }
}

fn check_selection(selection: &Selection, kpis: &Kpis) -> Result<Vec<String>, Error> {
    let Selection::Only(ids) = selection else {
        return Ok(Vec::new());
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
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    Ok(vec![format!(
        "not in the extracts, their rows stay as they are: deliveries {names}"
    )])
}
