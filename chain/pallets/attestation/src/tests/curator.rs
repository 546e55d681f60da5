//! What the curator may change, and when it takes effect.

use super::*;

#[test]
fn a_program_is_admitted_after_the_delay_and_not_before() {
    run(|| {
        let proposal = propose(admit(7));
        let effective_at = BlockNumber::new(START as u32 + DELAY);
        System::assert_last_event(Event::Proposed { proposal, change: admit(7), effective_at }.into());
        pass(DELAY - 1);
        assert!(references(Role::Gatekeeper).is_empty());
        pass(1);
        assert_eq!(references(Role::Gatekeeper), [Digest::new([7; 32])]);
        assert!(references(Role::Miner).is_empty());
        System::assert_last_event(Event::Enacted { proposal }.into());
    });
}

#[test]
fn a_program_that_is_admitted_again_has_the_new_dates() {
    run(|| {
        propose(admit(7));
        let shorter = Reference { not_after: Millis::new(9), ..reference(7) };
        propose(Change::Admit { role: Role::Gatekeeper, reference: shorter.clone() });
        pass(DELAY);
        assert_eq!(crate::Policies::<Test>::get(Role::Gatekeeper).references.to_vec(), [shorter]);
    });
}

#[test]
fn a_cancelled_proposal_never_takes_effect() {
    run(|| {
        let proposal = propose(admit(7));
        pass(DELAY - 1);
        assert_ok!(Attestation::cancel(as_curator(), proposal));
        assert_noop!(Attestation::cancel(as_curator(), proposal), Fails::UnknownProposal);
        pass(2);
        assert!(references(Role::Gatekeeper).is_empty());
    });
}

#[test]
fn what_waits_is_bounded() {
    run(|| {
        for number in 0..crate::PROPOSALS_MAX {
            propose(admit(number as u8));
        }
        assert_noop!(Attestation::propose(as_curator(), admit(99)), Fails::TooManyProposals);
        assert_ok!(Attestation::cancel(as_curator(), 3));
        propose(admit(99));
        pass(DELAY);
        assert_eq!(references(Role::Gatekeeper).len(), crate::PROPOSALS_MAX as usize);
    });
}

#[test]
fn a_change_for_which_there_is_no_room_changes_nothing_and_is_reported() {
    run(|| {
        crate::Policies::<Test>::mutate(Role::Gatekeeper, |policy| {
            let full = (0..phala_attest::MEASUREMENTS_MAX).map(|number| reference(number as u8));
            policy.references = BoundedVec::truncate_from(full.collect());
        });
        let proposal = propose(admit(200));
        pass(DELAY);
        System::assert_last_event(Event::NotEnacted { proposal }.into());
        assert!(!references(Role::Gatekeeper).contains(&Digest::new([200; 32])));
    });
}

#[test]
fn changes_that_no_network_may_make_are_refused() {
    run(|| {
        let admit =
            |reference| Attestation::propose(as_curator(), Change::Admit { role: Role::Miner, reference });
        let simulated = Reference { tier: Tier::Simulated, ..reference(1) };
        assert_noop!(admit(simulated), Fails::SimulatedOnlyAtGenesis);
        let never = Reference { not_before: Millis::new(2), not_after: Millis::new(1), ..reference(1) };
        assert_noop!(admit(never), Fails::EmptyPeriod);
    });
}

#[test]
fn new_rules_keep_programs_and_the_simulated_platform_and_have_all_workers_attest_again() {
    run(|| {
        propose(Change::Admit { role: Role::Miner, reference: reference(7) });
        pass(DELAY);
        let worker = admitted();
        let rules = Box::new(Rules { intel_sgx: Some(Default::default()), ..Rules::default() });
        propose(Change::SetRules { role: Role::Miner, rules });
        pass(DELAY);
        let policy = crate::Policies::<Test>::get(Role::Miner);
        assert!(policy.intel_sgx.is_some() && policy.simulated.is_some());
        assert_eq!(references(Role::Miner), [Digest::new([7; 32])]);
        let until = BlockNumber::new(START as u32 + 2 * DELAY + SESSION);
        assert_eq!(verdict(&worker), Verdict::StandsUntil(until));
        assert_eq!(verdict(&admitted()), Verdict::Stands);
    });
}

#[test]
fn the_office_is_handed_over_after_the_delay() {
    run(|| {
        propose(Change::SetCurator(Some(AccountId::new(OTHER.into()))));
        pass(DELAY);
        let by = |who| Attestation::propose(RuntimeOrigin::signed(who), admit(1));
        assert_eq!(by(CURATOR), Err(DispatchError::BadOrigin));
        assert_ok!(by(OTHER));
        assert_ok!(Attestation::propose(RuntimeOrigin::signed(OTHER), Change::SetCurator(None)));
        pass(DELAY);
        assert_eq!(by(OTHER), Err(DispatchError::BadOrigin), "the office is empty for good");
    });
}

#[test]
fn nobody_but_the_curator_changes_a_policy() {
    run(|| {
        let machine = machine_name();
        let calls: [&dyn Fn(RuntimeOrigin) -> DispatchResult; 6] = [
            &|by| Attestation::propose(by, admit(1)),
            &|by| Attestation::cancel(by, 0),
            &|by| Attestation::withdraw_reference(by, Role::Miner, Tier::Simulated, machine),
            &|by| Attestation::refuse_tier(by, Role::Miner, Tier::Simulated),
            &|by| Attestation::deny_machine(by, machine),
            &|by| Attestation::disallow_machine(by, machine),
        ];
        for call in calls {
            for origin in [RuntimeOrigin::signed(OTHER), RuntimeOrigin::none(), RuntimeOrigin::root()] {
                assert_eq!(call(origin), Err(DispatchError::BadOrigin));
            }
        }
        let _: AccountId32 = OTHER;
    });
}
