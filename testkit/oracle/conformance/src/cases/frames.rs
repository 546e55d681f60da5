// SPDX-License-Identifier: Apache-2.0
//! Other code: run on one's own storage, or made a contract of.

use super::{OUTSIDE, SENTINEL, SUCCESS, cases};
use crate::{
    Account, Duel, End, Hash, Instantiate, Machine as _,
    duel::{ALICE, BOB, ENDOWMENT},
    machine::EXISTENTIAL_DEPOSIT,
    puppet::{Entry, Played, Script},
};

cases![
    other_code_runs_on_own_storage,
    other_code_has_the_callers_caller_and_value,
    other_code_that_fails_is_undone,
    other_code_that_is_not_there,
    other_code_may_end_the_caller,
    other_code_with_flags_that_mean_nothing_traps,
    other_code_may_call_back,
    other_code_that_ends_the_contract,
    other_code_counts_as_a_frame,
    other_code_outside_of_memory_traps,
    a_contract_makes_a_contract,
    each_generation_of_the_making_works,
    a_made_contract_has_what_it_was_paid,
    a_contract_without_endowment_is_made,
    a_contract_that_cannot_be_paid_is_not_made,
    a_contract_that_reverts_is_not_made,
    a_contract_that_traps_is_not_made,
    a_contract_of_code_that_is_not_there,
    the_same_contract_twice,
    another_salt_makes_another_contract,
    another_input_makes_another_contract,
    a_constructor_sees_its_maker,
    a_constructor_may_call_its_maker_where_it_may,
    a_constructor_cannot_be_called,
    a_made_contract_can_be_called_at_once,
    made_contracts_of_a_failed_frame_are_gone,
    a_constructor_that_ends_itself_traps_its_maker,
    a_making_outside_of_memory_traps,
    a_constructor_answers,
    an_outermost_constructor_reverts,
    an_outermost_constructor_traps,
    an_outermost_contract_of_code_that_is_not_there,
    an_outermost_contract_twice,
    an_outermost_contract_that_cannot_be_paid,
    a_contract_made_after_its_twin_ended,
    an_ended_contract_in_the_same_call,
];

fn delegate(s: &mut Script, flags: u64, code: &Hash, input: &[u8]) -> (Entry, [u64; 2]) {
    let (hash, at) = (s.bytes(code), s.bytes(input));
    let [out, len] = s.output(20_000);
    (s.call("seal0.delegate_call", &[flags, hash, at, input.len() as u64, out, len]), [out, len])
}

const DELEGATE: &[&str] = &[
    "seal0.delegate_call",
    "seal2.set_storage",
    "seal1.contains_storage",
    "seal0.caller",
    "seal0.address",
    "seal0.value_transferred",
    "seal0.caller_is_origin",
    "seal0.own_code_hash",
    "seal0.deposit_event",
    "seal1.terminate",
    "seal1.call",
    "seal0.reentrance_count",
    "puppet.unreachable",
];

/// A contract, and a code that it may run.
fn delegating(duel: &mut Duel) -> (Account, Hash) {
    (duel.puppet(DELEGATE), duel.puppet_code(DELEGATE))
}

fn mark(s: &mut Script) {
    let key = s.bytes(b"mark");
    s.call("seal2.set_storage", &[key, 4, key, 4]);
    s.call("seal0.deposit_event", &[0, 0, key, 4]);
}

fn other_code_runs_on_own_storage(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    let mut inner = Script::new();
    mark(&mut inner);
    let mut s = Script::new();
    let (rc, _) = delegate(&mut s, 0, &code, &inner.input());
    let key = s.bytes(b"mark");
    let found = s.call("seal1.contains_storage", &[key, 4]);
    let ran = duel.play_with(a, &s, 0);
    assert_eq!(ran.events[0].contract, a);
    let p = Played(ran.result.expect("it runs").data);
    assert_eq!([p.result(rc), p.result(found)], [SUCCESS, 4]);
    assert_eq!(duel.storage(&a).len(), 1);
}

