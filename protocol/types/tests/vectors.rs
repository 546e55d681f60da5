//! Every message's encoding, held to vectors/messages.json: other implementations decode the same bytes, and a change
//! of the wire shows in a review. `cargo xtask vectors --write` writes the file anew.

use codec::{Decode, Encode};
use phala_types::{
    account::*, cluster::*, code::*, command::*, envelope::*, finality::*, log::*, mailbox::*, query::*,
    receipt::*, relay::*, trap::*, worker::*, *,
};
use std::{collections::BTreeSet, fmt::Debug, fs, path::Path};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/messages.json");

/// Zeros that complete any variant's fields: lists are empty, options are `None`.
const ZEROS: [u8; 4096] = [0; 4096];

/// The vectors: a name, which is the type's and for an enum the variant's too, and the encoding.
#[derive(Default)]
struct Vectors(Vec<(String, Vec<u8>)>);

impl Vectors {
    fn add<T: Encode + Decode + PartialEq + Debug>(&mut self, name: &str, value: T) {
        let bytes = value.encode();
        assert_eq!(decode_exact::<T>(&bytes).as_ref(), Ok(&value), "{name} does not decode to itself");
        self.0.push((name.to_owned(), bytes));
    }

    /// One vector for each variant: as many first bytes must be here as there are that decode.
    fn add_enum<T: Encode + Decode + PartialEq + Debug, const N: usize>(
        &mut self,
        name: &str,
        values: [T; N],
    ) {
        let decodes = |index: &u8| T::decode(&mut [&[*index], &ZEROS[..]].concat().as_slice()).is_ok();
        let variants = (0..=u8::MAX).filter(decodes).collect::<BTreeSet<_>>();
        let sampled = values.iter().map(|value| value.encode()[0]).collect::<BTreeSet<_>>();
        assert_eq!(sampled, variants, "{name} has a variant without a vector");
        for value in values {
            let text = format!("{value:?}");
            let variant = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
            self.add(&format!("{name}::{variant}"), value);
        }
    }

    fn json(&self) -> String {
        let line = |(name, bytes): &(String, Vec<u8>)| {
            let (scale, digest) = (hex::encode(bytes), hex::encode(sp_crypto_hashing::blake2_256(bytes)));
            format!("  {{\"name\": \"{name}\", \"scale\": \"0x{scale}\", \"blake2_256\": \"0x{digest}\"}}")
        };
        format!("[\n{}\n]\n", self.0.iter().map(line).collect::<Vec<_>>().join(",\n"))
    }
}

fn bytes<const N: u32>(text: &str) -> Bytes<N> {
    text.as_bytes().to_vec().try_into().expect("the samples are short")
}

fn list<T, const N: u32>(items: Vec<T>) -> List<T, N> {
    items.try_into().ok().expect("the samples are few")
}

const GENESIS: GenesisHash = GenesisHash::new([0x01; 32]);
const WORKER: WorkerId = WorkerId::new([0x02; 32]);
const CONTRACT: ContractId = ContractId::new([0x03; 32]);
const ACCOUNT: AccountId = AccountId::new([0x04; 32]);
const CODE: CodeHash = CodeHash::new([0x05; 32]);
const ROOT: StateRoot = StateRoot::new([0x06; 32]);
const DIGEST: Digest = Digest::new([0x07; 32]);
const NONCE: Nonce = Nonce::new([0x08; 32]);
const CLUSTER: ClusterId = ClusterId::new(1);
const BLOCK: BlockRef = BlockRef { number: BlockNumber::new(1000), hash: BlockHash::new([0x09; 32]) };
const NUMBER: MessageNumber = MessageNumber::new(300);
const VERSION: KeyVersion = KeyVersion::new(1);
const GAS: Gas = Gas::new(5_000_000);
const AMOUNT: Amount = Amount::new(1_000_000_000_000);
const WORKER_SIGNATURE: WorkerSignature = WorkerSignature([0x0a; 64]);
const SIGNER: Signer = Signer::Sr25519([0x0b; 32]);
const SIGNATURE: Signature = Signature::Sr25519([0x0c; 64]);
const CHECKPOINT: Checkpoint =
    Checkpoint { cluster: CLUSTER, position: NUMBER, block: BLOCK.number, state_root: ROOT };
