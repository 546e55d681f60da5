//! Signatures of users and workers. What is signed is always a tag, the network's genesis hash and the payload's
//! SCALE ([`Tag::preimage`]), so that no signature serves a second purpose or a second network.

use alloc::vec::Vec;
use codec::Encode;
use k256::ecdsa::{RecoveryId, VerifyingKey};
use phala_types::{
    GenesisHash, WorkerId,
    account::{Signature, Signer, WorkerSignature},
    tag::Tag,
};

use crate::Secret;

/// The signing context of sr25519 in Substrate and its wallets.
const SR25519_CONTEXT: &[u8] = b"substrate";

/// The signature is not the signer's, over these bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadSignature;

impl core::fmt::Display for BadSignature {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the signature is not the signer's")
    }
}

impl core::error::Error for BadSignature {}

/// Verifies an account's signature. Wallets that sign bytes put `<Bytes>` and `</Bytes>` around them, so that they
/// cannot be made to sign a transaction: both forms are accepted, and neither can be mistaken for the other, since a
/// preimage begins with its tag's length.
pub fn verify(
    signer: &Signer,
    signature: &Signature,
    tag: Tag,
    genesis: &GenesisHash,
    payload: &impl Encode,
) -> Result<(), BadSignature> {
    let preimage = tag.preimage(genesis, payload);
    verify_bytes(signer, signature, &preimage)
        .or_else(|_| verify_bytes(signer, signature, &wrapped_for_wallets(&preimage)))
}

/// What a wallet signs when it is asked to sign bytes.
pub fn wrapped_for_wallets(bytes: &[u8]) -> Vec<u8> {
    [b"<Bytes>", bytes, b"</Bytes>"].concat()
}

fn verify_bytes(signer: &Signer, signature: &Signature, bytes: &[u8]) -> Result<(), BadSignature> {
    match (signer, signature) {
        (Signer::Ed25519(key), Signature::Ed25519(signature)) => verify_ed25519(key, signature, bytes),
        (Signer::Sr25519(key), Signature::Sr25519(signature)) => {
            let key = schnorrkel::PublicKey::from_bytes(key).map_err(|_| BadSignature)?;
            let signature = schnorrkel::Signature::from_bytes(signature).map_err(|_| BadSignature)?;
            key.verify_simple(SR25519_CONTEXT, bytes, &signature).map_err(|_| BadSignature)
        }
        (Signer::Ecdsa(key), Signature::Ecdsa(signature)) => {
            let (signature, recovery) = signature.split_last_chunk::<1>().ok_or(BadSignature)?;
            let signature = k256::ecdsa::Signature::from_slice(signature).map_err(|_| BadSignature)?;
            let recovery = RecoveryId::from_byte(recovery[0]).ok_or(BadSignature)?;
            let hash = sp_crypto_hashing::blake2_256(bytes);
            let recovered =
                VerifyingKey::recover_from_prehash(&hash, &signature, recovery).map_err(|_| BadSignature)?;
            match recovered.to_encoded_point(true).as_bytes() == key {
                true => Ok(()),
                false => Err(BadSignature),
            }
        }
        _ => Err(BadSignature),
    }
}

/// Verifies an Ed25519 signature by the rules of ZIP 215, which are those of the chain.
pub fn verify_ed25519(key: &[u8; 32], signature: &[u8; 64], bytes: &[u8]) -> Result<(), BadSignature> {
    let key = ed25519_zebra::VerificationKey::try_from(*key).map_err(|_| BadSignature)?;
    key.verify(&ed25519_zebra::Signature::from_bytes(signature), bytes).map_err(|_| BadSignature)
}

/// Verifies a worker's signature.
pub fn verify_worker(
    worker: &WorkerId,
    signature: &WorkerSignature,
    tag: Tag,
    genesis: &GenesisHash,
    payload: &impl Encode,
) -> Result<(), BadSignature> {
    verify_ed25519(worker.as_bytes(), &signature.0, &tag.preimage(genesis, payload))
}

/// Verifies a session key's signature.
pub fn verify_session(
    session_key: &[u8; 32],
    signature: &[u8; 64],
    tag: Tag,
    genesis: &GenesisHash,
    payload: &impl Encode,
) -> Result<(), BadSignature> {
    verify_ed25519(session_key, signature, &tag.preimage(genesis, payload))
}

