// SPDX-License-Identifier: Apache-2.0
//! Our side: `phala-vm` with its world, on a map of entries.

use std::collections::BTreeMap;

use codec::{Decode as _, Encode as _};
use phala_vm::{
    HashBytes, StorageKey, Trap, WasmtimeEngine,
    world::{
        self, Changes, Codes, Deposit, Moment, Outermost, RemovalError, Terms, UploadError, World,
        schema::{Contract, Key},
    },
};

use crate::machine::{
    Account, Answer, Balance, CODE_LOCKUP_PERCENT, Call, DEPOSIT_PER_BYTE, DEPOSIT_PER_ITEM,
    EXISTENTIAL_DEPOSIT, End, Event, Hash, Instantiate, Machine, Ran, contract_address,
};

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

/// Our engine with a state of its own.
pub struct Ours {
    engine: WasmtimeEngine,
    codes: Codes<WasmtimeEngine>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    moment: Moment,
}

impl Default for Ours {
    fn default() -> Self {
        Self {
            engine: WasmtimeEngine::new().expect("the engine starts"),
            codes: Codes::default(),
            state: BTreeMap::new(),
            moment: Moment { block_number: 1, now_ms: 1_000 },
        }
    }
}

impl Ours {
    fn apply(&mut self, changes: Changes) {
        for (name, value) in changes {
            match value {
                Some(value) => self.state.insert(name, value),
                None => self.state.remove(&name),
            };
        }
    }

    /// Runs a call, and keeps what it changed.
    pub fn run(&mut self, outermost: Outermost<'_>) -> world::Ran {
        let world = World::new(&self.engine, &mut self.codes, &self.state, TERMS, self.moment);
        let mut ran = world.run(outermost).expect("the world is sound");
        self.apply(core::mem::take(&mut ran.changes));
        ran
    }
}

impl Machine for Ours {
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
        let world = World::new(&self.engine, &mut self.codes, &self.state, TERMS, self.moment);
        let uploaded = world.upload(owner, wasm).map_err(|error| match error {
            UploadError::Refused(_) => End::CodeRejected,
            UploadError::DepositNotPayable { .. } => End::DepositUnaffordable,
        })?;
        self.apply(uploaded.changes);
        Ok(uploaded.code_hash)
    }

    fn remove_code(&mut self, owner: &Account, code: &Hash) -> Result<(), End> {
        let world = World::new(&self.engine, &mut self.codes, &self.state, TERMS, self.moment);
        let removed = world.remove_code(owner, code).map_err(|error| match error {
            RemovalError::CodeNotFound => End::CodeNotFound,
            RemovalError::InUse { .. } => End::CodeInUse,
            RemovalError::NotOwner => End::NotOwner,
        })?;
        self.apply(removed.changes);
        Ok(())
    }

    fn instantiate(&mut self, request: &Instantiate) -> Ran {
        let Instantiate { caller, code, value, input, salt, deposit_limit } = request;
        let address = contract_address(caller, code, input, salt);
        let ran = self.run(Outermost {
            contract: address,
            deploy: Some(*code),
            caller: *caller,
            value: *value,
            input,
            gas_limit: AMPLE,
            deposit_limit: *deposit_limit,
            read_only: false,
        });
        let is_made = ran.execution.is_success();
        Ran { address: is_made.then_some(address), ..told(ran) }
    }

    fn call(&mut self, request: &Call) -> Ran {
        told(self.run(Outermost {
            contract: request.contract,
            deploy: None,
            caller: request.caller,
            value: request.value,
            input: &request.input,
            gas_limit: if request.is_starved { STARVED } else { AMPLE },
            deposit_limit: request.deposit_limit,
            read_only: false,
        }))
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
