// SPDX-License-Identifier: Apache-2.0
//! What clients need to know about a contract: its messages, types, events and storage, as ink!'s metadata.
//!
//! ink! writes a function that makes the metadata into every contract that is compiled with its feature `std`. A small
//! program that links the contract calls it and prints what it returns.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::BuildError;
use super::cargo::{Project, run, target_dir};
use super::toolchain::Toolchain;

const PROGRAM: &str = r#"// Made by the contract builder: prints the description of the contract it is linked with.
use contract as _;

extern "Rust" {
    fn __ink_generate_metadata() -> ink::metadata::InkProject;
}

fn main() {
    // Every ink! contract that is compiled with `std` defines this function, and takes nothing and keeps nothing.
    let project = unsafe { __ink_generate_metadata() };
    println!("{}", serde_json::to_string(&project).expect("metadata is JSON"));
}
"#;

/// Asks the contract to describe itself.
pub(super) fn describe(
    project: &Project,
    toolchain: &Toolchain,
    cache_dir: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<Value, BuildError> {
    let directory = write_program(project, cache_dir)?;
    let mut command = toolchain.command("cargo");
    command
        .args(["run", "--manifest-path"])
        .arg(directory.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target_dir(cache_dir))
        // The profile and the kind of target are those of the compilation to WebAssembly, so that ink!'s macros, which
        // take as long to compile as all the rest, are compiled once for both.
        .args(["--release", "--target", &toolchain.host])
        // The program runs once and for a millisecond: what counts is how fast it compiles.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
    let run = run(command, report)?;
    if !run.status.success() {
        return Err(BuildError::Describe { output: run.stderr });
    }
    serde_json::from_str(&run.stdout)
        .map_err(|error| BuildError::Describe { output: format!("what it printed is not metadata: {error}") })
}

/// Writes the program, one per contract, so that cargo sees no change when there is none.
fn write_program(project: &Project, cache_dir: &Path) -> Result<PathBuf, BuildError> {
    // Two contracts may have the same name, but not the same directory.
    let place = sp_crypto_hashing::blake2_128(project.directory.as_os_str().as_encoded_bytes());
    let directory = cache_dir.join("programs").join(format!("{}-{}", project.name, hex::encode(place)));
    let source = directory.join("src");
    std::fs::create_dir_all(&source).map_err(BuildError::file(&source))?;
    // A workspace of its own, wherever the cache is. ink is named with the contract's own version by the lock file.
    let manifest = format!(
        "[package]\nname = {name}\nversion = \"0.0.0\"\nedition = \"2021\"\npublish = false\n\n[workspace]\n\n\
         [dependencies]\ncontract = {{ package = {contract}, path = {path}, default-features = false, features = [\"std\"] }}\n\
         ink = {{ version = \"5\", default-features = false, features = [\"std\"] }}\nserde_json = \"1\"\n",
        name = quoted(&format!("describe-{}", project.name)),
        contract = quoted(&project.name),
        path = quoted(&project.directory.to_string_lossy()),
    );
    write_if_changed(&directory.join("Cargo.toml"), manifest.as_bytes())?;
    write_if_changed(&source.join("main.rs"), PROGRAM.as_bytes())?;
    let lock = directory.join("Cargo.lock");
    if let Ok(locked) = std::fs::read(project.workspace.join("Cargo.lock"))
        && (!lock.is_file() || newer(&project.workspace.join("Cargo.lock"), &lock))
    {
        std::fs::write(&lock, locked).map_err(BuildError::file(&lock))?;
    }
    Ok(directory)
}

fn newer(file: &Path, than: &Path) -> bool {
    let changed = |file: &Path| std::fs::metadata(file).and_then(|data| data.modified()).ok();
    changed(file) > changed(than)
}

fn write_if_changed(file: &Path, content: &[u8]) -> Result<(), BuildError> {
    if std::fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    std::fs::write(file, content).map_err(BuildError::file(file))
}

/// A string in TOML, which has JSON's rules for the characters that names and paths have.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