fn other_code_has_the_callers_caller_and_value(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    let own = duel.code_hash(&a).expect("a contract");
    let mut inner = Script::new();
    let facts = ["seal0.caller", "seal0.address", "seal0.own_code_hash", "seal0.value_transferred"]
        .map(|name| inner.ask(name, 32));
    let origin = inner.call("seal0.caller_is_origin", &[]);
    let entered = inner.call("seal0.reentrance_count", &[]);
    let mut s = Script::new();
    let (_, out) = delegate(&mut s, 0, &code, &inner.input());
    let ran = duel.play_with(a, &s, 555);
    let p = Played(Played(ran.result.expect("it runs").data).output(out).to_vec());
    let value = 555u128.to_le_bytes();
    assert_eq!(facts.map(|it| p.output(it)), [&ALICE[..], &a[..], &own[..], &value[..]]);
    assert_eq!([p.result(origin), p.result(entered)], [1, 0]);
}

fn other_code_that_fails_is_undone(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    let mut trap = Script::new();
    mark(&mut trap);
    let mut revert = trap.clone();
    trap.call("puppet.unreachable", &[]);
    revert.call("seal0.seal_return", &[1, 8, 4]);
    let mut s = Script::new();
    let (first, _) = delegate(&mut s, 0, &code, &trap.input());
    let (second, out) = delegate(&mut s, 0, &code, &revert.input());
    let p = duel.play(a, &s);
    assert_eq!([p.result(first), p.result(second)], [1, 2]);
    assert_eq!(p.output(out), b"mark");
    assert!(duel.storage(&a).is_empty());
}

fn other_code_that_is_not_there(duel: &mut Duel) {
    let (a, _) = delegating(duel);
    let mut s = Script::new();
    let (rc, _) = delegate(&mut s, 0, &[9; 32], &[]);
    assert_eq!(duel.play(a, &s).result(rc), 7);
}

fn other_code_may_end_the_caller(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    let mut s = Script::new();
    delegate(&mut s, 4, &code, &Script::new().input());
    s.call("puppet.unreachable", &[]);
    assert_eq!(duel.play_with(a, &s, 0).result.map(|it| it.data), Ok(Script::new().input()));
}

fn other_code_with_flags_that_mean_nothing_traps(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    for flags in [8, 16, 24, 32] {
        let mut s = Script::new();
        delegate(&mut s, flags, &code, &[]);
        assert_eq!(duel.end_at(a, &s), End::InvalidArgument, "{flags}");
    }
}

fn call(s: &mut Script, flags: u64, callee: &Account, value: u128, input: &[u8]) -> (Entry, [u64; 2]) {
    call_into(s, flags, callee, value, input, 20_000)
}

/// A call with so much room for the answer: a script answers with its memory, this room included.
fn call_into(
    s: &mut Script,
    flags: u64,
    callee: &Account,
    value: u128,
    input: &[u8],
    room: u32,
) -> (Entry, [u64; 2]) {
    let (callee, value, at) = (s.bytes(callee), s.amount(value), s.bytes(input));
    let [out, len] = s.output(room);
    (s.call("seal1.call", &[flags, callee, 0, value, at, input.len() as u64, out, len]), [out, len])
}

fn other_code_may_call_back(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    for flags in [0, 8] {
        let mut inner = Script::new();
        let (inner_rc, _) = call_into(&mut inner, flags, &a, 0, &Script::new().input(), 1_000);
        let mut s = Script::new();
        let (rc, out) = delegate(&mut s, 0, &code, &inner.input());
        let p = duel.play(a, &s);
        match flags {
            0 => assert_eq!(p.result(rc), 1),
            _ => assert_eq!(Played(p.output(out).to_vec()).result(inner_rc), SUCCESS),
        }
    }
}

fn other_code_that_ends_the_contract(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    let mut inner = Script::new();
    let beneficiary = inner.bytes(&BOB);
    inner.call("seal1.terminate", &[beneficiary]);
    let mut s = Script::new();
    let (rc, _) = delegate(&mut s, 0, &code, &inner.input());
    assert_eq!(duel.play(a, &s).result(rc), 1, "the contract is on the stack twice");
}

