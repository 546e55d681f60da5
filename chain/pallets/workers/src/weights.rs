//! What the calls weigh: stated upper bounds, each with its reason.

use frame_support::{
    traits::Get as _,
    weights::{
        Weight,
        constants::{WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS},
    },
};
use polkadot_sdk::*;

/// Appraising a quote verifies three signatures of its own and at most three of certificates, all P-256, in Wasm, where
/// one takes up to 3 ms; parsing and the rest stay under 2 ms.
const APPRAISAL: Weight = Weight::from_parts(20_000 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// Time for each byte of evidence that is decoded, hashed twice and compared in Wasm.
const EVIDENCE_BYTE: Weight = Weight::from_parts(40 * WEIGHT_REF_TIME_PER_NANOS, 0);

/// What the calls weigh.
pub trait WeightInfo {
    /// [`crate::Call::register`] with so many bytes of evidence.
    fn register(evidence_bytes: u32) -> Weight;
}

/// Stated upper bounds, on the runtime's database.
pub struct UpperBound<T>(core::marker::PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for UpperBound<T> {
    /// Reads genesis hash, anchor's hash, policy, lifetime, time, record; writes record and event.
    fn register(evidence_bytes: u32) -> Weight {
        let bytes = EVIDENCE_BYTE.saturating_mul(evidence_bytes.into());
        T::DbWeight::get().reads_writes(6, 2).saturating_add(APPRAISAL).saturating_add(bytes)
    }
}
