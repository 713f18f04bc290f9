//! `verify`: the published tables beside a fresh full recompute.

use super::compute::{Count, Inputs, Listed, Persons, parents_of};
use super::diff::{Json, Tally, Teller, Text, exit_code};
use super::outcome::say;
use super::people::{Clock, counted as several};
use super::progress;
use super::recompute::{Frozen, frozen_anew};
use crate::cli;
use crate::decode::Fingerprint;
use crate::engine::{self, Progress, Watched};
use crate::error::Error;
use crate::extracts::IdKind;
use crate::job::{Job, Stopwatch, parse_instant, resolve_timezone, resolve_verify};
use crate::publish::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, Output, Published, RunRecord};
use crate::tables::{
    Hourly, PARENT_KPI_HOURLY, PART_TABLES, ParentFrames, PartFrames, RunMarks, Versions, build,
    earlier_deliveries,
};
use std::collections::BTreeSet;

/// Runs the command; gives its exit code.
pub fn run(flags: &cli::Verify) -> Result<u8, Error> {
    let clock = Clock::new(resolve_timezone(flags.timezone.as_deref())?);
    let mut job = resolve_verify(flags)?;
    let nothing = || Error::NothingPublished(job.output.to_string());
    let output = Output::at(&job.disk, &job.output, job.sources.threads)?;
    let output = output.ok_or_else(nothing)?;
    let published = output.published()?.ok_or_else(nothing)?;
    let as_of = parse_instant(&published.last.as_of).ok_or_else(nothing)?;
    job.sources.as_of = as_of;
    let fresh = RunRecord {
        run_id: "not published".to_owned(),
        run_number: published.last.run_number + 1,
        as_of: published.last.as_of.clone(),
        finished_at: crate::job::now().to_string(),
        ..RunRecord::default()
    };
    let mut teller: Box<dyn Teller> = match flags.json {
        true => Box::new(Json::new(&published.last, &fresh)),
        false => Box::new(Text::new(&published.last, &fresh, &clock, flags.limit)),
    };
    let progress = progress(job.progress);
    let differs = compare(
        &job,
        &output,
        &published,
        progress.as_ref(),
        teller.as_mut(),
    )?;
    Ok(exit_code(differs))
}

