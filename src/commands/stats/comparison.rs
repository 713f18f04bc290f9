//! What the tables say of a delivery beside what the extracts say now.

use super::block::{certainty, head, measures, percent};
use crate::commands::people::{Clock, number};
use crate::model::Instant;
use crate::rollup::Shown;
use crate::tables::Snapshot;
use std::fmt::Write;

/// Both rows for people, line by line, with the differences.
pub fn comparison(table: &Snapshot, fresh: &Snapshot, clock: &Clock, now: Instant) -> String {
    let mut text = head(fresh, clock);
    // Writing to a string cannot fail.
    let _ = write(&mut text, table, fresh, clock);
    text + &certainty(fresh, clock, now)
}

fn write(out: &mut String, table: &Snapshot, fresh: &Snapshot, clock: &Clock) -> std::fmt::Result {
    let as_of = |row: &Snapshot| {
        row.instant("as_of")
            .map_or("–".to_owned(), |at| clock.show(at))
    };
    writeln!(
        out,
        "\n{:<22}  {:>26}  {:>26}  {:>10}",
        "", "tables", "extracts now", "difference"
    )?;
    writeln!(
        out,
        "{:<22}  {:>26}  {:>26}",
        "as of",
        as_of(table),
        as_of(fresh)
    )?;
    for measure in measures(fresh) {
        let rate = measure.rates.first().map(|(column, _)| *column);
        let cell = |row: &Snapshot| {
            let count = row.count(measure.counter).map_or("–".to_owned(), number);
            match rate {
                Some(rate) => format!("{count}  {:>8}", percent(row.rate(rate))),
                None => format!("{count}  {:8}", ""),
            }
        };
        let counts = (table.count(measure.counter), fresh.count(measure.counter));
        let difference = match counts {
            _ if measure.counter == Shown::NEW_QUARANTINES => String::new(),
            (Some(before), Some(now)) if before != now => format!("{:+}", now - before),
            (before, now) if before != now => "≠".to_owned(),
            _ => String::new(),
        };
        let line = format!(
            "{:<22}  {:>26}  {:>26}  {difference:>10}",
            measure.label,
            cell(table),
            cell(fresh)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    let different = different(table, fresh);
    match different.is_empty() {
        true => {
            let left_out = match table.count(Shown::NEW_QUARANTINES) {
                Some(_) => " but new_quarantines, which needs all deliveries (verify compares it)",
                None => "",
            };
            writeln!(
                out,
                "\nthe tables say what the extracts say, in all columns{left_out}\n"
            )
        }
        false => writeln!(out, "\ndifferent: {}\n", different.join(", ")),
    }
}

/// The columns in which the rows differ, but for when and by whom they were computed.
fn different(table: &Snapshot, fresh: &Snapshot) -> Vec<String> {
    let (table, fresh) = (table.json(), fresh.json());
    let names = table
        .iter()
        .filter(|(name, value)| fresh.get(*name) != Some(*value));
    let names = names.map(|(name, _)| name.clone());
    names
        // Quarantines need the rows of all deliveries.
        .filter(|name| !["run_id", "as_of", Shown::NEW_QUARANTINES].contains(&name.as_str()))
        .collect()
}
