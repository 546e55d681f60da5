// SPDX-License-Identifier: Apache-2.0
//! Calling other contracts, delegating to other code, making contracts.

mod common;

use common::*;
use phala_types::limits::PAYLOAD_BYTES_MAX;
use phala_vm::abi::MAX_SALT_BYTES;
use phala_vm::{Context, FrameError, FrameOutcome, HostError, Return, Trap, gas};

const CALL: &str = r#"(import "seal2" "call" (func $call (param i32 i32 i64 i64 i32 i32 i32 i32 i32 i32) (result i32)))
       (import "seal0" "input" (func $input (param i32 i32)))"#;
const DELEGATE: &str =
    r#"(import "seal0" "delegate_call" (func $delegate (param i32 i32 i32 i32 i32 i32) (result i32)))"#;
const INSTANTIATE: &str = r#"(import "seal2" "instantiate"
    (func $make (param i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))"#;

/// Memory of a caller: at 100 an account or a hash, at 200 a value, at 300 an input, at 400 room for an output.
const DATA: &str = r#"
    (data (i32.const 100) "\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07")
    (data (i32.const 300) "hello")
    (data (i32.const 396) "\20\00\00\00")"#;

/// Calls the account with flags, gas and value, then answers with code, output length and output.
fn calling(flags: u32, gas: u64, value: u32) -> Vec<u8> {
    let call = format!(
        "(call $call (i32.const {flags}) (i32.const 100) (i64.const {gas}) (i64.const 0) (i32.const -1) (i32.const 200)
            (i32.const 300) (i32.const 5) (i32.const 400) (i32.const 396))"
    );
    contract_with(
        CALL,
        &format!("(i32.store (i32.const 200) (i32.const {value})) {}", reporting(&call)),
        DATA,
    )
}

fn reporting(call: &str) -> String {
    format!("(i32.store (i32.const 392) {call}) (call $return (i32.const 0) (i32.const 392) (i32.const 14))")
}

#[test]
fn a_call_passes_its_arguments_and_returns_the_output() {
    let mut world = World::default();
    assert_eq!(answer(&calling(0, 0, 55), &mut world), b"\0\0\0\0\x06\0\0\0answer");
    let request = &world.calls[0];
    assert_eq!((request.callee, request.value, request.input.as_slice()), (OTHER, 55, &b"hello"[..]));
    assert!(!request.allow_reentry && !request.read_only);
}

#[test]
fn older_versions_of_call_do_the_same() {
    for (import, call) in [
        (
            r#"(import "seal1" "seal_call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))"#,
            "(call $call (i32.const 8) (i32.const 100) (i64.const 0) (i32.const 200)
                (i32.const 300) (i32.const 5) (i32.const 400) (i32.const 396))",
        ),
        (
            r#"(import "seal0" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32 i32) (result i32)))"#,
            "(call $call (i32.const 100) (i32.const 32) (i64.const 0) (i32.const 200) (i32.const 16)
                (i32.const 300) (i32.const 5) (i32.const 400) (i32.const 396))",
        ),
    ] {
        let mut world = World::default();
        let wasm = contract_with(import, &reporting(call), DATA);
        assert_eq!(answer(&wasm, &mut world), b"\0\0\0\0\x06\0\0\0answer");
        assert_eq!((world.calls[0].callee, world.calls[0].allow_reentry), (OTHER, true));
    }
}

#[test]
fn the_callee_gets_what_was_asked_for_but_never_more_than_is_left() {
    let granted = |gas| {
        let mut world = World::default();
        run(&calling(0, gas, 0), &mut world);
        world.calls[0].gas_limit
    };
    assert_eq!(granted(12_345), 12_345);
    assert!(granted(0) < GAS && granted(0) > GAS - 200_000);
    assert_eq!(granted(u64::MAX), granted(0));
}

#[test]
fn the_caller_pays_for_the_callee() {
    let used = |gas_used| {
        let mut world = World::default();
        world.frame.gas_used = gas_used;
        run(&calling(0, 0, 0), &mut world).gas_used
    };
    assert_eq!(used(70_000) - used(0), 70_000);
    let mut world = World::default();
    world.frame.gas_used = GAS;
    let execution = run(&calling(0, 0, 0), &mut world);
    assert_eq!((execution.result, execution.gas_used), (Err(Trap::OutOfGas), GAS));
}

