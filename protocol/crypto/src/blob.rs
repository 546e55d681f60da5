//! What a contract seals for itself: XChaCha20Poly1305 whose nonce is made from a key, the context and the data.
//!
//! Replicas must agree on every byte, so that the nonce cannot be random. It is BLAKE2b under a key of its own, over the
//! context and the data (the construction of RFC 5297, with other primitives): different data never share a nonce but by
//! a collision of 192 bits, and equal data in an equal context give equal bytes. That equality is all that is shown.

use crate::{Secret, kdf};
use alloc::vec::Vec;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use phala_types::tag::Tag;

/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;

/// What a sealed value is longer than what is in it: the nonce and the authentication tag.
pub const OVERHEAD_BYTES: usize = NONCE_BYTES + 16;

/// Seals and opens one contract's values.
pub struct BlobKey {
    nonces: Secret<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

impl core::fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BlobKey(..)")
    }
}

impl BlobKey {
    /// From a contract's key.
    pub fn derive(contract: &Secret<[u8; 32]>) -> Self {
        let values = kdf::derive(contract, Tag::KEY_CONTRACT_BLOBS, &());
        Self {
            nonces: kdf::derive(contract, Tag::KEY_CONTRACT_BLOB_NONCES, &()),
            cipher: values.expose(|key| XChaCha20Poly1305::new(key.into())),
        }
    }

    /// Seals `data` for `context`. `None` past the cipher's 256 GiB.
    pub fn seal(&self, context: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        let hash = kdf::keyed_hash(&self.nonces, &codec::Encode::encode(&(context, data)));
        nonce.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        let ciphertext = self.cipher.encrypt(&nonce.into(), Payload { msg: data, aad: context }).ok()?;
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(&ciphertext);
        Some(sealed)
    }

    /// Opens what was sealed for the same context. `None` for anything else.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher.decrypt(&(*nonce).into(), Payload { msg: ciphertext, aad: context }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(contract: u8) -> BlobKey {
        BlobKey::derive(&Secret::new([contract; 32]))
    }

    #[test]
    fn opens_for_the_same_contract_and_context_only() {
        let sealed = key(1).seal(b"bids", b"100 PHA").unwrap();
        assert_eq!(sealed.len(), 7 + OVERHEAD_BYTES);
        assert_eq!(key(1).open(b"bids", &sealed).unwrap(), b"100 PHA");
        assert_eq!(key(1).open(b"asks", &sealed), None);
        assert_eq!(key(2).open(b"bids", &sealed), None);
    }

    #[test]
    fn edited_or_cut_value_is_noticed() {
        let sealed = key(1).seal(b"bids", b"100 PHA").unwrap();
        for position in 0..sealed.len() {
            let mut edited = sealed.clone();
            edited[position] ^= 1;
            assert_eq!(key(1).open(b"bids", &edited), None);
            assert_eq!(key(1).open(b"bids", &sealed[..position]), None);
        }
    }

    #[test]
    fn replicas_agree_and_different_data_never_share_a_nonce() {
        let sealed = |context: &[u8], data: &[u8]| key(1).seal(context, data).unwrap();
        assert_eq!(sealed(b"c", b"data"), sealed(b"c", b"data"));
        let others =
            [sealed(b"c", b"date"), sealed(b"d", b"data"), sealed(b"cd", b"ata"), sealed(b"", b"cdata")];
        for other in others {
            assert_ne!(other[..NONCE_BYTES], sealed(b"c", b"data")[..NONCE_BYTES]);
        }
    }
}
