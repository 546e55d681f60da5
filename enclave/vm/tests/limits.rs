// SPDX-License-Identifier: Apache-2.0
//! What a program can do to itself, and that it does it only to itself.

mod common;

use codec::{Decode, Encode};
use common::*;
use phala_types::limits::{MEMORY_PAGES_MAX, PAYLOAD_BYTES_MAX};
use phala_vm::{Call, Engine, Entry, Execution, Return, Trap, WasmtimeEngine, gas};

/// The price of beginning a call with one page of memory.
const FRAME: u64 = gas::FRAME + gas::MEMORY_PAGE;

#[test]
fn an_endless_loop_runs_out_of_gas() {
    let execution = run(&contract("", "(loop (br 0))"), &mut World::default());
    assert_eq!(execution, Execution { result: Err(Trap::OutOfGas), gas_used: GAS });
}

#[test]
fn a_call_without_gas_for_its_frame_does_not_begin() {
    let wasm = contract("", "");
    let with = |gas_limit| run_with(&wasm, &mut World::default(), &context(), b"", gas_limit);
    for gas_limit in [0, 1, FRAME - 1] {
        assert_eq!(with(gas_limit), Execution { result: Err(Trap::OutOfGas), gas_used: gas_limit });
    }
    assert!(with(FRAME + 100).is_success());
    assert!(with(u64::MAX).is_success());
}

#[test]
fn a_host_function_without_gas_for_it_does_not_begin() {
    let import = r#"(import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))"#;
    let wasm = contract(import, "(drop (call $clear (i32.const 0) (i32.const 4)))");
    let mut world = World::default();
    world.storage.insert(vec![0; 4], vec![1]);
    let execution = run_with(&wasm, &mut world, &context(), b"", FRAME + gas::STORAGE_WRITE);
    assert_eq!(execution.result, Err(Trap::OutOfGas));
    assert_eq!(world.storage.len(), 1);
}

#[test]
fn deep_recursion_overflows_the_contracts_stack_only() {
    let wasm = contract_with("", "(call $deeper)", "(func $deeper (call $deeper))");
    for _ in 0..3 {
        assert_eq!(trap(&wasm, &mut World::default()), Trap::StackOverflow);
    }
    assert!(run(&contract("", ""), &mut World::default()).is_success());
}

#[test]
fn recursion_of_a_thousand_levels_is_fine() {
    let definitions = "(func $deeper (param i32) (if (local.get 0)
        (then (call $deeper (i32.sub (local.get 0) (i32.const 1))))))";
    assert!(
        run(&contract_with("", "(call $deeper (i32.const 1000))", definitions), &mut World::default())
            .is_success()
    );
}

#[test]
fn memory_grows_to_the_limit_and_no_further() {
    let grow = |pages: u32| answering(&format!("(memory.grow (i32.const {pages}))"));
    assert_eq!(code(&contract("", &grow(MEMORY_PAGES_MAX - 1)), &mut World::default()), 1);
    assert_eq!(code(&contract("", &grow(MEMORY_PAGES_MAX)), &mut World::default()), u32::MAX);
    assert_eq!(code(&contract("", &grow(65_536)), &mut World::default()), u32::MAX);
}

#[test]
fn memory_that_grows_is_paid_for_before_it_is_there() {
    let used = |body: &str| run(&contract("", body), &mut World::default()).gas_used;
    let grow = |pages: u32| used(&format!("(drop (memory.grow (i32.const {pages})))"));
    assert_eq!(grow(10) - grow(0), 10 * gas::MEMORY_PAGE);
    assert_eq!(grow(MEMORY_PAGES_MAX + 1), grow(0), "what can never be had costs nothing");
    let wasm = contract("", "(drop (memory.grow (i32.const 10)))");
    let unpaid = run_with(&wasm, &mut World::default(), &context(), b"", FRAME + 10_000);
    assert_eq!(unpaid, Execution { result: Err(Trap::OutOfGas), gas_used: FRAME + 10_000 });
}

