//! The core: where a worker stands, and what each input does to it.

use crate::{
    Effect, Input, Report, Write,
    backlog::{Backlog, DeliveryError},
    entropy::Entropy,
    execute::Executor,
    keys::Keys,
    nonces::Nonces,
    paused::Paused,
    query::{Step, Unanswered},
    records::{BootError, Disk, Loaded, Record, Root, RootRef},
    store::Store,
};
use phala_crypto::Secret;
use phala_light::{Light, WorkerView};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Bytes, ClusterId, ContractId, Digest, GenesisHash,
    MessageNumber, Millis, StateRoot, Untrusted, WorkerId,
    cluster::Checkpoint,
    decode_exact,
    finality::{FinalityProof, GenesisProof, StorageProof},
    limits::{CHECKPOINT_BLOCKS, DELIVERY_BYTES_MAX, ENDPOINT_BYTES_MAX, QUERY_WINDOW_BLOCKS},
    mailbox::{Message, Tip, Topic},
    query::{InboxKey, OpenRefusal, SignedInboxKey},
    relay::{Accepted, Blame, HaltReason, InputError, Phase, RelayInput, RelayOutput, WorkerStatus},
    tag::Tag,
    worker::{Registration, Role, Tier},
};
use phala_vm::{
    Engine,
    extension::cache::Cache,
    world::{Codes, Fault},
};
use std::collections::BTreeMap;

/// Signed checkpoints that are remembered, to notice that the chain has another root for the same position.
const SIGNED_MAX: usize = 16;

/// A worker.
pub struct Core<E: Engine> {
    worker: WorkerId,
    tier: Tier,
    refused_inputs: u64,
    /// What the status says, kept for when there is nothing else left.
    standing: Standing,
    life: Result<Live<E>, HaltReason>,
}

/// The public part of where the worker stands.
#[derive(Clone, Default)]
struct Standing {
    genesis: Option<GenesisHash>,
    head: Option<BlockRef>,
    registered: bool,
    cluster: Option<ClusterId>,
    target: Option<Tip>,
    position: MessageNumber,
    wanted: MessageNumber,
}

/// A worker that has not stopped itself. All secrets are in here, and gone with it.
pub struct Live<E: Engine> {
    pub engine: E,
    pub codes: Codes<E>,
    pub store: Store,
    pub keys: Keys,
    pub nonces: Nonces,
    /// Queries that wait for something from outside.
    pub paused: Paused,
    /// What contracts remember between queries.
    pub cache: Cache,
    /// The hashes of the blocks that were verified lately.
    pub recent: BTreeMap<BlockNumber, BlockHash>,
    /// The first block at which this worker could serve since it started: it has forgotten older nonces.
    pub started_at: Option<BlockNumber>,
    /// What queries are answered from, once everything before a verified block is executed.
    pub serving: Option<Serving>,
    disk: Disk,
    light: Option<Light>,
    view: Option<View>,
    membership: Option<Membership>,
    signed: Vec<Checkpoint>,
    /// At which head the relay was last given a checkpoint.
    offered_at: Option<BlockNumber>,
}

/// The worker's storage items at a verified block.
struct View {
    head: BlockRef,
    /// The cluster whose topic and checkpoint were read. A view from before the worker was in one says nothing of them.
    of: Option<ClusterId>,
    items: WorkerView,
}

/// The worker's place in its cluster's topic.
struct Membership {
    cluster: ClusterId,
    /// The last message that was executed.
    executed: Tip,
    backlog: Backlog,
}

/// A verified block up to which everything is executed, and what receipts say at it.
#[derive(Clone)]
pub struct Serving {
    pub genesis: GenesisHash,
    pub tier: Tier,
    pub attestation: Digest,
    pub head: BlockRef,
    pub now: Millis,
    pub cluster: ClusterId,
    pub position: MessageNumber,
    expires_at: BlockNumber,
}

/// Why an input of the relay was not taken.
enum Refused {
    Input(Blame, String),
    Halt(HaltReason),
}

impl From<Fault> for Refused {
    fn from(Fault: Fault) -> Self {
        Self::Halt(HaltReason::Bug)
    }
}

fn refused(blame: Blame, error: impl core::fmt::Display) -> Refused {
    Refused::Input(blame, error.to_string())
}

