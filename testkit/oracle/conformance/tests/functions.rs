// SPDX-License-Identifier: Apache-2.0
//! Every case on both machines. They differ where the list of differences says so, and nowhere else.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use phala_oracle_conformance::{
    Duel,
    cases::{self, Case},
    differences::DIFFERENCES,
    duel::Aspect,
    puppet::{FUNCTIONS, Standing},
};

/// What diverged in a case, or why the oracle did not answer as the case says.
fn outcome(case: &Case) -> Result<(BTreeSet<Aspect>, String), String> {
    let mut duel = Duel::default();
    let told = catch_unwind(AssertUnwindSafe(|| (case.story)(&mut duel)));
    let lines: Vec<String> = duel.divergences().map(|it| format!("    {it}\n")).collect();
    match told {
        Ok(()) => Ok((duel.divergences().map(|it| it.aspect).collect(), lines.concat())),
        Err(_) => Err(lines.concat()),
    }
}

#[test]
fn both_machines_agree_but_for_the_list_of_differences() {
    let mut expected: BTreeMap<&str, BTreeSet<Aspect>> =
        DIFFERENCES.iter().map(|it| (it.case, it.aspects.iter().copied().collect())).collect();
    assert_eq!(expected.len(), DIFFERENCES.len(), "one entry for each case");
    let mut report = String::new();
    let all = cases::all();
    for case in &all {
        let allowed = expected.remove(case.name).unwrap_or_default();
        match outcome(case) {
            Ok((found, lines)) if found != allowed => report.push_str(&format!(
                "\n{}: diverges in {found:?}, and the list says {allowed:?}\n{lines}",
                case.name
            )),
            Ok(_) => {}
            Err(lines) => report.push_str(&format!("\n{}: the oracle answers otherwise\n{lines}", case.name)),
        }
    }
    assert!(expected.is_empty(), "differences of cases that are not there: {expected:?}");
    assert!(report.is_empty(), "{report}");
    println!("{} cases, {} of them differ on purpose", all.len(), DIFFERENCES.len());
}

#[test]
fn cases_have_names_of_their_own() {
    let all = cases::all();
    let names: BTreeSet<&str> = all.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), all.len());
}

/// The text of the cases says which functions they call.
#[test]
fn every_function_is_called_by_a_case() {
    let text = [
        include_str!("../src/cases/calls.rs"),
        include_str!("../src/cases/code.rs"),
        include_str!("../src/cases/compute.rs"),
        include_str!("../src/cases/deposits.rs"),
        include_str!("../src/cases/facts.rs"),
        include_str!("../src/cases/frames.rs"),
        include_str!("../src/cases/storage.rs"),
        include_str!("../src/cases/transient.rs"),
        include_str!("../src/cases/world.rs"),
    ]
    .concat();
    // Deprecated functions and extensions are refused at upload, which cases check for the whole list.
    let called = FUNCTIONS
        .iter()
        .filter(|it| it.standing != Standing::Deprecated && it.name != "call_chain_extension");
    let missing: Vec<String> = called
        .map(|it| format!("\"{}.{}\"", it.module, it.name))
        .filter(|name| !text.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
