// SPDX-License-Identifier: Apache-2.0
//! Contracts in Solidity, by Solang.
//!
//! Solang makes code and metadata itself. Its code exports more than the network admits, and is cut down as that of all
//! languages is. That gives it another hash, which contracts that make others of the same source have inside: they get the
//! new one in its place ([`finish_all`]). Its metadata is ink!'s of version 5 with one habit of its own, which
//! [`normalize`] takes away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

use super::BuildError;
use super::bundle::{Bundle, Identity, Parts, output_dir};
use super::cargo::run;
use super::interface::{FILE, Interface};
use super::{BuildOptions, Phase, wasm};

/// The compiler's version: the last one that compiles for contracts of this kind.
pub(super) const VERSION: &str = "0.3.5";
/// The most contracts of one source.
const CONTRACTS_MAX: usize = 64;

/// Where the compiler is installed.
pub(super) fn home(options: &BuildOptions) -> PathBuf {
    options.toolchains_dir.join("solidity")
}

/// Finds it on this machine.
pub(super) fn find(options: &BuildOptions) -> Result<PathBuf, BuildError> {
    let program = home(options).join("bin/solang");
    match program.is_file() {
        true => Ok(program),
        false => Err(BuildError::NoCompiler { what: "Solang, the Solidity compiler,", language: "solidity" }),
    }
}

/// The one source of a project without `contract.toml`.
pub(super) fn only_source(directory: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    let mut sources = files.filter(|path| path.extension().is_some_and(|ending| ending == "sol"));
    let first = sources.next()?;
    sources.next().is_none().then_some(first)
}

pub(super) fn build(
    directory: &Path,
    source: &Path,
    interface: Option<&Interface>,
    options: &BuildOptions,
    report: &mut dyn FnMut(Phase, Option<&str>),
) -> Result<Bundle, BuildError> {
    let program = find(options)?;
    report(Phase::Compile, None);
    let output = output_dir(directory).join("solang");
    // What an older source left must not be taken for a result.
    if output.exists() {
        std::fs::remove_dir_all(&output).map_err(BuildError::file(&output))?;
    }
    std::fs::create_dir_all(&output).map_err(BuildError::file(&output))?;
    let mut command = Command::new(program);
    command.current_dir(directory).args(["compile", "--target", "polkadot", "--release"]);
    command.arg("--importpath").arg(directory).arg("--output").arg(&output).arg(source);
    let run = run(command, &mut |line| report(Phase::Compile, Some(line)))?;
    if !run.status.success() {
        return Err(BuildError::Compile { output: format!("{}{}", run.stdout, run.stderr) });
    }

    let mut built = Vec::new();
    for entry in std::fs::read_dir(&output).map_err(BuildError::file(&output))?.take(4 * CONTRACTS_MAX) {
        let path = entry.map_err(BuildError::file(&output))?.path();
        if path.extension().is_some_and(|ending| ending == "contract") {
            built.push(path);
        }
    }
    built.sort();
    let main = main_of(&built, source, interface, directory)?;
    report(Phase::Optimize, None);
    let made = built.iter().map(|path| Made::read(path)).collect::<Result<Vec<_>, _>>()?;
    let mut codes = finish_all(&made, &mut |code| wasm::finish(code, &options.cache_dir))?;

    report(Phase::Write, None);
    let mut bundles = Vec::new();
    for made in &made {
        let (code, optimizer) =
            codes.remove(&made.hash()).ok_or_else(|| made.wrong("its code is missing"))?;
        bundles.push(bundle(directory, made, code, optimizer, interface)?);
    }
    let mut bundle = bundles.remove(main);
    bundle.others = bundles;
    Ok(bundle)
}

/// A bundle of Solang's.
struct Made {
    path: PathBuf,
    metadata: Value,
    code: Vec<u8>,
}

impl Made {
    fn read(path: &Path) -> Result<Self, BuildError> {
        let text = std::fs::read(path).map_err(BuildError::file(path))?;
        let mut made = Self { path: path.to_owned(), metadata: Value::Null, code: Vec::new() };
        made.metadata = serde_json::from_slice(&text).map_err(|error| made.wrong(&error.to_string()))?;
        let code = made.metadata["source"]["wasm"].as_str().unwrap_or_default();
        made.code =
            hex::decode(code.trim_start_matches("0x")).map_err(|error| made.wrong(&error.to_string()))?;
        Ok(made)
    }

