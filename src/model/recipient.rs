//! Who a message is to.

/// What stands for a `recipient_id`: a number under a mask, or the fingerprint of a text.
pub type RecipientKey = [u64; 2];

/// Stands for none.
pub const NO_RECIPIENT: RecipientKey = [0, 0];

/// The recipient that a row names, by its number among those of the rows it is folded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recipient(u32);

impl Recipient {
    /// The row names none.
    pub const NONE: Recipient = Recipient(0);
    /// Rows that stand for one name several, and nobody knows which is right.
    pub const UNCLEAR: Recipient = Recipient(u32::MAX);

    /// The one at a place.
    pub fn of(place: usize) -> Recipient {
        Recipient(place as u32 + 1)
    }

    /// Its place; none where no recipient is known.
    pub fn place(self) -> Option<usize> {
        let is_known = self != Recipient::NONE && self != Recipient::UNCLEAR;
        is_known.then(|| self.0 as usize - 1)
    }

    /// The one that two rows agree on; one that names none does not matter.
    #[must_use]
    pub fn agreed(self, other: Recipient) -> Recipient {
        match (self, other) {
            (Recipient::NONE, other) => other,
            (known, Recipient::NONE) => known,
            (known, other) if known == other => known,
            _ => Recipient::UNCLEAR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_on_a_recipient_or_it_is_unclear() {
        let [none, ann, bob] = [Recipient::NONE, Recipient::of(0), Recipient::of(1)];
        for (one, other, agreed) in [
            (none, none, none),
            (none, ann, ann),
            (ann, ann, ann),
            (ann, bob, Recipient::UNCLEAR),
            (Recipient::UNCLEAR, ann, Recipient::UNCLEAR),
            (Recipient::UNCLEAR, none, Recipient::UNCLEAR),
        ] {
            assert_eq!((one.agreed(other), other.agreed(one)), (agreed, agreed));
        }
        assert_eq!((ann.place(), bob.place()), (Some(0), Some(1)));
        assert_eq!((none.place(), Recipient::UNCLEAR.place()), (None, None));
    }
}