/// Tells the differences; whether there are any.
fn compare(
    job: &Job,
    output: &Output,
    published: &Published<'_>,
    progress: &dyn Progress,
    teller: &mut dyn Teller,
) -> Result<bool, Error> {
    let sources = &job.sources;
    let pool = engine::pool(sources.threads)?;
    let mut listed = Listed::of(sources)?;
    listed.complete(sources, Some(&published.last))?;
    let logs: Vec<_> = listed.logs().cloned().collect();
    let inputs = Inputs::of(sources, &pool, listed)?;
    inputs.refuse_bare_links(sources)?;
    let last = &published.last;
    let stays = frozen_anew(job, &pool, output, last, &inputs, &logs)?.after;
    let frozen = Frozen::places(&stays, &inputs.catalog);
    let before = published.deliveries()?;
    let known = earlier_deliveries(&before)?;
    let untold = parents_of(&stays, &known);
    let persons = Persons::of(sources, &inputs, &frozen, untold);
    let people = persons.as_ref().map(|persons| persons.people(&inputs));
    let persons = persons.as_ref().zip(people.as_ref());
    let count = Count {
        sources,
        pool: &pool,
        inputs: &inputs,
        fingerprint: Fingerprint::random(),
        volumes: None,
        frozen: &frozen,
        published: &BTreeSet::new(),
        persons,
        progress,
    };
    let account = || {
        let people = persons.map(|(_, people)| people);
        Watched::new(inputs.logs.len(), &frozen, sources.parts.by).telling(people)
    };
    let (counted, _, _) = count.with(account, &mut Stopwatch::new())?;
    let marks = RunMarks {
        run_id: String::new(),
        as_of: sources.as_of,
        counts_quarantines: sources.people.quarantine.is_some(),
    };
    let text_ids = inputs.schemas.delivery_id() == IdKind::String;
    let mut frames = build(&counted.kpis, &counted.attributes, text_ids, &marks)?;
    let parts = counted.kpis.parts.iter();
    let parts = parts.map(|parts| PartFrames::new(parts, text_ids, &marks));
    let mut parts: Vec<PartFrames<'_>> = parts.collect();
    let (mut deliveries, mut hours) = (Tally::default(), Tally::default());
    let gone = frames.gone(&known, &stays);
    parts.iter_mut().for_each(|parts| parts.remove(&gone));
    frames.remove(gone);
    let comparison = frames.compare_deliveries(&before)?;
    // Rows that differ in nothing but the run that wrote them are not told.
    let after = match comparison.differs {
        true => comparison.rows.into_iter().collect(),
        false => before.clone(),
    };
    let versions = Versions::new(DELIVERY_KPI, &before, &after, None)?;
    let rows = versions.differences()?;
    deliveries.add(&rows);
    teller.deliveries(&versions.totals()?, &rows)?;
    let files = published.files(DELIVERY_KPI_HOURLY)?;
    let days: BTreeSet<&str> = frames
        .days()
        .into_iter()
        .chain(files.keys().flatten().map(String::as_str))
        .collect();
    for day in days {
        let of_day = files.get(&Some(day.to_owned()));
        let before = published.rows(DELIVERY_KPI_HOURLY, of_day.into_iter().flatten())?;
        let comparison = frames.compare_day(day, &before)?;
        if comparison.differs {
            let after: Vec<_> = comparison.rows.into_iter().collect();
            let versions = Versions::new(DELIVERY_KPI_HOURLY, &before, &after, None)?;
            let rows = versions.differences()?;
            hours.add(&rows);
            teller.hours(&rows)?;
        }
    }
    let parents = counted.kpis.parents.as_ref();
    let parents = parents.map(|parents| ParentFrames::new(Some(parents), text_ids, &marks));
    let mut others: Vec<&dyn Hourly> = parts.iter().map(|parts| parts as &dyn Hourly).collect();
    others.extend(parents.iter().map(|parents| parents as &dyn Hourly));
    let mut of_parts = Vec::new();
    for parts in &others {
        match published.has(parts.table()) {
            true => of_parts.push((parts.table(), compare_parts(*parts, published)?)),
            false => say(&format!(
                "note: not compared, as the last run has left no {}\n",
                parts.table()
            )),
        }
    }
    let tables = PART_TABLES.into_iter().chain([PARENT_KPI_HOURLY]);
    for table in tables.filter(|table| published.has(table)) {
        if !others.iter().any(|parts| parts.table() == table) {
            say(&format!(
                "note: not compared, as the job does not ask for it: {table}\n"
            ));
        }
    }
    teller.finish(deliveries, hours, &of_parts)?;
    if !stays.is_empty() {
        say(&format!(
            "note: not compared, as files with rows of them are gone: {}\n",
            several(stays.len() as i64, "delivery", "deliveries")
        ));
    }
    let of_parts: usize = of_parts.iter().map(|(_, rows)| rows.sum()).sum();
    Ok(deliveries.sum() + hours.sum() + of_parts > 0)
}

/// How many rows of a table of parts, or of parents, differ.
fn compare_parts(parts: &dyn Hourly, published: &Published<'_>) -> Result<Tally, Error> {
    let files = published.files(parts.table())?;
    let mut days: BTreeSet<&str> = parts.days().into_iter().collect();
    days.extend(files.keys().flatten().map(String::as_str));
    let mut tally = Tally::default();
    for day in days {
        let of_day = files.get(&Some(day.to_owned()));
        let before = published.rows(parts.table(), of_day.into_iter().flatten())?;
        tally.add_counts(parts.compare_day(day, &before)?.counts);
    }
    Ok(tally)
}
