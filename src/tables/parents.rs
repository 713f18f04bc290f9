//! The hours of recurring deliveries.

use super::TableError;
use super::bridge::to_batch;
use super::compare::{self, Comparison};
use super::days::{Days, Hourly, NO_DAY};
use super::earlier::ids_of;
use super::frames::{Delivery, HourRow, RunMarks, hourly, ids};
use crate::model::DeliveryId;
use crate::rollup::ParentKpis;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use polars::prelude::*;
use std::collections::BTreeSet;

/// The name of the table: one row for each parent and hour in which a counter of its deliveries changed.
pub const PARENT_KPI_HOURLY: &str = "parent_kpi_hourly";

const PARENT: &str = "parent_delivery_id";

/// The rows of a run in that table: those of all parents but for the ones that stay, or none at all.
pub struct ParentFrames<'a> {
    parents: Vec<Delivery<'a>>,
    /// None where all stay.
    stay: Option<&'a BTreeSet<DeliveryId>>,
    text_ids: bool,
    marks: RunMarks,
    days: Days,
}

impl<'a> ParentFrames<'a> {
    /// Those of these parents, where the run has computed them; `text_ids` says whether identifiers of deliveries are
    /// strings.
    pub fn new(kpis: Option<&'a ParentKpis>, text_ids: bool, marks: &RunMarks) -> ParentFrames<'a> {
        let each = kpis
            .iter()
            .flat_map(|kpis| kpis.parents.iter().zip(&kpis.attributes));
        let each = each.map(|(kpis, attributes)| Delivery { kpis, attributes });
        let parents: Vec<Delivery<'a>> = each.collect();
        let hours = parents.iter().map(|parent| &parent.kpis.hours);
        ParentFrames {
            days: Days::of(hours.map(|hours| hours.iter().map(|row| row.hour))),
            parents,
            stay: kpis.map(|kpis| &kpis.stay),
            text_ids,
            marks: marks.clone(),
        }
    }

    /// What has to be said of rows that stay as they are.
    pub fn note(&self) -> Option<String> {
        match self.stay.map(BTreeSet::len) {
            None => Some(format!(
                "{PARENT_KPI_HOURLY} stays as it is: a run of some deliveries does not know whole families"
            )),
            Some(0) if self.parents.is_empty() => Some(format!(
                "no delivery names a parent: {PARENT_KPI_HOURLY} has no rows"
            )),
            Some(0) => None,
            Some(1) => Some(format!(
                "{PARENT_KPI_HOURLY}: 1 parent keeps its rows, as a delivery of it is frozen"
            )),
            Some(parents) => Some(format!(
                "{PARENT_KPI_HOURLY}: {parents} parents keep their rows, as deliveries of them are frozen"
            )),
        }
    }

    fn hourly(&self, day: &str) -> Result<DataFrame, TableError> {
        let row = |(place, at): (usize, usize)| HourRow::of(&self.parents[place], at);
        let rows: Vec<HourRow<'_>> = self.days.hours(day).map(row).collect();
        hourly(PARENT, &rows, self.text_ids, &self.marks)
    }
}

impl Hourly for ParentFrames<'_> {
    fn table(&self) -> &'static str {
        PARENT_KPI_HOURLY
    }

    fn schema(&self) -> Result<SchemaRef, TableError> {
        Ok(to_batch(&self.hourly(NO_DAY)?)?.schema())
    }

    fn rows(&self) -> u64 {
        let hours = self.parents.iter();
        hours.map(|parent| parent.kpis.hours.len() as u64).sum()
    }

    /// All days, where some are given: a parent may have gone from any of them.
    fn first_day(&self) -> Option<String> {
        self.stay.map(|_| NO_DAY.to_owned())
    }

    fn days(&self) -> Vec<&str> {
        self.days.names()
    }

    fn compare_day(&self, day: &str, published: &[RecordBatch]) -> Result<Comparison, TableError> {
        let mut known = BTreeSet::new();
        for rows in published {
            known.extend(ids_of(PARENT_KPI_HOURLY, rows, PARENT)?);
        }
        let stays = |parent: &&DeliveryId| self.stay.is_none_or(|stay| stay.contains(*parent));
        let replaced = known.iter().filter(|parent| !stays(parent));
        compare::compare(
            self.table(),
            &[PARENT, "hour"],
            published,
            &self.hourly(day)?,
            &ids(PARENT, replaced.map(Some), self.text_ids).into_frame(),
        )
    }
}
