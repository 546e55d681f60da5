//! What the calls weigh: stated upper bounds, each with its reason. What the mailbox does comes on top.

use frame_support::{
    traits::Get as _,
    weights::{
        Weight,
        constants::{WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS},
    },
};
use pallet_workers::WeightInfo as _;
use polkadot_sdk::*;

/// One Ed25519 verification by the host's native code: 40 to 60 microseconds on hardware of the last ten years.
const SIGNATURE: Weight = Weight::from_parts(100 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// Encoding and hashing of a few hundred bytes, and comparisons, in Wasm.
const COMPUTATION: Weight = Weight::from_parts(50 * WEIGHT_REF_TIME_PER_MICROS, 0);

/// Time for each byte of code that is decoded and hashed once in Wasm: about 5 ns, doubled.
const CODE_BYTE: Weight = Weight::from_parts(10 * WEIGHT_REF_TIME_PER_NANOS, 0);

/// What the calls weigh.
pub trait WeightInfo {
    /// [`crate::Call::join`].
    fn join() -> Weight;
    /// [`crate::Call::upload_code`] of so many bytes, without the mailbox.
    fn upload_code(bytes: u32) -> Weight;
    /// [`crate::Call::deploy`], without the mailbox.
    fn deploy() -> Weight;
    /// [`crate::Call::submit`], without the mailbox.
    fn submit() -> Weight;
    /// [`crate::Call::checkpoint`].
    fn checkpoint() -> Weight;
    /// [`crate::Call::remove_code`], without the mailbox.
    fn remove_code() -> Weight;
}

/// Stated upper bounds, on the runtime's database.
pub struct UpperBound<T>(core::marker::PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for UpperBound<T> {
    /// Reads registration and what it rests on, membership, cluster; writes membership, cluster, event.
    fn join() -> Weight {
        T::DbWeight::get().reads_writes(2, 3).saturating_add(COMPUTATION).saturating_add(live::<T>())
    }

    /// Reads cluster, code; writes code, event; hashes the code.
    fn upload_code(bytes: u32) -> Weight {
        let hashing = CODE_BYTE.saturating_mul(bytes.into());
        T::DbWeight::get().reads_writes(2, 2).saturating_add(COMPUTATION).saturating_add(hashing)
    }

    /// Reads code; writes it, event.
    fn remove_code() -> Weight {
        T::DbWeight::get().reads_writes(1, 2).saturating_add(COMPUTATION)
    }

    /// Reads code, contract; writes both, event.
    fn deploy() -> Weight {
        T::DbWeight::get().reads_writes(2, 3).saturating_add(COMPUTATION)
    }

    /// Reads cluster and contract.
    fn submit() -> Weight {
        T::DbWeight::get().reads(2).saturating_add(COMPUTATION)
    }

    /// Reads cluster, registration and what it rests on, genesis hash, tip, checkpoint, signature; writes checkpoint,
    /// signature, event; verifies a signature.
    fn checkpoint() -> Weight {
        let signature = SIGNATURE.saturating_add(COMPUTATION);
        T::DbWeight::get().reads_writes(5, 3).saturating_add(signature).saturating_add(live::<T>())
    }
}

fn live<T: frame_system::Config>() -> Weight {
    pallet_workers::weights::UpperBound::<T>::live()
}
