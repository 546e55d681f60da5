// SPDX-License-Identifier: Apache-2.0
//! The runtime: accounts, balances, time, contracts. Prices and limits are ours where they can be chosen.

use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstBool, ConstU32, Randomness},
    weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use pallet_contracts::{Frame, Schedule};
use sp_runtime::{AccountId32, Perbill, traits::IdentityLookup};

use crate::machine::{CODE_LOCKUP_PERCENT, DEPOSIT_PER_BYTE, DEPOSIT_PER_ITEM, EXISTENTIAL_DEPOSIT};

frame_support::construct_runtime!(
    pub enum Runtime {
        System: frame_system,
        Balances: pallet_balances,
        Timestamp: pallet_timestamp,
        Contracts: pallet_contracts,
    }
);

type Block = frame_system::mocking::MockBlockU32<Runtime>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
}

parameter_types! {
    pub const ExistentialDeposit: u128 = EXISTENTIAL_DEPOSIT;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = u128;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

/// Randomness that only deprecated functions ask for: a hash of the subject.
pub struct Subject;

impl Randomness<sp_core::H256, BlockNumberFor<Runtime>> for Subject {
    fn random(subject: &[u8]) -> (sp_core::H256, BlockNumberFor<Runtime>) {
        (sp_crypto_hashing::blake2_256(subject).into(), 0)
    }
}

parameter_types! {
    pub ContractSchedule: Schedule<Runtime> = {
        let mut schedule = Schedule::<Runtime>::default();
        schedule.limits.memory_pages = phala_vm::limits::MEMORY_PAGES_MAX;
        schedule.limits.event_topics = phala_vm::limits::EVENT_TOPICS_MAX;
        schedule.limits.payload_len = phala_vm::abi::MAX_VALUE_BYTES;
        // Natively there is as much as there is: the pallet's own test of its limits thinks of a runtime in WebAssembly.
        schedule.limits.runtime_memory = 3 << 30;
        schedule.limits.validator_runtime_memory = u32::MAX;
        schedule
    };
    pub const DepositPerByte: u128 = DEPOSIT_PER_BYTE;
    pub const DepositPerItem: u128 = DEPOSIT_PER_ITEM;
    pub const DefaultDepositLimit: u128 = u128::MAX;
    pub const CodeHashLockupDepositPercent: Perbill = Perbill::from_percent(CODE_LOCKUP_PERCENT);
}

/// A price of weight that is one for each unit of time.
pub struct Price;

impl sp_runtime::traits::Convert<Weight, u128> for Price {
    fn convert(weight: Weight) -> u128 {
        weight.ref_time().into()
    }
}

/// One frame less than our limit: the pallet keeps the first one apart.
const NESTED_FRAMES: usize = phala_vm::limits::CALL_DEPTH_MAX - 1;

#[derive_impl(pallet_contracts::config_preludes::TestDefaultConfig)]
impl pallet_contracts::Config for Runtime {
    type Time = Timestamp;
    type Randomness = Subject;
    type Currency = Balances;
    type CallStack = [Frame<Self>; NESTED_FRAMES];
    type Schedule = ContractSchedule;
    type DepositPerByte = DepositPerByte;
    type DepositPerItem = DepositPerItem;
    type DefaultDepositLimit = DefaultDepositLimit;
    type CodeHashLockupDepositPercent = CodeHashLockupDepositPercent;
    type MaxCodeLen = ConstU32<{ phala_vm::limits::CODE_BYTES_MAX }>;
    type MaxStorageKeyLen = ConstU32<{ phala_vm::abi::MAX_KEY_BYTES }>;
    type MaxDebugBufferLen = ConstU32<{ phala_vm::abi::MAX_DEBUG_MESSAGE_BYTES }>;
    type UnsafeUnstableInterface = ConstBool<true>;
    type WeightPrice = Price;
    // Weights of a machine, so that metering costs what it costs on a chain.
    type WeightInfo = pallet_contracts::weights::SubstrateWeight<Self>;
}
