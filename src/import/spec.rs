//! How a column comes from a record.

use super::Reason;
use super::digest::{Digester, domain};
use std::borrow::Cow;

/// A value of a record, or of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

impl Scalar<'_> {
    /// The text that stands for it.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Scalar::Text(text) => Cow::Borrowed(text),
            Scalar::Integer(number) => Cow::Owned(number.to_string()),
            Scalar::Number(number) => Cow::Owned(number.to_string()),
            Scalar::Boolean(is) => Cow::Borrowed(if *is { "true" } else { "false" }),
        }
    }
}

/// How a value is found; `P` says where in a record.
#[derive(Clone, Debug)]
pub enum Spec<P> {
    /// It is there.
    At(P),
    /// The first that is not null.
    First(Vec<Spec<P>>),
    /// A keyed digest, where there is a list that has several elements if one is named.
    Digest {
        /// Of this.
        of: Box<Spec<P>>,
        /// The list.
        several: Option<P>,
    },
    /// What stands behind the `@` of an address.
    Domain(Box<Spec<P>>),
    /// Those that are not null with `:` between them; null where the first is.
    Join(Vec<Spec<P>>),
    /// Always this.
    Constant(Scalar<'static>),
}

/// The values of one record.
pub trait Fields {
    /// Where a value is.
    type Place;
    /// A value; blank text is null.
    fn get(&self, place: &Self::Place) -> Result<Option<Scalar<'_>>, Reason>;
    /// How many elements a list has.
    fn count(&self, place: &Self::Place) -> usize;
}

impl<P> Spec<P> {
    /// The same with other places.
    pub fn map<Q>(&self, place: &mut impl FnMut(&P) -> Q) -> Spec<Q> {
        let mut all = |specs: &[Spec<P>]| specs.iter().map(|spec| spec.map(place)).collect();
        match self {
            Spec::First(specs) => Spec::First(all(specs)),
            Spec::Join(specs) => Spec::Join(all(specs)),
            Spec::At(at) => Spec::At(place(at)),
            Spec::Digest { of, several } => Spec::Digest {
                of: Box::new(of.map(place)),
                several: several.as_ref().map(place),
            },
            Spec::Domain(of) => Spec::Domain(Box::new(of.map(place))),
            Spec::Constant(value) => Spec::Constant(value.clone()),
        }
    }

    /// Tells every place that it may look at.
    pub fn visit(&self, tell: &mut impl FnMut(&P)) {
        match self {
            Spec::At(at) => tell(at),
            Spec::First(specs) | Spec::Join(specs) => {
                specs.iter().for_each(|spec| spec.visit(tell));
            }
            Spec::Digest { of, several } => {
                of.visit(tell);
                several.iter().for_each(tell);
            }
            Spec::Domain(of) => of.visit(tell),
            Spec::Constant(_) => {}
        }
    }

    /// The value that a record has.
    pub fn of<'a, F: Fields<Place = P>>(
        &'a self,
        fields: &'a F,
        digester: &Digester,
    ) -> Result<Option<Scalar<'a>>, Reason> {
        match self {
            Spec::At(at) => fields.get(at),
            Spec::First(specs) => {
                for spec in specs {
                    if let Some(value) = spec.of(fields, digester)? {
                        return Ok(Some(value));
                    }
                }
                Ok(None)
            }
            Spec::Digest { several, .. }
                if several.as_ref().is_some_and(|list| fields.count(list) < 2) =>
            {
                Ok(None)
            }
            Spec::Digest { of, .. } => {
                let value = of.of(fields, digester)?;
                Ok(value.map(|value| Scalar::Text(digester.of(&value.text()).into())))
            }
            Spec::Domain(of) => {
                let value = of.of(fields, digester)?;
                let found = value.and_then(|value| domain(&value.text()));
                Ok(found.map(|domain| Scalar::Text(domain.into())))
            }
            Spec::Join(specs) => {
                let mut joined = String::new();
                for (place, spec) in specs.iter().enumerate() {
                    match spec.of(fields, digester)? {
                        None if place == 0 => return Ok(None),
                        None => {}
                        Some(value) => {
                            if place > 0 {
                                joined.push(':');
                            }
                            joined.push_str(&value.text());
                        }
                    }
                }
                Ok(Some(Scalar::Text(joined.into())))
            }
            Spec::Constant(value) => Ok(Some(value.clone())),
        }
    }
}
