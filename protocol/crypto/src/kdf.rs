//! One key from another: HKDF-SHA256 (RFC 5869) without salt, over input keys that are uniform already.

use crate::Secret;
use codec::Encode;
use hkdf::Hkdf;
use phala_types::tag::Tag;
use sha2::Sha256;
use zeroize::Zeroize;

/// Derives the key for one purpose (`tag`) and one subject (`context`).
pub fn derive(parent: &Secret<[u8; 32]>, tag: Tag, context: &impl Encode) -> Secret<[u8; 32]> {
    let mut info = tag.bytes();
    context.encode_to(&mut info);
    parent.expose(|parent| {
        let mut key = [0; 32];
        // RFC 5869 allows 255 * 32 bytes of output, so that 32 cannot be refused.
        let expanded = Hkdf::<Sha256>::new(None, parent).expand(&info, &mut key);
        debug_assert!(expanded.is_ok());
        let secret = Secret::new(key);
        key.zeroize();
        secret
    })
}

/// BLAKE2b-256 keyed by a secret: a commitment that tells nothing of `value` to who does not know the key.
/// The key goes first and has a fixed length, and BLAKE2 is not open to length extension.
pub fn keyed_hash(key: &Secret<[u8; 32]>, value: &[u8]) -> [u8; 32] {
    key.expose(|key| {
        let mut bytes = alloc::vec::Vec::with_capacity(value.len().saturating_add(32));
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        let hash = sp_crypto_hashing::blake2_256(&bytes);
        bytes.zeroize();
        hash
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_and_subject_has_its_own_key() {
        let seed = Secret::new([9; 32]);
        let key = derive(&seed, Tag::KEY_INBOX, &1u32);
        assert!(key == derive(&seed, Tag::KEY_INBOX, &1u32));
        assert!(key != derive(&seed, Tag::KEY_INBOX, &2u32));
        assert!(key != derive(&seed, Tag::KEY_RECORDS, &1u32));
        assert!(key != derive(&Secret::new([8; 32]), Tag::KEY_INBOX, &1u32));
    }

    #[test]
    fn derivation_never_changes() {
        // Computed apart, with HMAC-SHA256 by the steps of RFC 5869.
        let key = derive(&Secret::new([9; 32]), Tag::KEY_INBOX, &1u32);
        assert_eq!(
            key.expose(|key| hex::encode(key)),
            "975116d69d00b7d06a0efa98541bfa07eaae3d752a3344ef2a51dff012e68b42"
        );
    }
}
