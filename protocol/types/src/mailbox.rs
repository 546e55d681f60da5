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

impl Message {
    /// What the topic's chain of hashes links.
    pub fn digest(&self) -> Digest {
        Digest::new(Tag::MAILBOX_MESSAGE.digest(self))
    }
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
        self.link_digest(&message.digest())
    }

    /// The tip after the message with this digest. A long backlog can so be checked before its messages are there.
    pub fn link_digest(&self, message: &Digest) -> Option<Self> {
        let hash = Digest::new(Tag::MAILBOX_TIP.digest(&(self.hash, message)));
        Some(Self { count: self.count.next()?, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const TOPIC: Topic = Topic::Cluster(ClusterId::new(0));

    fn message(number: u64, code: &[u8]) -> Message {
        Message {
            number: MessageNumber::new(number),
            block: BlockNumber::new(7),
            timestamp: Millis::new(1000),
            body: ClusterMessage::CodeUploaded { code: code.to_vec().try_into().unwrap() },
        }
    }

    fn tip_of(messages: &[Message]) -> Option<Tip> {
        messages.iter().try_fold(Tip::empty(TOPIC), |tip, message| tip.link(message))
    }

    #[test]
    fn tip_covers_every_message_and_their_order() {
        let messages: Vec<Message> = (0..3).map(|n| message(n, &[n as u8])).collect();
        let tip = tip_of(&messages).unwrap();
        assert_eq!(tip.count, MessageNumber::new(3));
        let mut changed = messages.clone();
        changed[1] = message(1, &[9]);
        assert_ne!(tip_of(&changed).unwrap().hash, tip.hash);
        let swapped = [message(0, &[1]), message(1, &[0]), message(2, &[2])];
        assert_ne!(tip_of(&swapped).unwrap().hash, tip.hash);
    }

    #[test]
    fn a_missing_repeated_or_moved_message_does_not_link() {
        let messages: Vec<Message> = (0..3).map(|n| message(n, &[n as u8])).collect();
        assert!(tip_of(&messages[1..]).is_none());
        assert!(tip_of(&[messages[0].clone(), messages[0].clone()]).is_none());
        assert!(tip_of(&[messages[0].clone(), messages[2].clone()]).is_none());
    }

    #[test]
    fn topics_begin_apart() {
        assert_ne!(Tip::empty(TOPIC).hash, Tip::empty(Topic::Cluster(ClusterId::new(1))).hash);
    }

    #[test]
    fn digests_link_as_their_messages_do() {
        let first = message(0, &[1]);
        let tip = Tip::empty(TOPIC);
        assert_eq!(tip.link(&first), tip.link_digest(&first.digest()));
    }
}
