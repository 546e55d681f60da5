// SPDX-License-Identifier: Apache-2.0
//! Builds a contract: from source in one of four languages to a `.contract` bundle.
//!
//! A project's files say what it is: a `Cargo.toml` an ink! 5 crate, a `contract.toml` a contract in C, AssemblyScript or
//! Solidity by the ending of the source that it names, and one `.sol` file alone a contract in Solidity. [`build`] tells a
//! callback when each step begins and what the compiler says meanwhile. All languages end alike:
//!
//! - the code is cut down to what the network admits ([`wasm`]);
//! - clients are told of its messages by ink!'s metadata of version 5, which Rust and Solidity have by their compilers
//!   ([`describe`]), and the others by `contract.toml` ([`interface`]);
//! - `target/ink/NAME.contract`, `NAME.wasm` and `NAME.json` are written in the project ([`bundle`]).
//!
//! Compilers come from [`compilers`], and a missing one is said with the command that installs it. The first build of an
//! ink! contract on a machine compiles ink! twice, which takes minutes; what it compiled stays in the cache directory and
//! serves every later build and every other contract, so those take seconds.
//!
//! The same source, lock file, compiler and `wasm-opt` give the same bytes in any directory. What is NOT checked: that a
//! worker admits the code. The rules that only it knows are told at upload.

mod assemblyscript;
mod bundle;
mod c;
mod cargo;
mod compilers;
mod describe;
mod error;
mod interface;
mod solidity;
mod toolchain;
mod wasm;

use interface::Interface;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use bundle::Bundle;
pub use compilers::{Language, compiler, install};
pub use error::BuildError;

/// Where the name of the toolchain is read from, if the options do not say it.
pub const TOOLCHAIN_VARIABLE: &str = "PHALA_CONTRACT_TOOLCHAIN";

/// How to build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Where compiled dependencies are kept between builds. Any directory, but not one that others may write to.
    pub cache_dir: PathBuf,
    /// Where [`install`] puts compilers.
    pub toolchains_dir: PathBuf,
    /// The toolchain to use, as rustup names it. If it is missing: [`TOOLCHAIN_VARIABLE`], or the first one that can.
    pub toolchain: Option<String>,
}

impl BuildOptions {
    /// The usual: caches in the user's cache directory, and whatever toolchain can do it.
    #[must_use]
    pub fn new() -> Self {
        let caches = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        let caches = caches.join("phala");
        Self {
            cache_dir: caches.join("contracts"),
            toolchains_dir: caches.join("toolchains"),
            toolchain: None,
        }
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

/// Builds the contract in a directory.
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
    let project = Project::open(project_dir)?;
    match &project.kind {
        Kind::Rust => build_rust(&project.directory, options, &mut report),
        Kind::C(interface) => c::build(&project.directory, interface, options, &mut report),
        Kind::AssemblyScript(interface) => {
            assemblyscript::build(&project.directory, interface, options, &mut report)
        }
        Kind::Solidity { source, interface } => {
            solidity::build(&project.directory, source, interface.as_deref(), options, &mut report)
        }
    }
}

/// The language of the contract in a directory.
///
/// # Errors
/// If there is none, or its `contract.toml` is not one.
pub fn language(project_dir: &Path) -> Result<Language, BuildError> {
    Ok(match Project::open(project_dir)?.kind {
        Kind::Rust => Language::Rust,
        Kind::C(_) => Language::C,
        Kind::AssemblyScript(_) => Language::AssemblyScript,
        Kind::Solidity { .. } => Language::Solidity,
    })
}

/// What is in a directory.
struct Project {
    directory: PathBuf,
    kind: Kind,
}

enum Kind {
    Rust,
    C(Box<Interface>),
    AssemblyScript(Box<Interface>),
    Solidity { source: PathBuf, interface: Option<Box<Interface>> },
}

impl Project {
    fn open(directory: &Path) -> Result<Self, BuildError> {
        let nothing = || BuildError::NoProject(directory.to_owned());
        let directory = directory.canonicalize().map_err(|_| nothing())?;
        let kind = if directory.join("Cargo.toml").is_file() {
            Kind::Rust
        } else if directory.join(interface::FILE).is_file() {
            Kind::of(Interface::open(&directory)?, &directory)?
        } else {
            Kind::Solidity { source: solidity::only_source(&directory).ok_or_else(nothing)?, interface: None }
        };
        Ok(Self { directory, kind })
    }
}

impl Kind {
    fn of(interface: Interface, directory: &Path) -> Result<Self, BuildError> {
        let path = directory.join(interface::FILE);
        let wrong = |reason: String| BuildError::Interface { path, reason };
        let source = interface.contract.source.clone();
        if !directory.join(&source).is_file() {
            return Err(wrong(format!("there is no {}", source.display())));
        }
        let boxed = Box::new(interface);
        match source.extension().and_then(|ending| ending.to_str()) {
            Some("c") => Ok(Self::C(boxed)),
            Some("ts") => Ok(Self::AssemblyScript(boxed)),
            Some("sol")
                if boxed.messages.is_empty() && boxed.constructors.is_empty() && boxed.events.is_empty() =>
            {
                Ok(Self::Solidity { source: directory.join(&source), interface: Some(boxed) })
            }
            Some("sol") => Err(wrong("Solidity's own source says what messages there are".to_owned())),
            _ => Err(wrong(format!("{} ends neither in .c nor in .ts nor in .sol", source.display()))),
        }
    }
}

fn build_rust(
    directory: &Path,
    options: &BuildOptions,
    report: &mut dyn FnMut(Phase, Option<&str>),
) -> Result<Bundle, BuildError> {
    let wanted = options.toolchain.clone().or_else(|| std::env::var(TOOLCHAIN_VARIABLE).ok());
    let toolchain = toolchain::find(wanted.as_deref())?;
    let project = cargo::Project::open(directory, &toolchain)?;

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
    let parts = bundle::Parts {
        code,
        description,
        optimizer: optimizer.into(),
        language: format!("ink! {}", compiled.ink_version),
        compiler: bundle::compiler(&toolchain.version),
        target: toolchain::TARGET,
    };
    Bundle::write(bundle::Identity::of_crate(&project), parts)
}

#[cfg(test)]
mod tests;
