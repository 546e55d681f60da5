// SPDX-License-Identifier: Apache-2.0
//! Calls of other contracts, in three generations.

use super::{OUTSIDE, SENTINEL, SUCCESS, ask_input, cases, is_input};
use crate::{
    Account, Duel, End, Machine as _,
    duel::{BOB, CHARLIE, ENDOWMENT},
    machine::EXISTENTIAL_DEPOSIT,
    puppet::{Entry, Played, Script},
};

cases![
    a_call_returns_what_the_callee_says,
    each_generation_of_the_call_works,
    a_call_pays_the_callee,
    a_call_that_cannot_be_paid_fails,
    a_call_that_makes_no_account_of_a_callee_pays_it,
    a_call_of_an_account_without_code_fails,
    a_call_of_nobody_with_value_moves_nothing,
    a_callee_that_traps_is_undone,
    a_callee_that_reverts_is_undone_and_heard,
    a_callee_that_succeeds_stays_when_a_later_one_fails,
    an_output_that_does_not_fit_traps_the_caller,
    an_output_that_nobody_wants_is_dropped,
    an_answer_of_nothing_writes_a_length_of_nothing,
    unknown_flags_trap,
    forwarded_input_is_given_and_gone,
    forwarded_input_cannot_be_forwarded_twice,
    cloned_input_is_given_and_stays,
    a_cloned_input_wins_over_a_forwarded_one,
    a_forwarded_input_cannot_be_cloned,
    a_tail_call_ends_the_caller,
    a_tail_call_that_reverts_reverts_the_caller,
    a_tail_call_that_fails_goes_on,
    a_callee_must_not_enter_its_caller_again,
    a_callee_may_enter_its_caller_where_it_is_allowed,
    a_contract_must_not_call_itself_unasked,
    a_contract_may_call_itself_where_it_allows_it,
    the_first_generation_allows_reentry,
    entering_again_is_possible_after_a_refusal,
    ten_frames_and_no_more,
    read_only_calls_refuse_each_change,
    read_only_calls_allow_to_read,
    read_only_is_inherited,
    a_read_only_call_with_value_traps,
    a_nested_read_only_call_with_value_traps,
    too_little_gas_for_a_callee,
    a_callee_out_of_gas_is_a_callee_that_trapped,
    a_callee_outside_of_memory_traps,
    a_value_outside_of_memory_traps_too,
    an_input_outside_of_memory_traps,
    events_of_a_failed_callee_are_gone,
    a_contract_changed_by_its_callee_sees_the_change,
];

/// What a call is made of.
struct To<'a> {
    callee: Account,
    flags: u64,
    value: u128,
    input: &'a [u8],
    room: Option<u32>,
}

impl<'a> To<'a> {
    fn new(callee: Account, input: &'a [u8]) -> Self {
        Self { callee, flags: 0, value: 0, input, room: Some(40_000) }
    }

    fn add(self, s: &mut Script) -> (Entry, [u64; 2]) {
        let (callee, value, at) = (s.bytes(&self.callee), s.amount(self.value), s.bytes(self.input));
        let output = self.room.map_or([SENTINEL, SENTINEL], |room| s.output(room));
        let [out, len] = output;
        let input_len = self.input.len() as u64;
        let entry = s.call("seal1.call", &[self.flags, callee, 0, value, at, input_len, out, len]);
        (entry, output)
    }
}

const TAIL: u64 = 4;
const REENTRY: u64 = 8;
const READ_ONLY: u64 = 16;
const FORWARD: u64 = 1;
const CLONE: u64 = 2;

/// Two contracts that can do this and call.
fn pair(duel: &mut Duel, functions: &[&str]) -> [Account; 2] {
    let code = duel.puppet_code(&[functions, &["seal1.call"]].concat());
    [duel.puppet_of(code), duel.puppet_of(code)]
}

fn nothing() -> Vec<u8> {
    Script::new().input()
}

fn a_call_returns_what_the_callee_says(duel: &mut Duel) {
    let [a, b] = pair(duel, &["seal0.caller", "seal0.value_transferred"]);
    let mut inner = Script::new();
    let (caller, value) = (inner.ask("seal0.caller", 32), inner.ask("seal0.value_transferred", 16));
    let mut s = Script::new();
    let input = inner.input();
    let (rc, out) = To { value: 77, ..To::new(b, &input) }.add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!(p.result(rc), SUCCESS);
    let inner = Played(p.output(out).to_vec());
    assert_eq!((inner.output(caller), inner.output(value)), (&a[..], &77u128.to_le_bytes()[..]));
}

