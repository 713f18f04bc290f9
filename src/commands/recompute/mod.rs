//! `recompute`: read, recompute, publish.

mod again;
mod alerts;
mod forms;
mod keep;
mod left_out;
mod parts;
mod plan;
mod publishing;
mod renewed;
mod retention;
mod since;
mod summary;

pub use retention::{Frozen, frozen_anew};
pub use summary::Report;

use super::compute::{Count, Counted, Earlier, Inputs, Ledger, Listed, Persons, ledger, log_line};
use crate::decode::Fingerprint;
use crate::engine::{self, Pool, Progress, Volumes, Watched};
use crate::error::Error;
use crate::extracts::IdKind;
use crate::job::{Job, Scope, Stopwatch};
use crate::model::{Attributes, Breakdown, DeliveryId, Instant};
use crate::publish::{DELIVERY_KPI_HOURLY, Lock, Output, PublishError, RunRecord};
use crate::rollup::Kpis;
use crate::state::{Changes, Kept, Store};
use crate::tables::{EarlierHour, date_name, earlier_hours};
use again::Again;
use plan::Plan;
use publishing::{ATTEMPTS, Causes, Place, Ready};
use std::collections::BTreeSet;

/// Runs the job. The report says what was done, also where input was left out.
pub fn run(job: &Job, progress: &dyn Progress) -> Result<Report, Error> {
    let pool = engine::pool(job.sources.threads)?;
    let _lock = match job.dry_run {
        true => None,
        false => {
            let home = job.home.as_deref();
            home.map(|home| Lock::take(&job.disk, home, &job.output.to_string(), job.wait))
                .transpose()?
        }
    };
    // Only a dry run may find that there is none: with the lock comes the directory.
    let output = Output::at(&job.disk, &job.output, job.sources.threads)?;
    let mut unusable = None;
    for _ in 0..ATTEMPTS {
        output.iter().for_each(Output::begin_anew);
        let mut run = Run::new(job, &pool, output.as_ref(), progress)?;
        run.unusable = unusable;
        match run.go() {
            // Rows of the state are not what was written.
            Err(Error::Spill(error)) if error.is_damage() && unusable.is_none() => {
                unusable = Some("it is damaged");
            }
            Err(Error::Doubt) if unusable.is_none() => {
                unusable = Some("it does not hold the texts that have to be put in order");
            }
            done => {
                if let Some(report) = done? {
                    return Ok(report);
                }
            }
        }
    }
    Err(Error::Crowded(job.output.to_string(), ATTEMPTS))
}

/// One attempt.
struct Run<'a> {
    job: &'a Job,
    pool: &'a Pool,
    /// Where the tables are, if they are.
    output: Option<&'a Output>,
    progress: &'a dyn Progress,
    /// Where what is left for the next run is kept, if it is.
    store: Option<Store>,
    report: Report,
    watch: Stopwatch,
    /// Why the last state is of no use, where an attempt has found that out.
    unusable: Option<&'static str>,
}

