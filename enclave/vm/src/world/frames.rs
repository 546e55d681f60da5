// SPDX-License-Identifier: Apache-2.0
//! The stack of frames: how one begins, runs and ends, and what is kept of it.

use codec::Encode;
use phala_types::command::Event;

use super::balances::NotPayable;
use super::deposit::{Deposit, Diff, Meter};
use super::frame_host::FrameHost;
use super::schema::{CodeInfo, Contract, Key};
use super::{Changes, Fault, State, World};
use crate::Trap;
use crate::engine::{Call, Context, Engine, Entry, Return};
use crate::host::{AccountBytes, Balance, FrameError, HashBytes};

/// What a frame changed.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) changes: Changes,
    /// The bytes of the names and values in it.
    pub(super) bytes: usize,
    pub(super) events: Vec<Event>,
}

impl Layer {
    pub(super) fn write(&mut self, name: Vec<u8>, value: Option<Vec<u8>>) {
        let name_bytes = name.len();
        let size = |value: &Option<Vec<u8>>| name_bytes.saturating_add(value.as_ref().map_or(0, Vec::len));
        self.bytes = self.bytes.saturating_add(size(&value));
        if let Some(old) = self.changes.insert(name, value) {
            self.bytes = self.bytes.saturating_sub(size(&old));
        }
    }

    fn absorb(&mut self, above: Self) {
        for (name, value) in above.changes {
            self.write(name, value);
        }
        self.events.extend(above.events);
    }
}

/// A frame on the stack.
pub(super) struct Frame {
    pub(super) account: AccountBytes,
    pub(super) is_deploy: bool,
    /// Whether it runs other code than the contract's own, for a frame of the same contract.
    pub(super) is_delegate: bool,
    /// Whether the contract may be called again by what it calls.
    pub(super) allows_reentry: bool,
    pub(super) code_hash: HashBytes,
    pub(super) layer: Layer,
    pub(super) meter: Meter,
}

/// A frame that is to run.
pub(super) struct NewFrame<'a> {
    pub(super) account: AccountBytes,
    pub(super) code_hash: HashBytes,
    pub(super) is_deploy: bool,
    pub(super) is_delegate: bool,
    pub(super) caller: AccountBytes,
    pub(super) value: Balance,
    pub(super) read_only: bool,
    pub(super) input: &'a [u8],
    pub(super) gas_limit: u64,
    pub(super) meter: Meter,
}

/// How a frame ended.
pub(super) struct Done {
    pub(super) result: Result<Return, Ending>,
    pub(super) gas_used: u64,
}

/// Why a frame has no answer.
pub(super) enum Ending {
    /// Its own fault: whoever called it learns that it trapped, and not how.
    Callee(Trap),
    /// It could not begin, or what it did cannot stand: whoever called it is told, or traps itself.
    Caller(FrameError),
}

impl From<FrameError> for Ending {
    fn from(error: FrameError) -> Self {
        Self::Caller(error)
    }
}

impl From<Trap> for Ending {
    fn from(trap: Trap) -> Self {
        Self::Caller(FrameError::Denied(trap))
    }
}

impl Done {
    fn not_begun(ending: impl Into<Ending>) -> Self {
        Self { result: Err(ending.into()), gas_used: 0 }
    }
}

