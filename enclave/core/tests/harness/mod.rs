//! A worker's core, a chain whose authorities the test holds, and a user: everything real but the processes.
#![allow(dead_code, missing_docs, reason = "each test file uses a part of it")]

use codec::Encode;
use phala_core::{BootError, Core, Effect, Input, Record, Write};
use phala_crypto::{
    Secret,
    seal::{ReplyKey, seal},
    signature::SigningKey,
};
use phala_light::{
    keys,
    testing::{Authorities, Chain},
};
use phala_types::{
    account::{Signature, Signer},
    cluster::{Checkpoint, ClusterMessage, code_hash},
    command::{Action, Command, Outcome, SignedCommand},
    envelope::{Envelope, EnvelopeHeader, Recipient},
    mailbox::{Message, Tip, Topic},
    query::*,
    receipt::SignedReceipt,
    relay::{Accepted, Blame, InputError, Phase, RelayInput, RelayOutput, WorkerStatus},
    tag::Tag,
    worker::{Role, Tier, WorkerRecord},
    *,
};
use phala_vm::WasmtimeEngine;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

pub const CLUSTER: ClusterId = ClusterId::new(0);
pub const TOPIC: Topic = Topic::Cluster(CLUSTER);
pub const VERSION: KeyVersion = KeyVersion::new(0);
/// Gas for one call of a test contract.
pub const GAS: Gas = Gas::new(1_000_000_000);

