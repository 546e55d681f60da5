// SPDX-License-Identifier: Apache-2.0
//! What is computed: the same source for every engine and for this machine.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use sha2::{Digest as _, Sha256};

/// The hash of the hash of the hash and so on, of 32 zero bytes.
#[must_use]
pub fn sha256_chain(rounds: u32) -> [u8; 32] {
    let mut digest = [0; 32];
    for _ in 0..rounds {
        digest = Sha256::digest(digest).into();
    }
    digest
}

/// A number of Fibonacci's, modulo 2^64.
#[must_use]
pub fn fibonacci(steps: u32) -> u64 {
    let (mut this, mut next) = (0u64, 1u64);
    for _ in 0..steps {
        (this, next) = (next, this.wrapping_add(next));
    }
    this
}
