//! The comparison of parents is silent when all is as expected, and only then.

use serde_json::json;

use super::super::super::super::oracle::{self, Counters, Defaults, Quarantine};
use super::super::super::super::people::worlds;
use super::super::tests::{assert_notices, counters_into, rates_into};
use super::*;

fn parent_rows(expected: &Expected, layout: &Layout) -> Vec<Row> {
    let row = |((parent, hour), values): (&(i64, i64), &Counters)| {
        let mut row = counters_into(values, expected);
        row.insert(
            "parent_delivery_id".to_owned(),
            delivery_value(*parent, layout),
        );
        row.insert("hour".to_owned(), json!(hour));
        row.insert("date".to_owned(), json!(instant(*hour)[..10]));
        let is_complete = hour + HOUR <= expected.as_of;
        row.insert("hour_complete".to_owned(), json!(is_complete));
        row.insert("run_id".to_owned(), json!("a run"));
        rates_into(&mut row, values, expected.families.to_deliver[parent]);
        row
    };
    expected.families.hourly.iter().map(row).collect()
}

#[test]
fn every_difference_is_noticed() {
    for seed in 0..40 {
        let history = worlds::history(seed);
        let defaults = Defaults {
            quarantine: (seed % 2 == 0).then(Quarantine::default),
            ..Defaults::default()
        };
        let (world, mode) = (&history.world, history.mode);
        let expected = oracle::expect_with(world, history.as_of, mode, &defaults);
        let layout = Layout {
            string_ids: seed % 3 == 0,
            ..Layout::default()
        };
        let rows = parent_rows(&expected, &layout);
        let wrong = |rows: &[Row]| parent_differences(&expected, rows, &layout);
        assert_notices(&rows, &["run_id"], &[], wrong, seed);
        if let Some(first) = rows.first() {
            let mut more = rows.clone();
            more[0].insert(
                "delivery_id".to_owned(),
                first["parent_delivery_id"].clone(),
            );
            assert_eq!(wrong(&more).len(), 1, "seed {seed}: one more column");
        }
    }
}
