//! What a light client is fed: headers, justifications and storage proofs, as a node gives them out.

use crate::{
    Bytes, List,
    limits::{
        HANDOFFS_MAX, HEADER_BYTES_MAX, JUSTIFICATION_BYTES_MAX, PROOF_NODE_BYTES_MAX, PROOF_NODES_MAX,
    },
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// A block that is claimed to be finalized.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct FinalityProof {
    /// SCALE of the header.
    pub header: Bytes<HEADER_BYTES_MAX>,
    /// SCALE of the GRANDPA justification that has the header's block as its target.
    pub justification: Bytes<JUSTIFICATION_BYTES_MAX>,
}

/// Trie nodes that prove some values, and the absence of others, against a state root.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct StorageProof {
    /// In any order.
    pub nodes: List<Bytes<PROOF_NODE_BYTES_MAX>, PROOF_NODES_MAX>,
}

/// Where a light client begins: block 0 and, proven against it, the first authorities.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct GenesisProof {
    /// SCALE of the header of block 0.
    pub header: Bytes<HEADER_BYTES_MAX>,
    /// Of [`crate::storage::GRANDPA_AUTHORITIES`].
    pub authorities: StorageProof,
}

/// All that it takes to verify a header from nothing but the genesis hash.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ChainProof {
    /// The beginning.
    pub genesis: GenesisProof,
    /// One proof per change of the authorities, in their order.
    pub handoffs: List<FinalityProof, HANDOFFS_MAX>,
    /// The header in question.
    pub head: FinalityProof,
}
