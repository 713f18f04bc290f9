//! A schedule: ten runs, and what happens to the extracts and the job before each of them.

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::super::oracle::{self, Expected, HOUR};
use super::super::random::{self, MINUTE, QUEUE, START, chance, pick};
use super::super::world::{
    Absent, DeliveryRow, Instants, Layout, SendingRow, TrackingRow, World, long_prefix,
    message_text, one_byte, write_deliveries, write_sending, write_tracking,
};
use super::files::{Files, Log};
use super::settings::Settings;

/// How many runs a schedule has.
pub const RUNS: usize = 10;

/// What can happen between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The next as-of.
    Time,
    /// New files with rows in order, late ones and those of the future.
    Arrival,
    /// Rows that are there, in one more file.
    Again,
    /// Higher revisions, deletions among them.
    Correction,
    /// Other content under a name that is there.
    Replacement,
    /// The same content under a name that is there.
    Rewriting,
    /// Other attributes of a delivery.
    Attributes,
    /// Another setting of the job.
    Settings,
    /// A file that goes, or goes on under another name.
    Vanishing,
}

/// Where a schedule stands.
pub struct Schedule {
    rng: Rng,
    /// What all files have in common.
    pub layout: Layout,
    as_ofs: Vec<i64>,
    /// Instants at which something happens.
    instants: Vec<i64>,
    pub settings: Settings,
    may_vanish: bool,
    sending: Log<SendingRow>,
    tracking: Log<TrackingRow>,
    deliveries: Files<DeliveryRow>,
    /// The highest number of a delivery.
    delivery_ids: i64,
    /// The highest revision so far.
    revision: i64,
    /// The run that is next, or has just been.
    pub run: usize,
    /// The events before each run so far.
    pub past: Vec<Vec<Event>>,
}

/// The file that holds the attributes of all deliveries.
const ALL_DELIVERIES: &str = "all.parquet";

impl Schedule {
    /// `may_vanish`: whether files may go without coming again.
    pub fn new(seed: u64, may_vanish: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let (world, instants) = random::larger_world(&mut rng, 8..=36);
        let as_ofs = as_ofs(&mut rng, &instants);
        let layout = Layout {
            string_ids: chance(&mut rng, 30),
            message_text: pick(&mut rng, &[message_text, one_byte, long_prefix]),
            ..Layout::default()
        };
        let sending = Log::new("sending_log", world.sending, &mut rng, &as_ofs);
        let tracking = Log::new("tracking_log", world.tracking, &mut rng, &as_ofs);
        let delivery_ids = world.deliveries.iter().filter_map(|row| row.delivery_id);
        let delivery_ids = delivery_ids.max().unwrap_or(0) + 1;
        let mut deliveries = Files::new("deliveries");
        if chance(&mut rng, 85) {
            deliveries.put(ALL_DELIVERIES, world.deliveries);
        }
        Self {
            layout,
            instants,
            settings: Settings::new(&mut rng),
            may_vanish,
            sending,
            tracking,
            deliveries,
            delivery_ids,
            revision: 10,
            run: 0,
            past: Vec::new(),
            rng,
            as_ofs,
        }
    }

    pub fn as_of(&self) -> i64 {
        self.as_ofs[self.run]
    }

    /// What happens before the next run; at times nothing but that time goes on.
    pub fn events(&mut self) -> Vec<Event> {
        let rng = &mut self.rng;
        let mut events = vec![Event::Time];
        if self.past.is_empty() || chance(rng, 85) {
            events.push(Event::Arrival);
            let others = [
                (Event::Again, 30),
                (Event::Correction, 35),
                (Event::Replacement, 30),
                (Event::Rewriting, 15),
                (Event::Attributes, 35),
                (Event::Settings, 20),
                (Event::Vanishing, if self.may_vanish { 25 } else { 0 }),
            ];
            for (event, percent) in others {
                if chance(rng, percent) {
                    events.push(event);
                }
            }
        }
        self.past.push(events.clone());
        events
    }

    /// Lets it happen; the disk learns of it by `write`.
    pub fn play(&mut self, event: Event) {
        let (rng, run) = (&mut self.rng, self.run);
        match event {
            Event::Time => self.run = self.past.len() - 1,
            Event::Arrival => {
                self.sending.arrive(rng, run);
                self.tracking.arrive(rng, run);
                if self.sending.files.is_empty() {
                    self.sending.files.add(rng, Vec::new());
                }
            }
            Event::Again => match rng.bool() {
                true => self.sending.come_again(rng, run),
                false => self.tracking.come_again(rng, run),
            },
            Event::Correction => {
                let (revision, instants) = (&mut self.revision, &self.instants);
                match rng.u8(..3) {
                    0 => self.tracking.correct(rng, run, revision, instants),
                    _ => self.sending.correct(rng, run, revision, instants),
                }
            }
            Event::Replacement => match rng.u8(..3) {
                0 => self.tracking.replace(rng, run, &self.instants),
                _ => self.sending.replace(rng, run, &self.instants),
            },
            Event::Rewriting => {
                self.sending.rewrite(rng);
                self.tracking.rewrite(rng);
            }
            Event::Attributes => self.change_attributes(),
            Event::Settings => self.settings.change(rng),
            Event::Vanishing => match rng.bool() {
                true => self.sending.vanish(rng),
                false => self.tracking.vanish(rng),
            },
        }
    }