    /// What other contracts of the source know the code by.
    fn hash(&self) -> [u8; 32] {
        sp_crypto_hashing::blake2_256(&self.code)
    }

    fn wrong(&self, reason: &str) -> BuildError {
        BuildError::Wasm { reason: format!("{}: {reason}", self.path.display()) }
    }
}

/// A finished code and the version of what made it small.
type Finished = (Vec<u8>, Option<String>);

/// Finishes all codes, those first that others make, so that these can have the new hashes inside. By their old hashes.
fn finish_all(
    made: &[Made],
    finish: &mut dyn FnMut(&[u8]) -> Result<Finished, BuildError>,
) -> Result<BTreeMap<[u8; 32], Finished>, BuildError> {
    let mut done: BTreeMap<[u8; 32], Finished> = BTreeMap::new();
    while let Some(waiting) = made.iter().find(|made| !done.contains_key(&made.hash())) {
        // Solang refuses contracts that make each other, so that there is always one that waits for no other.
        let is_ready = |one: &&Made| {
            let waits_for =
                |other: &Made| !done.contains_key(&other.hash()) && contains(&one.code, &other.hash());
            !done.contains_key(&one.hash()) && !made.iter().any(waits_for)
        };
        let next = made.iter().find(is_ready).ok_or_else(|| waiting.wrong("it makes itself"))?;
        let mut code = next.code.clone();
        for (old, (new, _)) in &done {
            replace(&mut code, old, &sp_crypto_hashing::blake2_256(new));
        }
        let finished = finish(&code)?;
        done.insert(next.hash(), finished);
    }
    Ok(done)
}

fn contains(code: &[u8], hash: &[u8; 32]) -> bool {
    code.windows(hash.len()).any(|window| window == hash)
}

/// Puts one hash in the place of another, wherever it is. Nothing else in code is 32 bytes that are equal by accident.
fn replace(code: &mut [u8], old: &[u8; 32], new: &[u8; 32]) {
    let places: Vec<usize> =
        code.windows(old.len()).enumerate().filter(|(_, window)| window == old).map(|(at, _)| at).collect();
    for at in places {
        if let Some(place) = code.get_mut(at..at.saturating_add(new.len())) {
            place.copy_from_slice(new);
        }
    }
}

/// Which one is meant: the one that `contract.toml` names, the only one, or the one that is called like its file.
fn main_of(
    built: &[PathBuf],
    source: &Path,
    interface: Option<&Interface>,
    directory: &Path,
) -> Result<usize, BuildError> {
    let name = |path: &PathBuf| {
        path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase().replace(['_', '-'], ""))
    };
    let wanted = interface.and_then(|interface| interface.contract.main.as_deref());
    let wanted = wanted.map(PathBuf::from).unwrap_or_else(|| source.to_owned());
    let found = built.iter().position(|path| name(path) == name(&wanted));
    found.or((built.len() == 1).then_some(0)).ok_or_else(|| {
        let names: Vec<_> = built.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
        BuildError::Interface {
            path: directory.join(FILE),
            reason: format!(
                "the source has the contracts {}; name the one that is meant: [contract] main = \"...\"",
                names.join(", ")
            ),
        }
    })
}

/// Solang's bundle, in the words of all our bundles.
fn bundle(
    directory: &Path,
    made: &Made,
    code: Vec<u8>,
    optimizer: Option<String>,
    interface: Option<&Interface>,
) -> Result<Bundle, BuildError> {
    let name = made.metadata["contract"]["name"].as_str().ok_or_else(|| made.wrong("it has no name"))?;
    let about = interface.map(|interface| &interface.contract);
    let identity = Identity {
        directory: directory.to_owned(),
        name: name.to_owned(),
        version: about.map_or_else(|| "0.1.0".to_owned(), |about| about.version.clone()),
        authors: about.map(|about| about.authors.clone()).unwrap_or_default(),
    };
    let parts = Parts {
        code,
        description: normalize(&made.metadata)
            .ok_or_else(|| made.wrong("its metadata is not of version 5"))?,
        optimizer: optimizer.into(),
        language: format!("Solidity {VERSION}"),
        compiler: format!("solang {VERSION}"),
        target: "polkadot",
    };
    Bundle::write(identity, parts)
}