const TIP: Tip = Tip { count: NUMBER, hash: DIGEST };
const INBOX_KEY: InboxKey = InboxKey { contract: CONTRACT, key_version: VERSION, public_key: [0x0d; 32] };

fn envelope(recipient: Recipient) -> Envelope {
    Envelope {
        header: EnvelopeHeader::new(GENESIS, recipient, VERSION),
        encapsulated_key: [0x0e; 32],
        ciphertext: bytes("ciphertext"),
    }
}

fn command() -> Command {
    Command {
        cluster: CLUSTER,
        contract: CONTRACT,
        signer: SIGNER,
        sequence: 7,
        action: Action::Call,
        value: AMOUNT,
        gas_limit: GAS,
        deposit_limit: Some(AMOUNT),
        input: bytes("input"),
    }
}

fn returned() -> Ended {
    Ended::Returned { flags: FLAG_REVERT, data: bytes("data") }
}

fn event() -> Event {
    Event { contract: CONTRACT, topics: list(vec![[0x0f; 32]]), data: bytes("event") }
}

fn execution() -> Execution {
    Execution {
        contract: CONTRACT,
        caller: ACCOUNT,
        ended: returned(),
        gas_used: GAS,
        deposit: Deposit::Refunded(AMOUNT),
        events: list(vec![event()]),
        logs: list(vec![log_line()]),
    }
}

fn log_line() -> LogLine {
    let fields =
        vec![(bytes("name"), LogValue::Unsigned(7)), (bytes("other"), LogValue::Text(bytes("text")))];
    LogLine { contract: CONTRACT, level: LogLevel::Info, message: bytes("message"), fields: list(fields) }
}

fn answer() -> Answer {
    Answer::Call {
        ended: returned(),
        gas_used: GAS,
        deposit: Deposit::Charged(AMOUNT),
        events: list(vec![event()]),
        logs: list(vec![log_line()]),
    }
}

fn question() -> Question {
    let input = bytes("input");
    Question::Call { contract: CONTRACT, value: AMOUNT, gas_limit: GAS, deposit_limit: Some(AMOUNT), input }
}

fn finality() -> FinalityProof {
    FinalityProof { header: bytes("header"), justification: bytes("justification") }
}

fn storage() -> StorageProof {
    StorageProof { nodes: list(vec![bytes("node"), bytes("other node")]) }
}

fn genesis() -> GenesisProof {
    GenesisProof { header: bytes("header"), authorities: storage() }
}

fn message() -> Message {
    Message {
        number: NUMBER,
        block: BLOCK.number,
        timestamp: Millis::new(1_764_000_000_000),
        body: ClusterMessage::CodeUploaded { code: bytes("wasm") },
    }
}

fn certificate() -> SignedCertificate {
    let certificate = Certificate {
        signer: SIGNER,
        session_key: [0x10; 32],
        scope: Scope::Contracts(list(vec![CONTRACT])),
        expires_at: BLOCK.number,
    };
    SignedCertificate { certificate, signature: SIGNATURE }
}

fn query() -> Query {
    Query {
        worker: WORKER,
        known_block: BLOCK,
        nonce: NONCE,
        certificate: certificate(),
        question: question(),
    }
}

fn subjects() -> [Subject; 3] {
    [
        Subject::Query { question: DIGEST, answer: DIGEST },
        Subject::Command { number: NUMBER, tip: DIGEST, outcome: DIGEST },
        Subject::Upload { code_hash: CODE, number: NUMBER, tip: DIGEST, outcome: DIGEST },
    ]
}

fn receipt() -> SignedReceipt {
    let [subject, ..] = subjects();
    let receipt = Receipt {
        genesis: GENESIS,
        tier: Tier::Simulated,
        worker: WORKER,
        attestation: DIGEST,
        head: BLOCK,
        cluster: CLUSTER,
        position: NUMBER,
        contract: Some(CONTRACT),
        code_hash: Some(CODE),
        state_root: ROOT,
        key_version: VERSION,
        nonce: NONCE,
        subject,
    };
    SignedReceipt { receipt, signature: WORKER_SIGNATURE }
}

fn registration() -> Registration {
    Registration {
        genesis: GENESIS,
        worker: WORKER,
        role: Role::Miner,
        hpke_key: [0x11; 32],
        operator: ACCOUNT,
        endpoint: bytes("http://127.0.0.1:8000"),
        anchor: BLOCK,
    }
}

