// SPDX-License-Identifier: Apache-2.0
//! From what the linker wrote to what the network admits.
//!
//! The network wants exactly the exports `call` and `deploy`, an imported memory with a bound, and nothing else. The
//! linker is told to *define* the memory, which keeps it from writing out memory that is zero anyway; the definition
//! becomes the import here.

use std::borrow::Cow;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemoryType,
    Module, RawSection, SectionId,
};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef, Validator, WasmFeatures};

use super::BuildError;
use super::toolchain::on_path;

/// The most pages of memory that contracts are linked for: fewer than a worker gives them.
const MAX_MEMORY_PAGES: u64 = 16;
const ENTRY_POINTS: [&str; 2] = ["call", "deploy"];
const OPTIMIZER: &str = "wasm-opt";

/// Finishes the code. Returns it with the version of the optimizer, if there was one on the PATH.
pub(super) fn finish(raw: &[u8], cache_dir: &Path) -> Result<(Vec<u8>, Option<String>), BuildError> {
    let trimmed = trim(&begin_at_entry_points(raw)?)?;
    let (code, version) = match on_path(OPTIMIZER) {
        Some(program) => {
            let (optimized, version) = optimize(&program, &trimmed, cache_dir)?;
            (trim(&optimized)?, Some(version))
        }
        None => (trimmed, None),
    };
    check(&code)?;
    Ok((code, version))
}

/// Moves what a module runs before its entry points (AssemblyScript's globals) into them, since the network admits no
/// code that runs by itself: each entry point becomes a function that calls the one and then the other.
fn begin_at_entry_points(wasm: &[u8]) -> Result<Cow<'_, [u8]>, BuildError> {
    let unreadable = |error: wasmparser::BinaryReaderError| BuildError::Wasm { reason: error.to_string() };
    let (mut start, mut imported, mut types, mut bodies) = (None, 0u32, Vec::new(), Vec::new());
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(unreadable)? {
            Payload::StartSection { func, .. } => start = Some(func),
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let is_function = matches!(import.map_err(unreadable)?.ty, TypeRef::Func(_));
                    imported = imported.saturating_add(is_function.into());
                }
            }
            Payload::FunctionSection(section) => {
                types = section.into_iter().collect::<Result<_, _>>().map_err(unreadable)?;
            }
            Payload::ExportSection(section) => {
                exports = section.into_iter().collect::<Result<_, _>>().map_err(unreadable)?;
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let Some(start) = start else { return Ok(Cow::Borrowed(wasm)) };

    let refused = |reason: &str| BuildError::Wasm { reason: reason.to_owned() };
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    types.iter().for_each(|ty| {
        functions.function(*ty);
    });
    bodies.iter().for_each(|body| {
        code.raw(body);
    });
    let mut kept = ExportSection::new();
    for export in exports {
        if export.kind != ExternalKind::Func || !ENTRY_POINTS.contains(&export.name) {
            continue;
        }
        let own = export.index.checked_sub(imported).and_then(|own| types.get(own as usize));
        let ty = own.ok_or_else(|| refused("it exports a function of the host"))?;
        kept.export(export.name, ExportKind::Func, imported.saturating_add(functions.len()));
        functions.function(*ty);
        let mut function = Function::new([]);
        function.instructions().call(start).call(export.index).end();
        code.function(&function);
    }
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(unreadable)?;
        let Some((id, range)) = payload.as_section() else { continue };
        match payload {
            Payload::StartSection { .. } | Payload::CustomSection(_) => {}
            Payload::FunctionSection(_) => {
                module.section(&functions);
            }
            Payload::ExportSection(_) => {
                module.section(&kept);
            }
            Payload::CodeSectionStart { .. } => {
                module.section(&code);
            }
            _ => {
                module.section(&RawSection { id, data: wasm.get(range).unwrap_or_default() });
            }
        }
    }
    Ok(Cow::Owned(module.finish()))
}

