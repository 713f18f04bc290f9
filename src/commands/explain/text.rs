//! The history for people.

use super::Subject;
use super::story::{Line, Place, Story, reason_text};
use crate::commands::people::{Clock, printable, value_text};
use crate::history::Status;
use crate::model::HOUR;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The history, line by line, with the rules that it met.
pub fn text(subject: &Subject, story: &Story, clock: &Clock) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, subject, story, clock);
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

fn write(out: &mut String, subject: &Subject, story: &Story, clock: &Clock) -> std::fmt::Result {
    let attributes = &subject.attributes;
    write!(
        out,
        "message {} of delivery {}",
        value_text(&subject.message),
        subject.delivery
    )?;
    if let Some(label) = &attributes.label {
        write!(out, ", {}", printable(label))?;
    }
    writeln!(out, "\nas of {}", clock.show(subject.as_of))?;
    let mode = if subject.policy.efs {
        "with"
    } else {
        "without"
    };
    let channel = attributes
        .channel
        .as_deref()
        .unwrap_or("not known, taken as email");
    write!(
        out,
        "{mode} Email Feedback Service, channel {}; ",
        printable(channel)
    )?;
    match (story.life.deadline, story.life.entered_at) {
        (Some(deadline), Some(entered)) => {
            let queue_end = deadline.micros() - entered.micros() == 84 * HOUR;
            let from = if queue_end {
                "84 h after the first report"
            } else {
                "the validity end"
            };
            writeln!(out, "deadline {}, {from}", clock.show(deadline))?;
        }
        _ => writeln!(out, "no deadline")?,
    }
    writeln!(out)?;
    verdict(out, story, clock)?;
    writeln!(out)?;
    for line in &story.lines {
        entry(out, line, clock)?;
    }
    writeln!(out, "\nrules")?;
    let rules: BTreeMap<&str, &str> = story
        .lines
        .iter()
        .map(|line| match line.rule {
            // Why it is rejected stands beside the row.
            "rejected" => ("rejected", "a row that breaks the contract counts nowhere"),
            rule => (rule, line.meaning.as_str()),
        })
        .collect();
    let width = rules.keys().map(|rule| rule.len()).max().unwrap_or(0);
    for (rule, meaning) in rules {
        writeln!(out, "  {rule:<width$}  {meaning}")?;
    }
    let (read, all) = subject.row_groups;
    match read == all {
        true => writeln!(
            out,
            "\nall {all} row groups were read: no footer rules one out"
        ),
        false => writeln!(
            out,
            "\n{read} of {all} row groups were read: the footers rule out the others"
        ),
    }
}

/// How it ended, since when, and what brought it there.
fn verdict(out: &mut String, story: &Story, clock: &Clock) -> std::fmt::Result {
    let Some(status) = story.life.status else {
        return writeln!(
            out,
            "NOT IN THE LOG: no report that counts brings the message in before as-of (test rows, complaints \
             and ignored ones do not)"
        );
    };
    write!(out, "{}", status.name().to_uppercase())?;
    let moves = || story.lines.iter().filter(|line| line.moved);
    let standing = |line: &Line| line.status.map(Status::standing);
    let mut since: Option<&Line> = None;
    for line in moves() {
        if since.is_none_or(|since| standing(since) != standing(line)) {
            since = Some(line);
        }
    }
    let told = |line: &Line| {
        let at = line.at.map(|at| clock.show(at)).unwrap_or_default();
        format!("{at} ({}): {}", line.rule, line.meaning)
    };
    match since {
        Some(since) => writeln!(out, "\n  since {}", told(since))?,
        None => writeln!(out)?,
    }
    if let (Some(since), Some(last)) = (since, moves().next_back())
        && !std::ptr::eq(since, last)
    {
        writeln!(out, "  last  {}", told(last))?;
    }
    match &story.reason {
        Some(reason) => writeln!(out, "  failure reason: {}", printable(&reason_text(reason))),
        None => Ok(()),
    }
}

fn entry(out: &mut String, line: &Line, clock: &Clock) -> std::fmt::Result {
    let at = line.at.map_or("no instant".to_owned(), |at| clock.show(at));
    let what = match (&line.content, &line.place) {
        (Some(content), _) => printable(&content.what),
        (None, None) => "(no row)".to_owned(),
        (None, Some(_)) => "(rejected row)".to_owned(),
    };
    write!(out, "{at:<32} {what:<22} {:<17}", line.rule)?;
    match (line.status, line.rule) {
        (Some(status), _) => writeln!(out, " {}", status.name())?,
        (None, "rejected") => writeln!(out, " {}", line.meaning)?,
        (None, _) if line.is_orphan => writeln!(out, " orphan: the message is not in the log")?,
        (None, _) => writeln!(out)?,
    }
    if let Some(sign) = line.machine {
        writeln!(out, "    made by a machine: {}", sign.meaning())?;
    }
    if let Some((hour, counts)) = &line.counts {
        // What people do changes a counter of theirs as it changes that of all; only the rest is worth a word.
        let of_all = |(name, by): &(&'static str, i64)| Some((name.strip_prefix("human_")?, *by));
        let repeats = |count| of_all(count).is_some_and(|all| counts.contains(&all));
        let counts: Vec<String> = counts
            .iter()
            .filter(|count| !repeats(count))
            .map(|(name, by)| format!("{name} {by:+}"))
            .collect();
        writeln!(
            out,
            "    counts in the hour of {}: {}",
            clock.show(hour.start()),
            counts.join(", ")
        )?;
    }
    if let Some(place) = &line.place {
        write!(out, "    {}", at_place(place))?;
        if let Some(content) = &line.content {
            if let Some((log_id, revision)) = content.log_id {
                write!(out, "; log_id {log_id}, revision {revision}")?;
            }
            if let Some(reason) = &content.reason {
                write!(out, "; failure reason {}", printable(&reason_text(reason)))?;
            }
        }
        writeln!(out)?;
    }
    match &line.instead {
        Some((place, Some(revision))) => {
            writeln!(
                out,
                "    in its place: {}; revision {revision}",
                at_place(place)
            )
        }
        Some((place, None)) => writeln!(out, "    in its place: {}", at_place(place)),
        None => Ok(()),
    }
}

fn at_place(place: &Place) -> String {
    let Place {
        log,
        file,
        row_group,
        row,
    } = place;
    format!("{log}, file {file}, row group {row_group}, row {row}")
}
