// SPDX-License-Identifier: Apache-2.0
//! Which compiler and which linker.
//!
//! The target is `wasm32v1-none`: the first WebAssembly, with `core` and `alloc` only, which is what the network admits.
//! So no library has to be compiled from source and no unstable flag is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::BuildError;

/// The target's name.
pub(super) const TARGET: &str = "wasm32v1-none";

/// What would change the result, or lead cargo elsewhere, if it came from the caller's environment.
const FOREIGN_VARIABLES: [&str; 13] = [
    "CARGO",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

/// A compiler and a linker that together make contracts.
#[derive(Clone, Debug)]
pub(super) struct Toolchain {
    /// As rustup names it, or nothing where there is no rustup and the PATH decides.
    name: Option<String>,
    /// What `rustc --version` says.
    pub(super) version: String,
    /// This machine, as compilers call it.
    pub(super) host: String,
    /// The directory of the compiler.
    pub(super) sysroot: PathBuf,
    /// A linker of the system's, or nothing if the toolchain brings its own.
    pub(super) linker: Option<PathBuf>,
}

/// Finds a toolchain: the wanted one, or the first that can compile for the target.
pub(super) fn find(wanted: Option<&str>) -> Result<Toolchain, BuildError> {
    let candidates = match wanted {
        Some(name) => vec![Some(name.to_owned())],
        None => candidates(),
    };
    for name in &candidates {
        if let Some(toolchain) = inspect(name.clone()) {
            return with_linker(toolchain);
        }
    }
    let tried: Vec<_> =
        candidates.iter().map(|name| name.as_deref().unwrap_or("the rustc on the PATH")).collect();
    Err(BuildError::NoToolchain { tried: tried.join(", ") })
}

/// rustup's toolchains, stable ones first, since contracts should be built with a compiler that others can get too.
fn candidates() -> Vec<Option<String>> {
    let listed = Command::new("rustup").args(["toolchain", "list"]).output();
    let listed =
        listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut names: Vec<String> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort_by_key(|name| !name.starts_with("stable"));
    if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() }
}

fn inspect(name: Option<String>) -> Option<Toolchain> {
    let mut toolchain = Toolchain {
        name,
        version: String::new(),
        host: String::new(),
        sysroot: PathBuf::new(),
        linker: None,
    };
    let ask = |toolchain: &Toolchain, arguments: &[&str]| {
        let output = toolchain.command("rustc").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let about = ask(&toolchain, &["-vV"])?;
    toolchain.version = about.lines().next()?.to_owned();
    toolchain.host = about.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned();
    toolchain.sysroot = PathBuf::from(ask(&toolchain, &["--print", "sysroot"])?);
    let libraries = toolchain.sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let has_core = std::fs::read_dir(libraries)
        .ok()?
        .flatten()
        .any(|file| file.file_name().to_string_lossy().starts_with("libcore-"));
    has_core.then_some(toolchain)
}

fn with_linker(mut toolchain: Toolchain) -> Result<Toolchain, BuildError> {
    if toolchain.has_own_linker() {
        return Ok(toolchain);
    }
    toolchain.linker = system_linker();
    if toolchain.linker.is_none() {
        return Err(BuildError::NoLinker { toolchain: toolchain.name.unwrap_or(toolchain.version) });
    }
    Ok(toolchain)
}

/// The newest wasm-ld of the system: an old one may not understand what a new compiler writes.
pub(super) fn system_linker() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib").ok()?.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok()?;
        let linker = entry.path().join("bin/wasm-ld");
        linker.is_file().then_some((version, linker))
    });
    versions.max().map(|(_, linker)| linker).or_else(|| on_path("wasm-ld"))
}

/// A program on the PATH.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

impl Toolchain {
    /// A command that runs a program of this toolchain, in an environment that cannot change what it makes.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = match &self.name {
            Some(name) => {
                let mut rustup = Command::new("rustup");
                rustup.args(["run", name, program]);
                rustup
            }
            None => Command::new(program),
        };
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("CARGO_PROFILE_") {
                command.env_remove(variable);
            }
        }
        command
    }

    /// The variable that gives cargo the linker, if it needs one.
    pub(super) fn linker_variable(&self) -> Option<(&'static str, &Path)> {
        self.linker.as_deref().map(|linker| ("CARGO_TARGET_WASM32V1_NONE_LINKER", linker))
    }

    fn has_own_linker(&self) -> bool {
        let Ok(hosts) = std::fs::read_dir(self.sysroot.join("lib/rustlib")) else { return false };
        hosts.flatten().any(|host| host.path().join("bin/rust-lld").is_file())
    }
}
