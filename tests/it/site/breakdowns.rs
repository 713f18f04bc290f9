//! Reads the tables of failures by reason and of clicks by link.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::super::delta::{self, Row};
use super::super::oracle::breakdowns::{Part, UNMAPPED};

pub const BY_REASON_TABLE: &str = "delivery_kpi_hourly_by_reason";
pub const BY_URL_TABLE: &str = "delivery_kpi_hourly_by_url";

/// The rows of the newest run, by delivery, hour and failure reason.
pub fn by_reason(output: &Path) -> BTreeMap<(String, i64, Part), Row> {
    by_part(output, BY_REASON_TABLE, reason_part)
}

/// The same by link, of which a text stands as its digest.
pub fn by_url(output: &Path) -> BTreeMap<(String, i64, Part), Row> {
    by_part(output, BY_URL_TABLE, url_part)
}

fn by_part(
    output: &Path,
    table: &str,
    part: fn(&Row) -> Result<Part, String>,
) -> BTreeMap<(String, i64, Part), Row> {
    let mut found = BTreeMap::new();
    for row in delta::committed(output, table) {
        let part = part(&row).unwrap_or_else(|error| panic!("{table}: {error}"));
        let key = (super::name(&row), super::number(&row, "hour"), part);
        let twice = found.insert(key.clone(), row);
        assert!(twice.is_none(), "{table}: two rows for {key:?}");
    }
    found
}

/// The failure reason that a row is about. Without a number its label says which of the two it is.
pub fn reason_part(row: &Row) -> Result<Part, String> {
    let label = cell(row, "failure_reason_label")?;
    match (cell(row, "failure_reason")?, label.as_str()) {
        (Value::Number(number), _) => whole(number),
        (Value::Null, Some("none given")) => Ok(Part::None),
        (Value::Null, Some(UNMAPPED)) => Ok(Part::Text(UNMAPPED.to_owned())),
        (reason, _) => Err(format!("{reason} with the label {label} is no reason")),
    }
}

/// The link that a row is about.
pub fn url_part(row: &Row) -> Result<Part, String> {
    match (cell(row, "url_id")?, cell(row, "url_digest")?) {
        (Value::Null, Value::Null) => Ok(Part::None),
        (Value::Number(number), Value::Null) => whole(number),
        (Value::Null, Value::String(digest)) => Ok(Part::Text(digest.clone())),
        (url, digest) => Err(format!("{url} with the digest {digest} is no link")),
    }
}

/// The domain that a row is about.
pub fn domain_part(row: &Row) -> Result<Part, String> {
    match cell(row, "recipient_domain")? {
        Value::Null => Ok(Part::None),
        Value::String(name) => Ok(Part::Text(name.clone())),
        other => Err(format!("{other} is no domain")),
    }
}

fn cell<'a>(row: &'a Row, column: &str) -> Result<&'a Value, String> {
    row.get(column)
        .ok_or_else(|| format!("there is no column {column}"))
}

fn whole(number: &serde_json::Number) -> Result<Part, String> {
    let whole = number.as_i64();
    whole
        .map(Part::Number)
        .ok_or_else(|| format!("{number} is no integer"))
}
