//! The file that says what a source's exports hold, and the presets that are such files.

use super::file::{DefaultsTable, LabelTables};
use super::spec::{SpecText, way};
use super::{JobError, value};
use crate::decode::Zone;
use crate::extracts::Extract;
use crate::import::{Form, Kinds, Meaning, Source, Way, normal};
use crate::model::{Labels, Logged, Tracked};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The presets by name.
const PRESETS: [(&str, &str); 3] = [
    (
        "campaign-standard",
        include_str!("presets/campaign-standard.toml"),
    ),
    ("contract", include_str!("presets/contract.toml")),
    ("ses", include_str!("presets/ses.toml")),
];

const NAMES: &str = "campaign-standard, contract, ses, or a file that ends in .toml";

/// A mapping as it is written; unknown keys are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SourceFile {
    naive_timezone: Option<String>,
    instants: Option<String>,
    delimiter: Option<String>,
    integers: BTreeSet<String>,
    records: Option<Records>,
    logs: Columns,
    sending_log: Columns,
    tracking_log: Columns,
    deliveries: Columns,
    labels: LabelTables,
    disregard: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) defaults: Table,
}

type Columns = BTreeMap<String, SpecText>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    kind: Vec<SpecText>,
    #[serde(default)]
    each: Vec<String>,
    within: Option<String>,
    #[serde(default)]
    event: BTreeMap<String, String>,
    #[serde(default)]
    r#type: BTreeMap<String, String>,
}

/// Whether a preset is called so.
pub(super) fn is_preset(name: &Path) -> bool {
    let mut presets = PRESETS.iter();
    presets.any(|(preset, _)| Path::new(preset) == name)
}

/// A mapping by the name of a preset, or the path of a file.
pub(super) fn named(what: &'static str, name: &Path) -> Result<(Source, SourceFile), JobError> {
    let file = merged(what, name, 0)?;
    let shown = name.display().to_string();
    let file: SourceFile = file
        .try_into()
        .map_err(|error: toml::de::Error| JobError::Invalid {
            file: shown.clone(),
            reason: error.message().to_owned(),
        })?;
    file.usual(&shown)?;
    Ok((file.source(shown)?, file))
}

/// The keys of a mapping over those of its base.
fn merged(what: &'static str, name: &Path, depth: u32) -> Result<Table, JobError> {
    const DEEPEST: u32 = 8;
    let shown = name.display().to_string();
    let preset = PRESETS.iter().find(|(preset, _)| *preset == shown);
    let is_file = name.extension().is_some_and(|ending| ending == "toml");
    let (text, folder) = match preset {
        Some((_, text)) => ((*text).to_owned(), Path::new("")),
        None if !is_file || depth > DEEPEST => return Err(value(what, NAMES, &shown)),
        None => {
            let text = std::fs::read_to_string(name).map_err(|error| JobError::Unreadable {
                file: shown.clone(),
                reason: error.to_string(),
            })?;
            (text, name.parent().unwrap_or(Path::new("")))
        }
    };
    let mut table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| JobError::Invalid {
            file: shown.clone(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
    match table.remove("base") {
        None => Ok(table),
        Some(Value::String(base)) => {
            let base = match is_preset(Path::new(&base)) {
                true => PathBuf::from(base),
                false => folder.join(base),
            };
            let mut under = merged("base", &base, depth + 1)?;
            lay(&mut under, table);
            Ok(under)
        }
        Some(other) => Err(value("base", NAMES, other.type_str())),
    }
}

/// Puts keys over others; tables are merged, everything else is replaced.
fn lay(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            // What a column is, is one thing.
            (Some(Value::Table(below)), Value::Table(above)) if !is_spec(below) => {
                lay(below, above)
            }
            (_, value) => drop(under.insert(key, value)),
        }
    }
}

fn is_spec(table: &Table) -> bool {
    ["digest", "domain", "join", "constant"]
        .iter()
        .any(|key| table.contains_key(*key))
}