impl<E: Engine> Core<E> {
    /// Starts a worker from what its disk holds, or makes a new one if that is nothing.
    ///
    /// `sealing_key` and `entropy` are the platform's. The effects are to be carried out before anything else.
    pub fn boot(
        engine: E,
        tier: Tier,
        sealing_key: &Secret<[u8; 32]>,
        records: Vec<Record>,
        entropy: Secret<[u8; 32]>,
    ) -> Result<(Self, Vec<Effect>), BootError> {
        let disk = Disk::new(sealing_key);
        let mut entropy = Entropy::new(entropy);
        let (loaded, effects) = match disk.load(records)? {
            Some(loaded) => (loaded, Vec::new()),
            None => {
                let seed = entropy.draw();
                let write = disk.seal_seed(&seed, &mut entropy).ok_or(BootError::Unavailable)?;
                let loaded = Loaded { seed, root: Root::default(), store: Store::default() };
                (loaded, vec![Effect::Write(vec![write])])
            }
        };
        let Loaded { seed, root, store } = loaded;
        let keys = Keys::derive(seed);
        let worker = keys.worker();
        let membership = root.cluster.map(|(cluster, executed)| Membership {
            cluster,
            executed,
            backlog: Backlog::after(executed),
        });
        let live = Live {
            engine,
            codes: Codes::default(),
            store,
            keys,
            nonces: Nonces::default(),
            paused: Paused::default(),
            cache: Cache::default(),
            recent: BTreeMap::new(),
            started_at: None,
            serving: None,
            disk,
            light: root.light,
            view: None,
            membership,
            signed: root.signed,
            offered_at: None,
        };
        let standing = live.standing();
        Ok((Self { worker, tier, refused_inputs: 0, standing, life: Ok(live) }, effects))
    }

    /// Takes one input. `entropy` is 32 fresh random bytes of the platform.
    pub fn handle(&mut self, input: Input, entropy: Secret<[u8; 32]>) -> Vec<Effect> {
        let mut entropy = Entropy::new(entropy);
        match input {
            Input::Relay(bytes) => self.relay(bytes, &mut entropy),
            Input::Query { envelope, host_ms } => self.query(
                |live, entropy| live.answer(&envelope.unverified(), host_ms.unverified(), entropy),
                &mut entropy,
            ),
            Input::Brought { ticket, brought } => {
                self.query(|live, entropy| live.resume(ticket, brought, entropy), &mut entropy)
            }
            Input::InboxKey(contract) => vec![Effect::InboxKey(self.inbox_key(contract))],
        }
    }

    /// Where the worker stands.
    pub fn status(&self) -> WorkerStatus {
        let standing = match &self.life {
            Ok(live) => live.standing(),
            Err(_) => self.standing.clone(),
        };
        let phase = match &self.life {
            Err(reason) => Phase::Halted(*reason),
            Ok(live) if live.light.is_none() => Phase::New,
            Ok(live) if live.serving.is_some() => Phase::Serving,
            Ok(_) => Phase::Syncing,
        };
        WorkerStatus {
            worker: self.worker,
            tier: self.tier,
            phase,
            genesis: standing.genesis,
            head: standing.head,
            registered: standing.registered,
            cluster: standing.cluster,
            target: standing.target,
            position: standing.position,
            wanted: standing.wanted,
            refused_inputs: self.refused_inputs,
        }
    }

    /// Drops all secrets; from now on there is only the status.
    fn halt(&mut self, reason: HaltReason) -> Effect {
        if let Ok(live) = &self.life {
            self.standing = live.standing();
        }
        self.life = Err(reason);
        Effect::Report(Report::Halted(reason))
    }

    fn relay(&mut self, bytes: Untrusted<Vec<u8>>, entropy: &mut Entropy) -> Vec<Effect> {
        let tier = self.tier;
        let result = match &mut self.life {
            Err(reason) => Err(Refused::Input(Blame::Halted, reason.to_string())),
            Ok(live) => decode_delivery(bytes).and_then(|input| live.take(input, tier, entropy)),
        };
        match result {
            Ok(taken) => {
                let status = self.status();
                let mut effects = taken.effects;
                effects.push(match taken.answer {
                    TakenAnswer::Accepted(accepted) => {
                        Effect::Relay(RelayOutput { status, result: Ok(accepted) })
                    }
                    TakenAnswer::Attest(registration) => Effect::Attest { registration, status },
                });
                effects
            }
            Err(Refused::Halt(reason)) => {
                let report = self.halt(reason);
                let error = InputError { blame: Blame::Halted, text: reason.to_string() };
                vec![report, Effect::Relay(RelayOutput { status: self.status(), result: Err(error) })]
            }
            Err(Refused::Input(blame, text)) => {
                self.refused_inputs = self.refused_inputs.saturating_add(1);
                let error = InputError { blame, text };
                let output = RelayOutput { status: self.status(), result: Err(error.clone()) };
                vec![Effect::Report(Report::InputRefused(error)), Effect::Relay(output)]
            }
        }
    }

