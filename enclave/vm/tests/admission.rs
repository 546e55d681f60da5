// SPDX-License-Identifier: Apache-2.0
//! Which code is admitted, and that each refusal has its own name.

mod common;

use codec::Encode;
use common::{World, contract, contract_with, engine, run};
use phala_types::code::{CodeName, CodePart, CodeRefusal};
use phala_types::limits::CODE_BYTES_MAX;
use phala_vm::{Engine, code};

const ENTRY_POINTS: &str = r#"(func (export "deploy")) (func (export "call"))"#;
const MEMORY: &str = r#"(import "env" "memory" (memory 1 16))"#;

/// How the module of this text is refused.
fn refusal(text: &str) -> CodeRefusal {
    let wasm = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    engine().prepare(&wasm).err().expect("the code is refused")
}

fn refusal_of_module(definitions: &str) -> CodeRefusal {
    refusal(&format!("(module {MEMORY} {definitions} {ENTRY_POINTS})"))
}

#[test]
fn the_smallest_contract_is_admitted_and_answers_nothing() {
    let wasm = contract("", "");
    let execution = run(&wasm, &mut World::default());
    assert!(execution.is_success());
    assert_eq!(execution.result.unwrap().data, b"");
}

#[test]
fn sign_extension_is_admitted() {
    let wasm = contract("", "(drop (i32.extend8_s (i32.const 200)))");
    assert!(run(&wasm, &mut World::default()).is_success());
}

