//! A relay that lies: nothing it sends changes what the worker holds true, and the truth still gets through after it.
#![allow(missing_docs)]

mod harness;

use codec::Encode;
use harness::*;
use phala_light::testing::{Authorities, Chain};
use phala_types::{
    Bytes, ContractId,
    cluster::ClusterMessage,
    finality::{FinalityProof, StorageProof},
    limits::DELIVERY_BYTES_MAX,
    relay::{Blame, Phase, RelayInput},
};

/// A serving worker, two messages that wait for it, and the contract that they are for.
fn waiting() -> World {
    let mut world = World::serving();
    for text in [vec![1], vec![2, 2]] {
        let contract = ContractId::new([5; 32]);
        world.enqueue(ClusterMessage::Command { contract, envelope: text.try_into().unwrap() });
    }
    world
}

fn parts(input: RelayInput) -> (FinalityProof, StorageProof) {
    match input {
        RelayInput::Finality { proof, view } => (proof, view.unwrap()),
        other => panic!("not a block: {other:?}"),
    }
}

fn flipped<const N: u32>(bytes: &Bytes<N>, position: usize) -> Bytes<N> {
    let mut bytes = bytes.to_vec();
    let at = position % bytes.len();
    bytes[at] ^= 1;
    bytes.try_into().unwrap()
}

#[test]
fn bytes_that_are_no_input_are_malformed() {
    let mut world = World::serving();
    let good = world.next_block().encode();
    for bad in [
        vec![],
        vec![9],
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
        vec![0; DELIVERY_BYTES_MAX + 1],
    ] {
        let error = world.send_bytes(bad).result.unwrap_err();
        assert_eq!(error.blame, Blame::Malformed);
    }
    assert!(world.send_bytes(good).result.is_ok());
}

#[test]
fn a_changed_header_or_justification_is_refused_and_the_true_one_taken_after() {
    let mut world = World::serving();
    let (proof, view) = parts(world.next_block());
    for position in [0, 33, 70, 101] {
        let header = FinalityProof { header: flipped(&proof.header, position), ..proof.clone() };
        world.refused(RelayInput::Finality { proof: header, view: Some(view.clone()) });
        let justification =
            FinalityProof { justification: flipped(&proof.justification, position), ..proof.clone() };
        world.refused(RelayInput::Finality { proof: justification, view: Some(view.clone()) });
    }
    world.send(RelayInput::Finality { proof, view: Some(view) }).unwrap();
}

#[test]
fn an_old_or_repeated_block_is_out_of_order() {
    let mut world = World::serving();
    let old = world.next_block();
    world.send(old.clone()).unwrap();
    assert_eq!(world.refused(old.clone()).0, Blame::OutOfOrder);
    world.finalize().unwrap();
    assert_eq!(world.refused(old).0, Blame::OutOfOrder);
}

#[test]
fn a_block_of_another_chain_is_refused() {
    let mut world = World::serving();
    let mut other = Chain::new(Authorities::new("strangers", 3));
    for _ in 0..10 {
        other.build();
    }
    let proof = other.finality_proof(other.head().number);
    let view = None;
    assert_eq!(world.refused(RelayInput::Finality { proof, view }).0, Blame::Rejected);
}

#[test]
fn a_view_that_lacks_something_or_is_of_another_block_is_refused() {
    let mut world = waiting();
    let (proof, view) = parts(world.next_block());
    let mut incomplete = view.clone();
    incomplete.nodes.remove(0);
    let (later_proof, later_view) = parts(world.next_block());
    for bad in [StorageProof::default(), incomplete, later_view.clone()] {
        assert_eq!(
            world.refused(RelayInput::Finality { proof: proof.clone(), view: Some(bad) }).0,
            Blame::Rejected
        );
    }
    // A dropped block is no loss.
    world.send(RelayInput::Finality { proof: later_proof, view: Some(later_view) }).unwrap();
}

#[test]
fn messages_are_not_taken_before_their_tip_is_verified() {
    let mut world = waiting();
    let all: phala_types::List<_, _> = world.messages.clone().try_into().unwrap();
    assert_eq!(world.refused(RelayInput::Messages(all.clone())).0, Blame::OutOfOrder);
    world.finalize().unwrap();
    world.send(RelayInput::Messages(all)).unwrap();
    assert_eq!(world.status().position.value(), 2);
}

#[test]
fn a_dropped_reordered_duplicated_or_forged_message_is_refused_and_the_true_ones_taken_after() {
    let mut world = waiting();
    world.finalize().unwrap();
    let [first, second] = [world.messages[0].clone(), world.messages[1].clone()];
    let mut forged = second.clone();
    forged.body = ClusterMessage::Command { contract: ContractId::new([6; 32]), envelope: Bytes::default() };
    let lies = [
        (vec![second.clone()], Blame::OutOfOrder),
        (vec![second.clone(), first.clone()], Blame::OutOfOrder),
        (vec![first.clone(), first.clone()], Blame::OutOfOrder),
        (vec![first.clone(), forged], Blame::Rejected),
        (vec![first.clone(), second.clone(), second.clone()], Blame::OutOfOrder),
    ];
    for (lie, blame) in lies {
        assert_eq!(world.refused(RelayInput::Messages(lie.try_into().unwrap())).0, blame);
        assert_eq!(world.status().position.value(), 0);
    }
    world.send(RelayInput::Messages(vec![first].try_into().unwrap())).unwrap();
    assert_eq!((world.status().position.value(), world.status().wanted.value()), (0, 1));
    world.send(RelayInput::Messages(vec![second].try_into().unwrap())).unwrap();
    assert_eq!(world.status().position.value(), 2);
    assert_eq!(world.status().phase, Phase::Serving);
}

#[test]
fn a_network_is_shown_once() {
    let mut world = World::serving();
    let other = Chain::new(Authorities::new("strangers", 3));
    assert_eq!(world.refused(RelayInput::Genesis(other.genesis_proof())).0, Blame::OutOfOrder);
}

#[test]
fn a_genesis_that_does_not_prove_its_authorities_is_refused() {
    let mut world = World::new();
    let good = world.chain.genesis_proof();
    let mut bad = good.clone();
    bad.authorities = StorageProof::default();
    assert_eq!(world.refused(RelayInput::Genesis(bad)).0, Blame::Rejected);
    world.send(RelayInput::Genesis(good)).unwrap();
}

#[test]
fn nothing_is_taken_in_the_wrong_phase() {
    let mut world = World::new();
    let block = world.next_block();
    assert_eq!(world.refused(block).0, Blame::OutOfOrder);
    assert_eq!(world.refused(RelayInput::Messages(Default::default())).0, Blame::OutOfOrder);
    let register =
        RelayInput::Register { operator: phala_types::AccountId::new([1; 32]), endpoint: Bytes::default() };
    assert_eq!(world.refused(register).0, Blame::OutOfOrder);
}