fn each_generation_of_the_call_works(duel: &mut Duel) {
    let code = duel.puppet_code(&["seal0.call", "seal1.call", "seal2.call"]);
    let [a, b] = [duel.puppet_of(code), duel.puppet_of(code)];
    let mut s = Script::new();
    let input = nothing();
    let (callee, value, at) = (s.bytes(&b), s.amount(5), s.bytes(&input));
    let len = input.len() as u64;
    let outputs = [(); 4].map(|()| s.output(len as u32));
    let [o0, o1, o2, o3] = outputs;
    let limit = s.amount(100_000);
    let calls = [
        s.call("seal0.call", &[callee, 32, 0, value, 16, at, len, o0[0], o0[1]]),
        s.call("seal1.call", &[0, callee, 0, value, at, len, o1[0], o1[1]]),
        s.call("seal2.call", &[0, callee, 0, 0, SENTINEL, value, at, len, o2[0], o2[1]]),
        s.call("seal2.call", &[0, callee, 0, 0, limit, value, at, len, o3[0], o3[1]]),
    ];
    let before = duel.free(&b);
    let p = duel.play(a, &s);
    assert_eq!(calls.map(|it| p.result(it)), [SUCCESS; 4]);
    assert!(outputs.iter().all(|it| p.output(*it) == input));
    assert_eq!(duel.free(&b), before + 20);
}

fn a_call_pays_the_callee(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let before = duel.free(&b);
    let mut s = Script::new();
    let (rc, _) = To { value: ENDOWMENT, ..To::new(b, &nothing()) }.add(&mut s);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
    assert_eq!(duel.free(&b), before + ENDOWMENT);
}

fn a_call_that_cannot_be_paid_fails(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let mut s = Script::new();
    let (rc, out) = To { value: ENDOWMENT + 1, ..To::new(b, &nothing()) }.add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!(p.result(rc), 5);
    assert_eq!(p.at(out[1], 4), 40_000u32.to_le_bytes());
}

fn a_call_that_makes_no_account_of_a_callee_pays_it(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let mut s = Script::new();
    let (rc, _) = To { value: 1, ..To::new(b, &nothing()) }.add(&mut s);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS, "a contract's account is there, so one unit may come");
}

fn a_call_of_an_account_without_code_fails(duel: &mut Duel) {
    let [a, _] = pair(duel, &[]);
    for callee in [BOB, CHARLIE] {
        let mut s = Script::new();
        let (rc, _) = To::new(callee, &nothing()).add(&mut s);
        assert_eq!(duel.play(a, &s).result(rc), 8);
    }
}

fn a_call_of_nobody_with_value_moves_nothing(duel: &mut Duel) {
    let [a, _] = pair(duel, &[]);
    let mut s = Script::new();
    let (rc, _) = To { value: EXISTENTIAL_DEPOSIT, ..To::new(CHARLIE, &nothing()) }.add(&mut s);
    assert_eq!(duel.play(a, &s).result(rc), 8);
    assert_eq!(duel.free(&CHARLIE), 0);
}

const WRITER: &[&str] = &[
    "seal2.set_storage",
    "seal0.deposit_event",
    "seal0.transfer",
    "puppet.unreachable",
    "seal1.contains_storage",
];

/// A script that changes everything it can.
fn changes(s: &mut Script) {
    let (key, to, amount) = (s.bytes(b"mark"), s.bytes(&BOB), s.amount(200));
    s.call("seal2.set_storage", &[key, 4, key, 4]);
    s.call("seal0.deposit_event", &[0, 0, key, 4]);
    s.call("seal0.transfer", &[to, 32, amount, 16]);
}

