// SPDX-License-Identifier: Apache-2.0
//! The result: three files, of which `.contract` is the one to keep.
//!
//! The format is ink!'s metadata of version 5 with the code in it, as every wallet and library for such contracts reads.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::BuildError;
use super::cargo::Project;
use super::toolchain::Toolchain;

/// A contract that is built and written.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The crate's name.
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
}

/// What the steps before made.
pub(super) struct Parts {
    pub(super) code: Vec<u8>,
    pub(super) description: Value,
    pub(super) optimizer: Option<String>,
    pub(super) ink: String,
    pub(super) toolchain: Toolchain,
}

impl Bundle {
    pub(super) fn write(project: &Project, parts: Parts) -> Result<Self, BuildError> {
        let code_hash = sp_crypto_hashing::blake2_256(&parts.code);
        let mut contract = json!({
            "source": {
                "hash": format!("0x{}", hex::encode(code_hash)),
                "language": format!("ink! {}", parts.ink),
                "compiler": compiler(&parts.toolchain.version),
                "wasm": format!("0x{}", hex::encode(&parts.code)),
                "build_info": {
                    "build_mode": "Release",
                    "builder": concat!("phala ", env!("CARGO_PKG_VERSION")),
                    "target": super::toolchain::TARGET,
                    "wasm_opt": parts.optimizer,
                },
            },
            "contract": { "name": project.name, "version": project.version, "authors": project.authors },
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

        let directory = project.directory.join("target").join("ink");
        std::fs::create_dir_all(&directory).map_err(BuildError::file(&directory))?;
        let write = |kind: &str, content: &[u8]| {
            let path = directory.join(format!("{}.{kind}", project.name));
            std::fs::write(&path, content).map_err(BuildError::file(&path))?;
            Ok::<_, BuildError>(path)
        };
        Ok(Self {
            contract_path: write("contract", contract.to_string().as_bytes())?,
            wasm_path: write("wasm", &parts.code)?,
            json_path: write("json", format!("{without_code:#}\n").as_bytes())?,
            notes: notes(&parts.optimizer),
            name: project.name.clone(),
            code_hash,
            wasm: parts.code,
            contract,
        })
    }
}

/// `rustc 1.96.0`, without the date and the hash that follow.
fn compiler(version: &str) -> String {
    version.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn notes(optimizer: &Option<String>) -> Vec<String> {
    match optimizer {
        Some(_) => Vec::new(),
        None => vec![
            "wasm-opt is not on the PATH, so the code is bigger than it need be; the Debian package binaryen has it"
                .to_owned(),
        ],
    }
}
