//! Genesis presets: what makes one network another.

use crate::{
    AccountId, BabeConfig, Balance, BalancesConfig, NetworkConfig, RuntimeGenesisConfig, SessionConfig,
    SessionKeys, WorkersConfig, money::PHA,
};
use polkadot_sdk::*;

use alloc::{vec, vec::Vec};
use frame_support::build_struct_json_patch;
use phala_attest::{Measurements, Policy, SimulatedPolicy};
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// The preset of the live network.
pub const LIVE_RUNTIME_PRESET: &str = "live";

/// One slot in four has an author by lot, and the others one by turn, so that every slot has a block: as Polkadot.
pub const BABE_EPOCH_CONFIG: BabeEpochConfiguration =
    BabeEpochConfiguration { c: (1, 4), allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots };

/// What each well-known account of a development network begins with.
const ENDOWMENT: Balance = 1_000_000 * PHA;

/// A development network: blocks each second, so that people and tests need not wait, and an epoch of one minute, so
/// that a rotated session key (two epochs) can be watched, while epochs stay long beside finality (two blocks).
const DEV_NETWORK: (u64, u64) = (1_000, 60);

/// The live network: 6 s, as Polkadot, so that blocks reach validators around the world, and epochs of four hours.
const LIVE_NETWORK: (u64, u64) = (6_000, 2_400);

/// For how many blocks a worker's registration is valid: seven days, after which a broken TEE that was not noticed has
/// to attest again.
const fn registration_blocks(slot_ms: u64) -> u32 {
    // Fits for any slot of at least a millisecond.
    (7 * 24 * 3600 * 1000 / slot_ms) as u32
}

/// The names of all presets.
pub fn names() -> Vec<PresetId> {
    [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, LIVE_RUNTIME_PRESET].map(PresetId::from).to_vec()
}

/// The genesis of a preset as JSON, to be merged over the default genesis.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEV_RUNTIME_PRESET => development(vec![validator(Sr25519Keyring::Alice, Ed25519Keyring::Alice)]),
        LOCAL_TESTNET_RUNTIME_PRESET => development(vec![
            validator(Sr25519Keyring::Alice, Ed25519Keyring::Alice),
            validator(Sr25519Keyring::Bob, Ed25519Keyring::Bob),
        ]),
        LIVE_RUNTIME_PRESET => live(),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// The well-known accounts, whose secret keys everybody knows, hold everything and make the blocks.
fn development(validators: Vec<(AccountId, AccountId, SessionKeys)>) -> serde_json::Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        network: NetworkConfig { slot_ms: DEV_NETWORK.0, epoch_slots: DEV_NETWORK.1 },
        babe: BabeConfig { epoch_config: BABE_EPOCH_CONFIG },
        balances: BalancesConfig {
            balances: Sr25519Keyring::well_known()
                .map(|who| (who.to_account_id(), ENDOWMENT))
                .collect::<Vec<_>>(),
        },
        session: SessionConfig { keys: validators },
        // The only policy of ours that names the simulated platform, and it admits any build of a developer.
        workers: WorkersConfig {
            policy: Policy { simulated: Some(SimulatedPolicy { measurements: Measurements::DangerAny }) },
            lifetime_blocks: registration_blocks(DEV_NETWORK.0),
        },
    })
}

/// The live network's parameters. It has no validators, no balances and a policy that admits no worker: those who launch
/// it add them to the chain specification, and until then no block can be made.
fn live() -> serde_json::Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        network: NetworkConfig { slot_ms: LIVE_NETWORK.0, epoch_slots: LIVE_NETWORK.1 },
        babe: BabeConfig { epoch_config: BABE_EPOCH_CONFIG },
        workers: WorkersConfig {
            policy: Policy::default(),
            lifetime_blocks: registration_blocks(LIVE_NETWORK.0)
        },
    })
}

fn validator(account: Sr25519Keyring, grandpa: Ed25519Keyring) -> (AccountId, AccountId, SessionKeys) {
    let keys = SessionKeys { babe: account.public().into(), grandpa: grandpa.public().into() };
    (account.to_account_id(), account.to_account_id(), keys)
}
