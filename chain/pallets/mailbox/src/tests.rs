//! What the mailbox promises, in a runtime of its own.

use crate as pallet_mailbox;
use crate::{Error, Event, MessageSink, Messages, Tips, WeightInfo as _};
use polkadot_sdk::*;

use frame_support::{assert_noop, assert_ok, derive_impl};
use phala_types::{
    BlockNumber, Bytes, ClusterId, ContractId, MessageNumber, Millis,
    cluster::ClusterMessage,
    mailbox::{Tip, Topic},
};
use sp_runtime::BuildStorage as _;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Mailbox: pallet_mailbox,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type DbWeight = frame_support::weights::constants::ParityDbWeight;
}

const NOW_MS: u64 = 1_700_000_000_000;

/// A clock that stands still.
pub struct Clock;

impl frame_support::traits::Time for Clock {
    type Moment = u64;

    fn now() -> u64 {
        NOW_MS
    }
}

impl pallet_mailbox::Config for Test {
    type Time = Clock;
    type WeightInfo = pallet_mailbox::weights::UpperBound<Test>;
}

const TOPIC: Topic = Topic::Cluster(ClusterId::new(0));
const OTHER: Topic = Topic::Cluster(ClusterId::new(1));

fn run(test: impl FnOnce()) {
    let storage = frame_system::GenesisConfig::<Test>::default().build_storage().expect("genesis is empty");
    let mut externalities = sp_io::TestExternalities::from(storage);
    externalities.execute_with(|| {
        System::set_block_number(7);
        test();
        assert_ok!(Mailbox::check_invariants());
    });
}

fn command(text: &[u8]) -> ClusterMessage {
    let envelope = Bytes::try_from(text.to_vec()).expect("short");
    ClusterMessage::Command { contract: ContractId::new([9; 32]), envelope }
}

#[test]
fn topic_without_messages_has_a_tip_of_its_own() {
    run(|| {
        assert_eq!(Mailbox::tip(TOPIC), Tip::empty(TOPIC));
        assert_ne!(Mailbox::tip(TOPIC).hash, Mailbox::tip(OTHER).hash);
    });
}

#[test]
fn worker_recomputes_the_tip_from_the_messages() {
    run(|| {
        for text in [&b"one"[..], b"two", b"three"] {
            assert_ok!(Mailbox::push(TOPIC, command(text)));
            System::set_block_number(System::block_number() + 1);
        }
        let replayed = (0..3).fold(Tip::empty(TOPIC), |tip, number| {
            let message = Messages::<Test>::get(TOPIC, MessageNumber::new(number)).expect("it was pushed");
            tip.link(&message).expect("it is the next one")
        });
        assert_eq!(Tips::<Test>::get(TOPIC), Some(replayed));
    });
}

#[test]
fn message_says_its_number_block_and_time() {
    run(|| {
        assert_eq!(Mailbox::push(TOPIC, command(b"one")), Ok(MessageNumber::new(0)));
        assert_eq!(Mailbox::push(TOPIC, command(b"two")), Ok(MessageNumber::new(1)));
        let message = Messages::<Test>::get(TOPIC, MessageNumber::new(1)).expect("it was pushed");
        assert_eq!(message.number, MessageNumber::new(1));
        assert_eq!(message.block, BlockNumber::new(7));
        assert_eq!(message.timestamp, Millis::new(NOW_MS));
        assert_eq!(message.body, command(b"two"));
    });
}

#[test]
fn topics_do_not_touch_each_other() {
    run(|| {
        assert_ok!(Mailbox::push(TOPIC, command(b"one")));
        let before = Mailbox::tip(TOPIC);
        assert_eq!(Mailbox::push(OTHER, command(b"one")), Ok(MessageNumber::new(0)));
        assert_eq!(Mailbox::tip(TOPIC), before);
    });
}

#[test]
fn event_names_the_new_tip() {
    run(|| {
        assert_ok!(Mailbox::push(TOPIC, command(b"one")));
        let hash = Mailbox::tip(TOPIC).hash;
        System::assert_last_event(Event::Queued { topic: TOPIC, number: MessageNumber::new(0), hash }.into());
    });
}

#[test]
fn full_topic_takes_no_more() {
    run(|| {
        let full = Tip { count: MessageNumber::new(u64::MAX), hash: Tip::empty(TOPIC).hash };
        Tips::<Test>::insert(TOPIC, full);
        assert_noop!(Mailbox::push(TOPIC, command(b"one")), Error::<Test>::TopicIsFull);
        Tips::<Test>::remove(TOPIC);
    });
}

#[test]
fn invariants_notice_a_changed_a_missing_and_a_stray_message() {
    run(|| {
        assert_ok!(Mailbox::push(TOPIC, command(b"one")));
        assert_ok!(Mailbox::push(TOPIC, command(b"two")));
        let number = MessageNumber::new(1);
        let good = Messages::<Test>::get(TOPIC, number).expect("it was pushed");

        Messages::<Test>::mutate(TOPIC, number, |message| {
            if let Some(message) = message {
                message.body = command(b"another");
            }
        });
        assert!(Mailbox::check_invariants().is_err());

        Messages::<Test>::remove(TOPIC, number);
        assert!(Mailbox::check_invariants().is_err());

        Messages::<Test>::insert(TOPIC, number, good.clone());
        Messages::<Test>::insert(TOPIC, MessageNumber::new(2), good);
        assert!(Mailbox::check_invariants().is_err());
        Messages::<Test>::remove(TOPIC, MessageNumber::new(2));
    });
}

#[test]
fn every_byte_of_a_message_weighs_something() {
    let weight = crate::weights::UpperBound::<Test>::push;
    assert!(weight(0).ref_time() > 0);
    assert!(weight(1024).ref_time() > weight(0).ref_time());
}