fn status() -> WorkerStatus {
    WorkerStatus {
        worker: WORKER,
        tier: Tier::Simulated,
        phase: Phase::Serving,
        genesis: Some(GENESIS),
        head: Some(BLOCK),
        registered: true,
        cluster: Some(CLUSTER),
        target: Some(TIP),
        position: NUMBER,
        wanted: NUMBER,
        refused_inputs: 2,
    }
}

fn input_error() -> InputError {
    InputError { blame: Blame::Rejected, text: "the justification is not for this block".into() }
}

/// What the chain says to workers, and what it records.
fn add_chain(all: &mut Vectors) {
    all.add_enum("Topic", [Topic::Cluster(CLUSTER)]);
    all.add_enum(
        "ClusterMessage",
        [
            ClusterMessage::CodeUploaded { code: bytes("wasm") },
            ClusterMessage::ContractDeployed {
                contract: CONTRACT,
                code_hash: CODE,
                envelope: bytes("envelope"),
            },
            ClusterMessage::Command { contract: CONTRACT, envelope: bytes("envelope") },
            ClusterMessage::CodeRemoved { code_hash: CODE },
        ],
    );
    all.add("Message", message());
    all.add("Tip", TIP);
    all.add("ContractRecord", ContractRecord { cluster: CLUSTER, code_hash: CODE, owner: ACCOUNT });
    all.add("Checkpoint", CHECKPOINT);
    all.add("Registration", registration());
    all.add_enum("Role", Role::ALL);
    all.add_enum("Tier", Tier::ALL);
    all.add(
        "WorkerRecord",
        WorkerRecord {
            hpke_key: [0x11; 32],
            operator: ACCOUNT,
            endpoint: bytes("http://127.0.0.1:8000"),
            role: Role::Miner,
            tier: Tier::Simulated,
            measurement: DIGEST,
            machine: DIGEST,
            attestation: DIGEST,
            registered_at: BLOCK.number,
            expires_at: BLOCK.number,
        },
    );
    all.add("BlockRef", BLOCK);
}

/// What a light client is fed, and what passes between the relay and the worker.
fn add_relay(all: &mut Vectors) {
    all.add("FinalityProof", finality());
    all.add("StorageProof", storage());
    all.add("GenesisProof", genesis());
    all.add(
        "ChainProof",
        ChainProof { genesis: genesis(), handoffs: list(vec![finality()]), head: finality() },
    );
    all.add_enum(
        "RelayInput",
        [
            RelayInput::Genesis(genesis()),
            RelayInput::Register { operator: ACCOUNT, endpoint: bytes("http://127.0.0.1:8000") },
            RelayInput::Finality { proof: finality(), view: Some(storage()) },
            RelayInput::Messages(list(vec![message()])),
        ],
    );
    all.add("RelayOutput", RelayOutput { status: status(), result: Err(input_error()) });
    all.add_enum(
        "Accepted",
        [
            Accepted::Done,
            Accepted::Registration { registration: registration(), evidence: bytes("evidence") },
            Accepted::Checkpoint { checkpoint: CHECKPOINT, signature: WORKER_SIGNATURE },
        ],
    );
    all.add("WorkerStatus", status());
    all.add_enum("Phase", [Phase::New, Phase::Syncing, Phase::Serving, Phase::Halted(HaltReason::Diverged)]);
    all.add_enum("HaltReason", [HaltReason::RolledBack, HaltReason::Diverged, HaltReason::Bug]);
    all.add("InputError", input_error());
    all.add_enum("Blame", [Blame::Malformed, Blame::Rejected, Blame::OutOfOrder, Blame::Halted]);
}

