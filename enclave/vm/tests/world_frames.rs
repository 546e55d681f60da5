// SPDX-License-Identifier: Apache-2.0
//! Frames: nested calls, reentrancy, depth, delegation, what is undone, the end of contracts.

mod common;

#[path = "common/cluster.rs"]
mod cluster;

use cluster::*;
use common::engine;
use phala_types::limits::{CALL_DEPTH_MAX, EVENTS_MAX};
use phala_vm::abi::{
    CALL_ALLOW_REENTRY, CALL_CLONE_INPUT, CALL_READ_ONLY, MAX_DELEGATE_DEPENDENCIES, ReturnCode,
};
use phala_vm::extension::log::LINES_MAX;
use phala_vm::world::{Codes, Outermost, TRANSIENT_BYTES_MAX, contract_address};
use phala_vm::{Engine, Trap};
use step::*;

const NONE: u32 = u32::MAX;
const REENTRY: u8 = CALL_ALLOW_REENTRY as u8;

fn two() -> (Cluster, [u8; 32], [u8; 32]) {
    let mut cluster = Cluster::with_steps();
    let (a, b) = (cluster.make(1), cluster.make(2));
    (cluster, a, b)
}

#[test]
fn a_call_changes_what_it_says_and_tells_what_happened() {
    let (mut cluster, a, b) = two();
    let ran = cluster.call(a, &[event(1), set(1, 8), call(b, &[event(2), set(2, 9)]), event(3), stored(1)]);
    assert_eq!(answers(&ran), [ReturnCode::Success as u32, 8]);
    assert_eq!((cluster.stored(&a, 1), cluster.stored(&b, 2)), (Some(8), Some(9)));
    let events: Vec<_> = ran.events.iter().map(|event| (*event.contract.as_bytes(), event.data[0])).collect();
    assert_eq!(events, [(a, 1), (b, 2), (a, 3)]);
    cluster.check();
}

#[test]
fn a_callee_that_fails_is_undone_and_its_caller_goes_on() {
    let (mut cluster, a, b) = two();
    for (end, code) in
        [(revert(), ReturnCode::CalleeReverted as u32), (trap(), ReturnCode::CalleeTrapped as u32)]
    {
        let inner = [event(2), set(1, 4), call(a, &[set(9, 9)]), transfer(BOB, 20), set_transient(1, 3), end];
        let steps = [set(7, 1), call_with(b, REENTRY, 50, 0, &inner), transient(1), event(3)];
        cluster.fund(a, 100);
        let bob = cluster.account(&BOB);
        let ran = cluster.call(a, &steps);
        assert_eq!(answers(&ran), [code, NONE]);
        assert_eq!(ran.events.len(), 1);
        assert_eq!((cluster.stored(&b, 1), cluster.stored(&a, 9)), (None, None));
        assert_eq!((cluster.account(&a).free, cluster.account(&BOB)), (100, bob));
    }
    cluster.check();
}

#[test]
fn an_outermost_call_that_fails_changes_nothing() {
    let (mut cluster, a, b) = two();
    let steps = [set(1, 4), call(b, &[set(1, 4)]), event(1)];
    assert_eq!(cluster.trap(a, &[steps.concat(), trap()]), Trap::Unreachable);
    let before = cluster.state.clone();
    let ran = cluster.call(a, &[steps.concat(), revert()]);
    assert_eq!(ran.execution.result.unwrap().flags, 1);
    assert!(ran.changes.is_empty() && ran.events.is_empty() && cluster.state == before);
}

