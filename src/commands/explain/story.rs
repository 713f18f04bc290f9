//! The history of one message: what people read, and what machines read.

use super::listener::{Listener, Step};
use crate::engine::Found;
use crate::history::{Life, MachineSign, Meaning, Row, Rule, Standing, Status, live};
use crate::model::{
    Code, Codes, Event, Fate, Hour, Instant, MessageKey, Policy, Recipient, Rejection, Tail, Value,
    failure_reason_name,
};
use crate::rollup::Shown;

/// Where a row stands.
#[derive(Clone)]
pub struct Place {
    /// The extract.
    pub log: &'static str,
    /// The file, by its name below the extract's path.
    pub file: String,
    /// The row group, from 0.
    pub row_group: usize,
    /// The row in the row group, from 0.
    pub row: usize,
}

/// What a row holds besides its keys; nothing about recipients or links.
pub struct Content {
    /// Event, status or type.
    pub what: String,
    /// `log_id` and `revision`.
    pub log_id: Option<(i64, i64)>,
    /// The failure reason of a report.
    pub reason: Option<Value>,
}

/// One line of the history.
pub struct Line {
    /// When.
    pub at: Option<Instant>,
    /// Where the row stands; none for the deadline.
    pub place: Option<Place>,
    /// What it holds; none for the deadline and for a rejected row.
    pub content: Option<Content>,
    /// The short name of the rule that it met.
    pub rule: &'static str,
    /// What the rule says.
    pub meaning: String,
    /// The status after it, for reports that count and the deadline.
    pub status: Option<Status>,
    /// Whether it brought the message there.
    pub moved: bool,
    /// The hour in which it counts, and the counters that change.
    pub counts: Option<(Hour, Vec<(&'static str, i64)>)>,
    /// A tracking row of a message that has not entered the log.
    pub is_orphan: bool,
    /// Why it counts as made by a machine, if it does.
    pub machine: Option<MachineSign>,
    /// Where the row stands that counts in its place, and its revision if it has a `log_id`.
    pub instead: Option<(Place, Option<i64>)>,
}

/// The whole history.
pub struct Story {
    /// By time; rejected rows without an instant at the end.
    pub lines: Vec<Line>,
    /// How it ended.
    pub life: Life,
    /// The failure reason of a failed message.
    pub reason: Option<Value>,
}

/// Tells the history of the rows that were found; `place` says where one stands.
pub fn tell<M: MessageKey>(
    found: &[Found<M>],
    place: impl Fn(&Found<M>) -> Place,
    policy: &Policy,
    meaning: Meaning<'_>,
) -> Story {
    let codes = meaning.codes;
    let mut rows = Vec::new();
    let mut tails = Vec::new();
    for (number, row) in found.iter().enumerate() {
        if let Ok((event, tail)) = &row.what {
            rows.push(Row {
                stamp: event.stamp,
                code: event.code,
                source: number as u32,
                tail: tails.len() as u32,
                domain: Code::NULL,
                recipient: Recipient::NONE,
            });
            tails.push(*tail);
        }
    }
    let mut listener = Listener::new(found.len());
    let life = live(&mut rows, &tails, policy, meaning, &mut listener);
    let mut lines = Vec::new();
    for (order, step) in listener.steps.iter().enumerate() {
        let row = step.row.map(|row| &found[row as usize]);
        let event = row.and_then(|row| row.what.as_ref().ok());
        let at = event.map_or(life.deadline, |(event, _)| event.stamp.at());
        let content = event.map(|(event, tail)| content(event, tail, codes));
        let is_tracking = event.is_some_and(|(event, _)| event.stamp.tracked().is_some());
        let line = Line {
            at,
            place: row.map(&place),
            content,
            rule: step.rule.name(),
            meaning: step.rule.meaning().to_owned(),
            status: step
                .status
                .filter(|_| !is_tracking && step.rule != Rule::Test),
            moved: step.moved,
            counts: counts(step),
            is_orphan: step.row.is_some_and(|row| listener.orphans[row as usize]),
            machine: step.machine,
            instead: None,
        };
        lines.push((order, line));
    }
    for (number, row) in found.iter().enumerate() {
        let fate = listener.fates[number];
        if fate == Some(Fate::Counted) {
            continue;
        }
        let instead = stands_instead(found, &listener, number, policy.efs);
        let instead = instead.map(|row| {
            let event = row.what.as_ref().ok();
            let revision = event.filter(|(event, _)| event.stamp.has_log_id());
            (place(row), revision.map(|(_, tail)| tail.revision))
        });
        lines.push((
            usize::MAX,
            without_effect(row, fate, place(row), instead, codes),
        ));
    }
    lines.sort_by_key(|(order, line)| (line.at.is_none(), line.at, *order));
    let failed = life
        .status
        .is_some_and(|status| status.standing() == Standing::Failed);
    Story {
        lines: lines.into_iter().map(|(_, line)| line).collect(),
        reason: failed.then(|| codes.value(life.reason)).flatten(),
        life,
    }
}

fn counts(step: &Step) -> Option<(Hour, Vec<(&'static str, i64)>)> {
    let (at, change) = step.counts.as_ref()?;
    let changed = |shown: &Shown| Some((shown.name, shown.of(change))).filter(|(_, by)| *by != 0);
    let counters: Vec<_> = Shown::ALL.iter().filter_map(changed).collect();
    (!counters.is_empty()).then(|| (at.hour(), counters))
}

/// A row that does not count.
fn without_effect<M: MessageKey>(
    row: &Found<M>,
    fate: Option<Fate>,
    place: Place,
    instead: Option<(Place, Option<i64>)>,
    codes: &Codes,
) -> Line {
    let (rule, meaning) = match (&row.what, fate) {
        (Err(Rejection { column, reason }), _) => ("rejected", format!("{column}: {reason}")),
        (_, Some(Fate::Superseded)) => (
            "superseded",
            "of the rows with its log_id another one wins: by revision, or by the order of equal revisions".to_owned(),
        ),
        (_, Some(Fate::Deleted)) => (
            "deletion",
            "it wins its log_id, so that no row with this log_id counts".to_owned(),
        ),
        (_, Some(Fate::Duplicate)) => (
            "duplicate",
            "the same row, or the same report, stands elsewhere too, and counts there".to_owned(),
        ),
        (_, Some(Fate::Future)) => ("future", "it is at or after as-of".to_owned()),
        (_, Some(Fate::Counted) | None) => ("counted", "it counts".to_owned()),
    };
    let event = row.what.as_ref().ok();
    Line {
        at: event.and_then(|(event, _)| event.stamp.at()),
        place: Some(place),
        content: event.map(|(event, tail)| content(event, tail, codes)),
        rule,
        meaning,
        status: None,
        moved: false,
        counts: None,
        is_orphan: false,
        machine: None,
        instead,
    }
}

/// The row that counts in the place of a superseded one or a duplicate: the winner of its `log_id`,
/// or where the same report or tracking row stands.
fn stands_instead<'a, M: MessageKey>(
    found: &'a [Found<M>],
    listener: &Listener,
    number: usize,
    efs: bool,
) -> Option<&'a Found<M>> {
    let fate = |number: usize| listener.fates[number];
    let event = |number: usize| found[number].what.as_ref().ok();
    let stands = |number: usize| {
        let fate = fate(number);
        matches!(fate, Some(Fate::Counted | Fate::Future | Fate::Deleted))
    };
    let is_of_log_id = |a: usize, b: usize| match (event(a), event(b)) {
        (Some((a, of_a)), Some((b, of_b))) => {
            let both = a.stamp.has_log_id() && b.stamp.has_log_id();
            both && a.stamp.log() == b.stamp.log() && of_a.log_id == of_b.log_id
        }
        _ => false,
    };
    let is_same = |a: usize, b: usize| match (event(a), event(b)) {
        (Some((a, _)), Some((b, _))) if a.stamp.tracked().is_some() => {
            (a.stamp.by_anyone(), a.code) == (b.stamp.by_anyone(), b.code)
        }
        (Some((a, _)), Some((b, _))) => {
            a.stamp.resolved(efs).identity() == b.stamp.resolved(efs).identity()
        }
        _ => false,
    };
    let others = |of: usize| (0..found.len()).filter(move |other| *other != of);
    let same = |of: usize| others(of).find(|other| is_same(of, *other) && stands(*other));
    let winner = others(number).find(|other| is_of_log_id(number, *other) && stands(*other));
    let place = match fate(number)? {
        // The winner itself may be the same report as a row with another log_id.
        Fate::Superseded => winner.or_else(|| {
            let is_copy = |other: &usize| fate(*other) == Some(Fate::Duplicate);
            let mut winners = others(number).filter(|other| is_of_log_id(number, *other));
            same(winners.find(is_copy)?)
        }),
        Fate::Duplicate => winner.or_else(|| same(number)),
        Fate::Deleted | Fate::Future | Fate::Counted => None,
    };
    place.map(|place| &found[place])
}

fn content<M>(event: &Event<M>, tail: &Tail, codes: &Codes) -> Content {
    let stamp = event.stamp;
    let what = match (stamp.logged(), stamp.tracked()) {
        (_, Some(tracked)) => match codes.unknown_type(event.code) {
            Some(Value::Number(code)) => format!("type {code}"),
            Some(Value::Text(label)) => format!("type {label}"),
            Some(Value::Hidden(_)) => "type unknown".to_owned(),
            None => tracked.name().to_owned(),
        },
        (Some(logged), None) => logged.name().to_owned(),
        (None, None) => "nothing".to_owned(),
    };
    let is_report = stamp.tracked().is_none() && event.code != Code::NULL;
    Content {
        what: if stamp.is_deleted() {
            match (stamp.logged(), stamp.tracked()) {
                (None, None) => "deletion".to_owned(),
                _ => format!("deletion of {what}"),
            }
        } else {
            what
        },
        log_id: stamp.has_log_id().then_some((tail.log_id, tail.revision)),
        reason: is_report.then(|| codes.value(event.code)).flatten(),
    }
}

/// A failure reason with its name, if it has one.
pub fn reason_text(reason: &Value) -> String {
    match reason {
        Value::Number(code) => match failure_reason_name(*code) {
            Some(name) => format!("{code} {name}"),
            None => code.to_string(),
        },
        Value::Text(text) => text.to_string(),
        Value::Hidden(_) => "unknown".to_owned(),
    }
}
