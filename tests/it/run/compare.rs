//! Compares the tables that a run published with what was expected.

mod breakdowns;
mod parents;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::super::delta::{Row, committed, committed_versions, newest_run};
use super::super::golden::{self, Case, Counts};
use super::super::oracle::{
    Counters, DeliveryExpected, Expected, HOUR, NEW_QUARANTINES, RATES, rate,
};
use super::super::site::BY_REASON_TABLE;
use super::super::world::Layout;
use breakdowns::breakdown_differences;
pub use breakdowns::{assert_breakdowns, domain_differences};
pub use parents::{PARENTS_TABLE, parent_differences};

/// Panics with the differences; `context` says which world it is (a seed, a case).
pub fn compare(expected: &Expected, output: &Path, layout: &Layout, context: &str) {
    let wrong = differences(expected, output, layout);
    assert!(
        wrong.is_empty(),
        "{context}: {} differences\n{}",
        wrong.len(),
        first_lines(&wrong)
    );
}

/// Where the tables at their committed versions, or what the run says of the rows, differ from what was
/// expected.
pub fn differences(expected: &Expected, output: &Path, layout: &Layout) -> Vec<String> {
    let mut wrong = table_differences(expected, output, layout);
    wrong.extend(fate_differences(expected, &newest_run(output)));
    wrong
}

/// The same without the fates of the rows, of which a later run need not read all again.
pub fn table_differences(expected: &Expected, output: &Path, layout: &Layout) -> Vec<String> {
    let mut wrong = hourly_differences(expected, &committed(output, "delivery_kpi_hourly"), layout);
    wrong.extend(delivery_differences(
        expected,
        &committed(output, "delivery_kpi"),
        layout,
    ));
    if committed_versions(output).contains_key(BY_REASON_TABLE) {
        wrong.extend(breakdown_differences(expected, output, layout));
    }
    if committed_versions(output).contains_key(PARENTS_TABLE) {
        wrong.extend(parent_differences(
            expected,
            &committed(output, PARENTS_TABLE),
            layout,
        ));
    }
    wrong
}

/// Where `delivery_kpi_hourly`, and `parent_kpi_hourly` where the case has one, differ from a golden case's rows.
pub fn golden_differences(case: &Case, output: &Path, layout: &Layout) -> Vec<String> {
    let rows = committed(output, "delivery_kpi_hourly");
    let mut wrong = golden_rows(case, &case.expect, "delivery_id", &rows, layout);
    if let Some(expect) = &case.expect_parents {
        let rows = committed(output, PARENTS_TABLE);
        let of_parents = golden_rows(case, expect, "parent_delivery_id", &rows, layout);
        wrong.extend(of_parents);
    }
    wrong
}

fn golden_rows(
    case: &Case,
    expect: &BTreeMap<(i64, i64), Counts>,
    id: &str,
    rows: &[Row],
    layout: &Layout,
) -> Vec<String> {
    let text = |((delivery, hour), counts): (&(i64, i64), &Counts)| {
        ((layout.delivery_id(*delivery), *hour), counts.clone())
    };
    let expect: BTreeMap<(String, i64), Counts> = expect.iter().map(text).collect();
    let has_quarantine = case.quarantine.is_some();
    let found = rows.iter().map(|row| {
        let counts = golden::cumulative(case.tells_of_people, |name| match integer(row, name) {
            Some(value) => value,
            None if name == NEW_QUARANTINES && !has_quarantine => 0,
            None => i64::MIN,
        });
        let hour = integer(row, "hour").unwrap_or(i64::MIN);
        ((text_of(row, id), hour), counts)
    });
    let found: BTreeMap<(String, i64), Counts> = found.collect();
    let keys: BTreeSet<_> = expect.keys().chain(found.keys()).collect();
    keys.into_iter()
        .filter(|key| expect.get(key) != found.get(key))
        .map(|(delivery, hour)| {
            let key = (delivery.clone(), *hour);
            format!(
                "golden: {id} {delivery} {}: {:?} instead of {:?}",
                instant(*hour),
                found.get(&key),
                expect.get(&key)
            )
        })
        .collect()
}

