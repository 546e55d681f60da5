// SPDX-License-Identifier: Apache-2.0
//! The puppet: a contract that does what its input says.
//!
//! Its input, a [`Script`], is a list of host function calls with their arguments, and the data that these point to. The
//! puppet reads it to address 0, makes the calls one after another, writes each result into its entry of the list, and
//! returns the whole: so the answer shows every result and every buffer that a function wrote. A nested call is a script
//! inside the data of another one.
//!
//! The module is WebAssembly text with one arm per function, and has only those that it is asked for.

use std::fmt::Write as _;

/// A host function: its module, its name, its parameters (`i` for 32 bits, `I` for 64) and its result.
#[derive(Debug)]
pub struct Function {
    /// `seal0`, `seal1` or `seal2`.
    pub module: &'static str,
    /// The name without the prefix `seal_`.
    pub name: &'static str,
    parameters: &'static str,
    result: &'static str,
    /// Whether `seal_NAME` means the same.
    pub has_alias: bool,
    /// How far it is supported.
    pub standing: Standing,
}

/// How far the interface supports a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// For good.
    Stable,
    /// Where the chain allows it.
    Unstable,
    /// In code that is there already.
    Deprecated,
}

const fn f(
    module: &'static str,
    name: &'static str,
    parameters: &'static str,
    result: &'static str,
    marks: &'static str,
) -> Function {
    let marks = marks.as_bytes();
    let mut has_alias = false;
    let mut standing = Standing::Stable;
    let mut index = 0;
    while index < marks.len() {
        match marks[index] {
            b'A' => has_alias = true,
            b'U' => standing = Standing::Unstable,
            b'D' => standing = Standing::Deprecated,
            _ => panic!("a mark is A, U or D"),
        }
        index += 1;
    }
    Function { module, name, parameters, result, has_alias, standing }
}

/// The interface, as `pallet-contracts` 51 documents it.
pub const FUNCTIONS: &[Function] = &[
    f("seal0", "set_storage", "iii", "", "A"),
    f("seal1", "set_storage", "iii", "i", "A"),
    f("seal2", "set_storage", "iiii", "i", "A"),
    f("seal0", "clear_storage", "i", "", "A"),
    f("seal1", "clear_storage", "ii", "i", "A"),
    f("seal0", "get_storage", "iii", "i", "A"),
    f("seal1", "get_storage", "iiii", "i", "A"),
    f("seal0", "contains_storage", "i", "i", "A"),
    f("seal1", "contains_storage", "ii", "i", "A"),
    f("seal0", "take_storage", "iiii", "i", "A"),
    f("seal0", "set_transient_storage", "iiii", "i", "U"),
    f("seal0", "clear_transient_storage", "ii", "i", "U"),
    f("seal0", "get_transient_storage", "iiii", "i", "U"),
    f("seal0", "contains_transient_storage", "ii", "i", "U"),
    f("seal0", "take_transient_storage", "iiii", "i", "U"),
    f("seal0", "transfer", "iiii", "i", "A"),
    f("seal0", "call", "iiIiiiiii", "i", "A"),
    f("seal1", "call", "iiIiiiii", "i", "A"),
    f("seal2", "call", "iiIIiiiiii", "i", ""),
    f("seal0", "delegate_call", "iiiiii", "i", "A"),
    f("seal0", "instantiate", "iiIiiiiiiiiii", "i", "A"),
    f("seal1", "instantiate", "iIiiiiiiiii", "i", "A"),
    f("seal2", "instantiate", "iIIiiiiiiiiii", "i", ""),
    f("seal0", "terminate", "ii", "", "A"),
    f("seal1", "terminate", "i", "", "A"),
    f("seal0", "input", "ii", "", "A"),
    f("seal0", "seal_return", "iii", "", ""),
    f("seal0", "caller", "ii", "", "A"),
    f("seal0", "is_contract", "i", "i", "A"),
    f("seal0", "code_hash", "iii", "i", "A"),
    f("seal0", "own_code_hash", "ii", "", "A"),
    f("seal0", "caller_is_origin", "", "i", "A"),
    f("seal0", "caller_is_root", "", "i", ""),
    f("seal0", "address", "ii", "", "A"),
    f("seal0", "weight_to_fee", "Iii", "", "A"),
    f("seal1", "weight_to_fee", "IIii", "", "U"),
    f("seal0", "gas_left", "ii", "", "A"),
    f("seal1", "gas_left", "ii", "", "U"),
    f("seal0", "balance", "ii", "", "A"),
    f("seal0", "value_transferred", "ii", "", "A"),
    f("seal0", "random", "iiii", "", "AD"),
    f("seal1", "random", "iiii", "", "AD"),
    f("seal0", "now", "ii", "", "A"),
    f("seal0", "minimum_balance", "ii", "", "A"),
    f("seal0", "tombstone_deposit", "ii", "", "AD"),
    f("seal0", "restore_to", "iiiiiiii", "", "AD"),
    f("seal1", "restore_to", "iiiii", "", "AD"),
    f("seal0", "set_rent_allowance", "ii", "", "AD"),
    f("seal1", "set_rent_allowance", "i", "", "AD"),
    f("seal0", "rent_allowance", "ii", "", "AD"),
    f("seal0", "deposit_event", "iiii", "", "A"),
    f("seal0", "block_number", "ii", "", "A"),
    f("seal0", "hash_sha2_256", "iii", "", "A"),
    f("seal0", "hash_keccak_256", "iii", "", "A"),
    f("seal0", "hash_blake2_256", "iii", "", "A"),
    f("seal0", "hash_blake2_128", "iii", "", "A"),
    f("seal0", "call_chain_extension", "iiiii", "i", "A"),
    f("seal0", "debug_message", "ii", "i", "A"),
    f("seal0", "call_runtime", "ii", "i", ""),
    f("seal0", "xcm_execute", "ii", "i", ""),
    f("seal0", "xcm_send", "iiii", "i", ""),
    f("seal0", "ecdsa_recover", "iii", "i", "A"),
    f("seal0", "sr25519_verify", "iiii", "i", ""),
    f("seal0", "set_code_hash", "i", "i", "A"),
    f("seal0", "ecdsa_to_eth_address", "ii", "i", "A"),
    f("seal0", "reentrance_count", "", "i", "U"),
    f("seal0", "account_reentrance_count", "i", "i", "U"),
    f("seal0", "instantiation_nonce", "", "I", ""),
    f("seal0", "lock_delegate_dependency", "i", "", ""),
    f("seal0", "unlock_delegate_dependency", "i", "", ""),
];

