// SPDX-License-Identifier: Apache-2.0
//! The result: three files, of which `.contract` is the one to keep.
//!
//! The format is ink!'s metadata of version 5 with the code in it, as every wallet and library for such contracts reads.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::BuildError;
use super::cargo::Project;
use super::interface::About;

/// A contract that is built and written.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The contract's name: the crate's, or what its own files call it.
    pub name: String,
    /// BLAKE2b-256 of the code: what identifies it on the chain.
    pub code_hash: [u8; 32],
    /// The code.
    pub wasm: Vec<u8>,
    /// The whole bundle, as it is in the `.contract` file.
    pub contract: Value,
    /// `NAME.contract`: code and description.
    pub contract_path: PathBuf,
    /// `NAME.wasm`: the code alone.
    pub wasm_path: PathBuf,
    /// `NAME.json`: the description alone.
    pub json_path: PathBuf,
    /// What the author should know although the build succeeded.
    pub notes: Vec<String>,
    /// The other contracts of the same source: those that this one makes, each to be uploaded before it can.
    pub others: Vec<Bundle>,
}

/// Whose bundle it is, and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) directory: PathBuf,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) authors: Vec<String>,
}

impl Identity {
    pub(super) fn of_crate(project: &Project) -> Self {
        Self {
            directory: project.directory.clone(),
            name: project.name.clone(),
            version: project.version.clone(),
            authors: project.authors.clone(),
        }
    }

    pub(super) fn of_interface(directory: &Path, about: &About) -> Self {
        Self {
            directory: directory.to_owned(),
            name: about.name.clone(),
            version: about.version.clone(),
            authors: about.authors.clone(),
        }
    }
}

/// What the steps before made.
pub(super) struct Parts {
    pub(super) code: Vec<u8>,
    pub(super) description: Value,
    pub(super) optimizer: Optimizer,
    /// With its version, as `ink! 5.1.1`.
    pub(super) language: String,
    /// With its version, as `rustc 1.96.0`.
    pub(super) compiler: String,
    pub(super) target: &'static str,
}

/// What made the code small.
#[derive(Clone, Debug)]
pub(super) enum Optimizer {
    /// `wasm-opt`, in this version.
    WasmOpt(String),
    /// Nothing: there is no `wasm-opt` here.
    Missing,
}

impl From<Option<String>> for Optimizer {
    fn from(version: Option<String>) -> Self {
        version.map_or(Self::Missing, Self::WasmOpt)
    }
}

/// Where results are, in a project's directory. Wallets' documents call it so.
pub(super) fn output_dir(directory: &Path) -> PathBuf {
    directory.join("target").join("ink")
}

impl Bundle {
    pub(super) fn write(identity: Identity, parts: Parts) -> Result<Self, BuildError> {
        let code_hash = sp_crypto_hashing::blake2_256(&parts.code);
        let wasm_opt = match &parts.optimizer {
            Optimizer::WasmOpt(version) => Some(version),
            Optimizer::Missing => None,
        };
        let mut contract = json!({
            "source": {
                "hash": format!("0x{}", hex::encode(code_hash)),
                "language": parts.language,
                "compiler": parts.compiler,
                "wasm": format!("0x{}", hex::encode(&parts.code)),
                "build_info": {
                    "build_mode": "Release",
                    "builder": concat!("phala ", env!("CARGO_PKG_VERSION")),
                    "target": parts.target,
                    "wasm_opt": wasm_opt,
                },
            },
            "contract": { "name": identity.name, "version": identity.version, "authors": identity.authors },
            "image": null,
        });
        let Value::Object(description) = parts.description else {
            return Err(BuildError::Describe { output: "what it printed is not an object".to_owned() });
        };
        for (key, value) in description {
            contract[key] = value;
        }
        let mut without_code = contract.clone();
        if let Some(source) = without_code["source"].as_object_mut() {
            source.remove("wasm");
        }

        let directory = output_dir(&identity.directory);
        std::fs::create_dir_all(&directory).map_err(BuildError::file(&directory))?;
        let write = |kind: &str, content: &[u8]| {
            let path = directory.join(format!("{}.{kind}", identity.name));
            std::fs::write(&path, content).map_err(BuildError::file(&path))?;
            Ok::<_, BuildError>(path)
        };
        Ok(Self {
            contract_path: write("contract", contract.to_string().as_bytes())?,
            wasm_path: write("wasm", &parts.code)?,
            json_path: write("json", format!("{without_code:#}\n").as_bytes())?,
            notes: notes(&parts.optimizer),
            name: identity.name.clone(),
            code_hash,
            wasm: parts.code,
            contract,
            others: Vec::new(),
        })
    }
}

/// `rustc 1.96.0`, without the date and the hash that follow.
pub(super) fn compiler(version: &str) -> String {
    version.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn notes(optimizer: &Optimizer) -> Vec<String> {
    match optimizer {
        Optimizer::WasmOpt(_) => Vec::new(),
        Optimizer::Missing => vec![
            "wasm-opt is not on the PATH, so the code is bigger than it need be; the Debian package binaryen has it"
                .to_owned(),
        ],
    }
}
