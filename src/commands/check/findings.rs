//! What was found, and whether somebody has to look at it.

use super::gaps::{Gap, gaps};
use super::inspector::{Cases, Inspector};
use super::names::Names;
use crate::cli::Check;
use crate::commands::compute::{Counted, Inputs, Ledger};
use crate::commands::people::{counted as several, span, value_text};
use crate::error::Error;
use crate::extracts::Extract;
use crate::job::Sources;
use crate::model::{DeadlineMode, DeliveryIndex, HOUR, Log, Value};
use std::collections::BTreeMap;

/// One kind of thing that was looked for.
pub struct Finding {
    /// Its short name.
    pub name: &'static str,
    /// How many there are, and of what.
    pub count: u64,
    /// What is counted.
    pub unit: &'static str,
    /// What it means, or what to do.
    pub meaning: &'static str,
    /// Whether somebody has to look.
    pub needs_look: bool,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Everything that is looked for, in the order in which it is told.
pub fn findings(
    flags: &Check,
    sources: &Sources,
    inputs: &Inputs,
    counted: &Counted,
    ledger: &Ledger,
    inspector: &mut Inspector,
    names: &Names,
) -> Vec<Finding> {
    let mut found = Found {
        most: usize::from(flags.most),
        findings: Vec::new(),
    };
    files(&mut found, inputs, ledger);
    rows(&mut found, ledger, inspector);
    corrections(&mut found, inspector, names);
    deliveries(&mut found, sources, inputs, counted, inspector, names);
    time(&mut found, flags, sources, inspector);
    found.findings
}

/// Takes the mark from findings that the caller knows of.
pub fn accept(findings: &mut [Finding], names: &[String]) -> Result<(), Error> {
    for name in names {
        let Some(finding) = findings.iter_mut().find(|finding| finding.name == name) else {
            let known: Vec<&str> = findings.iter().map(|finding| finding.name).collect();
            return Err(Error::NoSuchFinding {
                found: name.clone(),
                known: known.join(", "),
            });
        };
        finding.needs_look = false;
    }
    Ok(())
}

/// The findings so far.
struct Found {
    most: usize,
    findings: Vec<Finding>,
}

impl Found {
    /// Something that has to be looked at wherever there is any.
    fn look(
        &mut self,
        name: &'static str,
        (count, unit): (u64, &'static str),
        meaning: &'static str,
        examples: impl IntoIterator<Item = String>,
    ) {
        self.tell(name, (count, unit), meaning, count > 0, examples);
    }

    fn tell(
        &mut self,
        name: &'static str,
        (count, unit): (u64, &'static str),
        meaning: &'static str,
        needs_look: bool,
        examples: impl IntoIterator<Item = String>,
    ) {
        self.findings.push(Finding {
            name,
            count,
            unit,
            meaning,
            needs_look,
            examples: examples.into_iter().take(self.most).collect(),
        });
    }

    fn cases(&mut self, name: &'static str, cases: &Cases, meaning: &'static str, names: &Names) {
        let examples = names.messages(cases, self.most);
        self.look(name, (cases.count(), "messages"), meaning, examples);
    }
}

fn files(found: &mut Found, inputs: &Inputs, ledger: &Ledger) {
    let bad: Vec<String> = ledger
        .files
        .iter()
        .filter_map(|file| {
            let reason = file.skipped.as_ref()?;
            Some(format!("{}, file {}: {reason}", file.log, file.file))
        })
        .collect();
    let meaning = "they cannot be read; recompute fails on them, or leaves them out";
    found.look("bad-files", (bad.len() as u64, "files"), meaning, bad);
    let empty: Vec<String> = inputs.empty.iter().map(|e| e.name().to_owned()).collect();
    let meaning = "the path holds no data file, and counts as empty";
    found.look(
        "empty-extracts",
        (empty.len() as u64, "extracts"),
        meaning,
        empty,
    );
    let others = inputs.skipped.iter();
    let others: Vec<String> = others
        .map(|(extract, name)| format!("{extract}, {name}"))
        .collect();
    let meaning = "neither .parquet nor .parq, so they are not read";
    found.tell(
        "other-files",
        (others.len() as u64, "files"),
        meaning,
        false,
        others,
    );
}

fn rows_text(rows: i64) -> String {
    several(rows, "row", "rows")
}

fn rows(found: &mut Found, ledger: &Ledger, inspector: &Inspector) {
    let rejected: u64 = ledger.rejections.iter().map(|(_, r)| r.rows as u64).sum();
    let reasons = ledger.rejections.iter().map(|(extract, rejection)| {
        let (column, reason) = (&rejection.column, &rejection.reason);
        format!(
            "{extract}, {column}: {reason}: {}",
            rows_text(rejection.rows)
        )
    });
    let files = ledger
        .files
        .iter()
        .filter(|file| file.rows.rows_rejected > 0);
    let files = files.map(|file| {
        format!(
            "{}, file {}: {}",
            file.log,
            file.file,
            rows_text(file.rows.rows_rejected)
        )
    });
    let meaning = "they break the contract and count nowhere; by reason, then by file";
    let examples: Vec<String> = reasons.chain(files).collect();
    found.look("rejected", (rejected, "rows"), meaning, examples);
    let sum = |of: fn(&crate::publish::Rows) -> i64| -> u64 {
        let logs = ledger.logs.iter();
        logs.filter(|log| log.log != Extract::Deliveries.name())
            .map(|log| of(&log.rows) as u64)
            .sum()
    };
    let meaning = "the same row, or the same report, stands elsewhere too: extracts overlap";
    found.tell(
        "duplicates",
        (sum(|r| r.rows_duplicate), "rows"),
        meaning,
        false,
        [],
    );
    let meaning = "another row with their log_id wins";
    found.tell(
        "superseded",
        (sum(|r| r.rows_superseded), "rows"),
        meaning,
        false,
        [],
    );
    let meaning = "deletions: no row with their log_id counts";
    found.tell(
        "deleted",
        (sum(|r| r.rows_deleted), "rows"),
        meaning,
        false,
        [],
    );
    let meaning = "at or after as-of";
    found.tell(
        "future",
        (sum(|r| r.rows_future), "rows"),
        meaning,
        false,
        [],
    );
    let types = unknown_types(&inspector.unknown_types);
    let meaning =
        "of types that are none of the contract's: in no KPI; labels.type says what a type means";
    found.look(
        "unknown-types",
        (sum(|r| r.rows_unknown_type), "rows"),
        meaning,
        types,
    );
}

/// The unknown types and how many rows have each. A text that is no label may be anything, an address say: such
/// ones are counted, and not shown.
fn unknown_types(types: &BTreeMap<Value, u64>) -> Vec<String> {
    let mut shown = Vec::new();
    let mut hidden = 0;
    for (label, rows) in types {
        match label {
            Value::Text(text) if !is_label(text) => hidden += rows,
            label => {
                let (label, rows) = (value_text(label), rows_text(*rows as i64));
                shown.push(format!("type {label}: {rows}"));
            }
        }
    }
    if hidden > 0 {
        let rows = rows_text(hidden as i64);
        shown.push(format!("texts that are no labels, not shown: {rows}"));
    }
    shown
}

/// Some words, as labels are.
fn is_label(text: &str) -> bool {
    let is_of_words = |c: char| c.is_alphanumeric() || " _-/()".contains(c);
    text.chars().all(is_of_words) && text.chars().count() <= 40
}

fn corrections(found: &mut Found, inspector: &mut Inspector, names: &Names) {
    let meaning = "rows of one log_id and revision that differ; the greatest counts, which may not be the right one";
    found.cases(
        "equal-revisions",
        &inspector.equal_revisions,
        meaning,
        names,
    );
    let meaning = "one log_id has several events at one revision: is it the identifier of a row?";
    found.cases("several-events", &inspector.several_events, meaning, names);
    for (log, name) in [
        (Log::Sending, "sending_log"),
        (Log::Tracking, "tracking_log"),
    ] {
        let shared = inspector.shared_log_ids(log);
        let count = shared.len() as u64;
        let examples = shared.into_iter().map(|id| format!("{name}, log_id {id}"));
        let meaning = "they stand in several messages: a log_id is the identifier of one row, never of a message";
        let examples: Vec<String> = examples.take(found.most).collect();
        match log {
            Log::Sending => found.look("shared-log-ids", (count, "log_ids"), meaning, examples),
            Log::Tracking => found.look(
                "shared-tracking-log-ids",
                (count, "log_ids"),
                meaning,
                examples,
            ),
        }
    }
    let meaning = "a tracking row stands there with a log_id and without one, and counts twice";
    found.cases("twins", &inspector.twins, meaning, names);
}

fn deliveries(
    found: &mut Found,
    sources: &Sources,
    inputs: &Inputs,
    counted: &Counted,
    inspector: &Inspector,
    names: &Names,
) {
    let named = |is_meant: &dyn Fn(&super::inspector::Reports) -> bool| {
        let meant = inspector.reports.iter().enumerate();
        let meant = meant.filter(|(_, reports)| is_meant(reports));
        names.deliveries(meant.map(|(place, _)| DeliveryIndex(place as u32)))
    };
    let without = named(&|reports| reports.soft_bounces > 0 && reports.delivered == 0);
    let meaning = "without EFS, with soft bounces and not one delivered: if the log never reports a retry's success, deadline = \"reported\" is right";
    let needs_look = !without.is_empty() && sources.deadline == DeadlineMode::Infer;
    let count = (without.len() as u64, "deliveries");
    found.tell("no-delivered", count, meaning, needs_look, without);
    let ids = inputs.catalog.ids();
    let ignored: Vec<String> = ids
        .iter()
        .filter(|id| {
            inputs
                .catalog
                .attributes(id)
                .is_some_and(|a| a.validity_is_ignored())
        })
        .map(|id| format!("delivery {id}"))
        .collect();
    let meaning = "a validity period of 0 or less or over 84 h, which does not count";
    found.look(
        "validity",
        (ignored.len() as u64, "deliveries"),
        meaning,
        ignored,
    );
    let meaning = "several rows of one modified_at that differ; the greatest counts";
    found.look(
        "ambiguous-deliveries",
        (inputs.ambiguous.len() as u64, "deliveries"),
        meaning,
        inputs.ambiguous.iter().map(|id| format!("delivery {id}")),
    );
    let efs = |id| {
        inputs
            .catalog
            .attributes(id)
            .and_then(|attributes| attributes.efs)
    };
    let unknown = counted.kpis.deliveries.iter();
    let unknown = unknown.filter(|delivery| efs(&delivery.id).or(sources.defaults.efs).is_none());
    let meaning = "neither the extract nor the job says whether they have EFS; taken as false";
    found.look(
        "efs-unknown",
        (counted.unknown_mode as u64, "deliveries"),
        meaning,
        unknown.map(|delivery| format!("delivery {}", delivery.id)),
    );
    let orphans: u64 = inspector.reports.iter().map(|r| r.orphans).sum();
    let meaning = "tracking rows of messages that are not in the sending log before as-of";
    let of = named(&|reports| reports.orphans > 0);
    found.look("orphans", (orphans, "rows"), meaning, of);
    let meaning = "what we count differs from the current status in the log; explain says why, message by message";
    found.cases(
        "status-differences",
        &inspector.statuses.different,
        meaning,
        names,
    );
}

fn time(found: &mut Found, flags: &Check, sources: &Sources, inspector: &Inspector) {
    let logs = [
        (Log::Sending, "sending-gaps", "sending-newest"),
        (Log::Tracking, "tracking-gaps", "tracking-newest"),
    ];
    for (log, name, _) in logs {
        let hours = inspector.hours(log);
        let gaps = gaps(hours.filter(|hour| hour.start() < sources.as_of));
        let hours: i64 = gaps.iter().map(Gap::hours).sum();
        let needs_look = gaps
            .iter()
            .any(|gap| gap.hours() >= i64::from(flags.max_gap));
        let examples: Vec<String> = gaps.iter().map(ToString::to_string).collect();
        let meaning =
            "without any row, between the first one and the last one before as-of; longest first";
        found.tell(name, (hours as u64, "hours"), meaning, needs_look, examples);
    }
    for (log, _, name) in logs {
        let newest = inspector.newest[log as usize];
        let age = newest.map(|newest| sources.as_of.micros() - newest.micros());
        let limit = flags.max_age.filter(|_| log == Log::Sending);
        let too_old = |age: i64| limit.is_some_and(|limit| age > i64::from(limit) * HOUR);
        let example = match (newest, age) {
            (Some(newest), Some(age)) => format!("{newest}, {} before as-of", span(age)),
            _ => "no row before as-of".to_owned(),
        };
        let hours = age.unwrap_or(0) / HOUR;
        let needs_look = age.map_or(limit.is_some(), too_old);
        let meaning = "whole hours from the newest row before as-of to as-of";
        found.tell(
            name,
            (hours as u64, "hours"),
            meaning,
            needs_look,
            [example],
        );
    }
}