    fn query(
        &mut self,
        answer: impl FnOnce(&mut Live<E>, &mut Entropy) -> Result<Step, Unanswered>,
        entropy: &mut Entropy,
    ) -> Vec<Effect> {
        let answered = match &mut self.life {
            Ok(live) => answer(live, entropy),
            Err(_) => Err(Unanswered::Refused(OpenRefusal::NotServing)),
        };
        match answered {
            Ok(Step::Reply(reply)) => vec![Effect::Reply(Ok(reply))],
            Ok(Step::Work { ticket, work, now }) => vec![Effect::Work { ticket, work, now }],
            Err(Unanswered::Refused(refusal)) => vec![Effect::Reply(Err(refusal))],
            Err(Unanswered::Fault) => {
                vec![self.halt(HaltReason::Bug), Effect::Reply(Err(OpenRefusal::NotServing))]
            }
        }
    }

    fn inbox_key(&self, contract: ContractId) -> Result<SignedInboxKey, OpenRefusal> {
        let live = self.life.as_ref().map_err(|_| OpenRefusal::NotServing)?;
        let genesis = live.serving.as_ref().ok_or(OpenRefusal::NotServing)?.genesis;
        let inbox_key = InboxKey {
            contract,
            key_version: crate::keys::KEY_VERSION,
            public_key: live.keys.inbox(&genesis, &contract).public_key(),
        };
        let signature = live.keys.sign(Tag::INBOX_KEY, &genesis, &inbox_key);
        Ok(SignedInboxKey { inbox_key, worker: self.worker, signature })
    }
}

fn decode_delivery(bytes: Untrusted<Vec<u8>>) -> Result<RelayInput, Refused> {
    let bytes = bytes.unverified();
    if bytes.len() > DELIVERY_BYTES_MAX {
        return Err(refused(Blame::Malformed, format_args!("a delivery is over {DELIVERY_BYTES_MAX} bytes")));
    }
    decode_exact(&bytes).map_err(|_| refused(Blame::Malformed, "a delivery does not decode"))
}

/// An input that was taken: what to do, and then what to answer.
struct Taken {
    effects: Vec<Effect>,
    answer: TakenAnswer,
}

enum TakenAnswer {
    Accepted(Accepted),
    Attest(Registration),
}

impl Taken {
    fn done(effects: Vec<Effect>) -> Self {
        Self { effects, answer: TakenAnswer::Accepted(Accepted::Done) }
    }
}

impl<E: Engine> Live<E> {
    fn standing(&self) -> Standing {
        let view = self.view.as_ref();
        Standing {
            genesis: self.light.as_ref().map(Light::genesis),
            head: self.light.as_ref().map(|light| light.head().block_ref()),
            registered: view.is_some_and(|view| self.attestation(view).is_some()),
            cluster: self.membership.as_ref().map(|membership| membership.cluster),
            target: self.target(),
            position: self.membership.as_ref().map(|m| m.executed.count).unwrap_or_default(),
            wanted: self.membership.as_ref().map(|m| m.backlog.wanted()).unwrap_or_default(),
        }
    }

    fn take(&mut self, input: RelayInput, tier: Tier, entropy: &mut Entropy) -> Result<Taken, Refused> {
        match input {
            RelayInput::Genesis(proof) => self.take_genesis(proof, entropy),
            RelayInput::Register { operator, endpoint } => self.register(operator, endpoint),
            RelayInput::Finality { proof, view } => self.take_finality(proof, view, tier, entropy),
            RelayInput::Messages(messages) => self.take_messages(messages.into_inner(), tier, entropy),
        }
    }

    /// A new worker takes the network that it is first shown. A false one has no operator's stake, no cluster and no
    /// clients: whoever reads the registration sees another genesis hash.
    fn take_genesis(&mut self, proof: GenesisProof, entropy: &mut Entropy) -> Result<Taken, Refused> {
        if self.light.is_some() {
            return Err(refused(Blame::OutOfOrder, "the worker has a network already"));
        }
        let light = Light::trust_first_genesis(Untrusted::new(proof))
            .map_err(|error| refused(Blame::Rejected, error))?;
        self.light = Some(light);
        Ok(Taken::done(vec![self.write_root(Vec::new(), entropy)?]))
    }

