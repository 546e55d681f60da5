//! Which documents are taken, and what they make of evidence.

use super::*;

#[test]
fn anyone_posts_the_documents_of_every_genuine_sample_and_evidence_has_its_verdict() {
    for sample in samples() {
        run(|| {
            post_all(&sample);
            let appraisal = Attestation::would_admit(Role::Miner, &sample.evidence);
            if let Some(error) = sample.expected.get("error") {
                assert_eq!(appraisal.unwrap_err().code, error.as_str().unwrap());
                return;
            }
            let appraisal = appraisal.unwrap();
            assert_eq!(appraisal.status.as_deref(), sample.expected["status"].as_str());
            let mut advisories = appraisal.advisories;
            advisories.sort();
            assert_eq!(serde_json::Value::from(advisories), sample.expected["advisories"]);
            assert!(
                appraisal.rules.iter().any(|rule| rule.refused.is_some()),
                "the policy is for simulated ones"
            );
        });
    }
}

#[test]
fn posted_documents_and_a_policy_admit_genuine_evidence() {
    let sample = sample("tdx-v5-td15ex");
    let (tier, measurement) = program(&sample);
    run_with(intel(&[TcbStatus::UpToDate], tier, measurement), Policy::default(), || {
        Clock::set(sample.now);
        let missing = Attestation::appraise(&GENESIS, Role::Miner, &sample.evidence);
        assert_eq!(missing, Err(AppraisalError::CollateralMissing.into()));
        post_all(&sample);
        let appraised = Attestation::appraise(&GENESIS, Role::Miner, &sample.evidence).unwrap();
        let sources = appraised.basis().generations.iter().map(|(source, _)| *source).collect::<Vec<_>>();
        assert_eq!(sources.len(), 5, "four documents and the rules");
        assert!(matches!(
            sources[..],
            [
                Source::Revocations(_),
                Source::Revocations(_),
                Source::TcbInfo(..),
                Source::QeIdentity(_),
                Source::Rules(Role::Miner)
            ]
        ));
        assert_ne!(appraised.machine(), appraised.verified().machine(), "the chain keeps a hash of it");
        assert_eq!(verdict(&(record(&appraised, Role::Miner), appraised.basis().clone())), Verdict::Stands);
    });
}

#[test]
fn genuine_evidence_vouches_for_no_registration_but_its_own() {
    let sample = sample("tdx-v5-td15ex");
    let (tier, measurement) = program(&sample);
    run_with(intel(&[TcbStatus::UpToDate], tier, measurement), Policy::default(), || {
        post_all(&sample);
        let result = Attestation::appraise_registration(&registration(Role::Miner), &sample.evidence);
        assert_eq!(result, Err(AppraisalError::ReportDataMismatch.into()));
    });
}

#[test]
fn only_signed_accounts_post() {
    run(|| {
        let document = sample("tdx-v4").documents.remove(0);
        let unsigned = Attestation::post_document(RuntimeOrigin::none(), document);
        assert_eq!(unsigned, Err(DispatchError::BadOrigin));
    });
}

#[test]
fn documents_that_do_not_parse_are_not_their_vendors_or_have_expired_are_refused() {
    run(|| {
        let sample = sample("tdx-v4");
        Clock::set(sample.now);
        let [root, _, info, _] = &sample.documents[..] else { panic!("there are four") };
        assert_noop!(post(info), Fails::RootListMissing);
        let malformed = Document::IntelRootRevocations(b"no list".to_vec().try_into().unwrap());
        assert_noop!(post(&malformed), Fails::DocumentMalformed);
        assert_ok!(post(root));

        let Document::IntelTcbInfo(signed) = info else { panic!("it is TCB information") };
        let mut forged = signed.clone();
        forged.signature[5] ^= 1;
        assert_noop!(post(&Document::IntelTcbInfo(forged)), Fails::DocumentNotGenuine);

        Clock::set(Millis::new(sample.now.value() + 365 * 24 * 3600 * 1000));
        assert_noop!(post(root), Fails::DocumentExpired);
    });
}

