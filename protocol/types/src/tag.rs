//! The one registry of domain-separation tags.
//!
//! Every hash, signature, key derivation and sealing of ours begins with a tag of its own, so that nothing made
//! for one purpose can be used for another. A tag is never changed: a new format gets a new tag.

use crate::GenesisHash;
use alloc::vec::Vec;
use codec::Encode;

/// What a hash, a signature or a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag(&'static str);

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Tag {
            $($(#[$doc])* pub const $name: Tag = Tag($text);)*

            /// All tags, for the test that no two are equal.
            pub const ALL: &'static [Tag] = &[$(Tag::$name),*];
        }
    };
}

tags! {
    /// The digest of a message. See [`crate::mailbox`].
    MAILBOX_MESSAGE = "phala/mailbox/message/1";
    /// Links a message to the tip before it. See [`crate::mailbox`].
    MAILBOX_TIP = "phala/mailbox/tip/1";
    /// The id of a contract deployed through the chain. See [`crate::cluster::contract_id`].
    CONTRACT_ID = "phala/contract/id/1";
    /// What a worker's evidence vouches for. See [`crate::worker::Registration`].
    REGISTRATION = "phala/worker/registration/1";
    /// The chain's name of a machine. See [`crate::worker::machine_on_chain`].
    MACHINE = "phala/worker/machine/1";
    /// A worker's signature on a checkpoint.
    CHECKPOINT = "phala/worker/checkpoint/1";
    /// A worker's signature on a contract's inbox key.
    INBOX_KEY = "phala/worker/inbox-key/1";
    /// A worker's signature on a receipt.
    RECEIPT = "phala/worker/receipt/1";
    /// The hash of a query that its receipt names.
    QUERY_DIGEST = "phala/query/digest/1";
    /// The hash of an answer or an outcome that its receipt names.
    OUTCOME_DIGEST = "phala/outcome/digest/1";
    /// An account's signature on a command.
    COMMAND = "phala/command/1";
    /// An account's signature on a certificate.
    CERTIFICATE = "phala/certificate/1";
    /// A session key's signature on a query.
    QUERY = "phala/query/1";
    /// HPKE `info` of a command to a contract.
    SEAL_COMMAND = "phala/seal/command/1";
    /// HPKE `info` of a query to a worker.
    SEAL_QUERY = "phala/seal/query/1";
    /// HPKE exporter context of a reply.
    SEAL_REPLY = "phala/seal/reply/1";
    /// Derives a worker's signing key from its seed.
    KEY_WORKER_SIGNING = "phala/key/worker/signing/1";
    /// Derives a worker's HPKE key from its seed.
    KEY_WORKER_HPKE = "phala/key/worker/hpke/1";
    /// Derives the key that seals a worker's records on disk.
    KEY_RECORDS = "phala/key/worker/records/1";
    /// Derives the key that hides the names of a worker's records on disk.
    KEY_RECORD_NAMES = "phala/key/worker/record-names/1";
    /// Derives a contract's inbox key.
    KEY_INBOX = "phala/key/contract/inbox/1";
    /// Derives the nonces of one input's worth of sealed records, and a reply's salt, from the platform's randomness.
    KEY_ENTROPY = "phala/key/worker/entropy/1";
    /// The record on disk that holds a worker's seed.
    RECORD_SEED = "phala/record/seed/1";
    /// The record on disk that holds a worker's root: where it stands, and what its other records must add up to.
    RECORD_ROOT = "phala/record/root/1";
    /// A record on disk that holds one entry of a cluster's state.
    RECORD_ENTRY = "phala/record/entry/1";
    /// Derives the key under which a cluster's state root hides the state.
    KEY_STATE_ROOT = "phala/key/cluster/state-root/1";
    /// Derives the key of a cluster from which its contracts' own keys are derived.
    KEY_CONTRACTS = "phala/key/cluster/contracts/1";
    /// Derives a contract's own key, and nothing is done with that but deriving.
    KEY_CONTRACT = "phala/key/contract/1";
    /// Derives an sr25519 key for a contract's salt: function 4 of chain extension 0.
    KEY_CONTRACT_SR25519 = "phala/key/contract/sr25519/1";
    /// Derives a key for a contract's path: function 4 of chain extension 1.
    KEY_CONTRACT_DERIVED = "phala/key/contract/derived/1";
    /// Derives the random values that a contract draws in commands.
    KEY_CONTRACT_BEACON = "phala/key/contract/beacon/1";
    /// Derives the key that seals what a contract seals for itself.
    KEY_CONTRACT_BLOBS = "phala/key/contract/blobs/1";
    /// Derives the key that makes the nonces of what a contract seals for itself.
    KEY_CONTRACT_BLOB_NONCES = "phala/key/contract/blob-nonces/1";
    /// Derives the random bytes that contracts draw in a query, from the query's own randomness.
    KEY_QUERY_RANDOM = "phala/key/query/random/1";
    /// Derives the named random values that contracts draw in a query, from the query's own randomness.
    KEY_QUERY_BEACON = "phala/key/query/beacon/1";
    /// What a worker's hardware vouches for on behalf of a contract. Never a registration: see [`Self::REGISTRATION`].
    CONTRACT_EVIDENCE = "phala/contract/evidence/1";
}

impl Tag {
    /// The tag's bytes, preceded by their number, so that no tag is the beginning of another's preimage.
    pub fn bytes(self) -> Vec<u8> {
        self.0.encode()
    }

    /// What is signed or hashed: the tag, the network and the SCALE-encoded payload.
    pub fn preimage(self, genesis: &GenesisHash, payload: &impl Encode) -> Vec<u8> {
        let mut bytes = self.bytes();
        genesis.encode_to(&mut bytes);
        payload.encode_to(&mut bytes);
        bytes
    }

    /// BLAKE2b-256 of the tag and the SCALE-encoded payload.
    pub fn digest(self, payload: &impl Encode) -> [u8; 32] {
        let mut bytes = self.bytes();
        payload.encode_to(&mut bytes);
        sp_crypto_hashing::blake2_256(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_serves_two_purposes() {
        let mut seen = alloc::collections::BTreeSet::new();
        assert!(Tag::ALL.iter().all(|tag| seen.insert(tag.0)));
        assert_eq!(seen.len(), Tag::ALL.len());
    }

    #[test]
    fn tag_is_not_the_beginning_of_another_preimage() {
        assert!(
            Tag::ALL
                .iter()
                .all(|a| { Tag::ALL.iter().all(|b| a == b || !b.bytes().starts_with(&a.bytes())) })
        );
    }
}
