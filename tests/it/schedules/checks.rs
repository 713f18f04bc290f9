//! Whether the tables of an output are what they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use delivery_kpi::model::Breakdown;
use serde_json::Value;

use super::super::delta::{Row, read_young, young_rows};
use super::super::oracle::Expected;
use super::super::run::{delivery_differences, fate_differences, hourly_differences};
use super::super::world::Layout;

/// What the newest run says, and the tables as seen through it.
pub struct Tables {
    pub hourly: Vec<Row>,
    pub deliveries: Vec<Row>,
    /// By table, the rows of parts of deliveries, where there are such tables.
    pub parts: BTreeMap<&'static str, Vec<Row>>,
    pub run: Row,
}

impl Tables {
    pub fn read(output: &Path) -> Self {
        let (run, [hourly, deliveries]) = read_young(output);
        let rows = |of: Breakdown| Some((of.table(), young_rows(output, &run, of.table())?));
        Self {
            hourly,
            deliveries,
            parts: Breakdown::ALL.into_iter().filter_map(rows).collect(),
            run,
        }
    }

    /// Where they differ from what the oracle says.
    pub fn against_oracle(&self, expected: &Expected, layout: &Layout) -> Vec<String> {
        let mut wrong = hourly_differences(expected, &self.hourly, layout);
        wrong.extend(delivery_differences(expected, &self.deliveries, layout));
        wrong.extend(fate_differences(expected, &self.run));
        wrong.extend(self.sums());
        wrong
    }

    /// Where they differ from those of an output that has seen no other run.
    pub fn against_fresh(&self, fresh: &Tables) -> Vec<String> {
        const PLACE: &str = "in a fresh output";
        let mut wrong = Vec::new();
        let tables = [
            ("hourly", &self.hourly, &fresh.hourly),
            ("delivery", &self.deliveries, &fresh.deliveries),
        ];
        for (table, here, fresh) in tables {
            let (here, fresh) = (by_key(here), by_key(fresh));
            wrong.extend(differences(table, &here, (&fresh, PLACE)));
        }
        let keys = |tables: &Tables| tables.parts.keys().copied().collect::<Vec<_>>();
        if keys(self) != keys(fresh) {
            wrong.push(format!(
                "tables of parts: {:?} here, {:?} {PLACE}",
                keys(self),
                keys(fresh)
            ));
        }
        for (table, rows) in &self.parts {
            let (here, fresh) = (
                texts(rows),
                texts(fresh.parts.get(table).map_or(&[], Vec::as_slice)),
            );
            let only = |place: &str, one: &BTreeSet<String>, other: &BTreeSet<String>| {
                let only = one.difference(other);
                only.map(|row| format!("{table}: only {place}: {row}"))
                    .collect::<Vec<_>>()
            };
            wrong.extend(only("here", &here, &fresh));
            wrong.extend(only(PLACE, &fresh, &here));
        }
        let (here, fresh) = (fates(&self.run), fates(&fresh.run));
        wrong.extend(differences("run", &here, (&fresh, PLACE)));
        wrong
    }

    /// Every row of a log that was read has one fate.
    fn sums(&self) -> Vec<String> {
        const FATES: [&str; 7] = [
            "rows_counted",
            "rows_duplicate",
            "rows_superseded",
            "rows_deleted",
            "rows_future",
            "rows_frozen",
            "rows_rejected",
        ];
        let mut wrong = Vec::new();
        for (log, row) in fates(&self.run) {
            let number = |column: &str| row.get(column).and_then(Value::as_i64).unwrap_or(i64::MIN);
            let read = number("rows_read");
            let sum = FATES
                .iter()
                .fold(0i64, |sum, fate| sum.saturating_add(number(fate)));
            if read != sum {
                wrong.push(format!(
                    "run: {log}: {read} rows read, and {sum} with a fate"
                ));
            }
        }
        wrong
    }
}

/// By delivery, and hour where there is one; a key that occurs again gets a mark.
fn by_key(rows: &[Row]) -> BTreeMap<String, Row> {
    let mut found = BTreeMap::new();
    for row in rows {
        let hour = row.get("hour").and_then(Value::as_i64);
        let hour = hour.and_then(|hour| jiff::Timestamp::from_microsecond(hour).ok());
        let mut key = format!("{}", row.get("delivery_id").unwrap_or(&Value::Null));
        if let Some(hour) = hour {
            key += &format!(" {hour}");
        }
        while found.contains_key(&key) {
            key += " (again)";
        }
        let mut row = row.clone();
        row.remove("run_id");
        found.insert(key, row);
    }
    found
}

/// The rows as texts, without what differs from run to run; all of them are different.
fn texts(rows: &[Row]) -> BTreeSet<String> {
    let text = |row: &Row| {
        let mut row = row.clone();
        row.remove("run_id");
        Value::Object(row).to_string()
    };
    let texts: BTreeSet<String> = rows.iter().map(text).collect();
    assert_eq!(texts.len(), rows.len(), "a row twice");
    texts
}

/// By log, how many rows met which fate.
fn fates(run: &Row) -> BTreeMap<String, Row> {
    let logs = run.get("logs").and_then(Value::as_array);
    let logs = logs.into_iter().flatten().filter_map(Value::as_object);
    let fates = logs.map(|log| {
        let rows = log.iter().filter(|(name, _)| name.starts_with("rows_"));
        let rows = rows.map(|(name, rows)| (name.clone(), rows.clone()));
        (log["log"].to_string(), rows.collect())
    });
    fates.collect()
}

fn differences(
    table: &str,
    here: &BTreeMap<String, Row>,
    (there, place): (&BTreeMap<String, Row>, &str),
) -> Vec<String> {
    let mut wrong = Vec::new();
    let keys: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    for key in keys {
        let (Some(here), Some(there)) = (here.get(key), there.get(key)) else {
            let only = if here.contains_key(key) {
                "here"
            } else {
                place
            };
            wrong.push(format!("{table}: {key}: a row only {only}"));
            continue;
        };
        let columns: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        for column in columns {
            let values = [here, there].map(|row| row.get(column));
            if values[0] != values[1] {
                let text =
                    |value: Option<&Value>| value.map_or("none".to_owned(), Value::to_string);
                let [here, there] = values.map(text);
                wrong.push(format!(
                    "{table}: {key}: {column} is {here}, {place} {there}"
                ));
            }
        }
    }
    wrong
}
