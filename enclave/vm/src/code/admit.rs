// SPDX-License-Identifier: Apache-2.0
//! Admission of code.
//!
//! [`admit`] validates a contract against the first WebAssembly plus sign extension, checks what it imports and exports
//! and how big its parts are, and then turns the imported memory into one of its own: the engine can reuse and map
//! copy-on-write only a memory that the module defines.

use std::borrow::Cow;

use wasm_encoder::{
    EntityType, ExportKind, ExportSection, ImportSection, MemorySection, MemoryType, Module, RawSection,
    SectionId,
};
use wasmparser::{
    BinaryReaderError, CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind,
    FuncType, FunctionBody, Operator, Parser, Payload, TypeRef, ValType, Validator, WasmFeatures,
};

use super::{
    Bounded, CodeError, MAX_BR_TABLE_TARGETS, MAX_CODE_BYTES, MAX_FUNCTION_BYTES, MAX_FUNCTIONS, MAX_GLOBALS,
    MAX_LOCALS_PER_FUNCTION, MAX_PARAMETERS, MAX_SEGMENTS, MAX_TABLE_ELEMENTS, MAX_TYPES,
};
use crate::abi::{MAX_MEMORY_PAGES, WASM_PAGE_BYTES};
use crate::seal::interface::{self, Kind};

/// The name under which the engine finds the memory. Contracts export only `call` and `deploy`, so it is free.
pub(crate) const MEMORY_EXPORT: &str = "memory";
/// No name of the interface is longer.
const MAX_SHOWN_CHARS: usize = 64;
const ENTRY_POINTS: [&str; 2] = ["call", "deploy"];
const FEATURES: WasmFeatures = WasmFeatures::SIGN_EXTENSION.union(WasmFeatures::GC_TYPES);

/// Checks code and returns it as the engine compiles it: with a memory of its own, and without custom sections.
pub(crate) fn admit(wasm: &[u8]) -> Result<Vec<u8>, CodeError> {
    if wasm.len() > MAX_CODE_BYTES {
        return Err(CodeError::TooLarge { size_bytes: wasm.len() });
    }
    validate(wasm)?;
    let survey = Survey::of(wasm)?;
    survey.check()?;
    rewrite(wasm, &survey)
}

/// Validates, and says which kind of refusal it is by asking what would have been valid.
fn validate(wasm: &[u8]) -> Result<(), CodeError> {
    let Err(error) = Validator::new_with_features(FEATURES).validate_all(wasm) else {
        return Ok(());
    };
    let (reason, offset) = (error.message().to_owned(), error.offset());
    let valid_with = |features| Validator::new_with_features(features).validate_all(wasm).is_ok();
    if valid_with(FEATURES.union(WasmFeatures::FLOATS)) {
        Err(CodeError::Floats { offset })
    } else if valid_with(WasmFeatures::default()) {
        Err(CodeError::ForbiddenFeature { reason, offset })
    } else {
        Err(CodeError::Malformed { reason, offset })
    }
}

impl From<BinaryReaderError> for CodeError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed { reason: error.message().to_owned(), offset: error.offset() }
    }
}

/// What a valid module consists of, as far as our rules care.
#[derive(Default)]
struct Survey {
    types: Vec<FuncType>,
    /// The module, name and type of each imported function.
    imported: Vec<(String, String, u32)>,
    memory: Option<wasmparser::MemoryType>,
    /// The type of each function that the module defines.
    defined: Vec<u32>,
    table_elements: Option<u64>,
    exported: Vec<(String, ExternalKind, u32)>,
}