impl<E: Engine, S: State + ?Sized> World<'_, E, S> {
    /// Runs a frame on a layer of its own, and keeps the layer's changes if the frame succeeds.
    pub(super) fn run_frame(&mut self, new: NewFrame<'_>) -> Done {
        let engine = self.engine;
        let artifact = match self.artifact(&new.code_hash) {
            Ok(Some(artifact)) => artifact,
            Ok(None) | Err(Fault) => return Done::not_begun(FrameError::CodeNotFound),
        };
        if new.is_deploy && self.contract(&new.account).is_some() {
            return Done::not_begun(FrameError::DuplicateContract);
        }
        let context = Context {
            caller: new.caller,
            caller_is_origin: new.caller == self.origin,
            address: new.account,
            value: new.value,
            block_number: self.moment.block_number,
            now_ms: self.moment.now_ms,
            read_only: new.read_only,
            minimum_balance: self.terms.existential_deposit,
        };
        self.stack.push(Frame {
            account: new.account,
            is_deploy: new.is_deploy,
            is_delegate: new.is_delegate,
            allows_reentry: true,
            code_hash: new.code_hash,
            layer: Layer::default(),
            meter: new.meter,
        });
        self.transient.begin();
        let entry = if new.is_deploy { Entry::Deploy } else { Entry::Call };
        let mut gas_used = 0;
        let result = match self.prepare_frame(&context, new.is_deploy, new.is_delegate) {
            Err(ending) => Err(ending),
            Ok(()) => {
                let call = Call { entry, input: new.input, gas_limit: new.gas_limit, context: &context };
                let mut host = FrameHost { world: &mut *self, context: &context };
                let execution = engine.run(&artifact, call, &mut host);
                gas_used = execution.gas_used;
                if execution.result == Err(Trap::HostFault) {
                    self.is_faulty = true;
                }
                execution.result.map_err(Ending::Callee).and_then(|answer| self.check_end(answer))
            }
        };
        let keep = !self.is_faulty && matches!(&result, Ok(answer) if !answer.is_revert());
        self.end_frame(keep);
        Done { result, gas_used }
    }

    /// What happens before the contract's own code: a new contract gets its record and its existence, and the value moves.
    fn prepare_frame(&mut self, context: &Context, is_deploy: bool, is_delegate: bool) -> Result<(), Ending> {
        if is_deploy {
            self.found(&context.address)?;
        }
        if !is_delegate {
            self.pay(&context.caller, &context.address, context.value)
                .map_err(|NotPayable| FrameError::TransferFailed)?;
        }
        Ok(())
    }

    /// Writes a new contract's record, for the origin's money.
    fn found(&mut self, address: &AccountBytes) -> Result<(), Ending> {
        let code_hash = self.stack.last().map(|frame| frame.code_hash).ok_or(Trap::HostFault)?;
        let mut code: CodeInfo = self.decoded(&Key::CodeInfo(code_hash)).ok_or(FrameError::CodeNotFound)?;
        let (origin, least) = (self.origin, self.terms.existential_deposit);
        self.pay(&origin, address, least).map_err(|NotPayable| Trap::DepositNotPayable)?;
        let mut contract = Contract::new(code_hash);
        contract.base_deposit = self.terms.base_deposit(address, &contract, &code);
        if let Some(frame) = self.stack.last_mut() {
            frame.meter.count_paid(least);
            frame.meter.charge(address, Deposit::Charge(contract.base_deposit));
        }
        code.references = code.references.saturating_add(1);
        self.top_layer().write(Key::CodeInfo(code_hash).encode(), Some(code.encode()));
        self.top_layer().write(Key::Contract(*address).encode(), Some(contract.encode()));
        Ok(())
    }

    /// Whether what a frame did may stand, once its code has answered.
    fn check_end(&mut self, answer: Return) -> Result<Return, Ending> {
        if answer.is_revert() {
            return Ok(answer);
        }
        let is_outermost = self.stack.len() == 1;
        let Some(Frame { is_deploy, meter, .. }) = self.stack.last() else {
            return Err(Trap::HostFault.into());
        };
        if *is_deploy && meter.is_ended() {
            return Err(Trap::TerminationDenied.into());
        }
        if is_outermost || meter.has_own_limit() {
            self.settle_storage();
            if self.stack.last().is_some_and(|frame| !frame.meter.is_within_limit()) {
                return Err(Trap::DepositLimitReached.into());
            }
        }
        Ok(answer)
    }

    /// Brings the innermost contract's record up to what its frame stored.
    fn settle_storage(&mut self) {
        let Some(account) = self.stack.last().map(|frame| frame.account) else { return };
        let mut contract = self.contract(&account);
        let terms = self.terms;
        let Some(frame) = self.stack.last_mut() else { return };
        if frame.meter.settle(contract.as_mut(), &terms) {
            frame.layer.write(Key::Contract(account).encode(), contract.map(|contract| contract.encode()));
        }
    }

    /// Takes the innermost frame off the stack.
    fn end_frame(&mut self, keep: bool) {
        self.transient.end(keep);
        if keep {
            self.settle_storage();
        }
        let Some(frame) = self.stack.pop() else { return };
        if !keep {
            if frame.is_deploy {
                self.nonce = self.nonce.wrapping_sub(1);
            }
            return;
        }
        match self.stack.last_mut() {
            Some(parent) => {
                parent.meter.absorb(frame.meter, &frame.account);
                parent.layer.absorb(frame.layer);
            }
            None => {
                self.root.absorb(frame.meter, &frame.account);
                self.base.absorb(frame.layer);
            }
        }
    }

    /// The compiled form of code that is in the state. It was valid when it was uploaded, so that `Err` is a fault.
    pub(super) fn artifact(&mut self, hash: &HashBytes) -> Result<Option<E::Artifact>, Fault> {
        // Not by `read`, which would borrow the cache as well: code is never uploaded or removed during a call.
        let Some(wasm) = self.state.get(&Key::Code(*hash).encode()) else { return Ok(None) };
        match self.codes.artifact(self.engine, hash, wasm) {
            Ok(artifact) => Ok(Some(artifact)),
            Err(_) => {
                self.is_faulty = true;
                Err(Fault)
            }
        }
    }

    /// Whether this account's constructor is still running.
    pub(super) fn is_being_made(&self, account: &AccountBytes) -> bool {
        self.stack.iter().any(|frame| frame.is_deploy && frame.account == *account)
    }

    /// How many times a contract is on the stack, delegations apart.
    pub(super) fn entrances(&self, account: &AccountBytes) -> u32 {
        let on_stack = self.stack.iter().filter(|frame| !frame.is_delegate && frame.account == *account);
        u32::try_from(on_stack.count()).unwrap_or(u32::MAX)
    }

    /// What a contract has stored: its record, and what its frames on the stack stored since.
    pub(super) fn stored(&self, account: &AccountBytes, contract: &Contract) -> (u64, u64) {
        let mut sum = Diff::default();
        for frame in self.stack.iter().filter(|frame| frame.account == *account) {
            sum.add(frame.meter.unsettled());
        }
        let count = |now: u32, added: u32, removed: u32| {
            u64::from(now).saturating_add(added.into()).saturating_sub(removed.into())
        };
        (
            count(contract.storage_bytes, sum.bytes_added, sum.bytes_removed),
            count(contract.storage_items, sum.items_added, sum.items_removed),
        )
    }
}
