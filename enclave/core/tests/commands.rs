//! Commands: what is executed, what is rejected, and that a rejection changes nothing and stops nothing.
#![allow(missing_docs)]

mod harness;

use codec::Encode;
use harness::*;
use phala_types::{
    Amount, Bytes, ClusterId, ContractId, Gas, GenesisHash, KeyVersion,
    cluster::{ClusterMessage, code_hash},
    command::{Action, Command, Ended, Outcome, Rejection, SignedCommand},
    decode_exact,
    envelope::{Envelope, Recipient},
    limits::CALL_GAS_MAX,
    query::Answer,
    tag::Tag,
};

fn stored(world: &mut World, user: &User, contract: ContractId) -> Vec<u8> {
    match world.query(user, contract, &[1]).unwrap().0 {
        Answer::Call { ended: Ended::Returned { flags: 0, data }, .. } => data.to_vec(),
        other => panic!("the notebook did not answer: {other:?}"),
    }
}

/// Puts a command message on the chain that must be rejected, and checks that nothing but its outcome is there.
fn rejected(
    world: &mut World,
    user: &User,
    contract: ContractId,
    envelope: Bytes<{ phala_types::limits::ENVELOPE_BYTES_MAX }>,
) -> Rejection {
    let before = stored(world, user, contract);
    let number = world.execute(ClusterMessage::Command { contract, envelope });
    assert_eq!(stored(world, user, contract), before);
    match world.outcome(user, contract, number).unwrap().0 {
        Outcome::Rejected(rejection) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

#[test]
fn a_command_changes_the_contract_and_its_signer_reads_the_outcome() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    assert_eq!(stored(&mut world, &alice, contract), [0; 32]);
    let number = world.call(&alice, contract, 2, vec![0]);
    assert_eq!(stored(&mut world, &alice, contract), alice.account().as_bytes());
    let Outcome::Executed(run) = world.outcome(&alice, contract, number).unwrap().0 else {
        panic!("not executed")
    };
    assert!(run.is_committed());
    assert_eq!(run.caller, alice.account());
    assert_eq!(run.events.len(), 1);
    assert!(run.gas_used > Gas::new(0));
}

#[test]
fn a_stranger_does_not_read_anothers_outcome() {
    let (alice, mallory) = (User::new(1), User::new(2));
    let (mut world, contract) = World::with_notebook(&alice);
    let number = world.call(&alice, contract, 2, vec![0]);
    assert_eq!(
        world.outcome(&mallory, contract, number).unwrap_err(),
        phala_types::query::Refusal::UnknownCommand
    );
}

#[test]
fn a_contract_that_reverts_traps_or_never_ends_changes_nothing() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    for (sequence, selector) in [(2, 2), (3, 3), (4, 4)] {
        let number = world.call(&alice, contract, sequence, vec![selector]);
        let Outcome::Executed(run) = world.outcome(&alice, contract, number).unwrap().0 else {
            panic!("not executed")
        };
        assert!(!run.is_committed());
        assert!(run.events.is_empty());
        assert_eq!(matches!(run.ended, Ended::Trapped(_)), selector != 2);
        assert_eq!(stored(&mut world, &alice, contract), [0; 32]);
    }
    world.call(&alice, contract, 5, vec![0]);
    assert_eq!(stored(&mut world, &alice, contract), alice.account().as_bytes());
}

#[test]
fn bytes_that_are_no_envelope_are_rejected() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let good: Vec<u8> =
        world.sealed::<1_000_000>(&alice, &alice.command(contract, Action::Call, 9, vec![0])).to_vec();
    for bad in [vec![], vec![0xff; 64], good[..good.len() - 1].to_vec(), [&good[..], &[0]].concat()] {
        assert_eq!(
            rejected(&mut world, &alice, contract, bad.try_into().unwrap()),
            Rejection::MalformedEnvelope
        );
    }
}

#[test]
fn an_envelope_for_another_network_contract_or_key_is_rejected() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let good = world.sealed::<1_000_000>(&alice, &alice.command(contract, Action::Call, 9, vec![0]));
    let good: Envelope = decode_exact(&good).unwrap();
    let with = |change: &dyn Fn(&mut Envelope)| {
        let mut envelope = good.clone();
        change(&mut envelope);
        envelope.encode().try_into().unwrap()
    };
    let cases: [(Bytes<_>, Rejection); 6] = [
        (with(&|e| e.header.version = 9), Rejection::MalformedEnvelope),
        (with(&|e| e.header.genesis = GenesisHash::new([9; 32])), Rejection::MalformedEnvelope),
        (
            with(&|e| e.header.recipient = Recipient::Contract(ContractId::new([9; 32]))),
            Rejection::MalformedEnvelope,
        ),
        (with(&|e| e.header.key_version = KeyVersion::new(1)), Rejection::UnknownKeyVersion),
        (with(&|e| e.encapsulated_key[3] ^= 1), Rejection::ForeignCiphertext),
        (with(&|e| e.ciphertext = vec![0; 300].try_into().unwrap()), Rejection::ForeignCiphertext),
    ];
    for (envelope, rejection) in cases {
        assert_eq!(rejected(&mut world, &alice, contract, envelope), rejection);
    }
}

#[test]
fn a_sealed_text_that_is_no_command_is_rejected() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let command = alice.command(contract, Action::Call, 9, vec![0]);
    let signature = alice.sign(Tag::COMMAND, &world.genesis(), &command);
    let good = SignedCommand { command, signature }.encode();
    for bad in [&b"hello"[..], &good[..good.len() - 1], &[&good[..], &[0]].concat()] {
        let envelope = world.sealed_bytes(contract, bad);
        assert_eq!(rejected(&mut world, &alice, contract, envelope), Rejection::MalformedCommand);
    }
}

