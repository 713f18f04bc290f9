//! A store whose listings are whole, and whose errors tell what is wrong and hold neither credentials nor what a server
//! has to say of them: it may answer with the name of a key, or with all that was signed.

use super::{Access, shown};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::client::HttpError;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Values that no error may hold.
type Secrets = Arc<[String]>;

/// Settings that say where a store is, and no more.
const PLAIN: [&str; 6] = [
    "REGION",
    "ENDPOINT",
    "ALLOW",
    "ACCOUNT_NAME",
    "BUCKET",
    "FORMAT",
];

pub(super) struct Guarded {
    store: Arc<dyn ObjectStore>,
    secrets: Secrets,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

/// The values among the settings that are nobody's business.
pub(super) fn secrets(access: &Access) -> Secrets {
    const SHORTEST: usize = 4;
    let is_secret = |(name, value): &&(String, String)| {
        value.len() >= SHORTEST && !PLAIN.iter().any(|plain| name.contains(plain))
    };
    let secrets = access.settings.iter().filter(is_secret);
    secrets.map(|(_, value)| value.clone()).collect()
}

/// The text of an error without secrets and queries, and of what a server answers its status alone, with the code
/// that an answer in XML gives.
pub(super) fn told(text: &str, secrets: &[String]) -> String {
    const STATUS: &str = "non-2xx status code: ";
    const RESPONSE: &str = "Server returned error response: ";
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret, "…");
    }
    let of_status = text.find(STATUS).map(|at| {
        let status = &text[at + STATUS.len()..];
        at + STATUS.len() + status.find(':').unwrap_or(status.len())
    });
    let of_response = text.find(RESPONSE).map(|at| at + RESPONSE.len() - 2);
    let of_markup = text.find('<');
    let ends = of_status.into_iter().chain(of_response).chain(of_markup);
    let (said, answer) = text.split_at(ends.min().unwrap_or(text.len()));
    let code = answer
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| code)
        .filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let word = |word: &str| match word.contains("://") {
        true => shown(word),
        false => word.to_owned(),
    };
    let words = said.split_whitespace().map(word);
    words
        .chain(code.map(|code| format!("({code})")))
        .collect::<Vec<_>>()
        .join(" ")
}

impl Guarded {
    pub(super) fn new(store: Box<dyn ObjectStore>, access: &Access) -> Guarded {
        Guarded {
            store: store.into(),
            secrets: secrets(access),
        }
    }
}

fn discreet(error: Error, secrets: &[String]) -> Error {
    let told = |error: &dyn std::error::Error| -> Box<dyn std::error::Error + Send + Sync> {
        Box::new(Told(told(&error.to_string(), secrets)))
    };
    match error {
        Error::NotFound { path, source } => Error::NotFound {
            path,
            source: told(&*source),
        },
        Error::AlreadyExists { path, source } => Error::AlreadyExists {
            path,
            source: told(&*source),
        },
        Error::Precondition { path, source } => Error::Precondition {
            path,
            source: told(&*source),
        },
        Error::NotModified { path, source } => Error::NotModified {
            path,
            source: told(&*source),
        },
        Error::PermissionDenied { path, source } => Error::PermissionDenied {
            path,
            source: told(&*source),
        },
        Error::Unauthenticated { path, source } => Error::Unauthenticated {
            path,
            source: told(&*source),
        },
        Error::Generic { store, source } => Error::Generic {
            store,
            source: told(&*source),
        },
        other => Error::Generic {
            store: "object",
            source: told(&other),
        },
    }
}

/// Whether an answer broke off: unlike a request that is not answered, that of a listing is not made again by the store.
fn broke_off(error: &Error) -> bool {
    match error {
        Error::Generic { source, .. } => source
            .source()
            .is_some_and(|source| source.is::<HttpError>()),
        _ => false,
    }
}

/// A listing, once all of it is there; where an answer breaks off, it is asked for again.
fn listed(
    list: impl Fn() -> BoxStream<'static, Result<ObjectMeta>> + Send + 'static,
    secrets: &Secrets,
) -> BoxStream<'static, Result<ObjectMeta>> {
    const PAUSES: [u64; 5] = [50, 100, 200, 400, 800];
    let all = async move {
        let mut pauses = PAUSES.into_iter();
        loop {
            let all = list().try_collect::<Vec<_>>().await;
            match (all, pauses.next()) {
                (Err(error), Some(pause)) if broke_off(&error) => {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                (all, _) => return all.map(|all| stream::iter(all).map(Ok)),
            }
        }
    };
    each(stream::once(all).try_flatten().boxed(), secrets)
}

fn each<T: 'static>(
    stream: BoxStream<'static, Result<T>>,
    secrets: &Secrets,
) -> BoxStream<'static, Result<T>> {
    let secrets = secrets.clone();
    stream
        .map_err(move |error| discreet(error, &secrets))
        .boxed()
}

