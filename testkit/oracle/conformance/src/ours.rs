// SPDX-License-Identifier: Apache-2.0
//! Our side: `phala-vm` with its world, on a map of entries. [`Twins`] is that on both of its engines, side by side.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use codec::{Decode as _, Encode as _};
use phala_crypto::Secret;
use phala_vm::{
    Engine, HashBytes, StorageKey, Trap, WasmiEngine, WasmtimeEngine,
    extension::{CommandExtensions, keys::ClusterKey},
    world::{
        self, Changes, Codes, Deposit, Extensions, Fault, Moment, Outermost, RemovalError, Removed, Terms,
        UploadError, Uploaded, World,
        schema::{Contract, Key},
    },
};

use crate::machine::{
    Account, Answer, Balance, CODE_LOCKUP_PERCENT, Call, DEPOSIT_PER_BYTE, DEPOSIT_PER_ITEM,
    EXISTENTIAL_DEPOSIT, End, Event, Hash, Instantiate, Machine, Ran, contract_address,
};

mod twins;

pub use twins::Twins;

/// All the gas that a case may need, and a call may have.
const AMPLE: u64 = phala_vm::limits::CALL_GAS_MAX;
/// Gas for a few million instructions.
const STARVED: u64 = 20_000_000;

/// The prices that the oracle has too.
const TERMS: Terms = Terms {
    deposit_per_byte: DEPOSIT_PER_BYTE,
    deposit_per_item: DEPOSIT_PER_ITEM,
    code_lockup_percent: CODE_LOCKUP_PERCENT as u8,
    default_deposit_limit: u128::MAX,
    existential_deposit: EXISTENTIAL_DEPOSIT,
    fee_per_gas: 1,
};

/// An engine of ours, and the code that it has compiled. Both are shared by the machines of a thread, since compiling the same
/// contracts for each of a thousand stories would be most of a test's time.
#[derive(Clone)]
struct Compiler<E: Engine> {
    engine: E,
    codes: Rc<RefCell<Codes<E>>>,
}

impl<E: Engine> Compiler<E> {
    fn new(engine: E) -> Self {
        Self { engine, codes: Rc::default() }
    }
}

thread_local! {
    static NATIVE: Compiler<WasmtimeEngine> = Compiler::new(WasmtimeEngine::new().expect("the engine starts"));
    static INTERPRETED: Compiler<WasmiEngine> = Compiler::new(WasmiEngine::new().expect("the engine starts"));
}

/// Our world, on an engine, with a state of its own.
pub struct Ours<E: Engine> {
    compiler: Compiler<E>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    moment: Moment,
}

impl Default for Ours<WasmtimeEngine> {
    fn default() -> Self {
        Self::new(NATIVE.with(Clone::clone))
    }
}

impl Default for Ours<WasmiEngine> {
    fn default() -> Self {
        Self::new(INTERPRETED.with(Clone::clone))
    }
}

impl<E: Engine> Ours<E> {
    fn new(compiler: Compiler<E>) -> Self {
        Self { compiler, state: BTreeMap::new(), moment: Moment { block_number: 1, now_ms: 1_000 } }
    }

    fn apply(&mut self, changes: Changes) {
        for (name, value) in changes {
            match value {
                Some(value) => self.state.insert(name, value),
                None => self.state.remove(&name),
            };
        }
    }

