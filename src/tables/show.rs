//! The deliveries of a run for people.

use super::TableError;
use polars::prelude::*;
use std::fmt::Write;

/// The deliveries with the most recent events, a line each, at most `most`.
pub fn show_deliveries(deliveries: &DataFrame, most: usize) -> Result<String, TableError> {
    let frame = recent(deliveries, most)?;
    let mut lines = vec![HEADER.map(str::to_owned)];
    for row in 0..frame.height() {
        let cell = |name: &str| -> Result<String, TableError> {
            let value = frame.column(name)?.get(row)?;
            if let Some(text) = value.get_str() {
                return Ok(printable(text));
            }
            Ok(match value {
                AnyValue::Null => "–".to_owned(),
                AnyValue::Boolean(true) => "yes".to_owned(),
                AnyValue::Boolean(false) => "no".to_owned(),
                AnyValue::Float64(rate) => format!("{:.1} %", rate * 100.0),
                value => value.to_string(),
            })
        };
        lines.push([
            cell("delivery_id")?,
            shortened(cell("label")?),
            cell("processed")?,
            cell("delivered_rate")?,
            cell("bounce_error_rate")?,
            cell("pending")?,
            cell("open_rate")?,
            cell("click_through_rate")?,
            cell("is_final")?,
        ]);
    }
    Ok(aligned(&lines))
}

/// The deliveries with the most recent events first.
pub fn recent(deliveries: &DataFrame, most: usize) -> Result<DataFrame, TableError> {
    let recent = SortMultipleOptions::default()
        .with_order_descending_multi([true, false])
        .with_nulls_last(true);
    Ok(deliveries
        .sort(["last_event_at", "delivery_id"], recent)?
        .head(Some(most)))
}

const HEADER: [&str; 9] = [
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

/// Without what could steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn shortened(label: String) -> String {
    const MOST: usize = 32;
    if label.chars().count() <= MOST {
        return label;
    }
    label.chars().take(MOST - 1).chain(['…']).collect()
}

/// The first two columns to the left, numbers to the right.
fn aligned(lines: &[[String; 9]]) -> String {
    let mut widths = [0; 9];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines {
        for (place, (cell, width)) in line.iter().zip(widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match place {
                0 => write!(text, "{cell:<width$}"),
                1 => write!(text, "  {cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_cut_and_steer_no_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a [31mb ");
        assert_eq!(shortened("ä".repeat(32)), "ä".repeat(32));
        assert_eq!(shortened("ä".repeat(33)), format!("{}…", "ä".repeat(31)));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let cells = |first: &str, last: &str| {
            let mut cells = [const { String::new() }; 9];
            (cells[0], cells[8]) = (first.to_owned(), last.to_owned());
            cells
        };
        let text = aligned(&[cells("–", "yes"), cells("4101", "–")]);
        let gap = " ".repeat(16);
        assert_eq!(text, format!("–   {gap}yes\n4101{gap}  –\n"));
    }
}
