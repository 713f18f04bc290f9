//! One binary for all integration tests: the real program on real files.

mod alerts;
mod breakdowns;
mod cli;
#[cfg(feature = "cloud")]
mod cloud;
mod contention;
mod delta;
mod diff;
mod export;
mod faults;
mod generate;
mod golden;
mod guide;
mod hostile;
mod import;
mod incremental;
mod jobs;
mod layering;
mod machines;
mod oracle;
mod people;
mod publishing;
mod python;
mod random;
mod report;
mod run;
mod schedules;
mod schemas;
mod site;
mod snapshots;
mod supply;
mod world;
