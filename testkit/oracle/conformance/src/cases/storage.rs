// SPDX-License-Identifier: Apache-2.0
//! Storage: ten functions in three generations.

use super::{NOTHING, OUTSIDE, SUCCESS, cases};
use crate::{Duel, End, Machine as _, puppet::Script};

cases![
    values_are_set_read_found_and_cleared,
    old_functions_have_keys_of_32_bytes,
    fixed_and_variable_keys_are_two_spaces,
    an_empty_value_is_a_value,
    an_empty_key_is_a_key,
    a_taken_value_is_gone,
    nothing_is_taken_where_nothing_is,
    values_outlive_the_call,
    the_longest_key_fits,
    a_key_beyond_the_limit_traps,
    a_taken_key_beyond_the_limit_traps,
    the_longest_value_fits,
    a_value_beyond_the_limit_traps,
    a_value_that_does_not_fit_the_buffer_traps,
    a_taken_value_that_does_not_fit_the_buffer_traps,
    a_key_outside_of_memory_traps,
    a_value_outside_of_memory_traps,
    an_output_outside_of_memory_traps,
    a_length_outside_of_memory_traps,
    the_output_pointer_of_a_read_is_not_optional,
    many_values_of_one_contract,
    aliases_mean_the_same,
    a_reverted_write_leaves_nothing,
    key_and_output_may_overlap,
];

fn values_are_set_read_found_and_cleared(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value, longer) = (s.bytes(b"key"), s.bytes(b"value"), s.bytes(b"longer value"));
    let missing = s.call("seal1.contains_storage", &[key, 3]);
    let first = s.call("seal2.set_storage", &[key, 3, value, 5]);
    let found = s.call("seal1.contains_storage", &[key, 3]);
    let second = s.call("seal2.set_storage", &[key, 3, longer, 12]);
    let [out, len] = s.output(40);
    let read = s.call("seal1.get_storage", &[key, 3, out, len]);
    let cleared = s.call("seal1.clear_storage", &[key, 3]);
    let again = s.call("seal1.clear_storage", &[key, 3]);
    let [out2, len2] = s.output(40);
    let gone = s.call("seal1.get_storage", &[key, 3, out2, len2]);
    let p = duel.play_alone(&s);
    assert_eq!([missing, first, found, second].map(|it| p.result(it)), [NOTHING, NOTHING, 5, 5]);
    assert_eq!([read, cleared, again, gone].map(|it| p.result(it)), [SUCCESS, 12, NOTHING, 3]);
    assert_eq!(p.output([out, len]), b"longer value");
    assert_eq!(p.output([out2, len2]), [0xee; 40], "nothing was written, the length included");
}

fn old_functions_have_keys_of_32_bytes(duel: &mut Duel) {
    let key_bytes = [7; 32];
    duel.learn_key(&key_bytes);
    let mut s = Script::new();
    let (key, value) = (s.bytes(&key_bytes), s.bytes(b"old"));
    s.call("seal0.set_storage", &[key, value, 3]);
    let [out, len] = s.output(8);
    let read = s.call("seal0.get_storage", &[key, out, len]);
    let found = s.call("seal0.contains_storage", &[key]);
    let replaced = s.call("seal1.set_storage", &[key, value, 2]);
    s.call("seal0.clear_storage", &[key]);
    let gone = s.call("seal0.contains_storage", &[key]);
    let fresh = s.call("seal1.set_storage", &[key, value, 1]);
    let puppet = duel.puppet(&s.functions());
    let p = duel.play(puppet, &s);
    assert_eq!([read, found, replaced, gone, fresh].map(|it| p.result(it)), [0, 3, 3, NOTHING, NOTHING]);
    assert_eq!(p.output([out, len]), b"old");
    assert_eq!(duel.storage(&puppet).get(&key_bytes[..]), Some(&b"o".to_vec()));
}

fn fixed_and_variable_keys_are_two_spaces(duel: &mut Duel) {
    let key_bytes = [8; 32];
    let mut s = Script::new();
    let (key, value) = (s.bytes(&key_bytes), s.bytes(b"fixed"));
    s.call("seal0.set_storage", &[key, value, 5]);
    let other = s.call("seal1.contains_storage", &[key, 32]);
    let same = s.call("seal0.contains_storage", &[key]);
    s.call("seal0.clear_storage", &[key]);
    let p = duel.play_alone(&s);
    assert_eq!([p.result(other), p.result(same)], [NOTHING, 5]);
}

