// SPDX-License-Identifier: Apache-2.0
//! The storage functions, in all their versions.

mod common;

use common::{GAS, World, answer, answering, code, context, contract, read_only_trap, run, run_with, trap};
use phala_vm::abi::{MAX_KEY_BYTES, MAX_VALUE_BYTES, SENTINEL};
use phala_vm::{HostError, Trap};

const GET: &str = r#"(import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))"#;
const SET: &str = r#"(import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))"#;
const CLEAR: &str = r#"(import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))"#;
const CONTAINS: &str = r#"(import "seal1" "contains_storage" (func $contains (param i32 i32) (result i32)))"#;
const TAKE: &str = r#"(import "seal0" "take_storage" (func $take (param i32 i32 i32 i32) (result i32)))"#;

/// A world where the key of four zero bytes has a value.
fn world() -> World {
    let mut world = World::default();
    world.storage.insert(vec![0; 4], b"seven b".to_vec());
    world
}

#[test]
fn a_value_is_read_with_its_length() {
    let read = "(i32.store (i32.const 64) (i32.const 100))
        (i32.store (i32.const 200) (call $get (i32.const 0) (i32.const 4) (i32.const 68) (i32.const 64)))
        (call $return (i32.const 0) (i32.const 64) (i32.const 11))";
    assert_eq!(answer(&contract(GET, read), &mut world()), b"\x07\0\0\0seven b");
}

#[test]
fn a_value_that_is_not_there_is_not_found() {
    for (import, call) in [(GET, "$get"), (TAKE, "$take")] {
        let read =
            answering(&format!("(call {call} (i32.const 0) (i32.const 3) (i32.const 68) (i32.const 64))"));
        assert_eq!(code(&contract(import, &read), &mut world()), 3);
    }
}

#[test]
fn a_value_that_does_not_fit_the_buffer_traps() {
    for (import, call) in [(GET, "$get"), (TAKE, "$take")] {
        let read = format!(
            "(i32.store (i32.const 64) (i32.const 6))
             (drop (call {call} (i32.const 0) (i32.const 4) (i32.const 68) (i32.const 64)))"
        );
        assert_eq!(trap(&contract(import, &read), &mut world()), Trap::OutputBufferTooSmall);
    }
}

#[test]
fn a_write_stores_and_tells_the_old_length() {
    let write = |value: u32| {
        answering(&format!("(call $set (i32.const 8) (i32.const 4) (i32.const 100) (i32.const {value}))"))
    };
    let mut world = world();
    assert_eq!(code(&contract(SET, &write(3)), &mut world), 7);
    assert_eq!(world.storage[&vec![0; 4]], [0; 3]);
    assert_eq!(code(&contract(SET, &write(0)), &mut world), 3);
    assert_eq!(world.storage[&vec![0; 4]], [0; 0]);
    let other = answering("(call $set (i32.const 8) (i32.const 5) (i32.const 100) (i32.const 1))");
    assert_eq!(code(&contract(SET, &other), &mut world), SENTINEL);
}

#[test]
fn a_removal_removes_and_tells_the_old_length() {
    let clear = contract(CLEAR, &answering("(call $clear (i32.const 0) (i32.const 4))"));
    let mut world = world();
    assert_eq!(code(&clear, &mut world), 7);
    assert!(world.storage.is_empty());
    assert_eq!(code(&clear, &mut world), SENTINEL);
}

#[test]
fn a_question_for_presence_is_answered_with_the_length() {
    let contains = contract(CONTAINS, &answering("(call $contains (i32.const 0) (i32.const 4))"));
    assert_eq!(code(&contains, &mut world()), 7);
    assert_eq!(code(&contains, &mut World::default()), SENTINEL);
}

#[test]
fn a_value_can_be_taken_once() {
    let take = "(i32.store (i32.const 64) (i32.const 100))
        (drop (call $take (i32.const 0) (i32.const 4) (i32.const 68) (i32.const 64)))
        (call $return (i32.const 0) (i32.const 68) (i32.load (i32.const 64)))";
    let mut world = world();
    assert_eq!(answer(&contract(TAKE, take), &mut world), b"seven b");
    assert!(world.storage.is_empty());
}

