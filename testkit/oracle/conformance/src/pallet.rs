// SPDX-License-Identifier: Apache-2.0
//! The oracle: `pallet-contracts` in a native runtime with nothing else but balances and time.

use std::collections::{BTreeMap, BTreeSet};

use codec::{Decode, DecodeAll as _};
use frame_support::{
    storage::{TransactionOutcome, child, with_transaction},
    traits::fungible::{Inspect as _, InspectHold as _, Mutate as _},
    weights::Weight,
};
use pallet_contracts::{Code, CollectEvents, DebugInfo, Determinism, HoldReason, StorageDeposit};
use sp_runtime::{AccountId32, BuildStorage as _, DispatchError, TokenError};

use crate::machine::{Account, Answer, Balance, Call, End, Event, Hash, Instantiate, Machine, Ran};
use runtime::{Balances, Contracts, Runtime, RuntimeEvent, RuntimeOrigin, System};

mod runtime;

/// `pallet-contracts` 51 with a state of its own.
pub struct Pallet {
    state: sp_io::TestExternalities,
    fixed_keys: BTreeSet<[u8; 32]>,
}

impl Default for Pallet {
    fn default() -> Self {
        let genesis = frame_system::GenesisConfig::<Runtime>::default().build_storage();
        let state = sp_io::TestExternalities::new(genesis.expect("an empty genesis is storage"));
        let mut pallet = Self { state, fixed_keys: BTreeSet::new() };
        pallet.set_block(1, 1_000);
        pallet
    }
}

/// All the gas that a case may need.
const AMPLE: Weight = Weight::from_parts(u64::MAX / 4, u64::MAX / 4);
/// Gas for a few million instructions.
const STARVED: Weight = Weight::from_parts(20_000_000_000, u64::MAX / 4);

impl Pallet {
    /// Does something, and undoes it if it failed or was reverted, as an extrinsic does.
    fn attempt(&mut self, step: impl FnOnce() -> Ran) -> Ran {
        self.state.execute_with(|| {
            System::reset_events();
            let undone = with_transaction(|| {
                let mut ran = step();
                ran.events = events();
                match &ran.result {
                    Ok(answer) if answer.flags & 1 == 0 => {
                        TransactionOutcome::Commit(Ok::<_, DispatchError>(ran))
                    }
                    // Nothing of it stands, so that there is nothing to tell.
                    _ => {
                        ran.events.clear();
                        ran.deposit = 0;
                        ran.address = None;
                        TransactionOutcome::Rollback(Ok(ran))
                    }
                }
            });
            undone.expect("there is no limit of nested transactions in reach")
        })
    }

    /// What is held on the account of each contract beyond what the pallet's own record of that contract accounts for.
    pub fn stranded(&mut self) -> BTreeMap<Account, i128> {
        let signed = |amount: u128| i128::try_from(amount).expect("deposits are small");
        self.state.execute_with(|| {
            let accounts = frame_system::Account::<Runtime>::iter_keys();
            let beyond = accounts.map(|account| {
                let held = Balances::balance_on_hold(&HoldReason::StorageDepositReserve.into(), &account);
                let id: Account = account.into();
                (id, signed(held) - signed(record(&id).map_or(0, |record| record.deposits())))
            });
            beyond.filter(|(_, amount)| *amount != 0).collect()
        })
    }

    /// Runs a call that is already encoded, and tells only what is needed to time it.
    pub fn call_bare(&mut self, request: &Call) -> Result<Answer, End> {
        let gas = if request.is_starved { STARVED } else { AMPLE };
        let (caller, contract) = (AccountId32::new(request.caller), AccountId32::new(request.contract));
        let (value, limit, input) = (request.value, request.deposit_limit, request.input.clone());
        self.state.execute_with(|| {
            let ran = Contracts::bare_call(
                caller,
                contract,
                value,
                gas,
                limit,
                input,
                DebugInfo::Skip,
                CollectEvents::Skip,
                Determinism::Enforced,
            );
            System::reset_events();
            ran.result.map(|answer| Answer { flags: answer.flags.bits(), data: answer.data }).map_err(class)
        })
    }
}

