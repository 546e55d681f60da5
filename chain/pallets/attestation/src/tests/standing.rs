//! What stands, and what falls when.

use super::*;

#[test]
fn a_worker_whose_machine_got_out_of_date_has_a_session_to_attest_again_and_cannot() {
    let (before, after) = (sample("tdx-v4"), sample("tdx-v4-later-outofdate"));
    let (tier, measurement) = program(&before);
    run_with(intel(&[TcbStatus::UpToDate], tier, measurement), Policy::default(), || {
        post_all(&before);
        let appraised = Attestation::appraise(&GENESIS, Role::Miner, &before.evidence).unwrap();
        // The samples are a year apart, and a registration ends with its documents long before: leave that aside.
        let basis = Basis { valid_until: Millis::new(u64::MAX), ..appraised.basis().clone() };
        let worker = (record(&appraised, Role::Miner), basis);
        assert_eq!(verdict(&worker), Verdict::Stands);

        post_all(&after);
        let until = START as u32 + SESSION;
        assert_eq!(verdict(&worker), Verdict::StandsUntil(BlockNumber::new(until)));
        let again = Attestation::appraise(&GENESIS, Role::Miner, &before.evidence);
        assert_eq!(again, Err(AppraisalError::StatusNotAdmitted.into()));
        pass(SESSION);
        assert_eq!(verdict(&worker), Verdict::StandsUntil(BlockNumber::new(until)));
        pass(1);
        assert_eq!(verdict(&worker), Verdict::Fallen(Reason::BasisChanged));
    });
}

#[test]
fn nothing_stands_longer_than_its_documents() {
    let sample = sample("tdx-v5-td15ex");
    let (tier, measurement) = program(&sample);
    run_with(intel(&[TcbStatus::UpToDate], tier, measurement), Policy::default(), || {
        post_all(&sample);
        let appraised = Attestation::appraise(&GENESIS, Role::Miner, &sample.evidence).unwrap();
        let worker = (record(&appraised, Role::Miner), appraised.basis().clone());
        let ends = appraised.basis().valid_until;
        assert!(ends.value() - sample.now.value() <= 31 * 24 * 3600 * 1000, "Intel's documents last a month");
        Clock::set(ends);
        assert_eq!(verdict(&worker), Verdict::Stands);
        Clock::set(Millis::new(ends.value() + 1));
        assert_eq!(verdict(&worker), Verdict::Fallen(Reason::BasisExpired));
    });
}

#[test]
fn a_document_that_is_gone_supports_nobody() {
    run(|| {
        let (record, mut basis) = admitted();
        let source = Source::QeIdentity(phala_attest::intel::Tee::Sgx);
        basis.generations.try_push((source, 7)).unwrap();
        assert_eq!(verdict(&(record, basis)), Verdict::Fallen(Reason::BasisChanged));
    });
}

#[test]
fn a_withdrawn_program_falls_at_once() {
    let policy = simulated(Measurements::OneOf(vec![Digest::new(PROGRAM)].try_into().unwrap()));
    run_with(policy, Policy::default(), || {
        let worker = admitted();
        assert_eq!(verdict(&worker), Verdict::Stands);
        let withdraw = |role, measurement| {
            Attestation::withdraw_reference(as_curator(), role, Tier::Simulated, Digest::new(measurement))
        };
        assert_noop!(withdraw(Role::Gatekeeper, PROGRAM), Fails::NotAdmitted);
        assert_noop!(withdraw(Role::Miner, [6; 32]), Fails::NotAdmitted);
        assert_ok!(withdraw(Role::Miner, PROGRAM));
        assert_eq!(verdict(&worker), Verdict::Fallen(Reason::ProgramNotAdmitted));
        assert_eq!(appraise(Role::Miner), Err(AppraisalError::MeasurementNotAdmitted.into()));
    });
}

