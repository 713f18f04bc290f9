//! A bucket, and the objects in it.

use super::guarded::Guarded;
use super::{Access, StoreError, check_url, shown};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, parse_url_opts,
};
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Runtime;
use url::Url;

/// The bytes that one request asks for at most: so few come within the time that a request may take.
const PART: u64 = 8 << 20;
/// How many requests for parts of one object are under way at once.
const AT_ONCE: usize = 4;

/// The threads that requests are made on, once there are some.
pub(super) type Threads = Arc<OnceLock<Runtime>>;

/// A bucket, or container, of a store.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    /// Its URL, without a path.
    url: String,
    /// Whether the store tells contents apart by their digests, not by when they were written.
    has_digests: bool,
    access: Access,
}

/// An object as it was listed. What is read of it is of that content, or an error.
#[derive(Clone)]
pub struct Object {
    bucket: Bucket,
    meta: ObjectMeta,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.url)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.url())
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.bucket.url == other.bucket.url && self.meta == other.meta
    }
}

impl Eq for Object {}

impl Bucket {
    /// The bucket of a URL, and the path in it. Nothing is asked of the store yet.
    pub fn open(url: &str, access: &Access) -> Result<(Bucket, String), StoreError> {
        check_url(url)?;
        const EXPECTED: &str = "a URL with the name of a bucket, as s3://bucket/path";
        let parsed = Url::parse(url).map_err(|_| StoreError::Url(EXPECTED))?;
        if parsed.host_str().unwrap_or_default().is_empty() {
            return Err(StoreError::Url(EXPECTED));
        }
        if parsed.scheme().starts_with("s3") {
            check_plain(access)?;
        }
        let settings = access.settings.iter().cloned();
        let failed = |error: Error| {
            let secrets = super::guarded::secrets(access);
            StoreError::Settings(super::guarded::told(&error.to_string(), &secrets))
        };
        let (store, path) = parse_url_opts(&parsed, settings).map_err(failed)?;
        if access.threads.get().is_none() {
            let threads = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("store")
                .enable_all()
                .build()
                .map_err(|error| StoreError::Failed(error.to_string()))?;
            // Another one may be there by now.
            let _ = access.threads.set(threads);
        }
        let path_length = parsed.path().len();
        let bucket = Bucket {
            store: Arc::new(Guarded::new(store, access)),
            url: shown(&parsed.as_str()[..parsed.as_str().len() - path_length]),
            has_digests: parsed.scheme().starts_with("s3"),
            access: access.clone(),
        };
        Ok((bucket, path.to_string()))
    }

    /// What the bucket is reached through.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Waits for a request.
    fn wait<T>(&self, request: impl Future<Output = object_store::Result<T>>) -> Result<T, Error> {
        match self.access.threads.get() {
            Some(threads) => threads.block_on(request),
            None => Err(Error::Generic {
                store: "none",
                source: "the store has no threads".into(),
            }),
        }
    }

    /// All objects below a path; an empty one is the whole bucket.
    pub fn objects(&self, below: &str) -> Result<Vec<Object>, StoreError> {
        let prefix = match below.is_empty() {
            true => None,
            false => Some(parsed(below)?),
        };
        let listed = self.store.list(prefix.as_ref()).try_collect::<Vec<_>>();
        let listed = self.wait(listed).map_err(failed)?;
        Ok(listed.into_iter().map(|meta| self.listed(meta)).collect())
    }

