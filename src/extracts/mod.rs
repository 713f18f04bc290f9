//! The extracts: which files there are, whether their columns are those of the contract, and
//! batches of the needed columns under the contract's names.

mod bounds;
mod contract;
mod file;
mod footer;
mod identity;
mod listing;
mod manifest;
mod objects;
mod page;
mod pages;
mod place;
mod schema;
mod source;
mod thrift;

pub use contract::{Column, Extract, Mapping, Takes, is_integer, is_text};
pub use file::{FileError, OpenFile, Projection, open};
pub use identity::Identity;
pub use listing::{Links, Listing, ListingError, SourceFile, list};
pub use manifest::{Digest, Manifest, ManifestError};
pub use objects::{complete, finds};
pub use pages::Pages;
pub use place::Place;
pub use schema::{FileSchema, IdKind, SchemaProblem, Schemas, check, may_be_renamed};
