//! `explain`: the history of one message.

mod json;
mod listener;
mod story;
mod text;

use super::compute::{Inputs, decoder, refuse_bad_files};
use super::outcome::{print, say};
use super::people::Clock;
use super::progress;
use crate::cli::Explain;
use crate::decode::{DecodeKey, Fingerprint, Selection};
use crate::engine::{self, Pool};
use crate::error::{Error, exit};
use crate::extracts::IdKind;
use crate::history::Meaning;
use crate::job::{Sources, resolve_explain, resolve_timezone, shown};
use crate::model::{Attributes, Codes, DeliveryId, Instant, Policy, Value};
use story::{Place, Story};

/// What is known of the message besides its rows.
struct Subject {
    delivery: DeliveryId,
    message: Value,
    attributes: Attributes,
    policy: Policy,
    as_of: Instant,
    /// Row groups read, and how many there are.
    row_groups: (usize, usize),
}

/// Runs the command; gives its exit code.
pub fn run(flags: &Explain) -> Result<u8, Error> {
    let clock = Clock::new(resolve_timezone(flags.timezone.as_deref())?);
    let sources = resolve_explain(flags)?;
    let pool = engine::pool(sources.threads)?;
    let inputs = Inputs::open(&sources, &pool)?;
    let explained = match inputs.schemas.message_id() {
        IdKind::Integer => explain::<u64>(flags, &sources, &pool, &inputs)?,
        IdKind::String => explain::<[u64; 2]>(flags, &sources, &pool, &inputs)?,
    };
    let (subject, story) = &explained;
    print(
        match flags.json {
            true => json::json(subject, story).as_bytes().to_vec(),
            false => text::text(subject, story, &clock).into_bytes(),
        }
        .as_slice(),
    )?;
    Ok(exit::DONE)
}

fn explain<M: DecodeKey>(
    flags: &Explain,
    sources: &Sources,
    pool: &Pool,
    inputs: &Inputs,
) -> Result<(Subject, Story), Error> {
    let Selection::Only(selected) = &inputs.selection else {
        return Err(Error::NoSuchMessage);
    };
    let delivery = selected.first().cloned().ok_or(Error::NoSuchMessage)?;
    let fingerprint = Fingerprint::fixed();
    let message = M::typed(&flags.message, &fingerprint).ok_or(Error::MessageId)?;
    let codes = Codes::default();
    let decoder = decoder(sources, inputs, &codes, fingerprint);
    let message_id = match (inputs.schemas.message_id(), flags.message.parse()) {
        (IdKind::Integer, Ok(number)) => Value::Number(number),
        _ => Value::Text(flags.message.as_str().into()),
    };
    let ids = [
        (
            "delivery_id",
            match &delivery {
                DeliveryId::Number(number) => Value::Number(*number),
                DeliveryId::Text(text) => Value::Text(text.clone()),
            },
        ),
        ("message_id", message_id.clone()),
    ];
    let mapping = |extract| sources.mapping(extract);
    let progress = progress(shown(flags.effort.progress, flags.json));
    let search = engine::find(
        pool,
        &inputs.logs,
        mapping,
        &decoder,
        message,
        &ids,
        progress.as_ref(),
    );
    refuse_bad_files(sources, inputs, &search.files, &[])?;
    for error in inputs.bad_files.iter().chain(search.bad()) {
        say(&format!("left out: {error}\n"));
    }
    if search.rows.is_empty() {
        return Err(Error::NoSuchMessage);
    }
    let attributes = inputs.catalog.attributes(&delivery).cloned();
    let attributes = attributes.unwrap_or_default().or(&sources.defaults);
    let policy = Policy::new(&attributes, sources.deadline);
    let place = |found: &engine::Found<M>| {
        let file = &inputs.logs[found.file];
        Place {
            log: file.extract.name(),
            file: file.file.name.clone(),
            row_group: found.row_group,
            row: found.row,
        }
    };
    let machines = sources.machines.rules(&codes);
    let meaning = Meaning {
        as_of: sources.as_of,
        codes: &codes,
        machines: &machines,
    };
    let story = story::tell(&search.rows, place, &policy, meaning);
    let subject = Subject {
        delivery,
        message: message_id,
        attributes,
        policy,
        as_of: sources.as_of,
        row_groups: (search.read, search.row_groups),
    };
    Ok((subject, story))
}
