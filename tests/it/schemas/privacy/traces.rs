//! An address in all forms in which it could get out, and a search for them in any bytes.

use std::collections::{BTreeSet, HashMap};

use super::digests::{STANDARD, URL_SAFE, base64, md5, sha1, sha256};

/// An address, and a form of it.
pub type Trace = (String, String);

/// Searches for addresses in all of their forms.
pub struct Traces {
    forms: Vec<(Trace, Vec<u8>)>,
    /// The places of the forms that start with these bytes.
    starts: HashMap<[u8; START], Vec<usize>>,
    /// Which of all pairs of bytes one of them starts with: most places of a file are none.
    pairs: Vec<bool>,
}

/// No form is shorter.
const START: usize = 12;

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

impl Traces {
    pub fn of(addresses: impl Iterator<Item = String>) -> Traces {
        let mut traces = Traces {
            forms: Vec::new(),
            starts: HashMap::new(),
            pairs: vec![false; 1 << 16],
        };
        for address in addresses {
            for (form, bytes) in forms(&address) {
                let start = bytes.first_chunk().expect("no shorter form");
                let places = traces.starts.entry(*start).or_default();
                places.push(traces.forms.len());
                traces.pairs[pair(&bytes)] = true;
                traces.forms.push(((address.clone(), form), bytes));
            }
        }
        traces
    }

    /// What of the addresses is in these bytes.
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<Trace> {
        let mut found = BTreeSet::new();
        for place in 0..bytes.len().saturating_sub(START - 1) {
            let rest = &bytes[place..];
            if !self.pairs[pair(rest)] {
                continue;
            }
            let start = rest.first_chunk().expect("so many bytes");
            for form in self.starts.get(start).into_iter().flatten() {
                let (trace, form) = &self.forms[*form];
                if rest.starts_with(form) {
                    found.insert(trace.clone());
                }
            }
        }
        found
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
        add(&format!("{name} in base64"), base64(&digest, STANDARD));
        add(&format!("{name} in base64url"), base64(&digest, URL_SAFE));
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
    let cut = |signs| base64(&padded, signs)[first..end].to_vec();
    [("base64", cut(STANDARD)), ("base64url", cut(URL_SAFE))]
}

fn digests(text: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    [
        ("MD5", md5(text)),
        ("SHA-1", sha1(text)),
        ("SHA-256", sha256(text)),
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
