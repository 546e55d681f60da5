//! The newest block that is known to be finalized, and how the next one becomes it.

use crate::{
    LightError, ProofError, Values, WorkerView,
    grandpa::{AuthorityList, Justification, voter_set},
    header::{Header, hash_of},
    keys, storage,
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use phala_types::{
    BlockHash, BlockNumber, BlockRef, ClusterId, GenesisHash, Untrusted, WorkerId,
    finality::{ChainProof, FinalityProof, GenesisProof, StorageProof},
};

/// A block that the network's authorities finalized. Only [`Light`] gives it out: holding it is the proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FinalizedHead(Head);

/// The same without the proof, so that a [`Light`] can be stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
struct Head {
    number: BlockNumber,
    hash: BlockHash,
    state_root: [u8; 32],
}

impl FinalizedHead {
    /// Its height.
    pub fn number(&self) -> BlockNumber {
        self.0.number
    }

    /// Its hash.
    pub fn hash(&self) -> BlockHash {
        self.0.hash
    }

    /// The root of the storage trie after it.
    pub fn state_root(&self) -> &[u8; 32] {
        &self.0.state_root
    }

    /// Height and hash.
    pub fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.0.number, hash: self.0.hash }
    }

    /// Reads the values at `keys`, each of which the proof has to prove to be there or to be absent.
    pub fn read(&self, proof: Untrusted<&StorageProof>, keys: &[Vec<u8>]) -> Result<Values, ProofError> {
        storage::read(self.state_root(), proof, keys)
    }

    /// Reads what a worker has to know of itself, and of its cluster if it has one ([`keys::worker_view`]).
    pub fn worker_view(
        &self,
        proof: Untrusted<&StorageProof>,
        worker: WorkerId,
        cluster: Option<ClusterId>,
    ) -> Result<WorkerView, ProofError> {
        WorkerView::read(&self.read(proof, &keys::worker_view(worker, cluster))?, worker, cluster)
    }
}

/// A light client of one network.
///
/// It can be stored. What is decoded is believed, so it has to come from where nobody else can write: a worker keeps
/// it sealed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Light {
    genesis: GenesisHash,
    head: Head,
    set_id: u64,
    authorities: AuthorityList,
}

impl Light {
    /// Begins with block 0 of the network whose genesis hash is `expected`.
    pub fn from_genesis(expected: GenesisHash, proof: Untrusted<GenesisProof>) -> Result<Self, LightError> {
        if genesis_hash(proof.as_unverified()) != expected {
            return Err(LightError::WrongGenesis);
        }
        Self::trust_first_genesis(proof)
    }

    /// Begins with block 0 of whatever network the proof is of.
    ///
    /// For the first thing that a new worker is told. It binds the worker to that network for life: all that it signs
    /// and opens names the genesis hash, so another network than the one that it was meant for has no use for it.
    pub fn trust_first_genesis(proof: Untrusted<GenesisProof>) -> Result<Self, LightError> {
        let genesis = genesis_hash(proof.as_unverified());
        let proof = proof.unverified();
        let header = Header::read(&proof.header)?;
        if header.number != 0 {
            return Err(LightError::NotGenesis);
        }
        let head = Head {
            number: header.number(),
            hash: BlockHash::new(*genesis.as_bytes()),
            state_root: header.state_root,
        };
        let key = keys::grandpa_authorities();
        let authorities: AuthorityList =
            storage::read(&head.state_root, Untrusted::new(&proof.authorities), core::slice::from_ref(&key))
                .and_then(|values| values.decode_present(&key))
                .map_err(LightError::UnprovenAuthorities)?;
        voter_set(&authorities)?;
        // The runtime counts sets of authorities from 0.
        Ok(Self { genesis, head, set_id: 0, authorities })
    }

    /// Verifies that a block above the newest one is finalized, and makes it the newest. Changes nothing on an error.
    ///
    /// Blocks may be left out, except for those that change the authorities.
    pub fn import(&mut self, proof: Untrusted<FinalityProof>) -> Result<FinalizedHead, LightError> {
        self.verify(proof.as_unverified()).map(Verified::accept)
    }

    /// Verifies as [`Self::import`] does, and leaves it to the caller whether the block becomes the newest one: there may
    /// be more to check.
    pub fn verify_next(&mut self, proof: Untrusted<&FinalityProof>) -> Result<Verified<'_>, LightError> {
        self.verify(proof.unverified())
    }

    fn verify(&mut self, proof: &FinalityProof) -> Result<Verified<'_>, LightError> {
        let header = Header::read(&proof.header)?;
        if header.number() <= self.head.number {
            return Err(LightError::NotAbove { number: header.number(), head: self.head.number });
        }
        let head =
            Head { number: header.number(), hash: hash_of(&proof.header), state_root: header.state_root };
        let justification = Justification::read(&proof.justification)?;
        let target = (justification.commit.target_hash, justification.commit.target_number);
        if target != (head.hash, header.number) {
            return Err(LightError::WrongTarget);
        }
        justification.verify(self.set_id, &self.authorities)?;

        let mut next_set = None;
        if let Some(authorities) = header.change()? {
            voter_set(&authorities)?;
            let set_id = self.set_id.checked_add(1).ok_or(LightError::InvalidAuthorities)?;
            next_set = Some((set_id, authorities));
        }
        Ok(Verified { light: self, head, next_set })
    }

    /// The newest block that is known to be finalized.
    pub fn head(&self) -> FinalizedHead {
        FinalizedHead(self.head)
    }

    /// The network.
    pub fn genesis(&self) -> GenesisHash {
        self.genesis
    }

    /// Who finalizes the next block.
    pub fn authorities(&self) -> &AuthorityList {
        &self.authorities
    }

    /// How many times the authorities changed.
    pub fn set_id(&self) -> u64 {
        self.set_id
    }
}

/// A block that is finalized, and not the newest one yet. Dropping it changes nothing.
#[must_use]
pub struct Verified<'a> {
    light: &'a mut Light,
    head: Head,
    next_set: Option<(u64, AuthorityList)>,
}

impl Verified<'_> {
    /// The block.
    pub fn head(&self) -> FinalizedHead {
        FinalizedHead(self.head)
    }

    /// Makes it the newest one.
    pub fn accept(self) -> FinalizedHead {
        if let Some((set_id, authorities)) = self.next_set {
            self.light.set_id = set_id;
            self.light.authorities = authorities;
        }
        self.light.head = self.head;
        FinalizedHead(self.head)
    }
}

fn genesis_hash(proof: &GenesisProof) -> GenesisHash {
    GenesisHash::new(*hash_of(&proof.header).as_bytes())
}

/// Verifies a block from nothing but the genesis hash: block 0, each change of the authorities, then the block. The
/// block itself has to be above the last change.
pub fn verify_chain_proof(
    expected: GenesisHash,
    proof: Untrusted<ChainProof>,
) -> Result<FinalizedHead, LightError> {
    let proof = proof.unverified();
    let mut light = Light::from_genesis(expected, Untrusted::new(proof.genesis))?;
    for handoff in proof.handoffs {
        light.import(Untrusted::new(handoff))?;
    }
    light.import(Untrusted::new(proof.head))
}
