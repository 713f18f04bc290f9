//! The comparison itself: silent when all is as expected, and only then.

use serde_json::json;

use super::super::super::{oracle, random};
use super::*;

/// A row of counters, or of counters and changes.
pub fn counters_into(values: &Counters, expected: &Expected) -> Row {
    let cell = |(name, value): (&&str, &i64)| {
        let value = counter_value(name, *value, expected);
        ((*name).to_owned(), value)
    };
    values.iter().map(cell).collect()
}

pub fn rates_into(row: &mut Row, counters: &Counters, to_deliver: Option<i64>) {
    for (name, numerator, denominator) in RATES {
        row.insert(
            name.to_owned(),
            json!(rate(counters, to_deliver, numerator, denominator)),
        );
    }
}

fn hourly_rows(expected: &Expected, layout: &Layout) -> Vec<Row> {
    let row = |((delivery, hour), values): (&(i64, i64), &Counters)| {
        let mut row = counters_into(values, expected);
        row.insert("delivery_id".to_owned(), delivery_value(*delivery, layout));
        row.insert("hour".to_owned(), json!(hour));
        row.insert("date".to_owned(), json!(instant(*hour)[..10]));
        row.insert(
            "hour_complete".to_owned(),
            json!(hour + HOUR <= expected.as_of),
        );
        row.insert("run_id".to_owned(), json!("a run"));
        rates_into(&mut row, values, expected.deliveries[delivery].to_deliver);
        row
    };
    expected.hourly.iter().map(row).collect()
}

fn delivery_rows(expected: &Expected, layout: &Layout) -> Vec<Row> {
    let row = |(delivery, values): (&i64, &DeliveryExpected)| {
        let mut row = counters_into(&values.counters, expected);
        let others = [
            ("delivery_id", delivery_value(*delivery, layout)),
            ("label", json!(values.label)),
            ("channel", json!(values.channel)),
            (
                "parent_delivery_id",
                values
                    .parent_delivery_id
                    .map_or(Value::Null, |id| delivery_value(id, layout)),
            ),
            ("to_deliver", json!(values.to_deliver)),
            ("efs", json!(values.efs)),
            ("started_at", json!(values.started_at)),
            ("first_event_at", json!(values.first_event_at)),
            ("last_event_at", json!(values.last_event_at)),
            ("final_at", json!(values.final_at)),
            ("is_final", json!(values.is_final)),
            ("as_of", json!(expected.as_of)),
        ];
        row.extend(others.map(|(name, value)| (name.to_owned(), value)));
        rates_into(&mut row, &values.counters, values.to_deliver);
        row
    };
    expected.deliveries.iter().map(row).collect()
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => json!(1),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| json!(0.123), |number| json!(number + 1)),
        other => json!(format!("{other}x")),
    }
}

/// Changes every column of the first row, one at a time; `exempt` ones only have to be there, `optional` ones only
/// have to be right.
pub fn assert_notices(
    rows: &[Row],
    exempt: &[&str],
    optional: &[&str],
    wrong: impl Fn(&[Row]) -> Vec<String>,
    seed: u64,
) {
    assert_eq!(wrong(rows), Vec::<String>::new(), "seed {seed}");
    let Some(first) = rows.first() else { return };
    assert!(!wrong(&rows[1..]).is_empty(), "seed {seed}: a missing row");
    assert!(
        !wrong(&[rows, &rows[..1]].concat()).is_empty(),
        "seed {seed}: a row twice"
    );
    for (column, value) in first {
        let mut missing = rows.to_vec();
        missing[0].remove(column);
        let is_noticed = !wrong(&missing).is_empty();
        assert!(
            is_noticed || optional.contains(&column.as_str()),
            "seed {seed}: no {column}"
        );
        let mut changed = rows.to_vec();
        changed[0].insert(column.clone(), other(value));
        let text_for_null = value.is_null() && ["label", "channel"].contains(&column.as_str());
        if !exempt.contains(&column.as_str()) && !text_for_null {
            assert!(!wrong(&changed).is_empty(), "seed {seed}: another {column}");
        }
    }
}

#[test]
fn every_difference_is_noticed() {
    for seed in 0..60 {
        let (world, as_of, mode) = random::world(seed);
        let expected = oracle::expect(&world, as_of, mode);
        let layout = Layout {
            string_ids: seed % 2 == 0,
            ..Layout::default()
        };
        let hourly = hourly_rows(&expected, &layout);
        assert_notices(
            &hourly,
            &["run_id"],
            &[],
            |rows| hourly_differences(&expected, rows, &layout),
            seed,
        );
        let deliveries = delivery_rows(&expected, &layout);
        assert_notices(
            &deliveries,
            &[],
            &[],
            |rows| delivery_differences(&expected, rows, &layout),
            seed,
        );

        let log = |(log, fates): (&&str, &Counters)| {
            let mut row = json!(fates);
            row["log"] = json!(log);
            row
        };
        let mut run = Row::from_iter([(
            "logs".to_owned(),
            expected.fates.iter().map(log).collect::<Value>(),
        )]);
        assert_eq!(
            fate_differences(&expected, &run),
            Vec::<String>::new(),
            "seed {seed}"
        );
        run["logs"][0]["rows_superseded"] = json!(-1);
        assert_eq!(fate_differences(&expected, &run).len(), 1, "seed {seed}");
    }
}
