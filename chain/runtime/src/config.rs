//! How the runtime configures each pallet, and why.

use crate::{
    AccountId, Attestation, Babe, Balance, Balances, Block, BlockNumber, Hash, Mailbox, Nonce, PalletInfo,
    Runtime, RuntimeCall, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, RuntimeOrigin, RuntimeTask,
    Session, SessionKeys, System, Timestamp, VERSION, Workers, money, network,
};
use polkadot_sdk::*;

use frame_support::{
    derive_impl,
    dispatch::DispatchClass,
    parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, EitherOfDiverse, VariantCountOf},
    weights::{
        Weight,
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
    },
};
use frame_system::{
    EnsureRoot,
    limits::{BlockLength, BlockWeights},
};
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_runtime::{
    Perbill,
    traits::{AccountIdLookup, BlakeTwo256, ConvertInto, One, OpaqueKeys},
};
use sp_version::RuntimeVersion;

/// What user transactions may take of a block. The rest is for what the chain itself must always be able to do.
const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// Two seconds of computation: a third of a live slot of 6 s. In a development network of 1 s slots the author stops
/// filling a block at two thirds of the slot, so there this bound is never reached.
const BLOCK_WEIGHT_MAX: Weight = Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND.saturating_mul(2), u64::MAX);

/// Two of the largest code uploads and room beside them.
const BLOCK_BYTES_MAX: u32 = 5 * 1024 * 1024;

/// Validators: GRANDPA justifications grow with them, and light clients bound a justification.
pub const AUTHORITIES_MAX: u32 = phala_types::limits::AUTHORITIES_MAX;

parameter_types! {
    /// Hashes of the last blocks: how old the anchor of a mortal transaction or a registration may be.
    pub const BlockHashCount: BlockNumber = 2_400;
    /// The runtime's version.
    pub const Version: RuntimeVersion = VERSION;
    /// What a block may weigh.
    pub RuntimeBlockWeights: BlockWeights =
        BlockWeights::with_sensible_defaults(BLOCK_WEIGHT_MAX, NORMAL_DISPATCH_RATIO);
    /// How long a block may be.
    pub RuntimeBlockLength: BlockLength =
        BlockLength::builder()
            .max_length(BLOCK_BYTES_MAX)
            .modify_max_length_for_class(DispatchClass::Normal, |length| *length = NORMAL_DISPATCH_RATIO * *length)
            .build();
    /// The address prefix.
    pub const SS58Prefix: u16 = money::SS58_PREFIX;
    /// Fees do not rise with load yet: that is for the economy to decide.
    pub FeeMultiplier: Multiplier = Multiplier::one();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type AccountId = AccountId;
    type Nonce = Nonce;
    type Hash = Hash;
    type Hashing = BlakeTwo256;
    type Lookup = AccountIdLookup<AccountId, ()>;
    type AccountData = pallet_balances::AccountData<Balance>;
    type BlockHashCount = BlockHashCount;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type DbWeight = ParityDbWeight;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
    type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
    type SS58Prefix = SS58Prefix;
    type Version = Version;
    type MaxConsumers = ConstU32<16>;
}

impl network::Config for Runtime {}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Babe;
    type MinimumPeriod = network::MinimumPeriod;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_babe::Config for Runtime {
    type EpochDuration = network::EpochDuration;
    type ExpectedBlockTime = network::SlotDuration;
    // The session pallet ends epochs.
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<AUTHORITIES_MAX>;
    type MaxNominators = ConstU32<0>;
    // Nobody is bonded yet, so there is nothing to slash for an equivocation, and no proof of it exists.
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<AUTHORITIES_MAX>;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
    type EventHandler = ();
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    // Keeps the validators of genesis. Their keys may change: `set_keys` takes effect two sessions later, and hands
    // GRANDPA a new authority set.
    type SessionManager = ();
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    // A set of keys takes three storage items for good; the deposit comes back with `purge_keys`.
    type KeyDeposit = ConstU128<{ money::PHA }>;
}

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type Balance = Balance;
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<{ money::EXISTENTIAL_DEPOSIT }>;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<0>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, money::ToAuthor>;
    type WeightToFee = money::WeightToFee;
    type LengthToFee = money::LengthToFee;
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type OperationalFeeMultiplier = frame_support::traits::ConstU8<5>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

impl pallet_mailbox::Config for Runtime {
    type Time = Timestamp;
    type WeightInfo = pallet_mailbox::weights::UpperBound<Runtime>;
}

impl pallet_attestation::Config for Runtime {
    type Time = Timestamp;
    // Nothing is root here yet: that place is governance's.
    type CuratorOrigin = EitherOfDiverse<EnsureRoot<AccountId>, pallet_attestation::EnsureCurator<Runtime>>;
    type SessionBlocks = network::SessionBlocks;
    type WeightInfo = pallet_attestation::weights::UpperBound<Runtime>;
}

impl pallet_workers::Config for Runtime {
    type Time = Timestamp;
    type Attestation = Attestation;
    type SlotMs = network::SlotDuration;
    type SessionBlocks = network::SessionBlocks;
    // 944 workers in a development network and 38 384 in the live one, for 1 % of a block.
    type RoundPerBlock = ConstU32<16>;
    // Ten minutes in a development network and an hour in the live one: time enough to make evidence, have it paid for
    // and included, and too little to find out an old key.
    type AnchorBlocksMax = ConstU32<600>;
    type WeightInfo = pallet_workers::weights::UpperBound<Runtime>;
}

impl pallet_clusters::Config for Runtime {
    type Mailbox = Mailbox;
    type Workers = Workers;
    type WeightInfo = pallet_clusters::weights::UpperBound<Runtime>;
}
