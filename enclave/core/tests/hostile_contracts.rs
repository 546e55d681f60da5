//! Contracts that want to stop the worker or another contract: each only ends its own call, as a command and as a query.
#![allow(missing_docs)]

mod harness;

use harness::*;
use phala_types::{
    ContractId,
    command::{Ended, Outcome},
    query::Answer,
    trap::Trap,
};

/// `call` does one bad thing, by the first byte of its input, for as long as it may.
const HOSTILE: &str = r#"(module
  (import "env" "memory" (memory 20 64))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal0" "own_code_hash" (func $own_code (param i32 i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (import "seal0" "debug_message" (func $say (param i32 i32) (result i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal2" "instantiate"
    (func $make (param i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (data (i32.const 0x3000) "a line that nobody reads")
  (func (export "deploy"))
  (func $is (param i32) (result i32) (i32.eq (i32.load8_u (i32.const 0x1000)) (local.get 0)))
  (func $dig (param i32) (result i32) (i32.add (call $dig (local.get 0)) (i32.const 1)))
  (func $next (i32.store (i32.const 0x2200) (i32.add (i32.load (i32.const 0x2200)) (i32.const 1))))
  (func $call_with (param $input i32)
    (drop (call $call (i32.const 8) (i32.const 0x2000) (i64.const 0) (i32.const 0x2300)
      (local.get $input) (i32.const 1) (i32.const -1) (i32.const 0))))
  (func (export "call")
    (i32.store (i32.const 0xff0) (i32.const 16))
    (call $input (i32.const 0x1000) (i32.const 0xff0))
    (i32.store (i32.const 0xff0) (i32.const 32))
    (call $address (i32.const 0x2000) (i32.const 0xff0))
    (if (call $is (i32.const 0)) (then (loop $l (br $l))))
    (if (call $is (i32.const 1)) (then (drop (call $dig (i32.const 0)))))
    (if (call $is (i32.const 2)) (then (loop $l (drop (memory.grow (i32.const 1))) (br $l))))
    (if (call $is (i32.const 3)) (then
      (loop $l (call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16384)) (br $l))))
    (if (call $is (i32.const 4)) (then (loop $l (call $call_with (i32.const 0x1000)) (br $l))))
    (if (call $is (i32.const 5)) (then (call $return (i32.const 0) (i32.const 0) (i32.const 0x100001))))
    (if (call $is (i32.const 6)) (then
      (i32.store8 (i32.const 0x2400) (i32.const 16))
      (loop $l (call $call_with (i32.const 0x2400)) (br $l))))
    (if (call $is (i32.const 7)) (then
      (loop $l
        (call $next)
        (drop (call $set (i32.const 0x2200) (i32.const 4) (i32.const 0) (i32.const 16384)))
        (br $l))))
    (if (call $is (i32.const 8)) (then
      (loop $l (drop (call $say (i32.const 0x3000) (i32.const 24))) (br $l))))
    (if (call $is (i32.const 9)) (then
      (i32.store (i32.const 0xff0) (i32.const 32))
      (call $own_code (i32.const 0x2100) (i32.const 0xff0))
      (loop $l
        (call $next)
        (drop (call $make (i32.const 0x2100) (i64.const 0) (i64.const 0) (i32.const -1) (i32.const 0x2300)
          (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0)
          (i32.const 0x2200) (i32.const 4)))
        (br $l))))
    (if (call $is (i32.const 16)) (then (call $return (i32.const 0) (i32.const 0) (i32.const 0x100000))))))"#;

/// What the victim's contract has stored.
fn stored(world: &mut World, victim: &User, contract: ContractId) -> Vec<u8> {
    match world.query(victim, contract, &[1]).unwrap().0 {
        Answer::Call { ended: Ended::Returned { data, .. }, .. } => data.to_vec(),
        other => panic!("the victim's contract does not answer: {other:?}"),
    }
}

/// Has the contract do what it wants, as a command and as a query. Both end so; then everything else goes on.
fn ends(selector: u8, expected: Trap) {
    let (mallory, victim) = (User::new(1), User::new(2));
    let (mut world, notebook) = World::with_notebook(&victim);
    let hostile = world.deploy(&mallory, &wat::parse_str(HOSTILE).unwrap());
    let number = world.call(&mallory, hostile, 2, vec![selector]);
    let Outcome::Executed(run) = world.outcome(&mallory, hostile, number).unwrap().0 else {
        panic!("not executed")
    };
    assert_eq!(run.ended, Ended::Trapped(expected.code()), "{:?}", run.ended);
    assert!(run.events.is_empty() && run.gas_used <= GAS);
    let answer = world.query(&mallory, hostile, &[selector]).unwrap().0;
    let Answer::Call { ended, gas_used, .. } = answer else { panic!("not a call: {answer:?}") };
    assert_eq!(ended, Ended::Trapped(expected.code()));
    assert!(gas_used <= GAS);
    world.call(&victim, notebook, 2, vec![0]);
    assert_eq!(stored(&mut world, &victim, notebook), victim.account().as_bytes());
    // All of it is still there after a restart: nothing that was written is too much to read.
    world.restart().unwrap();
    world.finalize().unwrap();
    assert_eq!(world.outcome(&mallory, hostile, number).unwrap().0, Outcome::Executed(run));
}

#[test]
fn an_endless_loop_ends() {
    ends(0, Trap::OutOfGas);
}

#[test]
fn deep_recursion_ends() {
    ends(1, Trap::StackOverflow);
}

#[test]
fn memory_that_grows_ends() {
    ends(2, Trap::OutOfGas);
}

#[test]
fn huge_events_end() {
    ends(3, Trap::TooManyEvents);
}

#[test]
fn a_bomb_of_calls_ends() {
    ends(4, Trap::OutOfGas);
}

#[test]
fn an_output_that_is_too_long_ends() {
    ends(5, Trap::OutputTooLong);
}

#[test]
fn a_flood_of_outputs_ends() {
    ends(6, Trap::OutOfGas);
}

#[test]
fn a_flood_of_values_ends() {
    ends(7, Trap::OutOfGas);
}

#[test]
fn a_flood_of_log_lines_ends() {
    ends(8, Trap::OutOfGas);
}

#[test]
fn a_bomb_of_new_contracts_ends() {
    ends(9, Trap::OutOfGas);
}
