// SPDX-License-Identifier: Apache-2.0
//! What can go wrong, told to the author: what happened, because of what, and what to try.

use std::path::PathBuf;

/// Why a contract was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The directory is no crate.
    #[error("there is no Cargo.toml in {0}; name the directory of the contract's crate")]
    NoManifest(PathBuf),
    /// Cargo cannot read the crate.
    #[error("cargo cannot read the contract's Cargo.toml:\n{output}")]
    Manifest {
        /// What cargo said.
        output: String,
    },
    /// The crate has no library to compile.
    #[error("the crate {name} has no library target; a contract is a library: put it in src/lib.rs")]
    NoLibrary {
        /// The crate.
        name: String,
    },
    /// The crate's library can only be linked by other languages, so that nobody can ask it to describe itself.
    #[error(
        "the crate {name} is a cdylib only, and cannot be asked to describe itself; remove crate-type from [lib], or add \"rlib\""
    )]
    OnlyCdylib {
        /// The crate.
        name: String,
    },
    /// The crate does not use ink!.
    #[error(
        "the crate {name} does not depend on ink, so it is no ink! contract; add ink = {{ version = \"=5.1.1\", default-features = false }}"
    )]
    NotInk {
        /// The crate.
        name: String,
    },
    /// It uses a version of ink! that does not compile to WebAssembly.
    #[error(
        "the contract uses ink {version}; only ink 5 makes the WebAssembly that this network runs: use version =5.1.1"
    )]
    InkVersion {
        /// Which.
        version: String,
    },
    /// The crate lacks the feature that the description is compiled with.
    #[error("the crate {name} has no feature \"std\"; add to its Cargo.toml: [features] std = [\"ink/std\"]")]
    NoStdFeature {
        /// The crate.
        name: String,
    },
    /// No toolchain can compile for the target.
    #[error(
        "no Rust toolchain here can compile for wasm32v1-none (looked at: {tried}); run `rustup target add wasm32v1-none`, or name a toolchain that can in PHALA_CONTRACT_TOOLCHAIN"
    )]
    NoToolchain {
        /// The toolchains that were looked at.
        tried: String,
    },
    /// There is no linker for WebAssembly.
    #[error(
        "the toolchain {toolchain} has no rust-lld and there is no wasm-ld on this machine; install one, such as the Debian package lld-22"
    )]
    NoLinker {
        /// The toolchain.
        toolchain: String,
    },
    /// A program could not be started.
    #[error("cannot run {program}; is it installed and on the PATH?")]
    Start {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The contract does not compile.
    #[error("the contract does not compile:\n{output}")]
    Compile {
        /// What the compiler said.
        output: String,
    },
    /// The contract compiles for WebAssembly, but not for this machine, or does not describe itself.
    #[error(
        "the contract cannot be asked to describe itself; does it compile with the feature std?\n{output}"
    )]
    Describe {
        /// What the compiler or the program said.
        output: String,
    },
    /// The compiled code is not what the network admits.
    #[error("the compiled code would be refused: {reason}")]
    Wasm {
        /// Which rule it breaks.
        reason: String,
    },
    /// The optimizer failed.
    #[error("wasm-opt failed; try another version, or take it off the PATH to build without it:\n{output}")]
    Optimizer {
        /// What it said.
        output: String,
    },
    /// The directory has nothing that can be built.
    #[error(
        "there is no contract in {0}: neither a Cargo.toml, nor a contract.toml, nor one .sol file; name its directory, or make one with `phala contract new`"
    )]
    NoProject(PathBuf),
    /// The description of the contract is not one.
    #[error("{path} does not describe a contract: {reason}")]
    Interface {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A compiler is not installed.
    #[error("{what} is not installed here; run `phala contract toolchain install {language}`")]
    NoCompiler {
        /// The compiler.
        what: &'static str,
        /// Its language, as the command takes it.
        language: &'static str,
    },
    /// A language that has no installation of its own.
    #[error("the Rust toolchain is rustup's: run `rustup target add wasm32v1-none`")]
    NotInstalledHere,
    /// Packages of the system are missing, and this user cannot install them.
    #[error("packages of the system are missing; run `{command}`, and this command again")]
    Packages {
        /// What an administrator runs.
        command: String,
    },
    /// A compiler could not be installed.
    #[error("{what} could not be installed; its last words:\n{output}")]
    Install {
        /// The compiler.
        what: &'static str,
        /// What the installer said.
        output: String,
    },
    /// A file or directory cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl BuildError {
    /// For `map_err` at a file operation.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
