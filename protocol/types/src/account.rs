//! Who signs for an account, in the three schemes that wallets of this ecosystem have.

use crate::AccountId;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A public key and its scheme. The order of variants is that of Substrate's `MultiSigner`, swapped for no one.
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
)]
pub enum Signer {
    /// Ed25519, RFC 8032.
    Ed25519([u8; 32]),
    /// Schnorrkel over Ristretto255 with Substrate's signing context.
    Sr25519([u8; 32]),
    /// ECDSA over secp256k1, compressed public key; the message is hashed with BLAKE2b-256.
    Ecdsa([u8; 33]),
}

impl Signer {
    /// The account, by the rule of Substrate's `MultiSigner`: the key itself, or BLAKE2b-256 of a 33-byte key.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Ed25519(key) | Self::Sr25519(key) => AccountId::new(*key),
            Self::Ecdsa(key) => AccountId::new(sp_crypto_hashing::blake2_256(key)),
        }
    }
}

/// A signature, to be checked with the [`Signer`]'s scheme. Not verified: see `phala_crypto::signature`.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Signature {
    /// Ed25519.
    Ed25519([u8; 64]),
    /// Sr25519.
    Sr25519([u8; 64]),
    /// ECDSA with the recovery id last.
    Ecdsa([u8; 65]),
}

/// A worker's Ed25519 signature. Not verified: see `phala_crypto::signature`.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct WorkerSignature(pub [u8; 64]);

impl Serialize for WorkerSignature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&alloc::format!("0x{}", hex::encode(self.0)))
    }
}

impl<'de> Deserialize<'de> for WorkerSignature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(&text), &mut bytes)
            .map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}
