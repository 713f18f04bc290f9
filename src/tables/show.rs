//! The deliveries of a run for people.

use super::TableError;
use polars::prelude::*;
use std::fmt::Write;

/// The deliveries with the most recent events, a line each, at most `most`.
pub fn show_deliveries(deliveries: &DataFrame, most: usize) -> Result<String, TableError> {
    let recent = SortMultipleOptions::default()
        .with_order_descending_multi([true, false])
        .with_nulls_last(true);
    let frame = deliveries
        .sort(["last_event_at", "delivery_id"], recent)?
        .head(Some(most));
    let mut text = String::new();
    let widths = [12, 24, 12, 12, 11, 11, 9, 9, 6];
    let header = [
        "delivery",
        "label",
        "processed",
        "delivered",
        "bounced",
        "pending",
        "opens",
        "clicks",
        "final",
    ];
    line(&mut text, &header.map(str::to_owned), &widths);
    for row in 0..frame.height() {
        let cell = |name: &str| -> Result<String, TableError> {
            Ok(match frame.column(name)?.get(row)? {
                AnyValue::Null => "–".to_owned(),
                AnyValue::String(text) => text.to_owned(),
                AnyValue::Boolean(true) => "yes".to_owned(),
                AnyValue::Boolean(false) => "no".to_owned(),
                AnyValue::Float64(rate) => format!("{:.1} %", rate * 100.0),
                value => value.to_string(),
            })
        };
        let cells = [
            cell("delivery_id")?,
            cell("label")?,
            cell("processed")?,
            cell("delivered_rate")?,
            cell("bounce_error_rate")?,
            cell("pending")?,
            cell("open_rate")?,
            cell("click_through_rate")?,
            cell("is_final")?,
        ];
        line(&mut text, &cells, &widths);
    }
    Ok(text)
}

fn line(text: &mut String, cells: &[String], widths: &[usize]) {
    for (place, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let short: String = cell.chars().take(*width).collect();
        // Writing to a string cannot fail.
        let _ = match place {
            0 | 1 => write!(text, "{short:<width$}  "),
            _ => write!(text, "{short:>width$}  "),
        };
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
}
