//! The chain as this client has verified it: from the genesis block on, by GRANDPA's justifications.

use phala_chain_api::{Node, NodeError};
use phala_light::{FinalizedHead, Light, LightError, ProofError, Values};
use phala_types::{
    BlockNumber, GenesisHash, List, Untrusted,
    finality::{ChainProof, FinalityProof, GenesisProof},
};
use std::time::Duration;

/// How long to wait for a block to become final before giving up. GRANDPA takes seconds; a chain without two thirds of
/// its authorities takes forever.
const FINALITY_TIMEOUT: Duration = Duration::from_secs(60);

/// Why the chain cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The node's fault, or the way to it.
    #[error("cannot follow the chain")]
    Node(#[from] NodeError),
    /// Rejected: the node shows a chain that the network's authorities did not finalize.
    #[error("the node at {url} shows what the network did not finalize")]
    NotFinalized {
        /// The node.
        url: String,
        /// What is wrong with it.
        #[source]
        source: LightError,
    },
    /// Rejected: another network than the one that was asked for.
    #[error("the node at {url} is of the network {found}, not of {expected}")]
    OtherNetwork {
        /// The node.
        url: String,
        /// What was asked for.
        expected: GenesisHash,
        /// What the node has.
        found: GenesisHash,
    },
    /// Rejected: a value of the chain's storage is not proven.
    #[error("the node at {url} does not prove what it says of the chain's storage")]
    NotProven {
        /// The node.
        url: String,
        /// What is wrong with it.
        #[source]
        source: ProofError,
    },
    /// Unavailable: the chain stands still.
    #[error("block {wanted} did not become final within {} s; the newest final block is {head}", FINALITY_TIMEOUT.as_secs())]
    Stalled {
        /// What was waited for.
        wanted: BlockNumber,
        /// What there is.
        head: BlockNumber,
    },
}

/// A light client that is fed by one node, and remembers what it takes to convince others.
pub struct Chain {
    node: Node,
    light: Light,
    genesis: GenesisProof,
    handoffs: Vec<(BlockNumber, FinalityProof)>,
}

impl Chain {
    /// Begins at block 0 of the `expected` network, or, if none is named, of whatever network the node is of.
    pub async fn start(node: Node, expected: Option<GenesisHash>) -> Result<Self, ChainError> {
        let found = node.genesis_hash().unverified();
        let url = node.url().to_owned();
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(ChainError::OtherNetwork { url, expected, found });
        }
        let genesis = node.genesis_proof().await?;
        let light = Light::from_genesis(expected.unwrap_or(found), genesis.clone())
            .map_err(|source| ChainError::NotFinalized { url, source })?;
        Ok(Self { node, light, genesis: genesis.unverified(), handoffs: Vec::new() })
    }

    /// The network.
    pub fn genesis(&self) -> GenesisHash {
        self.light.genesis()
    }

    /// The newest block that was verified.
    pub fn head(&self) -> FinalizedHead {
        self.light.head()
    }

    /// Goes on with another connection to a node of the same network.
    pub fn reconnect(&mut self, node: Node) {
        self.node = node;
    }

    /// Verifies up to the node's newest final block.
    pub async fn advance(&mut self) -> Result<FinalizedHead, ChainError> {
        for step in self.node.finality_after(self.light.head().number()).await? {
            let step = step.unverified();
            self.import(step.proof)?;
        }
        Ok(self.light.head())
    }

    /// Verifies up to a block that is not below `wanted`, and waits for it if need be.
    pub async fn advance_to(&mut self, wanted: BlockNumber) -> Result<FinalizedHead, ChainError> {
        if self.light.head().number() >= wanted {
            return Ok(self.light.head());
        }
        let waiting = async {
            let mut news = self.node.subscribe_finality().await?;
            while self.advance().await?.number() < wanted {
                news.next().await?;
            }
            Ok::<_, ChainError>(())
        };
        match tokio::time::timeout(FINALITY_TIMEOUT, waiting).await {
            Ok(reached) => reached?,
            Err(_) => {
                return Err(ChainError::Stalled { wanted, head: self.light.head().number() });
            }
        }
        Ok(self.light.head())
    }

    fn import(&mut self, proof: FinalityProof) -> Result<(), ChainError> {
        let before = self.light.set_id();
        let head = self
            .light
            .import(Untrusted::new(proof.clone()))
            .map_err(|source| ChainError::NotFinalized { url: self.node.url().to_owned(), source })?;
        if self.light.set_id() != before {
            self.handoffs.push((head.number(), proof));
        }
        Ok(())
    }

    /// Reads storage at a verified block.
    pub async fn read(&self, head: &FinalizedHead, keys: &[Vec<u8>]) -> Result<Values, ChainError> {
        let proof = self.node.storage_proof(keys, head.hash()).await?.unverified();
        head.read(Untrusted::new(&proof), keys)
            .map_err(|source| ChainError::NotProven { url: self.node.url().to_owned(), source })
    }

    /// All that it takes to verify a block from the genesis hash. The block's own proof comes from outside; it is
    /// checked by whoever verifies the whole.
    pub fn proof_of(&self, number: BlockNumber, head: FinalityProof) -> ChainProof {
        let before = self.handoffs.iter().filter(|(handoff, _)| *handoff < number);
        // A light client does not get here past as many hand-offs as a proof holds: each is at least an hour apart.
        let handoffs = List::truncate_from(before.map(|(_, proof)| proof.clone()).collect());
        ChainProof { genesis: self.genesis.clone(), handoffs, head }
    }
}
