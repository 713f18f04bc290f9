//! The differences for people.

use super::{Side, Tally, Teller};
use crate::commands::outcome::print;
use crate::commands::people::{Clock, number, printable};
use crate::error::Error;
use crate::publish::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, RunRecord};
use crate::rollup::Shown;
use crate::tables::{Cell, Column, Difference, Found, Total};

/// Gathers what people are shown, and prints it at the end.
pub struct Text<'c> {
    clock: &'c Clock,
    /// How many rows of a table are shown.
    most: usize,
    head: String,
    deliveries: Vec<Line>,
    hours: Vec<Line>,
}

/// Percentages with more digits are no easier to read than the doubles themselves.
const MOST_DIGITS: usize = 6;

/// A row: where it was found, its delivery, its hour, its columns.
type Line = [String; 4];

impl<'c> Text<'c> {
    /// Of the differences between these two runs; so many rows of each table, 0 for all.
    pub fn new(old: &RunRecord, new: &RunRecord, clock: &'c Clock, limit: usize) -> Text<'c> {
        let mut head = String::new();
        for (place, run) in [("OLD", old), ("NEW", new)] {
            head += &format!(
                "{place}  run {} as of {}, finished {}, run_id {}\n",
                run.run_number,
                clock.show_recorded(&run.as_of),
                clock.show_recorded(&run.finished_at),
                run.run_id
            );
        }
        Text {
            clock,
            most: if limit == 0 { usize::MAX } else { limit },
            head,
            deliveries: Vec::new(),
            hours: Vec::new(),
        }
    }

    /// The lines of rows for which there is room after so many.
    fn lines(&self, taken: usize, rows: &[Difference<'_>]) -> Vec<Line> {
        let room = self.most - taken;
        rows.iter().take(room).map(|row| self.line(row)).collect()
    }

    fn line(&self, row: &Difference<'_>) -> Line {
        let (found, columns): (_, Vec<String>) = match row.found {
            Found::Old => ("only in OLD", counted(row, |column| &column.old)),
            Found::New => ("only in NEW", counted(row, |column| &column.new)),
            Found::Both => {
                let columns = row.columns.iter();
                ("differs", columns.map(|c| self.changed(c)).collect())
            }
        };
        [
            found.to_owned(),
            printable(&row.delivery.to_string()),
            row.hour.map_or(String::new(), |hour| self.clock.show(hour)),
            columns.join(", "),
        ]
    }

    fn changed(&self, column: &Column<'_>) -> String {
        let (old, new) = match (&column.old, &column.new) {
            (Cell::Rate(old), Cell::Rate(new)) => told_apart(*old, *new),
            (old, new) => (self.shown(old), self.shown(new)),
        };
        format!("{} {old} → {new}", column.name)
    }

    fn shown(&self, cell: &Cell) -> String {
        match cell {
            Cell::Null => "–".to_owned(),
            Cell::Count(count) => count.to_string(),
            Cell::Rate(rate) => percent(*rate, 1),
            Cell::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Cell::Text(text) => format!("\"{}\"", printable(text)),
            Cell::Instant(instant) => self.clock.show(*instant),
        }
    }
}

impl Teller for Text<'_> {
    fn deliveries(&mut self, totals: &[Total], rows: &[Difference<'_>]) -> Result<(), Error> {
        self.head += &table(totals);
        self.deliveries = self.lines(0, rows);
        Ok(())
    }

    fn hours(&mut self, rows: &[Difference<'_>]) -> Result<(), Error> {
        let lines = self.lines(self.hours.len(), rows);
        self.hours.extend(lines);
        Ok(())
    }

    fn finish(
        &mut self,
        deliveries: Tally,
        hours: Tally,
        parts: &[(&'static str, Tally)],
    ) -> Result<(), Error> {
        let deliveries = section(DELIVERY_KPI, deliveries, &self.deliveries);
        let hours = section(DELIVERY_KPI_HOURLY, hours, &self.hours);
        let head = &self.head;
        let parts = parts
            .iter()
            .map(|(table, rows)| format!("\n{}", summed(table, *rows)));
        let parts: String = parts.collect();
        print(format!("{head}\n{deliveries}\n{hours}{parts}").as_bytes())
    }
}

fn percent(rate: f64, digits: usize) -> String {
    format!("{:.digits$} %", rate * 100.0)
}

/// Two rates with as many digits as it takes to tell them apart.
fn told_apart(old: f64, new: f64) -> (String, String) {
    let pairs = (1..=MOST_DIGITS).map(|digits| (percent(old, digits), percent(new, digits)));
    let mut different = pairs.skip_while(|(old, new)| old == new);
    let exact = || (old.to_string(), new.to_string());
    different.next().unwrap_or_else(exact)
}

/// What a row that one version has alone counts: of an hour what changed in it. Zeros are left out.
fn counted(row: &Difference<'_>, get: Side) -> Vec<String> {
    let is_told = |name: &str| {
        let counter = match row.hour {
            Some(_) => name.strip_suffix("_delta"),
            None => Some(name),
        };
        Shown::ALL.iter().any(|shown| Some(shown.name) == counter)
    };
    let told = |column: &Column<'_>| match get(column) {
        Cell::Count(count) if *count != 0 && is_told(column.name) => {
            Some(format!("{} {count}", column.name))
        }
        _ => None,
    };
    row.columns.iter().filter_map(told).collect()
}

/// The counters whose sums differ.
fn table(totals: &[Total]) -> String {
    if totals.is_empty() {
        return "\nno counter differs in its total\n".to_owned();
    }
    let mut text = format!(
        "\n{:<22}  {:>13}  {:>13}  {:>13}\n",
        "total of deliveries", "OLD", "NEW", "difference"
    );
    for total in totals {
        let difference = total.new.saturating_sub(total.old);
        let sign = if difference > 0 { "+" } else { "" };
        text += &format!(
            "{:<22}  {:>13}  {:>13}  {:>13}\n",
            total.counter,
            number(total.old),
            number(total.new),
            format!("{sign}{}", number(difference))
        );
    }
    text
}

/// How many rows of a table differ.
fn summed(table: &str, tally: Tally) -> String {
    if tally.sum() == 0 {
        return format!("{table}: no row differs\n");
    }
    format!(
        "{table}: {} only in OLD, {} only in NEW, {} in both that differ\n",
        number(tally.only_old),
        number(tally.only_new),
        number(tally.different)
    )
}

/// The rows of a table, under a line that counts them.
fn section(table: &str, tally: Tally, lines: &[Line]) -> String {
    let mut text = summed(table, tally);
    if tally.sum() == 0 {
        return text;
    }
    let width = |place: usize| {
        let cells = lines.iter().map(|line| line[place].chars().count());
        cells.max().unwrap_or(0)
    };
    let [found, delivery, hour] = [0, 1, 2].map(width);
    for [a, b, c, columns] in lines {
        let line = match hour {
            0 => format!("{a:<found$}  {b:<delivery$}  {columns}"),
            _ => format!("{a:<found$}  {b:<delivery$}  {c:<hour$}  {columns}"),
        };
        text += &format!("{}\n", line.trim_end());
    }
    match tally.sum() - lines.len() {
        0 => {}
        more => text += &format!("… and {} more; --limit 0 shows all\n", number(more)),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_differ_look_different() {
        let told = |old: f64, new: f64| {
            let (old, new) = told_apart(old, new);
            format!("{old} → {new}")
        };
        assert_eq!(told(0.25, 0.5), "25.0 % → 50.0 %");
        assert_eq!(told(0.25, 0.2504), "25.00 % → 25.04 %");
        assert_eq!(told(0.5, 0.500000001), "0.5 → 0.500000001");
    }
}
