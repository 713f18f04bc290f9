//! The rows of a run beside the published ones: what stays, what is new, what changed, what goes.

use super::TableError;
use super::bridge::{to_batch, to_frame};
use super::frames::left_join;
use arrow::array::RecordBatch;
use polars::prelude::*;
use std::ops::AddAssign;

/// How many rows of a table a run left as they were, and how many it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// New rows.
    pub inserted: u64,
    /// Rows with another value in some column.
    pub changed: u64,
    /// Rows that are no longer there.
    pub removed: u64,
    /// Rows that the run computed again and found the same.
    pub unchanged: u64,
}

impl AddAssign for RowCounts {
    fn add_assign(&mut self, other: RowCounts) {
        self.inserted += other.inserted;
        self.changed += other.changed;
        self.removed += other.removed;
        self.unchanged += other.unchanged;
    }
}

/// What a run does to a table, or to one partition of it.
pub struct Comparison {
    /// How many rows are new, changed, removed or the same.
    pub counts: RowCounts,
    /// Whether a row is new, changed or removed.
    pub differs: bool,
    /// The whole new content, where it differs; none if no row is left.
    pub rows: Option<RecordBatch>,
    /// The latest `as_of` among the published rows that are replaced, in microseconds.
    pub replaced_as_of: Option<i64>,
    /// The computed rows that are new or changed.
    pub(super) difference: DataFrame,
}

const HERE: &str = "__here";
const RUN: &str = "run_id";

impl Comparison {
    /// Frees what only [`super::Frames::csv`] needs.
    pub fn forget_difference(&mut self) {
        self.difference = self.difference.clear();
    }
}

/// Compares the rows of a run with the published ones, of a whole table or of one partition. All rows
/// of the deliveries in `replaced` (a frame with the first of the keys) are replaced by `computed`; the others
/// stay. A row that is the same
/// keeps the `run_id` of the run that wrote it.
pub fn compare(
    table: &'static str,
    keys: &[&str],
    published: &[RecordBatch],
    computed: &DataFrame,
    replaced: &DataFrame,
) -> Result<Comparison, TableError> {
    let published = to_frame(table, published, computed)?;
    if published.height() == 0 {
        return all_new(computed);
    }
    let of_replaced = found_in(&published, replaced, &keys[..1])?;
    let (old, kept) = (
        published.filter(&of_replaced)?,
        published.filter(&!of_replaced)?,
    );
    let replaced_as_of = match old.column("as_of") {
        Ok(as_of) => as_of.datetime()?.physical().iter().flatten().max(),
        Err(_) => None,
    };

    let joined = computed.join(
        &mark(&old)?,
        keys.to_vec(),
        keys.to_vec(),
        left_join(),
        None,
    )?;
    let known = joined.column(HERE)?.bool()?.is_not_null();
    let same = same_rows(computed, &joined, keys)? & known.clone();
    let run_ids = joined.column(RUN)?.as_materialized_series().clone();
    let new = match old.height() {
        0 => computed.clone(),
        _ => {
            let old_ids = joined
                .column(&format!("{RUN}_right"))?
                .as_materialized_series();
            let mut new = computed.clone();
            let ids = old_ids.zip_with(&same, &run_ids)?.with_name(RUN.into());
            new.with_column(ids.into_column())?;
            new
        }
    };
    let removed = !found_in(&old, computed, keys)?;
    let sum = |mask: &BooleanChunked| u64::from(mask.sum().unwrap_or(0));
    let counts = RowCounts {
        inserted: sum(&!known.clone()),
        changed: sum(&(&known & &!same.clone())),
        removed: sum(&removed),
        unchanged: sum(&same),
    };
    let touched = new.filter(&!same)?;
    let whole = match kept.height() {
        0 => new,
        _ => new
            .vstack(&kept)?
            .sort(keys.to_vec(), SortMultipleOptions::default())?,
    };
    let differs = counts.inserted + counts.changed + counts.removed > 0;
    let rows = (differs && whole.height() > 0).then(|| to_batch(&whole));
    Ok(Comparison {
        counts,
        differs,
        rows: rows.transpose()?,
        replaced_as_of,
        difference: touched,
    })
}

/// The comparison with nothing.
fn all_new(computed: &DataFrame) -> Result<Comparison, TableError> {
    let inserted = computed.height() as u64;
    let rows = (inserted > 0).then(|| to_batch(computed));
    Ok(Comparison {
        counts: RowCounts {
            inserted,
            ..RowCounts::default()
        },
        differs: inserted > 0,
        rows: rows.transpose()?,
        replaced_as_of: None,
        difference: computed.clone(),
    })
}

/// For each row of `frame`, whether `other` has one with its keys.
fn found_in(
    frame: &DataFrame,
    other: &DataFrame,
    keys: &[&str],
) -> Result<BooleanChunked, TableError> {
    let other = mark(&other.select(keys.iter().copied())?)?;
    let joined = frame.select(keys.iter().copied())?.join(
        &other,
        keys.to_vec(),
        keys.to_vec(),
        left_join(),
        None,
    )?;
    Ok(joined.column(HERE)?.bool()?.is_not_null())
}

fn mark(frame: &DataFrame) -> Result<DataFrame, TableError> {
    let mut marked = frame.clone();
    marked.with_column(Column::new(HERE.into(), vec![true; frame.height()]))?;
    Ok(marked)
}

/// For each computed row, whether the published one has the same values; `run_id` apart.
fn same_rows(
    computed: &DataFrame,
    joined: &DataFrame,
    keys: &[&str],
) -> Result<BooleanChunked, TableError> {
    let mut same = BooleanChunked::full(HERE.into(), true, computed.height());
    for column in computed.columns() {
        let name = column.name().as_str();
        if name == RUN || keys.contains(&name) {
            continue;
        }
        let old = joined
            .column(&format!("{name}_right"))?
            .as_materialized_series();
        same = same & column.as_materialized_series().equal_missing(old)?;
    }
    Ok(same)
}
