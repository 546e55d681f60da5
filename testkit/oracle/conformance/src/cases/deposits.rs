// SPDX-License-Identifier: Apache-2.0
//! Storage deposits: who pays, how much, and where the limit is.

use super::{SENTINEL, SUCCESS, cases};
use crate::{
    Account, Call, Duel, End, Instantiate, Machine as _, Ran,
    duel::{ALICE, BOB, CHARLIE},
    machine::{DEPOSIT_PER_BYTE, DEPOSIT_PER_ITEM},
    puppet::{Played, Script},
};

cases![
    a_new_value_costs_by_byte_and_item,
    a_longer_value_costs_the_difference,
    a_shorter_value_pays_back,
    a_cleared_value_pays_back_all,
    a_value_set_and_cleared_costs_nothing,
    a_refund_goes_to_whoever_clears,
    a_limit_that_is_just_enough,
    a_limit_that_is_just_too_low,
    a_limit_that_the_caller_cannot_pay,
    a_caller_who_cannot_pay,
    a_callee_has_a_limit_of_its_own,
    a_callee_within_its_limit,
    a_callees_limit_counts_what_it_frees,
    a_constructor_has_a_limit_of_its_own,
    the_origin_pays_for_all_frames,
    deposits_of_failed_frames_are_not_paid,
    a_limit_for_an_instantiation,
    deposits_are_rounded_alike,
    a_refund_in_the_call_that_charges_it_is_stranded,
];

const STORE: &[&str] = &[
    "seal2.set_storage",
    "seal1.clear_storage",
    "seal2.call",
    "seal1.call",
    "puppet.unreachable",
    "seal0.balance",
];

/// Adds a value of this length, or clears it.
fn set(s: &mut Script, key: &[u8], len: Option<usize>) {
    let at = s.bytes(key);
    match len {
        Some(len) => {
            let value = s.bytes(&vec![1; len]);
            s.call("seal2.set_storage", &[at, key.len() as u64, value, len as u64]);
        }
        None => {
            s.call("seal1.clear_storage", &[at, key.len() as u64]);
        }
    }
}

fn play(duel: &mut Duel, caller: Account, contract: Account, s: &Script, limit: Option<u128>) -> Ran {
    let input = s.input();
    duel.call(&Call { caller, contract, value: 0, input, deposit_limit: limit, is_starved: false })
}

fn change(duel: &mut Duel, contract: Account, len: Option<usize>) -> i128 {
    let mut s = Script::new();
    set(&mut s, b"key", len);
    let ran = play(duel, ALICE, contract, &s, None);
    assert!(ran.result.is_ok(), "{ran:?}");
    ran.deposit
}

const BYTE: i128 = DEPOSIT_PER_BYTE as i128;
const ITEM: i128 = DEPOSIT_PER_ITEM as i128;

fn a_new_value_costs_by_byte_and_item(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    let paid = change(duel, a, Some(100));
    // The pallet counts a key of this kind too.
    assert!(paid >= 100 * BYTE + ITEM, "{paid}");
}

fn a_longer_value_costs_the_difference(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    change(duel, a, Some(10));
    assert_eq!(change(duel, a, Some(15)), 5 * BYTE);
    assert_eq!(change(duel, a, Some(15)), 0);
}

fn a_shorter_value_pays_back(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    change(duel, a, Some(10));
    assert_eq!(change(duel, a, Some(4)), -6 * BYTE);
}

fn a_cleared_value_pays_back_all(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    let paid = change(duel, a, Some(10));
    assert_eq!(change(duel, a, None), -paid);
    assert_eq!(change(duel, a, None), 0);
}

fn a_value_set_and_cleared_costs_nothing(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    let mut s = Script::new();
    set(&mut s, b"key", Some(1_000));
    set(&mut s, b"key", None);
    assert_eq!(play(duel, ALICE, a, &s, Some(0)).deposit, 0);
}

fn a_refund_goes_to_whoever_clears(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    let paid = change(duel, a, Some(10));
    let before = duel.free(&BOB);
    let mut s = Script::new();
    set(&mut s, b"key", None);
    play(duel, BOB, a, &s, None);
    assert_eq!(duel.free(&BOB), before + paid as u128);
}

