//! Hours that had ended and changed after all, for a page.

use super::ReportError;
use crate::model::DeliveryId;
use crate::publish::{KPI_RESTATEMENT, Published, Restatement};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::HashMap;

/// Restated counters, the newest first.
#[derive(Debug, Default, Serialize)]
pub struct Restated {
    run_id: Vec<String>,
    as_of: Vec<String>,
    delivery_id: Vec<String>,
    /// Since the epoch.
    hour: Vec<Option<i64>>,
    cause: Vec<String>,
    counter: Vec<String>,
    before: Vec<Option<i64>>,
    after: Vec<Option<i64>>,
    /// Whether there are older ones, which are not here.
    has_more: bool,
}

/// As many restated counters are shown.
const MOST: usize = 10_000;

impl Restated {
    /// Reads the newest rows of some deliveries; none where no run of the output has kept any.
    pub fn read(
        published: &Published<'_>,
        places: &HashMap<DeliveryId, u32>,
    ) -> Result<Option<Restated>, ReportError> {
        let mut restated = Restated::default();
        if !published.has(KPI_RESTATEMENT) {
            return Ok(None);
        }
        for piece in published.pieces(KPI_RESTATEMENT, "as_of")?.iter().rev() {
            let mut rows = Vec::new();
            for batch in published.rows(KPI_RESTATEMENT, piece)? {
                rows.extend(Restatement::from_batch(&batch)?);
            }
            rows.sort_by(|a, b| (&b.as_of, &a.hour).cmp(&(&a.as_of, &b.hour)));
            for row in rows {
                restated.add(row, places);
            }
            if restated.has_more {
                break;
            }
        }
        Ok(Some(restated))
    }

    fn add(&mut self, row: Restatement, places: &HashMap<DeliveryId, u32>) {
        let id = match &row.delivery_id {
            Json::String(text) => DeliveryId::Text(text.as_str().into()),
            number => DeliveryId::Number(number.as_i64().unwrap_or_default()),
        };
        if !places.contains_key(&id) {
            return;
        }
        let hour = parsed(&row.hour);
        // The changes in the hour follow from the values, and so do the rates.
        let is_shown = |name: &str| !name.ends_with("_delta") && !is_rate(name);
        for change in row.changes.iter().filter(|change| is_shown(&change.kpi)) {
            if self.run_id.len() == MOST {
                self.has_more = true;
                return;
            }
            self.run_id.push(row.run_id.clone());
            self.as_of.push(row.as_of.clone());
            self.delivery_id.push(id.to_string());
            self.hour.push(hour);
            self.cause.push(row.cause.to_string());
            self.counter.push(change.kpi.clone());
            self.before.push(change.old.map(|count| count as i64));
            self.after.push(change.new.map(|count| count as i64));
        }
    }
}

fn is_rate(name: &str) -> bool {
    name.contains("_rate") || name == "progress"
}

/// Hours since the epoch.
fn parsed(hour: &str) -> Option<i64> {
    let at: jiff::Timestamp = hour.parse().ok()?;
    Some(at.as_second().div_euclid(3600))
}
