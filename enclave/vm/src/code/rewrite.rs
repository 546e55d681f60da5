// SPDX-License-Identifier: Apache-2.0
//! An admitted contract as engines run it.
//!
//! Its imported memory becomes one of its own, since an engine can reuse and map copy-on-write only a memory that the
//! module defines; its functions are metered (`meter`), with two globals for what is left; custom sections go.

use std::collections::BTreeMap;

use phala_types::code::CodeRefusal;
use phala_types::limits::MEMORY_PAGES_MAX;
use wasm_encoder::reencode::{Reencode as _, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, GlobalSection, GlobalType, ImportSection,
    MemorySection, MemoryType, Module, RawSection, SectionId, ValType,
};
use wasmparser::{FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator};

use super::admit::{FEATURES, Survey, malformed};
use super::meter::{Counters, meter};

/// The name under which an engine finds the memory. Contracts export only `call` and `deploy`, so it is free.
pub(crate) const MEMORY_EXPORT: &str = "memory";
/// The name of the global with the gas that is left.
pub(crate) const GAS_EXPORT: &str = "gas";
/// The name of the global with the stack that is left.
pub(crate) const STACK_EXPORT: &str = "stack";

/// Puts the module together again.
///
/// Functions and globals keep their numbers, since imported functions stay, memory is counted apart, and the two globals
/// that are added are the last.
pub(super) fn rewrite(wasm: &[u8], survey: &Survey) -> Result<Vec<u8>, CodeRefusal> {
    let counters = Counters { gas: survey.globals, stack: survey.globals.saturating_add(1) };
    let mut globals = GlobalSection::new();
    let mut code = CodeSection::new();
    // The sections that are copied, by number: WebAssembly has each at most once.
    let mut copied = BTreeMap::new();
    let mut signatures = survey.signatures();
    let mut validator = Validator::new_with_features(FEATURES);
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(malformed)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(malformed)? {
            let signature = signatures.next().ok_or(CodeRefusal::Malformed)?;
            let validator = function.into_validator(FuncValidatorAllocations::default());
            code.function(&meter(wasm, &body, validator, signature, counters).map_err(malformed)?);
        } else if let Payload::GlobalSection(section) = payload {
            let parsed = RoundtripReencoder.parse_global_section(&mut globals, section);
            parsed.map_err(|_| CodeRefusal::Malformed)?;
        } else if let Some((id, range)) = payload.as_section() {
            copied.insert(id, wasm.get(range).unwrap_or_default());
        }
    }
    for ty in [ValType::I64, ValType::I32] {
        let (shared, mutable) = (false, true);
        let zero = if ty == ValType::I64 { ConstExpr::i64_const(0) } else { ConstExpr::i32_const(0) };
        globals.global(GlobalType { val_type: ty, mutable, shared }, &zero);
    }

    let mut module = Module::new();
    let mut copy = |module: &mut Module, id: SectionId| {
        if let Some(data) = copied.remove(&(id as u8)) {
            module.section(&RawSection { id: id as u8, data });
        }
    };
    copy(&mut module, SectionId::Type);
    module.section(&imports(survey));
    copy(&mut module, SectionId::Function);
    copy(&mut module, SectionId::Table);
    module.section(&memory(survey)?);
    module.section(&globals);
    module.section(&exports(survey, counters));
    copy(&mut module, SectionId::Element);
    module.section(&code);
    copy(&mut module, SectionId::Data);
    Ok(module.finish())
}

/// Functions alone.
fn imports(survey: &Survey) -> ImportSection {
    let mut section = ImportSection::new();
    for (module, name, ty) in &survey.imported {
        section.import(module, name, EntityType::Function(*ty));
    }
    section
}

fn memory(survey: &Survey) -> Result<MemorySection, CodeRefusal> {
    let imported = survey.memory.ok_or(CodeRefusal::MemoryMissing)?;
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum: imported.initial,
        maximum: Some(imported.maximum.unwrap_or(u64::from(MEMORY_PAGES_MAX))),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    Ok(section)
}

fn exports(survey: &Survey, counters: Counters) -> ExportSection {
    let mut section = ExportSection::new();
    for (name, _, function) in &survey.exported {
        section.export(name, ExportKind::Func, *function);
    }
    section.export(MEMORY_EXPORT, ExportKind::Memory, 0);
    section.export(GAS_EXPORT, ExportKind::Global, counters.gas);
    section.export(STACK_EXPORT, ExportKind::Global, counters.stack);
    section
}