/// The first 40 lines, one below the other.
pub fn first_lines(lines: &[String]) -> String {
    lines
        .iter()
        .take(40)
        .map(|line| format!("  {line}\n"))
        .collect()
}

/// Collects what differs in one row.
struct Check<'a> {
    place: String,
    row: &'a Row,
    wrong: &'a mut Vec<String>,
}

impl Check<'_> {
    fn equal(&mut self, column: &str, expected: &Value) {
        match self.row.get(column) {
            Some(found) if found == expected => {}
            Some(found) => self.wrong.push(format!(
                "{}: {column} is {found} instead of {expected}",
                self.place
            )),
            None => self
                .wrong
                .push(format!("{}: there is no column {column}", self.place)),
        }
    }

    /// Counters or changes; that of a rule that the job does not have is null.
    fn counters(&mut self, values: &Counters, expected: &Expected) {
        for (name, value) in values {
            self.equal(name, &counter_value(name, *value, expected));
        }
    }

    fn instant(&mut self, column: &str, expected: Option<i64>) {
        let readable = |value: Option<i64>| value.map_or("null".to_owned(), instant);
        let found = integer(self.row, column);
        if !self.row.contains_key(column) || found != expected {
            let (found, expected) = (readable(found), readable(expected));
            self.wrong.push(format!(
                "{}: {column} is {found} instead of {expected}",
                self.place
            ));
        }
    }

    /// Surrounding blanks of a label are no part of it.
    fn label(&mut self, column: &str, expected: Option<&str>) {
        let value = self.row.get(column);
        let found = value.and_then(Value::as_str).map(str::trim);
        let is_text = value.is_some_and(|value| value.is_string() || value.is_null());
        if !is_text || found != expected.map(str::trim) {
            self.wrong.push(format!(
                "{}: {column} is {found:?} instead of {expected:?}",
                self.place
            ));
        }
    }

    fn rates(&mut self, counters: &Counters, to_deliver: Option<i64>) {
        for (name, numerator, denominator) in RATES {
            let expected = rate(counters, to_deliver, numerator, denominator);
            let found = self.row.get(name).and_then(Value::as_f64);
            let same = match (found, expected) {
                (Some(found), Some(expected)) => {
                    (found - expected).abs() <= 1e-12 * expected.abs().max(1.0)
                }
                (found, expected) => found.is_none() && expected.is_none(),
            };
            if !same || !self.row.contains_key(name) {
                self.wrong.push(format!(
                    "{}: {name} is {found:?} instead of {expected:?}",
                    self.place
                ));
            }
        }
    }
}

/// Where rows of `delivery_kpi_hourly` differ from what was expected.
pub fn hourly_differences(expected: &Expected, rows: &[Row], layout: &Layout) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut found: BTreeMap<(String, i64), &Row> = BTreeMap::new();
    for row in rows {
        let key = (
            text_of(row, "delivery_id"),
            integer(row, "hour").unwrap_or(i64::MIN),
        );
        if let Some(twice) = found.insert(key, row) {
            wrong.push(format!(
                "hourly: two rows for one delivery and hour: {twice:?}"
            ));
        }
    }
    for ((delivery, hour), values) in &expected.hourly {
        let key = (layout.delivery_id(*delivery), *hour);
        let place = format!("hourly: {} {}", key.0, instant(*hour));
        let Some(row) = found.remove(&key) else {
            wrong.push(format!("{place}: no row, expected {:?}", nonzero(values)));
            continue;
        };
        let mut check = Check {
            place,
            row,
            wrong: &mut wrong,
        };
        check.equal("delivery_id", &delivery_value(*delivery, layout));
        check.counters(values, expected);
        check.rates(values, expected.deliveries[delivery].to_deliver);
        check.equal("hour_complete", &Value::from(hour + HOUR <= expected.as_of));
        check.equal("date", &Value::from(&instant(*hour)[..10]));
        if row.get("run_id").is_none_or(Value::is_null) {
            check.wrong.push(format!("{}: no run_id", check.place));
        }
    }
    let extra = |(key, row): (&(String, i64), &&Row)| {
        let counts = golden::cumulative(true, |name| integer(row, name).unwrap_or(0));
        format!(
            "hourly: {} {}: an unexpected row, {counts:?}",
            key.0,
            instant(key.1)
        )
    };
    wrong.extend(found.iter().map(extra));
    wrong
}

