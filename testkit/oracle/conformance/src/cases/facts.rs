// SPDX-License-Identifier: Apache-2.0
//! What a contract may ask about the call that it is in.

use super::{OUTSIDE, SENTINEL, SUCCESS, ask_input, cases, is_input};
use crate::{
    Call, Duel, End, Machine as _,
    duel::{ALICE, BOB, CHARLIE, ENDOWMENT},
    machine::EXISTENTIAL_DEPOSIT,
    puppet::Script,
};

cases![
    caller_and_address_and_value,
    block_number_and_time,
    own_balance_and_the_least_one,
    balance_counts_what_was_paid_with_the_call,
    codes_of_contracts_and_of_others,
    an_outermost_caller_is_the_origin_and_not_root,
    a_contract_that_calls_is_the_caller_and_not_the_origin,
    input_is_given_again_and_again,
    an_input_that_does_not_fit_traps,
    a_fact_that_does_not_fit_traps,
    a_fact_outside_of_memory_traps,
    a_fact_into_nothing_traps,
    gas_is_left,
    gas_left_is_eight_bytes_and_then_two_numbers,
    gas_has_a_price,
    weight_to_fee_of_nothing_is_nothing,
    nonce_counts_instantiations,
    reentrance_is_counted,
];

fn caller_and_address_and_value(duel: &mut Duel) {
    let mut s = Script::new();
    let [caller, address] = ["seal0.caller", "seal0.address"].map(|name| s.ask(name, 40));
    let value = s.ask("seal0.value_transferred", 40);
    let puppet = duel.puppet(&s.functions());
    for paid in [0, 12_345] {
        let ran = duel.play_with(puppet, &s, paid);
        let p = crate::puppet::Played(ran.result.expect("it runs").data);
        assert_eq!((p.output(caller), p.output(address)), (&ALICE[..], &puppet[..]));
        assert_eq!(p.output(value), paid.to_le_bytes());
    }
}

fn block_number_and_time(duel: &mut Duel) {
    duel.set_block(77, 1_234_567);
    let mut s = Script::new();
    let (number, now) = (s.ask("seal0.block_number", 4), s.ask("seal0.now", 8));
    let p = duel.play_alone(&s);
    assert_eq!(p.output(number), 77u32.to_le_bytes());
    assert_eq!(p.output(now), 1_234_567u64.to_le_bytes());
}

fn own_balance_and_the_least_one(duel: &mut Duel) {
    let mut s = Script::new();
    let (balance, least) = (s.ask("seal0.balance", 16), s.ask("seal0.minimum_balance", 16));
    let p = duel.play_alone(&s);
    assert_eq!(
        p.output(balance),
        ENDOWMENT.to_le_bytes(),
        "what it may spend, and what keeps it alive is apart"
    );
    assert_eq!(p.output(least), EXISTENTIAL_DEPOSIT.to_le_bytes());
}

fn balance_counts_what_was_paid_with_the_call(duel: &mut Duel) {
    let mut s = Script::new();
    let balance = s.ask("seal0.balance", 16);
    let puppet = duel.puppet(&s.functions());
    let ran = duel.play_with(puppet, &s, 1_000);
    let p = crate::puppet::Played(ran.result.expect("it runs").data);
    assert_eq!(p.output(balance), (ENDOWMENT + 1_000).to_le_bytes());
}

fn codes_of_contracts_and_of_others(duel: &mut Duel) {
    let functions = ["seal0.is_contract", "seal0.code_hash", "seal0.own_code_hash", "seal0.caller_is_origin"];
    let code = duel.puppet_code(&functions);
    let (puppet, other) = (duel.puppet_of(code), duel.puppet(&["seal0.caller"]));
    let other_code = duel.code_hash(&other).expect("a contract");
    let mut s = Script::new();
    let [me, them, nobody] = [puppet, other, CHARLIE].map(|id| s.bytes(&id));
    let is = [me, them, nobody].map(|at| s.call("seal0.is_contract", &[at]));
    let [out, len] = s.output(32);
    let theirs = s.call("seal0.code_hash", &[them, out, len]);
    let [out2, len2] = s.output(32);
    let none = s.call("seal0.code_hash", &[nobody, out2, len2]);
    let own = s.ask("seal0.own_code_hash", 32);
    let p = duel.play(puppet, &s);
    assert_eq!(is.map(|it| p.result(it)), [1, 1, 0]);
    assert_eq!([theirs, none].map(|it| p.result(it)), [SUCCESS, 3]);
    assert_eq!((p.output([out, len]), p.output(own)), (&other_code[..], &code[..]));
}

fn an_outermost_caller_is_the_origin_and_not_root(duel: &mut Duel) {
    let mut s = Script::new();
    let origin = s.call("seal0.caller_is_origin", &[]);
    let root = s.call("seal0.caller_is_root", &[]);
    let p = duel.play_alone(&s);
    assert_eq!([p.result(origin), p.result(root)], [1, 0]);
}

fn a_contract_that_calls_is_the_caller_and_not_the_origin(duel: &mut Duel) {
    let functions = ["seal0.caller_is_origin", "seal0.caller_is_root", "seal0.caller", "seal1.call"];
    let code = duel.puppet_code(&functions);
    let (a, b) = (duel.puppet_of(code), duel.puppet_of(code));
    let mut inner = Script::new();
    let origin = inner.call("seal0.caller_is_origin", &[]);
    inner.call("seal0.caller_is_root", &[]);
    let caller = inner.ask("seal0.caller", 32);
    let mut s = Script::new();
    let input = inner.input();
    let (at, callee, value) = (s.bytes(&input), s.bytes(&b), s.amount(0));
    let [out, len] = s.output(input.len() as u32);
    s.call("seal1.call", &[0, callee, 0, value, at, input.len() as u64, out, len]);
    let p = duel.play(a, &s);
    let inner = crate::puppet::Played(p.output([out, len]).to_vec());
    assert_eq!(inner.result(origin), 0);
    assert_eq!(inner.output(caller), a);
}