/// What a user sends through the chain, and what comes of it.
fn add_command(all: &mut Vectors) {
    all.add_enum(
        "Signer",
        [Signer::Ed25519([0x12; 32]), Signer::Sr25519([0x13; 32]), Signer::Ecdsa([0x14; 33])],
    );
    all.add_enum(
        "Signature",
        [Signature::Ed25519([0x15; 64]), Signature::Sr25519([0x16; 64]), Signature::Ecdsa([0x17; 65])],
    );
    all.add("WorkerSignature", WORKER_SIGNATURE);
    all.add_enum("Recipient", [Recipient::Contract(CONTRACT), Recipient::Worker(WORKER)]);
    all.add("EnvelopeHeader", EnvelopeHeader::new(GENESIS, Recipient::Worker(WORKER), VERSION));
    all.add("Envelope", envelope(Recipient::Contract(CONTRACT)));
    all.add_enum("Action", [Action::Instantiate { code_hash: CODE }, Action::Call]);
    all.add("Command", command());
    all.add("SignedCommand", SignedCommand { command: command(), signature: SIGNATURE });
    all.add("Event", event());
    all.add_enum(
        "Rejection",
        [
            Rejection::MalformedEnvelope,
            Rejection::ForeignCiphertext,
            Rejection::UnknownKeyVersion,
            Rejection::MalformedCommand,
            Rejection::BadSignature,
            Rejection::Misdirected,
            Rejection::Replayed,
            Rejection::UnknownContract,
            Rejection::UnknownCode,
            Rejection::ContractExists,
            Rejection::InsufficientBalance,
            Rejection::GasLimitTooHigh,
            Rejection::InvalidCode(CodeRefusal::Floats),
            Rejection::CodeInUse(2),
        ],
    );
    let (module, name) = (CodeName::new("env"), CodeName::new("name"));
    all.add("CodeName", name.clone());
    all.add_enum(
        "CodeRefusal",
        [
            CodeRefusal::TooLarge,
            CodeRefusal::Malformed,
            CodeRefusal::Floats,
            CodeRefusal::ForbiddenFeature,
            CodeRefusal::UnknownImport { module: module.clone(), name: name.clone() },
            CodeRefusal::WrongSignature { module: module.clone(), name: name.clone() },
            CodeRefusal::MemoryMissing,
            CodeRefusal::MemoryForeign,
            CodeRefusal::MemoryTooBig { pages: 65 },
            CodeRefusal::ExportMissing { name: name.clone() },
            CodeRefusal::ExportForeign { name: name.clone() },
            CodeRefusal::ExportSignature { name: name.clone() },
            CodeRefusal::StartFunction,
            CodeRefusal::SegmentOutOfBounds,
            CodeRefusal::TooMany { what: CodePart::Functions, limit: 4096 },
            CodeRefusal::DeprecatedImport { module, name },
            CodeRefusal::Compiler,
        ],
    );
    all.add_enum(
        "CodePart",
        [
            CodePart::Functions,
            CodePart::Locals,
            CodePart::FunctionBytes,
            CodePart::Parameters,
            CodePart::Globals,
            CodePart::Tables,
            CodePart::TableElements,
            CodePart::BrTableTargets,
            CodePart::Types,
            CodePart::Segments,
        ],
    );
    all.add_enum("Trap", Trap::ALL);
    all.add_enum("Ended", [returned(), Ended::Trapped(2)]);
    all.add("Execution", execution());
    all.add_enum(
        "Outcome",
        [
            Outcome::Rejected(Rejection::Replayed),
            Outcome::CodeStored(CODE),
            Outcome::Executed(execution()),
            Outcome::CodeRemoved(CODE),
        ],
    );
    all.add_enum("Deposit", [Deposit::Charged(AMOUNT), Deposit::Refunded(AMOUNT)]);
    all.add("LogLine", log_line());
    all.add_enum(
        "LogLevel",
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace],
    );
    all.add_enum(
        "LogValue",
        [
            LogValue::Bool(true),
            LogValue::Unsigned(7),
            LogValue::Signed(-7),
            LogValue::Text(bytes("text")),
            LogValue::Bytes(bytes("bytes")),
            LogValue::Account(ACCOUNT),
        ],
    );
}

