//! Whether the columns of all files are those of the contract; every problem is found in one go.

use super::contract::{Column, Extract, Mapping, Takes, is_integer, is_text};
use arrow::datatypes::{DataType, Schema};
use std::collections::BTreeMap;
use std::fmt;

/// Whether identifiers are integers or strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Integers of any width.
    Integer,
    /// Strings.
    String,
}

/// A column that is not what the contract says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// The extract.
    pub extract: Extract,
    /// The file; none where it is about all of them.
    pub file: Option<String>,
    /// The column by its name in the file.
    pub column: String,
    /// What the contract lists.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.extract)?;
        if let Some(file) = &self.file {
            write!(f, ", file {file}")?;
        }
        let Self {
            column,
            expected,
            found,
            ..
        } = self;
        write!(f, ", column {column}: expected {expected}, found {found}")
    }
}

/// What the files of a run have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schemas {
    /// What a `delivery_id` is.
    pub delivery_id: IdKind,
    /// What a `message_id` is.
    pub message_id: IdKind,
}

/// The columns of one file.
pub struct FileSchema<'a> {
    /// The extract.
    pub extract: Extract,
    /// The file's name.
    pub file: &'a str,
    /// Its columns.
    pub schema: &'a Schema,
}

/// Checks files; `mapping` gives the names that the job has for an extract. Where they are not all files of
/// the logs, a column that the job names may be in others.
pub fn check<'a>(
    files: &[FileSchema<'_>],
    mapping: impl Fn(Extract) -> &'a Mapping,
    are_all: bool,
) -> Result<Schemas, Vec<SchemaProblem>> {
    let mut problems = Vec::new();
    for extract in Extract::ALL {
        if are_all || extract == Extract::Deliveries {
            check_mapping(extract, mapping(extract), files, &mut problems);
        }
    }
    let mut kinds: BTreeMap<&str, First<'_>> = BTreeMap::new();
    for file in files {
        check_file(file, mapping(file.extract), &mut kinds, &mut problems);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let kind = |id| kinds.get(id).map_or(IdKind::Integer, |first| first.kind);
    Ok(Schemas {
        delivery_id: kind("delivery_id"),
        message_id: kind("message_id"),
    })
}

/// Where an identifier was first seen, and as what.
struct First<'a> {
    kind: IdKind,
    extract: Extract,
    file: &'a str,
}

fn check_mapping(
    extract: Extract,
    mapping: &Mapping,
    files: &[FileSchema<'_>],
    problems: &mut Vec<SchemaProblem>,
) {
    let problem = |column: &str, expected: &str, found: String| SchemaProblem {
        extract,
        file: None,
        column: column.to_owned(),
        expected: expected.to_owned(),
        found,
    };
    let is_log = extract != Extract::Deliveries;
    if is_log && mapping.name("log_id") == mapping.name("message_id") {
        let expected = "log_id and message_id from different columns";
        let found = "one column for both".to_owned();
        problems.push(problem(mapping.name("log_id"), expected, found));
    }
    let mut files = files
        .iter()
        .filter(|file| file.extract == extract)
        .peekable();
    if files.peek().is_none() {
        return;
    }
    let files: Vec<_> = files.collect();
    for column in extract.columns().iter().filter(|column| !column.required) {
        let name = mapping.name(column.name);
        let is_nowhere = files
            .iter()
            .all(|file| file.schema.field_with_name(name).is_err());
        if mapping.renames(column.name) && is_nowhere {
            let expected = format!("a column for {}, as the job says", column.name);
            problems.push(problem(
                name,
                &expected,
                "no such column in any file".to_owned(),
            ));
        }
    }
}

fn check_file<'a>(
    file: &FileSchema<'a>,
    mapping: &Mapping,
    kinds: &mut BTreeMap<&'static str, First<'a>>,
    problems: &mut Vec<SchemaProblem>,
) {
    let problem = |column: &str, expected: &str, found: &str| SchemaProblem {
        extract: file.extract,
        file: Some(file.file.to_owned()),
        column: column.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    let type_of = |name: &str| {
        let field = file.schema.field_with_name(name).ok()?;
        Some(field.data_type())
    };
    for column in file.extract.columns() {
        let name = mapping.name(column.name);
        let Some(found) = type_of(name) else {
            if column.required {
                problems.push(problem(name, column.takes.expected(), "no such column"));
            }
            continue;
        };
        if !takes(column, found) {
            problems.push(problem(name, column.takes.expected(), &found.to_string()));
            continue;
        }
        if column.takes != Takes::Id || *found == DataType::Null {
            continue;
        }
        let kind = if is_text(found) {
            IdKind::String
        } else {
            IdKind::Integer
        };
        let id = match column.name {
            "parent_delivery_id" => "delivery_id",
            name => name,
        };
        let first = kinds.entry(id).or_insert(First {
            kind,
            extract: file.extract,
            file: file.file,
        });
        if first.kind != kind {
            let expected = match first.kind {
                IdKind::Integer => "integer",
                IdKind::String => "string",
            };
            let expected = format!("{expected}, as in {} of {}", first.file, first.extract);
            problems.push(problem(name, &expected, &found.to_string()));
        }
    }
    let has = |column| type_of(mapping.name(column)).is_some();
    if file.extract == Extract::SendingLog && !has("event") && !has("status") {
        let (event, status) = (mapping.name("event"), mapping.name("status"));
        let expected = Takes::Label.expected();
        problems.push(problem(
            &format!("{event} or {status}"),
            expected,
            "neither",
        ));
    }
}

fn takes(column: &Column, found: &DataType) -> bool {
    if *found == DataType::Null {
        return true;
    }
    let integer = is_integer(found) || (found.is_floating() && column.takes_doubles());
    match column.takes {
        Takes::Id | Takes::Label => integer || is_text(found),
        Takes::Instant => matches!(found, DataType::Timestamp(..)) || is_text(found),
        Takes::Integer => integer,
        Takes::Boolean => *found == DataType::Boolean || is_integer(found),
        Takes::Text => is_text(found),
    }
}