impl<'a> Run<'a> {
    fn new(
        job: &'a Job,
        pool: &'a Pool,
        output: Option<&'a Output>,
        progress: &'a dyn Progress,
    ) -> Result<Run<'a>, Error> {
        let started_at = crate::job::now();
        let mut report = Report::new(job, started_at);
        if job.sources.as_of > started_at {
            let note = "as-of lies ahead of the clock: until then, runs as of an earlier instant are refused without --rewind";
            report.notes.push(note.to_owned());
        }
        Ok(Run {
            job,
            pool,
            output,
            progress,
            store: plan::store(job),
            report,
            watch: Stopwatch::new(),
            unusable: None,
        })
    }

    /// The report; none if another run committed what this one was to build on.
    fn go(mut self) -> Result<Option<Report>, Error> {
        // The record of the newest run is read first: a file that comes after the listing, and that another run
        // has read by now where no lock keeps it away, would else be taken for gone. What is wrong with the
        // record is told where it is used.
        let last = self.output.map(Output::last_run);
        let mut listed = Listed::of(&self.job.sources)?;
        let last = last.and_then(Result::ok).flatten();
        listed.complete(&self.job.sources, last.as_ref())?;
        let is_done = self.follow(listed);
        // Where nobody knows whether the run was committed, the next one may build on what it leaves.
        let may_be = matches!(
            is_done,
            Ok(true) | Err(Error::Publish(PublishError::Unknown { .. }))
        );
        if !may_be && !self.job.dry_run {
            if let Some(store) = &self.store {
                store.discard(&self.report.record.run_id);
            }
            self.job.disk.discard();
        }
        let is_done = is_done?;
        self.report.lap("publishing", self.watch.lap());
        self.report.total = self.watch.total();
        Ok(is_done.then_some(self.report))
    }

    fn follow(&mut self, listed: Listed) -> Result<bool, Error> {
        self.refuse_some_parts()?;
        match plan::plan(self.job, self.output, &listed, self.unusable)? {
            Plan::Everything(why, last) => {
                let cause = match &why {
                    Some(why) if why == plan::OTHER_MEANING => "meaning",
                    _ => "full",
                };
                let note = |why| format!("everything is read: {why}");
                self.report.notes.extend(why.map(note));
                self.everything(listed, last.as_deref(), cause)
            }
            Plan::Changes(earlier) => {
                let (output, kept, changes, last) = *earlier;
                self.changes(listed, output, kept, changes, &last)
            }
        }
    }

    /// A table of parts starts with all deliveries: one of some of them would say that the others have none.
    fn refuse_some_parts(&self) -> Result<(), Error> {
        let sources = &self.job.sources;
        if matches!(sources.scope, Scope::All) {
            return Ok(());
        }
        let last = self.output.map(Output::last_run).transpose()?.flatten();
        let is_there = |table: &str| {
            let last = last.as_ref();
            last.is_some_and(|last| last.table_versions.contains_key(table))
        };
        let mut tables = sources.parts.by.each().map(Breakdown::table);
        match tables.find(|table| !is_there(table)) {
            Some(table) => Err(Error::SomeParts(table)),
            None => Ok(()),
        }
    }

    /// Where rows are kept for later runs, if they are.
    fn volumes(&self) -> Result<Option<Volumes>, Error> {
        let is_kept = matches!(self.job.sources.scope, Scope::All) && !self.job.dry_run;
        let run_id = &self.report.record.run_id;
        Ok(match &self.store {
            Some(store) if is_kept => Some(store.volumes(run_id)?),
            _ => None,
        })
    }

    fn everything(
        &mut self,
        listed: Listed,
        last: Option<&RunRecord>,
        cause: &'static str,
    ) -> Result<bool, Error> {
        let (job, pool) = (self.job, self.pool);
        let sources = &job.sources;
        let logs: Vec<_> = listed.logs().cloned().collect();
        let inputs = Inputs::of(sources, pool, listed)?;
        inputs.refuse_bare_links(sources)?;
        let frozen = match (self.output, last) {
            (Some(output), Some(last)) => frozen_anew(job, pool, output, last, &inputs, &logs)?,
            _ => Frozen::default(),
        };
        self.report.freeze(job, &frozen);
        let frozen_places = Frozen::places(&frozen.after, &inputs.catalog);
        let published = self.published_in_time()?;
        self.report.lap("opening", self.watch.lap());
        let volumes = self.volumes()?;
        let untold = frozen.parents(self.output.filter(|_| sources.people.parents))?;
        let persons = Persons::of(sources, &inputs, &frozen_places, untold);
        let people = persons.as_ref().map(|persons| persons.people(&inputs));
        let persons = persons.as_ref().zip(people.as_ref());
        let count = Count {
            sources,
            pool,
            inputs: &inputs,
            fingerprint: Fingerprint::random(),
            volumes: volumes.as_ref(),
            frozen: &frozen_places,
            published: &published,
            persons,
            progress: self.progress,
        };
        let told = persons.map(|(_, people)| people);
        let watched = || Watched::new(inputs.logs.len(), &frozen_places, sources.parts.by);
        let account = || watched().telling(told);
        let (mut counted, watched, remains) = count.with(account, &mut self.watch)?;
        self.enter(&mut counted);
        let ledger = ledger(sources, &inputs, &counted)?;
        let kept = match &volumes {
            None => None,
            Some(_) => {
                let run_id = &self.report.record.run_id;
                let fingerprint = count.fingerprint;
                let all = keep::All {
                    job,
                    pool,
                    run_id,
                    inputs: &inputs,
                    counted: &counted,
                    ledger: &ledger,
                };
                Some(keep::all(all, watched, remains, fingerprint)?)
            }
        };
        self.report.enter(ledger, &inputs);
        self.report.enter_unknown_mode(counted.unknown_mode);
        if counted.kpis.deliveries.is_empty() && matches!(sources.scope, Scope::EventTime(_)) {
            let note = "no delivery has events in that time: nothing is recomputed";
            self.report.notes.push(note.to_owned());
        }
        let ready = Ready {
            kpis: &counted.kpis,
            attributes: &counted.attributes,
            text_ids: inputs.schemas.delivery_id() == IdKind::String,
            kept: kept.as_ref(),
            frozen: &frozen,
            causes: Causes::One(cause),
            planned_on: last.map(|last| last.run_id.as_str()),
            is_incremental: false,
        };
        self.publish(&ready)
    }

    /// Enters what a count tells.
    fn enter(&mut self, counted: &mut Counted) {
        for (stage, time) in &counted.laps {
            self.report.lap(stage, *time);
        }
        self.report.notes.append(&mut counted.notes);
    }

    /// The deliveries with published rows in the time that is asked for, if one is.
    fn published_in_time(&self) -> Result<BTreeSet<DeliveryId>, Error> {
        let job = self.job;
        let Scope::EventTime(interval) = &job.sources.scope else {
            return Ok(BTreeSet::new());
        };
        let published = self.output.map(Output::published).transpose()?;
        let Some(published) = published.flatten() else {
            return Ok(BTreeSet::new());
        };
        let last = Instant::from_micros(interval.end.micros() - 1);
        let [first, last] = [interval.start, last].map(|at| Some(date_name(at.hour().day())));
        let mut found = BTreeSet::new();
        for (day, files) in published.files(DELIVERY_KPI_HOURLY)? {
            if first <= day && day <= last {
                let rows = published.rows(DELIVERY_KPI_HOURLY, &files)?;
                let hours = earlier_hours(&rows, |_| true)?.into_iter();
                let is_in = |row: &EarlierHour| {
                    interval.start <= row.hour.start() && row.hour.end() <= interval.end
                };
                found.extend(hours.filter(is_in).map(|row| row.delivery));
            }
        }
        Ok(found)
    }

    fn changes(
        &mut self,
        listed: Listed,
        output: &Output,
        kept: Kept,
        changes: Changes,
        last: &RunRecord,
    ) -> Result<bool, Error> {
        let (job, pool) = (self.job, self.pool);
        let sources = &job.sources;
        let ids: Vec<DeliveryId> = kept.deliveries.iter().map(|d| d.id.clone()).collect();
        let files = changes.same.iter().map(|f| (f.extract, &f.renamed[..]));
        let earlier = Earlier {
            schemas: &kept.schemas,
            files: files.collect(),
            deliveries: &ids,
        };
        let only_new = listed.clone().with_logs(changes.read.clone());
        let Some(inputs) = Inputs::on_top(sources, pool, only_new, &earlier)? else {
            let why = "everything is read: the files have other columns than before";
            self.report.notes.push(why.to_owned());
            return self.everything(listed, Some(last), "full");
        };
        inputs.refuse_bare_links(sources)?;
        let frozen = Frozen::on_top(job, pool, last, &kept, &changes, &inputs)?;
        self.report.freeze(job, &frozen);
        self.report.lap("opening", self.watch.lap());
        let volumes = self.volumes()?;
        let again = Again {
            job,
            pool,
            inputs: &inputs,
            kept: &kept,
            changes: &changes,
            frozen: &frozen,
            volumes: volumes.as_ref(),
            progress: self.progress,
        };
        let recount = again.count(&mut self.watch)?;
        for (stage, time) in &recount.laps {
            self.report.lap(stage, *time);
        }
        let published = output.published()?;
        let Some(published) = published.filter(|p| p.last.own_state() == Some(&kept.run_id)) else {
            return Ok(false);
        };
        let kpis = renewed::renew(&again, &recount, &published)?;
        self.report.lap("rolling up", self.watch.lap());
        let entries = keep::entries(&again, &recount);
        let ledger = super::compute::draw_up(sources, entries.into_iter())?;
        let renewed = keep::changed(&again, &recount, &ledger, &self.report.record.run_id)?;
        let (attributes, unknown_mode) = attributes(job, &inputs, &kpis);
        self.report.follow(&changes, &recount);
        self.report.enter(ledger, &inputs);
        self.report.enter_unknown_mode(unknown_mode);
        let causes = recount.causes();
        let renewed = renewed.with_volumes(kept, recount.volumes);
        let renewed = match &volumes {
            Some(volumes) => keep::compacted(renewed, volumes)?,
            None => renewed,
        };
        let ready = Ready {
            kpis: &kpis,
            attributes: &attributes,
            text_ids: inputs.schemas.delivery_id() == IdKind::String,
            kept: volumes.is_some().then_some(&renewed),
            frozen: &frozen,
            causes,
            planned_on: Some(&last.run_id),
            is_incremental: true,
        };
        self.publish(&ready)
    }

    fn publish(&mut self, ready: &Ready<'_>) -> Result<bool, Error> {
        if let (Some(store), Some(kept)) = (&self.store, ready.kept) {
            store.write(kept)?;
            let record = &mut self.report.record;
            record.state = Some(kept.run_id.clone());
            record.listing = Some(kept.listing());
        }
        let (job, watch) = (self.job, &self.watch);
        let place = Place {
            job,
            pool: self.pool,
            output: self.output,
            progress: self.progress,
        };
        let is_done = publishing::publish(place, ready, &mut self.report, watch)?;
        if let (true, Some(store), Some(kept)) = (is_done, &self.store, ready.kept) {
            store.clean(kept);
        }
        Ok(is_done)
    }
}

/// The attributes of the deliveries of a run, the job's defaults in, and for how many of them neither
/// extract nor job say whether they have the Email Feedback Service.
fn attributes(job: &Job, inputs: &Inputs, kpis: &Kpis) -> (Vec<Attributes>, usize) {
    let defaults = &job.sources.defaults;
    let of = |id: &DeliveryId| inputs.catalog.attributes(id).cloned().unwrap_or_default();
    let ids = || kpis.deliveries.iter().map(|delivery| &delivery.id);
    let is_unknown = |id: &&DeliveryId| of(id).efs.or(defaults.efs).is_none();
    let unknown = ids().filter(is_unknown).count();
    (ids().map(|id| of(id).or(defaults)).collect(), unknown)
}
