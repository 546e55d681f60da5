// SPDX-License-Identifier: Apache-2.0
//! The double's hashes and signatures, by the libraries that ink! and Polkadot use.

use crate::{pink::SigType, KeyKind};
use blake2::{digest::consts::U32, Blake2b, Digest as _};
use ed25519_dalek::Signer as _;
use schnorrkel::{ExpansionMode, MiniSecretKey, SecretKey};
use secp256k1::{
    ecdsa::{RecoverableSignature, RecoveryId},
    Message, PublicKey, Secp256k1,
};

/// The context of Sr25519 signatures, as in Substrate.
const CONTEXT: &[u8] = b"substrate";

/// BLAKE2b-256.
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2b::<U32>::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Adds a keystream. It is its own inverse. For tests only: it keeps a test honest, and no secret.
pub fn mask(key: &[u8; 32], data: &[u8]) -> Vec<u8> {
    let blocks = data.chunks(32).zip(0_u64..);
    blocks
        .flat_map(|(block, index)| {
            let stream = hash(&[key, &index.to_le_bytes()]);
            block.iter().zip(stream).map(|(byte, mask)| byte ^ mask).collect::<Vec<_>>()
        })
        .collect()
}

/// A seed of 32 bytes, or for Sr25519 a secret of 64.
fn sr25519(key: &[u8]) -> Option<SecretKey> {
    match key.len() {
        32 => Some(MiniSecretKey::from_bytes(key).ok()?.expand(ExpansionMode::Ed25519)),
        64 => SecretKey::from_bytes(key).ok(),
        _ => None,
    }
}

/// The expanded secret of a seed.
pub fn expanded(seed: &[u8; 32]) -> Option<Vec<u8>> {
    sr25519(seed).map(|secret| secret.to_bytes().to_vec())
}

/// The public part of a key.
pub fn public(kind: SigType, key: &[u8]) -> Option<Vec<u8>> {
    Some(match kind {
        SigType::Ed25519 => {
            ed25519_dalek::SigningKey::from_bytes(key.try_into().ok()?).verifying_key().to_bytes().to_vec()
        }
        SigType::Sr25519 => sr25519(key)?.to_public().to_bytes().to_vec(),
        SigType::Ecdsa => {
            let secret = secp256k1::SecretKey::from_slice(key).ok()?;
            PublicKey::from_secret_key(&Secp256k1::new(), &secret).serialize().to_vec()
        }
    })
}

/// The public part of a derived key.
pub fn public_of(kind: KeyKind, seed: &[u8; 32]) -> Option<Vec<u8>> {
    kind.signature().map_or(Some(Vec::new()), |kind| public(kind, seed))
}

/// A signature, if the key is one.
pub fn sign(kind: SigType, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    Some(match kind {
        SigType::Ed25519 => {
            ed25519_dalek::SigningKey::from_bytes(key.try_into().ok()?).sign(message).to_bytes().to_vec()
        }
        SigType::Sr25519 => {
            let secret = sr25519(key)?;
            let public = secret.to_public();
            secret.sign_simple(CONTEXT, message, &public).to_bytes().to_vec()
        }
        SigType::Ecdsa => sign_hash(key, &hash(&[message]))?.to_vec(),
    })
}

/// Whether a signature is good. Whatever is malformed is not.
pub fn verify(kind: SigType, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let good = || match kind {
        SigType::Ed25519 => {
            let key = ed25519_dalek::VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
            let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
            key.verify_strict(message, &signature).ok()
        }
        SigType::Sr25519 => {
            let key = schnorrkel::PublicKey::from_bytes(public).ok()?;
            let signature = schnorrkel::Signature::from_bytes(signature).ok()?;
            key.verify_simple(CONTEXT, message, &signature).ok()
        }
        SigType::Ecdsa => {
            let is_good = verify_hash(signature.try_into().ok()?, &hash(&[message]), public.try_into().ok()?);
            is_good.then_some(())
        }
    };
    good().is_some()
}

/// ECDSA with deterministic nonces (RFC 6979).
pub fn sign_hash(key: &[u8], hash: &[u8; 32]) -> Option<[u8; 65]> {
    let secret = secp256k1::SecretKey::from_slice(key).ok()?;
    let signature = Secp256k1::new().sign_ecdsa_recoverable(&Message::from_digest(*hash), &secret);
    let (recovery, compact) = signature.serialize_compact();
    let mut bytes = [0; 65];
    let (front, last) = bytes.split_at_mut(64);
    front.copy_from_slice(&compact);
    last.copy_from_slice(&[u8::try_from(recovery.to_i32()).ok()?]);
    Some(bytes)
}

/// Whether such a signature recovers to this key.
pub fn verify_hash(signature: &[u8; 65], hash: &[u8; 32], public: &[u8; 33]) -> bool {
    let good = || {
        let (compact, recovery) = signature.split_at(64);
        let recovery = RecoveryId::from_i32(i32::from(*recovery.first()?)).ok()?;
        let signature = RecoverableSignature::from_compact(compact, recovery).ok()?;
        let key = Secp256k1::new().recover_ecdsa(&Message::from_digest(*hash), &signature).ok()?;
        (key.serialize() == *public).then_some(())
    };
    good().is_some()
}
