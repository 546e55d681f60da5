//! How a worker registers, and what the chain records of it.

use crate::{
    AccountId, BlockNumber, BlockRef, Bytes, Digest, GenesisHash, WorkerId, limits::ENDPOINT_BYTES_MAX,
    tag::Tag,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// How strongly a worker is attested. A tier is a kind, not a level: no policy compares them.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// No TEE at all: the operator sees everything. Only a development network admits it.
    #[codec(index = 0)]
    Simulated,
}

impl core::fmt::Display for Tier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Simulated => f.write_str("SIMULATED (no TEE: its operator can read everything)"),
        }
    }
}

/// What a worker's evidence vouches for.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Registration {
    /// The network.
    pub genesis: GenesisHash,
    /// Its signing key.
    pub worker: WorkerId,
    /// Its HPKE key: X25519.
    pub hpke_key: [u8; 32],
    /// The account that may register it and answers for it.
    pub operator: AccountId,
    /// Its public URL: where clients send queries. Not attested to be reachable.
    pub endpoint: Bytes<ENDPOINT_BYTES_MAX>,
    /// A recent finalized block: it dates the evidence.
    pub anchor: BlockRef,
}

impl Registration {
    /// What `report_data` holds the SHA-512 of: the tag, the genesis hash and the registration.
    pub fn report_preimage(&self) -> Vec<u8> {
        Tag::REGISTRATION.preimage(&self.genesis, self)
    }
}

/// What the chain records of a worker.
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
pub struct WorkerRecord {
    /// Its HPKE key: X25519.
    pub hpke_key: [u8; 32],
    /// Who answers for it.
    pub operator: AccountId,
    /// Its public URL in UTF-8.
    pub endpoint: Bytes<ENDPOINT_BYTES_MAX>,
    /// How it is attested.
    pub tier: Tier,
    /// The measurement of the program: MRENCLAVE or its like.
    pub measurement: Digest,
    /// BLAKE2b-256 of the evidence.
    pub attestation: Digest,
    /// When it registered.
    pub registered_at: BlockNumber,
    /// The last block at which the registration is valid.
    pub expires_at: BlockNumber,
}
