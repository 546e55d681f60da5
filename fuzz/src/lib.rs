//! What the fuzz targets have in common: the list of messages, and the keys that are known to them.
//!
//! A target's promise is that no input makes the code under test panic, hang or allocate without bound, and what it
//! asserts besides. Targets are in `targets/`, a file each; their first inputs are made in `seed.rs`.

use codec::{Decode, Encode};
use phala_crypto::Secret;
use phala_types::{account, cluster, command, envelope, finality, mailbox, query, receipt, relay, worker};

/// The secret that all keys of the targets are derived from.
pub fn seed() -> Secret<[u8; 32]> {
    Secret::new([7; 32])
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
    command::Action,
    command::Command,
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
    worker::Registration,
    worker::Tier,
    worker::WorkerRecord,
}
