//! The rows of the three extracts as plain values; no arrow, no parquet.

/// A recipient that is a text of blanks; nobody.
pub const BLANK: i64 = i64::MIN;

/// A row of the sending log. Instants are microseconds since 1970, `None` is null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SendingRow {
    pub delivery_id: Option<i64>,
    pub message_id: Option<i64>,
    pub event: Option<String>,
    pub status: Option<String>,
    pub failure_type: Option<String>,
    pub event_at: Option<i64>,
    pub failure_reason: Option<String>,
    pub recipient_id: Option<i64>,
    pub recipient_domain: Option<String>,
    pub log_id: Option<i64>,
    pub revision: Option<i64>,
    pub deleted: Option<bool>,
    pub is_test: Option<bool>,
}

/// A row of the tracking log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackingRow {
    pub delivery_id: Option<i64>,
    pub message_id: Option<i64>,
    pub recipient_id: Option<i64>,
    pub tracking_type: Option<String>,
    pub event_at: Option<i64>,
    pub url_id: Option<i64>,
    pub log_id: Option<i64>,
    pub revision: Option<i64>,
    pub deleted: Option<bool>,
    pub is_test: Option<bool>,
    pub machine: Option<bool>,
}

/// A row of the deliveries extract. The order of the fields is the contract's order of columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryRow {
    pub delivery_id: Option<i64>,
    pub label: Option<String>,
    pub channel: Option<String>,
    pub parent_delivery_id: Option<i64>,
    pub started_at: Option<i64>,
    pub validity_end: Option<i64>,
    pub modified_at: Option<i64>,
    pub to_deliver: Option<i64>,
    pub efs: Option<bool>,
}

/// The three extracts of one history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub deliveries: Vec<DeliveryRow>,
    pub sending: Vec<SendingRow>,
    pub tracking: Vec<TrackingRow>,
}
