// SPDX-License-Identifier: Apache-2.0
//! The contracts' world: what contracts own, and what one call of one of them, with all that it calls, does to it.
//!
//! [`World::run`] runs an outermost call against a [`State`] that it only reads, and returns what changed. Each frame
//! has a layer of changes, which falls to the frame below when it succeeds and is dropped when it traps or reverts.
//! Balances, storage deposits, reentrancy, the end of contracts and the return codes are those of pallet-contracts 51,
//! which a test compares with this module. It differs in this:
//!
//! - A contract's storage and the changes of one call are bounded in bytes, and not by deposits alone.
//! - An address at which a constructor is still running is taken. (The pallet lets it be taken a second time.)
//! - What one call charges and refunds for one contract is paid as one amount. So a contract that is made and ended in
//!   one call leaves nothing behind, and it is paid out where storage costs nothing.
//!
//! It shares one flaw, since deposits must be equal: what a frame stored is not in its contract's record until the frame ends.
//! So when a contract calls itself, or code that runs as itself, and that removes what the outer frame has just stored, the
//! record counts more than there is, and never less. What is held for that comes back when the contract ends.
//!
//! What is absent: who may call (the caller of [`World::run`] has verified that), fees, and the commitment to the state.
//!
//! Where to look next: `frames` is the stack, `frame_host` what a running contract sees, `deposit` and `balances` the
//! money, [`schema`] what is kept, `upload` code.

mod balances;
mod codes;
mod deposit;
mod extensions;
mod frame_host;
mod frames;
pub mod schema;
mod transient;
mod upload;

use std::collections::BTreeMap;

use codec::{Decode, DecodeAll, Encode};
use phala_types::command::Event;

use crate::Trap;
use crate::engine::{Engine, Execution, Return};
use crate::extension::log::{LogLine, Logs};
use crate::host::{AccountBytes, Balance, FrameError, HashBytes, HostError};
use deposit::Meter;
use frames::{Ending, Frame, Layer, NewFrame};
use schema::{Account, Contract, Key};
use transient::Transient;

pub use codes::{CODES_BYTES_MAX, Codes};
pub use deposit::{Deposit, Terms};
pub use extensions::{ExtensionRequest, Extensions, Surroundings};
pub use transient::TRANSIENT_BYTES_MAX;
pub use upload::{RemovalError, Removed, UploadError, Uploaded};

/// The most that one contract may keep: its values, and [`ITEM_BYTES`] for each of them. The whole state is in the worker's
/// memory, of which this is a thirtieth part; two million entries of a token's balances are another matter, and another
/// contract.
pub const CONTRACT_STORAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What a value takes beyond its own bytes: its name of up to 165 bytes, once among the entries and once in the trie, and
/// a share of the trie's nodes.
pub const ITEM_BYTES: usize = 512;
/// The most bytes of names and values that one call may have changed at a time: without it, gas for ten seconds of writing
/// would fill 1.4 GiB. A contract with as much storage as it may have can still be ended, since only names count then.
pub const CALL_CHANGES_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The state before a call.
pub trait State {
    /// An entry.
    fn get(&self, name: &[u8]) -> Option<&[u8]>;

    /// The names that begin with a prefix, in their order.
    fn names<'s>(&'s self, prefix: &'s [u8]) -> Box<dyn Iterator<Item = &'s [u8]> + 's>;
}

impl State for BTreeMap<Vec<u8>, Vec<u8>> {
    fn get(&self, name: &[u8]) -> Option<&[u8]> {
        Self::get(self, name).map(Vec::as_slice)
    }

    fn names<'s>(&'s self, prefix: &'s [u8]) -> Box<dyn Iterator<Item = &'s [u8]> + 's> {
        let from = self.range(prefix.to_vec()..).map(|(name, _)| name.as_slice());
        Box::new(from.take_while(move |name| name.starts_with(prefix)))
    }
}

/// Entries to write, or, with `None`, to remove.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The world broke while a contract ran: the execution has no outcome, and the worker must stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault;

/// What is the same for all frames of one call.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The height of the block that ordered the call, or for a query of the worker's head.
    pub block_number: u32,
    /// That block's time in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// The outermost call.
