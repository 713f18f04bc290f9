//! The table `alerts` of a job file.

use super::{JobError, value};
use crate::model::Thresholds;
use serde::Deserialize;

/// Thresholds as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AlertTable {
    hard_bounce_rate: Option<f64>,
    soft_bounce_rate: Option<f64>,
    complaint_rate: Option<f64>,
    pending_hours: Option<i64>,
    processed_per_hour: Option<i64>,
    input_hours: Option<i64>,
    min_messages: Option<i64>,
    recent_hours: Option<i64>,
    exit_code: Option<bool>,
}

impl AlertTable {
    pub(super) fn thresholds(&self) -> Result<Thresholds, JobError> {
        let usual = Thresholds::default();
        Ok(Thresholds {
            hard_bounce_rate: share("hard_bounce_rate", self.hard_bounce_rate)?,
            soft_bounce_rate: share("soft_bounce_rate", self.soft_bounce_rate)?,
            complaint_rate: share("complaint_rate", self.complaint_rate)?,
            pending_hours: whole("pending_hours", self.pending_hours)?,
            processed_per_hour: whole("processed_per_hour", self.processed_per_hour)?,
            input_hours: whole("input_hours", self.input_hours)?,
            min_messages: whole("min_messages", self.min_messages)?.unwrap_or(usual.min_messages),
            recent_hours: whole("recent_hours", self.recent_hours)?.unwrap_or(usual.recent_hours),
            exit_code: self.exit_code.unwrap_or(usual.exit_code),
        })
    }
}

fn share(key: &str, given: Option<f64>) -> Result<Option<f64>, JobError> {
    match given {
        Some(wrong) if !(0.0..=1.0).contains(&wrong) => {
            let expected = "a share between 0 and 1, such as 0.02 for 2 %";
            Err(value(
                &format!("alerts.{key}"),
                expected,
                &wrong.to_string(),
            ))
        }
        share => Ok(share),
    }
}

fn whole(key: &str, given: Option<i64>) -> Result<Option<i64>, JobError> {
    match given {
        Some(wrong) if !(1..=MOST).contains(&wrong) => {
            let expected = "a whole number from 1 to 1000000";
            Err(value(
                &format!("alerts.{key}"),
                expected,
                &wrong.to_string(),
            ))
        }
        whole => Ok(whole),
    }
}

const MOST: i64 = 1_000_000;
