//! The units of reading: row groups, and which of them have to be told apart from others.

use super::read::Keeping;
use super::{Pool, map};
use crate::decode::Selection;
use crate::extracts::{Extract, Mapping, OpenFile, Pages};

/// A row group of a file.
pub struct Unit {
    /// The file, by its place in the list.
    pub source: usize,
    /// The row group in it.
    pub row_group: usize,
    /// How many rows it has.
    pub rows: u64,
    /// The bounds of its `log_id`s, if the footer tells.
    pub bounds: Option<(i64, i64)>,
    /// Whether the footers tell that no other row group of the log reaches into these bounds, nor an
    /// earlier one.
    pub apart: bool,
    /// Whether it may hold rows of deliveries that are asked for.
    pub is_needed: bool,
    /// The pages that may, unless all of them may.
    pub pages: Option<Pages>,
}

impl Unit {
    /// How many of its rows have to be read.
    pub fn needed_rows(&self) -> u64 {
        self.pages.as_ref().map_or(self.rows, |pages| pages.rows)
    }
}

/// The row groups of both logs. Those that the footers rule out for a selection are not needed.
pub fn units<'a>(
    pool: &Pool,
    files: &[OpenFile],
    mapping: &(impl Fn(Extract) -> &'a Mapping + Sync),
    selection: &Selection,
    keeping: Option<&Keeping<'_>>,
) -> Vec<Unit> {
    let mut units = Vec::new();
    for extract in [Extract::SendingLog, Extract::TrackingLog] {
        let mapping = mapping(extract);
        let of_log: Vec<(usize, &OpenFile)> = files
            .iter()
            .enumerate()
            .filter(|(_, file)| file.extract == extract)
            .collect();
        let first = units.len();
        for (source, file) in of_log {
            for row_group in 0..file.row_groups() {
                units.push(Unit {
                    source,
                    row_group,
                    rows: file.rows(row_group),
                    bounds: file.log_ids(row_group, mapping),
                    apart: false,
                    is_needed: true,
                    pages: None,
                });
            }
        }
        let earlier = keeping.map_or(&[][..], |keeping| keeping.earlier);
        let earlier = earlier.iter().filter(|(of, _)| *of == extract);
        let units = &mut units[first..];
        let bounds = units.iter().map(|unit| unit.bounds);
        let bounds: Vec<_> = bounds.chain(earlier.map(|(_, b)| Some(*b))).collect();
        for (unit, apart) in units.iter_mut().zip(apart(&bounds)) {
            let file = &files[unit.source];
            let is_unrevised = || file.is_unrevised(unit.row_group, mapping);
            unit.apart = apart && (keeping.is_none() || is_unrevised());
        }
    }
    if let Selection::Only(ids) = selection {
        let is_needed = map(pool, units.len(), |at| {
            let unit: &Unit = &units[at];
            let file = &files[unit.source];
            file.may_hold_some(unit.row_group, mapping(file.extract), ids)
        });
        for (unit, is_needed) in units.iter_mut().zip(is_needed) {
            unit.is_needed = is_needed;
        }
        // The index is read once for all row groups of a file.
        let of_file: Vec<&mut [Unit]> = units.chunk_by_mut(|a, b| a.source == b.source).collect();
        let pages = map(pool, of_file.len(), |at| {
            let file = &files[of_file[at][0].source];
            let needed = of_file[at].iter().filter(|unit| unit.is_needed);
            let row_groups: Vec<usize> = needed.map(|unit| unit.row_group).collect();
            file.pages(&row_groups, mapping(file.extract), ids)
        });
        for (of_file, pages) in of_file.into_iter().zip(pages) {
            let needed = of_file.iter_mut().filter(|unit| unit.is_needed);
            for (unit, pages) in needed.zip(pages) {
                unit.pages = pages;
                unit.is_needed = unit.needed_rows() > 0;
            }
        }
    }
    units
}

/// Which ranges meet no other; none of them if some are not known.
fn apart(bounds: &[Option<(i64, i64)>]) -> Vec<bool> {
    let mut apart = vec![false; bounds.len()];
    let Some(known) = bounds.iter().copied().collect::<Option<Vec<_>>>() else {
        return apart;
    };
    let mut order: Vec<usize> = (0..known.len()).collect();
    order.sort_unstable_by_key(|place| known[*place]);
    let mut reached = None;
    for (at, place) in order.iter().enumerate() {
        let (low, high) = known[*place];
        let meets_before = reached.is_some_and(|reached| low <= reached);
        let meets_after = order.get(at + 1).is_some_and(|next| known[*next].0 <= high);
        apart[*place] = !meets_before && !meets_after;
        reached = reached.max(Some(high));
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn only_ranges_that_meet_no_other_are_apart() {
        let bounds = [
            (0, 9),
            (10, 19),
            (19, 30),
            (40, 90),
            (50, 60),
            (95, 95),
            (95, 95),
        ];
        let found = apart(&bounds.map(Some));
        assert_eq!(found, [true, false, false, false, false, false, false]);
        assert_eq!(apart(&[Some((1, 2)), None]), [false, false]);
        assert_eq!(apart(&[Some((5, 6)), Some((1, 2))]), [true, true]);
    }
}
