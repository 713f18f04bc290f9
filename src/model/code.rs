//! Codes that are either a number or a text: failure reasons, links and unknown tracking types.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
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
        }
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        let (one, other) = match self {
            CodeEntry::One(value) => (value, None),
            CodeEntry::UnknownType(kind, url) => (kind, url.as_ref()),
        };
        [Some(one), other].into_iter().flatten()
    }
}

/// What a run leaves of its codes: no text, but which of two texts comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HiddenCodes {
    /// By their places.
    pub entries: Vec<CodeEntry>,
    /// The fingerprints of texts, in the order of the texts; others are newer.
    pub order: Vec<[u64; 2]>,
}

#[derive(Default)]
struct Places {
    entries: Vec<CodeEntry>,
    place_of: HashMap<CodeEntry, u32>,
}

/// Gives texts their fingerprints.
type Hide = dyn Fn(&str) -> [u64; 2] + Send + Sync;

/// The values behind the codes of one run, shared by all threads that decode.
#[derive(Default)]
pub struct Codes {
    places: RwLock<Places>,
    /// Where some texts are hidden.
    hide: Option<Box<Hide>>,
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
        let HiddenCodes { entries, order } = hidden;
        let place_of = entries.iter().cloned().zip(0..).collect();
        Codes {
            places: RwLock::new(Places { entries, place_of }),
            hide: Some(Box::new(hide)),
            ranks: order.into_iter().zip(0..).collect(),
            is_in_doubt: AtomicBool::new(false),
        }
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

    /// The value of a code: a failure reason or a link.
    pub fn value(&self, code: Code) -> Option<Value> {
        if code.is_null() {
            return None;
        }
        match self.entry(code) {
            CodeEntry::One(value) => Some(value),
            CodeEntry::UnknownType(_, url) => url,
        }
    }

    /// The type of a tracking row of unknown type, by the code of the row.
    pub fn unknown_type(&self, code: Code) -> Option<Value> {
        match self.entry(code) {
            CodeEntry::UnknownType(tracking_type, _) => Some(tracking_type),
            CodeEntry::One(_) => None,
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
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_keep_their_order() {
        let codes = Codes::default();
        let ordered = [
            None,
            Some(Value::Number(i64::MIN)),
            Some(Value::Number(-1)),
            Some(Value::Number(0)),
            Some(Value::Number(7)),
            Some(Value::Number(i64::MAX)),
            Some(Value::Text("10".into())),
            Some(Value::Text("9".into())),
            Some(Value::Text("a".into())),
        ];
        let interned: Vec<Code> = ordered
            .iter()
            .rev()
            .map(|v| codes.intern(v.clone()))
            .collect();
        for (value, code) in ordered.iter().rev().zip(&interned) {
            assert_eq!(codes.value(*code), *value);
            assert_eq!(codes.intern(value.clone()), *code);
        }
        for pair in interned.windows(2) {
            assert_eq!(codes.cmp(pair[0], pair[1]), Ordering::Greater);
        }
    }

    #[test]
    fn an_unknown_type_is_told_apart_by_type_and_link() {
        let codes = Codes::default();
        let a = codes.intern_unknown_type(Value::Number(5), None);
        let b = codes.intern_unknown_type(Value::Number(5), Some(Value::Number(1)));
        assert_ne!(a, b);
        assert_eq!(codes.unknown_type(b), Some(Value::Number(5)));
        assert_eq!(codes.value(b), Some(Value::Number(1)));
        assert_eq!(codes.value(a), None);
    }

    #[test]
    fn hidden_texts_are_known_again_and_their_order_is_in_doubt() {
        let hide = |text: &str| [text.len() as u64, u64::from(text.as_bytes()[0])];
        let text = |text: &str| Some(Value::Text(text.into()));
        let first = Codes::default();
        let (full, long) = (first.intern(text("full")), first.intern(text("mailbox")));
        let unknown = first.intern_unknown_type(Value::Text("tap".into()), text("a-link"));
        let kept = first.hidden(hide);
        assert!(!format!("{kept:?}").contains("full"));
        let next = Codes::with(kept, hide);
        assert_eq!(next.cmp(full, full), Ordering::Equal);
        assert_eq!(next.cmp(Code::NULL, full), Ordering::Less);
        let number = next.intern(Some(Value::Number(-1)));
        assert_eq!(next.cmp(number, full), Ordering::Less);
        assert!(!next.are_in_doubt(), "numbers come before any text");
        assert_eq!(next.intern(text("full")), full);
        assert_eq!(
            next.intern_unknown_type(Value::Text("tap".into()), text("a-link")),
            unknown
        );
        assert_eq!(next.value(full), text("full"));
        assert_eq!(
            next.cmp(long, full),
            Ordering::Greater,
            "their ranks are kept"
        );
        let new = next.intern(text("gone"));
        assert_ne!(new, full);
        assert_eq!(next.cmp(full, new), Ordering::Less);
        assert!(!next.are_in_doubt(), "both are known");
        let later = Codes::with(next.hidden(hide), hide);
        assert_eq!(
            later.cmp(full, long),
            Ordering::Less,
            "through later runs too"
        );
        assert!(!later.are_in_doubt());
        later.cmp(long, new);
        assert!(later.are_in_doubt(), "one of them came later");
        next.cmp(long, new);
        assert!(next.are_in_doubt());
    }
}