#[test]
fn gas_is_the_sum_of_what_was_entered() {
    let used = |body: &str| run(&contract("", body), &mut World::default()).gas_used - FRAME - gas::FUNCTION;
    assert_eq!(used(""), 0);
    assert_eq!(used("(drop (i32.const 1))"), 1);
    assert_eq!(used("(drop (i32.load (i32.const 0)))"), 3);
    assert_eq!(used("(local i32 i64)"), 2 * gas::LOCAL);
    // Once around: the loop's head, the condition and the branch.
    assert_eq!(used("(loop (br_if 0 (i32.const 0)))"), gas::LOOP + 2);
    // What is not entered is not paid for, and what is entered is paid for as a whole.
    assert_eq!(used("(if (i32.const 0) (then (drop (i32.const 1))))"), 2);
    assert_eq!(used("(if (i32.const 1) (then (drop (i32.const 1))))"), 3);
    assert_eq!(used("(block (br 0) (drop (i32.const 1)))"), 1);
    assert_eq!(used("(drop (i32.load (i32.const -1))) (drop (i32.const 1))"), 4);
}

#[test]
fn a_function_pays_for_its_callee_and_gives_its_frame_back() {
    let definitions =
        "(func $leaf (param i64) (result i64) (local i32) (i64.add (local.get 0) (i64.const 1)))
        (func $middle (param i64) (result i64) (return (call $leaf (call $leaf (local.get 0)))))";
    // Ten thousand calls one after the other need no more stack than one.
    let body = "(local $n i32) (local $sum i64)
        (loop (local.set $sum (call $middle (local.get $sum)))
              (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))
        (i64.store (i32.const 0) (local.get $sum))
        (call $return (i32.const 0) (i32.const 0) (i32.const 8))";
    let execution = run(&contract_with("", body, definitions), &mut World::default());
    assert_eq!(execution.result.unwrap().data, 20_000u64.to_le_bytes());
    let leaf = gas::FUNCTION + 2 * gas::LOCAL + 3;
    let middle = gas::FUNCTION + gas::LOCAL + 1 + 2 * 8 + 2 * leaf;
    assert!(execution.gas_used > FRAME + 10_000 * middle);
    assert!(execution.gas_used < FRAME + 10_000 * (middle + 30));
}

#[test]
fn memory_of_one_call_is_not_seen_by_the_next() {
    let wasm = contract_with(
        "",
        "(drop (memory.grow (i32.const 15)))
         (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
         (i32.store (i32.const 1000000) (i32.add (i32.load (i32.const 1000000)) (i32.const 1)))
         (global.set 0 (i32.add (global.get 0) (i32.const 1)))
         (i32.store (i32.const 4) (i32.load (i32.const 1000000)))
         (i32.store (i32.const 8) (global.get 0))
         (call $return (i32.const 0) (i32.const 0) (i32.const 12))",
        "(global (mut i32) (i32.const 0))",
    );
    let artifact = prepared(&wasm);
    for _ in 0..20 {
        let context = context();
        let call = Call { entry: Entry::Call, input: b"", gas_limit: GAS, context: &context };
        let execution = engine().run(&artifact, call, &mut World::default());
        assert_eq!(execution.result.unwrap().data, b"\x01\0\0\0\x01\0\0\0\x01\0\0\0");
    }
}

#[test]
fn each_fault_of_a_program_has_its_name() {
    let table = "(table 2 2 funcref) (func $f (param i32)) (elem (i32.const 0) $f) (type $other (func))";
    for (body, expected) in [
        ("unreachable", Trap::Unreachable),
        ("(drop (i32.load (i32.const 65533)))", Trap::MemoryOutOfBounds),
        ("(i32.store (i32.const -1) (i32.const 0))", Trap::MemoryOutOfBounds),
        ("(drop (i64.load offset=4294967295 (i32.const 8)))", Trap::MemoryOutOfBounds),
        ("(call_indirect (type $other) (i32.const 2))", Trap::TableOutOfBounds),
        ("(call_indirect (type $other) (i32.const 1))", Trap::IndirectCallMismatch),
        ("(call_indirect (type $other) (i32.const 0))", Trap::IndirectCallMismatch),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", Trap::DivisionByZero),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", Trap::IntegerOverflow),
    ] {
        let wasm = contract_with("", body, table);
        assert_eq!(trap(&wasm, &mut World::default()), expected, "{body}");
    }
}

