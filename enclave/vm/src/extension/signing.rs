// SPDX-License-Identifier: Apache-2.0
//! Signatures that contracts ask for, with keys that they bring.

use k256::ecdsa::{SigningKey as EcdsaKey, VerifyingKey};
use k256::elliptic_curve::rand_core::{CryptoRng, RngCore};
use phala_crypto::signature::verify_ed25519;
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey, PublicKey, SecretKey, Signature, context};
use sp_crypto_hashing::blake2_256;

use super::wire::SigType;
use crate::seal::{SR25519_CONTEXT, recover};

/// The bytes are no secret key of the kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidKey;

/// Signs by the kinds that need no randomness: Ed25519 (RFC 8032), and secp256k1 with the nonces of RFC 6979.
///
/// # Errors
/// [`InvalidKey`], also for sr25519: see [`sign_sr25519`].
pub fn sign(kind: SigType, key: &[u8], message: &[u8]) -> Result<Vec<u8>, InvalidKey> {
    match kind {
        SigType::Ed25519 => Ok(ed25519(key)?.sign(message).to_bytes().to_vec()),
        SigType::Ecdsa => Ok(sign_ecdsa(key, &blake2_256(message))?.to_vec()),
        SigType::Sr25519 => Err(InvalidKey),
    }
}

/// Signs by sr25519, whose signatures are random by design.
///
/// # Errors
/// [`InvalidKey`].
pub fn sign_sr25519(
    key: &[u8],
    message: &[u8],
    random: impl RngCore + CryptoRng,
) -> Result<Vec<u8>, InvalidKey> {
    let transcript = schnorrkel::signing_context(SR25519_CONTEXT).bytes(message);
    Ok(sr25519(key)?.sign(context::attach_rng(transcript, random)).to_bytes().to_vec())
}

/// Signs a hash by secp256k1: `r`, `s` and the recovery id.
///
/// # Errors
/// [`InvalidKey`].
pub fn sign_ecdsa(key: &[u8], hash: &[u8; 32]) -> Result<[u8; 65], InvalidKey> {
    let (signature, id) = ecdsa(key)?.sign_prehash_recoverable(hash).map_err(|_| InvalidKey)?;
    let mut bytes = [0; 65];
    let parts = signature.to_bytes().into_iter().chain([id.to_byte()]);
    bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    Ok(bytes)
}

/// Whether a signature is the key's. What has not even the form of one is not.
pub fn verify(kind: SigType, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    match kind {
        SigType::Ed25519 => match (public.try_into(), signature.try_into()) {
            (Ok(public), Ok(signature)) => verify_ed25519(public, signature, message).is_ok(),
            _ => false,
        },
        SigType::Sr25519 => match (PublicKey::from_bytes(public), Signature::from_bytes(signature)) {
            (Ok(public), Ok(signature)) => public.verify_simple(SR25519_CONTEXT, message, &signature).is_ok(),
            _ => false,
        },
        SigType::Ecdsa => match (public.try_into(), signature.try_into()) {
            (Ok(public), Ok(signature)) => verify_ecdsa(&signature, &blake2_256(message), &public),
            _ => false,
        },
    }
}

/// Whether a signature of a hash is the key's.
pub fn verify_ecdsa(signature: &[u8; 65], hash: &[u8; 32], public: &[u8; 33]) -> bool {
    let recovered = recover(signature, hash);
    recovered.is_some_and(|key: VerifyingKey| key.to_encoded_point(true).as_bytes() == public)
}

/// The public key of a secret one.
///
/// # Errors
/// [`InvalidKey`].
pub fn public_key(kind: SigType, key: &[u8]) -> Result<Vec<u8>, InvalidKey> {
    Ok(match kind {
        SigType::Ed25519 => <[u8; 32]>::from(ed25519(key)?.verification_key()).to_vec(),
        SigType::Sr25519 => sr25519(key)?.public.to_bytes().to_vec(),
        SigType::Ecdsa => ecdsa(key)?.verifying_key().to_encoded_point(true).as_bytes().to_vec(),
    })
}

/// The 64 bytes of the sr25519 key that a seed stands for.
pub(super) fn expand_sr25519(seed: &[u8; 32]) -> Vec<u8> {
    // Any 32 bytes are a seed: there is nothing to refuse.
    MiniSecretKey::from_bytes(seed)
        .map(|seed| seed.expand(ExpansionMode::Ed25519).to_bytes().to_vec())
        .unwrap_or_default()
}

fn ed25519(key: &[u8]) -> Result<ed25519_zebra::SigningKey, InvalidKey> {
    ed25519_zebra::SigningKey::try_from(key).map_err(|_| InvalidKey)
}

fn ecdsa(key: &[u8]) -> Result<EcdsaKey, InvalidKey> {
    let key: &[u8; 32] = key.try_into().map_err(|_| InvalidKey)?;
    EcdsaKey::from_slice(key).map_err(|_| InvalidKey)
}

/// From a seed of 32 bytes or the expanded form of 64.
fn sr25519(key: &[u8]) -> Result<Keypair, InvalidKey> {
    match key.len() {
        32 => MiniSecretKey::from_bytes(key)
            .map(|seed| seed.expand_to_keypair(ExpansionMode::Ed25519))
            .map_err(|_| InvalidKey),
        64 => SecretKey::from_bytes(key).map(SecretKey::to_keypair).map_err(|_| InvalidKey),
        _ => Err(InvalidKey),
    }
}
