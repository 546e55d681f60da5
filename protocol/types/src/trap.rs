//! Every way in which a call may end without an answer.

use codec::{Decode, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Why a call ended without an answer. Its changes are undone.
///
/// The numbers are part of outcomes, which replicas must agree on: never change one, never use one again.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
pub enum Trap {
    // What the program does by itself.
    /// The gas limit was reached.
    #[codec(index = 1)]
    OutOfGas,
    /// The contract gave up: a panic, an overflow, a payment to a message that takes none.
    #[codec(index = 2)]
    Unreachable,
    /// Calls inside the contract were nested too deep.
    #[codec(index = 3)]
    StackOverflow,
    /// The program, or a pointer that it gave to the host, is outside of its memory.
    #[codec(index = 4)]
    MemoryOutOfBounds,
    /// An indirect call outside of the table.
    #[codec(index = 5)]
    TableOutOfBounds,
    /// An indirect call of nothing, or of a function with another signature.
    #[codec(index = 6)]
    IndirectCallMismatch,
    /// A division whose result does not fit.
    #[codec(index = 7)]
    IntegerOverflow,
    /// A division by zero.
    #[codec(index = 8)]
    DivisionByZero,

    // What it gives to the host.
    /// The output does not fit the buffer that the contract gave.
    #[codec(index = 16)]
    OutputBufferTooSmall,
    /// An argument that means nothing: unknown flags, a length that must be another, topics that do not decode.
    #[codec(index = 17)]
    InvalidInput,
    /// A change of state in a query or in a read-only call.
    #[codec(index = 18)]
    StateChangeDenied,
    /// A storage key longer than the interface admits.
    #[codec(index = 19)]
    KeyTooLong,
    /// A storage value longer than the interface admits.
    #[codec(index = 20)]
    ValueTooLong,
    /// The input of a call, a salt, or something to hash is too long.
    #[codec(index = 21)]
    InputTooLong,
    /// The contract returns more than [`crate::limits::PAYLOAD_BYTES_MAX`].
    #[codec(index = 22)]
    OutputTooLong,
    /// More than [`crate::limits::EVENT_TOPICS_MAX`] topics.
    #[codec(index = 23)]
    TooManyTopics,
    /// More event data than [`crate::limits::EVENT_BYTES_MAX`].
    #[codec(index = 24)]
    EventTooLong,
    /// More events than [`crate::limits::EVENTS_MAX`].
    #[codec(index = 25)]
    TooManyEvents,
    /// The contract forwarded its input and then asked for it.
    #[codec(index = 26)]
    InputForwarded,

    // What the world refuses.
    /// The callee is on the stack and did not allow to be called again.
    #[codec(index = 32)]
    ReentranceDenied,
    /// Contracts called each other too deep.
    #[codec(index = 33)]
    CallDepthExceeded,
    /// A contract with the same address exists: another salt helps.
    #[codec(index = 34)]
    DuplicateContract,
    /// The contract cannot be removed now.
    #[codec(index = 35)]
    TerminationDenied,
    /// A quota of the contract is used up.
    #[codec(index = 36)]
    LimitReached,
    /// There is no such chain extension.
    #[codec(index = 37)]
    ExtensionUnknown,
    /// The function exists in the interface but has no meaning in this network.
    #[codec(index = 38)]
    NotAvailable,
    /// A query took longer than the worker's patience. No command ends so.
    #[codec(index = 39)]
    TimedOut,
    /// The contract that the whole call is for does not exist.
    #[codec(index = 40)]
    ContractNotFound,
    /// There is no code with this hash.
    #[codec(index = 41)]
    CodeNotFound,
    /// The value of the whole call, or what an ended contract leaves, could not be paid.
    #[codec(index = 42)]
    TransferFailed,
    /// The call has more held for storage than its limit, or the limit of one of its frames, allows.
    #[codec(index = 43)]
    DepositLimitReached,
    /// The account that started the call cannot pay the storage deposit, or what makes a new contract exist.
    #[codec(index = 44)]
    DepositNotPayable,
    /// Transient storage is full.
    #[codec(index = 45)]
    TransientStorageFull,
    /// A contract needs no dependency on the code that it runs.
    #[codec(index = 46)]
    DelegateDependencyOnSelf,
    /// The contract depends on this code already.
    #[codec(index = 47)]
    DelegateDependencyExists,
    /// The contract does not depend on this code.
    #[codec(index = 48)]
    DelegateDependencyMissing,
    /// More than the interface admits.
    #[codec(index = 49)]
    TooManyDelegateDependencies,

    /// The world or the engine is broken: not an outcome. The caller must drop this execution and halt; a host that gets
    /// it from a nested frame answers [`HostError::Fault`].
    #[codec(index = 255)]
    HostFault,
}

impl Trap {
    /// All of them.
    pub const ALL: [Self; 38] = [
        Self::OutOfGas,
        Self::Unreachable,
        Self::StackOverflow,
        Self::MemoryOutOfBounds,
        Self::TableOutOfBounds,
        Self::IndirectCallMismatch,
        Self::IntegerOverflow,
        Self::DivisionByZero,
        Self::OutputBufferTooSmall,
        Self::InvalidInput,
        Self::StateChangeDenied,
        Self::KeyTooLong,
        Self::ValueTooLong,
        Self::InputTooLong,
        Self::OutputTooLong,
        Self::TooManyTopics,
        Self::EventTooLong,
        Self::TooManyEvents,
        Self::InputForwarded,
        Self::ReentranceDenied,
        Self::CallDepthExceeded,
        Self::DuplicateContract,
        Self::TerminationDenied,
        Self::LimitReached,
        Self::ExtensionUnknown,
        Self::NotAvailable,
        Self::TimedOut,
        Self::ContractNotFound,
        Self::CodeNotFound,
        Self::TransferFailed,
        Self::DepositLimitReached,
        Self::DepositNotPayable,
        Self::TransientStorageFull,
        Self::DelegateDependencyOnSelf,
        Self::DelegateDependencyExists,
        Self::DelegateDependencyMissing,
        Self::TooManyDelegateDependencies,
        Self::HostFault,
    ];

    /// The stable number of this trap: its encoding.
    #[must_use]
    pub fn code(self) -> u8 {
        self.encode().first().copied().unwrap_or(u8::MAX)
    }

    /// The trap with this number, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::decode(&mut [code].as_slice()).ok()
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfGas => "out of gas",
            Self::Unreachable => "the contract panicked",
            Self::StackOverflow => "the contract's stack overflowed",
            Self::MemoryOutOfBounds => "an access outside of the contract's memory",
            Self::TableOutOfBounds => "an indirect call outside of the table",
            Self::IndirectCallMismatch => "an indirect call of the wrong function",
            Self::IntegerOverflow => "an integer overflow",
            Self::DivisionByZero => "a division by zero",
            Self::OutputBufferTooSmall => "the output buffer is too small",
            Self::InvalidInput => "an argument of a host function is invalid",
            Self::StateChangeDenied => "a read-only call must not change state",
            Self::KeyTooLong => "the storage key is too long",
            Self::ValueTooLong => "the storage value is too long",
            Self::InputTooLong => "the input is too long",
            Self::OutputTooLong => "the output is too long",
            Self::TooManyTopics => "the event has too many topics",
            Self::EventTooLong => "the event is too long",
            Self::TooManyEvents => "the call has too many events",
            Self::InputForwarded => "the input was forwarded and is gone",
            Self::ReentranceDenied => "the called contract does not allow to be called again",
            Self::CallDepthExceeded => "contracts call each other too deep",
            Self::DuplicateContract => "a contract with this address exists",
            Self::TerminationDenied => "the contract cannot be removed now",
            Self::LimitReached => "a limit of the contract is reached",
            Self::ExtensionUnknown => "there is no such chain extension",
            Self::NotAvailable => "the host function is not available in this network",
            Self::TimedOut => "the query took too long",
            Self::ContractNotFound => "there is no such contract",
            Self::CodeNotFound => "there is no code with this hash",
            Self::TransferFailed => "the payment is not possible",
            Self::DepositLimitReached => "the limit of the storage deposit is reached",
            Self::DepositNotPayable => "the storage deposit cannot be paid",
            Self::TransientStorageFull => "the transient storage is full",
            Self::DelegateDependencyOnSelf => "a contract cannot depend on its own code",
            Self::DelegateDependencyExists => "the contract depends on this code already",
            Self::DelegateDependencyMissing => "the contract does not depend on this code",
            Self::TooManyDelegateDependencies => "the contract depends on too many codes",
            Self::HostFault => "the host failed",
        })
    }
}

impl core::error::Error for Trap {}
