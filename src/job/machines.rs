//! The table `machines` of a job file.

use super::{JobError, value};
use crate::model::{Machines, ManyLinks, Value};
use serde::Deserialize;

/// Rules as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MachineTable {
    marked: Option<bool>,
    open_seconds: Option<f64>,
    many_links: Option<i64>,
    many_links_seconds: Option<f64>,
    honeypots: Vec<toml::Value>,
    honeypot_seconds: Option<f64>,
}

impl MachineTable {
    pub(super) fn machines(&self) -> Result<Machines, JobError> {
        let usual = Machines::default();
        let span = seconds("many_links_seconds", self.many_links_seconds)?;
        let many_links = match self.many_links {
            None if span.is_some() => {
                let expected = "machines.many_links beside it";
                return Err(value("machines.many_links_seconds", expected, "none"));
            }
            None => None,
            Some(links) if (2..=1000).contains(&links) => Some(ManyLinks {
                links: links as usize,
                within: span.unwrap_or(1_000_000),
            }),
            Some(wrong) => {
                let expected = "a number of links from 2 to 1000";
                return Err(value("machines.many_links", expected, &wrong.to_string()));
            }
        };
        let honeypots: Result<Vec<_>, _> = self.honeypots.iter().map(link).collect();
        let honeypots = honeypots?;
        Ok(Machines {
            marked: self.marked.unwrap_or(usual.marked),
            open_within: seconds("open_seconds", self.open_seconds)?,
            many_links,
            honeypots: honeypots.into_iter().flatten().collect(),
            honeypot_within: seconds("honeypot_seconds", self.honeypot_seconds)?
                .unwrap_or(usual.honeypot_within),
        })
    }
}

/// A `url_id` as a column of integers has it, and as one of texts does.
fn link(written: &toml::Value) -> Result<Vec<Value>, JobError> {
    match written {
        toml::Value::Integer(number) => {
            let text = number.to_string();
            Ok(vec![Value::Number(*number), Value::Text(text.into())])
        }
        toml::Value::String(text) if !text.trim().is_empty() => {
            let number = text.parse().ok().map(Value::Number);
            let text = Value::Text(text.as_str().into());
            Ok(number.into_iter().chain([text]).collect())
        }
        other => {
            let expected = "a list of links: integers, or texts that are not blank";
            Err(value("machines.honeypots", expected, other.type_str()))
        }
    }
}

/// Seconds as microseconds.
fn seconds(key: &str, given: Option<f64>) -> Result<Option<i64>, JobError> {
    const DAY: f64 = 86_400.0;
    match given {
        Some(wrong) if !(0.0..=DAY).contains(&wrong) => {
            let expected = "seconds, from 0 to 86400";
            Err(value(
                &format!("machines.{key}"),
                expected,
                &wrong.to_string(),
            ))
        }
        seconds => Ok(seconds.map(|seconds| (seconds * 1e6).round() as i64)),
    }
}
