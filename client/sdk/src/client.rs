//! One user's connection to the network.

use crate::{
    Answered, ChainError, QueryError, Session, Trust, VerifiedWorker, WorkerError, WorkerUrl,
    chain::Chain,
    query::{self, BadReply},
    receipt::{BundleError, Disclosure, ReceiptBundle, record_keys, verify_receipt},
};
use phala_chain_api::{Account, Node, NodeError, backoff::Backoff};
use phala_light::{FinalizedHead, keys};
use phala_types::{
    BlockNumber, ClusterId, CodeHash, ContractId, GenesisHash, MessageNumber, WorkerId,
    cluster::{Checkpoint, ContractRecord},
    query::{Question, Refusal, Scope, SignedInboxKey},
    worker::{Tier, WorkerRecord},
};
use std::{
    collections::BTreeMap,
    future::Future,
    sync::Mutex,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How old the head that a query names may be, in time. Long enough that most queries cost no look at the chain, and
/// short against `QUERY_WINDOW_BLOCKS`.
const HEAD_AGE_MAX: Duration = Duration::from_secs(6);

/// For how many blocks a worker's proven record is used before it is proven anew.
const RECORD_BLOCKS_MAX: u32 = 32;

/// How long to ask a worker that is behind, starts, or is busy. After a restart of everything a network needs seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first and the longest wait between two tries.
const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_LONGEST: Duration = Duration::from_secs(1);

/// How many workers to list. There is one per cluster for now.
const WORKERS_MAX: u32 = 1000;

/// Why the network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The chain cannot be followed or read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Rejected: no such contract at the newest final block.
    #[error("there is no contract {0} on the chain")]
    NoContract(ContractId),
    /// Rejected: no such worker at the newest final block.
    #[error("there is no worker {0} on the chain")]
    NoWorker(WorkerId),
    /// Unavailable: no worker with a valid registration is in the cluster.
    #[error("no registered worker is in cluster {0}: its relay may still be enrolling it")]
    EmptyCluster(ClusterId),
    /// Rejected: the user's trust does not include the worker's tier.
    #[error("the worker {worker} is attested as {tier}, which is not accepted here")]
    NotTrusted {
        /// The worker.
        worker: WorkerId,
        /// Its tier.
        tier: Tier,
    },
}

impl From<NodeError> for ClientError {
    fn from(error: NodeError) -> Self {
        Self::Chain(error.into())
    }
}

/// One user's connection to the network. It holds no account: those are given to each call.
pub struct Client {
    node: Node,
    genesis: GenesisHash,
    trust: Trust,
    http: reqwest::Client,
    chain: tokio::sync::Mutex<Chain>,
    state: Mutex<State>,
}

/// What was verified, kept for the next time.
#[derive(Default)]
struct State {
    advanced_at: Option<Instant>,
    workers: BTreeMap<ClusterId, VerifiedWorker>,
    contracts: BTreeMap<ContractId, ContractRecord>,
    inbox_keys: BTreeMap<ContractId, SignedInboxKey>,
    sequence: u64,
}

impl Client {
    /// Connects to a node and verifies its chain up to the newest final block. Name the network's genesis hash in
    /// `expected`; without it, whatever network the node is of is taken.
    pub async fn connect(
        url: &str,
        expected: Option<GenesisHash>,
        trust: Trust,
    ) -> Result<Self, ClientError> {
        let node = Node::connect(url).await?;
        let mut chain = Chain::start(node.clone(), expected).await?;
        chain.advance().await?;
        let genesis = chain.genesis();
        let state = State { advanced_at: Some(Instant::now()), ..State::default() };
        Ok(Self {
            node,
            genesis,
            trust,
            http: WorkerUrl::client(),
            chain: tokio::sync::Mutex::new(chain),
            state: Mutex::new(state),
        })
    }

    /// The network.
    pub fn genesis(&self) -> GenesisHash {
        self.genesis
    }

    /// The node that it is connected to. What it says is not verified.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The newest final block, verified now.
    pub async fn head(&self) -> Result<FinalizedHead, ClientError> {
        let head = self.chain.lock().await.advance().await?;
        self.state().advanced_at = Some(Instant::now());
        Ok(head)
    }

    /// Verifies up to a block, and waits until it is final.
    pub async fn advance_to(&self, block: BlockNumber) -> Result<FinalizedHead, ClientError> {
        let head = self.chain.lock().await.advance_to(block).await?;
        self.state().advanced_at = Some(Instant::now());
        Ok(head)
    }

    /// A verified block that is recent enough to be named in a query.
    async fn recent_head(&self) -> Result<FinalizedHead, ClientError> {
        let is_recent = self.state().advanced_at.is_some_and(|at| at.elapsed() < HEAD_AGE_MAX);
        match is_recent {
            true => Ok(self.chain.lock().await.head()),
            false => self.head().await,
        }
    }