/// `call` with selector 0 stores the caller's account under one key; with 1 returns what is stored; with 2 reverts after
/// storing; with 3 traps; with 4 loops forever. `deploy` stores 32 zeros.
pub const NOTEBOOK: &str = r#"(module
  (import "env" "memory" (memory 1 1))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "caller" (func $caller (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (func $store (drop (call $set (i32.const 0) (i32.const 4) (i32.const 64) (i32.const 32))))
  (func (export "deploy") (call $store))
  (func (export "call")
    (local $selector i32)
    (i32.store (i32.const 200) (i32.const 8))
    (call $input (i32.const 208) (i32.const 200))
    (local.set $selector (i32.load8_u (i32.const 208)))
    (if (i32.eq (local.get $selector) (i32.const 1)) (then
      (i32.store (i32.const 100) (i32.const 32))
      (drop (call $get (i32.const 0) (i32.const 4) (i32.const 64) (i32.const 100)))
      (call $return (i32.const 0) (i32.const 64) (i32.const 32))))
    (if (i32.eq (local.get $selector) (i32.const 3)) (then (unreachable)))
    (if (i32.eq (local.get $selector) (i32.const 4)) (then (loop $forever (br $forever))))
    (i32.store (i32.const 100) (i32.const 32))
    (call $caller (i32.const 64) (i32.const 100))
    (call $store)
    (call $event (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 32))
    (if (i32.eq (local.get $selector) (i32.const 2)) (then
      (call $return (i32.const 1) (i32.const 64) (i32.const 32))))))"#;

pub fn notebook() -> Vec<u8> {
    wat::parse_str(NOTEBOOK).unwrap()
}

/// A disk that keeps what it is told to write.
#[derive(Clone, Default)]
pub struct Records(pub BTreeMap<[u8; 32], Vec<u8>>);

impl Records {
    pub fn write(&mut self, writes: &[Write]) {
        for Write { name, value } in writes {
            match value {
                Some(value) => self.0.insert(*name, value.clone()),
                None => self.0.remove(name),
            };
        }
    }

    pub fn list(&self) -> Vec<Record> {
        self.0.iter().map(|(name, value)| Record { name: *name, value: value.clone() }).collect()
    }
}

/// The worker, its disk and the chain.
pub struct World {
    pub core: Core<WasmtimeEngine>,
    pub disk: Records,
    pub chain: Chain,
    pub messages: Vec<Message>,
    pub published: Vec<BlockNumber>,
    pub checkpoints: Vec<Checkpoint>,
    /// The worker's HPKE key, once it has registered.
    pub hpke_key: [u8; 32],
    /// The disk as it was when the worker was born.
    pub birth: Records,
    entropy: u8,
}

pub fn boot(records: &Records, entropy: u8) -> Result<(Core<WasmtimeEngine>, Vec<Effect>), BootError> {
    let engine = WasmtimeEngine::new().unwrap();
    let sealing_key = Secret::new([42; 32]);
    Core::boot(engine, Tier::Simulated, &sealing_key, records.list(), Secret::new([entropy; 32]))
}

impl World {
    /// A new worker beside a new chain.
    pub fn new() -> Self {
        let (core, effects) = boot(&Records::default(), 1).unwrap();
        let chain = Chain::new(Authorities::new("validators", 3));
        let mut world = Self {
            core,
            disk: Records::default(),
            chain,
            messages: Vec::new(),
            published: Vec::new(),
            checkpoints: Vec::new(),
            hpke_key: [0; 32],
            birth: Records::default(),
            entropy: 1,
        };
        world.carry_out(effects);
        world.birth = world.disk.clone();
        world
    }

    /// A worker with the same seed that has seen nothing of the same chain, beside it.
    pub fn newborn_twin(&self) -> Self {
        let (core, _) = boot(&self.birth, 77).unwrap();
        let mut twin = Self {
            core,
            disk: self.birth.clone(),
            chain: self.chain.clone(),
            messages: self.messages.clone(),
            published: Vec::new(),
            checkpoints: Vec::new(),
            hpke_key: self.hpke_key,
            birth: self.birth.clone(),
            entropy: 77,
        };
        let genesis = RelayInput::Genesis(twin.chain.genesis_proof());
        twin.send(genesis).unwrap();
        twin.finalize().unwrap();
        twin
    }

    /// A worker that is registered, in the cluster, and serves.
    pub fn serving() -> Self {
        let mut world = Self::new();
        let genesis = RelayInput::Genesis(world.chain.genesis_proof());
        world.send(genesis).unwrap();
        world.register();
        world.finalize().unwrap();
        // Now that the worker knows its cluster, its view holds the topic.
        world.finalize().unwrap();
        assert_eq!(world.status().phase, Phase::Serving);
        world
    }

    /// A serving worker with the notebook contract of `owner` in it.
    pub fn with_notebook(owner: &User) -> (Self, ContractId) {
        let mut world = Self::serving();
        let contract = world.deploy(owner, &notebook());
        (world, contract)
    }

    pub fn status(&self) -> WorkerStatus {
        self.core.status()
    }

    pub fn genesis(&self) -> GenesisHash {
        self.chain.genesis_hash()
    }

    pub fn restart(&mut self) -> Result<(), BootError> {
        let entropy = self.fresh();
        let (core, effects) = boot(&self.disk, entropy)?;
        self.core = core;
        self.carry_out(effects);
        Ok(())
    }

    fn fresh(&mut self) -> u8 {
        self.entropy = self.entropy.checked_add(1).expect("a test draws fewer than 255 times");
        self.entropy
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Option<RelayOutput> {
        let mut output = None;
        for effect in effects {
            match effect {
                Effect::Write(writes) => self.disk.write(&writes),
                Effect::Relay(relay) => output = Some(relay),
                Effect::Publish(block, _) => self.published.push(block),
                Effect::Work { work, .. } => panic!("a block or a message asks for {work:?}"),
                _ => {}
            }
        }
        output
    }

    /// Hands in raw bytes as the relay.
    pub fn send_bytes(&mut self, bytes: Vec<u8>) -> RelayOutput {
        let entropy = Secret::new([self.fresh(); 32]);
        let effects = self.core.handle(Input::Relay(Untrusted::new(bytes)), entropy);
        let output = self.carry_out(effects).unwrap();
        if let Ok(Accepted::Checkpoint { checkpoint, .. }) = &output.result {
            self.checkpoints.push(*checkpoint);
        }
        output
    }

    pub fn send(&mut self, input: RelayInput) -> Result<Accepted, InputError> {
        self.send_bytes(input.encode()).result
    }

    /// Sends something that must not be taken, and checks that nothing moved.
    pub fn refused(&mut self, input: RelayInput) -> (Blame, String) {
        let (before, disk) = (self.status(), self.disk.0.clone());
        let error = self.send(input).unwrap_err();
        let mut after = self.status();
        assert_eq!(after.refused_inputs, before.refused_inputs + 1);
        after.refused_inputs = before.refused_inputs;
        assert_eq!(after, before);
        assert!(self.disk.0 == disk);
        (error.blame, error.text)
    }

    pub fn put(&mut self, key: Vec<u8>, value: &impl Encode) {
        self.chain.put(key, value);
    }

    /// Lists the worker on the chain and puts it into the cluster.
    pub fn register(&mut self) {
        let worker = self.status().worker;
        let input = RelayInput::Register { operator: AccountId::new([9; 32]), endpoint: Bytes::default() };
        let entropy = Secret::new([self.fresh(); 32]);
        let effects = self.core.handle(Input::Relay(Untrusted::new(input.encode())), entropy);
        let Some(Effect::Attest { registration, .. }) = effects.into_iter().next() else {
            panic!("no registration")
        };
        self.hpke_key = registration.hpke_key;
        let record = WorkerRecord {
            hpke_key: registration.hpke_key,
            operator: registration.operator,
            endpoint: Bytes::default(),
            role: Role::Miner,
            tier: Tier::Simulated,
            measurement: Digest::new([7; 32]),
            machine: Digest::new([0x12; 32]),
            attestation: Digest::new([8; 32]),
            registered_at: BlockNumber::new(1),
            expires_at: BlockNumber::new(1_000_000),
        };
        self.put(keys::worker(worker), &record);
        self.put(keys::membership(worker), &CLUSTER);
    }

    /// Makes a finalized block with what is in storage now, and shows it to the worker.
    pub fn finalize(&mut self) -> Result<Accepted, InputError> {
        let input = self.next_block();
        self.send(input)
    }

    /// Makes a finalized block, and what the relay would say of it.
    pub fn next_block(&mut self) -> RelayInput {
        let tip = self.tip();
        self.put(keys::tip(TOPIC), &tip);
        let now = Millis::new(1_000_000 + u64::from(self.chain.head().number.value()) * 1000);
        self.put(keys::timestamp_now(), &now);
        let number = self.chain.build().number;
        let proof = self.chain.finality_proof(number);
        let status = self.status();
        let view = self.chain.prove_worker_view(number, status.worker, status.cluster);
        RelayInput::Finality { proof, view: Some(view) }
    }

    pub fn tip(&self) -> Tip {
        self.messages.iter().fold(Tip::empty(TOPIC), |tip, message| tip.link(message).unwrap())
    }

    /// Puts a message into the topic.
    pub fn enqueue(&mut self, body: ClusterMessage) -> MessageNumber {
        let number = MessageNumber::new(self.messages.len() as u64);
        let block = self.chain.head().number.next().unwrap();
        self.messages.push(Message { number, block, timestamp: Millis::new(5_000), body });
        number
    }

    /// Finalizes a block and delivers what it put into the topic.
    pub fn deliver(&mut self) -> Result<Accepted, InputError> {
        self.finalize()?;
        let from = usize::try_from(self.status().wanted.value()).unwrap();
        self.send(RelayInput::Messages(self.messages[from..].to_vec().try_into().unwrap()))
    }

    /// Puts a message into the topic and has it executed.
    pub fn execute(&mut self, body: ClusterMessage) -> MessageNumber {
        let number = self.enqueue(body);
        self.deliver().unwrap();
        assert!(self.status().position > number);
        number
    }

    pub fn inbox_key(&mut self, contract: ContractId) -> [u8; 32] {
        let entropy = Secret::new([self.fresh(); 32]);
        match self.core.handle(Input::InboxKey(contract), entropy).pop() {
            Some(Effect::InboxKey(Ok(signed))) => signed.inbox_key.public_key,
            other => panic!("no inbox key: {other:?}"),
        }
    }

    pub fn contract_id(&self, owner: &User, code: &[u8]) -> ContractId {
        cluster::contract_id(CLUSTER, &owner.account(), &code_hash(code), &Bytes::default())
    }

    pub fn deploy(&mut self, owner: &User, code: &[u8]) -> ContractId {
        self.execute(ClusterMessage::CodeUploaded { code: code.to_vec().try_into().unwrap() });
        let (contract, code_hash) = (self.contract_id(owner, code), code_hash(code));
        let command = owner.command(contract, Action::Instantiate { code_hash }, 1, vec![]);
        let envelope = self.sealed(owner, &command);
        let number = self.execute(ClusterMessage::ContractDeployed { contract, code_hash, envelope });
        let outcome = self.outcome(owner, contract, number).unwrap().0;
        assert!(matches!(outcome, Outcome::Executed(run) if run.is_committed()));
        contract
    }

    /// Seals a command, signed by `user`, as its contract's inbox wants it.
    pub fn sealed<const N: u32>(&mut self, user: &User, command: &Command) -> Bytes<N> {
        let signed = SignedCommand {
            command: command.clone(),
            signature: user.sign(Tag::COMMAND, &self.genesis(), command),
        };
        self.sealed_bytes(command.contract, &signed.encode())
    }

    pub fn sealed_bytes<const N: u32>(&mut self, contract: ContractId, plaintext: &[u8]) -> Bytes<N> {
        let key = self.inbox_key(contract);
        let header = EnvelopeHeader::new(self.genesis(), Recipient::Contract(contract), VERSION);
        let mut rng = ChaCha20Rng::from_seed([self.fresh(); 32]);
        seal(header, &key, plaintext, &mut rng).unwrap().0.encode().try_into().unwrap()
    }

    /// Calls a contract through the chain.
    pub fn call(
        &mut self,
        user: &User,
        contract: ContractId,
        sequence: u64,
        input: Vec<u8>,
    ) -> MessageNumber {
        let command = user.command(contract, Action::Call, sequence, input);
        let envelope = self.sealed(user, &command);
        self.execute(ClusterMessage::Command { contract, envelope })
    }

    /// A finalized block that both sides know.
    pub fn known_block(&self) -> BlockRef {
        self.status().head.unwrap()
    }

    pub fn query_for(&mut self, user: &User, question: Question) -> Query {
        let certificate = Certificate {
            signer: user.signer(),
            session_key: user.session.public_key(),
            scope: Scope::Any,
            expires_at: BlockNumber::new(self.known_block().number.value() + 1000),
        };
        Query {
            worker: self.status().worker,
            known_block: self.known_block(),
            nonce: Nonce::new([self.fresh(); 32]),
            certificate: user.certify(&self.genesis(), certificate),
            question,
        }
    }

    /// Seals a query to the worker.
    pub fn seal_query(&mut self, user: &User, query: &Query) -> (Envelope, ReplyKey) {
        let signature = user.session.sign(Tag::QUERY, &self.genesis(), query);
        self.seal_to_worker(&SignedQuery { query: query.clone(), signature }.encode())
    }

    pub fn seal_to_worker(&mut self, plaintext: &[u8]) -> (Envelope, ReplyKey) {
        let worker = self.status().worker;
        let header = EnvelopeHeader::new(self.genesis(), Recipient::Worker(worker), VERSION);
        let mut rng = ChaCha20Rng::from_seed([self.fresh(); 32]);
        seal(header, &self.hpke_key, plaintext, &mut rng).unwrap()
    }

    /// Hands raw bytes to the query path.
    pub fn ask_bytes(&mut self, bytes: Vec<u8>) -> Result<SealedReply, OpenRefusal> {
        let entropy = Secret::new([self.fresh(); 32]);
        match self.core.handle(a_query(bytes), entropy).pop() {
            Some(Effect::Reply(reply)) => reply,
            other => panic!("no reply: {other:?}"),
        }
    }

    pub fn ask(&mut self, user: &User, query: &Query) -> Result<(Answer, SignedReceipt), Refusal> {
        let (envelope, key) = self.seal_query(user, query);
        let reply = self.ask_bytes(envelope.encode()).unwrap();
        let reply: Reply = decode_exact(&key.open(&reply).unwrap()).unwrap();
        assert_eq!(reply.nonce, query.nonce);
        reply.result
    }

    pub fn query(
        &mut self,
        user: &User,
        contract: ContractId,
        input: &[u8],
    ) -> Result<(Answer, SignedReceipt), Refusal> {
        let input = input.to_vec().try_into().unwrap();
        let query = self.query_for(user, Question::call(contract, GAS, input));
        self.ask(user, &query)
    }

    pub fn outcome(
        &mut self,
        user: &User,
        contract: ContractId,
        number: MessageNumber,
    ) -> Result<(Outcome, SignedReceipt), Refusal> {
        let query = self.query_for(user, Question::Outcome { contract, number });
        match self.ask(user, &query)? {
            (Answer::Outcome(outcome), receipt) => Ok((outcome, receipt)),
            (other, _) => panic!("not an outcome: {other:?}"),
        }
    }

    pub fn upload_outcome(
        &mut self,
        user: &User,
        code_hash: CodeHash,
    ) -> Result<(Outcome, SignedReceipt), Refusal> {
        let query = self.query_for(user, Question::Upload { cluster: CLUSTER, code_hash });
        match self.ask(user, &query)? {
            (Answer::Outcome(outcome), receipt) => Ok((outcome, receipt)),
            (other, _) => panic!("not an outcome: {other:?}"),
        }
    }

    /// Uploads code through the chain.
    pub fn upload(&mut self, code: Vec<u8>) -> MessageNumber {
        self.execute(ClusterMessage::CodeUploaded { code: code.try_into().unwrap() })
    }
}

/// What the host's clock says in tests.
pub const HOST_MS: u64 = 1_700_000_000_000;

/// The input of a query.
pub fn a_query(bytes: Vec<u8>) -> Input {
    Input::Query { envelope: Untrusted::new(bytes), host_ms: Untrusted::new(HOST_MS) }
}

/// A person with a wallet.
pub struct User {
    keypair: schnorrkel::Keypair,
    pub session: SigningKey,
}

impl User {
    pub fn new(seed: u8) -> Self {
        let secret = schnorrkel::MiniSecretKey::from_bytes(&[seed; 32]).unwrap();
        Self {
            keypair: secret.expand_to_keypair(schnorrkel::ExpansionMode::Ed25519),
            session: SigningKey::from_seed(&Secret::new([seed; 32])),
        }
    }

    pub fn signer(&self) -> Signer {
        Signer::Sr25519(self.keypair.public.to_bytes())
    }

    pub fn account(&self) -> AccountId {
        self.signer().account()
    }

    pub fn sign(&self, tag: Tag, genesis: &GenesisHash, payload: &impl Encode) -> Signature {
        let preimage = tag.preimage(genesis, payload);
        Signature::Sr25519(self.keypair.sign_simple(b"substrate", &preimage).to_bytes())
    }

    pub fn certify(&self, genesis: &GenesisHash, certificate: Certificate) -> SignedCertificate {
        SignedCertificate { signature: self.sign(Tag::CERTIFICATE, genesis, &certificate), certificate }
    }

    pub fn command(&self, contract: ContractId, action: Action, sequence: u64, input: Vec<u8>) -> Command {
        Command {
            cluster: CLUSTER,
            contract,
            signer: self.signer(),
            sequence,
            action,
            value: Amount::new(0),
            gas_limit: GAS,
            deposit_limit: None,
            input: input.try_into().unwrap(),
        }
    }
}
