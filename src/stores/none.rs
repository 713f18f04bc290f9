//! In a build that reaches no object stores there is no bucket, and no object.

use super::{Access, StoreError};
use bytes::Bytes;
use std::io;

/// There is none.
#[derive(Clone, Debug)]
pub enum Bucket {}

/// There is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {}

impl Bucket {
    /// Refuses every URL.
    pub fn open(url: &str, _: &Access) -> Result<(Bucket, String), StoreError> {
        super::check_url(url)?;
        Err(StoreError::Url("a local path"))
    }

    /// All objects below a path.
    pub fn objects(&self, _: &str) -> Result<Vec<Object>, StoreError> {
        match *self {}
    }

    /// The objects at some paths, where there are any.
    pub fn objects_at(&self, _: &[String]) -> Result<Vec<Option<Object>>, StoreError> {
        match *self {}
    }
}

impl Object {
    /// Its path in the bucket.
    pub fn path(&self) -> &str {
        match *self {}
    }

    /// Its URL.
    pub fn url(&self) -> String {
        match *self {}
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        match *self {}
    }

    /// When it was written, in nanoseconds since the epoch.
    pub fn modified(&self) -> i64 {
        match *self {}
    }

    /// What the store tells its content by.
    pub fn signs(&self) -> String {
        match *self {}
    }

    /// Some of its bytes.
    pub fn read(&self, _: u64, _: u64) -> io::Result<Bytes> {
        match *self {}
    }
}
