//! One record to rows, held against the contract.

use super::Reason;
use super::digest::{Digester, is_address, is_domain, is_url};
use super::source::{Source, hides};
use super::spec::{Fields, Scalar, Spec};
use crate::extracts::{Column, Extract, Takes};
use crate::model::{Labels, Logged, StatusLabel, Tracked, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// None.
    Null,
    /// An identifier, a label or another text.
    Text(Cow<'a, str>),
    /// A number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Microseconds since 1970.
    Instant(i64),
}

/// What is wrong with a record: the column, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The column; `-` where it is the record as a whole.
    pub column: &'static str,
    /// Why.
    pub reason: Reason,
}

/// Why a record comes to no row.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    /// It is one that no KPI needs.
    Disregarded(Arc<str>),
    /// It breaks the contract.
    Rejected(Fault),
}

impl From<Fault> for Left {
    fn from(fault: Fault) -> Left {
        Left::Rejected(fault)
    }
}

/// How the rows of one extract are made of records whose values are at places `P`.
pub struct Maker<'a, P> {
    source: &'a Source,
    digester: &'a Digester,
    extract: Extract,
    columns: Vec<(&'static Column, Option<Spec<P>>)>,
    /// Columns that must have a value, and where they are in a row.
    needed: Vec<(&'static str, Option<usize>)>,
}

fn place_of<T>(columns: &[(&'static Column, T)], name: &str) -> Option<usize> {
    columns.iter().position(|(column, _)| column.name == name)
}

impl<'a, P> Maker<'a, P> {
    /// `place` finds where a path leads.
    pub fn new(
        source: &'a Source,
        digester: &'a Digester,
        extract: Extract,
        mut place: impl FnMut(&super::path::Path) -> P,
    ) -> Maker<'a, P> {
        let layout = source.layout(extract).into_iter();
        let columns = layout.map(|(column, spec)| (column, spec.map(|spec| spec.map(&mut place))));
        let columns: Vec<_> = columns.collect();
        let needed = extract.columns().iter().filter(|column| column.required);
        let needed = needed.map(|column| (column.name, place_of(&columns, column.name)));
        Maker {
            source,
            digester,
            extract,
            needed: needed.collect(),
            columns,
        }
    }

    /// The columns of the rows.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + '_ {
        self.columns.iter().map(|(column, _)| *column)
    }

    /// Makes a row; `told` is the label that the kind of the record stands for.
    pub fn row<'b, F: Fields<Place = P>>(
        &'b self,
        fields: &'b F,
        told: Option<&'static str>,
        row: &mut Vec<Cell<'b>>,
    ) -> Result<(), Left> {
        row.clear();
        // Whether a bad value matters may depend on columns that come later.
        let mut bad = Vec::new();
        for (column, spec) in &self.columns {
            let cell = match spec {
                None => Ok(told.map_or(Cell::Null, |label| Cell::Text(Cow::Borrowed(label)))),
                Some(spec) => self.value(column, spec, fields),
            };
            row.push(cell.unwrap_or_else(|left| {
                bad.push((column.name, left));
                Cell::Null
            }));
        }
        let matters = |(column, _): &(&'static str, Left)| !self.excuses(row, column);
        match bad.into_iter().find(matters) {
            Some((_, left)) => Err(left),
            None => Ok(self.check(row)?),
        }
    }

    fn value<'b, F: Fields<Place = P>>(
        &'b self,
        column: &'static Column,
        spec: &'b Spec<P>,
        fields: &'b F,
    ) -> Result<Cell<'b>, Left> {
        let fault = |reason| Fault {
            column: column.name,
            reason,
        };
        let Some(value) = spec.of(fields, self.digester).map_err(fault)? else {
            return Ok(Cell::Null);
        };
        let why = match column.takes {
            Takes::Label => self.source.disregards(column.name, &value.text()),
            _ => None,
        };
        match why {
            Some(why) => Err(Left::Disregarded(why.clone())),
            None => Ok(self.cell(column, value).map_err(fault)?),
        }
    }

    /// Whether a row that has a bad value in this column is none the worse for it, as `decode` has it.
    fn excuses(&self, row: &[Cell<'_>], column: &str) -> bool {
        let cell = |name: &str| self.place_of(name).map_or(&Cell::Null, |place| &row[place]);
        let is_deleted = *cell("deleted") == Cell::Boolean(true);
        let has_event = *cell("event") != Cell::Null;
        match column {
            // No KPI needs them.
            "recipient_id" | "recipient_domain" | "machine" => true,
            "status" => is_deleted || has_event,
            "failure_type" => {
                let has_failed = *cell("status") == Cell::Text(Cow::Borrowed("failed"));
                is_deleted || has_event || !has_failed
            }
            "event" | "type" | "event_at" | "failure_reason" | "url_id" => is_deleted,
            "revision" => *cell("log_id") == Cell::Null,
            _ => false,
        }
    }

    /// What must be there.
    fn check(&self, row: &[Cell<'_>]) -> Result<(), Fault> {
        let is_there = |place: Option<usize>| place.is_some_and(|place| row[place] != Cell::Null);
        let deleted = self.place_of("deleted");
        let is_deleted = deleted.is_some_and(|place| row[place] == Cell::Boolean(true));
        let fault = |column, reason| Err(Fault { column, reason });
        if is_deleted && !is_there(self.place_of("log_id")) {
            return fault("deleted", "a deletion without log_id");
        }
        for (column, place) in &self.needed {
            let is_key = matches!(*column, "delivery_id" | "message_id");
            if !is_there(*place) && (is_key || !is_deleted) {
                return fault(column, "null");
            }
        }
        let (event, status) = (self.place_of("event"), self.place_of("status"));
        let says = is_deleted || is_there(event) || is_there(status);
        match self.extract == Extract::SendingLog && !says {
            true if event.is_some() => fault("event", "null"),
            true => fault("status", "null"),
            false => Ok(()),
        }
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        place_of(&self.columns, name)
    }

    fn cell<'b>(&self, column: &Column, value: Scalar<'b>) -> Result<Cell<'b>, Reason> {
        match column.takes {
            Takes::Id if self.source.integers.contains(column.name) => integer(&value),
            Takes::Id => match &value {
                Scalar::Number(_) | Scalar::Boolean(_) => Err("neither text nor a whole number"),
                _ if hides(column.name) && (is_address(&value.text()) || is_url(&value.text())) => {
                    Ok(Cell::Text(self.digester.of(&value.text()).into()))
                }
                _ if is_address(&value.text()) => Err("an address in the place of an identifier"),
                // Blanks around an identifier are the export's.
                _ => Ok(Cell::Text(trimmed(into_text(value)))),
            },
            Takes::Label => self.label(column.name, value),
            Takes::Instant => self.source.instant(&value.text()).map(Cell::Instant),
            Takes::Integer => integer(&value),
            Takes::Boolean => boolean(&value),
            Takes::Text => match super::digest::domain(&value.text()) {
                Some(domain) if column.name == "recipient_domain" && is_domain(&domain) => {
                    Ok(Cell::Text(domain.into()))
                }
                _ if column.name == "recipient_domain" && !is_domain(&value.text()) => {
                    Ok(Cell::Null)
                }
                _ if column.name == "channel" && is_address(&value.text()) => Ok(Cell::Null),
                _ => Ok(Cell::Text(into_text(value))),
            },
        }
    }

    /// A label of the contract for one of the source's.
    fn label<'b>(&self, column: &str, value: Scalar<'b>) -> Result<Cell<'b>, Reason> {
        const UNKNOWN: Reason = "unknown label or code";
        let labels = &self.source.labels;
        let text = value.text();
        let label: &'static str = match column {
            "event" => match labels.event(&text) {
                Some(Logged::Event(report)) => report.name(),
                _ => return Err(UNKNOWN),
            },
            "status" => labels.status(&text).and_then(status_name).ok_or(UNKNOWN)?,
            "failure_type" => labels
                .failure_type(&text)
                .map(failure_type_name)
                .ok_or(UNKNOWN)?,
            "type" => match labels.tracking_type(&text) {
                // It counts in no KPI, and is given apart.
                (Tracked::Unknown, other) => match value_text(&other) {
                    text if is_address(&text) || is_url(&text) => return Err(UNKNOWN),
                    text => return Ok(Cell::Text(text.into())),
                },
                (tracked, _) => tracked.name(),
            },
            _ => return Ok(reason_cell(labels, &text)),
        };
        Ok(Cell::Text(Cow::Borrowed(label)))
    }
}