/// Keeps the two entry points, imports the memory with a bound, and drops what is for people and tools.
fn trim(wasm: &[u8]) -> Result<Vec<u8>, BuildError> {
    let refused = |reason: &str| BuildError::Wasm { reason: reason.to_owned() };
    let unreadable = |error: wasmparser::BinaryReaderError| BuildError::Wasm { reason: error.to_string() };
    let mut memory = None;
    let mut functions = Vec::new();
    let mut exports = ExportSection::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(unreadable)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(unreadable)?;
                    match import.ty {
                        TypeRef::Func(ty) => functions.push((import.module, import.name, ty)),
                        TypeRef::Memory(found) => memory = Some(found),
                        _ => {
                            return Err(refused(
                                "it imports something that is neither a function nor the memory",
                            ));
                        }
                    }
                }
            }
            Payload::MemorySection(section) => {
                for found in section {
                    memory = Some(found.map_err(unreadable)?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(unreadable)?;
                    if export.kind == ExternalKind::Func && ENTRY_POINTS.contains(&export.name) {
                        exports.export(export.name, ExportKind::Func, export.index);
                    }
                }
            }
            _ => {}
        }
    }
    if exports.len() != 2 {
        return Err(refused("it does not export call and deploy; is it a contract?"));
    }
    let memory = memory.ok_or_else(|| refused("it has no memory"))?;
    if memory.initial > MAX_MEMORY_PAGES {
        return Err(refused("its static data does not fit 1 MiB of memory"));
    }
    let mut imports = ImportSection::new();
    for (module, name, ty) in functions {
        imports.import(module, name, EntityType::Function(ty));
    }
    imports.import(
        "env",
        "memory",
        MemoryType {
            minimum: memory.initial,
            maximum: Some(MAX_MEMORY_PAGES),
            memory64: false,
            shared: false,
            page_size_log2: None,
        },
    );
    assemble(wasm, &imports, &exports)
}

/// The module again, with other imports and exports, without a memory and without custom sections.
fn assemble(wasm: &[u8], imports: &ImportSection, exports: &ExportSection) -> Result<Vec<u8>, BuildError> {
    let mut module = Module::new();
    let mut imports_written = false;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| BuildError::Wasm { reason: error.to_string() })?;
        let Some((id, range)) = payload.as_section() else { continue };
        if id > SectionId::Import as u8 && !imports_written {
            module.section(imports);
            imports_written = true;
        }
        match payload {
            Payload::CustomSection(_) | Payload::MemorySection(_) | Payload::ImportSection(_) => {}
            Payload::ExportSection(_) => {
                module.section(exports);
            }
            _ => {
                module.section(&RawSection { id, data: wasm.get(range).unwrap_or_default() });
            }
        }
    }
    Ok(module.finish())
}

fn optimize(program: &Path, wasm: &[u8], cache_dir: &Path) -> Result<(Vec<u8>, String), BuildError> {
    let start = |source| BuildError::Start { program: OPTIMIZER.to_owned(), source };
    let version = Command::new(program).arg("--version").output().map_err(start)?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();

    // Named by this process and by how many it did before, so that two builds at once do not meet.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = |kind: &str| cache_dir.join(format!("{kind}-{}-{number}.wasm", std::process::id()));
    let (before, after) = (file("before"), file("after"));
    std::fs::create_dir_all(cache_dir).map_err(BuildError::file(cache_dir))?;
    std::fs::write(&before, wasm).map_err(BuildError::file(&before))?;
    // Memory begins as zeroes in every call, so data that is zero need not be there.
    let arguments = ["-Oz", "--mvp-features", "--zero-filled-memory"];
    let output =
        Command::new(program).args(arguments).arg(&before).arg("-o").arg(&after).output().map_err(start);
    let optimized = std::fs::read(&after).map_err(BuildError::file(&after));
    // Only tidiness depends on these two.
    let _ = std::fs::remove_file(&before);
    let _ = std::fs::remove_file(&after);
    let output = output?;
    if !output.status.success() {
        return Err(BuildError::Optimizer { output: String::from_utf8_lossy(&output.stderr).into_owned() });
    }
    Ok((optimized?, version))
}

