//! Writes the first inputs of each target: `seed FOLDER` makes `FOLDER/TARGET/NAME`.
//!
//! They are made by code, from the messages' vectors and the known keys, so that they never lag behind the formats.

use anyhow::{Context as _, Result, ensure};
use codec::Encode as _;
// Code that is compiled with coverage calls libFuzzer's counters, here too.
use libfuzzer_sys as _;
use phala_attest::danger_simulated::{Machine, sgx_extension};
use phala_crypto::{record::RecordKey, seal};
use phala_fuzz::{
    Votes, guest,
    network::{self, User, World},
};
use phala_light::testing::{self, Authorities};
use phala_testkit_evidence::{
    Forged as _,
    intel::{Kind, Story},
};
use phala_types::{
    AccountId, BlockNumber, Bytes, ContractId, GenesisHash, KeyVersion, MessageNumber,
    account::Signature,
    cluster::{ClusterMessage, code_hash},
    command::{Action, SignedCommand},
    envelope::{EnvelopeHeader, Recipient},
    finality::StorageProof,
    limits::ENVELOPE_BYTES_MAX,
    query::{Question, SignedQuery},
    relay::RelayInput,
    tag::Tag,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sp_crypto_hashing::blake2_256;
use std::{env, fs, path::Path};

const GENESIS: GenesisHash = GenesisHash::new([1; 32]);

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).context("usage: seed FOLDER")?;
    for (target, name, bytes) in all()? {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn all() -> Result<Vec<Seed>> {
    let lists = [
        messages()?,
        crypto()?,
        evidence()?,
        vendors(),
        finality(),
        code()?,
        relay_input()?,
        query(),
        command(),
    ];
    Ok(lists.into_iter().flatten().collect())
}

/// A target, a name and an input.
type Seed = (&'static str, String, Vec<u8>);

/// Each vector, behind the place of its message. A message without a place, or a place without a vector, is an error.
fn messages() -> Result<Vec<Seed>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/messages.json");
    let vectors: serde_json::Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let mut seeds = Vec::new();
    let mut seen = vec![false; phala_fuzz::MESSAGES.len()];
    for vector in vectors.as_array().context("vectors/messages.json is not a list")? {
        let name = vector["name"].as_str().context("a vector without a name")?;
        let message = name.split("::").next().unwrap_or_default();
        let place = phala_fuzz::MESSAGES.iter().position(|it| it.rsplit("::").next() == Some(message));
        let place = place.with_context(|| format!("{message} is not in the list of fuzz/src/lib.rs"))?;
        seen[place] = true;
        let scale = vector["scale"].as_str().context("a vector without bytes")?;
        let mut bytes = vec![u8::try_from(place)?];
        bytes.extend(hex::decode(scale.trim_start_matches("0x"))?);
        ensure!(phala_fuzz::decode_message(bytes[0], &bytes[1..]), "{name} does not decode");
        seeds.push(("messages", name.replace("::", "-"), bytes));
    }
    ensure!(seen.iter().all(|it| *it), "a message in fuzz/src/lib.rs has no vector");
    Ok(seeds)
}

/// One input for each of the things that the target tries.
fn crypto() -> Result<Vec<Seed>> {
    let secret = phala_fuzz::seed();
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let recipient = Recipient::Contract(ContractId::new([2; 32]));
    let header = EnvelopeHeader::new(GENESIS, recipient, KeyVersion::new(0));
    let opening_key = seal::OpeningKey::derive(&secret);
    let (envelope, reply_key) = seal::seal(header, &opening_key.public_key(), b"plaintext", &mut rng)?;
    let reply = reply_key.seal([9; 32], b"reply")?;
    let key = RecordKey::derive(&secret);
    let name = key.name(&"name");
    let record = key.seal(&name, [4; 24], b"value").context("a short record is sealed")?;
    let signature = phala_fuzz::signing_key().sign(Tag::COMMAND, &GENESIS, &b"payload".to_vec());
    let signed = (phala_fuzz::signer(), Signature::Ed25519(signature), b"payload".to_vec());
    Ok(vec![
        ("crypto", "envelope".into(), [vec![0], envelope.encode()].concat()),
        ("crypto", "reply".into(), [vec![1], (envelope, reply).encode()].concat()),
        ("crypto", "record".into(), [vec![2], (name, record).encode()].concat()),
        ("crypto", "signature".into(), [vec![3], (GENESIS, signed).encode()].concat()),
        (
            "crypto",
            "padding".into(),
            [vec![4], phala_crypto::padding::pad(b"plaintext").context("it is short")?].concat(),
        ),
        ("crypto", "plaintext".into(), b"\x05plaintext".to_vec()),
    ])
}

/// A genuine simulated quote, its parts, and the extension of its certificate.
fn evidence() -> Result<Vec<Seed>> {
    let machine = Machine::new(&[1; 32]).context("the simulated machine")?;
    let quote = machine.evidence(phala_fuzz::MEASUREMENT, phala_fuzz::REPORT_DATA).context("its quote")?;
    let draft = machine.draft(phala_fuzz::MEASUREMENT, phala_fuzz::REPORT_DATA).context("its draft")?;
    let parts = [
        draft.header,
        draft.report,
        draft.attestation_key,
        draft.qe_report,
        draft.qe_authentication,
        draft.certificates,
    ];
    let parts = (0u8..).zip(parts);
    let mut seeds = parts
        .map(|(part, bytes)| ("evidence", format!("part-{part}"), [vec![1, part], bytes].concat()))
        .collect::<Vec<_>>();
    let template = machine.certificate_template().context("its certificate")?;
    let extension = template.extensions[0].extn_value.as_bytes();
    seeds.push(("evidence", "extension".into(), [&[2][..], extension].concat()));
    seeds.push(("evidence", "quote".into(), [vec![0], quote].concat()));
    Ok(seeds)
}

/// Forged evidence of each kind of Intel's, the documents by which it is judged, and the parts of both that are signed.
fn vendors() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (place, kind) in (0u8..).zip(Kind::ALL) {
        let mut seed = |name: &str, head: &[u8], bytes: &[u8]| {
            seeds.push(("vendors", format!("{kind:?}-{name}"), [head, bytes].concat()));
        };
        let story = Story::new(kind);
        seed("header", &[1, place, 0], &story.quote.header);
        seed("report", &[1, place, 1], &story.quote.report);
        seed("qe-report", &[1, place, 2], &story.quote.qe_report);
        seed("info", &[2, place], story.info.to_string().as_bytes());
        seed("identity", &[3, place], story.identity.to_string().as_bytes());
        let forged = story.finish();
        seed("evidence", &[0, place], &forged.evidence());
        seed("quote", &[6], &forged.quote);
        for (number, document) in forged.documents.iter().enumerate() {
            seed(&format!("document-{number}"), &[4, place], &document.encode());
        }
    }
    let claims = Story::new(Kind::Sgx).claims;
    let extension = sgx_extension(&claims).expect("the claims are sound");
    seeds.push(("vendors", "extension".into(), [&[5][..], extension.extn_value.as_bytes()].concat()));
    seeds
}