fn limited(duel: &mut Duel, less: u128) -> Result<(), End> {
    let a = duel.puppet(STORE);
    let cost = change(duel, a, Some(50)) as u128;
    change(duel, a, None);
    let mut s = Script::new();
    set(&mut s, b"key", Some(50));
    play(duel, ALICE, a, &s, Some(cost - less)).result.map(|_| ())
}

fn a_limit_that_is_just_enough(duel: &mut Duel) {
    assert_eq!(limited(duel, 0), Ok(()));
}

fn a_limit_that_is_just_too_low(duel: &mut Duel) {
    assert_eq!(limited(duel, 1), Err(End::DepositLimitExceeded));
}

fn a_limit_that_the_caller_cannot_pay(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    duel.fund(&CHARLIE, 1_000);
    for limit in [500, 799, 800, 801, 900, 901, 1_000, 1_001, 1_000_000] {
        play(duel, CHARLIE, a, &Script::new(), Some(limit));
    }
}

fn a_caller_who_cannot_pay(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    duel.fund(&CHARLIE, 1_000);
    for len in [1, 10, 30, 50, 70, 100, 1_000] {
        let mut s = Script::new();
        set(&mut s, &[len as u8], Some(len));
        play(duel, CHARLIE, a, &s, None);
    }
    let mut s = Script::new();
    for n in 0..20 {
        set(&mut s, &[n], None);
    }
    play(duel, CHARLIE, a, &s, None);
}

/// Calls with a limit for the callee.
fn nested(s: &mut Script, callee: Account, limit: u128, inner: &Script) -> crate::puppet::Entry {
    let input = inner.input();
    let (callee, value, at, limit) = (s.bytes(&callee), s.amount(0), s.bytes(&input), s.amount(limit));
    s.call("seal2.call", &[8, callee, 0, 0, limit, value, at, input.len() as u64, SENTINEL, SENTINEL])
}

fn two(duel: &mut Duel) -> [Account; 2] {
    let code = duel.puppet_code(STORE);
    [duel.puppet_of(code), duel.puppet_of(code)]
}

fn a_callee_has_a_limit_of_its_own(duel: &mut Duel) {
    let [a, b] = two(duel);
    let mut inner = Script::new();
    set(&mut inner, b"key", Some(100));
    let mut s = Script::new();
    let rc = nested(&mut s, b, 50, &inner);
    let ran = play(duel, ALICE, a, &s, None);
    match ran.result {
        Ok(answer) => assert_ne!(Played(answer.data).result(rc), SUCCESS),
        Err(end) => assert_eq!(end, End::DepositLimitExceeded),
    }
    assert!(duel.storage(&b).is_empty());
}

fn a_callee_within_its_limit(duel: &mut Duel) {
    let [a, b] = two(duel);
    let mut inner = Script::new();
    set(&mut inner, b"key", Some(100));
    let mut s = Script::new();
    let rc = nested(&mut s, b, 2_000, &inner);
    set(&mut s, b"own", Some(100));
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
}

fn a_callees_limit_counts_what_it_frees(duel: &mut Duel) {
    let [a, b] = two(duel);
    let mut s = Script::new();
    set(&mut s, b"old", Some(500));
    duel.play(b, &s);
    let mut inner = Script::new();
    set(&mut inner, b"new", Some(450));
    set(&mut inner, b"old", None);
    let mut s = Script::new();
    let rc = nested(&mut s, b, 1, &inner);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
}

fn a_constructor_has_a_limit_of_its_own(duel: &mut Duel) {
    let a = duel.puppet(&["seal2.instantiate"]);
    let code = duel.puppet_code(STORE);
    let mut inner = Script::new();
    set(&mut inner, b"key", Some(100));
    let input = inner.input();
    for limit in [0, 10, 1_000, 100_000] {
        let mut s = Script::new();
        let (hash, value, at) = (s.bytes(&code), s.amount(0), s.bytes(&input));
        let limit_at = s.amount(limit);
        let salt = s.amount(limit);
        s.call(
            "seal2.instantiate",
            &[
                hash,
                0,
                0,
                limit_at,
                value,
                at,
                input.len() as u64,
                SENTINEL,
                SENTINEL,
                SENTINEL,
                SENTINEL,
                salt,
                16,
            ],
        );
        play(duel, ALICE, a, &s, None);
    }
}