impl SourceFile {
    /// What holds for deliveries without a row.
    pub(super) fn usual(&self, name: &str) -> Result<DefaultsTable, JobError> {
        let defaults = self.defaults.clone().try_into();
        defaults.map_err(|error: toml::de::Error| JobError::Invalid {
            file: name.to_owned(),
            reason: format!("defaults: {}", error.message()),
        })
    }

    fn source(&self, name: String) -> Result<Source, JobError> {
        let mut columns = BTreeMap::new();
        for (extract, own) in [
            (Extract::SendingLog, &self.sending_log),
            (Extract::TrackingLog, &self.tracking_log),
            (Extract::Deliveries, &self.deliveries),
        ] {
            let shared = (extract != Extract::Deliveries).then_some(&self.logs);
            let mut specs = BTreeMap::new();
            for (column, spec) in shared.into_iter().flatten().chain(own) {
                let is_own = own.contains_key(column);
                if extract.has_column(column) {
                    let what = format!("{name}: {extract}.{column}");
                    specs.insert(column.clone(), spec.spec(&what)?);
                } else if is_own || !Extract::ALL[..2].iter().any(|log| log.has_column(column)) {
                    let what = format!("{name}: {extract}");
                    return Err(value(&what, "columns of the contract", column));
                }
            }
            if !specs.is_empty() || (self.records.is_some() && extract != Extract::Deliveries) {
                columns.insert(extract, specs);
            }
        }
        let zone = self.naive_timezone.as_deref().unwrap_or("UTC");
        let is_id = |name: &str| {
            matches!(
                name,
                "delivery_id" | "message_id" | "recipient_id" | "url_id" | "parent_delivery_id"
            )
        };
        if let Some(other) = self.integers.iter().find(|column| !is_id(column)) {
            let what = format!("{name}: integers");
            return Err(value(
                &what,
                "identifiers: delivery_id, message_id, recipient_id or url_id",
                other,
            ));
        }
        let mut integers = self.integers.clone();
        if integers.contains("delivery_id") {
            integers.insert("parent_delivery_id".to_owned());
        }
        let ways = |what: &str, texts: &[String]| -> Result<Vec<Way>, JobError> {
            texts
                .iter()
                .map(|text| way(&format!("{name}: {what}"), text))
                .collect()
        };
        let records = self.records.as_ref();
        Ok(Source {
            kinds: records
                .map(|records| self.kinds(&name, records))
                .transpose()?,
            each: records.map_or(Ok(Vec::new()), |records| {
                ways("records.each", &records.each)
            })?,
            within: match records.and_then(|records| records.within.as_deref()) {
                Some(text) => Some(way(&format!("{name}: records.within"), text)?),
                None => None,
            },
            columns,
            labels: self.labels.over(Labels::default())?,
            disregarded: self.disregarded(),
            zone: Zone::named(zone).ok_or_else(|| {
                value(
                    &format!("{name}: naive_timezone"),
                    "an IANA time zone",
                    zone,
                )
            })?,
            instants: self.form(&name)?,
            delimiter: match self.delimiter.as_deref().map(str::as_bytes) {
                None => None,
                Some([byte]) if byte.is_ascii() && !b"\r\n\"".contains(byte) => Some(*byte),
                Some(_) => {
                    let found = self.delimiter.as_deref().unwrap_or_default();
                    let what = format!("{name}: delimiter");
                    return Err(value(&what, "one ASCII character", found));
                }
            },
            integers,
            name,
        })
    }

    fn form(&self, name: &str) -> Result<Form, JobError> {
        Ok(match self.instants.as_deref() {
            None | Some("rfc3339") => Form::Text,
            Some("seconds") => Form::Seconds,
            Some("milliseconds") => Form::Milliseconds,
            Some(pattern) if pattern.contains('%') => Form::Pattern(pattern.to_owned()),
            Some(other) => {
                let expected = "\"rfc3339\", \"seconds\", \"milliseconds\" or a pattern as \"%Y/%m/%d %H:%M:%S\"";
                return Err(value(&format!("{name}: instants"), expected, other));
            }
        })
    }

