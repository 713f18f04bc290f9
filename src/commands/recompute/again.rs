//! Counting what has changed since the last run: what the messages with new rows, with rows that are gone,
//! and those that time has changed came to then, and what they come to now.

use super::publishing::Causes;
use super::retention::Frozen;
use super::{Error, Inputs};
use crate::commands::compute::{decoder, refuse_bad_files};
use crate::decode::{DecodeKey, Decoder};
use crate::engine::{
    self, Changed, DeliverySet, FileRead, Judged, Keeping, Pool, Progress, Refolded, RowKey,
    Standing, Volume, Volumes, Waiting, Wake,
};
use crate::extracts::{Extract, FileError, IdKind, open};
use crate::history::Meaning;
use crate::job::{Job, Stopwatch};
use crate::model::{Attributes, Codes, DeliveryId, DeliveryIndex, Policy};
use crate::rollup::Facts;
use crate::state::{Changes, Kept};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// What is counted again.
#[derive(Clone, Copy)]
pub struct Again<'a> {
    /// The job.
    pub job: &'a Job,
    /// The threads.
    pub pool: &'a Pool,
    /// The new files, opened, and all deliveries.
    pub inputs: &'a Inputs,
    /// What the last run has left.
    pub kept: &'a Kept,
    /// What has changed since.
    pub changes: &'a Changes,
    /// The deliveries whose published rows stay as they are.
    pub frozen: &'a Frozen,
    /// Where the new rows are kept; nowhere in a dry run.
    pub volumes: Option<&'a Volumes>,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
}

/// Why a delivery has to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Rows of it are in new files.
    NewRows,
    /// Rows of it were in files that are gone or have another content now.
    GoneRows,
    /// Rows of it lay in the future, or a deadline has passed.
    Time,
    /// The deliveries extract says something else.
    Attributes,
    /// Its published rows stay no longer.
    Thawed,
}

impl Reason {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NewRows => "new rows",
            Reason::GoneRows => "replaced or vanished rows",
            Reason::Time => "time",
            Reason::Attributes => "attributes",
            Reason::Thawed => "thawed",
        }
    }
}

/// What was counted again.
pub struct Recount {
    /// What the messages came to, and come to.
    pub refolded: Refolded,
    /// All deliveries, by their index.
    pub ids: Vec<DeliveryId>,
    /// What is known of them, by their index.
    pub facts: Vec<Facts>,
    /// The deliveries that were looked at, and why.
    pub followed: BTreeMap<DeliveryIndex, Vec<Reason>>,
    /// The deliveries whose attributes have changed.
    pub changed: DeliverySet,
    /// Those of which that may change a KPI.
    pub judged: DeliverySet,
    /// Those whose published rows stay as they are.
    pub frozen: DeliverySet,
    /// Those of which that is so no longer.
    pub thawed: DeliverySet,
    /// By new file: what was read, or why it was left out.
    pub files: Vec<Result<FileRead, FileError>>,
    /// The new rows.
    pub volumes: Vec<Volume>,
    /// The values behind the codes of all rows.
    pub codes: Codes,
    /// Digests of rows that were read without them, as far as they have been needed.
    pub rests: HashMap<RowKey, u64>,
    /// How long each stage took.
    pub laps: Vec<(&'static str, Duration)>,
}

impl Recount {
    /// Why hours of the deliveries have changed that had ended: the most telling reason of each.
    pub fn causes(&self) -> Causes {
        let cause = |(index, reasons): (&DeliveryIndex, &Vec<Reason>)| {
            let has = |reason| reasons.contains(&reason);
            let cause = match () {
                () if has(Reason::Thawed) => "thawed",
                () if has(Reason::GoneRows) => "replaced file",
                () if self.judged.holds(*index) => "attribute",
                () if self.refolded.corrected.holds(*index) => "correction",
                () => "late row",
            };
            (self.ids[index.0 as usize].clone(), cause)
        };
        Causes::Each(self.followed.iter().map(cause).collect())
    }
}

impl Again<'_> {
    /// Reads the new rows and counts.
    pub fn count(&self, watch: &mut Stopwatch) -> Result<Recount, Error> {
        match self.kept.schemas.message_id() {
            IdKind::Integer => self.count_keyed::<u64>(watch),
            IdKind::String => self.count_keyed::<[u64; 2]>(watch),
        }
    }

