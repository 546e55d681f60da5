// SPDX-License-Identifier: Apache-2.0
//! The contract's world, as the engine sees it.
//!
//! The engine checks lengths, charges gas and refuses changes in read-only calls *before* it asks the host. The host
//! decides what the engine cannot know: balances, depth, reentrancy, quotas, and what is undone when a frame fails.

use codec::{Decode, Encode};

use crate::Trap;
use crate::engine::Return;

/// An account id.
pub type AccountBytes = [u8; 32];
/// A code hash: BLAKE2b-256 of the uploaded WebAssembly.
pub type HashBytes = [u8; 32];
/// An amount of the native token, in its smallest unit.
pub type Balance = u128;

/// The world of one frame: one contract in one call.
///
/// A nested call makes a new frame: the host runs it (through [`crate::Engine::run`] with a host of its own) and reports.
pub trait Host {
    /// Reads a value of the contract's storage.
    ///
    /// # Errors
    /// [`HostError`], here and in every other method.
    fn storage(&mut self, key: &StorageKey) -> Result<Option<Vec<u8>>, HostError>;

    /// Writes or, with `None`, removes a value, and returns the length of the value that was there before.
    fn set_storage(&mut self, key: &StorageKey, value: Option<Vec<u8>>) -> Result<Option<u32>, HostError>;

    /// Reads a value that lives as long as the outermost call.
    fn transient_storage(&mut self, key: &StorageKey) -> Result<Option<Vec<u8>>, HostError>;

    /// Writes or, with `None`, removes such a value, and returns the value that was there before.
    fn set_transient_storage(
        &mut self,
        key: &StorageKey,
        value: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, HostError>;

    /// What the contract can spend and still exist.
    fn balance(&mut self) -> Result<Balance, HostError>;

    /// Pays from the contract's balance.
    fn transfer(&mut self, to: &AccountBytes, amount: Balance) -> Result<Payment, HostError>;

    /// Keeps an event. Events of a frame that fails are dropped with its other changes.
    fn deposit_event(&mut self, event: Event) -> Result<(), HostError>;

    /// Takes a debug message, which is private. The contract does not learn whether anybody keeps it.
    fn debug_message(&mut self, text: &str);

    /// The code hash of a contract, or nothing if the account is not a contract.
    fn code_hash(&mut self, account: &AccountBytes) -> Result<Option<HashBytes>, HostError>;

    /// The code hash of the contract itself, which has one in its constructor already.
    fn own_code_hash(&mut self) -> Result<HashBytes, HostError>;

    /// Gives the contract other code, from its next call on.
    fn set_code_hash(&mut self, code_hash: &HashBytes) -> Result<CodeChange, HostError>;

    /// Keeps a code from being removed while the contract depends on it.
    ///
    /// # Errors
    /// [`HostError::Denied`] if the contract cannot depend on it.
    fn lock_delegate_dependency(&mut self, code_hash: &HashBytes) -> Result<(), HostError>;

    /// Gives a dependency up.
    ///
    /// # Errors
    /// [`HostError::Denied`] if there is none.
    fn unlock_delegate_dependency(&mut self, code_hash: &HashBytes) -> Result<(), HostError>;

    /// Calls another contract.
    fn call(&mut self, request: CallRequest) -> Result<FrameOutcome, HostError>;

    /// Runs other code on this contract's storage, as this contract and with this call's context.
    fn delegate_call(&mut self, request: DelegateRequest) -> Result<FrameOutcome, HostError>;

    /// Makes a new contract.
    fn instantiate(&mut self, request: InstantiateRequest) -> Result<Instantiation, HostError>;

    /// A number that is different in each instantiation, for unique salts.
    fn instantiation_nonce(&mut self) -> Result<u64, HostError>;

    /// How many frames of an account are on the stack, delegations apart.
    fn entrances(&mut self, account: &AccountBytes) -> Result<u32, HostError>;

    /// How many entries of the state the end of the contract removes or changes, so that its price is known before.
    fn items_to_remove(&mut self) -> Result<u64, HostError>;

    /// Removes the contract and pays what it owns to the beneficiary. The call ends after it, successfully.
    ///
    /// # Errors
    /// [`HostError::TerminationDenied`] while the contract is on the stack more than once or still being deployed.
    fn terminate(&mut self, beneficiary: &AccountBytes) -> Result<(), HostError>;

    /// What an amount of gas costs.
    fn weight_to_fee(&self, gas: u64) -> Balance;

    /// Serves a function beyond the interface: `id` is `extension << 16 | function`.
    ///
    /// A world without extensions keeps this default, and a contract that calls one traps.
    fn chain_extension(
        &mut self,
        id: u32,
        input: &[u8],
        gas_limit: u64,
    ) -> Result<ExtensionReply, HostError> {
        let _ = (id, input, gas_limit);
        Err(HostError::ExtensionUnknown)
    }
}

/// The name of a value in a contract's storage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum StorageKey {
    /// A key of the oldest functions. It names another value than the same bytes as a variable key.
    #[codec(index = 0)]
    Fixed([u8; 32]),
    /// At most [`crate::abi::MAX_KEY_BYTES`].
    #[codec(index = 1)]
    Variable(Vec<u8>),
}

