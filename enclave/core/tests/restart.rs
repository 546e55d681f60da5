//! A worker that restarts goes on where it was; one whose disk was edited or rolled back says so and stops.
#![allow(missing_docs)]

mod harness;

use harness::*;
use phala_core::BootError;
use phala_light::{keys, testing::Authorities};
use phala_types::{
    StateRoot,
    cluster::Checkpoint,
    limits::CHECKPOINT_BLOCKS,
    query::{Answer, OpenRefusal, Refusal},
    relay::{Blame, HaltReason, Phase, RelayInput},
};

/// A worker with a contract, some commands executed, and its last checkpoint.
fn worked(alice: &User) -> (World, Checkpoint) {
    let (mut world, contract) = World::with_notebook(alice);
    world.call(alice, contract, 2, vec![0]);
    for _ in 0..=CHECKPOINT_BLOCKS {
        world.finalize().unwrap();
    }
    let checkpoint = *world.checkpoints.last().unwrap();
    assert_eq!(checkpoint.position, world.status().position);
    (world, checkpoint)
}

#[test]
fn a_restarted_worker_has_its_keys_its_state_and_its_place() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    world.call(&alice, contract, 2, vec![0]);
    let before = world.query(&alice, contract, &[1]).unwrap().1.receipt;
    let (worker, head) = (world.status().worker, world.status().head);
    world.restart().unwrap();
    assert_eq!((world.status().worker, world.status().head), (worker, head));
    assert_eq!(world.status().phase, Phase::Syncing);
    world.finalize().unwrap();
    let (answer, signed) = world.query(&alice, contract, &[1]).unwrap();
    assert_eq!(signed.receipt.state_root, before.state_root);
    assert_eq!(signed.receipt.position, before.position);
    let Answer::Call { ended, .. } = answer else { panic!("not a call") };
    assert!(
        matches!(ended, phala_types::command::Ended::Returned { data, .. } if data.to_vec() == alice.account().as_bytes())
    );
    world.call(&alice, contract, 3, vec![0]);
}

#[test]
fn no_plaintext_of_a_user_is_on_the_disk() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    world.call(&alice, contract, 2, vec![0]);
    let account = alice.account();
    let needles: [&[u8]; 2] = [account.as_bytes(), contract.as_bytes()];
    for (name, value) in &world.disk.0 {
        let bytes = [&name[..], value].concat();
        for needle in needles {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle));
        }
    }
}

#[test]
fn an_edited_record_keeps_the_worker_from_starting() {
    let alice = User::new(1);
    let (world, _) = worked(&alice);
    for name in world.disk.0.keys() {
        let mut edited = world.disk.clone();
        edited.0.get_mut(name).unwrap()[40] ^= 1;
        assert_eq!(boot(&edited, 9).err(), Some(BootError::Edited));
    }
}

#[test]
fn a_missing_or_older_record_keeps_the_worker_from_starting() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let earlier = world.disk.clone();
    world.call(&alice, contract, 2, vec![0]);
    let mut noticed = 0;
    for (name, value) in &world.disk.0 {
        let mut missing = world.disk.clone();
        missing.0.remove(name);
        assert!(matches!(boot(&missing, 9).err(), Some(BootError::Inconsistent | BootError::Foreign)));
        if earlier.0.get(name).is_some_and(|old| old != value) {
            let mut older = world.disk.clone();
            older.0.insert(*name, earlier.0[name].clone());
            assert_eq!(boot(&older, 9).err(), Some(BootError::Inconsistent));
            noticed += 1;
        }
    }
    assert!(noticed >= 2);
}

