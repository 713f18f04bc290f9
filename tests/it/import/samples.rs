//! The samples in `data/`: every kind of record, and the KPIs that follow by hand.

use super::super::site::{deliveries, number};
use super::*;

/// Counters of a delivery, those that are not named being 0.
fn assert_counters(row: &Row, expected: &[(&str, i64)]) {
    const ALL: [&str; 17] = [
        "processed",
        "pending",
        "delivered",
        "bounces_errors",
        "hard_bounces",
        "soft_bounces",
        "failed_by_deadline",
        "retrying",
        "soft_bounce_events",
        "complaints",
        "opens_tracked",
        "unique_opens",
        "opens",
        "clicks",
        "unique_clicks",
        "mirror_page_views",
        "unsubscribes",
    ];
    for name in ALL {
        let wanted = expected.iter().find(|(counter, _)| *counter == name);
        assert_eq!(
            number(row, name),
            wanted.map_or(0, |(_, value)| *value),
            "{name}"
        );
    }
}

/// Eleven messages of `spring-sale` are handed over, as one mail goes to two people:
/// delivered: ann, fay and gil, jo; cy, whose delay ends well; eve, whose automatic reply is no failure, and
/// who complains later.
/// hard: bob, unknown to his server; kim, to whom SES did not send.
/// soft: dee, whose mailbox is full, and ida, for whatever reason, both still being tried as far as anybody knows;
/// hal, whose retries are over.
#[test]
fn events_of_amazon_ses() {
    let site = site();
    let said = import(
        &site,
        "ses",
        &["--max-rejected", "4", &sample("ses/events.jsonl")],
    );
    let said = said.expect_status(0);
    assert_eq!(said.stdout, "");
    let said = said.says(&[
        "events.jsonl: 37 records = 26 sending_log + 5 tracking_log + 2 disregarded + 4 rejected",
        "disregarded: 1 never handed over: SES found a virus in it",
        "disregarded: 1 never handed over: its template could not be filled in",
        "rejected: 1 not one JSON object (line 35)",
        "rejected: 1 delivery_id: null (line 34)",
        "rejected: 1 kind: unknown label or code (line 36)",
        "rejected: 1 event_at: no instant (line 37)",
        "sending_log   28 rows",
        "tracking_log  5 rows",
        "go on with: delivery-kpi recompute lake/job.toml",
    ]);
    drop(said);
    recompute(&site, "2026-03-02T12:00:00Z").expect_status(0);
    let kpis = deliveries(&site.path("lake/kpi"));
    assert_eq!(kpis.keys().collect::<Vec<_>>(), ["4711", "spring-sale"]);
    assert_counters(&kpis["4711"], &[("processed", 1), ("pending", 1)]);
    assert_counters(
        &kpis["spring-sale"],
        &[
            ("processed", 11),
            ("delivered", 6),
            ("bounces_errors", 5),
            ("hard_bounces", 2),
            ("soft_bounces", 3),
            ("retrying", 2),
            // Of cy, dee, ida and hal.
            ("soft_bounce_events", 4),
            ("complaints", 1),
            // Of ann, and of one of the two to whom one mail went.
            ("opens_tracked", 2),
            ("unique_opens", 2),
            ("opens", 2),
            ("clicks", 2),
            ("unique_clicks", 1),
            ("unsubscribes", 1),
        ],
    );
    // What one mail to two people becomes.
    let sending = rows(&site, "sending_log");
    let of_two: Vec<&Row> = sending
        .iter()
        .filter(|row| {
            row["message_id"]
                .as_str()
                .is_some_and(|id| id.contains(':'))
        })
        .collect();
    assert_eq!(of_two.len(), 4, "two events about two recipients");
    for row in of_two {
        let (mail, digest) = row["message_id"]
            .as_str()
            .and_then(|id| id.split_once(':'))
            .expect("both");
        assert_eq!(mail, "010001957d3a0006-spring");
        assert_eq!(row["recipient_id"], digest);
    }
    let reasons = column(&sending, "failure_reason");
    for reason in ["1", "5", "8", "6", "general", "undetermined"] {
        assert!(
            reasons.iter().any(|found| found == reason),
            "{reason}: {reasons:?}"
        );
    }
    let domains = column(&sending, "recipient_domain");
    assert!(
        domains.iter().all(|domain| domain.starts_with("example.")),
        "{domains:?}"
    );
}

