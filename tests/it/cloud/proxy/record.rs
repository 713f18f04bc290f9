//! What has come by a proxy, and what it has injected.

use std::collections::{BTreeMap, VecDeque};

use super::super::http::{Answer, Request};
use super::super::store::{elements, plain};
use super::faults::Fault;

/// How many lists of objects are kept.
const LISTS: usize = 64;
/// How many of the last writes a list may not know yet.
const WRITES: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Method, path and query.
    pub line: String,
    pub is_signed: bool,
}

#[derive(Default)]
pub struct Record {
    seen: Vec<Seen>,
    methods: BTreeMap<String, usize>,
    /// Answers of the server by status, before any fault.
    answers: BTreeMap<u16, usize>,
    injected: BTreeMap<Fault, usize>,
    /// The last lists of objects, by what was asked.
    lists: VecDeque<(String, Vec<u8>)>,
    /// The paths of the objects that were written last.
    writes: VecDeque<String>,
}

impl Record {
    /// All requests, in the order in which they came.
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// How many requests were not signed.
    pub fn unsigned(&self) -> usize {
        self.seen.iter().filter(|one| !one.is_signed).count()
    }

    /// How many requests had this method.
    pub fn requests(&self, method: &str) -> usize {
        self.methods.get(method).copied().unwrap_or_default()
    }

    /// How many answers of the server had this status.
    pub fn answers(&self, status: u16) -> usize {
        self.answers.get(&status).copied().unwrap_or_default()
    }

    /// How often this has been injected.
    pub fn injected(&self, fault: Fault) -> usize {
        self.injected.get(&fault).copied().unwrap_or_default()
    }

    /// How many requests, answers and faults there were, for people.
    pub fn tally(&self) -> String {
        format!(
            "{:?}, {:?}, {:?}",
            self.methods, self.answers, self.injected
        )
    }

    pub(super) fn see(&mut self, request: &Request) {
        *self.methods.entry(request.method.clone()).or_default() += 1;
        self.seen.push(Seen {
            line: format!("{} {}", request.method, request.target),
            is_signed: request.is_signed(),
        });
    }

    pub(super) fn inject(&mut self, fault: Fault) {
        *self.injected.entry(fault).or_default() += 1;
    }

    /// Remembers what the server answers. Where a list of objects is wanted as it was: that, if it was another one.
    pub(super) fn answered(
        &mut self,
        request: &Request,
        answer: &Answer,
        fault: Option<Fault>,
    ) -> Option<Vec<u8>> {
        *self.answers.entry(answer.status).or_default() += 1;
        if request.method == "PUT" && answer.status == 200 {
            self.writes.push_back(request.path().to_owned());
            self.writes
                .drain(..self.writes.len().saturating_sub(WRITES));
        }
        if !request.is_list() || answer.status != 200 {
            return None;
        }
        let wanted = fault == Some(Fault::StaleListing);
        let stale = wanted.then(|| self.stale(request, answer)).flatten();
        let list = (request.target.clone(), answer.body.clone());
        self.lists.push_back(list);
        self.lists.drain(..self.lists.len().saturating_sub(LISTS));
        stale
    }

    /// The oldest other answer to the same question, else this one without the objects that were written last.
    fn stale(&self, request: &Request, answer: &Answer) -> Option<Vec<u8>> {
        let mut same = self.lists.iter().filter(|list| list.0 == request.target);
        if let Some((_, body)) = same.find(|list| list.1 != answer.body) {
            return Some(body.clone());
        }
        let text = String::from_utf8(answer.body.clone()).expect("XML");
        let mut older = text.clone();
        for object in elements(&text, "Contents") {
            let key = plain(elements(object, "Key").next().expect("a key"));
            let is_new = |path: &String| path.replace("%3D", "=").ends_with(&format!("/{key}"));
            if self.writes.iter().any(is_new) {
                older = older.replace(&format!("<Contents>{object}</Contents>"), "");
            }
        }
        (older != text).then(|| older.into_bytes())
    }
}
