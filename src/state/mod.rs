//! What a run leaves for the next one, below the output: the rows of all messages, packed, and what is
//! known of files and deliveries. Its loss or damage costs the next run time, never correctness: without
//! a state that fits, a run reads everything.
//!
//! A state belongs to one run, whose record in `kpi_run` names it, so that a run that was not committed has
//! none. Its files are never changed; a run that adds to it names those of earlier runs again.

mod changes;
mod forms;
mod kept;
mod store;

pub use changes::{Changes, changes, digest, listing_digest};
pub use kept::{Kept, KeptDelivery, KeptFile};
pub use store::{StateError, Store, home_of};