/// What a light client is fed of a short chain that changes its authorities once, what its authorities may sign, and
/// its storage.
fn finality() -> Vec<Seed> {
    let chain = phala_fuzz::chain();
    let storage = chain.prove(BlockNumber::new(0), &phala_fuzz::chain_keys());
    let votes = Votes {
        blocks: [(9, 1), (0, 2), (1, 3), (0, 2), (9, 9), (9, 9)],
        target: 0,
        round: 1,
        set_id: 0,
        shown: 0b1110,
        digest: vec![testing::scheduled_change_item(&Authorities::new("second", 4), 0)],
    };
    let pairs = [0, 0, 1, 1, 2, 2, 2, 3];
    let nodes = nodes_by_place(&chain.header(BlockNumber::new(0)).state_root, &storage);
    let number = chain.head().number;
    vec![
        ("finality", "genesis".into(), [vec![0], chain.genesis_proof().encode()].concat()),
        ("finality", "block".into(), [vec![1], chain.finality_proof(BlockNumber::new(1)).encode()].concat()),
        ("finality", "storage".into(), [vec![2], storage.encode()].concat()),
        ("finality", "whole".into(), [vec![3], chain.chain_proof(number).encode()].concat()),
        ("finality", "votes".into(), [&[4][..], &votes.encode(), &pairs].concat()),
        ("finality", "nodes".into(), [vec![5], nodes.encode()].concat()),
    ]
}

/// The nodes of a trie from its root on, each naming the next ones by their places ([`phala_fuzz::trie`]).
fn nodes_by_place(root: &[u8; 32], proof: &StorageProof) -> Vec<Vec<u8>> {
    let mut rest = proof.nodes.iter().map(|it| it.to_vec()).collect::<Vec<_>>();
    let (mut nodes, mut hashes) = (Vec::<Vec<u8>>::new(), vec![*root]);
    while let Some(place) = rest.iter().position(|it| hashes.contains(&blake2_256(it))) {
        let node = rest.remove(place);
        let (name, hash) = (nodes.len().to_le_bytes()[0], blake2_256(&node));
        nodes.iter_mut().for_each(|it| phala_fuzz::replace(it, &hash, &[name; 32]));
        hashes.extend(node.windows(32).filter_map(|it| <[u8; 32]>::try_from(it).ok()));
        nodes.push(node);
    }
    nodes
}

