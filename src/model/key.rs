//! What stands for a message in memory.

/// What stands for a `message_id` in memory: the integer itself, or a keyed 128-bit fingerprint of
/// a text.
pub trait MessageKey: Copy + Ord + Send + Sync + 'static {
    /// Bits that tell keys apart well enough for a hash table; not secret, not unique.
    fn bits(self) -> u64;
    /// The key as one of 128 bits.
    fn wide(self) -> [u64; 2];
    /// How far the key is after one that is not greater; none if that takes more than 64 bits.
    fn since(self, lower: Self) -> Option<u64>;
    /// The key so far after this one.
    #[must_use]
    fn plus(self, distance: u64) -> Self;
}

impl MessageKey for u64 {
    #[inline(always)]
    fn bits(self) -> u64 {
        self
    }

    fn wide(self) -> [u64; 2] {
        [0, self]
    }

    #[inline(always)]
    fn since(self, lower: u64) -> Option<u64> {
        self.checked_sub(lower)
    }

    #[inline(always)]
    fn plus(self, distance: u64) -> u64 {
        self.wrapping_add(distance)
    }
}

impl MessageKey for [u64; 2] {
    #[inline(always)]
    fn bits(self) -> u64 {
        self[0]
    }

    fn wide(self) -> [u64; 2] {
        self
    }

    #[inline(always)]
    fn since(self, lower: [u64; 2]) -> Option<u64> {
        if self[0] != lower[0] {
            return None;
        }
        self[1].checked_sub(lower[1])
    }

    #[inline(always)]
    fn plus(self, distance: u64) -> [u64; 2] {
        [self[0], self[1].wrapping_add(distance)]
    }
}
