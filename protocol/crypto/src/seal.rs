//! Sealing to a public key: HPKE base mode with X25519-HKDF-SHA256, HKDF-SHA256 and ChaCha20Poly1305 (RFC 9180).
//!
//! `info` names purpose, network, recipient and key generation; the AAD is the whole header. One envelope is one
//! HPKE context with one message in it. A query's context also gives the key for its reply (RFC 9180 section 9.8,
//! as RFC 9458 section 4.4 does it), so that a reply needs no key of the asker.

use crate::{
    Secret,
    padding::{self, TooLong},
    rand_core::CryptoRng,
};
use alloc::vec::Vec;
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead as _, Payload},
};
use codec::Encode;
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305 as HpkeAead,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use phala_types::{
    Bytes,
    envelope::{Envelope, EnvelopeHeader},
    limits::ENVELOPE_BYTES_MAX,
    query::SealedReply,
    tag::Tag,
};
use zeroize::Zeroize;

type Kem = X25519HkdfSha256;

/// A key that opens envelopes.
pub struct OpeningKey {
    secret: <Kem as hpke::Kem>::PrivateKey,
    public: [u8; 32],
}

impl core::fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("OpeningKey(..)")
    }
}

/// Why sealing failed: the caller's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealError {
    /// The plaintext is over the limit.
    TooLong,
    /// The recipient's key is not a key.
    BadRecipientKey,
}

impl core::fmt::Display for SealError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong => TooLong.fmt(f),
            Self::BadRecipientKey => {
                f.write_str("the recipient's key is not an X25519 public key; fetch it again")
            }
        }
    }
}

impl core::error::Error for SealError {}

/// Why opening failed: the sender's fault, or somebody's on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// The ciphertext was not made for this key and this header, or was changed.
    ForeignCiphertext,
    /// What was sealed is not padded as it must be.
    BadPadding,
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::ForeignCiphertext => "the ciphertext was sealed for another key or was changed on its way",
            Self::BadPadding => "the plaintext is not padded to a size class",
        })
    }
}

impl core::error::Error for OpenError {}

impl OpeningKey {
    /// From 32 secret bytes, by the KEM's own derivation (RFC 9180 section 7.1.3).
    pub fn derive(seed: &Secret<[u8; 32]>) -> Self {
        let (secret, public) = seed.expose(|seed| Kem::derive_keypair(seed));
        Self { secret, public: public.to_bytes().into() }
    }

    /// The key to seal to: X25519.
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    /// Opens an envelope. Whether its header is the right one for this key is the caller's to check first.
    pub fn open(&self, envelope: &Envelope) -> Result<Opened, OpenError> {
        let foreign = |_| OpenError::ForeignCiphertext;
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(&envelope.encapsulated_key).map_err(foreign)?;
        let mut context = hpke::setup_receiver::<HpkeAead, HkdfSha256, Kem>(
            &OpModeR::Base,
            &self.secret,
            &encapsulated,
            &envelope.header.info(),
        )
        .map_err(foreign)?;
        let padded = context.open(&envelope.ciphertext, &envelope.header.encode()).map_err(foreign)?;
        let plaintext = padding::unpad(&padded).map_err(|_| OpenError::BadPadding)?.to_vec();
        let reply_key = ReplyKey::from_export(|out| context.export(&Tag::SEAL_REPLY.bytes(), out))
            .ok_or(OpenError::ForeignCiphertext)?;
        Ok(Opened { plaintext, reply_key, encapsulated_key: envelope.encapsulated_key })
    }
}

/// What was in an envelope. Sealing authenticates nobody: the plaintext is still untrusted.
pub struct Opened {
    /// The plaintext, without its padding.
    pub plaintext: Vec<u8>,
    /// Seals the reply.
    pub reply_key: ReplyKey,
    /// The sender's ephemeral key: unique to the envelope.
    pub encapsulated_key: [u8; 32],
}

/// Seals `plaintext`, padded to a size class, to `recipient`. The [`ReplyKey`] opens the reply, if there is to be
/// one.
pub fn seal(
    header: EnvelopeHeader,
    recipient: &[u8; 32],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<(Envelope, ReplyKey), SealError> {
    let padded = padding::pad(plaintext).map_err(|TooLong| SealError::TooLong)?;
    let bad_key = |_| SealError::BadRecipientKey;
    let recipient = <Kem as hpke::Kem>::PublicKey::from_bytes(recipient).map_err(bad_key)?;
    let (encapsulated, mut context) = hpke::setup_sender_with_rng::<HpkeAead, HkdfSha256, Kem>(
        &OpModeS::Base,
        &recipient,
        &header.info(),
        rng,
    )
    .map_err(bad_key)?;
    let ciphertext = context.seal(&padded, &header.encode()).map_err(bad_key)?;
    let ciphertext = Bytes::<ENVELOPE_BYTES_MAX>::try_from(ciphertext).map_err(|_| SealError::TooLong)?;
    let reply_key = ReplyKey::from_export(|out| context.export(&Tag::SEAL_REPLY.bytes(), out))
        .ok_or(SealError::BadRecipientKey)?;
    let envelope = Envelope { header, encapsulated_key: encapsulated.to_bytes().into(), ciphertext };
    Ok((envelope, reply_key))
}

/// What asker and worker share once a query is opened: it seals one reply.
pub struct ReplyKey(Secret<[u8; 32]>);

impl core::fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ReplyKey(..)")
    }
}

