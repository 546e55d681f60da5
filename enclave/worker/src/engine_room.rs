//! The thread that owns the core. Requests queue for it; it carries out effects in their order.

use crate::disk::Disk;
use anyhow::Context as _;
use phala_core::{Core, Effect, Input, Report};
use phala_crypto::Secret;
use phala_platform::Platform;
use phala_types::{
    BlockNumber,
    finality::FinalityProof,
    query::{OpenRefusal, SealedReply, SignedInboxKey},
    relay::{Accepted, Blame, InputError, RelayOutput, WorkerStatus},
    worker::Registration,
};
use phala_vm::{Engine, abi::THREAD_STACK_BYTES};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the core. Past that, askers are told to come back.
const QUEUE_MAX: usize = 1024;

/// Finality proofs that are kept for clients: their receipts name a block that was the head when they asked.
const PROOFS_MAX: usize = 512;

/// What came of one input.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time for each who asked")]
pub enum Answer {
    /// To the relay.
    Relay(RelayOutput),
    /// To a query.
    Reply(Result<SealedReply, OpenRefusal>),
    /// To who asked for an inbox key.
    InboxKey(Result<SignedInboxKey, OpenRefusal>),
}

/// Asks the core something.
enum Request {
    Input(Input, oneshot::Sender<Answer>),
    Status(oneshot::Sender<WorkerStatus>),
}

/// The door to the core's thread.
pub struct EngineRoom {
    requests: mpsc::Sender<Request>,
    proofs: Arc<Mutex<BTreeMap<BlockNumber, FinalityProof>>>,
}

/// The queue is full, or the core's thread is gone.
#[derive(Clone, Copy, Debug)]
pub struct Overloaded;

impl EngineRoom {
    /// Hands an input to the core and waits for the answer.
    pub async fn ask(&self, input: Input) -> Result<Answer, Overloaded> {
        let (sender, receiver) = oneshot::channel();
        self.requests.try_send(Request::Input(input, sender)).map_err(|_| Overloaded)?;
        receiver.await.map_err(|_| Overloaded)
    }

    /// Where the worker stands.
    pub async fn status(&self) -> Result<WorkerStatus, Overloaded> {
        let (sender, receiver) = oneshot::channel();
        self.requests.try_send(Request::Status(sender)).map_err(|_| Overloaded)?;
        receiver.await.map_err(|_| Overloaded)
    }

    /// The proof of a block that was the worker's head lately.
    pub fn proof(&self, block: BlockNumber) -> Option<FinalityProof> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).get(&block).cloned()
    }
}

/// 32 fresh random bytes.
pub fn entropy(platform: &impl Platform) -> anyhow::Result<Secret<[u8; 32]>> {
    let mut bytes = [0; 32];
    platform.random(&mut bytes).context("the platform gave no randomness")?;
    Ok(Secret::new(bytes))
}

struct Owner<E: Engine, P> {
    core: Core<E>,
    platform: P,
    disk: Disk,
    proofs: Arc<Mutex<BTreeMap<BlockNumber, FinalityProof>>>,
}

/// Starts the thread, once the first effects are carried out.
pub fn start<E, P>(core: Core<E>, first: Vec<Effect>, platform: P, disk: Disk) -> anyhow::Result<EngineRoom>
where
    E: Engine + Send + 'static,
    P: Platform + 'static,
{
    let proofs = Arc::new(Mutex::new(BTreeMap::new()));
    let (requests, receiver) = mpsc::channel(QUEUE_MAX);
    let mut owner = Owner { core, platform, disk, proofs: proofs.clone() };
    owner.carry_out(first)?;
    let thread = std::thread::Builder::new().name("core".into()).stack_size(THREAD_STACK_BYTES);
    thread.spawn(move || {
        // Memory is ahead of the disk once a write fails: going on would let answers out that a restart takes back.
        if let Err(error) = owner.work(receiver) {
            tracing::error!(
                error = format!("{error:#}"),
                "the worker stops: it could not carry out an effect"
            );
            std::process::exit(1);
        }
    })?;
    Ok(EngineRoom { requests, proofs })
}

impl<E: Engine, P: Platform> Owner<E, P> {
    fn work(&mut self, mut requests: mpsc::Receiver<Request>) -> anyhow::Result<()> {
        while let Some(request) = requests.blocking_recv() {
            match request {
                // Whoever asked may have gone away: that changes nothing.
                Request::Status(sender) => drop(sender.send(self.core.status())),
                Request::Input(input, sender) => {
                    let entropy = entropy(&self.platform)?;
                    let effects = self.core.handle(input, entropy);
                    if let Some(answer) = self.carry_out(effects)? {
                        drop(sender.send(answer));
                    }
                }
            }
        }
        Ok(())
    }

    /// Carries out effects in their order. The answer, if there is one, comes last.
    fn carry_out(&mut self, effects: Vec<Effect>) -> anyhow::Result<Option<Answer>> {
        let mut answer = None;
        for effect in effects {
            match effect {
                Effect::Write(writes) => self.disk.write(&writes)?,
                Effect::Relay(output) => answer = Some(Answer::Relay(output)),
                Effect::Attest { registration, status } => {
                    let result = self.attest(registration);
                    answer = Some(Answer::Relay(RelayOutput { status, result }));
                }
                Effect::Reply(reply) => answer = Some(Answer::Reply(reply)),
                Effect::InboxKey(key) => answer = Some(Answer::InboxKey(key)),
                Effect::Publish(block, proof) => self.publish(block, proof),
                Effect::Report(report) => log(&report),
            }
        }
        Ok(answer)
    }

    fn attest(&self, registration: Registration) -> Result<Accepted, InputError> {
        let unavailable = |text: String| InputError { blame: Blame::OutOfOrder, text };
        let evidence = self
            .platform
            .evidence(phala_attest::report_data(&registration))
            .map_err(|error| unavailable(format!("the platform gave no evidence: {error}")))?;
        let evidence = evidence
            .try_into()
            .map_err(|_| unavailable("the platform's evidence is over its limit".into()))?;
        Ok(Accepted::Registration { registration, evidence })
    }

    fn publish(&self, block: BlockNumber, proof: FinalityProof) {
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.insert(block, proof);
        while proofs.len() > PROOFS_MAX {
            proofs.pop_first();
        }
    }
}

fn log(report: &Report) {
    match report {
        Report::InputRefused(error) => {
            tracing::warn!(blame = ?error.blame, error = error.text, "an input of the relay was refused");
        }
        Report::Executed(position) => tracing::info!(%position, "messages were executed"),
        Report::Halted(reason) => tracing::error!(%reason, "the worker has stopped itself"),
    }
}
