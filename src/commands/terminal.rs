//! Progress on stderr.

use crate::engine::{Progress, Silent, Stage};
use crate::job::Shown;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who shows progress as the job asks for it.
pub fn progress(shown: Shown) -> Box<dyn Progress> {
    match shown {
        Shown::Nothing => Box::new(Silent),
        Shown::Bars => Box::new(Bars::default()),
        Shown::Lines => Box::new(Lines::default()),
    }
}

/// A bar for each stage.
#[derive(Default)]
struct Bars(Mutex<Option<ProgressBar>>);

impl Progress for Bars {
    fn begins(&self, stage: Stage, rows: u64) {
        let style = match stage {
            Stage::Importing => {
                "{msg:>10} {bar:40} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left"
            }
            _ => "{msg:>10} {bar:40} {human_pos}/{human_len} rows, {per_sec}, {eta} left",
        };
        let style =
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(rows), ProgressDrawTarget::stderr_with_hz(5));
        *open(&self.0) = Some(bar.with_style(style).with_message(stage.to_string()));
    }

    fn advances(&self, rows: u64) {
        if let Some(bar) = open(&self.0).as_ref() {
            bar.inc(rows);
        }
    }

    fn ends(&self) {
        if let Some(bar) = open(&self.0).take() {
            bar.finish_and_clear();
        }
    }
}

/// A line at the start of each stage, and at every quarter of it.
#[derive(Default)]
struct Lines(Mutex<Option<Quarters>>);

struct Quarters {
    stage: Stage,
    rows: u64,
    done: u64,
}

impl Progress for Lines {
    fn begins(&self, stage: Stage, rows: u64) {
        let unit = match stage {
            Stage::Importing => "bytes",
            _ => "rows",
        };
        say(&format!("{stage}: {} {unit}", HumanCount(rows)));
        *open(&self.0) = Some(Quarters {
            stage,
            rows,
            done: 0,
        });
    }

    fn advances(&self, rows: u64) {
        if let Some(quarters) = open(&self.0).as_mut() {
            let quarter = |done: u64| done.saturating_mul(4) / quarters.rows.max(1);
            let before = quarter(quarters.done);
            quarters.done += rows;
            let now = quarter(quarters.done);
            if now > before {
                say(&format!("{}: {} %", quarters.stage, now * 25));
            }
        }
    }

    fn ends(&self) {
        *open(&self.0) = None;
    }
}

fn say(line: &str) {
    // Nobody is left to be told when it fails.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn open<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
