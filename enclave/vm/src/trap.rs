// SPDX-License-Identifier: Apache-2.0
//! Every way in which a call may end without an answer.

use codec::{Decode, Encode, MaxEncodedLen};
use thiserror::Error;

use crate::host::HostError;

/// Why a call ended without an answer. Its changes are undone.
///
/// The numbers are part of outcomes, which replicas must agree on: never change one, never use one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, Error)]
pub enum Trap {
    // What the program does by itself.
    /// The gas limit was reached.
    #[error("out of gas")]
    #[codec(index = 1)]
    OutOfGas,
    /// The contract gave up: a panic, an overflow, a payment to a message that takes none.
    #[error("the contract panicked")]
    #[codec(index = 2)]
    Unreachable,
    /// Calls inside the contract were nested too deep.
    #[error("the contract's stack overflowed")]
    #[codec(index = 3)]
    StackOverflow,
    /// The program, or a pointer that it gave to the host, is outside of its memory.
    #[error("an access outside of the contract's memory")]
    #[codec(index = 4)]
    MemoryOutOfBounds,
    /// An indirect call outside of the table.
    #[error("an indirect call outside of the table")]
    #[codec(index = 5)]
    TableOutOfBounds,
    /// An indirect call of nothing, or of a function with another signature.
    #[error("an indirect call of the wrong function")]
    #[codec(index = 6)]
    IndirectCallMismatch,
    /// A division whose result does not fit.
    #[error("an integer overflow")]
    #[codec(index = 7)]
    IntegerOverflow,
    /// A division by zero.
    #[error("a division by zero")]
    #[codec(index = 8)]
    DivisionByZero,

    // What it gives to the host.
    /// The output does not fit the buffer that the contract gave.
    #[error("the output buffer is too small")]
    #[codec(index = 16)]
    OutputBufferTooSmall,
    /// An argument that means nothing: unknown flags, a length that must be another, topics that do not decode.
    #[error("an argument of a host function is invalid")]
    #[codec(index = 17)]
    InvalidInput,
    /// A change of state in a query or in a read-only call.
    #[error("a read-only call must not change state")]
    #[codec(index = 18)]
    StateChangeDenied,
    /// A storage key longer than [`crate::abi::MAX_KEY_BYTES`].
    #[error("the storage key is too long")]
    #[codec(index = 19)]
    KeyTooLong,
    /// A storage value longer than [`crate::abi::MAX_VALUE_BYTES`].
    #[error("the storage value is too long")]
    #[codec(index = 20)]
    ValueTooLong,
    /// The input of a call, a salt, or something to hash is too long.
    #[error("the input is too long")]
    #[codec(index = 21)]
    InputTooLong,
    /// The contract returns more than [`crate::limits::PAYLOAD_BYTES_MAX`].
    #[error("the output is too long")]
    #[codec(index = 22)]
    OutputTooLong,
    /// More than [`crate::limits::EVENT_TOPICS_MAX`] topics.
    #[error("the event has too many topics")]
    #[codec(index = 23)]
    TooManyTopics,
    /// More event data than [`crate::limits::EVENT_BYTES_MAX`].
    #[error("the event is too long")]
    #[codec(index = 24)]
    EventTooLong,
    /// More events than [`crate::limits::EVENTS_MAX`].
    #[error("the call has too many events")]
    #[codec(index = 25)]
    TooManyEvents,
    /// The contract forwarded its input and then asked for it.
    #[error("the input was forwarded and is gone")]
    #[codec(index = 26)]
    InputForwarded,

    // What the world refuses.
    /// The callee is on the stack and did not allow to be called again.
    #[error("the called contract does not allow to be called again")]
    #[codec(index = 32)]
    ReentranceDenied,
    /// Contracts called each other too deep.
    #[error("contracts call each other too deep")]
    #[codec(index = 33)]
    CallDepthExceeded,
    /// A contract with the same address exists: another salt helps.
    #[error("a contract with this address exists")]
    #[codec(index = 34)]
    DuplicateContract,
    /// The contract cannot be removed now.
    #[error("the contract cannot be removed now")]
    #[codec(index = 35)]
    TerminationDenied,
    /// A quota of the contract is used up.
    #[error("a limit of the contract is reached")]
    #[codec(index = 36)]
    LimitReached,
    /// There is no such chain extension.
    #[error("there is no such chain extension")]
    #[codec(index = 37)]
    ExtensionUnknown,
    /// The function exists in the interface but has no meaning in this network.
    #[error("the host function is not available in this network")]
    #[codec(index = 38)]
    NotAvailable,
    /// A query took longer than the worker's patience. No command ends so.
    #[error("the query took too long")]
    #[codec(index = 39)]
    TimedOut,
    /// The contract that the whole call is for does not exist.
    #[error("there is no such contract")]
    #[codec(index = 40)]
    ContractNotFound,
    /// There is no code with this hash.
    #[error("there is no code with this hash")]
    #[codec(index = 41)]
    CodeNotFound,
    /// The value of the whole call, or what an ended contract leaves, could not be paid.
    #[error("the payment is not possible")]
    #[codec(index = 42)]
    TransferFailed,
    /// The call has more held for storage than its limit, or the limit of one of its frames, allows.
    #[error("the limit of the storage deposit is reached")]
    #[codec(index = 43)]
    DepositLimitReached,
    /// The account that started the call cannot pay the storage deposit, or what makes a new contract exist.
    #[error("the storage deposit cannot be paid")]
    #[codec(index = 44)]
    DepositNotPayable,
    /// Transient storage is full.
    #[error("the transient storage is full")]
    #[codec(index = 45)]
    TransientStorageFull,
    /// A contract needs no dependency on the code that it runs.
    #[error("a contract cannot depend on its own code")]
    #[codec(index = 46)]
    DelegateDependencyOnSelf,
    /// The contract depends on this code already.
    #[error("the contract depends on this code already")]
    #[codec(index = 47)]
    DelegateDependencyExists,
    /// The contract does not depend on this code.
    #[error("the contract does not depend on this code")]
    #[codec(index = 48)]
    DelegateDependencyMissing,
    /// More than [`crate::abi::MAX_DELEGATE_DEPENDENCIES`].
    #[error("the contract depends on too many codes")]
    #[codec(index = 49)]
    TooManyDelegateDependencies,

    /// The world or the engine is broken: not an outcome. The caller must drop this execution and halt; a host that gets
    /// it from a nested frame answers [`HostError::Fault`].
    #[error("the host failed")]
    #[codec(index = 255)]
    HostFault,
}

impl Trap {
    /// The stable number of this trap: its encoding.
    #[must_use]
    pub fn code(self) -> u8 {
        self.encode().first().copied().unwrap_or(u8::MAX)
    }
}

impl From<HostError> for Trap {
    fn from(error: HostError) -> Self {
        match error {
            HostError::LimitReached => Self::LimitReached,
            HostError::TerminationDenied => Self::TerminationDenied,
            HostError::ExtensionUnknown => Self::ExtensionUnknown,
            HostError::Denied(trap) => trap,
            HostError::Fault => Self::HostFault,
        }
    }
}
