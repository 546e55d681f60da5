// SPDX-License-Identifier: Apache-2.0
//! Programs that nobody wrote: both engines agree on what each does, to the unit of gas.
//!
//! `PHALA_GENERATED_MODULES=100000 cargo test -p phala-vm --test generated --release` tries more of them.

mod common;

use arbitrary::Unstructured;
use common::*;
use phala_vm::{Call, CodeRefusal, Engine, Entry, Execution, Trap};
use std::collections::BTreeMap;
use wasm_smith::{Config, MemoryOffsetChoices, Module};

/// How many programs are to run, if the environment does not say another number.
const MODULES: u64 = 10_000;
/// Enough for most programs to end by themselves, and little enough for an endless one to end soon.
const GAS_LIMIT: u64 = 1_000_000;
/// What a program is made from, in bytes.
const SEED_BYTES: usize = 2_048;

/// Imports and exports of every generated program. Of the host functions, those that show what is in memory.
const SHAPE: &str = r#"(module
    (import "env" "memory" (memory 2 4))
    (import "seal0" "seal_return" (func (param i32 i32 i32)))
    (import "seal0" "caller" (func (param i32 i32)))
    (import "seal0" "gas_left" (func (param i32 i32)))
    (import "seal0" "input" (func (param i32 i32)))
    (import "seal0" "debug_message" (func (param i32 i32) (result i32)))
    (import "seal0" "hash_blake2_256" (func (param i32 i32 i32)))
    (import "seal0" "deposit_event" (func (param i32 i32 i32 i32)))
    (import "seal1" "get_storage" (func (param i32 i32 i32 i32) (result i32)))
    (import "seal2" "set_storage" (func (param i32 i32 i32 i32) (result i32)))
    (import "seal1" "call" (func (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
    (func (export "deploy")) (func (export "call")))"#;

/// A program, the same for the same number.
fn module(number: u64, shape: &[u8]) -> Option<Vec<u8>> {
    let seed: Vec<u8> = (0..SEED_BYTES as u64 / 32)
        .flat_map(|part| sp_crypto_hashing::blake2_256(&[number.to_le_bytes(), part.to_le_bytes()].concat()))
        .collect();
    let config = Config {
        module_shape: Some(shape.to_vec()),
        allow_floats: false,
        allow_start_export: false,
        bulk_memory_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        max_data_segments: 2,
        max_instructions: 300,
        max_memory32_bytes: 4 * 65_536,
        max_table_elements: 64,
        memory64_enabled: false,
        memory_max_size_required: true,
        memory_offset_choices: MemoryOffsetChoices(97, 2, 1),
        min_funcs: 4,
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        ..Config::default()
    };
    Module::new(config, &mut Unstructured::new(&seed)).ok().map(|module| module.to_bytes())
}

fn modules() -> u64 {
    let wanted = std::env::var("PHALA_GENERATED_MODULES").ok();
    wanted.map_or(MODULES, |number| number.parse().expect("PHALA_GENERATED_MODULES is a number"))
}

#[test]
fn engines_agree_on_ten_thousand_generated_programs() {
    let shape = wat::parse_str(SHAPE).unwrap();
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let total = modules();
    let endings = std::thread::scope(|scope| {
        let run_share = |first| {
            let shape = &shape;
            move || run_every(first, threads, total / threads, shape)
        };
        let shares: Vec<_> = (0..threads).map(|first| scope.spawn(run_share(first))).collect();
        shares.into_iter().map(|share| share.join().expect("the engines agree")).fold(
            BTreeMap::new(),
            |mut all, share| {
                for (ending, count) in share {
                    *all.entry(ending).or_insert(0u64) += count;
                }
                all
            },
        )
    });
    println!("{endings:?}");
    // A generator that made only programs that fail at once would show nothing.
    for ending in ["returned", "OutOfGas", "Unreachable", "MemoryOutOfBounds", "StackOverflow"] {
        assert!(
            endings.get(ending).is_some_and(|count| *count > 0),
            "some programs end with {ending}: {endings:?}"
        );
    }
}

/// Runs `count` programs that are admitted, from number `first` on in steps, and counts how they ended.
fn run_every(first: u64, step: u64, count: u64, shape: &[u8]) -> BTreeMap<String, u64> {
    let mut endings = BTreeMap::new();
    let mut done = 0;
    for number in (first..).step_by(step as usize) {
        if done == count {
            break;
        }
        let Some(wasm) = module(number, shape) else { continue };
        let Ok(artifact) = engine().prepare(&wasm) else { continue };
        done += 1;
        let other = interpreter().prepare(&wasm).expect("both engines admit the same");
        for entry in [Entry::Deploy, Entry::Call] {
            let context = context();
            let call = Call { entry, input: b"the input", gas_limit: GAS_LIMIT, context: &context };
            let (mut world, mut other_world) = (World::default(), World::default());
            let execution = engine().run(&artifact, call, &mut world);
            let expected = interpreter().run(&other, call, &mut other_world);
            assert_eq!(execution, expected, "program {number}, {entry:?}");
            assert_eq!(world, other_world, "program {number}, {entry:?}");
            assert_ne!(execution.result, Err(Trap::HostFault), "program {number}, {entry:?}");
            let Execution { result, gas_used } = execution;
            assert!(gas_used <= GAS_LIMIT);
            let ending = result.map_or_else(|trap| format!("{trap:?}"), |_| "returned".into());
            *endings.entry(ending).or_insert(0) += 1;
        }
    }
    endings
}

#[test]
fn what_one_engine_refuses_the_other_refuses_with_the_same_words() {
    let shape = wat::parse_str(SHAPE).unwrap();
    let mut refused = 0;
    for number in 0..200 {
        let Some(mut wasm) = module(number, &shape) else { continue };
        // Broken somewhere, mostly so that it is still a module.
        if let Some(byte) = wasm.iter_mut().rev().nth(number as usize) {
            *byte = byte.wrapping_add(1);
        }
        let (one, other) = (engine().prepare(&wasm).err(), interpreter().prepare(&wasm).err());
        assert_eq!(one, other, "program {number}");
        assert_ne!(one, Some(CodeRefusal::Compiler), "program {number}");
        refused += u64::from(one.is_some());
    }
    assert!(refused > 0);
}
