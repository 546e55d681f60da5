// SPDX-License-Identifier: Apache-2.0
//! One frame's view of the world: what a running contract can ask of it and do to it.

use codec::Encode;
use phala_types::ContractId;
use phala_types::command::Event as ContractEvent;
use phala_types::limits::{CALL_DEPTH_MAX, EVENTS_MAX};

use super::balances::NotPayable;
use super::deposit::{Deposit, Diff};
use super::extensions::ExtensionRequest;
use super::frames::{Done, Ending, Frame, NewFrame};
use super::schema::{CodeInfo, Contract, Key};
use super::{CONTRACT_STORAGE_BYTES_MAX, ITEM_BYTES, State, World, contract_address};
use crate::Trap;
use crate::abi::MAX_DELEGATE_DEPENDENCIES;
use crate::engine::{Context, Engine};
use crate::extension::wire::LogLevel;
use crate::host::{
    AccountBytes, Balance, CallRequest, CodeChange, DelegateRequest, Event, ExtensionReply, FrameError,
    FrameOutcome, HashBytes, Host, HostError, InstantiateRequest, Instantiation, Payment, StorageKey,
};

/// The innermost frame's view of the world.
pub(super) struct FrameHost<'w, 'a, 'c, E: Engine, S: State + ?Sized> {
    pub(super) world: &'w mut World<'a, E, S>,
    pub(super) context: &'c Context,
}

impl<E: Engine, S: State + ?Sized> FrameHost<'_, '_, '_, E, S> {
    fn frame(&mut self) -> Result<&mut Frame, HostError> {
        self.world.stack.last_mut().ok_or(HostError::Fault)
    }

    fn storage_name(&self, key: &StorageKey) -> Vec<u8> {
        Key::Storage(self.context.address, key.clone()).encode()
    }

    /// The contract's own record. It is there while the contract runs.
    fn contract(&self) -> Result<Contract, HostError> {
        self.world.contract(&self.context.address).ok_or(HostError::Fault)
    }

    fn write_contract(&mut self, contract: &Contract) -> Result<(), HostError> {
        self.world.write(Key::Contract(self.context.address).encode(), Some(contract.encode()))
    }

    fn code_info(&self, hash: &HashBytes) -> Option<CodeInfo> {
        self.world.decoded(&Key::CodeInfo(*hash))
    }

    /// Counts one contract more, or one less, that needs a code.
    fn refer(&mut self, hash: &HashBytes, more: bool) -> Result<(), HostError> {
        let mut code = self.code_info(hash).ok_or(HostError::Fault)?;
        // Neither end can be reached: each reference is a contract's, and given up once.
        code.references =
            if more { code.references.saturating_add(1) } else { code.references.saturating_sub(1) };
        self.world.write(Key::CodeInfo(*hash).encode(), Some(code.encode()))
    }

    /// Runs a callee's frame and tells its caller what came of it.
    fn run(&mut self, frame: NewFrame<'_>) -> Result<FrameOutcome, HostError> {
        let Done { result, gas_used } = self.world.run_frame(frame);
        // A broken world ends the whole call: no frame goes on as if a callee had merely failed.
        if self.world.is_faulty {
            return Err(HostError::Fault);
        }
        let result = result.map_err(|ending| match ending {
            Ending::Callee(_) => FrameError::Trapped,
            Ending::Caller(error) => error,
        });
        Ok(FrameOutcome { result, gas_used })
    }

    fn is_full(&self) -> bool {
        self.world.stack.len() >= CALL_DEPTH_MAX
    }

    fn try_call(&mut self, request: CallRequest) -> Result<FrameOutcome, HostError> {
        let on_stack = &self.world.stack;
        if on_stack.iter().any(|frame| frame.account == request.callee && !frame.allows_reentry) {
            return Ok(FrameOutcome::refused(FrameError::ReentranceDenied));
        }
        if self.is_full() {
            return Ok(FrameOutcome::refused(FrameError::DepthExceeded));
        }
        let contract = match self.world.is_being_made(&request.callee) {
            true => None,
            false => self.world.contract(&request.callee),
        };
        let Some(Contract { code_hash, .. }) = contract else {
            return Ok(FrameOutcome::refused(FrameError::NotCallable));
        };
        let meter = self.frame()?.meter.nested(request.deposit_limit);
        self.run(NewFrame {
            account: request.callee,
            code_hash,
            is_deploy: false,
            is_delegate: false,
            caller: self.context.address,
            value: request.value,
            read_only: self.context.read_only || request.read_only,
            input: &request.input,
            gas_limit: request.gas_limit,
            meter,
        })
    }
}

impl FrameOutcome {
    /// A frame that did not begin.
    fn refused(error: FrameError) -> Self {
        Self { result: Err(error), gas_used: 0 }
    }
}

