//! The thread that owns the core. Requests queue for it; it carries out effects in their order.

use crate::{
    disk::Disk,
    fetch::{Fetcher, Network},
};
use anyhow::Context as _;
use phala_core::{Core, Effect, Input, Report, Ticket, Work};
use phala_crypto::Secret;
use phala_platform::Platform;
use phala_types::{
    BlockNumber, Millis,
    finality::FinalityProof,
    query::{OpenRefusal, SealedReply, SignedInboxKey},
    relay::{Accepted, Blame, InputError, RelayOutput, WorkerStatus},
    worker::Registration,
};
use phala_vm::{
    Engine,
    abi::THREAD_STACK_BYTES,
    extension::{Brought, EvidenceUnavailable, http::HttpError},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

/// Requests that wait for the core. Past that, askers are told to come back.
const QUEUE_MAX: usize = 1024;

/// Finality proofs that are kept for clients: their receipts name a block that was the head when they asked.
const PROOFS_MAX: usize = 512;

/// How long one query may wait for what its contract fetches, all its requests together: half of what a client waits for an
/// answer. What is not there then is a timeout for the contract.
const WAIT_MAX: Duration = Duration::from_secs(30);

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
    Brought(Ticket, Vec<Brought>),
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

/// How what contracts ask for is fetched, and where.
pub struct Outside<N> {
    /// Fetches.
    pub fetcher: Arc<Fetcher<N>>,
    /// Where the fetcher's tasks run.
    pub runtime: Handle,
}

struct Owner<E: Engine, P, N> {
    core: Core<E>,
    platform: P,
    disk: Disk,
    proofs: Arc<Mutex<BTreeMap<BlockNumber, FinalityProof>>>,
    outside: Outside<N>,
    /// Where tasks hand in what they brought. It does not keep the thread alive.
    requests: mpsc::WeakSender<Request>,
    /// Who waits for a query that waits. The core bounds how many there are.
    waiting: BTreeMap<Ticket, Waiter>,
}

struct Waiter {
    sender: oneshot::Sender<Answer>,
    /// When the query came.
    since: Instant,
}

/// What came of one input's effects.
enum Outcome {
    Answered(Answer),
    Waits(Ticket),
    Nothing,
}

/// Starts the thread, once the first effects are carried out.
pub fn start<E, P, N>(
    core: Core<E>,
    first: Vec<Effect>,
    platform: P,
    disk: Disk,
    outside: Outside<N>,
) -> anyhow::Result<EngineRoom>
where
    E: Engine + Send + 'static,
    P: Platform + 'static,
    N: Network,
{
    let proofs = Arc::new(Mutex::new(BTreeMap::new()));
    let (requests, receiver) = mpsc::channel(QUEUE_MAX);
    let mut owner = Owner {
        core,
        platform,
        disk,
        proofs: proofs.clone(),
        outside,
        requests: requests.downgrade(),
        waiting: BTreeMap::new(),
    };
    owner.carry_out(first, Instant::now())?;
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

impl<E: Engine, P: Platform, N: Network> Owner<E, P, N> {
    fn work(&mut self, mut requests: mpsc::Receiver<Request>) -> anyhow::Result<()> {
        while let Some(request) = requests.blocking_recv() {
            match request {
                // Whoever asked may have gone away: that changes nothing.
                Request::Status(sender) => drop(sender.send(self.core.status())),
                Request::Input(input, sender) => {
                    self.handle(input, Waiter { sender, since: Instant::now() })?;
                }
                Request::Brought(ticket, brought) => {
                    if let Some(waiter) = self.waiting.remove(&ticket) {
                        self.handle(Input::Brought { ticket, brought }, waiter)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Hands an input to the core, and its answer, now or later, to who waits for it.
    fn handle(&mut self, input: Input, waiter: Waiter) -> anyhow::Result<()> {
        let entropy = entropy(&self.platform)?;
        let effects = self.core.handle(input, entropy);
        match self.carry_out(effects, waiter.since)? {
            Outcome::Answered(answer) => drop(waiter.sender.send(answer)),
            Outcome::Waits(ticket) => drop(self.waiting.insert(ticket, waiter)),
            Outcome::Nothing => {}
        }
        Ok(())
    }

    /// Carries out effects in their order. The answer, if there is one, comes last. `since` is when who waits for it came.
    fn carry_out(&mut self, effects: Vec<Effect>, since: Instant) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::Nothing;
        for effect in effects {
            match effect {
                Effect::Write(writes) => self.disk.write(&writes)?,
                Effect::Relay(output) => outcome = Outcome::Answered(Answer::Relay(output)),
                Effect::Attest { registration, status } => {
                    let result = self.attest(registration);
                    outcome = Outcome::Answered(Answer::Relay(RelayOutput { status, result }));
                }
                Effect::Work { ticket, work, now } => {
                    self.begin(ticket, work, now, since);
                    outcome = Outcome::Waits(ticket);
                }
                Effect::Reply(reply) => outcome = Outcome::Answered(Answer::Reply(reply)),
                Effect::InboxKey(key) => outcome = Outcome::Answered(Answer::InboxKey(key)),
                Effect::Publish(block, proof) => self.publish(block, proof),
                Effect::Report(report) => log(&report),
            }
        }
        Ok(outcome)
    }

    /// Does a query's work, most of it in a task that hands in what it brought.
    fn begin(&self, ticket: Ticket, work: Vec<Work>, now: Millis, since: Instant) {
        let left_ms = WAIT_MAX.saturating_sub(since.elapsed()).as_millis() as u32;
        let mut requests = Vec::new();
        let brought: Vec<Option<Brought>> = work
            .into_iter()
            .map(|work| match work {
                Work::Fetch(mut request) => {
                    request.timeout_ms = request.timeout_ms.min(left_ms);
                    requests.push(request);
                    None
                }
                Work::Evidence(report_data) => {
                    let evidence = self.platform.evidence(report_data);
                    Some(Brought::Evidence(evidence.map_err(|_| EvidenceUnavailable)))
                }
            })
            .collect();
        let (fetcher, sender) = (self.outside.fetcher.clone(), self.requests.clone());
        self.outside.runtime.spawn(async move {
            let mut responses = fetcher.fetch_all(requests, now).await.into_iter();
            let mut fetched = || Brought::Fetched(responses.next().unwrap_or(Err(HttpError::Client)));
            let brought = brought.into_iter().map(|it| it.unwrap_or_else(&mut fetched)).collect();
            // The thread that owns the core may be gone: then so is the query.
            if let Some(sender) = sender.upgrade() {
                drop(sender.send(Request::Brought(ticket, brought)).await);
            }
        });
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

/// The host's clock: for contracts, which are told that it may lie, and for nothing else.
pub fn host_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
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