#[derive(Clone, Copy, Debug)]
pub struct Outermost<'a> {
    /// Which contract.
    pub contract: AccountBytes,
    /// `Some` to make it, from this code.
    pub deploy: Option<HashBytes>,
    /// On whose authority. Pays the value and the deposits.
    pub caller: AccountBytes,
    /// What the caller pays to the contract.
    pub value: Balance,
    /// Selector and arguments.
    pub input: &'a [u8],
    /// The most gas.
    pub gas_limit: u64,
    /// The most that may be held for storage. `None` stands for what the caller can pay, and not more than
    /// [`Terms::default_deposit_limit`].
    pub deposit_limit: Option<Balance>,
    /// Whether every change of state traps.
    pub read_only: bool,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The contract's answer and the gas.
    pub execution: Execution,
    /// What is different now. Empty unless the call succeeded.
    pub changes: Changes,
    /// What contracts announced, in their order. Empty unless the call succeeded.
    pub events: Vec<Event>,
    /// What the caller put down or got back for storage, and for the existence of new contracts. Paid already.
    pub deposit: Deposit,
    /// What contracts logged, in their order, whether or not their frames succeeded. Private: for the caller.
    pub logs: Vec<LogLine>,
}

/// The world during one call.
pub struct World<'a, E: Engine, S: State + ?Sized> {
    engine: &'a E,
    codes: &'a mut Codes<E>,
    state: &'a S,
    terms: Terms,
    moment: Moment,
    extensions: Option<&'a mut dyn Extensions>,
    origin: AccountBytes,
    /// What is below the outermost frame.
    base: Layer,
    root: Meter,
    stack: Vec<Frame>,
    transient: Transient,
    nonce: u64,
    logs: Logs,
    is_faulty: bool,
}

impl<'a, E: Engine, S: State + ?Sized> World<'a, E, S> {
    /// The world as the state has it.
    pub fn new(engine: &'a E, codes: &'a mut Codes<E>, state: &'a S, terms: Terms, moment: Moment) -> Self {
        Self {
            engine,
            codes,
            state,
            terms,
            moment,
            extensions: None,
            origin: [0; 32],
            base: Layer::default(),
            root: Meter::default(),
            stack: Vec::new(),
            transient: Transient::new(),
            nonce: 0,
            logs: Logs::default(),
            is_faulty: false,
        }
    }

    /// The same, with functions beyond the interface.
    #[must_use]
    pub fn with_extensions(mut self, extensions: &'a mut dyn Extensions) -> Self {
        self.extensions = Some(extensions);
        self
    }

    /// Runs the outermost call.
    ///
    /// A call that cannot begin (an unknown contract or code, an address that is taken, a value or a deposit limit that
    /// the caller cannot pay) ends with a trap and uses no gas.
    ///
    /// # Errors
    /// [`Fault`] if the state does not decode, code in it does not compile, or the engine failed.
    pub fn run(mut self, outermost: Outermost<'_>) -> Result<Ran, Fault> {
        self.origin = outermost.caller;
        self.nonce = self.decoded(&Key::Nonce).unwrap_or(0);
        let before = self.nonce;
        let (result, gas_used) = self.run_outermost(outermost);
        if self.is_faulty || matches!(&result, Err(Trap::HostFault)) {
            return Err(Fault);
        }
        let mut ran = Ran {
            execution: Execution { result, gas_used },
            changes: Changes::new(),
            events: Vec::new(),
            deposit: Deposit::default(),
            logs: core::mem::take(&mut self.logs).into_lines(),
        };
        if !ran.execution.is_success() {
            return Ok(ran);
        }
        let bill = core::mem::take(&mut self.root).bill();
        ran.deposit = bill.total;
        if let Err(trap) = self.settle(&outermost.caller, bill) {
            ran.execution.result = Err(trap);
            ran.deposit = Deposit::default();
            return Ok(ran);
        }
        if self.nonce != before {
            self.write(Key::Nonce.encode(), Some(self.nonce.encode())).map_err(|_| Fault)?;
        }
        if self.is_faulty {
            return Err(Fault);
        }
        (ran.changes, ran.events) = (self.base.changes, self.base.events);
        Ok(ran)
    }

