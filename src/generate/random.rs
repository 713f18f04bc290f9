//! Numbers that look random and come out the same on every machine: integers only, no state between
//! streams.

/// A stream of numbers (`SplitMix64`) that its key alone decides: whoever knows the key has the stream, in
/// any thread and in any order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// ln 2 in 65536ths.
const LN_2: i64 = 45_426;

/// Spreads bits; no two numbers become one.
pub(super) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The key of a stream that belongs to `number` of those below `key`.
pub(super) const fn key(key: u64, number: u64) -> u64 {
    mix(key ^ mix(number.wrapping_add(1).wrapping_mul(STEP)))
}

impl Random {
    /// The stream of a key.
    pub const fn new(key: u64) -> Random {
        Random(key)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// One of `0..limit`; 0 where there is none.
    pub fn below(&mut self, limit: i64) -> i64 {
        scale(self.next(), limit)
    }

    /// Whether something happens that happens so often in a thousand times.
    pub fn chance(&mut self, per_mille: i64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of these, each as likely as another.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let nth = self.below(i64::try_from(choices.len()).unwrap_or(0));
        usize::try_from(nth)
            .ok()
            .and_then(|nth| choices.get(nth))
            .copied()
    }

    /// A wait of about `mean` on average, exponentially distributed (the logarithm is straight between the
    /// powers of two), at most 45 times as long.
    pub fn wait(&mut self, mean: i64) -> i64 {
        let bits = self.next() | 1;
        let zeros = bits.leading_zeros();
        let fraction = ((bits << zeros) >> 47) & 0xffff;
        let minus_log2 = (i64::from(zeros) << 16) + 0xffff - fraction.cast_signed();
        let product = i128::from(mean) * i128::from(minus_log2 * LN_2);
        i64::try_from(product >> 32).unwrap_or(mean)
    }

    /// A wait with a long tail: half are shorter than `median`, one in a hundred forty times as long or
    /// longer (log-normal with a sigma of about 1.7).
    pub fn long_wait(&mut self, median: i64) -> i64 {
        let exponent = self.bell() * 17 / 4;
        let (whole, fraction) = (exponent >> 16, exponent & 0xffff);
        let scaled = i128::from(median) * i128::from(65_536 + fraction);
        i64::try_from(scaled >> (16 - whole)).unwrap_or(median)
    }

    /// A weight with a long tail, over 0 and under 2^33.
    pub fn weight(&mut self) -> u64 {
        let exponent = (self.bell() + 2 * 65_536) * 4;
        let (whole, fraction) = (exponent >> 16, exponent & 0xffff);
        (65_536 + fraction).cast_unsigned() << whole
    }

    /// About normally distributed around 0, with a deviation of 0.58 times 65536 and a bound of twice
    /// that number.
    fn bell(&mut self) -> i64 {
        let bits = self.next();
        let parts = [bits, bits >> 16, bits >> 32, bits >> 48];
        let sum: u64 = parts.iter().map(|part| part & 0xffff).sum();
        sum.cast_signed() - 2 * 65_535
    }
}

/// Brings 64 bits down to `0..limit`.
pub(super) fn scale(bits: u64, limit: i64) -> i64 {
    let limit = u128::from(limit.max(0).cast_unsigned());
    i64::try_from((u128::from(bits) * limit) >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values at these places of a thousand, smallest first, of a hundred thousand draws.
    fn quantiles(draw: impl Fn(&mut Random) -> i64, places: [usize; 3]) -> [i64; 3] {
        let mut random = Random::new(key(1, 2));
        let mut drawn: Vec<i64> = (0..100_000).map(|_| draw(&mut random)).collect();
        drawn.sort_unstable();
        places.map(|place| drawn[place * 100])
    }

    #[test]
    fn waits_have_the_shape_they_are_said_to_have() {
        let [quarter, half, most] = quantiles(|random| random.wait(1_000_000), [250, 500, 990]);
        assert!((330_000..360_000).contains(&quarter), "{quarter}");
        assert!((660_000..730_000).contains(&half), "{half}");
        assert!((4_300_000..4_900_000).contains(&most), "{most}");
        let [few, half, most] = quantiles(|random| random.long_wait(1_000_000), [10, 500, 990]);
        assert!((15_000..35_000).contains(&few), "{few}");
        assert!((950_000..1_050_000).contains(&half), "{half}");
        assert!((30_000_000..60_000_000).contains(&most), "{most}");
    }

    #[test]
    fn numbers_lie_in_their_bounds() {
        let mut random = Random::new(7);
        assert!((0..10_000).all(|_| (0..7).contains(&random.below(7))));
        assert_eq!((random.below(0), random.below(-3)), (0, 0));
        assert_eq!(random.one_of::<u8>(&[]), None);
        let heavy = (0..10_000).map(|_| random.weight()).max();
        assert!(heavy.is_some_and(|weight| (1 << 24..1 << 33).contains(&weight)));
        assert_eq!((scale(u64::MAX, 10), scale(0, 10)), (9, 0));
    }

    #[test]
    fn streams_differ_by_their_keys_alone() {
        let first = |seed, number| Random::new(key(seed, number)).next();
        assert_eq!(first(1, 5), first(1, 5));
        let all: std::collections::BTreeSet<u64> = (0..100)
            .flat_map(|seed| (0..100).map(move |number| first(seed, number)))
            .collect();
        assert_eq!(all.len(), 10_000);
    }
}
