//! The oracle: kpi-semantics.md, sections 1 to 8, as the slowest and plainest program that says it.
//!
//! It shares nothing with the program, and is the place to look when the two disagree: either the
//! specification has a hole or one of them is wrong. Section numbers stand at every rule.

pub mod breakdowns;
mod columns;
mod defaults;
mod machines;
mod message;
mod parents;
mod people;
mod quarantine;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::world::{DeliveryRow, World};
pub use breakdowns::Breakdown;
pub use columns::{COUNTERS, NEW_QUARANTINES, OF_MESSAGES, RATES};
pub use defaults::Defaults;
pub use machines::Machines;
pub use parents::Families;
use people::People;
pub use quarantine::Quarantine;
use rows::{Fate, TypeCode};

/// An hour in microseconds.
pub const HOUR: i64 = 3_600_000_000;

/// What a job says about deadlines (section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Infer,
    Reported,
}

impl Mode {
    /// The value of `--deadline`.
    pub fn flag(self) -> &'static str {
        match self {
            Mode::Infer => "infer",
            Mode::Reported => "reported",
        }
    }
}

/// Counters, and in an hour their changes, by column name.
pub type Counters = BTreeMap<&'static str, i64>;

/// Everything the program has to say about a world.
#[derive(Clone, Debug)]
pub struct Expected {
    pub as_of: i64,
    /// By (delivery, start of the hour): cumulative counters and `_delta`s; only hours with a change.
    pub hourly: BTreeMap<(i64, i64), Counters>,
    /// The failures among them by reason, the clicks by link.
    pub by_reason: Breakdown,
    pub by_url: Breakdown,
    /// Recurring deliveries, by their parent.
    pub families: Families,
    /// Whether the job has rules for quarantine; without them its counter is null, and 0 here.
    pub has_quarantine: bool,
    pub deliveries: BTreeMap<i64, DeliveryExpected>,
    /// By log (`sending_log`, `tracking_log`): what became of its rows.
    pub fates: BTreeMap<&'static str, Counters>,
}

/// A row of `delivery_kpi`.
#[derive(Clone, Debug)]
pub struct DeliveryExpected {
    pub counters: Counters,
    pub label: Option<String>,
    pub channel: Option<String>,
    pub parent_delivery_id: Option<i64>,
    pub started_at: Option<i64>,
    pub to_deliver: Option<i64>,
    pub efs: bool,
    pub first_event_at: Option<i64>,
    pub last_event_at: Option<i64>,
    pub final_at: Option<i64>,
    pub is_final: Option<bool>,
}

/// The rate of section 4 with this numerator and denominator: null when the latter is 0 or unknown.
pub fn rate(
    counters: &Counters,
    to_deliver: Option<i64>,
    numerator: &str,
    denominator: &str,
) -> Option<f64> {
    let below = match denominator {
        "to_deliver" => to_deliver?,
        counter => counters[counter],
    };
    (below != 0).then(|| counters[numerator] as f64 / below as f64)
}

/// What the program has to answer for `world` as of `as_of`.
pub fn expect(world: &World, as_of: i64, mode: Mode) -> Expected {
    expect_with(world, as_of, mode, &Defaults::default())
}

