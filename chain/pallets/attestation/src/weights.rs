//! What the calls weigh: stated upper bounds, each with its reason.

use frame_support::{
    traits::Get as _,
    weights::{
        Weight,
        constants::{WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS},
    },
};
use polkadot_sdk::*;

/// The signatures of a document and its signer's certificates. Measured in the node's executor (`./x bench attest`): Intel's documents, of 0.3 to 7.5 KB, take 1.1 to 2.9 ms in all. AMD's list takes one of RSA with 4096
/// bits, 3 ms. The bound is for a machine half as fast, and for bytes apart.
const SIGNATURES: Weight = Weight::from_parts(8_000 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// Time for each byte of a document that is decoded, hashed, parsed as JSON, DER or PEM, encoded again for comparison, and
/// stored, in Wasm. All of a genuine document takes less, its signatures included.
const DOCUMENT_BYTE: Weight = Weight::from_parts(500 * WEIGHT_REF_TIME_PER_NANOS, 0);

/// Encoding and decoding of a policy with full lists, about 20 KB, and comparisons, in Wasm.
const POLICY: Weight = Weight::from_parts(1_000 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// What the calls weigh.
pub trait WeightInfo {
    /// [`crate::Call::post_document`] of so many bytes.
    fn post_document(bytes: u32) -> Weight;
    /// [`crate::Call::propose`].
    fn propose() -> Weight;
    /// Any other call of the curator's.
    fn curate() -> Weight;
    /// Looking whether proposals are due, and enacting so many.
    fn enact(proposals: u32) -> Weight;
    /// [`crate::Attestation::verdict`] on one registration.
    fn verdict() -> Weight;
}

/// Stated upper bounds, on the runtime's database.
pub struct UpperBound<T>(core::marker::PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for UpperBound<T> {
    /// Reads time, the root's list, the old document, kinds, generation; writes document, kinds, generation, version,
    /// event, and removes an old kind's information and version.
    fn post_document(bytes: u32) -> Weight {
        let parsing = DOCUMENT_BYTE.saturating_mul(bytes.into());
        T::DbWeight::get().reads_writes(5, 7).saturating_add(SIGNATURES).saturating_add(parsing)
    }

    /// Reads curator, number, delay, agenda; writes number, agenda, proposal, event.
    fn propose() -> Weight {
        T::DbWeight::get().reads_writes(4, 4).saturating_add(POLICY)
    }

    /// Reads curator, and policy, agenda or list and its count; writes the same, and event.
    fn curate() -> Weight {
        T::DbWeight::get().reads_writes(4, 3).saturating_add(POLICY)
    }

    /// Reads the agenda; and for each proposal reads it, policy, generation or count, and writes agenda, proposal, policy,
    /// generation, version, event.
    fn enact(proposals: u32) -> Weight {
        let each = T::DbWeight::get().reads_writes(3, 6).saturating_add(POLICY);
        T::DbWeight::get().reads(1).saturating_add(each.saturating_mul(proposals.into()))
    }

    /// Reads policy, time, two lists of machines, and the version of each source.
    fn verdict() -> Weight {
        T::DbWeight::get().reads(4 + u64::from(crate::SOURCES_MAX)).saturating_add(POLICY)
    }
}