/// An Ed25519 key that signs: a worker's, or a client's session key. Ed25519 signs without randomness, of which the
/// worker's core has none.
pub struct SigningKey(ed25519_zebra::SigningKey);

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// From the 32 bytes of RFC 8032's private key.
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> Self {
        seed.expose(|seed| Self(ed25519_zebra::SigningKey::from(*seed)))
    }

    /// The key that verifies.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verification_key().into()
    }

    /// Signs the tag, the network and the payload.
    pub fn sign(&self, tag: Tag, genesis: &GenesisHash, payload: &impl Encode) -> [u8; 64] {
        self.0.sign(&tag.preimage(genesis, payload)).to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::ecdsa::SigningKey as EcdsaKey;

    const GENESIS: GenesisHash = GenesisHash::new([7; 32]);
    const PAYLOAD: &str = "pay bob 1000";

    /// One signer per scheme, and its signature over `bytes`.
    fn signers(bytes: &[u8]) -> Vec<(Signer, Signature)> {
        let ed25519 = SigningKey::from_seed(&Secret::new([1; 32]));
        let sr25519 = schnorrkel::MiniSecretKey::from_bytes(&[2; 32])
            .unwrap()
            .expand_to_keypair(schnorrkel::ExpansionMode::Ed25519);
        let ecdsa = EcdsaKey::from_slice(&[3; 32]).unwrap();
        let (signature, recovery) =
            ecdsa.sign_prehash_recoverable(&sp_crypto_hashing::blake2_256(bytes)).unwrap();
        let mut ecdsa_signature = [0; 65];
        ecdsa_signature[..64].copy_from_slice(&signature.to_bytes());
        ecdsa_signature[64] = recovery.to_byte();
        alloc::vec![
            (Signer::Ed25519(ed25519.public_key()), Signature::Ed25519(ed25519.0.sign(bytes).to_bytes())),
            (
                Signer::Sr25519(sr25519.public.to_bytes()),
                Signature::Sr25519(sr25519.sign_simple(SR25519_CONTEXT, bytes).to_bytes()),
            ),
            (
                Signer::Ecdsa(ecdsa.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap()),
                Signature::Ecdsa(ecdsa_signature),
            ),
        ]
    }

    #[test]
    fn every_scheme_verifies_raw_and_as_wallets_wrap_it() {
        let preimage = Tag::COMMAND.preimage(&GENESIS, &PAYLOAD);
        for bytes in [preimage.clone(), wrapped_for_wallets(&preimage)] {
            for (signer, signature) in signers(&bytes) {
                assert_eq!(verify(&signer, &signature, Tag::COMMAND, &GENESIS, &PAYLOAD), Ok(()));
            }
        }
    }

    #[test]
    fn a_signature_serves_one_purpose_one_network_and_one_payload() {
        let preimage = Tag::COMMAND.preimage(&GENESIS, &PAYLOAD);
        for (signer, signature) in signers(&preimage) {
            let other = GenesisHash::new([8; 32]);
            for result in [
                verify(&signer, &signature, Tag::CERTIFICATE, &GENESIS, &PAYLOAD),
                verify(&signer, &signature, Tag::COMMAND, &other, &PAYLOAD),
                verify(&signer, &signature, Tag::COMMAND, &GENESIS, &"pay eve 1000"),
            ] {
                assert_eq!(result, Err(BadSignature));
            }
        }
    }

    #[test]
    fn a_scheme_does_not_stand_in_for_another() {
        let pairs = signers(&Tag::COMMAND.preimage(&GENESIS, &PAYLOAD));
        for (i, (signer, _)) in pairs.iter().enumerate() {
            for (j, (_, signature)) in pairs.iter().enumerate() {
                let result = verify(signer, signature, Tag::COMMAND, &GENESIS, &PAYLOAD);
                assert_eq!(result.is_ok(), i == j);
            }
        }
    }

    #[test]
    fn keys_and_signatures_that_are_none_are_refused() {
        for (signer, signature) in [
            (Signer::Ed25519([0xff; 32]), Signature::Ed25519([0xff; 64])),
            (Signer::Sr25519([0xff; 32]), Signature::Sr25519([0xff; 64])),
            (Signer::Sr25519([0; 32]), Signature::Sr25519([0; 64])),
            (Signer::Ecdsa([0xff; 33]), Signature::Ecdsa([0xff; 65])),
            (Signer::Ecdsa([0; 33]), Signature::Ecdsa([0; 65])),
        ] {
            assert_eq!(verify(&signer, &signature, Tag::COMMAND, &GENESIS, &PAYLOAD), Err(BadSignature));
        }
    }

    #[test]
    fn worker_and_session_signatures_verify() {
        let key = SigningKey::from_seed(&Secret::new([5; 32]));
        let signature = key.sign(Tag::RECEIPT, &GENESIS, &PAYLOAD);
        let worker = WorkerId::new(key.public_key());
        let by_worker = |tag| verify_worker(&worker, &WorkerSignature(signature), tag, &GENESIS, &PAYLOAD);
        assert_eq!(by_worker(Tag::RECEIPT), Ok(()));
        assert_eq!(by_worker(Tag::CHECKPOINT), Err(BadSignature));
        let by_session = |tag| verify_session(&key.public_key(), &signature, tag, &GENESIS, &PAYLOAD);
        assert_eq!(by_session(Tag::RECEIPT), Ok(()));
        assert_eq!(by_session(Tag::QUERY), Err(BadSignature));
    }
}