impl<E: Engine, S: State + ?Sized> Host for FrameHost<'_, '_, '_, E, S> {
    fn storage(&mut self, key: &StorageKey) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.world.read(&self.storage_name(key)).map(<[u8]>::to_vec))
    }

    fn set_storage(&mut self, key: &StorageKey, value: Option<Vec<u8>>) -> Result<Option<u32>, HostError> {
        let name = self.storage_name(key);
        let length = |value: &[u8]| u32::try_from(value.len()).map_err(|_| HostError::Fault);
        let old = self.world.read(&name).map(length).transpose()?;
        let new = value.as_deref().map(length).transpose()?;
        if old.is_none() && new.is_none() {
            return Ok(None);
        }
        let diff = Diff::of(old, new);
        self.frame()?.meter.store(diff);
        self.world.write(name, value)?;
        if new > old {
            let (bytes, items) = self.world.stored(&self.context.address, &self.contract()?);
            let kept = bytes.saturating_add(items.saturating_mul(ITEM_BYTES as u64));
            if kept > CONTRACT_STORAGE_BYTES_MAX as u64 {
                return Err(HostError::LimitReached);
            }
        }
        self.world.check_room()?;
        Ok(old)
    }

    fn transient_storage(&mut self, key: &StorageKey) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.world.transient.get(&self.context.address, key).cloned())
    }

    fn set_transient_storage(
        &mut self,
        key: &StorageKey,
        value: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, HostError> {
        self.world.transient.set(&self.context.address, key, value)
    }

    fn balance(&mut self) -> Result<Balance, HostError> {
        Ok(self.world.spendable(&self.context.address))
    }

    fn transfer(&mut self, to: &AccountBytes, amount: Balance) -> Result<Payment, HostError> {
        let paid = self.world.pay(&self.context.address, to, amount);
        self.world.check_room()?;
        Ok(match paid {
            Ok(()) => Payment::Done,
            Err(NotPayable) => Payment::Refused,
        })
    }

    fn deposit_event(&mut self, event: Event) -> Result<(), HostError> {
        let world = &mut *self.world;
        let count =
            world.stack.iter().fold(0usize, |sum, frame| sum.saturating_add(frame.layer.events.len()));
        if count >= EVENTS_MAX as usize {
            return Err(HostError::Denied(Trap::TooManyEvents));
        }
        let event = ContractEvent {
            contract: ContractId::new(self.context.address),
            topics: event.topics.try_into().map_err(|_| HostError::Denied(Trap::TooManyTopics))?,
            data: event.data.try_into().map_err(|_| HostError::Denied(Trap::EventTooLong))?,
        };
        world.top_layer().events.push(event);
        Ok(())
    }

    fn debug_message(&mut self, text: &str) {
        // Whether there was room is nothing that a contract may know: it would depend on how long its callers' lines are.
        let _ = self.world.logs.push_text(&self.context.address, LogLevel::Debug, text);
    }

    fn code_hash(&mut self, account: &AccountBytes) -> Result<Option<HashBytes>, HostError> {
        if self.world.is_being_made(account) {
            return Ok(None);
        }
        Ok(self.world.contract(account).map(|contract| contract.code_hash))
    }

    fn own_code_hash(&mut self) -> Result<HashBytes, HostError> {
        Ok(self.contract()?.code_hash)
    }

    fn set_code_hash(&mut self, code_hash: &HashBytes) -> Result<CodeChange, HostError> {
        let Some(code) = self.code_info(code_hash) else { return Ok(CodeChange::CodeNotFound) };
        let address = self.context.address;
        let mut contract = self.contract()?;
        let old_hash = core::mem::replace(&mut contract.code_hash, *code_hash);
        let old_deposit = contract.base_deposit;
        contract.base_deposit = self.world.terms.base_deposit(&address, &contract, &code);
        let difference = Deposit::between(old_deposit, contract.base_deposit);
        self.frame()?.meter.charge(&address, difference);
        self.write_contract(&contract)?;
        self.refer(code_hash, true)?;
        self.refer(&old_hash, false)?;
        Ok(CodeChange::Done)
    }

    fn lock_delegate_dependency(&mut self, code_hash: &HashBytes) -> Result<(), HostError> {
        let denied = |trap| Err(HostError::Denied(trap));
        let mut contract = self.contract()?;
        if contract.code_hash == *code_hash {
            return denied(Trap::DelegateDependencyOnSelf);
        }
        let Some(code) = self.code_info(code_hash) else { return denied(Trap::CodeNotFound) };
        if contract.delegate_dependencies.contains_key(code_hash) {
            return denied(Trap::DelegateDependencyExists);
        }
        if contract.delegate_dependencies.len() >= MAX_DELEGATE_DEPENDENCIES {
            return denied(Trap::TooManyDelegateDependencies);
        }
        let deposit = self.world.terms.lockup(&code);
        contract.delegate_dependencies.insert(*code_hash, deposit);
        let address = self.context.address;
        self.frame()?.meter.charge(&address, Deposit::Charge(deposit));
        self.write_contract(&contract)?;
        self.refer(code_hash, true)
    }

    fn unlock_delegate_dependency(&mut self, code_hash: &HashBytes) -> Result<(), HostError> {
        let mut contract = self.contract()?;
        let Some(deposit) = contract.delegate_dependencies.remove(code_hash) else {
            return Err(HostError::Denied(Trap::DelegateDependencyMissing));
        };
        let address = self.context.address;
        self.frame()?.meter.charge(&address, Deposit::Refund(deposit));
        self.write_contract(&contract)?;
        self.refer(code_hash, false)
    }

    fn call(&mut self, request: CallRequest) -> Result<FrameOutcome, HostError> {
        // Before it is looked at, so that a contract that calls itself is caught.
        self.frame()?.allows_reentry = request.allow_reentry;
        let outcome = self.try_call(request);
        self.frame()?.allows_reentry = true;
        self.world.check_room()?;
        outcome
    }

    fn delegate_call(&mut self, request: DelegateRequest) -> Result<FrameOutcome, HostError> {
        if self.code_info(&request.code_hash).is_none() {
            return Ok(FrameOutcome::refused(FrameError::CodeNotFound));
        }
        if self.is_full() {
            return Ok(FrameOutcome::refused(FrameError::DepthExceeded));
        }
        let meter = self.frame()?.meter.nested(0);
        self.run(NewFrame {
            account: self.context.address,
            code_hash: request.code_hash,
            is_deploy: false,
            is_delegate: true,
            caller: self.context.caller,
            value: self.context.value,
            read_only: self.context.read_only,
            input: &request.input,
            gas_limit: request.gas_limit,
            meter,
        })
    }

    fn instantiate(&mut self, request: InstantiateRequest) -> Result<Instantiation, HostError> {
        let deployer = self.context.address;
        let address = contract_address(&deployer, &request.code_hash, &request.input, &request.salt);
        let made = |outcome| Instantiation { address, outcome };
        if self.code_info(&request.code_hash).is_none() {
            return Ok(made(FrameOutcome::refused(FrameError::CodeNotFound)));
        }
        self.world.nonce = self.world.nonce.wrapping_add(1);
        if self.is_full() {
            return Ok(made(FrameOutcome::refused(FrameError::DepthExceeded)));
        }
        let meter = self.frame()?.meter.nested(request.deposit_limit);
        let outcome = self.run(NewFrame {
            account: address,
            code_hash: request.code_hash,
            is_deploy: true,
            is_delegate: false,
            caller: deployer,
            value: request.value,
            read_only: self.context.read_only,
            input: &request.input,
            gas_limit: request.gas_limit,
            meter,
        })?;
        self.world.check_room()?;
        Ok(made(outcome))
    }

    fn instantiation_nonce(&mut self) -> Result<u64, HostError> {
        Ok(self.world.nonce)
    }

    fn entrances(&mut self, account: &AccountBytes) -> Result<u32, HostError> {
        Ok(self.world.entrances(account))
    }

    fn items_to_remove(&mut self) -> Result<u64, HostError> {
        let contract = self.contract()?;
        let (_, items) = self.world.stored(&self.context.address, &contract);
        let dependencies = u64::try_from(contract.delegate_dependencies.len()).unwrap_or(u64::MAX);
        Ok(items.saturating_add(dependencies))
    }

    fn terminate(&mut self, beneficiary: &AccountBytes) -> Result<(), HostError> {
        let address = self.context.address;
        if self.world.stack.iter().filter(|frame| frame.account == address).count() > 1 {
            return Err(HostError::TerminationDenied);
        }
        let contract = self.contract()?;
        self.frame()?.meter.end_contract(&address, contract.total_deposit(), beneficiary);
        let prefix = Key::storage_prefix(&address);
        let mut names: Vec<Vec<u8>> = self.world.state.names(&prefix).map(<[u8]>::to_vec).collect();
        let layers = self.world.stack.iter().map(|frame| &frame.layer).chain([&self.world.base]);
        for layer in layers {
            let changed = layer.changes.range(prefix.clone()..).map(|(name, _)| name);
            names.extend(changed.take_while(|name| name.starts_with(&prefix)).cloned());
        }
        for name in names {
            self.world.write(name, None)?;
        }
        self.world.write(Key::Contract(address).encode(), None)?;
        self.refer(&contract.code_hash, false)?;
        for (code_hash, deposit) in &contract.delegate_dependencies {
            self.refer(code_hash, false)?;
            self.frame()?.meter.charge(&address, Deposit::Refund(*deposit));
        }
        Ok(())
    }

    fn weight_to_fee(&self, gas: u64) -> Balance {
        self.world.terms.fee_per_gas.saturating_mul(gas.into())
    }

    fn chain_extension(
        &mut self,
        id: u32,
        input: &[u8],
        gas_limit: u64,
    ) -> Result<ExtensionReply, HostError> {
        let code_hash = self.frame()?.code_hash;
        let extensions = self.world.extensions.take().ok_or(HostError::ExtensionUnknown)?;
        let request = ExtensionRequest { id, input, gas_limit, context: self.context, code_hash: &code_hash };
        let reply = extensions.call(request, &mut *self.world);
        self.world.extensions = Some(extensions);
        reply
    }
}