/// Things that a puppet does by itself: their names after `puppet.`, and their code, with its arguments in `$0` to `$2`.
const OWN: &[(&str, &str)] = &[
    // Copies bytes: to, from, length.
    (
        "copy",
        "(block $copied (loop $more
            (br_if $copied (i32.eqz (local.get $2)))
            (local.set $2 (i32.sub (local.get $2) (i32.const 1)))
            (i32.store8 (i32.add (local.get $0) (local.get $2))
              (i32.load8_u (i32.add (local.get $1) (local.get $2))))
            (br $more)))",
    ),
    ("unreachable", "unreachable"),
    ("forever", "(loop $again (br $again))"),
    ("recurse", "(call $recurse)"),
    ("load", "(local.set $wide (i64.load (local.get $0)))"),
    ("grow", "(local.set $wide (i64.extend_i32_s (memory.grow (local.get $0))))"),
    ("divide", "(local.set $wide (i64.extend_i32_u (i32.div_s (local.get $0) (local.get $1))))"),
    ("indirect", "(call_indirect (type $answer) (local.get $0)) (local.set $wide (i64.extend_i32_u))"),
    // Goes on only if the 32 bits at an address are this number.
    ("unless", "(if (i32.ne (i32.load (local.get $0)) (local.get $1)) (then (return)))"),
];

/// The most arguments of a function.
const ARGUMENTS_MAX: usize = 13;
/// The bytes of an entry of the list: which function, its result, its arguments, each in eight bytes.
const ENTRY_BYTES: usize = 8 * (2 + ARGUMENTS_MAX);
/// Where the data of a script begins: after where the list is and how long it is.
const DATA_AT: usize = 8;
/// The pages of a puppet's memory.
const PAGES: usize = 8;
/// Where the puppet keeps the length of its input: above all that a script may contain.
const INPUT_LEN_AT: usize = PAGES * 65_536 - 16;

/// The number of a function in a script.
fn number(name: &str) -> u64 {
    let own = name.strip_prefix("puppet.").map(|name| OWN.iter().position(|own| own.0 == name));
    let index = match own {
        Some(own) => own.map(|index| index + FUNCTIONS.len()),
        None => FUNCTIONS.iter().position(|it| name == format!("{}.{}", it.module, it.name)),
    };
    index.unwrap_or_else(|| panic!("there is no function {name}")) as u64
}

