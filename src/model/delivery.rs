//! What the deliveries extract says about a delivery, and what follows from it for its messages.

use super::{DeliveryId, HOUR, Instant};

/// How long the MTA keeps a message in its queue at most: 3.5 days, in microseconds.
pub const QUEUE_LIFE: i64 = 84 * HOUR;

/// Where the end of retries comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadlineMode {
    /// The passing of the deadline fails a message that is being retried, also without a row.
    #[default]
    Infer,
    /// There is no deadline; only reported failures count.
    Reported,
}

/// A row of the deliveries extract; the columns in the contract's order, which is also the order
/// that decides between two rows of one `modified_at` (null lowest).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes {
    /// A name for people.
    pub label: Option<String>,
    /// `email`, `sms`, …
    pub channel: Option<String>,
    /// The recurring delivery that this one is a run of.
    pub parent_delivery_id: Option<DeliveryId>,
    /// When the send started.
    pub started_at: Option<Instant>,
    /// When the validity period ends.
    pub validity_end: Option<Instant>,
    /// When this row was last changed; the latest row of a delivery wins.
    pub modified_at: Option<Instant>,
    /// Messages to deliver.
    pub to_deliver: Option<i64>,
    /// Whether the delivery has the Email Feedback Service.
    pub efs: Option<bool>,
}

/// What the job says about deliveries without a row, or with nulls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Email Feedback Service; off unless set.
    pub efs: Option<bool>,
    /// Channel; none, which counts as e-mail, unless set.
    pub channel: Option<String>,
    /// Validity period in microseconds, from `started_at`; none unless set.
    pub validity: Option<i64>,
}

impl Attributes {
    /// The same with the job's defaults in the place of nulls.
    #[must_use]
    pub fn or(mut self, defaults: &Defaults) -> Attributes {
        self.efs = self.efs.or(defaults.efs).or(Some(false));
        self.channel = self.channel.or_else(|| defaults.channel.clone());
        self.validity_end = self.validity_end.or_else(|| {
            let (start, validity) = (self.started_at?, defaults.validity?);
            Some(start.plus(validity))
        });
        self
    }

    /// Whether there is a validity end that does not count: its span is over 84 h, zero or negative.
    pub fn validity_is_ignored(&self) -> bool {
        self.validity_end.is_some() && self.counting_validity_end().is_none()
    }

    fn counting_validity_end(&self) -> Option<Instant> {
        let end = self.validity_end?;
        match self.started_at {
            None => Some(end),
            Some(start) => {
                let span = end.micros() - start.micros();
                (0 < span && span <= QUEUE_LIFE).then_some(end)
            }
        }
    }

    fn is_email(&self) -> bool {
        self.channel.as_deref().is_none_or(|channel| {
            let channel = channel.trim();
            channel.eq_ignore_ascii_case("email") || channel.eq_ignore_ascii_case("e-mail")
        })
    }
}

/// How the messages of one delivery are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// With the Email Feedback Service, a message counts as delivered only when the MTA says so.
    pub efs: bool,
    has_deadline: bool,
    validity_end: Option<Instant>,
}

impl Policy {
    /// The policy that follows from attributes (with the defaults in) and the job's mode.
    pub fn new(attributes: &Attributes, mode: DeadlineMode) -> Policy {
        Policy {
            efs: attributes.efs.unwrap_or(false),
            has_deadline: mode == DeadlineMode::Infer && attributes.is_email(),
            validity_end: attributes.counting_validity_end(),
        }
    }