impl ReplyKey {
    fn from_export(export: impl FnOnce(&mut [u8]) -> Result<(), hpke::HpkeError>) -> Option<Self> {
        let mut bytes = [0; 32];
        let exported = export(&mut bytes);
        let key = Self(Secret::new(bytes));
        bytes.zeroize();
        exported.ok().map(|()| key)
    }

    /// The key of the reply with this salt. A host that replays a query makes the worker answer twice, perhaps with
    /// different answers; the salt gives each answer its own key, so that the fixed AEAD nonce is used once.
    fn cipher(&self, salt: &[u8; 32]) -> ChaCha20Poly1305 {
        let key = crate::kdf::derive(&self.0, Tag::SEAL_REPLY, salt);
        key.expose(|key| ChaCha20Poly1305::new(key.into()))
    }

    /// Seals a reply, padded to a size class. `salt` is 32 fresh random bytes.
    pub fn seal(&self, salt: [u8; 32], plaintext: &[u8]) -> Result<SealedReply, SealError> {
        let padded = padding::pad(plaintext).map_err(|TooLong| SealError::TooLong)?;
        let payload = Payload { msg: &padded, aad: &salt };
        let ciphertext =
            self.cipher(&salt).encrypt(&[0; 12].into(), payload).map_err(|_| SealError::TooLong)?;
        Ok(SealedReply { salt, ciphertext })
    }

    /// Opens a reply.
    pub fn open(&self, reply: &SealedReply) -> Result<Vec<u8>, OpenError> {
        let payload = Payload { msg: &reply.ciphertext, aad: &reply.salt };
        let padded = self
            .cipher(&reply.salt)
            .decrypt(&[0; 12].into(), payload)
            .map_err(|_| OpenError::ForeignCiphertext)?;
        Ok(padding::unpad(&padded).map_err(|_| OpenError::BadPadding)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_types::{ContractId, GenesisHash, KeyVersion, WorkerId, envelope::Recipient};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn header() -> EnvelopeHeader {
        EnvelopeHeader::new(
            GenesisHash::new([1; 32]),
            Recipient::Contract(ContractId::new([2; 32])),
            KeyVersion::new(0),
        )
    }

    fn sealed() -> (OpeningKey, Envelope, ReplyKey) {
        let key = OpeningKey::derive(&Secret::new([3; 32]));
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let (envelope, reply) = seal(header(), &key.public_key(), b"transfer 1000", &mut rng).unwrap();
        (key, envelope, reply)
    }

    #[test]
    fn recipient_opens_what_was_sealed_to_it() {
        let (key, envelope, asker) = sealed();
        let opened = key.open(&envelope).unwrap();
        assert_eq!(opened.plaintext, b"transfer 1000");
        let reply = opened.reply_key.seal([5; 32], b"done").unwrap();
        assert_eq!(asker.open(&reply).unwrap(), b"done");
    }

    #[test]
    fn nobody_else_opens_it() {
        let (_, envelope, _) = sealed();
        let stranger = OpeningKey::derive(&Secret::new([9; 32]));
        assert_eq!(stranger.open(&envelope).err(), Some(OpenError::ForeignCiphertext));
    }

    #[test]
    fn a_changed_header_or_ciphertext_does_not_open() {
        let (key, good, _) = sealed();
        let mut envelopes = alloc::vec![];
        for change in 0..6 {
            let mut envelope = good.clone();
            match change {
                0 => envelope.header.version = 2,
                1 => envelope.header.genesis = GenesisHash::new([8; 32]),
                2 => envelope.header.recipient = Recipient::Worker(WorkerId::new([2; 32])),
                3 => envelope.header.key_version = KeyVersion::new(1),
                4 => envelope.encapsulated_key[0] ^= 1,
                _ => {
                    let mut bytes = envelope.ciphertext.to_vec();
                    bytes[7] ^= 1;
                    envelope.ciphertext = bytes.try_into().unwrap();
                }
            }
            envelopes.push(envelope);
        }
        for envelope in envelopes {
            assert_eq!(key.open(&envelope).err(), Some(OpenError::ForeignCiphertext));
        }
    }

    #[test]
    fn an_all_zero_key_is_refused() {
        let (key, mut envelope, _) = sealed();
        envelope.encapsulated_key = [0; 32];
        assert_eq!(key.open(&envelope).err(), Some(OpenError::ForeignCiphertext));
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        assert_eq!(seal(header(), &[0; 32], b"", &mut rng).err(), Some(SealError::BadRecipientKey));
    }

    #[test]
    fn a_replayed_query_gets_replies_under_different_keys() {
        let (key, envelope, asker) = sealed();
        let [first, second] = [[1; 32], [2; 32]]
            .map(|salt| key.open(&envelope).unwrap().reply_key.seal(salt, b"same answer").unwrap());
        assert_ne!(first.ciphertext, second.ciphertext);
        let mut moved = first.clone();
        moved.salt = second.salt;
        assert_eq!(asker.open(&moved).err(), Some(OpenError::ForeignCiphertext));
    }

    #[test]
    fn lengths_within_a_size_class_look_alike() {
        let key = OpeningKey::derive(&Secret::new([3; 32]));
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let mut length = |plaintext: &[u8]| {
            seal(header(), &key.public_key(), plaintext, &mut rng).unwrap().0.ciphertext.len()
        };
        assert_eq!(length(b""), length(&[1; 200]));
    }

    #[test]
    fn too_long_a_plaintext_is_refused() {
        let key = OpeningKey::derive(&Secret::new([3; 32]));
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let long = alloc::vec![0; ENVELOPE_BYTES_MAX as usize];
        assert_eq!(seal(header(), &key.public_key(), &long, &mut rng).err(), Some(SealError::TooLong));
    }
}
