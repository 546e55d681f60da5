// SPDX-License-Identifier: Apache-2.0
//! The ink! examples of this repository, as bundles.
//!
//! They are built by this repository's own builder when `PHALA` names the program that has it, as CI does. By hand,
//! `phala contract build` in each folder of `contract/examples` does the same.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::ink::Bundle;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The folders within one that have a manifest, in order.
fn folders(within: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(within).expect("the examples are there").map(|it| it.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|it| it.join("Cargo.toml").exists()).collect();
    folders.sort();
    folders
}

fn bundle_in(folder: &Path) -> Option<PathBuf> {
    let built = fs::read_dir(folder.join("target/ink")).ok()?.filter_map(|it| Some(it.ok()?.path()));
    built.into_iter().find(|it| it.extension().is_some_and(|it| it == "contract"))
}

fn read(file: &Path) -> Bundle {
    Bundle::parse(&fs::read_to_string(file).expect("the bundle can be read"))
}

/// Builds a contract, if `PHALA` says with what, and reads its bundle.
fn bundle(folder: &Path) -> Bundle {
    if let Some(program) = env::var_os("PHALA") {
        let built = Command::new(program).args(["contract", "build"]).arg(folder).output();
        let built = built.expect("the program that PHALA names starts");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    let file = bundle_in(folder)
        .unwrap_or_else(|| panic!("{0} is not built; try: phala contract build {0}", folder.display()));
    read(&file)
}

/// The names of all examples.
///
/// # Panics
/// If there are none to read, as all of this module does: a test cannot go on without them.
#[must_use]
pub fn names() -> BTreeSet<String> {
    let name = |it: PathBuf| it.file_name().expect("a folder has a name").to_string_lossy().into_owned();
    folders(&root().join("contract/examples")).into_iter().map(name).collect()
}

/// An example: what it calls, which is in folders within its own, and itself.
#[must_use]
pub fn example(name: &str) -> Vec<Bundle> {
    let folder = root().join("contract/examples").join(name);
    let mut bundles: Vec<Bundle> = folders(&folder).iter().map(|it| bundle(it)).collect();
    bundles.push(bundle(&folder));
    bundles
}

/// The token that is checked in.
#[must_use]
pub fn token() -> Bundle {
    read(&root().join("vectors/contracts/erc20.contract"))
}
