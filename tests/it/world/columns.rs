//! A column of an extract, and the arrow array it becomes.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, NullArray, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use arrow::datatypes::Int32Type;

use super::{Absent, Instants, Layout};

/// The values of a column, `None` being null; instants in microseconds.
pub enum Values {
    Int(Vec<Option<i64>>),
    Code(Vec<Option<i32>>),
    Text(Vec<Option<String>>),
    Bool(Vec<Option<bool>>),
    Instant(Vec<Option<i64>>),
}

pub struct Column {
    pub name: &'static str,
    /// Written also when it is null in all rows.
    pub required: bool,
    pub values: Values,
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Values::Int(values) | Values::Instant(values) => values.len(),
            Values::Code(values) => values.len(),
            Values::Text(values) => values.len(),
            Values::Bool(values) => values.len(),
        }
    }

    pub fn all_null(&self) -> bool {
        match self {
            Values::Int(values) | Values::Instant(values) => values.iter().all(Option::is_none),
            Values::Code(values) => values.iter().all(Option::is_none),
            Values::Text(values) => values.iter().all(Option::is_none),
            Values::Bool(values) => values.iter().all(Option::is_none),
        }
    }
}

impl Column {
    pub fn required(name: &'static str, values: Values) -> Self {
        Self {
            name,
            required: true,
            values,
        }
    }

    pub fn optional(name: &'static str, values: Values) -> Self {
        Self {
            name,
            required: false,
            values,
        }
    }

    pub fn array(&self, layout: &Layout) -> ArrayRef {
        if !self.required && layout.absent == Absent::NullType && self.values.all_null() {
            return Arc::new(NullArray::new(self.values.len()));
        }
        match &self.values {
            Values::Int(values) => Arc::new(Int64Array::from(values.clone())),
            Values::Code(values) => Arc::new(Int32Array::from(values.clone())),
            Values::Bool(values) => Arc::new(BooleanArray::from(values.clone())),
            Values::Text(values) => text_array(values, layout),
            Values::Instant(values) => instant_array(values, layout),
        }
    }
}

fn text_array(values: &[Option<String>], layout: &Layout) -> ArrayRef {
    let texts = values.iter().map(Option::as_deref);
    if layout.text_as_dictionary {
        Arc::new(texts.collect::<DictionaryArray<Int32Type>>())
    } else {
        Arc::new(texts.collect::<StringArray>())
    }
}

fn instant_array(values: &[Option<i64>], layout: &Layout) -> ArrayRef {
    let whole = |unit: i64| values.iter().flatten().all(|instant| instant % unit == 0);
    let divided = |unit: i64| {
        values
            .iter()
            .map(|instant| instant.map(|instant| instant / unit))
            .collect::<Vec<_>>()
    };
    match layout.instants {
        Instants::Second if whole(1_000_000) => {
            Arc::new(TimestampSecondArray::from(divided(1_000_000)).with_timezone("UTC"))
        }
        Instants::Millisecond if whole(1_000) => {
            Arc::new(TimestampMillisecondArray::from(divided(1_000)).with_timezone("UTC"))
        }
        Instants::Nanosecond => {
            // What is finer than a microsecond is floored on reading.
            let fine = values
                .iter()
                .map(|instant| instant.map(|instant| instant * 1_000 + 999))
                .collect::<Vec<_>>();
            Arc::new(TimestampNanosecondArray::from(fine).with_timezone("UTC"))
        }
        Instants::Naive => Arc::new(TimestampMicrosecondArray::from(values.to_vec())),
        Instants::Text => {
            let texts: Vec<Option<String>> = values
                .iter()
                .map(|instant| instant.map(instant_text))
                .collect();
            text_array(&texts, layout)
        }
        Instants::Second | Instants::Millisecond | Instants::Microsecond | Instants::Int96 => {
            Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC"))
        }
    }
}

/// RFC 3339: in UTC, with a space for the T, without a zone (UTC by default), or in a zone of its own.
fn instant_text(instant: i64) -> String {
    let text = |micros: i64| {
        jiff::Timestamp::from_microsecond(micros)
            .expect("an instant of this age")
            .to_string()
    };
    let utc = text(instant);
    match instant.div_euclid(60_000_000) % 4 {
        0 => utc,
        1 => utc.replace('T', " "),
        2 => utc.trim_end_matches('Z').to_owned(),
        _ => text(instant + 5_400_000_000).replace('Z', "+01:30"),
    }
}
