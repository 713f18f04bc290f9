//! The command line, through the real program: exit codes, flags, job files, and what is said where.

mod bad_files;
mod check;
mod corrections;
mod edges;
mod exit_codes;
mod explain;
mod flags;
mod job_file;
mod labels;
mod left_out;
mod memory;
mod scope;
mod signals;
mod skipping;
mod stats;
mod terminal;
mod texts;
mod usage;