    /// When the retries of a message that entered the log at `entered_at` end, if ever.
    pub fn deadline(&self, entered_at: Instant) -> Option<Instant> {
        let queue_end = entered_at.plus(QUEUE_LIFE);
        self.has_deadline.then(|| {
            self.validity_end
                .map_or(queue_end, |end| end.min(queue_end))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Instant = Instant::from_micros(1_772_442_000_000_000);

    fn deadline_after(start: Option<i64>, end: Option<i64>, entered: i64) -> i64 {
        let attributes = Attributes {
            started_at: start.map(|h| T.plus(h * HOUR)),
            validity_end: end.map(|h| T.plus(h * HOUR)),
            ..Attributes::default()
        };
        let policy = Policy::new(&attributes, DeadlineMode::Infer);
        let deadline = policy.deadline(T.plus(entered * HOUR));
        (deadline.map_or(i64::MIN, Instant::micros) - T.micros()) / HOUR
    }

    #[test]
    fn the_validity_end_counts_when_its_span_is_over_zero_and_at_most_84_hours() {
        assert_eq!(deadline_after(None, None, 1), 85);
        assert_eq!(deadline_after(Some(0), Some(48), 1), 48);
        assert_eq!(deadline_after(Some(0), Some(84), 1), 84);
        assert_eq!(deadline_after(Some(0), Some(85), 1), 85, "ignored");
        assert_eq!(deadline_after(Some(0), Some(0), 1), 85, "ignored");
        assert_eq!(deadline_after(Some(0), Some(-5), 1), 85, "ignored");
        assert_eq!(deadline_after(None, Some(500), 1), 85, "84 h are sooner");
        assert_eq!(deadline_after(None, Some(5), 1), 5, "unknown start");
        assert_eq!(
            deadline_after(Some(0), Some(48), 60),
            48,
            "also before the entry"
        );
    }

    #[test]
    fn a_validity_end_that_does_not_count_is_told() {
        let of = |start: Option<i64>, end: Option<i64>| {
            let attributes = Attributes {
                started_at: start.map(|h| T.plus(h * HOUR)),
                validity_end: end.map(|h| T.plus(h * HOUR)),
                ..Attributes::default()
            };
            attributes.validity_is_ignored()
        };
        assert!(of(Some(0), Some(85)) && of(Some(0), Some(0)) && of(Some(0), Some(-5)));
        assert!(!of(Some(0), Some(84)) && !of(Some(0), Some(1)) && !of(None, Some(500)));
        assert!(!of(Some(0), None) && !of(None, None));
    }

    #[test]
    fn rows_are_ordered_by_the_columns_of_the_contract() {
        // Each column, set to a value.
        let columns: [fn(&mut Attributes); 8] = [
            |row| row.label = Some("a".to_owned()),
            |row| row.channel = Some("a".to_owned()),
            |row| row.parent_delivery_id = Some(DeliveryId::Number(-1)),
            |row| row.started_at = Some(T),
            |row| row.validity_end = Some(T),
            |row| row.modified_at = Some(T),
            |row| row.to_deliver = Some(-1),
            |row| row.efs = Some(false),
        ];
        for (place, set) in columns.iter().enumerate() {
            let (mut greater, mut lower) = (Attributes::default(), Attributes::default());
            set(&mut greater);
            columns[place + 1..].iter().for_each(|set| set(&mut lower));
            assert!(
                greater > lower,
                "column {place}: null is lowest, later ones do not matter"
            );
        }
    }

    #[test]
    fn other_channels_and_reported_deadlines_have_none() {
        let of = |channel: Option<&str>, mode| {
            let attributes = Attributes {
                channel: channel.map(str::to_owned),
                ..Attributes::default()
            };
            Policy::new(&attributes, mode).deadline(T).is_some()
        };
        assert!(of(None, DeadlineMode::Infer));
        assert!(of(Some("email"), DeadlineMode::Infer));
        assert!(of(Some(" E-Mail "), DeadlineMode::Infer));
        assert!(!of(Some("sms"), DeadlineMode::Infer));
        assert!(!of(None, DeadlineMode::Reported));
    }

    #[test]
    fn defaults_stand_in_for_nulls_only() {
        let defaults = Defaults {
            efs: Some(true),
            channel: Some("sms".to_owned()),
            validity: Some(2 * HOUR),
        };
        let empty = Attributes::default().or(&defaults);
        assert_eq!(empty.efs, Some(true));
        assert_eq!(empty.channel.as_deref(), Some("sms"));
        assert_eq!(empty.validity_end, None, "no start, no end");
        let started = Attributes {
            started_at: Some(T),
            ..Attributes::default()
        };
        let end = started.or(&defaults).validity_end;
        assert_eq!(end, Some(T.plus(2 * HOUR)), "from the start");
        let full = Attributes {
            efs: Some(false),
            channel: Some("email".to_owned()),
            started_at: Some(T),
            validity_end: Some(T.plus(HOUR)),
            ..Attributes::default()
        };
        assert_eq!(full.clone().or(&defaults), full);
        let none = Attributes::default().or(&Defaults::default());
        assert_eq!(
            (none.efs, none.channel),
            (Some(false), None),
            "null is e-mail"
        );
    }
}
