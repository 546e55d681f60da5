// SPDX-License-Identifier: Apache-2.0
//! The call: what goes in, what comes out, and the trait behind which an engine is.

use codec::{Decode, Encode};
use phala_types::code::CodeRefusal;

use crate::Trap;
use crate::abi::RETURN_REVERT;
use crate::host::{AccountBytes, Balance, Host};

/// An engine admits code and runs calls of it.
///
/// Two engines may differ in speed, never in an [`Execution`].
pub trait Engine {
    /// Code that was admitted and compiled. Cheap to clone, and good for this engine only.
    type Artifact: Clone + Send + Sync + 'static;

    /// Checks and compiles a contract. Takes milliseconds: do it once per code and keep the artifact.
    ///
    /// # Errors
    /// [`CodeRefusal`] names the first rule that the code breaks.
    fn prepare(&self, wasm: &[u8]) -> Result<Self::Artifact, CodeRefusal>;

    /// This engine for calls that may take so many ticks of its clock ([`Engine::tick`]) from now on, all together: one that
    /// takes longer ends with [`Trap::TimedOut`].
    ///
    /// When that happens depends on the machine, so it is for queries, whose outcomes nobody else has to agree with. An
    /// engine without a clock lets gas alone bound them.
    #[must_use]
    fn with_patience(&self, ticks: u64) -> Self
    where
        Self: Sized;

    /// Moves the engine's clock on. Called now and then by who has a clock, from any thread.
    fn tick(&self);

    /// Runs one call in a fresh instance. Takes microseconds, and the gas bounds how many.
    ///
    /// It does not undo the host's changes when the call traps or reverts: the host does, by [`Execution::is_success`].
    fn run(&self, artifact: &Self::Artifact, call: Call<'_>, host: &mut dyn Host) -> Execution;
}

/// One call of one contract.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Which of the two exports.
    pub entry: Entry,
    /// Selector and arguments. No longer than [`crate::limits::PAYLOAD_BYTES_MAX`], else the call ends with
    /// [`Trap::InputTooLong`].
    pub input: &'a [u8],
    /// The most gas that the call and all that it calls may use.
    pub gas_limit: u64,
    /// The facts that do not change during the call.
    pub context: &'a Context,
}

/// Which export of the contract a call enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// `deploy`: runs once, when the contract is made.
    #[codec(index = 0)]
    Deploy,
    /// `call`: every message.
    #[codec(index = 1)]
    Call,
}

/// The facts about a call that do not change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Who calls: in a command the account that signed inside the ciphertext, in a query the certificate's account,
    /// in a nested call the calling contract.
    pub caller: AccountBytes,
    /// Whether the caller is the account that started the whole call, and not a contract on the way.
    pub caller_is_origin: bool,
    /// The contract's own account.
    pub address: AccountBytes,
    /// What was paid with this call. The host has moved it already.
    pub value: Balance,
    /// The height of the finalized block that ordered this call.
    pub block_number: u32,
    /// That block's time in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// Whether every change of state traps: queries, and nested calls that were made read-only.
    pub read_only: bool,
    /// The least balance with which an account exists.
    pub minimum_balance: Balance,
}

/// What one call did.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Execution {
    /// The contract's answer, or why there is none.
    pub result: Result<Return, Trap>,
    /// The gas that was used, nested calls included. Never more than the limit.
    pub gas_used: u64,
}

impl Execution {
    /// Whether the changes of this call stand: it neither trapped nor reverted.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(&self.result, Ok(answer) if !answer.is_revert())
    }
}

/// A contract's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Return {
    /// Bit 0: the contract asks to undo its changes. Other bits are zero.
    pub flags: u32,
    /// The output. No longer than [`crate::limits::PAYLOAD_BYTES_MAX`].
    pub data: Vec<u8>,
}

impl Return {
    /// Whether the contract asks to undo its changes.
    #[must_use]
    pub fn is_revert(&self) -> bool {
        self.flags & RETURN_REVERT != 0
    }
}
