//! Records of JSON Lines.

use super::kinds::{Meaning, normal};
use super::path::Path;
use super::row::{Cell, Fault, Left, Maker};
use super::source::Source;
use super::spec::{Fields, Scalar};
use super::{Digester, Reason};
use crate::extracts::Extract;
use serde_json::Value;
use std::borrow::Cow;

/// A record, and the part of it that a row is of.
struct Record<'a> {
    whole: &'a Value,
    part: Option<&'a Value>,
}

impl Fields for Record<'_> {
    type Place = Path;

    fn get(&self, place: &Path) -> Result<Option<Scalar<'_>>, Reason> {
        Ok(match place.of(self.whole, self.part) {
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => Some(Scalar::Text(Cow::Borrowed(text))),
            Some(Value::Bool(is)) => Some(Scalar::Boolean(*is)),
            Some(Value::Number(number)) => match number.as_i64() {
                Some(number) => Some(Scalar::Integer(number)),
                // As it is written: an identifier, say.
                None if number.is_u64() => Some(Scalar::Text(number.to_string().into())),
                None => number.as_f64().map(Scalar::Number),
            },
            // What is no value is none.
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => None,
        })
    }

    fn count(&self, place: &Path) -> usize {
        let list = place.of(self.whole, self.part).and_then(Value::as_array);
        list.map_or(0, Vec::len)
    }
}

/// Takes the rows of records, extract by extract.
pub trait Rows {
    /// A row.
    fn add(&mut self, extract: Extract, row: &[Cell<'_>]);
    /// Takes back those that were added since the last record was whole.
    fn take_back(&mut self);
    /// The record is whole.
    fn keep(&mut self);
}

/// Makes rows of records.
pub struct Reader<'a> {
    source: &'a Source,
    digester: &'a Digester,
    /// What all records are, where they do not tell it themselves.
    of: Option<Extract>,
    makers: Vec<Maker<'a, Path>>,
}

const NOT_AN_OBJECT: Fault = Fault {
    column: "-",
    reason: "not one JSON object",
};

impl<'a> Reader<'a> {
    /// `of` is what all records are, where they do not tell it themselves.
    pub fn new(source: &'a Source, digester: &'a Digester, of: Option<Extract>) -> Reader<'a> {
        let maker = |extract| Maker::new(source, digester, extract, Path::clone);
        Reader {
            source,
            digester,
            of,
            makers: Extract::ALL.into_iter().map(maker).collect(),
        }
    }

    /// How the rows of an extract are made.
    pub fn maker(&self, extract: Extract) -> &Maker<'a, Path> {
        &self.makers[extract as usize]
    }

    /// Adds the rows of a line; what it was, or why it is left out.
    pub fn read(&self, line: &[u8], rows: &mut impl Rows) -> Result<Extract, Left> {
        let mut value: Value = serde_json::from_slice(line).map_err(|_| NOT_AN_OBJECT)?;
        if let Some(within) = &self.source.within {
            let inner = match within.of(&value, None) {
                Some(Value::String(text)) => {
                    serde_json::from_str(text).map_err(|_| NOT_AN_OBJECT)?
                }
                Some(inner @ Value::Object(_)) => inner.clone(),
                _ => Value::Null,
            };
            if inner.is_object() {
                value = inner;
            }
        }
        if !value.is_object() {
            return Err(NOT_AN_OBJECT.into());
        }
        let added = self.rows(&value, rows);
        match &added {
            Ok(_) => rows.keep(),
            Err(_) => rows.take_back(),
        }
        added
    }

    fn rows(&self, whole: &Value, rows: &mut impl Rows) -> Result<Extract, Left> {
        let record = Record { whole, part: None };
        if let Some(extract) = self.of {
            self.row(&record, extract, None, rows)?;
            return Ok(extract);
        }
        // A part may tell what the whole does not.
        let first = self.meaning(&record);
        let parts = match first {
            Ok(Meaning::Tracked(_)) => None,
            _ => self.source.each.iter().find_map(|path| {
                let list = path.of(whole, None)?.as_array()?;
                (!list.is_empty()).then_some(list)
            }),
        };
        let Some(parts) = parts else {
            return self.meant(&record, first?, rows);
        };
        let mut disregarded = None;
        let mut extract = None;
        for part in parts {
            let record = Record {
                whole,
                part: Some(part),
            };
            match self.meant(&record, self.meaning(&record)?, rows) {
                Ok(made) => extract = Some(made),
                Err(Left::Disregarded(why)) => disregarded = Some(why),
                Err(rejected) => return Err(rejected),
            }
        }
        match (extract, disregarded) {
            (Some(extract), _) => Ok(extract),
            (None, Some(why)) => Err(Left::Disregarded(why)),
            (None, None) => Err(NOT_AN_OBJECT.into()),
        }
    }

    fn meant(
        &self,
        record: &Record<'_>,
        meaning: &Meaning,
        rows: &mut impl Rows,
    ) -> Result<Extract, Left> {
        let (extract, label) = match meaning {
            Meaning::Report(report) => (Extract::SendingLog, report.name()),
            Meaning::Tracked(tracked) => (Extract::TrackingLog, tracked.name()),
            Meaning::Disregarded(why) => return Err(Left::Disregarded(why.clone())),
        };
        self.row(record, extract, Some(label), rows)?;
        Ok(extract)
    }

    fn row(
        &self,
        record: &Record<'_>,
        extract: Extract,
        told: Option<&'static str>,
        rows: &mut impl Rows,
    ) -> Result<(), Left> {
        let mut row = Vec::new();
        self.maker(extract).row(record, told, &mut row)?;
        rows.add(extract, &row);
        Ok(())
    }

    fn meaning(&self, record: &Record<'_>) -> Result<&Meaning, Fault> {
        let fault = |reason| Fault {
            column: "kind",
            reason,
        };
        let Some(kinds) = &self.source.kinds else {
            return Err(fault("null"));
        };
        let mut words = Vec::with_capacity(kinds.by.len());
        for spec in &kinds.by {
            let word = spec.of(record, self.digester).map_err(fault)?;
            words.push(word.map_or(String::new(), |word| normal(&word.text())));
        }
        if words.first().is_none_or(String::is_empty) {
            return Err(fault("null"));
        }
        kinds
            .meaning(&words)
            .ok_or_else(|| fault("unknown label or code"))
    }
}
