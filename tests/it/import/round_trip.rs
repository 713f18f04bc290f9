//! Whatever way rows take, as CSV, as JSON Lines or as Parquet, they come to the same tables.

use std::collections::BTreeSet;

use super::super::random;
use super::super::site::{deliveries, hourly, without_run};
use super::super::world::{DeliveryRow, Layout, SendingRow, TrackingRow};
use super::*;
use serde_json::{Map, Value, json};

/// Fields in the contract's order.
type Fields = Vec<(&'static str, Value)>;

fn at(micros: Option<i64>) -> Value {
    let Some(micros) = micros else {
        return Value::Null;
    };
    // Some instants of random rows are of no plausible year.
    let instant = jiff::Timestamp::from_microsecond(micros).expect("an instant");
    json!(instant.to_string())
}

fn of_sending(row: &SendingRow) -> Fields {
    vec![
        ("delivery_id", json!(row.delivery_id)),
        ("message_id", json!(row.message_id)),
        ("event", json!(row.event)),
        ("status", json!(row.status)),
        ("failure_type", json!(row.failure_type)),
        ("event_at", at(row.event_at)),
        ("failure_reason", json!(row.failure_reason)),
        ("recipient_id", json!(row.recipient_id)),
        ("recipient_domain", json!(row.recipient_domain)),
        ("log_id", json!(row.log_id)),
        ("revision", json!(row.revision)),
        ("deleted", json!(row.deleted)),
        ("is_test", json!(row.is_test)),
    ]
}

fn of_tracking(row: &TrackingRow) -> Fields {
    vec![
        ("delivery_id", json!(row.delivery_id)),
        ("message_id", json!(row.message_id)),
        ("recipient_id", json!(row.recipient_id)),
        ("type", json!(row.tracking_type)),
        ("event_at", at(row.event_at)),
        ("url_id", json!(row.url_id)),
        ("log_id", json!(row.log_id)),
        ("revision", json!(row.revision)),
        ("deleted", json!(row.deleted)),
        ("is_test", json!(row.is_test)),
        ("machine", json!(row.machine)),
    ]
}

fn of_delivery(row: &DeliveryRow) -> Fields {
    vec![
        ("delivery_id", json!(row.delivery_id)),
        ("label", json!(row.label)),
        ("channel", json!(row.channel)),
        ("parent_delivery_id", json!(row.parent_delivery_id)),
        ("started_at", at(row.started_at)),
        ("validity_end", at(row.validity_end)),
        ("modified_at", at(row.modified_at)),
        ("to_deliver", json!(row.to_deliver)),
        ("efs", json!(row.efs)),
    ]
}

fn json_lines(rows: &[Fields]) -> String {
    let line = |row: &Fields| {
        let row: Map<String, Value> = row
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        format!("{}\n", Value::Object(row))
    };
    rows.iter().map(line).collect()
}

/// As a spreadsheet writes it: whatever is odd in quotes, lines with carriage returns.
fn csv(rows: &[Fields]) -> String {
    let field = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
    };
    let names = rows[0].iter().map(|(name, _)| (*name).to_owned());
    let mut text = names.collect::<Vec<_>>().join(",") + "\r\n";
    for row in rows {
        let fields: Vec<String> = row.iter().map(|(_, value)| field(value)).collect();
        text += &(fields.join(",") + "\r\n");
    }
    text
}

const MAPPING: &str = "base = \"contract\"\nintegers = [\"delivery_id\", \"message_id\", \"recipient_id\", \"url_id\"]\n";

#[test]
fn random_rows_come_to_the_same_tables_whatever_way_they_take() {
    let mut tried = BTreeSet::new();
    for seed in 0..12 {
        let (world, as_of, _) = random::world(seed);
        let site = Site::laid_out(&world, &Layout::default());
        if world.sending.is_empty() {
            continue;
        }
        tried.insert(seed);
        let as_of = jiff::Timestamp::from_microsecond(as_of)
            .expect("an instant")
            .to_string();
        let direct = site.run(&["--as-of", &as_of]);
        assert!(matches!(direct.status, Some(0 | 3)), "{}", direct.text());
        let expected = (
            without_run(&hourly(&site.output())),
            without_run(&deliveries(&site.output())),
        );
        site.write("own.toml", MAPPING);
        let extracts: [(&str, Vec<Fields>); 3] = [
            (
                "sending-log",
                world.sending.iter().map(of_sending).collect(),
            ),
            (
                "tracking-log",
                world.tracking.iter().map(of_tracking).collect(),
            ),
            (
                "deliveries",
                world.deliveries.iter().map(of_delivery).collect(),
            ),
        ];
        for ending in ["csv", "jsonl"] {
            let mut words = vec!["--max-rejected".to_owned(), "1000".to_owned()];
            for (name, rows) in extracts.iter().filter(|(_, rows)| !rows.is_empty()) {
                let text = match ending {
                    "csv" => csv(rows),
                    _ => json_lines(rows),
                };
                let path = site.write(&format!("{name}.{ending}"), text);
                words.extend([format!("--{name}"), path.to_string_lossy().into_owned()]);
            }
            if site.path("lake").exists() {
                std::fs::remove_dir_all(site.path("lake")).expect("the last one goes");
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            import(&site, "own.toml", &words).expect_status(0);
            recompute(&site, &as_of).expect_status(0);
            let output = site.path("lake/kpi");
            let found = (
                without_run(&hourly(&output)),
                without_run(&deliveries(&output)),
            );
            assert_eq!(found, expected, "{ending} of seed {seed}");
        }
    }
    assert!(tried.len() > 8, "{tried:?}");
}

/// Without a mapping of one's own, identifiers are text.
#[test]
fn the_contracts_own_columns_need_no_mapping() {
    let site = site();
    let file = site.write(
        "log.csv",
        "delivery_id,message_id,event,event_at,note\n7,a-1,Relayed,2026-03-02T09:00:00.1234567+01:00,x\n7,a-1, DELIVERED ,2026-03-02 09:00,\n",
    );
    import(
        &site,
        "contract",
        &["--sending-log", &file.to_string_lossy()],
    )
    .expect_status(0);
    let rows = rows(&site, "sending_log");
    assert_eq!(column(&rows, "delivery_id"), ["7", "7"]);
    assert_eq!(rows[0]["delivery_id"], "7", "text");
    assert_eq!(column(&rows, "event"), ["relayed", "delivered"]);
    assert_eq!(rows[0]["event_at"], 1_772_438_400_123_456_i64);
    assert_eq!(rows[1]["event_at"], super::super::site::NINE);
    assert!(!rows[0].contains_key("note"));
}
