//! The rules of a job, as keys of a job file and as the program has them.

use delivery_kpi::model;

use super::super::oracle::{Machines, Quarantine};
use super::super::world::url_text;

/// A job file with these rules, with or without the table of recurring deliveries.
pub fn job_text(has_parents: bool, machines: &Machines, quarantine: Option<&Quarantine>) -> String {
    let mut text = String::new();
    if has_parents {
        text += "parents = true\n";
    }
    text += &rules_text(machines);
    if let Some(rules) = quarantine {
        text += &format!(
            "[quarantine]\nsoft_errors = {}\nhours_apart = {}\ndays_to_forget = {}\n",
            rules.soft_errors, rules.hours_apart, rules.days_to_forget
        );
    }
    text
}

/// The rules as the program has them.
pub fn rules(machines: &Machines) -> model::Machines {
    let number = |url: &i64| model::Value::Number(*url);
    let text = |url: &i64| model::Value::Text(url_text(*url).into());
    let honeypots = &machines.honeypots;
    model::Machines {
        marked: machines.marked,
        open_within: machines.open_within,
        many_links: machines
            .many_links
            .map(|(links, within)| model::ManyLinks { links, within }),
        honeypots: honeypots
            .iter()
            .map(number)
            .chain(honeypots.iter().map(text))
            .collect(),
        honeypot_within: machines.honeypot_within,
    }
}

/// The rules as a job file has them, links in both forms that the extracts may have.
pub fn rules_text(machines: &Machines) -> String {
    let seconds = |micros: i64| micros as f64 / 1e6;
    let mut text = format!(
        "[machines]\nmarked = {}\nhoneypot_seconds = {:?}\n",
        machines.marked,
        seconds(machines.honeypot_within)
    );
    if let Some(within) = machines.open_within {
        text += &format!("open_seconds = {:?}\n", seconds(within));
    }
    if let Some((links, within)) = machines.many_links {
        text += &format!(
            "many_links = {links}\nmany_links_seconds = {:?}\n",
            seconds(within)
        );
    }
    let urls = machines.honeypots.iter();
    let urls: Vec<String> = urls
        .map(|url| format!("{url}, \"{}\"", url_text(*url)))
        .collect();
    text + &format!("honeypots = [{}]\n", urls.join(", "))
}