#[test]
fn a_program_whose_time_is_over_falls_at_once() {
    let sample = sample("tdx-v5-td15ex");
    let (tier, measurement) = program(&sample);
    let mut policy = intel(&[TcbStatus::UpToDate], tier, measurement);
    policy.references[0].not_after = Millis::new(sample.now.value() + 1000);
    run_with(policy, Policy::default(), || {
        post_all(&sample);
        let appraised = Attestation::appraise(&GENESIS, Role::Miner, &sample.evidence).unwrap();
        let worker = (record(&appraised, Role::Miner), appraised.basis().clone());
        Clock::set(Millis::new(sample.now.value() + 1000));
        assert_eq!(verdict(&worker), Verdict::Stands);
        Clock::set(Millis::new(sample.now.value() + 1001));
        assert_eq!(verdict(&worker), Verdict::Fallen(Reason::ProgramNotAdmitted));
    });
}

#[test]
fn a_refused_tier_falls_at_once() {
    run(|| {
        let worker = admitted();
        let refuse = |tier| Attestation::refuse_tier(as_curator(), Role::Miner, tier);
        for tier in Tier::ALL.into_iter().filter(|tier| *tier != Tier::Simulated) {
            assert_noop!(refuse(tier), Fails::NotAdmitted);
        }
        assert_ok!(refuse(Tier::Simulated));
        assert_eq!(verdict(&worker), Verdict::Fallen(Reason::TierRefused));
        assert_eq!(appraise(Role::Miner), Err(AppraisalError::TierNotAdmitted.into()));
    });
}

#[test]
fn a_denied_machine_falls_at_once_until_it_is_pardoned() {
    run(|| {
        let worker = admitted();
        assert_eq!(worker.0.machine, machine_name());
        assert_ok!(Attestation::deny_machine(as_curator(), machine_name()));
        assert_noop!(Attestation::deny_machine(as_curator(), machine_name()), Fails::AlreadyListed);
        assert_eq!(verdict(&worker), Verdict::Fallen(Reason::MachineDenied));
        assert_eq!(appraise(Role::Miner), Err(Refusal::MachineDenied));
        propose(Change::PardonMachine(machine_name()));
        pass(DELAY);
        assert_eq!(verdict(&worker), Verdict::Stands);
    });
}

#[test]
fn denied_machines_are_bounded() {
    run(|| {
        for number in 0..crate::DENIED_MAX {
            let mut name = [0; 32];
            name[..4].copy_from_slice(&number.to_le_bytes());
            DeniedMachines::<Test>::insert(Digest::new(name), ());
        }
        assert_noop!(Attestation::deny_machine(as_curator(), machine_name()), Fails::TooManyMachines);
    });
}

#[test]
fn gatekeepers_run_on_allowed_machines_only() {
    run_with(Policy::default(), simulated(Measurements::DangerAny), || {
        assert_eq!(appraise(Role::Gatekeeper), Err(Refusal::MachineNotAllowed), "the list is empty");
        propose(Change::AllowMachine(machine_name()));
        pass(DELAY);
        let appraised = appraise(Role::Gatekeeper).expect("it is allowed");
        let worker = (record(&appraised, Role::Gatekeeper), appraised.basis().clone());
        assert_eq!(verdict(&worker), Verdict::Stands);

        let disallow = || Attestation::disallow_machine(as_curator(), machine_name());
        assert_ok!(disallow());
        assert_noop!(disallow(), Fails::NotListed);
        assert_eq!(verdict(&worker), Verdict::Fallen(Reason::MachineNotAllowed));
    });
}

#[test]
fn a_role_is_held_to_its_own_policy() {
    run(|| {
        assert!(appraise(Role::Miner).is_ok());
        assert_eq!(appraise(Role::Gatekeeper), Err(AppraisalError::TierNotAdmitted.into()));
    });
}

#[test]
fn an_empty_policy_admits_nobody() {
    run_with(Policy::default(), Policy::default(), || {
        for role in Role::ALL {
            assert_eq!(appraise(role), Err(AppraisalError::TierNotAdmitted.into()));
        }
    });
}
