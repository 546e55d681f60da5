//! A runtime with the pallet, and workers on the simulated platform.

use crate as pallet_workers;
use polkadot_sdk::*;

use frame_support::{derive_impl, traits::ConstU32};
use phala_attest::{Measurements, Policy, SimulatedPolicy, danger_simulated::Machine, report_data};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Bytes, Digest, GenesisHash, WorkerId,
    limits::EVIDENCE_BYTES_MAX,
    worker::{Registration, Role, Tier, machine_on_chain},
};
use sp_core::{H256, crypto::AccountId32};
use sp_runtime::{BuildStorage as _, traits::IdentityLookup};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Attestation: pallet_attestation,
        Workers: pallet_workers,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type BlockHashCount = frame_support::traits::ConstU64<250>;
}

std::thread_local! {
    static CLOCK_MS: core::cell::Cell<u64> = const { core::cell::Cell::new(NOW_MS) };
}

/// A clock that stands still, in November 2026, unless a test sets it.
pub struct Clock;

impl Clock {
    /// Sets it.
    pub fn set(now_ms: u64) {
        CLOCK_MS.set(now_ms);
    }
}

impl frame_support::traits::Time for Clock {
    type Moment = u64;

    fn now() -> u64 {
        CLOCK_MS.get()
    }
}

impl pallet_attestation::Config for Test {
    type Time = Clock;
    type CuratorOrigin = frame_system::EnsureRoot<AccountId32>;
    type SessionBlocks = ConstU32<SESSION>;
    type WeightInfo = pallet_attestation::weights::UpperBound<Test>;
}

impl pallet_workers::Config for Test {
    type Time = Clock;
    type Attestation = Attestation;
    type SlotMs = frame_support::traits::ConstU64<SLOT_MS>;
    type SessionBlocks = ConstU32<SESSION>;
    type RoundPerBlock = ConstU32<2>;
    type AnchorBlocksMax = ConstU32<20>;
    type WeightInfo = pallet_workers::weights::UpperBound<Test>;
}

/// What the clock says.
pub const NOW_MS: u64 = 1_795_000_000_000;
/// The operator of the workers.
pub const OPERATOR: AccountId32 = AccountId32::new([1; 32]);
/// Another operator.
pub const OTHER: AccountId32 = AccountId32::new([2; 32]);
/// The network's genesis hash.
pub const GENESIS: [u8; 32] = [42; 32];
/// The worker.
pub const WORKER: WorkerId = WorkerId::new([3; 32]);
/// The height at which tests begin.
pub const NOW: u64 = 100;
/// How long miners' registrations last in tests.
pub const LIFETIME: u32 = 50;
/// How long gatekeepers' registrations last in tests.
pub const GATEKEEPER_LIFETIME: u32 = 20;
/// Blocks of a session.
pub const SESSION: u32 = 5;
/// Milliseconds of a slot.
pub const SLOT_MS: u64 = 6_000;

/// A policy that admits any simulated program.
pub fn any_simulated() -> Policy {
    Policy { simulated: Some(SimulatedPolicy { measurements: Measurements::DangerAny }), ..Policy::default() }
}

/// Runs a test where any simulated worker is admitted, and checks the invariants after it.
pub fn run(test: impl FnOnce()) {
    run_with(any_simulated(), test);
}

/// Runs a test under a policy for all roles.
pub fn run_with(policy: Policy, test: impl FnOnce()) {
    let workers = pallet_workers::GenesisConfig {
        miner_lifetime_blocks: LIFETIME,
        gatekeeper_lifetime_blocks: GATEKEEPER_LIFETIME,
        ..Default::default()
    };
    let attestation = pallet_attestation::GenesisConfig {
        miners: policy.clone(),
        gatekeepers: policy,
        ..Default::default()
    };
    let genesis = RuntimeGenesisConfig { workers, attestation, ..Default::default() };
    let storage = genesis.build_storage().expect("it is well formed");
    Clock::set(NOW_MS);
    sp_io::TestExternalities::from(storage).execute_with(|| {
        go_to(NOW);
        test();
        frame_support::assert_ok!(Workers::check_invariants());
    });
}

/// Goes to a height, with a hash for every block before it that the chain remembers.
pub fn go_to(height: u64) {
    frame_system::BlockHash::<Test>::insert(0, H256(GENESIS));
    for number in height.saturating_sub(30).max(1)..height {
        frame_system::BlockHash::<Test>::insert(number, H256(*anchor(number).hash.as_bytes()));
    }
    System::set_block_number(height);
}

/// Goes on by blocks.
pub fn pass(blocks: u32) {
    use frame_support::traits::Hooks as _;
    for _ in 0..blocks {
        let next = System::block_number() + 1;
        go_to(next);
        Attestation::on_initialize(next);
        Workers::on_initialize(next);
    }
}

/// A block of this chain.
pub fn anchor(number: u64) -> BlockRef {
    BlockRef { number: BlockNumber::new(number as u32), hash: BlockHash::new([number as u8; 32]) }
}

/// What the worker would register as, at a block.
pub fn registration(anchored_at: u64) -> Registration {
    Registration {
        genesis: GenesisHash::new(GENESIS),
        worker: WORKER,
        role: Role::Miner,
        hpke_key: [4; 32],
        operator: AccountId::new(OPERATOR.into()),
        endpoint: Bytes::try_from(b"http://127.0.0.1:8000".to_vec()).expect("it is short"),
        anchor: anchor(anchored_at),
    }
}

/// The program that the workers run.
pub const MEASUREMENT: [u8; 32] = [5; 32];

/// Evidence of the simulated platform for a registration.
pub fn evidence(registration: &Registration) -> Bytes<EVIDENCE_BYTES_MAX> {
    evidence_of(MEASUREMENT, report_data(registration))
}

/// Evidence of the simulated platform that says what the test wants.
pub fn evidence_of(measurement: [u8; 32], report_data: [u8; 64]) -> Bytes<EVIDENCE_BYTES_MAX> {
    evidence_on(6, measurement, report_data)
}

/// Evidence of one of several simulated machines.
pub fn evidence_on(machine: u8, measurement: [u8; 32], report_data: [u8; 64]) -> Bytes<EVIDENCE_BYTES_MAX> {
    let machine = Machine::new(&[machine; 32]).expect("the keys are good");
    let evidence = machine.evidence(measurement, report_data).expect("the keys are good");
    Bytes::try_from(evidence).expect("it is within the bound")
}

/// The name on the chain of one of several simulated machines.
pub fn machine_name(machine: u8) -> Digest {
    let machine = Machine::new(&[machine; 32]).expect("the keys are good");
    let name = phala_attest::machine(Tier::Simulated, &machine.instance());
    machine_on_chain(&GenesisHash::new(GENESIS), &name)
}
