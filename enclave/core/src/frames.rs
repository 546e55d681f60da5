//! The contracts' world: frames of one call, what each changed, and what is undone when one fails.

use crate::{
    schema::{Contract, Key},
    store::{Changes, Store},
};
use codec::{Decode, Encode};
use phala_types::{
    BlockNumber, CodeHash, ContractId, MessageNumber, Millis,
    code::CodeRefusal,
    command::Event,
    limits::{CALL_DEPTH_MAX, EVENTS_MAX},
};
use phala_vm::{
    AccountBytes, Balance, Call, CallRequest, CodeChange, Context, DelegateRequest, Engine, Entry, Execution,
    FrameError, FrameOutcome, HashBytes, Host, HostError, InstantiateRequest, Instantiation, Payment, Trap,
};
use std::collections::BTreeMap;

/// Code, compiled once and kept by its hash.
pub struct Codes<E: Engine>(BTreeMap<CodeHash, E::Artifact>);

impl<E: Engine> Default for Codes<E> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<E: Engine> Codes<E> {
    /// Validates and compiles new code.
    pub fn admit(&mut self, engine: &E, hash: CodeHash, wasm: &[u8]) -> Result<(), CodeRefusal> {
        self.0.insert(hash, engine.prepare(wasm)?);
        Ok(())
    }

    /// The compiled form of code that the state holds. It was valid when it was uploaded, so that `Err` is a fault.
    fn artifact(&mut self, engine: &E, hash: &CodeHash, store: &Store) -> Result<Option<E::Artifact>, Fault> {
        if let Some(artifact) = self.0.get(hash) {
            return Ok(Some(artifact.clone()));
        }
        let Some(wasm) = store.get(&Key::Code(*hash).encode()) else { return Ok(None) };
        self.admit(engine, *hash, wasm).map_err(|_| Fault)?;
        Ok(self.0.get(hash).cloned())
    }
}

/// The world broke while a contract ran: the execution has no outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault;

/// What is the same for all frames of one command or query.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The block that ordered it, or for a query the worker's head.
    pub block: BlockNumber,
    /// That block's time.
    pub now: Millis,
    /// The message's number, or for a query the number of the next one.
    pub number: MessageNumber,
}

/// The first frame.
#[derive(Clone, Copy, Debug)]
pub struct Outermost<'a> {
    /// Which contract.
    pub contract: ContractId,
    /// `Some` to instantiate it with this code.
    pub deploy: Option<CodeHash>,
    /// On whose authority.
    pub caller: AccountBytes,
    /// Selector and arguments.
    pub input: &'a [u8],
    /// The most gas.
    pub gas_limit: u64,
}

/// The world during one command or query.
pub struct World<'a, E: Engine> {
    engine: &'a E,
    codes: &'a mut Codes<E>,
    store: &'a Store,
    moment: Moment,
    layers: Vec<Layer>,
    stack: Vec<OnStack>,
    instantiated: u64,
    is_faulty: bool,
}

/// What a frame changed.
#[derive(Default)]
struct Layer {
    changes: Changes,
    events: Vec<Event>,
}

struct OnStack {
    contract: ContractId,
    /// Whether the contract may be called again by what it calls.
    allows_reentry: bool,
}

/// A frame that is to run.
struct Frame<'a> {
    entry: Entry,
    contract: ContractId,
    code_hash: CodeHash,
    caller: AccountBytes,
    caller_is_origin: bool,
    read_only: bool,
    input: &'a [u8],
    gas_limit: u64,
}

/// The least balance with which an account exists in a cluster: the smallest unit, since no PHA enters one yet.
const MINIMUM_BALANCE: Balance = 1;

impl<'a, E: Engine> World<'a, E> {
    /// The world as the store has it.
    pub fn new(engine: &'a E, codes: &'a mut Codes<E>, store: &'a Store, moment: Moment) -> Self {
        Self {
            engine,
            codes,
            store,
            moment,
            layers: Vec::new(),
            stack: Vec::new(),
            instantiated: 0,
            is_faulty: false,
        }
    }

