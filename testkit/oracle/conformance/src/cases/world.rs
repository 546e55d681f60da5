// SPDX-License-Identifier: Apache-2.0
//! What a contract does to the world without running another one: payments, events, its end, messages, the chain.

use super::{OUTSIDE, SENTINEL, SUCCESS, cases};
use crate::{
    Account, Duel, End, Machine as _, Ran,
    duel::{ALICE, BOB, CHARLIE, ENDOWMENT},
    machine::{DEPOSIT_PER_BYTE, DEPOSIT_PER_ITEM, EXISTENTIAL_DEPOSIT, Event},
    puppet::{Played, Script},
};

cases![
    a_payment_arrives,
    a_payment_makes_an_account,
    a_payment_too_small_for_a_new_account_fails,
    a_payment_of_all_but_what_keeps_it_alive,
    a_payment_beyond_the_balance_fails,
    a_payment_of_nothing_succeeds,
    a_payment_to_oneself_succeeds,
    a_payment_from_outside_of_memory_traps,
    a_payment_is_undone_by_a_revert,
    events_keep_their_order,
    an_event_without_topics,
    an_event_with_four_topics,
    an_event_with_equal_topics,
    an_event_with_five_topics_traps,
    an_event_with_broken_topics_traps,
    an_event_with_topics_outside_of_memory_traps,
    the_longest_event,
    an_event_beyond_the_limit_traps,
    events_of_a_reverted_call_are_gone,
    the_end_pays_all_to_the_beneficiary,
    the_end_removes_storage_and_pays_its_deposit_back,
    nothing_runs_after_the_end,
    a_call_in_which_a_contract_stores_and_is_ended_fails,
    a_call_in_which_a_contract_stores_and_is_ended_in_its_own_favour_strands_the_deposit,
    an_ended_contract_is_not_found,
    the_end_while_on_the_stack_twice_traps,
    the_end_in_a_constructor_fails,
    the_end_with_a_beneficiary_outside_of_memory_traps,
    debug_messages_are_kept_in_order,
    a_debug_message_that_is_no_text_is_dropped,
    a_debug_message_outside_of_memory_traps,
    there_are_no_chain_extensions,
    a_call_of_the_chain_that_does_not_decode,
    a_call_of_the_chain_is_refused,
    an_xcm_program_is_refused,
    an_xcm_message_is_refused,
    returned_flags_beyond_the_known_ones,
    the_whole_memory_can_be_returned,
    a_return_from_outside_of_memory_traps,
    a_call_pays_from_its_callers_balance,
    a_call_that_its_caller_cannot_pay_fails,
    a_call_of_nobody_fails,
];

fn pay(duel: &mut Duel, to: [u8; 32], amount: u128) -> u64 {
    let mut s = Script::new();
    let (to, amount) = (s.bytes(&to), s.amount(amount));
    let paid = s.call("seal0.transfer", &[to, 32, amount, 16]);
    let balance = s.ask("seal0.balance", 16);
    let p = duel.play_alone(&s);
    assert_eq!(p.output(balance).len(), 16);
    p.result(paid)
}

fn a_payment_arrives(duel: &mut Duel) {
    let before = duel.free(&BOB);
    assert_eq!(pay(duel, BOB, 1_234), SUCCESS);
    assert_eq!(duel.free(&BOB), before + 1_234);
}

fn a_payment_makes_an_account(duel: &mut Duel) {
    assert_eq!(pay(duel, CHARLIE, EXISTENTIAL_DEPOSIT), SUCCESS);
    assert_eq!(duel.free(&CHARLIE), EXISTENTIAL_DEPOSIT);
}

fn a_payment_too_small_for_a_new_account_fails(duel: &mut Duel) {
    assert_eq!(pay(duel, CHARLIE, EXISTENTIAL_DEPOSIT - 1), 5);
    assert_eq!(duel.free(&CHARLIE), 0);
}

fn a_payment_of_all_but_what_keeps_it_alive(duel: &mut Duel) {
    assert_eq!(pay(duel, BOB, ENDOWMENT), SUCCESS);
}

