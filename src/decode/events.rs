//! Events column by column.

use crate::model::{Code, DeliveryIndex, Event, MessageKey, Stamp};

/// Rows of a log as they travel from decoding to folding, in columns of one length.
pub struct Events<M> {
    /// The messages, within their deliveries.
    pub messages: Vec<M>,
    /// When and what.
    pub stamps: Vec<Stamp>,
    /// The deliveries.
    pub deliveries: Vec<DeliveryIndex>,
    /// Failure reasons of reports; links of tracking rows.
    pub codes: Vec<Code>,
}

impl<M> Default for Events<M> {
    fn default() -> Self {
        Events {
            messages: Vec::new(),
            stamps: Vec::new(),
            deliveries: Vec::new(),
            codes: Vec::new(),
        }
    }
}

impl<M> Events<M> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.stamps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.stamps.is_empty()
    }

    /// Adds a row.
    #[inline(always)]
    pub fn push(&mut self, event: Event<M>) {
        self.messages.push(event.message);
        self.stamps.push(event.stamp);
        self.deliveries.push(event.delivery);
        self.codes.push(event.code);
    }

    /// Room for so many more rows.
    pub fn reserve(&mut self, rows: usize) {
        self.messages.reserve(rows);
        self.stamps.reserve(rows);
        self.deliveries.reserve(rows);
        self.codes.reserve(rows);
    }

    /// Leaves out what is behind so many rows, also where the columns are not of one length.
    pub fn truncate(&mut self, rows: usize) {
        self.messages.truncate(rows);
        self.stamps.truncate(rows);
        self.deliveries.truncate(rows);
        self.codes.truncate(rows);
    }

    /// Leaves it without rows.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

impl<M: MessageKey> Events<M> {
    /// A row.
    pub fn get(&self, row: usize) -> Event<M> {
        Event {
            message: self.messages[row],
            stamp: self.stamps[row],
            delivery: self.deliveries[row],
            code: self.codes[row],
        }
    }

    /// The rows.
    pub fn iter(&self) -> impl Iterator<Item = Event<M>> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Takes the last row away.
    pub fn pop(&mut self) -> Option<Event<M>> {
        let last = self.len().checked_sub(1)?;
        let event = self.get(last);
        self.truncate(last);
        Some(event)
    }
}

impl<M> FromIterator<Event<M>> for Events<M> {
    fn from_iter<I: IntoIterator<Item = Event<M>>>(rows: I) -> Events<M> {
        let mut events = Events::default();
        rows.into_iter().for_each(|event| events.push(event));
        events
    }
}
