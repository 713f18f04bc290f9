//! The domains of recipients.

use super::cell::{Cell, Unsupported};
use super::labelled::Labelled;
use crate::model::{Code, Codes};
use arrow::array::RecordBatch;
use url::Host;

/// The column `recipient_domain`.
pub(super) struct Domains(Labelled<Code>);

impl Domains {
    pub fn new(codes: &Codes, batch: &RecordBatch) -> Result<Domains, Unsupported> {
        let column = batch.column_by_name("recipient_domain");
        let code = |text: &str| Cell::Value(codes.intern_domain(&name(text)));
        Labelled::new("recipient_domain", column, code).map(Domains)
    }

    /// The domain of a row, null where it has none.
    pub fn get(&self, codes: &Codes, row: usize) -> Code {
        match self.0.get(row, |_| Cell::Null) {
            Cell::Value(domain) => domain,
            Cell::Null => Code::NULL,
            Cell::Bad(_) => codes.intern_domain(""),
        }
    }
}

/// The name of a domain as the tables have it: in lower case, as DNS has it (RFC 5890); empty for a text that is
/// none, which may be an address.
fn name(text: &str) -> String {
    let is_name = |host: &str| {
        let has_labels = host.split('.').all(|label| !label.is_empty());
        host.contains('.') && has_labels && host.len() <= 253
    };
    match Host::parse(text.trim().trim_end_matches('.')) {
        Ok(Host::Domain(host)) if is_name(&host) && host.bytes().all(is_of_name) => host,
        _ => String::new(),
    }
}

/// Whether a byte may stand in the name of a host (RFC 1123), or in one that mail goes to all the same.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn only_names_of_domains_are_shown() {
        for (text, shown) in [
            ("example.com", "example.com"),
            (" Mail.EXAMPLE.Com. ", "mail.example.com"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("a_b.example", "a_b.example"),
            (".example.com", ""),
            ("a..example", ""),
            ("ann@example.com", ""),
            ("ann%40example.com", ""),
            ("ann+x.example", ""),
            ("localhost", ""),
            ("192.0.2.1", ""),
            ("[2001:db8::1]", ""),
            ("https://example.com/ann", ""),
            ("example.com/ann", ""),
            ("ann example.com", ""),
            ("", ""),
        ] {
            assert_eq!(name(text), shown, "{text:?}");
        }
        assert_eq!(name(&format!("{}.com", "a.".repeat(130))), "");
    }
}
