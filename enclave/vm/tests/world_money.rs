// SPDX-License-Identifier: Apache-2.0
//! Balances, storage deposits, and the bounds that hold where storage costs nothing.

mod common;

#[path = "common/cluster.rs"]
mod cluster;

use cluster::*;
use phala_vm::abi::ReturnCode;
use phala_vm::world::schema::Key;
use phala_vm::world::{
    CALL_CHANGES_BYTES_MAX, CONTRACT_STORAGE_BYTES_MAX, Deposit, ITEM_BYTES, Outermost, RemovalError, Terms,
    UploadError,
};
use phala_vm::{Balance, CodeRefusal, StorageKey, Trap};
use step::*;

/// What is held for a contract of the steps code: 122 bytes, one value, and 30 hundredths of the code's deposit.
fn base_deposit(variant: u32) -> Balance {
    let code = TERMS.code_deposit(steps_code(variant).len() as u32);
    122 * 2 + 50 + (code * 30).div_ceil(100)
}

#[test]
fn code_is_paid_by_its_owner_and_paid_back() {
    let mut cluster = Cluster::new(TERMS);
    let (code, hash) = (steps_code(0), steps_hash(0));
    let deposit = (code.len() as Balance + 61) * 2 + 100;
    cluster.fund(ALICE, deposit + 9);
    assert_eq!(cluster.upload(ALICE, &code), Err(UploadError::DepositNotPayable { deposit }));
    cluster.fund(ALICE, deposit + 10);
    assert_eq!(cluster.upload(ALICE, &code), Ok(deposit));
    assert_eq!((cluster.account(&ALICE).free, cluster.account(&ALICE).held), (10, deposit));
    // Whoever uploads it again pays nothing and owns nothing.
    assert_eq!(cluster.upload(BOB, &code), Ok(0));
    assert_eq!(cluster.remove_code(BOB, &hash), Err(RemovalError::NotOwner));
    cluster.fund(BOB, 1_000_000);
    assert_eq!(cluster.remove_code(ALICE, &hash), Ok(deposit));
    assert_eq!((cluster.account(&ALICE).free, cluster.account(&ALICE).held), (deposit + 10, 0));
    assert_eq!(cluster.remove_code(ALICE, &hash), Err(RemovalError::CodeNotFound));
    assert!(
        cluster.code(&hash).is_none()
            && !cluster.state.contains_key(&codec::Encode::encode(&Key::Code(hash)))
    );
}

#[test]
fn code_in_use_stays() {
    let mut cluster = Cluster::with_steps();
    let a = cluster.make(1);
    assert_eq!(cluster.remove_code(BOB, &steps_hash(0)), Err(RemovalError::InUse { references: 1 }));
    assert!(cluster.call(a, &[terminate(ALICE)]).execution.is_success());
    assert!(cluster.remove_code(BOB, &steps_hash(0)).is_ok());
}

