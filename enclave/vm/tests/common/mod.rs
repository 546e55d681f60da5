// SPDX-License-Identifier: Apache-2.0
//! A world of one contract, in memory, which answers nested calls from a script and records what it was asked.
//!
//! Whatever a test runs with [`run_with`] is run with both engines, and they have to agree on all of it.

#![allow(dead_code)] // Each test file uses a part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use phala_vm::{
    AccountBytes, Balance, Call, CallRequest, CodeChange, CompiledContract, Context, DelegateRequest, Engine,
    Entry, Event, Execution, ExtensionReply, FrameError, FrameOutcome, HashBytes, Host, HostError,
    InstantiateRequest, Instantiation, Payment, Return, StorageKey, Trap, WasmiEngine, WasmtimeEngine,
};

pub const CALLER: AccountBytes = [0xca; 32];
pub const ADDRESS: AccountBytes = [0xad; 32];
pub const OTHER: AccountBytes = [0x07; 32];
pub const CODE_HASH: HashBytes = [0xc0; 32];
pub const CHILD: AccountBytes = [0xcd; 32];
pub const GAS: u64 = 100_000_000;

/// One engine for all tests of a file: making one takes longer than running a contract.
pub fn engine() -> &'static WasmtimeEngine {
    static ENGINE: OnceLock<WasmtimeEngine> = OnceLock::new();
    ENGINE.get_or_init(|| WasmtimeEngine::new().expect("this machine can run contracts"))
}

/// The other engine.
pub fn interpreter() -> &'static WasmiEngine {
    static ENGINE: OnceLock<WasmiEngine> = OnceLock::new();
    ENGINE.get_or_init(|| WasmiEngine::new().expect("the interpreter takes the host functions"))
}

#[derive(Clone, Debug, PartialEq)]
pub struct World {
    pub storage: BTreeMap<Vec<u8>, Vec<u8>>,
    pub transient: BTreeMap<StorageKey, Vec<u8>>,
    pub dependencies: BTreeSet<HashBytes>,
    pub events: Vec<Event>,
    pub messages: Vec<String>,
    pub balance: Balance,
    pub payments: Vec<(AccountBytes, Balance)>,
    pub contracts: BTreeMap<AccountBytes, HashBytes>,
    pub calls: Vec<CallRequest>,
    pub delegations: Vec<DelegateRequest>,
    pub instantiations: Vec<InstantiateRequest>,
    pub terminated: Option<AccountBytes>,
    pub extension: Option<ExtensionReply>,
    /// What every nested frame answers.
    pub frame: FrameOutcome,
    /// What every fallible method answers instead of working.
    pub error: Option<HostError>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            storage: BTreeMap::new(),
            transient: BTreeMap::new(),
            dependencies: BTreeSet::new(),
            events: Vec::new(),
            messages: Vec::new(),
            balance: 1_000,
            payments: Vec::new(),
            contracts: BTreeMap::from([(ADDRESS, CODE_HASH)]),
            calls: Vec::new(),
            delegations: Vec::new(),
            instantiations: Vec::new(),
            terminated: None,
            extension: None,
            frame: FrameOutcome {
                result: Ok(Return { flags: 0, data: b"answer".to_vec() }),
                gas_used: 1_000,
            },
            error: None,
        }
    }
}

impl World {
    pub fn whose_frames_end(result: Result<Return, FrameError>) -> Self {
        Self { frame: FrameOutcome { result, gas_used: 1_000 }, ..Self::default() }
    }

    pub fn that_fails(error: HostError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    fn check(&self) -> Result<(), HostError> {
        self.error.map_or(Ok(()), Err)
    }
}

impl Host for World {
    fn storage(&mut self, key: &StorageKey) -> Result<Option<Vec<u8>>, HostError> {
        self.check()?;
        Ok(self.storage.get(key.as_bytes()).cloned())
    }

    fn set_storage(&mut self, key: &StorageKey, value: Option<Vec<u8>>) -> Result<Option<u32>, HostError> {
        self.check()?;
        let old = match value {
            Some(value) => self.storage.insert(key.as_bytes().to_vec(), value),
            None => self.storage.remove(key.as_bytes()),
        };
        Ok(old.map(|old| old.len() as u32))
    }

    fn transient_storage(&mut self, key: &StorageKey) -> Result<Option<Vec<u8>>, HostError> {
        self.check()?;
        Ok(self.transient.get(key).cloned())
    }