/// The metadata's own parts. Solang writes of a function that returns nothing that it returns the type 0 without a name,
/// where ink! writes `null`. It cannot mean a type: one without a name, such as a list, comes after those it is made of.
fn normalize(made: &Value) -> Option<Value> {
    if made["version"] != 5 {
        return None;
    }
    let mut kept = Map::new();
    for key in ["spec", "storage", "types", "version"] {
        kept.insert(key.to_owned(), made.get(key)?.clone());
    }
    let mut kept = Value::Object(kept);
    for kind in ["constructors", "messages"] {
        for function in kept["spec"][kind].as_array_mut()? {
            let returned = &function["returnType"];
            let is_unnamed = returned["displayName"].as_array().is_none_or(Vec::is_empty);
            if is_unnamed && returned["type"] == 0 {
                function["returnType"] = Value::Null;
            }
            // Of a function that its author does not describe, Solang writes one empty line.
            if let Some(docs) = function["docs"].as_array_mut() {
                docs.retain(|line| line.as_str().is_some_and(|line| !line.is_empty()));
            }
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_are_finished_before_those_that_have_their_hashes_inside() {
        let made = |name: &str, code: Vec<u8>| Made { path: name.into(), metadata: Value::Null, code };
        let pair = made("pair", b"pair".to_vec());
        let factory = made("factory", [&b"make "[..], &pair.hash()[..], b" and ", &pair.hash()[..]].concat());
        let maker = made("maker", factory.hash().to_vec());
        let all = [maker, factory, pair];
        let longer = &mut |code: &[u8]| Ok(([code, b"!"].concat(), None));
        let done = finish_all(&all, longer).unwrap();
        let new = sp_crypto_hashing::blake2_256(b"pair!");
        assert_eq!(done[&all[1].hash()].0, [&b"make "[..], &new[..], b" and ", &new[..], b"!"].concat());
        let new = sp_crypto_hashing::blake2_256(&done[&all[1].hash()].0);
        assert_eq!(done[&all[0].hash()].0, [&new[..], b"!"].concat());
    }

    #[test]
    fn what_returns_nothing_says_so() {
        let function = |ty: Value| json!({ "returnType": ty, "docs": [""] });
        let nothing = json!({ "displayName": [], "type": 0 });
        let list = json!({ "displayName": [], "type": 1 });
        let number = json!({ "displayName": ["uint8"], "type": 0 });
        let made = json!({
            "version": 5, "storage": {}, "types": [], "source": {},
            "spec": {
                "constructors": [function(nothing.clone())],
                "messages": [function(nothing), function(list.clone()), function(number.clone())],
            },
        });
        let kept = normalize(&made).unwrap();
        assert_eq!(kept["spec"]["constructors"][0]["returnType"], Value::Null);
        assert_eq!(kept["spec"]["constructors"][0]["docs"], json!([]));
        let returned: Vec<_> = (0..3).map(|at| kept["spec"]["messages"][at]["returnType"].clone()).collect();
        assert_eq!(returned, [Value::Null, list, number]);
        assert_eq!(normalize(&json!({ "version": "4" })), None);
    }

    #[test]
    fn contract_that_is_meant_is_named_like_its_file_or_said() {
        let built = ["a/Factory.contract", "a/Pair.contract"].map(PathBuf::from);
        let here = Path::new(".");
        assert_eq!(main_of(&built, Path::new("pair.sol"), None, here).unwrap(), 1);
        assert_eq!(main_of(&built[..1], Path::new("amm.sol"), None, here).unwrap(), 0);
        let error = main_of(&built, Path::new("amm.sol"), None, here).unwrap_err().to_string();
        assert!(error.contains("Factory, Pair"), "{error}");
    }
}
