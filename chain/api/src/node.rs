//! A connection to a node, and the plain reads.

use crate::NodeError;
use codec::Encode;
use futures::future::BoxFuture;
use phala_types::{
    BlockHash, BlockNumber, BlockRef, Bytes, GenesisHash, Untrusted,
    finality::StorageProof,
    limits::{CODE_BYTES_MAX, HEADER_BYTES_MAX},
};
use std::{sync::Arc, time::Duration};
use subxt::{
    OnlineClient, SubstrateConfig,
    backend::LegacyBackend,
    config::{
        RpcConfigFor,
        substrate::{DigestItem, SubstrateHeader},
    },
    ext::jsonrpsee::{core::client::Client, ws_client::WsClientBuilder},
    rpcs::{RpcClient, client::rpc_params, methods::LegacyRpcMethods},
    utils::H256,
};

/// The largest request and answer: contract code in hexadecimal digits, and what surrounds it, with room for a batch
/// of storage values or a block. A node's own bound is 15 MiB unless it is told another one.
const MESSAGE_BYTES_MAX: u32 = 8 * CODE_BYTES_MAX;

/// How long to wait for a connection: on one machine it takes milliseconds, around the world a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait for an answer. A storage proof takes milliseconds, the metadata tens of them.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// GRANDPA's id in a header's digest (`GRANDPA_ENGINE_ID` of Substrate).
const GRANDPA_ENGINE: [u8; 4] = *b"FRNK";

/// A connection to a node. Cheap to clone. It does not reconnect: after [`NodeError::is_connection_lost`], connect
/// again.
#[derive(Clone)]
pub struct Node {
    url: String,
    pub(crate) rpc: RpcClient,
    pub(crate) methods: LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
    pub(crate) client: OnlineClient<SubstrateConfig>,
}

/// A header that hashes to what was asked for. Whether that block is on any chain is not checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockHeader {
    /// Height, as the header says, and hash.
    pub block: BlockRef,
    /// The block before it.
    pub parent: BlockHash,
    /// SCALE of the header.
    pub scale: Bytes<HEADER_BYTES_MAX>,
    /// Whether its digest announces new GRANDPA authorities.
    pub changes_authorities: bool,
}

/// What a node says of its chain and itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainInfo {
    /// The chain's name. A development network says so in it.
    pub chain: String,
    /// The node's program.
    pub node: String,
    /// Its version.
    pub version: String,
    /// How many other nodes it is connected to.
    pub peers: usize,
    /// Whether it is behind the others.
    pub is_syncing: bool,
}

impl Node {
    /// Connects to a node's WebSocket, for example `ws://127.0.0.1:9944`.
    pub fn connect(url: &str) -> BoxFuture<'_, Result<Self, NodeError>> {
        Box::pin(async move {
            let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| NodeError::Unreachable {
                url: url.to_owned(),
                source,
            };
            let client: Client = WsClientBuilder::new()
                .max_request_size(MESSAGE_BYTES_MAX)
                .max_response_size(MESSAGE_BYTES_MAX)
                .connection_timeout(CONNECT_TIMEOUT)
                .request_timeout(REQUEST_TIMEOUT)
                .build(url)
                .await
                .map_err(|error| unreachable(Box::new(error)))?;
            let rpc = RpcClient::new(client);
            let backend = LegacyBackend::<SubstrateConfig>::builder().build(rpc.clone());
            let client = OnlineClient::from_backend_with_config(SubstrateConfig::new(), Arc::new(backend))
                .await
                .map_err(|error| unreachable(Box::new(error)))?;
            Ok(Self { url: url.to_owned(), methods: LegacyRpcMethods::new(rpc.clone()), rpc, client })
        })
    }

    /// The address that it is connected to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The hash of block 0, as the node says.
    pub fn genesis_hash(&self) -> Untrusted<GenesisHash> {
        Untrusted::new(GenesisHash::new(self.client.genesis_hash().0))
    }

    /// What the node says of its chain and itself.
    pub async fn info(&self) -> Result<ChainInfo, NodeError> {
        let rpc = |call| move |error| NodeError::from_rpc(call, error);
        let health = self.methods.system_health().await.map_err(rpc("system_health"))?;
        Ok(ChainInfo {
            chain: self.methods.system_chain().await.map_err(rpc("system_chain"))?,
            node: self.methods.system_name().await.map_err(rpc("system_name"))?,
            version: self.methods.system_version().await.map_err(rpc("system_version"))?,
            peers: health.peers,
            is_syncing: health.is_syncing,
        })
    }

    /// The newest finalized block, as the node says.
    pub async fn finalized_head(&self) -> Result<Untrusted<BlockHeader>, NodeError> {
        let hash = self
            .methods
            .chain_get_finalized_head()
            .await
            .map_err(|error| NodeError::from_rpc("chain_getFinalizedHead", error))?;
        self.header(BlockHash::new(hash.0)).await
    }

    /// The hash of the block at a height of the node's best chain.
    pub async fn block_hash(&self, number: BlockNumber) -> Result<Untrusted<BlockHash>, NodeError> {
        let hash: Option<H256> = self
            .rpc
            .request("chain_getBlockHash", rpc_params![number.value()])
            .await
            .map_err(|error| NodeError::from_rpc("chain_getBlockHash", error))?;
        hash.map(|hash| Untrusted::new(BlockHash::new(hash.0)))
            .ok_or_else(|| NodeError::Missing { what: format!("block {number}") })
    }

    /// A header by its hash. The answer does hash to it.
    pub async fn header(&self, hash: BlockHash) -> Result<Untrusted<BlockHeader>, NodeError> {
        const CALL: &str = "chain_getHeader";
        let header = self
            .methods
            .chain_get_header(Some(H256(*hash.as_bytes())))
            .await
            .map_err(|error| NodeError::from_rpc(CALL, error))?
            .ok_or_else(|| NodeError::Missing { what: format!("the header of block {hash}") })?;
        block_header(hash, &header).map(Untrusted::new)
    }

    /// A value of the chain's storage at a block.
    pub async fn storage(&self, key: &[u8], at: BlockHash) -> Result<Untrusted<Option<Vec<u8>>>, NodeError> {
        self.methods
            .state_get_storage(key, Some(H256(*at.as_bytes())))
            .await
            .map(Untrusted::new)
            .map_err(|error| NodeError::from_rpc("state_getStorage", error))
    }

    /// Up to `count` keys of the chain's storage that begin with `prefix` and come after `start`, in their order.
    /// That none was left out is not provable.
    pub async fn storage_keys(
        &self,
        prefix: &[u8],
        count: u32,
        start: Option<&[u8]>,
        at: BlockHash,
    ) -> Result<Untrusted<Vec<Vec<u8>>>, NodeError> {
        self.methods
            .state_get_keys_paged(prefix, count, start, Some(H256(*at.as_bytes())))
            .await
            .map(Untrusted::new)
            .map_err(|error| NodeError::from_rpc("state_getKeysPaged", error))
    }

    /// A proof of the values, or the absence, of some keys in a block's storage.
    pub async fn storage_proof(
        &self,
        keys: &[Vec<u8>],
        at: BlockHash,
    ) -> Result<Untrusted<StorageProof>, NodeError> {
        const CALL: &str = "state_getReadProof";
        let proof = self
            .methods
            .state_get_read_proof(keys.iter().map(Vec::as_slice), Some(H256(*at.as_bytes())))
            .await
            .map_err(|error| NodeError::from_rpc(CALL, error))?;
        let nodes = proof
            .proof
            .into_iter()
            .map(|node| node.0.try_into())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| NodeError::malformed(CALL, "has a trie node over the limit"))?;
        let nodes = nodes.try_into().map_err(|_| NodeError::malformed(CALL, "has too many trie nodes"))?;
        Ok(Untrusted::new(StorageProof { nodes }))
    }
}