fn a_payment_beyond_the_balance_fails(duel: &mut Duel) {
    assert_eq!(pay(duel, BOB, ENDOWMENT + 1), 5);
    assert_eq!(pay(duel, BOB, u128::MAX), 5);
}

fn a_payment_of_nothing_succeeds(duel: &mut Duel) {
    assert_eq!(pay(duel, CHARLIE, 0), SUCCESS);
}

fn a_payment_to_oneself_succeeds(duel: &mut Duel) {
    let puppet = duel.puppet(&["seal0.transfer"]);
    for amount in [1, ENDOWMENT * 2] {
        let mut s = Script::new();
        let (to, amount) = (s.bytes(&puppet), s.amount(amount));
        let paid = s.call("seal0.transfer", &[to, 32, amount, 16]);
        assert_eq!(duel.play(puppet, &s).result(paid), SUCCESS, "nothing is moved, so nothing is missing");
    }
}

fn a_payment_from_outside_of_memory_traps(duel: &mut Duel) {
    let mut s = Script::new();
    let to = s.bytes(&BOB);
    s.call("seal0.transfer", &[to, 32, OUTSIDE, 16]);
    assert_eq!(duel.end_of(&s), End::Trapped);
    let mut s = Script::new();
    let amount = s.amount(1);
    s.call("seal0.transfer", &[OUTSIDE, 32, amount, 16]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn a_payment_is_undone_by_a_revert(duel: &mut Duel) {
    let mut s = Script::new();
    let (to, amount) = (s.bytes(&BOB), s.amount(5_000));
    s.call("seal0.transfer", &[to, 32, amount, 16]);
    s.call("seal0.seal_return", &[1, 0, 0]);
    let before = duel.free(&BOB);
    let puppet = duel.puppet(&s.functions());
    let ran = duel.play_with(puppet, &s, 777);
    assert_eq!(ran.result.map(|it| it.flags), Ok(1));
    assert_eq!(duel.free(&BOB), before);
}

/// Deposits an event with these topics, encoded, and this many bytes.
fn event(s: &mut Script, topics: &[u8], len: usize) {
    let (topics_at, data) = (s.bytes(topics), s.bytes(&vec![5; len]));
    s.call("seal0.deposit_event", &[topics_at, topics.len() as u64, data, len as u64]);
}

fn topics(count: u8) -> Vec<u8> {
    let mut encoded = vec![count << 2];
    for n in 0..count {
        encoded.extend_from_slice(&[n + 1; 32]);
    }
    encoded
}

fn events_of(duel: &mut Duel, s: &Script) -> Vec<Event> {
    let puppet = duel.puppet(&s.functions());
    let ran = duel.play_with(puppet, s, 0);
    assert!(ran.result.is_ok(), "{ran:?}");
    ran.events
}

fn events_keep_their_order(duel: &mut Duel) {
    let mut s = Script::new();
    for n in 0..10 {
        event(&mut s, &topics(n % 5), n.into());
    }
    let lengths: Vec<_> = events_of(duel, &s).iter().map(|it| (it.topics.len(), it.data.len())).collect();
    assert_eq!(lengths, (0..10).map(|n| (n % 5, n)).collect::<Vec<_>>());
}

fn an_event_without_topics(duel: &mut Duel) {
    let mut s = Script::new();
    event(&mut s, &[], 3);
    event(&mut s, &[0], 0);
    assert_eq!(events_of(duel, &s).len(), 2);
}

fn an_event_with_four_topics(duel: &mut Duel) {
    let mut s = Script::new();
    event(&mut s, &topics(4), 32);
    assert_eq!(events_of(duel, &s)[0].topics, [[1; 32], [2; 32], [3; 32], [4; 32]]);
}

fn an_event_with_equal_topics(duel: &mut Duel) {
    let mut s = Script::new();
    event(&mut s, &[&[8][..], &[9; 32], &[9; 32]].concat(), 1);
    assert_eq!(events_of(duel, &s)[0].topics, [[9; 32], [9; 32]]);
}

fn an_event_with_five_topics_traps(duel: &mut Duel) {
    let mut s = Script::new();
    event(&mut s, &topics(5), 1);
    assert_eq!(duel.end_of(&s), End::TooManyTopics);
}

fn an_event_with_broken_topics_traps(duel: &mut Duel) {
    for topics in [&[8u8, 1, 2][..], &[4][..], &[0, 0][..], &[&topics(1)[..], &[0]].concat()[..]] {
        let mut s = Script::new();
        event(&mut s, topics, 1);
        assert_eq!(duel.end_of(&s), End::InvalidArgument, "{topics:?}");
    }
}

fn an_event_with_topics_outside_of_memory_traps(duel: &mut Duel) {
    let mut s = Script::new();
    s.call("seal0.deposit_event", &[OUTSIDE, 33, 0, 0]);
    assert_eq!(duel.end_of(&s), End::Trapped);
    let mut s = Script::new();
    s.call("seal0.deposit_event", &[0, 0, OUTSIDE, 4]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn the_longest_event(duel: &mut Duel) {
    let mut s = Script::new();
    event(&mut s, &topics(1), 16 * 1024);
    assert_eq!(events_of(duel, &s)[0].data.len(), 16 * 1024);
}

fn an_event_beyond_the_limit_traps(duel: &mut Duel) {
    let mut s = Script::new();
    event(&mut s, &topics(1), 16 * 1024 + 1);
    assert_eq!(duel.end_of(&s), End::ValueTooLong);
}

fn events_of_a_reverted_call_are_gone(duel: &mut Duel) {
    let mut s = Script::new();
    event(&mut s, &topics(1), 1);
    s.call("seal0.seal_return", &[1, 0, 0]);
    assert!(events_of(duel, &s).is_empty());
}

fn end(s: &mut Script, beneficiary: [u8; 32]) {
    let beneficiary = s.bytes(&beneficiary);
    s.call("seal1.terminate", &[beneficiary]);
}

fn the_end_pays_all_to_the_beneficiary(duel: &mut Duel) {
    for (beneficiary, paid) in [(BOB, 0), (ALICE, 0), (CHARLIE, 300)] {
        let mut s = Script::new();
        end(&mut s, beneficiary);
        let puppet = duel.puppet(&s.functions());
        let before = duel.free(&beneficiary);
        let ran = duel.play_with(puppet, &s, paid);
        assert_eq!(ran.result.map(|it| it.data), Ok(vec![]));
        assert!(duel.free(&beneficiary) >= before + ENDOWMENT);
        assert_eq!((duel.free(&puppet), duel.code_hash(&puppet)), (0, None));
    }
}

fn the_end_removes_storage_and_pays_its_deposit_back(duel: &mut Duel) {
    let puppet = duel.puppet(&["seal2.set_storage", "seal0.terminate"]);
    let mut s = Script::new();
    for n in 0..20u8 {
        let key = s.bytes(&[n]);
        s.call("seal2.set_storage", &[key, 1, key, 1]);
    }
    let stored = duel.play_with(puppet, &s, 0);
    assert!(stored.deposit > 0, "{stored:?}");
    let mut s = Script::new();
    let beneficiary = s.bytes(&BOB);
    s.call("seal0.terminate", &[beneficiary, 32]);
    let ended = duel.play_with(puppet, &s, 0);
    assert!(ended.deposit < -stored.deposit, "{ended:?}");
    assert!(duel.storage(&puppet).is_empty());
}

/// Has a contract called twice in one call: to store 10 bytes, and to end. Gives that contract, and what came of it.
fn store_and_end(duel: &mut Duel, beneficiary: Option<Account>) -> (Account, Ran) {
    let caller = duel.puppet(&["seal1.call"]);
    let ending = duel.puppet(&["seal2.set_storage", "seal1.terminate"]);
    let (mut store, mut last, mut s) = (Script::new(), Script::new(), Script::new());
    let at = store.bytes(&[1; 10]);
    store.call("seal2.set_storage", &[at, 3, at, 10]);
    end(&mut last, beneficiary.unwrap_or(ending));
    let (callee, value) = (s.bytes(&ending), s.amount(0));
    for inner in [store.input(), last.input()] {
        let at = s.bytes(&inner);
        s.call("seal1.call", &[0, callee, 0, value, at, inner.len() as u64, SENTINEL, SENTINEL]);
    }
    (ending, duel.play_with(caller, &s, 0))
}

fn a_call_in_which_a_contract_stores_and_is_ended_fails(duel: &mut Duel) {
    let (ending, ran) = store_and_end(duel, Some(BOB));
    assert_eq!(ran.result, Err(End::DepositOfEndedContract));
    assert!(duel.code_hash(&ending).is_some());
}

fn a_call_in_which_a_contract_stores_and_is_ended_in_its_own_favour_strands_the_deposit(duel: &mut Duel) {
    let (ending, ran) = store_and_end(duel, None);
    assert!(ran.result.is_ok(), "{ran:?}");
    assert_eq!(duel.code_hash(&ending), None);
    let least = 10 * DEPOSIT_PER_BYTE + DEPOSIT_PER_ITEM;
    assert!(duel.stranded(&ending) >= least as i128, "{}", duel.stranded(&ending));
}

fn nothing_runs_after_the_end(duel: &mut Duel) {
    let mut s = Script::new();
    end(&mut s, BOB);
    s.call("puppet.unreachable", &[]);
    let puppet = duel.puppet(&s.functions());
    assert!(duel.play_with(puppet, &s, 0).result.is_ok());
}

fn an_ended_contract_is_not_found(duel: &mut Duel) {
    let mut s = Script::new();
    end(&mut s, BOB);
    let puppet = duel.puppet(&s.functions());
    duel.play_with(puppet, &s, 0);
    assert_eq!(duel.end_at(puppet, &s), End::ContractNotFound);
}

fn the_end_while_on_the_stack_twice_traps(duel: &mut Duel) {
    let puppet = duel.puppet(&["seal1.terminate", "seal1.call"]);
    let mut inner = Script::new();
    end(&mut inner, BOB);
    let mut s = Script::new();
    let input = inner.input();
    let (at, callee, value) = (s.bytes(&input), s.bytes(&puppet), s.amount(0));
    let rc = s.call("seal1.call", &[8, callee, 0, value, at, input.len() as u64, SENTINEL, SENTINEL]);
    assert_eq!(duel.play(puppet, &s).result(rc), 1);
}

fn the_end_in_a_constructor_fails(duel: &mut Duel) {
    let code = duel.puppet_code(&["seal1.terminate"]);
    let mut s = Script::new();
    end(&mut s, BOB);
    let ran = duel.instantiate(&crate::Instantiate {
        caller: ALICE,
        code,
        value: 1_000,
        input: s.input(),
        salt: vec![],
        deposit_limit: None,
    });
    assert_eq!(ran.result, Err(End::TerminationDenied));
}

fn the_end_with_a_beneficiary_outside_of_memory_traps(duel: &mut Duel) {
    let mut s = Script::new();
    s.call("seal1.terminate", &[OUTSIDE]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn debug_messages_are_kept_in_order(duel: &mut Duel) {
    let mut s = Script::new();
    for text in ["one, ", "two, ", "größe"] {
        let at = s.bytes(text.as_bytes());
        s.call("seal0.debug_message", &[at, text.len() as u64]);
    }
    let puppet = duel.puppet(&s.functions());
    let ran = duel.play_with(puppet, &s, 0);
    assert_eq!(String::from_utf8(ran.debug).as_deref(), Ok("one, two, größe"));
}

fn a_debug_message_that_is_no_text_is_dropped(duel: &mut Duel) {
    let mut s = Script::new();
    let at = s.bytes(&[b'a', 0xff, b'b']);
    s.call("seal0.debug_message", &[at, 3]);
    let puppet = duel.puppet(&s.functions());
    assert_eq!(duel.play_with(puppet, &s, 0).debug, b"");
}

fn a_debug_message_outside_of_memory_traps(duel: &mut Duel) {
    let mut s = Script::new();
    s.call("seal0.debug_message", &[OUTSIDE, 3]);
    assert_eq!(duel.end_of(&s), End::Trapped);
}

fn there_are_no_chain_extensions(duel: &mut Duel) {
    let code = crate::puppet::module(&["seal0.call_chain_extension"], 1);
    assert_eq!(duel.upload(&ALICE, &code), Err(End::CodeRejected));
}

fn chain(duel: &mut Duel, name: &str, arguments: &[&[u8]]) -> Result<u64, End> {
    let mut s = Script::new();
    let mut all = Vec::new();
    for (index, bytes) in arguments.iter().enumerate() {
        all.push(s.bytes(bytes));
        // The last one has a length.
        if index + 1 == arguments.len() {
            all.push(bytes.len() as u64);
        }
    }
    if name == "seal0.xcm_send" {
        all.push(s.room(32));
    }
    let rc = s.call(name, &all);
    let puppet = duel.puppet(&s.functions());
    duel.play_with(puppet, &s, 0).result.map(|it| Played(it.data).result(rc))
}

fn a_call_of_the_chain_that_does_not_decode(duel: &mut Duel) {
    assert_eq!(chain(duel, "seal0.call_runtime", &[&[0xff, 0xff]]), Err(End::InvalidArgument));
}

fn a_call_of_the_chain_is_refused(duel: &mut Duel) {
    // System.remark of nothing.
    assert_eq!(chain(duel, "seal0.call_runtime", &[&[0, 0, 0]]), Ok(10));
}

fn an_xcm_program_is_refused(duel: &mut Duel) {
    // An empty program of version 5.
    assert_eq!(chain(duel, "seal0.xcm_execute", &[&[5, 0]]), Ok(13));
}

fn an_xcm_message_is_refused(duel: &mut Duel) {
    // The test runtime's router takes anything.
    assert_eq!(chain(duel, "seal0.xcm_send", &[&[5, 0, 0], &[5, 0]]), Ok(0));
}

fn returned(duel: &mut Duel, flags: u64, at: u64, len: u64) -> Result<crate::Answer, End> {
    let mut s = Script::new();
    s.call("seal0.seal_return", &[flags, at, len]);
    let puppet = duel.puppet(&s.functions());
    duel.play_with(puppet, &s, 0).result
}

fn returned_flags_beyond_the_known_ones(duel: &mut Duel) {
    for flags in [2, 3, 0x8000_0000] {
        assert_eq!(returned(duel, flags, 0, 0), Err(End::InvalidArgument));
    }
}

fn the_whole_memory_can_be_returned(duel: &mut Duel) {
    assert_eq!(returned(duel, 0, 0, 8 * 65_536).map(|it| it.data.len()), Ok(8 * 65_536));
}

fn a_return_from_outside_of_memory_traps(duel: &mut Duel) {
    assert_eq!(returned(duel, 0, 1, 8 * 65_536), Err(End::Trapped));
}

fn a_call_pays_from_its_callers_balance(duel: &mut Duel) {
    let puppet = duel.puppet(&[]);
    let before = duel.free(&ALICE);
    assert!(duel.play_with(puppet, &Script::new(), 4_321).result.is_ok());
    assert_eq!(duel.free(&ALICE), before - 4_321);
}

fn a_call_that_its_caller_cannot_pay_fails(duel: &mut Duel) {
    let puppet = duel.puppet(&[]);
    let all = duel.free(&ALICE);
    let ran = duel.play_with(puppet, &Script::new(), all + 1);
    assert!(matches!(ran.result, Err(End::TransferFailed | End::DepositUnaffordable)), "{ran:?}");
}

fn a_call_of_nobody_fails(duel: &mut Duel) {
    assert_eq!(duel.end_at(CHARLIE, &Script::new()), End::ContractNotFound);
}
