// SPDX-License-Identifier: Apache-2.0
//! Admission of code.
//!
//! [`admit`] validates a contract against the first WebAssembly plus sign extension, and checks what it imports and
//! exports and how big its parts are. What passes is rewritten (`rewrite`) into what engines run.

use wasmparser::{
    BinaryReaderError, CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind,
    FuncType, FunctionBody, Operator, Parser, Payload, TypeRef, ValType, Validator, WasmFeatures,
};

use phala_types::code::{CodeName, CodePart, CodeRefusal};
use phala_types::limits::{CODE_BYTES_MAX, MEMORY_PAGES_MAX};

use super::{
    MAX_BR_TABLE_TARGETS, MAX_FUNCTION_BYTES, MAX_FUNCTIONS, MAX_GLOBALS, MAX_LOCALS_PER_FUNCTION,
    MAX_PARAMETERS, MAX_SEGMENTS, MAX_TABLE_ELEMENTS, MAX_TYPES,
    meter::{Signature, value_type},
};
use crate::abi::WASM_PAGE_BYTES;
use crate::seal::interface::{self, Kind};

const ENTRY_POINTS: [&str; 2] = ["call", "deploy"];
pub(super) const FEATURES: WasmFeatures = WasmFeatures::SIGN_EXTENSION.union(WasmFeatures::GC_TYPES);

/// Checks code and returns it as engines run it: metered, with a memory of its own, and without custom sections.
pub(crate) fn admit(wasm: &[u8]) -> Result<Vec<u8>, CodeRefusal> {
    if wasm.len() > index(CODE_BYTES_MAX) {
        return Err(CodeRefusal::TooLarge);
    }
    validate(wasm)?;
    let survey = Survey::of(wasm)?;
    survey.check()?;
    super::rewrite::rewrite(wasm, &survey)
}

/// Validates, and says which kind of refusal it is by asking what would have been valid.
fn validate(wasm: &[u8]) -> Result<(), CodeRefusal> {
    let valid_with = |features| Validator::new_with_features(features).validate_all(wasm).is_ok();
    if valid_with(FEATURES) {
        Ok(())
    } else if valid_with(FEATURES.union(WasmFeatures::FLOATS)) {
        Err(CodeRefusal::Floats)
    } else if valid_with(WasmFeatures::default()) {
        Err(CodeRefusal::ForbiddenFeature)
    } else {
        Err(CodeRefusal::Malformed)
    }
}

/// A part that does not parse. Offsets and the parser's words stay here: they may change with the parser, and replicas
/// must agree on a refusal.
pub(super) fn malformed(_: BinaryReaderError) -> CodeRefusal {
    CodeRefusal::Malformed
}

/// What a valid module consists of, as far as our rules care.
#[derive(Default)]
pub(super) struct Survey {
    types: Vec<FuncType>,
    /// The module, name and type of each imported function.
    pub(super) imported: Vec<(String, String, u32)>,
    pub(super) memory: Option<wasmparser::MemoryType>,
    /// The type of each function that the module defines.
    defined: Vec<u32>,
    table_elements: Option<u64>,
    /// How many globals it defines. It imports none.
    pub(super) globals: u32,
    pub(super) exported: Vec<(String, ExternalKind, u32)>,
}

