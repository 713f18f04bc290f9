//! A table in pieces that follow one another in the order of a column, so that it can be read piece by
//! piece.

use super::table::Table;
use super::{DataFile, PublishError};
use deltalake::kernel::Add;
use serde_json::Value;

/// The lowest or the highest value of the column in a file, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    AnyLow,
    Number(i64),
    Text(String),
    AnyHigh,
}

impl Table {
    /// The data files in the order of `column`, those whose ranges overlap together: all rows of one
    /// piece come before all rows of the next.
    pub(super) fn pieces(&self, column: &str) -> Result<Vec<Vec<DataFile>>, PublishError> {
        let ranges = self.files()?.into_iter().map(|(file, add)| {
            let range = match add.partition_values.get(column) {
                Some(Some(value)) => [Bound::Text(value.clone()), Bound::Text(value.clone())],
                Some(None) => [Bound::AnyLow, Bound::AnyHigh],
                None => range(&add, column),
            };
            (range, file)
        });
        Ok(together(ranges.collect()))
    }
}

/// The range of a column by the statistics of the file; everything, where there are none.
fn range(add: &Add, column: &str) -> [Bound; 2] {
    let stats = add.stats.as_deref().unwrap_or_default();
    let stats: Value = serde_json::from_str(stats).unwrap_or_default();
    let bound = |which: &str, any: Bound| match &stats[which][column] {
        Value::Number(number) => number.as_i64().map_or(any, Bound::Number),
        Value::String(text) => Bound::Text(text.clone()),
        _ => any,
    };
    [
        bound("minValues", Bound::AnyLow),
        bound("maxValues", Bound::AnyHigh),
    ]
}

/// Files in the order of their lowest values, in groups that do not overlap.
fn together(mut ranges: Vec<([Bound; 2], DataFile)>) -> Vec<Vec<DataFile>> {
    ranges.sort();
    let mut pieces: Vec<Vec<DataFile>> = Vec::new();
    let mut highest = None;
    for ([min, max], file) in ranges {
        match pieces.last_mut() {
            Some(piece) if highest >= Some(min) => piece.push(file),
            _ => pieces.push(vec![file]),
        }
        highest = highest.max(Some(max));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::Bound::{AnyHigh, AnyLow, Number, Text};
    use super::*;

    fn pieces(files: &[(&str, Bound, Bound)]) -> Vec<String> {
        let range = |(name, min, max): &(&str, Bound, Bound)| {
            let file = DataFile {
                path: (*name).to_owned(),
                partition: None,
            };
            ([min.clone(), max.clone()], file)
        };
        let pieces = together(files.iter().map(range).collect());
        let names = |piece: Vec<DataFile>| piece.into_iter().map(|file| file.path).collect();
        pieces.into_iter().map(names).collect()
    }

    #[test]
    fn files_that_overlap_are_one_piece() {
        let of = |name, min, max| (name, Number(min), Number(max));
        let files = [of("d", 9, 12), of("a", 1, 3), of("c", 4, 5), of("b", 3, 3)];
        assert_eq!(pieces(&files), ["ab", "c", "d"]);
        // A short file within a long one does not end it.
        let files = [of("a", 1, 9), of("b", 2, 3), of("c", 5, 6)];
        assert_eq!(pieces(&files), ["abc"]);
        let day = |name, day: &str| (name, Text(day.to_owned()), Text(day.to_owned()));
        let files = [day("b", "02"), day("a", "01"), day("c", "02")];
        assert_eq!(pieces(&files), ["a", "bc"]);
        assert_eq!(pieces(&[]), [""; 0]);
    }

    #[test]
    fn a_file_of_unknown_range_may_hold_anything() {
        let files = [
            ("a", Number(1), Number(2)),
            ("b", AnyLow, AnyHigh),
            ("c", Number(7), Number(8)),
        ];
        assert_eq!(pieces(&files), ["bac"]);
    }
}