    /// Does something in the world.
    fn within<R>(&self, act: impl FnOnce(World<'_, E, BTreeMap<Vec<u8>, Vec<u8>>>) -> R) -> R {
        let mut codes = self.compiler.codes.borrow_mut();
        act(World::new(&self.compiler.engine, &mut codes, &self.state, TERMS, self.moment))
    }

    fn taken(&mut self, owner: &Account, wasm: &[u8]) -> Result<Uploaded, UploadError> {
        let uploaded = self.within(|world| world.upload(owner, wasm))?;
        self.apply(uploaded.changes.clone());
        Ok(uploaded)
    }

    fn removed(&mut self, owner: &Account, code: &Hash) -> Result<Removed, RemovalError> {
        let removed = self.within(|world| world.remove_code(owner, code))?;
        self.apply(removed.changes.clone());
        Ok(removed)
    }

    /// Runs a call, with functions beyond the interface.
    fn ran_with(
        &self,
        outermost: Outermost<'_>,
        extensions: &mut dyn Extensions,
    ) -> Result<world::Ran, Fault> {
        let mut codes = self.compiler.codes.borrow_mut();
        let world = World::new(&self.compiler.engine, &mut codes, &self.state, TERMS, self.moment);
        world.with_extensions(extensions).run(outermost)
    }

    /// Runs a call, with the extensions that a command has.
    fn ran(&self, outermost: Outermost<'_>) -> world::Ran {
        let mut extensions = CommandExtensions::new(cluster_key(), [0x71; 32], 1);
        self.ran_with(outermost, &mut extensions).expect("the world is sound")
    }

    /// Runs a call, and keeps what it changed.
    fn run(&mut self, outermost: Outermost<'_>) -> world::Ran {
        let ran = self.ran(outermost);
        self.apply(ran.changes.clone());
        ran
    }

    /// Runs a call, and gives the answer. Less is copied than when machines are compared.
    ///
    /// # Errors
    /// The class of how it ended.
    pub fn call_bare(&mut self, request: &Call) -> Result<Answer, End> {
        let mut ran = self.ran(outermost_of(request));
        self.apply(core::mem::take(&mut ran.changes));
        told(ran).result
    }
}

impl<E: Engine> Machine for Ours<E> {
    fn name(&self) -> &'static str {
        "phala-vm"
    }

    fn fund(&mut self, account: &Account, amount: u128) {
        let mut entry = world::account(&self.state, account);
        entry.free = entry.free.checked_add(amount).expect("the balance does not overflow");
        self.state.insert(Key::Account(*account).encode(), entry.encode());
    }

    fn set_block(&mut self, number: u32, now_ms: u64) {
        self.moment = Moment { block_number: number, now_ms };
    }

    fn upload(&mut self, owner: &Account, wasm: &[u8]) -> Result<Hash, End> {
        self.taken(owner, wasm).map(|uploaded| uploaded.code_hash).map_err(refusal)
    }

    fn remove_code(&mut self, owner: &Account, code: &Hash) -> Result<(), End> {
        self.removed(owner, code).map(|_| ()).map_err(stay)
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
        let prefix = Key::storage_prefix(contract);
        let entries = self.state.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        let own = entries.map(|(name, value)| match Key::decode(&mut &name[..]) {
            Ok(Key::Storage(_, StorageKey::Fixed(key))) => (key.to_vec(), value.clone()),
            Ok(Key::Storage(_, StorageKey::Variable(key))) => (key, value.clone()),
            other => panic!("a name that begins like a value's is one: {other:?}"),
        });
        own.collect()
    }

    fn balance(&mut self, account: &Account) -> Balance {
        let entry = world::account(&self.state, account);
        Balance { free: entry.free, held: entry.held }
    }

    fn code_hash(&mut self, account: &Account) -> Option<HashBytes> {
        let entry = self.state.get(&Key::Contract(*account).encode())?;
        Some(Contract::decode(&mut &entry[..]).expect("a contract's entry decodes").code_hash)
    }
}

/// What the contracts' keys are derived from.
fn cluster_key() -> ClusterKey {
    ClusterKey::new(Secret::new([0x5e; 32]))
}

fn refusal(error: UploadError) -> End {
    match error {
        UploadError::Refused(_) => End::CodeRejected,
        UploadError::DepositNotPayable { .. } => End::DepositUnaffordable,
    }
}

fn stay(error: RemovalError) -> End {
    match error {
        RemovalError::CodeNotFound => End::CodeNotFound,
        RemovalError::InUse { .. } => End::CodeInUse,
        RemovalError::NotOwner => End::NotOwner,
    }
}