fn input_is_given_again_and_again(duel: &mut Duel) {
    let mut s = Script::new();
    let asked = [(); 2].map(|()| ask_input(&mut s));
    let p = duel.play_alone(&s);
    assert!(asked.iter().all(|it| is_input(&p, *it, &s)));
}

fn an_input_that_does_not_fit_traps(duel: &mut Duel) {
    let mut s = Script::new();
    s.ask("seal0.input", 8);
    assert_eq!(duel.end_of(&s), End::OutputBufferTooSmall);
}

const FACTS: [(&str, u32); 9] = [
    ("seal0.caller", 32),
    ("seal0.address", 32),
    ("seal0.balance", 16),
    ("seal0.value_transferred", 16),
    ("seal0.now", 8),
    ("seal0.minimum_balance", 16),
    ("seal0.block_number", 4),
    ("seal0.gas_left", 8),
    ("seal0.own_code_hash", 32),
];

fn a_fact_that_does_not_fit_traps(duel: &mut Duel) {
    for (name, len) in FACTS {
        let mut s = Script::new();
        s.ask(name, len - 1);
        assert_eq!(duel.end_of(&s), End::OutputBufferTooSmall, "{name}");
    }
}

fn a_fact_outside_of_memory_traps(duel: &mut Duel) {
    for (name, len) in FACTS {
        let mut s = Script::new();
        let len = s.length(len);
        s.call(name, &[OUTSIDE, len]);
        assert_eq!(duel.end_of(&s), End::Trapped, "{name}");
    }
}

fn a_fact_into_nothing_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let len = s.length(32);
    s.call("seal0.caller", &[SENTINEL, len]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

/// Asks for gas and keeps whether there is some, since how much is no matter here.
fn some(s: &mut Script, output: [u64; 2]) {
    let zero = s.bytes(&[0; 16]);
    s.call("puppet.copy", &[output[0], zero, 16]);
}

fn gas_is_left(duel: &mut Duel) {
    let mut s = Script::new();
    let left = s.ask("seal0.gas_left", 16);
    some(&mut s, left);
    let p = duel.play_alone(&s);
    assert_eq!(p.at(left[1], 4), 8u32.to_le_bytes());
}

fn gas_left_is_eight_bytes_and_then_two_numbers(duel: &mut Duel) {
    // The second generation writes a weight: two compact numbers, of which we have one.
    let mut s = Script::new();
    let left = s.ask("seal1.gas_left", 32);
    some(&mut s, left);
    some(&mut s, [left[0] + 16, 0]);
    let p = duel.play_alone(&s);
    assert_ne!(p.at(left[1], 4), 0u32.to_le_bytes());
}

fn gas_has_a_price(duel: &mut Duel) {
    let mut s = Script::new();
    let [out, len] = s.output(16);
    s.call("seal0.weight_to_fee", &[1_000_000, out, len]);
    let [out1, len1] = s.output(16);
    s.call("seal1.weight_to_fee", &[1_000_000, 0, out1, len1]);
    let p = duel.play_alone(&s);
    assert_eq!(p.output([out, len]), 1_000_000u128.to_le_bytes());
    assert_eq!(p.output([out1, len1]), 1_000_000u128.to_le_bytes());
}

fn weight_to_fee_of_nothing_is_nothing(duel: &mut Duel) {
    let mut s = Script::new();
    let [out, len] = s.output(16);
    s.call("seal0.weight_to_fee", &[0, out, len]);
    assert_eq!(duel.play_alone(&s).output([out, len]), [0; 16]);
}

fn nonce_counts_instantiations(duel: &mut Duel) {
    let puppet = duel.puppet(&["seal0.instantiation_nonce"]);
    let mut s = Script::new();
    let nonce = s.call("seal0.instantiation_nonce", &[]);
    let first = duel.play(puppet, &s).result(nonce);
    duel.puppet(&["seal0.caller"]);
    assert_eq!(duel.play(puppet, &s).result(nonce), first + 1);
}

fn reentrance_is_counted(duel: &mut Duel) {
    let functions = ["seal0.reentrance_count", "seal0.account_reentrance_count", "seal1.call"];
    let puppet = duel.puppet(&functions);
    let mut inner = Script::new();
    let (me, nobody) = (inner.bytes(&puppet), inner.bytes(&BOB));
    let count = inner.call("seal0.reentrance_count", &[]);
    let mine = inner.call("seal0.account_reentrance_count", &[me]);
    let other = inner.call("seal0.account_reentrance_count", &[nobody]);
    let mut s = Script::new();
    let before = s.call("seal0.reentrance_count", &[]);
    let input = inner.input();
    let (at, callee, value) = (s.bytes(&input), s.bytes(&puppet), s.amount(0));
    let [out, len] = s.output(input.len() as u32);
    s.call("seal1.call", &[8, callee, 0, value, at, input.len() as u64, out, len]);
    let ran = duel.call(&Call {
        caller: BOB,
        contract: puppet,
        value: 0,
        input: s.input(),
        deposit_limit: None,
        is_starved: false,
    });
    let p = crate::puppet::Played(ran.result.expect("it runs").data);
    assert_eq!(p.result(before), 0);
    let inner = crate::puppet::Played(p.output([out, len]).to_vec());
    assert_eq!([count, mine, other].map(|it| inner.result(it)), [1, 2, 0]);
}
