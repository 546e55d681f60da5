// SPDX-License-Identifier: Apache-2.0
//! What the functions cost (R9), in the unit of [`crate::gas`] and by its rule: never below the worst case. They are taken
//! beside [`crate::gas::CHAIN_EXTENSION`]. `cargo run --release -p phala-vm --example bench_world` measures them.

use crate::gas::{self, linear};

/// Looking something up that is at hand.
const LOOK_UP: u64 = 2_048;
/// Deriving a key: some BLAKE2 and HMAC.
const DERIVE: u64 = 16_384;
/// A public key of a curve, and with it a key that is derived for one. Measured below 100 us.
const PUBLIC_KEY: u64 = 262_144;
/// A signature. Measured below 200 us for each curve.
const SIGN: u64 = 524_288;
/// A verified signature. Measured at 60 us for two curves and 250 us for secp256k1.
const VERIFY: u64 = 524_288;
/// One byte that is hashed, for any purpose.
const HASH_PER_BYTE: u64 = 32;
/// The cache: a look-up, and keeping what was there.
const CACHE: u64 = 16_384;
/// A log line.
const LOG: u64 = 4_096;
/// Something from outside: the query is run again, with everything in it at hand.
const ERRAND: u64 = 262_144;
/// One byte that is copied, encoded and kept.
const PER_BYTE: u64 = 4;
/// Sealing or opening, whatever it is.
const SEAL: u64 = 16_384;
/// One byte that is encrypted and authenticated, twice over.
const SEAL_PER_BYTE: u64 = 32;

/// The price of a function of Phala's extension.
pub(super) fn pink(function: u16, input: &[u8]) -> u64 {
    let (base, per_byte) = match function {
        1 | 22 | 25 => (ERRAND, PER_BYTE),
        2 | 13 => (SIGN, HASH_PER_BYTE),
        3 | 14 => (VERIFY, HASH_PER_BYTE),
        4 => (PUBLIC_KEY, HASH_PER_BYTE),
        5 => (PUBLIC_KEY, PER_BYTE),
        6..=9 => (CACHE, PER_BYTE),
        10 => (LOG, PER_BYTE),
        11 => (DERIVE, PER_BYTE),
        16 | 19 => (gas::ACCOUNT_READ, PER_BYTE),
        _ => (LOOK_UP, PER_BYTE),
    };
    priced(base, per_byte, input)
}

/// The price of a function of our extension.
pub(super) fn own(function: u16, input: &[u8]) -> u64 {
    let (base, per_byte) = match function {
        3 => (DERIVE, HASH_PER_BYTE),
        4 => (PUBLIC_KEY, HASH_PER_BYTE),
        5 | 6 => (ERRAND, PER_BYTE),
        7 => (LOG, PER_BYTE),
        8 | 9 => (SEAL, SEAL_PER_BYTE),
        _ => (LOOK_UP, PER_BYTE),
    };
    priced(base, per_byte, input)
}

/// The price of an output, as far as it is longer than a hash.
pub(super) fn output(bytes: usize) -> u64 {
    let bytes = u64::try_from(bytes.saturating_sub(32)).unwrap_or(u64::MAX);
    linear(0, PER_BYTE, bytes)
}

fn priced(base: u64, per_byte: u64, input: &[u8]) -> u64 {
    linear(base, per_byte, u64::try_from(input.len()).unwrap_or(u64::MAX))
}