#[test]
fn what_came_of_the_callee_is_a_code() {
    for (result, expected) in [
        (Ok(Return { flags: 0, data: vec![] }), 0),
        (Ok(Return { flags: 1, data: vec![] }), 2),
        (Err(FrameError::Trapped), 1),
        (Err(FrameError::TransferFailed), 5),
        (Err(FrameError::CodeNotFound), 7),
        (Err(FrameError::NotCallable), 8),
    ] {
        let reply = answer(&calling(0, 0, 0), &mut World::whose_frames_end(result.clone()));
        assert_eq!(reply[..4], u32::to_le_bytes(expected), "{result:?}");
    }
}

#[test]
fn what_the_frame_stack_refuses_ends_the_caller() {
    for (error, expected) in [
        (FrameError::ReentranceDenied, Trap::ReentranceDenied),
        (FrameError::DepthExceeded, Trap::CallDepthExceeded),
        (FrameError::DuplicateContract, Trap::DuplicateContract),
        (FrameError::Denied(Trap::DepositLimitReached), Trap::DepositLimitReached),
    ] {
        assert_eq!(trap(&calling(0, 0, 0), &mut World::whose_frames_end(Err(error))), expected);
    }
    assert_eq!(trap(&calling(0, 0, 0), &mut World::that_fails(HostError::Fault)), Trap::HostFault);
}

#[test]
fn a_reverted_callee_still_gives_its_output() {
    let reverted = Ok(Return { flags: 1, data: b"sorry!".to_vec() });
    assert_eq!(
        answer(&calling(0, 0, 0), &mut World::whose_frames_end(reverted)),
        b"\x02\0\0\0\x06\0\0\0sorry!"
    );
}

#[test]
fn an_output_nobody_wants_is_not_written() {
    let call =
        "(call $call (i32.const 0) (i32.const 100) (i64.const 0) (i64.const 0) (i32.const -1) (i32.const 200)
        (i32.const 300) (i32.const 5) (i32.const -1) (i32.const -1))";
    let reply = answer(&contract_with(CALL, &reporting(call), DATA), &mut World::default());
    assert_eq!(reply, b"\0\0\0\0\x20\0\0\0\0\0\0\0\0\0");
}

#[test]
fn an_output_that_does_not_fit_traps() {
    let long = Ok(Return { flags: 0, data: vec![1; 33] });
    assert_eq!(trap(&calling(0, 0, 0), &mut World::whose_frames_end(long)), Trap::OutputBufferTooSmall);
    let endless = Ok(Return { flags: 0, data: vec![1; PAYLOAD_BYTES_MAX as usize + 1] });
    assert_eq!(trap(&calling(0, 0, 0), &mut World::whose_frames_end(endless)), Trap::OutputTooLong);
}

#[test]
fn flags_forward_clone_and_restrict() {
    let mut world = World::default();
    run(&calling(2 | 8, 0, 0), &mut world);
    run(&calling(1, 0, 0), &mut world);
    run(&calling(16, 0, 0), &mut world);
    assert_eq!(world.calls[0].input, b"the input");
    assert!(world.calls[0].allow_reentry);
    assert_eq!(world.calls[1].input, b"the input");
    assert!(world.calls[2].read_only);
    assert_eq!(trap(&calling(32, 0, 0), &mut World::default()), Trap::InvalidInput);
}

#[test]
fn a_tail_call_ends_the_caller_with_the_callees_answer() {
    let reverted = Ok(Return { flags: 1, data: b"tail".to_vec() });
    let execution = run(&calling(4, 0, 0), &mut World::whose_frames_end(reverted));
    assert_eq!(execution.result, Ok(Return { flags: 1, data: b"tail".to_vec() }));
    // A callee that trapped has no answer to end with.
    let reply = answer(&calling(4, 0, 0), &mut World::whose_frames_end(Err(FrameError::Trapped)));
    assert_eq!(reply[..4], [1, 0, 0, 0]);
}

#[test]
fn a_forwarded_input_is_gone() {
    let forward = "(drop (call $call (i32.const 1) (i32.const 100) (i64.const 0) (i64.const 0) (i32.const -1)
        (i32.const 200) (i32.const 300) (i32.const 5) (i32.const -1) (i32.const -1)))";
    let read = "(call $input (i32.const 400) (i32.const 396))";
    for again in [read, forward, &forward.replacen("i32.const 1", "i32.const 2", 1)] {
        let wasm = contract_with(CALL, &format!("{forward} {again}"), DATA);
        assert_eq!(trap(&wasm, &mut World::default()), Trap::InputForwarded);
    }
}