#[test]
fn what_cannot_begin_traps_and_costs_no_gas() {
    let (mut cluster, a, _) = two();
    let begin = |cluster: &mut Cluster, outermost| cluster.run(outermost).execution;
    let unknown = begin(&mut cluster, calling(BOB, b""));
    assert_eq!((unknown.result, unknown.gas_used), (Err(Trap::ContractNotFound), 0));
    let code = begin(&mut cluster, Outermost { deploy: Some([9; 32]), ..calling(BOB, b"") });
    assert_eq!((code.result, code.gas_used), (Err(Trap::CodeNotFound), 0));
    let taken = begin(&mut cluster, Outermost { deploy: Some(steps_hash(0)), ..calling(a, b"") });
    assert_eq!((taken.result, taken.gas_used), (Err(Trap::DuplicateContract), 0));
    let value = begin(&mut cluster, Outermost { value: u128::MAX, ..calling(a, b"") });
    assert_eq!((value.result, value.gas_used), (Err(Trap::TransferFailed), 0));
}

#[test]
fn an_account_that_is_no_contract_cannot_be_called() {
    let (mut cluster, a, _) = two();
    assert_eq!(cluster.answers(a, &[call(BOB, &[])]), [ReturnCode::NotCallable as u32]);
    assert_eq!(cluster.answers(a, &[is_contract(BOB), is_contract(a)]), [0, 1]);
    assert_eq!(cluster.answers(a, &[delegate([9; 32], &[])]), [ReturnCode::CodeNotFound as u32]);
    assert_eq!(cluster.answers(a, &[make([9; 32], 0, 0, &[])]), [ReturnCode::CodeNotFound as u32]);
}

#[test]
fn a_contract_is_entered_again_only_if_it_allows_it() {
    let (mut cluster, a, b) = two();
    let back = call(a, &[set(1, 1)]);
    // Denied, the one that calls back traps, which is b.
    let denied = cluster.answers(a, &[call(b, &[back.clone()])]);
    assert_eq!(denied, [ReturnCode::CalleeTrapped as u32]);
    assert_eq!(cluster.trap(a, &[call(a, &[])]), Trap::ReentranceDenied);
    // The same by way of code that runs as a.
    assert_eq!(cluster.answers(a, &[delegate(steps_hash(1), &[call(a, &[])])]), [1]);
    assert_eq!(cluster.answers(a, &[call_with(b, REENTRY, 0, 0, &[back])]), [ReturnCode::Success as u32]);
    assert_eq!(cluster.stored(&a, 1), Some(1));
    // Protection is by call: the next one is not affected.
    let steps = [call(b, &[]), call_with(a, REENTRY, 0, 0, &[])];
    assert_eq!(cluster.answers(a, &steps), [0, 0]);
}

#[test]
fn entrances_are_counted_without_delegations() {
    let (mut cluster, a, b) = two();
    let depth = |steps: &[Vec<u8>]| call_with(a, REENTRY, 0, 0, steps);
    let steps = [reentrances(), delegate(steps_hash(1), &[reentrances()]), reentrances()];
    assert_eq!(cluster.answers(a, &steps), [0, 0, 0]);
    // The innermost frame stores as many values' bytes as there are entrances besides it: seen from outside by an event.
    let ran = cluster.call(a, &[depth(&[call_with(b, REENTRY, 0, 0, &[depth(&[set(1, 2)])])])]);
    assert!(ran.execution.is_success());
    assert_eq!(cluster.stored(&a, 1), Some(2));
}

#[test]
fn contracts_call_each_other_as_deep_as_allowed_and_no_deeper() {
    let (mut cluster, a, _) = two();
    let nest = |frames: usize| {
        (1..frames).fold(vec![set(1, 1)], |steps, _| vec![call_with(a, REENTRY, 0, 0, &steps)])
    };
    assert_eq!(cluster.answers(a, &nest(CALL_DEPTH_MAX)), [0]);
    assert_eq!(cluster.stored(&a, 1), Some(1));
    // The tenth frame traps, since it is the one that cannot call.
    let ran = cluster.call(a, &[clear(1), nest(CALL_DEPTH_MAX + 1).concat()]);
    assert!(ran.execution.is_success());
    assert_eq!(cluster.stored(&a, 1), None);
    let mut steps = vec![set(1, 1)];
    for _ in 0..CALL_DEPTH_MAX {
        steps = vec![delegate(steps_hash(1), &steps)];
    }
    assert!(cluster.call(a, &steps).execution.is_success());
    assert_eq!(cluster.stored(&a, 1), None);
}