/// What a user asks a worker, and what it answers.
fn add_query(all: &mut Vectors) {
    all.add_enum("Scope", [Scope::Any, Scope::Contracts(list(vec![CONTRACT]))]);
    all.add("Certificate", certificate().certificate);
    all.add("SignedCertificate", certificate());
    all.add_enum(
        "Question",
        [
            question(),
            Question::Outcome { contract: CONTRACT, number: NUMBER },
            Question::Upload { cluster: CLUSTER, code_hash: CODE },
            Question::Instantiate {
                cluster: CLUSTER,
                contract: CONTRACT,
                code_hash: CODE,
                value: AMOUNT,
                gas_limit: GAS,
                deposit_limit: None,
                input: bytes("input"),
            },
        ],
    );
    all.add("Query", query());
    all.add("SignedQuery", SignedQuery { query: query(), signature: [0x18; 64] });
    all.add_enum("Answer", [answer(), Answer::Outcome(Outcome::Executed(execution()))]);
    all.add("Reply", Reply { nonce: NONCE, result: Ok((answer(), receipt())) });
    all.add_enum(
        "Refusal",
        [
            Refusal::Behind { verified: BLOCK.number },
            Refusal::StaleBlock { oldest: BLOCK.number },
            Refusal::ForeignBlock,
            Refusal::MalformedQuery,
            Refusal::Misdirected,
            Refusal::ForeignCertificate,
            Refusal::ExpiredCertificate,
            Refusal::CertificateTooLong,
            Refusal::OutOfScope,
            Refusal::BadSignature,
            Refusal::NonceReused,
            Refusal::UnknownContract,
            Refusal::UnknownCommand,
            Refusal::GasLimitTooHigh,
            Refusal::Busy,
            Refusal::NotServing,
            Refusal::UnknownUpload,
            Refusal::UnknownCode,
            Refusal::ContractExists,
        ],
    );
    all.add("SealedReply", SealedReply { salt: [0x19; 32], ciphertext: b"ciphertext".to_vec() });
    all.add_enum(
        "OpenRefusal",
        [OpenRefusal::MalformedEnvelope, OpenRefusal::ForeignCiphertext, OpenRefusal::NotServing],
    );
    all.add("InboxKey", INBOX_KEY);
    all.add(
        "SignedInboxKey",
        SignedInboxKey { inbox_key: INBOX_KEY, worker: WORKER, signature: WORKER_SIGNATURE },
    );
    all.add_enum("Subject", subjects());
    all.add("Receipt", receipt().receipt);
    all.add("SignedReceipt", receipt());
}

fn vectors() -> Vectors {
    let mut all = Vectors::default();
    add_chain(&mut all);
    add_relay(&mut all);
    add_command(&mut all);
    add_query(&mut all);
    all
}

/// The names of all types in the sources that derive `Encode`, but for `Untrusted`, which encodes as what it wraps.
fn messages_in_sources() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("there are sources") {
        let source = fs::read_to_string(entry.expect("a file").path()).expect("text");
        for part in source
            .split("#[derive(")
            .skip(1)
            .filter(|part| part.split(")]").next().unwrap().contains("Encode"))
        {
            let mut words = part.split(|c: char| !c.is_alphanumeric() && c != '$');
            let name = words.find(|&word| word == "struct" || word == "enum").and_then(|_| words.next());
            // The names of ids are a macro's.
            names.extend(
                name.filter(|name| !name.starts_with('$') && *name != "Untrusted").map(str::to_owned),
            );
        }
    }
    names
}

#[test]
fn every_message_encodes_as_its_vector_says() {
    let actual = vectors().json();
    if std::env::var_os("PHALA_VECTORS_WRITE").is_some() {
        fs::write(FILE, &actual).expect("the file can be written");
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    let changed =
        actual.lines().filter(|line| !written.contains(line.trim_end_matches(','))).collect::<Vec<_>>();
    assert!(
        written == actual,
        "the wire changed; if that is meant, run `cargo xtask vectors --write` and say so in the commit:\n{}",
        changed.join("\n"),
    );
}

#[test]
fn every_message_has_a_vector() {
    let named = vectors().0.into_iter().map(|(name, _)| name.split("::").next().unwrap().to_owned());
    let named = named.collect::<BTreeSet<_>>();
    let missing = messages_in_sources().difference(&named).cloned().collect::<Vec<_>>();
    assert!(missing.is_empty(), "add a sample to this file for: {}", missing.join(", "));
}

#[test]
fn bytes_left_over_are_refused() {
    let mut bytes = message().encode();
    bytes.push(0);
    assert!(decode_exact::<Message>(&bytes).is_err());
}

#[test]
fn list_over_its_bound_is_refused() {
    let contracts = vec![CONTRACT; limits::SCOPE_CONTRACTS_MAX as usize + 1];
    let mut bytes = Scope::Contracts(list(vec![])).encode()[..1].to_vec();
    bytes.extend(contracts.encode());
    assert!(decode_exact::<Scope>(&bytes).is_err());
}
