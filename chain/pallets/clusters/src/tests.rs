//! What clusters promise.

use crate::{
    Checkpoints, ClusterRecord, Clusters as ClusterStorage, Codes, Contracts, Error, Event, Memberships,
    SignedCheckpoint, WeightInfo as _, mock::*,
};
use polkadot_sdk::*;

use codec::Decode as _;
use frame_support::{assert_noop, assert_ok};
use pallet_mailbox::{MessageSink as _, Messages};
use phala_types::{
    AccountId, BlockNumber, Bytes, ClusterId, CodeHash, ContractId, MessageNumber,
    account::WorkerSignature,
    cluster::{ClusterMessage, ContractRecord, code_hash, contract_id},
    limits::{CODE_BYTES_MAX, ENVELOPE_BYTES_MAX},
    mailbox::Topic,
    tag::Tag,
    worker::Role,
};
use sp_core::crypto::AccountId32;

type Fails = Error<Test>;

const CODE: &[u8] = b"\0asm\x01\0\0\0";

fn signed(who: AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

fn bytes<const N: u32>(bytes: &[u8]) -> Bytes<N> {
    Bytes::try_from(bytes.to_vec()).expect("short enough")
}

fn account(who: AccountId32) -> AccountId {
    AccountId::new(who.into())
}

fn last_message() -> ClusterMessage {
    let topic = Topic::Cluster(CLUSTER);
    let last = Mailbox::tip(topic).count.value() - 1;
    Messages::<Test>::get(topic, MessageNumber::new(last)).expect("the tip counts it").body
}

fn upload() -> CodeHash {
    assert_ok!(Clusters::upload_code(signed(ALICE), CLUSTER, bytes(CODE)));
    code_hash(CODE)
}

fn deploy() -> ContractId {
    let code = upload();
    assert_ok!(Clusters::deploy(signed(ALICE), CLUSTER, code, bytes(b"salt"), bytes(b"sealed")));
    contract_id(CLUSTER, &account(ALICE), &code, &bytes(b"salt"))
}

/// A cluster with a worker and `messages` commands, as far as checkpoints go.
fn cluster_with(messages: u64) {
    assert_ok!(Clusters::join(signed(OPERATOR), CLUSTER, worker(1)));
    for _ in 0..messages {
        let body = ClusterMessage::Command { contract: ContractId::new([3; 32]), envelope: bytes(b"sealed") };
        assert_ok!(Mailbox::push(Topic::Cluster(CLUSTER), body));
    }
}

fn submit_checkpoint(position: u64, state: u8) -> frame_support::dispatch::DispatchResult {
    let checkpoint = checkpoint(position, state);
    Clusters::checkpoint(signed(ALICE), checkpoint, sign(1, &checkpoint))
}

#[test]
fn network_begins_with_an_open_cluster() {
    run(|| assert_eq!(ClusterStorage::<Test>::get(CLUSTER), Some(ClusterRecord { worker: None })));
}

#[test]
fn operator_brings_its_worker_into_the_open_cluster() {
    run(|| {
        assert_ok!(Clusters::join(signed(OPERATOR), CLUSTER, worker(1)));
        assert_eq!(ClusterStorage::<Test>::get(CLUSTER), Some(ClusterRecord { worker: Some(worker(1)) }));
        assert_eq!(Memberships::<Test>::get(worker(1)), Some(CLUSTER));
        System::assert_last_event(Event::Joined { cluster: CLUSTER, worker: worker(1) }.into());
    });
}

#[test]
fn only_its_operator_brings_a_worker_into_a_cluster() {
    run(|| {
        assert_noop!(Clusters::join(signed(ALICE), CLUSTER, worker(1)), Fails::NotOperator);
    });
}

#[test]
fn gatekeepers_execute_no_contracts() {
    run(|| {
        Registry::add_as(Role::Gatekeeper, worker(2), account(OPERATOR));
        assert_noop!(Clusters::join(signed(OPERATOR), CLUSTER, worker(2)), Fails::NotMiner);
    });
}

#[test]
fn unregistered_or_expired_worker_joins_no_cluster() {
    run(|| {
        assert_noop!(Clusters::join(signed(OPERATOR), CLUSTER, worker(2)), Fails::WorkerNotRegistered);
        Registry::expire(&worker(1));
        assert_noop!(Clusters::join(signed(OPERATOR), CLUSTER, worker(1)), Fails::WorkerNotRegistered);
    });
}

#[test]
fn worker_joins_one_cluster_and_a_cluster_takes_one_worker() {
    run(|| {
        assert_noop!(Clusters::join(signed(OPERATOR), NO_CLUSTER, worker(1)), Fails::UnknownCluster);
        assert_ok!(Clusters::join(signed(OPERATOR), CLUSTER, worker(1)));
        assert_noop!(Clusters::join(signed(OPERATOR), CLUSTER, worker(1)), Fails::AlreadyMember);
        Registry::add(worker(2), account(OPERATOR));
        assert_noop!(Clusters::join(signed(OPERATOR), CLUSTER, worker(2)), Fails::ClusterIsFull);
    });
}

#[test]
fn uploaded_code_reaches_the_workers_and_is_on_record() {
    run(|| {
        let code = upload();
        let record = Codes::<Test>::get(CLUSTER, code).expect("it was uploaded");
        assert_eq!((record.owner, record.size_bytes), (account(ALICE), CODE.len() as u32));
        assert_eq!(last_message(), ClusterMessage::CodeUploaded { code: bytes(CODE) });
        System::assert_last_event(
            Event::CodeUploaded { cluster: CLUSTER, code_hash: code, owner: account(ALICE) }.into(),
        );
    });
}

#[test]
fn code_is_uploaded_once() {
    run(|| {
        upload();
        assert_noop!(Clusters::upload_code(signed(OPERATOR), CLUSTER, bytes(CODE)), Fails::CodeExists);
    });
}

#[test]
fn code_that_nobody_deployed_is_removed_by_who_uploaded_it_and_may_come_again() {
    run(|| {
        let code_hash = upload();
        assert_ok!(Clusters::remove_code(signed(ALICE), CLUSTER, code_hash));
        assert_eq!(Codes::<Test>::get(CLUSTER, code_hash), None);
        assert_eq!(last_message(), ClusterMessage::CodeRemoved { code_hash });
        System::assert_last_event(Event::CodeRemoved { cluster: CLUSTER, code_hash }.into());
        assert_noop!(Clusters::remove_code(signed(ALICE), CLUSTER, code_hash), Fails::UnknownCode);
        upload();
    });
}

#[test]
fn code_is_not_removed_by_others_nor_while_a_contract_needs_it() {
    run(|| {
        let code_hash = upload();
        assert_noop!(Clusters::remove_code(signed(OPERATOR), CLUSTER, code_hash), Fails::NotCodeOwner);
        let bad = sp_runtime::DispatchError::BadOrigin;
        assert_noop!(Clusters::remove_code(RuntimeOrigin::none(), CLUSTER, code_hash), bad);
        let salt = bytes(b"salt");
        assert_ok!(Clusters::deploy(signed(OPERATOR), CLUSTER, code_hash, salt, bytes(b"sealed")));
        assert_noop!(Clusters::remove_code(signed(ALICE), CLUSTER, code_hash), Fails::CodeInUse);
    });
}

#[test]
fn code_for_an_unknown_cluster_is_refused() {
    run(|| {
        assert_noop!(Clusters::upload_code(signed(ALICE), NO_CLUSTER, bytes(CODE)), Fails::UnknownCluster);
    });
}

#[test]
fn too_large_code_does_not_even_decode() {
    let fits = codec::Encode::encode(&vec![0u8; CODE_BYTES_MAX as usize]);
    let too_large = codec::Encode::encode(&vec![0u8; CODE_BYTES_MAX as usize + 1]);
    assert!(Bytes::<CODE_BYTES_MAX>::decode(&mut &fits[..]).is_ok());
    assert!(Bytes::<CODE_BYTES_MAX>::decode(&mut &too_large[..]).is_err());
    let too_large = codec::Encode::encode(&vec![0u8; ENVELOPE_BYTES_MAX as usize + 1]);
    assert!(Bytes::<ENVELOPE_BYTES_MAX>::decode(&mut &too_large[..]).is_err());
}

#[test]
fn deployed_contract_has_the_id_that_its_deployer_foresaw() {
    run(|| {
        let contract = deploy();
        let code_hash = code_hash(CODE);
        let record = ContractRecord { cluster: CLUSTER, code_hash, owner: account(ALICE) };
        assert_eq!(Contracts::<Test>::get(contract), Some(record));
        let expected = ClusterMessage::ContractDeployed { contract, code_hash, envelope: bytes(b"sealed") };
        assert_eq!(last_message(), expected);
        System::assert_last_event(
            Event::Deployed { cluster: CLUSTER, contract, code_hash, owner: account(ALICE) }.into(),
        );
    });
}

#[test]
fn contract_is_deployed_once_per_owner_and_salt() {
    run(|| {
        deploy();
        let code = code_hash(CODE);
        let again =
            |who, salt: &[u8]| Clusters::deploy(signed(who), CLUSTER, code, bytes(salt), bytes(b"sealed"));
        assert_noop!(again(ALICE, b"salt"), Fails::ContractExists);
        assert_ok!(again(ALICE, b"another salt"));
        assert_ok!(again(OPERATOR, b"salt"));
    });
}

#[test]
fn contract_without_uploaded_code_is_refused() {
    run(|| {
        let deploy =
            |cluster| Clusters::deploy(signed(ALICE), cluster, code_hash(CODE), bytes(b""), bytes(b"sealed"));
        assert_noop!(deploy(CLUSTER), Fails::UnknownCode);
        assert_noop!(deploy(NO_CLUSTER), Fails::UnknownCode);
    });
}

#[test]
fn anyone_may_pay_for_a_command() {
    run(|| {
        let contract = deploy();
        assert_ok!(Clusters::submit(signed(OPERATOR), CLUSTER, contract, bytes(b"sealed")));
        assert_eq!(last_message(), ClusterMessage::Command { contract, envelope: bytes(b"sealed") });
    });
}

#[test]
fn command_to_a_contract_that_only_its_cluster_knows_is_sent() {
    run(|| {
        let contract = ContractId::new([7; 32]);
        assert_ok!(Clusters::submit(signed(ALICE), CLUSTER, contract, bytes(b"sealed")));
        assert_eq!(last_message(), ClusterMessage::Command { contract, envelope: bytes(b"sealed") });
    });
}

#[test]
fn command_to_another_cluster_than_the_contract_s_is_refused() {
    run(|| {
        let contract = deploy();
        let submit = |cluster| Clusters::submit(signed(ALICE), cluster, contract, bytes(b"sealed"));
        assert_noop!(submit(NO_CLUSTER), Fails::UnknownCluster);
        let other = ClusterId::new(1);
        ClusterStorage::<Test>::insert(other, ClusterRecord::default());
        assert_noop!(submit(other), Fails::OtherCluster);
    });
}

#[test]
fn every_call_needs_a_paying_sender() {
    run(|| {
        let checkpoint = checkpoint(0, 1);
        let contract = deploy();
        let none = RuntimeOrigin::none;
        let bad = sp_runtime::DispatchError::BadOrigin;
        assert_noop!(Clusters::join(none(), CLUSTER, worker(1)), bad);
        assert_noop!(Clusters::upload_code(none(), CLUSTER, bytes(b"other")), bad);
        assert_noop!(Clusters::deploy(none(), CLUSTER, code_hash(CODE), bytes(b"other"), bytes(b"")), bad);
        assert_noop!(Clusters::submit(none(), CLUSTER, contract, bytes(b"")), bad);
        assert_noop!(Clusters::checkpoint(none(), checkpoint, sign(1, &checkpoint)), bad);
    });
}

#[test]
fn workers_signature_certifies_the_state() {
    run(|| {
        cluster_with(3);
        assert_ok!(submit_checkpoint(2, 1));
        assert_eq!(Checkpoints::<Test>::get(CLUSTER), Some(checkpoint(2, 1)));
        assert_eq!(Clusters::state_root(CLUSTER), Some(checkpoint(2, 1).state_root));
        System::assert_last_event(Event::Certified { checkpoint: checkpoint(2, 1) }.into());
        assert_ok!(submit_checkpoint(3, 2));
        assert_eq!(Checkpoints::<Test>::get(CLUSTER), Some(checkpoint(3, 2)));
    });
}

#[test]
fn certified_position_never_falls() {
    run(|| {
        cluster_with(3);
        assert_ok!(submit_checkpoint(2, 1));
        assert_noop!(submit_checkpoint(1, 9), Fails::BehindCertified);
    });
}

#[test]
fn resubmitted_checkpoint_is_told_apart_from_a_wrong_one() {
    run(|| {
        cluster_with(3);
        assert_ok!(submit_checkpoint(2, 1));
        assert_noop!(submit_checkpoint(2, 1), Fails::AlreadyCertified);
        // The same state at a later block is no news either.
        let later = phala_types::cluster::Checkpoint { block: BlockNumber::new(60), ..checkpoint(2, 1) };
        assert_noop!(Clusters::checkpoint(signed(ALICE), later, sign(1, &later)), Fails::AlreadyCertified);
    });
}

#[test]
fn contradicting_checkpoints_are_reported_with_both_signatures() {
    run(|| {
        cluster_with(3);
        assert_ok!(submit_checkpoint(2, 1));
        assert_ok!(submit_checkpoint(2, 9));
        let signed_checkpoint = |checkpoint| SignedCheckpoint { checkpoint, signature: sign(1, &checkpoint) };
        System::assert_last_event(
            Event::Equivocation {
                worker: worker(1),
                certified: signed_checkpoint(checkpoint(2, 1)),
                contradicting: signed_checkpoint(checkpoint(2, 9)),
            }
            .into(),
        );
        assert_eq!(Checkpoints::<Test>::get(CLUSTER), Some(checkpoint(2, 1)));
    });
}

#[test]
fn checkpoint_needs_the_signature_of_the_clusters_worker_on_this_network() {
    run(|| {
        cluster_with(3);
        let good = checkpoint(2, 1);
        let submit = |signature| Clusters::checkpoint(signed(ALICE), good, signature);
        assert_noop!(submit(sign(2, &good)), Fails::InvalidSignature);
        assert_noop!(submit(sign(1, &checkpoint(3, 1))), Fails::InvalidSignature);
        assert_noop!(submit(WorkerSignature([0; 64])), Fails::InvalidSignature);
        assert_noop!(submit(sign_for([43; 32], Tag::CHECKPOINT, 1, &good)), Fails::InvalidSignature);
        assert_noop!(submit(sign_for(GENESIS, Tag::RECEIPT, 1, &good)), Fails::InvalidSignature);
    });
}

#[test]
fn cluster_without_a_live_worker_certifies_nothing() {
    run(|| {
        assert_noop!(submit_checkpoint(0, 1), Fails::NoWorker);
        cluster_with(1);
        Registry::expire(&worker(1));
        assert_noop!(submit_checkpoint(1, 1), Fails::WorkerNotRegistered);
        let elsewhere = phala_types::cluster::Checkpoint { cluster: NO_CLUSTER, ..checkpoint(0, 1) };
        assert_noop!(
            Clusters::checkpoint(signed(ALICE), elsewhere, sign(1, &elsewhere)),
            Fails::UnknownCluster
        );
    });
}

#[test]
fn checkpoint_of_what_does_not_exist_is_refused() {
    run(|| {
        cluster_with(3);
        assert_noop!(submit_checkpoint(4, 1), Fails::AheadOfMailbox);
        let future =
            phala_types::cluster::Checkpoint { block: BlockNumber::new(NOW as u32 + 1), ..checkpoint(3, 1) };
        assert_noop!(Clusters::checkpoint(signed(ALICE), future, sign(1, &future)), Fails::FutureBlock);
    });
}

#[test]
fn broken_records_stop_the_pallet_and_are_noticed() {
    run(|| {
        cluster_with(3);
        assert_ok!(submit_checkpoint(2, 1));
        let signature = crate::CheckpointSignatures::<Test>::take(CLUSTER).expect("it was certified");
        assert_noop!(submit_checkpoint(2, 9), Fails::BrokenState);
        assert!(Clusters::check_invariants().is_err());
        crate::CheckpointSignatures::<Test>::insert(CLUSTER, signature);

        Memberships::<Test>::remove(worker(1));
        assert!(Clusters::check_invariants().is_err());
        Memberships::<Test>::insert(worker(1), CLUSTER);
    });
}

#[test]
fn no_call_weighs_nothing() {
    type Weights = crate::weights::UpperBound<Test>;
    let calls = [
        Weights::join(),
        Weights::upload_code(0),
        Weights::remove_code(),
        Weights::deploy(),
        Weights::submit(),
        Weights::checkpoint(),
    ];
    assert!(calls.iter().all(|weight| weight.ref_time() > 0));
    assert!(Weights::upload_code(1024).ref_time() > Weights::upload_code(0).ref_time());
}
