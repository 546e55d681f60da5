//! Genesis presets: what makes one network another.

use crate::{
    AccountId, AttestationConfig, BabeConfig, Balance, BalancesConfig, NetworkConfig, RuntimeGenesisConfig,
    SessionConfig, SessionKeys, WorkersConfig, money::PHA,
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

/// For how many blocks a miner's registration is valid: seven days, after which a broken TEE that was not noticed has to
/// attest again.
const MINER_DAYS: u64 = 7;

/// The same for a gatekeeper, which holds more than one contract's secrets.
const GATEKEEPER_DAYS: u64 = 1;

/// For how many blocks everybody can see a proposal of the live network's curator before it takes effect: long enough to
/// read the program that is to be trusted, build it again and object.
const LIVE_DELAY_DAYS: u64 = 7;

/// The same in a development network: a minute of 1 s slots, so that the delay can be watched.
const DEV_DELAY_BLOCKS: u32 = 60;

const fn blocks(days: u64, slot_ms: u64) -> u32 {
    // Fits for any slot of at least a millisecond.
    (days * 24 * 3600 * 1000 / slot_ms) as u32
}

fn lifetimes(slot_ms: u64) -> WorkersConfig {
    WorkersConfig {
        miner_lifetime_blocks: blocks(MINER_DAYS, slot_ms),
        gatekeeper_lifetime_blocks: blocks(GATEKEEPER_DAYS, slot_ms),
        ..Default::default()
    }
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
        workers: lifetimes(DEV_NETWORK.0),
        // The only policy of ours that names the simulated platform, and it admits any build of a developer. There are no
        // gatekeepers to try out yet.
        attestation: AttestationConfig {
            miners: Policy {
                simulated: Some(SimulatedPolicy { measurements: Measurements::DangerAny }),
                ..Policy::default()
            },
            curator: Some(Sr25519Keyring::Alice.to_account_id()),
            delay_blocks: DEV_DELAY_BLOCKS,
        },
    })
}

/// The live network's parameters. It has no validators, no balances, no curator and policies that admit no worker: those who
/// launch it add them to the chain specification, and until then no block can be made.
fn live() -> serde_json::Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        network: NetworkConfig { slot_ms: LIVE_NETWORK.0, epoch_slots: LIVE_NETWORK.1 },
        babe: BabeConfig { epoch_config: BABE_EPOCH_CONFIG },
        workers: lifetimes(LIVE_NETWORK.0),
        attestation: AttestationConfig {
            miners: Policy::default(),
            gatekeepers: Policy::default(),
            delay_blocks: blocks(LIVE_DELAY_DAYS, LIVE_NETWORK.0),
        },
    })
}

fn validator(account: Sr25519Keyring, grandpa: Ed25519Keyring) -> (AccountId, AccountId, SessionKeys) {
    let keys = SessionKeys { babe: account.public().into(), grandpa: grandpa.public().into() };
    (account.to_account_id(), account.to_account_id(), keys)
}
