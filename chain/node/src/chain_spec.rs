//! The networks that the node knows by name.

use phala_runtime::{WASM_BINARY, money, presets};
use polkadot_sdk::*;

use sc_service::{ChainType, GenericChainSpec, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

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

fn spec(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
    let code = WASM_BINARY
        .ok_or("this node was built without the runtime's WebAssembly; build it without SKIP_WASM_BUILD")?;
    Ok(ChainSpec::builder(code, None)
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

#[cfg(test)]
mod tests {
    use super::*;
    use sp_runtime::BuildStorage as _;

    #[test]
    fn every_named_network_has_a_genesis() {
        for spec in [development(), local_testnet(), live()] {
            let storage = spec.expect("the WebAssembly is there").build_storage().expect("the preset builds");
            assert!(storage.top.contains_key(sp_core::storage::well_known_keys::CODE));
        }
    }

    #[test]
    fn a_network_without_tees_says_so_in_its_name() {
        assert!(development().expect("the WebAssembly is there").name().contains("SIMULATED TEE"));
        assert!(local_testnet().expect("the WebAssembly is there").name().contains("SIMULATED TEE"));
        assert_eq!(live().expect("the WebAssembly is there").name(), "Phala");
    }

    #[test]
    fn wallets_learn_token_and_address_format() {
        let properties = properties();
        assert_eq!(properties.get("tokenSymbol"), Some(&"PHA".into()));
        assert_eq!(properties.get("tokenDecimals"), Some(&12.into()));
        assert_eq!(properties.get("ss58Format"), Some(&30.into()));
    }
}
