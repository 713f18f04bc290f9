//! Progress bars on a terminal.

use crate::engine::{Progress, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Mutex, PoisonError};

/// Shows a bar for each stage on stderr.
#[derive(Default)]
pub struct Terminal {
    bar: Mutex<Option<ProgressBar>>,
}

impl Terminal {
    fn with_bar(&self, tell: impl FnOnce(&mut Option<ProgressBar>)) {
        tell(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for Terminal {
    fn begins(&self, stage: Stage, rows: u64) {
        let style = "{msg:>10} {bar:40} {human_pos}/{human_len} rows, {per_sec}, {eta} left";
        let style =
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(rows), ProgressDrawTarget::stderr_with_hz(5));
        self.with_bar(|place| *place = Some(bar.with_style(style).with_message(stage.to_string())));
    }

    fn advances(&self, rows: u64) {
        self.with_bar(|bar| {
            if let Some(bar) = bar {
                bar.inc(rows);
            }
        });
    }

    fn ends(&self) {
        self.with_bar(|bar| {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        });
    }
}