    fn count_keyed<M: DecodeKey>(&self, watch: &mut Stopwatch) -> Result<Recount, Error> {
        let Again {
            job,
            pool,
            inputs,
            kept,
            changes,
            ..
        } = *self;
        let sources = &job.sources;
        let mut laps = Vec::new();
        let fingerprint = kept.fingerprint;
        let codes = Codes::with(kept.codes.clone(), move |text| fingerprint.of(text))
            .digesting(sources.parts.digest());
        let decoder = decoder(sources, inputs, &codes, kept.fingerprint);
        let earlier: Vec<(Extract, (i64, i64))> = changes
            .same
            .iter()
            .filter_map(|file| Some((file.extract, file.log_ids?)))
            .collect();
        let keeping = Keeping {
            volumes: self.volumes,
            first_source: kept.next_source,
            earlier: &earlier,
        };
        let waiting = Waiting {
            partitions: kept.partitions,
            room: sources.room.as_ref(),
            keeping: Some(&keeping),
        };
        let mapping = |extract| sources.mapping(extract);
        let logs = &inputs.logs;
        let mut reading = engine::read::<M>(pool, logs, mapping, &decoder, waiting, self.progress)?;
        laps.push(("reading", watch.lap()));
        let left: Vec<Extract> = changes.same.iter().map(|file| file.extract).collect();
        refuse_bad_files(sources, inputs, &reading.files, &left)?;

        let frozen_before = Frozen::places(&self.frozen.before, &inputs.catalog);
        let frozen_after = Frozen::places(&self.frozen.after, &inputs.catalog);
        let ids = inputs.catalog.ids();
        let before = self.attributes_before(&ids);
        let after: Vec<Option<&Attributes>> =
            ids.iter().map(|id| inputs.catalog.attributes(id)).collect();
        let policies = |of: &[Option<&Attributes>]| -> Vec<Policy> {
            let whole = |of: &Option<&Attributes>| of.cloned().unwrap_or_default();
            let whole = of.iter().map(|of| whole(of).or(&sources.defaults));
            whole.map(|of| Policy::new(&of, sources.deadline)).collect()
        };
        let (policies_before, policies_after) = (policies(&before), policies(&after));
        let places = || (0..ids.len()).map(|place| (place, DeliveryIndex(place as u32)));
        let changed: DeliverySet = places()
            .filter(|(place, _)| before[*place] != after[*place])
            .map(|(_, index)| index)
            .collect();
        let mut whole: DeliverySet = places()
            .filter(|(place, _)| policies_before[*place] != policies_after[*place])
            .map(|(_, index)| index)
            .collect();
        for index in frozen_before.iter().chain(frozen_after.iter()) {
            if frozen_before.holds(index) != frozen_after.holds(index) {
                whole.add(index);
            }
        }
        let to_deliver = |of: Option<&Attributes>| of.and_then(|of| of.to_deliver);
        let judged: DeliverySet = places()
            .filter(|(place, _)| {
                policies_before[*place] != policies_after[*place]
                    || to_deliver(before[*place]) != to_deliver(after[*place])
            })
            .map(|(_, index)| index)
            .collect();
        let standings = self.standings(&reading.files);
        let woken: Vec<Wake> = kept
            .wakes
            .iter()
            .filter(|wake| wake.at < sources.as_of)
            .copied()
            .collect();
        let machines = sources.machines.rules(&codes);
        let judging = |as_of, policies, frozen| Judged {
            frozen,
            policies,
            meaning: Meaning {
                as_of,
                codes: &codes,
                machines: &machines,
            },
        };
        let partitions = kept.partitions;
        let mut rests = kept.rests.clone();
        let (refolded, facts) = loop {
            let changed = Changed {
                rests: &rests,
                volumes: &kept.volumes,
                added: &reading.shelved,
                sources: &standings,
                woken: &woken,
                whole: &whole,
                breakdowns: sources.parts.by,
                before: judging(kept.as_of, &policies_before, &frozen_before),
                after: judging(sources.as_of, &policies_after, &frozen_after),
            };
            let refolded = engine::refold::<M>(pool, partitions, &changed, self.progress)?;
            let (facts, doubtful) = self.facts(&refolded, &whole, &frozen_after, ids.len());
            if !refolded.doubts.is_empty() {
                rests.extend(self.rests::<M>(&decoder, &refolded.doubts)?);
            } else if doubtful.is_empty() {
                break (refolded, facts);
            }
            // Something that was the first or last of its delivery is so no longer.
            doubtful.into_iter().for_each(|index| whole.add(index));
        };
        if codes.are_in_doubt() {
            return Err(Error::Doubt);
        }
        laps.push(("folding", watch.lap()));
        let thawed: DeliverySet = frozen_before
            .iter()
            .filter(|index| !frozen_after.holds(*index))
            .collect();
        let mut followed: BTreeMap<DeliveryIndex, Vec<Reason>> = BTreeMap::new();
        let time: DeliverySet = woken.iter().map(|wake| wake.delivery).collect();
        for (reason, set) in [
            (Reason::NewRows, &refolded.added),
            (Reason::GoneRows, &refolded.gone),
            (Reason::Time, &time),
            (Reason::Attributes, &changed),
            (Reason::Thawed, &thawed),
        ] {
            for index in set.iter().filter(|index| !frozen_after.holds(*index)) {
                followed.entry(index).or_default().push(reason);
            }
        }
        Ok(Recount {
            volumes: std::mem::take(&mut reading.shelved).into_kept(),
            codes,
            refolded,
            facts,
            ids,
            followed,
            changed,
            judged,
            thawed,
            frozen: DeliverySet::clone(&frozen_after),
            files: reading.files,
            rests,
            laps,
        })
    }

