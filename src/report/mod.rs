//! A page for people who would rather look than read: the published tables as one HTML file, which needs nothing
//! but a browser.

mod data;
mod hours;
mod page;
mod reasons;
mod restated;

pub use data::Left;

use crate::export::ExportError;
use crate::model::Instant;
use crate::publish::{PublishError, Published};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The deliveries, as typed; all, if there are none.
    pub deliveries: Vec<String>,
    /// How many deliveries at most, those with the most recent events.
    pub most: usize,
    /// The IANA name of the time zone in which instants are shown.
    pub timezone: String,
    /// When the page is made.
    pub made_at: Instant,
}

/// A page, and what is not on it.
#[derive(Debug)]
pub struct Page {
    /// The HTML.
    pub html: String,
    /// How many deliveries are on it.
    pub deliveries: usize,
    /// How many hourly rows.
    pub hours: usize,
    /// What was left out.
    pub left: Left,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The tables cannot be read.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The deliveries asked for, or a column of the tables.
    #[error(transparent)]
    Rows(#[from] ExportError),
    /// Rows cannot be converted.
    #[error("the rows cannot be put on a page: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The data cannot be written.
    #[error("the data of the page cannot be written: {0}")]
    Data(#[from] serde_json::Error),
    /// The data cannot be packed.
    #[error("the data of the page cannot be packed: {0}")]
    Packing(#[from] std::io::Error),
    /// The template: a defect.
    #[error("the page cannot be put together: {0}")]
    Template(#[from] minijinja::Error),
}

/// Makes the page of a run.
pub fn page(request: &Request, published: &Published<'_>) -> Result<Page, ReportError> {
    let data = data::Data::read(request, published)?;
    Ok(Page {
        html: page::html(&data)?,
        deliveries: data.deliveries.rows,
        hours: data.hours.len(),
        left: data.left,
    })
}