impl Survey {
    /// The functions that the module defines, seen from outside.
    pub(super) fn signatures(&self) -> impl Iterator<Item = Signature> + '_ {
        self.defined.iter().filter_map(|ty| self.types.get(index(*ty))).map(|ty| Signature {
            parameters: u32::try_from(ty.params().len()).unwrap_or(u32::MAX),
            result: ty.results().first().copied().map(value_type),
        })
    }

    fn of(wasm: &[u8]) -> Result<Self, CodeRefusal> {
        let mut survey = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            survey.add(payload.map_err(malformed)?)?;
        }
        Ok(survey)
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<(), CodeRefusal> {
        match payload {
            Payload::TypeSection(section) => {
                bound(CodePart::Types, section.count(), MAX_TYPES)?;
                for group in section {
                    for ty in group.map_err(malformed)?.into_types() {
                        // Validation admits no other kind of type.
                        if let CompositeInnerType::Func(function) = ty.composite_type.inner {
                            bound_usize(CodePart::Parameters, function.params().len(), MAX_PARAMETERS)?;
                            self.types.push(function);
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                bound(CodePart::Functions, section.count(), MAX_FUNCTIONS)?;
                for import in section.into_imports() {
                    self.add_import(&import.map_err(malformed)?)?;
                }
            }
            Payload::FunctionSection(section) => {
                let imported = u32::try_from(self.imported.len()).unwrap_or(u32::MAX);
                bound(CodePart::Functions, section.count().saturating_add(imported), MAX_FUNCTIONS)?;
                for ty in section {
                    self.defined.push(ty.map_err(malformed)?);
                }
            }
            Payload::TableSection(section) => {
                bound(CodePart::Tables, section.count(), 1)?;
                for table in section {
                    let elements = table.map_err(malformed)?.ty.initial;
                    bound_u64(CodePart::TableElements, elements, MAX_TABLE_ELEMENTS.into())?;
                    self.table_elements = Some(elements);
                }
            }
            Payload::MemorySection(section) if section.count() > 0 => return Err(CodeRefusal::MemoryForeign),
            Payload::GlobalSection(section) => {
                bound(CodePart::Globals, section.count(), MAX_GLOBALS)?;
                self.globals = section.count();
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(malformed)?;
                    self.exported.push((export.name.to_owned(), export.kind, export.index));
                }
            }
            Payload::StartSection { .. } => return Err(CodeRefusal::StartFunction),
            Payload::ElementSection(section) => {
                bound(CodePart::Segments, section.count(), MAX_SEGMENTS)?;
                for element in section {
                    self.check_element(&element.map_err(malformed)?)?;
                }
            }
            Payload::DataSection(section) => {
                bound(CodePart::Segments, section.count(), MAX_SEGMENTS)?;
                for data in section {
                    self.check_data(&data.map_err(malformed)?)?;
                }
            }
            Payload::CodeSectionEntry(body) => check_body(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn add_import(&mut self, import: &wasmparser::Import<'_>) -> Result<(), CodeRefusal> {
        let (module, name) = (import.module.to_owned(), import.name.to_owned());
        match import.ty {
            TypeRef::Func(ty) => self.imported.push((module, name, ty)),
            TypeRef::Memory(_) if (import.module, import.name) != ("env", "memory") => {
                return Err(unknown_import(&module, &name));
            }
            // A second one is not valid, but a check costs less than an argument.
            TypeRef::Memory(_) if self.memory.is_some() => return Err(CodeRefusal::MemoryForeign),
            TypeRef::Memory(memory) => self.memory = Some(memory),
            TypeRef::FuncExact(_) | TypeRef::Table(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {
                return Err(unknown_import(&module, &name));
            }
        }
        Ok(())
    }

    fn check_element(&self, element: &wasmparser::Element<'_>) -> Result<(), CodeRefusal> {
        let ElementKind::Active { offset_expr, .. } = &element.kind else {
            return Err(CodeRefusal::SegmentOutOfBounds);
        };
        let count = match &element.items {
            ElementItems::Functions(items) => items.count(),
            ElementItems::Expressions(_, items) => items.count(),
        };
        let fits =
            ends_at(offset_expr, count.into()).is_some_and(|end| end <= self.table_elements.unwrap_or(0));
        if fits { Ok(()) } else { Err(CodeRefusal::SegmentOutOfBounds) }
    }

    fn check_data(&self, data: &wasmparser::Data<'_>) -> Result<(), CodeRefusal> {
        let DataKind::Active { offset_expr, .. } = &data.kind else {
            return Err(CodeRefusal::SegmentOutOfBounds);
        };
        let len = u64::try_from(data.data.len()).unwrap_or(u64::MAX);
        let memory_bytes =
            self.memory.map_or(0, |memory| memory.initial.saturating_mul(WASM_PAGE_BYTES.into()));
        let fits = ends_at(offset_expr, len).is_some_and(|end| end <= memory_bytes);
        if fits { Ok(()) } else { Err(CodeRefusal::SegmentOutOfBounds) }
    }

    fn check(&self) -> Result<(), CodeRefusal> {
        let memory = self.memory.ok_or(CodeRefusal::MemoryMissing)?;
        for pages in [Some(memory.initial), memory.maximum].into_iter().flatten() {
            if pages > u64::from(MEMORY_PAGES_MAX) {
                return Err(CodeRefusal::MemoryTooBig { pages });
            }
        }
        for (module, name, ty) in &self.imported {
            let import = interface::find(module, name).ok_or_else(|| unknown_import(module, name))?;
            if !self
                .types
                .get(index(*ty))
                .is_some_and(|ty| has_signature(ty, import.parameters, import.result))
            {
                return Err(CodeRefusal::WrongSignature {
                    module: CodeName::new(module),
                    name: CodeName::new(name),
                });
            }
        }
        for (name, kind, _) in &self.exported {
            if *kind != ExternalKind::Func || !ENTRY_POINTS.contains(&name.as_str()) {
                return Err(CodeRefusal::ExportForeign { name: CodeName::new(name) });
            }
        }
        ENTRY_POINTS.into_iter().try_for_each(|name| self.check_entry_point(name))
    }

    fn check_entry_point(&self, name: &'static str) -> Result<(), CodeRefusal> {
        let exported = self.exported.iter().find(|(export, ..)| export == name);
        let (_, _, function) = exported.ok_or(CodeRefusal::ExportMissing { name: CodeName::new(name) })?;
        let wrong = || CodeRefusal::ExportSignature { name: CodeName::new(name) };
        // An imported function that is exported again would be the host's, entered without the contract.
        let defined = index(*function).checked_sub(self.imported.len()).ok_or_else(wrong)?;
        let ty = self.defined.get(defined).and_then(|ty| self.types.get(index(*ty)));
        if ty.is_some_and(|ty| has_signature(ty, &[], Kind::Nothing)) { Ok(()) } else { Err(wrong()) }
    }
}

fn unknown_import(module: &str, name: &str) -> CodeRefusal {
    CodeRefusal::UnknownImport { module: CodeName::new(module), name: CodeName::new(name) }
}

fn check_body(body: &FunctionBody<'_>) -> Result<(), CodeRefusal> {
    bound_usize(CodePart::FunctionBytes, body.range().len(), MAX_FUNCTION_BYTES)?;
    let mut locals = 0u64;
    for group in body.get_locals_reader().map_err(malformed)? {
        let (count, _) = group.map_err(malformed)?;
        locals = locals.saturating_add(count.into());
        bound_u64(CodePart::Locals, locals, MAX_LOCALS_PER_FUNCTION.into())?;
    }
    for operator in body.get_operators_reader().map_err(malformed)? {
        if let Operator::BrTable { targets } = operator.map_err(malformed)? {
            bound(CodePart::BrTableTargets, targets.len(), MAX_BR_TABLE_TARGETS)?;
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

fn bound(what: CodePart, count: u32, limit: u32) -> Result<(), CodeRefusal> {
    bound_u64(what, count.into(), limit.into())
}

fn bound_usize(what: CodePart, count: usize, limit: u32) -> Result<(), CodeRefusal> {
    bound_u64(what, u64::try_from(count).unwrap_or(u64::MAX), limit.into())
}

fn bound_u64(what: CodePart, count: u64, limit: u64) -> Result<(), CodeRefusal> {
    if count > limit { Err(CodeRefusal::TooMany { what, limit }) } else { Ok(()) }
}
