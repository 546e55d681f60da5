// SPDX-License-Identifier: Apache-2.0
//! The numbers that a contract and its host agree on: return codes, flags and limits of the seal interface.
//!
//! Codes and flags are those of `pallet-contracts-uapi` 14. Limits are those of the pallet's reference configuration,
//! unless the comment says otherwise. Limits that messages have too are in [`phala_types::limits`].

use phala_types::limits::{CALL_DEPTH_MAX, MEMORY_PAGES_MAX};

/// What a host function answers when it answers with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ReturnCode {
    /// It worked.
    Success = 0,
    /// The called contract trapped; its changes are undone.
    CalleeTrapped = 1,
    /// The called contract reverted; its changes are undone, its output was returned.
    CalleeReverted = 2,
    /// There is no value under this key.
    KeyNotFound = 3,
    /// The balance does not allow this transfer.
    TransferFailed = 5,
    /// There is no code with this hash.
    CodeNotFound = 7,
    /// The account is not a contract.
    NotCallable = 8,
    /// Nobody keeps debug messages of this call.
    LoggingDisabled = 9,
    /// The chain refused the call, or there is no chain to call.
    CallRuntimeFailed = 10,
    /// No public key fits this signature and hash.
    EcdsaRecoveryFailed = 11,
    /// The signature is not this key's signature of this message.
    Sr25519VerifyFailed = 12,
    /// The XCM program failed, or there is no XCM here.
    XcmExecutionFailed = 13,
    /// The XCM message was not sent.
    XcmSendFailed = 14,
}

/// As an output pointer: the caller does not want the output. As a returned length: there was no value.
pub const SENTINEL: u32 = u32::MAX;

/// The flag of a contract's return value that says: undo my changes.
pub const RETURN_REVERT: u32 = 1;

/// Give the callee the caller's own input, which the caller can then no longer read.
pub const CALL_FORWARD_INPUT: u32 = 1;
/// Give the callee a copy of the caller's own input.
pub const CALL_CLONE_INPUT: u32 = 1 << 1;
/// End the caller with the callee's result.
pub const CALL_TAIL_CALL: u32 = 1 << 2;
/// Allow the callee to call this contract again.
pub const CALL_ALLOW_REENTRY: u32 = 1 << 3;
/// Forbid the callee, and whomever it calls, any change of state.
pub const CALL_READ_ONLY: u32 = 1 << 4;

/// The bytes of an account id.
pub const ACCOUNT_BYTES: u32 = 32;
/// The bytes of a code hash.
pub const HASH_BYTES: u32 = 32;
/// The bytes of a balance.
pub const BALANCE_BYTES: u32 = 16;

/// The longest storage key. ink! uses 4 bytes and the encoded map key; Phala's own limit was 128.
pub const MAX_KEY_BYTES: u32 = 128;
/// The longest storage value: ink!'s static buffer, the most that a contract can build or read at once.
pub const MAX_VALUE_BYTES: u32 = 16 * 1024;
/// The longest salt that a contract gives to an instantiation. A hash is enough; the pallet allows as much as a payload.
pub const MAX_SALT_BYTES: u32 = 1024;
/// The most codes that one contract may depend on, as in the pallet's reference configuration.
pub const MAX_DELEGATE_DEPENDENCIES: usize = 32;
/// The longest debug message that is kept; a longer one is cut.
pub const MAX_DEBUG_MESSAGE_BYTES: u32 = 4 * 1024;
/// The longest input of a hash or of a signature check: all of a contract's memory would fit, and gas says no before.
pub const MAX_CRYPTO_INPUT_BYTES: u32 = MEMORY_PAGES_MAX * WASM_PAGE_BYTES;

/// The bytes of a page of WebAssembly memory.
pub const WASM_PAGE_BYTES: u32 = 64 * 1024;
/// The stack of one frame, in the bytes that `code::meter` counts: 8 for each local and each value, and
/// [`FRAME_OVERHEAD_BYTES`] for each function. Contracts keep most of their data in linear memory: a call that does nothing
/// but recurse gets some thousand levels deep.
pub const STACK_BYTES: i32 = 256 * 1024;
/// What a function takes of the stack besides its locals and values: a return address, saved registers, alignment.
pub const FRAME_OVERHEAD_BYTES: u32 = 64;
/// The native stack of one frame, behind [`STACK_BYTES`]: compiled code may keep a few values more than the program has, and
/// none is known to need as much as this.
pub const NATIVE_STACK_BYTES: usize = 1024 * 1024;
/// The stack that a thread which runs contracts must have: [`CALL_DEPTH_MAX`] frames, each with its own native stack, and
/// half as much again for the host between the frames. Only what is touched takes memory.
pub const THREAD_STACK_BYTES: usize = 16 * 1024 * 1024;

const _: () = assert!(CALL_DEPTH_MAX * NATIVE_STACK_BYTES * 3 / 2 <= THREAD_STACK_BYTES);
