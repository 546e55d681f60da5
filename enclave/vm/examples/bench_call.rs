// SPDX-License-Identifier: Apache-2.0
//! How long a call takes, and what gas is worth: `cargo run --release -p phala-vm --example bench_call`.
//!
//! Prints the time of one transfer of the example token with a fresh instance each, with and without the pool, and the
//! nanoseconds per unit of gas of plain instructions and of the dearest host functions. All of these should be near
//! each other or below the instructions' for the prices in `gas` to be fair.

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
    prices();
}

fn transfers(name: &str, engine: &WasmtimeEngine) {
    let mut token = Token::deployed(engine, ALICE, u128::from(u64::MAX));
    token.context.caller = ALICE;
    let transfer = input("transfer", ([0xb0u8; 32], 1u128));
    let call = Call { entry: Entry::Call, input: &transfer, gas_limit: common::GAS, context: &token.context };
    let mut gas_used = 0;
    let began = Instant::now();
    for _ in 0..CALLS {
        let execution = token.engine.run(&token.artifact, call, &mut token.world);
        assert!(execution.is_success());
        gas_used = execution.gas_used;
        token.world.events.clear();
    }
    let micros = began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
    println!("transfer {name:<18}: {micros:>9.2} us a call, {gas_used} gas");
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
        let artifact = prepared(&wasm);
        let context = context();
        let call = Call { entry: Entry::Call, input: b"", gas_limit: 200_000_000, context: &context };
        let began = Instant::now();
        let execution: Execution = common::engine().run(&artifact, call, &mut World::default());
        let nanos = began.elapsed().as_secs_f64() * 1e9;
        println!("{name:<28}: {:>9.3} ns a unit of gas", nanos / execution.gas_used as f64);
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
