// SPDX-License-Identifier: Apache-2.0
//! Engines of the seal interface: ours and pallet-contracts. They run the same WebAssembly.

use anyhow::{Result, anyhow, ensure};
use codec::{Decode as _, Encode as _};
use phala_oracle_conformance::{
    Account, Answer, Call, End, Instantiate, Machine, ours::Ours, pallet::Pallet,
};
use phala_vm::WasmtimeEngine;

use crate::{Engine, Task, guests::Guests, native::first_eight};

const OWNER: Account = [0xa1; 32];
const FRIEND: Account = [0xb0; 32];
/// More than anything here costs.
const FORTUNE: u128 = 1_000_000_000_000_000_000;
/// The selectors of the token's messages: the beginnings of the hashes of their names, as ink! makes them.
const NEW: &str = "new";
const TRANSFER: &str = "transfer";

/// A machine with the contracts on it.
pub struct Seal<M> {
    name: &'static str,
    machine: M,
    call: fn(&mut M, &Call) -> Result<Answer, End>,
    token: Account,
    loops: Account,
    callee: Account,
}

/// Ours, as the worker runs a call: through the world.
pub fn ours(guests: &Guests) -> Result<Seal<Ours<WasmtimeEngine>>> {
    Seal::new("phala-vm", Ours::default(), Ours::call_bare, guests)
}

/// The pallet, without what it collects for a caller of its RPC.
pub fn pallet(guests: &Guests) -> Result<Seal<Pallet>> {
    Seal::new("pallet_contracts", Pallet::default(), Pallet::call_bare, guests)
}

fn selector(message: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = sp_crypto_hashing::blake2_256(message.as_bytes());
    [a, b, c, d]
}

impl<M: Machine> Seal<M> {
    fn new(
        name: &'static str,
        mut machine: M,
        call: fn(&mut M, &Call) -> Result<Answer, End>,
        guests: &Guests,
    ) -> Result<Self> {
        machine.fund(&OWNER, FORTUNE);
        let mut make = |wasm: &[u8], input: Vec<u8>, salt: u8| -> Result<Account> {
            let code =
                machine.upload(&OWNER, wasm).map_err(|end| anyhow!("{name} refuses the code: {end:?}"))?;
            let ran = machine.instantiate(&Instantiate {
                caller: OWNER,
                code,
                value: 0,
                input,
                salt: vec![salt],
                deposit_limit: None,
            });
            ran.address.ok_or_else(|| anyhow!("{name} does not make the contract: {ran:?}"))
        };
        let token = make(&guests.token, (selector(NEW), u128::MAX).encode(), 0)?;
        let loops = make(&guests.seal, Vec::new(), 1)?;
        let callee = make(&guests.seal, Vec::new(), 2)?;
        Ok(Self { name, machine, call, token, loops, callee })
    }

    fn call(&mut self, contract: Account, input: Vec<u8>) -> Result<Vec<u8>> {
        let request =
            Call { caller: OWNER, contract, value: 0, input, deposit_limit: None, is_starved: false };
        match (self.call)(&mut self.machine, &request) {
            Ok(Answer { flags: 0, data }) => Ok(data),
            other => Err(anyhow!("{} ends with {other:?}", self.name)),
        }
    }
}

impl<M: Machine> Engine for Seal<M> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, task: Task) -> Result<Option<u64>> {
        let loops = |what: u8, count: u32| [&[what][..], &count.to_le_bytes()].concat();
        match task {
            Task::Transfers(count) => {
                let input = (selector(TRANSFER), FRIEND, 1u128).encode();
                for _ in 0..count {
                    let answer = self.call(self.token, input.clone())?;
                    // `Ok(Ok(()))`: ink!'s own result around the message's.
                    ensure!(answer == [0, 0], "a transfer answers {answer:?}");
                }
                Ok(None)
            }
            Task::Sha256(rounds) => Ok(Some(first_eight(&self.call(self.loops, loops(1, rounds))?))),
            Task::Fibonacci(steps) => number(&self.call(self.loops, loops(2, steps))?),
            // The sum grows with every turn, so that it is no result to compare.
            Task::Storage(values) => number(&self.call(self.loops, loops(3, values))?).map(|_| None),
            Task::Calls(count) => {
                let input = [loops(4, count), self.callee.to_vec()].concat();
                let succeeded = u32::decode(&mut &self.call(self.loops, input)?[..])?;
                ensure!(succeeded == count, "{succeeded} of {count} calls succeeded");
                Ok(Some(succeeded.into()))
            }
        }
    }
}

fn number(answer: &[u8]) -> Result<Option<u64>> {
    Ok(Some(u64::decode(&mut &answer[..])?))
}
