//! A sealed message and the header that tells whose key opens it.

use crate::{Bytes, ContractId, GenesisHash, KeyVersion, WorkerId, limits::ENVELOPE_BYTES_MAX, tag::Tag};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// Whose key seals it. One purpose, one kind of key.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub enum Recipient {
    /// A command, sealed to a contract's inbox key.
    #[codec(index = 0)]
    Contract(ContractId),
    /// A query, sealed to a worker's attested HPKE key.
    #[codec(index = 1)]
    Worker(WorkerId),
}

/// What is not secret about a sealed message. All of it is authenticated (HPKE's AAD), and what names the key is in
/// HPKE's `info` too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct EnvelopeHeader {
    /// The format: [`EnvelopeHeader::VERSION`].
    pub version: u8,
    /// The network.
    pub genesis: GenesisHash,
    /// Whose key.
    pub recipient: Recipient,
    /// Which generation of that key.
    pub key_version: KeyVersion,
}

impl EnvelopeHeader {
    /// HPKE base mode, X25519-HKDF-SHA256, HKDF-SHA256, ChaCha20Poly1305 (RFC 9180: 0x0020, 0x0001, 0x0003).
    pub const VERSION: u8 = 1;

    /// The header of a message to `recipient`.
    pub fn new(genesis: GenesisHash, recipient: Recipient, key_version: KeyVersion) -> Self {
        Self { version: Self::VERSION, genesis, recipient, key_version }
    }

    /// HPKE's `info`: purpose, network, recipient, key generation.
    pub fn info(&self) -> Vec<u8> {
        let tag = match self.recipient {
            Recipient::Contract(_) => Tag::SEAL_COMMAND,
            Recipient::Worker(_) => Tag::SEAL_QUERY,
        };
        tag.preimage(&self.genesis, &(self.recipient, self.key_version))
    }
}

/// A message sealed with HPKE.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Envelope {
    /// What is not secret.
    pub header: EnvelopeHeader,
    /// HPKE's `enc`: the sender's ephemeral X25519 key.
    pub encapsulated_key: [u8; 32],
    /// The plaintext, padded to a size class, and the 16-byte tag.
    pub ciphertext: Bytes<ENVELOPE_BYTES_MAX>,
}
