//! A block's header: its hash, its state root and what it says of the authorities.

use crate::{LightError, grandpa::AuthorityList};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use phala_types::{BlockHash, BlockNumber, decode_exact};

/// A header as `sp_runtime::generic::Header<u32, BlakeTwo256>` encodes it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Header {
    /// The hash of the block before.
    pub parent: BlockHash,
    /// The height.
    #[codec(compact)]
    pub number: u32,
    /// The root of the storage trie after the block.
    pub state_root: [u8; 32],
    /// The root of the trie of its extrinsics.
    pub extrinsics_root: [u8; 32],
    /// What author, consensus and runtime add.
    pub digest: Vec<DigestItem>,
}

/// An item of a digest, as `sp_runtime::generic::DigestItem` encodes it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum DigestItem {
    /// Anything else.
    #[codec(index = 0)]
    Other(Vec<u8>),
    /// From the runtime to a consensus engine.
    #[codec(index = 4)]
    Consensus([u8; 4], Vec<u8>),
    /// The author's signature.
    #[codec(index = 5)]
    Seal([u8; 4], Vec<u8>),
    /// From a consensus engine to the runtime.
    #[codec(index = 6)]
    PreRuntime([u8; 4], Vec<u8>),
    /// The runtime was replaced.
    #[codec(index = 8)]
    RuntimeEnvironmentUpdated,
}

/// `GRANDPA_ENGINE_ID` of `sp-consensus-grandpa`.
pub(crate) const GRANDPA: [u8; 4] = *b"FRNK";

/// What the runtime tells GRANDPA, as `sp_consensus_grandpa::ConsensusLog` encodes it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum GrandpaLog {
    #[codec(index = 1)]
    ScheduledChange(Change),
    #[codec(index = 2)]
    ForcedChange(u32, Change),
    /// Has no effect on finality, here and in the node. So have the two that follow.
    #[codec(index = 3)]
    OnDisabled(u64),
    #[codec(index = 4)]
    Pause(u32),
    #[codec(index = 5)]
    Resume(u32),
}

/// Who is to finalize next.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Change {
    pub authorities: AuthorityList,
    /// After how many blocks.
    pub delay: u32,
}

impl Header {
    /// Decodes a header and nothing more.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, LightError> {
        decode_exact(bytes).map_err(|_| LightError::MalformedHeader)
    }

    /// Its height.
    pub(crate) fn number(&self) -> BlockNumber {
        BlockNumber::new(self.number)
    }

    /// Its hash. SCALE has one encoding for a value, so this is the hash of the bytes that it was read from.
    pub fn hash(&self) -> BlockHash {
        self.using_encoded(hash_of)
    }

    /// The authorities after this block, if it changes them. The first change of a block counts, as in the node. An
    /// item that does not decode is an error here, where the node looks past it: the runtime makes none.
    pub(crate) fn change(&self) -> Result<Option<AuthorityList>, LightError> {
        let mut scheduled = None;
        for item in &self.digest {
            let DigestItem::Consensus(GRANDPA, bytes) = item else { continue };
            match decode_exact(bytes).map_err(|_| LightError::MalformedDigest)? {
                GrandpaLog::ForcedChange(..) => return Err(LightError::ForcedChange),
                GrandpaLog::ScheduledChange(change) => scheduled = scheduled.or(Some(change)),
                GrandpaLog::OnDisabled(_) | GrandpaLog::Pause(_) | GrandpaLog::Resume(_) => {}
            }
        }
        match scheduled {
            Some(change) if change.delay != 0 => Err(LightError::DelayedChange),
            change => Ok(change.map(|change| change.authorities)),
        }
    }
}

/// A block's hash: BLAKE2b-256 of its encoded header.
pub(crate) fn hash_of(header: &[u8]) -> BlockHash {
    BlockHash::new(sp_crypto_hashing::blake2_256(header))
}
