//! The loop: look at the worker's status, hand it what it needs next, carry what it signs to the chain, wait.

use crate::{
    Config,
    delivery::deliveries,
    enrolment::{Enrolment, Lease, enrolment},
    job::Job,
    need::{self, Obstacle},
    worker::{Worker, WorkerError},
};
use phala_chain_api::{Account, AccountError, Call, FinalityStep, Node, NodeError, Until, backoff::Backoff};
use phala_light::keys;
use phala_types::{
    BlockNumber, ClusterId, GenesisHash,
    account::WorkerSignature,
    cluster::Checkpoint,
    decode_exact,
    limits::{DELIVERY_BYTES_MAX, DELIVERY_MESSAGES_MAX},
    relay::{Accepted, Blame, RelayInput, WorkerStatus},
    worker::WorkerRecord,
};
use std::{convert::Infallible, time::Duration};

/// The first and the longest wait after a failure. The longest is short, since the other side of a restart is waiting.
const WAIT_FIRST: Duration = Duration::from_millis(200);
const WAIT_LONGEST: Duration = Duration::from_secs(5);

/// How long to wait for the next final block before looking at the worker anyway: it may have been restarted.
const IDLE: Duration = Duration::from_secs(3);

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Misuse: the operator's account cannot be made.
    #[error("the operator's account is not valid")]
    Operator(#[source] AccountError),
    /// Misuse: the worker's address is not one.
    #[error("the worker's address is not valid")]
    Worker(#[source] WorkerError),
}

/// Why a round did not go through. The next one begins with new connections.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the node is of no help")]
    Node(#[from] NodeError),
    #[error("the worker is of no help")]
    Worker(#[from] WorkerError),
    #[error("the worker cannot be fed")]
    Obstacle(#[from] Obstacle),
    #[error("the worker did not take {input}: {text}")]
    NotTaken { input: &'static str, text: String },
}

struct Relay {
    config: Config,
    operator: Account,
    worker: Worker,
    backoff: Backoff,
    /// The registration's time on the chain, once read.
    lease: Option<Lease>,
    /// The block with the newest enrolment: until the worker has verified it, its status does not tell of it.
    enrolled_in: BlockNumber,
    enrolling: Job,
    checkpoint: Option<(Checkpoint, WorkerSignature)>,
    checkpointing: Job,
}

/// Runs a relay for as long as it is polled.
pub async fn run(config: Config) -> Result<Infallible, StartError> {
    let mut relay = Relay {
        operator: Account::from_uri(&config.operator_suri).map_err(StartError::Operator)?,
        worker: Worker::new(&config.worker).map_err(StartError::Worker)?,
        backoff: Backoff::new(WAIT_FIRST, WAIT_LONGEST),
        lease: None,
        enrolled_in: BlockNumber::new(0),
        enrolling: Job::new("enrolment"),
        checkpoint: None,
        checkpointing: Job::new("checkpoint"),
        config,
    };
    loop {
        let Err(trouble) = relay.session().await;
        let wait = relay.backoff.wait();
        let (wait_ms, trouble) = (wait.as_millis() as u64, anyhow::Error::from(trouble));
        tracing::warn!(wait_ms, error = format!("{trouble:#}"), "Round failed, another one follows");
        tokio::time::sleep(wait).await;
    }
}

impl Relay {
    /// Rounds over one connection to the node, until something fails.
    async fn session(&mut self) -> Result<Infallible, Trouble> {
        let node = Node::connect(&self.config.node).await?;
        // Not verified: the worker holds it to the network that it was first told of.
        let genesis = node.genesis_hash().unverified();
        let mut finality = node.subscribe_finality().await?;
        tracing::info!(node = self.config.node, worker = self.config.worker, %genesis, "Connected");
        let mut newest = None;
        loop {
            self.round(&node, genesis, newest).await?;
            self.backoff.reset();
            newest = tokio::select! {
                step = finality.next() => Some(step?.unverified()),
                () = tokio::time::sleep(IDLE) => None,
            };
        }
    }

    async fn round(
        &mut self,
        node: &Node,
        genesis: GenesisHash,
        newest: Option<FinalityStep>,
    ) -> Result<(), Trouble> {
        let mut status = self.worker.status().await?;
        if need::needs_genesis(&status, genesis)? {
            let proof = node.genesis_proof().await?.unverified();
            status = self.hand("the genesis", RelayInput::Genesis(proof)).await?.status;
            tracing::info!(worker = %status.worker, tier = %status.tier, "Worker knows the network");
        }
        let status = self.follow(node, status, newest).await?;
        let status = self.deliver(node, status).await?;
        self.enrol(node, &status).await?;
        self.submit_checkpoint(node).await;
        Ok(())
    }

    /// Hands over each change of authorities after the worker's head, and then the newest block with what it is to
    /// read there. The blocks between are not needed.
    async fn follow(
        &mut self,
        node: &Node,
        mut status: WorkerStatus,
        newest: Option<FinalityStep>,
    ) -> Result<WorkerStatus, Trouble> {
        let known = status.head.map_or(BlockNumber::new(0), |head| head.number);
        let steps = steps_after(node, known, newest).await?;
        let last = steps.len().saturating_sub(1);
        for (index, step) in steps.into_iter().enumerate() {
            let view = match index == last {
                true => {
                    let keys = keys::worker_view(status.worker, Some(self.cluster(&status)));
                    Some(node.storage_proof(&keys, step.block.hash).await?.unverified())
                }
                false => None,
            };
            let handed = self.hand("a final block", RelayInput::Finality { proof: step.proof, view }).await?;
            status = handed.status;
            if !handed.was_taken {
                break;
            }
            tracing::debug!(block = %step.block.number, handoff = step.is_handoff, "Worker verified a block");
        }
        Ok(status)
    }

    /// Hands over the messages before the tip that the worker has verified.
    async fn deliver(&mut self, node: &Node, mut status: WorkerStatus) -> Result<WorkerStatus, Trouble> {
        while let Some(wanted) = need::wanted_messages(&status) {
            let limit = wanted.count.min(u64::from(DELIVERY_MESSAGES_MAX));
            let messages = node
                .messages(wanted.topic, wanted.from, limit, DELIVERY_BYTES_MAX, wanted.at)
                .await?
                .unverified();
            if messages.is_empty() {
                let what = format!("message {} of the worker's cluster", wanted.from);
                return Err(NodeError::Missing { what }.into());
            }
            for delivery in deliveries(messages) {
                let handed = self.hand("messages", delivery).await?;
                status = handed.status;
                if !handed.was_taken {
                    return Ok(status);
                }
            }
            if status.wanted == wanted.from {
                let text = "it took them and did not move on".to_owned();
                return Err(Trouble::NotTaken { input: "messages", text });
            }
            tracing::info!(position = %status.position, "Worker executed messages");
        }
        Ok(status)
    }

    /// Registers the worker, lets it join its cluster, and renews the registration, one at a time.
    async fn enrol(&mut self, node: &Node, status: &WorkerStatus) -> Result<(), Trouble> {
        if let Some(included) = self.enrolling.poll().await {
            self.enrolled_in = node.header(included.block).await?.unverified().block.number;
            self.lease = None;
        }
        let Some(head) = status.head.filter(|head| head.number >= self.enrolled_in) else { return Ok(()) };
        if !self.enrolling.is_ready() {
            return Ok(());
        }
        if self.lease.is_none() && status.registered {
            let record = node.storage(&keys::worker(status.worker), head.hash).await?.unverified();
            let record = record.and_then(|bytes| decode_exact::<WorkerRecord>(&bytes).ok());
            self.lease = record.as_ref().map(Lease::of);
        }
        let Some(wanted) = enrolment(status, self.lease) else { return Ok(()) };
        let join = Call::Join { cluster: self.config.cluster, worker: status.worker };
        let (before, call) = match wanted {
            Enrolment::Join => (None, join),
            Enrolment::Register => match self.registration().await? {
                None => return Ok(()),
                Some(register) if status.cluster.is_some() => (None, register),
                // A new worker joins right after it, without waiting for finality in between.
                Some(register) => (Some(register), join),
            },
        };
        tracing::info!(worker = %status.worker, call = call.name(), "Enrolling the worker");
        let (node, operator) = (node.clone(), self.operator.clone());
        self.enrolling.begin(async move {
            if let Some(before) = before {
                node.submit(&operator, before, Until::InBlock).await?;
            }
            node.submit(&operator, call, Until::Finalized).await
        });
        Ok(())
    }

    /// Asks the worker for a registration with evidence.
    async fn registration(&mut self) -> Result<Option<Call>, Trouble> {
        let input =
            RelayInput::Register { operator: self.operator.id(), endpoint: self.config.endpoint_bytes() };
        Ok(self.hand("a request to register", input).await?.registration)
    }

    /// Submits the newest checkpoint, once the one before it has ended.
    async fn submit_checkpoint(&mut self, node: &Node) {
        self.checkpointing.poll().await;
        if !self.checkpointing.is_ready() {
            return;
        }
        if let Some((checkpoint, signature)) = self.checkpoint.take() {
            tracing::debug!(position = %checkpoint.position, "Submitting a checkpoint");
            let (node, operator) = (node.clone(), self.operator.clone());
            let call = Call::Checkpoint { checkpoint, signature };
            self.checkpointing.begin(async move { node.submit(&operator, call, Until::Finalized).await });
        }
    }

    /// Hands one input to the worker. That it came too early or too late is no error: the status tells what to do.
    async fn hand(&mut self, name: &'static str, input: RelayInput) -> Result<Handed, Trouble> {
        let output = self.worker.input(&input).await?;
        let mut handed = Handed { status: output.status, was_taken: true, registration: None };
        match output.result {
            Ok(Accepted::Done) => {}
            Ok(Accepted::Registration { registration, evidence }) => {
                handed.registration = Some(Call::Register { registration, evidence });
            }
            Ok(Accepted::Checkpoint { checkpoint, signature }) => {
                self.checkpoint = Some((checkpoint, signature));
            }
            Err(error) if error.blame == Blame::OutOfOrder => {
                tracing::debug!(input = name, text = error.text, "Worker wants something else first");
                handed.was_taken = false;
            }
            Err(error) => return Err(Trouble::NotTaken { input: name, text: error.text }),
        }
        Ok(handed)
    }

    /// The cluster that the worker is in, or is going to be in.
    fn cluster(&self, status: &WorkerStatus) -> ClusterId {
        status.cluster.unwrap_or(self.config.cluster)
    }
}

/// What came of an input.
struct Handed {
    status: WorkerStatus,
    was_taken: bool,
    registration: Option<Call>,
}

/// The steps from a block that the worker knows to the newest one.
async fn steps_after(
    node: &Node,
    known: BlockNumber,
    newest: Option<FinalityStep>,
) -> Result<Vec<FinalityStep>, NodeError> {
    if let Some(newest) = &newest
        && (newest.block.number <= known || known.next() == Some(newest.block.number))
    {
        // Nothing can lie between the two.
        return Ok(needed_steps(vec![], Some(newest.clone()), known));
    }
    let proven = node.finality_after(known).await?.into_iter().map(|step| step.unverified()).collect();
    Ok(needed_steps(proven, newest, known))
}

/// Of the steps that a node proves and the one that it announced: the hand-offs, and the newest block.
fn needed_steps(
    mut steps: Vec<FinalityStep>,
    newest: Option<FinalityStep>,
    known: BlockNumber,
) -> Vec<FinalityStep> {
    let last = steps.last().map_or(known, |step| step.block.number);
    steps.extend(newest.filter(|newest| newest.block.number > last));
    let Some(last) = steps.last().map(|step| step.block.number) else { return steps };
    steps.retain(|step| step.block.number > known && (step.is_handoff || step.block.number == last));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_types::{BlockHash, BlockRef, finality::FinalityProof};

    fn step(number: u32, is_handoff: bool) -> FinalityStep {
        FinalityStep {
            block: BlockRef { number: BlockNumber::new(number), hash: BlockHash::new([1; 32]) },
            is_handoff,
            proof: FinalityProof { header: Default::default(), justification: Default::default() },
        }
    }

    fn needed(proven: &[(u32, bool)], newest: Option<u32>, known: u32) -> Vec<u32> {
        let proven = proven.iter().map(|(number, is_handoff)| step(*number, *is_handoff)).collect();
        let newest = newest.map(|number| step(number, false));
        let steps = needed_steps(proven, newest, BlockNumber::new(known));
        steps.iter().map(|step| step.block.number.value()).collect()
    }

    #[test]
    fn backlog_is_skipped_but_no_handoff() {
        assert_eq!(needed(&[(10, true), (20, true), (25, false)], Some(27), 3), [10, 20, 27]);
        assert_eq!(needed(&[(10, true), (25, false)], None, 3), [10, 25]);
        assert_eq!(needed(&[], Some(4), 3), [4]);
    }

    #[test]
    fn what_the_worker_knows_is_not_handed_again() {
        assert!(needed(&[], Some(3), 3).is_empty());
        assert!(needed(&[], None, 3).is_empty());
        assert_eq!(needed(&[(25, false)], Some(24), 3), [25]);
    }

    #[tokio::test]
    async fn account_that_is_none_is_said_at_the_start() {
        let config = Config {
            node: "ws://127.0.0.1:1".into(),
            worker: "http://127.0.0.1:1".into(),
            operator_suri: "not a phrase".into(),
            endpoint: "http://127.0.0.1:1".into(),
            cluster: ClusterId::new(0),
        };
        assert!(matches!(run(config).await, Err(StartError::Operator(_))));
    }
}
