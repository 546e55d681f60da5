//! Queries: who is answered what, and who is refused.
#![allow(missing_docs)]

mod harness;

use codec::Encode;
use harness::*;
use phala_crypto::signature::verify_worker;
use phala_types::{
    BlockHash, BlockNumber, BlockRef, ContractId, Digest, Gas, GenesisHash, KeyVersion, MessageNumber, Nonce,
    WorkerId,
    envelope::Envelope,
    limits::{CALL_GAS_MAX, CERTIFICATE_BLOCKS_MAX, ENVELOPE_BYTES_MAX, QUERY_WINDOW_BLOCKS},
    query::{Answer, OpenRefusal, Query, Question, Refusal, Reply, Scope},
    receipt::Subject,
    tag::Tag,
    worker::Tier,
};

fn ask_notebook(contract: ContractId) -> Question {
    Question::call(contract, GAS, vec![1].try_into().unwrap())
}

/// The refusal of a query that was changed before it was signed.
fn refusal_of(change: impl Fn(&mut Query, &User)) -> Refusal {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let mut query = world.query_for(&alice, ask_notebook(contract));
    change(&mut query, &alice);
    let refusal = world.ask(&alice, &query).unwrap_err();
    assert!(world.query(&alice, contract, &[1]).is_ok(), "the worker goes on");
    refusal
}

#[test]
fn an_answer_comes_with_a_receipt_that_binds_it() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let query = world.query_for(&alice, ask_notebook(contract));
    let (answer, signed) = world.ask(&alice, &query).unwrap();
    let receipt = &signed.receipt;
    assert_eq!(receipt.genesis, world.genesis());
    assert_eq!(receipt.tier, Tier::Simulated);
    assert_eq!(receipt.head, world.known_block());
    assert_eq!(receipt.position, world.status().position);
    assert_eq!((receipt.contract, receipt.nonce), (Some(contract), query.nonce));
    assert_eq!(receipt.code_hash, Some(phala_types::cluster::code_hash(&notebook())));
    let question = Digest::new(Tag::QUERY_DIGEST.digest(&query.question));
    let answer = Digest::new(Tag::OUTCOME_DIGEST.digest(&answer));
    assert_eq!(receipt.subject, Subject::Query { question, answer });
    let verify = |receipt| {
        verify_worker(&world.status().worker, &signed.signature, Tag::RECEIPT, &world.genesis(), receipt)
    };
    assert!(verify(receipt).is_ok());
    let mut forged = receipt.clone();
    forged.position = MessageNumber::new(0);
    assert!(verify(&forged).is_err());
}

#[test]
fn a_query_keeps_no_change() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let before = world.query(&alice, contract, &[1]).unwrap().1.receipt.state_root;
    world.query(&alice, contract, &[0]).unwrap();
    assert_eq!(world.query(&alice, contract, &[1]).unwrap().1.receipt.state_root, before);
}

#[test]
fn a_worker_that_has_not_verified_the_named_block_answers_behind() {
    let head = std::cell::Cell::new(BlockNumber::new(0));
    let refusal = refusal_of(|query, _| {
        head.set(query.known_block.number);
        query.known_block.number = query.known_block.number.next().unwrap();
    });
    assert_eq!(refusal, Refusal::Behind { verified: head.get() });
}

#[test]
fn a_worker_that_has_not_executed_what_precedes_the_named_block_answers_behind() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let executed = world.known_block();
    let envelope = vec![].try_into().unwrap();
    world.enqueue(phala_types::cluster::ClusterMessage::Command { contract, envelope });
    world.finalize().unwrap();
    assert_eq!(
        world.query(&alice, contract, &[1]).unwrap_err(),
        Refusal::Behind { verified: executed.number }
    );
    // Who knows only the older block is still answered, from the state at it.
    let mut query = world.query_for(&alice, ask_notebook(contract));
    query.known_block = executed;
    assert_eq!(world.ask(&alice, &query).unwrap().1.receipt.head, executed);
}