#[test]
fn older_versions_with_fixed_keys_and_aliases_do_the_same() {
    let imports = r#"
        (import "seal0" "seal_set_storage" (func $set0 (param i32 i32 i32)))
        (import "seal1" "seal_set_storage" (func $set1 (param i32 i32 i32) (result i32)))
        (import "seal0" "seal_get_storage" (func $get0 (param i32 i32 i32) (result i32)))
        (import "seal0" "contains_storage" (func $contains0 (param i32) (result i32)))
        (import "seal0" "clear_storage" (func $clear0 (param i32)))"#;
    let body = "(call $set0 (i32.const 300) (i32.const 0) (i32.const 9))
        (i32.store (i32.const 100) (call $set1 (i32.const 300) (i32.const 0) (i32.const 5)))
        (i32.store (i32.const 64) (i32.const 30))
        (i32.store (i32.const 104) (call $get0 (i32.const 300) (i32.const 0) (i32.const 64)))
        (i32.store (i32.const 108) (call $contains0 (i32.const 300)))
        (call $clear0 (i32.const 300))
        (i32.store (i32.const 112) (call $contains0 (i32.const 300)))
        (call $return (i32.const 0) (i32.const 100) (i32.const 16))";
    let mut world = World::default();
    let words: Vec<u32> = answer(&contract(imports, body), &mut world)
        .chunks(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect();
    assert_eq!(words, [9, 0, 5, SENTINEL]);
    assert!(world.storage.is_empty());
}

#[test]
fn keys_and_values_are_bounded() {
    let set = |key: u32, value: u32| {
        let write = format!("(call $set (i32.const 0) (i32.const {key}) (i32.const 0) (i32.const {value}))");
        contract(SET, &answering(&write))
    };
    assert_eq!(code(&set(MAX_KEY_BYTES, MAX_VALUE_BYTES), &mut World::default()), SENTINEL);
    assert_eq!(trap(&set(MAX_KEY_BYTES + 1, 1), &mut World::default()), Trap::KeyTooLong);
    assert_eq!(trap(&set(1, MAX_VALUE_BYTES + 1), &mut World::default()), Trap::ValueTooLong);
    let get = answering("(call $get (i32.const 0) (i32.const 129) (i32.const 68) (i32.const 64))");
    assert_eq!(trap(&contract(GET, &get), &mut World::default()), Trap::KeyTooLong);
}

#[test]
fn pointers_outside_of_memory_trap() {
    for (key, key_len) in [(65_533, 4), (65_536, 1), (-1, 1), (-1, 2)] {
        let get = format!(
            "(drop (call $get (i32.const {key}) (i32.const {key_len}) (i32.const 68) (i32.const 64)))"
        );
        assert_eq!(trap(&contract(GET, &get), &mut world()), Trap::MemoryOutOfBounds);
    }
    // The output's length, and the output itself.
    let get = "(drop (call $get (i32.const 0) (i32.const 4) (i32.const 68) (i32.const 65533)))";
    assert_eq!(trap(&contract(GET, get), &mut world()), Trap::MemoryOutOfBounds);
    let get = "(i32.store (i32.const 64) (i32.const 100))
        (drop (call $get (i32.const 0) (i32.const 4) (i32.const 65530) (i32.const 64)))";
    assert_eq!(trap(&contract(GET, get), &mut world()), Trap::MemoryOutOfBounds);
}

#[test]
fn a_read_only_call_reads_but_cannot_write() {
    for (import, call) in [
        (SET, "(call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4))"),
        (CLEAR, "(call $clear (i32.const 0) (i32.const 4))"),
        (TAKE, "(call $take (i32.const 0) (i32.const 4) (i32.const 68) (i32.const 64))"),
    ] {
        let mut world = world();
        assert_eq!(read_only_trap(&contract(import, &answering(call)), &mut world), Trap::StateChangeDenied);
        assert_eq!(world.storage.len(), 1);
    }
    let contains = contract(CONTAINS, &answering("(call $contains (i32.const 0) (i32.const 4))"));
    let context = phala_vm::Context { read_only: true, ..context() };
    assert!(run_with(&contains, &mut world(), &context, b"", GAS).is_success());
}

#[test]
fn what_the_host_cannot_do_ends_the_call_by_name() {
    let set =
        contract(SET, &answering("(call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4))"));
    assert_eq!(trap(&set, &mut World::that_fails(HostError::LimitReached)), Trap::LimitReached);
    assert_eq!(trap(&set, &mut World::that_fails(HostError::Fault)), Trap::HostFault);
}

#[test]
fn longer_values_cost_more() {
    let set = |value: u32| {
        let write = format!("(call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const {value}))");
        run(&contract(SET, &answering(&write)), &mut World::default()).gas_used
    };
    let per_byte = phala_vm::gas::STORAGE_WRITE_PER_BYTE + phala_vm::gas::COPY_PER_BYTE;
    assert_eq!(set(101) - set(1), 100 * per_byte);
}