/// The WebAssembly of a puppet with these functions (`seal0.caller`, say) and what it needs itself.
///
/// `twin` makes the code, and so its hash, different from that of its twins.
pub fn module(functions: &[&str], twin: u32) -> Vec<u8> {
    module_by(functions, twin, |function| function.name.to_owned())
}

/// The same, importing every function that has an alias by that.
pub fn module_by_aliases(functions: &[&str], twin: u32) -> Vec<u8> {
    module_by(functions, twin, |function| match function.has_alias {
        true => format!("seal_{}", function.name),
        false => function.name.to_owned(),
    })
}

fn module_by(functions: &[&str], twin: u32, name_of: impl Fn(&Function) -> String) -> Vec<u8> {
    let mut wanted: Vec<u64> = functions.iter().map(|name| number(name)).collect();
    wanted.extend([number("seal0.input"), number("seal0.seal_return")]);
    wanted.sort();
    wanted.dedup();
    wat::parse_str(text(&wanted, twin, name_of)).expect("the puppet is WebAssembly")
}

fn text(wanted: &[u64], twin: u32, name_of: impl Fn(&Function) -> String) -> String {
    let (mut imports, mut arms) = (String::new(), String::new());
    for &index in wanted {
        let arm = match FUNCTIONS.get(index as usize) {
            Some(function) => {
                let types: String = function.parameters.chars().map(|it| format!(" {}", wide(it))).collect();
                let result: String =
                    function.result.chars().map(|it| format!("(result {})", wide(it))).collect();
                let (module, name) = (function.module, name_of(function));
                writeln!(
                    imports,
                    "(import \"{module}\" \"{name}\" (func $f{index} (param{types}) {result}))"
                )
                .expect("a string");
                let arguments: String = function
                    .parameters
                    .chars()
                    .enumerate()
                    .map(|(at, it)| format!("({}.load offset={} (local.get $entry))", wide(it), 16 + 8 * at))
                    .collect();
                let call = format!("(call $f{index} {arguments})");
                match function.result {
                    "i" => format!("(local.set $wide (i64.extend_i32_u {call}))"),
                    "I" => format!("(local.set $wide {call})"),
                    _ => call,
                }
            }
            None => {
                let code = OWN[index as usize - FUNCTIONS.len()].1;
                let arguments: String = (0..3)
                    .map(|at| {
                        format!("(local.set ${at} (i32.load offset={} (local.get $entry)))", 16 + 8 * at)
                    })
                    .collect();
                format!("{arguments} {code}")
            }
        };
        writeln!(arms, "(if (i32.eq (local.get $which) (i32.const {index})) (then {arm}))")
            .expect("a string");
    }
    let (input, finish) = (number("seal0.input"), number("seal0.seal_return"));
    format!(
        r#"(module
  (type $answer (func (result i32)))
  {imports}
  (import "env" "memory" (memory {PAGES} 16))
  (table 4 funcref)
  (elem (i32.const 0) $twin $recurse)
  (func $twin (result i32) (i32.const {twin}))
  (func $recurse (call $recurse))
  (func $play
    (local $entry i32) (local $left i32) (local $which i32) (local $wide i64)
    (local $0 i32) (local $1 i32) (local $2 i32)
    (i32.store (i32.const {INPUT_LEN_AT}) (i32.const {INPUT_LEN_AT}))
    (call $f{input} (i32.const 0) (i32.const {INPUT_LEN_AT}))
    (local.set $entry (i32.load (i32.const 0)))
    (local.set $left (i32.load (i32.const 4)))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (local.set $which (i32.load (local.get $entry)))
      (local.set $wide (i64.const 0))
      {arms}
      (i64.store offset=8 (local.get $entry) (local.get $wide))
      (local.set $entry (i32.add (local.get $entry) (i32.const {ENTRY_BYTES})))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
    (call $f{finish} (i32.const 0) (i32.const 0) (i32.load (i32.const {INPUT_LEN_AT}))))
  (func (export "deploy") (call $play))
  (func (export "call") (call $play))
)"#
    )
}

fn wide(kind: char) -> &'static str {
    match kind {
        'i' => "i32",
        _ => "i64",
    }
}

