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
    /// The number.
    pub value: f64,
    /// The threshold.
    pub threshold: f64,
    /// The run that has raised it first, without a break since.
    pub since_run: String,
}

impl AlertRecord {
    /// Whether both tell of the same, whatever the numbers.
    pub fn is_about(&self, other: &AlertRecord) -> bool {
        let about = |alert: &AlertRecord| {
            let of = (alert.delivery_id.clone(), alert.log.clone());
            (alert.rule.clone(), of)
        };
        about(self) == about(other)
    }
}