/// Where rows of `delivery_kpi` do.
pub fn delivery_differences(expected: &Expected, rows: &[Row], layout: &Layout) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut found: BTreeMap<String, &Row> = BTreeMap::new();
    for row in rows {
        if found.insert(text_of(row, "delivery_id"), row).is_some() {
            wrong.push(format!(
                "delivery: two rows for {}",
                text_of(row, "delivery_id")
            ));
        }
    }
    for (delivery, values) in &expected.deliveries {
        let key = layout.delivery_id(*delivery);
        let place = format!("delivery: {key}");
        let Some(row) = found.remove(&key) else {
            wrong.push(format!(
                "{place}: no row, expected {:?}",
                nonzero(&values.counters)
            ));
            continue;
        };
        let mut check = Check {
            place,
            row,
            wrong: &mut wrong,
        };
        check.equal("delivery_id", &delivery_value(*delivery, layout));
        check.counters(&values.counters, expected);
        check_delivery(&mut check, values, expected.as_of, layout);
    }
    wrong.extend(
        found
            .iter()
            .map(|(key, row)| format!("delivery: {key}: an unexpected row, {row:?}")),
    );
    wrong
}

fn check_delivery(check: &mut Check<'_>, values: &DeliveryExpected, as_of: i64, layout: &Layout) {
    check.rates(&values.counters, values.to_deliver);
    check.label("label", values.label.as_deref());
    check.label("channel", values.channel.as_deref());
    let parent = values
        .parent_delivery_id
        .map_or(Value::Null, |parent| delivery_value(parent, layout));
    check.equal("parent_delivery_id", &parent);
    check.equal("to_deliver", &Value::from(values.to_deliver));
    check.equal("efs", &Value::from(values.efs));
    check.instant("started_at", values.started_at);
    check.instant("first_event_at", values.first_event_at);
    check.instant("last_event_at", values.last_event_at);
    check.instant("final_at", values.final_at);
    check.equal("is_final", &Value::from(values.is_final));
    check.instant("as_of", Some(as_of));
}

/// Where a row of `kpi_run` says other fates of the logs' rows than expected.
pub fn fate_differences(expected: &Expected, run: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let logs = run
        .get("logs")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for (log, fates) in &expected.fates {
        let place = format!("run: {log}");
        let row = logs
            .iter()
            .filter_map(Value::as_object)
            .find(|row| row.get("log").is_some_and(|name| name == log));
        match row {
            Some(row) => {
                let mut check = Check {
                    place,
                    row,
                    wrong: &mut wrong,
                };
                for (fate, count) in fates {
                    check.equal(fate, &Value::from(*count));
                }
            }
            // A log without a file may be missing.
            None if fates["rows_read"] == 0 => {}
            None => wrong.push(format!("{place} is not in the logs of the run")),
        }
    }
    wrong
}

fn counter_value(name: &str, value: i64, expected: &Expected) -> Value {
    match name.starts_with(NEW_QUARANTINES) && !expected.has_quarantine {
        true => Value::Null,
        false => Value::from(value),
    }
}

fn delivery_value(delivery: i64, layout: &Layout) -> Value {
    if layout.string_ids {
        Value::from(layout.delivery_id(delivery))
    } else {
        Value::from(delivery)
    }
}

fn nonzero(values: &Counters) -> Counters {
    values
        .iter()
        .filter(|(_, value)| **value != 0)
        .map(|(name, value)| (*name, *value))
        .collect()
}

fn integer(row: &Row, column: &str) -> Option<i64> {
    row.get(column).and_then(Value::as_i64)
}

/// A text, or a number as text.
fn text_of(row: &Row, column: &str) -> String {
    match row.get(column) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => format!("(no column {column})"),
    }
}

fn instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |instant| instant.to_string())
}
