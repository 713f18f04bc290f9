//! The job file.

use super::alerts::AlertTable;
use super::breakdowns::BreakdownTable;
use super::machines::MachineTable;
use super::people::QuarantineTable;
use super::vendor::Vendor;
use super::{JobError, hours};
use crate::extracts::{Extract, Mapping};
use crate::model::{Defaults, Labels};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A job file as it is written; unknown keys are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobFile {
    pub(super) source: Option<PathBuf>,
    pub(super) sending_log: Option<PathBuf>,
    pub(super) tracking_log: Option<PathBuf>,
    pub(super) deliveries: Option<PathBuf>,
    pub(super) output: Option<PathBuf>,
    pub(super) state: Option<PathBuf>,
    pub(super) as_of: Option<AsOfText>,
    pub(super) deadline: Option<String>,
    pub(super) naive_timezone: Option<String>,
    pub(super) on_bad_file: Option<String>,
    pub(super) links: Option<String>,
    pub(super) manifest: Option<PathBuf>,
    pub(super) on_vanished: Option<String>,
    pub(super) restatements: Option<bool>,
    pub(super) parents: Option<bool>,
    pub(super) max_rejected: Option<u64>,
    pub(super) threads: Option<usize>,
    pub(super) memory_limit: Option<String>,
    pub(super) temp_dir: Option<PathBuf>,
    pub(super) defaults: DefaultsTable,
    columns: ColumnTables,
    labels: LabelTables,
    pub(super) alerts: AlertTable,
    pub(super) machines: MachineTable,
    pub(super) breakdowns: BreakdownTable,
    pub(super) quarantine: Option<QuarantineTable>,
}

/// An instant as text, or as TOML has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum AsOfText {
    Text(String),
    Instant(toml::value::Datetime),
}

impl From<AsOfText> for String {
    fn from(as_of: AsOfText) -> String {
        match as_of {
            AsOfText::Text(text) => text,
            AsOfText::Instant(instant) => instant.to_string(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefaultsTable {
    efs: Option<bool>,
    channel: Option<String>,
    validity_hours: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ColumnTables {
    sending_log: BTreeMap<String, String>,
    tracking_log: BTreeMap<String, String>,
    deliveries: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LabelTables {
    event: BTreeMap<String, String>,
    status: BTreeMap<String, String>,
    failure_type: BTreeMap<String, String>,
    r#type: BTreeMap<String, String>,
    failure_reason: BTreeMap<String, i64>,
}

impl JobFile {
    /// Reads a job file.
    pub fn read(path: &Path) -> Result<JobFile, JobError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| JobError::Unreadable {
            file: file.clone(),
            reason: error.to_string(),
        })?;
        toml::from_str(&text).map_err(|error| JobError::Invalid {
            file,
            // It shows the line, in which a URL may hold what must not be shown.
            reason: match error.to_string() {
                shown if shown.contains("://") => error.message().to_owned(),
                shown => shown.trim_end().to_owned(),
            },
        })
    }

    /// What holds for deliveries without a row, over what does in the source.
    pub(super) fn defaults(&self, source: Option<&Vendor>) -> Result<Defaults, JobError> {
        let validity = self.defaults.validity_hours;
        if let Some(wrong) = validity.filter(|hours| *hours <= 0) {
            let found = wrong.to_string();
            return Err(super::value(
                "defaults.validity_hours",
                "more than 0 hours",
                &found,
            ));
        }
        let usual = source.map(|source| &source.defaults);
        let channel = self.defaults.channel.clone();
        let channel = channel.or_else(|| usual?.channel.clone());
        let validity = validity.or_else(|| usual?.validity_hours);
        Ok(Defaults {
            efs: self.defaults.efs.or_else(|| usual?.efs),
            channel: channel.filter(|name| !name.trim().is_empty()),
            validity: validity.map(hours),
        })
    }

    /// The names of the columns, over those that the source usually gives them.
    pub(super) fn mappings(&self, source: Option<&Vendor>) -> Result<[Mapping; 3], JobError> {
        let tables = &self.columns;
        let of = |extract: Extract, names: &BTreeMap<String, String>| match names
            .keys()
            .find(|column| !extract.has_column(column))
        {
            Some(unknown) => Err(super::value(
                &format!("columns.{extract}"),
                "columns of the contract",
                unknown,
            )),
            None => Ok(Mapping::new(names.clone()).or(match source {
                Some(source) => source.names(extract, names)?,
                None => BTreeMap::new(),
            })),
        };
        Ok([
            of(Extract::SendingLog, &tables.sending_log)?,
            of(Extract::TrackingLog, &tables.tracking_log)?,
            of(Extract::Deliveries, &tables.deliveries)?,
        ])
    }

    /// What labels mean, over what they do in the source.
    pub(super) fn labels(&self, source: Option<&Vendor>) -> Result<Labels, JobError> {
        self.labels
            .over(source.map_or_else(Labels::default, Vendor::labels))
    }
}

impl LabelTables {
    /// These, and those that are known without them.
    pub(super) fn over(&self, mut labels: Labels) -> Result<Labels, JobError> {
        type Add = fn(&mut Labels, &str, &str) -> bool;
        let tables: [(&str, &BTreeMap<String, String>, Add, &'static str); 4] = [
            (
                "event",
                &self.event,
                Labels::add_event,
                "relayed, delivered, soft_bounce, hard_bounce, expired, complaint or ignored",
            ),
            (
                "status",
                &self.status,
                Labels::add_status,
                "pending, sent or failed",
            ),
            (
                "failure_type",
                &self.failure_type,
                Labels::add_failure_type,
                "soft, hard or ignored",
            ),
            (
                "type",
                &self.r#type,
                Labels::add_tracking_type,
                "click, open, opt_out, mirror_page, offer_click or offer_click_2",
            ),
        ];
        for (table, rows, add, expected) in tables {
            once(table, rows.keys())?;
            for (label, meaning) in rows {
                if !add(&mut labels, label, meaning) {
                    return Err(super::value(&format!("labels.{table}"), expected, meaning));
                }
            }
        }
        once("failure_reason", self.failure_reason.keys())?;
        for (label, code) in &self.failure_reason {
            labels.add_failure_reason(label, *code);
        }
        Ok(labels)
    }
}

/// Labels are compared without regard to case and blanks, so two keys may be one.
fn once<'a>(table: &str, labels: impl Iterator<Item = &'a String>) -> Result<(), JobError> {
    let mut seen = BTreeSet::new();
    for label in labels {
        if !seen.insert(label.trim().to_lowercase()) {
            let expected = "each label once, whatever its case and blanks";
            return Err(super::value(&format!("labels.{table}"), expected, label));
        }
    }
    Ok(())
}