#[test]
fn ten_frames_that_use_up_their_stack_fit_the_promised_thread() {
    // Each contract recurses before it calls itself.
    let wasm = wat::parse_str(
        r#"(module
          (import "env" "memory" (memory 1 1))
          (import "seal1" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
          (import "seal0" "address" (func $address (param i32 i32)))
          (func $deeper (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add (i32.const 1) (call $deeper (i32.sub (local.get 0) (i32.const 1)))))
              (else (call $call (i32.const 8) (i32.const 8) (i64.const 0) (i32.const 64) (i32.const 0) (i32.const 0)
                (i32.const -1) (i32.const 0)))))
          (func (export "call")
            (i32.store (i32.const 0) (i32.const 32))
            (call $address (i32.const 8) (i32.const 0))
            (drop (call $deeper (i32.const 1000))))
          (func (export "deploy")))"#,
    )
    .unwrap();
    let work = move || {
        let mut cluster = Cluster::with_steps();
        cluster.upload(BOB, &wasm).unwrap();
        let hash = sp_crypto_hashing::blake2_256(&wasm);
        let contract = contract_address(&ALICE, &hash, &[], &[]);
        let made = cluster.run(Outermost { deploy: Some(hash), ..calling(contract, &[]) });
        assert!(made.execution.is_success());
        // The last frame traps, since it cannot call; the others do not.
        assert!(cluster.call(contract, &[]).execution.is_success());
    };
    let thread = std::thread::Builder::new().stack_size(phala_vm::abi::THREAD_STACK_BYTES);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn delegated_code_runs_as_the_contract_that_called_it() {
    let (mut cluster, a, b) = two();
    let (caller_of_a, alice) = (u32::from_le_bytes([0xa1; 4]), 1);
    let steps = [caller(), is_origin(), paid(), set(5, 6)];
    let input = steps.concat();
    let ran = cluster.run(Outermost { value: 33, ..calling(a, &delegate(steps_hash(1), &[input.clone()])) });
    assert_eq!(answers(&ran), [0]);
    assert_eq!(cluster.stored(&a, 5), Some(6));
    // The answer of the delegated code itself, by a tail of the same steps in a plain call.
    let plain = cluster.run(Outermost { value: 33, ..calling(a, &input) });
    assert_eq!(answers(&plain), [caller_of_a, alice, 33]);
    let nested = [call(b, &[set(1, 1)]), version()];
    assert_eq!(cluster.answers(a, &nested), [0, 0]);
}

#[test]
fn code_is_changed_from_the_next_call_on() {
    let (mut cluster, a, _) = two();
    let [old, new] = [0, 1].map(|variant| u32::from_le_bytes(steps_hash(variant)[..4].try_into().unwrap()));
    let steps = [own_code(), set_code(steps_hash(1)), own_code(), version()];
    assert_eq!(cluster.answers(a, &steps), [old, 0, new, 0]);
    assert_eq!(cluster.answers(a, &[version()]), [1]);
    assert_eq!(cluster.answers(a, &[set_code([9; 32])]), [ReturnCode::CodeNotFound as u32]);
    let within = [call_with(a, REENTRY, 0, 0, &[set_code(steps_hash(0))]), own_code()];
    assert_eq!(cluster.answers(a, &within), [0, old]);
    cluster.check();
    // A frame that fails leaves the code as it was.
    let undone = [call_with(a, REENTRY, 0, 0, &[set_code(steps_hash(1)), revert()])];
    assert_eq!(cluster.answers(a, &undone), [2]);
    assert_eq!(cluster.contract(&a).unwrap().code_hash, steps_hash(0));
    cluster.check();
}