#[test]
fn a_block_too_old_or_of_another_chain_is_refused() {
    let foreign = refusal_of(|query, _| query.known_block.hash = BlockHash::new([9; 32]));
    assert_eq!(foreign, Refusal::ForeignBlock);
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let old = world.query_for(&alice, ask_notebook(contract));
    for _ in 0..=QUERY_WINDOW_BLOCKS {
        world.chain.build();
    }
    world.finalize().unwrap();
    let oldest = BlockNumber::new(world.known_block().number.value() - QUERY_WINDOW_BLOCKS);
    assert_eq!(world.ask(&alice, &old).unwrap_err(), Refusal::StaleBlock { oldest });
}

#[test]
fn a_nonce_is_taken_once_even_across_a_restart() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let query = world.query_for(&alice, ask_notebook(contract));
    let (envelope, _) = world.seal_query(&alice, &query);
    assert!(world.ask_bytes(envelope.encode()).is_ok());
    assert_eq!(world.ask(&alice, &query).unwrap_err(), Refusal::NonceReused);
    let named = query.known_block.number;
    world.restart().unwrap();
    world.finalize().unwrap();
    let oldest = world.known_block().number;
    assert!(oldest > named);
    assert_eq!(world.ask(&alice, &query).unwrap_err(), Refusal::StaleBlock { oldest });
}

#[test]
fn a_certificate_is_held_to_its_signer_expiry_and_scope() {
    let mallory = User::new(2);
    let other = ContractId::new([9; 32]);
    let genesis = GenesisHash::new([9; 32]);
    let forged = refusal_of(|query, _| {
        let signature = mallory.certify(&genesis, query.certificate.certificate.clone()).signature;
        query.certificate.signature = signature;
    });
    assert_eq!(forged, Refusal::ForeignCertificate);
    type Change<'a> = &'a dyn Fn(&mut Query);
    let cases: [(Change, Refusal); 4] = [
        (&|q| q.certificate.certificate.expires_at = BlockNumber::new(1), Refusal::ExpiredCertificate),
        (
            &|q| {
                let latest = q.known_block.number.value() + CERTIFICATE_BLOCKS_MAX;
                q.certificate.certificate.expires_at = BlockNumber::new(latest + 1);
            },
            Refusal::CertificateTooLong,
        ),
        (
            &|q| q.certificate.certificate.scope = Scope::Contracts(vec![other].try_into().unwrap()),
            Refusal::OutOfScope,
        ),
        (&|q| q.certificate.certificate.signer = mallory.signer(), Refusal::ForeignCertificate),
    ];
    for (change, refusal) in cases {
        assert_eq!(refusal_of(|query, _| change(query)), refusal);
    }
}

#[test]
fn a_certificate_of_another_network_is_foreign() {
    let refusal = refusal_of(|query, alice| {
        query.certificate = alice.certify(&GenesisHash::new([9; 32]), query.certificate.certificate.clone());
    });
    assert_eq!(refusal, Refusal::ForeignCertificate);
}

#[test]
fn a_query_not_signed_by_its_session_key_is_refused() {
    let (alice, mallory) = (User::new(1), User::new(2));
    let (mut world, contract) = World::with_notebook(&alice);
    let query = world.query_for(&alice, ask_notebook(contract));
    // Mallory holds Alice's certificate, but not her session key.
    assert_eq!(world.ask(&mallory, &query).unwrap_err(), Refusal::BadSignature);
}

#[test]
fn a_query_for_another_worker_is_refused() {
    assert_eq!(refusal_of(|query, _| query.worker = WorkerId::new([9; 32])), Refusal::Misdirected);
}

