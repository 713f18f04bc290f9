//! The findings for people and for machines.

use super::findings::Finding;
use super::id_json;
use super::names::Names;
use super::statuses::{Matrix, STANDINGS, Statuses};
use crate::commands::compute::{Ledger, log_line};
use crate::commands::people::{number, printable};
use crate::job::Sources;
use crate::model::DeliveryId;
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// All there is to show.
pub struct View<'a> {
    /// What was checked.
    pub sources: &'a Sources,
    /// What became of every row.
    pub ledger: &'a Ledger,
    /// What was found.
    pub findings: &'a [Finding],
    /// Where the sending log holds statuses.
    pub statuses: &'a Statuses,
    /// What keys stand for.
    pub names: &'a Names,
    /// How many deliveries there are.
    pub deliveries: usize,
    /// How many examples to give.
    pub most: usize,
}

impl View<'_> {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "as of {}, {} deliveries",
            self.sources.as_of,
            number(self.deliveries)
        )?;
        for log in &self.ledger.logs {
            writeln!(out, "{}", log_line(log))?;
        }
        writeln!(out)?;
        for finding in self.findings {
            finding_text(out, finding)?;
        }
        self.statuses_text(out)?;
        let look = self.findings.iter().filter(|finding| finding.needs_look);
        let look: Vec<&str> = look.map(|finding| finding.name).collect();
        match look.is_empty() {
            true => writeln!(out, "\nnothing needs a look"),
            false => writeln!(out, "\nNEEDS A LOOK: {}", look.join(", ")),
        }
    }

    /// Counts of the log's own statuses beside ours.
    fn statuses_text(&self, out: &mut String) -> std::fmt::Result {
        let rows = self.status_rows();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\nmessages by status: the log's own current one | ours"
        )?;
        let [pending, sent, failed] = STANDINGS;
        writeln!(
            out,
            "{:<24} {pending:>10} {sent:>10} {failed:>10}  | {pending:>10} {sent:>10} {failed:>10}  {:>10}",
            "delivery", "different"
        )?;
        for (id, matrix) in &rows {
            let (log, ours) = sums(matrix);
            let cells = |sums: [u64; 3]| sums.map(|sum| format!("{:>10}", number(sum))).join(" ");
            writeln!(
                out,
                "{:<24} {}  | {}  {:>10}",
                printable(&id.to_string()),
                cells(log),
                cells(ours),
                number(different(matrix))
            )?;
            for (log, row) in matrix.iter().enumerate() {
                for (ours, messages) in row.iter().enumerate() {
                    if log != ours && *messages > 0 {
                        writeln!(
                            out,
                            "    {} in the log, {} here: {}",
                            STANDINGS[log],
                            STANDINGS[ours],
                            number(*messages)
                        )?;
                    }
                }
            }
        }
        if self.statuses.mixed > 0 {
            let mixed = number(self.statuses.mixed);
            writeln!(
                out,
                "    not compared: {mixed} messages with both events and statuses"
            )?;
        }
        for (delivery, message) in self.names.pairs(&self.statuses.different, self.most) {
            let (delivery, message) = (printable(&delivery.to_string()), printable(&message));
            writeln!(
                out,
                "    why: delivery-kpi explain {delivery} {message} (with the same job or paths)"
            )?;
        }
        Ok(())
    }

    fn status_rows(&self) -> Vec<(&DeliveryId, &Matrix)> {
        let rows = self.statuses.of.iter();
        let mut rows: Vec<_> = rows
            .map(|(place, matrix)| (self.names.delivery(*place), matrix))
            .collect();
        rows.sort_unstable_by_key(|(id, _)| *id);
        rows
    }

    /// For machines: one object on one line.
    pub fn json(&self) -> String {
        let findings: Vec<Json> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "name": finding.name,
                    "count": finding.count,
                    "unit": finding.unit,
                    "needs_look": finding.needs_look,
                    "meaning": finding.meaning,
                    "examples": finding.examples,
                })
            })
            .collect();
        let by_status = |sums: [u64; 3]| -> serde_json::Map<String, Json> {
            let names = STANDINGS.iter().map(|name| name.to_lowercase());
            names.zip(sums.map(|sum| json!(sum))).collect()
        };
        let statuses: Vec<Json> = self
            .status_rows()
            .iter()
            .map(|(id, matrix)| {
                let (log, ours) = sums(matrix);
                json!({
                    "delivery_id": id_json(id),
                    "log": by_status(log),
                    "ours": by_status(ours),
                    "different": different(matrix),
                })
            })
            .collect();
        let pairs = self.names.pairs(&self.statuses.different, self.most);
        let pairs: Vec<Json> = pairs
            .iter()
            .map(|(delivery, message)| json!({"delivery_id": id_json(delivery), "message_id": self.names.message_json(message)}))
            .collect();
        let object = json!({
            "as_of": self.sources.as_of.to_string(),
            "deliveries": self.deliveries,
            "logs": self.ledger.logs,
            "findings": findings,
            "statuses": statuses,
            "different_messages": pairs,
            "mixed_messages": self.statuses.mixed,
            "needs_look": self.findings.iter().any(|finding| finding.needs_look),
        });
        format!("{object}\n")
    }
}

fn finding_text(out: &mut String, finding: &Finding) -> std::fmt::Result {
    let Finding {
        name,
        count,
        unit,
        meaning,
        needs_look,
        examples,
    } = finding;
    let mark = if *needs_look { "LOOK" } else { "ok" };
    let unit = match (*count, *unit) {
        (1, "deliveries") => "delivery",
        (1, unit) => unit.trim_end_matches('s'),
        (_, unit) => unit,
    };
    write!(out, "{mark:<5} {name:<24} {:>12} {unit}", number(*count))?;
    if *count == 0 && examples.is_empty() {
        return writeln!(out);
    }
    writeln!(out, "\n      {meaning}")?;
    for example in examples {
        writeln!(out, "        {}", printable(example))?;
    }
    Ok(())
}

/// What the log says, and what we say.
fn sums(matrix: &Matrix) -> ([u64; 3], [u64; 3]) {
    let log = matrix.map(|row| row.iter().sum());
    let ours = [0, 1, 2].map(|column| matrix.iter().map(|row| row[column]).sum());
    (log, ours)
}

fn different(matrix: &Matrix) -> u64 {
    let cells = matrix.iter().enumerate();
    cells
        .flat_map(|(log, row)| row.iter().enumerate().filter(move |(ours, _)| *ours != log))
        .map(|(_, messages)| messages)
        .sum()
}