    /// Reads again what decides between rows of which only that is not kept.
    fn rests<M: DecodeKey>(
        &self,
        decoder: &Decoder<'_>,
        wanted: &HashSet<RowKey>,
    ) -> Result<HashMap<RowKey, u64>, Error> {
        let sources = &self.job.sources;
        let mut numbers: Vec<u32> = wanted.iter().map(|(source, _)| *source).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let failed = |error: FileError| Error::BadFiles(vec![error]);
        let mut files = Vec::new();
        for file in self
            .changes
            .same
            .iter()
            .filter(|file| numbers.contains(&file.source))
        {
            if let Some(place) = self.changes.places.get(&file.source) {
                let opened = open(file.extract, place, sources.mapping(file.extract));
                files.push((file.source, opened.map_err(failed)?));
            }
        }
        let mapping = |extract| sources.mapping(extract);
        let mut rests =
            engine::rests::<M>(self.pool, &files, mapping, decoder, wanted).map_err(failed)?;
        // A row that is gone has met no rival yet, and meets none now: the new ones do not count beside it.
        wanted.iter().for_each(|key| {
            rests.entry(*key).or_insert(0);
        });
        Ok(rests)
    }

    /// What the deliveries extract said when the last run read it.
    fn attributes_before(&self, ids: &[DeliveryId]) -> Vec<Option<&Attributes>> {
        let known = self.kept.deliveries.iter();
        let known = known.map(|delivery| delivery.attributes.as_ref());
        let new = std::iter::repeat(None);
        known.chain(new).take(ids.len()).collect()
    }

    /// When the rows of each source count.
    fn standings(&self, read: &[Result<FileRead, FileError>]) -> Vec<Standing> {
        let first = self.kept.next_source as usize;
        let mut standings = vec![Standing::default(); first + read.len()];
        for file in &self.kept.files {
            standings[file.source as usize].before = true;
        }
        for file in &self.changes.same {
            standings[file.source as usize].after = true;
        }
        for (standing, read) in standings[first..].iter_mut().zip(read) {
            standing.after = read.is_ok();
        }
        standings
    }

    /// What is known of each delivery now, and the deliveries of which that cannot be told from their
    /// changed messages alone.
    fn facts(
        &self,
        refolded: &Refolded,
        whole: &DeliverySet,
        frozen: &DeliverySet,
        deliveries: usize,
    ) -> (Vec<Facts>, Vec<DeliveryIndex>) {
        let mut doubtful = Vec::new();
        let facts = (0..deliveries as u32).map(DeliveryIndex).map(|index| {
            let now = refolded.after.partial.facts(index);
            let before = self.kept.deliveries.get(index.0 as usize);
            let before = before.map_or_else(Facts::default, |delivery| delivery.facts);
            if frozen.holds(index) {
                return before;
            }
            if whole.holds(index) {
                return now;
            }
            let joined = before.replaced(&refolded.before.partial.facts(index), &now);
            joined.unwrap_or_else(|| {
                doubtful.push(index);
                now
            })
        });
        (facts.collect(), doubtful)
    }
}
