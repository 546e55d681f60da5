//! What the registry promises.

use crate::{
    Error, Event, Live, LiveWorker, WeightInfo as _, WorkerRegistry as _, Workers as WorkerStorage, mock::*,
};
use polkadot_sdk::*;

use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use pallet_attestation::{Basis, Change, Reason, Rules, Source};
use phala_attest::{Evidence, Measurements, Policy, SimulatedPolicy, report_data};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Bytes, Digest, GenesisHash, List, Millis, WorkerId,
    limits::EVIDENCE_BYTES_MAX,
    worker::{Registration, Role, Tier, WorkerRecord},
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
    Policy {
        simulated: Some(SimulatedPolicy { measurements: Measurements::OneOf(list) }),
        ..Policy::default()
    }
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
            role: Role::Miner,
            tier: Tier::Simulated,
            measurement: Digest::new(MEASUREMENT),
            machine: machine_name(6),
            attestation: Digest::new(sp_io::hashing::blake2_256(&evidence)),
            registered_at: BlockNumber::new(NOW as u32),
            expires_at: BlockNumber::new(NOW as u32 + LIFETIME),
        };
        assert_eq!(Workers::live(&WORKER), Some(expected.clone()));
        System::assert_last_event(
            Event::Registered {
                worker: WORKER,
                operator: expected.operator,
                role: Role::Miner,
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
        assert_noop!(register(registration(90)), Fails::TierNotInPolicy);
    });
}

