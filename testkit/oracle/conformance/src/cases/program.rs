// SPDX-License-Identifier: Apache-2.0
//! What a program does by itself: traps, memory, arithmetic, endless work.

use super::cases;
use crate::{
    Call, Duel, End, Instantiate, Machine as _,
    duel::{ALICE, ENDOWMENT},
    puppet::Script,
};

cases![
    a_program_that_gives_up_traps,
    a_division_by_zero_traps,
    a_division_that_overflows_traps,
    a_load_outside_of_memory_traps,
    an_indirect_call_of_nothing_traps,
    an_indirect_call_of_another_type_traps,
    an_indirect_call_outside_of_the_table_traps,
    an_indirect_call_works,
    endless_recursion_traps,
    an_endless_loop_is_out_of_gas,
    memory_grows_to_its_maximum,
    grown_memory_can_be_used,
    a_program_that_returns_nothing,
    data_segments_are_there_in_each_call,
    globals_begin_anew_in_each_call,
    integer_arithmetic_is_the_same,
    sign_extension_is_the_same,
    br_table_and_blocks,
    memory_is_zero_in_each_call,
];

fn ends(duel: &mut Duel, name: &str, arguments: &[u64]) -> End {
    let mut s = Script::new();
    s.call(name, arguments);
    duel.end_of(&s)
}

fn a_program_that_gives_up_traps(duel: &mut Duel) {
    assert_eq!(ends(duel, "puppet.unreachable", &[]), End::Trapped);
}

fn a_division_by_zero_traps(duel: &mut Duel) {
    assert_eq!(ends(duel, "puppet.divide", &[1, 0]), End::Trapped);
}

fn a_division_that_overflows_traps(duel: &mut Duel) {
    assert_eq!(ends(duel, "puppet.divide", &[0x8000_0000, 0xffff_ffff]), End::Trapped);
}

fn a_load_outside_of_memory_traps(duel: &mut Duel) {
    for address in [8 * 65_536 - 7, 0x7fff_ffff, 0xffff_ffff] {
        assert_eq!(ends(duel, "puppet.load", &[address]), End::Trapped);
    }
}

fn an_indirect_call_of_nothing_traps(duel: &mut Duel) {
    assert_eq!(ends(duel, "puppet.indirect", &[2]), End::Trapped);
}

fn an_indirect_call_of_another_type_traps(duel: &mut Duel) {
    assert_eq!(ends(duel, "puppet.indirect", &[1]), End::Trapped);
}

fn an_indirect_call_outside_of_the_table_traps(duel: &mut Duel) {
    assert_eq!(ends(duel, "puppet.indirect", &[4]), End::Trapped);
}

fn an_indirect_call_works(duel: &mut Duel) {
    let mut s = Script::new();
    let twin = s.call("puppet.indirect", &[0]);
    assert_ne!(duel.play_alone(&s).result(twin), 0);
}

fn endless_recursion_traps(duel: &mut Duel) {
    assert_eq!(ends(duel, "puppet.recurse", &[]), End::Trapped);
}

fn an_endless_loop_is_out_of_gas(duel: &mut Duel) {
    let mut s = Script::new();
    s.call("puppet.forever", &[]);
    let puppet = duel.puppet(&s.functions());
    let ran = duel.call(&Call {
        caller: ALICE,
        contract: puppet,
        value: 0,
        input: s.input(),
        deposit_limit: None,
        is_starved: true,
    });
    assert_eq!(ran.result, Err(End::OutOfGas));
}

fn memory_grows_to_its_maximum(duel: &mut Duel) {
    let mut s = Script::new();
    let sizes = [0, 1, 3, 4, 1, 0].map(|pages| s.call("puppet.grow", &[pages]));
    let p = duel.play_alone(&s);
    // From 8 to 16 pages, and not one more.
    assert_eq!(sizes.map(|it| p.result(it)), [8, 8, 9, 12, u64::MAX, 16]);
}

fn grown_memory_can_be_used(duel: &mut Duel) {
    let mut s = Script::new();
    s.call("puppet.grow", &[1]);
    let loaded = s.call("puppet.load", &[9 * 65_536 - 8]);
    let word = s.bytes(b"12345678");
    s.call("puppet.copy", &[9 * 65_536 - 8, word, 8]);
    let again = s.call("puppet.load", &[9 * 65_536 - 8]);
    let p = duel.play_alone(&s);
    assert_eq!([p.result(loaded), p.result(again)], [0, u64::from_le_bytes(*b"12345678")]);
}

/// Uploads a module, makes a contract of it, and calls it twice.
fn twice(duel: &mut Duel, module: &str) -> [Vec<u8>; 2] {
    let code = wat::parse_str(module).expect("WebAssembly text");
    let code = duel.upload(&ALICE, &code).expect("admitted");
    let made = duel.instantiate(&Instantiate {
        caller: ALICE,
        code,
        value: ENDOWMENT,
        input: vec![],
        salt: vec![],
        deposit_limit: None,
    });
    let contract = made.address.expect("made");
    [(); 2].map(|()| {
        let ran = duel.call(&Call {
            caller: ALICE,
            contract,
            value: 0,
            input: b"input".to_vec(),
            deposit_limit: None,
            is_starved: false,
        });
        ran.result.expect("it runs").data
    })
}

