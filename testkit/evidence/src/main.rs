//! Writes every case into a folder, so that another implementation can be held to them.

use anyhow::{Context as _, Result};
use phala_testkit_evidence::{Case, Forged, amd, intel, nitro};
use serde_json::{Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).context("say into which folder: phala-evidence FOLDER")?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    write(
        &folder.join("intel.json"),
        intel::cases(),
        |forged| json!({ "intel": hex::encode(&forged.root) }),
    )?;
    write(
        &folder.join("amd.json"),
        amd::cases(),
        |forged| json!({ "ark": hex::encode(&forged.ark), "ask": hex::encode(&forged.ask), "product": forged.product }),
    )?;
    write(&folder.join("nitro.json"), nitro::cases(), |forged| json!({ "root": hex::encode(&forged.root) }))
}

fn write<F: Forged>(path: &Path, cases: Vec<Case<F>>, roots: impl Fn(&F) -> Value) -> Result<()> {
    let all = cases.iter().map(|case| {
        let mut json = case.forged.to_json();
        json["name"] = case.name.clone().into();
        json["error"] = format!("{:?}", case.expected).into();
        json["roots"] = roots(&case.forged);
        json
    });
    fs::write(path, serde_json::to_string_pretty(&all.collect::<Vec<_>>())?)?;
    println!("{} cases in {}", cases.len(), path.display());
    Ok(())
}
