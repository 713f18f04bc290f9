//! Recomputes the KPIs of e-mail deliveries exactly, from sending-log and tracking-log extracts.
#![forbid(unsafe_code)]

pub mod cli;
pub mod error;
pub mod job;

pub mod model;

pub mod extracts;

pub mod decode;

pub mod history;

pub mod rollup;

pub mod tables;

pub mod publish;

pub mod engine;

pub mod commands;