const RETURN: &str = r#"(import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "env" "memory" (memory 1 2))"#;

fn a_program_that_returns_nothing(duel: &mut Duel) {
    let module = format!(r#"(module {RETURN} (func (export "deploy")) (func (export "call")))"#);
    assert!(twice(duel, &module).iter().all(Vec::is_empty));
}

fn data_segments_are_there_in_each_call(duel: &mut Duel) {
    let module = format!(
        r#"(module {RETURN} (data (i32.const 100) "segment") (func (export "deploy"))
          (func (export "call")
            (i32.store8 (i32.const 107) (i32.const 33))
            (call $return (i32.const 0) (i32.const 100) (i32.const 9))
            (i32.store8 (i32.const 100) (i32.const 88))))"#
    );
    assert_eq!(twice(duel, &module), [b"segment!\0"; 2].map(|it| it.to_vec()));
}

fn globals_begin_anew_in_each_call(duel: &mut Duel) {
    let module = format!(
        r#"(module {RETURN} (global $g (mut i32) (i32.const 65)) (func (export "deploy"))
          (func (export "call")
            (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (i32.store (i32.const 0) (global.get $g))
            (call $return (i32.const 0) (i32.const 0) (i32.const 1))))"#
    );
    assert_eq!(twice(duel, &module), [b"B".to_vec(), b"B".to_vec()]);
}

fn memory_is_zero_in_each_call(duel: &mut Duel) {
    let module = format!(
        r#"(module {RETURN} (func (export "deploy"))
          (func (export "call")
            (i32.store (i32.const 4) (i32.load (i32.const 0)))
            (i32.store (i32.const 0) (i32.const -1))
            (call $return (i32.const 0) (i32.const 4) (i32.const 4))))"#
    );
    assert_eq!(twice(duel, &module), [vec![0; 4], vec![0; 4]]);
}

/// Returns what expressions come to, of 32 or 64 bits.
fn values(duel: &mut Duel, kind: &str, expressions: &[String]) -> Vec<u8> {
    let stores: String = expressions
        .iter()
        .enumerate()
        .map(|(at, it)| format!("({kind}.store (i32.const {}) {it})", at * 8))
        .collect();
    let len = expressions.len() * 8;
    let module = format!(
        r#"(module {RETURN} (func (export "deploy"))
          (func (export "call") {stores} (call $return (i32.const 0) (i32.const 0) (i32.const {len}))))"#
    );
    let [first, second] = twice(duel, &module);
    assert_eq!(first, second);
    first
}

fn integer_arithmetic_is_the_same(duel: &mut Duel) {
    let operations = [
        "add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u",
        "rotl", "rotr",
    ];
    let numbers = ["1", "-1", "7", "-13", "2147483647", "-2147483648", "33", "64"];
    for kind in ["i32", "i64"] {
        let mut all = Vec::new();
        for operation in operations {
            for a in numbers {
                for b in numbers {
                    if operation.starts_with("div_s") && a == "-2147483648" && b == "-1" {
                        continue;
                    }
                    all.push(format!("({kind}.{operation} ({kind}.const {a}) ({kind}.const {b}))"));
                }
            }
        }
        for operation in ["clz", "ctz", "popcnt"] {
            all.extend(numbers.map(|a| format!("({kind}.{operation} ({kind}.const {a}))")));
        }
        assert!(values(duel, kind, &all).iter().any(|byte| *byte != 0));
    }
}

fn sign_extension_is_the_same(duel: &mut Duel) {
    let numbers = ["127", "128", "255", "32767", "32768", "65535", "-1"];
    let narrow: Vec<_> = ["extend8_s", "extend16_s"]
        .iter()
        .flat_map(|it| numbers.map(|n| format!("(i32.{it} (i32.const {n}))")))
        .collect();
    values(duel, "i32", &narrow);
    let wide: Vec<_> = ["extend8_s", "extend16_s", "extend32_s"]
        .iter()
        .flat_map(|it| numbers.map(|n| format!("(i64.{it} (i64.const {n}))")))
        .collect();
    values(duel, "i64", &wide);
}

fn br_table_and_blocks(duel: &mut Duel) {
    let arms: Vec<_> = (0..6)
        .map(|n| {
            format!(
                "(block $out (result i32) (block $c (block $b (block $a
                   (br_table $a $b $c (i32.const {n})))
                   (br $out (i32.const 11))) (br $out (i32.const 22))) (i32.const 33))"
            )
        })
        .collect();
    let returned = values(duel, "i32", &arms);
    let numbers: Vec<u8> = returned.chunks(8).map(|it| it[0]).collect();
    assert_eq!(numbers, [11, 22, 33, 33, 33, 33]);
}
