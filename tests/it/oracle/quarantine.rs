//! Which persons enter quarantine, and which failure puts them there.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::HOUR;
use super::people::Person;
use super::rows::Event;

/// The rules of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// So many significant soft errors.
    pub soft_errors: i64,
    /// An error is significant so long after the last one that was.
    pub hours_apart: i64,
    /// After more than so long without one, the next counts anew.
    pub days_to_forget: i64,
}

impl Default for Quarantine {
    fn default() -> Quarantine {
        Quarantine {
            soft_errors: 5,
            hours_apart: 24,
            days_to_forget: 10,
        }
    }
}

/// A counted report of a person, of any event.
#[derive(Clone, Debug)]
pub struct Failure {
    pub event: Event,
    pub at: i64,
    pub delivery: i64,
    pub person: Person,
}

impl Quarantine {
    /// Delivery and instant of the report that puts a person into quarantine, for all who enter it.
    pub fn entries(&self, failures: &[Failure]) -> Vec<(i64, i64)> {
        let persons: BTreeSet<Person> = failures.iter().map(|failure| failure.person).collect();
        let entry = |person: Person| {
            let own = failures.iter().filter(|failure| failure.person == person);
            self.entry(own.collect())
        };
        persons.into_iter().filter_map(entry).collect()
    }

    /// The same of one person.
    fn entry(&self, mut failures: Vec<&Failure>) -> Option<(i64, i64)> {
        let is_hard = |failure: &Failure| failure.event == Event::HardBounce;
        failures.sort_by_key(|failure| (failure.at, !is_hard(failure), failure.delivery));
        let mut errors = 0;
        let mut last_significant: Option<i64> = None;
        for failure in failures {
            let here = (failure.delivery, failure.at);
            match failure.event {
                Event::HardBounce => return Some(here),
                Event::SoftBounce | Event::Expired => {}
                _ => continue,
            }
            errors = match last_significant.map(|last| failure.at - last) {
                None => 1,
                Some(since) if since < self.hours_apart * HOUR => continue,
                Some(since) if since > self.days_to_forget * 24 * HOUR => 1,
                Some(_) => errors + 1,
            };
            last_significant = Some(failure.at);
            if errors >= self.soft_errors {
                return Some(here);
            }
        }
        None
    }
}