impl fmt::Debug for Guarded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Upload")
    }
}

impl fmt::Display for Guarded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(out)
    }
}

#[async_trait]
impl ObjectStore for Guarded {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let done = self.store.put_opts(location, payload, options).await;
        done.map_err(|error| discreet(error, &self.secrets))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.store.put_multipart_opts(location, options).await;
        let upload = upload.map_err(|error| discreet(error, &self.secrets))?;
        let secrets = self.secrets.clone();
        Ok(Box::new(Upload { upload, secrets }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let found = self.store.get_opts(location, options).await;
        let mut found = found.map_err(|error| discreet(error, &self.secrets))?;
        found.payload = match found.payload {
            GetResultPayload::Stream(stream) => {
                GetResultPayload::Stream(each(stream, &self.secrets))
            }
            file => file,
        };
        Ok(found)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let found = self.store.get_ranges(location, ranges).await;
        found.map_err(|error| discreet(error, &self.secrets))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        each(self.store.delete_stream(locations), &self.secrets)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.store.clone(), prefix.cloned());
        listed(move || store.list(prefix.as_ref()), &self.secrets)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix, offset) = (self.store.clone(), prefix.cloned(), offset.clone());
        let list = move || store.list_with_offset(prefix.as_ref(), &offset);
        listed(list, &self.secrets)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let found = self.store.list_with_delimiter(prefix).await;
        found.map_err(|error| discreet(error, &self.secrets))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let done = self.store.copy_opts(from, to, options).await;
        done.map_err(|error| discreet(error, &self.secrets))
    }
}

/// An upload in parts.
struct Upload {
    upload: Box<dyn MultipartUpload>,
    secrets: Secrets,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, secrets) = (self.upload.put_part(data), self.secrets.clone());
        Box::pin(async move { part.await.map_err(|error| discreet(error, &secrets)) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let done = self.upload.complete().await;
        done.map_err(|error| discreet(error, &self.secrets))
    }

    async fn abort(&mut self) -> Result<()> {
        let done = self.upload.abort().await;
        done.map_err(|error| discreet(error, &self.secrets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;
    use object_store::{ObjectStoreExt, PutMode};

    #[test]
    fn it_does_what_the_store_does() {
        let threads = tokio::runtime::Builder::new_current_thread().build();
        threads.expect("threads").block_on(as_the_store());
    }

    async fn as_the_store() {
        let settings = [("AWS_SECRET_ACCESS_KEY".to_owned(), "a secret".to_owned())];
        let access = Access::of(settings.into_iter());
        let store = Guarded::new(Box::new(InMemory::new()), &access);
        assert!(!format!("{store:?}").contains("a secret"));
        let paths = ["a/b", "a/c"].map(Path::from);
        for path in &paths {
            store.put(path, "content".into()).await.expect("put");
        }
        let again = PutOptions::from(PutMode::Create);
        let again = store.put_opts(&paths[0], "other".into(), again).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));
        let found = store.get(&paths[0]).await.expect("there");
        assert_eq!(&found.bytes().await.expect("bytes")[..], b"content");
        let list = async |prefix: &str| {
            let listed = store
                .list(Some(&Path::from(prefix)))
                .try_collect::<Vec<_>>();
            listed.await.expect("a list").len()
        };
        assert_eq!(list("a").await, 2);
        store.delete(&paths[0]).await.expect("gone");
        assert_eq!(list("a").await, 1);
        let missing = store.get(&paths[0]).await;
        assert!(matches!(missing, Err(Error::NotFound { .. })));
    }

    #[test]
    fn what_is_wrong_is_told_and_no_secret() {
        let secrets = ["wJalrXUtnFEMI".to_owned()];
        for (text, wanted) in [
            (
                "Error performing GET https://b.s3/x?list-type=2&token=abc in 1s - Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId><StringToSign>all</StringToSign></Error>",
                "Error performing GET https://b.s3/x in 1s - Server returned non-2xx status code: 403 Forbidden (SignatureDoesNotMatch)",
            ),
            ("the key wJalrXUtnFEMI is wrong", "the key … is wrong"),
            ("<Error><Code>a secret</Code>", ""),
            (
                "Error performing GET https://me:pass@host/x in 1s - Server returned non-2xx status code: 401 Unauthorized: {\"error\": \"the key abc\"}",
                "Error performing GET https://host/x in 1s - Server returned non-2xx status code: 401 Unauthorized",
            ),
            (
                "Server returned error response: all of it",
                "Server returned error response",
            ),
            ("nothing\nat all", "nothing at all"),
        ] {
            assert_eq!(told(text, &secrets), wanted);
        }
    }
}