impl Machine for Pallet {
    fn name(&self) -> &'static str {
        "pallet-contracts"
    }

    fn fund(&mut self, account: &Account, amount: u128) {
        self.state.execute_with(|| {
            Balances::mint_into(&AccountId32::new(*account), amount).expect("the balance does not overflow")
        });
    }

    fn set_block(&mut self, number: u32, now_ms: u64) {
        self.state.execute_with(|| {
            System::set_block_number(number);
            pallet_timestamp::Now::<Runtime>::put(now_ms);
        });
    }

    fn upload(&mut self, owner: &Account, wasm: &[u8]) -> Result<Hash, End> {
        let owner = AccountId32::new(*owner);
        self.state.execute_with(|| {
            frame_support::storage::with_storage_layer(|| {
                Contracts::bare_upload_code(owner, wasm.to_vec(), None, Determinism::Enforced)
            })
            .map(|uploaded| uploaded.code_hash.0)
            .map_err(class)
        })
    }

    fn remove_code(&mut self, owner: &Account, code: &Hash) -> Result<(), End> {
        let origin = RuntimeOrigin::signed(AccountId32::new(*owner));
        self.state.execute_with(|| {
            frame_support::storage::with_storage_layer(|| {
                Contracts::remove_code(origin, (*code).into()).map_err(|failed| failed.error)
            })
            .map(|_| ())
            .map_err(class)
        })
    }

    fn instantiate(&mut self, request: &Instantiate) -> Ran {
        let request = request.clone();
        self.attempt(|| {
            let made = Contracts::bare_instantiate(
                AccountId32::new(request.caller),
                request.value,
                AMPLE,
                request.deposit_limit,
                Code::Existing(request.code.into()),
                request.input,
                request.salt,
                DebugInfo::UnsafeDebug,
                CollectEvents::Skip,
            );
            let address = made.result.as_ref().ok().map(|made| made.account_id.clone().into());
            let result = made.result.map(|made| made.result);
            ran(result, address, made.storage_deposit, made.debug_message)
        })
    }

    fn call(&mut self, request: &Call) -> Ran {
        let request = request.clone();
        let gas = if request.is_starved { STARVED } else { AMPLE };
        self.attempt(|| {
            let called = Contracts::bare_call(
                AccountId32::new(request.caller),
                AccountId32::new(request.contract),
                request.value,
                gas,
                request.deposit_limit,
                request.input,
                DebugInfo::UnsafeDebug,
                CollectEvents::Skip,
                Determinism::Enforced,
            );
            ran(called.result, None, called.storage_deposit, called.debug_message)
        })
    }

    fn learn_key(&mut self, key: &[u8]) {
        if let Ok(key) = key.try_into() {
            self.fixed_keys.insert(key);
        }
    }

    fn storage(&mut self, contract: &Account) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let fixed = &self.fixed_keys;
        self.state.execute_with(|| {
            let Some(trie) = child_trie(contract) else { return BTreeMap::new() };
            let mut found = BTreeMap::new();
            let mut name = Vec::new();
            while let Some(next) = sp_io::default_child_storage::next_key(trie.storage_key(), &name) {
                let value = child::get_raw(&trie, &next).expect("a name that is there has a value");
                found.insert(own_key(&next, fixed), value);
                name = next;
            }
            found
        })
    }

    fn balance(&mut self, account: &Account) -> Balance {
        let account = AccountId32::new(*account);
        self.state.execute_with(|| {
            let free = Balances::free_balance(&account);
            Balance { free, held: Balances::total_balance(&account) - free }
        })
    }

    fn code_hash(&mut self, account: &Account) -> Option<Hash> {
        self.state.execute_with(|| Contracts::code_hash(&AccountId32::new(*account))).map(|hash| hash.0)
    }
}

/// The contract's own key for the name under which the pallet stores it: variable keys are appended to their hash, fixed
/// ones only hashed, so that they must have been told.
fn own_key(name: &[u8], fixed: &BTreeSet<[u8; 32]>) -> Vec<u8> {
    if let Some((hash, key)) = name.split_at_checked(16)
        && sp_crypto_hashing::blake2_128(key) == hash
    {
        return key.to_vec();
    }
    match fixed.iter().find(|key| sp_crypto_hashing::blake2_256(*key) == name) {
        Some(key) => key.to_vec(),
        None => [b"the hash ", name].concat(),
    }
}

/// What the pallet keeps of a contract. Its own type has private fields.
#[derive(Decode)]
struct Record {
    trie_id: Vec<u8>,
    _code_hash: Hash,
    _bytes: u32,
    _items: u32,
    byte_deposit: u128,
    item_deposit: u128,
    base_deposit: u128,
    dependencies: BTreeMap<Hash, u128>,
}

