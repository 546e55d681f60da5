//! Contracts in the languages beside Rust: every example and every new project is built by the command, admitted by the
//! engine, and holds to its own tests. A language whose compiler is not here is left out, and said; CI installs them all.
#![allow(missing_docs)]

use phala_testkit::{binary, has_compiler};
use phala_vm::{Engine as _, WasmtimeEngine};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What `phala --json contract ...` says.
fn contract(here: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(binary("phala").unwrap());
    let output = command.current_dir(here).args(["--json", "contract"]).args(arguments).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{arguments:?}: {said}{wrong}"))
}

/// Whether a language can be built here.
fn has(language: &str) -> bool {
    has_compiler(language).unwrap()
}

/// Builds a project, has the engine admit every contract of it, and runs its tests. Returns how many there were.
fn assert_holds(project: &Path) -> usize {
    let built = contract(project, &["build"]);
    let others = built["others"].as_array().unwrap().iter().chain([&built["contract"]]);
    let engine = WasmtimeEngine::without_pool().unwrap();
    for path in others {
        let bundle: Value = serde_json::from_slice(&fs::read(path.as_str().unwrap()).unwrap()).unwrap();
        assert_eq!(bundle["version"], 5, "{path}");
        let code = hex::decode(bundle["source"]["wasm"].as_str().unwrap().trim_start_matches("0x")).unwrap();
        if let Err(refusal) = engine.prepare(&code) {
            panic!("{path}: {refusal}");
        }
    }
    let tested = contract(project, &["test"]);
    let tests = tested["tests"].as_array().unwrap();
    let failed: Vec<_> = tests.iter().filter(|test| !test["failure"].is_null()).collect();
    assert!(failed.is_empty(), "{}: {failed:#?}", project.display());
    tests.len()
}

/// The examples of a language, copied: they are built where nobody else builds them.
fn assert_examples_hold(language: &str, examples: &[&str]) {
    if !has(language) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for example in examples {
        let from =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../contract/examples").join(language).join(example);
        let to = dir.path().join(example);
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(from).unwrap().flatten().filter(|file| file.path().is_file()) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        assert!(assert_holds(&to) >= 3, "{example} has few tests");
    }
}

#[test]
fn examples_in_solidity_hold_to_their_tests() {
    assert_examples_hold("solidity", &["erc20", "erc721", "amm", "multisig", "auction"]);
}

#[test]
fn examples_in_assemblyscript_hold_to_their_tests() {
    assert_examples_hold("assemblyscript", &["flipper"]);
}

#[test]
fn examples_in_c_hold_to_their_tests() {
    assert_examples_hold("c", &["flipper"]);
}

#[test]
fn new_projects_are_built_and_hold_to_their_tests() {
    let dir = tempfile::tempdir().unwrap();
    for language in ["solidity", "assemblyscript", "c"] {
        if has(language) {
            let name = format!("my_{language}");
            contract(dir.path(), &["new", &name, "--lang", language]);
            assert!(assert_holds(&dir.path().join(&name)) >= 3, "{language}");
        }
    }
}

/// What the library of wallets sees in bundles: https://polkadot.js.org/docs/api-contract.
fn seen_by_wallets(bundles: &[PathBuf]) -> Vec<Value> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("wallet");
    let wallet = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wallet");
    fs::create_dir_all(&wallet).unwrap();
    let is_new =
        fs::read(wallet.join("package-lock.json")).ok() != fs::read(from.join("package-lock.json")).ok();
    if is_new || !wallet.join("node_modules/.package-lock.json").is_file() {
        fs::copy(from.join("package.json"), wallet.join("package.json")).unwrap();
        fs::copy(from.join("package-lock.json"), wallet.join("package-lock.json")).unwrap();
        let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        let output = Command::new("npm").current_dir(&wallet).args(npm).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    fs::copy(from.join("load.mjs"), wallet.join("load.mjs")).unwrap();
    let output = Command::new("node").current_dir(&wallet).arg("load.mjs").args(bundles).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn wallets_read_the_bundles_of_every_language() {
    if !has("assemblyscript") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let ink = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/contracts/erc20.contract");
    let mut bundles = vec![ink];
    for language in ["assemblyscript", "c", "solidity"] {
        if has(language) {
            contract(dir.path(), &["new", language, "--lang", language]);
            let built = contract(dir.path(), &["build", language]);
            bundles.push(built["contract"].as_str().unwrap().into());
        }
    }
    let seen = seen_by_wallets(&bundles);
    assert_eq!(seen.len(), bundles.len());
    for (path, seen) in bundles.iter().zip(&seen) {
        let bundle: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(seen["code"], bundle["source"]["wasm"], "{}", path.display());
        for kind in ["constructors", "messages"] {
            let said = bundle["spec"][kind].as_array().unwrap().iter().map(|function| {
                let args = function["args"].as_array().unwrap().iter().map(|arg| arg["label"].clone());
                (function["selector"].clone(), json!(args.count()))
            });
            let read = seen[kind].as_array().unwrap().iter();
            let read = read.map(|it| (it["selector"].clone(), json!(it["args"].as_array().unwrap().len())));
            assert_eq!(said.collect::<Vec<_>>(), read.collect::<Vec<_>>(), "{kind} of {}", path.display());
        }
    }
}

#[test]
fn test_that_does_not_hold_is_said_with_its_step() {
    if !has("c") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    contract(dir.path(), &["new", "coin", "--lang", "c"]);
    let tests = "[[test]]\nname = \"wrong\"\nsteps = [{ deploy = \"new\", args = [true] }, \
                 { query = \"flips\", returns = 1 }]\n[[test]]\nname = \"trap\"\nsteps = [\
                 { deploy = \"new\", args = [true], value = \"1\" }]\n";
    fs::write(dir.path().join("coin/tests.toml"), tests).unwrap();
    let tested = contract(dir.path(), &["test", "coin"]);
    assert_eq!(tested["failed"], 2);
    assert_eq!(tested["tests"][0]["failure"], "step 2: flips returned 0, and not 1");
    assert!(tested["tests"][1]["failure"].as_str().unwrap().contains("panicked"), "{tested}");
}
