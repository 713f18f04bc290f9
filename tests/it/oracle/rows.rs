//! Sections 5 and 6: what a row says, and what becomes of it.

mod recipients;

use std::collections::{BTreeMap, BTreeSet};

use super::super::world::{BLANK, SendingRow, TrackingRow};

/// The events of a report, in the order of section 2 at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    Relayed,
    SoftBounce,
    Delivered,
    Expired,
    HardBounce,
    Complaint,
    Ignored,
}

impl Event {
    /// Whether it brings a message into the log.
    pub fn enters(self) -> bool {
        self != Event::Complaint && self != Event::Ignored
    }

    fn from_label(label: &str) -> Option<Self> {
        match label {
            "relayed" => Some(Event::Relayed),
            "soft_bounce" => Some(Event::SoftBounce),
            "delivered" => Some(Event::Delivered),
            "expired" => Some(Event::Expired),
            "hard_bounce" => Some(Event::HardBounce),
            "complaint" => Some(Event::Complaint),
            "ignored" => Some(Event::Ignored),
            _ => None,
        }
    }
}

/// A label or code; numbers come before text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    Number(i64),
    Text(String),
}

/// The type of a tracking row.
pub type TypeCode = Code;

impl Code {
    pub fn is(&self, number: i64) -> bool {
        *self == Code::Number(number)
    }

    /// Whether it is one of the tracking types of section 5.
    pub fn is_known(&self) -> bool {
        [1, 2, 3, 6, 10, 11].into_iter().any(|known| self.is(known))
    }

    fn read(text: &Option<String>, known: &[(&str, i64)]) -> Option<Self> {
        let text = label(text)?;
        if let Some((_, code)) = known.iter().find(|(name, _)| *name == text) {
            return Some(Code::Number(*code));
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if is_number => Some(Code::Number(number)),
            _ => Some(Code::Text(text)),
        }
    }
}

const TYPES: [(&str, i64); 6] = [
    ("click", 1),
    ("open", 2),
    ("opt_out", 3),
    ("mirror_page", 6),
    ("offer_click", 10),
    ("offer_click_2", 11),
];

/// The failure reasons of section 5 that have a name.
pub const REASONS: [(&str, i64); 8] = [
    ("user unknown", 1),
    ("invalid domain", 2),
    ("unreachable", 3),
    ("account disabled", 4),
    ("mailbox full", 5),
    ("not connected", 6),
    ("on denylist", 8),
    ("refused", 20),
];

/// A text as it is, or null if it is blank.
pub fn not_blank(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.trim().is_empty())
}

/// A label without its surrounding blanks and its case; a blank one is null.
pub fn label(text: &Option<String>) -> Option<String> {
    not_blank(text).map(|text| text.trim().to_lowercase())
}

/// An identifier that is no blank text.
fn named(id: Option<i64>) -> Option<i64> {
    id.filter(|id| *id != BLANK)
}

/// Whether an instant lies in the years 1990 to 2099.
pub fn in_range(instant: i64) -> bool {
    const YEAR_1990: i64 = 631_152_000_000_000;
    const YEAR_2100: i64 = 4_102_444_800_000_000;
    (YEAR_1990..YEAR_2100).contains(&instant)
}

/// A sending row that is not rejected. In a deleted row what is unreadable is null.
#[derive(Clone, Debug)]
pub struct Report {
    pub delivery: i64,
    pub message: i64,
    /// Section 5: the status form is resolved before anything is compared.
    pub event: Option<Event>,
    pub at: Option<i64>,
    pub reason: Option<Code>,
    recipient: (Option<i64>, Option<String>),
    /// Event, status and failure type as they stand in the row.
    form: String,
    version: Version,
    pub is_test: bool,
}

/// A tracking row that is not rejected.
#[derive(Clone, Debug)]
pub struct Tracking {
    pub delivery: i64,
    pub message: i64,
    pub code: Option<TypeCode>,
    pub at: Option<i64>,
    pub url: Option<i64>,
    recipient: Option<i64>,
    machine: Option<bool>,
    version: Version,
    pub is_test: bool,
}

/// Which row of its log it is, and which state of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    log_id: Option<i64>,
    revision: i64,
    deleted: bool,
}

impl Version {
    /// `None` is a rejected row: deleted without a log id.
    fn read(log_id: Option<i64>, revision: Option<i64>, deleted: Option<bool>) -> Option<Self> {
        let deleted = deleted.unwrap_or(false);
        if deleted && log_id.is_none() {
            return None;
        }
        // Without a log id a revision means nothing.
        let revision = if log_id.is_some() {
            revision.unwrap_or(0)
        } else {
            0
        };
        Some(Self {
            log_id,
            revision,
            deleted,
        })
    }
}

impl Report {
    pub fn is_deleted(&self) -> bool {
        self.version.deleted
    }

