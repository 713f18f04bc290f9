//! base64, MD5, SHA-1 and SHA-256 as their standards have them. Crates would do the same; as dependencies of the
//! tests they would have all others built twice, for the program and for them, with other features.

pub const STANDARD: [u8; 2] = *b"+/";
pub const URL_SAFE: [u8; 2] = *b"-_";

/// Without padding.
pub fn base64(bytes: &[u8], last_signs: [u8; 2]) -> Vec<u8> {
    let signs: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain(last_signs)
        .collect();
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=group.len() {
            text.push(signs[(bits >> (18 - 6 * place)) as usize & 63]);
        }
    }
    text
}

/// The text in blocks of sixteen words, its length in bits at the end.
fn blocks(text: &[u8], word: fn([u8; 4]) -> u32, length: fn(u64) -> [u8; 8]) -> Vec<[u32; 16]> {
    let mut bytes = text.to_vec();
    bytes.push(0x80);
    while bytes.len() % 64 != 56 {
        bytes.push(0);
    }
    bytes.extend(length(text.len() as u64 * 8));
    let block = |block: &[u8; 64]| {
        let words = block.as_chunks::<4>().0;
        std::array::from_fn(|at| word(words[at]))
    };
    bytes.as_chunks::<64>().0.iter().map(block).collect()
}

/// RFC 1321.
pub fn md5(text: &[u8]) -> Vec<u8> {
    const TURNS: [[u32; 4]; 4] = [
        [7, 12, 17, 22],
        [5, 9, 14, 20],
        [4, 11, 16, 23],
        [6, 10, 15, 21],
    ];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in blocks(text, u32::from_le_bytes, u64::to_le_bytes) {
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64 {
            let (mixed, word) = match step / 16 {
                0 => (b & c | !b & d, step),
                1 => (d & b | !d & c, 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            let sine = (((step + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a
                .wrapping_add(mixed)
                .wrapping_add(sine)
                .wrapping_add(block[word % 16]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(TURNS[step / 16][step % 4]));
        }
        for (kept, new) in state.iter_mut().zip([a, b, c, d]) {
            *kept = kept.wrapping_add(new);
        }
    }
    state.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// RFC 3174.
pub fn sha1(text: &[u8]) -> Vec<u8> {
    let mut state: [u32; 5] = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    for block in blocks(text, u32::from_be_bytes, u64::to_be_bytes) {
        let mut words = block.to_vec();
        for at in 16..80 {
            let mixed = words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16];
            words.push(mixed.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (step, word) in words.iter().enumerate() {
            let (mixed, constant) = match step / 20 {
                0 => (b & c | !b & d, 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let sum = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (kept, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *kept = kept.wrapping_add(new);
        }
    }
    state.into_iter().flat_map(u32::to_be_bytes).collect()
}

/// FIPS 180-4.
pub fn sha256(text: &[u8]) -> Vec<u8> {
    let is_prime = |number: &u32| (2..*number).all(|other| !number.is_multiple_of(other));
    let primes: Vec<u32> = (2..).filter(is_prime).take(64).collect();
    // The first 32 bits of the fractional part.
    let fraction = |number: f64| (number.fract() * 4_294_967_296.0) as u32;
    let roots: Vec<u32> = primes
        .iter()
        .map(|prime| fraction(f64::from(*prime).cbrt()))
        .collect();
    let mut state: [u32; 8] = std::array::from_fn(|at| fraction(f64::from(primes[at]).sqrt()));
    for block in blocks(text, u32::from_be_bytes, u64::to_be_bytes) {
        let mut words = block.to_vec();
        for at in 16..64 {
            let (early, late) = (words[at - 15], words[at - 2]);
            let early = early.rotate_right(7) ^ early.rotate_right(18) ^ early >> 3;
            let late = late.rotate_right(17) ^ late.rotate_right(19) ^ late >> 10;
            let sum = words[at - 16].wrapping_add(early);
            words.push(sum.wrapping_add(words[at - 7]).wrapping_add(late));
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (word, root) in words.iter().zip(&roots) {
            let high = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let first = h
                .wrapping_add(high)
                .wrapping_add(e & f ^ !e & g)
                .wrapping_add(*root)
                .wrapping_add(*word);
            let low = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let second = low.wrapping_add(a & b ^ a & c ^ b & c);
            (h, g, f, e) = (g, f, e, d.wrapping_add(first));
            (d, c, b, a) = (c, b, a, first.wrapping_add(second));
        }
        for (kept, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *kept = kept.wrapping_add(new);
        }
    }
    state.into_iter().flat_map(u32::to_be_bytes).collect()
}
