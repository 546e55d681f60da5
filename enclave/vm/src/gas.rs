// SPDX-License-Identifier: Apache-2.0
//! What things cost.
//!
//! One unit is a simple WebAssembly instruction, and takes about 0.5 ns or less. What a program does by itself is paid for
//! by the program ([`instruction`] says how much, `code::meter` writes it in). Host functions are priced in the same unit
//! by what the work takes on the reference machine, rounded up to a power of two, never below the worst case, and are
//! charged before the work is done. The examples `bench_gas` and `bench_world` of this crate measure both.
//!
//! These numbers decide outcomes. Whoever changes one changes the version of the engine that replicas must share.

use wasmparser::Operator;

/// Entering a function of the contract: its frame, and the check of what is left.
pub const FUNCTION: u64 = 8;
/// A local of a function, which is set to zero or copied.
pub const LOCAL: u64 = 1;
/// Beginning a loop again: the check of what is left.
pub const LOOP: u64 = 2;

/// The price of one instruction of the contract. Those that are no work cost nothing.
#[must_use]
pub(crate) fn instruction(operator: &Operator<'_>) -> u64 {
    use Operator as O;
    match operator {
        O::Nop
        | O::Block { .. }
        | O::Loop { .. }
        | O::Else
        | O::End
        | O::Drop
        | O::Unreachable
        | O::Return => 0,
        // An entry of the stack that is checked, and the frame of who is called; see also FUNCTION.
        O::Call { .. } => 8,
        O::CallIndirect { .. } => 16,
        O::BrTable { .. } => 8,
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => 16,
        O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => 32,
        O::I32Load { .. }
        | O::I64Load { .. }
        | O::I32Load8S { .. }
        | O::I32Load8U { .. }
        | O::I32Load16S { .. }
        | O::I32Load16U { .. }
        | O::I64Load8S { .. }
        | O::I64Load8U { .. }
        | O::I64Load16S { .. }
        | O::I64Load16U { .. }
        | O::I64Load32S { .. }
        | O::I64Load32U { .. }
        | O::I32Store { .. }
        | O::I64Store { .. }
        | O::I32Store8 { .. }
        | O::I32Store16 { .. }
        | O::I64Store8 { .. }
        | O::I64Store16 { .. }
        | O::I64Store32 { .. }
        | O::GlobalGet { .. }
        | O::GlobalSet { .. }
        | O::Select
        | O::MemorySize { .. } => 2,
        // A call of the kernel. Pages are charged apart, by MEMORY_PAGE.
        O::MemoryGrow { .. } => 4_096,
        _ => 1,
    }
}

/// Entering a contract: a fresh instance with zeroed memory. Measured below 10 us.
pub const FRAME: u64 = 32_768;
/// A page of memory, at the beginning of the call or when the contract's memory grows: the kernel gives and takes 16 pages
/// of its own for it.
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
pub const TRANSIENT_READ: u64 = 4_096;
/// Changing one, and remembering what was there.
pub const TRANSIENT_WRITE: u64 = 8_192;
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