    /// Section 6: identical reports count once, whatever their `log_id`.
    pub fn is_identical_to(&self, other: &Report) -> bool {
        let identity = |report: &Report| {
            let key = (report.delivery, report.message, report.is_test);
            (key, report.event, report.at)
        };
        identity(self) == identity(other)
    }
}

/// The sending rows; `None` is a rejected one.
pub fn read_sending(rows: &[SendingRow], efs: impl Fn(i64) -> bool) -> Vec<Option<Report>> {
    rows.iter().map(|row| read_report(row, &efs)).collect()
}

fn read_report(row: &SendingRow, efs: impl Fn(i64) -> bool) -> Option<Report> {
    let (delivery, message) = (row.delivery_id?, row.message_id?);
    let version = Version::read(row.log_id, row.revision, row.deleted)?;
    let event = event_of(row, efs(delivery));
    let at = row.event_at.filter(|at| in_range(*at));
    if !version.deleted && (event.is_none() || at.is_none()) {
        return None;
    }
    Some(Report {
        delivery,
        message,
        event,
        at,
        reason: Code::read(&row.failure_reason, &REASONS),
        recipient: (named(row.recipient_id), not_blank(&row.recipient_domain)),
        form: form_of(row),
        version,
        is_test: row.is_test.unwrap_or(false),
    })
}

/// Section 5, the status form; an `event` counts before it.
fn event_of(row: &SendingRow, efs: bool) -> Option<Event> {
    if let Some(event) = label(&row.event) {
        return Event::from_label(&event);
    }
    let failure_type = label(&row.failure_type);
    let soft = Some(if efs {
        Event::SoftBounce
    } else {
        Event::Expired
    });
    match label(&row.status)?.as_str() {
        "pending" => Some(if efs { Event::Relayed } else { Event::Ignored }),
        "sent" | "1" => Some(if efs {
            Event::Delivered
        } else {
            Event::Relayed
        }),
        "failed" | "2" => match failure_type.as_deref() {
            None | Some("soft" | "1" | "ignored" | "3") => soft,
            Some("hard" | "2") => Some(Event::HardBounce),
            // Of a deleted row what is unreadable is null, and the status alone says as much.
            Some(_) => soft.filter(|_| row.deleted == Some(true)),
        },
        _ => None,
    }
}

/// Which of event, status and failure type are given, and as what.
fn form_of(row: &SendingRow) -> String {
    let one_of = |text: &Option<String>, known: [&'static str; 3]| {
        let text = label(text)?;
        let code = Code::read(&Some(text.clone()), &[]);
        let place = match code {
            Some(Code::Number(number)) => number,
            _ => known.iter().position(|name| *name == text)? as i64 + 1,
        };
        Some(place).filter(|place| (1..=3).contains(place))
    };
    let event = label(&row.event).and_then(|event| Event::from_label(&event));
    let status = one_of(&row.status, ["sent", "failed", "pending"]);
    let failure_type = one_of(&row.failure_type, ["soft", "hard", "ignored"]);
    format!("{} {status:?} {failure_type:?}", event.is_some())
}

/// The tracking rows; `None` is a rejected one.
pub fn read_tracking(rows: &[TrackingRow]) -> Vec<Option<Tracking>> {
    rows.iter().map(read_opening).collect()
}

fn read_opening(row: &TrackingRow) -> Option<Tracking> {
    let (delivery, message) = (row.delivery_id?, row.message_id?);
    let version = Version::read(row.log_id, row.revision, row.deleted)?;
    let code = Code::read(&row.tracking_type, &TYPES);
    let at = row.event_at.filter(|at| in_range(*at));
    if !version.deleted && (code.is_none() || at.is_none()) {
        return None;
    }
    Some(Tracking {
        delivery,
        message,
        code,
        at,
        url: row.url_id,
        recipient: named(row.recipient_id),
        machine: row.machine,
        version,
        is_test: row.is_test.unwrap_or(false),
    })
}

/// What becomes of a row (section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Rejected,
    Superseded,
    Deleted,
    Duplicate,
    Future,
    Counted,
}

impl Fate {
    pub const ALL: [Fate; 6] = [
        Fate::Rejected,
        Fate::Superseded,
        Fate::Deleted,
        Fate::Duplicate,
        Fate::Future,
        Fate::Counted,
    ];

    /// The column of `kpi_run` that counts it.
    pub fn column(self) -> &'static str {
        match self {
            Fate::Rejected => "rows_rejected",
            Fate::Superseded => "rows_superseded",
            Fate::Deleted => "rows_deleted",
            Fate::Duplicate => "rows_duplicate",
            Fate::Future => "rows_future",
            Fate::Counted => "rows_counted",
        }
    }
}

/// What the rules of section 6 compare of a row; the same in both logs.
struct Compared<'a> {
    key: (i64, i64),
    version: &'a Version,
    at: Option<i64>,
    /// Among rows of one key the greatest wins.
    order: OrderKey,
    /// Equal to the winner in all columns of the contract, by meaning.
    columns: String,
    /// Rows with the same one count once; `None` for a tracking row with a log id.
    identity: Option<String>,
}

