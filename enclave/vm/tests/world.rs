// SPDX-License-Identifier: Apache-2.0
//! Answers, events, payments, the end of a contract, chain extensions, and functions of a chain that is not this one.

mod common;

use common::*;
use phala_types::limits::{EVENT_BYTES_MAX, EVENTS_MAX, PAYLOAD_BYTES_MAX};
use phala_vm::{Event, ExtensionReply, HostError, Return, Trap, gas};

#[test]
fn an_answer_carries_its_flag_and_its_data() {
    let wasm = contract_with(
        "",
        "(call $return (i32.const 1) (i32.const 8) (i32.const 2))",
        r#"(data (i32.const 8) "no")"#,
    );
    let execution = run(&wasm, &mut World::default());
    assert_eq!(execution.result, Ok(Return { flags: 1, data: b"no".to_vec() }));
    assert!(!execution.is_success());
}

#[test]
fn nothing_runs_after_an_answer() {
    let wasm = contract("", "(call $return (i32.const 0) (i32.const 0) (i32.const 0)) unreachable");
    assert!(run(&wasm, &mut World::default()).is_success());
}

#[test]
fn an_answer_with_unknown_flags_or_too_much_data_traps() {
    let unknown = contract("", "(call $return (i32.const 2) (i32.const 0) (i32.const 0))");
    assert_eq!(trap(&unknown, &mut World::default()), Trap::InvalidInput);
    let outside = contract("", "(call $return (i32.const 0) (i32.const 65535) (i32.const 2))");
    assert_eq!(trap(&outside, &mut World::default()), Trap::MemoryOutOfBounds);
    let body = format!(
        "(drop (memory.grow (i32.const 8))) (call $return (i32.const 0) (i32.const 0) (i32.const {}))",
        PAYLOAD_BYTES_MAX + 1
    );
    assert_eq!(trap(&contract("", &body), &mut World::default()), Trap::OutputTooLong);
}

const EVENT: &str = r#"(import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))"#;