    /// The objects at some paths, where there are any.
    pub fn objects_at(&self, paths: &[String]) -> Result<Vec<Option<Object>>, StoreError> {
        const AT_ONCE: usize = 16;
        let paths: Vec<Path> = paths
            .iter()
            .map(|path| parsed(path))
            .collect::<Result<_, _>>()?;
        let ask = async |path: Path| match self.store.head(&path).await {
            Ok(meta) => Ok(Some(self.listed(meta))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let found = stream::iter(paths).map(ask).buffered(AT_ONCE).try_collect();
        self.wait(found).map_err(failed)
    }

    fn listed(&self, meta: ObjectMeta) -> Object {
        Object {
            bucket: self.clone(),
            meta,
        }
    }
}

/// Refuses what would end every request before it is made, without a word why.
fn check_plain(access: &Access) -> Result<(), StoreError> {
    let says = |name: &str| access.settings.iter().find(|(one, _)| one == name);
    let is_plain = |name| says(name).is_some_and(|(_, url)| url.starts_with("http://"));
    let is_allowed = says("AWS_ALLOW_HTTP").is_some();
    match !is_allowed && (is_plain("AWS_ENDPOINT_URL") || is_plain("AWS_ENDPOINT")) {
        true => Err(StoreError::Settings(
            "AWS_ENDPOINT_URL begins with http://, which takes AWS_ALLOW_HTTP=true".to_owned(),
        )),
        false => Ok(()),
    }
}

fn parsed(path: &str) -> Result<Path, StoreError> {
    Path::parse(path).map_err(|error| StoreError::Failed(error.to_string()))
}

fn failed(error: Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

impl Object {
    /// Its path in the bucket.
    pub fn path(&self) -> &str {
        self.meta.location.as_ref()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("{}/{}", self.bucket.url, self.meta.location)
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.meta.size
    }

    /// When it was written, in nanoseconds since the epoch.
    pub fn modified(&self) -> i64 {
        // A list may tell less than whole seconds, an object alone does not.
        self.meta
            .last_modified
            .timestamp()
            .saturating_mul(1_000_000_000)
    }

    /// What the store tells its content by. Where that is no digest, objects at two paths never have the same.
    pub fn signs(&self) -> String {
        let meta = &self.meta;
        let path = match self.bucket.has_digests && meta.e_tag.is_some() {
            true => "",
            false => self.path(),
        };
        match &meta.e_tag {
            // Whether it is quoted depends on what was asked.
            Some(tag) => format!("{} {path}", tag.trim_matches('"')),
            None => format!("{:?} {} {path}", meta.version, self.modified()),
        }
    }

    /// Some of its bytes, in requests of a few megabytes. An error where it is gone or has another content by now.
    pub fn read(&self, start: u64, length: u64) -> io::Result<Bytes> {
        if let Some(failure) = self.bucket.access.failure() {
            // The run has failed: nothing is waited for any more.
            return Err(io::Error::other(failure.to_owned()));
        }
        let end = start.saturating_add(length);
        let starts = (start..end).step_by(PART as usize);
        let parts = starts.map(|start| self.part(start, (start + PART).min(end)));
        let mut parts = stream::iter(parts).buffered(AT_ONCE);
        let all = async {
            let first = parts.next().await.transpose()?.unwrap_or_default();
            if first.len() as u64 == length {
                return Ok(first);
            }
            let mut all = BytesMut::with_capacity(length as usize);
            all.extend_from_slice(&first);
            while let Some(part) = parts.next().await.transpose()? {
                all.extend_from_slice(&part);
            }
            Ok(all.freeze())
        };
        let bytes = self.bucket.wait(all).map_err(|error| match error {
            Error::Precondition { .. } => io::Error::other("it changed while it was read"),
            Error::NotFound { .. } => io::Error::from(io::ErrorKind::NotFound),
            error => {
                // Told where files are left out that cannot be read: this one is not at fault.
                let failure = format!("{}: {error}", self.url());
                let _ = self.bucket.access.failure.set(failure);
                io::Error::other(error.to_string())
            }
        })?;
        match bytes.len() as u64 == length {
            true => Ok(bytes),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    async fn part(&self, start: u64, end: u64) -> object_store::Result<Bytes> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(start..end)),
            if_match: self.meta.e_tag.clone(),
            if_unmodified_since: match self.meta.e_tag {
                Some(_) => None,
                None => Some(self.meta.last_modified),
            },
            ..GetOptions::default()
        };
        let part = self.bucket.store.get_opts(&self.meta.location, options);
        part.await?.bytes().await
    }
}
