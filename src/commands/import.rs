//! `import`: a vendor's exports to extracts.

use super::outcome::{print, say};
use super::people::number;
use super::{progress, signals};
use crate::cli;
use crate::disk::Disk;
use crate::engine::pool;
use crate::error::{Error, exit};
use crate::extracts::Extract;
use crate::import::{Tally, import};
use crate::job::{Import, Stopwatch};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Runs the command; gives its exit code.
pub fn run(flags: &cli::Import) -> Result<u8, Error> {
    let asked = Import::resolve(flags)??;
    let watch = Stopwatch::new();
    let pool = pool(asked.threads)?;
    let disk = Disk::default();
    signals::changes(&disk);
    let progress = progress(asked.progress);
    let tallies = import(&asked.order, &disk, &pool, progress.as_ref())?;
    let rejected: u64 = tallies.iter().map(Tally::rejected).sum();
    let code = match rejected > asked.max_rejected {
        true => exit::LEFT_OUT,
        false => exit::DONE,
    };
    match flags.json {
        true => print(format!("{}\n", twin(&asked, &tallies, code)).as_bytes())?,
        false => say(&summary(&asked, &tallies, watch.total())),
    }
    Ok(code)
}

/// The parts of a sum that are not 0.
fn sum(tally: &Tally) -> String {
    let written = Extract::ALL.map(|extract| (extract.name(), tally.written[extract as usize]));
    let others = [
        ("disregarded", tally.disregarded()),
        ("rejected", tally.rejected()),
    ];
    let parts = written
        .into_iter()
        .chain(others)
        .filter(|(_, records)| *records > 0);
    let parts: Vec<String> = parts
        .map(|(name, records)| format!("{} {name}", number(records)))
        .collect();
    match parts.is_empty() {
        true => "0".to_owned(),
        false => parts.join(" + "),
    }
}

fn summary(asked: &Import, tallies: &[Tally], time: Duration) -> String {
    let mut text = String::new();
    for (input, tally) in asked.order.inputs.iter().zip(tallies) {
        text += &format!(
            "{}: {} records = {}\n",
            input.name,
            number(tally.read),
            sum(tally)
        );
        for (why, records) in &tally.disregarded {
            text += &format!("  disregarded: {} {why}\n", number(*records));
        }
        for (fault, rejected) in &tally.rejected {
            let lines: Vec<String> = rejected.lines.iter().map(u64::to_string).collect();
            let more = match rejected.records > rejected.lines.len() as u64 {
                true => ", …",
                false => "",
            };
            let (records, lines) = (number(rejected.records), lines.join(", "));
            let what = match fault.column {
                "-" => fault.reason.to_owned(),
                column => format!("{column}: {}", fault.reason),
            };
            text += &format!("  rejected: {records} {what} (line {lines}{more})\n");
        }
    }
    if !asked.others.is_empty() {
        const SHOWN: usize = 5;
        let shown = asked.others.iter().take(SHOWN).cloned();
        let shown: Vec<String> = shown.collect();
        let more = if asked.others.len() > SHOWN {
            ", …"
        } else {
            ""
        };
        let files = super::people::counted(asked.others.len() as i64, "file", "files");
        text += &format!(
            "note: {files} not read, as the names do not say how they are written: {}{more}\n",
            shown.join(", ")
        );
    }
    for extract in Extract::ALL {
        let rows: u64 = tallies
            .iter()
            .map(|tally| tally.rows[extract as usize])
            .sum();
        if asked.order.source.makes(extract) {
            text += &format!("{:12}  {} rows\n", extract.name(), number(rows));
        }
    }
    let records: u64 = tallies.iter().map(|tally| tally.read).sum();
    let seconds = time.as_secs_f64();
    let job = asked.order.dir.join("job.toml");
    text += &format!(
        "{:12}  {} records in {seconds:.1} s\n",
        "all",
        number(records)
    );
    let job = super::generate::quoted(&job.to_string_lossy());
    text + &format!("go on with: delivery-kpi recompute {job}\n")
}

/// The same for machines.
fn twin(asked: &Import, tallies: &[Tally], code: u8) -> Value {
    let by_extract = |counts: &[u64; 3]| -> Map<String, Value> {
        let counts = Extract::ALL.iter().zip(counts);
        counts
            .map(|(extract, count)| (extract.name().to_owned(), json!(count)))
            .collect()
    };
    let files = asked
        .order
        .inputs
        .iter()
        .zip(tallies)
        .map(|(input, tally)| {
            let rejected = tally.rejected.iter().map(|(fault, rejected)| {
                json!({
                    "column": (fault.column != "-").then_some(fault.column),
                    "reason": fault.reason,
                    "records": rejected.records,
                    "lines": rejected.lines,
                })
            });
            json!({
                "file": input.name,
                "records_read": tally.read,
                "records_written": by_extract(&tally.written),
                "records_disregarded": tally.disregarded(),
                "records_rejected": tally.rejected(),
                "rows": by_extract(&tally.rows),
                "disregarded": tally.disregarded,
                "rejected": rejected.collect::<Vec<_>>(),
            })
        });
    json!({
        "exit_code": code,
        "source": asked.order.source.name,
        "to": asked.order.dir.display().to_string(),
        "files": files.collect::<Vec<_>>(),
        "not_read": asked.others,
    })
}
