//! A bucket, reached without the proxy and its faults.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use super::super::site::content;
use super::http::{Answer, Client, Request};

/// What the server takes for a signature: it does not check it, but objects are for those who sign.
const SIGNED: (&str, &str) = (
    "Authorization",
    "AWS4-HMAC-SHA256 Credential=test/20260302/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0",
);

/// Where a bucket is made: the region of [`SIGNED`] and of the programs' environment.
const REGION: &str = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";

/// How many keys are listed at once.
pub const PAGE: usize = 250;

pub struct Store {
    address: SocketAddr,
    bucket: String,
    client: Mutex<Client>,
}

impl Store {
    /// Makes the bucket.
    pub fn new(address: SocketAddr, bucket: &str) -> Store {
        let store = Store::at(address, bucket);
        store.ask("PUT", "", &[], REGION.as_bytes());
        store
    }

    /// A bucket that is there already, at the address of a server or of a proxy.
    pub fn at(address: SocketAddr, bucket: &str) -> Store {
        Store {
            address,
            bucket: bucket.to_owned(),
            client: Mutex::new(Client::new(address)),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The address of an object or a folder, as it is typed.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// A signed request for an object; for the bucket itself where `key` is empty or a query.
    pub fn send(
        &self,
        method: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let target = match key.starts_with('?') {
            true => format!("/{}{key}", self.bucket),
            false => format!("/{}/{}", self.bucket, encoded(key)),
        };
        let headers = [headers, &[SIGNED]].concat();
        let request = Request::new(method, target.trim_end_matches('/'), &headers, body);
        let mut client = self.client.lock().unwrap_or_else(|e| e.into_inner());
        client.send(&request)
    }

    /// The same, which must be done.
    fn ask(&self, method: &str, key: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let answer = self.send(method, key, headers, body);
        let answer = answer.unwrap_or_else(|error| panic!("{method} {key}: {error}"));
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status / 100 == 2, "{method} {key}: {text}");
        answer.body
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        self.ask("PUT", key, &[], bytes);
    }

    pub fn get(&self, key: &str) -> Vec<u8> {
        self.ask("GET", key, &[], b"")
    }

    pub fn delete(&self, key: &str) {
        self.ask("DELETE", key, &[], b"");
    }

    /// All keys that begin so, in their order.
    pub fn list(&self, prefix: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut query = format!("?list-type=2&max-keys={PAGE}&prefix={}", encoded(prefix));
            if let Some(token) = &token {
                query += &format!("&continuation-token={}", encoded(token));
            }
            let body = self.ask("GET", &query, &[], b"");
            let text = String::from_utf8(body).expect("XML");
            keys.extend(elements(&text, "Key").map(plain));
            let next = elements(&text, "NextContinuationToken").next();
            match next {
                Some(next) => token = Some(plain(next)),
                None => return keys,
            }
        }
    }

    /// All files below a folder, under this prefix, which ends with `/` or is empty.
    pub fn upload(&self, folder: &Path, prefix: &str) {
        for (path, bytes) in content(folder) {
            self.put(&format!("{prefix}{}", path.display()), &bytes);
        }
    }

    /// All objects under a prefix as files below a folder.
    pub fn download(&self, prefix: &str, into: &Path) {
        for key in self.list(prefix) {
            let path = into.join(key.strip_prefix(prefix).expect("a key below"));
            fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
            fs::write(&path, self.get(&key)).expect("a written file");
        }
    }
}

/// A key as it stands in a path or a query.
fn encoded(key: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    key.bytes().map(byte).collect()
}

/// The texts of all elements of this name.
pub fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let rest = xml.split(&start).skip(1).collect::<Vec<_>>().into_iter();
    rest.map(move |rest| rest.split(&end).next().unwrap_or_default())
}

/// A text of XML without its references.
pub fn plain(text: &str) -> String {
    let signs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&apos;", "'"),
    ];
    let text = signs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}