fn a_callee_that_traps_is_undone(duel: &mut Duel) {
    let [a, b] = pair(duel, WRITER);
    let mut inner = Script::new();
    changes(&mut inner);
    inner.call("puppet.unreachable", &[]);
    let mut s = Script::new();
    let input = inner.input();
    let (rc, out) = To { value: 1_000, ..To::new(b, &input) }.add(&mut s);
    let (before, bob) = (duel.free(&b), duel.free(&BOB));
    let p = duel.play(a, &s);
    assert_eq!((p.result(rc), p.at(out[1], 4)), (1, &40_000u32.to_le_bytes()[..]));
    assert_eq!((duel.free(&b), duel.free(&BOB)), (before, bob));
    assert!(duel.storage(&b).is_empty());
}

fn a_callee_that_reverts_is_undone_and_heard(duel: &mut Duel) {
    let [a, b] = pair(duel, WRITER);
    let mut inner = Script::new();
    changes(&mut inner);
    let words = inner.bytes(b"no, thanks");
    inner.call("seal0.seal_return", &[1, words, 10]);
    let mut s = Script::new();
    let input = inner.input();
    let (rc, out) = To { value: 1_000, ..To::new(b, &input) }.add(&mut s);
    let before = duel.free(&b);
    let p = duel.play(a, &s);
    assert_eq!((p.result(rc), p.output(out)), (2, &b"no, thanks"[..]));
    assert_eq!(duel.free(&b), before);
}

fn a_callee_that_succeeds_stays_when_a_later_one_fails(duel: &mut Duel) {
    let [a, b] = pair(duel, WRITER);
    let mut good = Script::new();
    changes(&mut good);
    let mut bad = good.clone();
    bad.call("puppet.unreachable", &[]);
    let mut s = Script::new();
    let (good, bad) = (good.input(), bad.input());
    let (first, _) = To::new(b, &good).add(&mut s);
    let (second, _) = To::new(b, &bad).add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!([p.result(first), p.result(second)], [0, 1]);
    assert_eq!(duel.storage(&b).len(), 1);
}

fn an_output_that_does_not_fit_traps_the_caller(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let mut s = Script::new();
    To { room: Some(4), ..To::new(b, &nothing()) }.add(&mut s);
    assert_eq!(duel.end_at(a, &s), End::OutputBufferTooSmall);
}

fn an_output_that_nobody_wants_is_dropped(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let mut s = Script::new();
    let (rc, _) = To { room: None, ..To::new(b, &nothing()) }.add(&mut s);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
}

fn an_answer_of_nothing_writes_a_length_of_nothing(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let mut inner = Script::new();
    inner.call("seal0.seal_return", &[0, 0, 0]);
    let mut s = Script::new();
    let input = inner.input();
    let (_, out) = To::new(b, &input).add(&mut s);
    assert_eq!(duel.play(a, &s).output(out), b"");
}

fn unknown_flags_trap(duel: &mut Duel) {
    for flags in [32, 0x8000_0000, u64::from(u32::MAX)] {
        let [a, b] = pair(duel, &[]);
        let mut s = Script::new();
        To { flags, ..To::new(b, &nothing()) }.add(&mut s);
        assert_eq!(duel.end_at(a, &s), End::InvalidArgument);
    }
}

const FORWARDING: &[&str] =
    &["seal1.call", "seal0.input", "seal0.value_transferred", "puppet.unless", "puppet.copy"];

/// A callee that gets the caller's own input plays the caller's script, so that its first entry ends it there: it goes on
/// only in the contract whose mark is set.
fn forwarding(duel: &mut Duel, flags: u64, then: impl FnOnce(&mut Script)) -> (Account, Script, Entry) {
    let code = duel.puppet_code(FORWARDING);
    let [a, b] = [duel.puppet_of(code), duel.puppet_of(code)];
    let mut s = Script::new();
    // Whoever was paid one unit stops here: `unless` returns without an answer.
    let value = s.ask("seal0.value_transferred", 16);
    s.call("puppet.unless", &[value[0], 0]);
    let (rc, _) = To { flags, value: 1, room: None, ..To::new(b, &[]) }.add(&mut s);
    then(&mut s);
    (a, s, rc)
}

fn forwarded_input_is_given_and_gone(duel: &mut Duel) {
    let (a, s, _) = forwarding(duel, FORWARD, |s| {
        ask_input(s);
    });
    assert_eq!(duel.end_at(a, &s), End::InputForwarded);
}

