//! `diff`, through the real program: what changed between two runs is what their versions of the tables say.

mod choosing;
mod failures;
mod people;
mod rows;
mod usage;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::delta::{self, Row};
use super::export::plain;
use super::run::Outcome;
use super::site::{
    DAY, HOUR, MINUTE, NINE, Site, delivery, number, outcome, report, tracked, two_deliveries,
};
use super::world::{Layout, World};

const HOURLY: &str = "delivery_kpi_hourly";
const DELIVERIES: &str = "delivery_kpi";
/// What differs from run to run, and what is the key.
const NOT_COMPARED: [&str; 5] = ["run_id", "as_of", "date", "delivery_id", "hour"];

/// Runs `diff` on the output of the site.
fn diff(site: &Site, words: &[&str]) -> Outcome {
    let mut command = site.program();
    outcome(
        command
            .arg("diff")
            .args(words)
            .arg("--output")
            .arg(site.output()),
    )
}

/// [`two_deliveries`] with a label, an hour that went, hours with other values and a new delivery.
fn changed() -> World {
    let mut world = two_deliveries();
    world.deliveries[0].label = Some("First,\u{1b}[31m renamed".to_owned());
    world.deliveries.push(delivery(3, "Third"));
    world.tracking.remove(1);
    world
        .tracking
        .push(tracked(2, 21, "open", NINE + 15 * MINUTE));
    world
}

/// [`changed`], and what came on the next day.
fn next_day() -> World {
    let mut world = changed();
    world
        .sending
        .push(report(3, 31, "relayed", NINE + DAY + MINUTE));
    world
        .tracking
        .push(tracked(1, 12, "click", NINE + DAY + HOUR));
    world
}

const NEXT_DAY: &str = "2026-03-03T10:30:00Z";

/// Four runs: of [`two_deliveries`], of [`changed`], and twice of [`next_day`].
fn four_runs(layout: &Layout) -> Site {
    let site = Site::laid_out(&two_deliveries(), layout);
    site.run_to(0, &[]);
    site.rewrite(&changed(), layout);
    site.run_to(0, &[]);
    site.rewrite(&next_day(), layout);
    site.run_to(0, &["--as-of", NEXT_DAY]);
    site.run_to(0, &["--as-of", NEXT_DAY]);
    site
}

/// The rows of `kpi_run` by their number.
fn runs(site: &Site) -> BTreeMap<i64, Row> {
    let rows = delta::read(&site.output().join("kpi_run"), None);
    let numbered = rows
        .into_iter()
        .map(|row| (number(&row, "run_number"), row));
    numbered.collect()
}

/// The version of a table that belongs to a run.
fn version(run: &Row, table: &str) -> i64 {
    run["table_versions"][table].as_i64().expect("a version")
}

/// A row of the answer by its delivery and its hour (0 where there is none).
type Rows = BTreeMap<(String, i64), Value>;

fn key(row: &Value) -> (String, i64) {
    let hour = row
        .get("hour")
        .map_or(0, |hour| hour.as_i64().expect("an hour"));
    (row["delivery_id"].to_string(), hour)
}

/// What the answer for two versions of a table must be, told by their files alone.
fn expected(site: &Site, table: &str, old: &Row, new: &Row) -> Rows {
    let rows = |run: &Row| -> BTreeMap<(String, i64), Row> {
        let rows = delta::read(&site.output().join(table), Some(version(run, table)));
        let keyed = rows
            .into_iter()
            .map(|row| (key(&Value::Object(row.clone())), row));
        keyed.collect()
    };
    let (old, new) = (rows(old), rows(new));
    let mut differences = Rows::new();
    for key in old.keys().chain(new.keys()) {
        let (before, after) = (old.get(key), new.get(key));
        let any = before.or(after).expect("a row");
        let mut sides = [before, after].map(|row| row.map(|_| Map::new()));
        for column in any
            .keys()
            .filter(|name| !NOT_COMPARED.contains(&name.as_str()))
        {
            let values = [before, after].map(|row| row.map(|row| row[column].clone()));
            if values[0] == values[1] {
                continue;
            }
            for (side, value) in sides.iter_mut().zip(values) {
                if let (Some(side), Some(value)) = (side, value) {
                    side.insert(column.clone(), value);
                }
            }
        }
        let [Some(a), Some(b)] = &sides else {
            let [a, b] = sides;
            differences.insert(key.clone(), with_key(any, a, b));
            continue;
        };
        if a.len() + b.len() > 0 {
            differences.insert(key.clone(), with_key(any, Some(a.clone()), Some(b.clone())));
        }
    }
    differences
}

fn with_key(row: &Row, old: Option<Map<String, Value>>, new: Option<Map<String, Value>>) -> Value {
    let mut answer = json!({"delivery_id": row["delivery_id"], "old": old, "new": new});
    if let Some(hour) = row.get("hour") {
        answer["hour"] = hour.clone();
    }
    answer
}

/// The rows of a table in an answer, instants as microseconds.
fn answered(answer: &Value, table: &str) -> Rows {
    let rows = answer[table].as_array().expect("rows");
    let keyed = rows.iter().map(|row| {
        let row = plain(row);
        (key(&row), row)
    });
    let found: Rows = keyed.collect();
    assert_eq!(found.len(), rows.len(), "each row once");
    found
}