#[test]
fn contracts_make_contracts() {
    let (mut cluster, a, _) = two();
    let hash = steps_hash(1);
    let input = set(1, 2);
    let child = contract_address(&a, &hash, &input, &[7]);
    assert_eq!(cluster.answers(a, &[make(hash, 7, 0, &[input.clone()]), is_contract(child)]), [0, 1]);
    assert_eq!(cluster.stored(&child, 1), Some(2));
    assert_eq!(cluster.trap(a, &[make(hash, 7, 0, &[input])]), Trap::DuplicateContract);
    assert_eq!(cluster.answers(a, &[make(hash, 8, 0, &[set(1, 1), revert()])]), [2]);
    assert_eq!(cluster.answers(a, &[make(hash, 8, 0, &[trap()])]), [1]);
    cluster.check();
}

#[test]
fn a_contract_is_none_until_its_constructor_has_ended() {
    let (mut cluster, a, _) = two();
    let hash = steps_hash(0);
    // The constructor asks a about itself, which its own input cannot name: so by an account that is known before.
    let (outer, ran) = cluster.make_with(9, 0, &[call(a, &[]), reentrances()]);
    assert_eq!(answers(&ran), [0, 0]);
    assert!(cluster.contract(&outer).is_some());
    // Whoever is called by a constructor cannot call it back.
    let steps = [make(hash, 1, 0, &[set(1, 1)])];
    let child = contract_address(&a, &hash, &set(1, 1), &[1]);
    assert_eq!(cluster.answers(a, &[call(child, &[])]), [ReturnCode::NotCallable as u32]);
    assert_eq!(cluster.answers(a, &steps), [0]);
    assert_eq!(cluster.answers(a, &[call(child, &[])]), [0]);
}

#[test]
fn the_nonce_counts_instantiations_that_succeed() {
    let mut cluster = Cluster::with_steps();
    assert_eq!(cluster.nonce(), 0);
    let (a, ran) = cluster.make_with(1, 0, &[nonce()]);
    assert_eq!(answers(&ran), [1]);
    let hash = steps_hash(1);
    let steps = [nonce(), make(hash, 1, 0, &[]), nonce(), make(hash, 2, 0, &[revert()]), nonce()];
    assert_eq!(cluster.answers(a, &steps), [1, 0, 2, 2, 2]);
    assert_eq!(cluster.nonce(), 2);
    assert_eq!(cluster.trap(a, &[make(hash, 3, 0, &[]), trap()]), Trap::Unreachable);
    assert_eq!(cluster.nonce(), 2);
}

#[test]
fn a_terminated_contract_is_gone_with_its_storage() {
    let (mut cluster, a, b) = two();
    cluster.call(a, &[set(1, 10), set(2, 20)]);
    let total = cluster.check();
    let ran = cluster.call(a, &[set(3, 5), terminate(BOB)]);
    assert!(ran.execution.is_success());
    assert!(cluster.contract(&a).is_none() && cluster.account(&a) == Default::default());
    assert_eq!(cluster.call(a, &[]).execution.result, Err(Trap::ContractNotFound));
    assert_eq!(cluster.answers(b, &[call(a, &[]), is_contract(a)]), [8, 0]);
    assert_eq!(cluster.check(), total);
}

#[test]
fn a_contract_cannot_end_while_it_is_entered_twice_or_being_made() {
    let (mut cluster, a, b) = two();
    let end = call(a, &[terminate(BOB)]);
    assert_eq!(cluster.answers(a, &[call_with(b, REENTRY, 0, 0, &[end])]), [0]);
    assert!(cluster.contract(&a).is_some(), "b saw that a trapped");
    assert_eq!(cluster.answers(a, &[delegate(steps_hash(1), &[terminate(BOB)])]), [1]);
    assert_eq!(cluster.make_with(5, 0, &[terminate(BOB)]).1.execution.result, Err(Trap::TerminationDenied));
    // The constructor's answer cannot stand, so that whoever made the contract traps.
    let made = make(steps_hash(1), 1, 0, &[terminate(BOB)]);
    assert_eq!(cluster.trap(a, &[made]), Trap::TerminationDenied);
    cluster.check();
}

