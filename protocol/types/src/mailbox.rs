//! The only way from the chain to workers: per topic a chain of hashes, whose tip is in the chain's storage.
//!
//! A worker that has verified one tip (a finalized header and one storage proof) can take the messages before
//! it from anybody, and recompute the chain of hashes to know that none is missing, added, changed or moved.

use crate::{BlockNumber, ClusterId, Digest, MessageNumber, Millis, cluster::ClusterMessage, tag::Tag};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Whom a message is for.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Topic {
    /// All workers of a cluster.
    #[codec(index = 0)]
    Cluster(ClusterId),
}

/// One message as the chain put it into its topic.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Message {
    /// How many messages of the topic precede it.
    pub number: MessageNumber,
    /// The block that holds it.
    pub block: BlockNumber,
    /// That block's time.
    pub timestamp: Millis,
    /// What it says.
    pub body: ClusterMessage,
}

/// Where a topic's chain of hashes stands.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Tip {
    /// How many messages there are, which is the next one's number.
    pub count: MessageNumber,
    /// The hash that covers all of them, in their order.
    pub hash: Digest,
}

impl Tip {
    /// The tip of a topic without messages.
    pub fn empty(topic: Topic) -> Self {
        Self { count: MessageNumber::new(0), hash: Digest::new(Tag::MAILBOX_TIP.digest(&topic)) }
    }

    /// The tip after `message`, or `None` if its number is not the next one.
    pub fn link(&self, message: &Message) -> Option<Self> {
        if message.number != self.count {
            return None;
        }
        let hash = Digest::new(Tag::MAILBOX_TIP.digest(&(self.hash, message)));
        Some(Self { count: self.count.next()?, hash })
    }
}