#[test]
fn policy_with_measurements_admits_only_these_programs() {
    run_with(only(&[]), || {
        assert_noop!(register(registration(90)), Fails::ProgramNotInPolicy);
    });
    run_with(only(&[[9; 32]]), || {
        assert_noop!(register(registration(90)), Fails::ProgramNotInPolicy);
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

/// A worker on one of several machines.
fn worker_on(machine: u8, registration: &Registration) -> DispatchResult {
    let evidence = evidence_on(machine, MEASUREMENT, report_data(registration));
    Workers::register(RuntimeOrigin::signed(OPERATOR), registration.clone(), evidence)
}

/// Another worker than the usual one.
fn other(anchored_at: u64) -> Registration {
    Registration { worker: WorkerId::new([33; 32]), ..registration(anchored_at) }
}

fn evicted(reason: Reason) -> RuntimeEvent {
    Event::Evicted { worker: WORKER, reason }.into()
}

fn has_happened(event: &RuntimeEvent) -> bool {
    System::events().iter().any(|record| record.event == *event)
}

#[test]
fn gatekeepers_run_on_allowed_machines_and_attest_more_often() {
    run(|| {
        let gatekeeper = Registration { role: Role::Gatekeeper, ..registration(90) };
        assert_noop!(register(gatekeeper.clone()), Fails::MachineNotAllowed);
        pallet_attestation::AllowedMachines::<Test>::insert(machine_name(6), ());
        assert_ok!(register(gatekeeper));
        let record = Workers::live(&WORKER).expect("it is registered");
        assert_eq!(record.role, Role::Gatekeeper);
        assert_eq!(record.expires_at, BlockNumber::new(NOW as u32 + GATEKEEPER_LIFETIME));
    });
}

#[test]
fn a_role_is_part_of_what_the_evidence_vouches_for() {
    run(|| {
        pallet_attestation::AllowedMachines::<Test>::insert(machine_name(6), ());
        let evidence = evidence(&registration(90));
        let promoted = Registration { role: Role::Gatekeeper, ..registration(90) };
        assert_noop!(register_with(promoted, evidence), Fails::EvidenceForOther);
    });
}

#[test]
fn a_machine_has_one_live_registration() {
    run(|| {
        assert_ok!(register(registration(90)));
        assert_noop!(worker_on(6, &other(90)), Fails::MachineTaken);
        assert_ok!(worker_on(7, &other(90)));
        // The same worker renews on its machine.
        go_to(NOW + 5);
        assert_ok!(register(registration(NOW + 1)));
        // When the first has expired its machine is free.
        go_to(NOW + 6 + u64::from(LIFETIME));
        let third = Registration { worker: WorkerId::new([34; 32]), ..registration(NOW + 50) };
        assert_ok!(worker_on(6, &third));
        assert_eq!(Live::<Test>::get(machine_name(6)).map(|live| live.worker), Some(third.worker));
    });
}

#[test]
fn a_worker_that_moved_leaves_its_machine() {
    run(|| {
        assert_ok!(worker_on(6, &registration(90)));
        go_to(NOW + 5);
        assert_ok!(worker_on(7, &registration(NOW + 1)));
        assert_eq!(Live::<Test>::count(), 1);
        assert_ok!(worker_on(6, &other(NOW + 1)));
    });
}

#[test]
fn a_retired_worker_leaves_its_machine_and_its_record() {
    run(|| {
        assert_ok!(register(registration(90)));
        let retire = |who| Workers::retire(RuntimeOrigin::signed(who), WORKER);
        assert_noop!(retire(OTHER), Fails::NotOperator);
        assert_ok!(retire(OPERATOR));
        System::assert_last_event(Event::Retired { worker: WORKER }.into());
        assert_eq!(Workers::live(&WORKER), None);
        assert_noop!(retire(OPERATOR), Fails::NotRegistered);
        assert!(WorkerStorage::<Test>::contains_key(WORKER), "old receipts are traced to the record");
        assert_ok!(worker_on(6, &other(90)));
    });
}

#[test]
fn a_denied_machine_is_not_registered_and_its_worker_is_evicted_at_once() {
    run(|| {
        assert_ok!(register(registration(90)));
        assert_ok!(Attestation::deny_machine(RuntimeOrigin::root(), machine_name(6)));
        assert_eq!(Workers::live(&WORKER), None, "at once, for whoever asks the chain");
        assert_noop!(register(registration(NOW - 1)), Fails::OlderThanRecord);
        go_to(NOW + 2);
        assert_noop!(register(registration(NOW + 1)), Fails::MachineDenied);
        pass(1);
        assert!(has_happened(&evicted(Reason::MachineDenied)));
        let record = WorkerStorage::<Test>::get(WORKER).expect("it stays");
        assert!(record.expires_at < BlockNumber::new(NOW as u32 + 3), "for whoever reads the record");
        assert_eq!(Live::<Test>::count(), 0);
    });
}

#[test]
fn a_worker_whose_program_was_withdrawn_is_evicted() {
    run_with(only(&[MEASUREMENT]), || {
        assert_ok!(register(registration(90)));
        let measurement = Digest::new(MEASUREMENT);
        let (root, role) = (RuntimeOrigin::root(), Role::Miner);
        assert_ok!(Attestation::withdraw_reference(root, role, Tier::Simulated, measurement));
        assert_eq!(Workers::live(&WORKER), None);
        pass(1);
        assert!(has_happened(&evicted(Reason::ProgramNotAdmitted)));
    });
}

#[test]
fn the_machine_of_a_fallen_worker_is_free_at_once_and_the_record_says_so() {
    run_with(only(&[MEASUREMENT, [9; 32]]), || {
        assert_ok!(register(registration(90)));
        let measurement = Digest::new(MEASUREMENT);
        let (root, role) = (RuntimeOrigin::root(), Role::Miner);
        assert_ok!(Attestation::withdraw_reference(root, role, Tier::Simulated, measurement));
        let next = other(90);
        let evidence = evidence_on(6, [9; 32], report_data(&next));
        assert_ok!(register_with(next, evidence));
        assert!(has_happened(&evicted(Reason::ProgramNotAdmitted)));
        assert!(WorkerStorage::<Test>::get(WORKER).is_some_and(|it| it.expires_at < it.registered_at));
    });
}

#[test]
fn workers_have_a_session_to_attest_again_after_the_rules_changed() {
    run(|| {
        assert_ok!(worker_on(6, &registration(90)));
        assert_ok!(worker_on(7, &other(90)));
        let change = Change::SetRules { role: Role::Miner, rules: Box::new(Rules::default()) };
        pallet_attestation::DelayBlocks::<Test>::put(1);
        assert_ok!(Attestation::propose(RuntimeOrigin::root(), change));
        pass(1);
        let until = BlockNumber::new(NOW as u32 + 1 + SESSION);
        let must = |worker| Event::MustAttestAgain { worker, expires_at: until }.into();
        assert!(has_happened(&must(WORKER)) && has_happened(&must(other(90).worker)));
        assert_eq!(WorkerStorage::<Test>::get(WORKER).map(|it| it.expires_at), Some(until));
        assert_eq!(Workers::live(&WORKER).map(|it| it.expires_at), Some(until));

        pass(1);
        assert_ok!(worker_on(6, &registration(NOW + 1)));
        pass(SESSION);
        assert!(Workers::live(&WORKER).is_some(), "it attested again");
        assert!(Workers::live(&other(90).worker).is_none(), "it did not");
    });
}

#[test]
fn registration_lasts_no_longer_than_what_vouches_for_it() {
    run(|| {
        // The certificates of the simulated platform end years later: ten slots before they do.
        assert_ok!(register(registration(90)));
        let ends = Live::<Test>::get(machine_name(6)).expect("it is live").basis.valid_until.value();
        Clock::set(ends - 10 * SLOT_MS);
        go_to(NOW + 5);
        assert_ok!(register(registration(NOW + 1)));
        let record = Workers::live(&WORKER).expect("it is registered");
        assert_eq!(record.expires_at, BlockNumber::new(NOW as u32 + 15));
        // Slots were empty: the time has come before the block has.
        Clock::set(ends + 1);
        assert_eq!(Workers::live(&WORKER), None);
        pass(1);
        assert!(has_happened(&evicted(Reason::BasisExpired)));
    });
}

#[test]
fn every_registration_is_looked_at_within_a_session() {
    run(|| {
        let capacity = Workers::capacity();
        assert_eq!(capacity, 2 * (SESSION - 1));
        for number in 0..capacity as u8 {
            let worker = WorkerId::new([100 + number; 32]);
            assert_ok!(worker_on(number + 1, &Registration { worker, ..registration(90) }));
        }
        let one_more = Registration { worker: WorkerId::new([99; 32]), ..registration(90) };
        assert_noop!(worker_on(50, &one_more), Fails::TooManyWorkers);
        for machine in 1..=capacity as u8 {
            assert_ok!(Attestation::deny_machine(RuntimeOrigin::root(), machine_name(machine)));
        }
        pass(SESSION);
        assert_eq!(Live::<Test>::count(), 0);
        pass(1);
        assert_ok!(worker_on(50, &one_more));
    });
}

#[test]
fn the_round_forgets_what_expired() {
    run(|| {
        assert_ok!(register(registration(90)));
        go_to(NOW + u64::from(LIFETIME));
        pass(1);
        assert_eq!(Live::<Test>::count(), 0);
        assert!(!has_happened(&evicted(Reason::BasisChanged)), "to expire is no eviction");
    });
}

#[test]
fn evidence_whose_documents_nobody_posted_is_refused_with_what_to_do() {
    let policy = Policy { intel_sgx: Some(Default::default()), ..Policy::default() };
    run_with(policy, || {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../vectors/evidence/dcap-qvl-0.7.1/sgx_quote");
        let quote = std::fs::read(path).expect("it is there");
        let quote = phala_attest::intel::without_padding(&quote).to_vec();
        let evidence = codec::Encode::encode(&Evidence::Intel(quote.try_into().expect("it is short")));
        // The time at which its certificates are valid, as its manifest says.
        Clock::set(1_751_624_924_000);
        let evidence = Bytes::try_from(evidence).expect("it is short");
        assert_noop!(register_with(registration(90), evidence), Fails::DocumentsNotPosted);
    });
}

#[test]
fn every_refusal_of_a_policy_tells_program_platform_and_tier_apart() {
    use crate::appraisal::refusal;
    use pallet_attestation::Refusal;
    use phala_attest::AppraisalError::*;
    let told = |error| refusal::<Test>(Refusal::Appraisal(error));
    assert_eq!(told(TierNotAdmitted), Fails::TierNotInPolicy);
    assert_eq!(told(MeasurementNotAdmitted), Fails::ProgramNotInPolicy);
    for error in [
        StatusNotAdmitted,
        AdvisoryRefused,
        EvaluationTooOld,
        MachineKindNotAdmitted,
        SettingsNotAdmitted,
        ExtensionsNotAdmitted,
    ] {
        assert_eq!(told(error), Fails::PlatformNotInPolicy);
    }
    assert_eq!(told(CollateralExpired), Fails::DocumentsNotPosted);
    assert_eq!(told(QuoteSignature), Fails::EvidenceNotGenuine);
    assert_eq!(refusal::<Test>(Refusal::MachineDenied), Fails::MachineDenied);
}

#[test]
fn a_record_whose_document_is_gone_is_evicted() {
    run(|| {
        assert_ok!(register(registration(90)));
        let gone = Source::QeIdentity(phala_attest::intel::Tee::Sgx);
        let basis = Basis {
            generations: vec![(gone, 9)].try_into().expect("it is one"),
            valid_until: Millis::new(u64::MAX),
        };
        Live::<Test>::insert(machine_name(6), LiveWorker { worker: WORKER, basis });
        assert_eq!(Workers::live(&WORKER), None);
        pass(1);
        assert!(has_happened(&evicted(Reason::BasisChanged)));
    });
}

#[test]
fn invariants_notice_what_no_call_can_do() {
    run(|| {
        assert_ok!(register(registration(90)));
        let live = Live::<Test>::take(machine_name(6)).expect("it is live");
        assert!(Workers::check_invariants().is_err(), "a valid record whose machine is nobody's");
        Live::<Test>::insert(machine_name(7), live.clone());
        assert!(Workers::check_invariants().is_err(), "on another machine");
        Live::<Test>::remove(machine_name(7));
        Live::<Test>::insert(machine_name(6), live);

        let good = WorkerStorage::<Test>::get(WORKER).expect("it is registered");
        let late = WorkerRecord { registered_at: BlockNumber::new(u32::MAX), ..good.clone() };
        WorkerStorage::<Test>::insert(WORKER, late);
        assert!(Workers::check_invariants().is_err());
        WorkerStorage::<Test>::insert(WORKER, good);
    });
}

#[test]
fn registering_weighs_more_with_more_evidence_and_dearer_kinds() {
    type Weights = crate::weights::UpperBound<Test>;
    let weight = |kind, bytes| Weights::register(kind, bytes).ref_time();
    assert!(weight(None, 0) > 0);
    assert!(weight(Some(0), EVIDENCE_BYTES_MAX) > weight(Some(0), 0));
    assert!(weight(Some(3), 0) > weight(Some(1), 0));
    assert!(Weights::round(1).ref_time() > Weights::round(0).ref_time());
    assert!(Weights::retire().ref_time() > 0 && Weights::live().ref_time() > 0);
}
