//! Uploads: code that breaks a rule is refused by name, on every replica, and everyone may ask why.
#![allow(missing_docs)]

mod harness;

use harness::*;
use phala_types::{
    ClusterId, CodeHash, ContractId, MessageNumber,
    cluster::{ClusterMessage, code_hash},
    code::{CodeName, CodePart, CodeRefusal},
    command::{Ended, Outcome, Rejection},
    limits::MEMORY_PAGES_MAX,
    query::{Question, Refusal, Scope},
    receipt::Subject,
};

/// A module with an imported memory of so many pages, and more in it.
fn module(pages: u32, more: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {more} (import "env" "memory" (memory {pages}))
            (func (export "deploy")) (func (export "call") (drop (i32.const 1))))"#
    );
    wat::parse_str(text).unwrap()
}

fn name(text: &str) -> CodeName {
    CodeName::new(text)
}

/// Code that must not be taken, and the rule that it breaks.
fn refused() -> Vec<(Vec<u8>, CodeRefusal)> {
    let unknown = |module, import| CodeRefusal::UnknownImport { module: name(module), name: name(import) };
    let functions = CodeRefusal::TooMany { what: CodePart::Functions, limit: 4096 };
    vec![
        (b"not wasm".to_vec(), CodeRefusal::Malformed),
        (vec![], CodeRefusal::Malformed),
        (module(1, "(type (func (param f64)))"), CodeRefusal::Floats),
        (module(1, r#"(import "env" "foo" (func))"#), unknown("env", "foo")),
        (module(1, r#"(import "wasi" "fd_write" (func))"#), unknown("wasi", "fd_write")),
        (
            module(1, r#"(import "seal0" "caller" (func (param i64)))"#),
            CodeRefusal::WrongSignature { module: name("seal0"), name: name("caller") },
        ),
        (
            module(1, r#"(import "seal1" "seal_random" (func (param i32 i32 i32 i32)))"#),
            CodeRefusal::DeprecatedImport { module: name("seal1"), name: name("seal_random") },
        ),
        (module(MEMORY_PAGES_MAX + 1, ""), CodeRefusal::MemoryTooBig { pages: 65 }),
        (module(1, &r#"(import "seal0" "caller" (func (param i32 i32)))"#.repeat(4097)), functions),
    ]
}

#[test]
fn everyone_learns_which_rule_uploaded_code_breaks_and_the_worker_goes_on() {
    let (alice, bob) = (User::new(1), User::new(2));
    let mut world = World::serving();
    for (code, refusal) in refused() {
        let hash = code_hash(&code);
        let number = world.upload(code);
        let expected = Outcome::Rejected(Rejection::InvalidCode(refusal));
        assert_eq!(world.upload_outcome(&alice, hash).unwrap().0, expected);
        let (outcome, signed) = world.upload_outcome(&bob, hash).unwrap();
        assert_eq!(outcome, expected);
        assert_eq!((signed.receipt.contract, signed.receipt.code_hash), (None, None));
        let Subject::Upload { code_hash, number: found, tip, .. } = signed.receipt.subject else {
            panic!("not the receipt of an upload")
        };
        assert_eq!((code_hash, found, tip), (hash, number, world.tip().hash));
    }
    let contract = world.deploy(&alice, &notebook());
    assert!(world.query(&alice, contract, &[1]).is_ok());
    let (stored, _) = world.upload_outcome(&bob, code_hash(&notebook())).unwrap();
    assert_eq!(stored, Outcome::CodeStored(code_hash(&notebook())));
}

#[test]
fn code_that_is_uploaded_again_has_the_same_outcome() {
    let alice = User::new(1);
    let mut world = World::serving();
    for code in [notebook(), b"not wasm".to_vec()] {
        let hash = code_hash(&code);
        world.upload(code.clone());
        let (outcome, _) = world.upload_outcome(&alice, hash).unwrap();
        let number = world.upload(code);
        let (again, receipt) = world.upload_outcome(&alice, hash).unwrap();
        assert_eq!(again, outcome);
        assert!(
            matches!(receipt.receipt.subject, Subject::Upload { number: of, .. } if of == number),
            "the receipt is of the last upload"
        );
    }
}

#[test]
fn replicas_and_restarted_workers_refuse_code_alike() {
    let alice = User::new(1);
    let mut world = World::serving();
    let hashes = refused().into_iter().map(|(code, _)| (code_hash(&code), world.upload(code)).0);
    let hashes: Vec<CodeHash> = hashes.collect();
    let outcomes = |world: &mut World| {
        let outcome = |hash: &CodeHash| world.upload_outcome(&alice, *hash).unwrap();
        let all: Vec<_> = hashes.iter().map(outcome).collect();
        let root = all[0].1.receipt.state_root;
        (all.into_iter().map(|(outcome, _)| outcome).collect::<Vec<_>>(), root)
    };
    let live = outcomes(&mut world);
    let mut replica = world.newborn_twin();
    replica.deliver().unwrap();
    assert_eq!(outcomes(&mut replica), live);
    world.restart().unwrap();
    world.finalize().unwrap();
    assert_eq!(outcomes(&mut world), live);
}

#[test]
fn code_that_was_refused_cannot_be_deployed() {
    let alice = User::new(1);
    let mut world = World::serving();
    let code = module(1, r#"(import "env" "foo" (func))"#);
    let (contract, code_hash) = (world.contract_id(&alice, &code), code_hash(&code));
    world.upload(code);
    let action = phala_types::command::Action::Instantiate { code_hash };
    let command = alice.command(contract, action, 1, vec![]);
    let envelope = world.sealed(&alice, &command);
    let number = world.execute(ClusterMessage::ContractDeployed { contract, code_hash, envelope });
    let (outcome, _) = world.outcome(&alice, contract, number).unwrap();
    assert_eq!(outcome, Outcome::Rejected(Rejection::UnknownCode));
}

#[test]
fn an_upload_that_nobody_made_or_to_another_cluster_is_unknown() {
    let alice = User::new(1);
    let (mut world, _) = World::with_notebook(&alice);
    let unknown = world.upload_outcome(&alice, CodeHash::new([9; 32])).unwrap_err();
    assert_eq!(unknown, Refusal::UnknownUpload);
    let question = Question::Upload { cluster: ClusterId::new(1), code_hash: code_hash(&notebook()) };
    let query = world.query_for(&alice, question);
    assert_eq!(world.ask(&alice, &query).unwrap_err(), Refusal::UnknownUpload);
    // An upload is not a command of any contract.
    let outcome = world.outcome(&alice, ContractId::new([0; 32]), MessageNumber::new(0));
    assert_eq!(outcome.unwrap_err(), Refusal::UnknownCommand);
}

#[test]
fn a_certificate_for_some_contracts_does_not_cover_an_upload() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let question = Question::Upload { cluster: CLUSTER, code_hash: code_hash(&notebook()) };
    let mut query = world.query_for(&alice, question);
    let mut certificate = query.certificate.certificate.clone();
    certificate.scope = Scope::Contracts(vec![contract].try_into().unwrap());
    query.certificate = alice.certify(&world.genesis(), certificate);
    assert_eq!(world.ask(&alice, &query).unwrap_err(), Refusal::OutOfScope);
}

/// `call` with selector 1 returns the longest output; with 2 announces more than a reply holds, in events of the longest
/// kind; with 3 returns the longest output after one event.
const LOUD: &str = r#"(module
  (import "env" "memory" (memory 18))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (func $announce (call $event (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 16384)))
  (func (export "deploy"))
  (func (export "call") (local $selector i32) (local $left i32)
    (i32.store (i32.const 0) (i32.const 8))
    (call $input (i32.const 8) (i32.const 0))
    (local.set $selector (i32.load8_u (i32.const 8)))
    (if (i32.eq (local.get $selector) (i32.const 2)) (then
      (local.set $left (i32.const 65))
      (loop $again
        (call $announce)
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (call $return (i32.const 0) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $selector) (i32.const 3)) (then (call $announce)))
    (call $return (i32.const 0) (i32.const 64) (i32.const 1048576))))"#;

#[test]
fn a_contract_that_says_more_than_a_reply_holds_is_stopped_and_its_caller_told() {
    let alice = User::new(1);
    let mut world = World::serving();
    let contract = world.deploy(&alice, &wat::parse_str(LOUD).unwrap());
    let mut ended = |sequence, selector| {
        let number = world.call(&alice, contract, sequence, vec![selector]);
        match world.outcome(&alice, contract, number).unwrap().0 {
            Outcome::Executed(run) => (run.ended, run.events.len()),
            other => panic!("not executed: {other:?}"),
        }
    };
    let (longest, _) = ended(2, 1);
    assert!(matches!(longest, Ended::Returned { flags: 0, data } if data.len() == 1 << 20));
    let too_long = Ended::Trapped(phala_vm::Trap::OutputTooLong.code());
    assert_eq!(ended(3, 2), (too_long.clone(), 0));
    assert_eq!(ended(4, 3), (too_long, 0));
    assert!(world.query(&alice, contract, &[1]).is_ok());
}