fn an_empty_value_is_a_value(duel: &mut Duel) {
    let mut s = Script::new();
    let key = s.bytes(b"k");
    s.call("seal2.set_storage", &[key, 1, 0, 0]);
    let found = s.call("seal1.contains_storage", &[key, 1]);
    let [out, len] = s.output(0);
    let read = s.call("seal1.get_storage", &[key, 1, out, len]);
    let p = duel.play_alone(&s);
    assert_eq!([p.result(found), p.result(read)], [0, SUCCESS]);
}

fn an_empty_key_is_a_key(duel: &mut Duel) {
    let mut s = Script::new();
    let value = s.bytes(b"v");
    s.call("seal2.set_storage", &[0, 0, value, 1]);
    let found = s.call("seal1.contains_storage", &[0, 0]);
    let puppet = duel.puppet(&s.functions());
    let p = duel.play(puppet, &s);
    assert_eq!(p.result(found), 1);
    assert_eq!(duel.storage(&puppet).len(), 1);
}

fn a_taken_value_is_gone(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 1, value, 5]);
    let [out, len] = s.output(16);
    let taken = s.call("seal0.take_storage", &[key, 1, out, len]);
    let found = s.call("seal1.contains_storage", &[key, 1]);
    let p = duel.play_alone(&s);
    assert_eq!([p.result(taken), p.result(found)], [SUCCESS, NOTHING]);
    assert_eq!(p.output([out, len]), b"value");
}

fn nothing_is_taken_where_nothing_is(duel: &mut Duel) {
    let mut s = Script::new();
    let key = s.bytes(b"k");
    let [out, len] = s.output(16);
    let taken = s.call("seal0.take_storage", &[key, 1, out, len]);
    assert_eq!(duel.play_alone(&s).result(taken), 3);
}

fn values_outlive_the_call(duel: &mut Duel) {
    let puppet = duel.puppet(&["seal2.set_storage", "seal1.get_storage"]);
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"kept"));
    s.call("seal2.set_storage", &[key, 1, value, 4]);
    duel.play(puppet, &s);
    let mut s = Script::new();
    let key = s.bytes(b"k");
    let [out, len] = s.output(16);
    s.call("seal1.get_storage", &[key, 1, out, len]);
    assert_eq!(duel.play(puppet, &s).output([out, len]), b"kept");
}

fn set_with(duel: &mut Duel, key: u32, value: u32) -> Result<(), End> {
    let mut s = Script::new();
    let (key_at, value_at) = (s.bytes(&vec![1; key as usize]), s.bytes(&vec![2; value as usize]));
    s.call("seal2.set_storage", &[key_at, key.into(), value_at, value.into()]);
    let puppet = duel.puppet(&s.functions());
    duel.play_with(puppet, &s, 0).result.map(|_| ())
}

fn the_longest_key_fits(duel: &mut Duel) {
    assert_eq!(set_with(duel, 128, 1), Ok(()));
}

fn a_key_beyond_the_limit_traps(duel: &mut Duel) {
    assert_eq!(set_with(duel, 129, 1), Err(End::InvalidArgument));
}

fn a_taken_key_beyond_the_limit_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let key = s.room(129);
    let [out, len] = s.output(16);
    s.call("seal0.take_storage", &[key, 129, out, len]);
    assert_eq!(duel.end_of(&s), End::InvalidArgument);
}

fn the_longest_value_fits(duel: &mut Duel) {
    assert_eq!(set_with(duel, 1, 16 * 1024), Ok(()));
}

fn a_value_beyond_the_limit_traps(duel: &mut Duel) {
    assert_eq!(set_with(duel, 1, 16 * 1024 + 1), Err(End::ValueTooLong));
}

fn read_into(duel: &mut Duel, function: &str, room: u32) -> End {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 1, value, 5]);
    let [out, len] = s.output(room);
    s.call(function, &[key, 1, out, len]);
    duel.end_of(&s)
}

