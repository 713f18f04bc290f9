//! One binary for all integration tests: the real program on real files.

mod delta;
mod golden;
mod oracle;
mod random;
mod run;
mod world;
