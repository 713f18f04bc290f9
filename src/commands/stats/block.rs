//! The deployment block of one delivery.

use crate::commands::people::{Clock, number, printable, span};
use crate::model::Instant;
use crate::rollup::Shown;
use crate::tables::Snapshot;
use std::fmt::Write;

/// One line of the block: a counter, and the rates that belong to it.
pub struct Measure {
    /// What people call it.
    pub label: &'static str,
    /// The column of the counter.
    pub counter: &'static str,
    /// The columns of the rates with what they are of; the first one has a bar.
    pub rates: &'static [(&'static str, &'static str)],
}

const fn measure(
    label: &'static str,
    counter: &'static str,
    rates: &'static [(&'static str, &'static str)],
) -> Measure {
    Measure {
        label,
        counter,
        rates,
    }
}

/// The lines, in the order of the dashboard. Both denominators stand where the source pages use two.
#[rustfmt::skip]
const MEASURES: [Measure; 18] = [
    measure("messages to deliver", "to_deliver", &[]),
    measure("processed", "processed", &[("progress", "of to deliver")]),
    measure("sent", "sent", &[]),
    measure("delivered", "delivered",
        &[("delivered_rate", "of processed"), ("delivered_rate_of_sent", "of sent")]),
    measure("bounces + errors", "bounces_errors",
        &[("bounce_error_rate", "of processed"), ("bounce_error_rate_of_sent", "of sent")]),
    measure("  hard bounces", "hard_bounces", &[("hard_bounce_rate", "of sent")]),
    measure("  soft bounces", "soft_bounces", &[("soft_bounce_rate", "of sent")]),
    measure("pending", "pending", &[]),
    measure("messages opened", "unique_opens", &[("open_rate", "of delivered")]),
    measure("opens", "opens", &[("open_rate_total", "of delivered")]),
    measure("messages clicked", "unique_clicks",
        &[("click_through_rate", "of delivered"), ("click_to_open_rate", "of opened")]),
    measure("clicks", "clicks", &[]),
    measure("mirror page views", "mirror_page_views", &[("mirror_page_rate", "of delivered")]),
    measure("unsubscribes", "unsubscribes", &[("unsubscribe_rate", "of delivered")]),
    measure("complaints", "complaints", &[("complaint_rate", "of delivered")]),
    measure("being retried", "retrying", &[]),
    measure("failed by the deadline", "failed_by_deadline", &[]),
    measure("late successes", "late_successes", &[]),
];

/// The lines that leave out what machines have made.
#[rustfmt::skip]
const BY_PEOPLE: [Measure; 5] = [
    measure("by people: opened", "human_unique_opens", &[("human_open_rate", "of delivered")]),
    measure("  opens", "human_opens", &[("human_open_rate_total", "of delivered")]),
    measure("  clicked", "human_unique_clicks",
        &[("human_click_through_rate", "of delivered"), ("human_click_to_open_rate", "of opened")]),
    measure("  clicks", "human_clicks", &[]),
    measure("  unsubscribes", "human_unsubscribes", &[("human_unsubscribe_rate", "of delivered")]),
];

/// The counters of rows that machines have made, by the reason.
const BY_MACHINES: [&str; 4] = [
    "machine_marked",
    "machine_honeypot",
    "machine_many_links",
    "machine_early_open",
];

/// The line of a counter that jobs ask for.
const QUARANTINES: [Measure; 1] = [measure("new quarantines", Shown::NEW_QUARANTINES, &[])];

/// The lines of a delivery; those of people alone where machines have made something, and that of quarantines where
/// they are counted.
pub fn measures(row: &Snapshot) -> impl Iterator<Item = &'static Measure> {
    let by_machines = |column: &&str| row.count(column).is_some_and(|rows| rows > 0);
    let by_people = match BY_MACHINES.iter().any(by_machines) {
        true => &BY_PEOPLE[..],
        false => &[],
    };
    let quarantines = match row.count(Shown::NEW_QUARANTINES) {
        Some(_) => &QUARANTINES[..],
        None => &[],
    };
    MEASURES.iter().chain(quarantines).chain(by_people)
}

/// The block of a row, for people.
pub fn block(row: &Snapshot, clock: &Clock, now: Instant) -> String {
    let mut text = head(row, clock);
    // Writing to a string cannot fail.
    let _ = write(&mut text, row, clock, now);
    text
}

