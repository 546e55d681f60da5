//! A runtime with the pallet, and workers on the simulated platform.

use crate as pallet_workers;
use polkadot_sdk::*;

use frame_support::{derive_impl, traits::ConstU32};
use phala_attest::{Measurements, Policy, SimulatedPolicy, danger_simulated::Machine, report_data};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Bytes, GenesisHash, WorkerId, limits::EVIDENCE_BYTES_MAX,
    worker::Registration,
};
use sp_core::{H256, crypto::AccountId32};
use sp_runtime::{BuildStorage as _, traits::IdentityLookup};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
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

/// A clock that stands still, in November 2026.
pub struct Clock;

impl frame_support::traits::Time for Clock {
    type Moment = u64;

    fn now() -> u64 {
        NOW_MS
    }
}

impl pallet_workers::Config for Test {
    type Time = Clock;
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
/// How long registrations last in tests.
pub const LIFETIME: u32 = 50;

/// Runs a test where any simulated worker is admitted, and checks the invariants after it.
pub fn run(test: impl FnOnce()) {
    let policy = Policy { simulated: Some(SimulatedPolicy { measurements: Measurements::DangerAny }) };
    run_with(policy, test);
}

/// Runs a test under a policy.
pub fn run_with(policy: Policy, test: impl FnOnce()) {
    let workers = pallet_workers::GenesisConfig { policy, lifetime_blocks: LIFETIME, ..Default::default() };
    let storage =
        RuntimeGenesisConfig { workers, ..Default::default() }.build_storage().expect("it is well formed");
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

/// A block of this chain.
pub fn anchor(number: u64) -> BlockRef {
    BlockRef { number: BlockNumber::new(number as u32), hash: BlockHash::new([number as u8; 32]) }
}

/// What the worker would register as, at a block.
pub fn registration(anchored_at: u64) -> Registration {
    Registration {
        genesis: GenesisHash::new(GENESIS),
        worker: WORKER,
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
    let machine = Machine::new(&[6; 32]).expect("the keys are good");
    let evidence = machine.evidence(measurement, report_data).expect("the keys are good");
    Bytes::try_from(evidence).expect("it is within the bound")
}