#[test]
fn a_contract_made_and_ended_in_one_call_leaves_nothing() {
    let (mut cluster, a, _) = two();
    let total = cluster.check();
    let (hash, before) = (steps_hash(1), cluster.state.len());
    let child = contract_address(&a, &hash, &[], &[1]);
    cluster.call(a, &[set(9, 1)]);
    let steps = [clear(9), make(hash, 1, 0, &[]), call(child, &[set(1, 9), terminate(BOB)])];
    assert_eq!(cluster.answers(a, &steps), [0, 0]);
    assert!(cluster.contract(&child).is_none() && cluster.account(&child) == Default::default());
    assert_eq!((cluster.check(), cluster.state.len()), (total, before));
}

#[test]
fn transient_storage_lives_for_one_call_and_belongs_to_one_contract() {
    let (mut cluster, a, b) = two();
    let again = |steps: &[Vec<u8>]| call_with(a, REENTRY, 0, 0, steps);
    let steps = [
        set_transient(1, 5),
        again(&[set_transient(1, 6)]),
        transient(1),
        again(&[set_transient(1, 7), revert()]),
        transient(1),
        call(b, &[set_transient(1, 9)]),
        transient(1),
    ];
    assert_eq!(cluster.answers(a, &steps), [0, 6, 2, 6, 0, 6]);
    assert_eq!(cluster.answers(a, &[transient(1)]), [NONE]);
}

#[test]
fn transient_storage_is_bounded() {
    let (mut cluster, a, _) = two();
    let full = TRANSIENT_BYTES_MAX / (16 * 1024);
    let steps: Vec<_> = (0..full as u8).map(|key| set_transient(key, 16 * 1024)).collect();
    assert_eq!(cluster.trap(a, &steps), Trap::TransientStorageFull);
    assert!(cluster.call(a, &steps[1..]).execution.is_success());
}

#[test]
fn a_read_only_call_changes_nothing_however_deep() {
    let (mut cluster, a, b) = two();
    let read_only = CALL_READ_ONLY as u8;
    assert_eq!(cluster.answers(a, &[call_with(b, read_only, 0, 0, &[stored(1)])]), [0]);
    assert_eq!(cluster.answers(a, &[call_with(b, read_only, 0, 0, &[set(1, 1)])]), [1]);
    let through = [call(a, &[]), delegate(steps_hash(1), &[set(1, 1)]), stored(1)];
    assert_eq!(cluster.answers(a, &[call_with(b, read_only | REENTRY, 0, 0, &through)]), [0]);
    assert_eq!(cluster.stored(&b, 1), None);
    let input = set(1, 1);
    let outermost = Outermost { read_only: true, ..calling(a, &input) };
    assert_eq!(cluster.run(outermost).execution.result, Err(Trap::StateChangeDenied));
}

#[test]
fn code_that_a_contract_depends_on_is_kept() {
    let (mut cluster, a, _) = two();
    assert!(cluster.call(a, &[lock(steps_hash(1))]).execution.is_success());
    assert_eq!(cluster.code(&steps_hash(1)).unwrap().references, 1);
    assert_eq!(cluster.trap(a, &[lock(steps_hash(1))]), Trap::DelegateDependencyExists);
    assert_eq!(cluster.trap(a, &[lock(steps_hash(0))]), Trap::DelegateDependencyOnSelf);
    assert_eq!(cluster.trap(a, &[lock([9; 32])]), Trap::CodeNotFound);
    assert_eq!(cluster.trap(a, &[unlock(steps_hash(0))]), Trap::DelegateDependencyMissing);
    assert!(cluster.remove_code(BOB, &steps_hash(1)).is_err());
    cluster.check();
    assert!(cluster.call(a, &[unlock(steps_hash(1))]).execution.is_success());
    cluster.check();
    assert!(cluster.remove_code(BOB, &steps_hash(1)).is_ok());
    assert_eq!(cluster.answers(a, &[delegate(steps_hash(1), &[])]), [ReturnCode::CodeNotFound as u32]);
}

