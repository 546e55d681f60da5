// SPDX-License-Identifier: Apache-2.0
//! cosmwasm-vm, as a program that does work when it is told: instances from its pinned cache, storage in its own map.
//!
//! Its argument is the file of the contract. Each line that comes in is a piece of work and a count, such as
//! `transfers 200`; each that goes out is the result, or `-`, and the nanoseconds that it took.
#![deny(unsafe_code)]

use std::{
    collections::HashSet,
    env, fs,
    io::{self, BufRead as _, Write as _},
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow, bail};
use cosmwasm_vm::{
    Backend, Cache, CacheOptions, InstanceOptions, Size, call_execute_raw, call_instantiate_raw,
    testing::{MockApi, MockQuerier, MockStorage, mock_backend, mock_env},
    to_vec,
};
use tempfile::TempDir;

/// Gas for seconds of work.
const GAS: InstanceOptions = InstanceOptions { gas_limit: 1_000_000_000_000_000 };
/// As the chains that use it set them.
const MEMORY_CACHE: Size = Size::mebi(512);
const INSTANCE_MEMORY: Size = Size::mebi(32);

fn main() -> Result<()> {
    let file = env::args().nth(1).context("the argument is missing: the file of the contract")?;
    let mut machine = CosmWasm::new(&fs::read(file)?)?;
    let mut out = io::stdout();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (work, count) = line.split_once(' ').context("a line is a piece of work and a count")?;
        let begun = Instant::now();
        let result = machine.run(work, count.parse()?)?;
        let took = begun.elapsed().as_nanos();
        let result = result.map_or_else(|| "-".to_owned(), |number| number.to_string());
        writeln!(out, "{result} {took}")?;
        out.flush()?;
    }
    Ok(())
}

/// The machine, with the contract on it.
struct CosmWasm {
    cache: Cache<MockApi, MockStorage, MockQuerier>,
    code: cosmwasm_std::Checksum,
    /// Storage, while no instance has it.
    backend: Option<Backend<MockApi, MockStorage, MockQuerier>>,
    env: Vec<u8>,
    info: Vec<u8>,
    friend: String,
    _files: TempDir,
}

impl CosmWasm {
    /// Uploads the contract and makes it.
    fn new(contract: &[u8]) -> Result<Self> {
        let files = TempDir::new()?;
        let options = CacheOptions::new(files.path(), HashSet::new(), MEMORY_CACHE, INSTANCE_MEMORY);
        let cache = open(options)?;
        let code = cache.store_code(contract, true, true).map_err(said)?;
        cache.pin(&code).map_err(said)?;
        let owner = MockApi::default().addr_make("owner");
        let mut new = Self {
            cache,
            code,
            backend: Some(mock_backend(&[])),
            env: to_vec(&mock_env()).map_err(said)?,
            info: format!(r#"{{"sender":"{owner}","funds":[]}}"#).into_bytes(),
            friend: MockApi::default().addr_make("friend"),
            _files: files,
        };
        new.call(None)?;
        Ok(new)
    }

    /// Runs one message in an instance of its own, or makes the contract, and gives the answer.
    fn call(&mut self, message: Option<&str>) -> Result<Vec<u8>> {
        let backend = self.backend.take().context("the storage was lost with an instance")?;
        let mut instance = self.cache.get_instance(&self.code, backend, GAS).map_err(said)?;
        let (env, info) = (&self.env, &self.info);
        let answer = match message {
            Some(message) => call_execute_raw(&mut instance, env, info, message.as_bytes()),
            None => call_instantiate_raw(&mut instance, env, info, b"{}"),
        };
        self.backend = instance.recycle();
        let answer = answer.map_err(said)?;
        if !answer.starts_with(br#"{"ok":"#) {
            bail!("the CosmWasm contract answers {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }

    /// Does a piece of work.
    fn run(&mut self, work: &str, count: u32) -> Result<Option<u64>> {
        let looped = format!(r#"{{"{work}":{{"count":{count}}}}}"#);
        match work {
            "transfers" => {
                let message = format!(r#"{{"transfer":{{"recipient":"{}","amount":"1"}}}}"#, self.friend);
                for _ in 0..count {
                    self.call(Some(&message))?;
                }
                Ok(None)
            }
            "sha256" | "fibonacci" => self.number(&looped).map(Some),
            // The sum grows with every turn, so that it is no result to compare.
            "storage" => self.number(&looped).map(|_| None),
            "calls" => {
                for _ in 0..count {
                    self.call(Some(r#"{"nothing":{}}"#))?;
                }
                Ok(None)
            }
            other => bail!("there is no work called {other}"),
        }
    }

    fn number(&mut self, message: &str) -> Result<u64> {
        let answer = String::from_utf8(self.call(Some(message))?)?;
        let number = answer.split(r#""value":""#).nth(1).and_then(|rest| rest.split('"').next());
        Ok(number.with_context(|| format!("there is no number in {answer}"))?.parse()?)
    }
}

fn said(error: cosmwasm_vm::VmError) -> anyhow::Error {
    anyhow!("cosmwasm-vm: {error}")
}

#[allow(unsafe_code)]
fn open(options: CacheOptions) -> Result<Cache<MockApi, MockStorage, MockQuerier>> {
    // SAFETY: the cache loads native code that it wrote itself, from a folder that is new and ours.
    unsafe { Cache::new(options) }.map_err(said)
}
