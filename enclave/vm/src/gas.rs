// SPDX-License-Identifier: Apache-2.0
//! What things cost.
//!
//! One unit is one WebAssembly instruction as wasmtime counts fuel, and takes about 0.5 ns. Host functions are priced
//! in that unit by what the work takes on the reference machine (`cargo run --release -p phala-vm --example bench_call`
//! prints both), rounded up to a power of two, never below the worst case. They are charged before the work is done.
//!
//! These numbers decide outcomes. Whoever changes one changes the version of the engine that replicas must share.

/// Entering a contract: a fresh instance with zeroed memory. Measured below 10 us.
pub const FRAME: u64 = 32_768;
/// A page of memory, at the beginning of the call or when the contract's memory has grown: the kernel gives and takes 16
/// pages of its own for it.
pub const MEMORY_PAGE: u64 = 8_192;
/// Any host function: leaving the program and coming back. Measured below 50 ns.
pub const HOST_FUNCTION: u64 = 128;
/// Copying one byte into or out of the contract's memory.
pub const COPY_PER_BYTE: u64 = 1;

/// Finding a storage value: a walk through the contract's tree.
pub const STORAGE_READ: u64 = 8_192;
/// One byte of a value that was found.
pub const STORAGE_READ_PER_BYTE: u64 = 4;
/// Changing a storage value: the walk, and new hashes from the leaf to the root.
pub const STORAGE_WRITE: u64 = 32_768;
/// One byte of a new value: it is hashed, encrypted and written to disk.
pub const STORAGE_WRITE_PER_BYTE: u64 = 32;

/// Finding a value of transient storage, which is in memory and in no tree.
pub const TRANSIENT_READ: u64 = 1_024;
/// Changing one, and remembering what was there.
pub const TRANSIENT_WRITE: u64 = 2_048;
/// One byte of a new one.
pub const TRANSIENT_WRITE_PER_BYTE: u64 = 4;

/// An event, which is hashed into the call's outputs.
pub const EVENT: u64 = 4_096;
/// One topic of an event.
pub const EVENT_PER_TOPIC: u64 = 1_024;
/// One byte of an event.
pub const EVENT_PER_BYTE: u64 = 32;
/// One byte of a debug message.
pub const DEBUG_MESSAGE_PER_BYTE: u64 = 4;

/// A payment: two accounts change.
pub const TRANSFER: u64 = 65_536;
/// A nested call, beyond what the callee's frame uses.
pub const CALL: u64 = 32_768;
/// A new contract, beyond what its constructor uses.
pub const INSTANTIATE: u64 = 262_144;
/// Other code for the contract.
pub const SET_CODE_HASH: u64 = 65_536;
/// A dependency on a code, made or given up: the contract's record and the code's change.
pub const DELEGATE_DEPENDENCY: u64 = 65_536;
/// The end of the contract.
pub const TERMINATE: u64 = 131_072;
/// One more entry of the state that goes with the contract: the same work as removing it by itself.
pub const TERMINATE_PER_ITEM: u64 = STORAGE_WRITE;
/// A chain extension, beyond what the function itself uses.
pub const CHAIN_EXTENSION: u64 = 4_096;
/// Looking an account up.
pub const ACCOUNT_READ: u64 = 8_192;

/// Any hash.
pub const HASH: u64 = 1_024;
/// SHA-256, per byte.
pub const SHA2_256_PER_BYTE: u64 = 16;
/// Keccak-256, per byte.
pub const KECCAK_256_PER_BYTE: u64 = 16;
/// BLAKE2b with 256 bits, per byte.
pub const BLAKE2_256_PER_BYTE: u64 = 4;
/// BLAKE2b with 128 bits, per byte.
pub const BLAKE2_128_PER_BYTE: u64 = 4;
/// Recovering a secp256k1 key. Measured below 250 us.
pub const ECDSA_RECOVER: u64 = 524_288;
/// Decompressing a secp256k1 key and hashing it.
pub const ECDSA_TO_ETH_ADDRESS: u64 = 65_536;
/// Verifying an sr25519 signature. Measured below 100 us.
pub const SR25519_VERIFY: u64 = 262_144;
/// One byte of the message of an sr25519 signature.
pub const SR25519_VERIFY_PER_BYTE: u64 = 32;

/// Compiling one byte of new code, for whoever charges an upload: about 2 us.
pub const PREPARE_PER_BYTE: u64 = 4_096;

/// A price that grows with a length. Saturates, since nobody can pay that anyway.
#[must_use]
pub const fn linear(base: u64, per_unit: u64, units: u64) -> u64 {
    base.saturating_add(per_unit.saturating_mul(units))
}
