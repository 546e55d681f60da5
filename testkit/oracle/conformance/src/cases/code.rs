// SPDX-License-Identifier: Apache-2.0
//! Code: what is admitted, how it is removed, exchanged and locked.

use super::{OUTSIDE, SUCCESS, cases};
use crate::{
    Account, Duel, End, Hash, Machine as _,
    duel::{ALICE, BOB, CHARLIE},
    puppet::{self, FUNCTIONS, Script, Standing},
};

cases![
    every_function_but_the_deprecated_is_admitted,
    deprecated_functions_are_refused_in_new_code,
    modules_that_break_a_rule_are_refused,
    a_start_function,
    entry_points_that_return_a_number,
    memory_without_a_maximum,
    a_function_of_the_wrong_type,
    a_segment_outside_of_memory,
    the_same_code_twice,
    code_that_its_owner_cannot_pay,
    code_is_removed_by_its_owner,
    code_is_not_removed_by_others,
    code_that_is_not_there_is_not_removed,
    code_that_is_used_is_not_removed,
    code_is_free_after_its_last_contract_ended,
    code_uploaded_again_is_the_same,
    a_contract_gets_other_code_for_its_next_call,
    other_code_for_a_contract_moves_the_references,
    other_code_that_is_missing_is_refused,
    the_same_code_again_for_a_contract,
    other_code_is_undone_by_a_revert,
    a_hash_outside_of_memory_traps,
    a_dependency_locks_its_code,
    a_dependency_is_unlocked,
    a_dependency_twice_traps,
    a_dependency_on_itself_traps,
    a_dependency_that_is_missing_traps,
    a_dependency_that_is_not_there_is_not_unlocked,
    dependencies_end_with_the_contract,
    thirty_two_dependencies_and_no_more,
];

fn names(standing: Standing) -> Vec<String> {
    let wanted = FUNCTIONS.iter().filter(|it| it.standing == standing && it.name != "call_chain_extension");
    wanted.map(|it| format!("{}.{}", it.module, it.name)).collect()
}

fn every_function_but_the_deprecated_is_admitted(duel: &mut Duel) {
    for name in [names(Standing::Stable), names(Standing::Unstable)].concat() {
        for code in [puppet::module(&[&name], 1), puppet::module_by_aliases(&[&name], 2)] {
            assert!(duel.upload(&ALICE, &code).is_ok(), "{name}");
        }
    }
}

fn deprecated_functions_are_refused_in_new_code(duel: &mut Duel) {
    for name in names(Standing::Deprecated) {
        for code in [puppet::module(&[&name], 1), puppet::module_by_aliases(&[&name], 2)] {
            assert_eq!(duel.upload(&ALICE, &code), Err(End::CodeRejected), "{name}");
        }
    }
}

fn upload(duel: &mut Duel, module: &str) -> Result<Hash, End> {
    duel.upload(&ALICE, &wat::parse_str(module).expect("WebAssembly text"))
}

const MEMORY: &str = r#"(import "env" "memory" (memory 1 2))"#;
const ENTRIES: &str = r#"(func (export "call")) (func (export "deploy"))"#;

