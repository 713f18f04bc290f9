//! Codes that are either a number or a text: failure reasons, links and unknown tracking types.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering as AtomicOrdering};
use std::sync::{PoisonError, RwLock};

/// What a code column held. Numbers come before text, numbers by value, text by its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A number, or a text of digits where a label may stand for a code.
    Number(i64),
    /// Any other text.
    Text(Box<str>),
    /// A text of an earlier run, of which only the keyed fingerprint is known.
    Hidden([u64; 2]),
}

impl Value {
    fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::Hidden(_) => None,
        }
    }
}

/// A [`Value`], or none, in four bytes: small numbers as they are, all else by its place in [`Codes`].
///
/// Two codes of one run are equal exactly when their values are; their order is [`Codes::cmp`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u32);

impl Code {
    /// No value.
    pub const NULL: Code = Code(0);
    const PLACE: u32 = 1 << 31;

    /// A number that needs no entry in [`Codes`].
    pub fn small(number: i64) -> Option<Code> {
        (0..i64::from(Self::PLACE) - 1)
            .contains(&number)
            .then(|| Code(number as u32 + 1))
    }

    /// The code as a number: small where the number or the place is.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        self.0.rotate_left(1)
    }

    /// The code with these bits.
    #[inline(always)]
    pub fn from_bits(bits: u32) -> Code {
        Code(bits.rotate_right(1))
    }

    /// Whether there is no value.
    pub fn is_null(self) -> bool {
        self == Self::NULL
    }
}

/// What stands behind a code that is not a small number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CodeEntry {
    /// A value.
    One(Value),
    /// The type and the link of a tracking row whose type is not known.
    UnknownType(Value, Option<Value>),
    /// The name of a domain, which is no secret; empty for a text that is none.
    Domain(Box<str>),
}

impl CodeEntry {
    fn hidden(&self, hide: impl Fn(&str) -> [u64; 2]) -> CodeEntry {
        let hidden = |value: &Value| match value {
            Value::Text(text) => Value::Hidden(hide(text)),
            other => other.clone(),
        };
        match self {
            CodeEntry::One(value) => CodeEntry::One(hidden(value)),
            CodeEntry::UnknownType(kind, url) => {
                CodeEntry::UnknownType(hidden(kind), url.as_ref().map(hidden))
            }
            CodeEntry::Domain(_) => self.clone(),
        }
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        let (one, other) = match self {
            CodeEntry::One(value) => (Some(value), None),
            CodeEntry::UnknownType(kind, url) => (Some(kind), url.as_ref()),
            CodeEntry::Domain(_) => (None, None),
        };
        [one, other].into_iter().flatten()
    }
}

/// What a run leaves of its codes: no text, but which of two texts comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HiddenCodes {
    /// By their places.
    pub entries: Vec<CodeEntry>,
    /// The fingerprints of texts, in the order of the texts; others are newer.
    pub order: Vec<[u64; 2]>,
    /// The digests of links that are texts, where they are made, by their places.
    pub digests: BTreeMap<u32, Box<str>>,
}

#[derive(Default)]
struct Places {
    entries: Vec<CodeEntry>,
    place_of: HashMap<CodeEntry, u32>,
    digests: BTreeMap<u32, Box<str>>,
}

/// Gives texts their digests.
type Digest = dyn Fn(&str) -> Box<str> + Send + Sync;

/// Gives texts their fingerprints.
type Hide = dyn Fn(&str) -> [u64; 2] + Send + Sync;

/// The values behind the codes of one run, shared by all threads that decode.
#[derive(Default)]
pub struct Codes {
    places: RwLock<Places>,
    /// Where some texts are hidden.
    hide: Option<Box<Hide>>,
    /// Where links that are texts are shown as digests.
    digest: Option<Box<Digest>>,
    /// The ranks of texts of earlier runs, by their fingerprints.
    ranks: HashMap<[u64; 2], usize>,
    /// Whether the order of a hidden text was asked for that has no rank.
    is_in_doubt: AtomicBool,
}

impl Codes {
    /// Those of an earlier run; `hide` gives the fingerprints of hidden texts.
    pub fn with(
        hidden: HiddenCodes,
        hide: impl Fn(&str) -> [u64; 2] + Send + Sync + 'static,
    ) -> Codes {
        let HiddenCodes {
            entries,
            order,
            digests,
        } = hidden;
        let place_of = entries.iter().cloned().zip(0..).collect();
        Codes {
            places: RwLock::new(Places {
                entries,
                place_of,
                digests,
            }),
            hide: Some(Box::new(hide)),
            digest: None,
            ranks: order.into_iter().zip(0..).collect(),
            is_in_doubt: AtomicBool::new(false),
        }
    }

    /// The same, in which links that are texts have digests from now on.
    pub fn digesting(
        mut self,
        digest: Option<impl Fn(&str) -> Box<str> + Send + Sync + 'static>,
    ) -> Codes {
        self.digest = digest.map(|digest| Box::new(digest) as Box<Digest>);
        self
    }

    /// The code of a link that is a text.
    pub fn intern_link(&self, link: &str) -> Code {
        let code = self.place(CodeEntry::One(Value::Text(link.into())));
        let Some(digest) = &self.digest else {
            return code;
        };
        let place = code.0 - Code::PLACE;
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let is_known = places.digests.contains_key(&place);
        drop(places);
        if !is_known {
            let digest = digest(link);
            let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
            places.digests.insert(place, digest);
        }
        code
    }

    /// The digest of a link that is a text, by its code, where digests are made.
    pub fn digest(&self, code: Code) -> Option<Box<str>> {
        let place = code.0.checked_sub(Code::PLACE)?;
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.digests.get(&place).cloned()
    }

