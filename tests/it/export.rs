//! `export`, through the real program: what is in the files is what is in the tables.

mod dense;
mod failures;
mod formats;
mod selection;
mod usage;

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::delta::{self, Row};
use super::run::Outcome;
use super::site::{DAY, HOUR, MINUTE, NINE, Site, outcome, report, tracked, two_deliveries};
use super::world::World;

pub const TABLES: [&str; 3] = ["delivery_kpi_hourly", "delivery_kpi", "kpi_run"];

/// Runs `export` of a table to a file in the folder of the site.
pub fn export(site: &Site, table: &str, file: &str, flags: &[&str]) -> Outcome {
    let mut command = site.program();
    command.args(["export", table, file, "--output", "out"]);
    outcome(command.args(flags))
}

/// [`two_deliveries`] on two days, with a label that is hard to write.
pub fn two_days() -> World {
    let mut world = two_deliveries();
    world.deliveries[0].label = Some("First, \"second\"\nand \u{fc}ber".to_owned());
    world.deliveries.push(super::site::delivery(3, ""));
    world.sending.push(report(2, 23, "relayed", NINE + DAY));
    let next = NINE + DAY + 2 * HOUR + 7 * MINUTE + 1;
    world.tracking.push(tracked(1, 12, "open", next));
    world
}

/// The as-of of runs on [`two_days`]: it cuts the last hour.
pub const CUT: &str = "2026-03-03T11:30:00Z";

/// The rows of a table as the newest run names it, in the order that files have.
pub fn table(site: &Site, name: &str) -> Vec<Row> {
    let mut rows = match name {
        "kpi_run" => delta::read(&site.output().join(name), None),
        _ => delta::committed(&site.output(), name),
    };
    rows.sort_by_key(|row| {
        let number = |column: &str| row.get(column).and_then(Value::as_i64);
        let text = |column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
        let day = text("date");
        let delivery = (number("delivery_id"), text("delivery_id"));
        (number("run_number"), day, delivery, number("hour"))
    });
    rows
}

/// Values with every text that is an instant as microseconds, which files say in other ways, and doubles to 15 digits:
/// of the 17th `serde_json` is not sure when it reads one.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(instant) => instant.as_microsecond().into(),
            Err(_) => value.clone(),
        },
        Value::Number(number) if number.is_f64() => {
            let double = number.as_f64().expect("a double");
            let rounded: f64 = format!("{double:.14e}").parse().expect("a double");
            rounded.into()
        }
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(values) => {
            let plain = values
                .iter()
                .map(|(name, value)| (name.clone(), plain(value)));
            Value::Object(plain.collect())
        }
        _ => value.clone(),
    }
}

/// Rows as values to compare with those of a file.
pub fn values(rows: &[Row]) -> Vec<Value> {
    rows.iter()
        .cloned()
        .map(|row| plain(&Value::Object(row)))
        .collect()
}

/// The rows of a Parquet file.
pub fn of_parquet(path: &Path) -> Vec<Value> {
    values(&delta::read_parquet(path))
}

/// The rows of JSON Lines.
pub fn of_json_lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let row = |line| plain(&serde_json::from_str(line).expect("an object"));
    text.lines().map(row).collect()
}

/// The cells of CSV, line by line.
pub fn of_csv(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            other => cell.push(other),
        }
    }
    assert!(
        line.is_empty() && cell.is_empty() && !quoted,
        "a last line that ends"
    );
    lines
}

/// The names of the files in the folder of a site.
pub fn names(site: &Site) -> Vec<String> {
    let entries = fs::read_dir(site.path(".")).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}
