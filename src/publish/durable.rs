//! A local object store whose objects survive a power loss once they have been put: content first, then the name,
//! then the directory that it is in.

use crate::disk::{self, Disk, NewFile};
use async_trait::async_trait;
use bytes::Bytes;
use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What a file allows that others may read; the umask of the process takes from it.
const FILE_MODE: u32 = 0o666;
/// The directory of a table that commits and checkpoints are in.
const LOG: &str = "_delta_log";

/// Reads and lists as [`LocalFileSystem`] does; its root is that of the system.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    files: LocalFileSystem,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    disk: Disk,
    /// The directory of the tables.
    top: PathBuf,
    /// The mode of what is put, if the umask is known.
    mode: Option<u32>,
    /// Directories whose own names, and those of all that they are in up to the top, are synced.
    settled: Mutex<HashSet<PathBuf>>,
}

/// A name that was given, and that a power loss may take away again.
#[derive(Debug, thiserror::Error)]
#[error("{path} is there, but could not be made to survive a power loss: {source}")]
pub(super) struct Unsettled {
    path: String,
    source: io::Error,
}

/// Whether an error says that something is there and may not last.
pub(super) fn is_unsettled(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<Unsettled>() {
            return true;
        }
        next = error.source();
    }
    false
}

impl Durable {
    pub(super) fn new(disk: &Disk, top: &std::path::Path) -> Durable {
        Durable {
            files: LocalFileSystem::new(),
            shared: Arc::new(Shared {
                disk: disk.clone(),
                top: top.to_owned(),
                mode: disk::umask().map(|umask| FILE_MODE & !umask),
                settled: Mutex::default(),
            }),
        }
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Durable({})", self.shared.top.display())
    }
}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic {
        store: "local",
        source: Box::new(source),
    }
}

fn unsupported(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "Durable".to_owned(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// A file that is put but for its name; it goes where it does not get that.
struct Staged {
    shared: Arc<Shared>,
    file: NewFile,
    from: PathBuf,
    to: PathBuf,
    is_named: bool,
}

impl Shared {
    fn stage(self: &Arc<Self>, to: PathBuf) -> io::Result<Staged> {
        // Where the umask is not known, the file has to be made as it stays.
        let mode = self.mode.map_or(FILE_MODE, |_| 0o600);
        let mut number = 1;
        loop {
            let from = disk::staged(&to, number);
            match self.disk.create_with(&from, mode) {
                Ok(file) => {
                    return Ok(Staged {
                        shared: self.clone(),
                        file,
                        from,
                        to,
                        is_named: false,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let parent = to.parent().filter(|parent| !parent.is_dir()).ok_or(error)?;
                    self.disk.create_directories(parent, None)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the name of a directory last, and those that it is in: once in a run, whoever has made them.
    fn settle(&self, directory: &std::path::Path) -> io::Result<()> {
        let settled = || self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if settled().contains(directory) || !directory.starts_with(&self.top) {
            return Ok(());
        }
        for above in directory.ancestors().skip(1) {
            if above.starts_with(&self.top) {
                self.disk.sync_directory(above)?;
            } else {
                self.disk.sync_parent(&self.top)?;
                break;
            }
        }
        settled().insert(directory.to_owned());
        Ok(())
    }
}

impl Staged {
    fn finish(mut self, is_new: bool) -> Result<PutResult> {
        let disk = &self.shared.disk;
        let parent = self.to.parent().unwrap_or(&self.shared.top).to_owned();
        let mode = self.shared.mode;
        mode.map_or(Ok(()), |mode| self.file.set_mode(mode))
            .and_then(|()| self.file.sync())
            .and_then(|()| self.shared.settle(&parent))
            .map_err(failed)?;
        // Whether a commit counts is not for its run to decide.
        if !parent.ends_with(LOG) {
            disk.is_unpublished(&self.to);
        }
        let named = match is_new {
            true => disk.link(&self.from, &self.to),
            false => disk.rename(&self.from, &self.to),
        };
        named.map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => Error::AlreadyExists {
                path: self.to.display().to_string(),
                source: Box::new(source),
            },
            _ => failed(source),
        })?;
        self.is_named = true;
        if is_new {
            // Before its names last: no reader sees it, whether it goes or not.
            let _ = disk.remove(&self.from);
        }
        disk.sync_directory(&parent).map_err(|source| {
            let path = self.to.display().to_string();
            failed(Unsettled { path, source })
        })?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_named {
            // No reader sees it, whether it goes or not.
            let _ = self.shared.disk.remove(&self.from);
        }
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let is_new = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return Err(unsupported("put_opts with PutMode::Update")),
        };
        let to = self.files.path_to_filesystem(location)?;
        let shared = self.shared.clone();
        blocking(move || {
            let staged = shared.stage(to).map_err(failed)?;
            let mut at = 0;
            for bytes in payload.iter() {
                staged.file.write_at(bytes, at).map_err(failed)?;
                at += bytes.len() as u64;
            }
            staged.finish(is_new)
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let to = self.files.path_to_filesystem(location)?;
        let shared = self.shared.clone();
        let staged = blocking(move || shared.stage(to).map_err(failed)).await?;
        Ok(Box::new(Upload {
            staged: Some(Arc::new(staged)),
            end: 0,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let Durable { files, shared } = self.clone();
        let delete = move |location: Result<Path>| {
            let (files, shared) = (files.clone(), shared.clone());
            blocking(move || {
                let location = location?;
                let path = files.path_to_filesystem(&location)?;
                let removed = shared.disk.remove(&path);
                removed.map_err(|source| match source.kind() {
                    ErrorKind::NotFound => Error::NotFound {
                        path: path.display().to_string(),
                        source: Box::new(source),
                    },
                    _ => failed(source),
                })?;
                Ok(location)
            })
        };
        locations.map(delete).buffered(10).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(unsupported("copy_opts"))
    }
}

/// An object that comes in parts.
struct Upload {
    staged: Option<Arc<Staged>>,
    end: u64,
}

impl fmt::Debug for Upload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Upload")
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (staged, start) = (self.staged.clone(), self.end);
        self.end += data.content_length() as u64;
        Box::pin(blocking(move || {
            let staged = staged.ok_or_else(|| unsupported("a part after the end"))?;
            let mut at = start;
            for bytes in data.iter() {
                staged.file.write_at(bytes, at).map_err(failed)?;
                at += bytes.len() as u64;
            }
            Ok(())
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = self.staged.take().and_then(Arc::into_inner);
        let staged = staged.ok_or_else(|| unsupported("an end before all parts are there"))?;
        blocking(move || staged.finish(false)).await
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = self.staged.take();
        blocking(move || {
            drop(staged);
            Ok(())
        })
        .await
    }
}