/// A failure reason; a text of a server that may hold an address is none.
fn reason_cell<'b>(labels: &Labels, text: &str) -> Cell<'b> {
    match is_address(text) || is_url(text) {
        true => Cell::Null,
        false => Cell::Text(value_text(&labels.failure_reason(text)).into()),
    }
}

fn status_name(status: StatusLabel) -> Option<&'static str> {
    match status {
        StatusLabel::Pending => Some("pending"),
        StatusLabel::Sent => Some("sent"),
        StatusLabel::Failed => Some("failed"),
        StatusLabel::Ignored => None,
    }
}

fn failure_type_name(failure_type: crate::model::FailureType) -> &'static str {
    use crate::model::FailureType::{Hard, Ignored, Soft};
    match failure_type {
        Soft => "soft",
        Hard => "hard",
        Ignored => "ignored",
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Hidden(_) => String::new(),
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.trim().len() == text.len() {
        true => text,
        false => text.trim().to_owned().into(),
    }
}

fn into_text(value: Scalar<'_>) -> Cow<'_, str> {
    match value {
        Scalar::Text(text) => text,
        other => other.text().into_owned().into(),
    }
}

fn integer(value: &Scalar<'_>) -> Result<Cell<'static>, Reason> {
    const NOT_WHOLE: Reason = "not a whole number of 64 bits";
    match value {
        Scalar::Integer(number) => Ok(Cell::Integer(*number)),
        Scalar::Text(text) => match text.trim().parse() {
            Ok(number) => Ok(Cell::Integer(number)),
            Err(_) => Err(NOT_WHOLE),
        },
        // 2^63 has no fraction either, and is too large.
        Scalar::Number(number) if number.fract() == 0.0 && number.abs() < 9.2e18 => {
            Ok(Cell::Integer(*number as i64))
        }
        Scalar::Number(_) | Scalar::Boolean(_) => Err(NOT_WHOLE),
    }
}

fn boolean(value: &Scalar<'_>) -> Result<Cell<'static>, Reason> {
    let text = value.text();
    let is = match text.trim() {
        "1" => true,
        "0" => false,
        word if word.eq_ignore_ascii_case("true") => true,
        word if word.eq_ignore_ascii_case("false") => false,
        _ => return Err("neither true, false, 0 nor 1"),
    };
    Ok(Cell::Boolean(is))
}
