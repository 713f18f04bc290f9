//! What `diff` is asked for.

use super::clock::parse_instant;
use super::{Given, JobError, resolve_timezone, value};
use crate::cli;
use crate::model::Instant;
use crate::publish::Destination;
use jiff::tz::TimeZone;

/// Which run is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The newest one.
    Latest,
    /// The one before the newest.
    Previous,
    /// By its `run_number`.
    Number(i64),
    /// By its `run_id`, or the start of it.
    Id(String),
    /// The newest one that names this version of `delivery_kpi_hourly`.
    Version(i64),
    /// The newest one that had finished by then.
    Finished(Instant),
}

/// Two runs to compare.
#[derive(Clone, Debug)]
pub struct Diff {
    /// Where the tables are.
    pub output: Destination,
    /// The run to compare with.
    pub old: Choice,
    /// The run that is compared.
    pub new: Choice,
    /// The time zone that instants are shown in.
    pub zone: TimeZone,
}

impl Diff {
    /// Reads the job file, if one is named, and puts the flags over it.
    pub fn resolve(flags: &cli::Diff) -> Result<Diff, JobError> {
        let given = Given::read(flags.job.as_deref())?;
        Ok(Diff {
            old: choice("OLD", &flags.old)?,
            new: choice("NEW", &flags.new)?,
            zone: resolve_timezone(flags.timezone.as_deref())?,
            output: given.output(flags.output.as_deref())?,
        })
    }
}

fn choice(place: &str, word: &str) -> Result<Choice, JobError> {
    let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
    let known = match word {
        "latest" => Some(Choice::Latest),
        "previous" => Some(Choice::Previous),
        _ => match word.split_once(':') {
            Some(("run", text)) => number(text).map(Choice::Number),
            Some(("version", text)) => number(text).map(Choice::Version),
            _ if starts_id(word) => Some(Choice::Id(word.to_ascii_lowercase())),
            _ => parse_instant(word).map(Choice::Finished),
        },
    };
    let expected = "latest, previous, run:N, version:N, a run_id or at least 8 characters of its start, or an instant in RFC 3339";
    known.ok_or_else(|| value(place, expected, word))
}

/// Whether a run_id, which is a UUID, may start like this.
fn starts_id(word: &str) -> bool {
    let fits = |(place, sign): (usize, char)| match place {
        8 | 13 | 18 | 23 => sign == '-',
        _ => sign.is_ascii_hexdigit(),
    };
    (8..=36).contains(&word.len()) && word.chars().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_one_thing() {
        let id = |text: &str| Some(Choice::Id(text.to_owned()));
        let finished = |micros| Some(Choice::Finished(Instant::from_micros(micros)));
        let noon = 1_772_452_800_000_000; // 2026-03-02T12:00:00Z
        let words = [
            ("latest", Some(Choice::Latest)),
            ("previous", Some(Choice::Previous)),
            ("run:12", Some(Choice::Number(12))),
            ("version:0", Some(Choice::Version(0))),
            ("01a20ed6", id("01a20ed6")),
            ("01A20ED6-A7", id("01a20ed6-a7")),
            (
                "01a20ed6-a7a8-7643-90c8-f23899275518",
                id("01a20ed6-a7a8-7643-90c8-f23899275518"),
            ),
            ("2026-03-02T12:00:00Z", finished(noon)),
            ("2026-03-02T13:00:00+01:00", finished(noon)),
            ("2026-03-02 12:00:00", finished(noon)),
            ("01a20ed", None),
            ("01a20ed6a7a8", None),
            ("01a20ed6-a7a8-7643-90c8-f238992755181", None),
            ("run:", None),
            ("run:-1", None),
            ("run:9223372036854775808", None),
            ("version:x", None),
            ("Latest", None),
            ("12", None),
            ("", None),
            ("yesterday", None),
        ];
        for (word, meaning) in words {
            assert_eq!(choice("OLD", word).ok(), meaning, "{word:?}");
        }
    }
}
