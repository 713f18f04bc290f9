//! Sending logs of several shapes: few or many deliveries, short or long histories, in the order of
//! time or in none, with `log_id` or without.

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use std::sync::Arc;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;
const MINUTE: i64 = 60_000_000;
const EVENTS: [&str; 4] = ["relayed", "soft_bounce", "delivered", "hard_bounce"];

/// What a log looks like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub name: &'static str,
    pub deliveries: i64,
    /// Reports of one message.
    pub reports: usize,
    pub in_order: bool,
    pub log_id: bool,
}

/// The shapes that are measured; the first is the usual one.
pub const SHAPES: [Shape; 6] = {
    let usual = Shape {
        name: "usual",
        deliveries: 50,
        reports: 2,
        in_order: true,
        log_id: false,
    };
    [
        usual,
        Shape {
            name: "log_id",
            log_id: true,
            ..usual
        },
        Shape {
            name: "one_delivery",
            deliveries: 1,
            ..usual
        },
        Shape {
            name: "many_deliveries",
            deliveries: 20_000,
            ..usual
        },
        Shape {
            name: "long_histories",
            reports: 16,
            ..usual
        },
        Shape {
            name: "no_order",
            in_order: false,
            ..usual
        },
    ]
};

impl Shape {
    /// How many messages so many rows are about.
    pub fn messages(&self, rows: usize) -> usize {
        rows / self.reports
    }

    /// The rows, in one batch.
    pub fn batch(&self, rows: usize) -> RecordBatch {
        let messages = self.messages(rows);
        let mut order: Vec<usize> = (0..messages * self.reports).collect();
        if !self.in_order {
            fastrand::Rng::with_seed(7).shuffle(&mut order);
        }
        // Row by row all messages get their first report, then all their second one.
        let message = |row: &usize| (row % messages) as i64;
        let report = |row: &usize| row / messages;
        let event = |row: &usize| match (report(row), report(row) + 1 == self.reports) {
            (0, _) => 0,
            (_, false) => 1,
            (_, true) if message(row) % 50 == 0 => 3,
            (_, true) => 2,
        };
        let at = |row: &usize| START + *row as i64 * 17 + report(row) as i64 * 31 * MINUTE;
        let numbers = |of: &dyn Fn(&usize) -> i64| -> ArrayRef {
            Arc::new(
                order
                    .iter()
                    .map(|row| Some(of(row)))
                    .collect::<Int64Array>(),
            )
        };
        let events: Int32Array = order.iter().map(|row| Some(event(row))).collect();
        let labels = Arc::new(StringArray::from(EVENTS.to_vec()));
        let events = DictionaryArray::<Int32Type>::try_new(events, labels).expect("keys of labels");
        let instants: TimestampMicrosecondArray = order.iter().map(|row| Some(at(row))).collect();
        let reasons: Int32Array = order
            .iter()
            .map(|row| (event(row) == 3).then_some(1))
            .collect();
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            (
                "delivery_id",
                numbers(&|row| 4000 + message(row) % self.deliveries),
            ),
            (
                "message_id",
                numbers(&|row| 50_000_000_000 + message(row) * 3),
            ),
            ("event", Arc::new(events)),
            ("event_at", Arc::new(instants.with_timezone("UTC"))),
            ("failure_reason", Arc::new(reasons)),
        ];
        if self.log_id {
            columns.push(("log_id", numbers(&|row| 90_000_000_000 + *row as i64)));
        }
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    }
}
