//! The words of the field as types: instants, identifiers, events and *the* order of events.
//!
//! Standard library only. Every other room speaks in these types.

mod breakdowns;
mod catalog;
mod code;
mod delivery;
mod event;
mod fate;
mod instant;
mod key;
mod labels;
mod machines;
mod names;
mod quarantine;
mod reasons;
mod recipient;
mod spread;
mod stamp;
mod thresholds;

pub use breakdowns::{Breakdown, Breakdowns};
pub use catalog::{Catalog, DeliveryId, DeliveryIndex};
pub use code::{Code, CodeEntry, Codes, HiddenCodes, Value};
pub use delivery::{Attributes, DeadlineMode, Defaults, Policy, QUEUE_LIFE};
pub use event::{Event, Log, Logged, Report, Tail, Tracked};
pub use fate::{Fate, FateCounts, Mark, Rejection, Tally};
pub use instant::{HOUR, Hour, Instant};
pub use key::MessageKey;
pub use labels::{FailureType, Labels, StatusLabel};
pub use machines::{MachineRules, Machines, ManyLinks};
pub use quarantine::{Errors, Quarantine};
pub use reasons::failure_reason_name;
pub use recipient::{NO_RECIPIENT, Recipient, RecipientKey};
pub use spread::spread;
pub use stamp::Stamp;
pub use thresholds::Thresholds;
