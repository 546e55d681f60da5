// SPDX-License-Identifier: Apache-2.0
//! How long a call takes, and what gas is worth: `cargo run --release -p phala-vm --example bench_gas`.
//!
//! Prints the time of one transfer of the example token with a fresh instance each, with and without the pool and
//! interpreted, and the nanoseconds per unit of gas of instructions and of the dearest host functions. A price in `gas` is
//! fair if its line is near the others, and safe if it is not far above them.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/token.rs"]
mod token;

use std::time::Instant;

use common::{World, answering, context, contract, prepared};
use phala_vm::{Call, Engine, Entry, Execution, WasmtimeEngine, gas};
use token::{Token, input};

const ALICE: [u8; 32] = [0xa1; 32];
const CALLS: u32 = 20_000;

fn main() {
    let began = Instant::now();
    let pooled = WasmtimeEngine::new().expect("an engine");
    println!("engine:                      {:>9.1} us once", began.elapsed().as_secs_f64() * 1e6);
    let code = token::code();
    let began = Instant::now();
    pooled.prepare(&code).expect("the token");
    println!("prepare token, {:>5} bytes:  {:>9.1} us once", code.len(), began.elapsed().as_secs_f64() * 1e6);

    transfers("with the pool", &pooled);
    transfers("without the pool", &WasmtimeEngine::without_pool().expect("an engine"));
    transfers("interpreted", common::interpreter());
    instructions();
    prices();
}

fn transfers<E: Engine>(name: &str, engine: &E) {
    let mut token = Token::deployed(common::engine(), ALICE, u128::from(u64::MAX));
    let artifact = engine.prepare(&token::code()).expect("the token");
    token.context.caller = ALICE;
    let transfer = input("transfer", ([0xb0u8; 32], 1u128));
    let call = Call { entry: Entry::Call, input: &transfer, gas_limit: common::GAS, context: &token.context };
    let mut gas_used = 0;
    let began = Instant::now();
    for _ in 0..CALLS {
        let execution = engine.run(&artifact, call, &mut token.world);
        assert!(execution.is_success());
        gas_used = execution.gas_used;
        token.world.events.clear();
    }
    let micros = began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
    println!("transfer {name:<18}: {micros:>9.2} us a call, {gas_used} gas");
}

/// Instructions, so many of each in a row that the loop around them does not matter.
fn instructions() {
    let definitions =
        "(table 2 2 funcref) (elem (i32.const 0) $f $f) (type $t (func (param i32) (result i32)))
        (func $f (param i32) (result i32) (local.get 0)) (global (mut i32) (i32.const 1))";
    let case = |name, one: &str| {
        let body = format!(
            "(local $x i32) (local $y i64) (local.set $x (i32.const 12345)) (local.set $y (i64.const 98765)) \
             (loop {} (br 0))",
            one.repeat(100)
        );
        (name, common::contract_with("", &body, definitions))
    };
    let cases = [
        case("i32.add", "(local.set $x (i32.add (local.get $x) (i32.const 7)))"),
        case("i64.mul", "(local.set $y (i64.mul (local.get $y) (i64.const 7)))"),
        case("i64.rotl", "(local.set $y (i64.rotl (local.get $y) (i64.const 7)))"),
        case("i64.popcnt", "(local.set $y (i64.popcnt (i64.sub (local.get $y) (i64.const 7))))"),
        case("i32.div_u", "(local.set $x (i32.div_u (i32.const -7) (i32.or (local.get $x) (i32.const 3))))"),
        case("i64.div_s", "(local.set $y (i64.div_s (i64.const -7) (i64.or (local.get $y) (i64.const 3))))"),
        case("i64.rem_u", "(local.set $y (i64.rem_u (i64.const -7) (i64.or (local.get $y) (i64.const 3))))"),
        case("i32.load, dependent", "(local.set $x (i32.load (i32.and (local.get $x) (i32.const 0xfff8))))"),
        case("i64.store", "(i64.store (i32.and (local.get $x) (i32.const 0xfff8)) (local.get $y))"),
        case("global.get and global.set", "(global.set 0 (i32.add (global.get 0) (i32.const 1)))"),
        case(
            "select",
            "(local.set $x (select (local.get $x) (i32.const 5) (i32.and (local.get $x) (i32.const 1))))",
        ),
        case(
            "if",
            "(if (i32.and (local.get $x) (i32.const 1)) (then (local.set $x (i32.add (local.get $x) (i32.const 1)))) (else (local.set $x (i32.sub (local.get $x) (i32.const 1)))))",
        ),
        case(
            "block, br_table",
            "(block (block (br_table 0 1 0 1 (local.get $x)))) (local.set $x (i32.xor (local.get $x) (i32.const 1)))",
        ),
        case("call", "(local.set $x (call $f (local.get $x)))"),
        case("call_indirect", "(local.set $x (call_indirect (type $t) (local.get $x) (i32.const 1)))"),
        case("memory.size", "(local.set $x (memory.size))"),
        case("memory.grow of nothing", "(local.set $x (memory.grow (i32.const 0)))"),
        case("memory.grow in vain", "(local.set $x (memory.grow (i32.const 65)))"),
    ];
    println!("{:<28}  {:>9}    {:>9}   ns a unit of gas", "", "wasmtime", "wasmi");
    for (name, wasm) in cases {
        let (one, other) = (prepared(&wasm), common::interpreter().prepare(&wasm).expect("a program"));
        let native = nanos_a_unit(common::engine(), &one, 500_000_000);
        let interpreted = nanos_a_unit(common::interpreter(), &other, 20_000_000);
        println!("{name:<28}: {native:>9.3}    {interpreted:>9.3}");
    }
}

