//! Where data files are.

use crate::stores::Object;
use std::path::PathBuf;

/// Where a data file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a disk.
    File(PathBuf),
    /// In an object store.
    Object(Object),
}

impl Place {
    /// Its path, or its URL as one.
    pub fn path(&self) -> PathBuf {
        match self {
            Place::File(path) => path.clone(),
            Place::Object(object) => object.url().into(),
        }
    }
}