#[test]
fn a_command_for_another_contract_cluster_or_action_is_rejected() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let good = alice.command(contract, Action::Call, 9, vec![0]);
    let bad = [
        Command { contract: ContractId::new([9; 32]), ..good.clone() },
        Command { cluster: ClusterId::new(9), ..good.clone() },
        Command { action: Action::Instantiate { code_hash: code_hash(&notebook()) }, ..good.clone() },
    ];
    for command in bad {
        let signature = alice.sign(Tag::COMMAND, &world.genesis(), &command);
        let envelope = world.sealed_bytes(contract, &SignedCommand { command, signature }.encode());
        assert_eq!(rejected(&mut world, &alice, contract, envelope), Rejection::Misdirected);
    }
}

#[test]
fn a_command_signed_by_another_for_another_purpose_or_network_is_rejected() {
    let (alice, mallory) = (User::new(1), User::new(2));
    let (mut world, contract) = World::with_notebook(&alice);
    let command = alice.command(contract, Action::Call, 9, vec![0]);
    let genesis = world.genesis();
    for signature in [
        mallory.sign(Tag::COMMAND, &genesis, &command),
        alice.sign(Tag::QUERY, &genesis, &command),
        alice.sign(Tag::COMMAND, &GenesisHash::new([9; 32]), &command),
    ] {
        let envelope =
            world.sealed_bytes(contract, &SignedCommand { command: command.clone(), signature }.encode());
        assert_eq!(rejected(&mut world, &alice, contract, envelope), Rejection::BadSignature);
    }
}

#[test]
fn a_replayed_command_is_rejected_and_a_stranger_cannot_block_its_signer() {
    let (alice, mallory) = (User::new(1), User::new(2));
    let (mut world, contract) = World::with_notebook(&alice);
    let command = alice.command(contract, Action::Call, 2, vec![0]);
    let envelope: Bytes<_> = world.sealed(&alice, &command);
    world.execute(ClusterMessage::Command { contract, envelope: envelope.clone() });
    assert_eq!(rejected(&mut world, &alice, contract, envelope), Rejection::Replayed);
    // Sequences are each account's own.
    world.call(&mallory, contract, u64::MAX, vec![0]);
    world.call(&alice, contract, 3, vec![0]);
    assert_eq!(stored(&mut world, &alice, contract), alice.account().as_bytes());
}

#[test]
fn a_command_that_asks_for_too_much_is_rejected() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let good = alice.command(contract, Action::Call, 9, vec![0]);
    let gas = Command { gas_limit: Gas::new(CALL_GAS_MAX + 1), sequence: 10, ..good.clone() };
    let value = Command { value: Amount::new(1), sequence: 11, ..good };
    for (command, rejection) in [(gas, Rejection::GasLimitTooHigh), (value, Rejection::InsufficientBalance)] {
        let envelope = world.sealed(&alice, &command);
        assert_eq!(rejected(&mut world, &alice, contract, envelope), rejection);
    }
}

#[test]
fn a_contract_or_code_that_is_not_there_is_said_so() {
    let alice = User::new(1);
    let mut world = World::serving();
    let (contract, unknown) = (world.contract_id(&alice, &notebook()), code_hash(&notebook()));
    let command = alice.command(contract, Action::Call, 1, vec![0]);
    let envelope = world.sealed(&alice, &command);
    let number = world.execute(ClusterMessage::Command { contract, envelope });
    let outcome = world.outcome(&alice, contract, number).unwrap().0;
    assert_eq!(outcome, Outcome::Rejected(Rejection::UnknownContract));
    let command = alice.command(contract, Action::Instantiate { code_hash: unknown }, 2, vec![]);
    let envelope = world.sealed(&alice, &command);
    let number = world.execute(ClusterMessage::ContractDeployed { contract, code_hash: unknown, envelope });
    let (outcome, receipt) = world.outcome(&alice, contract, number).unwrap();
    assert_eq!(outcome, Outcome::Rejected(Rejection::UnknownCode));
    assert_eq!(receipt.receipt.code_hash, None);
}

#[test]
fn a_contract_is_instantiated_once() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let code_hash = code_hash(&notebook());
    let command = alice.command(contract, Action::Instantiate { code_hash }, 2, vec![]);
    let envelope = world.sealed(&alice, &command);
    let number = world.execute(ClusterMessage::ContractDeployed { contract, code_hash, envelope });
    let outcome = world.outcome(&alice, contract, number).unwrap().0;
    assert_eq!(outcome, Outcome::Rejected(Rejection::ContractExists));
}

#[test]
fn two_workers_with_one_seed_and_one_topic_have_one_state_root() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    world.call(&alice, contract, 2, vec![0]);
    world.upload(b"not wasm".to_vec());
    let envelope = vec![1, 2, 3].try_into().unwrap();
    world.execute(ClusterMessage::Command { contract, envelope });
    let live = world.query(&alice, contract, &[1]).unwrap().1.receipt;
    let mut replica = world.newborn_twin();
    replica.deliver().unwrap();
    let replayed = replica.query(&alice, contract, &[1]).unwrap().1.receipt;
    assert_eq!(replayed.position, live.position);
    assert_eq!(replayed.state_root, live.state_root);
}
