//! The parts of the page put together.

use super::ReportError;
use super::data::Data;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderStringWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use minijinja::{AutoEscape, Environment, context};

const TITLE: &str = "KPIs of e-mail deliveries";

/// The page, and what stands in it.
const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const LIBRARY: &str = include_str!("page/vendor/echarts.common.min.js");
const SCRIPT: [&str; 10] = [
    include_str!("page/format.js"),
    include_str!("page/data.js"),
    include_str!("page/charts.js"),
    include_str!("page/table.js"),
    include_str!("page/list.js"),
    include_str!("page/reasons.js"),
    include_str!("page/detail.js"),
    include_str!("page/compare.js"),
    include_str!("page/sections.js"),
    include_str!("page/main.js"),
];

/// The whole page. What comes from the tables stands in it packed, as text that a browser does not read as HTML.
pub fn html(data: &Data) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", PAGE)?;
    let page = environment.get_template("page")?;
    Ok(page.render(context! {
        title => TITLE,
        style => STYLE,
        library => LIBRARY,
        script => SCRIPT.join("\n"),
        data => packed(data)?,
        as_of => data.as_of(),
    })?)
}

/// JSON, gzip, base64.
fn packed(data: &Data) -> Result<String, ReportError> {
    let text = EncoderStringWriter::new(&STANDARD);
    let mut packing = GzEncoder::new(text, Compression::default());
    serde_json::to_writer(&mut packing, data)?;
    Ok(packing.finish()?.into_inner())
}
