//! The key `source` of a job: what is usual in the extracts of a vendor.

use super::file::DefaultsTable;
use super::source::{is_preset, named};
use super::{Given, JobError, place, value};
use crate::extracts::Extract;
use crate::import::Source;
use crate::model::Labels;
use std::collections::BTreeMap;
use std::path::Path;

impl Given<'_> {
    /// What the key `source` names.
    pub(super) fn vendor(&self) -> Result<Option<Vendor>, JobError> {
        let Some(name) = self.file.source.as_deref() else {
            return Ok(None);
        };
        let path = place::below(self.folder, name);
        Vendor::named("source", name, &path).map(Some)
    }
}

/// What the key `source` of a job says about its extracts.
pub(super) struct Vendor {
    source: Source,
    /// For deliveries without a row.
    pub(super) defaults: DefaultsTable,
}

impl Vendor {
    /// A preset by its name, or a file by its path.
    pub(super) fn named(what: &'static str, name: &Path, path: &Path) -> Result<Vendor, JobError> {
        let (source, file) = named(what, if is_preset(name) { name } else { path })?;
        let defaults = file.usual(&source.name)?;
        Ok(Vendor { source, defaults })
    }

    /// The names that columns of an extract usually have; those that the job gives need none.
    pub(super) fn names(
        &self,
        extract: Extract,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, JobError> {
        let names = self
            .source
            .names(extract, |column| given.contains_key(column));
        names.map_err(|(column, place)| {
            let name = &self.source.name;
            let found = format!("{name}, where {extract}.{column} is {place}");
            let expected =
                "a source whose columns stand in a table; delivery-kpi import makes extracts of others";
            value("source", expected, &found)
        })
    }

    /// What labels mean; those of rows that no KPI needs change nothing.
    pub(super) fn labels(&self) -> Labels {
        let mut labels = self.source.labels.clone();
        for (column, disregarded) in &self.source.disregarded {
            for label in disregarded.keys() {
                match column.as_str() {
                    "event" => {
                        labels.add_event(label, "ignored");
                    }
                    "status" => labels.ignore_status(label),
                    // A type that is unknown counts in no KPI either.
                    _ => {}
                }
            }
        }
        labels
    }
}
