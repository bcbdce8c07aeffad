//! The variants of a property: the resolver, the format of a report, and so on.

/// The variants that an input is checked in.
///
/// A property has up to 48 variants, and most of them repeat the same work. The fuzzer checks each
/// input in one variant, which is many times faster, and `cargo test` checks its inputs in all.
#[derive(Clone, Copy, Debug)]
pub enum Variants {
    /// All variants.
    All,
    /// The variant that a number selects.
    One(u64),
}

impl Variants {
    /// Selects one variant by a hash of the input, so that an input is always checked in the same
    /// variant, and each variant gets the same share of inputs.
    pub fn of_input(input: &[u8]) -> Self {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let hash = input.iter().fold(OFFSET, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        });
        // The low bits of the hash depend only on the low bits of the bytes.
        Self::One(hash ^ (hash >> 32))
    }

    /// Returns the selected values of a choice: all, or one.
    ///
    /// Choices that are made one after the other are independent.
    pub fn choose<'v, T>(&mut self, values: &'v [T]) -> &'v [T] {
        match self {
            Self::All => values,
            Self::One(number) => {
                let count = values.len() as u64;
                let at = usize::try_from(*number % count).unwrap();
                *number /= count;
                &values[at..=at]
            }
        }
    }

    /// Returns whether something is checked that is checked for one in `count` inputs.
    pub fn includes_one_in(&mut self, count: u64) -> bool {
        match self {
            Self::All => true,
            Self::One(number) => {
                let is_included = number.is_multiple_of(count);
                *number /= count;
                is_included
            }
        }
    }
}