#[test]
fn a_trap_costs_what_was_used_and_not_the_limit() {
    let execution = run(&contract("", "unreachable"), &mut World::default());
    assert_eq!(execution.result, Err(Trap::Unreachable));
    assert!(execution.gas_used < FRAME + 100);
}

#[test]
fn deploy_and_call_are_two_entries() {
    let text = r#"(module (import "env" "memory" (memory 1 16))
        (func (export "deploy") unreachable) (func (export "call")))"#;
    let artifact = prepared(&wat::parse_str(text).unwrap());
    let context = context();
    let run = |entry| {
        let call = Call { entry, input: b"", gas_limit: GAS, context: &context };
        engine().run(&artifact, call, &mut World::default()).result
    };
    assert_eq!(run(Entry::Call), Ok(Return::default()));
    assert_eq!(run(Entry::Deploy), Err(Trap::Unreachable));
}

#[test]
fn an_input_over_the_limit_is_refused_by_name() {
    let input = vec![0; PAYLOAD_BYTES_MAX as usize + 1];
    let execution = run_with(&contract("", ""), &mut World::default(), &context(), &input, GAS);
    assert_eq!(execution, Execution { result: Err(Trap::InputTooLong), gas_used: 0 });
    let execution = run_with(&contract("", ""), &mut World::default(), &context(), &input[1..], GAS);
    assert!(execution.is_success());
}

/// A program that does some of everything.
fn busy() -> Vec<u8> {
    contract_with(
        r#"(import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
           (import "seal0" "hash_blake2_256" (func $hash (param i32 i32 i32)))
           (import "seal0" "gas_left" (func $gas (param i32 i32)))"#,
        "(local $n i32)
         (i32.store (i32.const 0) (i32.const 8))
         (loop
            (call $hash (i32.const 8) (i32.const 40) (i32.const 8))
            (drop (call $set (i32.const 8) (i32.const 4) (i32.const 8) (i32.const 32)))
            (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))
         (call $gas (i32.const 40) (i32.const 0))
         (call $return (i32.const 0) (i32.const 8) (i32.const 40))",
        "",
    )
}

#[test]
fn equal_calls_have_equal_outcomes_on_every_engine_and_thread() {
    let wasm = busy();
    let mut world = World::default();
    let expected = run(&wasm, &mut world);
    assert!(expected.is_success());
    let unpooled = WasmtimeEngine::without_pool().unwrap();
    let fresh = WasmtimeEngine::new().unwrap();
    let shared = fresh.clone();
    std::thread::scope(|scope| {
        for engine in [engine(), &unpooled, &fresh, &shared] {
            let (wasm, expected, stored) = (&wasm, &expected, &world.storage);
            scope.spawn(move || {
                let artifact = engine.prepare(wasm).unwrap();
                for _ in 0..10 {
                    let mut world = World::default();
                    let context = context();
                    let call =
                        Call { entry: Entry::Call, input: b"the input", gas_limit: GAS, context: &context };
                    assert_eq!(&engine.run(&artifact, call, &mut world), expected);
                    assert_eq!(&world.storage, stored);
                }
            });
        }
    });
}