fn forwarded_input_cannot_be_forwarded_twice(duel: &mut Duel) {
    let (a, s, _) = forwarding(duel, FORWARD, |s| {
        To { flags: FORWARD, room: None, ..To::new(BOB, &[]) }.add(s);
    });
    assert_eq!(duel.end_at(a, &s), End::InputForwarded);
}

fn cloned_input_is_given_and_stays(duel: &mut Duel) {
    let mut again = None;
    let (a, s, rc) = forwarding(duel, CLONE, |s| again = Some(ask_input(s)));
    let p = duel.play(a, &s);
    assert_eq!(p.result(rc), SUCCESS);
    assert!(is_input(&p, again.expect("asked"), &s));
}

fn a_cloned_input_wins_over_a_forwarded_one(duel: &mut Duel) {
    let (a, s, rc) = forwarding(duel, CLONE | FORWARD, |s| {
        ask_input(s);
    });
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
}

fn a_forwarded_input_cannot_be_cloned(duel: &mut Duel) {
    let (a, s, _) = forwarding(duel, FORWARD, |s| {
        To { flags: CLONE, room: None, ..To::new(BOB, &[]) }.add(s);
    });
    assert_eq!(duel.end_at(a, &s), End::InputForwarded);
}

fn tail_call(duel: &mut Duel, flags: u64, last: &str) -> crate::Ran {
    let [a, b] = pair(duel, WRITER);
    let mut inner = Script::new();
    let words = inner.bytes(b"from the tail");
    match last {
        "puppet.unreachable" => inner.call(last, &[]),
        _ => inner.call(last, &[flags, words, 13]),
    };
    let mut s = Script::new();
    changes(&mut s);
    let input = inner.input();
    To { flags: TAIL, ..To::new(b, &input) }.add(&mut s);
    To::new(BOB, &[]).add(&mut s);
    duel.play_with(a, &s, 0)
}

fn a_tail_call_ends_the_caller(duel: &mut Duel) {
    let ran = tail_call(duel, 0, "seal0.seal_return");
    assert_eq!(ran.result.map(|it| it.data), Ok(b"from the tail".to_vec()));
    assert_eq!(ran.events.len(), 1);
}

fn a_tail_call_that_reverts_reverts_the_caller(duel: &mut Duel) {
    let ran = tail_call(duel, 1, "seal0.seal_return");
    assert_eq!(ran.result.map(|it| (it.flags, it.data)), Ok((1, b"from the tail".to_vec())));
}

fn a_tail_call_that_fails_goes_on(duel: &mut Duel) {
    let ran = tail_call(duel, 0, "puppet.unreachable");
    assert!(ran.result.expect("it runs").data.len() > 13);
}

/// `a` calls `b` with these flags, `b` calls `a` back: the code that `b` got.
fn callback(duel: &mut Duel, flags: u64) -> (u64, Option<u64>) {
    let [a, b] = pair(duel, &[]);
    let mut back = Script::new();
    let (back_rc, _) = To { room: None, ..To::new(a, &nothing()) }.add(&mut back);
    let mut s = Script::new();
    let input = back.input();
    let (rc, out) = To { flags, ..To::new(b, &input) }.add(&mut s);
    let p = duel.play(a, &s);
    let answer = p.output(out);
    let back = (p.result(rc) == SUCCESS).then(|| Played(answer.to_vec()).result(back_rc));
    (p.result(rc), back)
}

fn a_callee_must_not_enter_its_caller_again(duel: &mut Duel) {
    assert_eq!(callback(duel, 0), (1, None), "the callee traps");
}

fn a_callee_may_enter_its_caller_where_it_is_allowed(duel: &mut Duel) {
    assert_eq!(callback(duel, REENTRY), (SUCCESS, Some(SUCCESS)));
}

fn a_contract_must_not_call_itself_unasked(duel: &mut Duel) {
    let [a, _] = pair(duel, &[]);
    let mut s = Script::new();
    To::new(a, &nothing()).add(&mut s);
    assert_eq!(duel.end_at(a, &s), End::ReentranceDenied);
}

fn a_contract_may_call_itself_where_it_allows_it(duel: &mut Duel) {
    let [a, _] = pair(duel, &[]);
    let mut s = Script::new();
    let (rc, _) = To { flags: REENTRY, ..To::new(a, &nothing()) }.add(&mut s);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
}