#[test]
fn code_that_breaks_a_rule_is_refused_by_name() {
    let mut cluster = Cluster::with_steps();
    let broken = cluster.upload(ALICE, b"\0asm");
    assert_eq!(broken, Err(UploadError::Refused(CodeRefusal::Malformed)));
    for (module, name, parameters) in [
        ("seal0", "random", "i32 i32 i32 i32"),
        ("seal1", "seal_random", "i32 i32 i32 i32"),
        ("seal0", "tombstone_deposit", "i32 i32"),
        ("seal0", "restore_to", "i32 i32 i32 i32 i32 i32 i32 i32"),
        ("seal1", "restore_to", "i32 i32 i32 i32 i32"),
        ("seal0", "seal_set_rent_allowance", "i32 i32"),
        ("seal1", "set_rent_allowance", "i32"),
        ("seal0", "rent_allowance", "i32 i32"),
    ] {
        let import = format!(r#"(import "{module}" "{name}" (func (param {parameters})))"#);
        let wasm = common::contract(&import, "");
        // An old contract with it still runs.
        common::prepared(&wasm);
        let refusal = match cluster.upload(ALICE, &wasm) {
            Err(UploadError::Refused(refusal @ CodeRefusal::DeprecatedImport { .. })) => refusal,
            other => panic!("{name}: {other:?}"),
        };
        assert!(refusal.to_string().contains(&format!("{module}.{name}")), "{refusal}");
    }
}

#[test]
fn a_new_contract_exists_by_its_makers_money() {
    let mut cluster = Cluster::with_steps();
    let before = cluster.account(&ALICE).free;
    let (a, ran) = cluster.make_with(1, 100, &[paid(), balance()]);
    assert_eq!(answers(&ran), [100, 100]);
    assert_eq!(ran.deposit, Deposit::Charge(10 + base_deposit(0)));
    let account = cluster.account(&a);
    assert_eq!((account.free, account.held), (110, base_deposit(0)));
    assert_eq!(cluster.account(&ALICE).free, before - 110 - base_deposit(0));
    cluster.check();
}

#[test]
fn a_nested_contract_is_paid_by_the_origin_and_its_value_by_its_maker() {
    let mut cluster = Cluster::with_steps();
    let (a, _) = cluster.make_with(1, 100, &[]);
    let before = cluster.account(&ALICE).free;
    let hash = steps_hash(1);
    let child = phala_vm::world::contract_address(&a, &hash, &[], &[1]);
    let ran = cluster.call(a, &[make(hash, 1, 60, &[])]);
    assert_eq!(answers(&ran), [0]);
    assert_eq!(ran.deposit, Deposit::Charge(10 + base_deposit(1)));
    assert_eq!((cluster.account(&child).free, cluster.account(&a).free), (70, 50));
    assert_eq!(cluster.account(&ALICE).free, before - 10 - base_deposit(1));
    assert_eq!(cluster.answers(a, &[make(hash, 2, 41, &[])]), [ReturnCode::TransferFailed as u32]);
    cluster.check();
}

#[test]
fn a_payment_leaves_both_accounts_in_existence() {
    let mut cluster = Cluster::with_steps();
    let (a, _) = cluster.make_with(1, 100, &[]);
    const CAROL: [u8; 32] = [0xca; 32];
    let failed = ReturnCode::TransferFailed as u32;
    let answers = cluster.answers(
        a,
        &[
            balance(),
            transfer(CAROL, 9),
            transfer(CAROL, 10),
            transfer(CAROL, 1),
            transfer(BOB, 90),
            transfer(BOB, 89),
            balance(),
            transfer(BOB, 1),
            transfer(BOB, 0),
            transfer(a, 1_000),
        ],
    );
    assert_eq!(answers, [100, failed, 0, 0, failed, 0, 0, failed, 0, 0]);
    assert_eq!((cluster.account(&a).free, cluster.account(&CAROL).free), (10, 11));
    cluster.check();
}

#[test]
fn a_value_goes_with_a_call_or_the_call_fails() {
    let mut cluster = Cluster::with_steps();
    let ((a, _), (b, _)) = (cluster.make_with(1, 50, &[]), cluster.make_with(2, 0, &[]));
    let steps = [call_with(b, 0, 40, 0, &[transfer(BOB, 40)]), call_with(b, 0, 11, 0, &[])];
    assert_eq!(cluster.answers(a, &steps), [0, ReturnCode::TransferFailed as u32]);
    assert_eq!((cluster.account(&a).free, cluster.account(&b).free), (20, 10));
    let free = cluster.account(&ALICE).free;
    let ran = cluster.run(Outermost { value: free - 9, ..calling(a, &[]) });
    assert_eq!(ran.execution.result, Err(Trap::TransferFailed));
    let ran = cluster.run(Outermost { value: free - 10, ..calling(a, &[]) });
    assert!(ran.execution.is_success());
    cluster.check();
}

#[test]
fn storage_is_held_on_the_contract_and_refunded() {
    let mut cluster = Cluster::with_steps();
    let a = cluster.make(1);
    let before = cluster.account(&ALICE).free;
    assert_eq!(cluster.call(a, &[set(1, 100), set(2, 0)]).deposit, Deposit::Charge(200 + 100));
    assert_eq!(cluster.call(a, &[set(1, 60)]).deposit, Deposit::Refund(80));
    assert_eq!(cluster.call(a, &[set(1, 61), set(3, 9), clear(3)]).deposit, Deposit::Charge(2));
    assert_eq!(cluster.account(&a).held, base_deposit(0) + 122 + 100);
    assert_eq!(cluster.call(a, &[clear(1), clear(2)]).deposit, Deposit::Refund(222));
    assert_eq!((cluster.account(&ALICE).free, cluster.account(&a).held), (before, base_deposit(0)));
    cluster.check();
}

#[test]
fn whoever_frees_storage_gets_the_deposit() {
    let mut cluster = Cluster::with_steps();
    let a = cluster.make(1);
    cluster.call(a, &[set(1, 100)]);
    let before = cluster.account(&BOB).free;
    let input = clear(1);
    let ran = cluster.run(Outermost { caller: BOB, ..calling(a, &input) });
    assert_eq!((ran.deposit, cluster.account(&BOB).free), (Deposit::Refund(250), before + 250));
    // Somebody who has no account cannot get less than an account needs.
    cluster.call(a, &[set(1, 4)]);
    cluster.call(a, &[set(1, 1)]);
    let input = set(1, 0);
    let ran = cluster.run(Outermost { caller: [5; 32], ..calling(a, &input) });
    assert_eq!(ran.execution.result, Err(Trap::DepositNotPayable));
    cluster.check();
}

#[test]
fn a_limit_holds_for_the_whole_call_and_a_refund_makes_up_for_a_charge() {
    let mut cluster = Cluster::with_steps();
    let (a, b) = (cluster.make(1), cluster.make(2));
    cluster.call(a, &[set(9, 100)]);
    let limited = |cluster: &mut Cluster, limit, steps: &[Vec<u8>]| {
        let input = steps.concat();
        cluster.run(Outermost { deposit_limit: Some(limit), ..calling(a, &input) })
    };
    let store = [set(1, 10), call(b, &[set(1, 10)])];
    assert_eq!(limited(&mut cluster, 139, &store).execution.result, Err(Trap::DepositLimitReached));
    assert_eq!(limited(&mut cluster, 140, &store).deposit, Deposit::Charge(140));
    // At the end nine elevenths of 220 are free, rounded down, for 70 that are taken: whatever comes first.
    let swap = [set(2, 10), call(b, &[set(2, 10)]), clear(9)];
    assert_eq!(limited(&mut cluster, 0, &swap).deposit, Deposit::Refund(109));
    let poor = cluster.account(&ALICE).free;
    assert_eq!(limited(&mut cluster, poor - 19, &[]).execution.result, Err(Trap::DepositNotPayable));
    assert!(limited(&mut cluster, poor - 20, &[]).execution.is_success());
    cluster.check();
}

#[test]
fn a_limit_of_a_nested_frame_ends_its_caller() {
    let mut cluster = Cluster::with_steps();
    let (a, b) = (cluster.make(1), cluster.make(2));
    let inner = [set(1, 10)];
    assert_eq!(cluster.trap(a, &[call_with(b, 0, 0, 69, &inner)]), Trap::DepositLimitReached);
    assert_eq!(cluster.call(a, &[call_with(b, 0, 0, 70, &inner)]).deposit, Deposit::Charge(70));
    // Seen from further out the caller trapped.
    let nested = call(b, &[call_with(a, 0, 0, 69, &inner)]);
    let outer = cluster.make(3);
    assert_eq!(cluster.answers(outer, &[nested]), [1]);
    let hash = steps_hash(1);
    let cost = 10 + base_deposit(1) as u32;
    assert_eq!(cluster.trap(a, &[make_with(hash, 1, 0, cost - 1, &[])]), Trap::DepositLimitReached);
    assert_eq!(cluster.answers(a, &[make_with(hash, 1, 0, cost, &[])]), [0]);
    cluster.check();
}

#[test]
fn recursion_counts_a_contracts_storage_once() {
    let mut cluster = Cluster::with_steps();
    let a = cluster.make(1);
    let again = |steps: &[Vec<u8>]| call_with(a, 8, 0, 0, steps);
    let steps =
        [set(1, 10), again(&[set(1, 30), set(2, 5)]), set(1, 20), delegate(steps_hash(1), &[clear(2)])];
    assert_eq!(cluster.call(a, &steps).deposit, Deposit::Charge(40 + 50));
    assert_eq!(cluster.stored(&a, 1), Some(20));
    cluster.check();
}

#[test]
fn what_a_nested_frame_removes_of_its_outer_frames_is_counted_until_the_contract_ends() {
    let mut cluster = Cluster::with_steps();
    let total = cluster.check();
    let (a, _) = cluster.make_with(1, 0, &[set(1, 30)]);
    // The nested frame sees a record of 30 bytes, of which it takes 94 away; the outer one adds its 94 afterwards.
    let ran = cluster.call(a, &[set(2, 94), delegate(steps_hash(1), &[clear(2)])]);
    assert_eq!(ran.deposit, Deposit::Charge(94 * 2 + 50 - 30 * 2 - 50));
    let contract = cluster.contract(&a).unwrap();
    assert_eq!((contract.storage_bytes, contract.storage_items), (94, 1));
    assert!(cluster.call(a, &[terminate(BOB)]).execution.is_success());
    assert_eq!(cluster.check(), total);
    assert_eq!(cluster.account(&a).held, 0);
}

#[test]
fn an_origin_without_means_stores_nothing_and_makes_nothing() {
    let mut cluster = Cluster::with_steps();
    let a = cluster.make(1);
    let carol = [0xca; 32];
    for (free, steps, expected) in [
        (0, set(1, 1), Trap::DepositLimitReached),
        (20, set(1, 1), Trap::DepositLimitReached),
        (71, set(1, 1), Trap::DepositLimitReached),
        (15, make(steps_hash(1), 1, 0, &[]), Trap::DepositNotPayable),
    ] {
        cluster.fund(carol, free);
        if free == 0 {
            cluster.state.remove(&codec::Encode::encode(&Key::Account(carol)));
        }
        let ran = cluster.run(Outermost { caller: carol, ..calling(a, &steps) });
        assert_eq!(ran.execution.result, Err(expected), "{free}");
    }
    cluster.fund(carol, 72);
    let ran = cluster.run(Outermost { caller: carol, ..calling(a, &set(1, 1)) });
    assert_eq!((ran.deposit, cluster.account(&carol).free), (Deposit::Charge(52), 20));
    cluster.check();
}

#[test]
fn an_ended_contract_pays_its_deposit_to_the_origin_and_the_rest_to_its_heir() {
    let mut cluster = Cluster::with_steps();
    let total = cluster.check();
    let alice = cluster.account(&ALICE).free;
    let (a, _) = cluster.make_with(1, 100, &[set(1, 10), lock(steps_hash(1))]);
    let bob = cluster.account(&BOB);
    let held = cluster.account(&a).held;
    let ran = cluster.call(a, &[set(2, 50), terminate(BOB)]);
    assert_eq!(ran.deposit, Deposit::Refund(held));
    assert_eq!(cluster.account(&BOB).free, bob.free + 110);
    assert_eq!(cluster.account(&ALICE).free, alice - 110);
    assert_eq!(cluster.check(), total);
}

#[test]
fn an_ended_contract_is_paid_out_though_storage_costs_nothing() {
    let mut cluster =
        Cluster::new(Terms { existential_deposit: 1, default_deposit_limit: 100, ..Terms::default() });
    cluster.fund(ALICE, 1_000);
    cluster.upload(BOB, &steps_code(0)).unwrap();
    let (a, _) = cluster.make_with(1, 100, &[]);
    let ran = cluster.call(a, &[terminate(BOB)]);
    assert!(ran.execution.is_success(), "{:?}", ran.execution);
    assert_eq!(cluster.account(&BOB).free, 101);
    assert_eq!(cluster.check(), 1_000);
}

#[test]
fn what_a_contract_stored_in_the_call_that_ends_it_goes_back_to_the_origin() {
    let mut cluster = Cluster::with_steps();
    let (a, b) = (cluster.make(1), cluster.make(2));
    let total = cluster.check();
    let alice = cluster.account(&ALICE).free;
    let held = cluster.account(&b).held;
    let ran = cluster.call(a, &[call(b, &[set(1, 10)]), call(b, &[terminate(BOB)])]);
    assert!(ran.execution.is_success(), "{:?}", ran.execution);
    assert_eq!(ran.deposit, Deposit::Refund(held));
    assert_eq!(cluster.account(&ALICE).free, alice + held);
    assert_eq!(cluster.account(&b).held, 0);
    assert_eq!(cluster.check(), total);
}

#[test]
fn another_code_changes_what_is_held() {
    let mut cluster = Cluster::with_steps();
    let long = common::contract_with("", "", &format!(r#"(data (i32.const 0) "{}")"#, "x".repeat(9_000)));
    let hash = sp_crypto_hashing::blake2_256(&long);
    cluster.upload(BOB, &long).unwrap();
    let a = cluster.make(1);
    let deposit = cluster.account(&a).held;
    let lockup = |deposit: Balance| (deposit * 30).div_ceil(100);
    let more = lockup(TERMS.code_deposit(long.len() as u32))
        - lockup(TERMS.code_deposit(steps_code(0).len() as u32));
    assert_eq!(cluster.call(a, &[set_code(hash)]).deposit, Deposit::Charge(more));
    assert_eq!(cluster.account(&a).held, deposit + more);
    cluster.check();
}

#[test]
fn a_dependency_is_held_and_given_back() {
    let mut cluster = Cluster::with_steps();
    let a = cluster.make(1);
    let lockup = (TERMS.code_deposit(steps_code(1).len() as u32) * 30).div_ceil(100);
    assert_eq!(cluster.call(a, &[lock(steps_hash(1))]).deposit, Deposit::Charge(lockup));
    cluster.check();
    assert_eq!(cluster.call(a, &[unlock(steps_hash(1))]).deposit, Deposit::Refund(lockup));
    cluster.check();
}

#[test]
fn free_storage_is_bounded_for_each_contract() {
    let mut cluster = Cluster::new(Terms::default());
    cluster.upload(BOB, &steps_code(0)).unwrap();
    let a = cluster.make(1);
    let value = 16 * 1024;
    // As if many calls had filled it: all but room for one value.
    let room = value + ITEM_BYTES;
    let mut contract = cluster.contract(&a).unwrap();
    contract.storage_items = 1_000;
    contract.storage_bytes = (CONTRACT_STORAGE_BYTES_MAX - 1_000 * ITEM_BYTES - room) as u32;
    cluster.state.insert(codec::Encode::encode(&Key::Contract(a)), codec::Encode::encode(&contract));
    assert_eq!(cluster.trap(a, &[set(1, value as u16), set(2, 0)]), Trap::LimitReached);
    let within = [set(1, value as u16), set(1, 5), set(1, value as u16)];
    assert!(cluster.call(a, &within).execution.is_success());
    assert_eq!(cluster.trap(a, &[set(2, 0)]), Trap::LimitReached);
    // Frames of the same contract share the room.
    assert_eq!(cluster.answers(a, &[clear(1), call_with(a, 8, 0, 0, &[set(1, value as u16)])]), [0]);
    let shared = [clear(1), set(2, value as u16), call_with(a, 8, 0, 0, &[set(3, 1)])];
    assert_eq!(cluster.answers(a, &shared), [1]);
}

#[test]
fn one_call_cannot_fill_the_workers_memory() {
    // Each child stores 16 MiB, which the contract that makes four of them is told to have worked or not.
    let wasm = wat::parse_str(
        r#"(module
          (import "env" "memory" (memory 1 1))
          (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
          (import "seal0" "own_code_hash" (func $own (param i32 i32)))
          (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
          (import "seal2" "instantiate"
            (func $make (param i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
          (func (export "deploy")
            (loop $fill
              (drop (call $set (i32.const 0) (i32.const 4) (i32.const 1024) (i32.const 16384)))
              (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
              (br_if $fill (i32.lt_u (i32.load (i32.const 0)) (i32.const 1000)))))
          (func (export "call")
            (i32.store (i32.const 64) (i32.const 32))
            (call $own (i32.const 128) (i32.const 64))
            (loop $again
              (i32.store8 (i32.add (i32.const 512) (i32.load (i32.const 256)))
                (call $make (i32.const 128) (i64.const 0) (i64.const 0) (i32.const -1) (i32.const 32)
                  (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0)
                  (i32.const 256) (i32.const 4)))
              (i32.store (i32.const 256) (i32.add (i32.load (i32.const 256)) (i32.const 1)))
              (br_if $again (i32.lt_u (i32.load (i32.const 256)) (i32.const 4))))
            (call $return (i32.const 0) (i32.const 512) (i32.const 4))))"#,
    )
    .unwrap();
    let mut cluster = Cluster::new(Terms::default());
    cluster.upload(BOB, &wasm).unwrap();
    let hash = sp_crypto_hashing::blake2_256(&wasm);
    let made = cluster.run(Outermost { deploy: Some(hash), ..calling([1; 32], &[]) });
    assert!(made.execution.is_success());
    let ran = cluster.run(calling([1; 32], &[]));
    let (works, traps) = (ReturnCode::Success as u8, ReturnCode::CalleeTrapped as u8);
    assert_eq!(ran.execution.result.unwrap().data, [works, works, traps, traps]);
    let bytes: usize =
        ran.changes.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len)).sum();
    assert!(bytes <= CALL_CHANGES_BYTES_MAX);
}

#[test]
fn fixed_and_variable_keys_are_different_values() {
    let wasm = common::contract(
        r#"(import "seal1" "set_storage" (func $fixed (param i32 i32 i32) (result i32)))
           (import "seal2" "set_storage" (func $variable (param i32 i32 i32 i32) (result i32)))"#,
        "(drop (call $fixed (i32.const 0) (i32.const 0) (i32.const 1)))
         (drop (call $variable (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 2)))",
    );
    let mut cluster = Cluster::with_steps();
    cluster.upload(BOB, &wasm).unwrap();
    let hash = sp_crypto_hashing::blake2_256(&wasm);
    cluster.run(Outermost { deploy: Some(hash), ..calling([1; 32], &[]) });
    let ran = cluster.call([1; 32], &[]);
    assert_eq!(ran.deposit, Deposit::Charge(3 * 2 + 2 * 50));
    for (key, len) in [(StorageKey::Fixed([0; 32]), 1), (StorageKey::Variable(vec![0; 32]), 2)] {
        let name = codec::Encode::encode(&Key::Storage([1; 32], key));
        assert_eq!(cluster.state[&name].len(), len);
    }
}
