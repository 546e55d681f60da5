//! What a worker keeps on a disk that it does not trust: names hidden, values sealed, each value bound to its name.
//!
//! XChaCha20Poly1305 with random 192-bit nonces, which do not repeat in any number of records that a disk holds.
//! Sealing notices an edited or exchanged record. It does not notice an old one: that is the caller's, who keeps a
//! root over all records.

use crate::{Secret, kdf};
use alloc::vec::Vec;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use codec::Encode;
use phala_types::tag::Tag;

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;

/// The record was edited, or is another one's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ForeignRecord;

impl core::fmt::Display for ForeignRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a record on disk was edited, or belongs to another worker")
    }
}

impl core::error::Error for ForeignRecord {}

/// The keys to a worker's records.
pub struct RecordKey {
    names: Secret<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

impl core::fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RecordKey(..)")
    }
}

impl RecordKey {
    /// From the platform's sealing key.
    pub fn derive(sealing_key: &Secret<[u8; 32]>) -> Self {
        let values = kdf::derive(sealing_key, Tag::KEY_RECORDS, &());
        Self {
            names: kdf::derive(sealing_key, Tag::KEY_RECORD_NAMES, &()),
            cipher: values.expose(|key| XChaCha20Poly1305::new(key.into())),
        }
    }

    /// Under which name the disk knows a record.
    pub fn name(&self, name: &impl Encode) -> [u8; 32] {
        kdf::keyed_hash(&self.names, &name.encode())
    }

    /// Seals a record's value for its name. `nonce` is fresh random bytes. `None` past the cipher's 256 GiB.
    pub fn seal(&self, name: &[u8; 32], nonce: [u8; NONCE_BYTES], value: &[u8]) -> Option<Vec<u8>> {
        let ciphertext = self.cipher.encrypt(&nonce.into(), Payload { msg: value, aad: name }).ok()?;
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(&ciphertext);
        Some(sealed)
    }

    /// Opens a record.
    pub fn open(&self, name: &[u8; 32], sealed: &[u8]) -> Result<Vec<u8>, ForeignRecord> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(ForeignRecord)?;
        self.cipher
            .decrypt(&(*nonce).into(), Payload { msg: ciphertext, aad: name })
            .map_err(|_| ForeignRecord)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_opens_under_its_own_name_and_key_only() {
        let key = RecordKey::derive(&Secret::new([1; 32]));
        let (name, other) = (key.name(&"balance"), key.name(&"owner"));
        assert_ne!(name, other);
        let sealed = key.seal(&name, [2; NONCE_BYTES], b"1000").unwrap();
        assert_eq!(key.open(&name, &sealed).unwrap(), b"1000");
        assert_eq!(key.open(&other, &sealed), Err(ForeignRecord));
        assert_eq!(RecordKey::derive(&Secret::new([2; 32])).open(&name, &sealed), Err(ForeignRecord));
    }

    #[test]
    fn edited_or_cut_record_is_noticed() {
        let key = RecordKey::derive(&Secret::new([1; 32]));
        let name = key.name(&"balance");
        let sealed = key.seal(&name, [2; NONCE_BYTES], b"1000").unwrap();
        for position in 0..sealed.len() {
            let mut edited = sealed.clone();
            edited[position] ^= 1;
            assert_eq!(key.open(&name, &edited), Err(ForeignRecord));
            assert_eq!(key.open(&name, &sealed[..position]), Err(ForeignRecord));
        }
    }
}
