// SPDX-License-Identifier: Apache-2.0
//! revm: whole transactions on its own map of accounts, without signatures and fees.

use anyhow::{Context as _, Result, anyhow, bail};
use revm::{
    Context, ExecuteCommitEvm as _, MainBuilder as _, MainContext as _, MainnetEvm,
    context::{
        TxEnv,
        result::{ExecutionResult, Output},
    },
    database::{CacheDB, EmptyDB},
    handler::MainnetContext,
    primitives::{Address, Bytes, TxKind, keccak256},
};

use crate::{Engine, Task, guests::Guests, native::first_eight};

const OWNER: Address = Address::new([0xa1; 20]);
const FRIEND: Address = Address::new([0xb0; 20]);
/// Gas for seconds of work.
const GAS: u64 = u64::MAX / 4;

/// The machine, with the contracts on it.
pub struct Evm {
    evm: MainnetEvm<MainnetContext<CacheDB<EmptyDB>>>,
    token: Address,
    loops: Address,
    callee: Address,
}

impl Evm {
    /// Deploys the contracts.
    pub fn new(guests: &Guests) -> Result<Self> {
        let context =
            Context::mainnet().with_db(CacheDB::new(EmptyDB::default())).modify_cfg_chained(|cfg| {
                cfg.disable_nonce_check = true;
                cfg.tx_gas_limit_cap = Some(u64::MAX);
            });
        let mut context = context;
        context.block.gas_limit = u64::MAX;
        let mut new = Self {
            evm: context.build_mainnet(),
            token: Address::ZERO,
            loops: Address::ZERO,
            callee: Address::ZERO,
        };
        new.token = new.deploy(&guests.evm_token)?;
        new.loops = new.deploy(&guests.evm_loops)?;
        new.callee = new.deploy(&guests.evm_loops)?;
        Ok(new)
    }

    fn transact(&mut self, kind: TxKind, data: Vec<u8>) -> Result<Output> {
        let tx = TxEnv {
            caller: OWNER,
            gas_limit: GAS,
            gas_price: 0,
            kind,
            data: Bytes::from(data),
            chain_id: None,
            ..TxEnv::default()
        };
        match self.evm.transact_commit(tx).map_err(|error| anyhow!("revm: {error:?}"))? {
            ExecutionResult::Success { output, .. } => Ok(output),
            other => bail!("revm ends with {other:?}"),
        }
    }

    fn deploy(&mut self, code: &[u8]) -> Result<Address> {
        match self.transact(TxKind::Create, code.to_vec())? {
            Output::Create(_, address) => address.context("a deployment has no address"),
            Output::Call(_) => bail!("a deployment was a call"),
        }
    }

    /// Calls a function with words.
    fn call(&mut self, contract: Address, signature: &str, words: &[&[u8]]) -> Result<Bytes> {
        let mut data = keccak256(signature)[..4].to_vec();
        for word in words {
            data.resize(data.len() + 32 - word.len(), 0);
            data.extend_from_slice(word);
        }
        match self.transact(TxKind::Call(contract), data)? {
            Output::Call(answer) => Ok(answer),
            Output::Create(..) => bail!("a call was a deployment"),
        }
    }
}

/// The number at the end of a word.
fn number(word: &[u8]) -> Result<u64> {
    let tail = word.last_chunk::<8>().context("the answer is no word")?;
    Ok(u64::from_be_bytes(*tail))
}

impl Engine for Evm {
    fn name(&self) -> &'static str {
        "revm"
    }

    fn run(&mut self, task: Task) -> Result<Option<u64>> {
        match task {
            Task::Transfers(count) => {
                for _ in 0..count {
                    let done =
                        self.call(self.token, "transfer(address,uint256)", &[FRIEND.as_slice(), &[1]])?;
                    anyhow::ensure!(number(&done)? == 1, "a transfer answers {done}");
                }
                Ok(None)
            }
            Task::Sha256(rounds) => {
                let digest = self.call(self.loops, "sha256Chain(uint32)", &[&rounds.to_be_bytes()])?;
                Ok(Some(first_eight(&digest)))
            }
            Task::Fibonacci(steps) => {
                number(&self.call(self.loops, "fibonacci(uint32)", &[&steps.to_be_bytes()])?).map(Some)
            }
            Task::Storage(count) => {
                self.call(self.loops, "countUp(uint32)", &[&count.to_be_bytes()])?;
                Ok(None)
            }
            Task::Calls(count) => {
                let callee = self.callee;
                let arguments: [&[u8]; 2] = [callee.as_slice(), &count.to_be_bytes()];
                number(&self.call(self.loops, "calls(address,uint32)", &arguments)?).map(Some)
            }
        }
    }
}
