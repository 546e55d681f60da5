// SPDX-License-Identifier: Apache-2.0
//! Builds what runs inside the engines: two WebAssembly modules from Rust, two EVM contracts from Solidity.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection, SectionId};
use wasmparser::{Parser, Payload};

/// What runs inside the engines.
pub struct Guests {
    /// The loops, for the seal interface.
    pub seal: Vec<u8>,
    /// The token of the examples, for the seal interface.
    pub token: Vec<u8>,
    /// The file with the loops and a token, for CosmWasm.
    pub cosmwasm: PathBuf,
    /// The program that runs it.
    pub cosmwasm_program: PathBuf,
    /// A token, for the EVM: the code that deploys it.
    pub evm_token: Vec<u8>,
    /// The loops, for the EVM: the code that deploys them.
    pub evm_loops: Vec<u8>,
}

/// The compiler of Solidity, from npm.
const SOLC: &str = "solc@0.8.30";
/// Where contracts are compiled for.
const TARGET: &str = "wasm32v1-none";
/// A contract imports its memory, and has what ink! asks for: 16 pages at most and a stack of 64 KiB.
const SEAL_FLAGS: &str = "-C link-arg=--import-memory -C link-arg=-zstack-size=65536 \
                          -C link-arg=--initial-memory=131072 -C link-arg=--max-memory=1048576";

/// Compiles all, which takes a minute the first time.
pub fn build() -> Result<Guests> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cache = cache_dir()?;
    let token = fs::read_to_string(here.join("../../../vectors/contracts/erc20.contract"))?;
    let token: serde_json::Value = serde_json::from_str(&token)?;
    let token = token["source"]["wasm"].as_str().and_then(|code| code.strip_prefix("0x"));
    let evm = solidity(here, &cache)?;
    Ok(Guests {
        seal: cut_down(&fs::read(rust(here, &cache, "bench-seal", SEAL_FLAGS)?)?)?,
        token: hex::decode(token.context("the token's bundle has no code")?)?,
        cosmwasm: rust(here, &cache, "bench-cosmwasm", "")?,
        cosmwasm_program: program(here, &cache)?,
        evm_token: evm("Token")?,
        evm_loops: evm("Loops")?,
    })
}

/// Where builds are kept: beside the folder that this program was built in.
fn cache_dir() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).context("the program is in no target folder")?;
    let cache = target.join("engine-guests");
    fs::create_dir_all(&cache)?;
    Ok(cache)
}

/// Compiles one of the guests with the toolchain that contracts are compiled with.
fn rust(here: &Path, cache: &Path, package: &str, flags: &str) -> Result<PathBuf> {
    // A folder for each, since flags are a reason to compile all anew.
    let target = cache.join(package);
    let mut command = Command::new("cargo");
    command
        .args(["build", "--quiet", "--release", "--locked", "--target", TARGET, "--package", package])
        .current_dir(here.join("../guests"))
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", flags)
        // Those of the cargo that runs this program would win over the toolchain below.
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO");
    if let Some(toolchain) = env::var_os("WASM_BUILD_TOOLCHAIN") {
        command.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    ensure!(
        command.status()?.success(),
        "{package} does not build for {TARGET}; try: ./x setup, which says how to get the target"
    );
    Ok(target.join(TARGET).join("release").join(package.replace('-', "_") + ".wasm"))
}

/// Compiles the program with cosmwasm-vm, which takes minutes the first time.
fn program(here: &Path, cache: &Path) -> Result<PathBuf> {
    let target = cache.join("cosmwasm");
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--locked"])
        .current_dir(here.join("../cosmwasm"))
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    ensure!(status.success(), "the program with cosmwasm-vm does not build; try: read cargo's words above");
    Ok(target.join("release/phala-oracle-cosmwasm"))
}

/// Compiles the Solidity contracts, and gives their deployment code by name.
fn solidity(here: &Path, cache: &Path) -> Result<impl Fn(&str) -> Result<Vec<u8>> + use<>> {
    let tools = cache.join("npm");
    if !tools.join("node_modules/solc/package.json").exists() {
        fs::create_dir_all(&tools)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&tools).arg(SOLC);
        // Its words would be among the figures.
        let done =
            npm.output().context("there is no npm, which the compiler of Solidity is installed with")?;
        ensure!(
            done.status.success(),
            "npm cannot install {SOLC}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    let out = cache.join("evm");
    let solc = Command::new(tools.join("node_modules/.bin/solcjs"))
        .args(["--optimize", "--bin", "--output-dir"])
        .arg(&out)
        .arg("Bench.sol")
        .current_dir(here.join("solidity"))
        .output()
        .context("the compiler of Solidity does not start")?;
    if !solc.status.success() {
        bail!("Bench.sol does not compile: {}", String::from_utf8_lossy(&solc.stderr));
    }
    Ok(move |name: &str| {
        let file = out.join(format!("Bench_sol_{name}.bin"));
        let text = fs::read_to_string(&file).with_context(|| format!("there is no {}", file.display()))?;
        Ok(hex::decode(text.trim())?)
    })
}

/// Drops what a linker exports and a contract must not: all but the two entry points.
fn cut_down(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::ExportSection(section) = &payload {
            let mut exports = ExportSection::new();
            for export in section.clone() {
                let export = export?;
                if ["call", "deploy"].contains(&export.name) {
                    exports.export(export.name, ExportKind::Func, export.index);
                }
            }
            module.section(&exports);
            continue;
        }
        match payload.as_section() {
            Some((id, range)) if id != SectionId::Custom as u8 => {
                module.section(&RawSection { id, data: &wasm[range] });
            }
            _ => {}
        }
    }
    Ok(module.finish())
}
