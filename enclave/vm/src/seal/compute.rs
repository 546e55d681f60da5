// SPDX-License-Identifier: Apache-2.0
//! Hashes and signatures, which the host computes faster than the contract could.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use schnorrkel::{PublicKey, Signature as Sr25519Signature};

use super::{Session, Stop};
use crate::Trap;
use crate::abi::{MAX_CRYPTO_INPUT_BYTES, ReturnCode};
use crate::gas;

/// The context string that Substrate signs under with sr25519.
pub(crate) const SR25519_CONTEXT: &[u8] = b"substrate";

fn hash<const N: usize>(
    s: &mut Session<'_>,
    per_byte: u64,
    [ptr, len, output_ptr]: [u32; 3],
    function: fn(&[u8]) -> [u8; N],
) -> Result<(), Stop> {
    if len > MAX_CRYPTO_INPUT_BYTES {
        return Err(Trap::InputTooLong.into());
    }
    s.charge_bytes(gas::HASH, per_byte, len)?;
    let digest = function(s.bytes(ptr, len)?);
    Ok(s.write(output_ptr, &digest)?)
}

pub(super) fn sha2_256(s: &mut Session<'_>, arguments: [u32; 3]) -> Result<(), Stop> {
    hash(s, gas::SHA2_256_PER_BYTE, arguments, sp_crypto_hashing::sha2_256)
}

pub(super) fn keccak_256(s: &mut Session<'_>, arguments: [u32; 3]) -> Result<(), Stop> {
    hash(s, gas::KECCAK_256_PER_BYTE, arguments, sp_crypto_hashing::keccak_256)
}

pub(super) fn blake2_256(s: &mut Session<'_>, arguments: [u32; 3]) -> Result<(), Stop> {
    hash(s, gas::BLAKE2_256_PER_BYTE, arguments, sp_crypto_hashing::blake2_256)
}

pub(super) fn blake2_128(s: &mut Session<'_>, arguments: [u32; 3]) -> Result<(), Stop> {
    hash(s, gas::BLAKE2_128_PER_BYTE, arguments, sp_crypto_hashing::blake2_128)
}

/// The compressed key that made a signature of 65 bytes (r, s, recovery id as 0..=3 or 27..=30) over a hash.
pub(super) fn ecdsa_recover(
    s: &mut Session<'_>,
    signature_ptr: u32,
    hash_ptr: u32,
    output_ptr: u32,
) -> Result<u32, Stop> {
    s.charge(gas::ECDSA_RECOVER)?;
    let signature: [u8; 65] = s.array(signature_ptr)?;
    let hash: [u8; 32] = s.array(hash_ptr)?;
    let Some(key) = recover(&signature, &hash) else {
        return Ok(ReturnCode::EcdsaRecoveryFailed as u32);
    };
    s.write(output_ptr, key.to_encoded_point(true).as_bytes())?;
    Ok(ReturnCode::Success as u32)
}

pub(crate) fn recover(signature: &[u8; 65], hash: &[u8; 32]) -> Option<VerifyingKey> {
    let (scalars, [id]) =
        signature.split_at_checked(64).and_then(|(s, id)| Some((s, <[u8; 1]>::try_from(id).ok()?)))?;
    // Ethereum counts from 27.
    let id = RecoveryId::from_byte(id.checked_sub(27).unwrap_or(id))?;
    let signature = Signature::from_slice(scalars).ok()?;
    // A signature with a high s is the same signature with the other sign, and recovers to the same key: Ethereum and
    // the pallet accept both, the library only the low one.
    match signature.normalize_s() {
        None => VerifyingKey::recover_from_prehash(hash, &signature, id).ok(),
        Some(low) => {
            let id = RecoveryId::new(!id.is_y_odd(), id.is_x_reduced());
            VerifyingKey::recover_from_prehash(hash, &low, id).ok()
        }
    }
}

pub(super) fn ecdsa_to_eth_address(s: &mut Session<'_>, key_ptr: u32, output_ptr: u32) -> Result<u32, Stop> {
    s.charge(gas::ECDSA_TO_ETH_ADDRESS)?;
    let compressed: [u8; 33] = s.array(key_ptr)?;
    let Ok(key) = VerifyingKey::from_sec1_bytes(&compressed) else {
        return Ok(ReturnCode::EcdsaRecoveryFailed as u32);
    };
    let point = key.to_encoded_point(false);
    // The first byte only says that the point is not compressed.
    let hash = sp_crypto_hashing::keccak_256(point.as_bytes().get(1..).unwrap_or_default());
    s.write(output_ptr, hash.get(12..).unwrap_or_default())?;
    Ok(ReturnCode::Success as u32)
}

pub(super) fn sr25519_verify(
    s: &mut Session<'_>,
    signature_ptr: u32,
    key_ptr: u32,
    message_len: u32,
    message_ptr: u32,
) -> Result<u32, Stop> {
    if message_len > MAX_CRYPTO_INPUT_BYTES {
        return Err(Trap::InputTooLong.into());
    }
    s.charge_bytes(gas::SR25519_VERIFY, gas::SR25519_VERIFY_PER_BYTE, message_len)?;
    let signature: [u8; 64] = s.array(signature_ptr)?;
    let key: [u8; 32] = s.array(key_ptr)?;
    let message = s.bytes(message_ptr, message_len)?;
    let valid = Sr25519Signature::from_bytes(&signature)
        .and_then(|signature| {
            PublicKey::from_bytes(&key)?.verify_simple(SR25519_CONTEXT, message, &signature)
        })
        .is_ok();
    Ok(if valid { ReturnCode::Success } else { ReturnCode::Sr25519VerifyFailed } as u32)
}