#[test]
fn a_read_only_frame_calls_read_only_and_pays_nothing() {
    let context = Context { read_only: true, ..context() };
    let mut world = World::default();
    assert!(run_with(&calling(0, 0, 0), &mut world, &context, b"", GAS).is_success());
    assert!(world.calls[0].read_only);
    assert_eq!(read_only_trap(&calling(0, 0, 1), &mut world), Trap::StateChangeDenied);
    assert_eq!(trap(&calling(16, 0, 1), &mut world), Trap::StateChangeDenied);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_paying_call_costs_a_payment_more() {
    let used = |value| run(&calling(0, 0, value), &mut World::default()).gas_used;
    assert_eq!(used(1) - used(0), gas::TRANSFER);
}

fn delegating(flags: u32, len: u32) -> Vec<u8> {
    let call = format!(
        "(call $delegate (i32.const {flags}) (i32.const 100) (i32.const 300) (i32.const {len})
            (i32.const 400) (i32.const 396))"
    );
    contract_with(DELEGATE, &reporting(&call), DATA)
}

#[test]
fn a_delegation_runs_other_code_with_all_gas() {
    let mut world = World::default();
    assert_eq!(answer(&delegating(0, 5), &mut world), b"\0\0\0\0\x06\0\0\0answer");
    assert_eq!(
        (world.delegations[0].code_hash, world.delegations[0].input.as_slice()),
        (OTHER, &b"hello"[..])
    );
    assert!(world.delegations[0].gas_limit > GAS - 200_000);
    let missing = answer(&delegating(0, 5), &mut World::whose_frames_end(Err(FrameError::CodeNotFound)));
    assert_eq!(missing[..4], [7, 0, 0, 0]);
}

#[test]
fn a_delegation_knows_no_reentry_and_no_read_only() {
    for flags in [8, 16, 32] {
        assert_eq!(trap(&delegating(flags, 5), &mut World::default()), Trap::InvalidInput);
    }
}

#[test]
fn inputs_between_contracts_are_bounded() {
    // The memory has one page, so that the bound on length is what refuses, before the memory is looked at.
    assert_eq!(trap(&delegating(0, PAYLOAD_BYTES_MAX + 1), &mut World::default()), Trap::InputTooLong);
    assert_eq!(trap(&delegating(0, PAYLOAD_BYTES_MAX), &mut World::default()), Trap::MemoryOutOfBounds);
}

fn making(salt_len: u32) -> Vec<u8> {
    let call = format!(
        "(i32.store (i32.const 500) (i32.const 32))
         (i32.store (i32.const 392)
            (call $make (i32.const 100) (i64.const 0) (i64.const 0) (i32.const -1) (i32.const 200)
                (i32.const 300) (i32.const 5) (i32.const 504) (i32.const 500)
                (i32.const 400) (i32.const 396) (i32.const 302) (i32.const {salt_len})))
         (i32.store (i32.const 396) (i32.load (i32.const 504)))
         (call $return (i32.const 0) (i32.const 392) (i32.const 14))"
    );
    contract_with(INSTANTIATE, &call, DATA)
}

#[test]
fn a_new_contract_has_an_address_and_answers() {
    let mut world = World::default();
    assert_eq!(answer(&making(3), &mut world), b"\0\0\0\0\xcd\xcd\xcd\xcdanswer");
    let request = &world.instantiations[0];
    assert_eq!((request.code_hash, request.value), (OTHER, 0));
    assert_eq!((request.input.as_slice(), request.salt.as_slice()), (&b"hello"[..], &b"llo"[..]));
}

#[test]
fn a_constructor_that_reverts_gives_no_address() {
    let reverted = Ok(Return { flags: 1, data: b"no way".to_vec() });
    assert_eq!(answer(&making(0), &mut World::whose_frames_end(reverted)), b"\x02\0\0\0\0\0\0\0no way");
}

#[test]
fn a_contract_that_exists_cannot_be_made_again() {
    let duplicate = Err(FrameError::DuplicateContract);
    assert_eq!(trap(&making(0), &mut World::whose_frames_end(duplicate)), Trap::DuplicateContract);
}

#[test]
fn making_a_contract_is_a_change_and_its_salt_is_bounded() {
    assert_eq!(read_only_trap(&making(0), &mut World::default()), Trap::StateChangeDenied);
    assert_eq!(trap(&making(MAX_SALT_BYTES + 1), &mut World::default()), Trap::InputTooLong);
}

#[test]
fn a_frame_that_reports_more_gas_than_it_had_ends_the_caller() {
    let frame = FrameOutcome { result: Ok(Return::default()), gas_used: u64::MAX };
    let mut world = World { frame, ..World::default() };
    let execution = run(&calling(0, 1_000, 0), &mut world);
    assert_eq!((execution.result, execution.gas_used), (Err(Trap::OutOfGas), GAS));
}
