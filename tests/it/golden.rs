//! The golden cases, `tests/cases/*.json`; their format is described beside the originals.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::oracle::{self, COUNTERS, Defaults, Expected, Machines, Mode, OF_MESSAGES, Quarantine};
use super::world::{DeliveryRow, SendingRow, TrackingRow, World};

/// Cumulative counters that are not 0, by column; `sent` is left out, as in the cases.
pub type Counts = BTreeMap<String, i64>;

pub struct Case {
    pub name: String,
    pub world: World,
    pub as_of: i64,
    pub mode: Mode,
    /// The rules that tell machines from people.
    pub machines: Machines,
    /// Whether it tells of them.
    pub tells_of_people: bool,
    /// The rules for quarantine, where the job has some.
    pub quarantine: Option<Quarantine>,
    /// By (delivery, start of the hour); complete.
    pub expect: BTreeMap<(i64, i64), Counts>,
    /// The same by parent, where the job asks for them.
    pub expect_parents: Option<BTreeMap<(i64, i64), Counts>>,
}

impl Case {
    /// What the job says besides.
    pub fn defaults(&self) -> Defaults {
        Defaults {
            machines: self.machines.clone(),
            quarantine: self.quarantine,
            ..Defaults::default()
        }
    }

    /// What the oracle makes of it.
    pub fn expected(&self) -> Expected {
        oracle::expect_with(&self.world, self.as_of, self.mode, &self.defaults())
    }
}

/// All cases, by name.
pub fn cases() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let value = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            parse(&value)
        })
        .collect()
}

/// The counters of an hour in the form of the cases, those of people and machines too where the case tells of them.
pub fn cumulative(tells_of_people: bool, value: impl Fn(&str) -> i64) -> Counts {
    let counters = match tells_of_people {
        true => COUNTERS.len(),
        false => OF_MESSAGES,
    };
    COUNTERS[..counters]
        .iter()
        .filter(|(counter, _)| *counter != "sent")
        .map(|(counter, _)| ((*counter).to_owned(), value(counter)))
        .filter(|(_, value)| *value != 0)
        .collect()
}

fn parse(case: &Value) -> Case {
    let case = Row(case.as_object().expect("a case is an object"));
    case.only(&[
        "name",
        "source",
        "as_of",
        "deadline",
        "machines",
        "quarantine",
        "deliveries",
        "sending",
        "tracking",
        "expect",
        "expect_parents",
    ]);
    let mode = match case.text("deadline").as_deref() {
        None | Some("infer") => Mode::Infer,
        Some("reported") => Mode::Reported,
        Some(other) => panic!("unknown deadline mode {other}"),
    };
    let expect: BTreeMap<_, _> = case
        .rows("expect")
        .map(|row| expected(&row, "delivery_id"))
        .collect();
    let expect_parents: Option<BTreeMap<_, _>> = case.value("expect_parents").map(|_| {
        let rows = case.rows("expect_parents");
        rows.map(|row| expected(&row, "parent_delivery_id"))
            .collect()
    });
    let is_told = |name: &String| COUNTERS[OF_MESSAGES..].iter().any(|(of, _)| of == name);
    let of_parents = expect_parents.iter().flat_map(BTreeMap::values);
    let counts = expect.values().chain(of_parents);
    Case {
        machines: case
            .value("machines")
            .map_or_else(Machines::default, machines),
        quarantine: case.value("quarantine").map(quarantine),
        tells_of_people: counts.flat_map(Counts::keys).any(is_told),
        name: case.text("name").expect("a case has a name"),
        world: World {
            deliveries: case.rows("deliveries").map(|row| delivery(&row)).collect(),
            sending: case.rows("sending").map(|row| sending(&row)).collect(),
            tracking: case.rows("tracking").map(|row| tracking(&row)).collect(),
        },
        as_of: case.instant("as_of").expect("a case has an as-of"),
        mode,
        expect,
        expect_parents,
    }
}

/// The table `quarantine` of a job file.
fn quarantine(table: &Value) -> Quarantine {
    let row = Row(table.as_object().expect("rules are an object"));
    row.only(&["soft_errors", "hours_apart", "days_to_forget"]);
    let usual = Quarantine::default();
    let key = |name: &str, usual: i64| row.integer(name).unwrap_or(usual);
    Quarantine {
        soft_errors: key("soft_errors", usual.soft_errors),
        hours_apart: key("hours_apart", usual.hours_apart),
        days_to_forget: key("days_to_forget", usual.days_to_forget),
    }
}