    /// Runs the outermost frame. What it and its callees changed comes with it, and is empty if it failed.
    pub fn run(mut self, outermost: Outermost<'_>) -> Result<(Execution, Changes, Vec<Event>), Fault> {
        let code_hash = match outermost.deploy {
            Some(code_hash) => code_hash,
            None => self.contract(&outermost.contract).ok_or(Fault)?.code_hash,
        };
        self.layers.push(Layer::default());
        let frame = Frame {
            entry: if outermost.deploy.is_some() { Entry::Deploy } else { Entry::Call },
            contract: outermost.contract,
            code_hash,
            caller: outermost.caller,
            caller_is_origin: true,
            read_only: false,
            input: outermost.input,
            gas_limit: outermost.gas_limit,
        };
        let execution = self.run_frame(frame).map_err(|_| Fault)?;
        if self.is_faulty || execution.result == Err(Trap::HostFault) {
            return Err(Fault);
        }
        let layer = self.layers.pop().ok_or(Fault)?;
        Ok((execution, layer.changes, layer.events))
    }

    /// Runs a frame on a layer of its own, and keeps the layer's changes if the frame succeeds.
    fn run_frame(&mut self, frame: Frame<'_>) -> Result<Execution, FrameError> {
        let engine = self.engine;
        let artifact = match self.codes.artifact(engine, &frame.code_hash, self.store) {
            Ok(artifact) => artifact.ok_or(FrameError::CodeNotFound)?,
            Err(Fault) => {
                self.is_faulty = true;
                return Err(FrameError::CodeNotFound);
            }
        };
        let context = Context {
            caller: frame.caller,
            caller_is_origin: frame.caller_is_origin,
            address: *frame.contract.as_bytes(),
            value: 0,
            block_number: self.moment.block.value(),
            now_ms: self.moment.now.value(),
            read_only: frame.read_only,
            minimum_balance: MINIMUM_BALANCE,
            // Unique while a call makes fewer than 2^16 contracts, which its gas does not pay for.
            instantiation_nonce: self.moment.number.value().wrapping_shl(16).wrapping_add(self.instantiated),
        };
        let mut layer = Layer::default();
        if frame.entry == Entry::Deploy {
            let contract = Contract { code_hash: frame.code_hash };
            layer.changes.insert(Key::Contract(frame.contract).encode(), Some(contract.encode()));
        }
        self.layers.push(layer);
        self.stack.push(OnStack { contract: frame.contract, allows_reentry: true });
        let call =
            Call { entry: frame.entry, input: frame.input, gas_limit: frame.gas_limit, context: &context };
        let mut host = FrameHost { world: self, contract: frame.contract, context: &context };
        let execution = engine.run(&artifact, call, &mut host);
        self.stack.pop();
        let layer = self.layers.pop();
        if let (true, Some(layer), Some(below)) = (execution.is_success(), layer, self.layers.last_mut()) {
            below.changes.extend(layer.changes);
            below.events.extend(layer.events);
        }
        Ok(execution)
    }

    /// An entry as the innermost frame sees it.
    fn read(&self, key: &[u8]) -> Option<&Vec<u8>> {
        match self.layers.iter().rev().find_map(|layer| layer.changes.get(key)) {
            Some(changed) => changed.as_ref(),
            None => self.store.get(key),
        }
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), HostError> {
        let layer = self.layers.last_mut().ok_or(HostError::Fault)?;
        layer.changes.insert(key, value);
        Ok(())
    }

    fn contract(&self, id: &ContractId) -> Option<Contract> {
        let bytes = self.read(&Key::Contract(*id).encode())?;
        Contract::decode(&mut &bytes[..]).ok()
    }