impl StorageKey {
    /// The bytes that the contract gave.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Variable(bytes) => bytes,
        }
    }
}

/// Why the host gave no answer. Each ends the calling contract with the trap of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// A quota of this contract is used up, such as the size of its storage. Deterministic.
    LimitReached,
    /// The contract cannot be removed now. Deterministic.
    TerminationDenied,
    /// There is no such chain extension. Deterministic.
    ExtensionUnknown,
    /// The contract traps with this. Deterministic.
    Denied(Trap),
    /// The world itself is broken (storage that does not fit its root, say). The execution has no outcome: the caller
    /// must drop it and halt.
    Fault,
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

/// Whether a payment was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// It was made.
    Done,
    /// The balance does not allow it.
    Refused,
}

/// Whether a contract has other code now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeChange {
    /// It has.
    Done,
    /// There is no code with this hash.
    CodeNotFound,
}

/// What a contract tells the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// At most [`crate::limits::EVENT_TOPICS_MAX`], the first one being the hash of the event's signature.
    pub topics: Vec<HashBytes>,
    /// The encoded event, at most [`crate::limits::EVENT_BYTES_MAX`] long.
    pub data: Vec<u8>,
}

/// A call of another contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRequest {
    /// The contract to call.
    pub callee: AccountBytes,
    /// What to pay with the call. Zero if the frame is read-only.
    pub value: Balance,
    /// Selector and arguments.
    pub input: Vec<u8>,
    /// The most gas that the callee may use. Never more than what this frame has left.
    pub gas_limit: u64,
    /// Whether the callee may call this contract again.
    pub allow_reentry: bool,
    /// Whether the callee, and whomever it calls, must not change state.
    pub read_only: bool,
    /// The most that may be held for what the callee stores. Zero stands for all that is left to this frame.
    pub deposit_limit: Balance,
}

/// A call of other code on this contract's storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegateRequest {
    /// The code to run.
    pub code_hash: HashBytes,
    /// Selector and arguments.
    pub input: Vec<u8>,
    /// The most gas that the code may use: what this frame has left.
    pub gas_limit: u64,
}

/// A new contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstantiateRequest {
    /// Its code, which must have been uploaded.
    pub code_hash: HashBytes,
    /// What it gets to begin with.
    pub value: Balance,
    /// Constructor and arguments.
    pub input: Vec<u8>,
    /// Makes its address different from that of a twin.
    pub salt: Vec<u8>,
    /// The most gas that its constructor may use.
    pub gas_limit: u64,
    /// The most that may be held for it and for what its constructor stores. Zero stands for all that is left to this frame.
    pub deposit_limit: Balance,
}

/// What came of a nested frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameOutcome {
    /// The callee's answer, or why there is none.
    pub result: Result<Return, FrameError>,
    /// The gas that the frame used. The engine takes it from the caller's.
    pub gas_used: u64,
}

/// What came of making a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instantiation {
    /// Where the contract is. Only looked at when the constructor succeeded.
    pub address: AccountBytes,
    /// What its constructor answered.
    pub outcome: FrameOutcome,
}

/// Why a nested frame has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It ran and trapped. The caller sees `CalleeTrapped`.
    Trapped,
    /// Its value could not be paid. The caller sees `TransferFailed`.
    TransferFailed,
    /// There is no such code. The caller sees `CodeNotFound`.
    CodeNotFound,
    /// The account is not a contract. The caller sees `NotCallable`.
    NotCallable,
    /// The callee is on the stack and did not allow it. The *caller* traps with [`crate::Trap::ReentranceDenied`].
    ReentranceDenied,
    /// The stack of frames is full. The *caller* traps with [`crate::Trap::CallDepthExceeded`].
    DepthExceeded,
    /// A contract with this address exists. The *caller* traps with [`crate::Trap::DuplicateContract`].
    DuplicateContract,
    /// The frame could not begin, or what it did cannot stand. The *caller* traps with this.
    Denied(Trap),
}

/// What a chain extension answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionReply {
    /// The function's own status, which the contract reads.
    pub status: u32,
    /// The output, at most [`crate::limits::PAYLOAD_BYTES_MAX`] long.
    pub output: Vec<u8>,
    /// The gas that the function used, beyond what the engine charged for the call.
    pub gas_used: u64,
}
