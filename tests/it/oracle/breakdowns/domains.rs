//! The same by the domain of recipients: what the specification says of the messages to each domain alone.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::world::World;
use super::super::rows::{self, Report};
use super::super::{Defaults, Mode, NEW_QUARANTINES, expect_with};
use super::{Breakdown, Part};

/// What stands in the place of a text that is no name of a domain.
pub const NO_DOMAIN: &str = "(no domain name)";

/// All counters of the hours by domain.
pub fn by_domain(world: &World, as_of: i64, mode: Mode, defaults: &Defaults) -> Breakdown {
    let domains = domains(world, as_of, defaults);
    let of = |delivery: Option<i64>, message: Option<i64>| {
        let key = (delivery?, message?);
        Some(domains.get(&key).cloned().unwrap_or(Part::None))
    };
    let all: BTreeSet<Part> = domains.values().cloned().chain([Part::None]).collect();
    let mut found = Breakdown::new();
    for domain in all {
        let mut some = world.clone();
        let is_in = |delivery, message| of(delivery, message).as_ref() == Some(&domain);
        some.sending
            .retain(|row| is_in(row.delivery_id, row.message_id));
        some.tracking
            .retain(|row| is_in(row.delivery_id, row.message_id));
        let expected = expect_with(&some, as_of, mode, defaults);
        for ((delivery, hour), mut counters) in expected.hourly {
            // A person is of no domain.
            counters.retain(|name, _| !name.starts_with(NEW_QUARANTINES));
            found.insert((delivery, hour, domain.clone()), counters);
        }
    }
    found
}

/// The domains of messages, where a report gives one: the first in the alphabet of those of reports that count, their
/// copies and equals in all that counts among them.
fn domains(world: &World, as_of: i64, defaults: &Defaults) -> BTreeMap<(i64, i64), Part> {
    let attributes = super::super::latest_attributes(&world.deliveries);
    let efs = |delivery: i64| {
        defaults
            .fill(attributes.get(&delivery))
            .efs
            .unwrap_or(false)
    };
    let reports: Vec<Report> = rows::read_sending(&world.sending, efs)
        .into_iter()
        .flatten()
        .collect();
    let mut domains: BTreeMap<(i64, i64), Part> = BTreeMap::new();
    for report in &reports {
        let Some(domain) = report.domain() else {
            continue;
        };
        let counts = !report.is_test
            && !report.is_deleted()
            && report.at.is_some_and(|at| at < as_of)
            && !reports.iter().any(|other| other.supersedes(report));
        if !counts {
            continue;
        }
        let domain = name(domain);
        let rank = |part: &Part| (*part == Part::Text(NO_DOMAIN.to_owned()), part.clone());
        let key = (report.delivery, report.message);
        let known = domains.entry(key).or_insert_with(|| domain.clone());
        if rank(&domain) < rank(known) {
            *known = domain;
        }
    }
    domains
}

/// The name as DNS has it; the histories hold names of ASCII alone.
fn name(text: &str) -> Part {
    let name = text.trim().trim_end_matches('.').to_lowercase();
    let is_name = name.contains('.') && !name.contains('@');
    Part::Text(if is_name { name } else { NO_DOMAIN.to_owned() })
}