/// With EFS, of `DM101`: 1001 and, at the second try, 1003 are delivered; 1005 is on its way; 1002 is unknown, 1004
/// not reached for now. 1006 and 1008 were never handed over, 1007 is a proof.
/// Without, of `DM102`: three were relayed, 2002 failed in the end; 2003 was pending before, which is no relay.
#[test]
fn files_of_campaign_standard() {
    let site = site();
    let file = |name: &str| sample(&format!("campaign-standard/{name}.csv"));
    let files = ["sending_log", "tracking_log", "deliveries"].map(file);
    let words = [
        "--sending-log",
        &*files[0],
        "--tracking-log",
        &*files[1],
        "--deliveries",
        &*files[2],
    ];
    let said = import(&site, "campaign-standard", &words).expect_status(3);
    drop(said.says(&[
        "sending_log.csv: 23 records = 17 sending_log + 2 disregarded + 4 rejected",
        "disregarded: 1 left out before it was sent",
        "disregarded: 1 not sent yet",
        "rejected: 1 status: unknown label or code (line 21)",
        "rejected: 1 event_at: no instant (line 22)",
        "rejected: 1 not as many fields as the header has (line 23)",
        "rejected: 1 message_id: null (line 24)",
        "tracking_log.csv: 7 records = 7 tracking_log",
        "deliveries.csv: 2 records = 2 deliveries",
    ]));
    recompute(&site, "2026-03-02T12:00:00Z").expect_status(0);
    let kpis = deliveries(&site.path("lake/kpi"));
    assert_counters(
        &kpis["DM101"],
        &[
            ("processed", 5),
            ("pending", 1),
            ("delivered", 2),
            ("bounces_errors", 2),
            ("hard_bounces", 1),
            ("soft_bounces", 1),
            ("retrying", 1),
            ("soft_bounce_events", 2),
            // 1001 twice; 1003, who saw the mirror page, had blocked the images.
            ("opens_tracked", 2),
            ("unique_opens", 2),
            ("opens", 3),
            ("clicks", 1),
            ("unique_clicks", 1),
            ("mirror_page_views", 1),
            ("unsubscribes", 1),
        ],
    );
    assert_counters(
        &kpis["DM102"],
        &[
            ("processed", 3),
            ("delivered", 2),
            ("bounces_errors", 1),
            ("soft_bounces", 1),
            ("opens_tracked", 1),
            ("unique_opens", 1),
            ("opens", 1),
        ],
    );
    assert_eq!(kpis["DM101"]["label"], "Spring sale, first wave");
    let sending = rows(&site, "sending_log");
    assert_eq!(column(&sending, "failure_reason")[6..9], ["1", "5", "3"]);
    assert_eq!(column(&sending, "recipient_domain")[9], "example.org");
    let tracking = rows(&site, "tracking_log");
    assert_eq!(
        column(&tracking, "type")[5],
        "social sharing",
        "it is given apart"
    );
}

/// Machines are told the same.
#[test]
fn what_became_of_the_records_as_json() {
    let site = site();
    let said = import(&site, "ses", &["--json", &sample("ses/events.jsonl")]).expect_status(3);
    assert_eq!(said.stderr, "");
    let told: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(
        (&told["exit_code"], &told["source"]),
        (&3.into(), &"ses".into())
    );
    let file = &told["files"][0];
    assert_eq!(file["records_read"], 37);
    assert_eq!(file["records_written"]["sending_log"], 26);
    assert_eq!(file["rows"]["sending_log"], 28);
    assert_eq!(
        (&file["records_disregarded"], &file["records_rejected"]),
        (&2.into(), &4.into())
    );
    let rejected = file["rejected"].as_array().expect("a list");
    let of = |reason: &str| {
        rejected
            .iter()
            .find(|rejected| rejected["reason"] == reason)
    };
    let malformed = of("not one JSON object").expect("it is there");
    assert_eq!(
        (&malformed["column"], &malformed["lines"]),
        (&().into(), &vec![35].into())
    );
}
