//! One value of a column: there, not there, or not what the contract asks for.

use crate::extracts::is_integer;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int32Type};

/// A column whose type the contract does not list; the schema check finds it before a row is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: expected {expected}, found {found}")]
pub struct Unsupported {
    /// The contract's name of the column.
    pub column: &'static str,
    /// What the contract lists.
    pub expected: &'static str,
    /// The type in the file.
    pub found: DataType,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<T> {
    /// No value.
    Null,
    /// A value that is none of the contract's, and why.
    Bad(&'static str),
    /// A value.
    Value(T),
}

impl<T> Cell<T> {
    /// The value, where there is a good one.
    pub fn ok(self) -> Option<T> {
        match self {
            Cell::Value(value) => Some(value),
            Cell::Null | Cell::Bad(_) => None,
        }
    }
}

/// A column of integers of any width, or none.
#[derive(Default)]
pub struct Ints {
    values: Option<Int64Array>,
    bad: Option<(BooleanBuffer, &'static str)>,
}

impl Ints {
    /// Reads a column; absent and of type null are the same.
    pub fn new(column: &'static str, array: Option<&ArrayRef>) -> Result<Ints, Unsupported> {
        let Some(array) = array else {
            return Ok(Ints::default());
        };
        match array.data_type() {
            DataType::Null => Ok(Ints::default()),
            DataType::Int64 => Ok(Ints {
                values: Some(array.as_primitive().clone()),
                bad: None,
            }),
            // The usual ones: they all fit, and are widened here, where the compiler sees both types.
            DataType::Int32 => Ok(Ints {
                values: Some(array.as_primitive::<Int32Type>().unary(i64::from)),
                bad: None,
            }),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => whole(array),
            other if is_integer(other) => {
                let values =
                    cast(array, &DataType::Int64).map_err(|_| unsupported(column, other))?;
                let bad = newly_null(array, &values).map(|bad| (bad, OUT_OF_RANGE));
                let values = Some(values.as_primitive().clone());
                Ok(Ints { values, bad })
            }
            other => Err(unsupported(column, other)),
        }
    }

    /// The value of a row.
    #[inline(always)]
    pub fn get(&self, row: usize) -> Cell<i64> {
        match &self.values {
            None => Cell::Null,
            Some(values) if values.is_valid(row) => Cell::Value(values.values()[row]),
            Some(_) => match &self.bad {
                Some((bad, why)) if bad.value(row) => Cell::Bad(why),
                _ => Cell::Null,
            },
        }
    }

    /// Whether there is no such column.
    pub fn is_absent(&self) -> bool {
        self.values.is_none()
    }

    /// All values, where none is null or bad.
    pub fn plain(&self) -> Option<&[i64]> {
        let values = self.values.as_ref()?;
        (values.null_count() == 0).then(|| &values.values()[..])
    }
}

const OUT_OF_RANGE: &str = "outside the signed 64-bit range";

fn unsupported(column: &'static str, found: &DataType) -> Unsupported {
    Unsupported {
        column,
        expected: "integer",
        found: found.clone(),
    }
}

/// Doubles whose values are whole; others are bad.
fn whole(array: &ArrayRef) -> Result<Ints, Unsupported> {
    let doubles =
        cast(array, &DataType::Float64).map_err(|_| unsupported("", array.data_type()))?;
    let doubles = doubles.as_primitive::<Float64Type>();
    // The first double outside; every whole double below it is exact.
    let limit = 2f64.powi(63);
    let fits = |v: f64| v.fract() == 0.0 && (-limit..limit).contains(&v);
    let values: Int64Array = doubles
        .iter()
        .map(|value| value.filter(|v| fits(*v)).map(|v| v as i64))
        .collect();
    let bad = newly_null(doubles, &values).map(|bad| (bad, "not a whole number of 64 bits"));
    Ok(Ints {
        values: Some(values),
        bad,
    })
}

/// Casts; values that do not fit become null.
pub fn cast(array: &dyn Array, to: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    cast_with_options(array, to, &options)
}

/// The rows that had a value and have none after a cast.
pub fn newly_null(before: &dyn Array, after: &dyn Array) -> Option<BooleanBuffer> {
    if after.null_count() == before.null_count() {
        return None;
    }
    Some(BooleanBuffer::collect_bool(before.len(), |row| {
        before.is_valid(row) && after.is_null(row)
    }))
}

/// A column of booleans, also as 0 and 1, or none.
pub enum Bools {
    /// No such column, or all nulls.
    Absent,
    /// Booleans.
    Plain(BooleanArray),
    /// 0 and 1.
    Numbers(Ints),
}

impl Bools {
    /// Reads a column.
    pub fn new(column: &'static str, array: Option<&ArrayRef>) -> Result<Bools, Unsupported> {
        match array.map(|array| (array, array.data_type())) {
            None | Some((_, DataType::Null)) => Ok(Bools::Absent),
            Some((array, DataType::Boolean)) => Ok(Bools::Plain(array.as_boolean().clone())),
            Some((array, _)) => Ok(Bools::Numbers(Ints::new(column, Some(array))?)),
        }
    }

    /// Whether no value is true or bad.
    pub fn is_never(&self) -> bool {
        match self {
            Bools::Absent => true,
            Bools::Plain(array) => array.true_count() == 0,
            Bools::Numbers(_) => false,
        }
    }

    /// The value of a row.
    #[inline(always)]
    pub fn get(&self, row: usize) -> Cell<bool> {
        match self {
            Bools::Absent => Cell::Null,
            Bools::Plain(array) if array.is_valid(row) => Cell::Value(array.value(row)),
            Bools::Plain(_) => Cell::Null,
            Bools::Numbers(ints) => match ints.get(row) {
                Cell::Value(0) => Cell::Value(false),
                Cell::Value(1) => Cell::Value(true),
                Cell::Value(_) | Cell::Bad(_) => Cell::Bad("neither true, false, 0 nor 1"),
                Cell::Null => Cell::Null,
            },
        }
    }
}
