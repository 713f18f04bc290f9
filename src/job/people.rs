//! What a job asks for of persons: the key `parents` and the table `quarantine`.

use super::{Given, JobError, value};
use crate::model::{HOUR, Quarantine};
use serde::Deserialize;

/// Rules as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct QuarantineTable {
    count: Option<bool>,
    soft_errors: Option<i64>,
    hours_apart: Option<i64>,
    days_to_forget: Option<i64>,
}

/// What is counted by recipient, over all messages to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Whether parents of deliveries are computed.
    pub parents: bool,
    /// When a recipient goes into quarantine, if that is asked for.
    pub quarantine: Option<Quarantine>,
}

impl People {
    /// Whether something is.
    pub fn is_asked_for(&self) -> bool {
        *self != People::default()
    }
}

impl Given<'_> {
    /// What the job file asks for.
    pub(super) fn people(&self) -> Result<People, JobError> {
        let table = self.file.quarantine.as_ref();
        let rule = table.map(QuarantineTable::quarantine).transpose()?;
        Ok(People {
            parents: self.file.parents == Some(true),
            quarantine: rule.filter(|_| table.is_some_and(|table| table.count != Some(false))),
        })
    }
}

impl QuarantineTable {
    fn quarantine(&self) -> Result<Quarantine, JobError> {
        const DAY: i64 = 24 * HOUR;
        let usual = Quarantine::default();
        let (key, days) = ("days_to_forget", "days, from 1 to 3650");
        let forgotten_after = number(key, self.days_to_forget, 1..=3650, days)?;
        let forgotten_after = forgotten_after.map_or(usual.forgotten_after, |days| days * DAY);
        let hours = "whole hours, from 0 to 24 times days_to_forget";
        let most = forgotten_after / HOUR;
        let apart = number("hours_apart", self.hours_apart, 0..=most, hours)?;
        let errors = number(
            "soft_errors",
            self.soft_errors,
            1..=1000,
            "a number from 1 to 1000",
        )?;
        let rule = Quarantine {
            soft_errors: errors.map_or(usual.soft_errors, |errors| errors as u32),
            apart: apart.map_or(usual.apart, |hours| hours * HOUR),
            forgotten_after,
        };
        Ok(rule)
    }
}

fn number(
    key: &str,
    given: Option<i64>,
    allowed: std::ops::RangeInclusive<i64>,
    expected: &'static str,
) -> Result<Option<i64>, JobError> {
    match given {
        Some(wrong) if !allowed.contains(&wrong) => {
            let key = format!("quarantine.{key}");
            Err(value(&key, expected, &wrong.to_string()))
        }
        given => Ok(given),
    }
}
