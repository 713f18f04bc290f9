//! `check`: reads everything, publishes nothing, says what is wrong with the extracts.

mod findings;
mod gaps;
mod inspector;
mod names;
mod show;
mod statuses;

use super::compute::{Count, Inputs, decoder, ledger};
use super::outcome::print;
use super::progress;
use crate::cli::Check;
use crate::decode::Fingerprint;
use crate::engine::{self, DeliverySet, Pool};
use crate::error::{Error, exit};
use crate::extracts::{Extract, IdKind};
use crate::job::{Sources, Stopwatch, resolve_check, shown};
use crate::model::{Codes, DeliveryId};
use inspector::{Cases, Inspector};
use names::Names;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Runs the command; gives its exit code.
pub fn run(flags: &Check) -> Result<u8, Error> {
    let sources = resolve_check(flags)?;
    let pool = engine::pool(sources.threads)?;
    let inputs = Inputs::open(&sources, &pool)?;
    let progress = progress(shown(flags.effort.progress, flags.json));
    let account = || Inspector::new(inputs.logs.len());
    // Examples must come out the same; a fingerprint decides nothing that is published here.
    let key = Fingerprint::fixed();
    let mut watch = Stopwatch::new();
    let count = Count {
        sources: &sources,
        pool: &pool,
        inputs: &inputs,
        fingerprint: key,
        volumes: None,
        frozen: &DeliverySet::default(),
        published: &BTreeSet::new(),
        persons: None,
        progress: progress.as_ref(),
    };
    let (counted, mut inspector, _) = count.with(account, &mut watch)?;
    let ledger = ledger(&sources, &inputs, &counted)?;
    let names = Names {
        ids: inputs.catalog.ids(),
        texts: match inputs.schemas.message_id() {
            IdKind::Integer => None,
            IdKind::String => Some(texts(&sources, &pool, &inputs, key, &inspector)),
        },
    };
    let mut findings = findings::findings(
        flags,
        &sources,
        &inputs,
        &counted,
        &ledger,
        &mut inspector,
        &names,
    );
    findings::accept(&mut findings, &flags.accept)?;
    let view = show::View {
        sources: &sources,
        ledger: &ledger,
        findings: &findings,
        statuses: &inspector.statuses,
        names: &names,
        deliveries: counted.kpis.deliveries.len(),
        most: usize::from(flags.most),
    };
    print(
        match flags.json {
            true => view.json(),
            false => view.text(),
        }
        .as_bytes(),
    )?;
    let needs_look = findings.iter().any(|finding| finding.needs_look);
    Ok(if needs_look {
        exit::LEFT_OUT
    } else {
        exit::DONE
    })
}

/// The text identifiers of the messages that may be named.
fn texts(
    sources: &Sources,
    pool: &Pool,
    inputs: &Inputs,
    fingerprint: Fingerprint,
    inspector: &Inspector,
) -> HashMap<[u64; 2], String> {
    let named = [
        &inspector.equal_revisions,
        &inspector.several_events,
        &inspector.twins,
        &inspector.statuses.different,
    ];
    let keys = |cases: &&Cases| -> Vec<[u64; 2]> {
        cases
            .of
            .values()
            .flat_map(|(_, some)| some.iter().copied())
            .collect()
    };
    let wanted: HashSet<[u64; 2]> = named.iter().flat_map(keys).collect();
    if wanted.is_empty() {
        return HashMap::new();
    }
    let codes = Codes::default();
    let decoder = decoder(sources, inputs, &codes, fingerprint);
    let mapping = |extract: Extract| sources.mapping(extract);
    engine::texts(pool, &inputs.logs, mapping, &decoder, &wanted)
}

/// A delivery's identifier for machines.
fn id_json(id: &DeliveryId) -> serde_json::Value {
    match id {
        DeliveryId::Number(number) => serde_json::json!(number),
        DeliveryId::Text(text) => serde_json::json!(text),
    }
}
