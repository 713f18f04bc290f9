//! What stands for an address: nobody without the key can tell whose it is, nor try addresses out.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// Makes digests with a key.
#[derive(Clone)]
pub struct Digester {
    inner: Sha256,
    outer: Sha256,
}

impl fmt::Debug for Digester {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Digester")
    }
}

impl Digester {
    /// HMAC-SHA-256 (RFC 2104) with this key.
    pub fn new(key: &[u8]) -> Digester {
        const BLOCK: usize = 64;
        let mut padded = [0; BLOCK];
        match key.len() {
            ..=BLOCK => padded[..key.len()].copy_from_slice(key),
            _ => padded[..32].copy_from_slice(&Sha256::digest(key)),
        }
        let half = |pad: u8| Sha256::new_with_prefix(padded.map(|byte| byte ^ pad));
        Digester {
            inner: half(0x36),
            outer: half(0x5c),
        }
    }

    /// 128 bits of the digest of a text, an address in lower case, in hexadecimal digits.
    pub fn of(&self, text: &str) -> String {
        self.exact(&address(text))
    }

    /// The same of a text as it is.
    pub fn exact(&self, text: &str) -> String {
        let digest = self.bytes(text.as_bytes());
        digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn bytes(&self, text: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(text).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

/// An address without the name before it, in lower case; what is none stays as it is.
fn address(text: &str) -> String {
    let text = text.trim();
    // In a URL, large letters and small ones differ.
    if !is_address(text) || is_url(text) {
        return text.to_owned();
    }
    let bare = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(start), Some(rest)) => &rest[start + 1..],
        _ => text,
    };
    bare.trim().to_lowercase()
}

/// Whether a text may be an address, or hold one.
pub fn is_address(text: &str) -> bool {
    text.contains('@') || text.contains("%40")
}

/// Whether a text is a URL.
pub fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// Whether a text may be the name of a domain.
pub fn is_domain(text: &str) -> bool {
    let is_part = |sign: char| sign.is_alphanumeric() || matches!(sign, '.' | '-' | '_');
    text.contains('.') && text.chars().all(is_part)
}

/// The domain of an address.
pub fn domain(text: &str) -> Option<String> {
    let address = address(text);
    let (_, domain) = address.rsplit_once('@')?;
    let domain = domain.trim_end_matches('.');
    (!domain.is_empty()).then(|| domain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2 and 6.
    #[test]
    fn the_digest_is_hmac() {
        for (key, text, starts) in [
            (
                &[0x0b; 20][..],
                "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b",
            ),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c7",
            ),
            (
                &[0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f",
            ),
        ] {
            assert_eq!(Digester::new(key).of(text), starts);
        }
    }

    #[test]
    fn an_address_is_one_however_it_is_written() {
        let digester = Digester::new(b"key");
        let plain = digester.of("ann@example.com");
        assert_eq!(digester.of(" Ann <ANN@Example.com>"), plain);
        assert_ne!(digester.of("ann@example.org"), plain);
        assert_ne!(Digester::new(b"other").of("ann@example.com"), plain);
        assert_ne!(digester.of("Link"), digester.of("link"), "no address");
        let link =
            |path: &str| digester.of(&format!("https://example.com/{path}?to=ann@example.com"));
        assert_ne!(link("Spring"), link("spring"), "a URL is none either");
        assert_eq!(
            domain("Ann <ann@Example.COM.>"),
            Some("example.com".to_owned())
        );
        assert_eq!((domain("ann"), domain("ann@")), (None, None));
    }
}
