//! The same for the tables of failures by reason and of clicks by link.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::super::super::delta::{Row, committed};
use super::super::super::oracle::breakdowns::{Breakdown, Part};
use super::super::super::oracle::{Counters, Expected, HOUR, RATES};
use super::super::super::site::{
    BY_REASON_TABLE, BY_URL_TABLE, domain_part, reason_part, url_part,
};
use super::super::super::world::{Layout, url_text};
use super::{Check, delivery_value, first_lines, instant, integer, nonzero, text_of};

/// Panics with the differences; `context` says which world it is (a seed, a case).
pub fn assert_breakdowns(expected: &Expected, output: &Path, layout: &Layout, context: &str) {
    let wrong = breakdown_differences(expected, output, layout);
    assert!(
        wrong.is_empty(),
        "{context}: {} differences\n{}",
        wrong.len(),
        first_lines(&wrong)
    );
}

/// Where both tables at their committed versions differ from what was expected.
pub fn breakdown_differences(expected: &Expected, output: &Path, layout: &Layout) -> Vec<String> {
    let rows = |table: &str| committed(output, table);
    let mut wrong = reason_differences(expected, &rows(BY_REASON_TABLE), layout);
    wrong.extend(url_differences(expected, &rows(BY_URL_TABLE), layout));
    wrong
}

/// Where rows of `delivery_kpi_hourly_by_reason` differ from what was expected.
pub fn reason_differences(expected: &Expected, rows: &[Row], layout: &Layout) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = by_key("by reason", rows, reason_part, &mut wrong);
    let check = |check: &mut Check<'_>, reason: &Part| {
        let number = match reason {
            Part::Number(number) => Value::from(*number),
            Part::None | Part::Text(_) => Value::Null,
        };
        check.equal("failure_reason", &number);
        check.equal("failure_reason_label", &Value::from(reason.reason_label()));
    };
    let table = Table {
        name: "by reason",
        rows: &expected.by_reason,
        as_of: expected.as_of,
        layout,
    };
    table.compare(found, check, &mut wrong);
    wrong
}

/// The same for `delivery_kpi_hourly_by_url`. Which digest a text has is open, as it has a key; but one text
/// has one digest in the whole table, and no digest stands for two.
pub fn url_differences(expected: &Expected, rows: &[Row], layout: &Layout) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = by_key("by url", rows, url_part, &mut wrong);
    let of_layout = expected
        .by_url
        .iter()
        .map(|((delivery, hour, url), values)| {
            let url = match url {
                Part::Number(number) if layout.string_ids => Part::Text(url_text(*number)),
                other => other.clone(),
            };
            ((*delivery, *hour, url), values.clone())
        });
    let of_layout: Breakdown = of_layout.collect();
    let texts = texts_by_digest(&of_layout, &found, layout);
    let mut named: Found<'_> = BTreeMap::new();
    for ((delivery, hour, url), row) in found {
        let url = match &url {
            Part::Text(digest) => texts.get(digest).cloned().map_or(url, Part::Text),
            Part::None | Part::Number(_) => url,
        };
        named.insert((delivery, hour, url), row);
    }
    let links: BTreeSet<&str> = of_layout
        .keys()
        .filter_map(|(_, _, url)| match url {
            Part::Text(text) => Some(text.as_str()),
            Part::None | Part::Number(_) => None,
        })
        .collect();
    let check = |check: &mut Check<'_>, url: &Part| match url {
        Part::Text(_) => {
            let digest = check.row.get("url_digest").and_then(Value::as_str);
            if digest.is_none_or(|digest| links.iter().any(|link| digest.contains(link))) {
                let line = format!("{}: {digest:?} is no digest", check.place);
                check.wrong.push(line);
            }
        }
        Part::None => check.equal("url_id", &Value::Null),
        Part::Number(number) => check.equal("url_id", &Value::from(*number)),
    };
    let table = Table {
        name: "by url",
        rows: &of_layout,
        as_of: expected.as_of,
        layout,
    };
    table.compare(named, check, &mut wrong);
    wrong
}

/// Where the rows of `delivery_kpi_hourly_by_domain` differ from what was expected as of an instant.
pub fn domain_differences(
    expected: &Breakdown,
    as_of: i64,
    rows: &[Row],
    layout: &Layout,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = by_key("by domain", rows, domain_part, &mut wrong);
    let check = |check: &mut Check<'_>, domain: &Part| {
        let name = match domain {
            Part::Text(name) => Value::from(name.as_str()),
            Part::None | Part::Number(_) => Value::Null,
        };
        check.equal("recipient_domain", &name);
    };
    let table = Table {
        name: "by domain",
        rows: expected,
        as_of,
        layout,
    };
    table.compare(found, check, &mut wrong);
    for row in rows {
        let counters = row
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_i64()?)));
        let counters: BTreeMap<&str, i64> = counters.collect();
        for (name, numerator, denominator) in RATES {
            let rate = match counters.get(denominator) {
                None | Some(0) => None,
                Some(below) => Some(counters[numerator] as f64 / *below as f64),
            };
            let is_there = row.get(name).map(Value::as_f64);
            let expected = (name != "progress").then_some(rate);
            if is_there != expected {
                wrong.push(format!(
                    "by domain: {name} is {is_there:?}, not {expected:?}: {row:?}"
                ));
            }
        }
    }
    wrong
}