/// The same for a job that sets defaults.
pub fn expect_with(world: &World, as_of: i64, mode: Mode, defaults: &Defaults) -> Expected {
    let attributes = latest_attributes(&world.deliveries);
    let filled = |delivery: i64| defaults.fill(attributes.get(&delivery));
    let efs = |delivery: i64| filled(delivery).efs.unwrap_or(false);

    let reports = rows::read_sending(&world.sending, efs);
    let openings = rows::read_tracking(&world.tracking);
    let report_fates = rows::sending_fates(&reports, as_of);
    let opening_fates = rows::tracking_fates(&openings, as_of);

    let mut known: BTreeSet<i64> = attributes.keys().copied().collect();
    known.extend(reports.iter().flatten().map(|report| report.delivery));
    known.extend(openings.iter().flatten().map(|row| row.delivery));

    let mut changes = Changes::default();
    let mut seen: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    let mut final_at: BTreeMap<i64, i64> = BTreeMap::new();

    // Section 2: every message's counted reports, test rows apart (section 6).
    let mut messages: BTreeMap<(i64, i64), Vec<message::Report>> = BTreeMap::new();
    let people = People::of(&reports, &report_fates);
    let mut failures = Vec::new();
    let mut sending = fate_counts(world.sending.len(), &report_fates);
    for (report, fate) in reports.iter().zip(&report_fates) {
        let (Some(report), Fate::Counted) = (report, fate) else {
            continue;
        };
        let (Some(event), Some(at)) = (report.event, report.at) else {
            panic!("a counted report has an event and an instant: {report:?}");
        };
        see(&mut seen, report.delivery, at);
        if report.is_test {
            add(&mut sending, "rows_test", 1);
        } else {
            let key = (report.delivery, report.message);
            let reason = breakdowns::reason_of(report, &reports, &report_fates);
            failures.push(quarantine::Failure {
                event,
                at,
                delivery: report.delivery,
                person: people.person(key, &report.recipients(&reports)),
            });
            messages
                .entry(key)
                .or_default()
                .push(message::Report { event, at, reason });
        }
    }
    let mut by_reason = breakdowns::Reasons::default();
    let mut entered: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for ((delivery, message), reports) in &messages {
        let rules = message::Rules::of(&filled(*delivery), mode);
        let history = message::replay(reports, &rules, as_of);
        for (at, counter, by) in history.changes {
            changes.add(*delivery, at, counter, by);
        }
        by_reason.add(*delivery, &history.moves);
        if let Some(at) = history.entered_at {
            entered.insert((*delivery, *message), at);
        }
        if let Some(deadline) = history.deadline {
            let latest = final_at.entry(*delivery).or_insert(deadline);
            *latest = deadline.max(*latest);
        }
    }

    if let Some(rules) = &defaults.quarantine {
        for (delivery, at) in rules.entries(&failures) {
            changes.add(delivery, at, NEW_QUARANTINES, 1);
        }
    }

    // Section 3: tracking rows count whatever the message's status is.
    let mut tracking = fate_counts(world.tracking.len(), &opening_fates);
    let mut by_message: BTreeMap<(i64, i64), Vec<(i64, TypeCode)>> = BTreeMap::new();
    let mut made: BTreeMap<(i64, i64), Vec<machines::Opening>> = BTreeMap::new();
    for (row, fate) in openings.iter().zip(&opening_fates) {
        let (Some(row), Fate::Counted) = (row, fate) else {
            continue;
        };
        let (Some(code), Some(at)) = (row.code.clone(), row.at) else {
            panic!("a counted tracking row has a type and an instant: {row:?}");
        };
        see(&mut seen, row.delivery, at);
        if row.is_test {
            add(&mut tracking, "rows_test", 1);
            continue;
        }
        if !code.is_known() {
            add(&mut tracking, "rows_unknown_type", 1);
        }
        let key = (row.delivery, row.message);
        if !entered.contains_key(&key) {
            add(&mut tracking, "rows_orphan", 1);
        }
        let kinds = [1, 2, 3, 6, 10, 11].into_iter();
        if let Some(kind) = kinds.into_iter().find(|kind| code.is(*kind)) {
            made.entry(key).or_default().push(machines::Opening {
                at,
                kind,
                url: row.url,
                marked: rows::is_marked(row, &openings),
                person: people.person(key, &row.recipients(&openings)),
            });
        }
        by_message.entry(key).or_default().push((at, code));
    }
    for ((delivery, _), rows) in &by_message {
        for (at, counter) in tracking_counts(rows) {
            changes.add(*delivery, at, counter, 1);
        }
    }

    let mut by_url = breakdowns::Urls::default();
    let mut acts = Vec::new();
    for (key, rows) in &made {
        let entered_at = entered.get(key).copied();
        for (at, counter) in machines::counts(rows, entered_at, &defaults.machines) {
            changes.add(key.0, at, counter, 1);
        }
        by_url.add(key.0, rows, entered_at, &defaults.machines);
        acts.extend(rows.iter().map(|row| parents::Act {
            delivery: key.0,
            person: row.person,
            at: row.at,
            kind: row.kind,
            is_machine: defaults.machines.is_machine(rows, row, entered_at),
        }));
    }
    let families = Families::of(&attributes, &known, &changes, &acts);

    let hourly = changes.hours();
    let deliveries = known
        .into_iter()
        .map(|delivery| {
            let row = filled(delivery);
            let final_at = final_at.get(&delivery).copied();
            let expected = delivery_row(
                delivery,
                &row,
                &hourly,
                seen.get(&delivery),
                final_at,
                as_of,
            );
            (delivery, expected)
        })
        .collect();
    let fates = BTreeMap::from([("sending_log", sending), ("tracking_log", tracking)]);
    Expected {
        as_of,
        hourly,
        by_reason: by_reason.hours(),
        by_url: by_url.hours(),
        families,
        has_quarantine: defaults.quarantine.is_some(),
        deliveries,
        fates,
    }
}

