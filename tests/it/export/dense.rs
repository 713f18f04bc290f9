//! `--dense`: the hours without a row, compared with a naive forward fill of the table.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::super::delta::Row;
use super::super::oracle::Mode;
use super::super::random;
use super::super::site::{HOUR, NINE, Site, number};
use super::super::world::Layout;
use super::{CUT, export, of_json_lines, of_parquet, table, two_days, values};

fn instant(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(micros).expect("an instant of this age")
}

/// Every hour of every delivery, from its first row to its as-of, in the order of files.
fn filled(site: &Site) -> Vec<Row> {
    let mut rows: BTreeMap<String, BTreeMap<i64, Row>> = BTreeMap::new();
    for row in table(site, "delivery_kpi_hourly") {
        let of_delivery = rows.entry(row["delivery_id"].to_string()).or_default();
        of_delivery.insert(number(&row, "hour"), row);
    }
    let mut filled = Vec::new();
    for delivery in table(site, "delivery_kpi") {
        let as_of = number(&delivery, "as_of");
        let Some(hours) = rows.remove(&delivery["delivery_id"].to_string()) else {
            continue;
        };
        let mut hour = *hours.keys().next().expect("an hour");
        let mut last = &hours[&hour];
        while hour < as_of {
            let mut row = match hours.get(&hour) {
                Some(row) => {
                    last = row;
                    row.clone()
                }
                None => {
                    let mut row = last.clone();
                    for (name, value) in &mut row {
                        // What nobody has counted stays unknown.
                        if name.ends_with("_delta") && !value.is_null() {
                            *value = 0.into();
                        }
                    }
                    row["hour_complete"] = (hour + HOUR <= as_of).into();
                    row
                }
            };
            row["hour"] = hour.into();
            row["date"] = instant(hour).to_string()[..10].into();
            filled.push(row);
            hour += HOUR;
        }
    }
    assert!(rows.is_empty(), "every delivery is in both tables");
    // By date, delivery and hour; deliveries came in order.
    filled.sort_by_key(|row| row["date"].to_string());
    filled
}

fn within(rows: &[Row], from: i64, to: i64) -> Vec<Row> {
    let is_within = |row: &&Row| (from..to).contains(&number(row, "hour"));
    rows.iter().filter(is_within).cloned().collect()
}

fn exported(site: &Site, flags: &[&str]) -> Vec<Value> {
    let flags = [&["--dense"], flags].concat();
    export(site, "delivery_kpi_hourly", "dense.jsonl", &flags).expect_status(0);
    let text = fs::read_to_string(site.path("dense.jsonl")).expect("a text");
    of_json_lines(&text)
}

#[test]
fn hours_without_a_row_repeat_what_holds() {
    let site = Site::new(&two_days());
    site.run_to(0, &["--as-of", CUT]);
    let expected = filled(&site);
    // From nine to half past eleven of the next day: 27 hours each, and two deliveries.
    assert_eq!(expected.len(), 2 * 27);
    let found = exported(&site, &[]);
    assert_eq!(found, values(&expected));
    let cut: Vec<&Value> = found
        .iter()
        .filter(|row| row["hour_complete"] == false)
        .collect();
    assert_eq!(cut.len(), 2, "one has a row, the other is filled in");
    export(&site, "delivery_kpi_hourly", "dense.parquet", &["--dense"]).expect_status(0);
    assert_eq!(of_parquet(&site.path("dense.parquet")), values(&expected));
    // A sum of changes is the value of the last hour, as in the table.
    let opens = |rows: &[Value]| {
        rows.iter()
            .map(|row| row["opens_delta"].as_i64())
            .sum::<Option<i64>>()
    };
    assert_eq!(
        opens(&found),
        opens(&values(&table(&site, "delivery_kpi_hourly")))
    );
}

/// The last day may be long after the last row.
#[test]
fn days_without_a_row_are_there() {
    let site = Site::new(&two_days());
    site.run_to(0, &["--as-of", "2026-03-09T00:00:00Z"]);
    let expected = filled(&site);
    assert_eq!(exported(&site, &[]), values(&expected));
    assert_eq!(
        expected.last().map(|row| row["date"].clone()),
        Some("2026-03-08".into())
    );
    let day = [
        "--from",
        "2026-03-06T00:00:00Z",
        "--to",
        "2026-03-07T00:00:00Z",
    ];
    let found = exported(&site, &day);
    assert_eq!(
        found.len(),
        2 * 24,
        "what holds is carried into the interval"
    );
    // After as-of there is nothing.
    assert_eq!(
        exported(&site, &["--from", "2026-03-09T00:00:00Z"]),
        [Value::Null; 0]
    );
}

/// Random histories, of which one delivery was computed later than the others.
#[test]
fn any_history_is_filled_as_by_hand() {
    let mut many = 0;
    for seed in 7..27 {
        let (world, as_of, mode) = random::world(seed);
        let string_ids = seed % 2 == 0;
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = Site::laid_out(&world, &layout);
        let mode = match mode {
            Mode::Infer => "infer",
            Mode::Reported => "reported",
        };
        let first = instant(as_of).to_string();
        let run = site.run(&["--as-of", &first, "--deadline", mode]);
        if !matches!(run.status, Some(0 | 3)) {
            continue;
        }
        let id = if string_ids { "d-1" } else { "1" };
        let later = instant(as_of + 27 * HOUR + 1).to_string();
        site.run(&["--as-of", &later, "--deadline", mode, "--delivery", id]);
        let expected = filled(&site);
        many += usize::from(expected.len() > table(&site, "delivery_kpi_hourly").len());
        assert_eq!(exported(&site, &[]), values(&expected), "seed {seed}");
        let (from, to) = (NINE + 5 * HOUR + 1, NINE + 40 * HOUR + 1);
        let (since, until) = (instant(from).to_string(), instant(to).to_string());
        let found = exported(&site, &["--from", &since, "--to", &until]);
        assert_eq!(found, values(&within(&expected, from, to)), "seed {seed}");
        if expected.iter().any(|row| row["delivery_id"] == id) {
            let found = exported(&site, &["--delivery", id]);
            let of_one = expected.iter().filter(|row| row["delivery_id"] == id);
            let of_one: Vec<Row> = of_one.cloned().collect();
            assert_eq!(found, values(&of_one), "seed {seed}");
        }
    }
    assert!(many > 10, "most histories have hours without a row: {many}");
}
