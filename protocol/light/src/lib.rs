//! The light client: a worker's, and a client's, only eye on the chain.
//!
//! [`Light`] begins with block 0 and follows GRANDPA from there: [`Light::import`] takes a header and a justification
//! and gives out a [`FinalizedHead`], from which [`FinalizedHead::read`] reads storage by proof. Both types have no
//! public constructor: holding one is the proof. Headers between finalized ones are not needed, except for those that
//! change the authorities, one by one.
//!
//! - [`keys`]: where things are in the chain's storage, and what a worker reads of itself.
//! - [`verify_chain_proof`]: the same from nothing but a genesis hash, for a receipt that is checked offline.
//! - `testing`: chains made up for tests, only with the feature `testing`.
//!
//! The rules are the node's (`sc-consensus-grandpa`): Ed25519 as in ZIP 215, supermajority by weight as in
//! `finality-grandpa`, authority changes by the header's digest. Where this is stricter than the node, it says so.
//!
//! Not checked: that a block was made by the right author, or executed rightly. More than two thirds of the
//! authorities vouch for that by finalizing it. Nor that a head is recent: a relay may withhold newer ones, which is
//! why a query names a block that its asker knows.
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

mod error;
mod grandpa;
mod header;
pub mod keys;
mod light;
mod storage;
#[cfg(feature = "testing")]
#[allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "only tests have it, and they make up chains that fit"
)]
pub mod testing;

pub use error::{LightError, ProofError};
pub use grandpa::{AuthorityId, AuthorityList};
pub use keys::WorkerView;
pub use light::{FinalizedHead, Light, Verified, verify_chain_proof};
pub use storage::Values;
