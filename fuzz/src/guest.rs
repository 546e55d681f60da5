//! Contracts made from bytes, which the engine admits more often than bytes themselves.

use std::sync::LazyLock;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemoryType, Module, TypeSection, ValType,
};

/// Bytes at the bottom of the memory that the input chooses: buffers, keys and their lengths.
const DATA_BYTES: usize = 128;

/// The most calls of one contract.
const CALLS_MAX: usize = 32;

/// Arguments at the edges of a memory of one page, of a number and of the engine's sentinel.
const EDGES: [u32; 16] = [
    0xfffb,
    0xfffc,
    0xffff,
    0x1_0000,
    0x1_0001,
    0x3fff,
    0x4000,
    0x4001,
    0x1000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_0000,
    0xffff_fffc,
    0xffff_fffd,
    0xffff_fffe,
    0xffff_ffff,
];

/// A host function as the engine declares it.
struct HostFunction {
    module: &'static str,
    name: &'static str,
    parameters: Vec<ValType>,
    results: Vec<ValType>,
}

/// All of them, from the engine's own table, so that none is forgotten here.
static HOST_FUNCTIONS: LazyLock<Vec<HostFunction>> = LazyLock::new(|| {
    let table = include_str!("../../enclave/vm/src/seal/interface.rs").rsplit("\ninterface! {").next();
    table.unwrap_or_default().split("\n    \"").skip(1).map(declared).collect()
});

/// How many host functions there are.
pub fn count() -> u8 {
    u8::try_from(HOST_FUNCTIONS.len()).expect("the interface is small")
}

/// An entry `seal0" ["name", "alias"] |s, pointer: u32, gas: u64| -> u32 { ...`.
fn declared(entry: &'static str) -> HostFunction {
    let quoted = entry.split('"').collect::<Vec<_>>();
    let closure = entry.split('|').collect::<Vec<_>>();
    let kinds = |text: &str| {
        let kind = |word: &str| match word {
            "u32" => Some(ValType::I32),
            "u64" => Some(ValType::I64),
            _ => None,
        };
        text.split(|it: char| !it.is_alphanumeric()).filter_map(kind).collect::<Vec<_>>()
    };
    let result = closure[2].split('{').next().unwrap_or_default();
    HostFunction { module: quoted[0], name: quoted[2], parameters: kinds(closure[1]), results: kinds(result) }
}

/// A contract whose `call` calls host functions one after the other. `input` is its data, then for each call a byte
/// for the function and one for each argument.
pub fn that_calls(input: &[u8]) -> Vec<u8> {
    let (data, mut calls) = input.split_at(input.len().min(DATA_BYTES));
    let mut next = || {
        let (first, rest) = calls.split_first()?;
        calls = rest;
        Some(*first)
    };
    let mut body = Function::new([]);
    for _ in 0..CALLS_MAX {
        let Some(place) = next() else { break };
        let place = place % count();
        let function = &HOST_FUNCTIONS[usize::from(place)];
        for kind in &function.parameters {
            let byte = next().unwrap_or_default();
            // Mostly a place in the data or a short length.
            let argument = match byte.checked_sub(240) {
                Some(edge) => EDGES[usize::from(edge)],
                None => byte.into(),
            };
            match kind {
                ValType::I64 => body.instructions().i64_const(argument.into()),
                _ => body.instructions().i32_const(argument.cast_signed()),
            };
        }
        body.instructions().call(place.into());
        if !function.results.is_empty() {
            body.instructions().drop();
        }
    }
    body.instructions().end();
    module(body, data)
}

/// A contract whose `call` is these instructions, with two locals of each kind.
pub fn with_body(instructions: &[u8]) -> Vec<u8> {
    let mut body = Function::new([(2, ValType::I32), (2, ValType::I64)]);
    body.raw(instructions.iter().copied());
    body.instructions().end();
    module(body, &[])
}

/// `call`, all imports and one page of memory that begins with `data`.
fn module(call: Function, data: &[u8]) -> Vec<u8> {
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    types.ty().function([], []);
    for (function, kind) in HOST_FUNCTIONS.iter().zip(1..) {
        types.ty().function(function.parameters.iter().copied(), function.results.iter().copied());
        imports.import(function.module, function.name, EntityType::Function(kind));
    }
    let memory =
        MemoryType { minimum: 1, maximum: Some(2), memory64: false, shared: false, page_size_log2: None };
    imports.import("env", "memory", memory);

    let imported = u32::from(count());
    let (mut functions, mut exports, mut code) =
        (FunctionSection::new(), ExportSection::new(), CodeSection::new());
    let mut deploy = Function::new([]);
    deploy.instructions().end();
    for (name, place, body) in [("deploy", imported, &deploy), ("call", imported + 1, &call)] {
        functions.function(0);
        exports.export(name, ExportKind::Func, place);
        code.function(body);
    }
    let mut segments = DataSection::new();
    segments.active(0, &ConstExpr::i32_const(0), data.iter().copied());

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module.section(&segments);
    module.finish()
}
