//! The same for the table of recurring deliveries.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::super::delta::Row;
use super::super::super::oracle::{COUNTERS, Expected, HOUR, RATES};
use super::super::super::world::Layout;
use super::{Check, delivery_value, instant, integer, nonzero, text_of};

pub const PARENTS_TABLE: &str = "parent_kpi_hourly";

/// The columns beside counters, changes and rates.
const OTHERS: [&str; 5] = [
    "parent_delivery_id",
    "hour",
    "hour_complete",
    "run_id",
    "date",
];

/// Where rows of `parent_kpi_hourly` differ from what was expected: every row, all columns, and no others.
pub fn parent_differences(expected: &Expected, rows: &[Row], layout: &Layout) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut found: BTreeMap<(String, i64), &Row> = BTreeMap::new();
    for row in rows {
        let key = (
            text_of(row, "parent_delivery_id"),
            integer(row, "hour").unwrap_or(i64::MIN),
        );
        if let Some(twice) = found.insert(key, row) {
            wrong.push(format!(
                "parents: two rows for one parent and hour: {twice:?}"
            ));
        }
    }
    let columns: BTreeSet<&str> = COUNTERS
        .iter()
        .flat_map(|(counter, delta)| [*counter, *delta])
        .chain(RATES.iter().map(|(rate, _, _)| *rate))
        .chain(OTHERS)
        .collect();
    for ((parent, hour), values) in &expected.families.hourly {
        let key = (layout.delivery_id(*parent), *hour);
        let place = format!("parents: {} {}", key.0, instant(*hour));
        let Some(row) = found.remove(&key) else {
            wrong.push(format!("{place}: no row, expected {:?}", nonzero(values)));
            continue;
        };
        let mut check = Check {
            place,
            row,
            wrong: &mut wrong,
        };
        check.equal("parent_delivery_id", &delivery_value(*parent, layout));
        check.counters(values, expected);
        check.rates(values, expected.families.to_deliver[parent]);
        check.equal("hour_complete", &Value::from(hour + HOUR <= expected.as_of));
        check.equal("date", &Value::from(&instant(*hour)[..10]));
        if row.get("run_id").is_none_or(Value::is_null) {
            check.wrong.push(format!("{}: no run_id", check.place));
        }
        for column in row.keys().filter(|name| !columns.contains(name.as_str())) {
            let line = format!("{}: an unexpected column {column}", check.place);
            check.wrong.push(line);
        }
    }
    wrong.extend(found.iter().map(|((parent, hour), row)| {
        let place = format!("{parent} {}", instant(*hour));
        format!("parents: {place}: an unexpected row, {row:?}")
    }));
    wrong
}
