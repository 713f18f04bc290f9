//! Where the tables of an output are, and the store that they are reached through.

use super::PublishError;
use super::durable::Durable;
use super::table::delta;
use crate::disk::Disk;
use deltalake::logstore::object_store::ObjectStore;
use deltalake::{DeltaTable, DeltaTableBuilder};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// The place of all tables.
#[derive(Clone)]
pub(super) struct Location {
    pub(super) root: Url,
    path: PathBuf,
    /// Its root is that of the system that the tables are on.
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
            path: whole,
        })
    }

    /// The directory of a table.
    pub(super) fn directory(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A table, of which nothing is known yet.
    pub(super) fn table(&self, name: &str) -> Result<DeltaTable, PublishError> {
        let url = self.root.join(&format!("{name}/"));
        let url = url.map_err(|error| PublishError::Place {
            place: self.root.to_string(),
            reason: error.to_string(),
        })?;
        let builder = DeltaTableBuilder::from_url(url.clone());
        let store = self.store.clone();
        let table = builder.and_then(|builder| builder.with_storage_backend(store, url).build());
        table.map_err(|source| delta(name, source))
    }
}

pub(super) fn unusable(path: &Path, reason: String) -> PublishError {
    PublishError::Place {
        place: path.display().to_string(),
        reason,
    }
}
