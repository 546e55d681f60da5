// SPDX-License-Identifier: Apache-2.0
//! The contract builder on the example token, and on crates that are no contracts.
//!
//! The first run of a machine compiles ink!, which takes minutes; see `BuildOptions::cache_dir`.

use std::fs;
use std::path::{Path, PathBuf};

use phala_sdk::build::{BuildError, BuildOptions, Phase, build};
use serde_json::Value;

fn token_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contract/examples/erc20")
}

fn build_quietly(directory: &Path) -> Result<phala_sdk::build::Bundle, BuildError> {
    build(directory, &BuildOptions::new(), &mut |_| {})
}

#[test]
fn the_token_is_built_described_and_the_same_every_time() {
    let mut phases = Vec::new();
    let mut last = std::time::Duration::ZERO;
    let first = build(&token_dir(), &BuildOptions::new(), &mut |progress| {
        assert!(progress.elapsed >= last);
        last = progress.elapsed;
        if progress.detail.is_none() {
            phases.push(progress.phase);
        }
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let expected = [Phase::FindToolchain, Phase::Compile, Phase::Optimize, Phase::Describe, Phase::Write];
    assert_eq!(phases, expected);

    let written: Value = serde_json::from_slice(&fs::read(&first.contract_path).unwrap()).unwrap();
    assert_eq!(written, first.contract);
    assert_eq!(fs::read(&first.wasm_path).unwrap(), first.wasm);
    let described: Value = serde_json::from_slice(&fs::read(&first.json_path).unwrap()).unwrap();
    assert!(described["source"].get("wasm").is_none());
    assert_eq!(described["spec"], written["spec"]);

    assert_eq!(written["version"], 5);
    assert_eq!(written["source"]["language"], "ink! 5.1.1");
    assert_eq!(written["source"]["hash"], format!("0x{}", hex::encode(first.code_hash)));
    assert_eq!(written["contract"]["name"], "erc20");
    // blake2_256("transfer")[..4], as every ink! contract has it.
    let messages = written["spec"]["messages"].as_array().unwrap();
    let transfer = messages.iter().find(|message| message["label"] == "transfer").unwrap();
    assert_eq!(transfer["selector"], "0x84a15da1");
    let labels: Vec<_> = messages.iter().map(|message| message["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["total_supply", "balance_of", "allowance", "transfer", "approve", "transfer_from"]);

    // Nothing of this machine is in the code.
    let home = std::env::var("HOME").unwrap();
    for private in [home.as_str(), env!("CARGO_MANIFEST_DIR")] {
        assert!(!contains(&first.wasm, private.as_bytes()), "the code names {private}");
    }

    let second = build_quietly(&token_dir()).unwrap();
    assert_eq!(second.code_hash, first.code_hash);
    assert_eq!(second.contract, first.contract);
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// A crate with this manifest and an empty library, in a directory of its own.
fn crate_with(name: &str, manifest: &str, has_library: bool) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(directory.join("src")).unwrap();
    let head =
        format!("[workspace]\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    fs::write(directory.join("Cargo.toml"), format!("{head}{manifest}")).unwrap();
    let (file, content) = if has_library { ("src/lib.rs", "") } else { ("src/main.rs", "fn main() {}") };
    fs::write(directory.join(file), content).unwrap();
    directory
}

const INK: &str = "[dependencies]\nink = { version = \"=5.1.1\", default-features = false }\n";

#[test]
fn what_is_no_contract_is_refused_before_anything_is_compiled() {
    let refused = |name: &str, manifest: &str, has_library: bool| {
        let began = std::time::Instant::now();
        let error = build_quietly(&crate_with(name, manifest, has_library)).unwrap_err();
        assert!(began.elapsed().as_secs() < 60, "it compiled something");
        error
    };
    assert!(matches!(refused("plain", "", true), BuildError::NotInk { name } if name == "plain"));
    assert!(matches!(refused("program", INK, false), BuildError::NoLibrary { name } if name == "program"));
    assert!(matches!(refused("no-std", INK, true), BuildError::NoStdFeature { name } if name == "no-std"));
    let cdylib = format!("{INK}[lib]\ncrate-type = [\"cdylib\"]\n");
    assert!(matches!(refused("only-cdylib", &cdylib, true), BuildError::OnlyCdylib { .. }));
    let ink6 = INK.replace("=5.1.1", "6.0.0-beta.1");
    assert!(
        matches!(refused("too-new", &ink6, true), BuildError::InkVersion { version } if version.contains('6'))
    );
    assert!(matches!(refused("broken", "no toml at all [", true), BuildError::Manifest { .. }));
}

#[test]
fn a_directory_without_a_crate_is_named() {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    let error = build_quietly(&nowhere).unwrap_err();
    assert!(matches!(&error, BuildError::NoProject(path) if *path == nowhere));
    assert!(error.to_string().contains("name its directory"));
}

#[test]
fn a_toolchain_that_is_not_there_is_named_with_what_to_try() {
    let options = BuildOptions { toolchain: Some("no-such-toolchain".to_owned()), ..BuildOptions::new() };
    let error = build(&token_dir(), &options, &mut |_| {}).unwrap_err();
    assert!(matches!(&error, BuildError::NoToolchain { tried } if tried == "no-such-toolchain"));
    assert!(error.to_string().contains("rustup target add wasm32v1-none"));
}

#[test]
fn a_contract_that_does_not_compile_shows_what_the_compiler_says() {
    let manifest = format!("{INK}[features]\nstd = [\"ink/std\"]\n");
    let directory = crate_with("wrong", &manifest, true);
    fs::write(directory.join("src/lib.rs"), "#![no_std]\npub fn f() -> u32 { \"no number\" }\n").unwrap();
    // The versions of the token's dependencies are compiled already.
    fs::copy(token_dir().join("../../Cargo.lock"), directory.join("Cargo.lock")).unwrap();
    let BuildError::Compile { output } = build_quietly(&directory).unwrap_err() else {
        panic!("another error")
    };
    assert!(output.contains("mismatched types"), "{output}");
}
