//! What is rejected, and how it is named: by file, line, column and reason.

use super::*;

/// One row for each way to break the contract; what is said of it.
#[test]
fn every_way_to_break_the_contract_is_named() {
    let site = site();
    let whole =
        r#""delivery_id":1,"message_id":2,"event":"relayed","event_at":"2026-03-02T09:00:00Z""#;
    let cases = [
        ("{", "not one JSON object"),
        ("[]", "not one JSON object"),
        ("{} {}", "not one JSON object"),
        (
            r#"{"message_id":2,"event":"relayed","event_at":"2026-03-02T09:00:00Z"}"#,
            "delivery_id: null",
        ),
        (
            r#"{"delivery_id":1,"message_id":" ","event":"relayed","event_at":"2026-03-02T09:00:00Z"}"#,
            "message_id: null",
        ),
        (
            r#"{"delivery_id":1.5,"message_id":2,"event":"relayed","event_at":"2026-03-02T09:00:00Z"}"#,
            "delivery_id: neither text nor a whole number",
        ),
        (
            r#"{"delivery_id":1,"message_id":2,"event_at":"2026-03-02T09:00:00Z"}"#,
            "event: null",
        ),
        (
            r#"{"delivery_id":1,"message_id":2,"event":"lost","event_at":"2026-03-02T09:00:00Z"}"#,
            "event: unknown label or code",
        ),
        (
            r#"{"delivery_id":1,"message_id":2,"event":"relayed"}"#,
            "event_at: null",
        ),
        (
            r#"{"delivery_id":1,"message_id":2,"event":"relayed","event_at":"yesterday"}"#,
            "event_at: no instant",
        ),
        (
            r#"{"delivery_id":1,"message_id":2,"event":"relayed","event_at":"1989-12-31T23:59:59Z"}"#,
            "event_at: instant outside the years 1990 to 2099",
        ),
        (
            r#"{"delivery_id":1,"message_id":2,"status":"odd","event_at":"2026-03-02T09:00:00Z"}"#,
            "status: unknown label or code",
        ),
    ];
    let more = [
        (r#","log_id":"x"}"#, "log_id: not a whole number of 64 bits"),
        (r#","log_id":1.5}"#, "log_id: not a whole number of 64 bits"),
        (
            r#","log_id":18446744073709551615}"#,
            "log_id: not a whole number of 64 bits",
        ),
        (
            r#","deleted":"perhaps"}"#,
            "deleted: neither true, false, 0 nor 1",
        ),
        (r#","deleted":true}"#, "deleted: a deletion without log_id"),
        (r#","is_test":2}"#, "is_test: neither true, false, 0 nor 1"),
    ];
    let mut lines: Vec<(String, &str)> = cases
        .iter()
        .map(|(line, said)| ((*line).to_owned(), *said))
        .collect();
    lines.extend(
        more.iter()
            .map(|(rest, said)| (format!("{{{whole}{rest}"), *said)),
    );
    for (line, said) in &lines {
        let file = site.write("one.jsonl", format!("\n{line}\n{{{whole}}}\n"));
        let file = file.to_string_lossy();
        let outcome = import(&site, "contract", &["--sending-log", &file]).expect_status(3);
        let wanted = format!("  rejected: 1 {said} (line 2)\n");
        assert!(
            outcome.stderr.contains(&wanted),
            "{line}\n{}",
            outcome.text()
        );
        assert!(
            outcome
                .stderr
                .contains("one.jsonl: 2 records = 1 sending_log + 1 rejected")
        );
    }
    // What no KPI needs rejects nothing, and an unknown type is given apart.
    let file = site.write(
        "one.jsonl",
        format!("{{{whole},\"recipient_id\":1.5,\"recipient_domain\":7}}\n{{{whole},\"log_id\":\"12\",\"deleted\":0}}\n"),
    );
    import(
        &site,
        "contract",
        &["--sending-log", &file.to_string_lossy()],
    )
    .expect_status(0);
    // A deletion needs no more than its keys.
    let file = site.write(
        "one.jsonl",
        "{\"delivery_id\":1,\"message_id\":2,\"log_id\":3,\"deleted\":true}\n",
    );
    import(
        &site,
        "contract",
        &["--sending-log", &file.to_string_lossy()],
    )
    .expect_status(0);
    import(
        &site,
        "contract",
        &["--tracking-log", &file.to_string_lossy()],
    )
    .expect_status(0);
}

#[test]
fn the_first_lines_are_named_and_all_are_counted() {
    let site = site();
    let mut text = "delivery_id,message_id,event,event_at\n".to_owned();
    for row in 0..12 {
        text += &format!(
            "1,{row},{},2026-03-02 09:00:00\n",
            if row % 2 == 0 { "relayed" } else { "lost" }
        );
    }
    let file = site.write("log.csv", &text);
    let words = ["--sending-log", &*file.to_string_lossy()];
    import(&site, "contract", &words)
        .expect_status(3)
        .says(&["rejected: 6 event: unknown label or code (line 3, 5, 7, 9, 11, …)"]);
    import(
        &site,
        "contract",
        &[&words[..], &["--max-rejected", "6"]].concat(),
    )
    .expect_status(0);
    import(
        &site,
        "contract",
        &[&words[..], &["--max-rejected", "5"]].concat(),
    )
    .expect_status(3);
}

/// A recipient of several who breaks the contract takes the whole record along: half of an event would be told.
#[test]
fn a_record_is_rejected_as_a_whole() {
    let site = site();
    let event = |status: &str| {
        format!(
            r#"{{"kind":"sent","id":"m","set":"d","at":"2026-03-02T09:00:00Z","to":[{{"who":"a","so":"ok"}},{{"who":"b","so":"{status}"}}]}}"#
        )
    };
    site.write(
        "own.toml",
        "[records]\nkind = [\"kind\", \"@.so\"]\neach = [\"to\"]\nevent = { \"sent/ok\" = \"relayed\" }\n\
         [disregard.kind]\n\"sent/not\" = \"not sent\"\n\
         [logs]\ndelivery_id = \"set\"\nmessage_id = { join = [\"id\", \"@.who\"] }\nevent_at = \"at\"\n",
    );
    for (status, code, said, sending) in [
        ("ok", 0, "1 records = 1 sending_log", 2),
        ("not", 0, "1 records = 1 sending_log", 1),
        ("odd", 3, "1 records = 1 rejected", 0),
    ] {
        let file = site.write("one.jsonl", event(status));
        import(&site, "own.toml", &[&file.to_string_lossy()])
            .expect_status(code)
            .says(&[said]);
        assert_eq!(rows(&site, "sending_log").len(), sending, "{status}");
    }
}
