//! Whether the columns of all files are those of the contract; every problem is found in one go.

use super::contract::{Column, Extract, Mapping, Takes, is_integer, is_text};
use arrow::datatypes::{DataType, Schema};
use std::collections::{BTreeMap, BTreeSet};
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

/// What the files of a run have in common: what each identifier is that at least one of them has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schemas(BTreeMap<String, IdKind>);

impl Schemas {
    /// From the names of identifiers to what they are.
    pub fn new(kinds: BTreeMap<String, IdKind>) -> Schemas {
        Schemas(kinds)
    }

    /// What each identifier is.
    pub fn kinds(&self) -> &BTreeMap<String, IdKind> {
        &self.0
    }

    /// What a `delivery_id` is.
    pub fn delivery_id(&self) -> IdKind {
        self.kind("delivery_id")
    }

    /// What a `message_id` is.
    pub fn message_id(&self) -> IdKind {
        self.kind("message_id")
    }

    /// An identifier that no file has is taken for an integer.
    fn kind(&self, id: &str) -> IdKind {
        self.0.get(id).copied().unwrap_or(IdKind::Integer)
    }

    /// Whether files of these and of those have identifiers of one kind.
    pub fn fits(&self, earlier: &Schemas) -> bool {
        let mut kinds = self.0.iter();
        kinds.all(|(id, kind)| *kind == earlier.kind(id))
    }

    /// Those of both.
    #[must_use]
    pub fn with(mut self, earlier: &Schemas) -> Schemas {
        self.0.extend(earlier.0.clone());
        self
    }
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
    let kinds = kinds.into_iter();
    Ok(Schemas(
        kinds
            .map(|(id, first)| (id.to_owned(), first.kind))
            .collect(),
    ))
}

/// Those of the columns that the job renames which a file has, by their names in the contract.
pub fn renamed(extract: Extract, schema: &Schema, mapping: &Mapping) -> Vec<&'static str> {
    let has = |name: &&str| schema.field_with_name(mapping.name(name)).is_ok();
    may_be_renamed(extract, mapping).filter(has).collect()
}

/// The optional columns of an extract that the job gives another name, by their names in the contract.
pub fn may_be_renamed(
    extract: Extract,
    mapping: &Mapping,
) -> impl Iterator<Item = &'static str> + '_ {
    let optional = extract.columns().iter().filter(|column| !column.required);
    optional
        .map(|column| column.name)
        .filter(|name| mapping.renames(name))
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
    let found: BTreeSet<&str> = files
        .flat_map(|file| renamed(extract, file.schema, mapping))
        .collect();
    for name in may_be_renamed(extract, mapping).filter(|name| !found.contains(name)) {
        let expected = format!("a column for {name}, as the job says");
        let found = "no such column in any file".to_owned();
        problems.push(problem(mapping.name(name), &expected, found));
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