#[test]
fn unknown_contracts_commands_and_too_much_gas_are_said_so() {
    let nobody = ContractId::new([9; 32]);
    assert_eq!(refusal_of(|query, _| query.question = ask_notebook(nobody)), Refusal::UnknownContract);
    let contract = |query: &Query| *query.question.contract().unwrap();
    let unknown = refusal_of(|query, _| {
        let number = MessageNumber::new(1000);
        query.question = Question::Outcome { contract: contract(query), number };
    });
    assert_eq!(unknown, Refusal::UnknownCommand);
    let gas = refusal_of(|query, _| {
        let gas_limit = Gas::new(CALL_GAS_MAX + 1);
        let input = vec![1].try_into().unwrap();
        query.question = Question::call(contract(query), gas_limit, input);
    });
    assert_eq!(gas, Refusal::GasLimitTooHigh);
}

#[test]
fn a_contract_that_traps_in_a_query_is_an_answer() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    for selector in [3, 4] {
        let (answer, _) = world.query(&alice, contract, &[selector]).unwrap();
        assert!(matches!(answer, Answer::Call { ended: phala_types::command::Ended::Trapped(_), .. }));
    }
}

#[test]
fn bytes_that_are_no_envelope_or_for_another_are_refused_unsealed() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let query = world.query_for(&alice, ask_notebook(contract));
    let (good, _) = world.seal_query(&alice, &query);
    let bytes = good.encode();
    let too_long = vec![0; ENVELOPE_BYTES_MAX as usize + 1];
    for bad in
        [vec![], vec![7; 100], bytes[..bytes.len() - 1].to_vec(), [&bytes[..], &[0]].concat(), too_long]
    {
        assert_eq!(world.ask_bytes(bad), Err(OpenRefusal::MalformedEnvelope));
    }
    let changes: [&dyn Fn(&mut Envelope); 4] = [
        &|e| e.header.genesis = GenesisHash::new([9; 32]),
        &|e| e.header.key_version = KeyVersion::new(1),
        &|e| e.encapsulated_key[0] ^= 1,
        &|e| e.ciphertext = vec![0; 64].try_into().unwrap(),
    ];
    for change in changes {
        let mut envelope = good.clone();
        change(&mut envelope);
        assert_eq!(world.ask_bytes(envelope.encode()), Err(OpenRefusal::ForeignCiphertext));
    }
    assert!(world.ask_bytes(bytes).is_ok());
}

#[test]
fn a_sealed_text_that_is_no_query_is_refused_sealed() {
    let alice = User::new(1);
    let (mut world, _) = World::with_notebook(&alice);
    for bad in [&b"hello"[..], &[]] {
        let (envelope, key) = world.seal_to_worker(bad);
        let reply = world.ask_bytes(envelope.encode()).unwrap();
        let reply: Reply = phala_types::decode_exact(&key.open(&reply).unwrap()).unwrap();
        assert_eq!(reply, Reply { nonce: Nonce::new([0; 32]), result: Err(Refusal::MalformedQuery) });
    }
}

#[test]
fn a_worker_that_is_not_registered_or_not_in_step_serves_nobody() {
    let mut world = World::new();
    assert_eq!(world.ask_bytes(vec![]), Err(OpenRefusal::NotServing));
    let genesis = phala_types::relay::RelayInput::Genesis(world.chain.genesis_proof());
    world.send(genesis).unwrap();
    world.finalize().unwrap();
    assert!(!world.status().registered);
    assert_eq!(world.ask_bytes(vec![]), Err(OpenRefusal::NotServing));
}

#[test]
fn a_worker_whose_registration_ended_stops_serving() {
    let mut world = World::serving();
    let worker = world.status().worker;
    world.chain.remove(&phala_light::keys::worker(worker));
    world.finalize().unwrap();
    assert!(!world.status().registered);
    assert_eq!(world.ask_bytes(vec![]), Err(OpenRefusal::NotServing));
}

#[test]
fn known_block_may_be_older_than_the_head() {
    let alice = User::new(1);
    let (mut world, contract) = World::with_notebook(&alice);
    let BlockRef { number, .. } = world.known_block();
    let query = world.query_for(&alice, ask_notebook(contract));
    world.finalize().unwrap();
    let receipt = world.ask(&alice, &query).unwrap().1.receipt;
    assert!(receipt.head.number > number);
}
