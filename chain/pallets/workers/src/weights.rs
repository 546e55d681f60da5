//! What the calls weigh: stated upper bounds, each with its reason.

use frame_support::{
    traits::Get as _,
    weights::{
        Weight,
        constants::{WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS},
    },
};
use pallet_attestation::{SOURCES_MAX, WeightInfo as _};
use polkadot_sdk::*;

/// Appraising a quote of Intel's or a simulated one verifies two signatures of its own and two of certificates, all P-256.
/// Measured in the node's executor (`./x bench attest`): 4.3 to 9.0 ms with the documents in
/// memory. The bound is twice the slowest, and leaves 2 ms to decode documents of 5 KB each from storage.
const QUOTE: Weight = Weight::from_parts(20_000 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// A report of AMD's takes a signature over P-384, up to 9 ms in Wasm, and two of RSA with 4096 bits, up to 3 ms each.
const REPORT: Weight = Weight::from_parts(20_000 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// A document of AWS Nitro takes six signatures over P-384.
const NITRO: Weight = Weight::from_parts(60_000 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// Time for each byte of evidence that is decoded, hashed twice and compared in Wasm.
const EVIDENCE_BYTE: Weight = Weight::from_parts(40 * WEIGHT_REF_TIME_PER_NANOS, 0);

/// What the calls weigh.
pub trait WeightInfo {
    /// [`crate::Call::register`] with so many bytes of evidence, the first of which says of which kind it is.
    fn register(kind: Option<u8>, evidence_bytes: u32) -> Weight;
    /// [`crate::Call::retire`].
    fn retire() -> Weight;
    /// The round's look at so many registrations.
    fn round(registrations: u32) -> Weight;
    /// [`crate::WorkerRegistry::live`]: what other pallets add to their own weights.
    fn live() -> Weight;
}

/// Stated upper bounds, on the runtime's database.
pub struct UpperBound<T>(core::marker::PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for UpperBound<T> {
    /// Reads genesis hash, anchor's hash, lifetime, slot, count, policy, time, two lists of machines, each document and its
    /// version; and the records of the worker and of whoever had its machine. Writes both records, both machines, count
    /// and two events.
    fn register(kind: Option<u8>, evidence_bytes: u32) -> Weight {
        // The codec's index of a kind of evidence. What is none is refused at once.
        let appraisal = match kind {
            Some(2) => REPORT,
            Some(3) => NITRO,
            _ => QUOTE,
        };
        let reads = 9 + 2 * u64::from(SOURCES_MAX);
        T::DbWeight::get()
            .reads_writes(reads, 7)
            .saturating_add(appraisal)
            .saturating_add(EVIDENCE_BYTE.saturating_mul(evidence_bytes.into()))
            .saturating_add(Self::live().saturating_mul(3))
    }

    /// Reads the worker; writes record, machine, count, event.
    fn retire() -> Weight {
        T::DbWeight::get().reads_writes(1, 4).saturating_add(Self::live())
    }

    /// Reads where the round is and each registration; writes where it is, and of each record, machine, count, event.
    fn round(registrations: u32) -> Weight {
        let each = T::DbWeight::get().writes(4).saturating_add(Self::live());
        T::DbWeight::get().reads_writes(1, 1).saturating_add(each.saturating_mul(registrations.into()))
    }

    /// Reads record and machine, and what the attestation service reads for its verdict.
    fn live() -> Weight {
        let verdict = pallet_attestation::weights::UpperBound::<T>::verdict();
        T::DbWeight::get().reads(2).saturating_add(verdict)
    }
}