impl Record {
    fn deposits(&self) -> u128 {
        self.byte_deposit + self.item_deposit + self.base_deposit + self.dependencies.values().sum::<u128>()
    }
}

/// The pallet keeps its map of contracts to itself, so it is read as bytes.
fn record(contract: &Account) -> Option<Record> {
    let map = frame_support::storage::storage_prefix(b"Contracts", b"ContractInfoOf");
    let name = [map.as_slice(), &sp_crypto_hashing::twox_64(contract), contract].concat();
    let record = sp_io::storage::get(&name)?;
    Some(Record::decode_all(&mut &record[..]).expect("a record is as it is in release 51"))
}

/// Where a contract's storage is.
fn child_trie(contract: &Account) -> Option<child::ChildInfo> {
    record(contract).map(|record| child::ChildInfo::new_default(&record.trie_id))
}

fn ran(
    result: Result<pallet_contracts::ExecReturnValue, DispatchError>,
    address: Option<Account>,
    deposit: StorageDeposit<u128>,
    debug: Vec<u8>,
) -> Ran {
    let signed = |amount: u128| i128::try_from(amount).expect("deposits are small");
    Ran {
        result: result.map(|answer| Answer { flags: answer.flags.bits(), data: answer.data }).map_err(class),
        address,
        deposit: match deposit {
            StorageDeposit::Charge(amount) => signed(amount),
            StorageDeposit::Refund(amount) => -signed(amount),
        },
        events: Vec::new(),
        debug,
    }
}

fn events() -> Vec<Event> {
    System::read_events_no_consensus()
        .filter_map(|record| match record.event {
            RuntimeEvent::Contracts(pallet_contracts::Event::ContractEmitted { contract, data }) => {
                let topics = record.topics.iter().map(|topic| topic.0).collect();
                Some(Event { contract: contract.into(), topics, data })
            }
            _ => None,
        })
        .collect()
}

fn class(error: DispatchError) -> End {
    match error {
        DispatchError::Token(
            TokenError::FundsUnavailable | TokenError::NotExpendable | TokenError::BelowMinimum,
        ) => End::TransferFailed,
        DispatchError::Token(TokenError::CannotCreateHold) => End::DepositOfEndedContract,
        DispatchError::Module(module) => class_of_name(module.message.unwrap_or_default()),
        DispatchError::BadOrigin => End::NotOwner,
        other => End::Other(format!("{other:?}")),
    }
}

fn class_of_name(name: &str) -> End {
    match name {
        "OutOfGas" => End::OutOfGas,
        "ContractTrapped" | "OutOfBounds" => End::Trapped,
        "OutputBufferTooSmall" => End::OutputBufferTooSmall,
        "InvalidCallFlags" | "DecodingFailed" | "XCMDecodeFailed" | "RandomSubjectTooLong" => {
            End::InvalidArgument
        }
        "ValueTooLarge" => End::ValueTooLong,
        "TooManyTopics" => End::TooManyTopics,
        "StateChangeDenied" => End::StateChangeDenied,
        "InputForwarded" => End::InputForwarded,
        "ReentranceDenied" => End::ReentranceDenied,
        "MaxCallDepthReached" => End::CallDepthExceeded,
        "DuplicateContract" => End::DuplicateContract,
        "TerminatedWhileReentrant" => End::TerminationDenied,
        "TerminatedInConstructor" => End::TerminationDenied,
        "NoChainExtension" => End::NoChainExtension,
        "TransferFailed" => End::TransferFailed,
        "ContractNotFound" => End::ContractNotFound,
        "CodeNotFound" | "CodeInfoNotFound" => End::CodeNotFound,
        "CodeRejected" | "CodeTooLarge" => End::CodeRejected,
        "CodeInUse" => End::CodeInUse,
        "StorageDepositNotEnoughFunds" => End::DepositUnaffordable,
        "StorageDepositLimitExhausted" => End::DepositLimitExceeded,
        "MaxDelegateDependenciesReached" => End::TooManyDependencies,
        "DelegateDependencyNotFound" => End::DependencyNotFound,
        "DelegateDependencyAlreadyExists" => End::DependencyExists,
        "CannotAddSelfAsDelegateDependency" => End::DependencyOnSelf,
        "OutOfTransientStorage" => End::OutOfTransientStorage,
        other => End::Other(other.to_owned()),
    }
}
