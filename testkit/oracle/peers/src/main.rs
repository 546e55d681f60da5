// SPDX-License-Identifier: Apache-2.0
//! Measures the engine beside those that it is compared with, and prints a line of JSON for each figure.
//!
//! Every engine does the same work in the same run, in turns (a b c, a b c, ...), and a figure is a ratio of medians.
//! All calls are warm: code is compiled or cached before. All storage is a map in memory. Gas is metered wherever there
//! is a meter, which is everywhere but natively:
//!
//! | engine | metered | how |
//! |---|---|---|
//! | ours | instructions, memory, host functions | by the engine that the worker runs, each call in the whole world of a call |
//! | pallet-contracts 51 | instructions, host functions | wasmi's fuel and the weights of Substrate's reference machine |
//! | cosmwasm-vm 3.0.10 | instructions, host functions | wasmer's metering, Singlepass, instances from the pinned cache |
//! | revm 43 | instructions | the EVM's own gas, a whole transaction without a signature or a fee |
//! | native | nothing | the same source, compiled for this machine |
//!
//! Before it measures, it checks that all give the same result.
#![forbid(unsafe_code)]

mod cosmwasm;
mod evm;
mod guests;
mod native;
mod seal;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// So many transfers of a token, each a call.
    Transfers(u32),
    /// A chain of hashes, in one call.
    Sha256(u32),
    /// A loop of additions, in one call.
    Fibonacci(u32),
    /// Reads and writes so many values, in one call.
    Storage(u32),
    /// One contract calls another so often.
    Calls(u32),
}

/// What does work.
pub trait Engine {
    /// Its name in a figure.
    fn name(&self) -> &'static str;

    /// Does the work, and gives its result where it has one: the first eight bytes of a hash, or a number.
    ///
    /// # Errors
    /// The engine's own.
    fn run(&mut self, task: Task) -> Result<Option<u64>>;

    /// Does the work, and says how long it took.
    ///
    /// # Errors
    /// The engine's own.
    fn time(&mut self, task: Task) -> Result<(Option<u64>, Duration)> {
        let begun = Instant::now();
        let result = self.run(task)?;
        Ok((result, begun.elapsed()))
    }

    /// Whether it can do this at all.
    fn can(&self, task: Task) -> bool {
        let _ = task;
        true
    }
}

/// How often each engine takes its turn.
const TURNS: usize = 15;

/// The work, with its name in keys and how it is called. Engines take turns, so that each finds the machine's caches full of
/// the others' data: a call of ours then takes some 150 us before it computes anything, and 5 us when it repeats. The loops
/// that are compared with native code are long beside that.
const WORK: [(&str, Task, &str); 5] = [
    ("transfer", Task::Transfers(200), "200 transfers of a token"),
    ("sha256", Task::Sha256(2_000), "a chain of 2000 hashes in one call"),
    ("fibonacci", Task::Fibonacci(4_000_000), "a loop of 4000000 additions in one call"),
    ("storage", Task::Storage(500), "500 values read and written in one call"),
    ("calls", Task::Calls(1_000), "1000 calls of another contract, in one call"),
];

fn main() -> Result<()> {
    let guests = guests::build()?;
    let mut engines: Vec<Box<dyn Engine>> = vec![
        Box::new(seal::ours(&guests)?),
        Box::new(seal::pallet(&guests)?),
        Box::new(cosmwasm::CosmWasm::new(&guests)?),
        Box::new(evm::Evm::new(&guests)?),
        Box::new(native::Native),
    ];
    let mut compute = Vec::new();
    for (name, task, what) in WORK {
        let medians = measure(&mut engines, task)?;
        let ours = medians[0].1;
        let per = if let Task::Transfers(count) = task { count } else { 1 };
        figure(
            &format!("engine_{name}_us"),
            ours.as_secs_f64() * 1e6 / f64::from(per),
            "us",
            &note(name, what),
        );
        for (peer, took) in &medians[1..] {
            if *peer == "native" {
                let ratio = ours.as_secs_f64() / took.as_secs_f64();
                figure(
                    &format!("engine_{name}_vs_native"),
                    ratio,
                    "x the time",
                    &format!("goal <= 1.5; {what}"),
                );
                compute.push(ratio);
                continue;
            }
            let ratio = took.as_secs_f64() / ours.as_secs_f64();
            let goal = match (name, *peer) {
                ("transfer", "pallet_contracts") => "goal >= 10; ",
                ("transfer", "cosmwasm") => "goal >= 2; ",
                _ => "",
            };
            let key = format!("engine_{name}_vs_{peer}");
            let took_us = took.as_secs_f64() * 1e6 / f64::from(per);
            let words = format!("{goal}{}; the peer took {took_us:.1} us", note(name, what));
            figure(&key, ratio, "x as fast", &words);
        }
    }
    let worst = compute.into_iter().fold(0.0, f64::max);
    let words = "goal <= 1.5; the worse of sha256 and fibonacci, gas metered against nothing metered";
    figure("engine_compute_vs_native", worst, "x the time", words);
    Ok(())
}

/// What must be known to read the number.
fn note(name: &str, what: &str) -> String {
    let more = match name {
        "transfer" => ", warm, each in a fresh instance; ink! on ours and on the pallet, the same Wasm",
        "calls" => "; CosmWasm has messages instead: the host runs the callee so often, as wasmd does",
        "sha256" => "; the same Rust but in the EVM, where it is Solidity, without precompiles",
        _ => "; the same Rust but in the EVM, where it is Solidity",
    };
    format!("{what}{more}")
}

/// The median time of each engine, in turns, after a turn that is only checked.
fn measure(engines: &mut [Box<dyn Engine>], task: Task) -> Result<Vec<(&'static str, Duration)>> {
    let able: Vec<usize> = (0..engines.len()).filter(|at| engines[*at].can(task)).collect();
    let mut expected = None;
    for &at in &able {
        let found = engines[at].run(task)?;
        if let (Some(expected), Some(found)) = (expected, found) {
            let name = engines[at].name();
            ensure!(expected == found, "{task:?} comes to {found:x} on {name} and to {expected:x} elsewhere");
        }
        expected = expected.or(found);
    }
    let mut times = vec![Vec::with_capacity(TURNS); able.len()];
    for _ in 0..TURNS {
        for (slot, &at) in able.iter().enumerate() {
            times[slot].push(engines[at].time(task)?.1);
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    Ok(able.into_iter().zip(times).map(|(at, times)| (engines[at].name(), median(times))).collect())
}

fn figure(key: &str, value: f64, unit: &str, note: &str) {
    println!("{}", json!({ "key": key, "value": value, "unit": unit, "note": note }));
}
