//! What a record is: a report, a tracking row, or nothing that a KPI needs.

use super::path::Path;
use super::spec::Spec;
use crate::model::{Report, Tracked};
use std::sync::Arc;

/// What becomes of a kind of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A row of the sending log.
    Report(Report),
    /// A row of the tracking log.
    Tracked(Tracked),
    /// Nothing, for this reason.
    Disregarded(Arc<str>),
}

/// How the kind of a record is told.
#[derive(Clone, Debug)]
pub struct Kinds {
    /// Its words, from the general to the particular.
    pub by: Vec<Spec<Path>>,
    rules: Vec<(Vec<String>, Meaning)>,
}

impl Kinds {
    /// Rules are words with `/` between them, `*` for any; the one with the most words that a kind begins with
    /// holds, among several that with the fewest `*`.
    pub fn new(by: Vec<Spec<Path>>, rules: impl Iterator<Item = (String, Meaning)>) -> Kinds {
        let words = |rule: &str| rule.split('/').map(normal).collect::<Vec<String>>();
        let mut rules: Vec<_> = rules
            .map(|(rule, meaning)| (words(&rule), meaning))
            .collect();
        let stars = |words: &[String]| words.iter().filter(|word| *word == "*").count();
        rules.sort_by_key(|(words, _)| (usize::MAX - words.len(), stars(words)));
        Kinds { by, rules }
    }

    /// What a kind means, by its words.
    pub fn meaning(&self, words: &[String]) -> Option<&Meaning> {
        let fits = |rule: &[String]| {
            let pairs = rule.iter().zip(words);
            rule.len() <= words.len() && { pairs }.all(|(rule, word)| rule == "*" || rule == word)
        };
        let found = self.rules.iter().find(|(rule, _)| fits(rule));
        found.map(|(_, meaning)| meaning)
    }
}

/// Labels are compared without regard to case and blanks around them.
pub fn normal(label: &str) -> String {
    label.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_rule_holds() {
        let rule = |words: &str, report| (words.to_owned(), Meaning::Report(report));
        let kinds = Kinds::new(
            Vec::new(),
            [
                rule("Bounce", Report::Ignored),
                rule("Bounce/*/*/4.4.7", Report::Expired),
                rule("Bounce/Permanent/*/4.4.7", Report::Complaint),
                rule("Bounce/Permanent", Report::HardBounce),
            ]
            .into_iter(),
        );
        let of = |words: &str| {
            let words: Vec<String> = words.split('/').map(normal).collect();
            kinds.meaning(&words).cloned()
        };
        let is = |report| Some(Meaning::Report(report));
        assert_eq!(of("bounce/undetermined//"), is(Report::Ignored));
        assert_eq!(of("Bounce/permanent/general/5.1.1"), is(Report::HardBounce));
        assert_eq!(of("Bounce/Transient//4.4.7"), is(Report::Expired));
        assert_eq!(of("Bounce/Permanent//4.4.7"), is(Report::Complaint));
        assert_eq!(of("Delivery"), None);
    }
}