#[test]
fn documents_only_get_newer() {
    run(|| {
        let (older, newer) = (sample("tdx-v4"), sample("tdx-v4-later-outofdate"));
        post_all(&older);
        for document in &older.documents {
            assert_noop!(post(document), Fails::DocumentNotNewer);
        }
        post_all(&newer);
        // A clock that goes back is nothing that a chain has: it shows that dates alone keep older documents out.
        Clock::set(older.now);
        let info = &older.documents[2];
        assert_noop!(post(info), Fails::DocumentNotGenuine);
        let stored = crate::TcbInfos::<Test>::iter_values().next().unwrap();
        assert!(stored.issue.issued > older.now);
    });
}

#[test]
fn date_and_evaluation_never_go_back_and_one_goes_on() {
    use crate::collateral::check_newer;
    let check = |old, new: (u64, u32)| {
        let version = |(issued, evaluation): (u64, u32)| (Millis::new(issued), evaluation);
        check_newer::<Test>(Some(version(old)), version(new))
    };
    assert_eq!(check_newer::<Test>(None, (Millis::new(1), 0)), Ok(()));
    for newer in [(11, 5), (10, 6), (11, 6)] {
        assert_eq!(check((10, 5), newer), Ok(()));
    }
    for older in [(10, 5), (9, 5), (9, 6), (11, 4), (10, 4)] {
        assert_eq!(check((10, 5), older), Err(Fails::DocumentNotNewer));
    }
}

#[test]
fn a_document_that_says_the_same_again_disturbs_nobody() {
    run(|| {
        let sample = sample("tdx-v4");
        post_all(&sample);
        let key = *crate::Kinds::<Test>::get()
            .iter()
            .map(|it| (it.tee, it.fmspc))
            .collect::<Vec<_>>()
            .first()
            .unwrap();
        let source = Source::TcbInfo(key.0, key.1);
        let before = crate::Versions::<Test>::get(source);
        assert_ne!(before.generation, 0);
        // As if the one on record had been issued a second earlier, by the evaluation before.
        crate::TcbInfos::<Test>::mutate(key, |info| {
            let issue = &mut info.as_mut().unwrap().issue;
            issue.issued = Millis::new(issue.issued.value() - 1000);
            issue.evaluation -= 1;
        });
        pass(1);
        assert_ok!(post(&sample.documents[2]));
        assert_eq!(crate::Versions::<Test>::get(source), before);
        let is_same = |record: &frame_system::EventRecord<RuntimeEvent, _>| {
            matches!(&record.event, RuntimeEvent::Attestation(Event::DocumentPosted { changed: false, .. }))
        };
        assert!(System::events().iter().any(is_same));
    });
}

#[test]
fn kinds_of_machine_are_bounded_and_an_expired_one_makes_room() {
    run(|| {
        let sample = sample("tdx-v4");
        Clock::set(sample.now);
        assert_ok!(post(&sample.documents[0]));
        // As many others as there is room for, none of which has expired.
        let info = {
            assert_ok!(post(&sample.documents[2]));
            let kind = crate::Kinds::<Test>::take()[0];
            crate::Versions::<Test>::remove(Source::TcbInfo(kind.tee, kind.fmspc));
            crate::TcbInfos::<Test>::take((kind.tee, kind.fmspc)).unwrap()
        };
        for number in 0..crate::KINDS_MAX {
            let mut other = info.clone();
            other.fmspc.0 = [0xff, 0xff, 0, 0, (number >> 8) as u8, number as u8];
            let kind =
                crate::Kind { tee: other.tee, fmspc: other.fmspc, valid_until: other.issue.valid_until };
            crate::Kinds::<Test>::mutate(|kinds| kinds.try_push(kind)).unwrap();
            crate::TcbInfos::<Test>::insert((other.tee, other.fmspc), other);
        }
        assert_noop!(post(&sample.documents[2]), Fails::TooManyKinds);

        let expired = crate::Kinds::<Test>::mutate(|kinds| {
            kinds[7].valid_until = Millis::new(1);
            kinds[7]
        });
        assert_ok!(post(&sample.documents[2]));
        assert!(!crate::TcbInfos::<Test>::contains_key((expired.tee, expired.fmspc)));
        assert!(crate::TcbInfos::<Test>::contains_key((info.tee, info.fmspc)));
    });
}