fn event(topics: &str, topics_len: u32, data_len: u32) -> Vec<u8> {
    contract_with(
        EVENT,
        &format!(
            "(call $event (i32.const 64) (i32.const {topics_len}) (i32.const 64) (i32.const {data_len}))"
        ),
        &format!(r#"(data (i32.const 64) "{topics}")"#),
    )
}

#[test]
fn an_event_has_topics_and_data() {
    let mut world = World::default();
    // Two topics: compact 2, then 64 bytes of zeroes.
    assert!(run(&event("\\08", 65, 3), &mut world).is_success());
    assert!(run(&event("\\00", 1, 1), &mut world).is_success());
    assert!(run(&event("", 0, 0), &mut world).is_success());
    assert_eq!(world.events[0], Event { topics: vec![[0; 32]; 2], data: vec![8, 0, 0] });
    assert_eq!(world.events[1], Event { topics: vec![], data: vec![0] });
    assert_eq!(world.events[2], Event { topics: vec![], data: vec![] });
}

#[test]
fn topics_that_do_not_decode_trap() {
    for (topics, len) in [("\\08", 64), ("\\08", 66), ("\\08", 1), ("\\03\\00\\00\\00\\00", 5), ("\\04", 30)]
    {
        assert_eq!(trap(&event(topics, len, 0), &mut World::default()), Trap::InvalidInput, "{topics} {len}");
    }
}

#[test]
fn events_are_bounded_in_topics_size_and_number() {
    assert!(run(&event("\\10", 129, 0), &mut World::default()).is_success());
    assert_eq!(trap(&event("\\14", 129, 0), &mut World::default()), Trap::TooManyTopics);
    assert_eq!(trap(&event("\\14", 161, 0), &mut World::default()), Trap::TooManyTopics);
    assert!(run(&event("", 0, EVENT_BYTES_MAX), &mut World::default()).is_success());
    assert_eq!(trap(&event("", 0, EVENT_BYTES_MAX + 1), &mut World::default()), Trap::EventTooLong);
    let many = contract(
        EVENT,
        "(loop (call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (br 0))",
    );
    let mut world = World::default();
    assert_eq!(trap(&many, &mut world), Trap::TooManyEvents);
    assert_eq!(world.events.len() as u32, EVENTS_MAX);
}

const TRANSFER: &str = r#"(import "seal0" "transfer" (func $transfer (param i32 i32 i32 i32) (result i32)))"#;

fn transfer(amount: u32) -> Vec<u8> {
    let call = "(call $transfer (i32.const 100) (i32.const 32) (i32.const 200) (i32.const 16))";
    contract(TRANSFER, &format!("(i32.store (i32.const 200) (i32.const {amount})) {}", answering(call)))
}

#[test]
fn a_payment_is_made_or_refused() {
    let mut world = World::default();
    assert_eq!(code(&transfer(400), &mut world), 0);
    assert_eq!(code(&transfer(601), &mut world), 5);
    assert_eq!((world.balance, world.payments), (600, vec![([0; 32], 400)]));
}

#[test]
fn a_terminated_contract_ends_successfully_at_once() {
    for (module, more) in [("seal1", ""), ("seal0", "(i32.const 32)")] {
        let parameters = if more.is_empty() { "i32" } else { "i32 i32" };
        let wasm = contract(
            &format!(r#"(import "{module}" "terminate" (func $end (param {parameters})))"#),
            &format!("(call $end (i32.const 100) {more}) unreachable"),
        );
        let mut world = World::default();
        assert_eq!(run(&wasm, &mut world).result, Ok(Return::default()));
        assert_eq!(world.terminated, Some([0; 32]));
        assert_eq!(
            trap(&wasm, &mut World::that_fails(HostError::TerminationDenied)),
            Trap::TerminationDenied
        );
    }
}

const SET_CODE: &str = r#"(import "seal0" "set_code_hash" (func $set (param i32) (result i32)))"#;

#[test]
fn a_contract_changes_to_code_that_exists() {
    let known = r#"(data (i32.const 64) "\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0\c0")"#;
    let set =
        |ptr: u32| contract_with(SET_CODE, &answering(&format!("(call $set (i32.const {ptr}))")), known);
    assert_eq!(code(&set(64), &mut World::default()), 0);
    assert_eq!(code(&set(100), &mut World::default()), 7);
}

const EXTENSION: &str =
    r#"(import "seal0" "call_chain_extension" (func $extension (param i32 i32 i32 i32 i32) (result i32)))"#;

fn extension() -> Vec<u8> {
    let body = "(i32.store (i32.const 100) (i32.const 4))
        (i32.store (i32.const 0)
            (call $extension (i32.const 0x10002) (i32.const 8) (i32.const 3) (i32.const 104) (i32.const 100)))
        (i32.store (i32.const 4) (i32.load (i32.const 100)))
        (i32.store (i32.const 8) (i32.load (i32.const 104)))
        (call $return (i32.const 0) (i32.const 0) (i32.const 12))";
    contract(EXTENSION, body)
}

fn world_with_extension(output: &[u8], gas_used: u64) -> World {
    World {
        extension: Some(ExtensionReply { status: 7, output: output.to_vec(), gas_used }),
        ..World::default()
    }
}

#[test]
fn a_chain_extension_answers_with_status_and_output() {
    let reply = answer(&extension(), &mut world_with_extension(b"xyz", 0));
    assert_eq!(reply, b"\x07\0\0\0\x03\0\0\0xyz\0");
    // Nothing to say leaves the room as it was.
    assert_eq!(answer(&extension(), &mut world_with_extension(b"", 0)), b"\x07\0\0\0\x04\0\0\0\0\0\0\0");
}

#[test]
fn a_chain_extension_is_paid_bounded_and_must_exist() {
    let cost = |gas| run(&extension(), &mut world_with_extension(b"", gas)).gas_used;
    assert_eq!(cost(5_000) - cost(0), 5_000);
    assert_eq!(trap(&extension(), &mut world_with_extension(b"", GAS)), Trap::OutOfGas);
    assert_eq!(trap(&extension(), &mut world_with_extension(b"12345", 0)), Trap::OutputBufferTooSmall);
    let long = vec![0; PAYLOAD_BYTES_MAX as usize + 1];
    assert_eq!(trap(&extension(), &mut world_with_extension(&long, 0)), Trap::OutputTooLong);
    assert_eq!(trap(&extension(), &mut World::default()), Trap::ExtensionUnknown);
}

#[test]
fn functions_of_another_chain_fail_by_their_own_code() {
    for (name, parameters, arguments, expected) in [
        ("call_runtime", "i32 i32", "(i32.const 0) (i32.const 4)", 10),
        ("xcm_execute", "i32 i32", "(i32.const 0) (i32.const 4)", 13),
        ("xcm_send", "i32 i32 i32 i32", "(i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)", 14),
    ] {
        let import = format!(r#"(import "seal0" "{name}" (func $f (param {parameters}) (result i32)))"#);
        let wasm = contract(&import, &answering(&format!("(call $f {arguments})")));
        assert_eq!(code(&wasm, &mut World::default()), expected, "{name}");
        assert_eq!(read_only_trap(&wasm, &mut World::default()), Trap::StateChangeDenied, "{name}");
    }
}

fn dependency(name: &str) -> Vec<u8> {
    contract(&format!(r#"(import "seal0" "{name}" (func $f (param i32)))"#), "(call $f (i32.const 100))")
}

#[test]
fn a_dependency_is_handed_to_the_host_and_ends_the_call_if_it_is_denied() {
    let (lock, unlock) = (dependency("lock_delegate_dependency"), dependency("unlock_delegate_dependency"));
    let mut world = World::default();
    assert!(run(&lock, &mut world).is_success());
    assert_eq!(world.dependencies.len(), 1);
    assert!(run(&unlock, &mut world).is_success());
    assert_eq!(trap(&unlock, &mut world), Trap::DelegateDependencyMissing);
    for wasm in [lock, unlock] {
        assert_eq!(read_only_trap(&wasm, &mut World::default()), Trap::StateChangeDenied);
    }
}

#[test]
fn the_end_of_a_contract_is_paid_by_what_goes_with_it() {
    let wasm =
        contract(r#"(import "seal1" "terminate" (func $end (param i32)))"#, "(call $end (i32.const 100))");
    let storage = (0..10u8).map(|key| (vec![key], vec![key])).collect();
    let full = World { storage, ..World::default() };
    let cost = |mut world: World| run(&wasm, &mut world).gas_used;
    assert_eq!(cost(full) - cost(World::default()), 10 * gas::TERMINATE_PER_ITEM);
}

#[test]
fn a_read_only_call_changes_nothing_in_the_world() {
    let terminate =
        contract(r#"(import "seal1" "terminate" (func $end (param i32)))"#, "(call $end (i32.const 100))");
    let set_code = contract(SET_CODE, &answering("(call $set (i32.const 64))"));
    for wasm in [event("", 0, 0), transfer(0), terminate, set_code] {
        let mut world = World::default();
        assert_eq!(read_only_trap(&wasm, &mut world), Trap::StateChangeDenied);
        assert!(world.events.is_empty() && world.payments.is_empty() && world.terminated.is_none());
    }
}
