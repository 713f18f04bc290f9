//! Where the tables of an output are, and the store that they are reached through.

use super::PublishError;
use super::durable::Durable;
use super::table::delta;
use crate::disk::Disk;
#[cfg(feature = "cloud")]
use crate::stores::Bucket;
use crate::stores::{Access, StoreError, check_url};
use deltalake::DeltaTable;
use deltalake::logstore::object_store::ObjectStore;
use deltalake::logstore::{StorageConfig, default_logstore};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// Where tables are to be.
#[derive(Clone, Debug)]
pub enum Destination {
    /// In a local directory.
    Directory(PathBuf),
    /// Below a URL of an object store, which is reached with this.
    Url(Url, Access),
}

impl Destination {
    /// Takes a URL of an object store.
    pub fn of_url(url: &str, access: &Access) -> Result<Destination, StoreError> {
        check_url(url)?;
        // Delta Lake reads and writes paths of tables in several ways, which agree on these.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=/:@+".contains(&byte);
        if !url.bytes().all(is_plain) {
            return Err(StoreError::Url(
                "a URL of letters, digits and the signs - _ . = + alone",
            ));
        }
        // What is joined to it is below it.
        let url = Url::parse(&format!("{}/", url.trim_end_matches('/')));
        let url = url.map_err(|_| StoreError::Url("a URL, as s3://bucket/path"))?;
        Ok(Destination::Url(url, access.clone()))
    }

    /// The local directory, if it is one.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Destination::Directory(path) => Some(path),
            Destination::Url(..) => None,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Directory(path) => path.display().fmt(out),
            Destination::Url(url, _) => out.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

/// The place of all tables.
#[derive(Clone)]
pub(super) struct Location {
    pub(super) root: Url,
    /// The directory, where they are in one.
    path: Option<PathBuf>,
    /// Its root is that of the system, or of the bucket, that the tables are on.
    store: Arc<dyn ObjectStore>,
}

impl Location {
    /// A local directory that is there.
    pub(super) fn local(disk: &Disk, path: &Path) -> Result<Location, PublishError> {
        let whole = path.canonicalize();
        let whole = whole.map_err(|error| unusable(path, error.to_string()))?;
        let root = Url::from_directory_path(&whole)
            .map_err(|()| unusable(path, "not a directory".to_owned()))?;
        Ok(Location {
            root,
            store: Arc::new(Durable::new(disk, &whole)),
            path: Some(whole),
        })
    }

    /// Below a URL of an object store.
    #[cfg(feature = "cloud")]
    pub(super) fn remote(url: &Url, access: &Access) -> Result<Location, PublishError> {
        let place = || url.as_str().trim_end_matches('/').to_owned();
        let opened = Bucket::open(&place(), access);
        let (bucket, _) = opened.map_err(|error| PublishError::Place {
            place: place(),
            reason: error.to_string(),
        })?;
        Ok(Location {
            root: url.clone(),
            path: None,
            store: bucket.store(),
        })
    }

    /// No build without the feature `cloud` has such a URL.
    #[cfg(not(feature = "cloud"))]
    pub(super) fn remote(url: &Url, _: &Access) -> Result<Location, PublishError> {
        Err(PublishError::Place {
            place: url.to_string(),
            reason: "this build reaches no object stores".to_owned(),
        })
    }

    /// The directory of a table, where it is in one.
    pub(super) fn directory(&self, name: &str) -> Option<PathBuf> {
        Some(self.path.as_ref()?.join(name))
    }

    /// Whether the tables are files, and a commit is a link.
    pub(super) fn is_local(&self) -> bool {
        self.path.is_some()
    }

    /// A table, of which nothing is known yet.
    pub(super) fn table(&self, name: &str) -> Result<DeltaTable, PublishError> {
        let url = self.root.join(&format!("{name}/"));
        let url = url.map_err(|error| PublishError::Place {
            place: self.root.to_string(),
            reason: error.to_string(),
        })?;
        let config = StorageConfig::default();
        let of_table = config.decorate_store(self.store.clone(), &url);
        let of_table = of_table.map_err(|source| delta(name, source))?;
        let log_store = default_logstore(of_table.into(), self.store.clone(), &url, &config);
        Ok(DeltaTable::new(log_store))
    }
}

fn unusable(path: &Path, reason: String) -> PublishError {
    PublishError::Place {
        place: path.display().to_string(),
        reason,
    }
}
