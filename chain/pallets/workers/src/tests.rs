//! What the registry promises.

use crate::{Error, Event, WeightInfo as _, WorkerRegistry as _, Workers as WorkerStorage, mock::*};
use polkadot_sdk::*;

use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use phala_attest::{Measurements, Policy, SimulatedPolicy, report_data};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Bytes, Digest, GenesisHash, List,
    limits::EVIDENCE_BYTES_MAX,
    worker::{Registration, Tier, WorkerRecord},
};
use sp_core::crypto::AccountId32;

type Fails = Error<Test>;

fn register_as(who: AccountId32, registration: Registration) -> DispatchResult {
    let evidence = evidence(&registration);
    Workers::register(RuntimeOrigin::signed(who), registration, evidence)
}

fn register(registration: Registration) -> DispatchResult {
    register_as(OPERATOR, registration)
}

fn register_with(registration: Registration, evidence: Bytes<EVIDENCE_BYTES_MAX>) -> DispatchResult {
    Workers::register(RuntimeOrigin::signed(OPERATOR), registration, evidence)
}

fn only(measurements: &[[u8; 32]]) -> Policy {
    let list = List::try_from(measurements.iter().copied().map(Digest::new).collect::<Vec<_>>())
        .expect("it is short");
    Policy { simulated: Some(SimulatedPolicy { measurements: Measurements::OneOf(list) }) }
}

#[test]
fn attested_worker_is_on_record_with_its_tier_and_expiry() {
    run(|| {
        let registration = registration(90);
        let evidence = evidence(&registration);
        assert_ok!(register_with(registration.clone(), evidence.clone()));
        let expected = WorkerRecord {
            hpke_key: registration.hpke_key,
            operator: registration.operator,
            endpoint: registration.endpoint,
            tier: Tier::Simulated,
            measurement: Digest::new(MEASUREMENT),
            attestation: Digest::new(sp_io::hashing::blake2_256(&evidence)),
            registered_at: BlockNumber::new(NOW as u32),
            expires_at: BlockNumber::new(NOW as u32 + LIFETIME),
        };
        assert_eq!(Workers::live(&WORKER), Some(expected.clone()));
        System::assert_last_event(
            Event::Registered {
                worker: WORKER,
                operator: expected.operator,
                tier: Tier::Simulated,
                expires_at: expected.expires_at,
            }
            .into(),
        );
    });
}

#[test]
fn empty_policy_admits_nobody_and_says_why() {
    run_with(Policy::default(), || {
        assert_noop!(register(registration(90)), Fails::SimulatedNotAccepted);
    });
}

#[test]
fn policy_with_measurements_admits_only_these_programs() {
    run_with(only(&[]), || {
        assert_noop!(register(registration(90)), Fails::NotInPolicy);
    });
    run_with(only(&[[9; 32]]), || {
        assert_noop!(register(registration(90)), Fails::NotInPolicy);
    });
    run_with(only(&[[9; 32], MEASUREMENT]), || {
        assert_ok!(register(registration(90)));
    });
}

#[test]
fn registration_ends_with_its_last_block() {
    run(|| {
        assert_ok!(register(registration(90)));
        go_to(NOW + u64::from(LIFETIME));
        assert!(Workers::live(&WORKER).is_some());
        go_to(NOW + u64::from(LIFETIME) + 1);
        assert!(Workers::live(&WORKER).is_none());
        assert!(WorkerStorage::<Test>::contains_key(WORKER), "old receipts are traced to the record");
    });
}

#[test]
fn registering_again_renews_and_moves_the_endpoint() {
    run(|| {
        assert_ok!(register(registration(90)));
        go_to(NOW + 10);
        let moved = Registration {
            endpoint: Bytes::try_from(b"https://elsewhere".to_vec()).expect("it is short"),
            ..registration(NOW + 5)
        };
        assert_ok!(register(moved.clone()));
        let record = Workers::live(&WORKER).expect("it is registered");
        assert_eq!(record.endpoint, moved.endpoint);
        assert_eq!(record.expires_at, BlockNumber::new(NOW as u32 + 10 + LIFETIME));
    });
}

#[test]
fn only_the_named_operator_registers_a_worker() {
    run(|| {
        assert_noop!(register_as(OTHER, registration(90)), Fails::NotOperator);
        let registration = registration(90);
        let evidence = evidence(&registration);
        let unsigned = Workers::register(RuntimeOrigin::none(), registration, evidence);
        assert_eq!(unsigned, Err(sp_runtime::DispatchError::BadOrigin));
    });
}

