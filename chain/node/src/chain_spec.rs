//! The networks that the node knows by name.

use phala_runtime::{RuntimeGenesisConfig, WASM_BINARY, money, presets};
use polkadot_sdk::*;

use frame_support::genesis_builder_helper::get_preset;
use sc_service::{ChainSpec as _, ChainType, GenericChainSpec, Properties};
use sp_core::storage::{Storage, well_known_keys};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_runtime::BuildStorage as _;

/// A network's name, code, genesis and boot nodes.
pub type ChainSpec = GenericChainSpec;

/// One validator whose keys everybody knows; workers without a TEE are admitted.
pub fn development() -> Result<ChainSpec, String> {
    spec("Phala Development (SIMULATED TEE)", "phala_dev", ChainType::Development, DEV_RUNTIME_PRESET)
}

/// Two validators whose keys everybody knows; workers without a TEE are admitted.
pub fn local_testnet() -> Result<ChainSpec, String> {
    spec("Phala Local Testnet (SIMULATED TEE)", "phala_local", ChainType::Local, LOCAL_TESTNET_RUNTIME_PRESET)
}

/// The live network's parameters, to be completed with validators and balances by those who launch it.
pub fn live() -> Result<ChainSpec, String> {
    spec("Phala", "phala", ChainType::Live, presets::LIVE_RUNTIME_PRESET)
}

/// The same network, with its genesis state made by the runtime that is linked into this program. Made by the runtime's
/// WebAssembly, it would be the same, but take some seconds to compile that first.
///
/// For starting a node; a specification that people read and complete is the other one.
pub fn with_native_genesis(mut spec: ChainSpec, preset: &str) -> Result<ChainSpec, String> {
    spec.set_storage(native_genesis(preset)?);
    Ok(spec)
}

fn native_genesis(preset: &str) -> Result<Storage, String> {
    let json = |preset: Option<&str>| -> Result<serde_json::Value, String> {
        let json = get_preset::<RuntimeGenesisConfig>(&preset.map(Into::into), presets::preset)
            .ok_or_else(|| format!("the runtime has no genesis preset {preset:?}"))?;
        serde_json::from_slice(&json).map_err(|error| error.to_string())
    };
    let mut genesis = json(None)?;
    sc_chain_spec::json_merge(&mut genesis, json(Some(preset))?);
    let genesis: RuntimeGenesisConfig = serde_json::from_value(genesis).map_err(|error| error.to_string())?;
    let mut storage = genesis.build_storage()?;
    storage.top.insert(well_known_keys::CODE.to_vec(), wasm()?.to_vec());
    Ok(storage)
}

fn wasm() -> Result<&'static [u8], String> {
    let missing = "this node was built without the runtime's WebAssembly; build it without SKIP_WASM_BUILD";
    WASM_BINARY.ok_or_else(|| missing.into())
}

fn spec(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
    Ok(ChainSpec::builder(wasm()?, None)
        .with_name(name)
        .with_id(id)
        .with_chain_type(chain_type)
        .with_protocol_id(id)
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

/// What wallets ask a node about the network.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), money::TOKEN_SYMBOL.into());
    properties.insert("tokenDecimals".into(), money::TOKEN_DECIMALS.into());
    properties.insert("ss58Format".into(), money::SS58_PREFIX.into());
    properties
}