/// Whose numbers these are.
pub fn head(row: &Snapshot, clock: &Clock) -> String {
    let text = |column| row.text(column).map(|text| printable(&text));
    let mut head = format!("delivery {}", text("delivery_id").unwrap_or_default());
    if let Some(label) = text("label") {
        head += &format!(", {label}");
    }
    let mode = match row.flag("efs") {
        Some(true) => "with",
        _ => "without",
    };
    let channel = text("channel").unwrap_or("not known, taken as email".to_owned());
    head += &format!("\n{mode} Email Feedback Service, channel {channel}");
    if let Some(start) = row.instant("started_at") {
        head += &format!(", started {}", clock.show(start));
    }
    head + "\n"
}

fn write(out: &mut String, row: &Snapshot, clock: &Clock, now: Instant) -> std::fmt::Result {
    if let Some(as_of) = row.instant("as_of") {
        writeln!(out, "as of {}", clock.show(as_of))?;
    }
    writeln!(out)?;
    for measure in measures(row) {
        let value = row.count(measure.counter).map_or("–".to_owned(), number);
        let mut line = format!("{:<22} {value:>12}", measure.label);
        for (place, (column, of)) in measure.rates.iter().enumerate() {
            let rate = row.rate(column);
            if place == 0 {
                let _ = write!(line, "  {:<20}", bar(rate));
            }
            let _ = write!(line, "  {:>8} {of:<13}", percent(rate));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out)?;
    out.push_str(&certainty(row, clock, now));
    Ok(())
}

/// How far the numbers can be relied on: what is inferred, what can still change, how new they are.
pub fn certainty(row: &Snapshot, clock: &Clock, now: Instant) -> String {
    let count = |column| row.count(column).unwrap_or(0);
    let mut text = String::new();
    let (inferred, late) = (count("failed_by_deadline"), count("late_successes"));
    let share = match count("processed") {
        0 => String::new(),
        processed => format!(
            " ({} of processed)",
            percent(Some(inferred as f64 / processed as f64))
        ),
    };
    text += &format!(
        "inferred    {} failed because the deadline passed during retries, without a row{share}\n",
        number(inferred)
    );
    if late > 0 {
        text += &format!(
            "            {} successes came after a failure for good; if they are many, deadline = \"reported\" may be right\n",
            number(late)
        );
    }
    text += &format!("final       {}\n", finality(row, clock));
    text += &match row.instant("last_event_at") {
        None => "newest row  none\n".to_owned(),
        Some(newest) => {
            let as_of = row.instant("as_of").unwrap_or(now);
            format!(
                "newest row  {}, {} before as-of, {}\n",
                clock.show(newest),
                span(as_of.micros() - newest.micros()),
                match now.micros() - newest.micros() {
                    since @ 0.. => format!("{} ago", span(since)),
                    ahead => format!("{} from now", span(ahead)),
                }
            )
        }
    };
    text
}

fn finality(row: &Snapshot, clock: &Clock) -> String {
    let (Some(is_final), Some(at)) = (row.flag("is_final"), row.instant("final_at")) else {
        return "not known: no message has a deadline".to_owned();
    };
    let at_text = clock.show(at);
    if is_final {
        return format!(
            "yes, since {at_text}; asynchronous bounces, opens, clicks and corrections can still come"
        );
    }
    let mut reasons = Vec::new();
    if row.instant("as_of").is_none_or(|as_of| at >= as_of) {
        reasons.push(format!("the last deadline is {at_text}"));
    }
    match row.count("pending") {
        Some(pending) if pending > 0 => reasons.push(format!("{} pending", number(pending))),
        _ => {}
    }
    if let (Some(processed), Some(all)) = (row.count("processed"), row.count("to_deliver"))
        && processed < all
    {
        reasons.push(format!(
            "{} of {} processed",
            number(processed),
            number(all)
        ));
    }
    format!("no: {}", reasons.join(", "))
}

/// A rate as a percentage.
pub fn percent(rate: Option<f64>) -> String {
    rate.map_or("–".to_owned(), |rate| format!("{:.1} %", rate * 100.0))
}

/// Twenty cells are a whole.
fn bar(rate: Option<f64>) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (rate.unwrap_or(0.0).clamp(0.0, 1.0) * 160.0).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_rate() {
        assert_eq!(bar(None), "");
        assert_eq!(bar(Some(0.0)), "");
        assert_eq!(bar(Some(0.05)), "█");
        assert_eq!(bar(Some(0.0625)), "█▎");
        assert_eq!(bar(Some(1.0)), "█".repeat(20));
        assert_eq!(bar(Some(1.7)), "█".repeat(20), "more than a whole");
    }

    #[test]
    fn a_rate_of_nothing_is_a_dash() {
        assert_eq!(percent(None), "–");
        assert_eq!(percent(Some(0.9081)), "90.8 %");
    }
}
