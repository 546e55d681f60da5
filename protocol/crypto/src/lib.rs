//! Secrets, key derivation, sealing and signatures. Protocols over primitives that others audit; no primitive of
//! our own.
//!
//! - [`Secret`]: what must not be printed, compared in variable time or left in memory.
//! - [`kdf`]: one key from another, each for one purpose.
//! - [`seal`]: HPKE (RFC 9180) for commands and queries, and the key that a reply is sealed with.
//! - [`record`]: what a worker keeps on a disk that it does not trust.
//! - [`signature`]: whoever signs, signs a tag, a network and a payload.
//! - [`padding`]: a ciphertext tells its size class, not its size.
//!
//! The tags of all of these are in [`phala_types::tag`]. Nothing here draws randomness: callers hand it in.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

pub mod blob;
pub mod kdf;
pub mod padding;
pub mod record;
pub mod seal;
mod secret;
pub mod signature;

pub use hpke::rand_core;
pub use secret::Secret;