    /// All of them, their texts hidden.
    pub fn hidden(&self, hide: impl Fn(&str) -> [u64; 2]) -> HiddenCodes {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let values = || places.entries.iter().flat_map(CodeEntry::values);
        let order = if values().any(|value| matches!(value, Value::Hidden(_))) {
            // New texts cannot be put among those that are hidden.
            let mut ranked: Vec<_> = self.ranks.iter().collect();
            ranked.sort_unstable_by_key(|(_, rank)| **rank);
            ranked.into_iter().map(|(text, _)| *text).collect()
        } else {
            let texts: BTreeSet<&str> = values().filter_map(Value::text).collect();
            texts.into_iter().map(&hide).collect()
        };
        HiddenCodes {
            entries: places.entries.iter().map(|e| e.hidden(&hide)).collect(),
            order,
            digests: places.digests.clone(),
        }
    }

    /// Whether the order of a hidden text was asked for that nobody knows, so that nothing that came of it
    /// can be trusted.
    pub fn are_in_doubt(&self) -> bool {
        self.is_in_doubt.load(AtomicOrdering::Relaxed)
    }

    /// The order of two values; no value comes first.
    pub fn order(&self, a: &Option<Value>, b: &Option<Value>) -> Ordering {
        let is_hidden = |value: &Option<Value>| matches!(value, Some(Value::Hidden(_)));
        if a == b || !(is_hidden(a) || is_hidden(b)) {
            return a.cmp(b);
        }
        let rank = |value: &Option<Value>| match (value, &self.hide) {
            (Some(Value::Hidden(text)), _) => Some(self.ranks.get(text).copied()),
            (Some(Value::Text(text)), Some(hide)) => Some(self.ranks.get(&hide(text)).copied()),
            _ => None,
        };
        match (rank(a), rank(b)) {
            (Some(Some(a)), Some(Some(b))) => a.cmp(&b),
            // Whatever comes of it is not used, but it has to be an order.
            (Some(rank_of_a), Some(rank_of_b)) => {
                self.is_in_doubt.store(true, AtomicOrdering::Relaxed);
                let is_new = rank_of_a.is_none().cmp(&rank_of_b.is_none());
                is_new.then_with(|| a.cmp(b))
            }
            // Numbers and no value come before all texts.
            _ => a.cmp(b),
        }
    }

    /// The code of a value.
    pub fn intern(&self, value: Option<Value>) -> Code {
        match value {
            None => Code::NULL,
            Some(Value::Number(number)) => Code::small(number)
                .unwrap_or_else(|| self.place(CodeEntry::One(Value::Number(number)))),
            Some(text) => self.place(CodeEntry::One(text)),
        }
    }

    /// The code of a tracking row of an unknown type: it stands for the type *and* the link.
    pub fn intern_unknown_type(&self, tracking_type: Value, url: Option<Value>) -> Code {
        self.place(CodeEntry::UnknownType(tracking_type, url))
    }

    /// The code of the name of a domain.
    pub fn intern_domain(&self, name: &str) -> Code {
        self.place(CodeEntry::Domain(name.into()))
    }

    /// The name of a domain, by its code.
    pub fn domain(&self, code: Code) -> Option<Box<str>> {
        match code.is_null() {
            true => None,
            false => match self.entry(code) {
                CodeEntry::Domain(name) => Some(name),
                CodeEntry::One(_) | CodeEntry::UnknownType(..) => None,
            },
        }
    }

    /// The value of a code: a failure reason or a link.
    pub fn value(&self, code: Code) -> Option<Value> {
        if code.is_null() {
            return None;
        }
        match self.entry(code) {
            CodeEntry::One(value) => Some(value),
            CodeEntry::UnknownType(_, url) => url,
            CodeEntry::Domain(_) => None,
        }
    }

    /// The type of a tracking row of unknown type, by the code of the row.
    pub fn unknown_type(&self, code: Code) -> Option<Value> {
        match self.entry(code) {
            CodeEntry::UnknownType(tracking_type, _) => Some(tracking_type),
            CodeEntry::One(_) | CodeEntry::Domain(_) => None,
        }
    }

    /// The order of two codes by their values; no value comes first.
    pub fn cmp(&self, a: Code, b: Code) -> Ordering {
        if a.0 < Code::PLACE && b.0 < Code::PLACE {
            return a.0.cmp(&b.0);
        }
        self.order(&self.value(a), &self.value(b))
    }

    fn entry(&self, code: Code) -> CodeEntry {
        if code.0 < Code::PLACE {
            return CodeEntry::One(Value::Number(i64::from(code.0) - 1));
        }
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.entries[(code.0 - Code::PLACE) as usize].clone()
    }

    fn place(&self, entry: CodeEntry) -> Code {
        let known = |places: &Places| places.place_of.get(&entry).copied();
        if let Some(place) = known(&self.places.read().unwrap_or_else(PoisonError::into_inner)) {
            return Code(Code::PLACE + place);
        }
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known(&places) {
            return Code(Code::PLACE + place);
        }
        let hidden = self.hide.as_ref().map(|hide| entry.hidden(hide));
        let hidden = hidden.and_then(|hidden| places.place_of.get(&hidden).copied());
        if let Some(place) = hidden {
            // An earlier run has met it; now it is known again.
            places.entries[place as usize] = entry.clone();
            places.place_of.insert(entry, place);
            return Code(Code::PLACE + place);
        }
        let place = places.entries.len() as u32;
        assert!(place < Code::PLACE, "more than 2^31 different codes");
        places.entries.push(entry.clone());
        places.place_of.insert(entry, place);
        Code(Code::PLACE + place)
    }
}

#[cfg(test)]
mod tests;
