//! One multiplication that spreads bits.

/// Spreads the bits of two words over one: good enough for hash tables and partitions whose keys
/// nobody chooses to collide, and for telling rows apart; not secret.
#[inline]
pub fn spread(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b ^ 0xD1B5_4A32_D192_ED03);
    (product >> 64) as u64 ^ product as u64
}