    fn run_outermost(&mut self, outermost: Outermost<'_>) -> (Result<Return, Trap>, u64) {
        match self.deposit_limit(&outermost) {
            Ok(limit) => self.root = Meter::outermost(limit),
            Err(trap) => return (Err(trap), 0),
        }
        let code_hash = match outermost.deploy {
            Some(code_hash) => {
                self.nonce = self.nonce.wrapping_add(1);
                Some(code_hash)
            }
            None => self.contract(&outermost.contract).map(|contract| contract.code_hash),
        };
        let Some(code_hash) = code_hash else { return (Err(Trap::ContractNotFound), 0) };
        let done = self.run_frame(NewFrame {
            account: outermost.contract,
            code_hash,
            is_deploy: outermost.deploy.is_some(),
            is_delegate: false,
            caller: outermost.caller,
            value: outermost.value,
            read_only: outermost.read_only,
            input: outermost.input,
            gas_limit: outermost.gas_limit,
            meter: self.root.nested(0),
        });
        let result = done.result.map_err(|ending| match ending {
            Ending::Callee(trap) | Ending::Caller(FrameError::Denied(trap)) => trap,
            Ending::Caller(FrameError::Trapped) => Trap::HostFault,
            Ending::Caller(FrameError::TransferFailed) => Trap::TransferFailed,
            Ending::Caller(FrameError::CodeNotFound) => Trap::CodeNotFound,
            Ending::Caller(FrameError::NotCallable) => Trap::ContractNotFound,
            Ending::Caller(FrameError::ReentranceDenied) => Trap::ReentranceDenied,
            Ending::Caller(FrameError::DepthExceeded) => Trap::CallDepthExceeded,
            Ending::Caller(FrameError::DuplicateContract) => Trap::DuplicateContract,
        });
        (result, done.gas_used)
    }

    /// What may be held, if the caller can pay it besides the value and the existence of one new contract.
    fn deposit_limit(&self, outermost: &Outermost<'_>) -> Result<Balance, Trap> {
        let most = self.spendable(&outermost.caller).saturating_sub(outermost.value);
        let most = most.saturating_sub(self.terms.existential_deposit);
        let limit = outermost.deposit_limit.unwrap_or(most.min(self.terms.default_deposit_limit));
        if limit <= most { Ok(limit) } else { Err(Trap::DepositNotPayable) }
    }

    /// An entry as the innermost frame sees it.
    fn read(&self, name: &[u8]) -> Option<&[u8]> {
        let layers = self.stack.iter().rev().map(|frame| &frame.layer).chain([&self.base]);
        match layers.into_iter().find_map(|layer| layer.changes.get(name)) {
            Some(changed) => changed.as_deref(),
            None => self.state.get(name),
        }
    }

    /// An entry of ours. One that does not decode is missing: the worker wrote it and would not have loaded it.
    fn decoded<T: Decode>(&self, key: &Key) -> Option<T> {
        self.read(&key.encode()).and_then(|mut bytes| T::decode_all(&mut bytes).ok())
    }

    fn contract(&self, id: &AccountBytes) -> Option<Contract> {
        self.decoded(&Key::Contract(*id))
    }

    fn write(&mut self, name: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), HostError> {
        self.top_layer().write(name, value);
        Ok(())
    }

    fn top_layer(&mut self) -> &mut Layer {
        match self.stack.last_mut() {
            Some(frame) => &mut frame.layer,
            None => &mut self.base,
        }
    }

    /// Refuses what would make the call's changes too many.
    fn check_room(&self) -> Result<(), HostError> {
        let bytes =
            self.stack.iter().fold(self.base.bytes, |sum, frame| sum.saturating_add(frame.layer.bytes));
        if bytes > CALL_CHANGES_BYTES_MAX { Err(HostError::LimitReached) } else { Ok(()) }
    }
}

/// What an account has, by a state and outside of any call.
#[must_use]
pub fn account(state: &(impl State + ?Sized), id: &AccountBytes) -> Account {
    let entry = state.get(&Key::Account(*id).encode());
    entry.and_then(|mut bytes| Account::decode_all(&mut bytes).ok()).unwrap_or_default()
}

/// The address of a contract that an account makes. The rule is that of pallet-contracts, which ink! contracts and their
/// tests rely on. (For contracts that users deploy see `phala_types::cluster::contract_id`.)
#[must_use]
pub fn contract_address(
    deployer: &AccountBytes,
    code_hash: &HashBytes,
    input: &[u8],
    salt: &[u8],
) -> AccountBytes {
    sp_crypto_hashing::blake2_256(&(b"contract_addr_v1", deployer, code_hash, input, salt).encode())
}
