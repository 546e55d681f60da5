// SPDX-License-Identifier: Apache-2.0
//! Transient storage: the same functions, for as long as the outermost call takes.

use super::{NOTHING, SUCCESS, cases};
use crate::{Duel, End, puppet::Script};

cases![
    transient_values_are_set_read_found_taken_and_cleared,
    transient_values_end_with_the_call,
    transient_values_are_apart_from_the_others,
    transient_values_are_the_contracts_own,
    transient_values_of_a_reverted_frame_are_undone,
    transient_key_beyond_the_limit_traps,
    transient_value_beyond_the_limit_traps,
    transient_value_that_does_not_fit_traps,
    transient_storage_is_bounded,
];

fn transient_values_are_set_read_found_taken_and_cleared(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"key"), s.bytes(b"value"));
    let missing = s.call("seal0.contains_transient_storage", &[key, 3]);
    let first = s.call("seal0.set_transient_storage", &[key, 3, value, 5]);
    let found = s.call("seal0.contains_transient_storage", &[key, 3]);
    let [out, len] = s.output(8);
    let read = s.call("seal0.get_transient_storage", &[key, 3, out, len]);
    let second = s.call("seal0.set_transient_storage", &[key, 3, value, 2]);
    let [out2, len2] = s.output(8);
    let taken = s.call("seal0.take_transient_storage", &[key, 3, out2, len2]);
    let cleared = s.call("seal0.clear_transient_storage", &[key, 3]);
    let again = s.call("seal0.take_transient_storage", &[key, 3, out2, len2]);
    let none = s.call("seal0.get_transient_storage", &[key, 3, out2, len2]);
    s.call("seal0.set_transient_storage", &[key, 3, value, 4]);
    let last = s.call("seal0.clear_transient_storage", &[key, 3]);
    let p = duel.play_alone(&s);
    let results = [missing, first, found, read, second, taken, cleared, again, none, last];
    assert_eq!(results.map(|it| p.result(it)), [NOTHING, NOTHING, 5, SUCCESS, 5, SUCCESS, NOTHING, 3, 3, 4]);
    assert_eq!((p.output([out, len]), p.output([out2, len2])), (&b"value"[..], &b"va"[..]));
}

fn transient_values_end_with_the_call(duel: &mut Duel) {
    let puppet = duel.puppet(&["seal0.set_transient_storage", "seal0.contains_transient_storage"]);
    for _ in 0..2 {
        let mut s = Script::new();
        let key = s.bytes(b"key");
        let found = s.call("seal0.contains_transient_storage", &[key, 3]);
        s.call("seal0.set_transient_storage", &[key, 3, key, 3]);
        assert_eq!(duel.play(puppet, &s).result(found), NOTHING);
    }
}

fn transient_values_are_apart_from_the_others(duel: &mut Duel) {
    let mut s = Script::new();
    let key = s.bytes(b"key");
    s.call("seal2.set_storage", &[key, 3, key, 3]);
    let found = s.call("seal0.contains_transient_storage", &[key, 3]);
    assert_eq!(duel.play_alone(&s).result(found), NOTHING);
}

/// A script by which `a` sets a value and calls `b` with what `inner` says.
fn set_and_call(callee: [u8; 32], inner: &Script, flags: u64) -> (Script, crate::puppet::Entry) {
    let mut s = Script::new();
    let (key, callee, value) = (s.bytes(b"key"), s.bytes(&callee), s.amount(0));
    let input = inner.input();
    let at = s.bytes(&input);
    s.call("seal0.set_transient_storage", &[key, 3, key, 3]);
    s.call(
        "seal1.call",
        &[flags, callee, 0, value, at, input.len() as u64, super::SENTINEL, super::SENTINEL],
    );
    let found = s.call("seal0.contains_transient_storage", &[key, 3]);
    (s, found)
}

const BOTH: &[&str] = &[
    "seal0.set_transient_storage",
    "seal0.contains_transient_storage",
    "seal0.clear_transient_storage",
    "seal1.call",
];

fn transient_values_are_the_contracts_own(duel: &mut Duel) {
    let code = duel.puppet_code(BOTH);
    let (a, b) = (duel.puppet_of(code), duel.puppet_of(code));
    let mut inner = Script::new();
    let key = inner.bytes(b"key");
    inner.call("seal0.clear_transient_storage", &[key, 3]);
    let (s, found) = set_and_call(b, &inner, 0);
    assert_eq!(duel.play(a, &s).result(found), 3);
    // The same contract, entered again, sees and changes it.
    let (s, found) = set_and_call(a, &inner, 8);
    assert_eq!(duel.play(a, &s).result(found), NOTHING);
}

fn transient_values_of_a_reverted_frame_are_undone(duel: &mut Duel) {
    let a = duel.puppet(BOTH);
    let mut inner = Script::new();
    let key = inner.bytes(b"key");
    inner.call("seal0.clear_transient_storage", &[key, 3]);
    inner.call("seal0.seal_return", &[1, 0, 0]);
    let (s, found) = set_and_call(a, &inner, 8);
    assert_eq!(duel.play(a, &s).result(found), 3);
}

fn transient_key_beyond_the_limit_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let key = s.room(129);
    s.call("seal0.contains_transient_storage", &[key, 129]);
    assert_eq!(duel.end_of(&s), End::InvalidArgument);
}

fn transient_value_beyond_the_limit_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let value = s.room(16 * 1024 + 1);
    s.call("seal0.set_transient_storage", &[value, 4, value, 16 * 1024 + 1]);
    assert_eq!(duel.end_of(&s), End::ValueTooLong);
}

fn transient_value_that_does_not_fit_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let key = s.bytes(b"key");
    s.call("seal0.set_transient_storage", &[key, 3, key, 3]);
    let [out, len] = s.output(2);
    s.call("seal0.get_transient_storage", &[key, 3, out, len]);
    assert_eq!(duel.end_of(&s), End::OutputBufferTooSmall);
}

fn transient_storage_is_bounded(duel: &mut Duel) {
    let mut t = Script::new();
    let value = t.room(16 * 1024);
    for n in 0..70 {
        let key = t.bytes(&[n, 1, 2, 3]);
        t.call("seal0.set_transient_storage", &[key, 4, value, 16 * 1024]);
    }
    assert_eq!(duel.end_of(&t), End::OutOfTransientStorage);
}
