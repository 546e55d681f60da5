//! What the mailbox weighs: stated upper bounds, each with its reason.

use frame_support::{
    traits::Get as _,
    weights::{Weight, constants::WEIGHT_REF_TIME_PER_NANOS},
};
use polkadot_sdk::*;

/// Time for each byte that is decoded, hashed once in Wasm and written to the database. BLAKE2b takes about 5 ns per byte
/// in Wasm, and the copies and the write together stay under as much again; the bound doubles that.
pub const STORED_BYTE: Weight = Weight::from_parts(20 * WEIGHT_REF_TIME_PER_NANOS, 0);

/// What things weigh.
pub trait WeightInfo {
    /// Appending a message with a body of `bytes`.
    fn push(bytes: u32) -> Weight;
}

/// Stated upper bounds, on the runtime's database.
pub struct UpperBound<T>(core::marker::PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for UpperBound<T> {
    /// Reads the tip and the time; writes the message, the tip and an event; hashes and stores each byte.
    fn push(bytes: u32) -> Weight {
        T::DbWeight::get().reads_writes(2, 3).saturating_add(STORED_BYTE.saturating_mul(bytes.into()))
    }
}