#[test]
fn a_contract_depends_on_so_many_codes_only() {
    let (mut cluster, a, _) = two();
    let variants = 2..MAX_DELEGATE_DEPENDENCIES as u32 + 3;
    for variant in variants.clone() {
        cluster.upload(BOB, &steps_code(variant)).unwrap();
    }
    let locks: Vec<_> = variants.map(|variant| lock(steps_hash(variant))).collect();
    assert_eq!(cluster.trap(a, &locks), Trap::TooManyDelegateDependencies);
    assert!(cluster.call(a, &locks[1..]).execution.is_success());
    cluster.check();
}

#[test]
fn events_of_all_frames_are_bounded_together() {
    let (mut cluster, a, b) = two();
    let half: Vec<_> = (0..EVENTS_MAX / 2).map(|_| event(1)).collect();
    let ran = cluster.call(a, &[half.concat(), call(b, &half)]);
    assert_eq!(ran.events.len() as u32, EVENTS_MAX);
    let over = [half.concat(), event(1), call(b, &half)];
    assert_eq!(cluster.answers(a, &over), [1]);
    assert_eq!(cluster.trap(a, &[call(b, &half), half.concat(), event(1)]), Trap::TooManyEvents);
}

#[test]
fn private_lines_are_kept_though_the_frame_fails_and_are_bounded() {
    let (mut cluster, a, b) = two();
    let ran = cluster.call(a, &[say(b'1'), call(b, &[say(b'2'), trap()]), say(b'3'), revert()]);
    let lines: Vec<_> = ran.logs.iter().map(|line| (line.contract, line.record.message.as_str())).collect();
    assert_eq!(lines, [(a, "1"), (b, "2"), (a, "3")]);
    let many: Vec<_> = (0..LINES_MAX + 9).map(|_| say(b'x')).collect();
    let ran = cluster.call(a, &many);
    assert!(ran.execution.is_success());
    assert_eq!(ran.logs.len(), LINES_MAX);
}

#[test]
fn an_input_can_be_passed_on() {
    let (mut cluster, a, b) = two();
    // b gets a's own input, in which it does not allow itself to be called: the inner call traps b alone.
    let steps = [set(1, 1), call_with(b, CALL_CLONE_INPUT as u8, 0, 0, &[])];
    assert_eq!(cluster.answers(a, &steps), [1]);
}

#[test]
fn compiled_code_is_kept_as_long_as_there_is_room() {
    let codes: Vec<_> = (0..4).map(steps_code).collect();
    let hashes: Vec<_> = (0..4).map(steps_hash).collect();
    let mut kept = Codes::with_bytes_max(3 * 16 * 1024);
    for (hash, code) in hashes.iter().zip(&codes).take(3) {
        kept.artifact(engine(), hash, code).unwrap();
    }
    // The first is used again, so that the second is the one that was not used for longest.
    kept.artifact(engine(), &hashes[0], &codes[0]).unwrap();
    kept.artifact(engine(), &hashes[3], &codes[3]).unwrap();
    assert_eq!(kept.count(), 3);
    let is_kept: Vec<_> = hashes.iter().map(|hash| kept.contains(hash)).collect();
    assert_eq!(is_kept, [true, false, true, true]);
    assert!(kept.artifact(engine(), &[7; 32], b"no code").is_err());
    assert!(engine().prepare(&codes[0]).is_ok());
}
