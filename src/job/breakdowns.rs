//! The table `breakdowns` of a job file.

use super::{Given, JobError, value};
use crate::import::Digester;
use crate::model::{Breakdown, Breakdowns};
use serde::Deserialize;
use std::path::PathBuf;

/// Breakdowns as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BreakdownTable {
    by_domain: Option<bool>,
    by_reason: Option<bool>,
    by_url: Option<bool>,
    url_key: Option<PathBuf>,
}

/// What the counters of deliveries are broken down by, and how links are shown.
#[derive(Clone, Debug, Default)]
pub struct PartTables {
    /// The breakdowns.
    pub by: Breakdowns,
    /// Makes the digests of links that are texts, where the job names a key.
    pub links: Option<Digester>,
}

impl PartTables {
    pub(super) fn resolve(given: &Given<'_>) -> Result<PartTables, JobError> {
        let table = &given.file.breakdowns;
        let by = Breakdowns::NONE
            .with(Breakdown::Reason, table.by_reason == Some(true))
            .with(Breakdown::Url, table.by_url == Some(true))
            .with(Breakdown::Domain, table.by_domain == Some(true));
        let expected = "a file of at least 16 bytes";
        let wrong = |found: String| value("breakdowns.url_key", expected, &found);
        let links = match given.path(None, table.url_key.as_deref()) {
            None => None,
            Some(path) => {
                let key = std::fs::read(&path);
                let key = key.map_err(|error| wrong(format!("{}: {error}", path.display())))?;
                // Digests under a key that can be tried out can be told.
                if key.len() < 16 {
                    return Err(wrong(format!("{} bytes", key.len())));
                }
                Some(Digester::new(&key))
            }
        };
        Ok(PartTables { by, links })
    }

    /// Makes the digest that stands for a link.
    pub fn digest(&self) -> Option<impl Fn(&str) -> Box<str> + Send + Sync + 'static> {
        let links = self.links.clone().filter(|_| self.by.has(Breakdown::Url))?;
        Some(move |text: &str| links.exact(text).into())
    }

    /// Equal for those that come to the same tables from the same rows.
    pub fn meaning(&self) -> String {
        let links = self.links.as_ref().filter(|_| self.by.has(Breakdown::Url));
        format!("{:?} {:?}", self.by, links.map(|links| links.exact("")))
    }
}