fn other_code_counts_as_a_frame(duel: &mut Duel) {
    let (a, code) = delegating(duel);
    for depth in [9, 10, 11] {
        let mut script = Script::new();
        for _ in 1..depth {
            let mut outer = Script::new();
            let input = script.input();
            let (hash, at) = (outer.bytes(&code), outer.bytes(&input));
            let arguments = [0, hash, at, input.len() as u64, SENTINEL, SENTINEL];
            outer.call("seal0.delegate_call", &arguments);
            mark(&mut outer);
            script = outer;
        }
        assert!(duel.play_with(a, &script, 0).result.is_ok());
    }
}

fn other_code_outside_of_memory_traps(duel: &mut Duel) {
    let (a, _) = delegating(duel);
    for arguments in [[0, OUTSIDE, 0, 0, SENTINEL, SENTINEL], [0, 8, OUTSIDE, 1, SENTINEL, SENTINEL]] {
        let mut s = Script::new();
        s.room(40);
        s.call("seal0.delegate_call", &arguments);
        assert_eq!(duel.end_at(a, &s), End::Trapped);
    }
}

/// What a contract is made of by another one.
struct Make<'a> {
    code: &'a Hash,
    value: u128,
    input: Vec<u8>,
    salt: &'a [u8],
}

impl Make<'_> {
    fn new(code: &Hash) -> Make<'_> {
        Make { code, value: ENDOWMENT / 4, input: Script::new().input(), salt: b"salt" }
    }

    /// The code of the result, the address, the output.
    fn add(&self, s: &mut Script) -> (Entry, [u64; 2], [u64; 2]) {
        let (code, value) = (s.bytes(self.code), s.amount(self.value));
        let (input, salt) = (s.bytes(&self.input), s.bytes(self.salt));
        let (address, output) = (s.output(32), s.output(20_000));
        let entry = s.call(
            "seal1.instantiate",
            &[
                code,
                0,
                value,
                input,
                self.input.len() as u64,
                address[0],
                address[1],
                output[0],
                output[1],
                salt,
                self.salt.len() as u64,
            ],
        );
        (entry, address, output)
    }
}

const MAKER: &[&str] = &[
    "seal1.instantiate",
    "seal1.call",
    "seal0.caller",
    "seal0.caller_is_origin",
    "seal0.address",
    "seal0.balance",
    "seal0.value_transferred",
    "seal0.instantiation_nonce",
    "seal2.set_storage",
    "seal0.deposit_event",
    "seal1.terminate",
    "seal0.is_contract",
    "puppet.unreachable",
    "puppet.copy",
];

fn maker(duel: &mut Duel) -> (Account, Hash) {
    (duel.puppet(MAKER), duel.puppet_code(MAKER))
}

fn address_of(p: &Played, output: [u64; 2]) -> Account {
    p.output(output).try_into().expect("32 bytes")
}

fn a_contract_makes_a_contract(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut s = Script::new();
    let make = Make::new(&code);
    let (rc, address, out) = make.add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!((p.result(rc), p.output(out)), (SUCCESS, &make.input[..]));
    let made = address_of(&p, address);
    assert_eq!(made, crate::machine::contract_address(&a, &code, &make.input, make.salt));
    duel.watch_contract(&made);
    assert_eq!(duel.code_hash(&made), Some(code));
    duel.play_with(made, &Script::new(), 1);
}

fn each_generation_of_the_making_works(duel: &mut Duel) {
    let makers = ["seal0.instantiate", "seal1.instantiate", "seal2.instantiate"];
    let a = duel.puppet(&makers);
    let code = duel.puppet_code(&[]);
    let mut s = Script::new();
    let input = Script::new().input();
    let (hash, value, at, len) = (s.bytes(&code), s.amount(1_000), s.bytes(&input), input.len() as u64);
    let salts = [b"0", b"1", b"2", b"3"].map(|salt| s.bytes(salt));
    let ends = salts.map(|salt| {
        let (address, out) = (s.output(32), s.output(100));
        [address[0], address[1], out[0], out[1], salt, 1]
    });
    let limit = s.amount(1_000_000);
    let with = |first: &[u64], end: [u64; 6]| [first, &end].concat();
    let calls = [
        s.call(makers[0], &with(&[hash, 32, 0, value, 16, at, len], ends[0])),
        s.call(makers[1], &with(&[hash, 0, value, at, len], ends[1])),
        s.call(makers[2], &with(&[hash, 0, 0, SENTINEL, value, at, len], ends[2])),
        s.call(makers[2], &with(&[hash, 0, 0, limit, value, at, len], ends[3])),
    ];
    let p = duel.play(a, &s);
    assert_eq!(calls.map(|it| p.result(it)), [SUCCESS; 4]);
}