    /// All workers that the chain lists, each proven. That the node leaves none out is not provable.
    pub async fn workers(&self) -> Result<Vec<VerifiedWorker>, ClientError> {
        let head = self.head().await?;
        let mut prefix = keys::worker(WorkerId::new([0; 32]));
        // The key is the map's prefix, a 16-byte hash, and the worker's id.
        prefix.truncate(prefix.len().saturating_sub(16 + 32));
        let found = self.node.storage_keys(&prefix, WORKERS_MAX, None, head.hash()).await?.unverified();
        let ids = found.iter().filter_map(|key| key.last_chunk::<32>()).map(|id| WorkerId::new(*id));
        let mut workers = Vec::new();
        for id in ids {
            workers.push(self.worker_at(&head, id).await?);
        }
        Ok(workers)
    }

    /// A worker, proven at the newest final block.
    pub async fn worker(&self, id: WorkerId) -> Result<VerifiedWorker, ClientError> {
        let head = self.head().await?;
        self.worker_at(&head, id).await
    }

    async fn worker_at(&self, head: &FinalizedHead, id: WorkerId) -> Result<VerifiedWorker, ClientError> {
        let keys = [keys::worker(id), keys::membership(id)];
        let values = self.chain.lock().await.read(head, &keys).await?;
        let not_proven = |source| ChainError::NotProven { url: self.node.url().to_owned(), source };
        let record: WorkerRecord =
            values.decode(&keys[0]).map_err(not_proven)?.ok_or(ClientError::NoWorker(id))?;
        let cluster: Option<ClusterId> = values.decode(&keys[1]).map_err(not_proven)?;
        Ok(VerifiedWorker::new(id, record, cluster, head.block_ref()))
    }

    /// The worker of a cluster, if the user's trust includes it.
    pub async fn cluster_worker(&self, cluster: ClusterId) -> Result<VerifiedWorker, ClientError> {
        let head = self.recent_head().await?;
        let cached = self.state().workers.get(&cluster).cloned();
        if let Some(worker) = cached {
            let age = head.number().value().saturating_sub(worker.at().number.value());
            if age < RECORD_BLOCKS_MAX && worker.is_live_at(head.number()) {
                return Ok(worker);
            }
        }
        let workers = self.workers().await?;
        let worker = workers
            .into_iter()
            .find(|worker| worker.cluster() == Some(cluster) && worker.is_live_at(worker.at().number))
            .ok_or(ClientError::EmptyCluster(cluster))?;
        let tier = worker.record().tier;
        if !self.trust.accepts(tier) {
            return Err(ClientError::NotTrusted { worker: worker.id(), tier });
        }
        let mut state = self.state();
        let replaced = state.workers.insert(cluster, worker.clone());
        if replaced.is_some_and(|replaced| replaced.id() != worker.id()) {
            state.inbox_keys.clear();
        }
        Ok(worker)
    }

    /// What the chain records of a contract, proven. It never changes.
    pub async fn contract(&self, contract: &ContractId) -> Result<ContractRecord, ClientError> {
        if let Some(record) = self.state().contracts.get(contract) {
            return Ok(record.clone());
        }
        let head = self.head().await?;
        let key = keys::contract(*contract);
        let values = self.chain.lock().await.read(&head, std::slice::from_ref(&key)).await?;
        let record: Option<ContractRecord> = values
            .decode(&key)
            .map_err(|source| ChainError::NotProven { url: self.node.url().to_owned(), source })?;
        let record = record.ok_or(ClientError::NoContract(*contract))?;
        self.state().contracts.insert(*contract, record.clone());
        Ok(record)
    }

    /// The checkpoint that a cluster certified last, proven at the newest final block.
    pub async fn checkpoint(&self, cluster: ClusterId) -> Result<Option<Checkpoint>, ClientError> {
        let head = self.head().await?;
        let key = keys::checkpoint(cluster);
        let values = self.chain.lock().await.read(&head, std::slice::from_ref(&key)).await?;
        Ok(values
            .decode(&key)
            .map_err(|source| ChainError::NotProven { url: self.node.url().to_owned(), source })?)
    }

    /// A session in an account's name, for `blocks` blocks from now.
    pub async fn session(
        &self,
        account: &Account,
        scope: Scope,
        blocks: u32,
    ) -> Result<Session, ClientError> {
        let now = self.recent_head().await?.number().value();
        Ok(Session::open(account, &self.genesis, scope, BlockNumber::new(now.saturating_add(blocks))))
    }

    /// Asks the worker of the question's cluster. A worker that is behind, starts or is busy is asked again for a while.
    pub async fn query(&self, session: &Session, question: Question) -> Result<Answered, QueryError> {
        let contract = match question {
            Question::Call { contract, .. } | Question::Outcome { contract, .. } => contract,
            Question::Upload { cluster, .. } | Question::Instantiate { cluster, .. } => {
                return self.query_cluster(session, cluster, question).await;
            }
        };
        let record = self.contract(&contract).await?;
        held_to_code(self.query_cluster(session, record.cluster, question).await?, &record)
    }

    async fn query_cluster(
        &self,
        session: &Session,
        cluster: ClusterId,
        question: Question,
    ) -> Result<Answered, QueryError> {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = Backoff::new(WAIT_FIRST, WAIT_LONGEST);
        loop {
            let error = match self.query_once(session, cluster, question.clone()).await {
                Ok(answered) => return Ok(answered),
                Err(error) => error,
            };
            if Instant::now() >= deadline || !self.can_go_on_after(&error, cluster) {
                return Err(error);
            }
            tokio::time::sleep(backoff.wait()).await;
        }
    }

