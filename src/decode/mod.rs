//! Batches of contract columns to events and rejections. Pure: bad input does not fail here, it
//! is counted by reason.

mod cell;
mod deliveries;
mod digest;
mod domain;
mod events;
mod find;
mod ids;
mod instants;
mod keys;
mod labelled;
mod logs;
mod presence;
mod recipient;
mod rising;
mod sending;
mod tracking;

pub use cell::Unsupported;
pub use deliveries::{DeliveryRows, decode_deliveries};
pub use events::Events;
pub use find::FoundRow;
pub use ids::{DecodeKey, Fingerprint};
pub use instants::Zone;
pub use logs::{Decoded, Decoder, Selection};
pub use rising::Rising;