/// What a puppet is to do. Addresses that it gives out are the puppet's own.
#[derive(Clone, Debug, Default)]
pub struct Script {
    data: Vec<u8>,
    calls: Vec<(String, Vec<u64>)>,
}

/// A call of a script, by which its result is found in the answer.
#[derive(Clone, Copy, Debug)]
pub struct Entry(usize);

impl Script {
    /// A script that does nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts bytes into the data and says where they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> u64 {
        let at = DATA_AT + self.data.len();
        self.data.extend_from_slice(bytes);
        at as u64
    }

    /// Room for an output of this length, filled with a pattern, so that it shows what was not written.
    pub fn room(&mut self, len: usize) -> u64 {
        self.bytes(&vec![0xee; len])
    }

    /// A length, where a function expects the address of one.
    pub fn length(&mut self, len: u32) -> u64 {
        self.bytes(&len.to_le_bytes())
    }

    /// A balance, where a function expects the address of one.
    pub fn amount(&mut self, amount: u128) -> u64 {
        self.bytes(&amount.to_le_bytes())
    }

    /// Room and its length: the two arguments of an output.
    pub fn output(&mut self, len: u32) -> [u64; 2] {
        [self.room(len as usize), self.length(len)]
    }

    /// Makes a call. Arguments are addresses and numbers, in the function's order.
    pub fn call(&mut self, name: &str, arguments: &[u64]) -> Entry {
        if let Some(function) = FUNCTIONS.get(number(name) as usize) {
            assert_eq!(arguments.len(), function.parameters.len(), "arguments of {name}");
        }
        self.calls.push((name.to_owned(), arguments.to_vec()));
        Entry(self.calls.len() - 1)
    }

    /// Writes the result of a function that has one output of up to so many bytes.
    pub fn ask(&mut self, name: &str, room: u32) -> [u64; 2] {
        let output = self.output(room);
        self.call(name, &output);
        output
    }

    /// The functions that the script calls.
    #[must_use]
    pub fn functions(&self) -> Vec<&str> {
        self.calls.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The input that makes a puppet do it.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        // The list is of eight-byte numbers; nothing needs it to be aligned.
        let at = DATA_AT + self.data.len();
        let mut input = [(at as u32).to_le_bytes(), (self.calls.len() as u32).to_le_bytes()].concat();
        input.extend_from_slice(&self.data);
        for (name, arguments) in &self.calls {
            input.extend_from_slice(&number(name).to_le_bytes());
            input.extend_from_slice(&0u64.to_le_bytes());
            for at in 0..ARGUMENTS_MAX {
                input.extend_from_slice(&arguments.get(at).copied().unwrap_or(0).to_le_bytes());
            }
        }
        assert!(input.len() < INPUT_LEN_AT, "a script fits a puppet's memory");
        input
    }
}

/// A puppet's answer.
#[derive(Clone, Debug)]
pub struct Played(pub Vec<u8>);

impl Played {
    /// What a call returned.
    #[must_use]
    pub fn result(&self, entry: Entry) -> u64 {
        let list = u32::from_le_bytes(self.at(0, 4).try_into().expect("four bytes")) as usize;
        let at = list + entry.0 * ENTRY_BYTES + 8;
        u64::from_le_bytes(self.at(at as u64, 8).try_into().expect("eight bytes"))
    }

    /// The bytes at an address.
    #[must_use]
    pub fn at(&self, address: u64, len: usize) -> &[u8] {
        &self.0[address as usize..][..len]
    }

    /// An output: as many bytes as were written.
    #[must_use]
    pub fn output(&self, [at, len_at]: [u64; 2]) -> &[u8] {
        let len = u32::from_le_bytes(self.at(len_at, 4).try_into().expect("four bytes"));
        self.at(at, len as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_has_seventy_functions_and_a_hundred_and_eleven_stable_names() {
        assert_eq!(FUNCTIONS.len(), 70);
        let stable = FUNCTIONS.iter().filter(|it| it.standing != Standing::Unstable);
        assert_eq!(stable.map(|it| 1 + usize::from(it.has_alias)).sum::<usize>(), 111);
    }

    #[test]
    fn puppet_of_all_functions_is_a_module() {
        let all: Vec<String> = FUNCTIONS.iter().map(|it| format!("{}.{}", it.module, it.name)).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert!(module(&all, 0).starts_with(b"\0asm"));
        assert_ne!(module(&all, 0), module(&all, 1));
        assert_ne!(module(&all, 0), module_by_aliases(&all, 0));
    }
}