    async fn query_once(
        &self,
        session: &Session,
        cluster: ClusterId,
        question: Question,
    ) -> Result<Answered, QueryError> {
        let worker = self.cluster_worker(cluster).await?;
        let known = self.recent_head().await?.block_ref();
        let asking = query::ask(&self.genesis, &worker, session, known, question)?;
        let reply = self.worker_url(&worker).query(&asking.envelope).await?;
        asking.open(&self.genesis, &worker, reply.as_unverified())
    }

    /// Whether another try may succeed, with what is remembered forgotten as far as it is to blame.
    fn can_go_on_after(&self, error: &QueryError, cluster: ClusterId) -> bool {
        match error {
            QueryError::Refused(Refusal::Behind { .. } | Refusal::Busy | Refusal::NotServing) => true,
            QueryError::Refused(Refusal::StaleBlock { .. }) => {
                self.state().advanced_at = None;
                true
            }
            // It has registered anew since its record was read.
            QueryError::BadReply(BadReply::OtherAttestation) => {
                self.state().workers.remove(&cluster).is_some()
            }
            QueryError::Worker(error) => error.is_temporary(),
            _ => false,
        }
    }

    /// Asks what came of a message that `session`'s account signed.
    pub async fn outcome(
        &self,
        session: &Session,
        contract: ContractId,
        number: MessageNumber,
    ) -> Result<Answered, QueryError> {
        self.query(session, Question::Outcome { contract, number }).await
    }

    /// Asks what came of an upload. Anyone may, with a session for [`Scope::Any`].
    pub async fn upload_outcome(
        &self,
        session: &Session,
        cluster: ClusterId,
        code_hash: CodeHash,
    ) -> Result<Answered, QueryError> {
        self.query(session, Question::Upload { cluster, code_hash }).await
    }

    /// Puts an answer's receipt together with all that it takes to verify it offline, and verifies it so. With
    /// `disclose`, question and answer are in the bundle in the clear.
    pub async fn bundle(&self, answered: &Answered, disclose: bool) -> Result<ReceiptBundle, BundleError> {
        let receipt = &answered.receipt().receipt;
        let head = receipt.head;
        self.advance_to(head.number).await.map_err(|error| BundleError::Client(Box::new(error)))?;
        let finality = self.worker_url(answered.worker()).finality(head.number).await?.unverified();
        let chain_proof = self.chain.lock().await.proof_of(head.number, finality);
        let record_proof = self
            .node
            .storage_proof(&record_keys(receipt), head.hash)
            .await
            .map_err(|error| BundleError::Client(Box::new(error.into())))?
            .unverified();
        let disclosure = disclose.then(|| Disclosure::new(answered.question(), answered.answer()));
        let bundle = ReceiptBundle::new(answered.receipt().clone(), disclosure, chain_proof, record_proof);
        verify_receipt(&bundle, self.genesis)?;
        Ok(bundle)
    }

    /// The worker's public address.
    pub fn worker_url(&self, worker: &VerifiedWorker) -> WorkerUrl {
        WorkerUrl::new(&worker.endpoint(), self.http.clone())
    }

    /// Asks a worker again for a while if it starts or is busy.
    pub(crate) async fn patiently<T, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, WorkerError>
    where
        F: Future<Output = Result<T, WorkerError>>,
    {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = Backoff::new(WAIT_FIRST, WAIT_LONGEST);
        loop {
            match ask().await {
                Err(error) if error.is_temporary() && Instant::now() < deadline => {
                    tokio::time::sleep(backoff.wait()).await;
                }
                result => return result,
            }
        }
    }

    pub(crate) fn cached_inbox_key(&self, contract: &ContractId) -> Option<SignedInboxKey> {
        self.state().inbox_keys.get(contract).copied()
    }

    pub(crate) fn cache_inbox_key(&self, key: SignedInboxKey) {
        self.state().inbox_keys.insert(key.inbox_key.contract, key);
    }

    /// A number above all that this client used before: the time in microseconds, so that it is also above those of
    /// the account's earlier clients.
    pub(crate) fn next_sequence(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let mut state = self.state();
        state.sequence = u64::try_from(now).unwrap_or(u64::MAX).max(state.sequence.saturating_add(1));
        state.sequence
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing panics while it is held, and all of it may be forgotten.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Holds an answer's receipt to the code that the chain has for the contract. Only the outcome of a failed deployment
/// comes from a contract without code.
fn held_to_code(answered: Answered, record: &ContractRecord) -> Result<Answered, QueryError> {
    let is_outcome = matches!(answered.question, Question::Outcome { .. });
    match answered.receipt.receipt.code_hash {
        Some(code_hash) if code_hash == record.code_hash => Ok(answered),
        None if is_outcome => Ok(answered),
        _ => Err(QueryError::BadReply(BadReply::OtherCode)),
    }
}
