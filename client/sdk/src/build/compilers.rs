// SPDX-License-Identifier: Apache-2.0
//! The compilers of the four languages: which are here, and how the others come here.
//!
//! They go to the user's own cache directory; only packages of the system need an administrator. What is downloaded is
//! what cargo, npm and apt verify by their own lock files, checksums and signatures.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cargo::run;
use super::toolchain::on_path;
use super::{BuildError, BuildOptions, TOOLCHAIN_VARIABLE, assemblyscript, c, solidity, toolchain};

/// Where Debian has its LLVM 16, which is the one that Solang is written for.
const LLVM: &str = "/usr/lib/llvm-16";
/// What Solang is compiled with and linked to.
const SOLANG_PACKAGES: [&str; 14] = [
    "clang-16",
    "g++",
    "libffi-dev",
    "liblld-16",
    "liblld-16-dev",
    "libpolly-16-dev",
    "libxml2-dev",
    "libz3-dev",
    "libzstd-dev",
    "lld-16",
    "llvm-16",
    "llvm-16-dev",
    "make",
    "zlib1g-dev",
];
const C_PACKAGES: [&str; 2] = ["clang", "lld"];
const NODE_PACKAGES: [&str; 2] = ["nodejs", "npm"];

/// A language of contracts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Rust, with ink!.
    Rust,
    /// Solidity, by Solang.
    Solidity,
    /// AssemblyScript.
    AssemblyScript,
    /// C, by clang.
    C,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::Solidity, Self::AssemblyScript, Self::C];

    /// As commands have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Solidity => "solidity",
            Self::AssemblyScript => "assemblyscript",
            Self::C => "c",
        }
    }
}

/// What builds a language's contracts here.
///
/// # Errors
/// What is missing, and the command that installs it.
pub fn compiler(language: Language, options: &BuildOptions) -> Result<String, BuildError> {
    match language {
        Language::Rust => {
            let wanted = options.toolchain.clone().or_else(|| std::env::var(TOOLCHAIN_VARIABLE).ok());
            toolchain::find(wanted.as_deref()).map(|found| found.version)
        }
        Language::Solidity => solidity::find(options).map(|_| format!("solang {}", solidity::VERSION)),
        Language::AssemblyScript => {
            assemblyscript::find(options).map(|_| format!("asc {}", assemblyscript::VERSION))
        }
        Language::C => c::find().map(|found| found.version),
    }
}

/// Installs what builds a language's contracts, unless it is there, and tells each line that the installers print.
///
/// # Errors
/// [`BuildError`], whose text says what an administrator has to do if this user cannot.
pub fn install(
    language: Language,
    options: &BuildOptions,
    report: &mut dyn FnMut(&str),
) -> Result<String, BuildError> {
    if let Ok(found) = compiler(language, options) {
        return Ok(found);
    }
    match language {
        Language::Rust => return Err(BuildError::NotInstalledHere),
        Language::C => packages(&C_PACKAGES, report)?,
        Language::AssemblyScript => install_assemblyscript(options, report)?,
        Language::Solidity => install_solang(options, report)?,
    }
    compiler(language, options)
}

fn install_assemblyscript(options: &BuildOptions, report: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    if on_path("node").is_none() || on_path("npm").is_none() {
        packages(&NODE_PACKAGES, report)?;
    }
    let home = assemblyscript::home(options);
    std::fs::create_dir_all(&home).map_err(BuildError::file(&home))?;
    let mut command = Command::new("npm");
    // It compiles with what its package has; nothing of it has to run at installation.
    command.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=http", "--prefix"]);
    command.arg(&home).arg(format!("assemblyscript@{}", assemblyscript::VERSION));
    run_installer("the AssemblyScript compiler", command, report)
}

