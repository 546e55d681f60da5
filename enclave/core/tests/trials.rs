//! Dry runs, private logs, and code that goes again.
#![allow(missing_docs)]

mod harness;

use harness::*;
use phala_types::{
    Amount, ClusterId, ContractId, MessageNumber,
    cluster::{ClusterMessage, code_hash},
    command::{Action, Deposit, Ended, Execution, Outcome, Rejection},
    log::LogLevel,
    query::{Answer, Question, Refusal},
    receipt::SignedReceipt,
    trap::Trap,
};

/// Logs, announces and writes; with input it then gives up.
fn talkative() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "seal0" "debug_message" (func $log (param i32 i32) (result i32)))
            (import "seal0" "deposit_event" (func $announce (param i32 i32 i32 i32)))
            (import "seal0" "input" (func $input (param i32 i32)))
            (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
            (import "env" "memory" (memory 1))
            (data (i32.const 0) "what I saw")
            (data (i32.const 100) "\ff\00\00\00")
            (func (export "deploy"))
            (func (export "call")
                (drop (call $log (i32.const 0) (i32.const 10)))
                (call $announce (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4))
                (drop (call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 10)))
                (call $input (i32.const 200) (i32.const 100))
                (if (i32.load (i32.const 100)) (then unreachable))))"#,
    )
    .unwrap()
}

fn with_talkative(owner: &User) -> (World, ContractId) {
    let mut world = World::serving();
    let contract = world.deploy(owner, &talkative());
    (world, contract)
}

/// What a question about a run is answered.
fn tried(world: &mut World, user: &User, question: Question) -> (Execution, SignedReceipt) {
    let contract = *question.contract().unwrap();
    let query = world.query_for(user, question);
    let (answer, receipt) = world.ask(user, &query).unwrap();
    let Answer::Call { ended, gas_used, deposit, events, logs } = answer else { panic!("not a run") };
    let caller = user.account();
    (Execution { contract, caller, ended, gas_used, deposit, events, logs }, receipt)
}

fn done(world: &mut World, user: &User, contract: ContractId, number: MessageNumber) -> Execution {
    match world.outcome(user, contract, number).unwrap().0 {
        Outcome::Executed(execution) => execution,
        other => panic!("not executed: {other:?}"),
    }
}

fn refusal(world: &mut World, user: &User, question: Question) -> Refusal {
    let query = world.query_for(user, question);
    world.ask(user, &query).unwrap_err()
}

#[test]
fn a_dry_run_tells_what_the_command_will_do_and_changes_nothing() {
    let alice = User::new(1);
    let (mut world, contract) = with_talkative(&alice);
    let question = || Question::call(contract, GAS, Default::default());
    let (first, before) = tried(&mut world, &alice, question());
    let (again, after) = tried(&mut world, &alice, question());
    assert_eq!(first, again);
    assert_eq!(before.receipt.state_root, after.receipt.state_root);
    assert_eq!((first.events.len(), first.logs.len()), (1, 1));
    assert_eq!(first.deposit, Deposit::Charged(Amount::new(0)));
    let number = world.call(&alice, contract, 2, vec![]);
    assert_eq!(done(&mut world, &alice, contract, number), first);
    let (_, changed) = tried(&mut world, &alice, question());
    assert_ne!(changed.receipt.state_root, after.receipt.state_root);
}

#[test]
fn logs_of_a_call_that_failed_are_there_for_its_caller_and_for_nobody_else() {
    let (alice, bob) = (User::new(1), User::new(2));
    let (mut world, contract) = with_talkative(&alice);
    let number = world.call(&alice, contract, 2, vec![1]);
    let execution = done(&mut world, &alice, contract, number);
    assert_eq!(execution.ended, Ended::Trapped(Trap::Unreachable.code()));
    assert!(execution.events.is_empty());
    let [line] = execution.logs.as_slice() else { panic!("one line: {:?}", execution.logs) };
    assert_eq!((line.contract, line.level), (contract, LogLevel::Debug));
    assert_eq!(line.message.as_slice(), b"what I saw");
    let question = Question::Outcome { contract, number };
    assert_eq!(refusal(&mut world, &bob, question), Refusal::UnknownCommand);
    // They are kept with the state.
    world.restart().unwrap();
    world.finalize().unwrap();
    assert_eq!(done(&mut world, &alice, contract, number), execution);
}

#[test]
fn what_cannot_be_paid_is_refused_in_a_dry_run_as_in_a_command() {
    let alice = User::new(1);
    let (mut world, contract) = with_talkative(&alice);
    let value = Amount::new(1);
    let input = Default::default();
    let question = Question::Call { contract, value, gas_limit: GAS, deposit_limit: None, input };
    let (execution, _) = tried(&mut world, &alice, question);
    assert_eq!(execution.ended, Ended::Trapped(Trap::TransferFailed.code()));
}

#[test]
fn a_constructor_can_be_tried_before_it_is_paid_for() {
    let alice = User::new(1);
    let mut world = World::serving();
    let code = talkative();
    let contract = world.contract_id(&alice, &code);
    let cluster = ClusterId::new(0);
    let question = || Question::Instantiate {
        cluster,
        contract,
        code_hash: code_hash(&code),
        value: Amount::new(0),
        gas_limit: GAS,
        deposit_limit: None,
        input: Default::default(),
    };
    assert_eq!(refusal(&mut world, &alice, question()), Refusal::UnknownCode);
    world.upload(code.clone());
    let (execution, _) = tried(&mut world, &alice, question());
    assert!(execution.is_committed(), "{execution:?}");
    let call = Question::call(contract, GAS, Default::default());
    assert_eq!(refusal(&mut world, &alice, call), Refusal::UnknownContract);
    let action = Action::Instantiate { code_hash: code_hash(&code) };
    let envelope = world.sealed(&alice, &alice.command(contract, action, 1, vec![]));
    let code_hash = code_hash(&code);
    world.execute(ClusterMessage::ContractDeployed { contract, code_hash, envelope });
    assert_eq!(refusal(&mut world, &alice, question()), Refusal::ContractExists);
}

#[test]
fn code_goes_when_no_contract_needs_it_and_may_come_again() {
    let alice = User::new(1);
    let mut world = World::serving();
    let code = talkative();
    let code_hash = code_hash(&code);
    let told = |world: &mut World| world.upload_outcome(&alice, code_hash).unwrap().0;
    world.upload(code.clone());
    world.execute(ClusterMessage::CodeRemoved { code_hash });
    assert_eq!(told(&mut world), Outcome::CodeRemoved(code_hash));
    world.execute(ClusterMessage::CodeRemoved { code_hash });
    assert_eq!(told(&mut world), Outcome::Rejected(Rejection::UnknownCode));
    let contract = world.deploy(&alice, &code);
    assert_eq!(told(&mut world), Outcome::CodeStored(code_hash));
    world.execute(ClusterMessage::CodeRemoved { code_hash });
    assert_eq!(told(&mut world), Outcome::Rejected(Rejection::CodeInUse(1)));
    let number = world.call(&alice, contract, 2, vec![]);
    assert!(done(&mut world, &alice, contract, number).is_committed());
}
