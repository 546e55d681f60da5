//! What contracts ask of the worker beside the interface: queries that wait for it, and commands that never do.
#![allow(missing_docs)]

mod harness;

use codec::{Decode, Encode};
use harness::*;
use phala_attest::contract_report_data;
use phala_core::{Effect, Input, Ticket, Work};
use phala_crypto::{Secret, seal::ReplyKey};
use phala_types::{
    ContractId, Millis, Untrusted,
    command::{Action, Ended, Outcome},
    decode_exact,
    query::{Answer, OpenRefusal, Query, Question, Refusal, Reply},
    receipt::SignedReceipt,
    relay::Phase,
};
use phala_vm::extension::{
    Brought,
    http::{HttpError, HttpRequest, HttpResponse},
    wire::*,
};

/// `call` calls the chain extension whose id its input begins with, with the rest of the input, and returns the status
/// and the output.
const ASKER: &str = r#"(module
  (import "env" "memory" (memory 4 4))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "call_chain_extension" (func $ask (param i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 16) (i32.const 8000))
    (call $input (i32.const 32) (i32.const 16))
    (i32.store (i32.const 20) (i32.const 65536))
    (i32.store (i32.const 65536) (call $ask
      (i32.load (i32.const 32))
      (i32.const 36) (i32.sub (i32.load (i32.const 16)) (i32.const 4))
      (i32.const 65540) (i32.const 20)))
    (if (i32.load (i32.const 65536)) (then (call $return (i32.const 0) (i32.const 65536) (i32.const 4))))
    (call $return (i32.const 0) (i32.const 65536) (i32.add (i32.load (i32.const 20)) (i32.const 4)))))"#;

fn asker() -> Vec<u8> {
    wat::parse_str(ASKER).unwrap()
}

fn with_asker(owner: &User) -> (World, ContractId) {
    let mut world = World::serving();
    let contract = world.deploy(owner, &asker());
    (world, contract)
}

/// The contract's input that calls a function of our extension.
fn calls(function: u32, input: impl Encode) -> Vec<u8> {
    (1u32 << 16 | function, input).encode()
}

fn fetches(url: &str) -> Vec<u8> {
    calls(
        6,
        HttpFetch {
            method: HttpMethod::Get,
            url: url.into(),
            headers: vec![],
            body: vec![],
            answer_headers: vec![],
            body_bytes_max: 1000,
            timeout_ms: 1000,
        },
    )
}

/// A query that was sent and is not answered yet.
struct Asked {
    query: Query,
    key: ReplyKey,
}

/// What comes of an input for now.
#[derive(Debug)]
enum Step {
    Reply(Result<(Answer, SignedReceipt), Refusal>),
    Work(Ticket, Vec<Work>, Millis),
}

impl Asked {
    fn step(&self, effects: Vec<Effect>) -> Step {
        match effects.into_iter().last() {
            Some(Effect::Reply(Ok(sealed))) => {
                let reply: Reply = decode_exact(&self.key.open(&sealed).unwrap()).unwrap();
                assert_eq!(reply.nonce, self.query.nonce);
                Step::Reply(reply.result)
            }
            Some(Effect::Work { ticket, work, now }) => Step::Work(ticket, work, now),
            other => panic!("neither a reply nor work: {other:?}"),
        }
    }
}

fn ask(world: &mut World, user: &User, contract: ContractId, input: Vec<u8>) -> (Asked, Step) {
    let question = Question::call(contract, GAS, input.try_into().unwrap());
    let query = world.query_for(user, question);
    let (envelope, key) = world.seal_query(user, &query);
    let asked = Asked { query, key };
    let entropy = Secret::new(*asked.query.nonce.as_bytes());
    let step = asked.step(world.core.handle(a_query(envelope.encode()), entropy));
    (asked, step)
}

fn bring(world: &mut World, ticket: Ticket, brought: Vec<Brought>, entropy: u8) -> Vec<Effect> {
    world.core.handle(Input::Brought { ticket, brought }, Secret::new([entropy; 32]))
}

fn response(body: &str) -> Brought {
    Brought::Fetched(Ok(HttpResponse {
        status: 200,
        reason: "OK".into(),
        headers: vec![],
        body: body.as_bytes().to_vec(),
        is_authenticated: true,
    }))
}

