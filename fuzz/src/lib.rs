//! What the fuzz targets have in common: the list of messages, and the keys that are known to them.
//!
//! A target's promise is that no input makes the code under test panic, hang or allocate without bound, and what it
//! asserts besides. Targets are in `targets/`, a file each; their first inputs are made in `seed.rs`.

/// The worker's core beside a chain, as its own tests have it.
#[path = "../../enclave/core/tests/harness/mod.rs"]
#[allow(missing_docs)]
pub mod network;

pub mod guest;

/// The world of one contract, as the engine's own tests have it.
#[path = "../../enclave/vm/tests/common/mod.rs"]
#[allow(missing_docs)]
pub mod contract;

use codec::{Decode, Encode};
use phala_attest::{Measurements, Policy, SimulatedPolicy};
use phala_crypto::{Secret, signature::SigningKey};
use phala_light::{
    keys,
    testing::{Authorities, Chain, DigestItem},
};
use phala_types::Millis;
use phala_types::{
    account, cluster, code, command, envelope, finality, log, mailbox, query, receipt, relay, trap, worker,
};

/// The secret that all keys of the targets are derived from.
pub fn seed() -> Secret<[u8; 32]> {
    Secret::new([7; 32])
}

/// The key of the signature that the targets begin with.
pub fn signing_key() -> SigningKey {
    SigningKey::from_seed(&seed())
}

/// Its public side.
pub fn signer() -> account::Signer {
    account::Signer::Ed25519(signing_key().public_key())
}

/// When evidence is appraised: 2026-11-22.
pub const NOW: Millis = Millis::new(1_795_305_600_000);

/// The program that the genuine quote is of.
pub const MEASUREMENT: [u8; 32] = [5; 32];

/// What the genuine quote vouches for.
pub const REPORT_DATA: [u8; 64] = [7; 64];

/// A development network's policy.
pub fn development_policy() -> Policy {
    let simulated = Some(SimulatedPolicy { measurements: Measurements::DangerAny });
    Policy { simulated, ..Policy::default() }
}

/// A chain of three blocks after the first, of which the second hands over to other authorities.
pub fn chain() -> Chain {
    let mut chain = Chain::new(Authorities::new("first", 3));
    chain.put(keys::timestamp_now(), &NOW);
    chain.build();
    chain.build_handoff(Authorities::new("second", 4));
    chain.build();
    chain
}

/// What the targets read of it.
pub fn chain_keys() -> [Vec<u8>; 2] {
    [keys::timestamp_now(), keys::grandpa_authorities()]
}

/// What authorities are made to sign, of blocks that are made up. Blocks are named by their places in the list. The votes
/// follow: for each, who votes and for which block. No length is before them that a mutation would have to hit too.
#[derive(Clone, Encode, Decode)]
pub struct Votes {
    /// The parent of each block, the chain's head if there is none before at that place, and its height.
    pub blocks: [(u8, u8); 6],
    /// The block to finalize.
    pub target: u8,
    /// The round that is signed.
    pub round: u64,
    /// The set of authorities that is signed.
    pub set_id: u64,
    /// A bit for each block that the justification shows.
    pub shown: u8,
    /// The digest of the first block.
    pub digest: Vec<DigestItem>,
}

/// The root and the nodes of a trie, from nodes that name the one at place `i` of the list by 32 bytes `i` rather than
/// by a hash, which no mutation would ever hit. A node may name later ones.
pub fn trie(mut nodes: Vec<Vec<u8>>) -> ([u8; 32], Vec<Vec<u8>>) {
    let mut root = [0; 32];
    for place in (0..nodes.len()).rev() {
        root = sp_crypto_hashing::blake2_256(&nodes[place]);
        let Ok(name) = u8::try_from(place) else { continue };
        for node in &mut nodes[..place] {
            replace(node, &[name; 32], &root);
        }
    }
    (root, nodes)
}

/// Replaces each `from` in `bytes`.
pub fn replace(bytes: &mut [u8], from: &[u8; 32], to: &[u8; 32]) {
    let mut at = 0;
    while let Some(window) = bytes.get_mut(at..at + 32) {
        if window == from {
            window.copy_from_slice(to);
            at += 32;
        } else {
            at += 1;
        }
    }
}

/// Decodes a `T`, and holds it to having one encoding: else two parties could sign or hash one message differently.
pub fn decode<T: Decode + Encode>(bytes: &[u8]) -> Option<T> {
    let value: T = phala_types::decode_exact(bytes).ok()?;
    assert!(value.encode() == bytes, "a message has a second encoding");
    Some(value)
}

macro_rules! messages {
    ($($message:ty),* $(,)?) => {
        /// The messages by name. A name's place here is the first byte of an input of the target `messages`.
        pub const MESSAGES: &[&str] = &[$(stringify!($message)),*];

        /// Whether `bytes` decode as the message with this place.
        pub fn decode_message(place: u8, bytes: &[u8]) -> bool {
            let decoders: &[fn(&[u8]) -> bool] = &[$(|bytes| decode::<$message>(bytes).is_some()),*];
            decoders.get(usize::from(place)).is_some_and(|decoder| decoder(bytes))
        }
    };
}

messages! {
    account::Signature,
    account::Signer,
    account::WorkerSignature,
    cluster::Checkpoint,
    cluster::ClusterMessage,
    cluster::ContractRecord,
    code::CodeName,
    code::CodePart,
    code::CodeRefusal,
    command::Action,
    command::Command,
    command::Deposit,
    command::Ended,
    command::Event,
    command::Execution,
    command::Outcome,
    command::Rejection,
    command::SignedCommand,
    envelope::Envelope,
    envelope::EnvelopeHeader,
    envelope::Recipient,
    finality::ChainProof,
    finality::FinalityProof,
    finality::GenesisProof,
    finality::StorageProof,
    log::LogLevel,
    log::LogLine,
    log::LogValue,
    mailbox::Message,
    mailbox::Tip,
    mailbox::Topic,
    phala_types::BlockRef,
    query::Answer,
    query::Certificate,
    query::InboxKey,
    query::OpenRefusal,
    query::Query,
    query::Question,
    query::Refusal,
    query::Reply,
    query::Scope,
    query::SealedReply,
    query::SignedCertificate,
    query::SignedInboxKey,
    query::SignedQuery,
    receipt::Receipt,
    receipt::SignedReceipt,
    receipt::Subject,
    relay::Accepted,
    relay::Blame,
    relay::HaltReason,
    relay::InputError,
    relay::Phase,
    relay::RelayInput,
    relay::RelayOutput,
    relay::WorkerStatus,
    trap::Trap,
    worker::Registration,
    worker::Role,
    worker::Tier,
    worker::WorkerRecord,
}