/// Solang is written for a fork of LLVM 16 that has one target more, which only contracts of another network need.
/// Against Debian's LLVM it takes: a `clang` that compiles the library for that target for this machine instead (it is
/// linked into nothing that we make), a library that pretends to have the target's five beginnings, and libffi, which
/// Debian's LLVM needs.
fn install_solang(options: &BuildOptions, report: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    packages(&SOLANG_PACKAGES, report)?;
    let home = solidity::home(options);
    let shims = home.join("shim");
    std::fs::create_dir_all(&shims).map_err(BuildError::file(&shims))?;
    script(
        &shims.join("clang"),
        &format!(
            "for flag in \"$@\"; do\n  shift\n  [ \"$flag\" = --target=sbf ] && \
             flag=--target=x86_64-unknown-linux-gnu\n  set -- \"$@\" \"$flag\"\ndone\nexec {LLVM}/bin/clang \"$@\"\n"
        ),
    )?;
    script(&shims.join("llvm-config"), &format!("exec {LLVM}/bin/llvm-config \"$@\"\n"))?;
    let source = shims.join("sbf.c");
    let beginnings = ["Target", "TargetInfo", "AsmPrinter", "Disassembler", "TargetMC"]
        .map(|part| format!("void LLVMInitializeSBF{part}(void) {{}}\n"));
    std::fs::write(&source, beginnings.concat()).map_err(BuildError::file(&source))?;
    let (object, library) = (shims.join("sbf.o"), shims.join("libsbf.a"));
    let mut compile = Command::new(Path::new(LLVM).join("bin/clang"));
    compile.arg("-c").arg(&source).arg("-o").arg(&object);
    let mut archive = Command::new(Path::new(LLVM).join("bin/llvm-ar"));
    archive.arg("rcs").arg(&library).arg(&object);
    let mut install = Command::new("cargo");
    install
        .args(["install", "solang", "--version", solidity::VERSION, "--locked", "--no-default-features"])
        .args(["--features", "llvm", "--root"])
        .arg(&home)
        .env("CARGO_TARGET_DIR", home.join("target"))
        .env("LLVM_SYS_160_PREFIX", LLVM)
        .env("PATH", first_on_path(&shims))
        .env("RUSTFLAGS", format!("-C link-arg={} -C link-arg=-lffi", library.display()))
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER");
    for command in [compile, archive, install] {
        run_installer("Solang", command, report)?;
    }
    // Several hundred megabytes that nothing needs any more.
    let leftovers = home.join("target");
    std::fs::remove_dir_all(&leftovers).map_err(BuildError::file(&leftovers))
}

fn first_on_path(directory: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> =
        std::iter::once(directory.to_owned()).chain(std::env::split_paths(&path)).collect();
    // A directory with a colon in its name cannot be on a PATH at all.
    std::env::join_paths(all).unwrap_or(path)
}

fn script(path: &Path, body: &str) -> Result<(), BuildError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, format!("#!/bin/sh\n{body}")).map_err(BuildError::file(path))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).map_err(BuildError::file(path))
}

/// Sees to packages of the system: installs the missing ones if this user may, or says who should.
fn packages(names: &[&str], report: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    let is_installed = |name: &&str| {
        let mut query = Command::new("dpkg-query");
        query.args(["--show", "--showformat=${db:Status-Status}", name]).stderr(Stdio::null());
        query.output().is_ok_and(|output| output.stdout == b"installed")
    };
    let missing: Vec<&str> = names.iter().filter(|name| !is_installed(name)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("sudo apt-get install --no-install-recommends {}", missing.join(" "));
    if !rustix::process::geteuid().is_root() || on_path("apt-get").is_none() {
        return Err(BuildError::Packages { command });
    }
    let mut update = Command::new("apt-get");
    update.args(["update", "-q"]);
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["install", "--yes", "-q", "--no-install-recommends"]).args(&missing);
    for command in [update, install] {
        run_installer("packages of the system", command, report)?;
    }
    Ok(())
}

fn run_installer(
    what: &'static str,
    command: Command,
    report: &mut dyn FnMut(&str),
) -> Result<(), BuildError> {
    let run = run(command, report)?;
    match run.status.success() {
        true => Ok(()),
        false => Err(BuildError::Install { what, output: run.stderr }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> BuildOptions {
        BuildOptions { toolchains_dir: PathBuf::from("/nowhere"), ..BuildOptions::new() }
    }

    #[test]
    fn missing_compiler_is_said_with_the_command_that_installs_it() {
        for language in [Language::Solidity, Language::AssemblyScript] {
            let error = compiler(language, &nowhere()).unwrap_err().to_string();
            let command = format!("phala contract toolchain install {}", language.name());
            assert!(error.contains(&command), "{error}");
        }
    }

    #[test]
    fn installer_that_fails_is_quoted() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no network >&2; exit 1"]);
        let error = run_installer("Solang", command, &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("Solang") && error.contains("no network"), "{error}");
    }
}
