// SPDX-License-Identifier: Apache-2.0
//! A real ink! contract, as the builder made it: the confidential token.

mod common;
#[path = "common/token.rs"]
mod token;

use codec::Decode;
use common::{GAS, World, context, engine, run_with};
use phala_vm::{Call, Context, Engine, Entry, Trap};
use token::{Token, input};

const ALICE: [u8; 32] = [0xa1; 32];
const BOB: [u8; 32] = [0xb0; 32];
const CHARLIE: [u8; 32] = [0xc4; 32];
/// The token's errors, as it encodes them.
const INSUFFICIENT_BALANCE: u8 = 0;
const INSUFFICIENT_ALLOWANCE: u8 = 1;
const NOT_YOURS: u8 = 2;

fn token() -> Token<'static> {
    Token::deployed(engine(), ALICE, 1_000)
}

#[test]
fn the_bundle_promises_the_hash_of_its_code() {
    let hash = sp_crypto_hashing::blake2_256(&token::code());
    assert_eq!(token::promised_hash(), format!("0x{}", hex::encode(hash)));
}

#[test]
fn a_balance_is_told_to_its_owner_and_refused_to_a_stranger() {
    let mut token = token();
    assert_eq!(token.ask::<u128>(ALICE, "balance_of", ALICE), Ok(1_000));
    assert_eq!(token.ask::<u128>(BOB, "balance_of", ALICE), Err(NOT_YOURS));
    assert_eq!(token.ask::<u128>(BOB, "balance_of", BOB), Ok(0));
}

#[test]
fn everybody_may_know_the_supply() {
    let mut token = token();
    let answer = token.run(Entry::Call, CHARLIE, &input("total_supply", ())).result.unwrap();
    assert_eq!(Result::<u128, u8>::decode(&mut answer.data.as_slice()).unwrap(), Ok(1_000));
}

#[test]
fn a_transfer_moves_tokens_and_tells_the_world_by_an_event() {
    let mut token = token();
    assert_eq!(token.ask::<()>(ALICE, "transfer", (BOB, 300u128)), Ok(()));
    assert_eq!(token.ask::<u128>(ALICE, "balance_of", ALICE), Ok(700));
    assert_eq!(token.ask::<u128>(BOB, "balance_of", BOB), Ok(300));
    // The supply's and this one: signature, from and to are topics.
    assert_eq!(token.world.events.len(), 2);
    let transfer = &token.world.events[1];
    assert_eq!(transfer.topics.len(), 3);
    assert_eq!(transfer.data[transfer.data.len() - 16..], 300u128.to_le_bytes());
}

#[test]
fn a_transfer_beyond_the_balance_reverts() {
    let mut token = token();
    let before = token.world.storage.clone();
    let execution = token.run(Entry::Call, BOB, &input("transfer", (ALICE, 1u128)));
    assert!(!execution.is_success());
    assert!(execution.result.unwrap().is_revert());
    assert_eq!(token.ask::<()>(BOB, "transfer", (ALICE, 1u128)), Err(INSUFFICIENT_BALANCE));
    assert_eq!(token.world.storage, before);
}

#[test]
fn an_allowance_is_spent_and_told_to_two_only() {
    let mut token = token();
    assert_eq!(token.ask::<()>(ALICE, "approve", (BOB, 50u128)), Ok(()));
    assert_eq!(token.ask::<()>(BOB, "transfer_from", (ALICE, CHARLIE, 20u128)), Ok(()));
    assert_eq!(token.ask::<u128>(BOB, "allowance", (ALICE, BOB)), Ok(30));
    assert_eq!(token.ask::<u128>(CHARLIE, "allowance", (ALICE, BOB)), Err(NOT_YOURS));
    assert_eq!(token.ask::<()>(BOB, "transfer_from", (ALICE, CHARLIE, 31u128)), Err(INSUFFICIENT_ALLOWANCE));
}

#[test]
fn a_query_reads_but_cannot_transfer() {
    let mut token = token();
    token.context.read_only = true;
    assert_eq!(token.ask::<u128>(ALICE, "balance_of", ALICE), Ok(1_000));
    let execution = token.run(Entry::Call, ALICE, &input("transfer", (BOB, 1u128)));
    assert_eq!(execution.result, Err(Trap::StateChangeDenied));
}

#[test]
fn a_payment_to_a_message_that_takes_none_traps() {
    let mut token = token();
    token.context.value = 1;
    let execution = token.run(Entry::Call, ALICE, &input("transfer", (BOB, 1u128)));
    assert_eq!(execution.result, Err(Trap::Unreachable));
}

#[test]
fn what_is_no_message_reverts_and_never_traps() {
    let mut token = token();
    for input in [&b""[..], b"abc", b"none of its messages", &input("transfer", BOB)] {
        let execution = token.run(Entry::Call, ALICE, input);
        let answer = execution.result.unwrap();
        assert!(answer.is_revert());
        assert_eq!(answer.data, [1, 1], "ink! could not read the input");
    }
}

#[test]
fn equal_histories_have_equal_states_and_gas() {
    let history = || {
        let mut token = token();
        let gas: Vec<u64> = (0..20u128)
            .map(|n| token.run(Entry::Call, ALICE, &input("transfer", ([n as u8; 32], n))).gas_used)
            .collect();
        (token.world.storage, token.world.events, gas)
    };
    assert_eq!(history(), history());
}

#[test]
fn a_call_that_runs_out_of_gas_anywhere_is_out_of_gas() {
    let token = token();
    let transfer = input("transfer", (BOB, 1u128));
    let context = Context { caller: ALICE, value: 0, ..context() };
    let with = |gas_limit| {
        let mut world = World { storage: token.world.storage.clone(), ..World::default() };
        let call = Call { entry: Entry::Call, input: &transfer, gas_limit, context: &context };
        engine().run(&token.artifact, call, &mut world)
    };
    let need = with(GAS).gas_used;
    for step in 0..50 {
        let execution = with(need * step / 50);
        assert_eq!((execution.result, execution.gas_used), (Err(Trap::OutOfGas), need * step / 50));
    }
    assert!(with(need).is_success());
}

#[test]
fn other_code_cannot_be_deployed_by_mistake() {
    // The token's constructor is no message, and its messages are no constructors.
    let mut token = token();
    assert!(token.run(Entry::Call, ALICE, &input("new", 5u128)).result.unwrap().is_revert());
    assert!(token.run(Entry::Deploy, ALICE, &input("total_supply", ())).result.unwrap().is_revert());
    let execution = run_with(&token::code(), &mut World::default(), &context(), b"", 1_000);
    assert_eq!(execution.result, Err(Trap::OutOfGas));
}