fn modules_that_break_a_rule_are_refused(duel: &mut Duel) {
    assert!(upload(duel, &format!("(module {MEMORY} {ENTRIES})")).is_ok());
    let broken = [
        format!("(module {ENTRIES})"),
        format!("(module {MEMORY})"),
        format!(r#"(module {MEMORY} (func (export "call")))"#),
        format!(r#"(module {MEMORY} (func (export "deploy")))"#),
        format!(r#"(module {MEMORY} {ENTRIES} (func (export "third")))"#),
        format!(r#"(module {MEMORY} {ENTRIES} (global (export "g") i32 (i32.const 0)))"#),
        format!(r#"(module {MEMORY} {ENTRIES} (table (export "t") 1 funcref))"#),
        format!(r#"(module {MEMORY} (export "memory" (memory 0)) {ENTRIES})"#),
        format!(r#"(module (import "seal0" "memory" (memory 1 2)) {ENTRIES})"#),
        format!(r#"(module (import "env" "mem" (memory 1 2)) {ENTRIES})"#),
        format!(r#"(module (import "env" "memory" (memory 1 65)) {ENTRIES})"#),
        format!(r#"(module (import "env" "memory" (memory 65 65)) {ENTRIES})"#),
        format!(r#"(module {MEMORY} (import "env" "t" (table 1 funcref)) {ENTRIES})"#),
        format!(r#"(module {MEMORY} (import "env" "g" (global i32)) {ENTRIES})"#),
        format!(r#"(module (import "seal0" "no_such_function" (func)) {MEMORY} {ENTRIES})"#),
        format!(r#"(module (import "seal9" "caller" (func (param i32 i32))) {MEMORY} {ENTRIES})"#),
        format!(r#"(module {MEMORY} {ENTRIES} (func (drop (f32.const 0))))"#),
        format!(r#"(module {MEMORY} {ENTRIES} (func (param f64)))"#),
        format!(r#"(module {MEMORY} {ENTRIES} (func (result i32 i32) (i32.const 0) (i32.const 0)))"#),
        format!(
            r#"(module {MEMORY} {ENTRIES} (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))"#
        ),
        format!(r#"(module {MEMORY} {ENTRIES} (func (drop (ref.null func))))"#),
        format!(r#"(module {MEMORY} {ENTRIES} (func $t (return_call $t)))"#),
        format!(r#"(module {MEMORY} {ENTRIES} (func (drop (v128.const i64x2 0 0))))"#),
        format!(r#"(module {MEMORY} (func (export "call") (param i32)) (func (export "deploy")))"#),
    ];
    for module in broken {
        assert_eq!(upload(duel, &module), Err(End::CodeRejected), "{module}");
    }
    assert_eq!(duel.upload(&ALICE, b"\0asm"), Err(End::CodeRejected));
    assert_eq!(duel.upload(&ALICE, &[]), Err(End::CodeRejected));
}

fn a_start_function(duel: &mut Duel) {
    let _ = upload(duel, &format!("(module {MEMORY} {ENTRIES} (func $s) (start $s))"));
}

fn entry_points_that_return_a_number(duel: &mut Duel) {
    let number = r#"(func (export "call") (result i32) (i32.const 0)) (func (export "deploy"))"#;
    assert!(upload(duel, &format!("(module {MEMORY} {number})")).is_ok());
}

fn memory_without_a_maximum(duel: &mut Duel) {
    assert!(upload(duel, &format!(r#"(module (import "env" "memory" (memory 1)) {ENTRIES})"#)).is_ok());
}

fn a_function_of_the_wrong_type(duel: &mut Duel) {
    let module = format!(r#"(module (import "seal0" "caller" (func (param i32))) {MEMORY} {ENTRIES})"#);
    assert_eq!(upload(duel, &module), Err(End::CodeRejected));
}

fn a_segment_outside_of_memory(duel: &mut Duel) {
    let module = format!(r#"(module {MEMORY} {ENTRIES} (data (i32.const 65535) "ab"))"#);
    assert_eq!(upload(duel, &module), Err(End::CodeRejected));
}

fn the_same_code_twice(duel: &mut Duel) {
    let code = puppet::module(&[], 7);
    let first = duel.upload(&ALICE, &code).expect("admitted");
    let before = duel.free(&BOB);
    assert_eq!(duel.upload(&BOB, &code), Ok(first));
    assert_eq!(duel.free(&BOB), before, "only the first owner pays");
}

fn code_that_its_owner_cannot_pay(duel: &mut Duel) {
    duel.fund(&CHARLIE, 1_000);
    let refused = duel.upload(&CHARLIE, &puppet::module(&[], 8));
    assert_eq!(refused, Err(End::DepositUnaffordable));
}

fn code_is_removed_by_its_owner(duel: &mut Duel) {
    let before = duel.free(&ALICE);
    let code = duel.puppet_code(&[]);
    assert!(duel.free(&ALICE) < before);
    assert_eq!(duel.remove_code(&ALICE, &code), Ok(()));
    assert_eq!(duel.free(&ALICE), before);
    assert_eq!(duel.remove_code(&ALICE, &code), Err(End::CodeNotFound));
}

fn code_is_not_removed_by_others(duel: &mut Duel) {
    let code = duel.puppet_code(&[]);
    assert_eq!(duel.remove_code(&BOB, &code), Err(End::NotOwner));
}

fn code_that_is_not_there_is_not_removed(duel: &mut Duel) {
    assert_eq!(duel.remove_code(&ALICE, &[5; 32]), Err(End::CodeNotFound));
}

fn code_that_is_used_is_not_removed(duel: &mut Duel) {
    let code = duel.puppet_code(&[]);
    duel.puppet_of(code);
    assert_eq!(duel.remove_code(&ALICE, &code), Err(End::CodeInUse));
    assert_eq!(duel.remove_code(&BOB, &code), Err(End::CodeInUse));
}

fn end(duel: &mut Duel, contract: Account) {
    let mut s = Script::new();
    let beneficiary = s.bytes(&BOB);
    s.call("seal1.terminate", &[beneficiary]);
    assert!(duel.play_with(contract, &s, 0).result.is_ok());
}

fn code_is_free_after_its_last_contract_ended(duel: &mut Duel) {
    let code = duel.puppet_code(&["seal1.terminate"]);
    let contracts = [(); 2].map(|()| duel.puppet_of(code));
    end(duel, contracts[0]);
    assert_eq!(duel.remove_code(&ALICE, &code), Err(End::CodeInUse));
    end(duel, contracts[1]);
    assert_eq!(duel.remove_code(&ALICE, &code), Ok(()));
}

fn code_uploaded_again_is_the_same(duel: &mut Duel) {
    let module = puppet::module(&[], 11);
    let first = duel.upload(&ALICE, &module).expect("admitted");
    duel.remove_code(&ALICE, &first).expect("removed");
    assert_eq!(duel.upload(&BOB, &module), Ok(first));
    duel.puppet_of(first);
}

const CHANGING: &[&str] = &[
    "seal0.set_code_hash",
    "seal0.own_code_hash",
    "seal0.code_hash",
    "seal0.lock_delegate_dependency",
    "seal0.unlock_delegate_dependency",
    "seal1.terminate",
    "seal0.delegate_call",
];

fn changing(duel: &mut Duel) -> (Account, Hash) {
    (duel.puppet(CHANGING), duel.puppet_code(CHANGING))
}

fn set_code(code: &Hash) -> (Script, crate::puppet::Entry) {
    let mut s = Script::new();
    let code = s.bytes(code);
    let rc = s.call("seal0.set_code_hash", &[code]);
    s.ask("seal0.own_code_hash", 32);
    (s, rc)
}

fn a_contract_gets_other_code_for_its_next_call(duel: &mut Duel) {
    let (a, _) = changing(duel);
    let other = duel.puppet_code(&["puppet.unreachable"]);
    let (s, rc) = set_code(&other);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
    assert_eq!(duel.code_hash(&a), Some(other));
    let mut s = Script::new();
    s.call("puppet.unreachable", &[]);
    assert_eq!(duel.end_at(a, &s), End::Trapped);
}

fn other_code_for_a_contract_moves_the_references(duel: &mut Duel) {
    let (a, other) = changing(duel);
    let old = duel.code_hash(&a).expect("a contract");
    assert_eq!(duel.remove_code(&ALICE, &old), Err(End::CodeInUse));
    let (s, rc) = set_code(&other);
    let ran = duel.play_with(a, &s, 0);
    assert_eq!(puppet::Played(ran.result.expect("it runs").data).result(rc), SUCCESS);
    assert_eq!(duel.remove_code(&ALICE, &other), Err(End::CodeInUse));
    assert_eq!(duel.remove_code(&ALICE, &old), Ok(()));
}

fn other_code_that_is_missing_is_refused(duel: &mut Duel) {
    let (a, _) = changing(duel);
    let (s, rc) = set_code(&[4; 32]);
    assert_eq!(duel.play(a, &s).result(rc), 7);
}

fn the_same_code_again_for_a_contract(duel: &mut Duel) {
    let (a, _) = changing(duel);
    let own = duel.code_hash(&a).expect("a contract");
    let (s, rc) = set_code(&own);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
    end(duel, a);
    assert_eq!(duel.remove_code(&ALICE, &own), Ok(()));
}

fn other_code_is_undone_by_a_revert(duel: &mut Duel) {
    let (a, other) = changing(duel);
    let old = duel.code_hash(&a);
    let (mut s, _) = set_code(&other);
    s.call("seal0.seal_return", &[1, 0, 0]);
    duel.play_with(a, &s, 0);
    assert_eq!(duel.code_hash(&a), old);
    assert_eq!(duel.remove_code(&ALICE, &other), Ok(()));
}

fn a_hash_outside_of_memory_traps(duel: &mut Duel) {
    for name in ["seal0.set_code_hash", "seal0.lock_delegate_dependency", "seal0.unlock_delegate_dependency"]
    {
        let mut s = Script::new();
        s.call(name, &[OUTSIDE]);
        assert_eq!(duel.end_of(&s), End::Trapped, "{name}");
    }
}

fn lock(code: &Hash, verb: &str) -> Script {
    let mut s = Script::new();
    let code = s.bytes(code);
    s.call(&format!("seal0.{verb}_delegate_dependency"), &[code]);
    s
}

fn a_dependency_locks_its_code(duel: &mut Duel) {
    let (a, other) = changing(duel);
    let ran = duel.play_with(a, &lock(&other, "lock"), 0);
    assert!(ran.result.is_ok() && ran.deposit > 0, "{ran:?}");
    assert_eq!(duel.remove_code(&ALICE, &other), Err(End::CodeInUse));
}

fn a_dependency_is_unlocked(duel: &mut Duel) {
    let (a, other) = changing(duel);
    let locked = duel.play_with(a, &lock(&other, "lock"), 0);
    let unlocked = duel.play_with(a, &lock(&other, "unlock"), 0);
    assert_eq!(unlocked.deposit, -locked.deposit);
    assert_eq!(duel.remove_code(&ALICE, &other), Ok(()));
}

fn a_dependency_twice_traps(duel: &mut Duel) {
    let (a, other) = changing(duel);
    duel.play(a, &lock(&other, "lock"));
    assert_eq!(duel.end_at(a, &lock(&other, "lock")), End::DependencyExists);
}

fn a_dependency_on_itself_traps(duel: &mut Duel) {
    let (a, _) = changing(duel);
    let own = duel.code_hash(&a).expect("a contract");
    assert_eq!(duel.end_at(a, &lock(&own, "lock")), End::DependencyOnSelf);
}

fn a_dependency_that_is_missing_traps(duel: &mut Duel) {
    let (a, _) = changing(duel);
    assert_eq!(duel.end_at(a, &lock(&[4; 32], "lock")), End::CodeNotFound);
}

fn a_dependency_that_is_not_there_is_not_unlocked(duel: &mut Duel) {
    let (a, other) = changing(duel);
    assert_eq!(duel.end_at(a, &lock(&other, "unlock")), End::DependencyNotFound);
}

fn dependencies_end_with_the_contract(duel: &mut Duel) {
    let (a, other) = changing(duel);
    duel.play(a, &lock(&other, "lock"));
    end(duel, a);
    assert_eq!(duel.remove_code(&ALICE, &other), Ok(()));
}

fn thirty_two_dependencies_and_no_more(duel: &mut Duel) {
    let (a, _) = changing(duel);
    let codes: Vec<Hash> = (0..33).map(|_| duel.puppet_code(&[])).collect();
    let mut s = Script::new();
    for code in &codes[..32] {
        let code = s.bytes(code);
        s.call("seal0.lock_delegate_dependency", &[code]);
    }
    duel.play(a, &s);
    assert_eq!(duel.end_at(a, &lock(&codes[32], "lock")), End::TooManyDependencies);
    end(duel, a);
}
