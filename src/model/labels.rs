//! What the texts and codes of an extract mean: the contract's labels, and those that a job adds.

use super::reasons::REASONS;
use super::{Logged, Report, Tracked, Value};
use std::collections::BTreeMap;

/// The `status` column of the status form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusLabel {
    /// Not known yet.
    Pending = 1,
    /// Sent.
    Sent = 2,
    /// Failed; the failure type tells more.
    Failed = 3,
    /// One that says nothing about the message. No label of the contract means it.
    Ignored = 4,
}

/// The `failure_type` column of the status form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureType {
    /// The MTA may try again.
    Soft = 1,
    /// Permanent.
    Hard = 2,
    /// No real failure, such as "out of office".
    Ignored = 3,
}

/// What the texts and numbers of one column mean.
#[derive(Clone, Debug)]
struct Table<T> {
    labels: BTreeMap<String, T>,
    codes: BTreeMap<i64, T>,
}

impl<T: Copy> Table<T> {
    fn new(rows: &[(&str, T)]) -> Table<T> {
        let mut table = Table {
            labels: BTreeMap::new(),
            codes: BTreeMap::new(),
        };
        for (label, meaning) in rows {
            table.add(label, *meaning);
        }
        table
    }

    fn add(&mut self, label: &str, meaning: T) {
        let label = normal(label);
        match label.parse() {
            Ok(code) => self.codes.insert(code, meaning),
            Err(_) => self.labels.insert(label, meaning),
        };
    }

    /// Adds a label with the meaning of one of the contract's; false if `known` is none.
    fn alias(&mut self, contract: &Table<T>, label: &str, known: &str) -> bool {
        let meaning = contract.label(known);
        if let Some(meaning) = meaning {
            self.add(label, meaning);
        }
        meaning.is_some()
    }

    fn label(&self, label: &str) -> Option<T> {
        let label = normal(label);
        match label.parse() {
            Ok(code) => self.code(code),
            Err(_) => self.labels.get(&label).copied(),
        }
    }

    fn code(&self, code: i64) -> Option<T> {
        self.codes.get(&code).copied()
    }
}

/// Labels and codes with their meaning. Compared without regard to case and surrounding blanks;
/// digits in a text are codes.
#[derive(Clone, Debug)]
pub struct Labels {
    event: Table<Report>,
    status: Table<StatusLabel>,
    failure_type: Table<FailureType>,
    tracking_type: Table<Tracked>,
    failure_reason: Table<i64>,
}

impl Default for Labels {
    /// The labels of kpi-semantics, section 5.
    fn default() -> Self {
        Labels {
            event: Table::new(&[
                ("relayed", Report::Relayed),
                ("delivered", Report::Delivered),
                ("soft_bounce", Report::SoftBounce),
                ("hard_bounce", Report::HardBounce),
                ("expired", Report::Expired),
                ("complaint", Report::Complaint),
                ("ignored", Report::Ignored),
            ]),
            status: Table::new(&[
                ("pending", StatusLabel::Pending),
                ("sent", StatusLabel::Sent),
                ("1", StatusLabel::Sent),
                ("failed", StatusLabel::Failed),
                ("2", StatusLabel::Failed),
            ]),
            failure_type: Table::new(&[
                ("soft", FailureType::Soft),
                ("1", FailureType::Soft),
                ("hard", FailureType::Hard),
                ("2", FailureType::Hard),
                ("ignored", FailureType::Ignored),
                ("3", FailureType::Ignored),
            ]),
            tracking_type: Table::new(&[
                ("click", Tracked::Click),
                ("1", Tracked::Click),
                ("open", Tracked::Open),
                ("2", Tracked::Open),
                ("opt_out", Tracked::OptOut),
                ("3", Tracked::OptOut),
                ("mirror_page", Tracked::MirrorPage),
                ("6", Tracked::MirrorPage),
                ("offer_click", Tracked::OfferClick),
                ("10", Tracked::OfferClick),
                ("offer_click_2", Tracked::OfferClick2),
                ("11", Tracked::OfferClick2),
            ]),
            failure_reason: Table::new(&REASONS),
        }
    }
}

impl Labels {
    /// Adds a label for the `event` column; false if `meaning` is none of the contract's.
    pub fn add_event(&mut self, label: &str, meaning: &str) -> bool {
        self.event.alias(&Labels::default().event, label, meaning)
    }

    /// Adds a label for the `status` column; false if `meaning` is none of the contract's.
    pub fn add_status(&mut self, label: &str, meaning: &str) -> bool {
        self.status.alias(&Labels::default().status, label, meaning)
    }

    /// Adds a label for the `status` column whose rows change nothing.
    pub fn ignore_status(&mut self, label: &str) {
        self.status.add(label, StatusLabel::Ignored);
    }

