// SPDX-License-Identifier: Apache-2.0
//! Running cargo on the contract: what the crate is, and its WebAssembly.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use super::BuildError;
use super::toolchain::{TARGET, Toolchain};

/// The stack of a contract in its linear memory: what ink!'s own tools give it.
const STACK_BYTES: u32 = 64 * 1024;
/// How much of what cargo said is kept for an error. Enough for the first errors of a compiler.
const MAX_OUTPUT_LINES: usize = 200;

/// The contract's crate, as cargo describes it.
#[derive(Clone, Debug)]
pub(super) struct Project {
    pub(super) directory: PathBuf,
    pub(super) workspace: PathBuf,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) authors: Vec<String>,
    package_id: String,
}

/// A contract as the compiler leaves it.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) wasm: Vec<u8>,
    pub(super) ink_version: String,
}

impl Project {
    /// Reads the crate's manifest, and refuses what cannot become a contract while it is cheap.
    pub(super) fn open(directory: &Path, toolchain: &Toolchain) -> Result<Self, BuildError> {
        let no_manifest = || BuildError::NoManifest(directory.to_owned());
        let directory = directory.canonicalize().map_err(|_| no_manifest())?;
        let manifest = directory.join("Cargo.toml");
        if !manifest.is_file() {
            return Err(no_manifest());
        }
        let mut command = toolchain.command("cargo");
        command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(&manifest);
        let output =
            command.output().map_err(|source| BuildError::Start { program: "cargo".to_owned(), source })?;
        if !output.status.success() {
            return Err(BuildError::Manifest {
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        let unreadable = |output: &str| BuildError::Manifest { output: output.to_owned() };
        let metadata: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| unreadable(&error.to_string()))?;
        let package = list(&metadata["packages"])
            .find(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
            .ok_or_else(|| unreadable("it describes a workspace, and not a crate"))?;
        Self::from_package(directory, &metadata, package)
    }

    fn from_package(directory: PathBuf, metadata: &Value, package: &Value) -> Result<Self, BuildError> {
        let name = text(&package["name"]);
        let library = list(&package["targets"])
            .find(|target| {
                list(&target["kind"]).any(|kind| matches!(kind.as_str(), Some("lib" | "rlib" | "cdylib")))
            })
            .ok_or_else(|| BuildError::NoLibrary { name: name.clone() })?;
        if !list(&library["kind"]).any(|kind| matches!(kind.as_str(), Some("lib" | "rlib"))) {
            return Err(BuildError::OnlyCdylib { name });
        }
        let ink = list(&package["dependencies"]).find(|dependency| dependency["name"] == "ink");
        let version =
            ink.map(|ink| text(&ink["req"])).ok_or_else(|| BuildError::NotInk { name: name.clone() })?;
        if !version.trim_start_matches(|c: char| !c.is_ascii_digit()).starts_with('5') {
            return Err(BuildError::InkVersion { version });
        }
        if package["features"].get("std").is_none() {
            return Err(BuildError::NoStdFeature { name });
        }
        Ok(Self {
            directory,
            workspace: PathBuf::from(text(&metadata["workspace_root"])),
            version: text(&package["version"]),
            authors: list(&package["authors"]).map(text).collect(),
            package_id: text(&package["id"]),
            name,
        })
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.directory.join("Cargo.toml")
    }
}

/// Compiles the contract, and reports each line that cargo prints.
pub(super) fn compile_wasm(
    project: &Project,
    toolchain: &Toolchain,
    cache_dir: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<Compiled, BuildError> {
    let mut command = toolchain.command("cargo");
    command
        .args(["rustc", "--lib", "--crate-type=cdylib", "--release", "--no-default-features"])
        .args(["--message-format=json-render-diagnostics", "--target", TARGET])
        .arg("--target-dir")
        .arg(target_dir(cache_dir))
        .arg("--manifest-path")
        .arg(project.manifest())
        .env("CARGO_ENCODED_RUSTFLAGS", shared_flags(toolchain))
        // Whatever the author's profile says: small code, checked sums, and a panic that ends the call.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .args(["--", &format!("-Clink-arg=-zstack-size={STACK_BYTES}"), "--remap-path-prefix"])
        .arg(renamed(project.workspace.clone(), "/contract"));
    if let Some((variable, linker)) = toolchain.linker_variable() {
        command.env(variable, linker);
    }
    let run = run(command, report)?;
    let messages: Vec<Value> =
        run.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !run.status.success() {
        return Err(BuildError::Compile { output: run.stderr });
    }
    let ink_version = messages
        .iter()
        .find_map(|message| version_of("ink", message["package_id"].as_str()?))
        .ok_or_else(|| BuildError::NotInk { name: project.name.clone() })?;
    let file = messages
        .iter()
        .filter(|message| message["package_id"] == project.package_id.as_str())
        .flat_map(|message| list(&message["filenames"]))
        .filter_map(Value::as_str)
        .find(|file| file.ends_with(".wasm"))
        .ok_or_else(|| BuildError::Compile { output: "cargo made no .wasm file".to_owned() })?;
    let wasm = std::fs::read(file).map_err(BuildError::file(file))?;
    Ok(Compiled { wasm, ink_version })
}

/// Where cargo keeps what it compiled.
pub(super) fn target_dir(cache_dir: &Path) -> PathBuf {
    cache_dir.join("target")
}

/// Compiler flags for all crates. Messages name their source files: these give names to this machine's directories, so that
/// bytes are the same wherever the contract is built. They are the same for all contracts, which can so share what is compiled.
fn shared_flags(toolchain: &Toolchain) -> OsString {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).unwrap_or_default();
    let mut flags = OsString::from("--remap-path-prefix=");
    flags.push(renamed(cargo_home, "/cargo"));
    flags.push("\x1f--remap-path-prefix=");
    flags.push(renamed(toolchain.sysroot.clone(), "/rust"));
    flags
}

fn renamed(directory: PathBuf, name: &str) -> OsString {
    let mut renamed = directory.into_os_string();
    renamed.push("=");
    renamed.push(name);
    renamed
}

/// The version in a package id, if the package has this name: `registry+https://...#ink@5.1.1`.
fn version_of(name: &str, package_id: &str) -> Option<String> {
    let (_, package) = package_id.rsplit_once('#')?;
    let (found, version) = package.split_once('@')?;
    (found == name).then(|| version.to_owned())
}

/// What a program left behind.
pub(super) struct Run {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    /// The last lines, at most [`MAX_OUTPUT_LINES`].
    pub(super) stderr: String,
}

/// Runs a program to its end, and reports each line of its error output, which is where cargo tells its progress.
pub(super) fn run(mut command: Command, report: &mut dyn FnMut(&str)) -> Result<Run, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| BuildError::Start { program: program.clone(), source };
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let no_pipe = || failed(std::io::Error::other("its output cannot be read"));
    let mut stdout = child.stdout.take().ok_or_else(no_pipe)?;
    let stderr = child.stderr.take().ok_or_else(no_pipe)?;
    // Read aside, or a program that fills one pipe would wait for us while we wait for the other.
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| String::from_utf8_lossy(&bytes).into_owned())
    });
    let mut last = VecDeque::new();
    for line in BufReader::new(stderr).lines() {
        let line = line.map_err(failed)?;
        report(line.trim());
        if is_progress(&line) {
            continue;
        }
        if last.len() == MAX_OUTPUT_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    let status = child.wait().map_err(failed)?;
    let stdout = reader.join().map_err(|_| no_pipe())?.map_err(failed)?;
    Ok(Run { status, stdout, stderr: Vec::from(last).join("\n") })
}

/// Whether a line only says that cargo is busy. An error is easier to read without a hundred of them.
fn is_progress(line: &str) -> bool {
    const VERBS: [&str; 8] =
        ["Adding", "Blocking", "Compiling", "Downloaded", "Downloading", "Finished", "Locking", "Updating"];
    line.split_whitespace().next().is_some_and(|verb| VERBS.contains(&verb))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