    fn disregarded(&self) -> BTreeMap<String, BTreeMap<String, std::sync::Arc<str>>> {
        let columns = self
            .disregard
            .iter()
            .filter(|(column, _)| *column != "kind");
        let columns = columns.map(|(column, labels)| {
            let labels = labels.iter();
            let labels = labels.map(|(label, why)| (normal(label), why.as_str().into()));
            (column.clone(), labels.collect())
        });
        columns.collect()
    }

    fn kinds(&self, name: &str, records: &Records) -> Result<Kinds, JobError> {
        let what = format!("{name}: records.kind");
        let by = records.kind.iter().map(|spec| spec.spec(&what));
        let by = by.collect::<Result<Vec<_>, _>>()?;
        if by.is_empty() {
            return Err(value(&what, "at least one path", "none"));
        }
        let ours = Labels::default();
        let mut rules = Vec::new();
        for (kind, label) in &records.event {
            match ours.event(label) {
                Some(Logged::Event(report)) => rules.push((kind.clone(), Meaning::Report(report))),
                _ => {
                    let expected = "an event of the contract";
                    return Err(value(&format!("{name}: records.event"), expected, label));
                }
            }
        }
        for (kind, label) in &records.r#type {
            match ours.tracking_type(label) {
                (Tracked::Unknown, _) => {
                    let expected = "a type of the contract";
                    return Err(value(&format!("{name}: records.type"), expected, label));
                }
                (tracked, _) => rules.push((kind.clone(), Meaning::Tracked(tracked))),
            }
        }
        for (kind, why) in self.disregard.get("kind").into_iter().flatten() {
            rules.push((kind.clone(), Meaning::Disregarded(why.as_str().into())));
        }
        Ok(Kinds::new(by, rules.into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_mapping() {
        for (name, _) in PRESETS {
            let (source, _) = named("--source", Path::new(name)).expect(name);
            assert!(source.makes(Extract::SendingLog) && source.makes(Extract::TrackingLog));
            assert!(NAMES.contains(name));
        }
    }

    #[test]
    fn a_file_goes_over_its_base() {
        let folder = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let file = write(
            "own.toml",
            "base = \"ses\"\n[logs]\ndelivery_id = \"mail.tags.newsletter[0]\"\n[records.event]\n\"Bounce/Transient\" = \"expired\"\n",
        );
        let (source, _) = named("--source", &file).expect("a mapping");
        for extract in [Extract::SendingLog, Extract::TrackingLog] {
            let spec = &source.columns[&extract]["delivery_id"];
            let mut ways = Vec::new();
            spec.visit(&mut |way: &Way| ways.push(way.text().to_owned()));
            assert_eq!(ways, ["mail.tags.newsletter[0]"]);
            assert!(source.columns[&extract].contains_key("message_id"));
        }
        for (text, said) in [
            ("base = \"sess\"", "base: expected campaign-standard"),
            ("base = 3", "base: expected campaign-standard"),
            ("[logs]\ndelivery = \"a\"", "columns of the contract"),
            ("[sending_log]\nurl_id = \"a\"", "columns of the contract"),
            ("[sending_log]\nmessage_id = \"a..b\"", "a path such as"),
            ("sending = 1", "unknown field"),
            ("x = ", "own.toml"),
            ("instants = \"iso\"", "\"rfc3339\""),
            ("delimiter = \"ab\"", "one ASCII character"),
            ("naive_timezone = \"Mars\"", "an IANA time zone"),
            ("integers = [\"event\"]", "identifiers"),
            ("[records]\nkind = []", "at least one path"),
            (
                "[records]\nkind = [\"a\"]\nevent = { b = \"open\" }",
                "an event of the contract",
            ),
            (
                "[records]\nkind = [\"a\"]\ntype = { b = \"delivered\" }",
                "a type of the contract",
            ),
            ("[labels.event]\na = \"b\"", "labels.event"),
        ] {
            let error = named("--source", &write("own.toml", text)).expect_err(text);
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
        let itself = write("own.toml", "base = \"own.toml\"");
        assert!(named("--source", &itself).is_err());
    }
}