/// Brings a header from JSON back to the bytes that the chain hashes, and holds it to the hash that it was asked by.
fn block_header(hash: BlockHash, header: &SubstrateHeader<H256>) -> Result<BlockHeader, NodeError> {
    const CALL: &str = "chain_getHeader";
    let scale = header.encode();
    if sp_crypto_hashing::blake2_256(&scale) != *hash.as_bytes() {
        return Err(NodeError::malformed(CALL, format!("is not the header of block {hash}")));
    }
    let number =
        u32::try_from(header.number).map_err(|_| NodeError::malformed(CALL, "has a height over 32 bits"))?;
    let changes_authorities = header.digest.logs.iter().any(|item| {
        // `ConsensusLog::ScheduledChange` is 1 and `ForcedChange` 2 (sp-consensus-grandpa).
        matches!(item, DigestItem::Consensus(GRANDPA_ENGINE, log) if matches!(log.first(), Some(1 | 2)))
    });
    Ok(BlockHeader {
        block: BlockRef { number: BlockNumber::new(number), hash },
        parent: BlockHash::new(header.parent_hash.0),
        scale: scale.try_into().map_err(|_| NodeError::malformed(CALL, "is over the limit"))?,
        changes_authorities,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use subxt::config::substrate::Digest;

    fn header(logs: Vec<DigestItem>) -> (BlockHash, SubstrateHeader<H256>) {
        let header = SubstrateHeader {
            parent_hash: H256([1; 32]),
            number: 7,
            state_root: H256([2; 32]),
            extrinsics_root: H256([3; 32]),
            digest: Digest { logs },
        };
        (BlockHash::new(sp_crypto_hashing::blake2_256(&header.encode())), header)
    }

    #[test]
    fn header_is_held_to_the_hash_that_it_was_asked_by() {
        let (hash, good) = header(vec![]);
        let found = block_header(hash, &good).unwrap();
        assert_eq!(found.block, BlockRef { number: BlockNumber::new(7), hash });
        assert!(!found.changes_authorities);
        let error = block_header(BlockHash::new([9; 32]), &good).unwrap_err();
        assert!(matches!(error, NodeError::Malformed { call: "chain_getHeader", .. }));
    }

    #[test]
    fn header_that_announces_authorities_is_told_from_one_that_does_not() {
        let log = |engine, kind| DigestItem::Consensus(engine, vec![kind, 0]);
        for (logs, expected) in [
            (vec![log(*b"FRNK", 1)], true),
            (vec![log(*b"FRNK", 2)], true),
            (vec![log(*b"FRNK", 4)], false),
            (vec![log(*b"BABE", 1)], false),
        ] {
            let (hash, header) = header(logs);
            assert_eq!(block_header(hash, &header).unwrap().changes_authorities, expected);
        }
    }

    #[tokio::test]
    async fn unreachable_node_is_named_with_its_address() {
        let error = Node::connect("ws://127.0.0.1:1").await.err().unwrap();
        assert!(error.is_connection_lost());
        assert_eq!(error.to_string(), "cannot reach a node at ws://127.0.0.1:1");
    }
}