/// Section 6: for one delivery the row with the highest `modified_at`, then the greatest row.
fn latest_attributes(rows: &[DeliveryRow]) -> BTreeMap<i64, DeliveryRow> {
    let mut latest: BTreeMap<i64, DeliveryRow> = BTreeMap::new();
    for row in rows {
        let Some(delivery) = row.delivery_id else {
            continue;
        };
        let instants = [row.started_at, row.validity_end, row.modified_at];
        if !instants.into_iter().flatten().all(rows::in_range) {
            continue;
        }
        let row = DeliveryRow {
            label: rows::not_blank(&row.label),
            channel: rows::not_blank(&row.channel),
            ..row.clone()
        };
        match latest.get(&delivery) {
            Some(other) if attribute_order(other) >= attribute_order(&row) => {}
            _ => {
                latest.insert(delivery, row);
            }
        }
    }
    latest
}

/// `modified_at`, then the contract's order of columns; null is lowest everywhere.
fn attribute_order(row: &DeliveryRow) -> impl Ord + '_ {
    let DeliveryRow {
        delivery_id,
        label,
        channel,
        parent_delivery_id,
        started_at,
        validity_end,
        modified_at,
        to_deliver,
        efs,
    } = row;
    let first = (modified_at, delivery_id, label, channel, parent_delivery_id);
    (first, (started_at, validity_end, to_deliver, efs))
}

/// A row of `delivery_kpi` (section 7 for `is_final`).
fn delivery_row(
    delivery: i64,
    row: &DeliveryRow,
    hourly: &BTreeMap<(i64, i64), Counters>,
    seen: Option<&(i64, i64)>,
    final_at: Option<i64>,
    as_of: i64,
) -> DeliveryExpected {
    let last = hourly
        .range((delivery, i64::MIN)..=(delivery, i64::MAX))
        .next_back();
    let counters: Counters = COUNTERS
        .iter()
        .map(|(counter, _)| (*counter, last.map_or(0, |(_, values)| values[counter])))
        .collect();
    let is_final = final_at.map(|at| {
        let all_there = row
            .to_deliver
            .is_none_or(|target| counters["processed"] >= target);
        at < as_of && counters["pending"] == 0 && all_there
    });
    DeliveryExpected {
        counters,
        label: row.label.clone(),
        channel: row.channel.clone(),
        parent_delivery_id: row.parent_delivery_id,
        started_at: row.started_at,
        to_deliver: row.to_deliver,
        efs: row.efs.unwrap_or(false),
        first_event_at: seen.map(|(first, _)| *first),
        last_event_at: seen.map(|(_, last)| *last),
        final_at,
        is_final,
    }
}

