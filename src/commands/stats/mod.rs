//! `stats`: the KPIs of one delivery as the dashboard shows them, or the deliveries with the most
//! recent activity.

mod block;
mod comparison;

use super::compute::{Count, Inputs};
use super::outcome::{print, say};
use super::people::{Clock, recorded, span};
use super::progress;
use crate::cli::Stats;
use crate::decode::Fingerprint;
use crate::disk::Disk;
use crate::engine::{self, DeliverySet};
use crate::error::{Error, exit};
use crate::extracts::IdKind;
use crate::job::{Sources, Stopwatch, now, resolve_stats, resolve_timezone, shown};
use crate::model::Instant;
use crate::publish::{Destination, Output, RunRecord};
use crate::tables::{RunMarks, Snapshot, Snapshots, build};
use serde_json::json;
use std::collections::BTreeSet;

/// Runs the command; gives its exit code.
pub fn run(flags: &Stats) -> Result<u8, Error> {
    let clock = Clock::new(resolve_timezone(flags.timezone.as_deref())?);
    let (output, sources) = resolve_stats(flags)?;
    let published = published(&output)?;
    let (Some(delivery), text) = (&flags.delivery, !flags.json) else {
        let nothing = || Error::NothingPublished(output.to_string());
        let (run, rows) = published.ok_or_else(nothing)?;
        return list(flags, &clock, &run, &rows).map(|()| exit::DONE);
    };
    let fresh = match sources {
        Some(sources) => recomputed(flags, &sources, delivery)?,
        None => None,
    };
    let (run, table) = match published {
        Some((run, rows)) => (Some(run), rows.of(delivery)?),
        None => (None, None),
    };
    if run.is_none() && !flags.fresh {
        return Err(Error::NothingPublished(output.to_string()));
    }
    let (table, fresh) = (table.as_ref(), fresh.as_ref());
    let shown = match (table, fresh) {
        (None, None) => return Err(Error::UnknownDelivery),
        (Some(row), None) | (None, Some(row)) if text => block::block(row, &clock, now()),
        (Some(table), Some(fresh)) if text => comparison::comparison(table, fresh, &clock, now()),
        (table, fresh) => {
            let object = json!({
                "delivery": table.map(described),
                "fresh": fresh.map(described),
                "run": run.as_ref().map(run_json),
            });
            format!("{object}\n")
        }
    };
    print(shown.as_bytes())?;
    if text && flags.fresh && fresh.is_none() {
        say("note: the extracts do not name the delivery; this is what the tables say\n");
    }
    match (table, &run, text) {
        (None, Some(_), true) => say("note: the tables do not know the delivery; recomputed now\n"),
        (None, None, true) => say("note: no run is published; recomputed now\n"),
        (Some(_), Some(run), true) => say(&written_by(run, &clock)),
        _ => {}
    }
    Ok(exit::DONE)
}

/// The rows of the newest run, if there is one.
fn published(output: &Destination) -> Result<Option<(RunRecord, Snapshots)>, Error> {
    let Some(output) = Output::at(&Disk::default(), output, 1)? else {
        return Ok(None);
    };
    let Some(published) = output.published()? else {
        return Ok(None);
    };
    let rows = Snapshots::published(&published.deliveries()?)?;
    Ok(Some((published.last, rows)))
}

/// What the extracts say of the delivery.
fn recomputed(flags: &Stats, sources: &Sources, delivery: &str) -> Result<Option<Snapshot>, Error> {
    let pool = engine::pool(sources.threads)?;
    let inputs = Inputs::open(sources, &pool)?;
    let progress = progress(shown(flags.effort.progress, flags.json));
    let mut watch = Stopwatch::new();
    let count = Count {
        sources,
        pool: &pool,
        inputs: &inputs,
        fingerprint: Fingerprint::random(),
        volumes: None,
        frozen: &DeliverySet::default(),
        published: &BTreeSet::new(),
        persons: None,
        progress: progress.as_ref(),
    };
    let counted = match count.plainly(&mut watch) {
        Err(Error::NoSuchDelivery(_)) => return Ok(None),
        counted => counted?,
    };
    let marks = RunMarks {
        run_id: String::new(),
        as_of: sources.as_of,
        counts_quarantines: false,
    };
    let text_ids = inputs.schemas.delivery_id() == IdKind::String;
    let frames = build(&counted.kpis, &counted.attributes, text_ids, &marks)?;
    Ok(Snapshots::computed(&frames).of(delivery)?)
}

fn list(flags: &Stats, clock: &Clock, run: &RunRecord, rows: &Snapshots) -> Result<(), Error> {
    if flags.json {
        let rows = rows.recent(flags.most)?;
        let rows: Vec<_> = rows.iter().map(described).collect();
        let object = json!({"deliveries": rows, "run": run_json(run)});
        return print(format!("{object}\n").as_bytes());
    }
    print(rows.show(flags.most)?.as_bytes())?;
    say(&written_by(run, clock));
    Ok(())
}

/// A row, with how old its newest event is.
fn described(row: &Snapshot) -> serde_json::Map<String, serde_json::Value> {
    let mut object = row.json();
    let newest = row.instant("last_event_at");
    let age = |since: Instant| newest.map(|at| (since.micros() - at.micros()) / 1_000_000);
    let before_as_of = row.instant("as_of").and_then(age);
    object.insert(
        "newest_row_seconds_before_as_of".to_owned(),
        json!(before_as_of),
    );
    object.insert(
        "newest_row_seconds_before_now".to_owned(),
        json!(age(now())),
    );
    // The run of a row that is not from the tables.
    if row.text("run_id").is_some_and(|id| id.is_empty()) {
        object.insert("run_id".to_owned(), serde_json::Value::Null);
    }
    object
}

fn run_json(run: &RunRecord) -> serde_json::Value {
    json!({
        "run_id": run.run_id,
        "run_number": run.run_number,
        "as_of": run.as_of,
        "finished_at": run.finished_at,
    })
}

fn written_by(run: &RunRecord, clock: &Clock) -> String {
    let age = recorded(&run.finished_at)
        .map(|at| format!(", {} ago", span(now().micros() - at.micros())))
        .unwrap_or_default();
    format!(
        "newest run: number {} as of {}, published {}{age}\n",
        run.run_number,
        clock.show_recorded(&run.as_of),
        clock.show_recorded(&run.finished_at)
    )
}
