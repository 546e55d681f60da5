// SPDX-License-Identifier: Apache-2.0
//! Our two engines side by side: what one does the other must do too, gas included.

use std::{collections::BTreeMap, fmt};

use phala_crypto::Secret;
use phala_vm::{
    Engine, WasmiEngine, WasmtimeEngine,
    extension::{
        Asker, Brought, Done, Errand, QueryExtensions,
        cache::Cache,
        wire::{PlatformKind, QueryOrigin},
    },
    world::{self, Fault, Outermost},
};

use super::{Ours, address_of, cluster_key, made, outermost_of, outermost_of_new, refusal, stay, told};
use crate::machine::{Account, Balance, Call, End, Hash, Instantiate, Machine, Ran};

/// Our world on both of our engines, which must agree on everything: results, gas, changes, events, deposits and logs.
#[derive(Default)]
pub struct Twins {
    native: Ours<WasmtimeEngine>,
    interpreted: Ours<WasmiEngine>,
    disagreement: Option<String>,
    calls: u64,
    gas_used: u64,
}

impl Twins {
    /// The first thing in which the engines did not agree since this was asked last.
    pub fn disagreement(&mut self) -> Option<String> {
        self.disagreement.take()
    }

    /// How many calls both have run, and the gas that each of them used for all of these.
    #[must_use]
    pub fn work(&self) -> (u64, u64) {
        (self.calls, self.gas_used)
    }

    fn compare<T: PartialEq + fmt::Debug>(&mut self, native: T, interpreted: &T) -> T {
        if native != *interpreted && self.disagreement.is_none() {
            self.disagreement = Some(format!("wasmtime: {native:?}\n      wasmi:    {interpreted:?}"));
        }
        native
    }

    /// Asks, as a query: run again until all that it fetches is there. Nothing that it changes stands.
    pub fn query(&mut self, request: &Call, world: impl Fn(&Errand) -> Brought) -> Ran {
        let outermost = Outermost { read_only: true, ..outermost_of(request) };
        let (native, interpreted) =
            (asked(&self.native, outermost, &world), asked(&self.interpreted, outermost, &world));
        let mut runs = self.compare(native, &interpreted);
        let last = runs.pop().and_then(|(ran, _)| ran.ok());
        told(last.expect("the last run of a query has an outcome"))
    }

    fn run(&mut self, outermost: Outermost<'_>) -> world::Ran {
        let (native, interpreted) = (self.native.run(outermost), self.interpreted.run(outermost));
        self.calls += 1;
        self.gas_used += native.execution.gas_used;
        self.compare(native, &interpreted)
    }
}

/// What each run of a query came to, and what it then had to wait for, with the gas that it had left.
type Runs = Vec<(Result<world::Ran, Fault>, Option<(Vec<Errand>, u64)>)>;

fn asked<E: Engine>(ours: &Ours<E>, outermost: Outermost<'_>, brings: &impl Fn(&Errand) -> Brought) -> Runs {
    let asker = Asker {
        origin: QueryOrigin { account: outermost.caller, is_anonymous: false, expires_at: u32::MAX.into() },
        worker: [5; 32],
        hpke_key: [6; 32],
        platform: PlatformKind::Simulated,
        host_ms: ours.moment.now_ms,
    };
    let (mut done, mut runs) = (Vec::new(), Vec::new());
    loop {
        let (seed, now_ms) = (Secret::new([7; 32]), ours.moment.now_ms);
        let mut extensions =
            QueryExtensions::new(cluster_key(), asker, seed, Cache::default(), now_ms, done, true);
        let ran = ours.ran_with(outermost, &mut extensions);
        let Some(waiting) = extensions.end(false).waiting else {
            runs.push((ran, None));
            return runs;
        };
        let new = waiting.errands.iter().map(|it| Done { errand: it.clone(), brought: brings(it) });
        done = waiting.done.into_iter().chain(new).collect();
        runs.push((ran, Some((waiting.errands, waiting.gas_left))));
    }
}

impl Machine for Twins {
    fn name(&self) -> &'static str {
        "phala-vm on both engines"
    }

    fn fund(&mut self, account: &Account, amount: u128) {
        self.native.fund(account, amount);
        self.interpreted.fund(account, amount);
    }

    fn set_block(&mut self, number: u32, now_ms: u64) {
        self.native.set_block(number, now_ms);
        self.interpreted.set_block(number, now_ms);
    }

    fn upload(&mut self, owner: &Account, wasm: &[u8]) -> Result<Hash, End> {
        let (native, interpreted) = (self.native.taken(owner, wasm), self.interpreted.taken(owner, wasm));
        self.compare(native, &interpreted).map(|uploaded| uploaded.code_hash).map_err(refusal)
    }

    fn remove_code(&mut self, owner: &Account, code: &Hash) -> Result<(), End> {
        let (native, interpreted) = (self.native.removed(owner, code), self.interpreted.removed(owner, code));
        self.compare(native, &interpreted).map(|_| ()).map_err(stay)
    }

    fn instantiate(&mut self, request: &Instantiate) -> Ran {
        let address = address_of(request);
        made(self.run(outermost_of_new(request, address)), address)
    }

    fn call(&mut self, request: &Call) -> Ran {
        told(self.run(outermost_of(request)))
    }

    fn learn_key(&mut self, _: &[u8]) {}

    fn storage(&mut self, contract: &Account) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.native.storage(contract)
    }

    fn balance(&mut self, account: &Account) -> Balance {
        self.native.balance(account)
    }

    fn code_hash(&mut self, account: &Account) -> Option<Hash> {
        self.native.code_hash(account)
    }
}