fn the_origin_pays_for_all_frames(duel: &mut Duel) {
    let [a, b] = two(duel);
    let mut inner = Script::new();
    set(&mut inner, b"inner", Some(70));
    let mut s = Script::new();
    set(&mut s, b"before", Some(10));
    nested(&mut s, b, 0, &inner);
    set(&mut s, b"after", Some(30));
    let before = [ALICE, a, b].map(|it| duel.free(&it));
    let ran = play(duel, ALICE, a, &s, None);
    assert!(ran.deposit > 110 * BYTE + 3 * ITEM - 1, "{ran:?}");
    let paid = before[0] - duel.free(&ALICE);
    assert_eq!((paid as i128, duel.free(&a), duel.free(&b)), (ran.deposit, before[1], before[2]));
}

fn deposits_of_failed_frames_are_not_paid(duel: &mut Duel) {
    let [a, b] = two(duel);
    let mut inner = Script::new();
    set(&mut inner, b"inner", Some(70));
    inner.call("puppet.unreachable", &[]);
    let mut s = Script::new();
    nested(&mut s, b, 0, &inner);
    let ran = play(duel, ALICE, a, &s, Some(0));
    assert_eq!((ran.result.is_ok(), ran.deposit), (true, 0));
}

fn a_limit_for_an_instantiation(duel: &mut Duel) {
    let code = duel.puppet_code(STORE);
    let make = |duel: &mut Duel, limit, salt: u8| {
        duel.instantiate(&Instantiate {
            caller: BOB,
            code,
            value: 0,
            input: Script::new().input(),
            salt: vec![salt],
            deposit_limit: limit,
        })
    };
    let free = make(duel, None, 0);
    assert!(free.deposit > 0, "{free:?}");
    let cost = free.deposit as u128;
    for (salt, limit) in [(1, cost), (2, cost - 1), (3, cost + 1), (4, cost - 100), (5, cost - 101), (6, 0)] {
        make(duel, Some(limit), salt);
    }
}

fn deposits_are_rounded_alike(duel: &mut Duel) {
    let a = duel.puppet(STORE);
    for len in [1usize, 7, 100, 3, 0, 999, 12, 1_000, 1] {
        for key in [&b"a"[..], b"bb", b"ccc"] {
            let mut s = Script::new();
            set(&mut s, key, (len % 7 != 0).then_some(len));
            play(duel, if len % 2 == 0 { ALICE } else { BOB }, a, &s, None);
        }
    }
}

/// A constructor runs code as itself, which stores a value, and clears the value.
fn a_refund_in_the_call_that_charges_it_is_stranded(duel: &mut Duel) {
    let code = duel.puppet_code(&["seal0.delegate_call", "seal2.set_storage", "seal1.clear_storage"]);
    let mut inner = Script::new();
    set(&mut inner, b"key", Some(10));
    let (mut s, input) = (Script::new(), inner.input());
    let (hash, at) = (s.bytes(&code), s.bytes(&input));
    let stored = s.call("seal0.delegate_call", &[0, hash, at, input.len() as u64, SENTINEL, SENTINEL]);
    set(&mut s, b"key", None);
    let request = Instantiate {
        caller: ALICE,
        code,
        value: 1_000,
        input: s.input(),
        salt: vec![],
        deposit_limit: None,
    };
    let ran = duel.instantiate(&request);
    let (address, answer) = (ran.address.expect("it is made"), ran.result.expect("it answers"));
    assert_eq!(Played(answer.data).result(stored), SUCCESS);
    assert!(duel.storage(&address).is_empty());
    assert!(duel.stranded(&address) >= 10 * BYTE + ITEM, "{}", duel.stranded(&address));
}