/// What one message's tracking rows count: instants and counters, each to be raised by one.
fn tracking_counts(rows: &[(i64, TypeCode)]) -> Vec<(i64, &'static str)> {
    let mut counts = Vec::new();
    // Rows of these types count under the first name; the message's first one also under the second.
    let of_rows: [(&[i64], &str, &str); 4] = [
        (&[2], "opens_tracked", "unique_opens_tracked"),
        (&[1, 10, 11], "clicks", "unique_clicks"),
        (&[3], "unsubscribes", "unique_unsubscribes"),
        (&[6], "mirror_page_views", ""),
    ];
    let instants = |types: &[i64]| -> Vec<i64> {
        rows.iter()
            .filter(|(_, code)| types.iter().any(|known| code.is(*known)))
            .map(|(at, _)| *at)
            .collect()
    };
    for (types, all, unique) in of_rows {
        let instants = instants(types);
        counts.extend(instants.iter().map(|at| (*at, all)));
        if let (Some(first), false) = (instants.iter().min(), unique.is_empty()) {
            counts.push((*first, unique));
        }
    }
    if let Some(first) = instants(&[1, 2, 3, 6, 10, 11]).iter().min() {
        counts.push((*first, "unique_opens"));
    }
    counts
}

fn see(seen: &mut BTreeMap<i64, (i64, i64)>, delivery: i64, at: i64) {
    let (first, last) = seen.entry(delivery).or_insert((at, at));
    *first = at.min(*first);
    *last = at.max(*last);
}

fn add(counters: &mut Counters, name: &'static str, by: i64) {
    *counters.entry(name).or_insert(0) += by;
}

/// The counts of section 6 for one log; the rows given apart start at 0.
fn fate_counts(rows_read: usize, fates: &[Fate]) -> Counters {
    let mut counts = Counters::from([
        ("rows_unknown_type", 0),
        ("rows_test", 0),
        ("rows_orphan", 0),
    ]);
    counts.insert(
        "rows_read",
        i64::try_from(rows_read).expect("a small world"),
    );
    for fate in Fate::ALL {
        let rows = fates.iter().filter(|other| **other == fate).count();
        counts.insert(fate.column(), i64::try_from(rows).expect("a small world"));
    }
    counts
}

/// Changes of counters by delivery, or by parent, and hour.
#[derive(Default)]
struct Changes(BTreeMap<(i64, i64), Counters>);

impl Changes {
    fn add(&mut self, delivery: i64, at: i64, counter: &'static str, by: i64) {
        let hour = at.div_euclid(HOUR) * HOUR;
        add(self.0.entry((delivery, hour)).or_default(), counter, by);
    }

    /// Sums them up; the counters that are a formula of others come in here (section 3).
    fn hours(self) -> BTreeMap<(i64, i64), Counters> {
        let mut hours = BTreeMap::new();
        let mut running: BTreeMap<i64, Counters> = BTreeMap::new();
        for ((delivery, hour), mut deltas) in self.0 {
            let delta = |name: &str| deltas.get(name).copied().unwrap_or(0);
            let sent = delta("delivered") + delta("bounces_errors");
            let opens =
                delta("opens_tracked") + delta("unique_opens") - delta("unique_opens_tracked");
            let human_opens = delta("human_opens_tracked") + delta("human_unique_opens")
                - delta("human_unique_opens_tracked");
            deltas.insert("human_opens", human_opens);
            deltas.insert("sent", sent);
            deltas.insert("opens", opens);
            if deltas.values().all(|by| *by == 0) {
                continue;
            }
            let totals = running.entry(delivery).or_default();
            let mut values = Counters::new();
            for (counter, delta_name) in COUNTERS {
                let by = deltas.get(counter).copied().unwrap_or(0);
                add(totals, counter, by);
                values.insert(counter, totals[counter]);
                values.insert(delta_name, by);
            }
            hours.insert((delivery, hour), values);
        }
        hours
    }
}
