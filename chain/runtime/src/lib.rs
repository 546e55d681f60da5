//! The chain's state transition function.
//!
//! One runtime serves every network; networks differ by genesis preset ([`presets`]). This file is the table of
//! contents: what the pallets are and in which order they stand. [`config`] says how each is configured,
//! `apis` what the node and clients may ask, [`network`] what a preset chooses, [`money`] what things cost.
//!
//! Not here: staking, offences, governance and runtime upgrades. There is no sudo: after its genesis nobody can change a chain
//! but its curator, who says which programs and machines are trusted (docs/adr/0020).
#![cfg_attr(not(feature = "std"), no_std)]
// construct_runtime and impl_runtime_apis nest deeper than the default limit.
#![recursion_limit = "512"]
// The runtime and session-key macros generate public items without documentation.
#![allow(missing_docs)]

extern crate alloc;

pub mod apis;
pub mod config;
pub mod money;
pub mod network;
pub mod presets;
#[cfg(test)]
mod tests;

use polkadot_sdk::*;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
    MultiAddress, MultiSignature, generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

pub use money::Balance;

// `WASM_BINARY`: the runtime as WebAssembly, if it was built.
#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

/// A signature of a transaction: Ed25519, Sr25519 or ECDSA.
pub type Signature = MultiSignature;
/// Who signs transactions and holds PHA.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// BLAKE2b-256.
pub type Hash = sp_core::H256;
/// A block's height.
pub type BlockNumber = u32;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// The types as the node has them, which does not look into transactions. It also writes them to JSON as every other
/// node does: as hexadecimal digits.
pub mod opaque {
    use super::*;

    /// A block of bytes that the runtime understands.
    pub type Block = generic::Block<Header, sp_runtime::OpaqueExtrinsic>;
}

/// What every transaction carries besides its call. The standard set, in the standard order, so that wallets know it.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckMortality<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);
/// A transaction.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// Runs blocks.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

impl_opaque_keys! {
    /// The keys with which a validator's node makes and finalizes blocks.
    pub struct SessionKeys {
        pub babe: Babe,
        pub grandpa: Grandpa,
    }
}

/// The version of the runtime.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("phala"),
    impl_name: Cow::Borrowed("phala-node"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    // State trie version 1: values over 32 bytes stand in nodes of their own, so a storage proof stays short.
    system_version: 1,
};

#[frame_support::runtime]
mod runtime {
    /// The runtime.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Network = network;
    // BABE takes the slot from a block's digest before the timestamp pallet checks the time against it.
    #[runtime::pallet_index(2)]
    pub type Babe = pallet_babe;
    #[runtime::pallet_index(3)]
    pub type Timestamp = pallet_timestamp;

    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(11)]
    pub type TransactionPayment = pallet_transaction_payment;

    // Authorship notes the author before the session may change under it.
    #[runtime::pallet_index(20)]
    pub type Authorship = pallet_authorship;
    #[runtime::pallet_index(21)]
    pub type Session = pallet_session;
    #[runtime::pallet_index(22)]
    pub type Grandpa = pallet_grandpa;

    #[runtime::pallet_index(30)]
    pub type Mailbox = pallet_mailbox;
    // What was proposed takes effect before the workers that it concerns are looked at.
    #[runtime::pallet_index(33)]
    pub type Attestation = pallet_attestation;
    #[runtime::pallet_index(31)]
    pub type Workers = pallet_workers;
    #[runtime::pallet_index(32)]
    pub type Clusters = pallet_clusters;
}
