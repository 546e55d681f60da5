//! Chains, authorities and proofs made up for tests: what a node gives out, without a node.
//!
//! ```
//! use phala_light::{Light, keys, testing::{Authorities, Chain}};
//! use phala_types::Untrusted;
//!
//! let mut chain = Chain::new(Authorities::new("first", 4));
//! let mut light = Light::from_genesis(chain.genesis_hash(), Untrusted::new(chain.genesis_proof())).unwrap();
//! chain.put(keys::timestamp_now(), &42u64);
//! let block = chain.build();
//! let head = light.import(Untrusted::new(chain.finality_proof(block.number))).unwrap();
//! let keys = vec![keys::timestamp_now()];
//! let values = head.read(Untrusted::new(&chain.prove(block.number, &keys)), &keys).unwrap();
//! assert_eq!(values.decode::<u64>(&keys[0]), Ok(Some(42)));
//! ```

use crate::{
    AuthorityId, AuthorityList,
    grandpa::payload,
    header::{Change, GRANDPA, GrandpaLog},
    keys,
    storage::EMPTY_TRIE,
};
pub use crate::{
    grandpa::{Commit, Justification, Precommit, SignedPrecommit},
    header::{DigestItem, Header},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec,
    vec::Vec,
};
use codec::Encode;
use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use phala_types::{
    BlockNumber, BlockRef, ClusterId, GenesisHash, WorkerId,
    finality::{ChainProof, FinalityProof, GenesisProof, StorageProof},
};
use sp_core::{Blake2Hasher, H256};
use sp_trie::{
    LayoutV1, MemoryDB, Recorder, Trie, TrieConfiguration, TrieDBBuilder, TrieMut,
    trie_types::TrieDBMutBuilderV1,
};

type Layout = LayoutV1<Blake2Hasher>;

/// A set of authorities with their private keys.
#[derive(Clone)]
pub struct Authorities(Vec<(SigningKey, u64)>);

impl Authorities {
    /// So many, of equal weight. Sets of other names have other keys.
    pub fn new(name: &str, count: usize) -> Self {
        Self::weighted(name, &vec![1; count])
    }

    /// With these weights.
    pub fn weighted(name: &str, weights: &[u64]) -> Self {
        let key = |index: u64| SigningKey::from((name, index).using_encoded(sp_crypto_hashing::blake2_256));
        Self((0..).zip(weights).map(|(index, weight)| (key(index), *weight)).collect())
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Public keys and weights, as the chain lists them.
    pub fn list(&self) -> AuthorityList {
        let entry = |(key, weight): &(SigningKey, u64)| {
            (AuthorityId(VerificationKeyBytes::from(key).into()), *weight)
        };
        self.0.iter().map(entry).collect::<Vec<_>>().try_into().expect("tests use few authorities")
    }

    /// The vote of the authority at `index`.
    pub fn vote(&self, index: usize, target: BlockRef, round: u64, set_id: u64) -> SignedPrecommit {
        let precommit = Precommit { target_hash: target.hash, target_number: target.number.value() };
        let key = &self.0[index].0;
        let signature = key.sign(&payload(&precommit, round, set_id)).into();
        SignedPrecommit { precommit, signature, id: AuthorityId(VerificationKeyBytes::from(key).into()) }
    }
}

struct Block {
    header: Header,
    storage: Arc<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Who finalizes it.
    authorities: Authorities,
    set_id: u64,
    changes_authorities: bool,
}

/// A chain with storage, all of whose blocks its authorities finalize when asked. A clone of it is a fork.
#[derive(Clone)]
pub struct Chain {
    blocks: Vec<Arc<Block>>,
    storage: Arc<BTreeMap<Vec<u8>, Vec<u8>>>,
    authorities: Authorities,
    set_id: u64,
}

impl Chain {
    /// A chain with block 0, whose storage lists `authorities`.
    pub fn new(authorities: Authorities) -> Self {
        let mut chain = Self { blocks: Vec::new(), storage: Arc::default(), authorities, set_id: 0 };
        let list = chain.authorities.list();
        chain.put(keys::grandpa_authorities(), &list);
        chain.build();
        chain
    }

    /// Sets a storage value from the next block on.
    pub fn put(&mut self, key: Vec<u8>, value: &impl Encode) {
        Arc::make_mut(&mut self.storage).insert(key, value.encode());
    }

    /// Removes a storage value from the next block on.
    pub fn remove(&mut self, key: &[u8]) {
        Arc::make_mut(&mut self.storage).remove(key);
    }

    /// Builds the next block.
    pub fn build(&mut self) -> BlockRef {
        self.build_with(Vec::new())
    }

    /// Builds a block that hands over to `next`.
    pub fn build_handoff(&mut self, next: Authorities) -> BlockRef {
        let change = Change { authorities: next.list(), delay: 0 };
        self.put(keys::grandpa_authorities(), &next.list());
        let block = self.build_with(vec![scheduled_change(change)]);
        Arc::get_mut(self.blocks.last_mut().expect("just built")).expect("just built").changes_authorities =
            true;
        self.authorities = next;
        self.set_id += 1;
        block
    }

    /// Builds the next block with these digest items. The chain itself does not act on them.
    pub fn build_with(&mut self, digest: Vec<DigestItem>) -> BlockRef {
        let number = u32::try_from(self.blocks.len()).expect("tests have few blocks");
        let header = Header {
            parent: self.blocks.last().map_or(phala_types::BlockHash::new([0; 32]), |b| b.header.hash()),
            number,
            state_root: Layout::trie_root(self.storage.iter()).0,
            extrinsics_root: sp_crypto_hashing::blake2_256(&number.encode()),
            digest,
        };
        let block = BlockRef { number: header.number(), hash: header.hash() };
        self.blocks.push(Arc::new(Block {
            header,
            storage: self.storage.clone(),
            authorities: self.authorities.clone(),
            set_id: self.set_id,
            changes_authorities: false,
        }));
        block
    }

