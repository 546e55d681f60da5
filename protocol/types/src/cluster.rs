//! What the chain says to a cluster, what it records of a contract, and what a worker reports back.

use crate::{
    AccountId, BlockNumber, Bytes, ClusterId, CodeHash, ContractId, MessageNumber, StateRoot,
    limits::{CODE_BYTES_MAX, ENVELOPE_BYTES_MAX, SALT_BYTES_MAX},
    tag::Tag,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A message to a cluster. The chain checks its sizes and nothing else of what is sealed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ClusterMessage {
    /// New code for contracts. Public, since everyone may check what runs.
    #[codec(index = 0)]
    CodeUploaded {
        /// The WebAssembly. Its BLAKE2b-256 is its name; the workers validate it.
        code: Bytes<CODE_BYTES_MAX>,
    },
    /// A contract is to be instantiated.
    #[codec(index = 1)]
    ContractDeployed {
        /// Its id, from [`contract_id`].
        contract: ContractId,
        /// Its code.
        code_hash: CodeHash,
        /// SCALE of an [`crate::envelope::Envelope`] with the constructor's call.
        envelope: Bytes<ENVELOPE_BYTES_MAX>,
    },
    /// A user's command for a contract.
    #[codec(index = 2)]
    Command {
        /// For which contract.
        contract: ContractId,
        /// SCALE of an [`crate::envelope::Envelope`] with the call.
        envelope: Bytes<ENVELOPE_BYTES_MAX>,
    },
    /// Code's owner wants it gone. Workers keep it while contracts need it.
    #[codec(index = 3)]
    CodeRemoved {
        /// The code.
        code_hash: CodeHash,
    },
}

/// What the chain records of a contract, so that anyone can check which code an answer came from.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct ContractRecord {
    /// Where it lives.
    pub cluster: ClusterId,
    /// Its code.
    pub code_hash: CodeHash,
    /// The account that deployed it and paid for it.
    pub owner: AccountId,
}

/// The id of a contract that `owner` deploys. It is known before the deployment, so that the constructor's
/// arguments can be sealed to the contract itself.
pub fn contract_id(
    cluster: ClusterId,
    owner: &AccountId,
    code_hash: &CodeHash,
    salt: &Bytes<SALT_BYTES_MAX>,
) -> ContractId {
    ContractId::new(Tag::CONTRACT_ID.digest(&(cluster, owner, code_hash, salt)))
}

/// The name of code: BLAKE2b-256, as in the bundles of this ecosystem.
pub fn code_hash(code: &[u8]) -> CodeHash {
    CodeHash::new(sp_crypto_hashing::blake2_256(code))
}

/// A worker's word on a cluster's state after a number of messages. Signed with [`Tag::CHECKPOINT`].
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Checkpoint {
    /// Which cluster.
    pub cluster: ClusterId,
    /// How many messages were executed.
    pub position: MessageNumber,
    /// The finalized block up to which the worker had read the topic.
    pub block: BlockNumber,
    /// The state after them.
    pub state_root: StateRoot,
}