#[test]
fn another_operator_has_to_wait_for_the_registration_to_expire() {
    run(|| {
        let taken_over = |anchored_at| Registration {
            operator: AccountId::new(OTHER.into()),
            ..registration(anchored_at)
        };
        assert_ok!(register(registration(90)));
        go_to(NOW + 10);
        assert_noop!(register_as(OTHER, taken_over(NOW + 5)), Fails::OperatorIsAnother);
        go_to(NOW + u64::from(LIFETIME) + 1);
        assert_ok!(register_as(OTHER, taken_over(NOW + 45)));
    });
}

#[test]
fn registration_for_another_network_is_refused() {
    run(|| {
        let foreign = Registration { genesis: GenesisHash::new([43; 32]), ..registration(90) };
        assert_noop!(register(foreign), Fails::WrongGenesis);
    });
}

#[test]
fn endpoint_that_is_not_text_is_refused() {
    run(|| {
        let endpoint = Bytes::try_from(vec![0xff, 0xfe]).expect("it is short");
        assert_noop!(register(Registration { endpoint, ..registration(90) }), Fails::EndpointNotText);
    });
}

#[test]
fn anchor_has_to_be_a_block_of_this_chain() {
    run(|| {
        let at = |number, hash| Registration {
            anchor: BlockRef { number: BlockNumber::new(number), hash: BlockHash::new(hash) },
            ..registration(90)
        };
        assert_noop!(register(at(90, [91; 32])), Fails::UnknownAnchor);
        // Blocks without a hash on record read as zeros: the future, this very block, the forgotten past.
        for number in [NOW as u32 + 1, NOW as u32, 1] {
            assert_noop!(register(at(number, [0; 32])), Fails::UnknownAnchor);
        }
    });
}

#[test]
fn evidence_of_yesterday_is_refused() {
    run(|| {
        assert_noop!(register(registration(79)), Fails::StaleAnchor);
        assert_ok!(register(registration(80)));
    });
}

#[test]
fn older_registration_does_not_replace_a_newer_one() {
    run(|| {
        assert_ok!(register(registration(90)));
        go_to(NOW + 5);
        assert_noop!(register(registration(91)), Fails::OlderThanRecord);
        assert_ok!(register(registration(NOW)));
    });
}

#[test]
fn evidence_vouches_for_one_registration_only() {
    run(|| {
        let good = registration(90);
        let with_other_key = Registration { hpke_key: [7; 32], ..good.clone() };
        assert_noop!(register_with(with_other_key, evidence(&good)), Fails::EvidenceForOther);
        assert_noop!(register_with(good, evidence_of(MEASUREMENT, [0; 64])), Fails::EvidenceForOther);
    });
}

#[test]
fn evidence_that_does_not_parse_is_refused() {
    run(|| {
        let good = registration(90);
        assert_noop!(register_with(good.clone(), Bytes::default()), Fails::EvidenceMalformed);
        let mut truncated = evidence(&good).into_inner();
        truncated.pop();
        let truncated = Bytes::try_from(truncated).expect("it is shorter");
        assert_noop!(register_with(good, truncated), Fails::EvidenceMalformed);
    });
}

#[test]
fn evidence_with_a_changed_byte_is_not_genuine() {
    run(|| {
        let good = registration(90);
        // In the report that the quote signs: behind kind, length and header, in the measurement.
        let mut changed = evidence(&good).into_inner();
        let at = changed
            .windows(32)
            .position(|window| window == MEASUREMENT)
            .expect("the report has the measurement");
        changed[at] ^= 1;
        let changed = Bytes::try_from(changed).expect("it is as long");
        assert_noop!(register_with(good, changed), Fails::EvidenceNotGenuine);
    });
}

#[test]
fn report_data_is_the_hash_of_the_registration() {
    assert_ne!(report_data(&registration(90)), report_data(&registration(91)));
}

#[test]
fn invariants_notice_a_worker_that_the_policy_does_not_admit() {
    run(|| {
        assert_ok!(register(registration(90)));
        let policy = crate::Policy::<Test>::take();
        assert!(Workers::check_invariants().is_err());
        crate::Policy::<Test>::put(policy);

        let good = WorkerStorage::<Test>::get(WORKER).expect("it is registered");
        let late = WorkerRecord { registered_at: BlockNumber::new(u32::MAX), ..good.clone() };
        WorkerStorage::<Test>::insert(WORKER, late);
        assert!(Workers::check_invariants().is_err());
        WorkerStorage::<Test>::insert(WORKER, good);
    });
}

#[test]
fn registering_weighs_more_with_more_evidence() {
    type Weights = crate::weights::UpperBound<Test>;
    assert!(Weights::register(0).ref_time() > 0);
    assert!(Weights::register(EVIDENCE_BYTES_MAX).ref_time() > Weights::register(0).ref_time());
}