fn address_of(request: &Instantiate) -> Account {
    contract_address(&request.caller, &request.code, &request.input, &request.salt)
}

fn outermost_of_new(request: &Instantiate, address: Account) -> Outermost<'_> {
    Outermost {
        contract: address,
        deploy: Some(request.code),
        caller: request.caller,
        value: request.value,
        input: &request.input,
        gas_limit: AMPLE,
        deposit_limit: request.deposit_limit,
        read_only: false,
    }
}

fn outermost_of(request: &Call) -> Outermost<'_> {
    Outermost {
        contract: request.contract,
        deploy: None,
        caller: request.caller,
        value: request.value,
        input: &request.input,
        gas_limit: if request.is_starved { STARVED } else { AMPLE },
        deposit_limit: request.deposit_limit,
        read_only: false,
    }
}

fn made(ran: world::Ran, address: Account) -> Ran {
    let is_made = ran.execution.is_success();
    Ran { address: is_made.then_some(address), ..told(ran) }
}

fn told(ran: world::Ran) -> Ran {
    let signed = |amount: u128| i128::try_from(amount).expect("deposits are small");
    Ran {
        result: ran
            .execution
            .result
            .map(|answer| Answer { flags: answer.flags, data: answer.data })
            .map_err(class),
        address: None,
        deposit: match ran.deposit {
            Deposit::Charge(amount) => signed(amount),
            Deposit::Refund(amount) => -signed(amount),
        },
        events: ran
            .events
            .into_iter()
            .map(|event| Event {
                contract: *event.contract.as_bytes(),
                topics: event.topics.to_vec(),
                data: event.data.to_vec(),
            })
            .collect(),
        debug: ran.logs.into_iter().flat_map(|line| line.record.message.into_bytes()).collect(),
    }
}

/// Every trap has a class: an arm that is missing does not compile.
fn class(trap: Trap) -> End {
    match trap {
        Trap::OutOfGas => End::OutOfGas,
        Trap::Unreachable
        | Trap::StackOverflow
        | Trap::MemoryOutOfBounds
        | Trap::TableOutOfBounds
        | Trap::IndirectCallMismatch
        | Trap::IntegerOverflow
        | Trap::DivisionByZero => End::Trapped,
        Trap::OutputBufferTooSmall => End::OutputBufferTooSmall,
        Trap::InvalidInput | Trap::KeyTooLong => End::InvalidArgument,
        Trap::StateChangeDenied => End::StateChangeDenied,
        Trap::ValueTooLong | Trap::EventTooLong => End::ValueTooLong,
        Trap::TooManyTopics => End::TooManyTopics,
        Trap::InputForwarded => End::InputForwarded,
        Trap::ReentranceDenied => End::ReentranceDenied,
        Trap::CallDepthExceeded => End::CallDepthExceeded,
        Trap::DuplicateContract => End::DuplicateContract,
        Trap::TerminationDenied => End::TerminationDenied,
        Trap::ExtensionUnknown => End::NoChainExtension,
        Trap::ContractNotFound => End::ContractNotFound,
        Trap::CodeNotFound => End::CodeNotFound,
        Trap::TransferFailed => End::TransferFailed,
        Trap::DepositLimitReached => End::DepositLimitExceeded,
        Trap::DepositNotPayable => End::DepositUnaffordable,
        Trap::TransientStorageFull => End::OutOfTransientStorage,
        Trap::DelegateDependencyOnSelf => End::DependencyOnSelf,
        Trap::DelegateDependencyExists => End::DependencyExists,
        Trap::DelegateDependencyMissing => End::DependencyNotFound,
        Trap::TooManyDelegateDependencies => End::TooManyDependencies,
        Trap::InputTooLong | Trap::OutputTooLong | Trap::TooManyEvents | Trap::LimitReached => {
            End::LimitReached
        }
        Trap::NotAvailable => End::Other("not available".into()),
        Trap::TimedOut => End::Other("timed out".into()),
        Trap::HostFault => End::Other("the host failed".into()),
    }
}
