// SPDX-License-Identifier: Apache-2.0
//! Builds a contract: from an ink! 5 crate to a `.contract` bundle, with nothing but cargo.
//!
//! [`build`] takes four steps, and tells a callback when each begins and what cargo says meanwhile:
//!
//! 1. find a Rust toolchain with the target `wasm32v1-none`, and a linker for it ([`toolchain`]);
//! 2. compile the crate to the first WebAssembly, and cut it down to what the network admits ([`wasm`]);
//! 3. compile the crate for this machine and ask it to describe itself ([`describe`]);
//! 4. write `target/ink/NAME.contract`, `NAME.wasm` and `NAME.json` in the project ([`bundle`]).
//!
//! The first build of a machine compiles ink! twice, which takes minutes; what it compiled stays in the cache directory
//! and serves every later build and every other contract, so those take seconds.
//!
//! The same source, lock file, compiler and `wasm-opt` give the same bytes in any directory. What is NOT checked: that a
//! worker admits the code. The rules that only it knows are told at upload.

mod bundle;
mod cargo;
mod describe;
mod error;
mod toolchain;
mod wasm;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use bundle::Bundle;
pub use error::BuildError;

/// Where the name of the toolchain is read from, if the options do not say it.
pub const TOOLCHAIN_VARIABLE: &str = "PHALA_CONTRACT_TOOLCHAIN";

/// How to build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Where compiled dependencies are kept between builds. Any directory, but not one that others may write to.
    pub cache_dir: PathBuf,
    /// The toolchain to use, as rustup names it. If it is missing: [`TOOLCHAIN_VARIABLE`], or the first one that can.
    pub toolchain: Option<String>,
}

impl BuildOptions {
    /// The usual: a cache in the user's cache directory, and whatever toolchain can do it.
    #[must_use]
    pub fn new() -> Self {
        let caches = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        Self { cache_dir: caches.join("phala").join("contracts"), toolchain: None }
    }
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// One step of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Looking for a compiler and a linker.
    FindToolchain,
    /// Compiling to WebAssembly.
    Compile,
    /// Making the WebAssembly small.
    Optimize,
    /// Asking the contract to describe itself.
    Describe,
    /// Writing the results.
    Write,
}

impl Phase {
    /// What to show to a person.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::FindToolchain => "find the toolchain",
            Self::Compile => "compile to WebAssembly",
            Self::Optimize => "optimize",
            Self::Describe => "describe the contract",
            Self::Write => "write the bundle",
        }
    }
}

/// What a build is doing.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The step.
    pub phase: Phase,
    /// How long the whole build has taken so far.
    pub elapsed: Duration,
    /// A line of cargo's, or nothing when the step begins.
    pub detail: Option<&'a str>,
}

/// Builds the contract whose `Cargo.toml` is in a directory.
///
/// # Errors
/// [`BuildError`], whose text says what happened, because of what, and what to try.
pub fn build(
    project_dir: &Path,
    options: &BuildOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Bundle, BuildError> {
    let began = Instant::now();
    let mut report =
        |phase, detail: Option<&str>| progress(Progress { phase, elapsed: began.elapsed(), detail });

    report(Phase::FindToolchain, None);
    let wanted = options.toolchain.clone().or_else(|| std::env::var(TOOLCHAIN_VARIABLE).ok());
    let toolchain = toolchain::find(wanted.as_deref())?;
    let project = cargo::Project::open(project_dir, &toolchain)?;

    report(Phase::Compile, None);
    let compiled = cargo::compile_wasm(&project, &toolchain, &options.cache_dir, &mut |line| {
        report(Phase::Compile, Some(line));
    })?;

    report(Phase::Optimize, None);
    let (code, optimizer) = wasm::finish(&compiled.wasm, &options.cache_dir)?;

    report(Phase::Describe, None);
    let description = describe::describe(&project, &toolchain, &options.cache_dir, &mut |line| {
        report(Phase::Describe, Some(line));
    })?;

    report(Phase::Write, None);
    Bundle::write(
        &project,
        bundle::Parts { code, description, optimizer, ink: compiled.ink_version, toolchain },
    )
}
