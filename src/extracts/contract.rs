//! The columns of the three extracts.

use arrow::datatypes::DataType;
use std::collections::BTreeMap;
use std::fmt;

/// One of the three extracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extract {
    /// Reports about the sending of messages.
    SendingLog,
    /// Opens, clicks and the like.
    TrackingLog,
    /// Attributes of deliveries.
    Deliveries,
}

impl Extract {
    /// All three.
    pub const ALL: [Extract; 3] = [
        Extract::SendingLog,
        Extract::TrackingLog,
        Extract::Deliveries,
    ];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Extract::SendingLog => "sending_log",
            Extract::TrackingLog => "tracking_log",
            Extract::Deliveries => "deliveries",
        }
    }
}

impl fmt::Display for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// An identifier: integers everywhere, or strings everywhere.
    Id,
    /// A label or a code.
    Label,
    /// An instant.
    Instant,
    /// An integer.
    Integer,
    /// A boolean, also 0 and 1.
    Boolean,
    /// A string.
    Text,
}

impl Takes {
    /// What it is called where something else was found.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Takes::Id => "integer or string",
            Takes::Label => "label (string) or code (integer)",
            Takes::Instant => "instant (timestamp, or string in RFC 3339)",
            Takes::Integer => "integer",
            Takes::Boolean => "boolean (also 0 and 1)",
            Takes::Text => "string",
        }
    }
}

/// A column of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub takes: Takes,
    /// Whether each file has it.
    pub required: bool,
    /// Needed only to tell rows of one `log_id` apart.
    pub(super) only_with_log_id: bool,
}

impl Column {
    /// Whether a double may stand for an integer: in optional columns, if its value is whole.
    pub(super) fn takes_doubles(&self) -> bool {
        // One of event and status is required, though neither is by itself.
        !self.required && self.name != "event" && self.name != "status"
    }

    /// Whether few different values stand in many rows.
    pub(super) fn recurs(&self) -> bool {
        self.takes == Takes::Label || matches!(self.name, "delivery_id" | "url_id")
    }
}

/// Whether the contract takes the type as a string.
pub fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::FixedSizeBinary(_) => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Whether the contract takes the type as an integer: any width, and decimals of scale 0.
pub fn is_integer(data_type: &DataType) -> bool {
    let whole_decimal = matches!(
        data_type,
        DataType::Decimal32(_, 0)
            | DataType::Decimal64(_, 0)
            | DataType::Decimal128(_, 0)
            | DataType::Decimal256(_, 0)
    );
    let is_dictionary = matches!(data_type, DataType::Dictionary(_, values) if is_integer(values));
    data_type.is_integer() || whole_decimal || is_dictionary
}

const fn required(name: &'static str, takes: Takes) -> Column {
    Column {
        name,
        takes,
        required: true,
        only_with_log_id: false,
    }
}

const fn optional(name: &'static str, takes: Takes) -> Column {
    Column {
        required: false,
        ..required(name, takes)
    }
}

const fn for_corrections(name: &'static str, takes: Takes) -> Column {
    Column {
        only_with_log_id: true,
        ..optional(name, takes)
    }
}

const SENDING_LOG: [Column; 13] = [
    required("delivery_id", Takes::Id),
    required("message_id", Takes::Id),
    // One of event and status is required; the schema check knows.
    optional("event", Takes::Label),
    optional("status", Takes::Label),
    optional("failure_type", Takes::Label),
    required("event_at", Takes::Instant),
    optional("failure_reason", Takes::Label),
    for_corrections("recipient_id", Takes::Id),
    for_corrections("recipient_domain", Takes::Text),
    optional("log_id", Takes::Integer),
    optional("revision", Takes::Integer),
    optional("deleted", Takes::Boolean),
    optional("is_test", Takes::Boolean),
];

const TRACKING_LOG: [Column; 11] = [
    required("delivery_id", Takes::Id),
    required("message_id", Takes::Id),
    for_corrections("recipient_id", Takes::Id),
    required("type", Takes::Label),
    required("event_at", Takes::Instant),
    optional("url_id", Takes::Id),
    optional("log_id", Takes::Integer),
    optional("revision", Takes::Integer),
    optional("deleted", Takes::Boolean),
    optional("is_test", Takes::Boolean),
    optional("machine", Takes::Boolean),
];

const DELIVERIES: [Column; 9] = [
    required("delivery_id", Takes::Id),
    optional("label", Takes::Text),
    optional("channel", Takes::Text),
    optional("parent_delivery_id", Takes::Id),
    optional("started_at", Takes::Instant),
    optional("validity_end", Takes::Instant),
    optional("modified_at", Takes::Instant),
    optional("to_deliver", Takes::Integer),
    optional("efs", Takes::Boolean),
];

impl Extract {
    /// Its columns, in the contract's order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Extract::SendingLog => &SENDING_LOG,
            Extract::TrackingLog => &TRACKING_LOG,
            Extract::Deliveries => &DELIVERIES,
        }
    }

    /// Whether the contract lists this column for the extract.
    pub fn has_column(self, name: &str) -> bool {
        self.columns().iter().any(|column| column.name == name)
    }
}

/// The names that the columns of an extract have in its files, where they are not the contract's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    names: BTreeMap<String, String>,
    usual: BTreeMap<String, String>,
}

impl Mapping {
    /// From the contract's names to those in the files.
    pub fn new(names: BTreeMap<String, String>) -> Mapping {
        Mapping {
            names,
            usual: BTreeMap::new(),
        }
    }

    /// The same, where the files usually have these names: a column of them need not be there.
    #[must_use]
    pub fn or(self, usual: BTreeMap<String, String>) -> Mapping {
        Mapping { usual, ..self }
    }

    /// The name in the files of a column of the contract.
    pub fn name<'a>(&'a self, column: &'a str) -> &'a str {
        let name = self.names.get(column).or_else(|| self.usual.get(column));
        name.map_or(column, String::as_str)
    }

    /// Whether the job gave the column another name.
    pub fn renames(&self, column: &str) -> bool {
        self.names.contains_key(column)
    }
}
