//! No address, no link and no value of a row is in a file or in a message.

use super::*;

const CANARY: &str = "canary.bird@nest.example";

/// Wherever a record may hold an address, it holds this one.
fn events() -> String {
    let text = std::fs::read_to_string(sample("ses/events.jsonl")).expect("the sample");
    let mut events = String::new();
    for name in [
        "ann", "bob", "cy", "dee", "Eve", "eve", "fay", "gil", "hal", "ida", "jo", "kim", "lou",
        "pat",
    ] {
        for domain in ["example.com", "example.org", "example.net", "Example.net"] {
            if text.contains(&format!("{name}@{domain}")) {
                events = match events.is_empty() {
                    true => text.replace(&format!("{name}@{domain}"), CANARY),
                    false => events.replace(&format!("{name}@{domain}"), CANARY),
                };
            }
        }
    }
    assert!(events.matches(CANARY).count() > 60);
    events
}

fn assert_silent(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for word in [
        "canary",
        "bird",
        "shop.example.com",
        "https:",
        "over quota",
        "diagnostic",
    ] {
        assert!(!text.contains(word), "{what} holds {word}");
    }
}

#[test]
fn no_address_goes_anywhere() {
    let site = site();
    let file = site.write("events.jsonl", events());
    let said = import(&site, "ses", &[&file.to_string_lossy()]).expect_status(3);
    assert_silent("the summary", said.text().as_bytes());
    let json = import(&site, "ses", &["--json", &file.to_string_lossy()]).expect_status(3);
    assert_silent("the JSON", json.text().as_bytes());
    for (name, bytes) in content(&site.path("lake")) {
        assert_silent(&name.to_string_lossy(), &bytes);
    }
    // Pages are compressed.
    let all = format!(
        "{:?}{:?}",
        rows(&site, "sending_log"),
        rows(&site, "tracking_log")
    );
    assert_silent("a row", all.as_bytes());
    assert!(
        all.contains("nest.example"),
        "the domain is a column of the contract"
    );
}

/// Also where a mapping takes an address for something else.
#[test]
fn an_address_in_the_wrong_column_is_not_written() {
    let site = site();
    let line = format!(
        r#"{{"delivery_id":"d","message_id":"m","event":"hard_bounce","event_at":"2026-03-02T09:00:00Z","recipient_id":"{CANARY}","recipient_domain":"{CANARY}","failure_reason":"550 <{CANARY}> is canary"}}"#
    );
    let sending = site.write("s.jsonl", line);
    let line = format!(
        r#"{{"delivery_id":"d","message_id":"m","type":"click","event_at":"2026-03-02T09:00:00Z","recipient_id":"{CANARY}","url_id":"mailto:{CANARY}"}}"#
    );
    let tracking = site.write("t.jsonl", line);
    let (sending, tracking) = (sending.to_string_lossy(), tracking.to_string_lossy());
    let words = ["--sending-log", &*sending, "--tracking-log", &*tracking];
    import(&site, "contract", &words).expect_status(0);
    let (sending, tracking) = (rows(&site, "sending_log"), rows(&site, "tracking_log"));
    assert_silent("a row", format!("{sending:?}{tracking:?}").as_bytes());
    assert_eq!(sending[0]["recipient_domain"], "nest.example");
    assert_eq!(sending[0]["recipient_id"], tracking[0]["recipient_id"]);
    assert_eq!(sending[0]["failure_reason"], serde_json::Value::Null);
}

/// Nor in any form, in any column but the label of a delivery, which is what somebody calls it.
#[test]
fn addresses_and_urls_are_in_no_column_whatever_the_mapping_says() {
    let site = site();
    let (hidden, url) = ("zoe%40canary.example", "https://canary.example/?to=zoe");
    let mut lines = String::new();
    for who in [CANARY, hidden, url] {
        lines += &format!(
            r#"{{"delivery_id":"d","message_id":"{who}","event":"hard_bounce","event_at":"2026-03-02T09:00:00Z","recipient_id":"{who}","recipient_domain":"{who}","failure_reason":"see {who}"}}"#
        );
        lines += "\n";
    }
    let of_delivery = format!(
        r#"{{"delivery_id":"{CANARY}","message_id":"m","event":"relayed","event_at":"2026-03-02T09:00:00Z"}}"#
    );
    site.write("s.jsonl", lines + &of_delivery);
    let tracking = format!(
        r#"{{"delivery_id":"d","message_id":"m","type":"{CANARY}","event_at":"2026-03-02T09:00:00Z"}}"#
    );
    site.write("t.jsonl", tracking);
    let words = ["--sending-log", "s.jsonl", "--tracking-log", "t.jsonl"];
    import(&site, "contract", &words).expect_status(3).says(&[
        "delivery_id: an address in the place of an identifier",
        "type: unknown label or code",
    ]);
    let sending = rows(&site, "sending_log");
    assert_eq!(sending.len(), 3);
    let ids: std::collections::BTreeSet<String> =
        column(&sending, "message_id").into_iter().collect();
    assert_eq!(ids.len(), 3, "messages stay apart");
    for id in ids {
        assert_eq!(id.len(), 32, "{id}");
    }
    let all = format!("{sending:?}");
    for trace in [CANARY, "%40", "https", "zoe"] {
        assert!(!all.contains(trace), "{trace}: {all}");
    }
}

/// One key for each directory, which is the user's alone; or one that is given, so that two directories agree.
#[test]
fn digests_need_a_key() {
    use std::os::unix::fs::PermissionsExt;
    let site = site();
    let file = sample("ses/events.jsonl");
    let ids = |words: &[&str]| {
        import(&site, "ses", &[words, &[&*file]].concat()).expect_status(3);
        let ids = column(&rows(&site, "sending_log"), "recipient_id");
        ids.into_iter().collect::<Vec<_>>()
    };
    let first = ids(&[]);
    assert!(first.iter().all(|id| id.len() == 32), "{first:?}");
    let key = site.path("lake/_digest_key");
    let bytes = std::fs::read(&key).expect("a key");
    assert_eq!(bytes.len(), 32);
    let mode = key.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(ids(&[]), first, "the key stays");
    std::fs::rename(&key, site.path("key")).expect("moved");
    // Another key would make other messages of the same ones.
    let gone = import(&site, "ses", &[&file]).expect_status(2);
    gone.says(&[
        "expected the key of digests that earlier imports",
        "no file _digest_key",
    ]);
    site.write("other", [7; 32]);
    let other = import(&site, "ses", &["--digest-key", "other", &file]).expect_status(2);
    other.says(&["another one in the file of --digest-key"]);
    assert_eq!(ids(&["--digest-key", "key"]), first);
    site.write("short", "fifteen letters");
    let short = import(&site, "ses", &["--digest-key", "short", &file]).expect_status(2);
    short.says(&["--digest-key: expected a file of at least 16 bytes"]);
    site.write("empty", "");
    import(&site, "ses", &["--digest-key", "empty", &file]).expect_status(2);
    import(&site, "ses", &["--digest-key", "none", &file]).expect_status(2);
}