#[test]
fn a_rolled_back_disk_is_noticed_by_the_chain_and_stops_the_worker() {
    let alice = User::new(1);
    let (mut world, _) = World::with_notebook(&alice);
    let old = world.disk.clone();
    let contract = world.contract_id(&alice, &notebook());
    world.call(&alice, contract, 2, vec![0]);
    for _ in 0..=CHECKPOINT_BLOCKS {
        world.finalize().unwrap();
    }
    let checkpoint = *world.checkpoints.last().unwrap();
    world.put(keys::checkpoint(CLUSTER), &checkpoint);
    world.disk = old;
    world.restart().unwrap();
    let error = world.finalize().unwrap_err();
    assert_eq!(error.blame, Blame::Halted);
    assert!(error.text.contains("older than what it signed"));
    assert_eq!(world.status().phase, Phase::Halted(HaltReason::RolledBack));
    // It answers only its status from now on.
    assert_eq!(world.ask_bytes(vec![]), Err(OpenRefusal::NotServing));
    let block = world.next_block();
    assert_eq!(world.send(block).unwrap_err().blame, Blame::Halted);
}

#[test]
fn a_disk_that_is_as_new_as_the_chain_is_not_called_rolled_back() {
    let alice = User::new(1);
    let (mut world, checkpoint) = worked(&alice);
    world.put(keys::checkpoint(CLUSTER), &checkpoint);
    world.restart().unwrap();
    world.finalize().unwrap();
    assert_eq!(world.status().phase, Phase::Serving);
}

#[test]
fn another_root_for_the_same_position_stops_the_worker() {
    let alice = User::new(1);
    let (mut world, checkpoint) = worked(&alice);
    let forged = Checkpoint { state_root: StateRoot::new([9; 32]), ..checkpoint };
    world.put(keys::checkpoint(CLUSTER), &forged);
    assert_eq!(world.finalize().unwrap_err().blame, Blame::Halted);
    assert_eq!(world.status().phase, Phase::Halted(HaltReason::Diverged));
}

#[test]
fn a_checkpoint_that_the_chain_did_not_get_is_given_again_and_never_with_another_root() {
    let alice = User::new(1);
    let (mut world, first) = worked(&alice);
    let count = world.checkpoints.len();
    for _ in 0..3 * CHECKPOINT_BLOCKS {
        world.finalize().unwrap();
    }
    assert!(world.checkpoints.len() > count);
    assert!(world.checkpoints[count..].iter().all(|checkpoint| *checkpoint == first));
    world.put(keys::checkpoint(CLUSTER), &first);
    let count = world.checkpoints.len();
    for _ in 0..3 * CHECKPOINT_BLOCKS {
        world.finalize().unwrap();
    }
    assert_eq!(world.checkpoints.len(), count);
}

#[test]
fn a_step_to_a_later_block_is_not_written_and_is_taken_again_after_a_restart() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let (head, disk) = (world.status().head, world.disk.0.clone());
    let handoff = world.chain.build_handoff(Authorities::new("next", 4));
    let step = RelayInput::Finality { proof: world.chain.finality_proof(handoff.number), view: None };
    world.send(step.clone()).unwrap();
    assert_eq!(world.status().head, Some(handoff));
    assert!(world.disk.0 == disk);
    // It still answers at the block before, which is on the disk.
    let receipt = world.query(&alice, contract, &[1]);
    assert_eq!(receipt.unwrap_err(), Refusal::Behind { verified: head.unwrap().number });
    world.restart().unwrap();
    assert_eq!(world.status().head, head);
    world.send(step).unwrap();
    world.finalize().unwrap();
    assert!(world.query(&alice, contract, &[1]).is_ok());
}

#[test]
fn a_block_at_which_queries_are_answered_is_on_the_disk() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    for _ in 0..3 {
        world.finalize().unwrap();
        let answered_at = world.query(&alice, contract, &[1]).unwrap().1.receipt.head;
        world.restart().unwrap();
        assert_eq!(world.status().head, Some(answered_at));
        world.finalize().unwrap();
    }
}

#[test]
fn a_worker_that_never_had_a_network_restarts_as_new() {
    let mut world = World::new();
    let worker = world.status().worker;
    world.restart().unwrap();
    assert_eq!((world.status().worker, world.status().phase), (worker, Phase::New));
    let genesis = RelayInput::Genesis(world.chain.genesis_proof());
    world.send(genesis).unwrap();
    world.restart().unwrap();
    assert_eq!(world.status().phase, Phase::Syncing);
}
