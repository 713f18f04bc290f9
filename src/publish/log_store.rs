//! Logs of tables in object stores: a commit is an object that must not be there, put by one request.

use deltalake::DeltaResult;
use deltalake::logstore::object_store::ObjectStore;
use deltalake::logstore::{
    LogStore, LogStoreFactory, StorageConfig, default_logstore, logstore_factories,
};
use std::sync::Arc;
use url::Url;

/// The log of a table whose store can be asked to put what is not there yet.
struct Conditional;

impl LogStoreFactory for Conditional {
    fn with_options(
        &self,
        of_table: Arc<dyn ObjectStore>,
        of_root: Arc<dyn ObjectStore>,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(of_table, of_root, location, options))
    }
}

/// Makes tables with URLs like this one known to Delta Lake.
pub(super) fn register(url: &Url) {
    if let Ok(scheme) = Url::parse(&format!("{}://", url.scheme())) {
        logstore_factories().insert(scheme, Arc::new(Conditional));
    }
}