    /// Runs a callee's frame and tells its caller what came of it.
    fn run_callee(&mut self, frame: Frame<'_>) -> FrameOutcome {
        if self.stack.len() >= CALL_DEPTH_MAX {
            return FrameOutcome { result: Err(FrameError::DepthExceeded), gas_used: 0 };
        }
        match self.run_frame(frame) {
            Err(error) => FrameOutcome { result: Err(error), gas_used: 0 },
            Ok(Execution { result: Err(Trap::HostFault), gas_used }) => {
                self.is_faulty = true;
                FrameOutcome { result: Err(FrameError::Trapped), gas_used }
            }
            Ok(execution) => FrameOutcome {
                result: execution.result.map_err(|_| FrameError::Trapped),
                gas_used: execution.gas_used,
            },
        }
    }
}

/// One frame's view of the world.
struct FrameHost<'w, 'a, 'c, E: Engine> {
    world: &'w mut World<'a, E>,
    contract: ContractId,
    context: &'c Context,
}

impl<E: Engine> FrameHost<'_, '_, '_, E> {
    fn storage_key(&self, key: &[u8]) -> Vec<u8> {
        Key::Storage(self.contract, key.to_vec()).encode()
    }

    /// A broken world ends the whole call: no frame goes on as if a callee had merely failed.
    fn unless_faulty<T>(&self, answer: T) -> Result<T, HostError> {
        match self.world.is_faulty {
            true => Err(HostError::Fault),
            false => Ok(answer),
        }
    }
}

