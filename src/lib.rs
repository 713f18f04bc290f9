//! Recomputes the KPIs of e-mail deliveries exactly, from sending-log and tracking-log extracts.
//!
//! Parquet files go in, Delta Lake tables come out. Six stages lie between them, one module each;
//! data moves to the right only.
//!
//! ```text
//! extracts ──► decode ──► history ──► rollup ──► tables ──► publish
//! (files)     (events)   (statuses)  (counts)   (rates)    (Delta commit)
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`model`] | the words of the field: instants, hours, identifiers, events and their one order |
//! | [`extracts`] | lists files, checks their columns, reads batches under the contract's names |
//! | [`decode`] | batches to events; a row that breaks the contract is counted by its reason |
//! | [`history`] | all rows of one message to the transitions of its status |
//! | [`rollup`] | transitions to changes by delivery and hour, and to cumulative values |
//! | [`tables`] | counts to frames with rates, compared with the rows that are published |
//! | [`publish`] | one commit for each table, `kpi_run` last |
//!
//! [`disk`] makes every change to a local file, [`stores`] reaches object stores; [`engine`] runs the first four in parallel, [`generate`] makes extracts to try them with, [`import`] makes them of a vendor's exports, [`commands`] puts all of them together, [`job`] says
//! what is asked for.
//!
//! # A tour
//!
//! One message of a delivery with the Email Feedback Service: handed over at 09:01, refused for the
//! time being at 09:40, delivered at 11:20. It goes through all six stages here.
//!
//! ```
//! use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
//! use arrow::datatypes::Float64Type;
//! use delivery_kpi::decode::{Decoded, Decoder, Fingerprint, Selection, Zone};
//! use delivery_kpi::disk::Disk;
//! use delivery_kpi::extracts::{Extract, FileSchema, Links, Mapping, check, list, open};
//! use delivery_kpi::history::{Meaning, Occurrence, Row, Sink, Status, live};
//! use delivery_kpi::model::{
//!     Attributes, Catalog, Code, Codes, DeadlineMode, DeliveryId, Fate, Instant, Labels, Log, MachineRules, Mark,
//!     Policy, Recipient, Report,
//! };
//! use delivery_kpi::publish::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, Destination, Form, Output, RunRecord};
//! use delivery_kpi::rollup::{Counter, Partial, finish};
//! use delivery_kpi::stores::Access;
//! use delivery_kpi::tables::{Hourly, RunMarks, build};
//! use parquet::arrow::ArrowWriter;
//! use std::collections::BTreeMap;
//! use std::fs::File;
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // An extract of three rows.
//! let folder = tempfile::tempdir()?;
//! let ids = |id: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![id; 3])) };
//! let texts = |texts: [&str; 3]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
//! let times = ["2026-03-02T09:01:00Z", "2026-03-02T09:40:00Z", "2026-03-02T11:20:00Z"];
//! let written = RecordBatch::try_from_iter(vec![
//!     ("delivery_id", ids(4101)),
//!     ("message_id", ids(1)),
//!     ("event", texts(["relayed", "soft_bounce", "delivered"])),
//!     ("event_at", texts(times)),
//! ])?;
//! let path = folder.path().join("sending_log.parquet");
//! let mut writer = ArrowWriter::try_new(File::create(&path)?, written.schema(), None)?;
//! writer.write(&written)?;
//! writer.close()?;
//!
//! // 1. extracts: the files, and whether their columns are those of the contract.
//! let mapping = Mapping::default();
//! let listing = list(folder.path(), Links::Inside, &Access::default())?;
//! assert_eq!(listing.files[0].name, "sending_log.parquet");
//! let file = open(Extract::SendingLog, &listing.files[0], &mapping)?;
//! let (extract, name) = (Extract::SendingLog, file.file.name.as_str());
//! let columns = FileSchema { extract, file: name, schema: file.schema() };
//! assert!(check(&[columns], |_| &mapping, true).is_ok());
//!
//! // 2. decode: batches of the needed columns become events.
//! let attributes = Attributes { efs: Some(true), ..Attributes::default() };
//! let catalog = Catalog::new(BTreeMap::from([(DeliveryId::Number(4101), attributes.clone())]));
//! let codes = Codes::default();
//! let decoder = Decoder {
//!     catalog: &catalog,
//!     codes: &codes,
//!     labels: &Labels::default(),
//!     zone: &Zone::UTC,
//!     selection: &Selection::All,
//!     fingerprint: Fingerprint::random(),
//!     asks_domains: false,
//!     recipients: None,
//!     interval: None,
//! };
//! let mut decoded = Decoded::<u64>::default();
//! file.read(0, &file.projection(&mapping, true), |batch| {
//!     let outcome = decoder.decode(Log::Sending, true, batch, &mut decoded);
//!     outcome.map_err(|error| error.to_string())
//! })?;
//! assert_eq!((decoded.counts.read, decoded.counts.rejected()), (3, 0));
//! assert_eq!(decoded.events.stamps[1].report(), Some(Report::SoftBounce));
//!
//! // 3. history: all rows of one message become transitions of its status.
//! #[derive(Default)]
//! struct Transitions(Vec<(Option<Status>, Status)>);
//! impl Sink for Transitions {
//!     fn meets(&mut self, _: u32, _: Fate) {}
//!     fn mark(&mut self, _: u32, _: Mark) {}
//!     fn moves(&mut self, _: Instant, from: Option<Status>, to: Status) {
//!         self.0.push((from, to));
//!     }
//!     fn occurs(&mut self, _: Instant, _: Occurrence) {}
//! }
//! let as_of = Instant::from_micros(1_772_452_800_000_000); // 2026-03-02T12:00:00Z
//! let machines = MachineRules::default();
//! let meaning = Meaning { as_of, codes: &codes, machines: &machines };
//! let policy = Policy::new(&attributes, DeadlineMode::Infer);
//! let mut rows = Vec::new();
//! for event in decoded.events.iter() {
//!     rows.push(Row { stamp: event.stamp, code: event.code, source: 0, tail: Row::SOLE, domain: Code::NULL, recipient: Recipient::NONE });
//! }
//! let mut transitions = Transitions::default();
//! live(&mut rows.clone(), &[], &policy, meaning, &mut transitions);
//! let expected = [
//!     (None, Status::Pending),
//!     (Some(Status::Pending), Status::FailedRetrying),
//!     (Some(Status::FailedRetrying), Status::Confirmed),
//! ];
//! assert_eq!(transitions.0, expected);
//!
//! // 4. rollup: the same transitions, told to the counters of the delivery.
//! let mut partial = Partial::new(1);
//! let mut teller = partial.teller(decoded.events.deliveries[0]);
//! let life = live(&mut rows, &[], &policy, meaning, &mut teller);
//! teller.ends(&life);
//! let kpis = finish(&partial, &catalog.ids())?;
//! let hours = &kpis.deliveries[0].hours;
//! let starts: Vec<String> = hours.iter().map(|row| row.hour.start().to_string()).collect();
//! assert_eq!(starts, ["2026-03-02T09:00:00Z", "2026-03-02T11:00:00Z"]);
//! let cumulative = |counter| -> Vec<i64> { hours.iter().map(|row| row.total.get(counter)).collect() };
//! assert_eq!(cumulative(Counter::Processed), [1, 1]);
//! assert_eq!(cumulative(Counter::SoftBounces), [1, 0]);
//! assert_eq!(cumulative(Counter::Delivered), [0, 1]);
//!
//! // 5. tables: frames with rates, compared with what is published: nothing yet.
//! let marks = RunMarks { run_id: "tour".to_owned(), as_of, counts_quarantines: false };
//! let attributes = [attributes];
//! let frames = build(&kpis, &attributes, false, &marks)?;
//! let deliveries = frames.compare_deliveries(&[])?;
//! let day = frames.compare_day("2026-03-02", &[])?;
//! assert_eq!((day.counts.inserted, deliveries.counts.inserted), (2, 1));
//! let rates = |batch: &RecordBatch| -> Vec<f64> {
//!     batch["delivered_rate"].as_primitive::<Float64Type>().values().to_vec()
//! };
//! assert_eq!(day.rows.as_ref().map(rates), Some(vec![0.0, 1.0]));
//!
//! // 6. publish: the data tables, then the record of the run; readers take the versions it names.
//! let place = Destination::Directory(folder.path().to_owned());
//! let output = Output::at(&Disk::default(), &place, 2)?.ok_or("no such directory")?;
//! let mut record = RunRecord {
//!     run_id: "tour".to_owned(),
//!     started_at: as_of.to_string(),
//!     finished_at: as_of.to_string(),
//!     as_of: as_of.to_string(),
//!     ..RunRecord::default()
//! };
//! let form = |name, schema, partition_by| Form { name, schema, partition_by, is_made: true };
//! let forms = [
//!     form(DELIVERY_KPI_HOURLY, frames.schema()?, Some("date")),
//!     form(DELIVERY_KPI, frames.schema_of_deliveries()?, None),
//! ];
//! let empty = output.open(&forms, true)?;
//! let hourly = empty.write(DELIVERY_KPI_HOURLY, Some("2026-03-02"), day.rows.as_ref())?;
//! let whole = empty.write(DELIVERY_KPI, None, deliveries.rows.as_ref())?;
//! let written = BTreeMap::from([(DELIVERY_KPI_HOURLY, hourly), (DELIVERY_KPI, whole)]);
//! empty.publish(written, &mut record, |_| {})?;
//! let published = output.open(&forms, true)?;
//! assert_eq!(record.table_versions["delivery_kpi"], 1);
//! let newest = published.last.as_ref().map(|run| &run.table_versions);
//! assert_eq!(newest, Some(&record.table_versions));
//! let files = published.files(DELIVERY_KPI)?;
//! let deliveries = published.rows(DELIVERY_KPI, files.values().flatten())?;
//! assert_eq!(deliveries.iter().flat_map(rates).collect::<Vec<_>>(), [1.0]);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::todo)
)]

pub mod cli;
pub mod error;
pub mod job;

pub mod disk;

pub mod stores;

pub mod model;

pub mod extracts;

pub mod decode;

pub mod history;

pub mod rollup;

pub mod tables;

pub mod publish;

pub mod export;

pub mod report;

pub mod engine;

pub mod state;

pub mod generate;

pub mod import;

pub mod commands;