fn make_once(duel: &mut Duel, change: impl FnOnce(&mut Make<'_>)) -> (u64, Account, Vec<u8>) {
    let (a, code) = maker(duel);
    let mut s = Script::new();
    let mut make = Make::new(&code);
    change(&mut make);
    let (rc, _, out) = make.add(&mut s);
    let (input, salt) = (make.input.clone(), make.salt.to_vec());
    let made = crate::machine::contract_address(&a, make.code, &input, &salt);
    let p = duel.play(a, &s);
    duel.watch_contract(&made);
    duel.play(a, &Script::new());
    (p.result(rc), made, p.output(out).to_vec())
}

fn a_made_contract_has_what_it_was_paid(duel: &mut Duel) {
    let (rc, made, _) = make_once(duel, |make| make.value = 5_000);
    assert_eq!((rc, duel.free(&made)), (SUCCESS, 5_000 + EXISTENTIAL_DEPOSIT));
}

fn a_contract_without_endowment_is_made(duel: &mut Duel) {
    let (rc, made, _) = make_once(duel, |make| make.value = 0);
    assert_eq!((rc, duel.free(&made)), (SUCCESS, EXISTENTIAL_DEPOSIT));
}

fn a_contract_that_cannot_be_paid_is_not_made(duel: &mut Duel) {
    let (rc, made, _) = make_once(duel, |make| make.value = ENDOWMENT + 1);
    assert_eq!((rc, duel.code_hash(&made)), (5, None));
}

fn a_contract_that_reverts_is_not_made(duel: &mut Duel) {
    let mut inner = Script::new();
    mark(&mut inner);
    inner.call("seal0.seal_return", &[1, 8, 4]);
    let (rc, made, out) = make_once(duel, |make| make.input = inner.input());
    assert_eq!((rc, out), (2, b"mark".to_vec()));
    assert_eq!((duel.free(&made), duel.code_hash(&made)), (0, None));
}

fn a_contract_that_traps_is_not_made(duel: &mut Duel) {
    let mut inner = Script::new();
    mark(&mut inner);
    inner.call("puppet.unreachable", &[]);
    let (rc, made, _) = make_once(duel, |make| make.input = inner.input());
    assert_eq!((rc, duel.code_hash(&made)), (1, None));
}

fn a_contract_of_code_that_is_not_there(duel: &mut Duel) {
    let (rc, ..) = make_once(duel, |make| make.code = &[9; 32]);
    assert_eq!(rc, 7);
}

fn the_same_contract_twice(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut s = Script::new();
    Make::new(&code).add(&mut s);
    duel.play(a, &s);
    assert_eq!(duel.end_at(a, &s), End::DuplicateContract);
}

fn another_salt_makes_another_contract(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut s = Script::new();
    let (first, one, _) = Make { salt: b"", value: 1, ..Make::new(&code) }.add(&mut s);
    let (second, two, _) = Make { salt: &[7; 64], value: 1, ..Make::new(&code) }.add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!([p.result(first), p.result(second)], [SUCCESS; 2]);
    assert_ne!(p.output(one), p.output(two));
}

fn another_input_makes_another_contract(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut other = Script::new();
    other.bytes(b"other");
    let mut s = Script::new();
    let (_, one, _) = Make::new(&code).add(&mut s);
    let (_, two, _) = Make { input: other.input(), ..Make::new(&code) }.add(&mut s);
    let p = duel.play(a, &s);
    assert_ne!(p.output(one), p.output(two));
}

fn a_constructor_sees_its_maker(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut inner = Script::new();
    let caller = inner.ask("seal0.caller", 32);
    let origin = inner.call("seal0.caller_is_origin", &[]);
    let address = inner.ask("seal0.address", 32);
    let balance = inner.ask("seal0.balance", 16);
    let value = inner.ask("seal0.value_transferred", 16);
    inner.call("seal0.instantiation_nonce", &[]);
    let mut s = Script::new();
    let before = s.call("seal0.instantiation_nonce", &[]);
    let (_, made, out) = Make { input: inner.input(), value: 3_000, ..Make::new(&code) }.add(&mut s);
    let after = s.call("seal0.instantiation_nonce", &[]);
    let p = duel.play(a, &s);
    assert_eq!(p.result(after), p.result(before) + 1);
    let inner = Played(p.output(out).to_vec());
    assert_eq!((inner.output(caller), inner.result(origin)), (&a[..], 0));
    assert_eq!(inner.output(address), p.output(made));
    assert_eq!(
        (inner.output(balance), inner.output(value)),
        (&3_000u128.to_le_bytes()[..], &3_000u128.to_le_bytes()[..])
    );
}

fn a_constructor_may_call_its_maker_where_it_may(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut inner = Script::new();
    let (rc, _) = call_into(&mut inner, 0, &a, 0, &Script::new().input(), 1_000);
    let mut s = Script::new();
    let (made, _, out) = Make { input: inner.input(), ..Make::new(&code) }.add(&mut s);
    let p = duel.play(a, &s);
    assert_eq!(p.result(made), SUCCESS);
    assert_eq!(Played(p.output(out).to_vec()).result(rc), SUCCESS, "a maker does not forbid it");
}

fn a_constructor_cannot_be_called(duel: &mut Duel) {
    let (a, code) = maker(duel);
    // The constructor calls itself: its address is the result of `address`.
    let mut inner = Script::new();
    let me = inner.ask("seal0.address", 32);
    let (value, out) = (inner.amount(0), inner.output(100));
    let rc = inner.call("seal1.call", &[8, me[0], 0, value, 0, 0, out[0], out[1]]);
    let is = inner.call("seal0.is_contract", &[me[0]]);
    let mut s = Script::new();
    let (_, _, out) = Make { input: inner.input(), ..Make::new(&code) }.add(&mut s);
    let p = duel.play(a, &s);
    let inner = Played(p.output(out).to_vec());
    assert_eq!([inner.result(rc), inner.result(is)], [8, 0]);
}

fn a_made_contract_can_be_called_at_once(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut s = Script::new();
    let (_, address, _) = Make::new(&code).add(&mut s);
    let (value, out) = (s.amount(10), s.output(100));
    let input = Script::new().input();
    let at = s.bytes(&input);
    let rc = s.call("seal1.call", &[0, address[0], 0, value, at, input.len() as u64, out[0], out[1]]);
    let is = s.call("seal0.is_contract", &[address[0]]);
    let p = duel.play(a, &s);
    assert_eq!([p.result(rc), p.result(is)], [SUCCESS, 1]);
}

fn made_contracts_of_a_failed_frame_are_gone(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let b = duel.puppet_of(code);
    let mut inner = Script::new();
    let make = Make::new(&code);
    make.add(&mut inner);
    let made = crate::machine::contract_address(&b, &code, &make.input, make.salt);
    inner.call("puppet.unreachable", &[]);
    let mut s = Script::new();
    let (rc, _) = call(&mut s, 0, &b, 0, &inner.input());
    s.call("seal0.instantiation_nonce", &[]);
    duel.watch_contract(&made);
    assert_eq!(duel.play(a, &s).result(rc), 1);
    assert_eq!(duel.code_hash(&made), None);
}

fn a_constructor_that_ends_itself_traps_its_maker(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let mut inner = Script::new();
    let beneficiary = inner.bytes(&BOB);
    inner.call("seal1.terminate", &[beneficiary]);
    let mut s = Script::new();
    Make { input: inner.input(), ..Make::new(&code) }.add(&mut s);
    assert_eq!(duel.end_at(a, &s), End::TerminationDenied);
}

fn a_making_outside_of_memory_traps(duel: &mut Duel) {
    let (a, _) = maker(duel);
    let good = [8, 0, 8, 8, 0, SENTINEL, SENTINEL, SENTINEL, SENTINEL, 8, 0];
    for (at, len) in [(0, None), (2, None), (3, Some(4)), (9, Some(10))] {
        let mut s = Script::new();
        s.room(40);
        let mut arguments = good;
        arguments[at] = OUTSIDE;
        if let Some(len) = len {
            arguments[len] = 1;
        }
        s.call("seal1.instantiate", &arguments);
        assert_eq!(duel.end_at(a, &s), End::Trapped, "argument {at}");
    }
}

fn outermost(duel: &mut Duel, code: Hash, input: &Script, value: u128, salt: &[u8]) -> crate::Ran {
    let (caller, salt) = (ALICE, salt.to_vec());
    duel.instantiate(&Instantiate { caller, code, value, input: input.input(), salt, deposit_limit: None })
}

fn a_constructor_answers(duel: &mut Duel) {
    let (_, code) = maker(duel);
    let mut s = Script::new();
    mark(&mut s);
    let ran = outermost(duel, code, &s, 0, b"");
    assert_eq!(ran.events.len(), 1);
    let made = ran.address.expect("it is made");
    assert_eq!(made, crate::machine::contract_address(&ALICE, &code, &s.input(), b""));
    assert_eq!((duel.storage(&made).len(), duel.free(&made)), (1, EXISTENTIAL_DEPOSIT));
}

fn an_outermost_constructor_reverts(duel: &mut Duel) {
    let (_, code) = maker(duel);
    let mut s = Script::new();
    mark(&mut s);
    s.call("seal0.seal_return", &[1, 8, 4]);
    let ran = outermost(duel, code, &s, 500, b"");
    assert_eq!(ran.result.map(|it| (it.flags, it.data)), Ok((1, b"mark".to_vec())));
}

fn an_outermost_constructor_traps(duel: &mut Duel) {
    let (_, code) = maker(duel);
    let mut s = Script::new();
    mark(&mut s);
    s.call("puppet.unreachable", &[]);
    assert_eq!(outermost(duel, code, &s, 500, b"").result, Err(End::Trapped));
}

fn an_outermost_contract_of_code_that_is_not_there(duel: &mut Duel) {
    assert_eq!(outermost(duel, [9; 32], &Script::new(), 0, b"").result, Err(End::CodeNotFound));
}

fn an_outermost_contract_twice(duel: &mut Duel) {
    let (_, code) = maker(duel);
    assert!(outermost(duel, code, &Script::new(), 0, b"s").result.is_ok());
    assert_eq!(outermost(duel, code, &Script::new(), 0, b"s").result, Err(End::DuplicateContract));
}

fn an_outermost_contract_that_cannot_be_paid(duel: &mut Duel) {
    let (_, code) = maker(duel);
    let all = duel.free(&ALICE);
    assert!(outermost(duel, code, &Script::new(), all, b"").result.is_err());
}

fn a_contract_made_after_its_twin_ended(duel: &mut Duel) {
    let (_, code) = maker(duel);
    let made = outermost(duel, code, &Script::new(), 0, b"").address.expect("it is made");
    let mut s = Script::new();
    mark(&mut s);
    duel.play(made, &s);
    let mut s = Script::new();
    let beneficiary = s.bytes(&BOB);
    s.call("seal1.terminate", &[beneficiary]);
    duel.play_with(made, &s, 0);
    assert_eq!(outermost(duel, code, &Script::new(), 0, b"").address, Some(made));
    assert!(duel.storage(&made).is_empty());
    let mut s = Script::new();
    s.call("seal0.instantiation_nonce", &[]);
    duel.play(made, &s);
}

fn an_ended_contract_in_the_same_call(duel: &mut Duel) {
    let (a, code) = maker(duel);
    let b = duel.puppet_of(code);
    let mut last = Script::new();
    let beneficiary = last.bytes(&BOB);
    last.call("seal1.terminate", &[beneficiary]);
    let mut s = Script::new();
    let (first, _) = call(&mut s, 0, &b, 0, &last.input());
    let (second, _) = call(&mut s, 0, &b, 0, &Script::new().input());
    let id = s.bytes(&b);
    let is = s.call("seal0.is_contract", &[id]);
    let p = duel.play(a, &s);
    assert_eq!([first, second, is].map(|it| p.result(it)), [SUCCESS, 8, 0]);
}
