//! Object stores: what a URL names, and how it is reached. Without the feature `cloud` none is.

#[cfg(feature = "cloud")]
mod bucket;
#[cfg(feature = "cloud")]
mod guarded;
#[cfg(not(feature = "cloud"))]
mod none;

#[cfg(feature = "cloud")]
pub use bucket::{Bucket, Object};
#[cfg(not(feature = "cloud"))]
pub use none::{Bucket, Object};

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// What the names of settings for stores begin with.
const PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// What URLs of stores begin with.
const SCHEMES: [&str; 6] = ["s3", "s3a", "gs", "az", "abfs", "abfss"];

/// How stores are reached: settings by name, as the environment has them. Some are secrets: none of them is ever shown.
#[derive(Clone, Default)]
pub struct Access {
    #[cfg(feature = "cloud")]
    settings: Arc<[(String, String)]>,
    /// The first request for content that a store did not answer.
    failure: Arc<OnceLock<String>>,
    #[cfg(feature = "cloud")]
    threads: bucket::Threads,
}

impl fmt::Debug for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Access")
    }
}

impl Access {
    /// Takes what is meant for stores from names and values.
    pub fn of(settings: impl Iterator<Item = (String, String)>) -> Access {
        let is_for_stores =
            |(name, _): &(String, String)| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let settings = settings.filter(is_for_stores);
        #[cfg(not(feature = "cloud"))]
        drop(settings);
        Access {
            #[cfg(feature = "cloud")]
            settings: settings.collect(),
            failure: Arc::default(),
            #[cfg(feature = "cloud")]
            threads: Arc::default(),
        }
    }
}

impl Access {
    /// Which store a URL means: one name may be there in several.
    pub fn place(&self) -> String {
        #[cfg(feature = "cloud")]
        {
            let says = |name: &str| name.contains("ENDPOINT") || name.contains("ACCOUNT_NAME");
            let said = self.settings.iter().filter(|(name, _)| says(name));
            let mut said: Vec<String> = said
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            said.sort();
            said.join(" ")
        }
        #[cfg(not(feature = "cloud"))]
        String::new()
    }

    /// Why a store did not give what it holds, if it once did not: then no file is to blame for what is wrong with it.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A URL that names none.
    #[error("expected {0}")]
    Url(&'static str),
    /// What the environment says of a store does not do.
    #[error("{0}")]
    Settings(String),
    /// The store refused, or cannot be reached.
    #[error("{0}")]
    Failed(String),
}

/// Whether a path is a URL.
pub fn is_url(path: &Path) -> bool {
    path.to_string_lossy().contains("://")
}

/// Whether a path is a URL that has lost a slash, and would be a folder called `s3:`.
pub fn is_cut_url(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let scheme = text.split_once(":/").map(|(scheme, _)| scheme);
    !is_url(path) && scheme.is_some_and(|scheme| SCHEMES.contains(&scheme))
}

/// A path as it may be shown.
pub fn shown_path(path: &Path) -> String {
    match is_url(path) {
        true => shown(&path.to_string_lossy()),
        false => path.display().to_string(),
    }
}

/// What of a URL may be shown, whatever was typed: no user, no password and no query.
pub fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        // The container, where stores of one account have several.
        Some((user, host)) if scheme.starts_with("abfs") && !user.contains(':') => {
            format!("{user}@{host}")
        }
        Some((_, host)) => host.to_owned(),
        None => authority.to_owned(),
    };
    format!("{scheme}://{host}{path}")
}

/// Refuses a URL that names no place in a store, or holds what must not stand in a job.
pub fn check_url(url: &str) -> Result<(), StoreError> {
    if !cfg!(feature = "cloud") {
        return Err(StoreError::Url(
            "a local path: this build reaches no object stores (feature `cloud`)",
        ));
    }
    let scheme = url.split("://").next().unwrap_or_default();
    if !SCHEMES.contains(&scheme) {
        return Err(StoreError::Url(
            "a URL that begins with s3://, gs:// or az://",
        ));
    }
    if url
        .split("://")
        .nth(1)
        .is_none_or(|rest| rest.trim_matches('/').is_empty())
    {
        return Err(StoreError::Url(
            "a URL with the name of a bucket, as s3://bucket/path",
        ));
    }
    if shown(url) != url {
        return Err(StoreError::Url(
            "a URL without user, password, query and fragment: credentials come from the environment",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        for (url, wanted) in [
            ("s3://bucket/a/b", "s3://bucket/a/b"),
            ("s3://key:secret@bucket/a", "s3://bucket/a"),
            ("s3://key@bucket", "s3://bucket"),
            ("az://box/a?sig=secret", "az://box/a"),
            ("az://box/a#secret", "az://box/a"),
            ("abfss://box@account.net/a", "abfss://box@account.net/a"),
            ("abfss://box:secret@account.net/a", "abfss://account.net/a"),
        ] {
            assert_eq!(shown(url), wanted);
            let is_refused = check_url(url).is_err();
            assert_eq!(
                is_refused,
                url != wanted || !cfg!(feature = "cloud"),
                "{url}"
            );
        }
        for (path, wanted) in [
            ("s3:/a", true),
            ("gs:/a/b", true),
            ("s3://a", false),
            ("s3/a", false),
        ] {
            assert_eq!(is_cut_url(Path::new(path)), wanted, "{path}");
        }
        for wrong in [
            "ftp://a/b",
            "http://a/b",
            "://a",
            "file:///a",
            "s3://",
            "s3:///",
        ] {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
        let access = Access::of(
            [("AWS_SECRET_ACCESS_KEY", "secret"), ("BUCKET", "other")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter(),
        );
        #[cfg(feature = "cloud")]
        assert_eq!(access.settings.len(), 1, "only what is meant for stores");
        assert_eq!(format!("{access:?}"), "Access");
    }
}
