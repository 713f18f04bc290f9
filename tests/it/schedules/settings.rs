//! The settings of a job that may change from run to run: as keys of a job file, and as the oracle takes
//! them.

use fastrand::Rng;

use super::super::oracle::{Defaults, Machines, Mode};
use super::super::random::{machines, pick};
use super::super::run::rules_text;
use super::super::world::World;

/// What a job says about the meaning of rows.
#[derive(Clone, Debug)]
pub struct Settings {
    pub mode: Mode,
    efs: Option<bool>,
    channel: Option<&'static str>,
    validity_hours: Option<i64>,
    /// Whether it knows the labels of [`LABELS`].
    has_labels: bool,
    machines: Machines,
    /// Whether there are tables of the same hours by domain, reason and link.
    pub has_parts: bool,
}

/// By column, a label that is not the contract's, and what it means. The histories hold them.
const LABELS: [(&str, &str, &str); 4] = [
    ("event", "bounced", "soft_bounce"),
    ("status", "cancelled", "failed"),
    ("failure_type", "unknown", "hard"),
    ("type", "forwarded", "click"),
];

impl Settings {
    /// Most jobs set next to nothing.
    pub fn new(rng: &mut Rng) -> Self {
        let mut settings = Self {
            mode: pick(rng, &[Mode::Infer, Mode::Infer, Mode::Reported]),
            efs: None,
            channel: None,
            validity_hours: None,
            has_labels: rng.bool(),
            machines: machines(rng.u64(..)),
            has_parts: rng.bool(),
        };
        for _ in 0..rng.usize(..3) {
            settings.change(rng);
        }
        settings
    }

    /// One of them becomes another.
    pub fn change(&mut self, rng: &mut Rng) {
        match rng.u8(..7) {
            0 => {
                self.mode = match self.mode {
                    Mode::Infer => Mode::Reported,
                    Mode::Reported => Mode::Infer,
                }
            }
            1 => self.efs = pick(rng, &[None, Some(true), Some(true), Some(false)]),
            2 => self.channel = pick(rng, &[None, Some("email"), Some("sms")]),
            3 => self.validity_hours = pick(rng, &[None, Some(1), Some(5), Some(90)]),
            4 => self.machines = machines(rng.u64(..)),
            5 => self.has_parts = !self.has_parts,
            _ => self.has_labels = !self.has_labels,
        }
    }

    /// The keys of a job file; tables come last in it.
    pub fn keys(&self) -> String {
        let mut text = format!(
            "deadline = \"{}\"\non_vanished = \"restate\"\n[defaults]\n",
            self.mode.flag()
        );
        if let Some(efs) = self.efs {
            text += &format!("efs = {efs}\n");
        }
        if let Some(channel) = self.channel {
            text += &format!("channel = \"{channel}\"\n");
        }
        if let Some(hours) = self.validity_hours {
            text += &format!("validity_hours = {hours}\n");
        }
        for (column, label, meaning) in LABELS.iter().filter(|_| self.has_labels) {
            text += &format!("[labels.{column}]\n{label} = \"{meaning}\"\n");
        }
        text += &rules_text(&self.machines);
        if self.has_parts {
            text += "[breakdowns]\nby_domain = true\nby_reason = true\nby_url = true\nurl_key = \"url.key\"\n";
        }
        text
    }

    pub fn defaults(&self) -> Defaults {
        Defaults {
            efs: self.efs,
            channel: self.channel.map(str::to_owned),
            validity_hours: self.validity_hours,
            machines: self.machines.clone(),
            ..Defaults::default()
        }
    }

    /// The rows in the words of the contract.
    pub fn translate(&self, mut world: World) -> World {
        if !self.has_labels {
            return world;
        }
        for row in &mut world.sending {
            translate("event", &mut row.event);
            translate("status", &mut row.status);
            translate("failure_type", &mut row.failure_type);
        }
        for row in &mut world.tracking {
            translate("type", &mut row.tracking_type);
        }
        world
    }
}

fn translate(column: &str, text: &mut Option<String>) {
    let Some(text) = text else { return };
    let normal = text.trim().to_lowercase();
    let meant = LABELS
        .iter()
        .find(|(of, label, _)| *of == column && *label == normal);
    if let Some((_, _, meaning)) = meant {
        *text = (*meaning).to_owned();
    }
}