    fn register(
        &mut self,
        operator: AccountId,
        endpoint: Bytes<ENDPOINT_BYTES_MAX>,
    ) -> Result<Taken, Refused> {
        let no_chain =
            || refused(Blame::OutOfOrder, "the worker has to verify a block before it can register");
        let light = self.light.as_ref().ok_or_else(no_chain)?;
        let registration = Registration {
            genesis: light.genesis(),
            worker: self.keys.worker(),
            role: Role::Miner,
            hpke_key: self.keys.hpke().public_key(),
            operator,
            endpoint,
            anchor: light.head().block_ref(),
        };
        Ok(Taken { effects: Vec::new(), answer: TakenAnswer::Attest(registration) })
    }

    fn take_finality(
        &mut self,
        proof: FinalityProof,
        view: Option<StorageProof>,
        tier: Tier,
        entropy: &mut Entropy,
    ) -> Result<Taken, Refused> {
        let no_genesis = || refused(Blame::OutOfOrder, "the worker has no network yet");
        let light = self.light.as_mut().ok_or_else(no_genesis)?;
        let verified =
            light.verify_next(Untrusted::new(&proof)).map_err(|error| refused(error.blame(), error))?;
        let cluster = self.membership.as_ref().map(|membership| membership.cluster);
        let worker = self.keys.worker();
        let read = |view| verified.head().worker_view(Untrusted::new(&view), worker, cluster);
        let view = view.map(read).transpose().map_err(|error| refused(Blame::Rejected, error))?;
        // Everything is verified: from here on the input is taken.
        let block = verified.accept().block_ref();
        self.recent.insert(block.number, block.hash);
        let oldest = block.number.value().saturating_sub(QUERY_WINDOW_BLOCKS);
        self.recent = self.recent.split_off(&BlockNumber::new(oldest));
        let publish = Effect::Publish(block.number, proof);
        let Some(view) = view else {
            // A step to a later block. Nothing is served or signed at it, so that a worker that forgets it in a restart
            // only takes it again.
            return Ok(Taken::done(vec![publish]));
        };
        self.check_checkpoint(&view)?;
        self.enter(view.membership);
        self.view = Some(View { head: block, of: cluster, items: view });
        self.serve(tier);
        let accepted = self.checkpoint();
        // The head is durable before a query is answered at it: a worker that restarts has forgotten the nonces, and
        // must not be shown this block, or one below it, again.
        let write = self.write_root(Vec::new(), entropy)?;
        Ok(Taken { effects: vec![write, publish], answer: TakenAnswer::Accepted(accepted) })
    }

    /// Takes the place in a cluster that the chain gives. A worker serves one cluster in its life, for now.
    fn enter(&mut self, cluster: Option<ClusterId>) {
        if let (None, Some(cluster)) = (&self.membership, cluster) {
            let executed = Tip::empty(Topic::Cluster(cluster));
            self.membership = Some(Membership { cluster, executed, backlog: Backlog::after(executed) });
        }
    }

    /// Holds the cluster's last checkpoint, which only this worker signs, to what the worker has.
    fn check_checkpoint(&self, view: &WorkerView) -> Result<(), Refused> {
        let (Some(certified), Some(membership)) = (&view.checkpoint, &self.membership) else { return Ok(()) };
        if certified.position > membership.executed.count {
            return Err(Refused::Halt(HaltReason::RolledBack));
        }
        let signed = self.signed.iter().find(|signed| signed.position == certified.position);
        match signed {
            Some(signed) if signed.state_root != certified.state_root => {
                Err(Refused::Halt(HaltReason::Diverged))
            }
            _ => Ok(()),
        }
    }

    fn take_messages(
        &mut self,
        messages: Vec<Message>,
        tier: Tier,
        entropy: &mut Entropy,
    ) -> Result<Taken, Refused> {
        let early = || refused(Blame::OutOfOrder, "the worker has not verified a tip of its cluster's topic");
        let target = self.target().ok_or_else(early)?;
        let membership = self.membership.as_mut().ok_or_else(early)?;
        let proven = membership
            .backlog
            .deliver(messages, membership.executed, target)
            .map_err(|error| refused(error.blame(), error))?;
        if proven.is_empty() {
            return Ok(Taken::done(Vec::new()));
        }
        let (cluster, mut tip) = (membership.cluster, membership.executed);
        let genesis = self.light.as_ref().ok_or_else(early)?.genesis();
        let mut executor = Executor {
            engine: &self.engine,
            codes: &mut self.codes,
            store: &mut self.store,
            keys: &self.keys,
            genesis,
            cluster,
        };
        for message in &proven {
            tip = tip.link(message).ok_or(Fault)?;
            executor.execute(message, tip.hash)?;
        }
        if let Some(membership) = &mut self.membership {
            membership.executed = tip;
        }
        let changes = self.store.commit().map_err(|_| Refused::Halt(HaltReason::Bug))?;
        let writes = self.disk.seal_entries(&changes, entropy).ok_or(Fault)?;
        self.serve(tier);
        let accepted = self.checkpoint();
        let write = self.write_root(writes, entropy)?;
        let effects = vec![write, Effect::Report(Report::Executed(tip.count))];
        Ok(Taken { effects, answer: TakenAnswer::Accepted(accepted) })
    }