impl<E: Engine> Host for FrameHost<'_, '_, '_, E> {
    fn storage(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.world.read(&self.storage_key(key)).cloned())
    }

    fn set_storage(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<Option<u32>, HostError> {
        let key = self.storage_key(key);
        let old = self.world.read(&key).map(|old| u32::try_from(old.len())).transpose();
        let old = old.map_err(|_| HostError::Fault)?;
        self.world.write(key, value)?;
        Ok(old)
    }

    fn balance(&mut self) -> Result<Balance, HostError> {
        // No PHA enters a cluster yet, so that every balance in it is zero.
        Ok(0)
    }

    fn transfer(&mut self, _to: &AccountBytes, amount: Balance) -> Result<Payment, HostError> {
        Ok(if amount == 0 { Payment::Done } else { Payment::Refused })
    }

    fn deposit_event(&mut self, event: phala_vm::Event) -> Result<(), HostError> {
        let count =
            self.world.layers.iter().fold(0usize, |count, layer| count.saturating_add(layer.events.len()));
        if count >= EVENTS_MAX as usize {
            return Err(HostError::LimitReached);
        }
        let event = Event {
            contract: self.contract,
            topics: event.topics.try_into().map_err(|_| HostError::LimitReached)?,
            data: event.data.try_into().map_err(|_| HostError::LimitReached)?,
        };
        self.world.layers.last_mut().ok_or(HostError::Fault)?.events.push(event);
        Ok(())
    }

    fn debug_message(&mut self, _text: &str) -> bool {
        false
    }

    fn code_hash(&mut self, account: &AccountBytes) -> Result<Option<HashBytes>, HostError> {
        Ok(self.world.contract(&ContractId::new(*account)).map(|contract| *contract.code_hash.as_bytes()))
    }

    fn set_code_hash(&mut self, code_hash: &HashBytes) -> Result<CodeChange, HostError> {
        let code_hash = CodeHash::new(*code_hash);
        if self.world.read(&Key::Code(code_hash).encode()).is_none() {
            return Ok(CodeChange::CodeNotFound);
        }
        self.world.write(Key::Contract(self.contract).encode(), Some(Contract { code_hash }.encode()))?;
        Ok(CodeChange::Done)
    }

    fn call(&mut self, request: CallRequest) -> Result<FrameOutcome, HostError> {
        let refused = |error| Ok(FrameOutcome { result: Err(error), gas_used: 0 });
        let callee = ContractId::new(request.callee);
        let Some(Contract { code_hash }) = self.world.contract(&callee) else {
            return refused(FrameError::NotCallable);
        };
        if request.value != 0 {
            return refused(FrameError::TransferFailed);
        }
        if let Some(top) = self.world.stack.last_mut() {
            top.allows_reentry = request.allow_reentry;
        }
        if self.world.stack.iter().any(|frame| frame.contract == callee && !frame.allows_reentry) {
            return refused(FrameError::ReentranceDenied);
        }
        let outcome = self.world.run_callee(Frame {
            entry: Entry::Call,
            contract: callee,
            code_hash,
            caller: *self.contract.as_bytes(),
            caller_is_origin: false,
            read_only: self.context.read_only || request.read_only,
            input: &request.input,
            gas_limit: request.gas_limit,
        });
        if let Some(top) = self.world.stack.last_mut() {
            top.allows_reentry = true;
        }
        self.unless_faulty(outcome)
    }

    fn delegate_call(&mut self, request: DelegateRequest) -> Result<FrameOutcome, HostError> {
        let outcome = self.world.run_callee(Frame {
            entry: Entry::Call,
            contract: self.contract,
            code_hash: CodeHash::new(request.code_hash),
            caller: self.context.caller,
            caller_is_origin: self.context.caller_is_origin,
            read_only: self.context.read_only,
            input: &request.input,
            gas_limit: request.gas_limit,
        });
        self.unless_faulty(outcome)
    }

    fn instantiate(&mut self, request: InstantiateRequest) -> Result<Instantiation, HostError> {
        let address = nested_contract_id(&self.contract, &request);
        let refused = |error| {
            let outcome = FrameOutcome { result: Err(error), gas_used: 0 };
            Ok(Instantiation { address: *address.as_bytes(), outcome })
        };
        if request.value != 0 {
            return refused(FrameError::TransferFailed);
        }
        if self.world.contract(&address).is_some() {
            return refused(FrameError::DuplicateContract);
        }
        self.world.instantiated = self.world.instantiated.saturating_add(1);
        let outcome = self.world.run_callee(Frame {
            entry: Entry::Deploy,
            contract: address,
            code_hash: CodeHash::new(request.code_hash),
            caller: *self.contract.as_bytes(),
            caller_is_origin: false,
            read_only: false,
            input: &request.input,
            gas_limit: request.gas_limit,
        });
        self.unless_faulty(Instantiation { address: *address.as_bytes(), outcome })
    }

    fn terminate(&mut self, _beneficiary: &AccountBytes) -> Result<(), HostError> {
        let contract = Key::Contract(self.contract).encode();
        let on_stack = self.world.stack.iter().filter(|frame| frame.contract == self.contract).count();
        let is_being_deployed = self.world.store.get(&contract).is_none();
        if on_stack > 1 || is_being_deployed {
            return Err(HostError::TerminationDenied);
        }
        let prefix = Key::storage_prefix(&self.contract);
        let mut names: Vec<Vec<u8>> = self.world.store.names(&prefix).cloned().collect();
        for layer in &self.world.layers {
            names.extend(layer.changes.keys().filter(|name| name.starts_with(&prefix)).cloned());
        }
        for name in names {
            self.world.write(name, None)?;
        }
        self.world.write(contract, None)
    }

    fn weight_to_fee(&self, _gas: u64) -> Balance {
        // Gas has no price inside a cluster yet: the chain's fee pays for the command.
        0
    }
}

/// The id of a contract that a contract makes: the rule of pallet-contracts, which ink! contracts and their tests rely
/// on. (For contracts that users deploy see `phala_types::cluster::contract_id`.)
fn nested_contract_id(deployer: &ContractId, request: &InstantiateRequest) -> ContractId {
    let preimage = (b"contract_addr_v1", deployer, request.code_hash, &request.input, &request.salt).encode();
    ContractId::new(sp_crypto_hashing::blake2_256(&preimage))
}
