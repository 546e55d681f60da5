//! Every story of AWS's in which something is wrong ends as it should.

use phala_attest::Facts;
use phala_testkit_evidence::{
    Forged as _,
    nitro::{Story, cases},
};
use std::collections::BTreeSet;

#[test]
fn a_true_story_is_believed_with_and_without_its_tag() {
    for tagged in [false, true] {
        let forged = Story { tagged, ..Story::new() }.finish();
        let verified = forged.appraise().unwrap_or_else(|error| panic!("{error}"));
        let Facts::AwsNitro(facts) = &verified.claims().facts else { panic!("not AWS's") };
        assert_eq!(facts.age_ms, 60_000);
        assert_eq!(facts.registers.len(), 4);
        assert_eq!(verified.report_data(), &[7; 64]);
    }
}

#[test]
fn each_case_is_refused_for_what_is_wrong_with_it() {
    let cases = cases();
    let wrong = cases
        .iter()
        .filter_map(|case| {
            let result = case.forged.appraise().map(|_| ());
            (result != Err(case.expected))
                .then(|| format!("{}: {result:?}, not {:?}", case.name, case.expected))
        })
        .collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let names = cases.iter().map(|case| &case.name).collect::<BTreeSet<_>>();
    assert_eq!(names.len(), cases.len(), "two have one name");
    assert!(cases.len() >= 70, "{} cases", cases.len());
}

#[test]
fn no_changed_document_is_believed() {
    let forged = Story::new().finish();
    for at in 0..forged.document.len() {
        let mut changed = forged.clone();
        changed.document[at] ^= 1 << (at % 8);
        assert!(changed.appraise().is_err(), "at {at}");
    }
}