impl Survey {
    fn of(wasm: &[u8]) -> Result<Self, CodeError> {
        let mut survey = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            survey.add(payload?)?;
        }
        Ok(survey)
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<(), CodeError> {
        match payload {
            Payload::TypeSection(section) => {
                bound(Bounded::Types, section.count(), MAX_TYPES)?;
                for group in section {
                    for ty in group?.into_types() {
                        // Validation admits no other kind of type.
                        if let CompositeInnerType::Func(function) = ty.composite_type.inner {
                            bound_usize(Bounded::Parameters, function.params().len(), MAX_PARAMETERS)?;
                            self.types.push(function);
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                bound(Bounded::Functions, section.count(), MAX_FUNCTIONS)?;
                for import in section {
                    self.add_import(&import?)?;
                }
            }
            Payload::FunctionSection(section) => {
                let imported = u32::try_from(self.imported.len()).unwrap_or(u32::MAX);
                bound(Bounded::Functions, section.count().saturating_add(imported), MAX_FUNCTIONS)?;
                for ty in section {
                    self.defined.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                bound(Bounded::Tables, section.count(), 1)?;
                for table in section {
                    let elements = table?.ty.initial;
                    bound_u64(Bounded::TableElements, elements, MAX_TABLE_ELEMENTS.into())?;
                    self.table_elements = Some(elements);
                }
            }
            Payload::MemorySection(section) if section.count() > 0 => return Err(CodeError::MemoryForeign),
            Payload::GlobalSection(section) => bound(Bounded::Globals, section.count(), MAX_GLOBALS)?,
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exported.push((export.name.to_owned(), export.kind, export.index));
                }
            }
            Payload::StartSection { .. } => return Err(CodeError::StartFunction),
            Payload::ElementSection(section) => {
                bound(Bounded::Segments, section.count(), MAX_SEGMENTS)?;
                for element in section {
                    self.check_element(&element?)?;
                }
            }
            Payload::DataSection(section) => {
                bound(Bounded::Segments, section.count(), MAX_SEGMENTS)?;
                for data in section {
                    self.check_data(&data?)?;
                }
            }
            Payload::CodeSectionEntry(body) => check_body(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn add_import(&mut self, import: &wasmparser::Import<'_>) -> Result<(), CodeError> {
        let (module, name) = (import.module.to_owned(), import.name.to_owned());
        match import.ty {
            TypeRef::Func(ty) => self.imported.push((module, name, ty)),
            TypeRef::Memory(_) if (import.module, import.name) != ("env", "memory") => {
                return Err(unknown_import(&module, &name));
            }
            // A second one is not valid, but a check costs less than an argument.
            TypeRef::Memory(_) if self.memory.is_some() => return Err(CodeError::MemoryForeign),
            TypeRef::Memory(memory) => self.memory = Some(memory),
            TypeRef::Table(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {
                return Err(unknown_import(&module, &name));
            }
        }
        Ok(())
    }

    fn check_element(&self, element: &wasmparser::Element<'_>) -> Result<(), CodeError> {
        let outside = CodeError::SegmentOutOfBounds { what: "element", place: "table" };
        let ElementKind::Active { offset_expr, .. } = &element.kind else {
            return Err(outside);
        };
        let count = match &element.items {
            ElementItems::Functions(items) => items.count(),
            ElementItems::Expressions(_, items) => items.count(),
        };
        let fits =
            ends_at(offset_expr, count.into()).is_some_and(|end| end <= self.table_elements.unwrap_or(0));
        if fits { Ok(()) } else { Err(outside) }
    }

    fn check_data(&self, data: &wasmparser::Data<'_>) -> Result<(), CodeError> {
        let outside = CodeError::SegmentOutOfBounds { what: "data", place: "memory" };
        let DataKind::Active { offset_expr, .. } = &data.kind else {
            return Err(outside);
        };
        let len = u64::try_from(data.data.len()).unwrap_or(u64::MAX);
        let memory_bytes =
            self.memory.map_or(0, |memory| memory.initial.saturating_mul(WASM_PAGE_BYTES.into()));
        let fits = ends_at(offset_expr, len).is_some_and(|end| end <= memory_bytes);
        if fits { Ok(()) } else { Err(outside) }
    }

    fn check(&self) -> Result<(), CodeError> {
        let memory = self.memory.ok_or(CodeError::MemoryMissing)?;
        for pages in [Some(memory.initial), memory.maximum].into_iter().flatten() {
            if pages > u64::from(MAX_MEMORY_PAGES) {
                return Err(CodeError::MemoryTooBig { pages });
            }
        }
        for (module, name, ty) in &self.imported {
            let import = interface::find(module, name).ok_or_else(|| unknown_import(module, name))?;
            if !self
                .types
                .get(index(*ty))
                .is_some_and(|ty| has_signature(ty, import.parameters, import.result))
            {
                return Err(CodeError::WrongSignature { module: shown(module), name: shown(name) });
            }
        }
        for (name, kind, _) in &self.exported {
            if *kind != ExternalKind::Func || !ENTRY_POINTS.contains(&name.as_str()) {
                return Err(CodeError::ExportForeign { name: shown(name) });
            }
        }
        ENTRY_POINTS.into_iter().try_for_each(|name| self.check_entry_point(name))
    }

    fn check_entry_point(&self, name: &'static str) -> Result<(), CodeError> {
        let exported = self.exported.iter().find(|(export, ..)| export == name);
        let (_, _, function) = exported.ok_or(CodeError::ExportMissing { name })?;
        let wrong = || CodeError::ExportSignature { name: name.to_owned() };
        // An imported function that is exported again would be the host's, entered without the contract.
        let defined = index(*function).checked_sub(self.imported.len()).ok_or_else(wrong)?;
        let ty = self.defined.get(defined).and_then(|ty| self.types.get(index(*ty)));
        if ty.is_some_and(|ty| has_signature(ty, &[], Kind::Nothing)) { Ok(()) } else { Err(wrong()) }
    }
}

fn unknown_import(module: &str, name: &str) -> CodeError {
    CodeError::UnknownImport { module: shown(module), name: shown(name) }
}

/// A name from the code as an error carries it. The code may have names as long as itself.
fn shown(name: &str) -> String {
    name.chars().take(MAX_SHOWN_CHARS).collect()
}

fn check_body(body: &FunctionBody<'_>) -> Result<(), CodeError> {
    bound_usize(Bounded::FunctionBytes, body.range().len(), MAX_FUNCTION_BYTES)?;
    let mut locals = 0u64;
    for group in body.get_locals_reader()? {
        let (count, _) = group?;
        locals = locals.saturating_add(count.into());
        bound_u64(Bounded::Locals, locals, MAX_LOCALS_PER_FUNCTION.into())?;
    }
    for operator in body.get_operators_reader()? {
        if let Operator::BrTable { targets } = operator? {
            bound(Bounded::BrTableTargets, targets.len(), MAX_BR_TABLE_TARGETS)?;
        }
    }
    Ok(())
}

/// Where a segment of a length ends, if its offset is a plain constant: nothing else is valid without imported globals.
fn ends_at(offset: &ConstExpr<'_>, len: u64) -> Option<u64> {
    match offset.get_operators_reader().read().ok()? {
        // WebAssembly's addresses are unsigned, and its constants are written as signed.
        Operator::I32Const { value } => u64::from(value.cast_unsigned()).checked_add(len),
        _ => None,
    }
}

fn has_signature(ty: &FuncType, parameters: &[Kind], result: Kind) -> bool {
    let kind = |ty: &ValType| match ty {
        ValType::I32 => Some(Kind::I32),
        ValType::I64 => Some(Kind::I64),
        _ => None,
    };
    let result_fits = match (ty.results(), result) {
        ([], Kind::Nothing) => true,
        ([only], wanted) => kind(only) == Some(wanted),
        _ => false,
    };
    result_fits
        && ty.params().len() == parameters.len()
        && ty.params().iter().zip(parameters).all(|(found, wanted)| kind(found) == Some(*wanted))
}

/// An index of the module as an index of a list. An index that fits no list finds nothing.
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn bound(what: Bounded, count: u32, limit: u32) -> Result<(), CodeError> {
    bound_u64(what, count.into(), limit.into())
}

fn bound_usize(what: Bounded, count: usize, limit: u32) -> Result<(), CodeError> {
    bound_u64(what, u64::try_from(count).unwrap_or(u64::MAX), limit.into())
}

fn bound_u64(what: Bounded, count: u64, limit: u64) -> Result<(), CodeError> {
    if count > limit { Err(CodeError::TooMany { what, count, limit }) } else { Ok(()) }
}

/// Copies the module section by section, with the imported memory as a defined and exported one.
///
/// Functions keep their numbers, since imported functions stay and memory is counted apart: bodies are copied as they are.
fn rewrite(wasm: &[u8], survey: &Survey) -> Result<Vec<u8>, CodeError> {
    let memory = survey.memory.ok_or(CodeError::MemoryMissing)?;
    let mut module = Module::new();
    let mut memory_written = false;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else { continue };
        // Custom sections are for people and tools.
        if id == SectionId::Custom as u8 {
            continue;
        }
        // The memory's place is before the first section with a greater number than its own.
        if id > SectionId::Memory as u8 && !memory_written {
            module.section(&memory_section(&memory));
            memory_written = true;
        }
        match payload {
            Payload::ImportSection(_) => {
                let mut imports = ImportSection::new();
                for (module, name, ty) in &survey.imported {
                    imports.import(module, name, EntityType::Function(*ty));
                }
                module.section(&imports);
            }
            // An empty one; ours takes its place.
            Payload::MemorySection(_) => {}
            Payload::ExportSection(_) => {
                let mut exports = ExportSection::new();
                for (name, _, function) in &survey.exported {
                    exports.export(name, ExportKind::Func, *function);
                }
                exports.export(MEMORY_EXPORT, ExportKind::Memory, 0);
                module.section(&exports);
            }
            _ => {
                let data = wasm.get(range).map(Cow::Borrowed).unwrap_or_default();
                module.section(&RawSection { id, data: &data });
            }
        }
    }
    Ok(module.finish())
}

fn memory_section(imported: &wasmparser::MemoryType) -> MemorySection {
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum: imported.initial,
        maximum: Some(imported.maximum.unwrap_or(u64::from(MAX_MEMORY_PAGES))),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    section
}