fn a_value_that_does_not_fit_the_buffer_traps(duel: &mut Duel) {
    assert_eq!(read_into(duel, "seal1.get_storage", 4), End::OutputBufferTooSmall);
}

fn a_taken_value_that_does_not_fit_the_buffer_traps(duel: &mut Duel) {
    assert_eq!(read_into(duel, "seal0.take_storage", 4), End::OutputBufferTooSmall);
}

fn a_key_outside_of_memory_traps(duel: &mut Duel) {
    for name in ["seal1.contains_storage", "seal1.clear_storage"] {
        let mut s = Script::new();
        s.call(name, &[OUTSIDE, 4]);
        assert_eq!(duel.end_of(&s), End::Trapped);
    }
    for name in ["seal0.contains_storage", "seal0.clear_storage"] {
        let mut s = Script::new();
        s.call(name, &[OUTSIDE]);
        assert_eq!(duel.end_of(&s), End::Trapped);
    }
}

fn a_value_outside_of_memory_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let key = s.room(32);
    s.call("seal0.set_storage", &[key, OUTSIDE, 4]);
    assert_eq!(duel.end_of(&s), End::Trapped);
    let mut s = Script::new();
    let key = s.room(32);
    // The last byte is the first one outside.
    s.call("seal2.set_storage", &[key, 32, 8 * 65_536 - 3, 4]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn an_output_outside_of_memory_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 1, value, 5]);
    let len = s.length(100);
    s.call("seal1.get_storage", &[key, 1, OUTSIDE, len]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn a_length_outside_of_memory_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 1, value, 5]);
    s.call("seal1.get_storage", &[key, 1, value, OUTSIDE]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn the_output_pointer_of_a_read_is_not_optional(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 1, value, 5]);
    let len = s.length(100);
    s.call("seal1.get_storage", &[key, 1, super::SENTINEL, len]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn many_values_of_one_contract(duel: &mut Duel) {
    let puppet = duel.puppet(&["seal2.set_storage", "seal1.clear_storage"]);
    let mut s = Script::new();
    for n in 0..100u32 {
        let (key, value) = (s.bytes(&n.to_be_bytes()), s.bytes(&vec![n as u8; n as usize]));
        s.call("seal2.set_storage", &[key, 4, value, n.into()]);
    }
    duel.play(puppet, &s);
    assert_eq!(duel.storage(&puppet).len(), 100);
    let mut s = Script::new();
    for n in (0..100u32).step_by(3) {
        let key = s.bytes(&n.to_be_bytes());
        s.call("seal1.clear_storage", &[key, 4]);
    }
    duel.play(puppet, &s);
    assert_eq!(duel.storage(&puppet).len(), 66);
}

fn aliases_mean_the_same(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 1, value, 5]);
    let [out, len] = s.output(16);
    s.call("seal1.get_storage", &[key, 1, out, len]);
    let caller = s.ask("seal0.caller", 32);
    let code = crate::puppet::module_by_aliases(&s.functions(), 9_999);
    let code = duel.upload(&crate::duel::ALICE, &code).expect("admitted");
    let puppet = duel.puppet_of(code);
    let p = duel.play(puppet, &s);
    assert_eq!(p.output([out, len]), b"value");
    assert_eq!(p.output(caller), crate::duel::ALICE);
}

fn a_reverted_write_leaves_nothing(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"k"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 1, value, 5]);
    s.call("seal0.seal_return", &[1, value, 5]);
    let puppet = duel.puppet(&s.functions());
    let ran = duel.play_with(puppet, &s, 0);
    assert_eq!(ran.result.map(|it| (it.flags, it.data)), Ok((1, b"value".to_vec())));
    assert!(duel.storage(&puppet).is_empty());
}

fn key_and_output_may_overlap(duel: &mut Duel) {
    let mut s = Script::new();
    let (key, value) = (s.bytes(b"key that is overwritten"), s.bytes(b"value"));
    s.call("seal2.set_storage", &[key, 23, value, 5]);
    let len = s.length(23);
    s.call("seal1.get_storage", &[key, 23, key, len]);
    let p = duel.play_alone(&s);
    assert_eq!(p.at(key, 8), b"valuehat");
}
