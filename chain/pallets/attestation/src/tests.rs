//! What the service promises.

mod curator;
mod documents;
mod standing;

use crate::{
    Attestation as _, Basis, Change, DeniedMachines, Error, Event, Reason, Refusal, Rules, Source, Verdict,
    WeightInfo as _, mock::*,
};
use polkadot_sdk::*;

use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use phala_attest::{AppraisalError, Document, Measurements, Policy, Reference, intel::TcbStatus};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Bytes, Digest, Millis, WorkerId,
    worker::{Registration, Role, Tier, WorkerRecord},
};
use sp_core::crypto::AccountId32;
use sp_runtime::{BoundedVec, DispatchError};

type Fails = Error<Test>;

fn as_curator() -> RuntimeOrigin {
    RuntimeOrigin::signed(CURATOR)
}

fn post(document: &Document) -> DispatchResult {
    Attestation::post_document(RuntimeOrigin::signed(OTHER), document.clone())
}

fn post_all(sample: &Sample) {
    Clock::set(sample.now);
    for document in &sample.documents {
        assert_ok!(post(document));
    }
}

fn registration(role: Role) -> Registration {
    Registration {
        genesis: GENESIS,
        worker: WorkerId::new([3; 32]),
        role,
        hpke_key: [4; 32],
        operator: AccountId::new(OTHER.into()),
        endpoint: Bytes::default(),
        anchor: BlockRef { number: BlockNumber::new(90), hash: BlockHash::new([9; 32]) },
    }
}

fn appraise(role: Role) -> Result<crate::Appraised, Refusal> {
    let registration = registration(role);
    let evidence = simulated_evidence(phala_attest::report_data(&registration));
    Attestation::appraise_registration(&registration, &evidence)
}

/// What a worker's record would say.
fn record(appraised: &crate::Appraised, role: Role) -> WorkerRecord {
    let registration = registration(role);
    WorkerRecord {
        hpke_key: registration.hpke_key,
        operator: registration.operator,
        endpoint: registration.endpoint,
        role,
        tier: appraised.verified().tier(),
        measurement: appraised.verified().measurement(),
        machine: appraised.machine(),
        attestation: appraised.verified().attestation(),
        registered_at: BlockNumber::new(START as u32),
        expires_at: BlockNumber::new(u32::MAX),
    }
}

/// A miner on the simulated machine that was admitted.
fn admitted() -> (WorkerRecord, Basis) {
    let appraised = appraise(Role::Miner).expect("it is admitted");
    (record(&appraised, Role::Miner), appraised.basis().clone())
}

fn verdict((record, basis): &(WorkerRecord, Basis)) -> Verdict {
    Attestation::verdict(record, basis)
}

fn reference(measurement: u8) -> Reference {
    Reference {
        tier: Tier::IntelSgx,
        measurement: Digest::new([measurement; 32]),
        not_before: Millis::new(0),
        not_after: Millis::new(u64::MAX),
    }
}

fn admit(measurement: u8) -> Change {
    Change::Admit { role: Role::Gatekeeper, reference: reference(measurement) }
}

fn propose(change: Change) -> u32 {
    let proposal = crate::NextProposal::<Test>::get();
    assert_ok!(Attestation::propose(as_curator(), change));
    proposal
}

fn references(role: Role) -> Vec<Digest> {
    crate::Policies::<Test>::get(role).references.iter().map(|it| it.measurement).collect()
}

#[test]
fn invariants_notice_what_no_call_can_do() {
    let broken = |breaks: &dyn Fn()| {
        run(|| {
            post_all(&sample("tdx-v4"));
            propose(admit(1));
            frame_support::assert_ok!(Attestation::check_invariants());
            let _ = frame_support::storage::with_transaction(|| {
                breaks();
                assert!(Attestation::check_invariants().is_err());
                sp_runtime::TransactionOutcome::Rollback(Ok::<(), DispatchError>(()))
            });
        });
    };
    broken(&|| crate::Kinds::<Test>::kill());
    broken(&|| crate::Agenda::<Test>::kill());
    broken(&|| crate::LastGeneration::<Test>::kill());
    broken(&|| crate::NextProposal::<Test>::kill());
    broken(&|| crate::Kinds::<Test>::mutate(|kinds| kinds[0].valid_until = Millis::new(1)));
}

#[test]
fn larger_documents_weigh_more_and_verdicts_weigh_something() {
    type Weights = crate::weights::UpperBound<Test>;
    assert!(Weights::post_document(1000).ref_time() > Weights::post_document(0).ref_time());
    assert!(Weights::enact(1).ref_time() > Weights::enact(0).ref_time());
    assert!(Weights::verdict().ref_time() > 0);
}
