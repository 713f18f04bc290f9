//! Rows of the deliveries extract: the latest of each delivery counts.

use super::cell::{Bools, Ints, Unsupported};
use super::ids::Opaque;
use super::instants::{Instants, Zone};
use super::labelled::Texts;
use super::logs::Selection;
use super::presence::{null, optional};
use crate::model::{Attributes, DeliveryId, Fate, FateCounts, Instant, Rejection};
use arrow::array::RecordBatch;
use std::collections::BTreeMap;

/// The rows of the deliveries extract.
#[derive(Default)]
pub struct DeliveryRows {
    rows: BTreeMap<DeliveryId, Vec<(Attributes, u32)>>,
    /// By source: rows read, and their fates.
    pub fates: Vec<FateCounts>,
    /// Deliveries with different rows of one `modified_at`, so that the order of columns decided.
    pub ambiguous: Vec<DeliveryId>,
}

/// Reads a batch, its columns under the contract's names, from the file `source`.
pub fn decode_deliveries(
    batch: &RecordBatch,
    source: u32,
    zone: &Zone,
    selection: &Selection,
    out: &mut DeliveryRows,
) -> Result<(), Unsupported> {
    let column = |name| batch.column_by_name(name);
    let instant = |name| Instants::new(name, column(name), zone);
    let columns = Columns {
        id: Opaque::new("delivery_id", column("delivery_id"))?,
        label: Texts::new("label", column("label"))?,
        channel: Texts::new("channel", column("channel"))?,
        parent: Opaque::new("parent_delivery_id", column("parent_delivery_id"))?,
        started_at: instant("started_at")?,
        validity_end: instant("validity_end")?,
        modified_at: instant("modified_at")?,
        to_deliver: Ints::new("to_deliver", column("to_deliver"))?,
        efs: Bools::new("efs", column("efs"))?,
    };
    if out.fates.len() <= source as usize {
        out.fates.resize(source as usize + 1, FateCounts::default());
    }
    for row in 0..batch.num_rows() {
        let fates = &mut out.fates[source as usize];
        match columns.read(row, selection) {
            Ok(None) => fates.not_selected += 1,
            Ok(Some((id, attributes))) => {
                fates.read += 1;
                out.rows.entry(id).or_default().push((attributes, source));
            }
            Err(rejection) => {
                fates.read += 1;
                *fates.rejections.entry(rejection).or_default() += 1;
            }
        }
    }
    Ok(())
}

impl DeliveryRows {
    /// The attributes of every delivery: of its row with the highest `modified_at`, at equal ones
    /// of the greatest row in the order of columns.
    pub fn settle(&mut self) -> BTreeMap<DeliveryId, Attributes> {
        let mut latest = BTreeMap::new();
        for (id, mut rows) in std::mem::take(&mut self.rows) {
            rows.sort_by(|(a, of_a), (b, of_b)| {
                let latest = (b.modified_at, b).cmp(&(a.modified_at, a));
                latest.then(of_a.cmp(of_b))
            });
            let mut rows = rows.into_iter();
            let Some((winner, source)) = rows.next() else {
                continue;
            };
            self.fates[source as usize].meet(Fate::Counted);
            let mut is_ambiguous = false;
            for (other, source) in rows {
                let is_copy = other == winner;
                is_ambiguous |= !is_copy && other.modified_at == winner.modified_at;
                let fate = if is_copy {
                    Fate::Duplicate
                } else {
                    Fate::Superseded
                };
                self.fates[source as usize].meet(fate);
            }
            if is_ambiguous {
                self.ambiguous.push(id.clone());
            }
            latest.insert(id, winner);
        }
        latest
    }
}

struct Columns {
    id: Opaque,
    label: Texts,
    channel: Texts,
    parent: Opaque,
    started_at: Instants,
    validity_end: Instants,
    modified_at: Instants,
    to_deliver: Ints,
    efs: Bools,
}

impl Columns {
    /// None for a delivery that the run was not asked for, whatever else the row holds.
    fn read(
        &self,
        row: usize,
        selection: &Selection,
    ) -> Result<Option<(DeliveryId, Attributes)>, Rejection> {
        let id = delivery_id(&self.id, row, "delivery_id")?.ok_or_else(|| null("delivery_id"))?;
        if !selection.holds(&id) {
            return Ok(None);
        }
        let text =
            |texts: &Texts, column| optional(texts.get(row), column).map(|t| t.map(str::to_owned));
        let instant = |instants: &Instants, column| -> Result<Option<Instant>, Rejection> {
            optional(instants.get(row), column)
        };
        let attributes = Attributes {
            label: text(&self.label, "label")?,
            channel: text(&self.channel, "channel")?,
            parent_delivery_id: delivery_id(&self.parent, row, "parent_delivery_id")?,
            started_at: instant(&self.started_at, "started_at")?,
            validity_end: instant(&self.validity_end, "validity_end")?,
            modified_at: instant(&self.modified_at, "modified_at")?,
            to_deliver: optional(self.to_deliver.get(row), "to_deliver")?,
            efs: optional(self.efs.get(row), "efs")?,
        };
        Ok(Some((id, attributes)))
    }
}

fn delivery_id(
    ids: &Opaque,
    row: usize,
    column: &'static str,
) -> Result<Option<DeliveryId>, Rejection> {
    match ids {
        Opaque::Ints(ints) => Ok(optional(ints.get(row), column)?.map(DeliveryId::Number)),
        Opaque::Texts(texts) => {
            Ok(optional(texts.get(row), column)?.map(|id| DeliveryId::Text(id.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use std::sync::Arc;

    #[test]
    fn the_latest_row_wins_and_ties_are_told() {
        let t = Instant::FIRST.micros();
        let batch = RecordBatch::try_from_iter(vec![
            (
                "delivery_id",
                Arc::new(Int64Array::from(vec![1, 1, 1, 1, 2, 2])) as ArrayRef,
            ),
            (
                "label",
                Arc::new(StringArray::from(vec!["old", "new", "new", "a", "a", "b"])),
            ),
            (
                "modified_at",
                Arc::new(TimestampMicrosecondArray::from(vec![
                    Some(t),
                    Some(t + 1),
                    Some(t + 1),
                    None,
                    None,
                    None,
                ])),
            ),
            (
                "efs",
                Arc::new(BooleanArray::from(vec![
                    false, true, true, false, false, false,
                ])),
            ),
        ])
        .expect("a batch");
        let mut rows = DeliveryRows::default();
        decode_deliveries(&batch, 0, &Zone::UTC, &Selection::All, &mut rows).expect("listed types");
        let latest = rows.settle();
        let label = |id| latest[&DeliveryId::Number(id)].label.clone();
        assert_eq!(label(1).as_deref(), Some("new"));
        assert_eq!(label(2).as_deref(), Some("b"));
        assert_eq!(rows.ambiguous, [DeliveryId::Number(2)]);
        let fates = &rows.fates[0];
        assert_eq!(
            (fates.counted, fates.duplicate, fates.superseded),
            (2, 1, 3)
        );
        assert!(fates.adds_up());
    }
}
