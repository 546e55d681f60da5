// SPDX-License-Identifier: Apache-2.0
//! What the functions of the world and of the extensions take: `cargo run --release -p phala-vm --example bench_world`.
//!
//! Prints the microseconds of each and the nanoseconds per unit of gas that is paid for it. A price is safe as long as that
//! is not far above an instruction's, which `bench_gas` prints. State is a map in memory here: the worker's tree is
//! measured with the worker.

#[path = "../tests/common/cluster.rs"]
mod cluster;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/extension.rs"]
mod extension;

use std::time::Instant;

use cluster::{BOB, Cluster, step, steps_hash};
use codec::Encode;
use extension::{Around, CONTRACT, command, query};
use phala_vm::extension::wire::{KeyKind, LogLevel, SigType};
use phala_vm::world::Extensions;

/// How often a function of an extension is called.
const CALLS: u32 = 2_000;
/// How often a step is repeated within one call of a contract.
const STEPS: usize = 200;
/// How often that call is made.
const TURNS: usize = 100;

fn main() {
    println!("{:<36} {:>9}  {:>9}", "", "us", "ns a unit");
    extensions();
    world();
}

/// Calls a function, and answers with what it put out.
fn measure(name: &str, backend: &mut dyn Extensions, id: u32, input: &[u8]) -> Vec<u8> {
    let mut around = Around::default();
    let mut gas_used = 0;
    let mut output = Vec::new();
    let began = Instant::now();
    for _ in 0..CALLS {
        let reply = extension::raw_in(&mut around, backend, CONTRACT, id, input, u64::MAX).expect(name);
        assert_eq!(reply.status, 0, "{name}");
        gas_used += reply.gas_used;
        output = reply.output;
        around.0 = Default::default();
    }
    line(name, began.elapsed().as_secs_f64(), f64::from(CALLS), gas_used);
    output
}

fn line(name: &str, seconds: f64, times: f64, gas_used: u64) {
    println!("{name:<36} {:>9.2}  {:>9.3}", seconds * 1e6 / times, seconds * 1e9 / gas_used as f64);
}

fn extensions() {
    let key = vec![3u8; 32];
    let message = vec![5u8; 100];
    let long = vec![5u8; 60_000];
    for (kind, name) in
        [(SigType::Ed25519, "ed25519"), (SigType::Sr25519, "sr25519"), (SigType::Ecdsa, "secp256k1")]
    {
        let it = &mut query();
        let public = measure(&format!("public key, {name}"), it, 5, &(kind, &key).encode());
        let public = decoded(&public);
        for (size, message) in [("", &message), (", 60 kB", &long)] {
            let input = (kind, &key, message).encode();
            let signature = decoded(&measure(&format!("sign, {name}{size}"), it, 2, &input));
            let input = (kind, &public, message, &signature).encode();
            let is_valid = measure(&format!("verify, {name}{size}"), it, 3, &input);
            assert_eq!(is_valid, [1], "the signature is valid");
        }
    }
    let it = &mut command();
    measure("sign a hash, secp256k1", it, 13, &(&key, [7u8; 32]).encode());
    measure("derive Phala's key", it, 4, &b"salt".to_vec().encode());
    for kind in [KeyKind::Sr25519, KeyKind::Ed25519, KeyKind::EcdsaSecp256k1, KeyKind::Symmetric] {
        measure(&format!("derive a key, {kind:?}"), it, own(4), &(b"path".to_vec(), kind).encode());
    }
    measure("random value of a subject", it, own(3), &b"subject".to_vec().encode());
    measure("log a line", it, 10, &(LogLevel::Info as u8, "a line".to_owned()).encode());
    for (size, data) in [("100 B", &message), ("8 kB", &vec![5u8; 8_000])] {
        let context = b"context".to_vec();
        let sealed = measure(&format!("seal, {size}"), it, own(8), &(data, &context).encode());
        let sealed = decoded(&sealed);
        measure(&format!("open, {size}"), it, own(9), &(sealed, &context).encode());
    }
    let it = &mut query();
    measure("keep in the cache, 100 B", it, 6, &(&key, &message).encode());
    measure("find in the cache", it, 8, &key.encode());
    measure("random bytes, 255", it, 11, &255u8.encode());
}

const fn own(function: u32) -> u32 {
    1 << 16 | function
}

fn decoded(output: &[u8]) -> Vec<u8> {
    codec::Decode::decode(&mut &output[..]).expect("bytes")
}

/// Steps of one contract, many times in one call, beyond what the call takes without them.
fn world() {
    let mut cluster = Cluster::with_steps();
    let (one, other) = (cluster.make(1), cluster.make(2));
    let full = |key: usize| step::set(key as u8, 1024);
    let steps: Vec<_> = (0..STEPS).map(full).collect();
    cluster.call(one, &steps);
    let cases: [(&str, &dyn Fn(usize) -> Vec<u8>); 9] = [
        ("storage: read 1 KiB", &|key| step::stored(key as u8)),
        ("storage: write 1 KiB", &|key| step::set(key as u8, 1023)),
        ("transient: write 8 B anew", &|key| step::set_transient(key as u8, 8)),
        ("transient: write 2 KiB anew", &|key| step::set_transient(key as u8, 2048)),
        ("transient: read nothing", &|key| step::transient(key as u8)),
        ("event", &|_| step::event(1)),
        ("transfer", &|_| step::transfer(BOB, 1)),
        ("call a contract", &|_| step::call(other, &[])),
        ("delegate a call", &|_| step::delegate(steps_hash(1), &[])),
    ];
    let empty = time(&mut cluster, one, &[]);
    for (name, one_step) in cases {
        cluster.fund(one, 100_000_000);
        let steps: Vec<_> = (0..STEPS).map(one_step).collect();
        let (seconds, gas_used) = time(&mut cluster, one, &steps);
        line(name, seconds - empty.0, (STEPS * TURNS) as f64, gas_used - empty.1);
    }
    line("an empty call", empty.0, TURNS as f64, empty.1);
}

/// The seconds and the gas of so many calls.
fn time(cluster: &mut Cluster, contract: [u8; 32], steps: &[Vec<u8>]) -> (f64, u64) {
    let mut gas_used = 0;
    let began = Instant::now();
    for _ in 0..TURNS {
        let ran = cluster.world().run(cluster::calling(contract, &steps.concat())).expect("the world holds");
        assert!(ran.execution.is_success(), "{:?}", ran.execution.result);
        gas_used += ran.execution.gas_used;
    }
    (began.elapsed().as_secs_f64(), gas_used)
}
