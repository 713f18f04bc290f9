//! What a source's exports hold, and what that is in the contract's words.

use super::Reason;
use super::kinds::Kinds;
use super::path::Path;
use super::spec::Spec;
use crate::decode::Zone;
use crate::extracts::{Column, Extract};
use crate::model::Labels;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A mapping, resolved.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, for people.
    pub name: String,
    /// How a record tells what it is, where it does.
    pub kinds: Option<Kinds>,
    /// Lists of which each element is a row of the sending log; the first that is there counts.
    pub each: Vec<Path>,
    /// Where the record is within what a line holds, perhaps as text.
    pub within: Option<Path>,
    /// How each column is found, by its name in the contract.
    pub columns: BTreeMap<Extract, BTreeMap<String, Spec<Path>>>,
    /// Labels of the contract and of the source.
    pub labels: Labels,
    /// Labels whose records come to nothing, by column and in lower case, and why.
    pub disregarded: BTreeMap<String, BTreeMap<String, Arc<str>>>,
    /// Where naive instants are at home.
    pub zone: Zone,
    /// How instants are written.
    pub instants: Form,
    /// What stands between the columns of a CSV file.
    pub delimiter: Option<u8>,
    /// Identifiers that are integers; the others are text.
    pub integers: BTreeSet<String>,
}

/// How instants are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// RFC 3339.
    Text,
    /// Seconds since 1970; a fraction is allowed.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// As this pattern of `strptime` says.
    Pattern(String),
}

impl Form {
    /// Microseconds since 1970 of a text, whatever the year.
    pub fn instant(&self, text: &str, zone: &Zone) -> Option<i64> {
        match self {
            Form::Text => zone.instant(text),
            Form::Seconds => scaled(text, 6),
            Form::Milliseconds => scaled(text, 3),
            Form::Pattern(pattern) => {
                let parsed = strtime::parse(pattern, text).ok()?;
                if let Ok(instant) = parsed.to_timestamp() {
                    return Some(instant.as_microsecond());
                }
                let civil: DateTime = parsed.to_datetime().ok()?;
                let naive = TimeZone::UTC.to_timestamp(civil).ok()?;
                zone.resolve(naive.as_microsecond())
            }
        }
    }
}

/// A decimal number times a power of ten, floored.
fn scaled(text: &str, digits: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.starts_with('-') || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: String = fraction
        .chars()
        .chain("000000".chars())
        .take(digits)
        .collect();
    let whole: i64 = whole.parse().ok()?;
    whole
        .checked_mul(10_i64.pow(digits as u32))?
        .checked_add(fraction.parse().ok()?)
}

impl Source {
    /// Whether it says how an extract is made.
    pub fn makes(&self, extract: Extract) -> bool {
        self.columns
            .get(&extract)
            .is_some_and(|columns| !columns.is_empty())
    }

    /// The columns of an extract's files, and how each is found; nothing where the kind of a record tells it.
    pub fn layout(&self, extract: Extract) -> Vec<(&'static Column, Option<&Spec<Path>>)> {
        let told = self.kinds.as_ref().and(match extract {
            Extract::SendingLog => Some("event"),
            Extract::TrackingLog => Some("type"),
            Extract::Deliveries => None,
        });
        let specs = self.columns.get(&extract);
        let columns = extract.columns().iter().filter_map(|column| {
            let spec = specs.and_then(|specs| specs.get(column.name));
            match told == Some(column.name) {
                true => Some((column, None)),
                false => spec.map(|spec| (column, Some(spec))),
            }
        });
        columns.collect()
    }

    /// The names that the columns of an extract have where its files are tables, the first where there are
    /// several. Else a column that is not found in a table, and where a record has it; those that are `given`
    /// need no name.
    pub fn names(
        &self,
        extract: Extract,
        given: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, String>, (&'static str, String)> {
        let mut names = BTreeMap::new();
        for (column, spec) in self.layout(extract) {
            let is_needed = column.required || spec.is_none();
            match spec.and_then(flat) {
                Some(name) => drop(names.insert(column.name.to_owned(), name.to_owned())),
                None if is_needed && !given(column.name) => {
                    let mut found = None;
                    let kinds = self.kinds.iter().flat_map(|kinds| &kinds.by);
                    for spec in spec.into_iter().chain(kinds) {
                        spec.visit(&mut |way| {
                            found.get_or_insert_with(|| way.text().to_owned());
                        });
                    }
                    return Err((column.name, found.unwrap_or_default()));
                }
                // No KPI needs it, or only some logs have it.
                None => {}
            }
        }
        Ok(names)
    }

    /// Whether something may have to be digested: what may be an address, or hold one.
    pub fn digests(&self) -> bool {
        let mut specs = self.columns.values().flatten();
        specs.any(|(name, spec)| hides(name) || is_digest(spec))
    }

    /// Why the records with a label come to nothing, where they do.
    pub fn disregards(&self, column: &str, label: &str) -> Option<&Arc<str>> {
        let labels = self.disregarded.get(column)?;
        labels.get(&super::kinds::normal(label))
    }

    /// Microseconds of an instant that may stand in a row.
    pub fn instant(&self, text: &str) -> Result<i64, Reason> {
        let micros = self.instants.instant(text.trim(), &self.zone);
        let micros = micros.ok_or("no instant")?;
        match crate::model::Instant::plausible(micros) {
            Some(instant) => Ok(instant.micros()),
            None => Err("instant outside the years 1990 to 2099"),
        }
    }
}

/// The column that a value is, where it is one.
fn flat(spec: &Spec<Path>) -> Option<&str> {
    match spec {
        Spec::At(way) => way.flat(),
        Spec::First(specs) => specs.iter().find_map(flat),
        Spec::Digest { .. } | Spec::Domain(_) | Spec::Join(_) | Spec::Constant(_) => None,
    }
}

/// Whether a digest takes the place of what may hold an address in this column.
pub fn hides(column: &str) -> bool {
    matches!(column, "message_id" | "recipient_id" | "url_id")
}

fn is_digest(spec: &Spec<Path>) -> bool {
    match spec {
        Spec::Digest { .. } => true,
        Spec::First(specs) | Spec::Join(specs) => specs.iter().any(is_digest),
        Spec::At(_) | Spec::Domain(_) | Spec::Constant(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_come_in_four_forms() {
        let nine = 1_772_442_000_000_000; // 2026-03-02T09:00:00Z
        let paris = Zone::named("Europe/Paris").expect("a zone");
        let read = |form: Form, text: &str| form.instant(text, &paris);
        assert_eq!(read(Form::Text, "2026-03-02 10:00:00"), Some(nine));
        assert_eq!(read(Form::Seconds, "1772442000"), Some(nine));
        assert_eq!(
            read(Form::Seconds, "1772442000.1234567"),
            Some(nine + 123_456)
        );
        assert_eq!(
            read(Form::Milliseconds, "1772442000007"),
            Some(nine + 7_000)
        );
        let pattern = || Form::Pattern("%m/%d/%Y %I:%M:%S %p".to_owned());
        assert_eq!(read(pattern(), "03/02/2026 10:00:00 AM"), Some(nine));
        let zoned = Form::Pattern("%Y%m%dT%H%M%S%z".to_owned());
        assert_eq!(read(zoned, "20260302T120000+0300"), Some(nine));
        for form in [Form::Text, Form::Seconds, Form::Milliseconds, pattern()] {
            for wrong in ["", "soon", "-1", "1.x", "1772442000e3"] {
                assert_eq!(read(form.clone(), wrong), None, "{form:?} {wrong}");
            }
        }
    }
}
