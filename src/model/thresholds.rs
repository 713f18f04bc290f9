//! From where on numbers are worth an alert.

/// The thresholds of a job; what is not set raises no alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// Most hard bounces of the sent messages of a delivery.
    pub hard_bounce_rate: Option<f64>,
    /// Most soft bounces of them.
    pub soft_bounce_rate: Option<f64>,
    /// Most complaints for each delivered message.
    pub complaint_rate: Option<f64>,
    /// For how many hours a message may be pending.
    pub pending_hours: Option<i64>,
    /// How many messages are processed in an hour at least, until all are.
    pub processed_per_hour: Option<i64>,
    /// How many hours the newest row of a log may be older than as-of.
    pub input_hours: Option<i64>,
    /// From how many messages on, sent or delivered, a rate says something.
    pub min_messages: i64,
    /// For how many hours after its last event a delivery can raise alerts.
    pub recent_hours: i64,
    /// Whether a new alert has an exit code of its own.
    pub exit_code: bool,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            hard_bounce_rate: None,
            soft_bounce_rate: None,
            complaint_rate: None,
            pending_hours: None,
            processed_per_hour: None,
            input_hours: None,
            min_messages: 100,
            recent_hours: 72,
            exit_code: false,
        }
    }
}