/// Says now what a worker would say at upload about the kind of WebAssembly.
fn check(wasm: &[u8]) -> Result<(), BuildError> {
    let features = WasmFeatures::SIGN_EXTENSION.union(WasmFeatures::GC_TYPES);
    match Validator::new_with_features(features).validate_all(wasm) {
        Ok(_) => Ok(()),
        Err(error) => Err(BuildError::Wasm { reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        ConstExpr, CustomSection, GlobalSection, GlobalType, MemorySection, TypeSection, ValType,
    };

    /// A module as a linker leaves it: a host function, a memory, the entry points, and exports that nobody wants.
    fn linked(pages: Option<u64>, local: ValType) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([ValType::I32, ValType::I32], []);
        let mut imports = ImportSection::new();
        imports.import("seal0", "caller", EntityType::Function(1));
        let mut functions = FunctionSection::new();
        let mut exports = ExportSection::new();
        let mut code = CodeSection::new();
        for (number, name) in (1..).zip(["call", "deploy", "memcpy"]) {
            functions.function(0);
            exports.export(name, ExportKind::Func, number);
            let mut function = Function::new([(1, local)]);
            function.instructions().end();
            code.function(&function);
        }
        exports.export("__heap_base", ExportKind::Global, 0);
        let mut globals = GlobalSection::new();
        let global = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
        globals.global(global, &ConstExpr::i32_const(9));

        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        if let Some(minimum) = pages {
            let mut memories = MemorySection::new();
            memories.memory(MemoryType {
                minimum,
                maximum: None,
                memory64: false,
                shared: false,
                page_size_log2: None,
            });
            module.section(&memories);
            exports.export("memory", ExportKind::Memory, 0);
        }
        let note = CustomSection { name: "producers".into(), data: (&b"somebody"[..]).into() };
        module.section(&globals).section(&exports).section(&code).section(&note);
        module.finish()
    }

    /// The names of imports and exports, of a module that has neither custom sections nor a memory of its own.
    fn surface(wasm: &[u8]) -> (Vec<String>, Vec<String>) {
        let (mut imports, mut exports) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.unwrap() {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.unwrap();
                        imports.push(format!("{}.{}", import.module, import.name));
                    }
                }
                Payload::ExportSection(section) => {
                    exports.extend(section.into_iter().map(|export| export.unwrap().name.to_owned()));
                }
                Payload::CustomSection(_) | Payload::MemorySection(_) => panic!("this should be gone"),
                _ => {}
            }
        }
        (imports, exports)
    }

    #[test]
    fn a_defined_memory_becomes_the_imported_one_and_only_entry_points_stay() {
        let trimmed = trim(&linked(Some(2), ValType::I32)).unwrap();
        let (imports, exports) = surface(&trimmed);
        assert_eq!(imports, ["seal0.caller", "env.memory"]);
        assert_eq!(exports, ["call", "deploy"]);
        check(&trimmed).unwrap();
    }

    #[test]
    fn what_ran_by_itself_is_called_by_the_entry_points() {
        let text = r#"(module (import "env" "memory" (memory 1))
            (import "seal0" "caller" (func (param i32 i32))) (global $g (mut i32) (i32.const 0))
            (func $begin (global.set $g (i32.const 7))) (start $begin)
            (func $call (drop (global.get $g))) (func $deploy)
            (export "call" (func $call)) (export "deploy" (func $deploy)) (export "memory" (memory 0)))"#;
        let wasm = wat::parse_str(text).unwrap();
        let moved = begin_at_entry_points(&wasm).unwrap();
        Validator::new().validate_all(&moved).unwrap();
        let trimmed = trim(&moved).unwrap();
        check(&trimmed).unwrap();
        assert_eq!(surface(&trimmed).1, ["call", "deploy"]);
        let has_start = |wasm: &[u8]| {
            Parser::new(0).parse_all(wasm).any(|part| matches!(part.unwrap(), Payload::StartSection { .. }))
        };
        assert!(has_start(&wasm) && !has_start(&trimmed));
        assert!(matches!(begin_at_entry_points(&trimmed).unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn trimming_twice_changes_nothing_more() {
        let once = trim(&linked(Some(2), ValType::I32)).unwrap();
        assert_eq!(trim(&once).unwrap(), once);
    }

    #[test]
    fn what_the_network_refuses_is_refused_here() {
        let reason = |wasm: &[u8]| match trim(wasm).and_then(|wasm| check(&wasm)) {
            Err(BuildError::Wasm { reason }) => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason(&linked(Some(17), ValType::I32)).contains("1 MiB"));
        assert!(reason(&linked(None, ValType::I32)).contains("no memory"));
        assert!(reason(&linked(Some(1), ValType::F32)).contains("floating-point"));
        assert!(reason(b"\0asm\x01\0\0\0").contains("does not export"));
        assert!(reason(b"no wasm").contains("magic"));
    }
}
