//! A frame as CSV.

use super::TableError;
use polars::prelude::*;

/// The frame with a header line; instants in RFC 3339.
pub fn to_csv(frame: &DataFrame) -> Result<String, TableError> {
    let mut text = Vec::new();
    CsvWriter::new(&mut text)
        .include_header(true)
        .with_datetime_format(Some("%Y-%m-%dT%H:%M:%SZ".into()))
        .finish(&mut frame.clone())?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