fn work_of(step: Step) -> (Ticket, Vec<Work>) {
    match step {
        Step::Work(ticket, work, _) => (ticket, work),
        Step::Reply(reply) => panic!("a reply: {reply:?}"),
    }
}

/// The status and the output that the contract returned.
fn returned(ended: &Ended) -> (u32, Vec<u8>) {
    match ended {
        Ended::Returned { flags: 0, data } => {
            let (status, output) = data.split_at(4);
            (u32::from_le_bytes(status.try_into().unwrap()), output.to_vec())
        }
        other => panic!("the contract ended with {other:?}"),
    }
}

fn answer_of(step: Step) -> (u32, Vec<u8>, SignedReceipt) {
    match step {
        Step::Reply(Ok((Answer::Call { ended, .. }, receipt))) => {
            let (status, output) = returned(&ended);
            (status, output, receipt)
        }
        other => panic!("no answer: {other:?}"),
    }
}

fn command(
    world: &mut World,
    user: &User,
    contract: ContractId,
    sequence: u64,
    input: Vec<u8>,
) -> (u32, Vec<u8>) {
    let number = world.call(user, contract, sequence, input);
    match world.outcome(user, contract, number).unwrap().0 {
        Outcome::Executed(execution) => returned(&execution.ended),
        other => panic!("not executed: {other:?}"),
    }
}

#[test]
fn a_query_that_fetches_waits_and_is_answered_with_what_was_brought() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, step) = ask(&mut world, &alice, contract, fetches("https://example.org/"));
    let Step::Work(ticket, work, now) = step else { panic!("{step:?}") };
    let request = HttpRequest {
        method: "GET".into(),
        url: "https://example.org/".into(),
        headers: vec![],
        body: vec![],
        body_bytes_max: 1000,
        timeout_ms: 1000,
    };
    assert_eq!(work, [Work::Fetch(request)]);
    assert!(now > Millis::new(1_000_000), "the chain's time, to which certificates are held");
    // Others are served meanwhile.
    assert!(matches!(ask(&mut world, &alice, contract, calls(2, ())).1, Step::Reply(Ok(_))));
    let (status, output, receipt) =
        answer_of(asked.step(bring(&mut world, ticket, vec![response("42")], 201)));
    assert_eq!(status, 0);
    let fetched = HttpFetched::decode(&mut &output[..]).unwrap();
    assert_eq!((fetched.status, fetched.is_authenticated, &*fetched.body), (200, true, &b"42"[..]));
    assert_eq!(receipt.receipt.contract, Some(contract));
}

#[test]
fn the_contract_is_told_what_failed() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, step) = ask(&mut world, &alice, contract, fetches("https://example.org/"));
    let failed = vec![Brought::Fetched(Err(HttpError::Destination))];
    let (status, ..) = answer_of(asked.step(bring(&mut world, work_of(step).0, failed, 201)));
    assert_eq!(status, Status::HttpDestination as u32);
}

#[test]
fn the_answer_and_its_receipt_are_of_the_head_of_the_last_run() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, step) = ask(&mut world, &alice, contract, fetches("https://example.org/"));
    let before = world.known_block();
    world.finalize().unwrap();
    let (.., receipt) = answer_of(asked.step(bring(&mut world, work_of(step).0, vec![response("")], 201)));
    assert_eq!(receipt.receipt.head, world.known_block());
    assert!(receipt.receipt.head.number > before.number);
}

#[test]
fn a_command_never_waits() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    // The harness panics if a message leads to work outside.
    let refused = (Status::NotInCommands as u32, vec![]);
    assert_eq!(command(&mut world, &alice, contract, 2, fetches("https://example.org/")), refused);
    assert_eq!(command(&mut world, &alice, contract, 3, calls(5, b"data".to_vec())), refused);
    assert_eq!(command(&mut world, &alice, contract, 4, calls(1, ())), refused);
    let pink = (
        1u32,
        PinkHttpRequest { url: "https://a/".into(), method: "GET".into(), headers: vec![], body: vec![] },
    );
    let number = world.call(&alice, contract, 5, pink.encode());
    match world.outcome(&alice, contract, number).unwrap().0 {
        Outcome::Executed(execution) => {
            assert_eq!(execution.ended, Ended::Trapped(phala_vm::Trap::NotAvailable.code()));
        }
        other => panic!("not executed: {other:?}"),
    }
}