#[test]
fn every_gas_limit_below_the_need_is_out_of_gas_and_none_above() {
    let wasm = busy();
    let need = run(&wasm, &mut World::default()).gas_used;
    let with = |gas_limit| run_with(&wasm, &mut World::default(), &context(), b"the input", gas_limit);
    assert!(with(need).is_success());
    for gas_limit in [need - 1, need - 1_000, need / 2, FRAME] {
        let execution = with(gas_limit);
        assert_eq!(execution, Execution { result: Err(Trap::OutOfGas), gas_used: gas_limit });
    }
}

#[test]
fn a_query_ends_when_the_patience_with_it_does() {
    let endless = prepared(&contract("", "(loop (br 0))"));
    let engine = WasmtimeEngine::new().unwrap();
    let artifact = engine.prepare(&contract("", "(loop (br 0))")).unwrap();
    let context = context();
    let call = Call { entry: Entry::Call, input: b"", gas_limit: u64::MAX, context: &context };
    let done = std::sync::atomic::AtomicBool::new(false);
    let execution = std::thread::scope(|scope| {
        let (clock, done) = (&engine, &done);
        scope.spawn(move || {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                clock.tick();
                std::thread::yield_now();
            }
        });
        let execution = engine.with_patience(100).run(&artifact, call, &mut World::default());
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        execution
    });
    assert_eq!(execution.result, Err(Trap::TimedOut));
    // A deadline is of the calls that were given one: others go on to the end of their gas.
    let call = Call { gas_limit: GAS, ..call };
    assert_eq!(engine.run(&artifact, call, &mut World::default()).result, Err(Trap::OutOfGas));
    assert_eq!(self::engine().run(&endless, call, &mut World::default()).result, Err(Trap::OutOfGas));
    // And nothing is left for a call that begins when the time is over.
    let late = engine.with_patience(0).run(&artifact, call, &mut World::default());
    assert_eq!(late.result, Err(Trap::TimedOut));
}

#[test]
fn outcomes_have_a_stable_encoding() {
    let execution = Execution { result: Err(Trap::OutOfGas), gas_used: 1 };
    assert_eq!(execution.encode(), b"\x01\x01\x01\0\0\0\0\0\0\0");
    let execution = Execution { result: Ok(Return { flags: 1, data: b"x".to_vec() }), gas_used: 2 };
    assert_eq!(execution.encode(), b"\0\x01\0\0\0\x04x\x02\0\0\0\0\0\0\0");
    assert_eq!(Execution::decode(&mut execution.encode().as_slice()).unwrap(), execution);
}

#[test]
fn the_numbers_of_traps_do_not_change() {
    for (trap, code) in [
        (Trap::OutOfGas, 1),
        (Trap::Unreachable, 2),
        (Trap::StackOverflow, 3),
        (Trap::MemoryOutOfBounds, 4),
        (Trap::TableOutOfBounds, 5),
        (Trap::IndirectCallMismatch, 6),
        (Trap::IntegerOverflow, 7),
        (Trap::DivisionByZero, 8),
        (Trap::OutputBufferTooSmall, 16),
        (Trap::InvalidInput, 17),
        (Trap::StateChangeDenied, 18),
        (Trap::KeyTooLong, 19),
        (Trap::ValueTooLong, 20),
        (Trap::InputTooLong, 21),
        (Trap::OutputTooLong, 22),
        (Trap::TooManyTopics, 23),
        (Trap::EventTooLong, 24),
        (Trap::TooManyEvents, 25),
        (Trap::InputForwarded, 26),
        (Trap::ReentranceDenied, 32),
        (Trap::CallDepthExceeded, 33),
        (Trap::DuplicateContract, 34),
        (Trap::TerminationDenied, 35),
        (Trap::LimitReached, 36),
        (Trap::ExtensionUnknown, 37),
        (Trap::NotAvailable, 38),
        (Trap::TimedOut, 39),
        (Trap::HostFault, 255),
    ] {
        assert_eq!(trap.code(), code, "{trap:?}");
        assert_eq!(Trap::decode(&mut [code].as_slice()), Ok(trap));
    }
    assert!(Trap::decode(&mut [0].as_slice()).is_err());
}