    /// Adds a label for the `failure_type` column; false if `meaning` is none of the contract's.
    pub fn add_failure_type(&mut self, label: &str, meaning: &str) -> bool {
        self.failure_type
            .alias(&Labels::default().failure_type, label, meaning)
    }

    /// Adds a label for the `type` column; false if `meaning` is none of the contract's.
    pub fn add_tracking_type(&mut self, label: &str, meaning: &str) -> bool {
        self.tracking_type
            .alias(&Labels::default().tracking_type, label, meaning)
    }

    /// Adds a label for the `failure_reason` column.
    pub fn add_failure_reason(&mut self, label: &str, code: i64) {
        self.failure_reason.add(label, code);
    }

    /// The meaning of an `event` label.
    pub fn event(&self, label: &str) -> Option<Logged> {
        self.event.label(label).map(Logged::Event)
    }

    /// The meaning of an `event` code.
    pub fn event_code(&self, code: i64) -> Option<Logged> {
        self.event.code(code).map(Logged::Event)
    }

    /// The meaning of a `status` label.
    pub fn status(&self, label: &str) -> Option<StatusLabel> {
        self.status.label(label)
    }

    /// The meaning of a `status` code.
    pub fn status_code(&self, code: i64) -> Option<StatusLabel> {
        self.status.code(code)
    }

    /// The meaning of a `failure_type` label.
    pub fn failure_type(&self, label: &str) -> Option<FailureType> {
        self.failure_type.label(label)
    }

    /// The meaning of a `failure_type` code.
    pub fn failure_type_code(&self, code: i64) -> Option<FailureType> {
        self.failure_type.code(code)
    }

    /// The type of a tracking row, and the value that tells unknown types apart.
    pub fn tracking_type(&self, label: &str) -> (Tracked, Value) {
        if let Some(tracked) = self.tracking_type.label(label) {
            return (tracked, Value::Number(tracked as i64));
        }
        let label = normal(label);
        match label.parse() {
            Ok(code) => (Tracked::Unknown, Value::Number(code)),
            Err(_) => (Tracked::Unknown, Value::Text(label.into())),
        }
    }

    /// The type of a tracking row by its code.
    pub fn tracking_code(&self, code: i64) -> Tracked {
        self.tracking_type.code(code).unwrap_or(Tracked::Unknown)
    }

    /// A failure reason: a known label or digits as a number, any other text as it is.
    pub fn failure_reason(&self, label: &str) -> Value {
        if let Some(code) = self.failure_reason.label(label) {
            return Value::Number(code);
        }
        let label = normal(label);
        match label.parse() {
            Ok(code) => Value::Number(code),
            Err(_) => Value::Text(label.into()),
        }
    }

    /// A failure reason by its code.
    pub fn failure_reason_code(&self, code: i64) -> i64 {
        self.failure_reason.code(code).unwrap_or(code)
    }

    /// The event of a row in status form.
    pub fn logged(status: StatusLabel, failure_type: Option<FailureType>) -> Logged {
        match (status, failure_type) {
            (StatusLabel::Pending, _) => Logged::Pending,
            (StatusLabel::Sent, _) => Logged::Sent,
            (StatusLabel::Ignored, _) => Logged::Event(Report::Ignored),
            (StatusLabel::Failed, Some(FailureType::Hard)) => Logged::FailedHard,
            (StatusLabel::Failed, Some(FailureType::Soft | FailureType::Ignored) | None) => {
                Logged::FailedSoft
            }
        }
    }
}

