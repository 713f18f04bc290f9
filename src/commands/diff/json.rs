//! The differences for a machine: one object, written as it comes to be known.

use super::{Side, Tally, Teller};
use crate::commands::outcome::print;
use crate::error::Error;
use crate::model::DeliveryId;
use crate::publish::{DELIVERY_KPI, DELIVERY_KPI_HOURLY, RunRecord};
use crate::tables::{Difference, Found, Total};
use serde_json::{Map, Value, json};

/// Writes the object.
pub struct Json {
    old: Value,
    new: Value,
    has_hours: bool,
}

impl Json {
    /// Of the differences between these two runs.
    pub fn new(old: &RunRecord, new: &RunRecord) -> Json {
        Json {
            old: run(old),
            new: run(new),
            has_hours: false,
        }
    }
}

impl Teller for Json {
    fn deliveries(&mut self, totals: &[Total], rows: &[Difference<'_>]) -> Result<(), Error> {
        let totals: Vec<Value> = totals.iter().map(total).collect();
        let rows: Vec<Value> = rows.iter().map(row).collect();
        let (totals, rows) = (json!(totals), json!(rows));
        let (old, new) = (&self.old, &self.new);
        let text = format!(
            "{{\"old\":{old},\"new\":{new},\"totals\":{totals},\"{DELIVERY_KPI}\":{rows},\"{DELIVERY_KPI_HOURLY}\":["
        );
        print(text.as_bytes())
    }

    fn hours(&mut self, rows: &[Difference<'_>]) -> Result<(), Error> {
        let mut text = String::new();
        for difference in rows {
            if self.has_hours {
                text.push(',');
            }
            self.has_hours = true;
            text += &row(difference).to_string();
        }
        print(text.as_bytes())
    }

    fn finish(
        &mut self,
        deliveries: Tally,
        hours: Tally,
        parts: &[(&'static str, Tally)],
    ) -> Result<(), Error> {
        let usual = [(DELIVERY_KPI, deliveries), (DELIVERY_KPI_HOURLY, hours)];
        let all = usual.iter().chain(parts);
        let differs = all.clone().any(|(_, rows)| rows.sum() > 0);
        let rows = all.map(|(table, rows)| ((*table).to_owned(), tally(*rows)));
        let rows = Value::Object(rows.collect());
        print(format!("],\"rows\":{rows},\"differs\":{differs}}}\n").as_bytes())
    }
}

fn run(run: &RunRecord) -> Value {
    json!({
        "run_id": run.run_id,
        "run_number": run.run_number,
        "as_of": run.as_of,
        "finished_at": run.finished_at,
        "table_versions": run.table_versions,
    })
}

fn total(total: &Total) -> Value {
    json!({
        "counter": total.counter,
        "old": total.old,
        "new": total.new,
        "difference": total.new.saturating_sub(total.old),
    })
}

fn row(row: &Difference<'_>) -> Value {
    let side = |is_there: bool, get: Side| {
        let cells = || {
            row.columns
                .iter()
                .map(|c| (c.name.to_owned(), get(c).json()))
        };
        is_there.then(|| cells().collect::<Map<_, _>>())
    };
    let mut object = json!({
        "delivery_id": match &row.delivery {
            DeliveryId::Number(number) => json!(number),
            DeliveryId::Text(text) => json!(text),
        },
        "old": side(row.found != Found::New, |column| &column.old),
        "new": side(row.found != Found::Old, |column| &column.new),
    });
    if let Some(hour) = row.hour {
        object["hour"] = json!(hour.to_string());
    }
    object
}

fn tally(tally: Tally) -> Value {
    json!({
        "only_old": tally.only_old,
        "only_new": tally.only_new,
        "different": tally.different,
    })
}
