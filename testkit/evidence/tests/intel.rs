//! Every story in which something is wrong ends as it should.

use phala_testkit_evidence::{
    Forged as _,
    intel::{Kind, Story, cases},
};
use std::collections::BTreeSet;

#[test]
fn a_true_story_is_believed() {
    for kind in Kind::ALL {
        Story::new(kind).finish().appraise().unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        let processor = Story::new(kind).with_processor_ca().finish();
        processor.appraise().unwrap_or_else(|error| panic!("{kind:?} of the processor CA: {error}"));
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
    assert!(cases.len() >= 200, "{} cases", cases.len());
}

#[test]
fn no_two_cases_have_one_name() {
    let cases = cases();
    let names = cases.iter().map(|case| &case.name).collect::<BTreeSet<_>>();
    assert_eq!(names.len(), cases.len());
}
