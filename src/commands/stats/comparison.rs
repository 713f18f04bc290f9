//! What the tables say of a delivery beside what the extracts say now.

use super::block::{MEASURES, certainty, head, percent};
use crate::commands::people::{Clock, number};
use crate::model::Instant;
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
    let mut differences = 0;
    for measure in &MEASURES {
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
            (Some(before), Some(now)) if before != now => format!("{:+}", now - before),
            (before, now) if before != now => "≠".to_owned(),
            _ => String::new(),
        };
        differences += usize::from(!difference.is_empty());
        let line = format!(
            "{:<22}  {:>26}  {:>26}  {difference:>10}",
            measure.label,
            cell(table),
            cell(fresh)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    match differences {
        0 => writeln!(out, "\nthe tables say what the extracts say\n"),
        some => writeln!(out, "\n{some} of {} values differ\n", MEASURES.len()),
    }
}
