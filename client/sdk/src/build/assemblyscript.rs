// SPDX-License-Identifier: Apache-2.0
//! Contracts in AssemblyScript: a module that exports a function per message, the library `phala`, and entry points made
//! of `contract.toml`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::BuildError;
use super::bundle::{Bundle, Identity, Parts, output_dir};
use super::cargo::run;
use super::interface::{FILE, Function, Interface, metadata::metadata};
use super::toolchain::on_path;
use super::{BuildOptions, Phase, wasm};

/// The compiler's version: the one that the library was written for.
pub(super) const VERSION: &str = "0.28.20";
const LIBRARY: [(&str, &str); 2] = [
    ("index.ts", include_str!("../../../../contract/assemblyscript/index.ts")),
    ("host.ts", include_str!("../../../../contract/assemblyscript/host.ts")),
];
/// Small code of the first WebAssembly, whose memory comes from outside and is never freed.
const FLAGS: [&str; 19] = [
    "-O3z",
    "--noAssert",
    "--runtime",
    "stub",
    "--importMemory",
    "--noExportMemory",
    "--initialMemory",
    "1",
    "--maximumMemory",
    "16",
    "--disable",
    "bulk-memory",
    "--disable",
    "mutable-globals",
    "--disable",
    "sign-extension",
    "--disable",
    "nontrapping-f2i",
    "--use",
];
/// Words that TypeScript keeps for itself, as far as they are names of messages that somebody may want. A function for
/// one of them has a `_` behind its name.
const RESERVED: [&str; 12] = [
    "new", "delete", "import", "export", "class", "function", "default", "return", "switch", "this", "void",
    "with",
];

/// The compiler: node, and its program.
#[derive(Clone, Debug)]
pub(super) struct Compiler {
    pub(super) node: PathBuf,
    pub(super) program: PathBuf,
}

/// Where the compiler is installed.
pub(super) fn home(options: &BuildOptions) -> PathBuf {
    options.toolchains_dir.join("assemblyscript")
}

/// Finds them on this machine.
pub(super) fn find(options: &BuildOptions) -> Result<Compiler, BuildError> {
    let missing = |what| BuildError::NoCompiler { what, language: "assemblyscript" };
    let node = on_path("node").ok_or_else(|| missing("node, which runs the AssemblyScript compiler,"))?;
    let package = home(options).join("node_modules/assemblyscript");
    let manifest = std::fs::read_to_string(package.join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap_or_default();
    let program = package.join("bin/asc.js");
    match program.is_file() && manifest["version"] == VERSION {
        true => Ok(Compiler { node, program }),
        false => Err(missing("the AssemblyScript compiler")),
    }
}

pub(super) fn build(
    directory: &Path,
    interface: &Interface,
    options: &BuildOptions,
    report: &mut dyn FnMut(Phase, Option<&str>),
) -> Result<Bundle, BuildError> {
    let compiler = find(options)?;
    let wrong = |reason| BuildError::Interface { path: directory.join(FILE), reason };
    report(Phase::Describe, None);
    let description = metadata(interface).map_err(wrong)?;

    report(Phase::Compile, None);
    let output = output_dir(directory);
    let library = output.join("library").join("phala");
    std::fs::create_dir_all(&library).map_err(BuildError::file(&library))?;
    let put = |path: PathBuf, text: &str| {
        std::fs::write(&path, text).map_err(BuildError::file(&path)).map(|()| path)
    };
    for (name, text) in LIBRARY {
        put(library.join(name), text)?;
    }
    put(library.join("interface.ts"), &events(interface))?;
    // Beside the source, as the compiler names modules by where they are. It is taken away again.
    let entry = put(directory.join(".phala-entry.ts"), &entry_points(interface).map_err(wrong)?)?;
    let linked = output.join("linked.wasm");
    let mut command = Command::new(&compiler.node);
    command.current_dir(directory).arg(&compiler.program).arg(".phala-entry.ts").args(FLAGS);
    command.arg("abort=.phala-entry/abort").arg("--path").arg("target/ink/library");
    command.args(["--outFile", "target/ink/linked.wasm"]);
    let run = run(command, &mut |line| report(Phase::Compile, Some(line)));
    // Only tidiness depends on it.
    let _ = std::fs::remove_file(&entry);
    let run = run?;
    if !run.status.success() {
        return Err(BuildError::Compile { output: format!("{}{}", run.stdout, run.stderr) });
    }
    let raw = std::fs::read(&linked).map_err(BuildError::file(&linked))?;
    let _ = std::fs::remove_file(&linked);

    report(Phase::Optimize, None);
    let (code, optimizer) = wasm::finish(&raw, &options.cache_dir)?;
    report(Phase::Write, None);
    let parts = Parts {
        code,
        description,
        optimizer: optimizer.into(),
        language: format!("AssemblyScript {VERSION}"),
        compiler: format!("asc {VERSION}"),
        target: "wasm32",
    };
    Bundle::write(Identity::of_interface(directory, &interface.contract), parts)
}

/// The topics of events, for the author to import.
fn events(interface: &Interface) -> String {
    let mut text = String::from("// Made of contract.toml by the builder.\n");
    for event in &interface.events {
        let bytes = event.topic().map(|byte| byte.to_string()).join(", ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "export const EVENT_{}: StaticArray<u8> = [{bytes}];", event.name);
    }
    text
}

/// The generated module.
fn entry_points(interface: &Interface) -> Result<String, String> {
    let source = interface.contract.source.with_extension("");
    let mut text = format!(
        "// Made of contract.toml by the builder.\n\
         import {{ begin, finish, notDispatched, refuseValue }} from \"phala\";\n\
         import * as contract from \"./{}\";\n",
        source.display()
    );
    text.push_str(&entry_point("deploy", &interface.constructors)?);
    text.push_str(&entry_point("call", &interface.messages)?);
    text.push_str(
        "function abort(message: usize, file: usize, line: u32, column: u32): void {\n  unreachable();\n}\n",
    );
    Ok(text)
}

fn entry_point(name: &str, functions: &[Function]) -> Result<String, String> {
    let mut text = format!("export function {name}(): void {{\n  switch (begin()) {{\n");
    for function in functions {
        let selector = u32::from_be_bytes(function.selector()?);
        let refuse = if function.payable { "" } else { "refuseValue(); " };
        let called = match RESERVED.contains(&function.name.as_str()) {
            true => format!("{}_", function.name),
            false => function.name.clone(),
        };
        let _ = writeln!(text, "    case {selector:#010x}: {refuse}contract.{called}(); break;");
    }
    text.push_str("    default: notDispatched();\n  }\n  finish();\n}\n");
    Ok(text)
}
