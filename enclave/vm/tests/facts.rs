// SPDX-License-Identifier: Apache-2.0
//! What a contract learns about its call, and the output rule that all such functions share.

mod common;

use codec::{Compact, DecodeAll};
use common::*;
use phala_vm::abi::MAX_DEBUG_MESSAGE_BYTES;
use phala_vm::{Context, HostError, Trap, gas};

/// The functions that take a pointer to the output and one to its length, and what they answer in the test's world.
fn facts() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("input", b"the input".to_vec()),
        ("caller", CALLER.to_vec()),
        ("address", ADDRESS.to_vec()),
        ("balance", 1_000u128.to_le_bytes().to_vec()),
        ("value_transferred", 77u128.to_le_bytes().to_vec()),
        ("now", 1_700_000_000_123u64.to_le_bytes().to_vec()),
        ("block_number", 9u32.to_le_bytes().to_vec()),
        ("minimum_balance", 5u128.to_le_bytes().to_vec()),
        ("own_code_hash", CODE_HASH.to_vec()),
    ]
}

fn asking(name: &str, room: u32) -> Vec<u8> {
    let body = format!(
        "(i32.store (i32.const 0) (i32.const {room}))
         (call $fact (i32.const 4) (i32.const 0))
         (call $return (i32.const 0) (i32.const 4) (i32.load (i32.const 0)))"
    );
    contract(&format!(r#"(import "seal0" "{name}" (func $fact (param i32 i32)))"#), &body)
}

#[test]
fn each_fact_is_told_with_its_length() {
    for (name, expected) in facts() {
        assert_eq!(answer(&asking(name, 1_000), &mut World::default()), expected, "{name}");
        assert_eq!(
            answer(&asking(&format!("seal_{name}"), 1_000), &mut World::default()),
            expected,
            "seal_{name}"
        );
    }
}

#[test]
fn a_fact_fits_exactly_or_traps() {
    for (name, expected) in facts() {
        let room = expected.len() as u32;
        assert_eq!(answer(&asking(name, room), &mut World::default()), expected, "{name}");
        assert_eq!(
            trap(&asking(name, room - 1), &mut World::default()),
            Trap::OutputBufferTooSmall,
            "{name}"
        );
    }
}

#[test]
fn the_gas_that_is_left_is_what_will_be_left() {
    let told = answer(&asking("gas_left", 8), &mut World::default());
    let told = u64::from_le_bytes(told.try_into().unwrap());
    let used = run(&asking("gas_left", 8), &mut World::default()).gas_used;
    // The rest of the call is a few instructions and the answer.
    let rest = told - (GAS - used);
    assert!(rest > 0 && rest < 2 * gas::HOST_FUNCTION, "{rest}");
}

#[test]
fn gas_has_a_price() {
    let import = r#"(import "seal0" "weight_to_fee" (func $fee (param i64 i32 i32)))"#;
    let body =
        "(i32.store (i32.const 0) (i32.const 16)) (call $fee (i64.const 14) (i32.const 4) (i32.const 0))
        (call $return (i32.const 0) (i32.const 4) (i32.const 16))";
    assert_eq!(answer(&contract(import, body), &mut World::default()), 42u128.to_le_bytes());
}

#[test]
fn the_origin_is_told_from_a_contract_on_the_way() {
    let wasm = contract(
        r#"(import "seal0" "caller_is_origin" (func $origin (result i32)))
           (import "seal0" "caller_is_root" (func $root (result i32)))"#,
        &answering("(i32.add (call $origin) (i32.mul (i32.const 10) (call $root)))"),
    );
    assert_eq!(code(&wasm, &mut World::default()), 1);
    let nested = Context { caller_is_origin: false, ..context() };
    let execution = run_with(&wasm, &mut World::default(), &nested, b"", GAS);
    assert_eq!(execution.result.unwrap().data, 0u32.to_le_bytes());
}

#[test]
fn the_nonce_for_salts_is_told() {
    let import = r#"(import "seal0" "instantiation_nonce" (func $nonce (result i64)))"#;
    let wasm = contract(import, &answering("(i32.wrap_i64 (call $nonce))"));
    assert_eq!(code(&wasm, &mut World::default()), 42);
}

#[test]
fn contracts_are_told_from_other_accounts() {
    let imports = r#"(import "seal0" "is_contract" (func $is (param i32) (result i32)))
        (import "seal0" "code_hash" (func $hash (param i32 i32 i32) (result i32)))
        (import "seal0" "address" (func $address (param i32 i32)))"#;
    let known = "(i32.store (i32.const 0) (i32.const 32)) (call $address (i32.const 4) (i32.const 0))";
    let is = |account: u32| answering(&format!("(call $is (i32.const {account}))"));
    assert_eq!(code(&contract(imports, &format!("{known} {}", is(4))), &mut World::default()), 1);
    assert_eq!(code(&contract(imports, &format!("{known} {}", is(100))), &mut World::default()), 0);
    let hash = "(drop (call $hash (i32.const 4) (i32.const 200) (i32.const 0)))
        (call $return (i32.const 0) (i32.const 200) (i32.const 32))";
    assert_eq!(answer(&contract(imports, &format!("{known} {hash}")), &mut World::default()), CODE_HASH);
    let unknown = answering("(call $hash (i32.const 100) (i32.const 200) (i32.const 0))");
    assert_eq!(code(&contract(imports, &unknown), &mut World::default()), 3);
}

#[test]
fn a_world_that_does_not_know_its_own_contract_is_broken() {
    let own = trap(&asking("own_code_hash", 32), &mut World::that_fails(HostError::Fault));
    assert_eq!(own, Trap::HostFault);
    assert_eq!(trap(&asking("balance", 32), &mut World::that_fails(HostError::Fault)), Trap::HostFault);
}

fn saying(ptr: u32, len: u32) -> Vec<u8> {
    contract_with(
        r#"(import "seal0" "debug_message" (func $say (param i32 i32) (result i32)))"#,
        &answering(&format!("(call $say (i32.const {ptr}) (i32.const {len}))")),
        r#"(data (i32.const 64) "so far so good \ff")"#,
    )
}

#[test]
fn a_debug_message_is_handed_to_the_host() {
    let mut world = World::default();
    assert_eq!(code(&saying(64, 14), &mut world), 0);
    assert_eq!(world.messages, ["so far so good"]);
}

#[test]
fn entrances_are_counted_besides_this_one_or_for_any_account() {
    let own = r#"(import "seal0" "reentrance_count" (func $count (result i32)))"#;
    assert_eq!(code(&contract(own, &answering("(call $count)")), &mut World::default()), 2);
    let other = r#"(import "seal0" "account_reentrance_count" (func $count (param i32) (result i32)))"#;
    let wasm = contract(other, &answering("(call $count (i32.const 100))"));
    assert_eq!(code(&wasm, &mut World::default()), 0);
}

#[test]
fn the_second_version_of_gas_left_has_a_second_dimension_without_end() {
    let import = r#"(import "seal1" "gas_left" (func $left (param i32 i32)))"#;
    let body = "(i32.store (i32.const 0) (i32.const 32)) (call $left (i32.const 4) (i32.const 0))
        (call $return (i32.const 0) (i32.const 4) (i32.load (i32.const 0)))";
    let answer = answer(&contract(import, body), &mut World::default());
    let (gas, proof) = <(Compact<u64>, Compact<u64>)>::decode_all(&mut answer.as_slice()).unwrap();
    assert!(gas.0 < GAS && gas.0 > GAS - 100_000);
    assert_eq!(proof.0, u64::MAX);
}

#[test]
fn the_second_version_of_weight_to_fee_prices_gas_alone() {
    let import = r#"(import "seal1" "weight_to_fee" (func $fee (param i64 i64 i32 i32)))"#;
    let body = "(i32.store (i32.const 0) (i32.const 16))
        (call $fee (i64.const 7) (i64.const 1000) (i32.const 4) (i32.const 0))
        (call $return (i32.const 0) (i32.const 4) (i32.const 16))";
    assert_eq!(answer(&contract(import, body), &mut World::default()), 21u128.to_le_bytes());
}

#[test]
fn a_long_or_broken_debug_message_is_cut_and_mended() {
    let mut world = World::default();
    assert_eq!(code(&saying(64, 16), &mut world), 0);
    assert_eq!(code(&saying(64, 60_000), &mut world), 0);
    let messages = world.messages;
    assert_eq!(messages[0], "so far so good \u{fffd}");
    assert!(messages[1].chars().count() as u32 == MAX_DEBUG_MESSAGE_BYTES);
    assert_eq!(trap(&saying(65_535, 2), &mut World::default()), Trap::MemoryOutOfBounds);
}
