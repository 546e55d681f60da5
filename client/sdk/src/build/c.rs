// SPDX-License-Identifier: Apache-2.0
//! Contracts in C: one source file, `phala.h`, and entry points made of `contract.toml`.
//!
//! The three are one translation unit: the generated file includes the author's, so that whatever `contract.toml` names
//! and the source lacks is a linker error, and nothing has to be exported but the entry points.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::BuildError;
use super::bundle::{Bundle, Identity, Parts, output_dir};
use super::cargo::run;
use super::interface::{FILE, Function, Interface, metadata::metadata};
use super::toolchain::{on_path, system_linker};
use super::{BuildOptions, Phase, wasm};

const HEADER: &str = include_str!("../../../../contract/c/phala.h");
/// The stack in the contract's memory, as an ink! contract has it.
const STACK_BYTES: u32 = 64 * 1024;
/// Small code of the first WebAssembly, and no warning left unread.
const FLAGS: [&str; 9] = [
    "--target=wasm32",
    "-mcpu=mvp",
    "-std=c11",
    "-Oz",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-fno-common",
];

/// A compiler and a linker.
#[derive(Clone, Debug)]
pub(super) struct Compiler {
    pub(super) clang: PathBuf,
    pub(super) linker: PathBuf,
    /// `clang 14.0.6`.
    pub(super) version: String,
}

/// Finds them on this machine.
pub(super) fn find() -> Result<Compiler, BuildError> {
    let missing = |what| BuildError::NoCompiler { what, language: "c" };
    let clang = on_path("clang").ok_or_else(|| missing("clang, the C compiler,"))?;
    let linker = system_linker().ok_or_else(|| missing("wasm-ld, the linker for WebAssembly,"))?;
    let start = |source| BuildError::Start { program: "clang".to_owned(), source };
    let output = Command::new(&clang).arg("--version").output().map_err(start)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_once("version ").and_then(|(_, rest)| rest.split_whitespace().next());
    Ok(Compiler { clang, linker, version: format!("clang {}", number.unwrap_or("of an unknown version")) })
}

pub(super) fn build(
    directory: &Path,
    interface: &Interface,
    options: &BuildOptions,
    report: &mut dyn FnMut(Phase, Option<&str>),
) -> Result<Bundle, BuildError> {
    let compiler = find()?;
    let wrong = |reason| BuildError::Interface { path: directory.join(FILE), reason };
    report(Phase::Describe, None);
    let description = metadata(interface).map_err(wrong)?;

    report(Phase::Compile, None);
    let output = output_dir(directory);
    std::fs::create_dir_all(&output).map_err(BuildError::file(&output))?;
    let put = |name: &str, text: &str| {
        let path = output.join(name);
        std::fs::write(&path, text).map_err(BuildError::file(&path)).map(|()| path)
    };
    put("phala.h", HEADER)?;
    let entry = put("entry.c", &entry_points(interface).map_err(wrong)?)?;
    let (object, linked) = (output.join("entry.o"), output.join("linked.wasm"));
    let mut command = Command::new(&compiler.clang);
    command.args(FLAGS).arg("-I").arg(&output).arg("-I").arg(directory);
    command.arg("-c").arg(&entry).arg("-o").arg(&object);
    let mut link = Command::new(&compiler.linker);
    link.args(["--no-entry", "--gc-sections", "-z", &format!("stack-size={STACK_BYTES}")]);
    link.arg(&object).arg("-o").arg(&linked);
    for command in [command, link] {
        let run = run(command, &mut |line| report(Phase::Compile, Some(line)))?;
        if !run.status.success() {
            return Err(BuildError::Compile { output: run.stderr });
        }
    }
    let raw = std::fs::read(&linked).map_err(BuildError::file(&linked))?;
    // Only tidiness depends on these two.
    let _ = std::fs::remove_file(&object);
    let _ = std::fs::remove_file(&linked);

    report(Phase::Optimize, None);
    let (code, optimizer) = wasm::finish(&raw, &options.cache_dir)?;
    report(Phase::Write, None);
    let parts = Parts {
        code,
        description,
        optimizer: optimizer.into(),
        language: "C 11".to_owned(),
        compiler: compiler.version,
        target: "wasm32",
    };
    Bundle::write(Identity::of_interface(directory, &interface.contract), parts)
}

/// The generated file.
fn entry_points(interface: &Interface) -> Result<String, String> {
    let mut text = String::from("// Made of contract.toml by the builder.\n#include \"phala.h\"\n\n");
    for event in &interface.events {
        let bytes = event.topic().map(|byte| format!("{byte:#04x}")).join(", ");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "static const phala_hash EVENT_{} __attribute__((unused)) = {{{{{bytes}}}}};",
            event.name
        );
    }
    for (kind, functions) in [("constructor", &interface.constructors), ("message", &interface.messages)] {
        for function in functions {
            let _ = writeln!(text, "void {kind}_{}(void);", function.name);
        }
    }
    let _ = writeln!(text, "\n#include \"{}\"\n", interface.contract.source.display());
    text.push_str(&entry_point("deploy", "constructor", &interface.constructors)?);
    text.push_str(&entry_point("call", "message", &interface.messages)?);
    Ok(text)
}

fn entry_point(name: &str, kind: &str, functions: &[Function]) -> Result<String, String> {
    let mut text = format!("__attribute__((export_name(\"{name}\"))) void phala_entry_{name}(void) {{\n");
    text.push_str("  switch (phala_begin()) {\n");
    for function in functions {
        let selector = u32::from_be_bytes(function.selector()?);
        let refuse = if function.payable { "" } else { "phala_refuse_value(); " };
        let _ = writeln!(text, "    case {selector:#010x}u: {refuse}{kind}_{}(); break;", function.name);
    }
    text.push_str("    default: phala_not_dispatched();\n  }\n  phala_return();\n}\n");
    Ok(text)
}
