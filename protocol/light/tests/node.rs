//! The node's own types and functions agree with what is written here.

use codec::{DecodeAll, Encode};
use phala_light::{
    keys,
    testing::{Authorities, Chain, DigestItem, disabled_item, forced_change_item, scheduled_change_item},
};
use phala_types::{BlockNumber, BlockRef};
use sp_consensus_grandpa::{
    AuthorityId, AuthorityList, AuthoritySignature, ConsensusLog, GRANDPA_ENGINE_ID, GrandpaJustification,
    ScheduledChange, check_message_signature,
};
use sp_runtime::{
    generic,
    traits::{BlakeTwo256, Header as _},
};

type Header = generic::Header<u32, BlakeTwo256>;

fn list(authorities: &Authorities) -> AuthorityList {
    AuthorityList::decode_all(&mut &authorities.list().encode()[..]).unwrap()
}

#[test]
fn header_and_its_hash_are_the_nodes() {
    let mut chain = Chain::new(Authorities::new("first", 4));
    chain.build_with(vec![
        DigestItem::PreRuntime(*b"BABE", vec![1, 2, 3]),
        DigestItem::Consensus(*b"BABE", vec![4]),
        DigestItem::Other(vec![5]),
        DigestItem::RuntimeEnvironmentUpdated,
        DigestItem::Seal(*b"BABE", vec![6; 64]),
    ]);
    for number in [0, 1] {
        let ours = chain.header(BlockNumber::new(number));
        let theirs = Header::decode_all(&mut &ours.encode()[..]).unwrap();
        assert_eq!(theirs.encode(), ours.encode());
        assert_eq!(theirs.hash().as_bytes(), ours.hash().as_bytes());
        assert_eq!(*theirs.number(), ours.number);
        assert_eq!(theirs.state_root().as_bytes(), ours.state_root);
        assert_eq!(theirs.parent_hash().as_bytes(), ours.parent.as_bytes());
        assert_eq!(theirs.digest().logs().len(), ours.digest.len());
    }
}

#[test]
fn digest_items_are_the_nodes() {
    let next = Authorities::new("next", 2);
    let change = |delay| ScheduledChange { next_authorities: list(&next), delay };
    let item =
        |log: ConsensusLog<u32>| generic::DigestItem::Consensus(GRANDPA_ENGINE_ID, log.encode()).encode();
    assert_eq!(scheduled_change_item(&next, 3).encode(), item(ConsensusLog::ScheduledChange(change(3))));
    assert_eq!(forced_change_item(&next, 5).encode(), item(ConsensusLog::ForcedChange(5, change(0))));
    assert_eq!(disabled_item(7).encode(), item(ConsensusLog::OnDisabled(7)));
}

#[test]
fn justification_and_its_signatures_are_the_nodes() {
    let mut chain = Chain::new(Authorities::new("first", 4));
    chain.build_handoff(Authorities::new("second", 3));
    chain.build();
    chain.build();
    let number = BlockNumber::new(2);
    let mut ours = chain.justify(number);
    ours.votes_ancestries = vec![chain.header(BlockNumber::new(3)).clone()];
    let theirs = GrandpaJustification::<Header>::decode_all(&mut &ours.encode()[..]).unwrap();
    assert_eq!(theirs.encode(), ours.encode());
    assert_eq!(theirs.commit.precommits.len(), 3);
    for vote in &theirs.commit.precommits {
        let message = finality_grandpa::Message::Precommit(vote.precommit.clone());
        let check = |set_id| {
            check_message_signature(&message, &vote.id, &vote.signature, theirs.round, set_id).is_valid()
        };
        assert!(check(1));
        assert!(!check(0) && !check(2));
    }
}

#[test]
fn vote_of_the_node_is_ours() {
    use sp_core::{Pair, ed25519};
    let target = BlockRef { number: BlockNumber::new(7), hash: phala_types::BlockHash::new([3; 32]) };
    let message = finality_grandpa::Message::Precommit(finality_grandpa::Precommit {
        target_hash: sp_core::H256(*target.hash.as_bytes()),
        target_number: 7u32,
    });
    // The same seed in both hands, so the same deterministic signature.
    let seed = ("first", 2u64).using_encoded(sp_crypto_hashing::blake2_256);
    let pair = ed25519::Pair::from_seed(&seed);
    let signature = pair.sign(&sp_consensus_grandpa::localized_payload(11, 5, &message));
    let ours = Authorities::new("first", 3).vote(2, target, 11, 5);
    assert_eq!(ours.signature, signature.0);
    assert_eq!(ours.id.0, pair.public().0);
    let (id, signature) = (AuthorityId::from(pair.public()), AuthoritySignature::from(signature));
    assert!(check_message_signature(&message, &id, &signature, 11, 5).is_valid());
}

#[test]
fn storage_keys_begin_as_the_nodes() {
    // Keys that are the same on every Substrate chain: Timestamp.Now and Grandpa.Authorities.
    let hex = |key: Vec<u8>| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        hex(keys::timestamp_now()),
        "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
    );
    assert_eq!(
        hex(keys::grandpa_authorities()),
        "5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d"
    );
}