/// Rows of a table by delivery, hour and part.
type Found<'a> = BTreeMap<(String, i64, Part), &'a Row>;

fn by_key<'a>(
    name: &str,
    rows: &'a [Row],
    part: fn(&Row) -> Result<Part, String>,
    wrong: &mut Vec<String>,
) -> Found<'a> {
    let mut found = BTreeMap::new();
    for row in rows {
        let part = match part(row) {
            Ok(part) => part,
            Err(error) => {
                wrong.push(format!("{name}: {error}: {row:?}"));
                continue;
            }
        };
        let hour = integer(row, "hour").unwrap_or(i64::MIN);
        let key = (text_of(row, "delivery_id"), hour, part);
        if let Some(twice) = found.insert(key, row) {
            wrong.push(format!(
                "{name}: two rows for one delivery, hour and part: {twice:?}"
            ));
        }
    }
    found
}

/// What is said of one part: by delivery and hour, the values of the columns.
type Said = BTreeMap<(String, i64), Vec<Option<i64>>>;

/// The text that each digest must stand for: one that the same is said of, else any of the others, so that the
/// differences show row by row.
fn texts_by_digest(
    expected: &Breakdown,
    found: &Found<'_>,
    layout: &Layout,
) -> BTreeMap<String, String> {
    let columns: BTreeSet<&str> = expected
        .values()
        .flat_map(Counters::keys)
        .copied()
        .collect();
    let mut texts: BTreeMap<&String, Said> = BTreeMap::new();
    for ((delivery, hour, url), values) in expected {
        if let Part::Text(text) = url {
            let values = columns.iter().map(|name| values.get(name).copied());
            let key = (layout.delivery_id(*delivery), *hour);
            let said = texts.entry(text).or_default();
            said.insert(key, values.collect());
        }
    }
    let mut digests: BTreeMap<&String, Said> = BTreeMap::new();
    for ((delivery, hour, url), row) in found {
        if let Part::Text(digest) = url {
            let values = columns.iter().map(|name| integer(row, name));
            let said = digests.entry(digest).or_default();
            said.insert((delivery.clone(), *hour), values.collect());
        }
    }
    let mut paired = BTreeMap::new();
    for only_equal in [true, false] {
        digests.retain(|digest, said| {
            let mut candidates = texts.iter();
            let text = candidates.find(|(_, other)| !only_equal || *other == said);
            let Some(text) = text.map(|(text, _)| *text) else {
                return true;
            };
            texts.remove(text);
            paired.insert((*digest).clone(), text.clone());
            false
        });
    }
    paired
}

/// What a table must hold.
struct Table<'a> {
    name: &'static str,
    rows: &'a Breakdown,
    as_of: i64,
    layout: &'a Layout,
}

impl Table<'_> {
    /// Every row with its key, all counters and their changes, and no other rows; `check_part` looks at the
    /// columns of the part.
    fn compare(
        &self,
        mut found: Found<'_>,
        check_part: impl Fn(&mut Check<'_>, &Part),
        wrong: &mut Vec<String>,
    ) {
        for ((delivery, hour, part), values) in self.rows {
            let id = self.layout.delivery_id(*delivery);
            let place = format!("{}: {id} {} {part:?}", self.name, instant(*hour));
            let Some(row) = found.remove(&(id, *hour, part.clone())) else {
                wrong.push(format!("{place}: no row, expected {:?}", nonzero(values)));
                continue;
            };
            let mut check = Check { place, row, wrong };
            check.equal("delivery_id", &delivery_value(*delivery, self.layout));
            check_part(&mut check, part);
            for (name, value) in values {
                check.equal(name, &Value::from(*value));
            }
            // What the rows of all hours say of themselves.
            let complete = Value::from(hour + HOUR <= self.as_of);
            let date = Value::from(&instant(*hour)[..10]);
            for (column, value) in [("hour_complete", complete), ("date", date)] {
                if check.row.contains_key(column) {
                    check.equal(column, &value);
                }
            }
        }
        wrong.extend(found.iter().map(|((delivery, hour, part), row)| {
            let place = format!("{delivery} {} {part:?}", instant(*hour));
            format!("{}: {place}: an unexpected row, {row:?}", self.name)
        }));
    }
}
