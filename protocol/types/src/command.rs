//! What a user asks a contract to do, and what came of it.

use crate::{
    AccountId, Amount, Bytes, ClusterId, CodeHash, ContractId, Gas, List,
    account::{Signature, Signer},
    code::CodeRefusal,
    limits::{EVENT_BYTES_MAX, EVENT_TOPICS_MAX, EVENTS_MAX, LOG_LINES_MAX, PAYLOAD_BYTES_MAX},
    log::LogLine,
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::Serialize;

/// What the contract is to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Action {
    /// The constructor, once.
    #[codec(index = 0)]
    Instantiate {
        /// Of this code, which must be what the chain says.
        code_hash: CodeHash,
    },
    /// A message.
    #[codec(index = 1)]
    Call,
}

/// The plaintext of a command.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Command {
    /// The cluster, so that a command cannot be moved to another one.
    pub cluster: ClusterId,
    /// The contract, so that a command cannot be moved to another one.
    pub contract: ContractId,
    /// On whose authority. The contract sees this account as its caller.
    pub signer: Signer,
    /// Higher than in any earlier command of this signer in this cluster: a replayed command is refused.
    pub sequence: u64,
    /// What to run.
    pub action: Action,
    /// PHA to move from the caller to the contract.
    pub value: Amount,
    /// The most gas to spend.
    pub gas_limit: Gas,
    /// The most PHA to put down for storage. `None` stands for what the caller has.
    pub deposit_limit: Option<Amount>,
    /// SCALE: the 4-byte selector, then the arguments.
    pub input: Bytes<PAYLOAD_BYTES_MAX>,
}

/// A command and its signer's signature over [`crate::tag::Tag::COMMAND`], the genesis hash and the command.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SignedCommand {
    /// The command.
    pub command: Command,
    /// The signature. Not verified.
    pub signature: Signature,
}

/// An event of a contract. Confidential as the contract's state is.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Event {
    /// Which contract.
    pub contract: ContractId,
    /// What it can be found by.
    pub topics: List<[u8; 32], EVENT_TOPICS_MAX>,
    /// SCALE of the event.
    pub data: Bytes<EVENT_BYTES_MAX>,
}

/// What came of one message of a cluster's topic: the same on every replica, forever.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Outcome {
    /// Nothing was run and nothing changed.
    #[codec(index = 0)]
    Rejected(Rejection),
    /// Code passed validation and can be deployed.
    #[codec(index = 1)]
    CodeStored(CodeHash),
    /// A contract ran.
    #[codec(index = 2)]
    Executed(Execution),
    /// Code is gone, and may be uploaded again.
    #[codec(index = 3)]
    CodeRemoved(CodeHash),
}

/// Why a message was not run.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Rejection {
    /// The envelope is not the SCALE of one, or of another version, network, recipient or key.
    #[codec(index = 0)]
    MalformedEnvelope,
    /// The ciphertext does not open under the recipient's key.
    #[codec(index = 1)]
    ForeignCiphertext,
    /// The envelope names a key version that the cluster does not have.
    #[codec(index = 2)]
    UnknownKeyVersion,
    /// What was sealed is not the SCALE of a command, or is not padded as it must be.
    #[codec(index = 3)]
    MalformedCommand,
    /// The signature is not the signer's.
    #[codec(index = 4)]
    BadSignature,
    /// The command is for another contract, cluster or action than the message that carries it.
    #[codec(index = 5)]
    Misdirected,
    /// The sequence is not higher than the signer's last: a replay, or sent out of order.
    #[codec(index = 6)]
    Replayed,
    /// There is no such contract in this cluster.
    #[codec(index = 7)]
    UnknownContract,
    /// There is no such code in this cluster.
    #[codec(index = 8)]
    UnknownCode,
    /// The contract exists already.
    #[codec(index = 9)]
    ContractExists,
    /// The signer has less PHA in this cluster than the command is to move.
    #[codec(index = 10)]
    InsufficientBalance,
    /// The gas limit is over [`crate::limits::CALL_GAS_MAX`].
    #[codec(index = 11)]
    GasLimitTooHigh,
    /// The code breaks a rule.
    #[codec(index = 12)]
    InvalidCode(CodeRefusal),
    /// So many contracts run the code or depend on it: it stays.
    #[codec(index = 13)]
    CodeInUse(u64),
}

/// A contract's run.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Execution {
    /// The contract.
    pub contract: ContractId,
    /// Who called it, and who may read this.
    pub caller: AccountId,
    /// How it ended. State changes only if it [`Ended::Returned`] without the revert flag.
    pub ended: Ended,
    /// Gas spent.
    pub gas_used: Gas,
    /// What the caller put down for storage, or got back. Nothing unless the changes were kept.
    pub deposit: Deposit,
    /// What the contract announced. Empty unless its changes were kept.
    pub events: List<Event, EVENTS_MAX>,
    /// What contracts wrote for those who look for errors, also when they failed.
    pub logs: List<LogLine, LOG_LINES_MAX>,
}

/// PHA that is held on an account while it keeps something in contracts' storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deposit {
    /// So much more is held.
    #[codec(index = 0)]
    Charged(Amount),
    /// So much less is held.
    #[codec(index = 1)]
    Refunded(Amount),
}

impl Execution {
    /// Whether the contract's changes were kept.
    pub fn is_committed(&self) -> bool {
        matches!(&self.ended, Ended::Returned { flags, .. } if flags & FLAG_REVERT == 0)
    }
}

/// The bit of a contract's return flags that undoes its changes, as in the seal ABI.
pub const FLAG_REVERT: u32 = 1;

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Ended {
    /// The contract returned.
    #[codec(index = 0)]
    Returned {
        /// [`FLAG_REVERT`] or none.
        flags: u32,
        /// SCALE of what it returned.
        data: Bytes<PAYLOAD_BYTES_MAX>,
    },
    /// The contract was stopped: the number is [`crate::trap::Trap::code`].
    #[codec(index = 1)]
    Trapped(u8),
}