#[test]
fn a_contract_has_the_same_keys_in_commands_and_queries_and_no_other_contract_has_them() {
    let (alice, bob) = (User::new(1), User::new(2));
    let (mut world, contract) = with_asker(&alice);
    let other = {
        // The same code, of another owner.
        let (contract, code_hash) =
            (world.contract_id(&bob, &asker()), phala_types::cluster::code_hash(&asker()));
        let command = bob.command(contract, Action::Instantiate { code_hash }, 1, vec![]);
        let envelope = world.sealed(&bob, &command);
        let deployed =
            phala_types::cluster::ClusterMessage::ContractDeployed { contract, code_hash, envelope };
        world.execute(deployed);
        contract
    };
    let input = calls(4, (b"path".to_vec(), KeyKind::Ed25519));
    let in_query = |world: &mut World, contract| answer_of(ask(world, &alice, contract, input.clone()).1);
    let (status, key, _) = in_query(&mut world, contract);
    assert_eq!((status, key.len()), (0, 65));
    assert_ne!(key, in_query(&mut world, other).1);
    assert_eq!(command(&mut world, &alice, contract, 2, input.clone()), (0, key.clone()));
    world.restart().unwrap();
    world.finalize().unwrap();
    assert_eq!(key, in_query(&mut world, contract).1);
}

#[test]
fn random_values_of_a_command_are_the_same_on_every_replica_and_different_in_each_command() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let first = command(&mut world, &alice, contract, 2, calls(3, b"dice".to_vec()));
    let second = command(&mut world, &alice, contract, 3, calls(3, b"dice".to_vec()));
    assert_eq!((first.0, first.1.len()), (0, 37));
    assert_ne!(first.1[..32], second.1[..32]);
    let mut twin = world.newborn_twin();
    while twin.deliver().is_ok() && twin.status().position < world.status().position {}
    assert_eq!(twin.status().position, world.status().position);
    let outcome = |world: &mut World, number: u64| {
        world.outcome(&alice, contract, phala_types::MessageNumber::new(number)).unwrap().0
    };
    for number in [2, 3] {
        assert_eq!(outcome(&mut world, number), outcome(&mut twin, number));
    }
}

#[test]
fn the_person_behind_a_query_and_the_hosts_clock_are_told_to_contracts() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, step) = ask(&mut world, &alice, contract, calls(1, ()));
    let origin = QueryOrigin::decode(&mut &answer_of(step).1[..]).unwrap();
    let expires_at = asked.query.certificate.certificate.expires_at.value();
    assert_eq!(origin, QueryOrigin { account: *alice.account().as_bytes(), is_anonymous: false, expires_at });
    let (_, output, _) = answer_of(ask(&mut world, &alice, contract, 18u32.encode()).1);
    assert_eq!(output, HOST_MS.encode());
    let (_, output, _) = answer_of(ask(&mut world, &alice, contract, 17u32.encode()).1);
    assert_eq!(output, world.hpke_key.encode());
}

#[test]
fn the_hardware_vouches_for_the_contract_and_never_for_a_registration() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, step) = ask(&mut world, &alice, contract, calls(5, b"data".to_vec()));
    let (ticket, work) = work_of(step);
    assert_eq!(work, [Work::Evidence(contract_report_data(&world.genesis(), &contract, b"data"))]);
    let statement = Brought::Evidence(Ok(vec![1, 2, 3]));
    let (status, output, _) = answer_of(asked.step(bring(&mut world, ticket, vec![statement], 201)));
    let evidence = Evidence::decode(&mut &output[..]).unwrap();
    assert_eq!((status, evidence.platform, evidence.statement), (0, PlatformKind::Simulated, vec![1, 2, 3]));
    assert_eq!(evidence.worker, *world.status().worker.as_bytes());
    let other = contract_report_data(&world.genesis(), &ContractId::new([1; 32]), b"data");
    assert_ne!(other, contract_report_data(&world.genesis(), &contract, b"data"));
}