fn nanos_a_unit<E: Engine>(engine: &E, artifact: &E::Artifact, gas_limit: u64) -> f64 {
    let context = context();
    let call = Call { entry: Entry::Call, input: b"", gas_limit, context: &context };
    let began = Instant::now();
    let execution: Execution = engine.run(artifact, call, &mut World::default());
    began.elapsed().as_secs_f64() * 1e9 / execution.gas_used as f64
}

/// A program that repeats something until its gas is gone.
fn prices() {
    let loops = |imports: &str, body: &str| contract(imports, &format!("(loop {body} (br 0))"));
    let hash = |name: &str| {
        let import = format!(r#"(import "seal0" "{name}" (func $f (param i32 i32 i32)))"#);
        loops(&import, "(call $f (i32.const 100) (i32.const 4096) (i32.const 0))")
    };
    let programs = [
        (
            "an addition in memory",
            loops("", "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))"),
        ),
        (
            "a host function",
            loops(r#"(import "seal0" "caller_is_origin" (func $f (result i32)))"#, "(drop (call $f))"),
        ),
        ("sha2_256, 4 KiB", hash("hash_sha2_256")),
        ("keccak_256, 4 KiB", hash("hash_keccak_256")),
        ("blake2_256, 4 KiB", hash("hash_blake2_256")),
        ("ecdsa_recover", recover()),
    ];
    for (name, wasm) in programs {
        let nanos = nanos_a_unit(common::engine(), &prepared(&wasm), 200_000_000);
        println!("{name:<28}: {nanos:>9.3} ns a unit of gas");
    }
    let artifact = prepared(&contract("", ""));
    let context = context();
    let began = Instant::now();
    for _ in 0..CALLS {
        let call = Call { entry: Entry::Call, input: b"", gas_limit: common::GAS, context: &context };
        assert!(common::engine().run(&artifact, call, &mut World::default()).is_success());
    }
    let micros = began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
    println!("an empty call               : {micros:>9.2} us, {} gas", gas::FRAME + gas::MEMORY_PAGE);
}

fn recover() -> Vec<u8> {
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let (signature, id) = key.sign_prehash_recoverable(&[0; 32]).expect("a signature");
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(id.to_byte());
    let data: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    common::contract_with(
        r#"(import "seal0" "ecdsa_recover" (func $f (param i32 i32 i32) (result i32)))"#,
        &format!(
            "(if (call $f (i32.const 100) (i32.const 300) (i32.const 400)) (then {})) \
             (loop (drop (call $f (i32.const 100) (i32.const 300) (i32.const 400))) (br 0))",
            answering("(i32.const 1)")
        ),
        &format!(r#"(data (i32.const 100) "{data}")"#),
    )
}