    /// A delivery gets other attributes, in the one file of all deliveries or in a new one, or loses
    /// its row in the former.
    fn change_attributes(&mut self) {
        let rng = &mut self.rng;
        let delivery = rng.i64(1..=self.delivery_ids);
        let fresh = random::attributes(rng, delivery).swap_remove(0);
        let is_its = |row: &&DeliveryRow| row.delivery_id == Some(delivery);
        let known = self.deliveries.rows().filter(is_its);
        let mut row = known.last().cloned().unwrap_or_else(|| fresh.clone());
        match rng.u8(..7) {
            0 | 1 => row.validity_end = fresh.validity_end,
            2 => row.efs = Some(!row.efs.unwrap_or(false)),
            3 => row.to_deliver = fresh.to_deliver,
            4 => row.label = Some(format!("Offer {}", self.run)),
            5 => row.channel = fresh.channel,
            _ => row = fresh,
        }
        if chance(rng, 80) {
            row.modified_at = Some(START + (10 + self.run as i64) * HOUR);
        }
        if chance(rng, 25) {
            self.deliveries.add(rng, vec![row]);
            return;
        }
        let mut rows = self.deliveries.get(ALL_DELIVERIES).to_vec();
        rows.retain(|row| row.delivery_id != Some(delivery));
        if chance(rng, 85) {
            rows.push(row);
        }
        self.deliveries.put(ALL_DELIVERIES, rows);
    }

    /// All rows that are there.
    pub fn world(&self) -> World {
        World {
            deliveries: self.deliveries.rows().cloned().collect(),
            sending: self.sending.files.rows().cloned().collect(),
            tracking: self.tracking.files.rows().cloned().collect(),
        }
    }

    /// What the next run has to publish.
    pub fn expected(&self) -> Expected {
        let world = self.settings.translate(self.world());
        let (mode, defaults) = (self.settings.mode, self.settings.defaults());
        oracle::expect_with(&world, self.as_of(), mode, &defaults)
    }

    /// Brings the files below `in` and the job file up to date. The text of the latter.
    pub fn write(&mut self, directory: &Path) -> String {
        let (rng, base, extracts) = (&mut self.rng, &self.layout, directory.join("in"));
        let mut layout = || file_layout(rng, base);
        self.sending
            .files
            .write(&extracts, write_sending, &mut layout);
        self.tracking
            .files
            .write(&extracts, write_tracking, &mut layout);
        self.deliveries
            .write(&extracts, write_deliveries, &mut layout);

        let mut job = String::new();
        for name in ["sending_log", "tracking_log", "deliveries"] {
            if extracts.join(name).exists() {
                job += &format!("{name} = \"in/{name}\"\n");
            }
        }
        let as_of = jiff::Timestamp::from_microsecond(self.as_of()).expect("an instant");
        let threads = pick(&mut self.rng, &[1, 1, 1, 2]);
        job += &format!("output = \"out\"\nas_of = \"{as_of}\"\nthreads = {threads}\n");
        job += &self.settings.keys();
        fs::write(directory.join("url.key"), [7; 16]).expect("a key");
        fs::write(directory.join("job.toml"), &job).expect("a written job file");
        job
    }
}

/// Instants that never go back, often whole hours, at times the same as before, at times just where
/// something happens or a deadline passes.
fn as_ofs(rng: &mut Rng, instants: &[i64]) -> Vec<i64> {
    let mut as_ofs = vec![START + rng.i64(0..=3) * HOUR];
    while as_ofs.len() < RUNS {
        let before = as_ofs[as_ofs.len() - 1];
        let hour = before.div_euclid(HOUR) * HOUR;
        let next = hour + pick(rng, &[1, 1, 2, 4, 10, 24, 40]) * HOUR;
        let found = pick(rng, instants) + pick(rng, &[0, QUEUE]) + pick(rng, &[-1, 0, 1]);
        as_ofs.push(match rng.u8(..10) {
            0 => before,
            1..=3 if (before..hour + 48 * HOUR).contains(&found) => found,
            4 => next + pick(rng, &[-1, 1, 20 * MINUTE]),
            _ => next,
        });
    }
    as_ofs
}

/// How one file is laid out.
fn file_layout(rng: &mut Rng, base: &Layout) -> Layout {
    let instants = [
        Instants::Second,
        Instants::Millisecond,
        Instants::Microsecond,
        Instants::Nanosecond,
        Instants::Naive,
        Instants::Int96,
        Instants::Text,
    ];
    Layout {
        instants: pick(rng, &instants),
        shuffle: Some(rng.u64(..)),
        row_group_rows: rng.usize(1..=40),
        text_as_dictionary: rng.bool(),
        absent: pick(
            rng,
            &[Absent::Omitted, Absent::TypedNulls, Absent::NullType],
        ),
        ..base.clone()
    }
}
