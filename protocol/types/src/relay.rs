//! What the relay hands to its worker, and what it gets back. The relay is untrusted: it may lie, delay, drop,
//! replay and reorder; all of it is verified inside.

use crate::{
    AccountId, BlockRef, Bytes, ClusterId, GenesisHash, List, MessageNumber, WorkerId,
    account::WorkerSignature,
    cluster::Checkpoint,
    finality::{FinalityProof, GenesisProof, StorageProof},
    limits::{DELIVERY_MESSAGES_MAX, ENDPOINT_BYTES_MAX, EVIDENCE_BYTES_MAX},
    mailbox::{Message, Tip},
    worker::{Registration, Tier},
};
use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// From the relay.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum RelayInput {
    /// Which network, once in a worker's life.
    #[codec(index = 0)]
    Genesis(GenesisProof),
    /// Asks for a registration and evidence for it, anchored at the worker's head.
    #[codec(index = 1)]
    Register {
        /// The operator's account.
        operator: AccountId,
        /// The worker's public URL.
        endpoint: Bytes<ENDPOINT_BYTES_MAX>,
    },
    /// A finalized block, and, if it is not only a step to a later one, the worker's storage items at it
    /// (`phala_light::keys::worker_view`).
    #[codec(index = 2)]
    Finality {
        /// The block.
        proof: FinalityProof,
        /// The items.
        view: Option<StorageProof>,
    },
    /// Messages of the worker's cluster's topic.
    #[codec(index = 3)]
    Messages(List<Message, DELIVERY_MESSAGES_MAX>),
}

/// To the relay.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct RelayOutput {
    /// Where the worker stands now.
    pub status: WorkerStatus,
    /// What the input came to.
    pub result: Result<Accepted, InputError>,
}

/// An input that was taken.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Accepted {
    /// Nothing to hand on.
    #[codec(index = 0)]
    Done,
    /// To be submitted to the chain by the operator.
    #[codec(index = 1)]
    Registration {
        /// The registration.
        registration: Registration,
        /// Evidence for it.
        evidence: Bytes<EVIDENCE_BYTES_MAX>,
    },
    /// To be submitted to the chain by anyone.
    #[codec(index = 2)]
    Checkpoint {
        /// The checkpoint.
        checkpoint: Checkpoint,
        /// The worker's signature.
        signature: WorkerSignature,
    },
}

/// Where a worker stands. Public.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
pub struct WorkerStatus {
    /// Its id.
    pub worker: WorkerId,
    /// How it can be attested.
    pub tier: Tier,
    /// What it does.
    pub phase: Phase,
    /// Its network, once it knows one.
    pub genesis: Option<GenesisHash>,
    /// The newest finalized block that it verified.
    pub head: Option<BlockRef>,
    /// Whether the chain at `head` lists it as registered.
    pub registered: bool,
    /// Its cluster, as the chain at `head` says.
    pub cluster: Option<ClusterId>,
    /// The tip of the cluster's topic that it verified.
    pub target: Option<Tip>,
    /// How many messages it executed.
    pub position: MessageNumber,
    /// The number of the next message that it wants: ahead of `position` while a backlog is being delivered.
    pub wanted: MessageNumber,
    /// Inputs of the relay that it refused since it started.
    pub refused_inputs: u64,
}

/// What a worker does.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Knows no network yet.
    #[codec(index = 0)]
    New,
    /// Follows the chain; is not in a cluster, or has not caught up.
    #[codec(index = 1)]
    Syncing,
    /// Answers queries.
    #[codec(index = 2)]
    Serving,
    /// Stopped itself for good, and answers only its status.
    #[codec(index = 3)]
    Halted(HaltReason),
}

/// Why a worker stopped itself.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum HaltReason {
    /// Its records on disk are older than what it signed on the chain.
    #[codec(index = 0)]
    RolledBack,
    /// Its state is not the one that its cluster certified for the same messages.
    #[codec(index = 1)]
    Diverged,
    /// An invariant of its own does not hold.
    #[codec(index = 2)]
    Bug,
}

impl core::fmt::Display for HaltReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::RolledBack => {
                "the worker's files are older than what it signed on the chain: somebody restored an old copy. \
                 Put the newest copy back, or start with an empty folder, which makes a new worker"
            }
            Self::Diverged => {
                "the worker's state differs from the one that its cluster certified for the same messages. \
                 Keep its folder for the developers, and start a new worker with an empty one"
            }
            Self::Bug => {
                "an invariant of the worker does not hold, so it stopped rather than guess. \
                 Keep its folder for the developers, and restart it"
            }
        })
    }
}

/// Why a worker did not take an input. Nothing is changed by an input that was not taken.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
pub struct InputError {
    /// Whose fault it is, and so what to do.
    pub blame: Blame,
    /// The error's name and, for public values, what was expected.
    pub text: String,
}

/// Whose fault an error is.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// It does not decode, or is over a limit.
    #[codec(index = 0)]
    Malformed,
    /// It decodes, but does not verify.
    #[codec(index = 1)]
    Rejected,
    /// It may be right, but comes too early, too late or to the wrong worker: look at the status and go on.
    #[codec(index = 2)]
    OutOfOrder,
    /// The worker stopped itself.
    #[codec(index = 3)]
    Halted,
}
