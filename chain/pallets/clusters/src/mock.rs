//! A runtime with the pallet, the real mailbox, and a registry that the tests fill.

use crate as pallet_clusters;
use polkadot_sdk::*;

use frame_support::derive_impl;
use pallet_workers::WorkerRegistry;
use phala_types::{
    AccountId, BlockNumber, Bytes, ClusterId, Digest, GenesisHash, MessageNumber, StateRoot, WorkerId,
    account::WorkerSignature,
    cluster::Checkpoint,
    tag::Tag,
    worker::{Role, Tier, WorkerRecord},
};
use sp_core::{H256, Pair as _, crypto::AccountId32, ed25519};
use sp_runtime::{BuildStorage as _, traits::IdentityLookup};
use std::{cell::RefCell, collections::BTreeMap};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Mailbox: pallet_mailbox,
        Clusters: pallet_clusters,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
}

/// A clock that stands still.
pub struct Clock;

impl frame_support::traits::Time for Clock {
    type Moment = u64;

    fn now() -> u64 {
        1_700_000_000_000
    }
}

impl pallet_mailbox::Config for Test {
    type Time = Clock;
    type WeightInfo = pallet_mailbox::weights::UpperBound<Test>;
}

thread_local! {
    static REGISTRY: RefCell<BTreeMap<WorkerId, WorkerRecord>> = const { RefCell::new(BTreeMap::new()) };
}

/// The workers that the test says are registered.
pub struct Registry;

impl Registry {
    /// Registers a miner of `operator`.
    pub fn add(worker: WorkerId, operator: AccountId) {
        Self::add_as(Role::Miner, worker, operator);
    }

    /// Registers a worker of `operator`.
    pub fn add_as(role: Role, worker: WorkerId, operator: AccountId) {
        let record = WorkerRecord {
            hpke_key: [0; 32],
            operator,
            endpoint: Bytes::default(),
            role,
            tier: Tier::Simulated,
            measurement: Digest::new([0; 32]),
            machine: Digest::new([0x12; 32]),
            attestation: Digest::new([0; 32]),
            registered_at: BlockNumber::new(1),
            expires_at: BlockNumber::new(u32::MAX),
        };
        REGISTRY.with_borrow_mut(|registry| registry.insert(worker, record));
    }

    /// Lets a worker's registration expire.
    pub fn expire(worker: &WorkerId) {
        REGISTRY.with_borrow_mut(|registry| registry.remove(worker));
    }
}

impl WorkerRegistry for Registry {
    fn live(worker: &WorkerId) -> Option<WorkerRecord> {
        REGISTRY.with_borrow(|registry| registry.get(worker).cloned())
    }
}

impl pallet_clusters::Config for Test {
    type Mailbox = Mailbox;
    type Workers = Registry;
    type WeightInfo = pallet_clusters::weights::UpperBound<Test>;
}

/// The cluster of genesis.
pub const CLUSTER: ClusterId = ClusterId::new(0);
/// A cluster that does not exist.
pub const NO_CLUSTER: ClusterId = ClusterId::new(1);
/// The operator of the workers.
pub const OPERATOR: AccountId32 = AccountId32::new([1; 32]);
/// A user.
pub const ALICE: AccountId32 = AccountId32::new([2; 32]);
/// The network's genesis hash.
pub const GENESIS: [u8; 32] = [42; 32];
/// The height at which tests run.
pub const NOW: u64 = 100;

/// A worker's signing key.
pub fn key(seed: u8) -> ed25519::Pair {
    ed25519::Pair::from_seed(&[seed; 32])
}

/// The worker with that key.
pub fn worker(seed: u8) -> WorkerId {
    WorkerId::new(key(seed).public().0)
}

/// Runs a test on a chain with one cluster and one registered worker, and checks the invariants after it.
pub fn run(test: impl FnOnce()) {
    let storage = RuntimeGenesisConfig::default().build_storage().expect("genesis is well formed");
    let mut externalities = sp_io::TestExternalities::from(storage);
    REGISTRY.with_borrow_mut(BTreeMap::clear);
    Registry::add(worker(1), AccountId::new(OPERATOR.into()));
    externalities.execute_with(|| {
        frame_system::BlockHash::<Test>::insert(0, H256(GENESIS));
        System::set_block_number(NOW);
        test();
        frame_support::assert_ok!(Clusters::check_invariants());
    });
}

/// A checkpoint of the cluster after so many messages.
pub fn checkpoint(position: u64, state: u8) -> Checkpoint {
    Checkpoint {
        cluster: CLUSTER,
        position: MessageNumber::new(position),
        block: BlockNumber::new(50),
        state_root: StateRoot::new([state; 32]),
    }
}

/// Signs a checkpoint as a worker of this network does.
pub fn sign(seed: u8, checkpoint: &Checkpoint) -> WorkerSignature {
    sign_for(GENESIS, Tag::CHECKPOINT, seed, checkpoint)
}

/// Signs a checkpoint for some network and purpose.
pub fn sign_for(genesis: [u8; 32], tag: Tag, seed: u8, checkpoint: &Checkpoint) -> WorkerSignature {
    WorkerSignature(key(seed).sign(&tag.preimage(&GenesisHash::new(genesis), checkpoint)).0)
}
