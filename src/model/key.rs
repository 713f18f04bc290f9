//! What stands for a message in memory.

/// What stands for a `message_id` in memory: the integer itself, or a keyed 128-bit fingerprint of
/// a text.
pub trait MessageKey: Copy + Ord + Send + Sync + 'static {
    /// Bits that tell keys apart well enough for a hash table; not secret, not unique.
    fn bits(self) -> u64;
    /// Whether the first word of the wide form is used.
    const WIDE: bool;
    /// Room for a key.
    const NONE: Self;
    /// The key in 128 bits.
    fn wide(self) -> [u64; 2];
    /// The key of a wide form.
    fn from_wide(wide: [u64; 2]) -> Self;
}

impl MessageKey for u64 {
    const WIDE: bool = false;
    const NONE: u64 = 0;

    #[inline(always)]
    fn bits(self) -> u64 {
        self
    }

    #[inline(always)]
    fn wide(self) -> [u64; 2] {
        [0, self]
    }

    #[inline(always)]
    fn from_wide([_, low]: [u64; 2]) -> u64 {
        low
    }
}

impl MessageKey for [u64; 2] {
    const WIDE: bool = true;
    const NONE: [u64; 2] = [0; 2];

    #[inline(always)]
    fn bits(self) -> u64 {
        self[0]
    }

    #[inline(always)]
    fn wide(self) -> [u64; 2] {
        self
    }

    #[inline(always)]
    fn from_wide(wide: [u64; 2]) -> [u64; 2] {
        wide
    }
}
