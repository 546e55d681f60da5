// SPDX-License-Identifier: Apache-2.0
//! The numbers that a contract and its host agree on: return codes, flags and limits of the seal interface.
//!
//! Codes and flags are those of `pallet-contracts-uapi` 14. Limits are those of the pallet's reference configuration,
//! unless the comment says otherwise.

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
/// The longest input of a call, at the top or between contracts. Four static buffers, so that proxies have room to wrap.
pub const MAX_INPUT_BYTES: u32 = 64 * 1024;
/// The longest output of a call. The same as the input, since one contract's output is another one's input.
pub const MAX_OUTPUT_BYTES: u32 = MAX_INPUT_BYTES;
/// The longest salt of an instantiation. A hash is enough; the pallet allows as much as a payload.
pub const MAX_SALT_BYTES: u32 = 1024;
/// The most topics of an event.
pub const MAX_TOPICS: u32 = 4;
/// The longest data of an event: one static buffer.
pub const MAX_EVENT_BYTES: u32 = 16 * 1024;
/// The most events of one call, so that what a call leaves behind has a bound besides gas.
pub const MAX_EVENTS_PER_CALL: u32 = 256;
/// The longest debug message that is kept; a longer one is cut.
pub const MAX_DEBUG_MESSAGE_BYTES: u32 = 4 * 1024;
/// The longest input of a hash or of a signature check: all of a contract's memory would fit, and gas says no before.
pub const MAX_CRYPTO_INPUT_BYTES: u32 = MAX_MEMORY_PAGES * WASM_PAGE_BYTES;

/// The bytes of a page of WebAssembly memory.
pub const WASM_PAGE_BYTES: u32 = 64 * 1024;
/// The most pages of memory of a contract: 1 MiB, what ink! and Solang link for (both write a maximum of 16).
///
/// Phala's old network allowed 64; raising this changes which code is admitted, hence outcomes, hence the version.
pub const MAX_MEMORY_PAGES: u32 = 16;
/// The native stack of one frame. Contracts keep their locals in linear memory, so frames are small: a call that does
/// nothing but recurse gets a few thousand levels deep.
pub const MAX_WASM_STACK_BYTES: usize = 128 * 1024;
/// How deep contracts may call each other, the first one included: the depth that [`THREAD_STACK_BYTES`] is enough for. The
/// host enforces it; the pallet's reference configuration has 5.
pub const MAX_CALL_DEPTH: u32 = 10;
/// The stack that a thread which runs contracts must have: [`MAX_CALL_DEPTH`] frames, each with its own native stack, and
/// half as much again for the host between the frames. It is what Rust gives a thread by default.
pub const THREAD_STACK_BYTES: usize = 2 * 1024 * 1024;