#[test]
fn custom_sections_are_admitted_anywhere() {
    let text =
        format!(r#"(module (@custom "a" "x") {MEMORY} (@custom "b" (after import) "y") {ENTRY_POINTS})"#);
    assert!(engine().prepare(&wat::parse_str(text).unwrap()).is_ok());
}

#[test]
fn data_and_table_segments_keep_their_places() {
    let wasm = contract_with(
        "(type $answer (func (result i32)))",
        "(i32.store8 (i32.const 103) (call_indirect (type $answer) (i32.const 3)))
         (call $return (i32.const 0) (i32.const 100) (i32.const 4))",
        r#"(table 4 4 funcref) (elem (i32.const 3) $letter) (func $letter (result i32) (i32.const 33))
           (data (i32.const 100) "abc")"#,
    );
    assert_eq!(run(&wasm, &mut World::default()).result.unwrap().data, b"abc!");
}

#[test]
fn bytes_that_are_no_module_are_malformed() {
    for bytes in [&b""[..], b"\0asm", b"hello world", b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f"] {
        assert!(matches!(engine().prepare(bytes), Err(CodeRefusal::Malformed)), "{bytes:?}");
    }
}

#[test]
fn an_ill_typed_body_is_malformed() {
    // A body that leaves a number where nothing is promised.
    let mut wasm = contract("", "(drop (i32.const 1))");
    let drop = wasm.windows(3).rposition(|w| w == [0x41, 1, 0x1a]).unwrap();
    wasm[drop + 2] = 0x01;
    assert!(matches!(engine().prepare(&wasm), Err(CodeRefusal::Malformed)));
}

#[test]
fn code_over_the_size_limit_is_too_large() {
    let wasm = vec![0; CODE_BYTES_MAX as usize + 1];
    assert_eq!(engine().prepare(&wasm).err(), Some(CodeRefusal::TooLarge));
    assert_eq!(engine().prepare(&wasm[1..]).err(), Some(CodeRefusal::Malformed));
}

#[test]
fn floats_are_refused_in_bodies_locals_globals_and_signatures() {
    for definitions in [
        "(func (drop (f32.add (f32.const 1) (f32.const 2))))",
        "(func (local f64))",
        "(global f32 (f32.const 0))",
        "(func (param f64))",
        "(func (drop (i32.reinterpret_f32 (f32.load (i32.const 0)))))",
    ] {
        assert!(matches!(refusal_of_module(definitions), CodeRefusal::Floats), "{definitions}");
    }
}

#[test]
fn later_features_are_refused() {
    for definitions in [
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        "(func (param externref))",
        "(func (drop (v128.const i32x4 0 0 0 0)))",
        "(func (return_call 0))",
        "(table 1 funcref) (table 1 funcref)",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
        "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
        "(memory 1)",
        r#"(data "passive")"#,
    ] {
        let refused = refusal_of_module(definitions);
        assert!(matches!(refused, CodeRefusal::ForbiddenFeature), "{definitions}: {refused:?}");
    }
    let memory64 = refusal(&format!(r#"(module (import "env" "memory" (memory i64 1 16)) {ENTRY_POINTS})"#));
    assert!(matches!(memory64, CodeRefusal::ForbiddenFeature), "{memory64:?}");
    let shared = refusal(&format!(r#"(module (import "env" "memory" (memory 1 16 shared)) {ENTRY_POINTS})"#));
    assert!(matches!(shared, CodeRefusal::ForbiddenFeature), "{shared:?}");
}

#[test]
fn an_import_that_no_host_gives_is_named() {
    for (import, module, name) in [
        (r#"(import "seal0" "teleport" (func))"#, "seal0", "teleport"),
        (r#"(import "seal9" "caller" (func (param i32 i32)))"#, "seal9", "caller"),
        (r#"(import "env" "abort" (func))"#, "env", "abort"),
        (r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#, "wasi_snapshot_preview1", "fd_write"),
        (r#"(import "env" "number" (global i32))"#, "env", "number"),
        (r#"(import "env" "table" (table 1 funcref))"#, "env", "table"),
        (r#"(import "env" "other" (memory 1))"#, "env", "other"),
    ] {
        let text = format!("(module {import} {} {ENTRY_POINTS})", if name == "other" { "" } else { MEMORY });
        let expected =
            CodeRefusal::UnknownImport { module: CodeName::new(module), name: CodeName::new(name) };
        assert_eq!(refusal(&text), expected);
    }
}

#[test]
fn a_host_function_with_another_signature_is_refused() {
    for signature in ["(param i32)", "(param i32 i32 i32)", "(param i32 i64)", "(param i32 i32) (result i32)"]
    {
        let text =
            format!(r#"(module (import "seal0" "caller" (func {signature})) {MEMORY} {ENTRY_POINTS})"#);
        let expected =
            CodeRefusal::WrongSignature { module: CodeName::new("seal0"), name: CodeName::new("caller") };
        assert_eq!(refusal(&text), expected);
    }
}

#[test]
fn memory_must_be_imported_once_and_be_small() {
    assert_eq!(refusal(&format!("(module {ENTRY_POINTS})")), CodeRefusal::MemoryMissing);
    assert_eq!(refusal(&format!("(module (memory 1) {ENTRY_POINTS})")), CodeRefusal::MemoryForeign);
    for (limits, pages) in [("65", 65), ("1 65", 65), ("65 70", 65), ("1 65536", 65536)] {
        let text = format!(r#"(module (import "env" "memory" (memory {limits})) {ENTRY_POINTS})"#);
        assert_eq!(refusal(&text), CodeRefusal::MemoryTooBig { pages });
    }
}

#[test]
fn a_memory_without_a_maximum_gets_ours() {
    let text = format!(r#"(module (import "env" "memory" (memory 2)) {ENTRY_POINTS})"#);
    assert!(engine().prepare(&wat::parse_str(text).unwrap()).is_ok());
}

#[test]
fn call_and_deploy_must_be_there_and_nothing_else() {
    let with = |exports: &str| refusal(&format!("(module {MEMORY} {exports})"));
    assert_eq!(
        with(r#"(func (export "deploy"))"#),
        CodeRefusal::ExportMissing { name: CodeName::new("call") }
    );
    assert_eq!(
        with(r#"(func (export "call"))"#),
        CodeRefusal::ExportMissing { name: CodeName::new("deploy") }
    );
    for foreign in [
        r#"(func (export "other"))"#,
        r#"(global (export "other") i32 (i32.const 0))"#,
        r#"(table (export "other") 1 funcref)"#,
        r#"(export "other" (memory 0))"#,
    ] {
        assert_eq!(
            with(&format!("{ENTRY_POINTS} {foreign}")),
            CodeRefusal::ExportForeign { name: CodeName::new("other") }
        );
    }
    let memory_as_call = with(r#"(func (export "deploy")) (export "call" (memory 0))"#);
    assert_eq!(memory_as_call, CodeRefusal::ExportForeign { name: CodeName::new("call") });
}

#[test]
fn call_and_deploy_take_and_return_nothing() {
    let wrong = CodeRefusal::ExportSignature { name: CodeName::new("call") };
    for call in
        [r#"(func (export "call") (param i32))"#, r#"(func (export "call") (result i32) (i32.const 0))"#]
    {
        assert_eq!(refusal(&format!(r#"(module {MEMORY} (func (export "deploy")) {call})"#)), wrong);
    }
    // A function of the host under a contract's name.
    let text = format!(
        r#"(module (import "seal0" "lock_delegate_dependency" (func $f (param i32))) {MEMORY}
            (export "call" (func $f)) (func (export "deploy")))"#
    );
    assert_eq!(refusal(&text), wrong);
}

#[test]
fn a_start_function_is_refused() {
    assert_eq!(refusal_of_module("(func $begin) (start $begin)"), CodeRefusal::StartFunction);
}

#[test]
fn segments_outside_of_memory_or_table_are_refused() {
    let outside = CodeRefusal::SegmentOutOfBounds;
    assert_eq!(refusal_of_module(r#"(data (i32.const 65535) "ab")"#), outside);
    assert_eq!(refusal_of_module(r#"(data (i32.const -1) "")"#), outside);
    assert_eq!(refusal_of_module("(table 1 funcref) (func $f) (elem (i32.const 1) $f)"), outside);
}

#[test]
fn everything_that_makes_compiling_dear_is_bounded() {
    let many = |part: &str, count: u32| part.repeat(count as usize);
    let locals = format!("(func (local {}))", many("i32 ", code::MAX_LOCALS_PER_FUNCTION + 1));
    let parameters = format!("(func (param {}))", many("i32 ", code::MAX_PARAMETERS + 1));
    let targets = code::MAX_BR_TABLE_TARGETS + 1;
    let br_table = format!("(func (block (br_table {} 0 (i32.const 0))))", many("0 ", targets));
    let body = format!("(func {})", many("nop ", code::MAX_FUNCTION_BYTES));
    let types = (0..=code::MAX_TYPES).map(|n| format!("(type (func (param {})))", many("i64 ", n % 100)));
    for (definitions, what) in [
        (many("(func)", code::MAX_FUNCTIONS), CodePart::Functions),
        (locals, CodePart::Locals),
        (parameters, CodePart::Parameters),
        (br_table, CodePart::BrTableTargets),
        (body, CodePart::FunctionBytes),
        (types.collect(), CodePart::Types),
        (many("(global i32 (i32.const 0))", code::MAX_GLOBALS + 1), CodePart::Globals),
        (format!("(table {} funcref)", code::MAX_TABLE_ELEMENTS + 1), CodePart::TableElements),
        (many(r#"(data (i32.const 0) "")"#, code::MAX_SEGMENTS + 1), CodePart::Segments),
        (
            format!("(table 1 funcref) {}", many("(elem (i32.const 0))", code::MAX_SEGMENTS + 1)),
            CodePart::Segments,
        ),
    ] {
        let refused = refusal_of_module(&definitions);
        assert!(
            matches!(refused, CodeRefusal::TooMany { what: found, .. } if found == what),
            "{what:?}: {refused:?}"
        );
    }
}

#[test]
fn what_is_within_the_bounds_is_compiled() {
    let targets = format!("(func (block (br_table {} 0 (i32.const 0))))", "0 ".repeat(255));
    let functions = "(func)".repeat(code::MAX_FUNCTIONS as usize - 2);
    for definitions in [targets, functions, format!("(table {} funcref)", code::MAX_TABLE_ELEMENTS)] {
        let wasm = wat::parse_str(format!("(module {MEMORY} {definitions} {ENTRY_POINTS})")).unwrap();
        assert!(engine().prepare(&wasm).is_ok());
    }
}

#[test]
fn a_refusal_does_not_grow_with_the_code() {
    let long = "x".repeat(50_000);
    let unknown = refusal(&format!(r#"(module (import "seal0" "{long}" (func)) {MEMORY} {ENTRY_POINTS})"#));
    assert!(unknown.to_string().len() < 200);
    let foreign = refusal_of_module(&format!(r#"(func (export "{long}"))"#));
    assert!(foreign.to_string().len() < 200);
}

#[test]
fn refusals_read_as_sentences() {
    let refused = refusal(&format!("(module {ENTRY_POINTS})"));
    assert_eq!(refused.to_string(), "the code does not import env.memory");
    let refused = CodeRefusal::TooMany { what: CodePart::Globals, limit: 256 };
    assert_eq!(refused.to_string(), "the code has more than 256 globals");
}

#[test]
fn the_numbers_of_refusals_do_not_change() {
    for (text, number) in [
        (format!("(module {ENTRY_POINTS})"), 6),
        (format!("(module (memory 1) {ENTRY_POINTS})"), 7),
        (format!(r#"(module (import "env" "memory" (memory 65)) {ENTRY_POINTS})"#), 8),
        (format!(r#"(module {MEMORY} (func (export "call")))"#), 9),
        (format!(r#"(module {MEMORY} {ENTRY_POINTS} (func (export "x")))"#), 10),
        (format!(r#"(module {MEMORY} (func (export "deploy")) (func (export "call") (param i32)))"#), 11),
        (format!("(module {MEMORY} {ENTRY_POINTS} (func $f) (start $f))"), 12),
        (format!(r#"(module {MEMORY} {ENTRY_POINTS} (data (i32.const -1) "x"))"#), 13),
        (format!("(module {MEMORY} {ENTRY_POINTS} {})", "(func)".repeat(code::MAX_FUNCTIONS as usize)), 14),
        (format!("(module {MEMORY} {ENTRY_POINTS} (func (local f32)))"), 2),
        (format!("(module {MEMORY} {ENTRY_POINTS} (memory 1))"), 3),
        (format!(r#"(module (import "a" "b" (func)) {MEMORY} {ENTRY_POINTS})"#), 4),
        (format!(r#"(module (import "seal0" "caller" (func)) {MEMORY} {ENTRY_POINTS})"#), 5),
    ] {
        let refused = refusal(&text);
        assert_eq!(refused.encode()[0], number, "{refused:?}");
    }
    for (refused, number) in
        [(CodeRefusal::TooLarge, 0), (CodeRefusal::Malformed, 1), (CodeRefusal::Compiler, 255)]
    {
        assert_eq!(refused.encode()[0], number);
    }
}

/// A small generator of our own (xorshift64*), so that a failing seed is a number to type.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

#[test]
fn random_bytes_and_damaged_contracts_never_panic() {
    let whole = contract_with(
        r#"(import "seal0" "caller" (func (param i32 i32)))"#,
        "(call 0 (i32.const 0) (i32.const 4)) (block (loop (br_if 1 (i32.load (i32.const 9)))))",
        r#"(table 2 2 funcref) (func $f) (elem (i32.const 0) $f) (global (mut i32) (i32.const 1)) (data (i32.const 8) "x")"#,
    );
    let mut admitted = 0;
    for seed in 1..=3_000u64 {
        let mut random = Random(seed);
        let mut bytes = whole.clone();
        if seed % 4 == 0 {
            bytes = b"\0asm\x01\0\0\0".to_vec();
            bytes.extend((0..random.next() % 200).map(|_| random.next() as u8));
        }
        for _ in 0..1 + random.next() % 4 {
            let place = random.next() as usize % bytes.len();
            match random.next() % 3 {
                0 => bytes[place] = random.next() as u8,
                1 => bytes[place] ^= 1 << (random.next() % 8),
                _ => bytes.truncate(place.max(1)),
            }
        }
        if let Ok(artifact) = engine().prepare(&bytes) {
            // What was admitted can be called, whatever comes of it, and never breaks the engine.
            let call = phala_vm::Call {
                entry: phala_vm::Entry::Call,
                input: b"",
                gas_limit: 1_000_000,
                context: &common::context(),
            };
            let execution = engine().run(&artifact, call, &mut World::default());
            assert_ne!(execution.result.err(), Some(phala_vm::Trap::HostFault), "seed {seed}");
            admitted += 1;
        }
    }
    assert!(admitted > 0, "no damaged contract was admitted: the test tests less than it says");
}