/// Revision, deleted, then (instant, event or type, reason or url, test row, mark of a machine); null is lowest.
type OrderKey = (
    i64,
    bool,
    Option<i64>,
    Option<Code>,
    Option<Code>,
    (bool, bool),
);

impl Report {
    fn order(&self) -> OrderKey {
        let rank = self.event.map(|event| Code::Number(event as i64));
        let version = &self.version;
        let reason = self.reason.clone();
        let marks = (self.is_test, false);
        (
            version.revision,
            version.deleted,
            self.at,
            rank,
            reason,
            marks,
        )
    }

    /// Whether it is a greater version of the same row.
    pub fn supersedes(&self, other: &Report) -> bool {
        let key = |row: &Report| Some((row.delivery, row.message, row.version.log_id?));
        key(self).is_some() && key(self) == key(other) && self.order() > other.order()
    }

    /// The domain of the recipient as it stands in the row.
    pub fn domain(&self) -> Option<&str> {
        self.recipient.1.as_deref()
    }
}

pub fn sending_fates(reports: &[Option<Report>], as_of: i64) -> Vec<Fate> {
    let compared = reports.iter().map(|report| {
        let Report {
            delivery,
            message,
            event,
            at,
            reason,
            recipient,
            form,
            version,
            is_test,
        } = report.as_ref()?;
        Some(Compared {
            key: (*delivery, *message),
            version,
            at: *at,
            order: report.as_ref()?.order(),
            columns: format!(
                "{event:?} {form} {at:?} {reason:?} {recipient:?} {version:?} {is_test}"
            ),
            identity: Some(format!("{delivery} {message} {event:?} {at:?} {is_test}")),
        })
    });
    fates(&compared.collect::<Vec<_>>(), as_of)
}

/// Whether a counted row is marked as made by a machine; of rows that count once one mark is enough.
pub fn is_marked(row: &Tracking, rows: &[Option<Tracking>]) -> bool {
    let identity = |row: &Tracking| {
        let key = (row.delivery, row.message, row.at, row.url);
        let is_alone = row.version.log_id.is_some();
        (!is_alone).then(|| (key, row.code.clone(), row.is_test))
    };
    let is_same = |other: &&Tracking| identity(row).is_some() && identity(other) == identity(row);
    let others = rows.iter().flatten().filter(is_same);
    others.chain([row]).any(|row| row.machine == Some(true))
}

pub fn tracking_fates(rows: &[Option<Tracking>], as_of: i64) -> Vec<Fate> {
    let compared = rows.iter().map(|row| {
        let Tracking {
            delivery,
            message,
            code,
            at,
            url,
            recipient,
            machine,
            version,
            is_test,
        } = row.as_ref()?;
        let order_url = url.map(Code::Number);
        let identity = format!("{delivery} {message} {code:?} {at:?} {url:?} {is_test}");
        Some(Compared {
            key: (*delivery, *message),
            version,
            at: *at,
            order: (
                version.revision,
                version.deleted,
                *at,
                code.clone(),
                order_url,
                (*is_test, *machine == Some(true)),
            ),
            columns: format!(
                "{code:?} {at:?} {url:?} {recipient:?} {machine:?} {version:?} {is_test}"
            ),
            identity: version.log_id.is_none().then_some(identity),
        })
    });
    fates(&compared.collect::<Vec<_>>(), as_of)
}

fn fates(rows: &[Option<Compared<'_>>], as_of: i64) -> Vec<Fate> {
    // The winner of each (delivery, message, log id), as the number of its row.
    let mut winners: BTreeMap<(i64, i64, i64), usize> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        let Some((row, log_id)) = row
            .as_ref()
            .and_then(|row| Some((row, row.version.log_id?)))
        else {
            continue;
        };
        let winner = winners
            .entry((row.key.0, row.key.1, log_id))
            .or_insert(number);
        if rows[*winner]
            .as_ref()
            .is_some_and(|best| best.order < row.order)
        {
            *winner = number;
        }
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut fates = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let Some(row) = row else {
            fates.push(Fate::Rejected);
            continue;
        };
        if let Some(log_id) = row.version.log_id {
            let winner = winners[&(row.key.0, row.key.1, log_id)];
            if winner != number {
                let copy = rows[winner]
                    .as_ref()
                    .is_some_and(|winner| winner.columns == row.columns);
                fates.push(if copy {
                    Fate::Duplicate
                } else {
                    Fate::Superseded
                });
                continue;
            }
            if row.version.deleted {
                fates.push(Fate::Deleted);
                continue;
            }
        }
        let first = row
            .identity
            .as_deref()
            .is_none_or(|identity| seen.insert(identity));
        fates.push(match row.at {
            _ if !first => Fate::Duplicate,
            Some(at) if at >= as_of => Fate::Future,
            _ => Fate::Counted,
        });
    }
    fates
}