fn the_first_generation_allows_reentry(duel: &mut Duel) {
    let a = duel.puppet(&["seal0.call"]);
    let mut s = Script::new();
    let input = nothing();
    let (callee, value, at) = (s.bytes(&a), s.amount(0), s.bytes(&input));
    let rc = s.call("seal0.call", &[callee, 32, 0, value, 16, at, input.len() as u64, SENTINEL, SENTINEL]);
    assert_eq!(duel.play(a, &s).result(rc), SUCCESS);
}

fn entering_again_is_possible_after_a_refusal(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let mut back = Script::new();
    To { room: None, ..To::new(a, &nothing()) }.add(&mut back);
    let mut s = Script::new();
    let input = back.input();
    let (refused, _) = To::new(b, &input).add(&mut s);
    let (allowed, _) = To { flags: REENTRY, ..To::new(b, &input) }.add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!([p.result(refused), p.result(allowed)], [1, 0]);
}

fn ten_frames_and_no_more(duel: &mut Duel) {
    let [a, _] = pair(duel, &["seal0.deposit_event"]);
    for (count, heard) in [(9, 9), (10, 10), (11, 9), (12, 9)] {
        let mut script = Script::new();
        script.call("seal0.deposit_event", &[0, 0, 0, 8]);
        for _ in 1..count {
            let mut outer = Script::new();
            let input = script.input();
            outer.call("seal0.deposit_event", &[0, 0, 0, 8]);
            To { flags: REENTRY, room: None, ..To::new(a, &input) }.add(&mut outer);
            script = outer;
        }
        // The frame that asks for one too many traps, and what it did is gone.
        let ran = duel.play_with(a, &script, 0);
        assert_eq!((ran.result.is_ok(), ran.events.len()), (true, heard), "{count} frames");
    }
}

fn read_only(duel: &mut Duel, functions: &[&str], inner: &Script) -> u64 {
    let [a, b] = pair(duel, functions);
    let mut s = Script::new();
    let input = inner.input();
    let (rc, _) = To { flags: READ_ONLY, ..To::new(b, &input) }.add(&mut s);
    duel.play(a, &s).result(rc)
}

fn read_only_calls_refuse_each_change(duel: &mut Duel) {
    let changes: [(&str, usize); 18] = [
        ("seal0.set_storage", 3),
        ("seal1.set_storage", 3),
        ("seal2.set_storage", 4),
        ("seal0.clear_storage", 1),
        ("seal1.clear_storage", 2),
        ("seal0.take_storage", 4),
        ("seal0.transfer", 4),
        ("seal0.deposit_event", 4),
        ("seal0.terminate", 2),
        ("seal1.terminate", 1),
        ("seal0.set_code_hash", 1),
        ("seal0.instantiate", 13),
        ("seal1.instantiate", 11),
        ("seal2.instantiate", 13),
        ("seal0.call_runtime", 2),
        ("seal0.xcm_execute", 2),
        ("seal0.lock_delegate_dependency", 1),
        ("seal0.unlock_delegate_dependency", 1),
    ];
    for (name, count) in changes {
        let mut inner = Script::new();
        inner.call(name, &vec![0; count]);
        assert_eq!(read_only(duel, &[name], &inner), 1, "{name}");
    }
}

fn read_only_calls_allow_to_read(duel: &mut Duel) {
    let mut inner = Script::new();
    let key = inner.bytes(b"k");
    inner.call("seal1.contains_storage", &[key, 1]);
    inner.ask("seal0.caller", 32);
    inner.call("seal0.set_transient_storage", &[key, 1, key, 1]);
    let functions = inner.functions().iter().map(|it| it.to_string()).collect::<Vec<_>>();
    let functions: Vec<&str> = functions.iter().map(String::as_str).collect();
    assert_eq!(read_only(duel, &functions, &inner), SUCCESS);
}

