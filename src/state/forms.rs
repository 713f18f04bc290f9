//! The form in which what is kept is written.

use super::kept::{Kept, KeptDelivery, KeptFile};
use crate::decode::Fingerprint;
use crate::engine::Partitions;
use crate::extracts::{Extract, IdKind, Identity, Schemas};
use crate::model::{Attributes, CodeEntry, DeliveryId, HiddenCodes, Instant, Value};
use crate::publish::FileRecord;
use crate::rollup::Facts;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The version of this form and of the volumes: another one is not read.
pub const FORMAT: u32 = 4;

/// All but volumes and lists.
#[derive(Serialize, Deserialize)]
pub struct Form {
    pub format: u32,
    pub run_id: String,
    as_of: i64,
    meaning: String,
    /// Which identifiers there are, and whether they are texts.
    are_texts: BTreeMap<String, bool>,
    partitions: (usize, u32),
    fingerprint: (u64, u64),
    deliveries: Vec<DeliveryForm>,
    codes: Vec<Entry>,
    texts: Vec<[u64; 2]>,
    digests: BTreeMap<u32, Box<str>>,
    files: Vec<FileForm>,
    next_source: u32,
    /// The names of the volumes, and what tells them from others.
    pub volumes: Vec<(String, u64)>,
    /// How many wakes there are, and a digest of their bytes.
    pub wakes: (u64, u64),
    /// The same of the rests.
    pub rests: (u64, u64),
    /// The same of the values of parts.
    pub totals: (u64, u64),
}

#[derive(Serialize, Deserialize)]
enum Entry {
    One(Code),
    UnknownType(Code, Option<Code>),
    Domain(Box<str>),
}

#[derive(Serialize, Deserialize)]
enum Code {
    Number(i64),
    Text(Box<str>),
    Hidden([u64; 2]),
}

#[derive(Serialize, Deserialize)]
struct DeliveryForm {
    id: Code,
    attributes: Option<AttributesForm>,
    final_at: Option<i64>,
    first_event_at: Option<i64>,
    last_event_at: Option<i64>,
    in_a_log: bool,
}

#[derive(Serialize, Deserialize)]
struct AttributesForm {
    label: Option<String>,
    channel: Option<String>,
    parent: Option<Code>,
    started_at: Option<i64>,
    validity_end: Option<i64>,
    modified_at: Option<i64>,
    to_deliver: Option<i64>,
    efs: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct FileForm {
    record: FileRecord,
    source: u32,
    bytes: u64,
    modified: i64,
    changed: i64,
    inode: u64,
    #[serde(default)]
    tag: u64,
    digest: String,
    newest: Option<i64>,
    log_ids: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    renamed: Vec<String>,
}

fn code(value: &Value) -> Code {
    match value {
        Value::Number(number) => Code::Number(*number),
        Value::Text(text) => Code::Text(text.clone()),
        Value::Hidden(fingerprint) => Code::Hidden(*fingerprint),
    }
}

fn value(code: Code) -> Value {
    match code {
        Code::Number(number) => Value::Number(number),
        Code::Text(text) => Value::Text(text),
        Code::Hidden(fingerprint) => Value::Hidden(fingerprint),
    }
}

fn of_id(id: &DeliveryId) -> Code {
    match id {
        DeliveryId::Number(number) => Code::Number(*number),
        DeliveryId::Text(text) => Code::Text(text.clone()),
    }
}

fn id(code: Code) -> DeliveryId {
    match code {
        Code::Number(number) => DeliveryId::Number(number),
        Code::Text(text) => DeliveryId::Text(text),
        // No identifier of a delivery is hidden.
        Code::Hidden(_) => DeliveryId::Text("".into()),
    }
}

fn micros(at: Option<Instant>) -> Option<i64> {
    at.map(Instant::micros)
}

fn instant(micros: Option<i64>) -> Option<Instant> {
    micros.map(Instant::from_micros)
}

impl Form {
    /// The form of what is kept.
    pub fn of(kept: &Kept, lists: [(u64, u64); 3]) -> Form {
        let [wakes, rests, totals] = lists;
        let volumes = kept
            .volumes
            .iter()
            .filter_map(|volume| Some((volume.name()?.to_owned(), volume.digest())));
        let kinds = kept.schemas.kinds().iter();
        let codes = kept.codes.entries.iter().map(|entry| match entry {
            CodeEntry::One(one) => Entry::One(code(one)),
            CodeEntry::UnknownType(kind, url) => {
                Entry::UnknownType(code(kind), url.as_ref().map(code))
            }
            CodeEntry::Domain(name) => Entry::Domain(name.clone()),
        });
        Form {
            format: FORMAT,
            run_id: kept.run_id.clone(),
            as_of: kept.as_of.micros(),
            meaning: kept.meaning.clone(),
            are_texts: kinds
                .map(|(id, kind)| (id.clone(), *kind == IdKind::String))
                .collect(),
            partitions: kept.partitions.parts(),
            fingerprint: kept.fingerprint.key(),
            deliveries: kept.deliveries.iter().map(DeliveryForm::of).collect(),
            codes: codes.collect(),
            texts: kept.codes.order.clone(),
            digests: kept.codes.digests.clone(),
            files: kept.files.iter().map(FileForm::of).collect(),
            next_source: kept.next_source,
            volumes: volumes.collect(),
            wakes,
            rests,
            totals,
        }
    }

