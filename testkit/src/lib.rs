//! The whole network under test: real programs, each a process that can be killed and started again.
//!
//! [`Network`] runs one node, one worker and its relay in a folder of their own, on ports of their own. [`Phala`] is the
//! command `phala` beside them. Both are what a person would start by hand: nothing here knows the programs' insides.
#![forbid(unsafe_code)]

mod network;
mod phala;
pub mod plaintext;
mod recorder;
pub mod token;

pub use network::{Network, Program, binary};
pub use phala::{Phala, has_compiler};

use std::time::{Duration, Instant};

/// Waits for a condition, never for a time. Past `at_most` it fails with what was waited for.
pub fn wait_for<T>(
    what: &str,
    at_most: Duration,
    mut condition: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    let mut last_error = None;
    loop {
        match condition() {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => {}
            Err(error) => last_error = Some(error),
        }
        if started.elapsed() > at_most {
            let why = last_error.map(|error| format!("; the last error was: {error:#}")).unwrap_or_default();
            anyhow::bail!("waited {} s for {what}{why}", at_most.as_secs());
        }
        std::thread::sleep(POLL);
    }
}

/// Between two looks at a condition.
const POLL: Duration = Duration::from_millis(50);
