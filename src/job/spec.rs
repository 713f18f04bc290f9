//! How the columns of a mapping are written.

use super::{JobError, value};
use crate::import::{Scalar, Spec, Way};
use serde::Deserialize;
use toml::Value;

/// How a column is found, as it is written.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum SpecText {
    At(String),
    First(Vec<SpecText>),
    Digest(DigestText),
    Domain(DomainText),
    Join(JoinText),
    Constant(ConstantText),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DigestText {
    digest: Box<SpecText>,
    several: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DomainText {
    domain: Box<SpecText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinText {
    join: Vec<SpecText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstantText {
    constant: Value,
}

const A_PATH: &str = "a path such as mail.tags.campaign[0]";

/// A path.
pub(super) fn way(what: &str, text: &str) -> Result<Way, JobError> {
    Way::parse(text).ok_or_else(|| value(what, A_PATH, text))
}

impl SpecText {
    /// What it says; `what` is where it stands.
    pub(super) fn spec(&self, what: &str) -> Result<Spec<Way>, JobError> {
        let all = |specs: &[SpecText]| -> Result<Vec<Spec<Way>>, JobError> {
            specs.iter().map(|spec| spec.spec(what)).collect()
        };
        Ok(match self {
            SpecText::At(text) => Spec::At(way(what, text)?),
            SpecText::First(specs) => Spec::First(all(specs)?),
            SpecText::Digest(of) => Spec::Digest {
                of: Box::new(of.digest.spec(what)?),
                several: of
                    .several
                    .as_deref()
                    .map(|list| way(what, list))
                    .transpose()?,
            },
            SpecText::Domain(of) => Spec::Domain(Box::new(of.domain.spec(what)?)),
            SpecText::Join(of) => Spec::Join(all(&of.join)?),
            SpecText::Constant(of) => Spec::Constant(match &of.constant {
                Value::String(text) => Scalar::Text(text.clone().into()),
                Value::Integer(number) => Scalar::Integer(*number),
                Value::Boolean(is) => Scalar::Boolean(*is),
                other => {
                    let expected = "a constant that is a text, an integer, true or false";
                    return Err(value(what, expected, other.type_str()));
                }
            }),
        })
    }
}