    /// What was kept, without volumes and lists; none where it cannot be.
    pub fn kept(self) -> Option<Kept> {
        let kinds = self
            .are_texts
            .into_iter()
            .map(|(id, is_text)| match is_text {
                true => (id, IdKind::String),
                false => (id, IdKind::Integer),
            });
        let codes = self.codes.into_iter().map(|entry| match entry {
            Entry::One(one) => CodeEntry::One(value(one)),
            Entry::UnknownType(kind, url) => CodeEntry::UnknownType(value(kind), url.map(value)),
            Entry::Domain(name) => CodeEntry::Domain(name),
        });
        Some(Kept {
            run_id: self.run_id,
            as_of: Instant::from_micros(self.as_of),
            meaning: self.meaning,
            schemas: Schemas::new(kinds.collect()),
            partitions: Partitions::from_parts(self.partitions)?,
            fingerprint: Fingerprint::of_key(self.fingerprint),
            deliveries: self
                .deliveries
                .into_iter()
                .map(DeliveryForm::kept)
                .collect(),
            codes: HiddenCodes {
                entries: codes.collect(),
                order: self.texts,
                digests: self.digests,
            },
            files: self
                .files
                .into_iter()
                .map(FileForm::kept)
                .collect::<Option<_>>()?,
            next_source: self.next_source,
            wakes: Vec::new(),
            rests: HashMap::new(),
            totals: BTreeMap::new(),
            volumes: Vec::new(),
        })
    }
}

impl DeliveryForm {
    fn of(kept: &KeptDelivery) -> DeliveryForm {
        DeliveryForm {
            id: of_id(&kept.id),
            attributes: kept.attributes.as_ref().map(|of| AttributesForm {
                label: of.label.clone(),
                channel: of.channel.clone(),
                parent: of.parent_delivery_id.as_ref().map(of_id),
                started_at: micros(of.started_at),
                validity_end: micros(of.validity_end),
                modified_at: micros(of.modified_at),
                to_deliver: of.to_deliver,
                efs: of.efs,
            }),
            final_at: micros(kept.facts.final_at),
            first_event_at: micros(kept.facts.first_event_at),
            last_event_at: micros(kept.facts.last_event_at),
            in_a_log: kept.facts.in_a_log,
        }
    }

    fn kept(self) -> KeptDelivery {
        KeptDelivery {
            id: id(self.id),
            attributes: self.attributes.map(|form| Attributes {
                label: form.label,
                channel: form.channel,
                parent_delivery_id: form.parent.map(id),
                started_at: instant(form.started_at),
                validity_end: instant(form.validity_end),
                modified_at: instant(form.modified_at),
                to_deliver: form.to_deliver,
                efs: form.efs,
            }),
            facts: Facts {
                final_at: instant(self.final_at),
                first_event_at: instant(self.first_event_at),
                last_event_at: instant(self.last_event_at),
                in_a_log: self.in_a_log,
            },
        }
    }
}

impl FileForm {
    fn of(kept: &KeptFile) -> FileForm {
        FileForm {
            record: kept.record.clone(),
            source: kept.source,
            bytes: kept.identity.bytes,
            modified: kept.identity.modified,
            changed: kept.identity.changed,
            inode: kept.identity.inode,
            tag: kept.identity.tag,
            digest: kept.digest.clone(),
            newest: micros(kept.newest),
            log_ids: kept.log_ids,
            renamed: kept.renamed.clone(),
        }
    }

    fn kept(self) -> Option<KeptFile> {
        let extract = Extract::ALL
            .into_iter()
            .find(|extract| extract.name() == self.record.log)?;
        Some(KeptFile {
            extract,
            record: self.record,
            source: self.source,
            identity: Identity {
                bytes: self.bytes,
                modified: self.modified,
                changed: self.changed,
                inode: self.inode,
                tag: self.tag,
            },
            digest: self.digest,
            newest: instant(self.newest),
            log_ids: self.log_ids,
            renamed: self.renamed,
        })
    }
}
