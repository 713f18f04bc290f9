//! An address in all forms in which it could get out, and a search for them in any bytes.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// An address, and a form of it.
pub type Trace = (String, String);

/// Searches for addresses in all of their forms.
pub struct Traces {
    names: Vec<Trace>,
    searcher: AhoCorasick,
}

impl Traces {
    pub fn of(addresses: impl Iterator<Item = String>) -> Traces {
        let mut names = Vec::new();
        let mut patterns = Vec::new();
        for address in addresses {
            for (form, bytes) in forms(&address) {
                names.push((address.clone(), form));
                patterns.push(bytes);
            }
        }
        let searcher = AhoCorasick::new(&patterns).expect("patterns");
        Traces { names, searcher }
    }

    /// What of the addresses is in these bytes.
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<Trace> {
        let found = self.searcher.find_overlapping_iter(bytes);
        found
            .map(|one| self.names[one.pattern().as_usize()].clone())
            .collect()
    }
}

/// All forms of an address: as it is, in small and in capital letters, each of them also as other writers
/// would encode it, and digested.
fn forms(address: &str) -> Vec<(String, Vec<u8>)> {
    let cases = [
        ("as it is", address.to_owned()),
        ("in small letters", address.to_lowercase()),
        ("in capitals", address.to_uppercase()),
    ];
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for (case, text) in cases {
        for (form, bytes) in encoded(text.as_bytes()) {
            if all.iter().all(|(_, known)| *known != bytes) {
                all.push((format!("{case}, {form}"), bytes));
            }
        }
    }
    all
}

fn encoded(text: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |form: &str, bytes: Vec<u8>| all.push((form.to_owned(), bytes));
    add("plain", text.to_vec());
    add("UTF-16", text.iter().flat_map(|byte| [*byte, 0]).collect());
    add("reversed", text.iter().rev().copied().collect());
    for (form, sign) in [("%", '%'), ("quoted-printable", '=')] {
        let at = |byte: &u8| match byte {
            b'@' => format!("{sign}40"),
            other => char::from(*other).to_string(),
        };
        let all_of_it = |byte: &u8| format!("{sign}{byte:02X}");
        add(form, text.iter().map(at).collect::<String>().into_bytes());
        let whole: String = text.iter().map(all_of_it).collect();
        add(&format!("{form}, every sign"), whole.into_bytes());
    }
    for (form, bytes) in hex(text) {
        add(form, bytes);
    }
    for alignment in 0..3 {
        for (form, bytes) in base64_within(text, alignment) {
            add(&format!("{form} at {alignment}"), bytes);
        }
    }
    for (name, digest) in digests(text) {
        for (form, bytes) in hex(&digest) {
            add(&format!("{name} in {form}"), bytes);
        }
        add(
            &format!("{name} in base64"),
            STANDARD_NO_PAD.encode(&digest).into(),
        );
        add(
            &format!("{name} in base64url"),
            URL_SAFE_NO_PAD.encode(&digest).into(),
        );
        add(name, digest);
    }
    all
}

fn hex(bytes: &[u8]) -> [(&'static str, Vec<u8>); 2] {
    let small: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let capitals = small.to_uppercase();
    [("hex", small.into_bytes()), ("HEX", capitals.into_bytes())]
}

/// What of the base64 of a longer text only these bytes decide, that start so many bytes into a group of three.
fn base64_within(text: &[u8], alignment: usize) -> [(&'static str, Vec<u8>); 2] {
    let padded = [&[0_u8; 2][..alignment], text].concat();
    // Six bits make a sign; the last one may hold bits of what follows.
    let (first, end) = ((alignment * 8).div_ceil(6), padded.len() * 8 / 6);
    let cut = |whole: String| whole.as_bytes()[first..end].to_vec();
    [
        ("base64", cut(STANDARD_NO_PAD.encode(&padded))),
        ("base64url", cut(URL_SAFE_NO_PAD.encode(&padded))),
    ]
}

fn digests(text: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    use md5::Digest as _;
    [
        ("MD5", md5::Md5::digest(text).to_vec()),
        ("SHA-1", sha1::Sha1::digest(text).to_vec()),
        ("SHA-256", sha2::Sha256::digest(text).to_vec()),
    ]
}

#[test]
fn every_form_of_an_address_is_found() {
    let address = "Ada.Lovelace@Example.org";
    let traces = Traces::of([address.to_owned()].into_iter());
    let finds = |text: &str, form: &str| {
        let found = traces.in_bytes(text.as_bytes());
        let is_there = found.iter().any(|(_, found)| found.contains(form));
        assert!(is_there, "{form} in {text}: {found:?}");
    };
    // Encoded and digested by other programs.
    for (text, form) in [
        ("<Ada.Lovelace@Example.org>", "as it is, plain"),
        ("x=ADA.LOVELACE@EXAMPLE.ORG", "in capitals, plain"),
        ("?to=ada.lovelace%40example.org&", "in small letters, %"),
        ("VG86IEFkYS5Mb3ZlbGFjZUBFeGFtcGxlLm9yZwo=", "base64 at 1"),
        ("QWRhLkxvdmVsYWNlQEV4YW1wbGUub3JnCg==", "base64 at 0"),
        (
            "Li5hZGEubG92ZWxhY2VAZXhhbXBsZS5vcmc=",
            "in small letters, base64 at 2",
        ),
        (
            "4164612e4c6f76656c616365404578616d706c652e6f7267",
            "as it is, hex",
        ),
        (
            "a0897f0967cd4affeb515028a3447d04",
            "in small letters, MD5 in hex",
        ),
        (
            "623f43541852ecff0f559a6714c974f7120b6b5b",
            "as it is, SHA-1 in hex",
        ),
        (
            "d5lHP/CRs4E34GmARzZOBARG/nyzIJ6DIdWoZRJ4U9A=",
            "in small letters, SHA-256 in base64",
        ),
    ] {
        finds(text, form);
    }
    assert_eq!(
        traces.in_bytes(b"ada.lovelace at example.org"),
        BTreeSet::new()
    );
}
