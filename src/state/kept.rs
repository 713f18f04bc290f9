//! What is kept from run to run.

use super::changes::listing_digest;
use crate::decode::Fingerprint;
use crate::engine::{Partitions, RowKey, Volume, Wake};
use crate::extracts::{Extract, Identity, Schemas};
use crate::model::{Attributes, Breakdown, DeliveryId, HiddenCodes, Instant};
use crate::publish::FileRecord;
use crate::rollup::{Facts, Totals};
use std::collections::{BTreeMap, HashMap};

/// What a run knew when it was committed.
pub struct Kept {
    /// The run.
    pub run_id: String,
    /// Its as-of.
    pub as_of: Instant,
    /// What its numbers meant: equal for jobs that give rows the same meaning.
    pub meaning: String,
    /// What identifiers are.
    pub schemas: Schemas,
    /// Which rows wait together in the volumes.
    pub partitions: Partitions,
    /// The key of the fingerprints in the volumes.
    pub fingerprint: Fingerprint,
    /// The deliveries by their index in the volumes.
    pub deliveries: Vec<KeptDelivery>,
    /// The values behind the codes in the volumes, their texts hidden.
    pub codes: HiddenCodes,
    /// The files whose rows count.
    pub files: Vec<KeptFile>,
    /// The number that the next file gets.
    pub next_source: u32,
    /// The messages that change without a new row.
    pub wakes: Vec<Wake>,
    /// Digests of rows that are in the volumes without them and had to be read again.
    pub rests: HashMap<RowKey, u64>,
    /// By breakdown, the values of the parts of deliveries that are not frozen.
    pub totals: BTreeMap<Breakdown, Totals>,
    /// All rows.
    pub volumes: Vec<Volume>,
}

/// What is known of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDelivery {
    /// The delivery.
    pub id: DeliveryId,
    /// What the deliveries extract said, if it had a row.
    pub attributes: Option<Attributes>,
    /// What its messages came to besides the counters.
    pub facts: Facts,
}

/// A file of a log whose rows count.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptFile {
    /// The log.
    pub extract: Extract,
    /// What became of its rows.
    pub record: FileRecord,
    /// Its number in the volumes.
    pub source: u32,
    /// What told it from others.
    pub identity: Identity,
    /// A digest of its content.
    pub digest: String,
    /// The newest instant in it.
    pub newest: Option<Instant>,
    /// The lowest and the highest `log_id` in it.
    pub log_ids: Option<(i64, i64)>,
    /// The optional columns that the job renames and the file has, by their names in the contract.
    pub renamed: Vec<String>,
}

impl Kept {
    /// The same with the volumes of the run that it builds on, and the new ones.
    #[must_use]
    pub fn with_volumes(mut self, earlier: Kept, new: Vec<Volume>) -> Kept {
        self.volumes = earlier.volumes.into_iter().chain(new).collect();
        self
    }

    /// A digest of the names and contents of the files.
    pub fn listing(&self) -> String {
        let files = self.files.iter();
        listing_digest(files.map(|f| (f.extract, f.record.file.as_str(), f.digest.as_str())))
    }
}