    /// The tip of the cluster's topic at the newest verified view.
    fn target(&self) -> Option<Tip> {
        let cluster = self.membership.as_ref()?.cluster;
        let view = self.view.as_ref().filter(|view| view.of == Some(cluster))?;
        Some(view.items.tip.unwrap_or_else(|| Tip::empty(Topic::Cluster(cluster))))
    }

    /// The evidence under which the chain lists this worker at the view's block, if it does, and until when.
    fn attestation(&self, view: &View) -> Option<(Digest, BlockNumber)> {
        let record = view.items.record.as_ref()?;
        let is_ours = record.hpke_key == self.keys.hpke().public_key();
        (is_ours && view.head.number <= record.expires_at).then_some((record.attestation, record.expires_at))
    }

    /// Serves from the newest view if all messages before it are executed; else goes on serving from the one before.
    fn serve(&mut self, tier: Tier) {
        let Some(view) = &self.view else { return };
        let (Some(light), Some(membership)) = (&self.light, &self.membership) else { return };
        let Some((attestation, expires_at)) = self.attestation(view) else {
            self.serving = None;
            return;
        };
        if self.target() != Some(membership.executed) {
            return;
        }
        self.started_at.get_or_insert(view.head.number);
        self.serving = Some(Serving {
            genesis: light.genesis(),
            tier,
            attestation,
            head: view.head,
            now: view.items.now,
            cluster: membership.cluster,
            position: membership.executed.count,
            expires_at,
        });
    }

    /// A checkpoint, if one is due: some blocks after the last one while messages come in, and again, the same one, as
    /// long as the chain does not have it.
    fn checkpoint(&mut self) -> Accepted {
        let (Some(serving), Some(view)) = (&self.serving, &self.view) else { return Accepted::Done };
        let head = serving.head.number;
        let certified =
            view.items.checkpoint.as_ref().map(|checkpoint| checkpoint.position).unwrap_or_default();
        if certified >= serving.position || serving.head.number > serving.expires_at {
            return Accepted::Done;
        }
        let is_early =
            |offered: BlockNumber| head.value() < offered.value().saturating_add(CHECKPOINT_BLOCKS);
        if self.offered_at.is_some_and(is_early) {
            return Accepted::Done;
        }
        self.offered_at = Some(head);
        let last = self.signed.last().copied();
        let checkpoint = match last {
            Some(last) if last.position == serving.position => last,
            _ => Checkpoint {
                cluster: serving.cluster,
                position: serving.position,
                block: head,
                state_root: self.state_root(serving),
            },
        };
        let signature = self.keys.sign(Tag::CHECKPOINT, &serving.genesis, &checkpoint);
        if last != Some(checkpoint) {
            self.signed.push(checkpoint);
            let excess = self.signed.len().saturating_sub(SIGNED_MAX);
            self.signed.drain(..excess);
        }
        Accepted::Checkpoint { checkpoint, signature }
    }

    fn state_root(&self, serving: &Serving) -> StateRoot {
        self.keys.commit(&serving.genesis, serving.cluster, &self.store.root())
    }

    /// Writes where the worker stands, together with what changed.
    fn write_root(&mut self, mut writes: Vec<Write>, entropy: &mut Entropy) -> Result<Effect, Refused> {
        let root = RootRef {
            light: self.light.as_ref(),
            cluster: self.membership.as_ref().map(|membership| (membership.cluster, membership.executed)),
            merkle_root: self.store.root(),
            signed: &self.signed,
        };
        writes.push(self.disk.seal_root(&root, entropy).ok_or(Fault)?);
        Ok(Effect::Write(writes))
    }
}

impl DeliveryError {
    fn blame(&self) -> Blame {
        match self {
            Self::NotNext { .. } | Self::BeyondTip | Self::TooLong => Blame::OutOfOrder,
            Self::NotOnChain => Blame::Rejected,
        }
    }
}

impl core::fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotNext { wanted } => write!(f, "the next message is number {wanted}"),
            Self::BeyondTip => {
                f.write_str("the messages go beyond the verified tip; send a newer block first")
            }
            Self::NotOnChain => {
                f.write_str("the messages do not add up to the verified tip: one is not the chain's")
            }
            Self::TooLong => {
                f.write_str("the backlog is longer than a worker holds; send an older block first")
            }
        }
    }
}
