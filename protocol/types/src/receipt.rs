//! What a worker answers for: which contract, which code, at which height of the chain, in which state.

use crate::{
    BlockRef, ClusterId, CodeHash, ContractId, Digest, GenesisHash, KeyVersion, MessageNumber, Nonce,
    StateRoot, WorkerId, account::WorkerSignature, worker::Tier,
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A worker's word on one answer. Signed with [`crate::tag::Tag::RECEIPT`].
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
pub struct Receipt {
    /// The network.
    pub genesis: GenesisHash,
    /// How the worker is attested. [`Tier::Simulated`] promises nothing.
    pub tier: Tier,
    /// The worker.
    pub worker: WorkerId,
    /// BLAKE2b-256 of the evidence that the worker registered with.
    pub attestation: Digest,
    /// The newest finalized block that the worker had verified.
    pub head: BlockRef,
    /// The worker's cluster.
    pub cluster: ClusterId,
    /// How many messages of the cluster's topic were executed.
    pub position: MessageNumber,
    /// The contract, or `None` for [`Subject::Upload`].
    pub contract: Option<ContractId>,
    /// Its code, or `None` if there is no such contract, as after a failed deployment.
    pub code_hash: Option<CodeHash>,
    /// The cluster's state after `position` messages.
    pub state_root: StateRoot,
    /// The generation of the contract's keys.
    pub key_version: KeyVersion,
    /// The query's nonce.
    pub nonce: Nonce,
    /// What was answered.
    pub subject: Subject,
}

/// What a receipt is for.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A call whose changes were not kept.
    #[codec(index = 0)]
    Query {
        /// [`crate::tag::Tag::QUERY_DIGEST`] over the question.
        question: Digest,
        /// [`crate::tag::Tag::OUTCOME_DIGEST`] over the answer.
        answer: Digest,
    },
    /// A command that was executed.
    #[codec(index = 1)]
    Command {
        /// Its number.
        number: MessageNumber,
        /// The tip of the topic right after it: it commits to the message and to all before it.
        tip: Digest,
        /// [`crate::tag::Tag::OUTCOME_DIGEST`] over the outcome.
        outcome: Digest,
    },
    /// An upload that was executed.
    #[codec(index = 2)]
    Upload {
        /// The code.
        code_hash: CodeHash,
        /// The message's number.
        number: MessageNumber,
        /// The tip of the topic right after it: it commits to the message and to all before it.
        tip: Digest,
        /// [`crate::tag::Tag::OUTCOME_DIGEST`] over the outcome.
        outcome: Digest,
    },
}

/// A receipt and its worker's signature.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
pub struct SignedReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// The signature. Not verified.
    pub signature: WorkerSignature,
}
