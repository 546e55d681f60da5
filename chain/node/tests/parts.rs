//! The node's parts by themselves: networks, command line, and the pace of finality.
//!
//! Here and not beside the parts, since the crate takes minutes to compile: once is enough.

use clap::{CommandFactory as _, Parser as _};
use phala_node::{
    chain_spec::{ChainSpec, development, live, local_testnet, with_native_genesis},
    cli::{Cli, keep_state},
    service::gossip_duration,
};
use phala_runtime::presets::LIVE_RUNTIME_PRESET;
use polkadot_sdk::*;
use sc_cli::{DatabasePruningMode, SubstrateCli as _};
use sc_service::ChainSpec as _;
use sp_core::storage::{Storage, well_known_keys};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use std::time::Duration;

fn built(spec: Result<ChainSpec, String>) -> ChainSpec {
    spec.expect("the WebAssembly is there")
}

fn genesis(spec: &ChainSpec) -> Storage {
    spec.as_storage_builder().build_storage().expect("the preset builds")
}

#[test]
fn every_named_network_has_a_genesis_and_both_runtimes_make_the_same() {
    let networks = [
        (development(), DEV_RUNTIME_PRESET),
        (local_testnet(), LOCAL_TESTNET_RUNTIME_PRESET),
        (live(), LIVE_RUNTIME_PRESET),
    ];
    for (spec, preset) in networks {
        let spec = built(spec);
        let by_wasm = genesis(&spec);
        assert!(by_wasm.top.contains_key(well_known_keys::CODE));
        let native = genesis(&built(with_native_genesis(spec, preset)));
        assert!(native.top == by_wasm.top, "{preset}");
        assert!(native.children_default.is_empty() && by_wasm.children_default.is_empty(), "{preset}");
    }
}

#[test]
fn unknown_preset_is_refused() {
    assert!(with_native_genesis(built(development()), "unknown").is_err());
}

#[test]
fn a_network_without_tees_says_so_in_its_name() {
    assert!(built(development()).name().contains("SIMULATED TEE"));
    assert!(built(local_testnet()).name().contains("SIMULATED TEE"));
    assert_eq!(built(live()).name(), "Phala");
}

#[test]
fn wallets_learn_token_and_address_format() {
    let properties = built(live()).properties();
    assert_eq!(properties.get("tokenSymbol"), Some(&"PHA".into()));
    assert_eq!(properties.get("tokenDecimals"), Some(&12.into()));
    assert_eq!(properties.get("ss58Format"), Some(&30.into()));
}

#[test]
fn command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn state_is_kept_unless_the_operator_says_otherwise() {
    let mut by_default = Cli::parse_from(["phala-node"]).run.import_params.pruning_params;
    keep_state(&mut by_default);
    assert_eq!(by_default.state_pruning, Some(DatabasePruningMode::ArchiveCanonical));

    let mut told = Cli::parse_from(["phala-node", "--state-pruning", "256"]).run.import_params.pruning_params;
    keep_state(&mut told);
    assert_eq!(told.state_pruning, Some(DatabasePruningMode::Custom(256)));
}

#[test]
fn node_without_a_network_is_refused_with_the_choices() {
    let error = Cli::parse_from(["phala-node"]).load_spec("").err().expect("no network was named");
    assert!(error.contains("--dev") && error.contains("--chain"));
}

#[test]
fn finality_keeps_pace_with_blocks() {
    // A round waits for at most four gossip durations before it precommits.
    for slot_ms in [1_000, 6_000] {
        let slot = Duration::from_millis(slot_ms);
        assert!(gossip_duration(slot) * 4 < slot);
    }
}
