//! What a TEE gives a worker: evidence of itself, a key to seal with, and randomness.
//!
//! [`Platform`] is the trait, and each TEE is one file behind it. There is one yet: [`simulated`], only with the feature
//! of that name, which protects nothing and says so in everything that it makes.
//!
//! A platform reads files of its machine, so it is a shell: the worker's core only sees what the trait returns.
#![forbid(unsafe_code)]

mod error;
#[cfg(feature = "simulated")]
pub mod simulated;

pub use error::PlatformError;

use phala_crypto::Secret;
use phala_types::worker::Tier;

/// A TEE, as a worker sees the one that it runs in.
pub trait Platform: Send + Sync {
    /// How a worker on it is attested.
    fn tier(&self) -> Tier;

    /// SCALE of a `phala_attest::Evidence` that vouches for `report_data` and for the running program.
    fn evidence(&self, report_data: [u8; 64]) -> Result<Vec<u8>, PlatformError>;

    /// A key that this program has on this machine, at each start the same, and nobody else has.
    fn sealing_key(&self) -> Result<Secret<[u8; 32]>, PlatformError>;

    /// Fills `bytes` with randomness that is fit for keys.
    fn random(&self, bytes: &mut [u8]) -> Result<(), PlatformError>;
}