#[test]
fn what_contracts_remember_lasts_until_the_worker_restarts() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let get = (8u32, b"k".to_vec()).encode();
    let cached = |world: &mut World| answer_of(ask(world, &alice, contract, get.clone()).1).1;
    assert_eq!(cached(&mut world), None::<Vec<u8>>.encode());
    // Nothing is written to the output, so that the contract returns what room it had: only the status counts.
    let set = (6u32, b"k".to_vec(), b"v".to_vec()).encode();
    assert_eq!(answer_of(ask(&mut world, &alice, contract, set).1).0, 0);
    assert_eq!(cached(&mut world), Some(b"v".to_vec()).encode());
    world.restart().unwrap();
    world.finalize().unwrap();
    assert_eq!(cached(&mut world), None::<Vec<u8>>.encode());
}

#[test]
fn as_many_queries_wait_as_may_and_then_no_more() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let waiting: Vec<_> =
        (0..8).map(|_| ask(&mut world, &alice, contract, fetches("https://slow.example/"))).collect();
    let mut tickets: Vec<_> = waiting.into_iter().map(|(asked, step)| (asked, work_of(step).0)).collect();
    let (_, step) = ask(&mut world, &alice, contract, fetches("https://slow.example/"));
    assert!(matches!(step, Step::Reply(Err(Refusal::Busy))), "{step:?}");
    // A query that does not wait is answered.
    assert_eq!(answer_of(ask(&mut world, &alice, contract, calls(2, ())).1).0, 0);
    let (asked, ticket) = tickets.pop().unwrap();
    assert_eq!(answer_of(asked.step(bring(&mut world, ticket, vec![response("")], 201))).0, 0);
    work_of(ask(&mut world, &alice, contract, fetches("https://slow.example/")).1);
}

#[test]
fn a_query_whose_answers_never_come_ends() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, mut step) = ask(&mut world, &alice, contract, fetches("https://example.org/"));
    let mut runs = 1;
    while let Step::Work(ticket, ..) = step {
        runs += 1;
        step = asked.step(bring(&mut world, ticket, vec![], 200 + runs));
    }
    assert_eq!((answer_of(step).0, runs), (Status::QuotaExceeded as u32, 10));
}

#[test]
fn what_nobody_waits_for_changes_nothing() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, step) = ask(&mut world, &alice, contract, fetches("https://example.org/"));
    let (ticket, _) = work_of(step);
    assert_eq!(answer_of(asked.step(bring(&mut world, ticket, vec![response("")], 201))).0, 0);
    let effects = bring(&mut world, ticket, vec![response("")], 202);
    assert!(matches!(effects[..], [Effect::Reply(Err(OpenRefusal::NotServing))]), "{effects:?}");
    assert_eq!(world.status().phase, Phase::Serving);
}

#[test]
fn a_query_that_waits_cannot_be_asked_again() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (asked, step) = ask(&mut world, &alice, contract, fetches("https://example.org/"));
    let (ticket, _) = work_of(step);
    assert_eq!(world.ask(&alice, &asked.query).unwrap_err(), Refusal::NonceReused);
    assert_eq!(answer_of(asked.step(bring(&mut world, ticket, vec![response("")], 201))).0, 0);
    assert_eq!(world.ask(&alice, &asked.query).unwrap_err(), Refusal::NonceReused);
}

#[test]
fn a_worker_that_has_restarted_knows_no_query_that_waited() {
    let alice = User::new(1);
    let (mut world, contract) = with_asker(&alice);
    let (_, step) = ask(&mut world, &alice, contract, fetches("https://example.org/"));
    let (ticket, _) = work_of(step);
    world.restart().unwrap();
    let effects = bring(&mut world, ticket, vec![response("")], 201);
    assert!(matches!(effects[..], [Effect::Reply(Err(OpenRefusal::NotServing))]));
}

#[test]
fn a_bad_envelope_is_refused_as_before() {
    let mut world = World::serving();
    let input = Input::Query { envelope: Untrusted::new(vec![1, 2, 3]), host_ms: Untrusted::new(0) };
    let effects = world.core.handle(input, Secret::new([200; 32]));
    assert!(matches!(effects[..], [Effect::Reply(Err(OpenRefusal::MalformedEnvelope))]));
}
