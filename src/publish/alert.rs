//! Alerts as the record of a run keeps them.

use serde::{Deserialize, Serialize};

/// A number beyond the threshold that the job names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertRecord {
    /// The key of the threshold in the job file.
    pub rule: String,
    /// The delivery, if it is about one.
    pub delivery_id: Option<String>,
    /// The log, if it is about one.
    pub log: Option<String>,
    /// The number; none for a log without any row.
    pub value: Option<f64>,
    /// The threshold.
    pub threshold: f64,
    /// The run that has raised it first, without a break since.
    pub since_run: String,
    /// Whether that has been told: by the exit code of a run, where the job wants one.
    pub is_told: bool,
}

impl AlertRecord {
    /// What it tells of, whatever the number.
    pub fn subject(&self) -> (&str, Option<&str>, Option<&str>) {
        (&self.rule, self.delivery_id.as_deref(), self.log.as_deref())
    }
}
