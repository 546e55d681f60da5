//! One hash chain of messages per topic: the only way from the chain to workers.
//!
//! Other pallets put messages in through [`MessageSink`]; no call does. A worker verifies one finalized header and one
//! storage proof of a topic's [`Tips`] entry, then takes the [`Messages`] from anybody and recomputes the chain of
//! hashes to know that none is missing, added, changed or moved. The hashing itself is
//! [`phala_types::mailbox::Tip::link`], which workers use too.
//!
//! Nothing is ever pruned yet: a message may go once a checkpoint certified by the cluster covers it and the cluster's
//! snapshots can be fetched by a new member, and there are no snapshots yet.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

use polkadot_sdk::*;

#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use frame_support::weights::Weight;
use phala_types::{
    MessageNumber,
    cluster::ClusterMessage,
    mailbox::{Tip, Topic},
};
use sp_runtime::DispatchError;

/// Where a pallet puts messages for workers.
pub trait MessageSink {
    /// Appends a message to a topic, and returns its number there.
    fn push(topic: Topic, body: ClusterMessage) -> Result<MessageNumber, DispatchError>;

    /// Where a topic stands.
    fn tip(topic: Topic) -> Tip;

    /// What a [`push`](Self::push) of a message with `body_bytes` weighs.
    fn push_weight(body_bytes: u32) -> Weight;
}

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{pallet_prelude::*, traits::Time};
    use frame_system::pallet_prelude::*;
    use phala_types::{BlockNumber, Digest, Millis, mailbox::Message};
    use sp_runtime::SaturatedConversion as _;

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The block's time in milliseconds since 1970. Workers take their time from it.
        type Time: Time<Moment = u64>;

        /// What things weigh.
        type WeightInfo: WeightInfo;
    }

    /// Where each topic's chain of hashes stands. A topic without an entry is empty.
    ///
    /// Bounded by the number of topics, which only other pallets make. The hasher is safe for keys that anybody chose.
    #[pallet::storage]
    pub type Tips<T: Config> = StorageMap<_, Blake2_128Concat, Topic, Tip>;

    /// Each topic's messages.
    ///
    /// Grows with what users pay for by the byte. The second hasher is fast, and safe since the numbers are counted
    /// here and chosen by nobody.
    #[pallet::storage]
    pub type Messages<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, Topic, Twox64Concat, MessageNumber, Message>;

    /// What the pallet reports.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A message was appended to a topic.
        Queued {
            /// The topic.
            topic: Topic,
            /// The message's number in it.
            number: MessageNumber,
            /// The hash that covers the topic up to and with this message.
            hash: Digest,
        },
    }

    /// Why the pallet refuses.
    #[pallet::error]
    pub enum Error<T> {
        /// The topic holds as many messages as can be counted, so it takes no more.
        TopicIsFull,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_invariants()
        }
    }

    impl<T: Config> MessageSink for Pallet<T> {
        fn push(topic: Topic, body: ClusterMessage) -> Result<MessageNumber, DispatchError> {
            let tip = Self::tip(topic);
            let message = Message {
                number: tip.count,
                block: BlockNumber::new(frame_system::Pallet::<T>::block_number().saturated_into()),
                timestamp: Millis::new(T::Time::now()),
                body,
            };
            let next = tip.link(&message).ok_or(Error::<T>::TopicIsFull)?;
            Messages::<T>::insert(topic, message.number, message);
            Tips::<T>::insert(topic, next);
            Self::deposit_event(Event::Queued { topic, number: tip.count, hash: next.hash });
            Ok(tip.count)
        }

        fn tip(topic: Topic) -> Tip {
            Tips::<T>::get(topic).unwrap_or_else(|| Tip::empty(topic))
        }

        fn push_weight(body_bytes: u32) -> Weight {
            T::WeightInfo::push(body_bytes)
        }
    }

    #[cfg(any(test, feature = "try-runtime"))]
    impl<T: Config> Pallet<T> {
        /// Each tip is what its topic's messages come to, and no message lies outside a topic's count.
        pub fn check_invariants() -> Result<(), sp_runtime::TryRuntimeError> {
            for (topic, tip) in Tips::<T>::iter() {
                let mut recomputed = Tip::empty(topic);
                while recomputed.count < tip.count {
                    let message = Messages::<T>::get(topic, recomputed.count)
                        .ok_or("a message before the tip is missing")?;
                    recomputed =
                        recomputed.link(&message).ok_or("a message has another number than its place")?;
                }
                ensure!(recomputed == tip, "a tip is not the hash of its messages");
            }
            for (topic, number) in Messages::<T>::iter_keys() {
                ensure!(number < Self::tip(topic).count, "a message lies beyond its topic's tip");
            }
            Ok(())
        }
    }
}