    fn set_transient_storage(
        &mut self,
        key: &StorageKey,
        value: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, HostError> {
        self.check()?;
        Ok(match value {
            Some(value) => self.transient.insert(key.clone(), value),
            None => self.transient.remove(key),
        })
    }

    fn balance(&mut self) -> Result<Balance, HostError> {
        self.check()?;
        Ok(self.balance)
    }

    fn transfer(&mut self, to: &AccountBytes, amount: Balance) -> Result<Payment, HostError> {
        self.check()?;
        let Some(left) = self.balance.checked_sub(amount) else { return Ok(Payment::Refused) };
        self.balance = left;
        self.payments.push((*to, amount));
        Ok(Payment::Done)
    }

    fn deposit_event(&mut self, event: Event) -> Result<(), HostError> {
        self.check()?;
        self.events.push(event);
        Ok(())
    }

    fn debug_message(&mut self, text: &str) {
        self.messages.push(text.to_owned());
    }

    fn code_hash(&mut self, account: &AccountBytes) -> Result<Option<HashBytes>, HostError> {
        self.check()?;
        Ok(self.contracts.get(account).copied())
    }

    fn own_code_hash(&mut self) -> Result<HashBytes, HostError> {
        self.check()?;
        Ok(CODE_HASH)
    }

    fn lock_delegate_dependency(&mut self, code_hash: &HashBytes) -> Result<(), HostError> {
        self.check()?;
        self.dependencies.insert(*code_hash);
        Ok(())
    }

    fn unlock_delegate_dependency(&mut self, code_hash: &HashBytes) -> Result<(), HostError> {
        self.check()?;
        let missing = HostError::Denied(Trap::DelegateDependencyMissing);
        if self.dependencies.remove(code_hash) { Ok(()) } else { Err(missing) }
    }

    fn instantiation_nonce(&mut self) -> Result<u64, HostError> {
        self.check()?;
        Ok(42)
    }

    fn entrances(&mut self, account: &AccountBytes) -> Result<u32, HostError> {
        self.check()?;
        Ok(if *account == ADDRESS { 3 } else { 0 })
    }

    fn items_to_remove(&mut self) -> Result<u64, HostError> {
        Ok(self.storage.len() as u64)
    }

    fn set_code_hash(&mut self, code_hash: &HashBytes) -> Result<CodeChange, HostError> {
        self.check()?;
        if code_hash != &CODE_HASH {
            return Ok(CodeChange::CodeNotFound);
        }
        self.contracts.insert(ADDRESS, *code_hash);
        Ok(CodeChange::Done)
    }

    fn call(&mut self, request: CallRequest) -> Result<FrameOutcome, HostError> {
        self.check()?;
        self.calls.push(request);
        Ok(self.frame.clone())
    }

    fn delegate_call(&mut self, request: DelegateRequest) -> Result<FrameOutcome, HostError> {
        self.check()?;
        self.delegations.push(request);
        Ok(self.frame.clone())
    }

    fn instantiate(&mut self, request: InstantiateRequest) -> Result<Instantiation, HostError> {
        self.check()?;
        self.instantiations.push(request);
        Ok(Instantiation { address: CHILD, outcome: self.frame.clone() })
    }

    fn terminate(&mut self, beneficiary: &AccountBytes) -> Result<(), HostError> {
        self.check()?;
        self.terminated = Some(*beneficiary);
        Ok(())
    }

    fn weight_to_fee(&self, gas: u64) -> Balance {
        Balance::from(gas) * 3
    }

    fn chain_extension(&mut self, _: u32, _: &[u8], _: u64) -> Result<ExtensionReply, HostError> {
        self.extension.clone().ok_or(HostError::ExtensionUnknown)
    }
}

pub fn context() -> Context {
    Context {
        caller: CALLER,
        caller_is_origin: true,
        address: ADDRESS,
        value: 77,
        block_number: 9,
        now_ms: 1_700_000_000_123,
        read_only: false,
        minimum_balance: 5,
    }
}

/// A contract whose `call` is this text; one page of memory, and `$return` to answer.
pub fn contract(imports: &str, body: &str) -> Vec<u8> {
    contract_with(imports, body, "")
}

/// The same, with more definitions.
pub fn contract_with(imports: &str, body: &str, definitions: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {imports}
            (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
            (import "env" "memory" (memory 1 64))
            {definitions}
            (func (export "deploy"))
            (func (export "call") {body}))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub fn prepared(wasm: &[u8]) -> CompiledContract {
    engine().prepare(wasm).expect("the test's contract is admitted")
}

pub fn run(wasm: &[u8], world: &mut World) -> Execution {
    run_with(wasm, world, &context(), b"the input", GAS)
}

pub fn run_with(
    wasm: &[u8],
    world: &mut World,
    context: &Context,
    input: &[u8],
    gas_limit: u64,
) -> Execution {
    run_entry(wasm, world, Call { entry: Entry::Call, input, gas_limit, context })
}

/// Runs a call with both engines, and with the form of code that looks at the clock, each in a world of its own, and holds
/// them to each other.
pub fn run_entry(wasm: &[u8], world: &mut World, call: Call<'_>) -> Execution {
    let mut other_world = world.clone();
    let other_artifact = interpreter().prepare(wasm).expect("both engines admit the same");
    let other = interpreter().run(&other_artifact, call, &mut other_world);
    let mut timed_world = world.clone();
    let artifact = prepared(wasm);
    let timed = engine().with_patience(u64::MAX / 2).run(&artifact, call, &mut timed_world);
    let execution = engine().run(&artifact, call, world);
    assert_eq!(execution, other, "the engines agree on the execution");
    assert_eq!(*world, other_world, "the engines agree on what is asked of the world");
    assert_eq!((&execution, &*world), (&timed, &timed_world), "the clock changes nothing");
    execution
}

/// What a contract answers that must not trap.
pub fn answer(wasm: &[u8], world: &mut World) -> Vec<u8> {
    run(wasm, world).result.expect("the contract answers").data
}

/// The number that a contract answers.
pub fn code(wasm: &[u8], world: &mut World) -> u32 {
    u32::from_le_bytes(answer(wasm, world).try_into().expect("four bytes"))
}

/// How a contract traps that must trap.
pub fn trap(wasm: &[u8], world: &mut World) -> Trap {
    run(wasm, world).result.expect_err("the contract traps")
}

/// How it traps in a read-only call.
pub fn read_only_trap(wasm: &[u8], world: &mut World) -> Trap {
    let context = Context { read_only: true, ..context() };
    run_with(wasm, world, &context, b"", GAS).result.expect_err("the contract traps")
}

/// The body that answers with the number that an expression leaves.
pub fn answering(expression: &str) -> String {
    format!("(i32.store (i32.const 0) {expression}) (call $return (i32.const 0) (i32.const 0) (i32.const 4))")
}
