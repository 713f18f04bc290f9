//! Columns of few different values: labels, codes, links, delivery identifiers of text. Each
//! different value of a batch is looked up once.

use super::cell::{Cell, Ints, Unsupported, cast, newly_null};
use crate::extracts::is_text;
use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int32Type};

/// Why a text is no text.
pub const NOT_UTF8: &str = "not UTF-8";

/// A column of texts, plain: blank ones are null.
#[derive(Default)]
pub struct Texts {
    values: Option<StringArray>,
    bad: Option<BooleanBuffer>,
}

impl Texts {
    /// Reads a column.
    pub fn new(column: &'static str, array: Option<&ArrayRef>) -> Result<Texts, Unsupported> {
        let Some(array) = array.filter(|array| *array.data_type() != DataType::Null) else {
            return Ok(Texts::default());
        };
        let unsupported = || Unsupported {
            column,
            expected: "string",
            found: array.data_type().clone(),
        };
        if !is_text(array.data_type()) {
            return Err(unsupported());
        }
        let values = to_utf8(array).map_err(|_| unsupported())?;
        let bad = newly_null(array, &values);
        let values = Some(values.as_string().clone());
        Ok(Texts { values, bad })
    }

    /// The value of a row.
    #[inline(always)]
    pub fn get(&self, row: usize) -> Cell<&str> {
        match &self.values {
            None => Cell::Null,
            Some(values) if values.is_valid(row) => match values.value(row) {
                blank if blank.trim().is_empty() => Cell::Null,
                text => Cell::Value(text),
            },
            Some(_) => match &self.bad {
                Some(bad) if bad.value(row) => Cell::Bad(NOT_UTF8),
                _ => Cell::Null,
            },
        }
    }
}

fn to_utf8(array: &dyn Array) -> Result<ArrayRef, arrow::error::ArrowError> {
    match array.data_type() {
        DataType::FixedSizeBinary(_) => cast(&cast(array, &DataType::Binary)?, &DataType::Utf8),
        DataType::Dictionary(_, values) if **values != DataType::Utf8 => {
            to_utf8(&cast(array, values)?)
        }
        _ => cast(array, &DataType::Utf8),
    }
}

/// A column of labels or numbers, each different label resolved to a `T`.
pub enum Labelled<T> {
    /// No such column, or all nulls.
    Absent,
    /// Labels: a key for each row, and what the labels mean.
    Labels(Int32Array, Vec<Cell<T>>),
    /// Numbers, and what they mean.
    Numbers(Ints),
}

impl<T: Copy> Labelled<T> {
    /// Reads a column of texts or integers (doubles too where the column is optional); `meaning`
    /// is asked once for each different text.
    pub fn new(
        column: &'static str,
        array: Option<&ArrayRef>,
        meaning: impl Fn(&str) -> Cell<T>,
    ) -> Result<Labelled<T>, Unsupported> {
        let Some(array) = array.filter(|array| *array.data_type() != DataType::Null) else {
            return Ok(Labelled::Absent);
        };
        let unsupported = || Unsupported {
            column,
            expected: "integer or string",
            found: array.data_type().clone(),
        };
        if !is_text(array.data_type()) {
            let ints = Ints::new(column, Some(array)).map_err(|_| unsupported())?;
            return Ok(Labelled::Numbers(ints));
        }
        let (keys, labels) = keys_and_labels(array).map_err(|_| unsupported())?;
        let texts = Texts::new(column, Some(&labels))?;
        // The dictionary may be that of a whole row group, the keys those of a small batch.
        let mut meanings = vec![Cell::Null; labels.len()];
        let mut is_known = vec![false; labels.len()];
        for label in keys.iter().flatten().map(|key| key as usize) {
            if !std::mem::replace(&mut is_known[label], true) {
                meanings[label] = match texts.get(label) {
                    Cell::Value(text) => meaning(text),
                    Cell::Null => Cell::Null,
                    Cell::Bad(why) => Cell::Bad(why),
                };
            }
        }
        Ok(Labelled::Labels(keys, meanings))
    }

    /// The value of a row; `number` says what a number means.
    #[inline(always)]
    pub fn get(&self, row: usize, number: impl FnOnce(i64) -> Cell<T>) -> Cell<T> {
        match self {
            Labelled::Absent => Cell::Null,
            Labelled::Labels(keys, _) if keys.is_null(row) => Cell::Null,
            Labelled::Labels(keys, meanings) => meanings[keys.value(row) as usize],
            Labelled::Numbers(ints) => match ints.get(row) {
                Cell::Value(value) => number(value),
                Cell::Null => Cell::Null,
                Cell::Bad(why) => Cell::Bad(why),
            },
        }
    }

    /// Adds the value of each of so many rows to a column, `none` for those without one; false where a value is
    /// bad.
    #[inline]
    pub fn fill(
        &self,
        column: &mut Vec<T>,
        none: T,
        rows: usize,
        number: impl Fn(i64) -> Cell<T>,
    ) -> bool {
        if self.is_absent() {
            column.resize(column.len() + rows, none);
            return true;
        }
        let mut are_good = true;
        column.extend((0..rows).map(|row| match self.get(row, &number) {
            Cell::Value(value) => value,
            Cell::Null => none,
            Cell::Bad(_) => {
                are_good = false;
                none
            }
        }));
        are_good
    }

    /// The numbers, where there is one in each row.
    pub fn plain_numbers(&self) -> Option<&[i64]> {
        match self {
            Labelled::Numbers(ints) => ints.plain(),
            Labelled::Absent | Labelled::Labels(..) => None,
        }
    }

    /// The label of each row, where none is null, and what becomes of the meaning of each label; none
    /// of those that mean nothing.
    pub fn labels<U>(&self, form: impl Fn(T) -> U) -> Option<(&[i32], Vec<Option<U>>)> {
        match self {
            Labelled::Labels(keys, meanings) if keys.null_count() == 0 => {
                let meanings = meanings.iter().map(|cell| cell.ok().map(&form));
                Some((keys.values(), meanings.collect()))
            }
            _ => None,
        }
    }

    /// Whether there is no such column.
    pub fn is_absent(&self) -> bool {
        matches!(self, Labelled::Absent)
    }
}

fn keys_and_labels(array: &ArrayRef) -> Result<(Int32Array, ArrayRef), arrow::error::ArrowError> {
    let values = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        plain => plain.clone(),
    };
    let binary_view_or_fixed = matches!(
        values,
        DataType::Utf8View | DataType::BinaryView | DataType::FixedSizeBinary(_)
    );
    let array = if binary_view_or_fixed {
        to_utf8_or_binary(array)?
    } else {
        array.clone()
    };
    let values = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        plain => plain.clone(),
    };
    let wanted = DataType::Dictionary(Box::new(DataType::Int32), Box::new(values));
    let dictionary = cast(&array, &wanted)?;
    let dictionary = dictionary.as_dictionary::<Int32Type>();
    Ok((dictionary.keys().clone(), dictionary.values().clone()))
}

/// A plain array of a type that a dictionary can be made of, so that what is not UTF-8 stays.
fn to_utf8_or_binary(array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, values) => to_utf8_or_binary(&cast(array, values)?),
        DataType::Utf8View => cast(array, &DataType::Utf8),
        _ => cast(array, &DataType::Binary),
    }
}