/// Contracts, instructions, and one call of each host function.
fn code() -> Result<Vec<Seed>> {
    let small = wat::parse_str(
        r#"(module (import "env" "memory" (memory 1 1)) (func (export "deploy")) (func (export "call")))"#,
    )?;
    let mut seeds = vec![
        ("code", "notebook".into(), [vec![0], network::notebook()].concat()),
        ("code", "small".into(), [vec![0], small].concat()),
        // A loop that counts, and memory.grow.
        (
            "code",
            "body".into(),
            b"\x01\x03\x40\x20\x00\x41\x01\x6a\x22\x00\x0d\x00\x0b\x41\x01\x40\x00\x1a".into(),
        ),
    ];
    for function in 0u8..guest::count() {
        // Data that begins with lengths, then one call with small arguments.
        let data = [32, 0, 0, 0].repeat(32);
        let call = [&[function][..], &[4, 32, 8, 32, 64, 0, 4, 64, 4, 32, 0, 32, 4, 64]].concat();
        seeds.push(("code", format!("host-{function}"), [vec![2, 0], data, call].concat()));
    }
    Ok(seeds)
}

/// One input of each kind, for a new worker (0) and one that serves (1), and storage values.
fn relay_input() -> Result<Vec<Seed>> {
    let mut world = World::serving();
    let genesis = RelayInput::Genesis(world.chain.genesis_proof());
    let register = RelayInput::Register { operator: AccountId::new([9; 32]), endpoint: Bytes::default() };
    world.enqueue(ClusterMessage::CodeUploaded { code: Bytes::default() });
    let block = world.next_block();
    let delivery = RelayInput::Messages(world.messages.clone().try_into().unwrap_or_default());
    let named = [("genesis", genesis), ("register", register), ("block", block), ("messages", delivery)];
    let seeds = named.into_iter().flat_map(|(name, input)| {
        [0, 1].map(|which: u8| {
            ("relay_input", format!("{name}-{which}"), [vec![which], input.encode()].concat())
        })
    });
    let mut seeds = seeds.collect::<Vec<_>>();
    // What a worker reads of itself, by its place in `phala_light::keys::worker_view`.
    let mut value = |place: u8, name: String, bytes: &[u8]| {
        seeds.push(("relay_input", name, [&[2, place][..], bytes].concat()));
    };
    value(0, "now".into(), &phala_fuzz::NOW.encode());
    value(2, "membership".into(), &network::CLUSTER.encode());
    for (_, name, bytes) in messages()? {
        let place = [(1, "WorkerRecord"), (3, "Tip"), (4, "Checkpoint")];
        if let Some((place, _)) = place.iter().find(|(_, message)| name.starts_with(message)) {
            value(*place, name, &bytes[1..]);
        }
    }
    Ok(seeds)
}

/// A query as it comes, what was sealed in it, and what was asked.
fn query() -> Vec<Seed> {
    let user = User::new(1);
    let (mut world, contract) = World::with_notebook(&user);
    let call = Question::call(contract, network::GAS, Bytes::default());
    let outcome = Question::Outcome { contract, number: MessageNumber::new(1) };
    let upload = Question::Upload { cluster: network::CLUSTER, code_hash: code_hash(&network::notebook()) };
    let query = world.query_for(&user, call.clone());
    let signature = user.session.sign(Tag::QUERY, &world.genesis(), &query);
    let (envelope, _) = world.seal_query(&user, &query);
    let certificate = query.certificate.certificate.clone();
    vec![
        ("query", "envelope".into(), [vec![0], envelope.encode()].concat()),
        ("query", "signed".into(), [vec![1], SignedQuery { query, signature }.encode()].concat()),
        ("query", "call".into(), [vec![2], call.encode()].concat()),
        ("query", "outcome".into(), [vec![2], outcome.encode()].concat()),
        ("query", "certificate".into(), [vec![3], (certificate, MessageNumber::new(1)).encode()].concat()),
        ("query", "upload".into(), [vec![2], upload.encode()].concat()),
    ]
}

/// A command as it comes, what was sealed in it, what the contract is given, and messages of the other kinds.
fn command() -> Vec<Seed> {
    let user = User::new(1);
    let (mut world, contract) = World::with_notebook(&user);
    let command = user.command(contract, Action::Call, 2, vec![0; 4]);
    let unsigned = command.encode();
    let signature = user.sign(Tag::COMMAND, &world.genesis(), &command);
    let envelope: Bytes<ENVELOPE_BYTES_MAX> = world.sealed(&user, &command);
    let code = Bytes::try_from(network::notebook()).unwrap_or_default();
    let deployed = ClusterMessage::ContractDeployed {
        contract,
        code_hash: code_hash(&code),
        envelope: envelope.clone(),
    };
    vec![
        ("command", "envelope".into(), [vec![0], envelope.to_vec()].concat()),
        ("command", "signed".into(), [vec![1], SignedCommand { command, signature }.encode()].concat()),
        ("command", "unsigned".into(), [vec![4], unsigned].concat()),
        ("command", "input".into(), vec![2, 1, 0, 0, 0]),
        ("command", "code".into(), [vec![3], ClusterMessage::CodeUploaded { code }.encode()].concat()),
        ("command", "deployed".into(), [vec![3], deployed.encode()].concat()),
    ]
}
