// SPDX-License-Identifier: Apache-2.0
//! This machine itself: the loops as they are, without a meter.

use std::hint::black_box;

use anyhow::{Result, bail};

use crate::{Engine, Task};

/// No engine.
pub struct Native;

impl Engine for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn can(&self, task: Task) -> bool {
        matches!(task, Task::Sha256(_) | Task::Fibonacci(_))
    }

    fn run(&mut self, task: Task) -> Result<Option<u64>> {
        Ok(Some(match task {
            Task::Sha256(rounds) => first_eight(&black_box(bench_loops::sha256_chain(black_box(rounds)))),
            Task::Fibonacci(steps) => black_box(bench_loops::fibonacci(black_box(steps))),
            other => bail!("there is no native {other:?}"),
        }))
    }
}

/// The beginning of a hash, as a number to compare.
pub fn first_eight(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