fn read_only_is_inherited(duel: &mut Duel) {
    let code = duel.puppet_code(&["seal1.call", "seal2.set_storage"]);
    let [a, b, c] = [(); 3].map(|()| duel.puppet_of(code));
    let mut innermost = Script::new();
    innermost.call("seal2.set_storage", &[0, 1, 0, 1]);
    let mut inner = Script::new();
    let input = innermost.input();
    let (inner_rc, _) = To::new(c, &input).add(&mut inner);
    let mut s = Script::new();
    let input = inner.input();
    let (rc, out) = To { flags: READ_ONLY, room: Some(60_000), ..To::new(b, &input) }.add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!(p.result(rc), SUCCESS);
    assert_eq!(Played(p.output(out).to_vec()).result(inner_rc), 1);
}

fn a_read_only_call_with_value_traps(duel: &mut Duel) {
    let [a, b] = pair(duel, &[]);
    let mut s = Script::new();
    To { flags: READ_ONLY, value: 1, ..To::new(b, &nothing()) }.add(&mut s);
    assert_eq!(duel.end_at(a, &s), End::StateChangeDenied);
}

fn a_nested_read_only_call_with_value_traps(duel: &mut Duel) {
    let mut inner = Script::new();
    To { value: 1, ..To::new(BOB, &nothing()) }.add(&mut inner);
    assert_eq!(read_only(duel, &[], &inner), 1);
}

fn gas_limited(duel: &mut Duel, gas: u64, inner: &Script) -> u64 {
    let [a, b] = pair(duel, &["puppet.forever"]);
    let mut s = Script::new();
    let input = inner.input();
    let (callee, value, at) = (s.bytes(&b), s.amount(0), s.bytes(&input));
    let rc = s.call("seal1.call", &[0, callee, gas, value, at, input.len() as u64, SENTINEL, SENTINEL]);
    duel.play(a, &s).result(rc)
}

fn too_little_gas_for_a_callee(duel: &mut Duel) {
    assert_eq!(gas_limited(duel, 1, &Script::new()), 1);
}

fn a_callee_out_of_gas_is_a_callee_that_trapped(duel: &mut Duel) {
    let mut inner = Script::new();
    inner.call("puppet.forever", &[]);
    assert_eq!(gas_limited(duel, 1_000_000_000, &inner), 1);
}

fn outside(duel: &mut Duel, arguments: [u64; 8]) -> End {
    let mut s = Script::new();
    s.room(64);
    s.call("seal1.call", &arguments);
    duel.end_of(&s)
}

fn a_callee_outside_of_memory_traps(duel: &mut Duel) {
    assert_eq!(outside(duel, [0, OUTSIDE, 0, 8, 0, 0, SENTINEL, SENTINEL]), End::Trapped);
}

fn a_value_outside_of_memory_traps_too(duel: &mut Duel) {
    assert_eq!(outside(duel, [0, 8, 0, OUTSIDE, 0, 0, SENTINEL, SENTINEL]), End::Trapped);
}

fn an_input_outside_of_memory_traps(duel: &mut Duel) {
    assert_eq!(outside(duel, [0, 8, 0, 8, OUTSIDE, 4, SENTINEL, SENTINEL]), End::Trapped);
}

fn events_of_a_failed_callee_are_gone(duel: &mut Duel) {
    let [a, b] = pair(duel, WRITER);
    let mut bad = Script::new();
    changes(&mut bad);
    bad.call("puppet.unreachable", &[]);
    let mut s = Script::new();
    let bad = bad.input();
    changes(&mut s);
    To { room: None, ..To::new(b, &bad) }.add(&mut s);
    changes(&mut s);
    let events = duel.play_with(a, &s, 0).events;
    assert_eq!(events.iter().map(|it| it.contract).collect::<Vec<_>>(), [a, a]);
}

fn a_contract_changed_by_its_callee_sees_the_change(duel: &mut Duel) {
    let [a, b] = pair(duel, WRITER);
    let mut innermost = Script::new();
    changes(&mut innermost);
    let mut inner = Script::new();
    let input = innermost.input();
    To { room: None, ..To::new(a, &input) }.add(&mut inner);
    let mut s = Script::new();
    let key = s.bytes(b"mark");
    let before = s.call("seal1.contains_storage", &[key, 4]);
    let input = inner.input();
    To { flags: REENTRY, ..To::new(b, &input) }.add(&mut s);
    let after = s.call("seal1.contains_storage", &[key, 4]);
    let p = duel.play(a, &s);
    assert_eq!([p.result(before), p.result(after)], [super::NOTHING, 4]);
}
