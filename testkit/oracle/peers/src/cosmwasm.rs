// SPDX-License-Identifier: Apache-2.0
//! cosmwasm-vm, in a process of its own, since its dependencies exclude the pallet's. It measures its own time.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{Engine, Task, guests::Guests};

/// The process, which ends when its input does.
pub struct CosmWasm {
    process: Child,
    tell: Option<ChildStdin>,
    hear: BufReader<ChildStdout>,
}

impl CosmWasm {
    /// Starts the program that the guests were built with.
    pub fn new(guests: &Guests) -> Result<Self> {
        let mut process = std::process::Command::new(&guests.cosmwasm_program)
            .arg(&guests.cosmwasm)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the program with cosmwasm-vm does not start")?;
        let tell = process.stdin.take();
        let hear = BufReader::new(process.stdout.take().context("it has no output")?);
        Ok(Self { process, tell, hear })
    }
}

impl Drop for CosmWasm {
    fn drop(&mut self) {
        self.tell = None;
        let _ = self.process.wait();
    }
}

impl Engine for CosmWasm {
    fn name(&self) -> &'static str {
        "cosmwasm"
    }

    fn run(&mut self, task: Task) -> Result<Option<u64>> {
        self.time(task).map(|(result, _)| result)
    }

    fn time(&mut self, task: Task) -> Result<(Option<u64>, Duration)> {
        let (work, count) = match task {
            Task::Transfers(count) => ("transfers", count),
            Task::Sha256(count) => ("sha256", count),
            Task::Fibonacci(count) => ("fibonacci", count),
            Task::Storage(count) => ("storage", count),
            Task::Calls(count) => ("calls", count),
        };
        writeln!(self.tell.as_mut().context("it has no input")?, "{work} {count}")?;
        let mut line = String::new();
        self.hear.read_line(&mut line)?;
        let (result, took) = line.trim().split_once(' ').context("cosmwasm-vm ended; its words are above")?;
        let result = if result == "-" { None } else { Some(result.parse()?) };
        Ok((result, Duration::from_nanos(took.parse()?)))
    }
}
