// SPDX-License-Identifier: Apache-2.0
//! cosmwasm-vm: instances from its pinned cache, storage in its own map.

use std::collections::HashSet;

use anyhow::{Context as _, Result, anyhow, bail};
use cosmwasm_vm::{
    Backend, Cache, CacheOptions, InstanceOptions, Size, call_execute_raw, call_instantiate_raw,
    testing::{MockApi, MockQuerier, MockStorage, mock_backend, mock_env},
    to_vec,
};
use tempfile::TempDir;

use crate::{Engine, Task, guests::Guests};

/// Gas for seconds of work.
const GAS: InstanceOptions = InstanceOptions { gas_limit: 1_000_000_000_000_000 };
/// As the chains that use it set them.
const MEMORY_CACHE: Size = Size::mebi(512);
const INSTANCE_MEMORY: Size = Size::mebi(32);



/// The machine, with the contract on it.
pub struct CosmWasm {
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
    pub fn new(guests: &Guests) -> Result<Self> {
        let files = TempDir::new()?;
        let options = CacheOptions::new(files.path(), HashSet::new(), MEMORY_CACHE, INSTANCE_MEMORY);
        let cache = open(options)?;
        let code = cache.store_code(&guests.cosmwasm, true, true).map_err(said)?;
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

    fn number(&mut self, message: &str) -> Result<u64> {
        let answer = String::from_utf8(self.call(Some(message))?)?;
        let number = answer.split(r#""value":""#).nth(1).and_then(|rest| rest.split('"').next());
        Ok(number.with_context(|| format!("there is no number in {answer}"))?.parse()?)
    }
}

fn said(error: cosmwasm_vm::VmError) -> anyhow::Error {
    anyhow!("cosmwasm-vm: {error}")
}

impl Engine for CosmWasm {
    fn name(&self) -> &'static str {
        "cosmwasm"
    }

    fn run(&mut self, task: Task) -> Result<Option<u64>> {
        match task {
            Task::Transfers(count) => {
                let message = format!(r#"{{"transfer":{{"recipient":"{}","amount":"1"}}}}"#, self.friend);
                for _ in 0..count {
                    self.call(Some(&message))?;
                }
                Ok(None)
            }
            Task::Sha256(count) => self.number(&format!(r#"{{"sha256":{{"count":{count}}}}}"#)).map(Some),
            Task::Fibonacci(count) => self.number(&format!(r#"{{"fibonacci":{{"count":{count}}}}}"#)).map(Some),
            Task::Storage(count) => self.number(&format!(r#"{{"storage":{{"count":{count}}}}}"#)).map(|_| None),
            Task::Calls(count) => {
                for _ in 0..count {
                    self.call(Some(r#"{"nothing":{}}"#))?;
                }
                Ok(None)
            }
        }
    }
}

#[allow(unsafe_code)]
fn open(options: CacheOptions) -> Result<Cache<MockApi, MockStorage, MockQuerier>> {
    // SAFETY: the cache loads native code that it wrote itself, from a folder that is new and ours.
    unsafe { Cache::new(options) }.map_err(said)
}