/// The table `machines` of a job file.
fn machines(table: &Value) -> Machines {
    let row = Row(table.as_object().expect("rules are an object"));
    row.only(&[
        "marked",
        "open_seconds",
        "many_links",
        "many_links_seconds",
        "honeypots",
        "honeypot_seconds",
    ]);
    let micros = |name: &str| row.integer(name).map(|seconds| seconds * 1_000_000);
    let usual = Machines::default();
    let honeypots = row.value("honeypots").and_then(Value::as_array);
    Machines {
        marked: row.boolean("marked").unwrap_or(usual.marked),
        open_within: micros("open_seconds"),
        many_links: row.integer("many_links").map(|links| {
            let links = usize::try_from(links).expect("a number of links");
            (links, micros("many_links_seconds").unwrap_or(1_000_000))
        }),
        honeypots: honeypots
            .into_iter()
            .flatten()
            .map(|url| url.as_i64().expect("an integer"))
            .collect(),
        honeypot_within: micros("honeypot_seconds").unwrap_or(usual.honeypot_within),
    }
}

fn delivery(row: &Row<'_>) -> DeliveryRow {
    row.only(&[
        "delivery_id",
        "label",
        "channel",
        "parent_delivery_id",
        "started_at",
        "validity_end",
        "modified_at",
        "to_deliver",
        "efs",
    ]);
    DeliveryRow {
        delivery_id: row.integer("delivery_id"),
        label: row.text("label"),
        channel: row.text("channel"),
        parent_delivery_id: row.integer("parent_delivery_id"),
        started_at: row.instant("started_at"),
        validity_end: row.instant("validity_end"),
        modified_at: row.instant("modified_at"),
        to_deliver: row.integer("to_deliver"),
        efs: row.boolean("efs"),
    }
}

fn sending(row: &Row<'_>) -> SendingRow {
    row.only(&[
        "delivery_id",
        "message_id",
        "event",
        "status",
        "failure_type",
        "event_at",
        "failure_reason",
        "recipient_id",
        "recipient_domain",
        "log_id",
        "revision",
        "deleted",
        "is_test",
    ]);
    SendingRow {
        delivery_id: row.integer("delivery_id"),
        message_id: row.integer("message_id"),
        event: row.text("event"),
        status: row.text("status"),
        failure_type: row.text("failure_type"),
        event_at: row.instant("event_at"),
        failure_reason: row.text("failure_reason"),
        recipient_id: row.integer("recipient_id"),
        recipient_domain: row.text("recipient_domain"),
        log_id: row.integer("log_id"),
        revision: row.integer("revision"),
        deleted: row.boolean("deleted"),
        is_test: row.boolean("is_test"),
    }
}

fn tracking(row: &Row<'_>) -> TrackingRow {
    row.only(&[
        "delivery_id",
        "message_id",
        "recipient_id",
        "type",
        "event_at",
        "url_id",
        "log_id",
        "revision",
        "deleted",
        "is_test",
        "machine",
    ]);
    TrackingRow {
        delivery_id: row.integer("delivery_id"),
        message_id: row.integer("message_id"),
        recipient_id: row.integer("recipient_id"),
        tracking_type: row.text("type"),
        event_at: row.instant("event_at"),
        url_id: row.integer("url_id"),
        log_id: row.integer("log_id"),
        revision: row.integer("revision"),
        deleted: row.boolean("deleted"),
        is_test: row.boolean("is_test"),
        machine: row.boolean("machine"),
    }
}

/// A row that is expected of a delivery or a parent, whose identifier is this column.
fn expected(row: &Row<'_>, id: &str) -> ((i64, i64), Counts) {
    let delivery = row
        .integer(id)
        .unwrap_or_else(|| panic!("an expected row has a {id}"));
    let hour = row.instant("hour").expect("an expected row has an hour");
    let counters = row
        .0
        .iter()
        .filter(|(name, _)| *name != id && *name != "hour");
    let counters: Counts = counters
        .map(|(name, value)| {
            assert!(
                COUNTERS.iter().any(|(counter, _)| counter == name),
                "unknown counter {name}"
            );
            (name.clone(), value.as_i64().expect("counters are integers"))
        })
        .collect();
    ((delivery, hour), counters)
}

/// An object of a case; what is absent is null.
struct Row<'a>(&'a Map<String, Value>);

impl<'a> Row<'a> {
    /// Panics at a name that is none of these, so that a typing error in a case does not pass.
    fn only(&self, names: &[&str]) {
        for name in self.0.keys() {
            assert!(names.contains(&name.as_str()), "unknown column {name}");
        }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn rows(&self, name: &str) -> impl Iterator<Item = Row<'a>> {
        let rows = self.value(name).and_then(Value::as_array);
        rows.into_iter()
            .flatten()
            .map(|row| Row(row.as_object().expect("a row is an object")))
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.value(name).map(|value| {
            value
                .as_i64()
                .unwrap_or_else(|| panic!("{name} is no integer: {value}"))
        })
    }

    fn boolean(&self, name: &str) -> Option<bool> {
        self.value(name).map(|value| {
            value
                .as_bool()
                .unwrap_or_else(|| panic!("{name} is no boolean: {value}"))
        })
    }

    /// A text; a number becomes its digits.
    fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => panic!("{name} is neither text nor number: {other}"),
        })
    }

    fn instant(&self, name: &str) -> Option<i64> {
        self.text(name).map(|text| {
            let instant: jiff::Timestamp = text
                .parse()
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            instant.as_microsecond()
        })
    }
}
