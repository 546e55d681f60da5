//! How a worker registers, and what the chain records of it.

use crate::{
    AccountId, BlockNumber, BlockRef, Bytes, Digest, GenesisHash, WorkerId, limits::ENDPOINT_BYTES_MAX,
    tag::Tag,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What attests a worker. A tier is a kind, not a level: no policy compares them.
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
    /// An enclave of Intel SGX, by a DCAP quote.
    #[codec(index = 1)]
    IntelSgx,
    /// A virtual machine of Intel TDX, by a DCAP quote.
    #[codec(index = 2)]
    IntelTdx,
    /// A virtual machine of AMD SEV-SNP.
    #[codec(index = 3)]
    AmdSevSnp,
    /// An enclave of AWS Nitro. AWS itself is the root of trust.
    #[codec(index = 4)]
    AwsNitro,
}

impl Tier {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Simulated, Self::IntelSgx, Self::IntelTdx, Self::AmdSevSnp, Self::AwsNitro];
}

impl core::fmt::Display for Tier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Simulated => "SIMULATED (no TEE: its operator can read everything)",
            Self::IntelSgx => "Intel SGX",
            Self::IntelTdx => "Intel TDX",
            Self::AmdSevSnp => "AMD SEV-SNP",
            Self::AwsNitro => "AWS Nitro",
        })
    }
}

/// What a worker is registered for. Each role has a policy of its own.
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
pub enum Role {
    /// Executes contracts.
    #[codec(index = 0)]
    Miner,
    /// Holds a share of the network's secret.
    #[codec(index = 1)]
    Gatekeeper,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Miner, Self::Gatekeeper];
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Miner => "miner",
            Self::Gatekeeper => "gatekeeper",
        })
    }
}

/// How the chain names a machine: a hash of the name that its evidence gives it, under the network's genesis hash.
///
/// It hides the machine from whoever looks at the chain's state alone, and keeps two networks' records from being matched.
/// It does not hide it from who knows the vendor's name of the machine (its operator, its vendor, whoever has seen
/// other evidence of it), nor from who reads the evidence in the blocks: each can compute this.
pub fn machine_on_chain(genesis: &GenesisHash, machine: &Digest) -> Digest {
    Digest::new(Tag::MACHINE.digest(&(genesis, machine)))
}

/// What a worker's evidence vouches for.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Registration {
    /// The network.
    pub genesis: GenesisHash,
    /// Its signing key.
    pub worker: WorkerId,
    /// What it is to do, and so which policy it is held to.
    pub role: Role,
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
    /// What it is registered for.
    pub role: Role,
    /// How it is attested.
    pub tier: Tier,
    /// The measurement of the program: MRENCLAVE or its like.
    pub measurement: Digest,
    /// Its machine, by [`machine_on_chain`].
    pub machine: Digest,
    /// BLAKE2b-256 of the evidence.
    pub attestation: Digest,
    /// When it registered.
    pub registered_at: BlockNumber,
    /// The last block at which the registration is valid. An eviction puts this before the present block.
    pub expires_at: BlockNumber,
}
