//! Which values a row must have, and which it may lack.

use super::cell::Cell;
use crate::model::Rejection;

const NULL: &str = "null";
const UNKNOWN: &str = "unknown label or code";

pub(super) fn known<T>(meaning: Option<T>) -> Cell<T> {
    meaning.map_or(Cell::Bad(UNKNOWN), Cell::Value)
}

pub(super) fn null(column: &'static str) -> Rejection {
    Rejection {
        column,
        reason: NULL,
    }
}

/// A value that every row must have.
#[inline(always)]
pub(super) fn required<T>(cell: Cell<T>, column: &'static str) -> Result<T, Rejection> {
    match cell {
        Cell::Value(value) => Ok(value),
        Cell::Null => Err(null(column)),
        Cell::Bad(reason) => Err(Rejection { column, reason }),
    }
}

/// A value that a row may lack.
#[inline(always)]
pub(super) fn optional<T>(cell: Cell<T>, column: &'static str) -> Result<Option<T>, Rejection> {
    match cell {
        Cell::Value(value) => Ok(Some(value)),
        Cell::Null => Ok(None),
        Cell::Bad(reason) => Err(Rejection { column, reason }),
    }
}

/// A value that only a deletion may lack; what is wrong with it does not matter there.
#[inline(always)]
pub(super) fn needed<T>(
    cell: Cell<T>,
    column: &'static str,
    deleted: bool,
) -> Result<Option<T>, Rejection> {
    if deleted {
        return Ok(cell.ok());
    }
    required(cell, column).map(Some)
}

/// A value that a row may lack; where the row is lenient, what is wrong with it does not matter.
#[inline(always)]
pub(super) fn lenient<T>(
    cell: Cell<T>,
    column: &'static str,
    is_lenient: bool,
) -> Result<Option<T>, Rejection> {
    if is_lenient {
        return Ok(cell.ok());
    }
    optional(cell, column)
}