    /// The newest block.
    pub fn head(&self) -> BlockRef {
        self.block_ref(BlockNumber::new(self.blocks.len() as u32 - 1))
    }

    /// A block by its height.
    pub fn block_ref(&self, number: BlockNumber) -> BlockRef {
        BlockRef { number, hash: self.header(number).hash() }
    }

    /// A block's header.
    pub fn header(&self, number: BlockNumber) -> &Header {
        &self.block(number).header
    }

    /// The genesis hash.
    pub fn genesis_hash(&self) -> GenesisHash {
        GenesisHash::new(*self.blocks[0].header.hash().as_bytes())
    }

    /// What a light client begins with.
    pub fn genesis_proof(&self) -> GenesisProof {
        GenesisProof {
            header: bounded(self.blocks[0].header.encode()),
            authorities: self.prove(BlockNumber::new(0), &[keys::grandpa_authorities()]),
        }
    }

    /// What an honest node gives out: all authorities vote for the block itself.
    pub fn justify(&self, number: BlockNumber) -> Justification {
        let block = self.block(number);
        let target = self.block_ref(number);
        let round = u64::from(number.value());
        let votes = 0..block.authorities.count();
        Justification {
            round,
            commit: Commit {
                target_hash: target.hash,
                target_number: number.value(),
                precommits: votes.map(|i| block.authorities.vote(i, target, round, block.set_id)).collect(),
            },
            votes_ancestries: Vec::new(),
        }
    }

    /// A block with its justification.
    pub fn finality_proof(&self, number: BlockNumber) -> FinalityProof {
        self.finality_proof_with(number, &self.justify(number))
    }

    /// A block with any justification.
    pub fn finality_proof_with(&self, number: BlockNumber, justification: &Justification) -> FinalityProof {
        FinalityProof {
            header: bounded(self.header(number).encode()),
            justification: bounded(justification.encode()),
        }
    }

    /// All that it takes to verify a block from the genesis hash.
    pub fn chain_proof(&self, number: BlockNumber) -> ChainProof {
        let before = self.blocks.iter().take(number.value() as usize);
        let handoffs = before.filter(|block| block.changes_authorities);
        ChainProof {
            genesis: self.genesis_proof(),
            handoffs: handoffs
                .map(|block| self.finality_proof(BlockNumber::new(block.header.number)))
                .collect::<Vec<_>>()
                .try_into()
                .expect("tests have few hand-offs"),
            head: self.finality_proof(number),
        }
    }

    /// The trie nodes that prove the values at `keys` at a block, or their absence.
    pub fn prove(&self, number: BlockNumber, keys: &[Vec<u8>]) -> StorageProof {
        prove(&self.block(number).storage, keys)
    }

    /// The storage proof that goes with a block for a worker (`phala_light::keys::worker_view`).
    pub fn prove_worker_view(
        &self,
        number: BlockNumber,
        worker: WorkerId,
        cluster: Option<ClusterId>,
    ) -> StorageProof {
        self.prove(number, &keys::worker_view(worker, cluster))
    }

    fn block(&self, number: BlockNumber) -> &Block {
        &self.blocks[number.value() as usize]
    }
}

/// A digest item that hands over to other authorities after `delay` blocks.
pub fn scheduled_change_item(next: &Authorities, delay: u32) -> DigestItem {
    scheduled_change(Change { authorities: next.list(), delay })
}

/// A digest item that forces other authorities.
pub fn forced_change_item(next: &Authorities, median: u32) -> DigestItem {
    let change = Change { authorities: next.list(), delay: 0 };
    DigestItem::Consensus(GRANDPA, GrandpaLog::ForcedChange(median, change).encode())
}

/// A digest item that has no effect on finality.
pub fn disabled_item(index: u64) -> DigestItem {
    DigestItem::Consensus(GRANDPA, GrandpaLog::OnDisabled(index).encode())
}

fn scheduled_change(change: Change) -> DigestItem {
    DigestItem::Consensus(GRANDPA, GrandpaLog::ScheduledChange(change).encode())
}

fn prove(storage: &BTreeMap<Vec<u8>, Vec<u8>>, keys: &[Vec<u8>]) -> StorageProof {
    let mut nodes = MemoryDB::<Blake2Hasher>::new(EMPTY_TRIE);
    let mut root = H256::default();
    {
        let mut trie = TrieDBMutBuilderV1::<Blake2Hasher>::new(&mut nodes, &mut root).build();
        for (key, value) in storage {
            trie.insert(key, value).expect("a trie in memory");
        }
    }
    let mut recorder = Recorder::<Layout>::new();
    {
        let trie = TrieDBBuilder::<Layout>::new(&nodes, &root).with_recorder(&mut recorder).build();
        for key in keys {
            trie.get(key).expect("a trie in memory");
        }
    }
    // Each node once, as a node gives them out.
    let nodes = recorder.drain().into_iter().map(|record| record.data).collect::<BTreeSet<_>>();
    let nodes = nodes.into_iter().map(bounded).collect::<Vec<_>>();
    StorageProof { nodes: nodes.try_into().expect("tests read few keys") }
}

fn bounded<const N: u32>(bytes: Vec<u8>) -> phala_types::Bytes<N> {
    bytes.try_into().expect("tests have small blocks")
}
