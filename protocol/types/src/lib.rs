//! Ids, bounds and every message that crosses a boundary, with its codec and its version.
//!
//! Pure data: nothing here verifies a signature, opens a ciphertext or reads a chain. `phala-crypto` does the
//! first two and `phala-light` the third; they take these types, wrapped in [`Untrusted`], and return others.
//!
//! Start with [`mailbox`] (how the chain speaks to workers), then [`command`] (what a user sends through it) and
//! [`query`] (what a user asks a worker directly).
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

pub mod account;
pub mod cluster;
pub mod code;
pub mod command;
pub mod envelope;
pub mod finality;
pub mod id;
pub mod limits;
pub mod log;
pub mod mailbox;
pub mod query;
pub mod receipt;
pub mod relay;
pub mod storage;
pub mod tag;
pub mod trap;
pub mod untrusted;
pub mod worker;

pub use id::*;
pub use untrusted::Untrusted;

/// A byte string of at most `N` bytes: decoding a longer one fails.
pub type Bytes<const N: u32> = bounded_collections::BoundedVec<u8, bounded_collections::ConstU32<N>>;

/// A list of at most `N` items: decoding a longer one fails.
pub type List<T, const N: u32> = bounded_collections::BoundedVec<T, bounded_collections::ConstU32<N>>;

/// Decodes exactly one `T` from `bytes`: bytes left over are an error, as is nesting deeper than any of our
/// messages needs.
pub fn decode_exact<T: codec::Decode>(bytes: &[u8]) -> Result<T, codec::Error> {
    use codec::DecodeAll as _;
    T::decode_all(&mut &bytes[..])
}