/// Labels are compared in one form; "007" and "+7" are the code 7 besides.
fn normal(label: &str) -> String {
    label.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_compared_without_case_and_blanks() {
        let labels = Labels::default();
        assert_eq!(
            labels.event(" HARD_Bounce\t"),
            Some(Logged::Event(Report::HardBounce))
        );
        assert_eq!(labels.event("bounce"), None);
        assert_eq!(labels.status("FAILED"), Some(StatusLabel::Failed));
        assert_eq!(labels.status("1"), Some(StatusLabel::Sent));
        assert_eq!(labels.failure_type(" 02 "), Some(FailureType::Hard));
        assert_eq!(labels.failure_reason("Mailbox Full "), Value::Number(5));
        assert_eq!(labels.failure_reason("17"), Value::Number(17));
        assert_eq!(labels.failure_reason("Odd"), Value::Text("odd".into()));
    }

    #[test]
    fn the_labels_and_codes_of_the_specification() {
        let labels = Labels::default();
        for (label, report) in [
            ("relayed", Report::Relayed),
            ("delivered", Report::Delivered),
            ("soft_bounce", Report::SoftBounce),
            ("hard_bounce", Report::HardBounce),
            ("expired", Report::Expired),
            ("complaint", Report::Complaint),
            ("ignored", Report::Ignored),
        ] {
            assert_eq!(labels.event(label), Some(Logged::Event(report)), "{label}");
        }
        for (code, reason) in [
            (1, "User unknown"),
            (2, "Invalid domain"),
            (3, "Unreachable"),
            (4, "Account disabled"),
            (5, "Mailbox full"),
            (6, "Not connected"),
            (8, "On denylist"),
            (20, "Refused"),
        ] {
            assert_eq!(
                labels.failure_reason(reason),
                Value::Number(code),
                "{reason}"
            );
        }
        for code in [-1, 0, 1, 7, 20, 21, i64::MAX] {
            assert_eq!(labels.failure_reason_code(code), code);
            assert_eq!(
                labels.failure_reason(&code.to_string()),
                Value::Number(code)
            );
        }
        for (code, status) in [(1, StatusLabel::Sent), (2, StatusLabel::Failed)] {
            assert_eq!(labels.status_code(code), Some(status));
            assert_eq!(labels.status(&code.to_string()), Some(status));
        }
        for (code, label, failure_type) in [
            (1, "Soft", FailureType::Soft),
            (2, "Hard", FailureType::Hard),
            (3, "Ignored", FailureType::Ignored),
        ] {
            assert_eq!(labels.failure_type_code(code), Some(failure_type));
            assert_eq!(labels.failure_type(&code.to_string()), Some(failure_type));
            assert_eq!(labels.failure_type(label), Some(failure_type));
        }
        for code in [0, 3, 4] {
            assert_eq!(labels.status_code(code), None);
            assert_eq!(labels.event_code(code), None);
        }
        assert_eq!(
            (labels.failure_type_code(0), labels.failure_type_code(4)),
            (None, None)
        );
        for (code, label, tracked) in [
            (1, "Click", Tracked::Click),
            (2, "Open", Tracked::Open),
            (3, "Opt_out", Tracked::OptOut),
            (6, "Mirror_page", Tracked::MirrorPage),
            (10, "Offer_click", Tracked::OfferClick),
            (11, "Offer_click_2", Tracked::OfferClick2),
        ] {
            assert_eq!(labels.tracking_code(code), tracked);
            assert_eq!(labels.tracking_type(label), (tracked, Value::Number(code)));
        }
        for code in [-1, 0, 4, 5, 7, 9, 12, 15, i64::MAX] {
            assert_eq!(labels.tracking_code(code), Tracked::Unknown, "{code}");
        }
    }

    #[test]
    fn a_status_of_its_type_is_an_event() {
        use FailureType::{Hard, Ignored, Soft};
        for failure_type in [None, Some(Soft), Some(Hard), Some(Ignored)] {
            let of = |status| Labels::logged(status, failure_type);
            assert_eq!(of(StatusLabel::Pending), Logged::Pending);
            assert_eq!(of(StatusLabel::Sent), Logged::Sent);
            assert_eq!(of(StatusLabel::Ignored), Logged::Event(Report::Ignored));
            let failed = match failure_type {
                Some(Hard) => Logged::FailedHard,
                _ => Logged::FailedSoft,
            };
            assert_eq!(of(StatusLabel::Failed), failed);
        }
    }

    #[test]
    fn tracking_types_are_codes_or_labels() {
        let labels = Labels::default();
        for (label, tracked, code) in [
            ("click", Tracked::Click, 1),
            ("2", Tracked::Open, 2),
            ("opt_out", Tracked::OptOut, 3),
            ("6", Tracked::MirrorPage, 6),
            ("Offer_Click", Tracked::OfferClick, 10),
            ("11", Tracked::OfferClick2, 11),
            ("5", Tracked::Unknown, 5),
        ] {
            assert_eq!(labels.tracking_type(label), (tracked, Value::Number(code)));
        }
        let (tracked, value) = labels.tracking_type("Download");
        assert_eq!(
            (tracked, value),
            (Tracked::Unknown, Value::Text("download".into()))
        );
    }

    #[test]
    fn a_job_adds_labels_and_codes() {
        let mut labels = Labels::default();
        assert!(labels.add_event("Bounced hard", "hard_bounce"));
        assert!(labels.add_event("7", "relayed"));
        assert!(!labels.add_event("x", "no such event"));
        assert_eq!(
            labels.event("bounced HARD"),
            Some(Logged::Event(Report::HardBounce))
        );
        assert_eq!(labels.event("7"), Some(Logged::Event(Report::Relayed)));
        labels.add_failure_reason("Full", 5);
        assert_eq!(labels.failure_reason("full"), Value::Number(5));
    }
}
